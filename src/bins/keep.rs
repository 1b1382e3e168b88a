//! All bins of the server, in memory, and the bounds they are kept in.

use super::{
    BINS_MAX, BINS_MAX_ALL, BODY_MAX, Behaviour, Bin, BinId, Incoming, KEPT_BYTES_MAX,
    KEPT_BYTES_MAX_ALL, KEPT_MAX, Kept, LIFE_MS, PER_SECOND, Wait, Waiting, Wanted, Wish, verdict,
    wait::Places,
};
use crate::{
    error::{Error, OrNotFound as _, Result},
    id::TenantId,
    webhooks::sign::SigningKey,
};
use parking_lot::{Condvar, Mutex};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;
use url::Url;

/// A cheap handle on all bins.
#[derive(Debug, Clone, Default)]
pub struct Bins(Arc<Shared>);

#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) inner: Mutex<Inner>,
    /// Some bin was changed or deleted: who waits within the process looks again …
    pub(super) changed: Condvar,
    /// … and so do those who came from outside.
    pub(super) changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    bins: HashMap<BinId, Held>,
    pub(super) places: HashMap<TenantId, Places>,
    /// Bytes kept in all of them.
    bytes: usize,
    is_over: bool,
}

/// A bin with what is in it.
#[derive(Debug)]
struct Held {
    tenant: TenantId,
    wanted: Wanted,
    /// The origin of its URL: `http://127.0.0.1:8000`.
    origin: String,
    created_at: i64,
    requests: VecDeque<Arc<Kept>>,
    bytes: usize,
    taken: u64,
    refused: u64,
    last_request_at: Option<i64>,
    /// The second that is being counted, and requests in it.
    second: (i64, u32),
}

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By HTTP, from anyone.
    Wire,
    /// From the webhook engine, which paces itself.
    Inside,
}

/// What a bin made of a request.
#[derive(Debug)]
pub enum Taken {
    /// It is kept; this is the answer, and what comes before it.
    Kept {
        /// Its number in the bin.
        number: u64,
        /// The status to answer with.
        status: u16,
        /// The wait before it.
        waiting: Option<Waiting>,
    },
    /// There is no such bin.
    Gone,
    /// Too many requests this second.
    TooMany,
    /// Its body is too large.
    TooLarge,
    /// Too many wait already.
    NoPlace,
}

impl Bins {
    /// Makes one. Its URL is `origin` with its path.
    ///
    /// # Errors
    /// 409 when there are too many.
    pub fn make(&self, tenant: TenantId, wanted: Wanted, origin: &str, now: i64) -> Result<Bin> {
        let id = BinId::random()?;
        let mut inner = self.0.inner.lock();
        inner.forget_the_old(now);
        let refuse = |why: String| Err(Error::conflict("too_many_bins", why));
        if inner.bins.values().filter(|held| held.tenant == tenant).count() >= BINS_MAX {
            return refuse(format!("there are at most {BINS_MAX} bins: delete one first"));
        }
        if inner.bins.len() >= BINS_MAX_ALL {
            return refuse(format!("this server has at most {BINS_MAX_ALL} bins at a time"));
        }
        let held = Held {
            tenant,
            wanted,
            origin: origin.to_owned(),
            created_at: now,
            requests: VecDeque::new(),
            bytes: 0,
            taken: 0,
            refused: 0,
            last_request_at: None,
            second: (0, 0),
        };
        let shown = held.shown(id);
        inner.bins.insert(id, held);
        Ok(shown)
    }

    /// Those of a tenant, the oldest first.
    pub fn all(&self, tenant: TenantId, now: i64) -> Vec<Bin> {
        let mut inner = self.0.inner.lock();
        inner.forget_the_old(now);
        let mine = inner.bins.iter().filter(|(_, held)| held.tenant == tenant);
        let mut all: Vec<Bin> = mine.map(|(id, held)| held.shown(*id)).collect();
        all.sort_by_key(|bin| (bin.created_at, bin.id));
        all
    }

    /// One of a tenant's.
    ///
    /// # Errors
    /// 404.
    pub fn find(&self, tenant: TenantId, id: BinId, now: i64) -> Result<Bin> {
        Ok(self.0.inner.lock().of(tenant, id, now)?.shown(id))
    }

    /// Changes one. Requests that hang look again.
    ///
    /// # Errors
    /// 404; 422 naming every wrong field.
    pub fn change(&self, tenant: TenantId, id: BinId, wish: Wish, now: i64) -> Result<Bin> {
        let mut inner = self.0.inner.lock();
        let held = inner.of(tenant, id, now)?;
        held.wanted = wish.wanted(held.wanted.clone())?;
        let shown = held.shown(id);
        drop(inner);
        self.tell();
        Ok(shown)
    }

    /// Deletes one with all that is in it.
    ///
    /// # Errors
    /// 404.
    pub fn delete(&self, tenant: TenantId, id: BinId, now: i64) -> Result<Bin> {
        let mut inner = self.0.inner.lock();
        let shown = inner.of(tenant, id, now)?.shown(id);
        inner.forget(id);
        drop(inner);
        self.tell();
        Ok(shown)
    }

    /// What was sent to one of a tenant's, with a number above `after`, the newest first.
    ///
    /// # Errors
    /// 404.
    pub fn requests(
        &self,
        (tenant, id): (TenantId, BinId),
        after: u64,
        now: i64,
    ) -> Result<Vec<Arc<Kept>>> {
        let mut inner = self.0.inner.lock();
        let newest_first = inner.of(tenant, id, now)?.requests.iter().rev();
        Ok(newest_first.take_while(|kept| kept.number > after).cloned().collect())
    }

    /// The tenant whose bin this is, and whether it has a secret of its own.
    pub fn owner(&self, id: BinId, now: i64) -> Option<(TenantId, bool)> {
        let mut inner = self.0.inner.lock();
        inner.alive(id, now).map(|held| (held.tenant, held.wanted.key.is_some()))
    }

    /// The bin that a URL means, if this server is what answers there: it is `ours`, or it is the
    /// very URL that the bin was given.
    pub fn at(&self, url: &Url, ours: bool) -> Option<BinId> {
        let id = BinId::in_path(url.path())?;
        let given = || {
            let inner = self.0.inner.lock();
            let origin = url.origin().ascii_serialization();
            inner.bins.get(&id).is_some_and(|held| held.origin == origin)
        };
        (ours || given()).then_some(id)
    }

    /// Counts a request that was too large to be read.
    pub fn refuse(&self, id: BinId, now: i64) {
        if let Some(held) = self.0.inner.lock().alive(id, now) {
            held.refused += 1;
        }
    }

    /// Takes a request in. `keys` are those it may be signed with, where the bin has no secret.
    pub fn take(
        &self,
        (id, way): (BinId, Way),
        incoming: Incoming,
        keys: &[SigningKey],
        now: i64,
    ) -> Taken {
        let mut inner = self.0.inner.lock();
        let Some(held) = inner.alive(id, now) else { return Taken::Gone };
        if way == Way::Wire && !held.has_room_this_second(now) {
            held.refused += 1;
            return Taken::TooMany;
        }
        if incoming.body.len() > BODY_MAX {
            held.refused += 1;
            return Taken::TooLarge;
        }
        let (tenant, answer) = (held.tenant, held.wanted.behaviour);
        let own = held.wanted.key.clone();
        let keys = own.as_ref().map_or(keys, std::slice::from_ref);
        let wait = answer.wait();
        if wait.is_some_and(|wait| !inner.places.entry(tenant).or_default().take(wait)) {
            if let Some(held) = inner.bins.get_mut(&id) {
                held.refused += 1;
            }
            return Taken::NoPlace;
        }
        // From here on the place is given back, whatever happens.
        let shared = self.0.clone();
        let waiting = wait.map(|wait| Waiting { shared, tenant, bin: id, wait });
        drop(inner);
        // Not under the lock: a signature over 64 KiB takes its time.
        let signature = verdict::judge(keys, &incoming.headers, &incoming.body, now / 1000);
        let kept = self
            .0
            .inner
            .lock()
            .keep(id, now, |number| Kept::new(number, now, (answer, signature), incoming));
        match kept {
            Some(number) => Taken::Kept { number, status: answer.status, waiting },
            None => Taken::Gone,
        }
    }

    /// The server stops: nobody waits any longer.
    pub fn stop(&self) {
        self.0.inner.lock().is_over = true;
        self.tell();
    }

    fn tell(&self) {
        self.0.changed.notify_all();
        self.0.changes.send_replace(());
    }
}

impl Inner {
    fn of(&mut self, tenant: TenantId, id: BinId, now: i64) -> Result<&mut Held> {
        self.alive(id, now).filter(|held| held.tenant == tenant).or_not_found("bin")
    }

    fn alive(&mut self, id: BinId, now: i64) -> Option<&mut Held> {
        if self.bins.get(&id).is_some_and(|held| held.ends_at() <= now) {
            self.forget(id);
        }
        self.bins.get_mut(&id)
    }

    fn forget(&mut self, id: BinId) {
        if let Some(held) = self.bins.remove(&id) {
            self.bytes = self.bytes.saturating_sub(held.bytes);
        }
    }

    fn forget_the_old(&mut self, now: i64) {
        let old = self.bins.iter().filter(|(_, held)| held.ends_at() <= now);
        let old: Vec<BinId> = old.map(|(id, _)| *id).collect();
        for id in old {
            self.forget(id);
        }
    }

    /// Keeps a request, and lets go of what is too old or too much. Its number.
    fn keep(&mut self, id: BinId, now: i64, make: impl FnOnce(u64) -> Kept) -> Option<u64> {
        let held = self.bins.get_mut(&id)?;
        held.taken += 1;
        held.last_request_at = Some(now);
        let kept = make(held.taken);
        let (number, bytes) = (kept.number, kept.bytes());
        held.bytes += bytes;
        self.bytes += bytes;
        held.requests.push_back(Arc::new(kept));
        while held.requests.len() > KEPT_MAX || held.bytes > KEPT_BYTES_MAX {
            self.bytes = self.bytes.saturating_sub(held.drop_oldest());
        }
        while self.bytes > KEPT_BYTES_MAX_ALL {
            let fullest = self.bins.values_mut().max_by_key(|held| held.bytes);
            match fullest.map_or(0, Held::drop_oldest) {
                0 => break,
                bytes => self.bytes = self.bytes.saturating_sub(bytes),
            }
        }
        Some(number)
    }

    /// Whether a request that waits has to go on waiting.
    pub(super) fn makes_wait(&self, id: BinId, wait: Wait) -> bool {
        let Some(held) = self.bins.get(&id).filter(|_| !self.is_over) else { return false };
        match wait {
            Wait::Hang => held.wanted.behaviour.hang,
            Wait::Late(_) => true,
        }
    }
}

impl Held {
    fn ends_at(&self) -> i64 {
        self.created_at.saturating_add(LIFE_MS)
    }

    fn has_room_this_second(&mut self, now: i64) -> bool {
        let second = now.div_euclid(1000);
        if self.second.0 != second {
            self.second = (second, 0);
        }
        self.second.1 += 1;
        self.second.1 <= PER_SECOND
    }

    /// Lets go of the oldest; how many bytes that frees.
    fn drop_oldest(&mut self) -> usize {
        let bytes = self.requests.pop_front().map_or(0, |kept| kept.bytes());
        self.bytes = self.bytes.saturating_sub(bytes);
        bytes
    }

    fn shown(&self, id: BinId) -> Bin {
        Bin {
            id,
            url: format!("{}{}", self.origin, id.path()),
            name: self.wanted.name.clone(),
            has_secret: self.wanted.key.is_some(),
            behaviour: self.wanted.behaviour,
            kept: self.requests.len(),
            taken: self.taken,
            refused: self.refused,
            last_request_at: self.last_request_at,
            created_at: self.created_at,
            expires_at: self.ends_at(),
        }
    }
}

impl Behaviour {
    fn wait(self) -> Option<Wait> {
        match self {
            Self { hang: true, .. } => Some(Wait::Hang),
            Self { delay_ms: 0, .. } => None,
            Self { delay_ms, .. } => Some(Wait::Late(Duration::from_millis(delay_ms))),
        }
    }
}
