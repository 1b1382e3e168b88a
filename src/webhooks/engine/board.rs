//! What keeper and workers share: the lanes, whose turn it is, and what was done.

use super::{
    IN_FLIGHT_MAX,
    lane::{Attempted, Job, Lane, Whereto},
};
use parking_lot::{Condvar, Mutex};
use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// A lane with fewer jobs ready than this is filled up again.
const READY_MIN: usize = 32;

/// Jobs that a lane may have ready.
pub(super) const READY_MAX: usize = 128;

/// Attempts that may wait to be settled before workers wait too.
const DONE_MAX: usize = 4_096;

#[derive(Default)]
pub(in crate::webhooks) struct Board {
    inner: Mutex<Inner>,
    work: Condvar,
    idle: Condvar,
    pub(super) counts: Counts,
}

#[derive(Default)]
pub(super) struct Counts {
    pub(super) in_flight: AtomicU64,
    pub(super) ok: AtomicU64,
    pub(super) failed: AtomicU64,
}

#[derive(Default)]
struct Inner {
    lanes: HashMap<i64, Lane>,
    /// Endpoints with a job ready and room for it, in turn.
    round: VecDeque<i64>,
    done: Vec<Attempted>,
    working: usize,
    stopped: bool,
}

/// What the keeper should read for a lane.
pub(super) struct Look {
    pub(super) endpoint: i64,
    pub(super) whereto: Option<Arc<Whereto>>,
    pub(super) changes: u64,
    pub(super) claimed: std::collections::HashSet<i64>,
    pub(super) room: usize,
}

impl Board {
    /// The next job, whosever turn it is; waits for one. `None` when the engine stops.
    pub(super) fn next(&self) -> Option<Job> {
        let mut inner = self.inner.lock();
        loop {
            if inner.stopped {
                return None;
            }
            if inner.done.len() < DONE_MAX
                && let Some(job) = inner.pick()
            {
                inner.working += 1;
                self.counts.in_flight.fetch_add(1, Ordering::Relaxed);
                return Some(job);
            }
            self.work.wait(&mut inner);
        }
    }

    /// An attempt is over. True when the keeper should look at once: nothing else will wake it.
    pub(super) fn done(&self, attempted: Attempted) -> bool {
        self.counts.in_flight.fetch_sub(1, Ordering::Relaxed);
        let counter = if attempted.is_good() { &self.counts.ok } else { &self.counts.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        let mut inner = self.inner.lock();
        inner.working -= 1;
        if let Some(lane) = inner.lanes.get_mut(&attempted.endpoint) {
            lane.in_flight -= 1;
        }
        inner.queue(attempted.endpoint);
        inner.done.push(attempted);
        if inner.working == 0 {
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

    /// Settled attempts are no longer claimed; those that are tried again are due later.
    pub(super) fn settled(&self, attempts: &[Attempted], now_ms: i64) {
        let mut inner = self.inner.lock();
        for attempt in attempts {
            let Some(lane) = inner.lanes.get_mut(&attempt.endpoint) else { continue };
            lane.claimed.remove(&attempt.delivery);
            if let Some(wait) = attempt.again_in {
                let due = now_ms + i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 2);
                lane.next_due = Some(lane.next_due.map_or(due, |next| next.min(due)));
            }
        }
    }

    /// These endpoints have something new in the queue.
    pub(super) fn look_at(&self, endpoints: &[i64]) {
        let mut inner = self.inner.lock();
        for endpoint in endpoints {
            inner.lanes.entry(*endpoint).or_default().look = true;
        }
    }

    /// What the keeper should read now: lanes that run low and may have more.
    pub(super) fn looks(&self, now_ms: i64) -> Vec<Look> {
        let mut inner = self.inner.lock();
        let mut looks = Vec::new();
        for (endpoint, lane) in &mut inner.lanes {
            let due = lane.next_due.is_some_and(|due| due <= now_ms);
            if (lane.look || due) && lane.ready.len() < READY_MIN {
                lane.look = false;
                lane.next_due = None;
                looks.push(Look {
                    endpoint: *endpoint,
                    whereto: lane.whereto.clone(),
                    changes: lane.changes,
                    claimed: lane.claimed.clone(),
                    room: READY_MAX - lane.ready.len(),
                });
            }
        }
        looks
    }

    /// The earliest moment at which something known falls due.
    pub(super) fn next_due(&self) -> Option<i64> {
        let inner = self.inner.lock();
        // A lane with enough to do is not looked at, whatever falls due.
        let low = inner.lanes.values().filter(|lane| lane.ready.len() < READY_MIN);
        low.filter_map(|lane| lane.next_due).min()
    }

    /// Jobs read for a lane, whether there may be more, and when the next one falls due. Nothing is
    /// taken when the endpoint was changed while they were read: they would go to where it was.
    pub(super) fn fill(
        &self,
        (whereto, changes): (&Arc<Whereto>, u64),
        jobs: Vec<Job>,
        (more, next_due): (bool, Option<i64>),
    ) {
        let mut inner = self.inner.lock();
        let endpoint = whereto.endpoint;
        let lane = inner.lanes.entry(endpoint).or_default();
        if lane.changes != changes {
            return;
        }
        lane.whereto = Some(whereto.clone());
        lane.look |= more;
        if let Some(due) = next_due {
            lane.next_due = Some(lane.next_due.map_or(due, |next| next.min(due)));
        }
        let found = jobs.len();
        lane.claimed.extend(jobs.iter().map(|job| job.delivery));
        lane.ready.extend(jobs);
        inner.queue(endpoint);
        for _ in 0..found.min(IN_FLIGHT_MAX) {
            self.work.notify_one();
        }
    }

    /// Drops a lane that has nothing more to do.
    pub(super) fn drop_lane(&self, endpoint: i64) {
        let mut inner = self.inner.lock();
        if inner.lanes.get(&endpoint).is_some_and(|lane| lane.claimed.is_empty() && !lane.look) {
            inner.lanes.remove(&endpoint);
        }
    }

    /// What is known of an endpoint is out of date: jobs not under way are given back.
    pub(super) fn forget(&self, endpoint: i64) {
        let mut inner = self.inner.lock();
        if let Some(lane) = inner.lanes.get_mut(&endpoint) {
            lane.whereto = None;
            lane.changes += 1;
            lane.look = true;
            for job in std::mem::take(&mut lane.ready) {
                lane.claimed.remove(&job.delivery);
            }
        }
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
        while inner.working > 0 || !inner.done.is_empty() {
            if self.idle.wait_until(&mut inner, until).timed_out() {
                return;
            }
        }
    }

    /// The keeper has settled everything it took.
    pub(super) fn settled_all(&self) {
        self.idle.notify_all();
    }
}

impl Inner {
    /// Takes a job from the lane whose turn it is.
    fn pick(&mut self) -> Option<Job> {
        while let Some(endpoint) = self.round.pop_front() {
            let Some(lane) = self.lanes.get_mut(&endpoint) else { continue };
            lane.on_round = false;
            if lane.in_flight >= IN_FLIGHT_MAX {
                continue;
            }
            let Some(job) = lane.ready.pop_front() else { continue };
            lane.in_flight += 1;
            self.queue(endpoint);
            return Some(job);
        }
        None
    }

    /// Puts an endpoint on the round if it has a job ready and room for it.
    fn queue(&mut self, endpoint: i64) {
        if let Some(lane) = self.lanes.get_mut(&endpoint)
            && !lane.on_round
            && !lane.ready.is_empty()
            && lane.in_flight < IN_FLIGHT_MAX
        {
            lane.on_round = true;
            self.round.push_back(endpoint);
        }
    }
}
