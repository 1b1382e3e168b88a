//! Sums of days, whatever the zone, and that what reports read goes by indexes.

use super::{
    floor::{STATES, by_day},
    range::Range,
    sql::{self, Spent},
};
use crate::http::testing::House;
use jiff::tz::TimeZone;

const ZONES: [&str; 5] =
    ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Havana", "Australia/Lord_Howe"];

/// Intervals that follow each other, as agents' do, from before the range until it is over or not.
fn life(range: &Range, dice: &mut u64) -> Vec<Spent> {
    let mut roll = |below: i64| {
        *dice =
            dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(*dice >> 33).unwrap() % below
    };
    let mut at = range.from() - roll(200_000_000) + 100_000_000;
    let mut all = Vec::new();
    while at < range.to() && all.len() < 400 {
        let state = STATES[usize::try_from(roll(6)).unwrap()].to_owned();
        let to = at + roll(40_000_000);
        all.push(Spent { state, from: at, to: Some(to) });
        at = to;
    }
    if let Some(last) = all.last_mut().filter(|_| roll(2) == 0) {
        last.to = None;
    }
    all
}

/// The time in all states of a day is the day: 23, 24 or 25 hours, or what has passed of it.
#[test]
fn the_time_in_states_of_a_day_is_the_day() {
    let mut dice = 7;
    for zone in ZONES {
        for month in ["03", "04", "10", "11"] {
            let (from, to) = (format!("2026-{month}-01"), format!("2026-{month}-30"));
            let zone = TimeZone::get(zone).unwrap();
            let range = Range::read((Some(&from), Some(&to)), zone, 0).unwrap();
            for _ in 0..20 {
                let spent = life(&range, &mut dice);
                let middle = range.from() + (range.to() - range.from()) / 2;
                for now in [range.to() + 1, middle] {
                    let all = by_day(&range, &spent, now);
                    for (day, hours) in range.days.iter().zip(&all) {
                        let long = day.to.min(now).max(day.from) - day.from;
                        assert_eq!(hours.iter().sum::<i64>(), long, "{} {hours:?}", day.date);
                        assert!(hours.iter().all(|ms| *ms >= 0), "{} {hours:?}", day.date);
                    }
                }
            }
        }
    }
}

/// One spelled-out day on which the clocks change: three o'clock comes an hour early.
#[test]
fn an_interval_is_cut_at_midnight_on_the_wall() {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let range = Range::read((Some("2026-03-28"), Some("2026-03-29")), berlin, 0).unwrap();
    let at = |text: &str| crate::time::parse_rfc3339(text).unwrap();
    let spent = |state: &str, from: &str, to: Option<&str>| Spent {
        state: state.into(),
        from: at(from),
        to: to.map(at),
    };
    let all = by_day(
        &range,
        &[
            spent("away", "2026-03-27T20:00:00+01:00", Some("2026-03-28T08:00:00+01:00")),
            spent("available", "2026-03-28T08:00:00+01:00", Some("2026-03-29T04:00:00+02:00")),
            spent("busy", "2026-03-29T04:00:00+02:00", None),
        ],
        at("2026-03-29T20:00:00+02:00"),
    );
    let hours = |ms: [i64; 6]| ms.map(|ms| ms / 3_600_000);
    assert_eq!(hours(all[0]), [16, 0, 0, 0, 8, 0]);
    // From midnight to four on the wall are three hours, and the day is not over.
    assert_eq!(hours(all[1]), [3, 0, 0, 16, 0, 0]);
}

#[tokio::test]
async fn reports_read_by_indexes() {
    let house = House::new();
    let all = [sql::SPENT, sql::CALLS, sql::RUNG, sql::TICKETS, sql::BEFORE];
    let plans = house.db.read(move |r| {
        let mut plans = Vec::new();
        for sql in all {
            let mut plan = r.prepare(&format!("explain query plan {sql}"))?;
            let mut rows = plan.raw_query();
            while let Some(row) = rows.next()? {
                plans.push(row.get::<_, String>(3)?);
            }
        }
        Ok(plans)
    });
    for line in plans.await.unwrap() {
        // What was found already is read through, and so are the names of a team's queues.
        let found =
            ["found", "(subquery", "q VIRTUAL", "CONSTANT"].iter().any(|w| line.contains(w));
        assert!(!line.starts_with("SCAN") || found, "{line}");
    }
}
