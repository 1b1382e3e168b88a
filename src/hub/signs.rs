//! Signs: what is true for a moment. They have no row and no `seq`, and are never replayed.

use super::{Hub, session::Session};
use crate::event::{Dialect, Frames};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// How long somebody who said so types, milliseconds; they say it again while they do.
pub const TYPING_MS: i64 = 6_000;

/// A session says the same thing in the same room once in so long, milliseconds; what it says
/// sooner is not passed on.
const AGAIN_AFTER_MS: i64 = 1_000;

/// What a client may say in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It writes; true for [`TYPING_MS`].
    Typing = 0,
    /// It looks at what the room is about; true until it says otherwise, leaves, or is gone.
    Viewing = 1,
}

impl Word {
    fn name(self) -> &'static str {
        match self {
            Self::Typing => "typing",
            Self::Viewing => "viewing",
        }
    }
}

/// Something said in a room.
#[derive(Debug, Clone, Copy)]
pub struct Saying {
    /// What.
    pub word: Word,
    /// Whether it begins or ends.
    pub active: bool,
    /// Whether what is typed will be for everybody.
    pub is_public: bool,
}

/// What became of something said in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The others were told.
    Told,
    /// Nobody was: it was said a moment ago, or had ended already.
    Nobody,
    /// The session is not in that room.
    NotThere,
}

/// One sign, put into bytes once for each dialect.
pub struct Sign {
    name: &'static str,
    payload: String,
    frames: Frames,
}

impl Sign {
    /// A sign of this name.
    pub fn new(name: &'static str, payload: &impl Serialize) -> Self {
        let payload = serde_json::to_string(payload).unwrap_or_else(|e| {
            tracing::error!(error = %e, name, "a sign could not be written");
            String::from("{}")
        });
        Self { name, payload, frames: Frames::default() }
    }

    pub(super) fn bytes(&self, dialect: Dialect, put: impl FnOnce(&str, &str) -> Bytes) -> Bytes {
        self.frames.get_or_encode(dialect, || put(self.name, &self.payload))
    }
}

impl Hub {
    /// Somebody says in a room that they type or look at it, or do not any more.
    ///
    /// The others there are told: all who are staff; customers only that staff type a public
    /// answer, and never who looks at it.
    pub fn say_in(&self, session: &Arc<Session>, topic: &str, said: Saying) -> Heard {
        let Saying { word, active, .. } = said;
        // Whatever a customer types is for everybody.
        let is_public = said.is_public || !session.who.role.is_staff();
        let heard = session.note_word(topic, word, active, AGAIN_AFTER_MS);
        if heard == Heard::Told {
            self.tell_room(session, topic, Saying { is_public, ..said });
        }
        heard
    }

    /// A session that typed or looked is gone. Another one of the same person may still be there.
    pub(super) fn tell_end(&self, session: &Arc<Session>, topic: &str, word: Word) {
        // Customers are told nothing: for them it was true for a moment only.
        self.tell_room(session, topic, Saying { word, active: false, is_public: false });
    }

    fn tell_room(&self, from: &Arc<Session>, topic: &str, said: Saying) {
        let Saying { word, active, is_public } = said;
        let tenant = from.who.tenant;
        let members = self.inner.topics.members(tenant, topic);
        let also = |s: &Arc<Session>| s.id != from.id && s.who.user == from.who.user;
        if !active && members.iter().any(|s| also(s) && s.is_active(topic, word)) {
            return;
        }
        let mut payload = json!({
            "room": topic,
            "user": { "id": from.who.user, "name": from.name },
            "active": active,
        });
        if let (Word::Typing, Value::Object(fields)) = (word, &mut payload) {
            let visibility = if is_public { "public" } else { "internal" };
            fields.insert("visibility".into(), visibility.into());
            if active {
                fields.insert("ttl_ms".into(), TYPING_MS.into());
            }
        }
        let sign = Sign::new(word.name(), &payload);
        // A customer who may have lost the right to be here hears nothing until that is clear.
        let to_customers = word == Word::Typing
            && is_public
            && from.who.role.is_staff()
            && !self.inner.topics.is_doubted(tenant, topic);
        for session in members {
            let may_hear = session.who.role.is_staff() || to_customers;
            if session.who.user != from.who.user && may_hear {
                // Typing is said again and again; who looks is said once.
                session.sign(&sign, word == Word::Viewing || !active);
            }
        }
    }
}
