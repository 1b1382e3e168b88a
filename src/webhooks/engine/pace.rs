//! How many attempts an endpoint may have under way, and how soon the next may begin. In memory
//! only: after a restart everybody begins with one again.

/// An attempt under way for longer than this makes its endpoint a slow one, milliseconds.
pub(super) const SLOW_MS: i64 = 1_000;

/// How far ahead of an even rate attempts may be, microseconds: timers are not exact.
const AHEAD_US: i64 = 50_000;

/// The pace of one endpoint. All times are ticks of the process's clock.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    /// How many it may have under way; grown by successes.
    allowance: usize,
    /// When each attempt under way began, milliseconds; at most `max_in_flight` of them.
    began: Vec<i64>,
    /// Failures that are not stored yet. What they mean for the endpoint is not known before.
    unsettled: usize,
    /// When the next attempt would begin at an even rate, microseconds.
    next_at_us: i64,
}

impl Pace {
    /// Attempts under way.
    pub(super) fn in_flight(&self) -> usize {
        self.began.len()
    }

    /// Whether one has waited for too long.
    pub(super) fn is_slow(&self, ticks_ms: i64) -> bool {
        self.began.iter().any(|began| ticks_ms - began > SLOW_MS)
    }

    /// How many may be under way now.
    pub(super) fn allowed(&self, max: usize, ticks_ms: i64) -> usize {
        match self.unsettled {
            0 if self.is_slow(ticks_ms) => 1,
            0 => self.allowance.clamp(1, max.max(1)),
            _ => 0,
        }
    }

    /// When the rate (a second) lets the next one begin, if that is later than now.
    pub(super) fn late_by(&self, rate: Option<u32>, ticks_ms: i64) -> Option<i64> {
        rate?;
        let wait_us = self.next_at_us - AHEAD_US - ticks_ms * 1_000;
        (wait_us > 0).then(|| (wait_us + 999) / 1_000)
    }

    /// One begins.
    pub(super) fn begin(&mut self, rate: Option<u32>, ticks_ms: i64) {
        self.began.push(ticks_ms);
        if let Some(rate) = rate {
            let apart_us = 1_000_000 / i64::from(rate.max(1));
            self.next_at_us = self.next_at_us.max(ticks_ms * 1_000) + apart_us;
        }
    }

    /// The one that began then is over.
    pub(super) fn end(&mut self, began_ms: i64, is_good: bool, max: usize, ticks_ms: i64) {
        if let Some(at) = self.began.iter().position(|began| *began == began_ms) {
            self.began.swap_remove(at);
        }
        if !is_good {
            self.allowance = 1;
            self.unsettled += 1;
        } else if ticks_ms - began_ms < SLOW_MS {
            self.allowance = (self.allowance.max(1) + 1).min(max.max(1));
        }
    }

    /// A failure is stored.
    pub(super) fn settled(&mut self) {
        self.unsettled = self.unsettled.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens at which tick, and how many may be under way afterwards.
    #[test]
    fn the_allowance_grows_with_quick_successes_and_falls_to_one() {
        let mut pace = Pace::default();
        assert_eq!(pace.allowed(16, 0), 1, "it begins with one");
        for (took, is_good, expected) in [
            (50, true, 2),
            (999, true, 3),
            (1_000, true, 3),
            (20, true, 4),
            (20, true, 4),
            (50, false, 1),
            (50, true, 2),
        ] {
            pace.begin(None, 0);
            pace.end(0, is_good, 4, took);
            pace.settled();
            assert_eq!(pace.allowed(4, took), expected, "{took} {is_good}");
        }
    }

    #[test]
    fn while_one_has_waited_for_a_second_there_is_no_second_one() {
        let mut pace = Pace { allowance: 8, ..Pace::default() };
        pace.begin(None, 0);
        pace.begin(None, 500);
        assert_eq!((pace.allowed(16, 1_000), pace.allowed(16, 1_001)), (8, 1));
        pace.end(0, true, 16, 1_200);
        assert_eq!((pace.allowed(16, 1_200), pace.in_flight()), (8, 1), "slow, and no worse");
    }

    #[test]
    fn after_a_failure_nothing_begins_before_it_is_stored() {
        let mut pace = Pace { allowance: 8, ..Pace::default() };
        pace.begin(None, 0);
        pace.begin(None, 0);
        pace.end(0, false, 16, 5);
        pace.end(0, false, 16, 5);
        assert_eq!(pace.allowed(16, 5), 0);
        pace.settled();
        assert_eq!(pace.allowed(16, 5), 0);
        pace.settled();
        assert_eq!(pace.allowed(16, 5), 1);
    }

    #[test]
    fn a_rate_is_kept_and_delays_only() {
        for rate in [1, 7, 10, 100, 1_000] {
            let mut pace = Pace::default();
            let mut sent = 0_i64;
            for tick in 0..10_000 {
                while pace.late_by(Some(rate), tick).is_none() && pace.in_flight() < 50 {
                    pace.begin(Some(rate), tick);
                    pace.end(tick, true, 50, tick);
                    sent += 1;
                }
            }
            let even = 10 * i64::from(rate);
            assert!((even..=even + even / 100 + 1).contains(&sent), "{rate}: {sent}");
        }
        let mut pace = Pace::default();
        pace.begin(Some(2), 1_000);
        assert_eq!(pace.late_by(Some(2), 1_000), Some(450));
        assert_eq!(pace.late_by(Some(2), 1_450), None);
        assert_eq!(pace.late_by(None, 1_000), None);
    }
}
