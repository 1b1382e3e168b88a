//! What is forgotten, and when: the data of old events, old attempts, old history.
//!
//! * An event's `data` goes 14 days after its last delivery ended, or after it happened if it was
//!   owed to nobody. Its row, which says what changed, stays for `EVENT_KEEP_DAYS`.
//! * Attempts go after 30 days, deliveries 30 days after they ended; a delivery that has not ended
//!   never does, and neither does the event it owes.
//! * Each of these also has a bound in bytes, reckoned from a sample; beyond it the oldest go
//!   sooner.
//!
//! It is done in steps of 500 rows, one a write, while there is little else to do.

mod sql;
#[cfg(test)]
mod tests;

use crate::{
    db::Db,
    error::{Error, Result},
};
use std::time::{Duration, Instant};

/// Rows looked at in one write.
const STEP: usize = 500;

const DAY_MS: i64 = 24 * 3_600_000;

/// How often it looks for something to forget. The log says that it no longer answers from
/// somewhere one round before the data goes, so that whoever is reading there gets to the end.
const ROUND_EVERY_MS: i64 = 60_000;

/// Events in this time are little enough to do something beside …
const QUIET_FOR: Duration = Duration::from_millis(100);
const QUIET_EVENTS: i64 = 10;

/// … and where it is never quiet, one step is done after this long all the same.
const STEP_WITHIN: Duration = Duration::from_secs(1);

/// How long everything is kept.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Data, after the last delivery ended; milliseconds.
    pub data_ms: i64,
    /// Attempts, ended deliveries and replays; milliseconds.
    pub attempts_ms: i64,
    /// Rows of events; milliseconds, `None` for ever.
    pub history_ms: Option<i64>,
    /// Bytes of all data.
    pub data_bytes: i64,
    /// Bytes of all attempts.
    pub attempts_bytes: i64,
    /// Bytes of all rows of events without their data.
    pub history_bytes: i64,
}

impl Limits {
    /// The usual ones, with `EVENT_KEEP_DAYS`; 0 is for ever.
    pub fn new(event_keep_days: u32) -> Self {
        let days = i64::from(event_keep_days);
        Self {
            data_ms: 14 * DAY_MS,
            attempts_ms: 30 * DAY_MS,
            history_ms: (days > 0).then_some(days * DAY_MS),
            data_bytes: 4 << 30,
            attempts_bytes: 2 << 30,
            history_bytes: if days > 0 { 16 << 30 } else { i64::MAX },
        }
    }
}

/// Forgets what is to be forgotten, until it is dropped.
pub async fn keep(db: Db, limits: Limits) {
    let mut keeper = Keeper::new(db.clone(), limits);
    loop {
        match keeper.round().await {
            Ok(()) | Err(Error::Full | Error::Busy(_)) => {}
            Err(e) => tracing::warn!(error = %e, "old events and attempts could not be removed"),
        }
        db.clock().sleep_ms(ROUND_EVERY_MS).await;
    }
}

/// What one keeper remembers between rounds.
struct Keeper {
    db: Db,
    limits: Limits,
    /// The last delivery looked at; those that had not ended are looked at again every day.
    delivery: i64,
    /// When the hours were last folded and `delivery` was last set back.
    daily_at: i64,
}

impl Keeper {
    fn new(db: Db, limits: Limits) -> Self {
        Self { db, limits, delivery: 0, daily_at: i64::MIN }
    }

    /// Everything there is to forget now.
    async fn round(&mut self) -> Result<()> {
        let limits = self.limits;
        let force = self.db.read(move |r| sql::beyond(r, &limits)).await?;
        let (data_ms, keep_ms) = (limits.data_ms, limits.attempts_ms);
        self.steps(move |w| sql::purge(w, w.now - data_ms, force.data)).await?;
        self.steps(move |w| sql::look_again(w, w.now - data_ms, force.data)).await?;
        self.steps(move |w| sql::announce(w, w.now - data_ms, force.data)).await?;
        self.steps(move |w| sql::attempts(w, w.now - keep_ms, force.attempts)).await?;
        self.deliveries().await?;
        let history = limits.history_ms;
        self.steps(move |w| {
            let before = history.map_or(i64::MIN, |ms| w.now - ms);
            sql::history(w, before, force.history)
        })
        .await?;
        let now = self.db.clock().now_ms();
        if now.saturating_sub(self.daily_at) >= DAY_MS {
            self.daily_at = now;
            self.delivery = 0;
            self.db.write(move |w| sql::daily(w, w.now - keep_ms)).await?;
        }
        Ok(())
    }

    /// Steps until one has nothing more to do.
    async fn steps<F>(&self, step: F) -> Result<()>
    where
        F: Fn(&mut crate::db::Write<'_>) -> Result<bool> + Clone + Send + 'static,
    {
        loop {
            quiet(&self.db).await;
            let step = step.clone();
            if !self.db.write(move |w| step(w)).await? {
                return Ok(());
            }
        }
    }

    async fn deliveries(&mut self) -> Result<()> {
        let keep_ms = self.limits.attempts_ms;
        loop {
            quiet(&self.db).await;
            let from = self.delivery;
            let next = self.db.write(move |w| sql::deliveries(w, from, w.now - keep_ms)).await?;
            match next {
                Some(next) => self.delivery = next,
                None => return Ok(()),
            }
        }
    }
}

/// Waits for a quiet moment, not for ever.
async fn quiet(db: &Db) {
    let began = Instant::now();
    loop {
        let before = db.latest_seq();
        tokio::time::sleep(QUIET_FOR).await;
        if db.latest_seq() - before <= QUIET_EVENTS || began.elapsed() >= STEP_WITHIN {
            return;
        }
    }
}
