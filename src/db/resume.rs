//! Whether a reader of the log can go on from where it says it was.

use super::{Bounds, Db};
use serde::Serialize;
use std::fmt;

/// Why a client cannot resume and must fetch the state anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// The log no longer reaches back that far.
    TooOld,
    /// Its `since` belongs to another history of the database.
    UnknownEpoch,
    /// More was missed than the client wants to take.
    TooMany,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooOld => "too_old",
            Self::UnknownEpoch => "unknown_epoch",
            Self::TooMany => "too_many",
        })
    }
}

impl Db {
    /// Whether a client that says it has seen all up to `since` of `epoch` can go on from there.
    /// `since` 0 means from the oldest event kept.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn may_resume(&self, log: Bounds, since: i64, epoch: Option<&str>) -> Result<(), Refused> {
        let other_history = match epoch {
            Some(epoch) => epoch != self.epoch(),
            None => self.lost_range().is_some_and(|(after, up_to)| since > after && since <= up_to),
        };
        if other_history || since > log.latest || since < 0 {
            return Err(Refused::UnknownEpoch);
        }
        if since != 0 && since < log.oldest - 1 {
            return Err(Refused::TooOld);
        }
        Ok(())
    }
}
