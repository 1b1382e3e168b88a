//! Numbers over many: the middle one, and the one that so many per cent do not exceed.

use serde_json::{Value, json};

/// The value that `share` per cent of all do not exceed (nearest rank); none of none. Sorts them.
pub(super) fn percentile(all: &mut [i64], share: usize) -> Option<i64> {
    all.sort_unstable();
    let rank = (all.len() * share).div_ceil(100).max(1);
    all.get(rank - 1).copied()
}

/// `part` of `whole`, 0 to 1, with four digits; null of nothing.
pub(super) fn share(part: i64, whole: i64) -> Value {
    if whole == 0 {
        return Value::Null;
    }
    #[allow(clippy::cast_precision_loss, reason = "nobody counts to 2^53")]
    let exact = part as f64 / whole as f64;
    json!((exact * 10_000.0).round() / 10_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_there() {
        let mut ten: Vec<i64> = (1..=10).rev().collect();
        let of = |all: &mut Vec<i64>, share| percentile(all, share);
        assert_eq!([of(&mut ten, 50), of(&mut ten, 90), of(&mut ten, 95)], [5, 9, 10].map(Some));
        assert_eq!([of(&mut vec![7], 50), of(&mut vec![7], 99)], [Some(7); 2]);
        assert_eq!(of(&mut Vec::new(), 50), None);
        assert_eq!((share(1, 3), share(0, 0)), (json!(0.3333), Value::Null));
    }
}
