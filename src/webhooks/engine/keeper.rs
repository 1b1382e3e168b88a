//! The keeper: reads what is due into the lanes, and settles what was done.

use super::{Engine, board::Look, lane::Attempted, sql};
use crate::{
    error::{Error, Result},
    webhooks::{PayloadFormat, headers, inbox, keys::Keys},
};
use std::{sync::Arc, time::Duration};

/// How often the queue is looked at although nobody rang.
const POLL_EVERY_MS: i64 = 5_000;

/// How long to wait after the database refused.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

pub(super) struct Keeper {
    engine: Engine,
    /// In ticks; none yet.
    polled_at: Option<i64>,
}

impl Keeper {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, polled_at: None }
    }

    pub(super) fn run(mut self) {
        while !self.engine.board.is_stopped() {
            let rung = self.engine.owed.wait(self.wait());
            self.engine.board.look_at(&rung);
            if let Err(e) = self.round() {
                tracing::error!(error = %e, "the delivery queue could not be read or settled");
                std::thread::sleep(AFTER_FAILURE);
            }
        }
        // What the last workers hand in after the order to stop is settled too.
        while self.settle().is_ok_and(|settled| settled > 0) || self.engine.doing().in_flight > 0 {
            self.engine.board.settled_all();
            self.engine.owed.wait(Duration::from_millis(50));
        }
        self.engine.board.settled_all();
    }

    /// How long nothing is due: never longer than a poll, and a clock that jumps is noticed.
    fn wait(&self) -> Duration {
        let now = self.engine.db.clock().now_ms();
        let due = self.engine.board.next_due().map_or(i64::MAX, |due| due - now);
        Duration::from_millis(u64::try_from(due).unwrap_or(0)).min(Duration::from_millis(250))
    }

    fn round(&mut self) -> Result<()> {
        self.settle()?;
        let now = self.engine.db.clock().now_ms();
        let ticks = self.engine.db.clock().ticks_ms();
        if self.polled_at.is_none_or(|at| ticks - at >= POLL_EVERY_MS) {
            self.polled_at = Some(ticks);
            let waiting = self.engine.db.read_blocking(sql::endpoints_with_waiting)?;
            self.engine.board.look_at(&waiting);
        }
        for look in self.engine.board.looks(now) {
            let endpoint = look.endpoint;
            if let Err(e) = self.fill(look, now) {
                // One endpoint that cannot be read must not keep the others from their turn.
                tracing::error!(error = %e, endpoint, "an endpoint's queue could not be read");
            }
        }
        Ok(())
    }

    /// Stores what was done, all of it in one write; returns how many attempts that were.
    fn settle(&self) -> Result<usize> {
        let done = self.engine.board.take_done();
        if done.is_empty() {
            return Ok(0);
        }
        let done: Arc<[Attempted]> = done.into();
        while let Err(e) = self.write(done.clone()) {
            if self.engine.board.is_stopped() {
                return Err(e);
            }
            tracing::error!(error = %e, "attempts could not be settled; they will be");
            std::thread::sleep(AFTER_FAILURE);
        }
        self.engine.board.settled(&done, self.engine.db.clock().now_ms());
        Ok(done.len())
    }

    fn write(&self, done: Arc<[Attempted]>) -> Result<()> {
        self.engine.db.write_waiting(move |w| sql::settle(w, &done))
    }

    /// Reads an endpoint's next deliveries.
    fn fill(&self, look: Look, now: i64) -> Result<()> {
        let Look { endpoint, whereto, changes, claimed, room } = look;
        let whereto = match whereto {
            Some(known) => known,
            None => match self.engine.db.read_blocking(|r| sql::endpoint(r, endpoint))? {
                Some(row) if row.is_active => Arc::new(row.whereto(&self.engine)?),
                gone => return self.withdraw(endpoint, gone.is_some()),
            },
        };
        let engine = &self.engine;
        let found = engine.db.read_blocking(|r| sql::due(r, &whereto, &claimed, (now, room)))?;
        let nothing = found.jobs.is_empty() && found.next_due.is_none() && !found.more;
        engine.board.fill((&whereto, changes), found.jobs, (found.more, found.next_due));
        if nothing {
            engine.board.drop_lane(endpoint);
        }
        Ok(())
    }

    /// What waits for an endpoint that is not delivered to: held while it is only switched off,
    /// cancelled once it is deleted. In steps, so that nobody waits behind a long queue.
    fn withdraw(&self, endpoint: i64, held: bool) -> Result<()> {
        let state = if held { "held" } else { "cancelled" };
        let moved = self.engine.db.write_waiting(move |w| sql::withdraw(w, endpoint, state))?;
        if moved > 0 {
            self.engine.board.look_at(&[endpoint]);
            self.engine.owed.ring(&[]);
        } else {
            self.engine.board.drop_lane(endpoint);
        }
        Ok(())
    }
}

impl sql::Row {
    /// The endpoint as the lanes use it.
    pub(in crate::webhooks) fn whereto(self, engine: &Engine) -> Result<super::Whereto> {
        let keys = Keys::open(&engine.secrets, self.id, &self.secret, self.old_keys.as_deref())?;
        let custom = headers::open(self.headers.as_deref(), &engine.secrets, self.id)?;
        let timeout = Duration::from_secs(u64::from(self.timeout_s));
        let format = PayloadFormat::of(&self.payload_format);
        Ok(super::Whereto {
            endpoint: self.id,
            tenant: self.tenant,
            inside: inbox::is_path(&self.url),
            target: engine.guard.parse_url(&self.url),
            keys,
            headers: headers::pairs(&custom),
            timeout,
            retry_count: self.retry_count,
            format: format.ok_or_else(|| Error::internal("an unknown payload format"))?,
        })
    }
}
