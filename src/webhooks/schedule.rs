//! When a failed delivery is tried again: pure functions over durations, no clock.

use std::{fmt, time::Duration};

/// Most retries after the first attempt, whatever an endpoint asks for.
pub const RETRIES_MAX: u32 = 20;

/// Most waits in `WEBHOOK_RETRY_SCHEDULE`.
pub const STEPS_MAX: usize = 20;

/// Longest single wait: nothing waits longer than a backlog may be old.
pub const STEP_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// Half the width of the jitter, in thousandths of the wait.
const JITTER_PERMILLE: u64 = 200;

/// What `Retry-After` may always ask for, even of a schedule in seconds.
const RETRY_AFTER_FLOOR: Duration = Duration::from_secs(3600);

/// How long an endpoint rests after an answer that says it cannot keep up.
const REST: Duration = Duration::from_secs(60);

/// The waits of the default schedule, before the first retry, the second and so on. The first
/// attempt waits for nothing: 0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h.
const DEFAULT_S: [u64; 7] = [5, 300, 1800, 7200, 18_000, 36_000, 36_000];

/// The waits between the attempts of one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Box<[Duration]>);

impl Default for Schedule {
    fn default() -> Self {
        Self(DEFAULT_S.map(Duration::from_secs).into())
    }
}

/// Why `WEBHOOK_RETRY_SCHEDULE` cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadSchedule(String);

impl fmt::Display for BadSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadSchedule {}

impl Schedule {
    /// Reads waits apart by commas, such as `1s,5s,2m`: numbers with `ms`, `s`, `m`, `h` or `d`, or
    /// seconds when no unit stands there. They are the waits before the retries; a leading `0`
    /// stands for the first attempt, which never waits, and may be left out.
    pub fn parse(text: &str) -> Result<Self, BadSchedule> {
        let mut steps = Vec::new();
        for (at, entry) in text.split(',').map(str::trim).enumerate() {
            let wait = parse_wait(entry)
                .ok_or_else(|| BadSchedule(format!("`{entry}` is not a time such as 5s or 2m")))?;
            match wait {
                Duration::ZERO if at == 0 => {}
                Duration::ZERO => {
                    return Err(BadSchedule(String::from("only the first time may be 0")));
                }
                _ if wait > STEP_MAX => {
                    return Err(BadSchedule(format!("`{entry}` is longer than 7 days")));
                }
                _ => steps.push(wait),
            }
        }
        match steps.len() {
            0 => Err(BadSchedule(String::from("names no time to wait"))),
            1..=STEPS_MAX => Ok(Self(steps.into())),
            _ => Err(BadSchedule(format!("names more than {STEPS_MAX} times"))),
        }
    }

    /// The wait after the `failed`-th attempt (1 is the first one), without jitter. Past the end of
    /// the list the last wait repeats.
    pub fn base(&self, failed: u32) -> Duration {
        let at = usize::try_from(failed.saturating_sub(1)).unwrap_or(usize::MAX);
        self.0.get(at).or(self.0.last()).copied().unwrap_or(STEP_MAX)
    }

    /// How long an endpoint rests after the `failed`-th attempt of a delivery said that it cannot
    /// keep up: a minute, or the wait itself where the whole schedule is one of seconds.
    pub fn rest(&self, failed: u32) -> Duration {
        let is_short = self.0.iter().all(|wait| *wait < REST);
        if is_short { self.base(failed) } else { REST }
    }

    /// How long to wait after the `failed`-th attempt, or `None` when `retry_count` retries (at
    /// most [`RETRIES_MAX`]) have all been made. `random` is any random number; it moves the wait
    /// by up to 20 % either way, so that endpoints which failed together do not return together.
    pub fn next(&self, failed: u32, retry_count: u32, random: u64) -> Option<Duration> {
        (failed <= retry_count.min(RETRIES_MAX)).then(|| jitter(self.base(failed), random))
    }
}

/// `wait` times 0.8 to 1.2, evenly by `random`, to the millisecond.
pub fn jitter(wait: Duration, random: u64) -> Duration {
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let permille = 1000 - JITTER_PERMILLE + random % (2 * JITTER_PERMILLE + 1);
    Duration::from_millis(wait_ms.saturating_mul(permille) / 1000)
}

/// Reads `Retry-After` (RFC 9110 §10.2.3): seconds, or a date, which is taken relative to `now_ms`.
/// A date that has passed is no wait at all. `None` when it is neither.
pub fn parse_retry_after(header: &str, now_ms: i64) -> Option<Duration> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit is still a number: a very long wait, which gets clamped.
        return Some(Duration::from_secs(header.parse().unwrap_or(u64::MAX)));
    }
    let at = httpdate::parse_http_date(header).ok()?;
    let at_ms = at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let now_ms = Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
    Some(at_ms.saturating_sub(now_ms))
}

/// What a peer's `Retry-After` becomes: never sooner than our own `base`, never later than twice
/// that or an hour, whichever is longer. A peer can slow its own deliveries, not stop them.
pub fn clamp_retry_after(asked: Duration, base: Duration) -> Duration {
    asked.clamp(base, base.saturating_mul(2).max(RETRY_AFTER_FLOOR))
}

/// One wait of the list, or `None` when it is not written as one.
fn parse_wait(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let unit_ms = match unit.trim_start() {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(unit_ms).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// The random number that leaves a wait as it is.
    const MIDDLE: u64 = 200;

    #[test]
    fn the_default_schedule_is_the_one_in_the_manual() {
        let waits: Vec<u64> =
            (1..=9).map(|failed| Schedule::default().base(failed).as_secs()).collect();
        assert_eq!(waits, [5, 300, 1800, 7200, 18_000, 36_000, 36_000, 36_000, 36_000]);
    }

    #[test]
    fn the_retry_count_cuts_the_schedule_and_twenty_is_the_most() {
        let schedule = Schedule::default();
        for (failed, retry_count, expected) in [
            (1, 0, None),
            (1, 3, Some(s(5))),
            (2, 3, Some(s(300))),
            (3, 3, Some(s(1800))),
            (4, 3, None),
            (20, 20, Some(s(36_000))),
            (21, 20, None),
            (20, 1000, Some(s(36_000))),
            (21, 1000, None),
            (u32::MAX, u32::MAX, None),
        ] {
            assert_eq!(schedule.next(failed, retry_count, MIDDLE), expected, "{failed}");
        }
    }

    #[test]
    fn an_endpoint_that_cannot_keep_up_rests_a_minute_or_as_long_as_a_short_schedule_says() {
        for (text, failed, expected) in [
            ("5s,5m", 1, s(60)),
            ("5s,5m", 2, s(60)),
            ("5s,60s", 1, s(60)),
            ("1s,5s", 1, s(1)),
            ("1s,5s", 3, s(5)),
        ] {
            assert_eq!(Schedule::parse(text).unwrap().rest(failed), expected, "{text} {failed}");
        }
    }

    #[test]
    fn jitter_moves_a_wait_by_at_most_a_fifth_and_reaches_both_ends() {
        assert_eq!(jitter(s(100), 0), s(80));
        assert_eq!(jitter(s(100), MIDDLE), s(100));
        assert_eq!(jitter(s(100), 400), s(120));
        assert_eq!(jitter(s(100), 401), s(80));
        assert_eq!(jitter(Duration::ZERO, 7), Duration::ZERO);
        for random in (0..u64::MAX).step_by(usize::MAX / 1000) {
            let wait = jitter(s(36_000), random);
            assert!((s(28_800)..=s(43_200)).contains(&wait), "{random}: {wait:?}");
        }
    }

    #[test]
    fn a_written_schedule_replaces_the_default() {
        let ms = Duration::from_millis;
        for (text, expected) in [
            ("1s,5s,2m", vec![s(1), s(5), s(120)]),
            ("0,5s,5m", vec![s(5), s(300)]),
            ("0s, 250ms , 3", vec![ms(250), s(3)]),
            ("1h,1d,7d", vec![s(3600), s(86_400), s(604_800)]),
            ("5 s", vec![s(5)]),
        ] {
            assert_eq!(Schedule::parse(text), Ok(Schedule(expected.into())), "{text}");
        }
        let schedule = Schedule::parse("1s,5s").unwrap();
        assert_eq!(schedule.base(9), s(5), "the last wait repeats");
    }

    #[test]
    fn a_schedule_that_cannot_be_meant_is_refused_with_the_reason() {
        let many = vec!["1s"; 21].join(",");
        for (text, reason) in [
            ("", "not a time"),
            ("0", "names no time"),
            ("5s,,5s", "not a time"),
            ("5s,0", "only the first"),
            ("fast", "not a time"),
            ("-5s", "not a time"),
            ("1.5s", "not a time"),
            ("5w", "not a time"),
            ("8d", "longer than 7 days"),
            ("99999999999999999999", "not a time"),
            ("18446744073709551615d", "not a time"),
            (&many, "more than 20"),
        ] {
            let error = Schedule::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        // Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 §5.6.7 in its three spellings.
        let now_ms = 784_111_777_000 - 90_000;
        for (header, expected) in [
            ("0", Some(s(0))),
            ("120", Some(s(120))),
            (" 120 ", Some(s(120))),
            ("99999999999999999999999", Some(s(u64::MAX))),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(s(90))),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(s(90))),
            ("Sun Nov  6 08:49:37 1994", Some(s(90))),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(s(0))),
            ("", None),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("5s", None),
        ] {
            assert_eq!(parse_retry_after(header, now_ms), expected, "{header}");
        }
    }

    #[test]
    fn retry_after_can_neither_hurry_us_nor_stop_us() {
        for (asked, base, expected) in [
            (s(0), s(300), s(300)),
            (s(400), s(300), s(400)),
            (s(7200), s(300), s(3600)),
            (s(u64::MAX), s(7200), s(14_400)),
            (s(7300), s(7200), s(7300)),
            (s(30), s(1), s(30)),
            (s(u64::MAX), Duration::MAX, Duration::MAX),
        ] {
            assert_eq!(clamp_retry_after(asked, base), expected);
        }
    }
}
