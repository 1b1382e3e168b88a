//! The numbers of an endpoint, from sums kept by the hour: nothing is counted when they are asked
//! for.
//!
//! How long good attempts took is kept as counts of stretches of time (buckets), each an eighth of
//! a power of two: percentiles of any number of attempts are off by 7 % at most.

mod sql;

pub(super) use sql::store_times;
pub use sql::{Stats, stats};

/// Times below this have a bucket each, milliseconds.
const FINE_BELOW_MS: u64 = 16;

/// Stretches in each power of two from there on.
const PARTS: u64 = 8;

/// The bucket of a time.
fn bucket(ms: u64) -> i64 {
    // A day is longer than any attempt may take.
    let ms = ms.min(86_400_000);
    if ms < FINE_BELOW_MS {
        return i64::try_from(ms).unwrap_or(0);
    }
    let power = u64::from(ms.ilog2());
    let part = (ms >> (power - 3)) - PARTS;
    i64::try_from(FINE_BELOW_MS + (power - 4) * PARTS + part).unwrap_or(i64::MAX)
}

/// The middle of a bucket, milliseconds.
fn middle(bucket: i64) -> i64 {
    let (fine, parts) = (16, 8);
    if bucket < fine {
        return bucket;
    }
    let (power, part) = (4 + (bucket - fine) / parts, (bucket - fine) % parts);
    let width = 1_i64 << (power - 3);
    (parts + part) * width + (width - 1) / 2
}

/// The time that `percent` of the attempts in `buckets` (in order, with counts) did not exceed.
pub fn percentile(buckets: &[(i64, i64)], percent: i64) -> Option<i64> {
    let total: i64 = buckets.iter().map(|(_, count)| count).sum();
    let wanted = (total * percent).div_euclid(100).min(total - 1);
    let mut seen = 0;
    buckets.iter().find_map(|(bucket, count)| {
        seen += count;
        (seen > wanted).then(|| middle(*bucket))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other_and_their_middles_are_near() {
        let mut last = -1;
        for ms in 0..100_000 {
            let bucket = bucket(ms);
            assert!(bucket == last || bucket == last + 1, "{ms} ms: {last} then {bucket}");
            last = bucket;
            let off = (middle(bucket) - i64::try_from(ms).unwrap()).abs();
            assert!(off * 100 <= i64::try_from(ms).unwrap() * 7, "{ms} ms: off by {off}");
        }
        assert!(bucket(u64::MAX) < 300);
    }

    #[test]
    fn percentiles_are_read_from_counts() {
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(percentile(&[(7, 1)], 95), Some(7));
        let buckets = [(1, 50), (2, 44), (9, 6)];
        let read = [0, 49, 50, 93, 94, 100].map(|percent| percentile(&buckets, percent).unwrap());
        assert_eq!(read, [1, 1, 2, 2, 9, 9]);
    }
}
