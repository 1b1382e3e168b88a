//! Who wants to be told who comes and goes: a snapshot once, and what changed since, in batches.

use super::{Hub, Present, Sign, presence::BACK_WITHIN_MS, session::Session};
use crate::{
    id::{TenantId, UserId},
    time::{self, Clock},
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Who comes and goes within this time is told at once.
const BATCH_MS: i64 = 250;

/// Who watches, by tenant.
pub(super) struct Watch {
    started_at: i64,
    /// [`super::Presence::changes`] at the last look.
    seen: AtomicU64,
    tenants: Mutex<HashMap<TenantId, Audience>>,
}

/// Those who watch one tenant, and what they were told.
struct Audience {
    sessions: HashMap<u64, Arc<Session>>,
    told: BTreeMap<UserId, Present>,
    /// What was told, in words, until that changes: whoever asks again and again costs nothing.
    snapshot: Option<Sign>,
}

impl Watch {
    pub(super) fn new(clock: &Clock) -> Self {
        let started_at = clock.ticks_ms();
        Self { started_at, seen: AtomicU64::new(0), tenants: Mutex::default() }
    }
}

impl Hub {
    /// Tells the session who is here, and for how long still, after a start of the server, people
    /// are on their way back; and from now on who comes and goes in its tenant.
    pub fn watch(&self, session: &Arc<Session>) {
        let tenant = session.who.tenant;
        let Watch { started_at, tenants, .. } = &self.inner.watch;
        let mut tenants = tenants.lock();
        // What the others were told: so whatever changed since is told to all alike.
        let audience = tenants.entry(tenant).or_insert_with(|| Audience {
            sessions: HashMap::new(),
            told: self.online_by_id(tenant),
            snapshot: None,
        });
        // Under the lock, behind which `unwatch` comes.
        if !session.is_gone() {
            audience.sessions.insert(session.id, session.clone());
        }
        let settled_at = started_at + BACK_WITHIN_MS;
        let settling_ms = (settled_at - self.inner.clock.ticks_ms()).clamp(0, BACK_WITHIN_MS);
        let snapshot = audience.snapshot.take().unwrap_or_else(|| {
            let online: Vec<_> = audience.told.values().map(shown).collect();
            Sign::new("presence", &json!({ "online": online, "settling_ms": settling_ms }))
        });
        session.sign(&snapshot, true);
        // Until the server has settled, each says another time.
        audience.snapshot = (settling_ms == 0).then_some(snapshot);
    }

    /// The session is told no more.
    pub fn unwatch(&self, session: &Session) {
        let mut tenants = self.inner.watch.tenants.lock();
        // Without anybody it is forgotten at the next look, so that whoever comes and goes does not
        // have the list made anew each time.
        if let Some(audience) = tenants.get_mut(&session.who.tenant) {
            audience.sessions.remove(&session.id);
        }
    }

    /// Tells those who watch what changed, for ever. A server that stops tells nobody that all go.
    pub async fn tell_presence(self) {
        loop {
            self.inner.clock.sleep_ms(BATCH_MS).await;
            self.inner.watch.tenants.lock().retain(|_, audience| !audience.sessions.is_empty());
            let changes = self.inner.presence.changes();
            if self.inner.watch.seen.swap(changes, Ordering::Relaxed) != changes
                && !self.is_stopping()
            {
                for (tenant, audience) in self.inner.watch.tenants.lock().iter_mut() {
                    audience.tell(self.online_by_id(*tenant));
                }
            }
        }
    }

    fn online_by_id(&self, tenant: TenantId) -> BTreeMap<UserId, Present> {
        self.inner.presence.online(tenant).into_iter().map(|p| (p.user, p)).collect()
    }
}

impl Audience {
    fn tell(&mut self, now: BTreeMap<UserId, Present>) {
        let came = now.iter().filter(|(user, _)| !self.told.contains_key(user));
        let came: Vec<_> = came.map(|(_, present)| shown(present)).collect();
        let went: Vec<_> = self.told.keys().filter(|user| !now.contains_key(user)).collect();
        if !came.is_empty() || !went.is_empty() {
            let sign = Sign::new("presence.changed", &json!({ "online": came, "offline": went }));
            for session in self.sessions.values() {
                session.sign(&sign, true);
            }
        }
        self.told = now;
        self.snapshot = None;
    }
}

fn shown(p: &Present) -> Value {
    let since = time::rfc3339(p.since_ms);
    json!({ "user_id": p.user, "name": p.name, "role": p.role, "since": since })
}
