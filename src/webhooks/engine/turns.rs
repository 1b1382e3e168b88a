//! Whose turn it is: the lanes, the rounds they stand on, and the workers, without locks or clocks.
//! `board` shares it between threads; `simulation` plays it through in no time.

use super::{
    Now,
    health::Health,
    lane::{Job, Lane, Whereto},
    pool::{GROW_AFTER_MS, Pool, Ready},
};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

/// A lane with fewer jobs ready than this is filled up again.
const READY_MIN: usize = 32;

/// Jobs that a lane may have ready.
pub(super) const READY_MAX: usize = 128;

pub(super) struct Turns {
    lanes: HashMap<i64, Lane>,
    /// Endpoints with an attempt that may begin, in turn: those that last succeeded, and others.
    proven: VecDeque<i64>,
    unproven: VecDeque<i64>,
    /// Which of the two is next.
    unproven_next: bool,
    pub(super) pool: Pool,
}

/// A turn that was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    began: i64,
    is_unproven: bool,
}

/// What the keeper should read for a lane.
pub(super) struct Look {
    pub(super) endpoint: i64,
    pub(super) whereto: Option<Arc<Whereto>>,
    pub(super) changes: u64,
    pub(super) claimed: HashSet<i64>,
    pub(super) room: usize,
}

/// What was read for a lane.
pub(super) struct Filling {
    pub(super) changes: u64,
    /// As it was read with the endpoint; `None` when the endpoint was known.
    pub(super) health: Option<Health>,
    pub(super) jobs: Vec<Job>,
    /// Whether there may be more that is due.
    pub(super) more: bool,
    /// When the first that is not due yet falls due.
    pub(super) next_due: Option<i64>,
}

/// An attempt that is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settled {
    pub(super) endpoint: i64,
    pub(super) delivery: i64,
    pub(super) is_good: bool,
    /// When it is tried again.
    pub(super) due: Option<i64>,
    /// Whether another delivery waited for this one's end.
    pub(super) frees: bool,
}

impl Turns {
    pub(super) fn new(pool: Pool) -> Self {
        Self {
            lanes: HashMap::new(),
            proven: VecDeque::new(),
            unproven: VecDeque::new(),
            unproven_next: false,
            pool,
        }
    }

    /// Takes a job from the lane whose turn it is. The two sorts of lanes take turns, so that
    /// neither starves the other, and some workers are kept for those that answer.
    pub(super) fn pick(&mut self, now: Now) -> Option<(Job, Turn)> {
        for _ in 0..2 {
            let unproven = self.unproven_next;
            self.unproven_next = !unproven;
            if unproven && !self.pool.takes_unproven() {
                continue;
            }
            if let Some(picked) = self.pick_of(unproven, now) {
                return Some(picked);
            }
        }
        None
    }

    fn pick_of(&mut self, is_unproven: bool, now: Now) -> Option<(Job, Turn)> {
        loop {
            let round = if is_unproven { &mut self.unproven } else { &mut self.proven };
            let endpoint = round.pop_front()?;
            let Some(lane) = self.lanes.get_mut(&endpoint) else { continue };
            lane.on_round = false;
            if !lane.may_begin(now) {
                continue;
            }
            if lane.is_unproven(now) != is_unproven {
                self.queue(endpoint, now);
                continue;
            }
            let Some(job) = lane.begin(now) else { continue };
            self.pool.took(is_unproven, now.ticks);
            self.queue(endpoint, now);
            return Some((job, Turn { began: now.ticks, is_unproven }));
        }
    }

    /// An attempt is over.
    pub(super) fn done(&mut self, turn: Turn, endpoint: i64, is_good: bool, now: Now) {
        self.pool.ended(turn.is_unproven);
        if let Some(lane) = self.lanes.get_mut(&endpoint) {
            lane.end(turn.began, is_good, now);
        }
        self.queue(endpoint, now);
    }

    /// Attempts are stored: their deliveries are no longer claimed, and how the endpoints fare now
    /// is known.
    pub(super) fn settled(&mut self, attempts: &[Settled], fare: &[(i64, Health)], now: Now) {
        for attempt in attempts {
            let Some(lane) = self.lanes.get_mut(&attempt.endpoint) else { continue };
            lane.claimed.remove(&attempt.delivery);
            lane.look |= attempt.frees;
            if !attempt.is_good {
                lane.pace.settled();
            }
            if let Some(due) = attempt.due {
                lane.next_due = Some(lane.next_due.map_or(due, |next| next.min(due)));
            }
        }
        for (endpoint, health) in fare {
            if let Some(lane) = self.lanes.get_mut(endpoint) {
                lane.health = *health;
            }
            self.queue(*endpoint, now);
        }
    }

    /// These endpoints have something new in the queue.
    pub(super) fn look_at(&mut self, endpoints: &[i64], now: Now) {
        for endpoint in endpoints {
            let lane = self.lanes.entry(*endpoint).or_default();
            (lane.look, lane.used_at) = (true, now.ticks);
        }
    }

    /// What the keeper should read now: lanes that run low, may have more and may be sent it. Lanes
    /// whose time has come stand on their round again, and those that are over are forgotten.
    pub(super) fn looks(&mut self, now: Now) -> Vec<Look> {
        let (mut looks, mut wakes, mut over) = (Vec::new(), Vec::new(), Vec::new());
        for (endpoint, lane) in &mut self.lanes {
            if lane.is_over(now) {
                over.push(*endpoint);
                continue;
            }
            if !lane.on_round && lane.may_begin(now) {
                wakes.push(*endpoint);
            }
            let due = lane.next_due.is_some_and(|due| due <= now.ms);
            let blocked = lane.whereto.is_some() && lane.health.blocked_until(now.ms).is_some();
            if (lane.look || due) && !blocked && lane.ready.len() < READY_MIN {
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
        for endpoint in over {
            self.lanes.remove(&endpoint);
        }
        for endpoint in wakes {
            self.queue(endpoint, now);
        }
        looks
    }

    /// In how many milliseconds something is to be done at the latest, because of nothing but time.
    pub(super) fn wakes_in(&self, now: Now) -> Option<i64> {
        let grows = self.pool.is_short(self.ready()).then_some(GROW_AFTER_MS);
        let lanes = self.lanes.values();
        let blocked = |lane: &Lane| {
            // What is known to wait, and may not be read, is looked at when it may.
            let until = lane.health.blocked_until(now.ms).filter(|_| lane.look);
            until.map(|until| until - now.ms)
        };
        let wakes =
            lanes.flat_map(|lane| lane.wakes_in(now, READY_MIN).into_iter().chain(blocked(lane)));
        wakes.chain(grows).min()
    }

    /// Jobs read for a lane. Nothing is taken when the endpoint was changed while they were read:
    /// they would go to where it was.
    pub(super) fn fill(&mut self, whereto: &Arc<Whereto>, filling: Filling, now: Now) {
        let endpoint = whereto.endpoint;
        let lane = self.lanes.entry(endpoint).or_default();
        if lane.changes != filling.changes {
            return;
        }
        lane.whereto = Some(whereto.clone());
        if let Some(health) = filling.health {
            lane.health = health;
        }
        lane.look |= filling.more;
        lane.used_at = now.ticks;
        if let Some(due) = filling.next_due {
            lane.next_due = Some(lane.next_due.map_or(due, |next| next.min(due)));
        }
        lane.claimed.extend(filling.jobs.iter().map(|job| job.delivery));
        lane.ready.extend(filling.jobs);
        self.queue(endpoint, now);
    }

    /// Forgets a lane that has nothing more to do, because its endpoint is gone.
    pub(super) fn drop_lane(&mut self, endpoint: i64) {
        if self.lanes.get(&endpoint).is_some_and(|lane| lane.claimed.is_empty() && !lane.look) {
            self.lanes.remove(&endpoint);
        }
    }

    /// What is known of an endpoint is out of date: jobs not under way are given back.
    pub(super) fn forget(&mut self, endpoint: i64) {
        if let Some(lane) = self.lanes.get_mut(&endpoint) {
            lane.whereto = None;
            lane.changes += 1;
            lane.look = true;
            for job in std::mem::take(&mut lane.ready) {
                lane.claimed.remove(&job.delivery);
            }
        }
    }

    /// Endpoints with an attempt that may begin.
    pub(super) fn ready(&self) -> Ready {
        Ready { proven: self.proven.len(), unproven: self.unproven.len() }
    }

    /// Whether a worker that has nothing to do would find something.
    pub(super) fn wants_worker(&self) -> bool {
        let takes =
            !self.proven.is_empty() || (!self.unproven.is_empty() && self.pool.takes_unproven());
        takes && self.pool.busy < self.pool.size
    }

    /// Puts an endpoint on its round if an attempt may begin.
    fn queue(&mut self, endpoint: i64, now: Now) {
        if let Some(lane) = self.lanes.get_mut(&endpoint)
            && !lane.on_round
            && lane.may_begin(now)
        {
            lane.on_round = true;
            let unproven = lane.is_unproven(now);
            if unproven { &mut self.unproven } else { &mut self.proven }.push_back(endpoint);
        }
    }
}
