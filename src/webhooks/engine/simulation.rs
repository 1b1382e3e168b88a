//! The scenario that judges fairness, played with a virtual clock through the real lanes, rounds,
//! health, pace and pool: only the peers, the database and the threads are made up.

use super::{
    Now,
    health::{Health, Seen},
    lane::{Job, Whereto},
    outcomes,
    pool::Pool,
    turns::{Filling, Settled, Turn, Turns},
};
use crate::{
    id::TenantId,
    webhooks::{
        PayloadFormat,
        address::Guard,
        post::{Failure, Outcome, Stage},
        render::Stored,
        schedule::Schedule,
    },
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
    time::Duration,
};

/// How long a write of the keeper takes, milliseconds.
const COMMIT_MS: i64 = 3;

/// What a peer does with an attempt that begins at this time: how long it takes, and whether it
/// ends well.
type Peer = Box<dyn Fn(i64) -> (i64, bool)>;

/// Answers well after so long.
fn answers(ms: i64) -> Peer {
    Box::new(move |_| (ms, true))
}

/// Accepts and never answers.
fn hangs() -> Peer {
    Box::new(|_| (30_000, false))
}

struct Endpoint {
    peer: Peer,
    whereto: Arc<Whereto>,
    health: Health,
    /// What waits, by when it is due, then by number.
    queue: BTreeMap<(i64, i64), Waiting>,
}

#[derive(Clone, Copy)]
struct Waiting {
    said_at: i64,
    attempts: u32,
}

struct Ended {
    turn: Turn,
    endpoint: i64,
    delivery: (i64, i64),
    attempts: u32,
    began: i64,
    is_good: bool,
}

enum Happening {
    Said(i64),
    Ended(Ended),
    Keeper,
}

struct World {
    now: i64,
    turns: Turns,
    endpoints: BTreeMap<i64, Endpoint>,
    /// What happens when; the number keeps what happens at the same time in order.
    coming: BinaryHeap<Reverse<(i64, usize)>>,
    happenings: BTreeMap<usize, Happening>,
    counter: usize,
    done: Vec<Ended>,
    rung: Vec<i64>,
    /// When the keeper wakes; an earlier wish takes the place of a later one.
    keeper_at: i64,
    /// From saying to the answer, by endpoint.
    delays: BTreeMap<i64, Vec<i64>>,
    busiest: usize,
}

impl World {
    fn new(peers: Vec<Peer>, (workers, workers_max): (usize, usize)) -> Self {
        let mut pool = Pool::new(workers, workers_max);
        pool.size = pool.min();
        let endpoints = (1..).zip(peers).map(|(id, peer)| (id, Endpoint::new(id, peer))).collect();
        let mut world = Self {
            now: 0,
            turns: Turns::new(pool),
            endpoints,
            coming: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            counter: 0,
            done: Vec::new(),
            rung: Vec::new(),
            keeper_at: i64::MAX,
            delays: BTreeMap::new(),
            busiest: 0,
        };
        world.wake(0);
        world
    }

    fn at(&mut self, at: i64, what: Happening) {
        self.counter += 1;
        self.coming.push(Reverse((at, self.counter)));
        self.happenings.insert(self.counter, what);
    }

    /// Wakes the keeper in so many milliseconds.
    fn wake(&mut self, wait: i64) {
        if self.now + wait < self.keeper_at {
            self.keeper_at = self.now + wait;
            self.at(self.keeper_at, Happening::Keeper);
        }
    }

    /// Events for these endpoints in turn, so many a second together.
    fn says(&mut self, endpoints: std::ops::RangeInclusive<i64>, per_s: i64, seconds: i64) {
        let endpoints: Vec<_> = endpoints.collect();
        for n in 0..per_s * seconds {
            let endpoint = endpoints[usize::try_from(n).unwrap() % endpoints.len()];
            self.at(n * 1_000 / per_s, Happening::Said(endpoint));
        }
    }

    fn time(&self) -> Now {
        // The wall clock and the ticks begin somewhere else.
        Now { ms: 1_700_000_000_000 + self.now, ticks: self.now }
    }

    fn run(&mut self, until_s: i64) {
        while let Some(Reverse((at, number))) = self.coming.peek().copied() {
            if at > until_s * 1_000 {
                return;
            }
            self.coming.pop();
            self.now = at;
            match self.happenings.remove(&number).unwrap() {
                Happening::Said(endpoint) => self.said(endpoint, number),
                Happening::Ended(ended) => {
                    let time = self.time();
                    self.turns.done(ended.turn, ended.endpoint, ended.is_good, time);
                    self.done.push(ended);
                    self.wake(COMMIT_MS);
                }
                Happening::Keeper if at == self.keeper_at => self.keeper(),
                Happening::Keeper => {}
            }
            self.work();
        }
    }

    fn said(&mut self, endpoint: i64, number: usize) {
        let said_at = self.now;
        let due = (self.time().ms, i64::try_from(number).unwrap());
        let queue = &mut self.endpoints.get_mut(&endpoint).unwrap().queue;
        queue.insert(due, Waiting { said_at, attempts: 0 });
        self.rung.push(endpoint);
        self.wake(COMMIT_MS);
    }

    /// One round of the keeper, as `keeper` does it.
    fn keeper(&mut self) {
        self.keeper_at = i64::MAX;
        let time = self.time();
        self.turns.look_at(&std::mem::take(&mut self.rung), time);
        self.settle();
        for look in self.turns.looks(time) {
            let endpoint = &self.endpoints[&look.endpoint];
            let health = look.whereto.is_none().then_some(endpoint.health);
            let free = endpoint.queue.iter().filter(|(at, _)| !look.claimed.contains(&at.1));
            let (due, later): (Vec<_>, Vec<_>) = free.partition(|(at, _)| at.0 <= time.ms);
            let jobs = due.iter().take(look.room).map(|(at, w)| endpoint.job(at.1, w.attempts));
            let filling = Filling {
                changes: look.changes,
                health,
                jobs: jobs.collect(),
                more: due.len() > look.room,
                next_due: later.first().map(|(at, _)| at.0),
            };
            self.turns.fill(&endpoint.whereto.clone(), filling, time);
        }
        self.turns.pool.shrink(time.ticks);
        self.turns.pool.size += self.turns.pool.growth(self.turns.ready(), time.ticks);
        if let Some(wait) = self.turns.wakes_in(time) {
            self.wake(wait.clamp(1, 250));
        }
    }

    fn settle(&mut self) {
        let time = self.time();
        let (mut settled, mut fares) = (Vec::new(), BTreeMap::new());
        for ended in std::mem::take(&mut self.done) {
            let endpoint = self.endpoints.get_mut(&ended.endpoint).unwrap();
            let key = endpoint.queue.keys().find(|at| at.1 == ended.delivery.1).copied().unwrap();
            let waiting = endpoint.queue.remove(&key).unwrap();
            let mut due = None;
            let mut rest = Duration::ZERO;
            if ended.is_good {
                self.delays.entry(ended.endpoint).or_default().push(self.now - waiting.said_at);
            } else {
                let outcome = Outcome {
                    result: Err(Failure::Timeout(Stage::Answer)),
                    response_time_ms: 0,
                    retry_after: None,
                    body: String::new(),
                };
                let number = ended.attempts + 1;
                let next =
                    outcomes::after(&Schedule::default(), &outcome, (number, 3), (time.ms, 200));
                rest = next.rest;
                due = next.again_in.map(|wait| time.ms + i64::try_from(wait.as_millis()).unwrap());
                if let Some(due) = due {
                    let again = Waiting { attempts: number, ..waiting };
                    endpoint.queue.insert((due, key.1), again);
                }
            }
            let seen = Seen {
                delivery: key.1,
                at_ms: time.ms - (self.now - ended.began),
                is_good: ended.is_good,
                is_gone: false,
                cool_ms: i64::try_from(rest.as_millis()).unwrap(),
            };
            endpoint.health.note(&seen, time.ms);
            fares.insert(ended.endpoint, endpoint.health);
            settled.push(Settled {
                endpoint: ended.endpoint,
                delivery: key.1,
                is_good: ended.is_good,
                due,
                frees: false,
            });
        }
        let fares: Vec<_> = fares.into_iter().collect();
        self.turns.settled(&settled, &fares, time);
    }

    /// Workers without work take what they may.
    fn work(&mut self) {
        let time = self.time();
        while self.turns.pool.busy < self.turns.pool.size {
            let Some((job, turn)) = self.turns.pick(time) else {
                if self.turns.pool.leaves() {
                    continue;
                }
                break;
            };
            let endpoint = job.whereto.endpoint;
            let (took, is_good) = (self.endpoints[&endpoint].peer)(self.now);
            let ended = Ended {
                turn,
                endpoint,
                delivery: (0, job.delivery),
                attempts: job.attempts,
                began: self.now,
                is_good,
            };
            self.at(self.now + took, Happening::Ended(ended));
        }
        self.busiest = self.busiest.max(self.turns.pool.busy);
    }

    /// How many were delivered to these endpoints, and the 99th percentile and the longest of their
    /// delays.
    fn delays(&self, endpoints: std::ops::RangeInclusive<i64>) -> (usize, i64, i64) {
        let mut all: Vec<i64> = self.delays.range(endpoints).flat_map(|(_, d)| d.clone()).collect();
        all.sort_unstable();
        (all.len(), all[all.len() * 99 / 100], all[all.len() - 1])
    }
}

impl Endpoint {
    fn new(id: i64, peer: Peer) -> Self {
        let whereto = Whereto {
            endpoint: id,
            tenant: TenantId::new(0),
            inside: false,
            target: Guard::new("").unwrap().parse_url("https://example.com/"),
            keys: crate::webhooks::keys::Keys::default(),
            headers: Box::default(),
            timeout: Duration::from_secs(30),
            retry_count: 3,
            format: PayloadFormat::Event,
            max_in_flight: 16,
            rate_limit: None,
        };
        let whereto = Arc::new(whereto);
        Self { peer, whereto, health: Health::default(), queue: BTreeMap::new() }
    }

    fn job(&self, delivery: i64, attempts: u32) -> Job {
        let text = String::new;
        Job {
            whereto: self.whereto.clone(),
            delivery,
            attempts,
            attempts_before: 0,
            event: Stored {
                seq: 0,
                id: text(),
                kind: text(),
                at_ms: 0,
                actor: text(),
                data: text(),
                changes: None,
                hops: 0,
            },
            key: None,
        }
    }
}

/// 20 healthy endpoints answer in 50 ms, others accept and never answer; five events a second for
/// each sort, for 300 s. First in, first out, with ten workers 85 of 1,457 healthy ones would come.
#[test]
fn dead_endpoints_delay_nobody_else() {
    for (dead, p99_max) in [(0, 100), (1, 200), (12, 200), (40, 1_000), (80, 1_000)] {
        let peers = (0..20).map(|_| answers(50)).chain((0..dead).map(|_| hangs())).collect();
        let mut world = World::new(peers, (10, 64));
        world.says(1..=20, 5, 300);
        if dead > 0 {
            world.says(21..=20 + dead, 5, 300);
        }
        world.run(301);
        let (delivered, p99, max) = world.delays(1..=20);
        assert_eq!(delivered, 1_500, "{dead} dead: every healthy event is delivered");
        assert!(p99 <= p99_max && max <= 2_000, "{dead} dead: p99 {p99} ms, longest {max} ms");
        assert!(world.busiest <= 64 && world.turns.pool.size <= 64);
    }
}

/// Endpoints that answered for a minute stop answering with much under way.
#[test]
fn endpoints_that_die_under_load_take_the_others_down_for_no_longer_than_they_may_wait() {
    let dies = || -> Peer { Box::new(|at| if at < 60_000 { (50, true) } else { (30_000, false) }) };
    let peers = (0..20).map(|_| answers(50)).chain((0..3).map(|_| dies())).collect();
    let mut world = World::new(peers, (10, 64));
    world.says(1..=20, 5, 300);
    world.says(21..=23, 150, 300);
    world.run(301);
    let (delivered, p99, max) = world.delays(1..=20);
    assert_eq!(delivered, 1_500);
    assert!(p99 <= 200 && max <= 1_000, "p99 {p99} ms, longest {max} ms");
}

/// A heap for one endpoint does not make another one wait for its end.
#[test]
fn a_heap_for_one_endpoint_delays_no_other() {
    let peers = vec![answers(50), answers(50), answers(50)];
    let mut world = World::new(peers, (10, 10));
    for _ in 0..5_000 {
        world.at(0, Happening::Said(1));
        world.at(0, Happening::Said(2));
    }
    world.says(3..=3, 5, 30);
    world.run(120);
    assert_eq!(world.delays(1..=2).0, 10_000);
    let (delivered, p99, _) = world.delays(3..=3);
    assert!(delivered == 150 && p99 <= 200, "{delivered} delivered, p99 {p99} ms");
}

/// Ten workers become as many as slow peers need, and go again.
#[test]
fn the_pool_grows_with_slow_peers_and_shrinks_when_they_are_quick_again() {
    let slow = || -> Peer { Box::new(|at| (if at < 60_000 { 900 } else { 5 }, true)) };
    let mut world = World::new((0..40).map(|_| slow()).collect(), (10, 64));
    world.says(1..=40, 50, 200);
    world.run(59);
    assert!(world.turns.pool.size > 40, "{} workers", world.turns.pool.size);
    world.run(201);
    assert_eq!(world.turns.pool.size, 10);
    assert_eq!(world.delays(1..=40).0, 10_000);
}
