//! Working time: the hours of a week in a time zone, less holidays, and how clocks run in them.

use crate::error::{Checks, Result};
use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A clock looks at most so many days ahead; what is due later is due then.
const DAYS_MAX: usize = 3_660;

/// Most spans of one day, and most holidays.
const SPANS_MAX: usize = 8;
const HOLIDAYS_MAX: usize = 500;

/// Minutes of a day.
const DAY_MINUTES: i16 = 24 * 60;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "they are days")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// When people work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// What it is called.
    pub name: String,
    /// A time zone by its name in the IANA database (`Europe/Berlin`).
    pub timezone: String,
    /// For each day the spans in which people work, `["09:00", "17:30"]`; the end of the day is
    /// `24:00`. A day left out is free.
    pub hours: BTreeMap<Day, Vec<(String, String)>>,
    /// Free days (`2026-12-25`).
    #[serde(default)]
    pub holidays: Vec<String>,
}

impl Calendar {
    /// Checks every field.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    pub fn checked(mut self) -> Result<Self> {
        let mut checks = Checks::new();
        self.name = super::name(&mut checks, &self.name);
        checks.check(TimeZone::get(&self.timezone).is_ok(), "timezone", "is no time zone");
        for (day, spans) in &self.hours {
            let field = format!("hours.{}", format!("{day:?}").to_lowercase());
            let read: Option<Vec<_>> = spans.iter().map(minutes).collect();
            let good = read.is_some_and(|read| {
                read.iter().all(|(from, to)| from < to)
                    && read.is_sorted_by(|one, next| one.1 <= next.0)
            });
            let rule = "must be spans such as [\"09:00\", \"17:30\"], one after the other";
            checks.check(good && spans.len() <= SPANS_MAX, &field, rule);
        }
        let works = self.hours.values().any(|spans| !spans.is_empty());
        checks.check(works, "hours", "must have a day on which people work");
        let fits = self.holidays.len() <= HOLIDAYS_MAX;
        let dates = self.holidays.iter().all(|text| text.parse::<Date>().is_ok());
        checks.check(fits && dates, "holidays", "must be at most 500 dates such as 2026-12-25");
        checks.done()?;
        Ok(self)
    }

    /// Ready to be reckoned with; nothing for a calendar that cannot be read.
    pub(super) fn hours(&self) -> Option<Hours> {
        let mut week: [Vec<(i16, i16)>; 7] = Default::default();
        for (day, spans) in &self.hours {
            *week.get_mut(*day as usize)? = spans.iter().map(minutes).collect::<Option<_>>()?;
        }
        let holidays = self.holidays.iter().map(|text| text.parse().ok()).collect::<Option<_>>()?;
        let zone = TimeZone::get(&self.timezone).ok()?;
        Some(Hours { zone, week, holidays })
    }
}

/// `09:30` as minutes since midnight.
fn minute(text: &str) -> Option<i16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (i16, i16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let at = hours * 60 + minutes;
    (minutes < 60 && at <= DAY_MINUTES).then_some(at)
}

fn minutes((from, to): &(String, String)) -> Option<(i16, i16)> {
    Some((minute(from)?, minute(to)?))
}

/// A calendar to reckon with.
#[derive(Debug, Clone)]
pub(super) struct Hours {
    zone: TimeZone,
    week: [Vec<(i16, i16)>; 7],
    holidays: BTreeSet<Date>,
}

impl Hours {
    /// Working spans that end after `from`, in order, as milliseconds since the Unix epoch.
    fn spans(&self, from: i64) -> impl Iterator<Item = (i64, i64)> {
        let today = Timestamp::from_millisecond(from).ok().map(|t| self.zone.to_datetime(t).date());
        let days = std::iter::successors(today, |day| day.tomorrow().ok()).take(DAYS_MAX);
        days.filter(|day| !self.holidays.contains(day))
            .flat_map(move |day| {
                let of_week = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0);
                let spans = self.week.get(of_week).map(Vec::as_slice).unwrap_or_default();
                spans.iter().filter_map(move |(start, end)| {
                    Some((self.moment(day, *start)?, self.moment(day, *end)?))
                })
            })
            .filter(move |(_, end)| *end > from)
    }

    /// A minute of a day. One that a change of the clocks leaves out is the one after the gap.
    fn moment(&self, day: Date, minute: i16) -> Option<i64> {
        let at = if minute >= DAY_MINUTES {
            DateTime::from(day.tomorrow().ok()?)
        } else {
            let hour = i8::try_from(minute / 60).ok()?;
            day.at(hour, i8::try_from(minute % 60).ok()?, 0, 0)
        };
        Some(self.zone.to_zoned(at).ok()?.timestamp().as_millisecond())
    }
}

/// When `work_ms` of working time have passed since `from`; without hours all time is working time.
pub(super) fn after(hours: Option<&Hours>, from: i64, work_ms: i64) -> i64 {
    if work_ms <= 0 {
        return from;
    }
    let Some(hours) = hours else { return from.saturating_add(work_ms) };
    let mut left = work_ms;
    let mut last = from;
    for (start, end) in hours.spans(from) {
        let start = start.max(from);
        if left <= end - start {
            return start + left;
        }
        left -= (end - start).max(0);
        last = end;
    }
    last.saturating_add(left)
}

/// How much working time passed between two moments.
pub(super) fn between(hours: Option<&Hours>, from: i64, to: i64) -> i64 {
    let Some(hours) = hours else { return (to - from).max(0) };
    hours
        .spans(from)
        .take_while(|(start, _)| *start < to)
        .map(|(start, end)| (end.min(to) - start.max(from)).max(0))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_rfc3339;
    use serde_json::json;

    fn calendar(fields: serde_json::Value) -> Calendar {
        serde_json::from_value(fields).unwrap()
    }

    fn office() -> Hours {
        let day = json!([["09:00", "12:00"], ["13:00", "17:00"]]);
        calendar(json!({ "name": "Office", "timezone": "Europe/Berlin", "holidays": ["2026-12-25"],
            "hours": { "monday": day, "tuesday": day, "wednesday": day, "thursday": day,
                "friday": day } }))
        .checked()
        .unwrap()
        .hours()
        .unwrap()
    }

    const HOUR: i64 = 3_600_000;

    fn at(text: &str) -> i64 {
        parse_rfc3339(text).unwrap()
    }

    /// Nights, weekends, lunch and holidays do not count.
    #[test]
    fn due_moments_fall_into_working_hours() {
        let office = office();
        for (from, hours, due) in [
            // Friday afternoon, three hours: two on Friday, one on Monday.
            ("2026-11-20T15:00:00+01:00", 3, "2026-11-23T10:00:00+01:00"),
            // Across lunch.
            ("2026-11-23T11:30:00+01:00", 1, "2026-11-23T13:30:00+01:00"),
            // Exactly the end of a span.
            ("2026-11-23T09:00:00+01:00", 3, "2026-11-23T12:00:00+01:00"),
            // Before work begins.
            ("2026-11-23T03:00:00+01:00", 1, "2026-11-23T10:00:00+01:00"),
            // Christmas on a Friday: on to Monday.
            ("2026-12-24T16:00:00+01:00", 2, "2026-12-28T10:00:00+01:00"),
        ] {
            let (from, due) = (at(from), at(due));
            assert_eq!(after(Some(&office), from, hours * HOUR), due, "{from}");
            assert_eq!(between(Some(&office), from, due), hours * HOUR, "{from}");
        }
    }

    /// A working day is as long on the wall when the clocks change in between.
    #[test]
    fn a_change_of_the_clocks_moves_nothing_on_the_wall() {
        let office = office();
        let friday = at("2026-03-27T16:00:00+01:00");
        assert_eq!(after(Some(&office), friday, 2 * HOUR), at("2026-03-30T10:00:00+02:00"));
        let night = calendar(json!({ "name": "Night", "timezone": "Europe/Berlin",
            "hours": { "sunday": [["00:00", "24:00"]] } }));
        let night = night.checked().unwrap().hours().unwrap();
        let (sunday, monday) = (at("2026-03-29T00:00:00+01:00"), at("2026-03-30T00:00:00+02:00"));
        assert_eq!(between(Some(&night), sunday, monday), 23 * HOUR);
    }

    #[test]
    fn without_a_calendar_all_time_counts() {
        assert_eq!((after(None, 5, 10), between(None, 5, 15), between(None, 9, 5)), (15, 10, 0));
        assert_eq!(after(Some(&office()), 5, 0), 5);
    }

    /// Every field that is wrong is named.
    #[test]
    fn a_calendar_is_checked() {
        let wrong = calendar(json!({ "name": " ", "timezone": "Mars/Olympus",
            "hours": { "monday": [["17:00", "09:00"]], "friday": [["9:00", "25:00"]] },
            "holidays": ["tomorrow"] }));
        let fields = match wrong.checked() {
            Err(crate::error::Error::Invalid(fields)) => fields,
            other => panic!("{other:?}"),
        };
        let named: Vec<_> = fields.iter().map(|f| f.field.as_str()).collect();
        assert_eq!(named, ["name", "timezone", "hours.monday", "hours.friday", "holidays"]);
        let idle = calendar(json!({ "name": "a", "timezone": "UTC", "hours": { "monday": [] } }));
        assert!(idle.checked().is_err());
    }
}
