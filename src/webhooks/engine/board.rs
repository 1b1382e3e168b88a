//! What keeper and workers share, behind one lock: whose turn it is, and what was done.

use super::{
    Now,
    health::Health,
    lane::{Attempted, Job, Whereto},
    pool::Pool,
    turns::{Filling, Look, Settled, Turn, Turns},
};
use crate::time::Clock;
use parking_lot::{Condvar, Mutex};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Attempts that may wait to be settled before workers wait too.
const DONE_MAX: usize = 4_096;

pub(in crate::webhooks) struct Board {
    inner: Mutex<Inner>,
    work: Condvar,
    idle: Condvar,
    pub(super) counts: Counts,
}

#[derive(Default)]
pub(super) struct Counts {
    pub(super) in_flight: AtomicU64,
    /// By [`super::outcomes::CLASSES`].
    pub(super) by_class: [AtomicU64; super::outcomes::CLASSES.len()],
}

struct Inner {
    turns: Turns,
    done: Vec<Attempted>,
    stopped: bool,
}

impl Board {
    pub(super) fn new(mut pool: Pool) -> Self {
        pool.size = pool.min();
        let inner = Inner { turns: Turns::new(pool), done: Vec::new(), stopped: false };
        Self {
            inner: Mutex::new(inner),
            work: Condvar::new(),
            idle: Condvar::new(),
            counts: Counts::default(),
        }
    }

    /// The next job, whosever turn it is; waits for one. `None` when this worker is to end.
    pub(super) fn next(&self, clock: &Clock) -> Option<(Job, Turn)> {
        let mut inner = self.inner.lock();
        loop {
            if inner.stopped {
                return None;
            }
            if inner.done.len() < DONE_MAX
                && let Some(picked) = inner.turns.pick(Now::of(clock))
            {
                self.counts.in_flight.fetch_add(1, Ordering::Relaxed);
                self.call(&inner.turns);
                return Some(picked);
            }
            if inner.turns.pool.leaves() {
                return None;
            }
            self.work.wait(&mut inner);
        }
    }

    /// An attempt is over. True when the keeper should look at once: nothing else will wake it.
    pub(super) fn done(&self, turn: Turn, attempted: Attempted, now: Now) -> bool {
        self.counts.in_flight.fetch_sub(1, Ordering::Relaxed);
        if let Some(count) = self.counts.by_class.get(super::outcomes::class(&attempted.outcome)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let mut inner = self.inner.lock();
        inner.turns.done(turn, attempted.endpoint, attempted.is_good(), now);
        inner.done.push(attempted);
        self.call(&inner.turns);
        if inner.turns.pool.busy == 0 {
            self.idle.notify_all();
        }
        inner.done.len() == 1
    }

    /// What was done since the last time.
    pub(super) fn take_done(&self) -> Vec<Attempted> {
        let mut inner = self.inner.lock();
        if inner.done.len() >= DONE_MAX {
            self.work.notify_all();
        }
        std::mem::take(&mut inner.done)
    }

    /// As [`Turns::settled`].
    pub(super) fn settled(&self, attempts: &[Settled], fare: &[(i64, Health)], now: Now) {
        let mut inner = self.inner.lock();
        inner.turns.settled(attempts, fare, now);
        self.call(&inner.turns);
    }

    /// As [`Turns::look_at`].
    pub(super) fn look_at(&self, endpoints: &[i64], now: Now) {
        self.inner.lock().turns.look_at(endpoints, now);
    }

    /// As [`Turns::looks`].
    pub(super) fn looks(&self, now: Now) -> Vec<Look> {
        let mut inner = self.inner.lock();
        let looks = inner.turns.looks(now);
        self.call(&inner.turns);
        looks
    }

    /// As [`Turns::wakes_in`].
    pub(super) fn wakes_in(&self, now: Now) -> Option<i64> {
        self.inner.lock().turns.wakes_in(now)
    }

    /// As [`Turns::fill`].
    pub(super) fn fill(&self, whereto: &Arc<Whereto>, filling: Filling, now: Now) {
        let mut inner = self.inner.lock();
        inner.turns.fill(whereto, filling, now);
        self.call(&inner.turns);
    }

    /// As [`Turns::drop_lane`].
    pub(super) fn drop_lane(&self, endpoint: i64) {
        self.inner.lock().turns.drop_lane(endpoint);
    }

    /// As [`Turns::forget`].
    pub(super) fn forget(&self, endpoint: i64) {
        self.inner.lock().turns.forget(endpoint);
    }

    /// How many workers to start now; they are counted as started. Those that are not needed any
    /// more go.
    pub(super) fn staff(&self, now: Now) -> usize {
        let mut inner = self.inner.lock();
        if inner.turns.pool.shrink(now.ticks) > 0 {
            self.work.notify_all();
        }
        let ready = inner.turns.ready();
        let more = match inner.done.len() < DONE_MAX {
            true => inner.turns.pool.growth(ready, now.ticks),
            // They do not wait for peers, but for the disk.
            false => 0,
        };
        inner.turns.pool.size += more;
        more
    }

    /// A worker could not be started.
    pub(super) fn not_started(&self) {
        self.inner.lock().turns.pool.size -= 1;
    }

    /// Workers there are.
    pub(super) fn workers(&self) -> usize {
        self.inner.lock().turns.pool.size
    }

    pub(super) fn stop(&self) {
        self.inner.lock().stopped = true;
        self.work.notify_all();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.inner.lock().stopped
    }

    /// Waits until no attempt is under way and all are settled, or `within` is over.
    pub(super) fn wait_idle(&self, within: Duration) {
        let until = Instant::now() + within;
        let mut inner = self.inner.lock();
        while inner.turns.pool.busy > 0 || !inner.done.is_empty() {
            if self.idle.wait_until(&mut inner, until).timed_out() {
                return;
            }
        }
    }

    /// The keeper has settled everything it took.
    pub(super) fn settled_all(&self) {
        self.idle.notify_all();
    }

    /// Calls one worker that has nothing to do, where there is something; it calls the next.
    fn call(&self, turns: &Turns) {
        if turns.wants_worker() {
            self.work.notify_one();
        }
    }
}
