//! The one thread that carries committed events to sessions, in `seq` order.
//!
//! It puts each event into the mailbox of every session it reaches (nanoseconds each), then goes
//! round the sessions that have mail in a circle; each visit writes everything that waits there,
//! and between visits new events are taken in. Its inbox is bounded and nobody waits for it: when
//! it finds a gap in `seq` it reads the log.

use super::{
    Handed, Tally,
    rooms::Rooms,
    session::Session,
    topics::{Rights, Topics},
};
use crate::{
    db::{Db, events_between},
    event::{Envelope, Room},
};
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    time::Duration,
};

/// Orders that may wait for the ringer.
pub const INBOX_MAX: usize = 16_384;

/// After this many visits the thread lets others run: clients on the same cores must read.
const VISITS_MAX: usize = 500;

/// How often an idle ringer looks whether the log went on without it.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long an idle ringer waits after the log could not be read.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Events read from the log at once when lagging.
const CATCH_UP: usize = 200;

/// What the ringer is told. Events, joins and leaves share one channel, so their order is exact.
pub enum Order {
    /// Committed, in `seq` order.
    Events(Vec<Arc<Envelope>>),
    /// A session has come.
    Join(Arc<Session>),
    /// A session has gone.
    Leave(Arc<Session>),
    /// No more.
    Stop,
}

/// What the ringer has done, for the operator.
#[derive(Debug, Default)]
pub struct Rung {
    /// Sessions that it carries them to.
    pub clients: AtomicI64,
    /// Events carried.
    pub events: AtomicU64,
    /// Mailboxes they were put into.
    pub deliveries: AtomicU64,
    /// Times the log had to be read because the inbox was full.
    pub lags: AtomicU64,
    /// The `seq` up to which everything was carried.
    pub seq: AtomicI64,
    /// To how many sessions each of the newest events was handed.
    pub tally: Tally,
}

pub(super) struct Ringer {
    pub(super) inbox: Receiver<Order>,
    pub(super) db: Db,
    pub(super) rooms: Rooms,
    pub(super) topics: Arc<Topics>,
    pub(super) rights: Arc<Rights>,
    pub(super) last_seq: i64,
    pub(super) rung: Arc<Rung>,
    pub(super) round: VecDeque<Arc<Session>>,
    pub(super) scratch: Vec<u8>,
}

impl Ringer {
    pub(super) fn run(mut self) {
        let mut visits = 0;
        loop {
            let order = if self.round.is_empty() {
                visits = 0;
                match self.inbox.recv_timeout(LOOK_EVERY) {
                    Ok(order) => Some(order),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            } else {
                match self.inbox.try_recv() {
                    Ok(order) => Some(order),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => return,
                }
            };
            match order {
                Some(Order::Stop) => return,
                Some(order) => self.obey(order),
                None => {
                    if !self.catch_up_to(self.db.latest_seq()) && self.round.is_empty() {
                        std::thread::sleep(AFTER_FAILURE);
                    }
                    if let Some(session) = self.round.pop_front() {
                        session.visit(&mut self.scratch);
                        visits += 1;
                    }
                    if visits >= VISITS_MAX {
                        visits = 0;
                        std::thread::yield_now();
                    }
                }
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Events(events) => {
                let before = events.first().map_or(0, |first| first.seq - 1);
                if !self.catch_up_to(before) {
                    // They are in the log too; carrying them now would skip what is before them.
                    return;
                }
                for event in &events {
                    self.carry(event);
                }
            }
            Order::Join(session) => {
                self.rooms.join(&session);
                self.rung.clients.fetch_add(1, Ordering::Relaxed);
                session.joined_at(self.last_seq);
            }
            Order::Leave(session) => {
                if self.rooms.leave(&session) {
                    self.rung.clients.fetch_sub(1, Ordering::Relaxed);
                }
            }
            Order::Stop => {}
        }
    }

    /// Reads what the inbox had no room for. `seq` has no gaps while a database is open: a job
    /// that fails gives its numbers back. False when the log cannot be read now.
    fn catch_up_to(&mut self, seq: i64) -> bool {
        while self.last_seq < seq {
            self.rung.lags.fetch_add(1, Ordering::Relaxed);
            let after = self.last_seq;
            match self.db.read_blocking(|r| events_between(r, after, seq, CATCH_UP)) {
                Ok(events) if events.is_empty() => self.last_seq = seq,
                Ok(events) => {
                    for event in events {
                        self.carry(&Arc::new(event));
                    }
                }
                Err(e) => {
                    tracing::error!(error = %e, after, "the log could not be read for sockets");
                    return false;
                }
            }
        }
        true
    }

    fn carry(&mut self, event: &Arc<Envelope>) {
        if event.seq <= self.last_seq {
            return;
        }
        let mut handed = Handed::default();
        let round = &mut self.round;
        let mut hear = |session: &Arc<Session>| {
            handed.count(session.protocol);
            if session.post(event) {
                round.push_back(session.clone());
            }
        };
        if let Room::Topic(topic) = &event.room {
            let members = self.topics.members(event.tenant, topic);
            members.iter().filter(|session| session.who.may_hear(event)).for_each(&mut hear);
        } else {
            self.rooms.each(event, &mut hear);
        }
        self.topics.note(event, &self.rights);
        self.last_seq = event.seq;
        self.rung.tally.note(event.seq, handed);
        self.rung.seq.store(event.seq, Ordering::Release);
        self.rung.events.fetch_add(1, Ordering::Relaxed);
        self.rung.deliveries.fetch_add(handed.total(), Ordering::Relaxed);
    }
}
