//! The orderly end: nobody new, everybody told, and sent away a few at a time, each with a moment
//! of its own to come back, so that the next server is not stormed.

use super::{Close, Hub, Session, Sign};
use serde_json::json;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// Clients that are told, or sent away, at once …
const BATCH: usize = 250;

/// … and the pause after each such batch. 10,000 clients are gone after two seconds.
const PAUSE: Duration = Duration::from_millis(25);

/// No client is to come back sooner: the next server needs a moment to start.
const FIRST_BACK_MS: u64 = 500;

/// The clients come back spread over so many milliseconds for each of them …
const SPREAD_MS_EACH: u64 = 2;

/// … within these bounds, so that all are back within half a minute.
const SPREAD_MS: (u64, u64) = (1_000, 15_000);

/// When the client at this place of so many is to come back, milliseconds.
fn retry_in_ms(place: usize, all: usize) -> u64 {
    let (place, all) = (place as u64, (all as u64).max(1));
    let spread = (all * SPREAD_MS_EACH).clamp(SPREAD_MS.0, SPREAD_MS.1);
    FIRST_BACK_MS + spread * place / all
}

impl Hub {
    /// Takes nobody in any more, says `server.draining` to who wants to hear such things, then
    /// ends everything with `1012`.
    pub async fn drain(&self) {
        self.inner.stopping.store(true, Ordering::Release);
        let sessions: Vec<Arc<Session>> = self.inner.sessions.lock().values().cloned().collect();
        let all = sessions.len();
        for (at, session) in sessions.iter().enumerate() {
            if session.wants_signs() {
                let words = json!({ "retry_in_ms": retry_in_ms(at, all) });
                session.sign(&Sign::new("server.draining", &words), true);
            }
            pause_after(at).await;
        }
        for (at, session) in sessions.iter().enumerate() {
            session.close_for_now(Close::Restart, retry_in_ms(at, all));
            pause_after(at).await;
        }
    }
}

async fn pause_after(at: usize) {
    if (at + 1).is_multiple_of(BATCH) {
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_come_back_one_after_the_other_and_within_half_a_minute() {
        for all in [1, 2, 100, 5_000, 10_000, 1_000_000] {
            let back: Vec<_> =
                (0..all).step_by((all / 100).max(1)).map(|at| retry_in_ms(at, all)).collect();
            assert!(back.is_sorted() && back[0] == FIRST_BACK_MS, "{all}: {back:?}");
            assert!(back.iter().all(|ms| *ms < 16_000), "{all}: {back:?}");
        }
        assert_eq!(retry_in_ms(2_500, 5_000), 5_500);
    }
}
