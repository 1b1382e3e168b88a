//! What all listening clients have heard, counted as it comes in.

use crate::cli::bench::stats::Latencies;
use parking_lot::Mutex;
use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::{Duration, Instant},
};
use tokio::sync::{Notify, Semaphore};

/// Messages that may be under way at the same time.
pub(super) const OUTSTANDING_MAX: usize = 512;

/// Counters of messages under way; one more than that can never be needed.
const RING: usize = 2 * OUTSTANDING_MAX;

/// One buffer for all clients, more than a server of ours writes at once.
const READ: usize = 256 << 10;

/// Clients that hear the same messages.
struct Group {
    clients: usize,
    /// By the number of a message, how many have heard it.
    ring: Vec<AtomicUsize>,
}

/// The count of all clients.
pub(super) struct Tally {
    groups: Vec<Group>,
    /// What the time in a message is measured from.
    pub(super) started: Instant,
    /// Messages that all of their group have heard, and how many that were in all.
    complete: AtomicU64,
    deliveries: AtomicU64,
    /// Bytes of a frame, without its header.
    frame_bytes: AtomicUsize,
    latencies: Mutex<Latencies>,
    /// The first thing that went wrong.
    trouble: Mutex<Option<String>>,
    /// Rings when a message is complete, or something went wrong.
    pub(super) rung: Notify,
    /// Rings when something went wrong.
    pub(super) alarm: Notify,
    /// Room for further messages under way.
    pub(super) room: Semaphore,
    pub(super) buffer: Mutex<Box<[u8]>>,
}

impl Tally {
    /// For so many groups of so many clients; nothing may be sent before there is room.
    pub(super) fn new(groups: usize, clients: usize) -> Self {
        let ring = || (0..RING).map(|_| AtomicUsize::new(0)).collect();
        Self {
            groups: (0..groups).map(|_| Group { clients, ring: ring() }).collect(),
            started: Instant::now(),
            complete: AtomicU64::new(0),
            deliveries: AtomicU64::new(0),
            frame_bytes: AtomicUsize::new(0),
            latencies: Mutex::default(),
            trouble: Mutex::default(),
            rung: Notify::new(),
            alarm: Notify::new(),
            room: Semaphore::new(0),
            buffer: Mutex::new(vec![0; READ].into()),
        }
    }

    /// Messages that all clients of a group have heard.
    pub(super) fn complete(&self) -> u64 {
        self.complete.load(Ordering::Relaxed)
    }

    /// How many clients heard those, added up.
    pub(super) fn deliveries(&self) -> u64 {
        self.deliveries.load(Ordering::Relaxed)
    }

    /// How long it took until the last client had each message, since this was asked last.
    pub(super) fn take_latencies(&self) -> Latencies {
        std::mem::take(&mut *self.latencies.lock())
    }

    /// How long a message is on the wire, what frames it not counted.
    pub(super) fn frame_bytes(&self) -> usize {
        self.frame_bytes.load(Ordering::Relaxed)
    }

    /// What went wrong, if anything did.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }

    /// Notes that something went wrong; the first counts.
    pub(super) fn complain(&self, what: String) {
        self.trouble.lock().get_or_insert(what);
        self.alarm.notify_one();
        self.rung.notify_one();
    }

    /// A client of this group has heard its `number`th message, counted from 0.
    pub(super) fn heard(&self, group: usize, number: u64, (sent_us, bytes): (u64, usize)) {
        let slot = usize::try_from(number).unwrap_or(0) % RING;
        let Some(Group { clients, ring }) = self.groups.get(group) else { return };
        let Some(slot) = ring.get(slot) else { return };
        if slot.fetch_add(1, Ordering::Relaxed) + 1 < *clients {
            return;
        }
        slot.store(0, Ordering::Relaxed);
        let now = self.started.elapsed();
        self.frame_bytes.store(bytes, Ordering::Relaxed);
        self.latencies.lock().add(now.saturating_sub(Duration::from_micros(sent_us)));
        self.deliveries.fetch_add(*clients as u64, Ordering::Relaxed);
        self.complete.fetch_add(1, Ordering::Relaxed);
        self.room.add_permits(1);
        self.rung.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message counts once all of its group have it, and makes room for another.
    #[test]
    fn a_message_is_complete_when_the_last_client_of_its_group_has_it() {
        let tally = Tally::new(2, 3);
        for (group, number) in [(0, 0), (0, 1), (0, 0), (1, 0), (0, 0), (1, 0), (0, 1)] {
            tally.heard(group, number, (0, 280));
        }
        assert_eq!((tally.complete(), tally.room.available_permits()), (1, 1));
        tally.heard(1, 0, (0, 280));
        assert_eq!((tally.complete(), tally.deliveries()), (2, 6));
        assert_eq!((tally.take_latencies().len(), tally.frame_bytes()), (2, 280));
    }
}
