//! The engine: takes deliveries from the queue, makes attempts, and settles them.
//!
//! The queue is the table `deliveries`. The **keeper** thread reads what is due into lanes, one an
//! endpoint, and settles what the workers did, all that came in since the last time in one write.
//! **Workers** take jobs from the lanes in turn and POST. One process owns the database, so a claim
//! is in memory: a row stays `waiting` until it is settled, and after a crash it is due again.

mod board;
mod keeper;
mod lane;
mod sql;
mod worker;

use super::{address::Guard, crypt::SecretBox, post::Poster, schedule::Schedule, sign::SigningKey};
use crate::{
    bell::Owed,
    db::Db,
    error::{Error, Result},
};
use board::Board;
use keeper::Keeper;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

pub(super) use lane::{Attempted, Whereto};
pub(super) use sql::{Row, job, settle};
pub(super) use worker::attempt;

/// Attempts under way to one endpoint at the same time.
const IN_FLIGHT_MAX: usize = 2;

/// Tests by hand under way at the same time; one more is told to come back.
const TESTS_MAX: usize = 16;

/// What the engine needs to know.
pub struct Settings {
    /// Worker threads.
    pub workers: usize,
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
}

impl Engine {
    /// Starts the keeper and the workers.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(db: &Db, owed: Arc<Owed>, settings: Settings) -> Result<Self> {
        let engine = Self(Arc::new(Parts {
            db: db.clone(),
            board: Board::default(),
            owed,
            schedule: settings.schedule,
            guard: settings.guard,
            poster: settings.poster,
            secrets: settings.secrets,
            tests: tokio::sync::Semaphore::new(TESTS_MAX),
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
        let count = &self.board.counts;
        Doing {
            in_flight: count.in_flight.load(Ordering::Relaxed),
            ok: count.ok.load(Ordering::Relaxed),
            failed: count.failed.load(Ordering::Relaxed),
        }
    }

    /// Deliveries waiting, and since when the oldest due one is due.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn backlog(&self) -> Result<(i64, Option<i64>)> {
        self.db.read(sql::backlog).await
    }

    /// Stops taking jobs, and waits for attempts under way up to `within`; what does not finish
    /// stays waiting.
    pub fn stop(&self, within: Duration) {
        self.board.stop();
        self.owed.ring(&[]);
        self.board.wait_idle(within);
    }
}

impl Parts {
    /// The keys of an endpoint, from what is stored.
    pub(super) fn keys(&self, endpoint: i64, sealed: &[u8]) -> Result<Vec<SigningKey>> {
        let secret = self.secrets.open(sealed, &endpoint.to_be_bytes())?;
        Ok(vec![SigningKey::new(&secret).map_err(|e| Error::internal(e.to_string()))?])
    }
}

fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<()> {
    std::thread::Builder::new().name(name).spawn(run).map(drop).map_err(Error::internal)
}
