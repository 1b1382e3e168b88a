//! How fast a client talks.

/// What one client sent within the present second: messages, or bytes.
#[derive(Debug, Default)]
pub struct Pace {
    second: i64,
    said: u32,
}

impl Pace {
    /// Counts what has come; false when it is more than so much within this second.
    pub fn allows(&mut self, ticks_ms: i64, came: u32, per_second: u32) -> bool {
        let second = ticks_ms / 1000;
        if self.second != second {
            *self = Self { second, said: 0 };
        }
        self.said = self.said.saturating_add(came);
        self.said <= per_second
    }
}
