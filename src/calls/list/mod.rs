//! Finding calls: the filters of a list, and the same as a file.

mod export;
pub mod http;
mod sql;

use super::{Direction, Status, number};
use crate::{
    error::{Checks, Result},
    event::Listener,
    id::{EntityId, TenantId, UserId},
    time,
};
use serde::Deserialize;

/// Longest text of a filter, bytes; most words of one with commas.
const TEXT_MAX: usize = 200;
const WORDS_MAX: usize = 20;

/// Fewest digits of a number that is looked for.
const DIGITS_MIN: usize = 3;

const DAY_MS: i64 = 86_400_000;

/// What a list may be asked for. Words with commas between them mean any of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filters {
    /// Where they stand.
    state: Option<String>,
    /// Queues that they waited in last.
    queue: Option<String>,
    /// `me`, `none`, or the id of somebody for whom they ring, who had them, or whom they name.
    agent: Option<String>,
    /// `inbound` or `outbound`.
    direction: Option<String>,
    /// How they ended.
    result: Option<String>,
    /// Begun at or after: a date (UTC) or a time.
    from: Option<String>,
    /// Begun before that time, or up to the end of that date.
    to: Option<String>,
    /// Digits of the other side's number.
    q: Option<String>,
    /// Whether somebody has spoken with, or called back, whoever was not answered.
    returned: Option<bool>,
    /// What came of them: a ticket's id.
    ticket: Option<EntityId>,
    /// Whose number the other side's is.
    customer: Option<UserId>,
    page: Option<i64>,
    per_page: Option<i64>,
}

/// Somebody, or nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum One {
    Nobody,
    This(UserId),
}

/// Filters that were understood.
#[derive(Debug, Clone)]
struct Wanted {
    tenant: TenantId,
    statuses: Vec<Status>,
    queues: Vec<String>,
    agent: Option<One>,
    direction: Option<Direction>,
    results: Vec<String>,
    from: Option<i64>,
    before: Option<i64>,
    digits: Option<String>,
    returned: Option<bool>,
    ticket: Option<EntityId>,
    customer: Option<UserId>,
}

impl Filters {
    fn wanted(&self, who: &Listener) -> Result<Wanted> {
        let mut checks = Checks::new();
        let statuses = words(&mut checks, "state", self.state.as_deref());
        let known: Option<Vec<_>> = statuses.iter().map(|word| Status::of(word)).collect();
        let all = Status::ALL.iter().map(|status| status.name()).collect::<Vec<_>>().join(", ");
        if known.is_none() {
            checks.fail("state", format!("must be one or more of {all}"));
        }
        let direction = self.direction.as_deref().map(Direction::of);
        let why = "must be inbound or outbound";
        checks.check(direction != Some(None), "direction", why);
        let digits = self.q.as_deref().map(number::digits);
        let enough = digits.as_ref().is_none_or(|digits| digits.len() >= DIGITS_MIN);
        checks.check(enough, "q", "must be at least 3 digits of a number");
        let long = digits.as_ref().is_some_and(|digits| digits.len() > TEXT_MAX);
        checks.check(!long, "q", "must have at most 200 bytes");
        let wanted = Wanted {
            tenant: who.tenant,
            statuses: known.unwrap_or_default(),
            queues: words(&mut checks, "queue", self.queue.as_deref()),
            agent: agent(&mut checks, self.agent.as_deref(), who.user),
            direction: direction.flatten(),
            results: words(&mut checks, "result", self.result.as_deref()),
            from: moment(&mut checks, "from", self.from.as_deref(), 0),
            before: moment(&mut checks, "to", self.to.as_deref(), DAY_MS),
            digits,
            returned: self.returned,
            ticket: self.ticket,
            customer: self.customer,
        };
        checks.done()?;
        Ok(wanted)
    }
}

fn words(checks: &mut Checks, field: &str, text: Option<&str>) -> Vec<String> {
    let text = text.unwrap_or_default();
    checks.check(text.len() <= TEXT_MAX, field, "must have at most 200 bytes");
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    let words: Vec<String> = words.map(str::to_owned).collect();
    checks.check(words.len() <= WORDS_MAX, field, "must be at most 20");
    words
}

fn agent(checks: &mut Checks, text: Option<&str>, me: UserId) -> Option<One> {
    match text.map(str::trim).filter(|text| !text.is_empty())? {
        "me" => Some(One::This(me)),
        "none" => Some(One::Nobody),
        id => {
            let read = id.parse().ok().map(One::This);
            checks.check(read.is_some(), "agent", "must be me, none or an id");
            read
        }
    }
}

/// A time, or a date: its first millisecond in UTC and `whole_day` more.
fn moment(checks: &mut Checks, field: &str, text: Option<&str>, whole_day: i64) -> Option<i64> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    let day = || time::parse_rfc3339(&format!("{text}T00:00:00Z")).map(|at| at + whole_day);
    let read = time::parse_rfc3339(text).or_else(day);
    checks.check(read.is_some(), field, "must be a date such as 2026-01-31, or a time in RFC 3339");
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::Role, error::Error};
    use serde_json::json;
    use uuid::Uuid;

    fn asked(filters: serde_json::Value) -> Result<Wanted> {
        let (tenant, user) = (TenantId(Uuid::nil()), UserId(Uuid::from_u128(7)));
        let filters: Filters = serde_json::from_value(filters).unwrap();
        filters.wanted(&Listener { tenant, user, role: Role::Agent })
    }

    /// Every filter that cannot be read is named at once.
    #[test]
    fn filters_that_cannot_be_read_are_named() {
        let wrong = json!({ "state": "ringing,asleep", "agent": "x", "direction": "up", "q": "a1",
            "from": "yesterday", "to": "2026-13-01" });
        let Err(Error::Invalid(fields)) = asked(wrong) else { panic!("accepted") };
        let names: Vec<_> = fields.into_iter().map(|f| f.field).collect();
        assert_eq!(names, ["state", "direction", "q", "agent", "from", "to"]);
    }

    /// A day is meant whole, a moment to the millisecond.
    #[test]
    fn dates_are_whole_days_and_me_is_whoever_asks() {
        let wanted = asked(json!({ "from": "2026-01-31", "to": "2026-01-31", "agent": "me" }));
        let wanted = wanted.unwrap();
        let from = time::parse_rfc3339("2026-01-31T00:00:00Z").unwrap();
        assert_eq!((wanted.from, wanted.before), (Some(from), Some(from + DAY_MS)));
        assert_eq!(wanted.agent, Some(One::This(UserId(Uuid::from_u128(7)))));
        let exact = asked(json!({ "to": "2026-01-31T00:00:00Z" })).unwrap();
        assert_eq!(exact.before, Some(from));
    }
}
