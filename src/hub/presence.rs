//! Who is here: each `(tenant, user)` with a connection, or gone for less than a reload takes.

use crate::{
    auth::Role,
    event::Listener,
    id::{TenantId, UserId},
    time::Clock,
};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Someone whose last connection went stays online this long: a reload is silent.
pub(super) const GRACE_MS: i64 = 10_000;

/// After a start, people are on their way back for so long: who is not here yet has not gone.
pub(super) const BACK_WITHIN_MS: i64 = 30_000;

/// How one user is present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// The user.
    pub user: UserId,
    /// The name people see.
    pub name: String,
    /// What they are in their tenant.
    pub role: Role,
    /// Open connections, on all doors.
    pub connections: usize,
    /// Since when without a break, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// When a connection was last opened, closed or heard from.
    pub last_seen_ms: i64,
    /// In ticks, when the last connection went.
    left_at: Option<i64>,
    /// Was here before the start, and has not been back.
    is_expected: bool,
}

/// All who are here, counted over all doors.
#[derive(Debug)]
pub struct Presence {
    clock: Clock,
    here: Mutex<HashMap<TenantId, HashMap<UserId, Present>>>,
    /// Grows whenever somebody comes or goes.
    changes: AtomicU64,
}

impl Presence {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, here: Mutex::default(), changes: AtomicU64::new(0) }
    }

    /// Counts a connection; dropping the answer counts it down, whatever ended it. `None` when the
    /// user has `max` already.
    pub(super) fn arrive(self: &Arc<Self>, who: Listener, name: &str, max: usize) -> Option<Here> {
        let Listener { tenant, user, role } = who;
        let now = self.clock.now_ms();
        let ticks = self.clock.ticks_ms();
        let mut here = self.here.lock();
        let known = here.get(&tenant).and_then(|users| users.get(&user));
        if known.map_or(0, |present| present.connections) >= max {
            return None;
        }
        let present = here.entry(tenant).or_default().entry(user).or_insert_with(|| {
            self.changes.fetch_add(1, Ordering::Release);
            Present {
                user,
                name: name.to_owned(),
                role,
                connections: 0,
                since_ms: now,
                last_seen_ms: now,
                left_at: None,
                is_expected: false,
            }
        });
        if present.left_at.is_some_and(|left| ticks - left >= GRACE_MS) {
            present.since_ms = now;
        }
        present.left_at = None;
        present.is_expected = false;
        present.connections += 1;
        present.last_seen_ms = now;
        Some(Here { presence: self.clone(), tenant, user })
    }

    /// Counts somebody as here who was before the server was started again, until they are back or
    /// the time for that is over.
    pub fn expect(&self, who: Listener, name: String, since_ms: i64) {
        let Listener { tenant, user, role } = who;
        let left_at = Some(self.clock.ticks_ms() + BACK_WITHIN_MS - GRACE_MS);
        let last_seen_ms = self.clock.now_ms();
        let present = Present {
            user,
            name,
            role,
            connections: 0,
            since_ms,
            last_seen_ms,
            left_at,
            is_expected: true,
        };
        self.here.lock().entry(tenant).or_default().entry(user).or_insert(present);
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// All who are here, in all tenants, and since when; the longest first.
    pub fn everybody(&self) -> Vec<(TenantId, UserId, i64)> {
        let ticks = self.clock.ticks_ms();
        let here = self.here.lock();
        let all = here.iter().flat_map(|(tenant, users)| users.values().map(|p| (*tenant, p)));
        let online = all.filter(|(_, p)| p.is_online(ticks));
        let mut everybody: Vec<_> = online.map(|(t, p)| (t, p.user, p.since_ms)).collect();
        drop(here);
        everybody.sort_by_key(|(_, user, since_ms)| (*since_ms, *user));
        everybody
    }

    /// Notes that a connection of this user was heard from.
    pub(super) fn seen(&self, tenant: TenantId, user: UserId, at_ms: i64) {
        if let Some(present) = self.here.lock().get_mut(&tenant).and_then(|t| t.get_mut(&user)) {
            present.last_seen_ms = present.last_seen_ms.max(at_ms);
        }
    }

    /// Whether this user is here.
    pub fn is_online(&self, tenant: TenantId, user: UserId) -> bool {
        let ticks = self.clock.ticks_ms();
        let here = self.here.lock();
        here.get(&tenant).and_then(|t| t.get(&user)).is_some_and(|p| p.is_online(ticks))
    }

    /// Whether this user has a connection at this moment.
    pub fn is_connected(&self, tenant: TenantId, user: UserId) -> bool {
        let here = self.here.lock();
        here.get(&tenant).and_then(|t| t.get(&user)).is_some_and(|p| p.connections > 0)
    }

    /// All staff who have been here since the start, on all tenants: with a connection (`None`), or
    /// since when, in ticks, without one.
    pub fn staff(&self) -> Vec<(TenantId, UserId, Option<i64>)> {
        let here = self.here.lock();
        let all = here.iter().flat_map(|(tenant, users)| users.values().map(|p| (*tenant, p)));
        let staff = all.filter(|(_, p)| p.role.is_staff() && !p.is_expected);
        staff.map(|(t, p)| (t, p.user, p.left_at)).collect()
    }

    /// All who are here in a tenant, the longest first; but no visitors, who are nobody's
    /// colleagues or customers.
    pub fn online(&self, tenant: TenantId) -> Vec<Present> {
        let ticks = self.clock.ticks_ms();
        let here = self.here.lock();
        let all = here.get(&tenant).into_iter().flat_map(HashMap::values);
        let shown = |p: &&Present| p.is_online(ticks) && p.role != Role::Visitor;
        let mut online: Vec<_> = all.filter(shown).cloned().collect();
        drop(here);
        online.sort_by_key(|p| (p.since_ms, p.user));
        online
    }

    /// Forgets who has been gone for longer than the grace.
    pub(super) fn sweep(&self) {
        let ticks = self.clock.ticks_ms();
        let mut gone = 0;
        self.here.lock().retain(|_, users| {
            let before = users.len();
            users.retain(|_, present| present.is_online(ticks));
            gone += before - users.len();
            !users.is_empty()
        });
        self.changes.fetch_add(gone as u64, Ordering::Release);
    }

    /// Another number than before when somebody has come or gone since.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }
}

impl Present {
    fn is_online(&self, ticks: i64) -> bool {
        self.connections > 0 || self.left_at.is_some_and(|left| ticks - left < GRACE_MS)
    }
}

/// One counted connection.
#[derive(Debug)]
pub(super) struct Here {
    presence: Arc<Presence>,
    tenant: TenantId,
    user: UserId,
}

impl Drop for Here {
    fn drop(&mut self) {
        let (now, ticks) = (self.presence.clock.now_ms(), self.presence.clock.ticks_ms());
        let mut here = self.presence.here.lock();
        if let Some(p) = here.get_mut(&self.tenant).and_then(|t| t.get_mut(&self.user)) {
            p.connections = p.connections.saturating_sub(1);
            p.last_seen_ms = now;
            if p.connections == 0 {
                p.left_at = Some(ticks);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_user_is_online_from_the_first_connection_until_the_grace_after_the_last() {
        let clock = Clock::default();
        let presence = Arc::new(Presence::new(clock.clone()));
        let (tenant, user) = (TenantId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let who = Listener { tenant, user, role: Role::Agent };
        let online = || presence.online(tenant).first().map(|p| p.connections);
        assert_eq!(online(), None);
        let first = presence.arrive(who, "Ann", 2).unwrap();
        let second = presence.arrive(who, "Ann", 2).unwrap();
        assert_eq!(online(), Some(2));
        assert!(presence.arrive(who, "Ann", 2).is_none(), "two at most");
        drop(first);
        drop(second);
        clock.advance_ms(GRACE_MS / 2);
        assert!(presence.is_online(tenant, user), "a reload is silent");
        let back = presence.arrive(who, "Ann", 2).unwrap();
        clock.advance_ms(GRACE_MS * 2);
        assert_eq!(online(), Some(1));
        drop(back);
        clock.advance_ms(GRACE_MS + 1);
        assert!(!presence.is_online(tenant, user));
        assert!(!presence.is_online(TenantId(Uuid::nil()), user), "tenants are apart");
        presence.sweep();
        assert!(presence.here.lock().is_empty());
    }
}
