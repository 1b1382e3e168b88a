//! The one writer: drains waiting jobs into one transaction, a savepoint each, then answers.
//!
//! Measured on two cores this takes an order of magnitude more commits than a pool of writers, and
//! nobody waits behind a lock. What is acknowledged is on the disk.

use super::{
    Health, OnCommit, Shared, connect,
    subscriptions::Subscriptions,
    write::{Last, Pending, Write},
};
use crate::{
    config::Synchronous,
    error::{Error, Result},
};
use rusqlite::{Connection, ErrorCode};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Jobs that share one transaction.
const GROUP_MAX: usize = 256;

/// The writer does not wait to be asked when the WAL is this large: it can write faster than the
/// housekeeper looks.
const WAL_MAX: u64 = 96 << 20;

/// Groups between two looks at its size.
const LOOK_EACH: u32 = 8;

/// How long writes may wait for readers before the WAL is begun anew.
const READERS_WITHIN: Duration = Duration::from_millis(20);

/// A job that takes longer holds everyone up: bulk work goes in steps.
const JOB_MAX: Duration = Duration::from_millis(250);

/// A second failed sync within this time ends the process.
const SYNC_FAILURES_APART: Duration = Duration::from_secs(60);

/// One thing to do in a transaction, its type erased.
pub(super) trait Job: Send {
    /// Does it, keeping the outcome. It may be called again after the transaction broke.
    fn run(&mut self, w: &mut Write<'_>) -> Outcome;
    /// Turns a good outcome into this failure.
    fn fail(&mut self, e: Error);
    /// Tells the caller, with `broken` in place of a good outcome that was not committed.
    fn answer(self: Box<Self>, broken: Option<Error>);
    /// Whether this is the order to stop.
    fn stops(&self) -> bool {
        false
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Good,
    Failed,
    /// Failed because there is no room on the disk.
    Full,
}

/// A closure and whoever waits for what it returns. It is boxed, so that what is here is compiled
/// once for what closures return, and not for every closure.
pub(super) struct TypedJob<T> {
    job: JobOf<T>,
    /// See [`super::hops`].
    hops: u8,
    outcome: Option<Result<T>>,
    answer: oneshot::Sender<Result<T>>,
}

/// What a caller wants written.
type JobOf<T> = Box<dyn FnMut(&mut Write<'_>) -> Result<T> + Send>;

impl<T: Send + 'static> TypedJob<T> {
    pub(super) fn boxed(
        job: JobOf<T>,
        hops: u8,
        answer: oneshot::Sender<Result<T>>,
    ) -> Box<dyn Job> {
        Box::new(Self { job, hops, outcome: None, answer })
    }
}

impl<T: Send> Job for TypedJob<T> {
    fn run(&mut self, w: &mut Write<'_>) -> Outcome {
        w.hops = self.hops;
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.job)(w)))
            .unwrap_or_else(|_| Err(Error::internal("a write job panicked")));
        let how = match &outcome {
            Ok(_) => Outcome::Good,
            Err(Error::Full) => Outcome::Full,
            Err(_) => Outcome::Failed,
        };
        self.outcome = Some(outcome);
        how
    }

    fn fail(&mut self, e: Error) {
        self.outcome = Some(Err(e));
    }

    fn answer(self: Box<Self>, broken: Option<Error>) {
        let outcome = match (self.outcome, broken) {
            (Some(Err(own)), _) => Err(own),
            (_, Some(broken)) => Err(broken),
            (Some(good), None) => good,
            (None, None) => Err(Error::internal("a write job was never run")),
        };
        // Nobody waits any more when the caller hung up; the commit stands all the same.
        drop(self.answer.send(outcome));
    }
}

/// The order to stop once everything before it is done.
pub(super) struct Stop;

impl Job for Stop {
    fn run(&mut self, _: &mut Write<'_>) -> Outcome {
        Outcome::Good
    }
    fn fail(&mut self, _: Error) {}
    fn answer(self: Box<Self>, _: Option<Error>) {}
    fn stops(&self) -> bool {
        true
    }
}

pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) synchronous: Synchronous,
    pub(super) shared: Arc<Shared>,
    pub(super) inbox: Receiver<Box<dyn Job>>,
    pub(super) on_commit: OnCommit,
    pub(super) subscriptions: Subscriptions,
    pub(super) failed_sync: Option<Instant>,
}

impl Writer {
    pub(super) fn run(mut self) {
        let mut group: Vec<Box<dyn Job>> = Vec::with_capacity(GROUP_MAX);
        let mut groups = 0_u32;
        loop {
            groups = groups.wrapping_add(1);
            let asked = self.shared.restart_wal.swap(false, Ordering::AcqRel);
            let too_large = groups.is_multiple_of(LOOK_EACH) && self.wal_bytes() > WAL_MAX;
            if (asked || too_large)
                && let Err(e) = self.finish_wal()
            {
                tracing::warn!(error = %e, "the write-ahead log could not be finished");
            }
            match self.inbox.recv_timeout(Duration::from_millis(500)) {
                Ok(first) => group.push(first),
                // The order to stop does not fit into a full queue; then the flag says it.
                Err(RecvTimeoutError::Timeout) if !*self.shared.stop.lock() => continue,
                Err(_) => break,
            }
            group.extend(self.inbox.try_iter().take(GROUP_MAX - 1));
            let stops = group.iter().any(|job| job.stops());
            self.commit_group(&mut group);
            if stops {
                break;
            }
        }
        if let Err(e) = self.checkpoint_at_stop() {
            tracing::warn!(error = %e, "the write-ahead log could not be folded into the database");
        }
    }

    /// After a finished WAL the next write cuts the file down to `journal_size_limit`, 64 MiB.
    fn wal_bytes(&self) -> u64 {
        std::fs::metadata(self.shared.path.with_extension("db-wal")).map_or(0, |m| m.len())
    }

    /// Copies the rest of the WAL into the database, so that the next write begins it anew. Readers
    /// of an old snapshot are not waited for long: it is tried again.
    fn finish_wal(&self) -> rusqlite::Result<()> {
        self.conn.busy_timeout(READERS_WITHIN)?;
        let done = self.conn.query_row("pragma wal_checkpoint(restart)", [], |_| Ok(()));
        self.conn.busy_timeout(connect::BUSY_WITHIN)?;
        done
    }

    fn checkpoint_at_stop(&self) -> rusqlite::Result<()> {
        self.conn.execute_batch("pragma optimize")?;
        self.conn.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
    }

    /// Runs a group in one transaction; when a job breaks the whole transaction, the others get a
    /// second one without it, in which each does its last work in its own savepoint.
    fn commit_group(&mut self, group: &mut Vec<Box<dyn Job>>) {
        for last_try in [false, true] {
            let mut pending = Pending::default();
            match self.run_group(group, &mut pending, last_try) {
                Ok(()) => return self.committed(group, pending),
                Err(Broken::By(index, e)) if !last_try => {
                    self.subscriptions.forget();
                    self.note_failure(&e);
                    group.swap_remove(index).answer(Some(e));
                }
                Err(Broken::By(_, e) | Broken::AtCommit(e)) => {
                    self.subscriptions.forget();
                    return self.refused(group, &e);
                }
            }
        }
    }

    fn run_group(
        &mut self,
        group: &mut [Box<dyn Job>],
        pending: &mut Pending,
        one_by_one: bool,
    ) -> Result<(), Broken> {
        let now = self.shared.clock.now_ms();
        let begin = |sql| self.conn.prepare_cached(sql)?.execute([]);
        begin("begin immediate").map_err(|e| Broken::AtCommit(e.into()))?;
        for (index, job) in group.iter_mut().enumerate() {
            let started = Instant::now();
            let mark = pending.mark();
            begin("savepoint job").map_err(|e| Broken::By(index, e.into()))?;
            let mut write = Write {
                now,
                job: index,
                hops: 0,
                conn: &self.conn,
                pending,
                subscriptions: &mut self.subscriptions,
            };
            let mut outcome = job.run(&mut write);
            if one_by_one
                && outcome == Outcome::Good
                && let Err((_, e)) = finish(&self.conn, pending)
            {
                outcome = if matches!(e, Error::Full) { Outcome::Full } else { Outcome::Failed };
                job.fail(e);
            }
            if self.conn.is_autocommit() {
                return Err(Broken::By(index, Error::Full));
            }
            if outcome == Outcome::Full {
                self.note_failure(&Error::Full);
            }
            if outcome != Outcome::Good {
                pending.cut(mark);
                self.subscriptions.forget();
                begin("rollback to job").map_err(|e| Broken::By(index, e.into()))?;
            }
            begin("release job").map_err(|e| Broken::By(index, e.into()))?;
            if started.elapsed() > JOB_MAX {
                let ms = started.elapsed().as_millis();
                tracing::warn!(ms, "a write job held everyone up; it should work in smaller steps");
            }
        }
        if let Err((index, e)) = finish(&self.conn, pending) {
            if !self.conn.is_autocommit() {
                begin("rollback").map_err(|e| Broken::AtCommit(e.into()))?;
            }
            return Err(Broken::By(index, e));
        }
        begin("commit").map_err(|e| self.commit_failed(e))?;
        Ok(())
    }

    fn commit_failed(&self, e: rusqlite::Error) -> Broken {
        if !self.conn.is_autocommit() {
            drop(self.conn.execute_batch("rollback"));
        }
        if let Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) = e.sqlite_error_code() {
            self.shared.set_health(Health::Corrupt);
        }
        Broken::AtCommit(e.into())
    }

    fn committed(&mut self, group: &mut Vec<Box<dyn Job>>, mut pending: Pending) {
        if let Some(last) = pending.committed.envelopes.last() {
            self.shared.committed_seq.fetch_max(last.seq, Ordering::AcqRel);
            self.shared.news.notify_waiters();
        }
        for hook in pending.hooks.drain(..) {
            hook();
        }
        if !pending.committed.envelopes.is_empty() || !pending.committed.owed.is_empty() {
            (self.on_commit)(pending.committed);
        }
        for job in group.drain(..) {
            job.answer(None);
        }
    }

    /// Nothing of the group was stored. A failed sync leaves the file in doubt: the connection is
    /// opened anew, and a second failure soon after ends the process rather than acknowledge
    /// anything that is not on the disk (the lesson of `fsyncgate`).
    fn refused(&mut self, group: &mut Vec<Box<dyn Job>>, e: &Error) {
        tracing::error!(error = %e, "a group of writes could not be committed");
        self.note_failure(e);
        if matches!(e, Error::Internal { .. }) {
            self.reopen();
        }
        for job in group.drain(..) {
            let told = if matches!(e, Error::Full) {
                Error::Full
            } else {
                Error::Busy(Duration::from_secs(1))
            };
            job.answer(Some(told));
        }
    }

    fn note_failure(&self, e: &Error) {
        if matches!(e, Error::Full) && self.shared.health() == Health::Good {
            tracing::error!("the disk is full: the server only reads until there is room");
            self.shared.set_health(Health::DiskFull);
        }
    }

    fn reopen(&mut self) {
        if self.failed_sync.is_some_and(|at| at.elapsed() < SYNC_FAILURES_APART) {
            tracing::error!("the disk failed twice within a minute: stopping, nothing is lost");
            std::process::exit(74);
        }
        self.failed_sync = Some(Instant::now());
        match connect::for_writing(&self.shared.path, self.synchronous) {
            Ok(conn) => self.conn = conn,
            Err(e) => {
                tracing::error!(error = %e, "the database could not be opened again: stopping");
                std::process::exit(74);
            }
        }
    }
}

/// Does the last work of jobs; tells whose failed.
fn finish(conn: &Connection, pending: &mut Pending) -> Result<(), (usize, Error)> {
    for (job, work) in pending.last.drain(..) {
        catch_unwind(AssertUnwindSafe(|| work(&Last(conn))))
            .unwrap_or_else(|_| Err(Error::internal("the last work of a write job panicked")))
            .map_err(|e| (job, e))?;
    }
    Ok(())
}

/// What kept a group from being committed.
enum Broken {
    /// This job of the group took the whole transaction down.
    By(usize, Error),
    /// The transaction as a whole could not begin or end.
    AtCommit(Error),
}
