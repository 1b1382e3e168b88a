//! How fast a client talks.

/// Messages of one client within the present second.
#[derive(Debug, Default)]
pub struct Pace {
    second: i64,
    said: u32,
}

impl Pace {
    /// Counts a message; false when it is one too many within this second.
    pub fn allows(&mut self, ticks_ms: i64, per_second: u32) -> bool {
        let second = ticks_ms / 1000;
        if self.second != second {
            *self = Self { second, said: 0 };
        }
        self.said = self.said.saturating_add(1);
        self.said <= per_second
    }
}
