//! The keeper: reads what is due into the lanes, settles what was done, and sees to it that there
//! are workers enough and that no backlog grows without bound.

use super::{
    Engine, Now,
    bounds::Bounds,
    lane::Attempted,
    settle::{self, Fare},
    sql,
    turns::{Filling, Look, Settled},
    worker,
};
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
    bounds: Bounds,
    /// In ticks; none yet.
    polled_at: Option<i64>,
    /// Workers started so far, for their names.
    started: usize,
}

impl Keeper {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, bounds: Bounds::default(), polled_at: None, started: 0 }
    }

    pub(super) fn run(mut self) {
        while !self.engine.board.is_stopped() {
            let rung = self.engine.owed.wait(self.wait());
            if let Err(e) = self.round(&rung) {
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

    fn now(&self) -> Now {
        Now::of(self.engine.db.clock())
    }

    /// How long there is nothing to do: never longer than a clock that jumps may go unnoticed.
    fn wait(&self) -> Duration {
        if self.bounds.is_busy() {
            return Duration::ZERO;
        }
        let wakes_in = self.engine.board.wakes_in(self.now()).unwrap_or(i64::MAX);
        Duration::from_millis(u64::try_from(wakes_in).unwrap_or(0)).min(Duration::from_millis(250))
    }

    fn round(&mut self, rung: &[i64]) -> Result<()> {
        self.engine.board.look_at(rung, self.now());
        self.settle()?;
        let now = self.now();
        if self.polled_at.is_none_or(|at| now.ticks - at >= POLL_EVERY_MS) {
            self.polled_at = Some(now.ticks);
            let waiting = self.engine.db.read_blocking(sql::endpoints_with_waiting)?;
            self.engine.board.look_at(&waiting, now);
        }
        for look in self.engine.board.looks(now) {
            let endpoint = look.endpoint;
            if let Err(e) = self.fill(look, now) {
                // One endpoint that cannot be read must not keep the others from their turn.
                tracing::error!(error = %e, endpoint, "an endpoint's queue could not be read");
            }
        }
        self.staff();
        self.bounds.keep(&self.engine, rung, now)
    }

    /// Starts workers where all that there are wait.
    fn staff(&mut self) {
        for _ in 0..self.engine.board.staff(self.now()) {
            let (engine, number) = (self.engine.clone(), self.started);
            self.started += 1;
            let name = format!("webhook-more-{number}");
            if let Err(e) = super::spawn(name, move || worker::run(&engine)) {
                tracing::warn!(error = %e, "one more delivery worker could not be started");
                self.engine.board.not_started();
            }
        }
    }

    /// Stores what was done, all of it in one write; returns how many attempts that were.
    fn settle(&self) -> Result<usize> {
        let done = self.engine.board.take_done();
        if done.is_empty() {
            return Ok(0);
        }
        let done: Arc<[Attempted]> = done.into();
        let fares = loop {
            let written = done.clone();
            match self.engine.db.write_waiting(move |w| settle::settle(w, &written)) {
                Ok(fares) => break fares,
                Err(e) if self.engine.board.is_stopped() => return Err(e),
                Err(e) => {
                    tracing::error!(error = %e, "attempts could not be settled; they will be");
                    std::thread::sleep(AFTER_FAILURE);
                }
            }
        };
        self.settled(&done, &fares);
        Ok(done.len())
    }

    fn settled(&self, done: &[Attempted], fares: &[Fare]) {
        let now = self.now();
        let due = |wait: Duration| now.ms + i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 2);
        let settled: Vec<_> = done
            .iter()
            .map(|done| Settled {
                endpoint: done.endpoint,
                delivery: done.delivery,
                is_good: done.is_good(),
                due: done.again_in.map(due),
                frees: done.key.is_some() && done.again_in.is_none(),
            })
            .collect();
        let healths: Vec<_> = fares.iter().map(|fare| (fare.endpoint, fare.health)).collect();
        self.engine.board.settled(&settled, &healths, now);
        for off in fares.iter().filter(|fare| fare.is_switched_off) {
            self.engine.board.forget(off.endpoint);
        }
    }

    /// Reads an endpoint's next deliveries.
    fn fill(&self, look: Look, now: Now) -> Result<()> {
        let Look { endpoint, whereto, changes, claimed, room } = look;
        let engine = &self.engine;
        let (whereto, health) = match whereto {
            Some(known) => (known, None),
            None => match engine.db.read_blocking(|r| sql::endpoint(r, endpoint))? {
                Some(row) if row.is_active => {
                    let health = row.health;
                    (Arc::new(row.whereto(engine)?), Some(health))
                }
                gone => return self.withdraw(endpoint, gone.is_some()),
            },
        };
        let time = (now.ms, room);
        let mut found = engine.db.read_blocking(|r| sql::due(r, &whereto, &claimed, time))?;
        let out_of_turn = std::mem::take(&mut found.out_of_turn);
        if !out_of_turn.is_empty() {
            engine.db.write_waiting(move |w| sql::park(w, &out_of_turn))?;
        }
        let sql::Due { jobs, more, next_due, .. } = found;
        engine.board.fill(&whereto, Filling { changes, health, jobs, more, next_due }, now);
        Ok(())
    }

    /// What waits for an endpoint that is not delivered to: held while it is only switched off,
    /// cancelled once it is deleted. In steps, so that nobody waits behind a long queue.
    fn withdraw(&self, endpoint: i64, held: bool) -> Result<()> {
        let state = if held { "held" } else { "cancelled" };
        let moved = self.engine.db.write_waiting(move |w| sql::withdraw(w, endpoint, state))?;
        if moved > 0 {
            self.engine.board.look_at(&[endpoint], self.now());
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
            max_in_flight: usize::try_from(self.max_in_flight).unwrap_or(usize::MAX),
            rate_limit: self.rate_limit,
        })
    }
}
