//! The floor's last week, played in one go.

use super::{CALLS_EVERY_MS, Floor, Pace};
use crate::{
    agents::State,
    cli::demo::{cast::Cast, dice::Dice},
    db::Write,
    error::Result,
};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Days before today that had a floor.
const DAYS: i64 = 7;

/// How long people worked on each, and before this moment.
const SHIFT_MS: i64 = 8 * HOUR_MS;
const TODAY_MS: i64 = 2 * HOUR_MS;

/// The last minutes are as busy as what follows, so that it begins in the middle of things.
const BUSY_MS: i64 = 3 * MINUTE_MS;

/// Between two calls, on average: yesterday, on the days before, today.
const YESTERDAY_EVERY_MS: i64 = 5 * MINUTE_MS;
const BEFORE_EVERY_MS: i64 = 20 * MINUTE_MS;
const TODAY_EVERY_MS: i64 = 2 * MINUTE_MS;

/// Plays the week up to this moment; answers the floor as it goes on at that speed.
///
/// # Errors
/// When the database refuses.
pub(in crate::cli::demo) fn week(
    w: &mut Write<'_>,
    cast: &Cast,
    dice: Dice,
    speed: i64,
) -> Result<Floor> {
    let now = w.now;
    let mut floor = Floor::new(dice, Pace { every_ms: 1, speed: 1 });
    for day in (1..=DAYS).rev() {
        let every_ms = if day == 1 { YESTERDAY_EVERY_MS } else { BEFORE_EVERY_MS };
        let from = now - day * DAY_MS - SHIFT_MS;
        floor.work(w, cast, (from, from + SHIFT_MS), every_ms)?;
        floor.go_home(w, cast)?;
    }
    floor.work(w, cast, (now - TODAY_MS, now - BUSY_MS), TODAY_EVERY_MS)?;
    floor.pace.every_ms = CALLS_EVERY_MS;
    floor.next_call_at = w.now;
    floor.play(w, cast, now)?;
    w.now = now;
    floor.begun = 0;
    floor.pace.speed = speed;
    Ok(floor)
}

impl Floor {
    /// Everybody comes, and what is due until then happens.
    fn work(
        &mut self,
        w: &mut Write<'_>,
        cast: &Cast,
        (from, until): (i64, i64),
        every_ms: i64,
    ) -> Result<()> {
        w.now = from;
        self.pace.every_ms = every_ms;
        self.next_break_at = from + every_ms;
        self.wait_for_next_call(from);
        self.all(w, cast, State::Available)?;
        self.play(w, cast, until)
    }

    fn play(&mut self, w: &mut Write<'_>, cast: &Cast, until: i64) -> Result<()> {
        loop {
            let next = self.next_at();
            if next >= until {
                w.now = until;
                return Ok(());
            }
            w.now = w.now.max(next);
            self.go_on(w, cast)?;
        }
    }

    /// What goes on is brought to its end, and everybody leaves.
    fn go_home(&mut self, w: &mut Write<'_>, cast: &Cast) -> Result<()> {
        (self.next_call_at, self.next_break_at) = (i64::MAX, i64::MAX);
        while !self.talks.is_empty() {
            w.now = w.now.max(self.next_at());
            self.go_on(w, cast)?;
        }
        self.all(w, cast, State::Offline)
    }
}
