//! Replay: many deliveries of one endpoint put back into the queue, by a job that survives a
//! restart.
//!
//! A job walks the tenant's events in order and remembers how far it came, so that it touches every
//! delivery at most once: those that are, and were when it was made, in one of the states asked
//! for. What was delivered since, by whomever, is left alone. It queues in steps, and no faster
//! than the endpoint takes them.

pub mod http;
mod keeper;
mod sql;
#[cfg(test)]
mod tests;

pub use keeper::keep;

use crate::{
    error::{Checks, Error, Result},
    event::{Kind, pattern},
    id::TenantId,
    time,
};
use serde::{Deserialize, Serialize};

/// Deliveries queued in one write.
const STEP: usize = 500;

/// Events looked at in one read.
const WINDOW: i64 = 20_000;

/// Events that one replay may span; more would be counted for too long.
const SPAN_MAX: i64 = 10_000_000;

/// While so many deliveries wait for the endpoint, a job queues no more: it would only push the
/// backlog over its bound.
const WAITING_MAX: i64 = 5_000;

/// States that can be replayed, and those that are unless said.
const STATES: [&str; 5] = ["held", "failed", "expired", "cancelled", "delivered"];
const STATES_UNLESS_SAID: [&str; 3] = ["held", "failed", "expired"];

/// What `POST /webhooks/{id}/replay` takes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    since: Option<String>,
    until: Option<String>,
    events: Option<Vec<String>>,
    states: Option<Vec<String>>,
    #[serde(default)]
    dry_run: bool,
}

/// Which deliveries of an endpoint are meant.
#[derive(Debug, Clone)]
struct Scope {
    tenant: TenantId,
    endpoint: i64,
    since_ms: i64,
    until_ms: i64,
    events: Vec<String>,
    states: Vec<String>,
    /// When the job was made: what ended later is not meant.
    made_at: i64,
}

impl Scope {
    /// Reads a wish.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    fn of(wish: &Wish, (tenant, endpoint): (TenantId, i64), now: i64) -> Result<Self> {
        let mut checks = Checks::new();
        let mut moment = |field: &str, said: &Option<String>| {
            let read = said.as_deref().map(time::parse_rfc3339);
            if read == Some(None) {
                checks.fail(field, "must be a time with an offset, such as 2026-01-31T12:00:00Z");
            }
            read.flatten()
        };
        let since = moment("since", &wish.since);
        let until = moment("until", &wish.until).unwrap_or(now);
        if wish.since.is_none() {
            checks.fail("since", "is required");
        }
        checks.check(since.is_none_or(|since| since <= until), "until", "lies before since");
        let events = wish.events.clone().unwrap_or_else(|| vec![String::from("*")]);
        if let Err(wrong) = pattern::validate_all(&events) {
            for (index, why) in wrong {
                let field =
                    if events.is_empty() { "events".into() } else { format!("events[{index}]") };
                checks.fail(field, why);
            }
        }
        let said = wish.states.as_ref();
        let states: Vec<String> = match said {
            None => STATES_UNLESS_SAID.map(String::from).into(),
            Some(states) => states.clone(),
        };
        let known = !states.is_empty() && states.iter().all(|s| STATES.contains(&s.as_str()));
        checks.check(known, "states", &format!("must be some of {}", STATES.join(", ")));
        checks.done()?;
        Ok(Self {
            tenant,
            endpoint,
            since_ms: since.unwrap_or(now),
            until_ms: until,
            // None named: whatever it was owed, which `*` does not always mean.
            events: if wish.events.is_none() { Vec::new() } else { events },
            states,
            made_at: now,
        })
    }

    /// Whether a delivery is meant.
    fn takes(&self, row: &sql::Row) -> bool {
        self.states.contains(&row.seen.state)
            && row.seen.ended_at.is_none_or(|ended_at| ended_at <= self.made_at)
            && (self.since_ms..=self.until_ms).contains(&row.at_ms)
            && row.kind != Kind::WebhookTest.name()
            && (self.events.is_empty() || pattern::any_matches(&self.events, &row.kind))
    }
}

/// What a job would touch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Deliveries that would be queued.
    count: i64,
    /// Deliveries whose event has lost its data, so that they cannot be.
    data_gone: i64,
}

/// A job as people see it.
#[derive(Debug, Clone, Serialize)]
pub struct Replay {
    id: i64,
    webhook_id: i64,
    state: String,
    #[serde(serialize_with = "time::as_rfc3339")]
    since: i64,
    #[serde(serialize_with = "time::as_rfc3339")]
    until: i64,
    events: Vec<String>,
    states: Vec<String>,
    /// How many it was to queue when it was made.
    total: i64,
    queued: i64,
    data_gone: i64,
    /// How much of its events it has looked at, 0 to 1.
    progress: f64,
    #[serde(serialize_with = "time::as_rfc3339")]
    created_at: i64,
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    ended_at: Option<i64>,
}

/// A webhook that may not be called now has nothing replayed to it.
fn check_active(is_active: bool) -> Result<()> {
    if is_active {
        return Ok(());
    }
    Err(Error::conflict("webhook_paused", "the webhook is paused: resume it first"))
}
