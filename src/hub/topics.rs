//! Rooms that clients join by themselves, who stands in them, and by what right.
//!
//! The hub knows no ticket: whether somebody may stand in a room, and which events make it worth
//! asking again, is told by [`Rights`], which the rooms above hand in.

use super::{
    Hub,
    session::Session,
    signs::{Sign, Word},
    standing::Joined,
};
use crate::{
    error::Result,
    event::{Envelope, Listener},
    id::{TenantId, UserId},
};
use parking_lot::Mutex;
use serde_json::json;
use std::{collections::HashMap, pin::Pin, sync::Arc};
use tokio::sync::Notify;

/// Rooms that one session may have joined; one more is refused.
pub const TOPICS_MAX: usize = 128;

/// Whether somebody may stand in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They may.
    Allowed,
    /// They may not, or not any more.
    NotAllowed,
    /// What the room is about is gone.
    Gone,
}

/// The answer to that question, which takes a look at the database.
pub type Ruling = Pin<Box<dyn Future<Output = Result<Verdict>> + Send>>;

/// Who answers it.
pub type Judge = dyn Fn(Listener, &str) -> Ruling + Send + Sync;

/// What the rooms above know of topics.
pub struct Rights {
    /// Whether this listener may stand in this topic.
    pub judge: Box<Judge>,
    /// The topic in which rights may have changed with this event.
    pub touched: fn(&Envelope) -> Option<Box<str>>,
}

impl Rights {
    /// Nobody may join anything.
    pub fn nobody() -> Self {
        let nobody =
            |_: Listener, _: &str| -> Ruling { Box::pin(async { Ok(Verdict::NotAllowed) }) };
        Self { judge: Box::new(nobody), touched: |_| None }
    }
}

type Members = HashMap<u64, Arc<Session>>;

type Place = (TenantId, Box<str>);

/// All rooms with somebody in them. The tenant is part of every key.
#[derive(Default)]
pub(super) struct Topics {
    rooms: Mutex<HashMap<TenantId, HashMap<Box<str>, Members>>>,
    /// Rooms where rights are to be looked at again, and how often that was found: never more
    /// than there are rooms.
    doubts: Mutex<HashMap<Place, u64>>,
    doubted: Notify,
}

impl Topics {
    /// Who stands in a room.
    pub(super) fn members(&self, tenant: TenantId, topic: &str) -> Vec<Arc<Session>> {
        let rooms = self.rooms.lock();
        let room = rooms.get(&tenant).and_then(|rooms| rooms.get(topic));
        room.map(|room| room.values().cloned().collect()).unwrap_or_default()
    }

    /// Notes that rights may have changed with this event.
    pub(super) fn note(&self, event: &Envelope, rights: &Rights) {
        if !self.rooms.lock().contains_key(&event.tenant) {
            return;
        }
        let Some(topic) = (rights.touched)(event) else { return };
        if self.rooms.lock().get(&event.tenant).is_some_and(|r| r.contains_key(&topic)) {
            *self.doubts.lock().entry((event.tenant, topic)).or_default() += 1;
            self.doubted.notify_one();
        }
    }

    /// Whether rights in this room are being looked at again.
    pub(super) fn is_doubted(&self, tenant: TenantId, topic: &str) -> bool {
        let doubts = self.doubts.lock();
        !doubts.is_empty() && doubts.contains_key(&(tenant, topic.into()))
    }

    /// False when the session is gone, or stands in too many rooms.
    fn enter(&self, session: &Arc<Session>, topic: &str) -> bool {
        let mut rooms = self.rooms.lock();
        // Under the same lock as leaving for good, so that nobody gone is ever let in.
        if session.is_gone() || !session.note_topic(topic, TOPICS_MAX) {
            return false;
        }
        let room = rooms.entry(session.who.tenant).or_default().entry(topic.into()).or_default();
        room.insert(session.id, session.clone());
        true
    }

    /// What the session last said there, if it stood there.
    fn leave(&self, session: &Session, topic: &str) -> Option<Joined> {
        let mut rooms = self.rooms.lock();
        let left = session.forget_topic(topic);
        if let Some(of_tenant) = rooms.get_mut(&session.who.tenant) {
            if let Some(room) = of_tenant.get_mut(topic) {
                room.remove(&session.id);
                if room.is_empty() {
                    of_tenant.remove(topic);
                }
            }
            if of_tenant.is_empty() {
                rooms.remove(&session.who.tenant);
            }
        }
        left
    }
}

impl Hub {
    /// Lets a session into a room, if it may. `Ok(false)` when it has joined [`TOPICS_MAX`].
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn join(&self, session: &Arc<Session>, topic: &str) -> Result<(Verdict, bool)> {
        let judge = || (self.inner.rights.judge)(session.who, topic);
        let verdict = judge().await?;
        if verdict != Verdict::Allowed {
            return Ok((verdict, false));
        }
        if !self.inner.topics.enter(session, topic) {
            return Ok((verdict, false));
        }
        // A right that was lost between the look and the entrance was not noticed: look again.
        let verdict = judge().await?;
        if verdict != Verdict::Allowed {
            self.leave(session, topic);
        }
        Ok((verdict, verdict == Verdict::Allowed))
    }

    /// Takes a session out of a room; false when it was not in it. Who sees it there is told that
    /// it is not any more.
    pub fn leave(&self, session: &Arc<Session>, topic: &str) -> bool {
        let Some(left) = self.inner.topics.leave(session, topic) else { return false };
        let ticks = self.inner.clock.ticks_ms();
        for word in [Word::Typing, Word::Viewing] {
            if left.is_active(word, ticks) {
                self.tell_end(session, topic, word);
            }
        }
        true
    }

    /// A session is gone: out of all its rooms.
    pub(super) fn leave_all(&self, session: &Arc<Session>) {
        let all = {
            // Whoever enters does so under this lock, and not when it is gone.
            let _rooms = self.inner.topics.rooms.lock();
            session.set_gone();
            session.topics()
        };
        for topic in all {
            self.leave(session, &topic);
        }
    }

    /// Rooms with somebody in them, of all tenants.
    pub fn rooms(&self) -> usize {
        self.inner.topics.rooms.lock().values().map(HashMap::len).sum()
    }

    /// Tells a sign to everybody in a room, also to who lags: it must arrive.
    pub fn tell(&self, tenant: TenantId, topic: &str, sign: &Sign) {
        for session in self.inner.topics.members(tenant, topic) {
            session.sign(sign, true);
        }
    }

    /// The tenants that have somebody in a room of this name.
    pub fn tenants_in(&self, topic: &str) -> Vec<TenantId> {
        let rooms = self.inner.topics.rooms.lock();
        let with = rooms.iter().filter(|(_, rooms)| rooms.contains_key(topic));
        with.map(|(tenant, _)| *tenant).collect()
    }

    /// Who looks at what a room is about, by name, each person once.
    pub fn viewers(&self, tenant: TenantId, topic: &str) -> Vec<(UserId, String)> {
        let members = self.inner.topics.members(tenant, topic);
        let looking = members.iter().filter(|s| s.is_active(topic, Word::Viewing));
        let mut all: Vec<_> = looking.map(|s| (s.who.user, s.name.clone())).collect();
        all.sort_unstable();
        all.dedup_by_key(|(user, _)| *user);
        all
    }

    /// Looks at rights again where they may have changed, for ever. Who lost theirs is taken out
    /// of the room and told `room.left`.
    pub async fn keep_rights(self) {
        loop {
            let doubt = self.inner.topics.doubts.lock().iter().next().map(|(p, n)| (p.clone(), *n));
            let Some((place, found)) = doubt else {
                self.inner.topics.doubted.notified().await;
                continue;
            };
            let (tenant, topic) = (place.0, &*place.1);
            // Until it is done, typing in that room is told to staff alone.
            for session in self.inner.topics.members(tenant, topic) {
                match (self.inner.rights.judge)(session.who, topic).await {
                    Ok(Verdict::Allowed) => {}
                    Ok(verdict) => self.show_out(&session, topic, verdict),
                    Err(e) => {
                        tracing::error!(error = %e, %topic, "a right could not be looked at");
                        self.show_out(&session, topic, Verdict::NotAllowed);
                    }
                }
            }
            // What happened meanwhile is looked at too.
            let mut doubts = self.inner.topics.doubts.lock();
            if doubts.get(&place) == Some(&found) {
                doubts.remove(&place);
            }
        }
    }

    fn show_out(&self, session: &Arc<Session>, topic: &str, verdict: Verdict) {
        if self.leave(session, topic) {
            let reason = if verdict == Verdict::Gone { "gone" } else { "not_allowed" };
            let left = json!({ "room": topic, "reason": reason });
            session.sign(&Sign::new("room.left", &left), true);
        }
    }
}
