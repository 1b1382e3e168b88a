//! The bell: tells the hub and the delivery workers what has just been committed.
//!
//! It is rung by the writer after each commit, in `seq` order, and never holds the writer up: an
//! inbox that is full is not waited for, because both listeners look at the log and the queue
//! themselves when they find that they missed something.

use crate::{
    db::{Committed, OnCommit},
    hub::Order,
};
use std::sync::{Arc, mpsc::SyncSender};

/// Endpoints that have something new waiting, for whoever delivers it.
#[derive(Debug, Default)]
pub struct Owed {
    noted: parking_lot::Mutex<Noted>,
    changed: parking_lot::Condvar,
}

#[derive(Debug, Default)]
struct Noted {
    endpoints: Vec<i64>,
    /// Rung since the last look: heard even when nobody was waiting at that moment.
    rung: bool,
}

/// Endpoints remembered between two looks; beyond it everybody is looked at.
const OWED_MAX: usize = 65_536;

impl Owed {
    /// Notes endpoints, and wakes the one who waits.
    pub fn ring(&self, endpoints: &[i64]) {
        let mut noted = self.noted.lock();
        if noted.endpoints.len() + endpoints.len() <= OWED_MAX {
            noted.endpoints.extend_from_slice(endpoints);
        }
        noted.rung = true;
        self.changed.notify_one();
    }

    /// Takes what was noted, waiting at most `max` for something to come.
    pub fn wait(&self, max: std::time::Duration) -> Vec<i64> {
        let mut noted = self.noted.lock();
        if !noted.rung {
            self.changed.wait_for(&mut noted, max);
        }
        noted.rung = false;
        std::mem::take(&mut noted.endpoints)
    }
}

/// What the database calls after each commit.
pub fn on_commit(ringer: SyncSender<Order>, owed: Arc<Owed>) -> OnCommit {
    Box::new(move |Committed { envelopes, owed: endpoints }| {
        if !envelopes.is_empty() {
            // A full inbox is no loss: the ringer finds the gap in `seq` and reads the log.
            drop(ringer.try_send(Order::Events(envelopes)));
        }
        if !endpoints.is_empty() {
            owed.ring(&endpoints);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    /// A keeper that was busy when the bell rang must not sleep on what it was told.
    #[test]
    fn a_ring_that_nobody_waited_for_is_heard_at_the_next_wait() {
        let (owed, began) = (Owed::default(), Instant::now());
        owed.ring(&[]);
        assert!(owed.wait(Duration::from_secs(60)).is_empty());
        owed.ring(&[7]);
        assert_eq!(owed.wait(Duration::from_secs(60)), [7]);
        assert!(began.elapsed() < Duration::from_secs(30));
        assert!(owed.wait(Duration::from_millis(1)).is_empty(), "once heard, it is over");
    }
}
