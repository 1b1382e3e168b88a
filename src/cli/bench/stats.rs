//! Latencies and their percentiles.

use std::time::Duration;

/// How long things took.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    us: Vec<u64>,
}

impl Latencies {
    /// Notes one.
    pub(super) fn add(&mut self, took: Duration) {
        self.us.push(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Takes over those of another.
    pub(super) fn extend(&mut self, other: Self) {
        self.us.extend(other.us);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.us.len()
    }

    /// The smallest value, in milliseconds, that `share` (0 to 1) of all do not exceed (nearest
    /// rank); none where nothing was measured.
    pub(super) fn percentile_ms(&mut self, share: f64) -> Option<f64> {
        self.us.sort_unstable();
        let wanted = (share * self.us.len() as f64).ceil();
        let rank = (1..=self.us.len()).find(|rank| *rank as f64 >= wanted)?;
        self.us.get(rank - 1).map(|us| *us as f64 / 1_000.0)
    }

    /// The longest, in milliseconds.
    pub(super) fn max_ms(&self) -> Option<f64> {
        self.us.iter().max().map(|us| *us as f64 / 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Percentiles are values that were measured, whatever the order they came in.
    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let mut all = Latencies::default();
        assert_eq!((all.percentile_ms(0.5), all.max_ms()), (None, None));
        for ms in [5, 1, 4, 2, 3] {
            all.add(Duration::from_millis(ms));
        }
        for (share, ms) in [(0.0, 1.0), (0.2, 1.0), (0.5, 3.0), (0.8, 4.0), (0.99, 5.0)] {
            assert_eq!(all.percentile_ms(share), Some(ms), "{share}");
        }
        let mut hundred = Latencies::default();
        (1..=100).for_each(|ms| hundred.add(Duration::from_millis(ms)));
        hundred.extend(all);
        assert_eq!(hundred.len(), 105);
        assert_eq!((hundred.percentile_ms(0.99), hundred.max_ms()), (Some(99.0), Some(100.0)));
    }
}
