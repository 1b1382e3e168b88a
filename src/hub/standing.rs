//! What one session has joined, and what it said there last.

use super::{
    session::Session,
    signs::{Heard, TYPING_MS, Word},
};
use std::sync::atomic::Ordering;

/// A topic that a session has joined.
#[derive(Debug)]
pub(super) struct Joined {
    topic: Box<str>,
    /// When it last said each word there, in ticks, and whether that still holds.
    said: [Option<(i64, bool)>; 2],
}

impl Joined {
    pub(super) fn is_active(&self, word: Word, ticks: i64) -> bool {
        match self.said.get(word as usize) {
            Some(Some((at, true))) => word == Word::Viewing || ticks - at < TYPING_MS,
            _ => false,
        }
    }
}

impl Session {
    /// Notes a topic; false when there are `max` others.
    pub(super) fn note_topic(&self, topic: &str, max: usize) -> bool {
        let mut joined = self.joined.lock();
        if joined.iter().any(|j| &*j.topic == topic) {
            return true;
        }
        if joined.len() >= max {
            return false;
        }
        joined.push(Joined { topic: topic.into(), said: [None; 2] });
        true
    }

    /// Forgets a topic.
    pub(super) fn forget_topic(&self, topic: &str) -> Option<Joined> {
        let mut joined = self.joined.lock();
        let at = joined.iter().position(|j| &*j.topic == topic)?;
        Some(joined.swap_remove(at))
    }

    /// The topics it has joined.
    pub fn topics(&self) -> Vec<Box<str>> {
        self.joined.lock().iter().map(|j| j.topic.clone()).collect()
    }

    /// Whether it types in a room or looks at it.
    pub(super) fn is_active(&self, topic: &str, word: Word) -> bool {
        let ticks = self.clock().ticks_ms();
        self.joined.lock().iter().any(|j| &*j.topic == topic && j.is_active(word, ticks))
    }

    /// Notes that it said this there; [`Heard::Told`] when the others are to be told.
    pub(super) fn note_word(&self, topic: &str, word: Word, active: bool, again_ms: i64) -> Heard {
        let ticks = self.clock().ticks_ms();
        let mut joined = self.joined.lock();
        let Some(joined) = joined.iter_mut().find(|j| &*j.topic == topic) else {
            return Heard::NotThere;
        };
        let was_active = joined.is_active(word, ticks);
        let Some(said) = joined.said.get_mut(word as usize) else { return Heard::Nobody };
        match *said {
            // An end is passed on at once, and once: there is one for each beginning at most.
            _ if !active && !was_active => Heard::Nobody,
            Some((at, _)) if !active => {
                *said = Some((at, false));
                Heard::Told
            }
            Some((at, _)) if ticks - at < again_ms => Heard::Nobody,
            _ => {
                *said = Some((ticks, active));
                Heard::Told
            }
        }
    }

    /// It is gone, and joins nothing any more.
    pub(super) fn set_gone(&self) {
        self.gone.store(true, Ordering::Release);
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// It wants to hear more than events: see [`Session::wants_signs`].
    pub fn ask_for_signs(&self) {
        self.signs.store(true, Ordering::Release);
    }

    /// Whether it wants to hear what is no event: that its token ends soon, that the server stops.
    pub fn wants_signs(&self) -> bool {
        self.signs.load(Ordering::Acquire)
    }
}
