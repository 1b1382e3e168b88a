//! For tests: what a real Asterisk said, and dice that fall the same in every run.

use super::ami::Message;
use serde_json::{Map, Value};

pub(super) const ANSWERED: &str =
    include_str!("../../tests/fixtures/asterisk/answered-ringnoanswer.json");
pub(super) const TRANSFERRED: &str =
    include_str!("../../tests/fixtures/asterisk/answered-blindtransfer.json");
pub(super) const ABANDONED: &str =
    include_str!("../../tests/fixtures/asterisk/paused-abandoned-stasis.json");

/// The events of a recording.
pub(super) fn events(trace: &str) -> Vec<Message> {
    let all: Vec<(f64, Map<String, Value>)> = serde_json::from_str(trace).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    all.iter().map(|(_, e)| e.iter().map(|(k, v)| (k.clone(), text(v))).collect()).collect()
}

/// Numbers that are the same in every run.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// A number below `n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    /// The same events, some of them twice, in another order: mixed up entirely, or each a little.
    pub(super) fn mixed(&mut self, straight: &[Message]) -> Vec<Message> {
        let mut mixed = straight.to_vec();
        for _ in 0..self.below(20) {
            let again = mixed[self.below(mixed.len())].clone();
            mixed.insert(self.below(mixed.len()), again);
        }
        let reach = if self.below(2) == 0 { mixed.len() } else { 1 + self.below(8) };
        for at in 0..mixed.len() {
            let other = (at + self.below(reach)).min(mixed.len() - 1);
            mixed.swap(at, other);
        }
        mixed
    }
}
