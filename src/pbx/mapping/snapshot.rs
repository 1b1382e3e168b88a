//! What a PBX says there is when we connect, and what follows from it.

use super::{DIALLED, Mapping, Pause, Said, Told, What, text};
use crate::pbx::ami::Message;
use std::collections::{BTreeSet, HashMap};

/// Entries of one kind (members, callers, channels) that are taken from a snapshot; of more it is
/// not believed that it is complete, and nothing ends by it.
const LISTED_MAX: usize = 20_000;

/// The two lists that are asked for, as they come.
#[derive(Debug, Default)]
pub struct Snapshot {
    members: Vec<Message>,
    callers: Vec<Message>,
    channels: Vec<Message>,
    is_over: bool,
}

/// What an event of a snapshot was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// One of many.
    Entry,
    /// The end of `QueueStatus`.
    Queues,
    /// The end of `CoreShowChannels`.
    Channels,
    /// No part of it.
    Other,
}

impl Snapshot {
    /// Takes one event of the lists.
    pub fn take(&mut self, event: Message) -> Listed {
        let list = match event.event().unwrap_or_default() {
            "QueueMember" => &mut self.members,
            "QueueEntry" => &mut self.callers,
            "CoreShowChannel" => &mut self.channels,
            "QueueParams" => return Listed::Entry,
            "QueueStatusComplete" => return Listed::Queues,
            "CoreShowChannelsComplete" => return Listed::Channels,
            _ => return Listed::Other,
        };
        if list.len() < LISTED_MAX {
            list.push(event);
        } else {
            self.is_over = true;
        }
        Listed::Entry
    }
}

impl Mapping {
    /// What a snapshot tells that was not known, and the names of the calls that go on: none when
    /// there were too many to be sure. `live` are those that we take for going on.
    pub fn compare(
        &mut self,
        snapshot: &Snapshot,
        live: &BTreeSet<String>,
        now: i64,
    ) -> (Vec<Told>, Option<BTreeSet<String>>) {
        let mut linked: HashMap<&str, (&str, &Message)> = HashMap::new();
        for channel in &snapshot.channels {
            if let (Some(id), Some(call)) = (channel.said("Uniqueid"), channel.said("Linkedid")) {
                linked.insert(id, (call, channel));
            }
        }
        self.learn(live, &linked);
        let waiting = snapshot.callers.iter().filter_map(|entry| self.waiting(entry, &linked, now));
        let waiting: Vec<Said> = waiting.collect();
        let mut told: Vec<Told> = waiting.into_iter().filter_map(|said| self.say(said)).collect();
        self.members.clear();
        let members = snapshot.members.iter().filter_map(|member| self.members.hear(member, now));
        told.extend(members.map(Told::Member).collect::<Vec<_>>());
        (told, (!snapshot.is_over).then(|| self.alive(live, &linked)))
    }

    /// How an extension stands at the PBX; none for nobody's.
    pub fn pause(&self, extension: &str) -> Option<Pause> {
        self.members.pause(extension)
    }

    /// The names that an extension has as a member of queues.
    pub fn interfaces(&self, extension: &str) -> BTreeSet<&str> {
        self.members.interfaces(extension)
    }

    /// The extensions of all members.
    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        self.members.extensions()
    }

    /// Finds the caller's channel of calls that go on and were begun before we were started: the
    /// one that is in a queue; without one the call ends with its last channel.
    fn learn(&mut self, live: &BTreeSet<String>, linked: &HashMap<&str, (&str, &Message)>) {
        for (id, (name, channel)) in linked {
            let unknown = self.calls.get(name).is_none_or(|call| call.caller.is_none());
            if !unknown || !live.contains(*name) || name.starts_with(DIALLED) {
                continue;
            }
            if channel.get("Application") == Some("Queue") {
                (*name).clone_into(self.callers.entry(id));
                self.calls.entry(name).caller = Some((*id).to_owned());
            } else {
                let channels = &mut self.calls.entry(name).channels;
                if !channels.iter().any(|known| known == id) {
                    channels.push((*id).to_owned());
                }
            }
        }
    }

    /// A caller who waits and of whom we did not hear.
    fn waiting(
        &mut self,
        entry: &Message,
        linked: &HashMap<&str, (&str, &Message)>,
        now: i64,
    ) -> Option<Said> {
        let caller = entry.said("Uniqueid")?;
        let (call, channel) = linked.get(caller)?;
        (*call).clone_into(self.callers.entry(caller));
        let known = self.calls.entry(call);
        known.caller = Some(caller.to_owned());
        if !known.said.is_empty() {
            return None;
        }
        let waited_s = entry.get("Wait").and_then(|wait| wait.parse::<i64>().ok()).unwrap_or(0);
        let what = What::Incoming {
            from_number: text(entry, "CallerIDNum"),
            from_name: text(entry, "CallerIDName"),
            to_number: text(channel, "Exten"),
            queue: text(entry, "Queue"),
        };
        Some(((*call).to_owned(), now - waited_s.clamp(0, 86_400) * 1000, what))
    }

    /// The calls that go on: their caller's channel is there, or any where that is not known; and
    /// those that were heard of while the lists were being read.
    fn alive(
        &self,
        live: &BTreeSet<String>,
        linked: &HashMap<&str, (&str, &Message)>,
    ) -> BTreeSet<String> {
        let by_channel = linked.iter().filter(|(id, (call, _))| {
            let caller = self.calls.get(call).and_then(|call| call.caller.as_deref());
            caller.is_none_or(|caller| caller == **id)
        });
        let there = by_channel.map(|(_, (call, _))| (*call).to_owned());
        let fresh = self.calls.iter().filter(|(_, call)| call.is_fresh && !call.has_ended);
        let fresh = fresh.map(|(name, _)| name.to_owned());
        there
            .chain(fresh)
            .filter(|name| live.contains(name) || self.calls.get(name).is_some())
            .collect()
    }
}
