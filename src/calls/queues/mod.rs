//! Queues: who waits in them, for how long, and how well they were answered.

mod sql;

#[cfg(test)]
pub(super) use sql::{COUNTED, LIVING};
pub use sql::{queues, queues_since};

use crate::{id::EntityId, time};
use serde::Serialize;

/// A call answered within so many milliseconds was answered in time: 20 s.
const ANSWER_WITHIN_MS: i64 = 20_000;

/// The service level looks back over so many milliseconds: a day.
const LOOK_BACK_MS: i64 = 86_400_000;

/// Queues listed of a tenant, those of teams first. A telephone system that makes one a call would
/// fill a board.
const QUEUES_MAX: usize = 500;

/// One queue, as the board shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Queue {
    /// Its name in the telephone system.
    pub name: String,
    /// The teams to which it belongs.
    pub team_ids: Vec<EntityId>,
    /// Callers who wait in it.
    pub waiting: i64,
    /// Since when the first of them does.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub waiting_since: Option<i64>,
    /// For how long, milliseconds.
    pub longest_wait_ms: Option<i64>,
    /// Callers who speak with somebody, or are on hold.
    pub talking: i64,
    /// Calls that came in.
    pub offered: i64,
    /// Those that were answered.
    pub answered: i64,
    /// Those that were answered in time.
    pub answered_in_time: i64,
    /// Those that ended before they were.
    pub abandoned: i64,
    /// The share of the answered ones that were answered in time, 0 to 1; none without any.
    pub service_level: Option<f64>,
}
