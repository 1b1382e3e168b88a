//! The hub: every connected client of every door, the rooms they are in, and who is present.
//!
//! A door makes an [`Arrival`] and gets a [`Connection`]; dropping that is the only way to leave.
//! Nothing tells the hub about a durable event but the bell.

mod drain;
mod handed;
mod mailbox;
mod outbox;
mod picture;
mod presence;
mod replay;
mod ringer;
mod rooms;
mod session;
mod signs;
mod standing;
mod sweep;
#[cfg(test)]
mod tests;
mod topics;
mod watch;

pub use handed::{Handed, Tally};
pub use outbox::{Outbox, Wire};
pub use picture::{Picture, Protocol};
pub use presence::{Presence, Present};
pub use replay::{Missed, Replayed, Resumed, go_live, replay, replay_topic};
pub use ringer::{INBOX_MAX, Order, Rung};
pub use session::{Arrival, Close, CloseReason, Session, Tongue};
pub use signs::{Heard, Saying, Sign, TYPING_MS, Word};
pub use sweep::PING_EVERY_MS;
pub use topics::{Judge, Rights, Ruling, TOPICS_MAX, Verdict};

use crate::{
    auth::Role,
    db::Db,
    error::{Error, Result},
    id::{SessionId, TenantId, UserId},
    time::Clock,
};
use parking_lot::Mutex;
use presence::Here;
use ringer::Ringer;
use std::{
    collections::{BTreeMap, HashMap},
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender},
    },
};
use tokio::sync::Semaphore;

/// Pages of replays that are read at the same time; others wait their turn. A turn ends with the
/// page, whether its client reads it or not.
const REPLAYS_MAX: usize = 32;

/// Connections of one visitor; one more is refused. And all visitors together get half of what
/// there is, so that strangers cannot keep staff out.
const PER_VISITOR_MAX: usize = 3;
const VISITORS_PART: usize = 2;

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// In all.
    pub all: usize,
    /// Of one user.
    pub per_user: usize,
}

/// The number of the first session: no session has the number of one before a restart, so that
/// nobody ends a stranger's connection from an old list. Exact in JavaScript until the year 2255.
fn first_id(now_ms: i64) -> u64 {
    u64::try_from(now_ms).unwrap_or(0).saturating_mul(1_000)
}

/// A cheap handle on the hub.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    limits: Limits,
    orders: SyncSender<Order>,
    next_id: AtomicU64,
    sessions: Mutex<HashMap<u64, Arc<Session>>>,
    /// Clients that were admitted and are not connected yet.
    stopping: AtomicBool,
    presence: Arc<Presence>,
    watch: watch::Watch,
    rung: Arc<Rung>,
    topics: Arc<topics::Topics>,
    rights: Arc<Rights>,
    replays: Semaphore,
}

/// How many clients there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// In all.
    pub clients: usize,
    /// By tenant, those without any left out.
    pub by_tenant: BTreeMap<TenantId, usize>,
}

impl Hub {
    /// Starts the ringer on its own thread. `orders` and `inbox` are the two ends of its channel;
    /// the bell holds another sender.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(
        db: &Db,
        orders: SyncSender<Order>,
        inbox: Receiver<Order>,
        limits: Limits,
        rights: Rights,
    ) -> Result<Self> {
        let clock = db.clock().clone();
        let rung = Arc::new(Rung::default());
        let (topics, rights) = (Arc::<topics::Topics>::default(), Arc::new(rights));
        let ringer = Ringer {
            inbox,
            db: db.clone(),
            rooms: rooms::Rooms::default(),
            topics: topics.clone(),
            rights: rights.clone(),
            last_seq: db.latest_seq(),
            rung: rung.clone(),
            round: std::collections::VecDeque::new(),
            scratch: Vec::new(),
        };
        rung.seq.store(ringer.last_seq, Ordering::Release);
        std::thread::Builder::new()
            .name("ringer".into())
            .spawn(move || ringer.run())
            .map_err(Error::internal)?;
        Ok(Self {
            inner: Arc::new(Inner {
                presence: Arc::new(Presence::new(clock.clone())),
                watch: watch::Watch::new(&clock),
                next_id: AtomicU64::new(first_id(clock.now_ms())),
                clock,
                limits,
                orders,
                sessions: Mutex::default(),
                stopping: AtomicBool::new(false),
                rung,
                topics,
                rights,
                replays: Semaphore::new(REPLAYS_MAX),
            }),
        })
    }

    /// Takes a client in: it is present, in its rooms, and hears what is committed from now on.
    /// A door does this before it answers the handshake, so that a client that has its answer
    /// misses nothing of what it does next.
    ///
    /// # Errors
    /// [`Error::Busy`] when there are too many connections already, in all or of this user, or the
    /// server is stopping.
    pub async fn connect(&self, arrival: Arrival) -> Result<Connection> {
        let id = self.inner.next_id.fetch_add(1, Ordering::Relaxed);
        let name = arrival.name.clone();
        let first_ping = sweep::first_ping_ms(id);
        let session = Arc::new(Session::new(id, arrival, first_ping));
        let here = self.inner.admit(&session, &name)?;
        let connection = Connection { hub: self.clone(), session: session.clone(), _here: here };
        self.order(Order::Join(session)).await;
        Ok(connection)
    }

    /// Puts an order into the ringer's inbox, waiting for room.
    async fn order(&self, mut order: Order) {
        use std::sync::mpsc::TrySendError;
        while let Err(TrySendError::Full(back)) = self.inner.orders.try_send(order) {
            order = back;
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    /// Ends every connection that `which` picks; returns how many.
    pub fn close_where(&self, why: Close, which: impl Fn(&Session) -> bool) -> usize {
        let picked: Vec<_> =
            self.inner.sessions.lock().values().filter(|s| which(s)).cloned().collect();
        for session in &picked {
            session.close(why);
        }
        picked.len()
    }

    /// Ends the connections of one sign-in.
    pub fn close_session(&self, id: SessionId) {
        self.close_where(Close::Unauthorized, |s| s.session == Some(id));
    }

    /// Ends the connections of one user.
    pub fn close_user(&self, tenant: TenantId, user: UserId, why: Close) {
        self.close_where(why, |s| s.who.tenant == tenant && s.who.user == user);
    }

    /// How many clients there are.
    pub fn counts(&self) -> Counts {
        let sessions = self.inner.sessions.lock();
        let mut by_tenant = BTreeMap::new();
        for session in sessions.values() {
            *by_tenant.entry(session.who.tenant).or_insert(0) += 1;
        }
        Counts { clients: sessions.len(), by_tenant }
    }

    /// Whether nobody is connected or about to be.
    pub fn is_empty(&self) -> bool {
        self.inner.sessions.lock().is_empty()
    }

    /// Who is present.
    pub fn presence(&self) -> &Presence {
        &self.inner.presence
    }

    /// The `seq` up to which sessions were told everything.
    pub fn rung_seq(&self) -> i64 {
        self.inner.rung.seq.load(Ordering::Acquire)
    }

    /// What the ringer has done.
    pub fn rung(&self) -> &Rung {
        &self.inner.rung
    }

    /// Whether the server is about to stop, so that nobody should begin to wait.
    pub fn is_stopping(&self) -> bool {
        self.inner.stopping.load(Ordering::Acquire)
    }

    /// Ends everything: all clients are told to come back, and the ringer stops.
    pub fn stop(&self) {
        self.inner.stopping.store(true, Ordering::Release);
        self.close_where(Close::Restart, |_| true);
        drop(self.inner.orders.try_send(Order::Stop));
    }
}

impl Inner {
    /// Counts and lists a session in one step, so that the bounds hold however many come at once.
    /// One user's connections are counted with their presence: looking through ten thousand
    /// sessions for each that comes would be felt when all come back at once.
    fn admit(&self, session: &Arc<Session>, name: &str) -> Result<Here> {
        let Limits { all, per_user } = self.limits;
        let mut sessions = self.sessions.lock();
        let is_visitor = session.who.role == Role::Visitor;
        let per_user = if is_visitor { per_user.min(PER_VISITOR_MAX) } else { per_user };
        // Only a hub that is half full counts its visitors.
        let part = all / VISITORS_PART;
        let visitors = || sessions.values().filter(|s| s.who.role == Role::Visitor).count();
        let crowded = is_visitor && sessions.len() >= part && visitors() >= part;
        // `stop` says so before it looks at the list, so whoever it does not find is refused here.
        let full = crowded || sessions.len() >= all || self.stopping.load(Ordering::Acquire);
        let here = if full { None } else { self.presence.arrive(session.who, name, per_user) };
        let here = here.ok_or(Error::Busy(std::time::Duration::from_secs(5)))?;
        sessions.insert(session.id, session.clone());
        Ok(here)
    }
}

/// One client's place in the hub; dropping it is leaving, whatever ended the connection.
pub struct Connection {
    hub: Hub,
    session: Arc<Session>,
    _here: Here,
}

impl Deref for Connection {
    type Target = Arc<Session>;
    fn deref(&self) -> &Arc<Session> {
        &self.session
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.hub.leave_all(&self.session);
        self.hub.unwatch(&self.session);
        self.hub.inner.sessions.lock().remove(&self.session.id);
        // The inbox is drained within microseconds, so this waits at most a moment.
        drop(self.hub.inner.orders.send(Order::Leave(self.session.clone())));
    }
}
