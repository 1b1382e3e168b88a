//! Chance, for a story that is never told twice in the same way, unless that is asked for.

use crate::error::{Error, Result};

/// Random numbers (`SplitMix64`). A clone rolls the same ones again.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    /// Shaken by the operating system.
    ///
    /// # Errors
    /// When that has no chance to give.
    pub(super) fn new() -> Result<Self> {
        getrandom::u64().map(Self).map_err(|e| Error::internal(e.to_string()))
    }

    /// Those of that number.
    pub(super) fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Others, whose numbers have nothing to do with these.
    pub(super) fn fork(&mut self) -> Self {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        Self(self.0.rotate_left(32) ^ 0x2545_F491_4F6C_DD1D)
    }

    /// A number from 0 up to, but not including, `sides`; 0 for none.
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % (sides.max(1) as u64)).unwrap_or(0)
    }

    /// A number of milliseconds between two.
    pub(super) fn between_ms(&mut self, from: i64, to: i64) -> i64 {
        let sides = usize::try_from(to - from + 1).unwrap_or(1);
        from + i64::try_from(self.roll(sides)).unwrap_or(0)
    }

    /// One of them; none of none.
    pub(super) fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.roll(all.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_comes_up_and_no_other() {
        let mut dice = Dice(7);
        let mut seen = [0_u32; 6];
        for _ in 0..600 {
            seen[dice.roll(6)] += 1;
        }
        assert!(seen.iter().all(|times| *times > 50), "{seen:?}");
        assert_eq!((dice.roll(0), dice.one_of::<u8>(&[])), (0, None));
        assert!((0..100).map(|_| dice.between_ms(5, 7)).all(|ms| (5..=7).contains(&ms)));
    }
}
