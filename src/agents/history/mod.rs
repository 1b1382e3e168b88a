//! What an agent did: one interval after the other, without overlap and without holes.

mod sql;

pub(super) use sql::{newest, oldest};

use super::state::State;
use crate::{
    error::{Error, Result},
    http::csv,
    id::EntityId,
    time,
};
use serde::Serialize;

/// Intervals read in one go for a file.
const STRETCH: i64 = 500;

/// The first line of a file.
pub(super) const HEADER: &str =
    "id,state,reason,source,call_id,started_at,ended_at,duration_ms\r\n";

/// One stretch of time that an agent spent in a state.
#[derive(Debug, Serialize)]
pub struct Interval {
    id: i64,
    state: State,
    reason: Option<String>,
    source: String,
    call_id: Option<EntityId>,
    #[serde(serialize_with = "time::as_rfc3339")]
    started_at: i64,
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    ended_at: Option<i64>,
    duration_ms: Option<i64>,
}

impl Interval {
    /// Adds it to a file.
    pub(super) fn line(&self, to: &mut String) {
        csv::line(
            to,
            &[
                self.id.to_string(),
                self.state.name().into(),
                self.reason.clone().unwrap_or_default(),
                self.source.clone(),
                self.call_id.map(|id| id.to_string()).unwrap_or_default(),
                time::rfc3339(self.started_at),
                self.ended_at.map(time::rfc3339).unwrap_or_default(),
                self.duration_ms.map(|ms| ms.to_string()).unwrap_or_default(),
            ],
        );
    }
}

/// After which interval a file goes on; nothing at its end.
pub(super) fn last_of(stretch: &[Interval]) -> Option<i64> {
    let whole = i64::try_from(stretch.len()).is_ok_and(|count| count == STRETCH);
    stretch.last().filter(|_| whole).map(|interval| interval.id)
}

/// Between which times, milliseconds since the Unix epoch; an interval counts when any of it does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    from: i64,
    to: i64,
}

impl Span {
    /// Without ends where none are given.
    ///
    /// # Errors
    /// 422 naming the field.
    pub(super) fn read(from: Option<&str>, to: Option<&str>) -> Result<Self> {
        let read = |field: &str, text: Option<&str>, without: i64| match text {
            None => Ok(without),
            Some(text) => time::parse_rfc3339(text)
                .ok_or_else(|| Error::field(field, "must be a time such as 2026-01-31T08:00:00Z")),
        };
        Ok(Self { from: read("from", from, i64::MIN)?, to: read("to", to, i64::MAX)? })
    }
}
