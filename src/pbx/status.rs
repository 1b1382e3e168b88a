//! How telephone systems are doing: in memory, because it is true for a moment only.

use crate::{id::EntityId, time};
use parking_lot::Mutex;
use serde::Serialize;
use std::{collections::HashMap, sync::Arc};

/// Longest error that is kept, characters.
const ERROR_MAX: usize = 300;

/// Whether there is a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is not used, or there is nothing to connect to.
    #[default]
    Idle,
    /// We are being let in.
    Connecting,
    /// We hear it.
    Connected,
    /// It is tried again in a while.
    Waiting,
}

/// How a telephone system is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Whether there is a connection.
    pub state: Standing,
    /// Since when, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub connected_since: Option<i64>,
    /// What it says that it is.
    pub software: Option<String>,
    /// When it last said something about a call or an agent.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub last_event_at: Option<i64>,
    /// What last went wrong.
    pub last_error: Option<String>,
    /// When that was.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub last_error_at: Option<i64>,
    /// How often a connection was made after the first.
    pub reconnects: u64,
    /// Events heard since this server was started, those that mean nothing included.
    pub events: u64,
}

/// How all of them are doing.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<HashMap<EntityId, Status>>>);

impl Board {
    /// How one is doing.
    pub fn of(&self, id: EntityId) -> Status {
        self.0.lock().get(&id).cloned().unwrap_or_default()
    }

    /// Changes how one is doing.
    pub fn change<T>(&self, id: EntityId, change: impl FnOnce(&mut Status) -> T) -> T {
        change(self.0.lock().entry(id).or_default())
    }

    /// Notes what went wrong.
    pub fn failed(&self, id: EntityId, why: &str, now: i64) {
        self.change(id, |status| {
            status.last_error = Some(why.chars().take(ERROR_MAX).collect());
            status.last_error_at = Some(now);
        });
    }

    /// Forgets one that is no more.
    pub fn forget(&self, id: EntityId) {
        self.0.lock().remove(&id);
    }
}
