//! To how many sessions each of the newest events was handed, for whoever asks what became of it.

use super::Protocol;
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::VecDeque;

/// Events remembered; the oldest are forgotten first. About 240 KiB when full.
const EVENTS_MAX: usize = 10_000;

/// Mailboxes that an event was put into when it was committed, by protocol. Who was away then and
/// read it from the log later is not counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Handed {
    total: u32,
    websocket: u32,
    #[serde(rename = "socket.io")]
    socket_io: u32,
    sse: u32,
}

impl Handed {
    /// One more.
    pub(super) fn count(&mut self, protocol: Protocol) {
        self.total += 1;
        match protocol {
            Protocol::WebSocket => self.websocket += 1,
            Protocol::SocketIo => self.socket_io += 1,
            Protocol::Stream => self.sse += 1,
        }
    }

    /// In all.
    pub(super) fn total(self) -> u64 {
        self.total.into()
    }
}

/// What is remembered of the newest events, in the order of their `seq`.
#[derive(Debug, Default)]
pub struct Tally(Mutex<VecDeque<(i64, Handed)>>);

impl Tally {
    /// Notes an event; the ringer carries them in order.
    pub(super) fn note(&self, seq: i64, handed: Handed) {
        let mut events = self.0.lock();
        if events.len() >= EVENTS_MAX {
            events.pop_front();
        }
        events.push_back((seq, handed));
    }

    /// To whom an event was handed; none when that is not known, or not known any more.
    pub fn of(&self, seq: i64) -> Option<Handed> {
        let events = self.0.lock();
        let at = events.binary_search_by_key(&seq, |(seq, _)| *seq).ok()?;
        events.get(at).map(|(_, handed)| *handed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_events_are_known_and_the_oldest_are_forgotten() {
        let tally = Tally::default();
        let mut handed = Handed::default();
        for protocol in [Protocol::WebSocket, Protocol::Stream, Protocol::WebSocket] {
            handed.count(protocol);
        }
        let last = i64::try_from(EVENTS_MAX).unwrap() + 7;
        (1..=last).for_each(|seq| tally.note(seq, Handed::default()));
        // A number may be left out, after a history was lost.
        tally.note(last + 100_000, handed);
        assert_eq!((tally.of(8), tally.of(9)), (None, Some(Handed::default())));
        assert_eq!((tally.of(last + 1), tally.of(last + 100_001)), (None, None));
        let known = tally.of(last + 100_000).unwrap();
        assert_eq!((known.total, known.websocket, known.socket_io, known.sse), (3, 2, 0, 1));
    }
}
