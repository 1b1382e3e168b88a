//! How many workers there are, and how many of them may wait for endpoints that have yet to prove
//! themselves: pure decisions over counts and ticks.

/// When jobs lie ready and nobody took any for so long, all wait for slow peers.
pub(super) const GROW_AFTER_MS: i64 = 10;

/// Over how long the most workers needed at a time are counted before the others go.
const SHRINK_AFTER_MS: i64 = 30_000;

/// One in so many workers is kept for endpoints that last succeeded.
const KEPT_ONE_IN: usize = 8;

/// The workers, counted.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    min: usize,
    max: usize,
    pub(super) size: usize,
    pub(super) busy: usize,
    /// Busy with endpoints that have yet to prove themselves.
    pub(super) unproven: usize,
    /// Workers that are to go as soon as they have nothing to do.
    pub(super) leaving: usize,
    busiest: usize,
    counted_since_ms: i64,
    /// When a worker last took a job, and one of an endpoint that has yet to prove itself.
    took_at_ms: i64,
    took_unproven_at_ms: i64,
}

/// Endpoints that have a job which may be taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ready {
    pub(super) proven: usize,
    pub(super) unproven: usize,
}

impl Pool {
    pub(super) fn new(min: usize, max: usize) -> Self {
        let (min, max) = (min.max(1), max.max(min).max(1));
        Self {
            min,
            max,
            size: 0,
            busy: 0,
            unproven: 0,
            leaving: 0,
            busiest: 0,
            counted_since_ms: 0,
            took_at_ms: 0,
            took_unproven_at_ms: 0,
        }
    }

    /// Workers there are from the start.
    pub(super) fn min(&self) -> usize {
        self.min
    }

    /// Whether one more may wait for an endpoint that has yet to prove itself: 8 of 64 never do,
    /// and of a few one.
    pub(super) fn takes_unproven(&self) -> bool {
        let kept = match self.size {
            0 | 1 => 0,
            few => (few / KEPT_ONE_IN).max(1),
        };
        self.unproven < self.size - kept
    }

    pub(super) fn took(&mut self, is_unproven: bool, ticks_ms: i64) {
        self.busy += 1;
        self.unproven += usize::from(is_unproven);
        self.busiest = self.busiest.max(self.busy);
        self.took_at_ms = ticks_ms;
        if is_unproven {
            self.took_unproven_at_ms = ticks_ms;
        }
    }

    pub(super) fn ended(&mut self, was_unproven: bool) {
        self.busy -= 1;
        self.unproven -= usize::from(was_unproven);
    }

    /// Whether there are jobs ready that nobody may take as long as nothing ends.
    pub(super) fn is_short(&self, ready: Ready) -> bool {
        let full = self.busy >= self.size && ready.proven + ready.unproven > 0;
        self.size < self.max && (full || (ready.unproven > 0 && !self.takes_unproven()))
    }

    /// How many workers to add now: a quarter of those there are, so that a moment of slowness does
    /// not start dozens.
    pub(super) fn growth(&self, ready: Ready, ticks_ms: i64) -> usize {
        let full = self.busy >= self.size;
        let since = if full { self.took_at_ms } else { self.took_unproven_at_ms };
        if !self.is_short(ready) || ticks_ms - since < GROW_AFTER_MS {
            return 0;
        }
        let ready = ready.unproven + if full { ready.proven } else { 0 };
        (self.size / 4).max(1).min(ready).min(self.max - self.size)
    }

    /// Lets workers go that were not needed for a while; returns how many.
    pub(super) fn shrink(&mut self, ticks_ms: i64) -> usize {
        if ticks_ms - self.counted_since_ms < SHRINK_AFTER_MS {
            return 0;
        }
        let needed = self.busiest.max(self.min);
        (self.busiest, self.counted_since_ms) = (self.busy, ticks_ms);
        self.leaving = self.size.saturating_sub(needed);
        self.leaving
    }

    /// Whether a worker that has nothing to do should go.
    pub(super) fn leaves(&mut self) -> bool {
        let leaves = self.leaving > 0 && self.size > self.min;
        if leaves {
            self.leaving -= 1;
            self.size -= 1;
        }
        leaves
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_of_sixty_four_workers_never_wait_for_endpoints_that_have_yet_to_prove_themselves() {
        for (size, unproven_max) in [(1, 1), (2, 1), (10, 9), (16, 14), (40, 35), (64, 56)] {
            let mut pool = Pool::new(1, 64);
            pool.size = size;
            let mut taken = 0;
            while pool.takes_unproven() {
                pool.took(true, 0);
                taken += 1;
            }
            assert_eq!(taken, unproven_max, "of {size}");
        }
    }

    #[test]
    fn the_pool_grows_while_jobs_lie_ready_and_nobody_takes_any() {
        let mut pool = Pool::new(10, 64);
        pool.size = 10;
        for _ in 0..10 {
            pool.took(true, 100);
        }
        let ready = |proven, unproven| Ready { proven, unproven };
        // (ready endpoints, tick, added)
        for (ready, tick, added) in [
            (ready(5, 0), 109, 0),
            (ready(0, 0), 110, 0),
            (ready(0, 1), 110, 1),
            (ready(5, 1), 110, 2),
        ] {
            assert_eq!(pool.growth(ready, tick), added, "{ready:?} at {tick}");
        }
        pool.size = 60;
        assert_eq!(pool.growth(ready(100, 0), 200), 0, "there are idle ones");
        for _ in 10..60 {
            pool.took(false, 100);
        }
        assert_eq!(pool.growth(ready(100, 0), 200), 4, "never beyond the most");
        pool.size = 64;
        assert_eq!(pool.growth(ready(100, 100), 200), 0);
        let mut fixed = Pool::new(10, 5);
        fixed.size = 10;
        assert_eq!(fixed.growth(ready(9, 9), 1_000), 0, "the most is never less than the least");
    }

    #[test]
    fn the_pool_grows_for_new_endpoints_although_quick_ones_are_served() {
        let mut pool = Pool::new(10, 64);
        pool.size = 10;
        for _ in 0..9 {
            pool.took(true, 0);
        }
        pool.took(false, 99);
        pool.ended(false);
        let ready = Ready { proven: 0, unproven: 3 };
        assert!(!pool.takes_unproven() && pool.is_short(ready));
        assert_eq!(pool.growth(ready, 100), 2);
        assert!(!pool.is_short(Ready { proven: 3, unproven: 0 }), "one is kept for those");
    }

    #[test]
    fn workers_that_were_not_needed_for_half_a_minute_go() {
        let mut pool = Pool::new(10, 64);
        pool.size = 40;
        for _ in 0..25 {
            pool.took(false, 0);
        }
        for _ in 0..25 {
            pool.ended(false);
        }
        assert_eq!(pool.shrink(29_999), 0);
        assert_eq!(pool.shrink(30_000), 15);
        assert_eq!((0..40).filter(|_| pool.leaves()).count(), 15);
        assert_eq!(pool.shrink(60_000), 15);
        assert_eq!((0..40).filter(|_| pool.leaves()).count(), 15);
        assert_eq!((pool.size, pool.shrink(90_000), pool.leaves()), (10, 0, false));
    }
}
