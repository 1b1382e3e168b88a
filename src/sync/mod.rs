//! `GET /sync`: what a client shows, in one snapshot with the `seq` it stands at, for one that must
//! start over and goes on from there.
//!
//! Every part is what the caller may read, bounded, and says when there is more than it holds.

pub mod http;
mod sql;

use crate::{
    agents::AgentState,
    error::{Error, Result},
    notifications::Notification,
    tickets::Shown,
};
use serde::Serialize;
use std::str::FromStr;

/// Tickets of a snapshot, the last changed first.
const TICKETS_MAX: i64 = 200;

/// Notifications of a snapshot, the newest first.
const NOTIFICATIONS_MAX: i64 = 50;

/// What a snapshot can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Tickets,
    Notifications,
    Agents,
}

impl Part {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Tickets, "tickets"),
        (Self::Notifications, "notifications"),
        (Self::Agents, "agents"),
    ];

    /// The parts named in `include`, with commas between them; all where nothing is named.
    ///
    /// # Errors
    /// 422 naming those there are.
    fn read(include: Option<&str>) -> Result<Vec<Self>> {
        let Some(include) = include.filter(|text| !text.is_empty()) else {
            return Ok(Self::ALL.map(|(part, _)| part).into());
        };
        let parts = include.split(',').map(|word| word.trim().parse());
        parts.collect::<std::result::Result<_, ()>>().map_err(|()| {
            let all = Self::ALL.map(|(_, name)| name).join(", ");
            Error::field("include", format!("may name {all}"))
        })
    }
}

impl FromStr for Part {
    type Err = ();
    fn from_str(word: &str) -> std::result::Result<Self, ()> {
        Self::ALL.iter().find(|(_, name)| *name == word).map(|(part, _)| *part).ok_or(())
    }
}

/// What a client shows.
#[derive(Debug, Serialize)]
pub struct Snapshot {
    /// Everything up to this `seq` is in it: go on with `since=<seq>`.
    seq: i64,
    /// The history that `seq` belongs to.
    epoch: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tickets: Option<Few<Shown>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notifications: Option<Told>,
    /// The board; staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    agents: Option<Few<AgentState>>,
}

/// Some of a list.
#[derive(Debug, Serialize)]
struct Few<T> {
    items: Vec<T>,
    /// Whether there are more than these.
    more: bool,
}

/// What the caller was told.
#[derive(Debug, Serialize)]
struct Told {
    items: Vec<Notification>,
    more: bool,
    unread_count: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_or_all() {
        assert_eq!(Part::read(None).unwrap().len(), 3);
        assert_eq!(Part::read(Some("")).unwrap().len(), 3);
        let two = Part::read(Some("agents, tickets")).unwrap();
        assert_eq!(two, [Part::Agents, Part::Tickets]);
        assert!(Part::read(Some("agents,secrets")).is_err());
    }
}
