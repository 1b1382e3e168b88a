//! The only clock: wall time in milliseconds, which tests can move while nobody sleeps for real.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::sync::watch;

/// How long one wait may last before the wall clock is looked at again, so that a clock jump or a
/// suspended laptop never delays a due moment by more than this.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A cheap handle on the process's clock. All parts of one server share one.
#[derive(Debug, Clone)]
pub struct Clock {
    started: Instant,
    offset_ms: Arc<AtomicI64>,
    moved: watch::Sender<()>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { started: Instant::now(), offset_ms: Arc::default(), moved: watch::Sender::new(()) }
    }
}

impl Clock {
    /// Milliseconds since the Unix epoch.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    pub fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            + self.offset_ms.load(Ordering::Acquire)
    }

    /// Milliseconds since this clock was made, for how long things take: a jump of the wall clock
    /// does not move it, [`Clock::advance_ms`] does.
    pub fn ticks_ms(&self) -> i64 {
        let ticks = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        ticks + self.offset_ms.load(Ordering::Acquire)
    }

    /// Moves the clock forward (or back, when negative) and wakes everyone who waits on it.
    pub fn advance_ms(&self, by_ms: i64) {
        self.offset_ms.fetch_add(by_ms, Ordering::AcqRel);
        self.moved.send_replace(());
    }

    /// Waits until the wall clock says `at_ms`, looking again when the clock was moved.
    pub async fn sleep_until(&self, at_ms: i64) {
        let mut moved = self.moved.subscribe();
        loop {
            let left = u64::try_from(at_ms - self.now_ms()).unwrap_or(0);
            if left == 0 {
                return;
            }
            let wait = Duration::from_millis(left).min(LOOK_AGAIN);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = moved.changed() => {}
            }
        }
    }

    /// Waits `ms` milliseconds of this clock.
    pub async fn sleep_ms(&self, ms: i64) {
        self.sleep_until(self.now_ms() + ms).await;
    }
}

/// RFC 3339 in UTC with milliseconds and `Z`, as REST shows every time.
pub fn rfc3339(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| String::from("1970-01-01T00:00:00.000Z"), |t| format!("{t:.3}"))
}

/// Reads an RFC 3339 time with an offset into milliseconds since the Unix epoch.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|t| t.as_millisecond())
}

/// Serialises milliseconds as RFC 3339 text: `#[serde(serialize_with = "time::as_rfc3339")]`.
pub fn as_rfc3339<S: serde::Serializer>(ms: &i64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&rfc3339(*ms))
}

/// The same for a time that may be absent (`null`).
pub fn as_rfc3339_opt<S: serde::Serializer>(ms: &Option<i64>, to: S) -> Result<S::Ok, S::Error> {
    match ms {
        Some(ms) => to.serialize_str(&rfc3339(*ms)),
        None => to.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_milliseconds() {
        assert_eq!(rfc3339(1_729_866_000_123), "2024-10-25T14:20:00.123Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(parse_rfc3339("2024-10-25T16:20:00.123+02:00"), Some(1_729_866_000_123));
        assert_eq!(parse_rfc3339("yesterday"), None);
    }

    #[tokio::test]
    async fn a_moved_clock_ends_a_wait_at_once() {
        let clock = Clock::default();
        let waits = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_ms(3_600_000).await }
        });
        tokio::task::yield_now().await;
        clock.advance_ms(3_600_000);
        waits.await.unwrap();
    }
}
