//! The bounds of a backlog: beyond them an endpoint's oldest deliveries expire, in plain sight.
//!
//! Nobody counts a queue each time something is added to it. What was rung since the last count is
//! added to that count, which is therefore never too small, and only when it says that there are
//! too many the rows are counted again.

mod sql;

use super::{
    Engine, Now,
    settle::{self, What, tell},
    sql as queue,
};
use crate::{db::Write, error::Result};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Deliveries that may wait or be held for one endpoint. Beyond it the oldest expire.
pub const BACKLOG_MAX: i64 = 100_000;

/// How many more there may be before it is seen to.
const SLACK: i64 = 1_000;

/// How old they may become, milliseconds. Older ones expire.
const AGE_MAX_MS: i64 = 7 * 24 * 3_600_000;

/// How often the old ones are looked for.
const LOOK_EVERY_MS: i64 = 3_600_000;

/// Rows read at a time to be expired, of one endpoint.
const READ_MAX: i64 = 5_000;

/// Rows expired in one write.
const STEP: usize = 500;

/// What is known of backlogs, and what is being done about them.
#[derive(Default)]
pub(super) struct Bounds {
    /// Never less than what is open, by endpoint.
    open_at_most: HashMap<i64, i64>,
    /// What is to expire, the oldest first.
    expiring: BTreeMap<i64, VecDeque<i64>>,
    /// Where something has just expired, to see whether that was enough.
    again: Vec<i64>,
    /// In ticks; none yet.
    looked_at: Option<i64>,
}

impl Bounds {
    /// Whether there is more to do at once.
    pub(super) fn is_busy(&self) -> bool {
        !self.expiring.is_empty()
    }

    /// Notes what was rung, and does one step of what is to be done.
    pub(super) fn keep(&mut self, engine: &Engine, rung: &[i64], now: Now) -> Result<()> {
        for endpoint in self.suspects(rung) {
            let open = engine.db.read_blocking(|r| queue::open_all(r, endpoint))?;
            self.open_at_most.insert(endpoint, open);
            if open > BACKLOG_MAX {
                let excess = (open - BACKLOG_MAX).min(READ_MAX);
                self.expire(engine, endpoint, |r| sql::oldest(r, endpoint, excess))?;
            }
        }
        if self.looked_at.is_none_or(|at| now.ticks - at >= LOOK_EVERY_MS) {
            self.looked_at = Some(now.ticks);
            // What is not asked for often need not be remembered.
            self.open_at_most.clear();
            for endpoint in engine.db.read_blocking(queue::endpoints_with_open)? {
                let before = now.ms - AGE_MAX_MS;
                self.expire(engine, endpoint, |r| sql::old(r, endpoint, (before, READ_MAX)))?;
                engine.db.write_waiting(move |w| queue::release_all(w, endpoint))?;
            }
        }
        self.step(engine)
    }

    /// Endpoints that may have too much open, or of which nothing is known yet.
    fn suspects(&mut self, rung: &[i64]) -> Vec<i64> {
        let mut suspects = std::mem::take(&mut self.again);
        for endpoint in rung {
            let known = self.open_at_most.get_mut(endpoint);
            let is_suspect = match known {
                Some(open) => {
                    *open += 1;
                    *open > BACKLOG_MAX + SLACK
                }
                None => true,
            };
            if is_suspect && !suspects.contains(endpoint) && !self.expiring.contains_key(endpoint) {
                suspects.push(*endpoint);
            }
        }
        suspects
    }

    fn expire(
        &mut self,
        engine: &Engine,
        endpoint: i64,
        read: impl FnOnce(&queue::Reader) -> Result<Vec<i64>>,
    ) -> Result<()> {
        let found = engine.db.read_blocking(read)?;
        if !found.is_empty() {
            self.expiring.entry(endpoint).or_default().extend(found);
        }
        Ok(())
    }

    fn step(&mut self, engine: &Engine) -> Result<()> {
        let Some(mut entry) = self.expiring.first_entry() else { return Ok(()) };
        let (endpoint, left) = (*entry.key(), entry.get_mut());
        let all = left.len();
        let step: Vec<i64> = left.drain(..all.min(STEP)).collect();
        if left.is_empty() {
            entry.remove();
            self.again.push(endpoint);
        }
        let all = i64::try_from(all).unwrap_or(i64::MAX);
        engine.db.write_waiting(move |w| expire(w, endpoint, &step, all))?;
        // Some of them may stand ready.
        engine.board.forget(endpoint);
        Ok(())
    }
}

/// Lets deliveries of an endpoint expire, and tells people, who heard nothing of it for a day, that
/// so many do.
fn expire(w: &mut Write<'_>, endpoint: i64, step: &[i64], all: i64) -> Result<()> {
    let expired = sql::expire(w, endpoint, step)?;
    if expired > 0
        && sql::is_news(w, endpoint)?
        && let Some((about, _)) = settle::sql::fare(w, endpoint)?
    {
        tell(w, &about, What::Backlog(all))?;
    }
    Ok(())
}
