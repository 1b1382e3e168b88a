//! The engine: takes deliveries from the queue, makes attempts, and settles them.
//!
//! The queue is the table `deliveries`. The **keeper** thread reads what is due into lanes, one an
//! endpoint, and settles what the workers did, all that came in since the last time in one write.
//! **Workers** take jobs from the lanes in turn and POST. One process owns the database, so a claim
//! is in memory: a row stays `waiting` until it is settled, and after a crash it is due again.
//!
//! Whose turn it is decide pure parts: `turns` (lanes and rounds), `pace` (attempts under way,
//! rate), `health` (breaker, cool-down, switching off), `pool` (workers), `outcomes` (what an
//! answer means). `settle` stores and tells, `bounds` lets what is too much expire.

mod board;
mod bounds;
mod health;
mod keeper;
mod lane;
mod outcomes;
mod pace;
mod pool;
#[cfg(test)]
mod queue_tests;
mod settle;
#[cfg(test)]
mod simulation;
mod sql;
mod turns;
mod worker;

use super::{address::Guard, crypt::SecretBox, post::Poster, schedule::Schedule};
use crate::{
    bell::Owed,
    db::Db,
    error::{Error, Result},
    time::Clock,
};
use board::Board;
use keeper::Keeper;
use pool::Pool;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

pub use bounds::BACKLOG_MAX;
pub(super) use health::FAILING_AFTER;
pub(super) use lane::{Attempted, Whereto};
pub(super) use settle::{settle, tell_paused};
pub(super) use sql::{COLUMNS, Row, job, open, release};
pub(super) use worker::attempt;

/// Tests by hand under way at the same time; one more is told to come back.
const TESTS_MAX: usize = 16;

/// What the engine needs to know.
pub struct Settings {
    /// Worker threads there are from the start, and at most.
    pub workers: usize,
    /// At most, when all of them wait for slow peers.
    pub workers_max: usize,
    /// When failed deliveries are tried again.
    pub schedule: Schedule,
    /// Which addresses may be called.
    pub guard: Arc<Guard>,
    /// Makes the calls.
    pub poster: Poster,
    /// Opens the secrets of endpoints.
    pub secrets: SecretBox,
    /// Whether nothing is delivered, for measuring the rest.
    pub paused: bool,
}

/// A cheap handle on the engine.
#[derive(Clone)]
pub struct Engine(Arc<Parts>);

/// What its threads share.
pub struct Parts {
    pub(super) db: Db,
    pub(super) board: Board,
    pub(super) owed: Arc<Owed>,
    pub(super) schedule: Schedule,
    pub(super) guard: Arc<Guard>,
    pub(super) poster: Poster,
    pub(super) secrets: SecretBox,
    /// Tests by hand that may run at the same time.
    pub(super) tests: tokio::sync::Semaphore,
    /// Rung when a replay was made.
    pub(super) replays: tokio::sync::Notify,
}

impl std::ops::Deref for Engine {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What the engine is doing, for the operator.
#[derive(Debug, Clone, Copy, Default)]
pub struct Doing {
    /// Attempts under way.
    pub in_flight: u64,
    /// Attempts answered 2xx since the start.
    pub ok: u64,
    /// Attempts not answered so since the start.
    pub failed: u64,
    /// Worker threads there are.
    pub workers: usize,
    /// Attempts since the start by what they came to.
    pub by_class: [(&'static str, u64); outcomes::CLASSES.len()],
}

/// Now, on both clocks.
#[derive(Debug, Clone, Copy, Default)]
struct Now {
    /// Milliseconds since the Unix epoch: when things are due.
    ms: i64,
    /// Ticks, milliseconds: how long things take.
    ticks: i64,
}

impl Now {
    fn of(clock: &Clock) -> Self {
        Self { ms: clock.now_ms(), ticks: clock.ticks_ms() }
    }
}

impl Engine {
    /// Starts the keeper and the workers.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(db: &Db, owed: Arc<Owed>, settings: Settings) -> Result<Self> {
        let engine = Self(Arc::new(Parts {
            db: db.clone(),
            board: Board::new(Pool::new(settings.workers, settings.workers_max)),
            owed,
            schedule: settings.schedule,
            guard: settings.guard,
            poster: settings.poster,
            secrets: settings.secrets,
            tests: tokio::sync::Semaphore::new(TESTS_MAX),
            replays: tokio::sync::Notify::new(),
        }));
        if settings.paused {
            return Ok(engine);
        }
        for number in 0..settings.workers {
            let engine = engine.clone();
            spawn(format!("webhook-{number}"), move || worker::run(&engine))?;
        }
        let keeper = Keeper::new(engine.clone());
        spawn("webhook-keeper".into(), move || keeper.run())?;
        Ok(engine)
    }

    /// An endpoint was changed or deleted: what is known of it is read again.
    pub fn endpoint_changed(&self, id: i64) {
        self.board.forget(id);
        self.owed.ring(&[id]);
    }

    /// Says which addresses may be called.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// What the engine is doing.
    pub fn doing(&self) -> Doing {
        let counts = &self.board.counts;
        let mut by_class = outcomes::CLASSES.map(|class| (class, 0));
        for ((_, shown), count) in by_class.iter_mut().zip(&counts.by_class) {
            *shown = count.load(Ordering::Relaxed);
        }
        let all: u64 = by_class.iter().map(|(_, count)| count).sum();
        let ok = by_class.first().map_or(0, |(_, count)| *count);
        Doing {
            in_flight: counts.in_flight.load(Ordering::Relaxed),
            ok,
            failed: all - ok,
            workers: self.board.workers(),
            by_class,
        }
    }

    /// Deliveries waiting, and since when the oldest due one is due.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn backlog(&self) -> Result<(i64, Option<i64>)> {
        self.db.read(sql::backlog).await
    }

    /// How many endpoints' breakers are open, and how many of these let one attempt decide.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn breakers(&self) -> Result<(i64, i64)> {
        let now = self.db.clock().now_ms();
        self.db.read(move |r| sql::breakers(r, now)).await
    }

    /// Stops taking jobs, and waits for attempts under way up to `within`; what does not finish
    /// stays waiting.
    pub fn stop(&self, within: Duration) {
        self.board.stop();
        self.owed.ring(&[]);
        self.board.wait_idle(within);
    }
}

fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<()> {
    std::thread::Builder::new().name(name).spawn(run).map(drop).map_err(Error::internal)
}
