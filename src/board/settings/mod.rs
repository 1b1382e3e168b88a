//! What a tenant's numbers mean: when its day begins, when an answer was in time, and from which
//! number on the board should worry. The reports count in the same days.

pub mod http;
mod sql;

pub use sql::of;

use crate::{
    error::{Checks, Error, Result},
    time,
};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// Longest time to answer that still counts as quick, seconds.
const WITHIN_MAX: i64 = 3_600;

/// Most callers, and the longest wait in seconds, of a threshold.
const THRESHOLD_MAX: i64 = 86_400;

/// The settings of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The time zone in which its days begin, by its name in the IANA database.
    pub timezone: String,
    /// A call answered within so many seconds was answered in time.
    pub answer_within_s: i64,
    /// Callers waiting: worth a look, and too many.
    pub waiting_warn: i64,
    /// Too many.
    pub waiting_bad: i64,
    /// The longest wait: worth a look, and too long, seconds.
    pub wait_warn_s: i64,
    /// Too long.
    pub wait_bad_s: i64,
    /// The service level, per cent: below this worth a look, below the other bad.
    pub level_warn: i64,
    /// Bad.
    pub level_bad: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timezone: String::from("UTC"),
            answer_within_s: 20,
            waiting_warn: 3,
            waiting_bad: 6,
            wait_warn_s: 60,
            wait_bad_s: 180,
            level_warn: 80,
            level_bad: 60,
        }
    }
}

/// What is to be changed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    timezone: Option<String>,
    answer_within_s: Option<i64>,
    waiting_warn: Option<i64>,
    waiting_bad: Option<i64>,
    wait_warn_s: Option<i64>,
    wait_bad_s: Option<i64>,
    level_warn: Option<i64>,
    level_bad: Option<i64>,
}

impl Settings {
    /// The same with what is to be changed.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    fn changed(self, edit: Edit) -> Result<Self> {
        let now = Self {
            timezone: edit.timezone.unwrap_or(self.timezone),
            answer_within_s: edit.answer_within_s.unwrap_or(self.answer_within_s),
            waiting_warn: edit.waiting_warn.unwrap_or(self.waiting_warn),
            waiting_bad: edit.waiting_bad.unwrap_or(self.waiting_bad),
            wait_warn_s: edit.wait_warn_s.unwrap_or(self.wait_warn_s),
            wait_bad_s: edit.wait_bad_s.unwrap_or(self.wait_bad_s),
            level_warn: edit.level_warn.unwrap_or(self.level_warn),
            level_bad: edit.level_bad.unwrap_or(self.level_bad),
        };
        let mut checks = Checks::new();
        checks.check(TimeZone::get(&now.timezone).is_ok(), "timezone", "is no time zone");
        let within = (1..=WITHIN_MAX).contains(&now.answer_within_s);
        checks.check(within, "answer_within_s", "must be 1 to 3600");
        for (field, warn, bad) in [
            ("waiting", now.waiting_warn, now.waiting_bad),
            ("wait", now.wait_warn_s, now.wait_bad_s),
        ] {
            let unit = if field == "wait" { "_s" } else { "" };
            let good = |at: i64| (1..=THRESHOLD_MAX).contains(&at);
            checks.check(good(warn), &format!("{field}_warn{unit}"), "must be 1 to 86400");
            let rule = "must be 1 to 86400, and not less than the warning";
            checks.check(good(bad) && bad >= warn, &format!("{field}_bad{unit}"), rule);
        }
        checks.check((0..=100).contains(&now.level_warn), "level_warn", "must be 0 to 100");
        let level = (0..=now.level_warn.min(100)).contains(&now.level_bad);
        checks.check(level, "level_bad", "must be 0 to 100, and not more than the warning");
        checks.done()?;
        Ok(now)
    }

    /// The time zone; UTC, should its name be forgotten some day.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.timezone).unwrap_or(TimeZone::UTC)
    }

    /// When the day of `now` began, milliseconds since the Unix epoch.
    pub fn day_since(&self, now: i64) -> i64 {
        let day = |at: Timestamp| at.to_zoned(self.zone()).start_of_day().ok();
        let start = Timestamp::from_millisecond(now).ok().and_then(day);
        start.map_or(now - now.rem_euclid(86_400_000), |at| at.timestamp().as_millisecond())
    }

    fn read(body: &str) -> Result<Self> {
        serde_json::from_str(body).map_err(Error::internal)
    }
}

/// When a day began, as the board shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DaySince(#[serde(serialize_with = "time::as_rfc3339")] pub i64);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        time::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_day_begins_at_midnight_on_the_wall_also_when_the_clocks_change() {
        let settings = Settings { timezone: "Europe/Berlin".into(), ..Settings::default() };
        for (now, began) in [
            ("2026-03-29T23:30:00+02:00", "2026-03-29T00:00:00+01:00"),
            ("2026-10-25T23:30:00+01:00", "2026-10-25T00:00:00+02:00"),
            ("2026-07-01T00:00:00+02:00", "2026-07-01T00:00:00+02:00"),
        ] {
            assert_eq!(settings.day_since(at(now)), at(began), "{now}");
        }
    }

    #[test]
    fn every_setting_that_is_wrong_is_named() {
        let edit: Edit = serde_json::from_value(serde_json::json!({
            "timezone": "Mars/Olympus", "answer_within_s": 0, "waiting_warn": 9, "waiting_bad": 2,
            "wait_warn_s": 0, "level_warn": 70, "level_bad": 71,
        }))
        .unwrap();
        let Err(Error::Invalid(fields)) = Settings::default().changed(edit) else { panic!() };
        let named: Vec<_> = fields.iter().map(|f| f.field.as_str()).collect();
        let wrong = ["timezone", "answer_within_s", "waiting_bad", "wait_warn_s", "level_bad"];
        assert_eq!(named, wrong);
    }
}
