//! Who is paused: a pause comes once for each queue, and counts when it holds in all of them.

use super::{extension_of_interface, text};
use crate::pbx::ami::Message;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Memberships remembered (member and queue); of further ones nothing is known.
const MEMBERSHIPS_MAX: usize = 5_000;

/// How the reason of a pause begins that we asked for: it comes back, and is not the PBX's own.
pub const OURS: &str = "Deskbell";

/// An agent's pause at the PBX, as it now is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Their extension.
    pub extension: String,
    /// Whether they are paused in all their queues by somebody else than us.
    pub is_paused: bool,
    /// Why, if the PBX knows it. An unpause has none.
    pub reason: Option<String>,
    /// Since when, milliseconds since the Unix epoch.
    pub at: i64,
}

/// How an extension stands at the PBX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// In some queue they are called.
    None,
    /// We paused them, in one queue at least.
    Ours,
    /// Somebody else did.
    Theirs,
}

#[derive(Debug, Clone, Default)]
struct Seat {
    interface: String,
    at: i64,
    is_paused: bool,
    reason: Option<String>,
}

impl Seat {
    fn is_ours(&self) -> bool {
        self.is_paused && self.reason.as_ref().is_some_and(|why| why.starts_with(OURS))
    }
}

/// The members of a PBX's queues.
#[derive(Debug, Default)]
pub(super) struct Members {
    seats: HashMap<String, BTreeMap<String, Seat>>,
    count: usize,
    /// Whether each was last said to be paused.
    said: HashMap<String, bool>,
}

impl Members {
    /// What an event of a member means, if it is one.
    pub(super) fn hear(&mut self, event: &Message, at: i64) -> Option<Member> {
        let name = event.event()?;
        let paused = matches!(
            name,
            "QueueMemberPause" | "QueueMemberAdded" | "QueueMember" | "QueueMemberRemoved"
        );
        if !paused {
            return None;
        }
        // Events say `Interface`, the list of members says `Location`.
        let interface = event.said("Interface").or_else(|| event.said("Location"))?;
        let (extension, queue) = (extension_of_interface(interface)?, text(event, "Queue")?);
        if name == "QueueMemberRemoved" {
            return self.remove(extension, &queue, at);
        }
        let is_paused = event.get("Paused") == Some("1");
        let (interface, reason) = (interface.to_owned(), text(event, "PausedReason"));
        let seat = Seat { interface, at, is_paused, reason };
        self.put(extension, queue, seat)
    }

    /// Forgets who is not a member any more; what a list of all members says follows.
    pub(super) fn clear(&mut self) {
        self.seats.clear();
        self.count = 0;
    }

    /// How they stand; none for nobody's extension.
    pub(super) fn pause(&self, extension: &str) -> Option<Pause> {
        let seats = self.seats.get(extension)?;
        Some(match (seats.values().all(|seat| seat.is_paused), seats.values().any(Seat::is_ours)) {
            (false, _) => Pause::None,
            (true, true) => Pause::Ours,
            (true, false) => Pause::Theirs,
        })
    }

    /// The names that an extension has as a member.
    pub(super) fn interfaces(&self, extension: &str) -> BTreeSet<&str> {
        let seats = self.seats.get(extension).into_iter().flat_map(BTreeMap::values);
        seats.map(|seat| seat.interface.as_str()).collect()
    }

    /// Everybody's extension.
    pub(super) fn extensions(&self) -> impl Iterator<Item = &str> {
        self.seats.keys().map(String::as_str)
    }

    fn put(&mut self, extension: String, queue: String, seat: Seat) -> Option<Member> {
        let at = seat.at;
        let seats = self.seats.entry(extension.clone()).or_default();
        match seats.get_mut(&queue) {
            // It was overtaken by a newer one.
            Some(known) if known.at > at => return None,
            Some(known) => *known = seat,
            None if self.count >= MEMBERSHIPS_MAX => return None,
            None => {
                self.count += 1;
                seats.insert(queue, seat);
            }
        }
        self.say(extension, at)
    }

    fn remove(&mut self, extension: String, queue: &str, at: i64) -> Option<Member> {
        let seats = self.seats.get_mut(&extension)?;
        self.count -= usize::from(seats.remove(queue).is_some());
        if seats.is_empty() {
            self.seats.remove(&extension);
            self.said.remove(&extension);
            return None;
        }
        self.say(extension, at)
    }

    /// Says it when it is news.
    fn say(&mut self, extension: String, at: i64) -> Option<Member> {
        let seats = self.seats.get(&extension)?;
        let is_paused = self.pause(&extension) == Some(Pause::Theirs);
        let newest = seats.values().max_by_key(|seat| seat.at);
        let reason = newest.and_then(|seat| seat.reason.clone()).filter(|_| is_paused);
        let before = self.said.insert(extension.clone(), is_paused).unwrap_or(false);
        (before != is_paused).then_some(Member { extension, is_paused, reason, at })
    }
}
