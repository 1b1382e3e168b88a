//! Who stands in which room. Owned by the ringer alone: no lock, and join order is exact.

use super::session::Session;
use crate::{
    event::{Audience, Envelope, Room},
    id::{TenantId, UserId},
};
use std::{collections::HashMap, sync::Arc};

type Sessions = HashMap<u64, Arc<Session>>;

/// The rooms of one tenant.
#[derive(Default)]
struct Hall {
    staff: Sessions,
    customers: Sessions,
    users: HashMap<UserId, Sessions>,
}

/// The rooms of all tenants. The tenant is part of every key, so no room crosses tenants.
#[derive(Default)]
pub(super) struct Rooms {
    halls: HashMap<TenantId, Hall>,
}

impl Rooms {
    /// Joins the rooms that the server joins for everybody: `user:` and `everyone`, and for staff
    /// `tenant` and `role:`.
    pub(super) fn join(&mut self, session: &Arc<Session>) {
        let hall = self.halls.entry(session.who.tenant).or_default();
        let side = if session.who.role.is_staff() { &mut hall.staff } else { &mut hall.customers };
        side.insert(session.id, session.clone());
        hall.users.entry(session.who.user).or_default().insert(session.id, session.clone());
    }

    /// False when it was in none of them.
    pub(super) fn leave(&mut self, session: &Session) -> bool {
        let Some(hall) = self.halls.get_mut(&session.who.tenant) else { return false };
        let left = hall.staff.remove(&session.id).or(hall.customers.remove(&session.id));
        if let Some(own) = hall.users.get_mut(&session.who.user) {
            own.remove(&session.id);
            if own.is_empty() {
                hall.users.remove(&session.who.user);
            }
        }
        if hall.users.is_empty() {
            self.halls.remove(&session.who.tenant);
        }
        left.is_some()
    }

    /// Calls `hear` once for each session that the event reaches.
    pub(super) fn each(&self, event: &Envelope, mut hear: impl FnMut(&Arc<Session>)) {
        let Some(hall) = self.halls.get(&event.tenant) else { return };
        let mut ask = |session: &Arc<Session>| {
            if session.who.is_reached_by(event, &[]) {
                hear(session);
            }
        };
        let of = |user: UserId| hall.users.get(&user).into_iter().flat_map(HashMap::values);
        match (&event.room, event.audience) {
            (Room::Nowhere, _) => {}
            (_, Audience::User(user)) => of(user).for_each(ask),
            (Room::User(user), _) => of(*user).for_each(ask),
            (_, Audience::Staff) => hall.staff.values().for_each(ask),
            (_, Audience::Everyone) => {
                hall.staff.values().for_each(&mut ask);
                hall.customers.values().for_each(ask);
            }
            (_, Audience::Participants) => {
                hall.staff.values().for_each(&mut ask);
                // Named staff were asked already.
                event
                    .named
                    .iter()
                    .copied()
                    .flat_map(of)
                    .filter(|session| !session.who.role.is_staff())
                    .for_each(ask);
            }
        }
    }
}
