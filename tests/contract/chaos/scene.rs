//! What all who play in the chaos know: whether there is a server, how far the writing is, and
//! whether it is over.

use crate::harness::PATIENCE;
use std::{
    net::SocketAddr,
    sync::{Condvar, Mutex},
    time::{Duration, Instant},
};

/// Longer than anything may take, even on a machine with much else to do.
const FOR_ALL: Duration = Duration::from_secs(300);

/// The state of things, and a bell for when it changes.
#[derive(Debug, Default)]
pub(crate) struct Scene {
    now: Mutex<Now>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Now {
    server: Option<SocketAddr>,
    ready: Vec<String>,
    acknowledged: usize,
    is_over: bool,
}

impl Scene {
    /// The server is there, or has gone.
    pub(crate) fn set_server(&self, server: Option<SocketAddr>) {
        self.now.lock().unwrap().server = server;
        self.changed.notify_all();
    }

    /// One more listener knows where it begins.
    pub(crate) fn note_ready(&self, who: String) {
        self.now.lock().unwrap().ready.push(who);
        self.changed.notify_all();
    }

    /// So many events more were acknowledged.
    pub(crate) fn note_acknowledged(&self, events: usize) {
        self.now.lock().unwrap().acknowledged += events;
        self.changed.notify_all();
    }

    /// Nobody need wait any more.
    pub(crate) fn end(&self) {
        self.now.lock().unwrap().is_over = true;
        self.changed.notify_all();
    }

    /// The server's address, now or as soon as there is one; none when it is over.
    pub(crate) fn wait_for_server(&self) -> Option<SocketAddr> {
        self.wait(PATIENCE, |now| match now {
            Now { is_over: true, .. } => Some(None),
            Now { server, .. } => server.map(Some),
        })
    }

    /// Waits until so many listeners are ready.
    pub(crate) fn wait_for_ready(&self, listeners: usize) {
        self.wait(PATIENCE, |now| (now.ready.len() >= listeners).then_some(()));
    }

    /// Waits until so many events were acknowledged.
    pub(crate) fn wait_for_acknowledged(&self, events: usize) {
        self.wait(FOR_ALL, |now| (now.acknowledged >= events).then_some(()));
    }

    fn wait<T>(&self, patience: Duration, ask: impl Fn(&Now) -> Option<T>) -> T {
        let until = Instant::now() + patience;
        let mut now = self.now.lock().unwrap();
        loop {
            if let Some(answer) = ask(&now) {
                return answer;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let state = format!("{now:?}");
                // The others still want to know that it is over.
                drop(now);
                panic!("it does not go on: {state}");
            }
            now = self.changed.wait_timeout(now, left).unwrap().0;
        }
    }
}
