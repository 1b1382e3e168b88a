//! What waits for one session: encoded messages, or events held back while a replay runs.

use super::session::Close;
use crate::event::Envelope;
use bytes::Bytes;
use std::{collections::VecDeque, sync::Arc};

/// A mailbox is full at this many messages …
pub(super) const MESSAGES_MAX: usize = 256;

/// … or this many bytes; then a session that makes no progress is closed as slow.
pub(super) const BYTES_MAX: usize = 1 << 20;

/// At this many bytes it is closed at once, unless its wire bears more.
pub(super) const BYTES_HARD_MAX: usize = 4 << 20;

/// Whether live events go out or wait for a replay.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Events go out as they come.
    Live,
    /// Events with a higher `seq` than `from` are held; the log has the others. `None` until the
    /// ringer knows the session.
    Held { from: Option<i64> },
}

#[derive(Debug)]
pub(super) struct Mailbox {
    pub(super) mode: Mode,
    /// The ringer knows this session: what is settled is known.
    pub(super) is_met: bool,
    /// The `seq` of the last event put in.
    pub(super) last_seq: i64,
    /// The `seq` of the last event that is wholly on the wire.
    written_seq: i64,
    /// A replay covered the log up to here. The ringer may still carry some of that: it reads the
    /// log only when it has to, and may be behind it.
    covered: i64,
    /// When the socket last took something, in ticks.
    pub(super) progress_at: i64,
    /// The ringer has this session on its round.
    pub(super) queued_for_visit: bool,
    /// The socket did not take all: only the session's task writes until it has.
    pub(super) left_to_task: bool,
    pub(super) closed: Option<Close>,
    /// The peer is gone: nothing can be written any more.
    pub(super) hung_up: bool,
    /// Each with its `seq`; 0 for what is no event.
    messages: VecDeque<(Bytes, i64)>,
    bytes: usize,
    bytes_hard_max: usize,
    /// Bytes of the front message that are already written.
    front_written: usize,
    held: VecDeque<Arc<Envelope>>,
    held_bytes: usize,
}

impl Mailbox {
    pub(super) fn new(bytes_hard_max: usize, ticks: i64) -> Self {
        Self {
            mode: Mode::Live,
            is_met: false,
            last_seq: 0,
            written_seq: 0,
            covered: 0,
            progress_at: ticks,
            queued_for_visit: false,
            left_to_task: false,
            closed: None,
            hung_up: false,
            messages: VecDeque::new(),
            bytes: 0,
            bytes_hard_max,
            front_written: 0,
            held: VecDeque::new(),
            held_bytes: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.messages.len() >= MESSAGES_MAX || self.bytes >= BYTES_MAX
    }

    /// Keeps the event back if the session is waiting for a replay, had it from one, or is gone;
    /// true if so.
    ///
    /// What does not fit is dropped from memory together with what is held: the replay reads on in
    /// the log until it meets the part held from here on.
    pub(super) fn holds(&mut self, event: &Arc<Envelope>) -> bool {
        if self.closed.is_some() || event.seq <= self.covered {
            return true;
        }
        let Mode::Held { from } = &mut self.mode else { return false };
        if self.held.len() >= MESSAGES_MAX || self.held_bytes >= BYTES_MAX {
            self.held.clear();
            self.held_bytes = 0;
            *from = Some(event.seq);
        } else {
            self.held_bytes += event.data.get().len();
            self.held.push_back(event.clone());
        }
        true
    }

    /// Nothing up to this `seq` is for this session.
    pub(super) fn settle(&mut self, seq: i64) {
        self.covered = self.covered.max(seq);
    }

    /// Up to here everything that is for this session was put in, or need not be.
    pub(super) fn settled(&self) -> i64 {
        self.covered.max(self.last_seq)
    }

    /// When a replay that covered the log up to `covered` reaches the held part: makes the session
    /// live and returns what of it comes after.
    pub(super) fn meet(&mut self, covered: i64) -> Option<VecDeque<Arc<Envelope>>> {
        match self.mode {
            Mode::Held { from: Some(from) } if covered >= from => {
                self.mode = Mode::Live;
                self.covered = covered;
                self.held_bytes = 0;
                let mut held = std::mem::take(&mut self.held);
                held.retain(|event| event.seq > covered);
                Some(held)
            }
            _ => None,
        }
    }

    /// Adds a message; false when the hard bound is passed and the session must end.
    pub(super) fn push(&mut self, message: Bytes) -> bool {
        self.add(message, 0)
    }

    /// Adds an event, as [`Mailbox::push`] does a message.
    pub(super) fn push_event(&mut self, seq: i64, message: Bytes) -> bool {
        self.last_seq = seq;
        self.add(message, seq)
    }

    fn add(&mut self, message: Bytes, seq: i64) -> bool {
        if self.closed.is_some() {
            return true;
        }
        self.bytes += message.len();
        self.messages.push_back((message, seq));
        self.bytes <= self.bytes_hard_max
    }

    /// The `seq` of the last event before the close message, were it pushed now: where the client
    /// may go on from.
    pub(super) fn seq_at_close(&self) -> i64 {
        match self.messages.front() {
            _ if !self.is_full() => self.last_seq,
            Some((_, seq @ 1..)) if self.front_written > 0 => *seq,
            _ => self.written_seq,
        }
    }

    /// The close message: behind what waits, or, where that is too much to wait for, in its place
    /// (a message that is half on the wire is finished first).
    pub(super) fn push_last(&mut self, message: Bytes) {
        if self.is_full() {
            self.messages.truncate(usize::from(self.front_written > 0));
            let left: usize = self.messages.iter().map(|(message, _)| message.len()).sum();
            self.bytes = left - self.front_written;
        }
        self.bytes += message.len();
        self.messages.push_back((message, 0));
    }

    /// The next bytes to write, at most about `max`: the front message itself when it is alone,
    /// else as many messages as fit, put together in `scratch`.
    pub(super) fn chunk<'a>(&'a self, scratch: &'a mut Vec<u8>, max: usize) -> Option<&'a [u8]> {
        let front = self.messages.front()?.0.get(self.front_written..)?;
        if self.messages.len() == 1 || front.len() >= max {
            return Some(front.get(..max).unwrap_or(front));
        }
        scratch.clear();
        scratch.extend_from_slice(front);
        for (message, _) in self.messages.iter().skip(1) {
            if scratch.len() + message.len() > max {
                break;
            }
            scratch.extend_from_slice(message);
        }
        Some(scratch)
    }

    /// Forgets bytes that were written.
    pub(super) fn wrote(&mut self, mut written: usize) {
        self.bytes = self.bytes.saturating_sub(written);
        while let Some((front, seq)) = self.messages.front() {
            let left = front.len() - self.front_written;
            if written < left {
                self.front_written += written;
                return;
            }
            written -= left;
            self.front_written = 0;
            if *seq > 0 {
                self.written_seq = *seq;
            }
            self.messages.pop_front();
        }
        // An idle session should not keep the room of its busiest moment.
        if self.messages.capacity() > 16 {
            self.messages = VecDeque::new();
        }
    }

    /// Takes out whole messages from the front, as many as make about `max_bytes`, and at least
    /// one. Only for a wire that was never written to.
    pub(super) fn take(&mut self, max_bytes: usize) -> Vec<Bytes> {
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while let Some((message, seq)) = self.messages.pop_front() {
            if !taken.is_empty() && bytes + message.len() > max_bytes {
                self.messages.push_front((message, seq));
                break;
            }
            bytes += message.len();
            if seq > 0 {
                self.written_seq = seq;
            }
            taken.push(message);
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        if self.messages.is_empty() && self.messages.capacity() > 16 {
            self.messages = VecDeque::new();
        }
        taken
    }

    /// The peer is gone: nothing more will be written.
    pub(super) fn gone(&mut self) {
        self.closed.get_or_insert(Close::NoPong);
        self.hung_up = true;
        self.messages = VecDeque::new();
        self.held = VecDeque::new();
        self.bytes = 0;
        self.front_written = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(messages: &[&'static str]) -> Mailbox {
        let mut mail = Mailbox::new(BYTES_HARD_MAX, 0);
        for text in messages {
            assert!(mail.push(Bytes::from_static(text.as_bytes())));
        }
        mail
    }

    /// Whatever the socket takes at a time, the bytes come out whole and in order.
    #[test]
    fn partial_writes_lose_and_double_nothing() {
        for step in 1..12 {
            let mut mail = filled(&["alpha", "b", "", "gamma", "delta-delta"]);
            let (mut out, mut scratch) = (Vec::new(), Vec::new());
            while let Some(chunk) = mail.chunk(&mut scratch, 8) {
                let taken = chunk.len().min(step);
                out.extend_from_slice(&chunk[..taken]);
                mail.wrote(taken);
            }
            assert_eq!(out, b"alphabgammadelta-delta", "{step} bytes at a time");
            assert_eq!((mail.bytes, mail.len()), (0, 0));
        }
    }

    #[test]
    fn what_is_taken_out_is_whole_and_in_order() {
        let mut mail = filled(&["alpha", "b", "gamma", "a longer one than fits"]);
        let text = |taken: Vec<Bytes>| taken.concat();
        assert_eq!(text(mail.take(6)), b"alphab");
        assert_eq!((mail.len(), mail.bytes), (2, 27));
        assert_eq!(text(mail.take(6)), b"gamma");
        assert_eq!(text(mail.take(6)), b"a longer one than fits");
        assert_eq!((mail.take(6).len(), mail.bytes), (0, 0));
    }

    /// Whoever goes on from there misses nothing and hears at most what was half written twice.
    #[test]
    fn a_close_names_the_last_event_that_comes_before_it() {
        let mut mail = Mailbox::new(BYTES_HARD_MAX, 0);
        for seq in 1..=3 {
            mail.push_event(seq, Bytes::from_static(b"event"));
        }
        mail.push(Bytes::from_static(b"reply"));
        assert_eq!(mail.seq_at_close(), 3, "it waits behind all of them");
        mail.wrote(5);
        for seq in 4..=300 {
            mail.push_event(seq, Bytes::from_static(b"event"));
        }
        assert_eq!(mail.seq_at_close(), 1, "it takes the place of the others");
        mail.wrote(2);
        assert_eq!(mail.seq_at_close(), 2, "but for the one that is half on the wire");
        mail.wrote(3 + 5 + 1);
        assert_eq!(mail.seq_at_close(), 3, "a reply that is half on the wire is no event");
    }

    #[test]
    fn a_close_overtakes_a_full_mailbox_but_never_cuts_a_message_in_two() {
        let mut mail = filled(&["first"]);
        for _ in 0..MESSAGES_MAX {
            mail.push(Bytes::from_static(b"more"));
        }
        mail.wrote(2);
        mail.push_last(Bytes::from_static(b"bye"));
        let mut scratch = Vec::new();
        assert_eq!(mail.chunk(&mut scratch, 100), Some(&b"rstbye"[..]));
        assert_eq!(mail.bytes, 6);
    }
}
