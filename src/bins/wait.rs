//! How long a request to a bin is kept waiting, and the bounded places for those that do.

use super::{BinId, HANGING_MAX, LATE_MAX, keep::Shared};
use crate::id::TenantId;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// What a bin does before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Lets this much time go by.
    Late(Duration),
    /// Never answers, until its behaviour is changed.
    Hang,
}

/// Who waits, of one tenant.
#[derive(Debug, Default)]
pub(super) struct Places {
    hanging: usize,
    late: usize,
}

impl Places {
    fn of(&mut self, wait: Wait) -> (&mut usize, usize) {
        match wait {
            Wait::Late(_) => (&mut self.late, LATE_MAX),
            Wait::Hang => (&mut self.hanging, HANGING_MAX),
        }
    }

    /// Takes a place, if there is one.
    pub(super) fn take(&mut self, wait: Wait) -> bool {
        let (taken, max) = self.of(wait);
        let free = *taken < max;
        *taken += usize::from(free);
        free
    }

    fn give_back(&mut self, wait: Wait) {
        let (taken, _) = self.of(wait);
        *taken = taken.saturating_sub(1);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hanging + self.late == 0
    }
}

/// A request that has a place to wait in; dropping it gives the place back.
#[derive(Debug)]
pub struct Waiting {
    pub(super) shared: Arc<Shared>,
    pub(super) tenant: TenantId,
    pub(super) bin: BinId,
    /// What it waits for.
    pub wait: Wait,
}

impl Waiting {
    /// Waits within the process, at most `max`, and blocks. Whether the wait ended before that.
    pub fn block(&self, max: Duration) -> bool {
        let wanted = match self.wait {
            Wait::Late(wanted) => wanted,
            Wait::Hang => Duration::MAX,
        };
        let until = Instant::now() + wanted.min(max);
        let mut inner = self.shared.inner.lock();
        while inner.makes_wait(self.bin, self.wait) {
            if self.shared.changed.wait_until(&mut inner, until).timed_out() {
                return wanted <= max;
            }
        }
        true
    }

    /// Waits for as long as the bin wants, but at most `max`. Whether the wait ended before that.
    pub async fn pass(&self, max: Duration) -> bool {
        let wanted = match self.wait {
            Wait::Late(wanted) => wanted,
            Wait::Hang => Duration::MAX,
        };
        let mut changes = self.shared.changes.subscribe();
        let released = async {
            while self.shared.inner.lock().makes_wait(self.bin, self.wait) {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        match tokio::time::timeout(wanted.min(max), released).await {
            Ok(()) => true,
            Err(_) => wanted <= max,
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut inner = self.shared.inner.lock();
        if let Some(places) = inner.places.get_mut(&self.tenant) {
            places.give_back(self.wait);
            if places.is_empty() {
                inner.places.remove(&self.tenant);
            }
        }
    }
}
