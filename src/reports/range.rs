//! Days of a tenant: from which moment to which, by the clock on its wall.

use crate::error::{Checks, Error, Result};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

/// Most days of one report.
pub(super) const DAYS_MAX: usize = 366;

/// One day, milliseconds since the Unix epoch. It is 23, 24 or 25 hours long, or as its zone says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) date: Date,
    pub(super) from: i64,
    pub(super) to: i64,
}

/// Days one after the other.
#[derive(Debug, Clone)]
pub(super) struct Range {
    pub(super) zone: TimeZone,
    pub(super) days: Vec<Day>,
}

impl Range {
    /// From a day to another, both whole; the last seven days where nothing is said.
    ///
    /// # Errors
    /// 422 naming the field.
    pub(super) fn read(
        (from, to): (Option<&str>, Option<&str>),
        zone: TimeZone,
        now: i64,
    ) -> Result<Self> {
        let moment = Timestamp::from_millisecond(now).map_err(Error::internal)?;
        let today = moment.to_zoned(zone.clone()).date();
        let mut checks = Checks::new();
        let mut date = |field: &str, text: Option<&str>| -> Option<Date> {
            let read = text?.parse().ok();
            checks.check(read.is_some(), field, "must be a date such as 2026-01-31");
            read
        };
        let (first, last) = (date("from", from), date("to", to));
        let last = last.unwrap_or(today);
        let first = first.unwrap_or_else(|| last.saturating_sub(6.days()));
        checks.check(first <= last, "to", "must not be before from");
        let all = std::iter::successors(Some(first), |day| day.tomorrow().ok());
        let dates: Vec<Date> = all.take_while(|day| *day <= last).take(DAYS_MAX + 1).collect();
        checks.check(dates.len() <= DAYS_MAX, "to", "must be at most 366 days from the first");
        checks.done()?;
        let days = dates.into_iter().map(|date| day(date, &zone)).collect::<Option<Vec<_>>>();
        let days = days.filter(|days| !days.is_empty());
        Ok(Self { days: days.ok_or_else(|| Error::field("from", "is too far away"))?, zone })
    }

    /// When it begins.
    pub(super) fn from(&self) -> i64 {
        self.days.first().map_or(0, |day| day.from)
    }

    /// When it is over.
    pub(super) fn to(&self) -> i64 {
        self.days.last().map_or(0, |day| day.to)
    }

    /// The number of the day in which a moment lies.
    pub(super) fn place(&self, at: i64) -> Option<usize> {
        let next = self.days.partition_point(|day| day.from <= at);
        next.checked_sub(1).filter(|_| at < self.to())
    }

    /// The hour on the wall of a moment, 0 to 23.
    pub(super) fn hour(&self, at: i64) -> i64 {
        Timestamp::from_millisecond(at)
            .map_or(0, |at| i64::from(at.to_zoned(self.zone.clone()).hour()))
    }
}

fn day(date: Date, zone: &TimeZone) -> Option<Day> {
    let start = |date: Date| {
        let midnight = date.to_zoned(zone.clone()).ok()?.start_of_day().ok()?;
        Some(midnight.timestamp().as_millisecond())
    };
    Some(Day { date, from: start(date)?, to: start(date.tomorrow().ok()?)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn range(from: &str, to: &str, zone: &str) -> Result<Range> {
        Range::read((Some(from), Some(to)), TimeZone::get(zone).unwrap(), 0)
    }

    #[test]
    fn days_are_as_long_as_the_clock_on_the_wall_says() {
        for (zone, date, hours) in [
            ("Europe/Berlin", "2026-03-29", 23),
            ("Europe/Berlin", "2026-10-25", 25),
            ("Europe/Berlin", "2026-07-01", 24),
            ("America/New_York", "2026-11-01", 25),
            // Midnight is left out there: the day begins at one.
            ("America/Asuncion", "2024-10-06", 23),
        ] {
            let range = range(date, date, zone).unwrap();
            assert_eq!(range.to() - range.from(), hours * HOUR, "{zone} {date}");
        }
    }

    /// Whatever the zone, days follow each other without a gap, and every moment is in its own.
    #[test]
    fn days_follow_each_other_and_every_moment_has_one() {
        for zone in ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia", "America/Havana"] {
            let range = range("2026-01-01", "2026-12-31", zone).unwrap();
            assert_eq!(range.days.len(), 365);
            for (number, pair) in range.days.windows(2).enumerate() {
                assert_eq!(pair[0].to, pair[1].from, "{zone} {}", pair[0].date);
                for at in [pair[0].from, pair[0].to - 1] {
                    assert_eq!(range.place(at), Some(number), "{zone}");
                }
            }
            assert_eq!((range.place(range.from() - 1), range.place(range.to())), (None, None));
        }
    }

    #[test]
    fn ranges_that_cannot_be_are_refused_by_name() {
        let wrong = |from: &str, to: &str| match range(from, to, "UTC") {
            Err(Error::Invalid(fields)) => fields.into_iter().map(|f| f.field).collect(),
            _ => Vec::new(),
        };
        assert_eq!(wrong("yesterday", "2026-02-30"), ["from", "to"]);
        assert_eq!(wrong("2026-02-02", "2026-02-01"), ["to"]);
        assert_eq!(wrong("2025-01-01", "2026-01-02"), ["to"]);
        assert!(wrong("2024-01-01", "2024-12-31").is_empty(), "a leap year is a year");
        let week = Range::read((None, None), TimeZone::UTC, 1_700_000_000_000).unwrap();
        assert_eq!(week.days.len(), 7);
    }
}
