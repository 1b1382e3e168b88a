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
    endpoints: parking_lot::Mutex<Vec<i64>>,
    rung: parking_lot::Condvar,
}

/// Endpoints remembered between two looks; beyond it everybody is looked at.
const OWED_MAX: usize = 65_536;

impl Owed {
    /// Notes endpoints, and wakes the one who waits.
    pub fn ring(&self, endpoints: &[i64]) {
        let mut waiting = self.endpoints.lock();
        if waiting.len() + endpoints.len() <= OWED_MAX {
            waiting.extend_from_slice(endpoints);
        }
        self.rung.notify_one();
    }

    /// Takes what was noted, waiting at most `max` for something to come.
    pub fn wait(&self, max: std::time::Duration) -> Vec<i64> {
        let mut waiting = self.endpoints.lock();
        if waiting.is_empty() {
            self.rung.wait_for(&mut waiting, max);
        }
        std::mem::take(&mut *waiting)
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
