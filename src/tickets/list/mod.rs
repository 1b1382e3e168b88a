//! Finding tickets: the filters of a list, its order, and the same as a file.

mod export;
pub mod http;
mod side;
mod sql;
#[cfg(test)]
mod tests;

pub use sql::newest;

use super::{
    Status,
    words::{Channel, Moment, Priority},
};
use crate::{
    error::{Checks, Error, Result},
    event::Listener,
    id::{EntityId, UserId},
};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Longest text that is searched for, bytes.
const TEXT_MAX: usize = 200;

/// Most words of a filter with commas.
const WORDS_MAX: usize = 20;

/// What a list may be asked for; a view keeps the same. Words with commas between them mean any of
/// them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filters {
    /// Statuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Priorities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// `me`, `none`, or somebody's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// `none`, or a team's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// `me`, or somebody's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requester: Option<String>,
    /// Tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Types.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Ways they came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Words of the subject, the last one perhaps unfinished; or a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Opened at or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_after: Option<Moment>,
    /// Opened before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_before: Option<Moment>,
    /// Changed at or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_after: Option<Moment>,
    /// Changed before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_before: Option<Moment>,
    /// `true` lists the deleted ones instead, for supervisors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
    /// `updated_at`, `created_at`, `number` or `priority`; with `-` before it the other way round.
    /// `-updated_at` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// A view, whose filters hold where the others say nothing.
    #[serde(skip_serializing)]
    pub view: Option<EntityId>,
    /// Which page; not kept by a view.
    #[serde(skip_serializing)]
    pub page: Option<i64>,
    /// Rows of a page; not kept by a view.
    #[serde(skip_serializing)]
    pub per_page: Option<i64>,
}

/// Somebody, or nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum One<T> {
    Nobody,
    This(T),
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Updated,
    Created,
    Number,
    Priority,
}

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Total {
    count: i64,
    /// Whether there may be more.
    at_least: bool,
}

/// Filters that were understood.
#[derive(Debug, Clone)]
struct Wanted {
    who: Listener,
    statuses: Vec<Status>,
    priorities: Vec<Priority>,
    channels: Vec<Channel>,
    kinds: Vec<String>,
    tags: Vec<String>,
    assignee: Option<One<UserId>>,
    team: Option<One<EntityId>>,
    requester: Option<UserId>,
    text: Option<String>,
    created: (Option<i64>, Option<i64>),
    updated: (Option<i64>, Option<i64>),
    deleted: bool,
    key: Key,
    descending: bool,
}

impl Filters {
    /// Checks that a list could be asked for this.
    ///
    /// # Errors
    /// 422 naming every filter that cannot be read.
    pub fn checked(self, who: &Listener) -> Result<Self> {
        self.wanted(who)?;
        Ok(self)
    }

    /// These filters, and those of a view where they say nothing.
    fn over(self, view: Self) -> Self {
        Self {
            status: self.status.or(view.status),
            priority: self.priority.or(view.priority),
            assignee: self.assignee.or(view.assignee),
            team: self.team.or(view.team),
            requester: self.requester.or(view.requester),
            tag: self.tag.or(view.tag),
            kind: self.kind.or(view.kind),
            channel: self.channel.or(view.channel),
            q: self.q.or(view.q),
            created_after: self.created_after.or(view.created_after),
            created_before: self.created_before.or(view.created_before),
            updated_after: self.updated_after.or(view.updated_after),
            updated_before: self.updated_before.or(view.updated_before),
            deleted: self.deleted.or(view.deleted),
            sort: self.sort.or(view.sort),
            ..self
        }
    }

    fn wanted(&self, who: &Listener) -> Result<Wanted> {
        let mut checks = Checks::new();
        let (key, descending) = self.sort(&mut checks);
        let text = self.q.as_deref().map(str::trim).filter(|q| !q.is_empty()).map(str::to_owned);
        let fits = text.as_ref().is_none_or(|text| text.len() <= TEXT_MAX);
        checks.check(fits, "q", "must have at most 200 bytes");
        let at = |moment: Option<Moment>| moment.map(|moment| moment.0);
        let wanted = Wanted {
            who: *who,
            statuses: known(&mut checks, "status", self.status.as_deref(), Status::ALL),
            priorities: known(&mut checks, "priority", self.priority.as_deref(), Priority::ALL),
            channels: known(&mut checks, "channel", self.channel.as_deref(), Channel::ALL),
            kinds: words(&mut checks, "type", self.kind.as_deref()),
            tags: words(&mut checks, "tag", self.tag.as_deref()),
            assignee: one(&mut checks, "assignee", self.assignee.as_deref(), Some(who.user)),
            team: one(&mut checks, "team", self.team.as_deref(), None),
            requester: match one(
                &mut checks,
                "requester",
                self.requester.as_deref(),
                Some(who.user),
            ) {
                Some(One::This(user)) => Some(user),
                Some(One::Nobody) => {
                    checks.fail("requester", "must be me or an id");
                    None
                }
                None => None,
            },
            text,
            created: (at(self.created_after), at(self.created_before)),
            updated: (at(self.updated_after), at(self.updated_before)),
            deleted: self.deleted.unwrap_or(false),
            key,
            descending,
        };
        checks.done()?;
        if wanted.deleted && who.role < crate::auth::Role::Supervisor {
            return Err(Error::Forbidden("only supervisors list deleted tickets"));
        }
        Ok(wanted)
    }

    fn sort(&self, checks: &mut Checks) -> (Key, bool) {
        let text = self.sort.as_deref().unwrap_or("-updated_at");
        let (name, descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text, false),
        };
        let key = match name {
            "updated_at" => Key::Updated,
            "created_at" => Key::Created,
            "number" => Key::Number,
            "priority" => Key::Priority,
            _ => {
                let allowed = "must be updated_at, created_at, number or priority, perhaps with -";
                checks.fail("sort", allowed);
                Key::Updated
            }
        };
        (key, descending)
    }
}

fn words(checks: &mut Checks, field: &str, text: Option<&str>) -> Vec<String> {
    let words = text.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    let words: Vec<String> = words.map(str::to_owned).collect();
    checks.check(words.len() <= WORDS_MAX, field, "must be at most 20");
    words
}

fn known<T>(checks: &mut Checks, field: &str, text: Option<&str>, all: &[T]) -> Vec<T>
where
    T: FromStr + ToString,
{
    let words = words(checks, field, text);
    let read: Result<Vec<T>, T::Err> = words.iter().map(|word| word.parse()).collect();
    read.unwrap_or_else(|_| {
        let allowed: Vec<_> = all.iter().map(ToString::to_string).collect();
        checks.fail(field, format!("must be one or more of {}", allowed.join(", ")));
        Vec::new()
    })
}

/// An id, `none`, or `me` where that means somebody.
fn one<T: FromStr>(
    checks: &mut Checks,
    field: &str,
    text: Option<&str>,
    me: Option<T>,
) -> Option<One<T>> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    let with_me = me.is_some();
    match (text, me) {
        ("none", _) => Some(One::Nobody),
        ("me", Some(me)) => Some(One::This(me)),
        _ => {
            let read = text.parse().ok().map(One::This);
            let allowed =
                if with_me { "must be me, none or an id" } else { "must be none or an id" };
            checks.check(read.is_some(), field, allowed);
            read
        }
    }
}

#[cfg(test)]
mod filter_tests {
    use super::*;
    use crate::{auth::Role, id::TenantId};
    use serde_json::json;
    use uuid::Uuid;

    fn who(role: Role) -> Listener {
        Listener { tenant: TenantId(Uuid::nil()), user: UserId(Uuid::from_u128(7)), role }
    }

    fn wrong(filters: serde_json::Value) -> Vec<String> {
        let filters: Filters = serde_json::from_value(filters).unwrap();
        match filters.wanted(&who(Role::Agent)) {
            Err(Error::Invalid(fields)) => fields.into_iter().map(|f| f.field).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// Every filter that cannot be read is named at once.
    #[test]
    fn filters_that_cannot_be_read_are_named() {
        let asked = json!({ "status": "open,asleep", "assignee": "x", "team": "me", "sort": "id",
            "requester": "none", "q": "x".repeat(201) });
        assert_eq!(wrong(asked), ["sort", "q", "status", "assignee", "team", "requester"]);
    }

    #[test]
    fn me_is_whoever_asks() {
        let asked = json!({ "assignee": "me", "team": "none", "status": "open, pending" });
        let filters: Filters = serde_json::from_value(asked).unwrap();
        let wanted = filters.wanted(&who(Role::Agent)).unwrap();
        assert_eq!(wanted.assignee, Some(One::This(UserId(Uuid::from_u128(7)))));
        assert_eq!(wanted.team, Some(One::Nobody));
        assert_eq!(wanted.statuses, [Status::Open, Status::Pending]);
        assert_eq!((wanted.key, wanted.descending), (Key::Updated, true));
    }

    #[test]
    fn only_supervisors_list_deleted_tickets() {
        let filters = Filters { deleted: Some(true), ..Filters::default() };
        assert!(matches!(filters.wanted(&who(Role::Agent)), Err(Error::Forbidden(_))));
        assert!(filters.wanted(&who(Role::Supervisor)).is_ok());
    }
}
