//! Reports of the floor: agents' time, calls, service levels.

use super::{
    By, Table, Wanted,
    numbers::share,
    range::{Day, Range},
    sql::{Offered, Person, Rung, Spent},
};
use crate::{error::Result, time};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// States in the order of the columns.
pub(super) const STATES: [&str; 6] = ["available", "on_call", "wrap_up", "busy", "away", "offline"];

const OFFLINE: usize = 5;

/// How long in each state, milliseconds, in the order of [`STATES`].
pub(super) type Hours = [i64; 6];

/// Cuts an agent's intervals at the borders of days. What no interval covers is time offline: an
/// agent without a choice has been offline since they exist. A day that is not over counts to now.
pub(super) fn by_day(range: &Range, spent: &[Spent], now: i64) -> Vec<Hours> {
    let over = |day: &Day| day.to.min(now).max(day.from);
    let mut all: Vec<Hours> = vec![Hours::default(); range.days.len()];
    for interval in spent {
        let state = STATES.iter().position(|state| *state == interval.state).unwrap_or(OFFLINE);
        let from = interval.from.max(range.from());
        let first = range.place(from).unwrap_or(range.days.len());
        for (day, hours) in range.days.iter().zip(&mut all).skip(first) {
            let end = interval.to.unwrap_or(now).min(over(day));
            if let Some(sum) = hours.get_mut(state) {
                *sum += (end - from.max(day.from)).max(0);
            }
            if interval.to.unwrap_or(now) <= day.to {
                break;
            }
        }
    }
    for (day, hours) in range.days.iter().zip(&mut all) {
        let covered: i64 = hours.iter().sum();
        if let Some(offline) = hours.get_mut(OFFLINE) {
            *offline += over(day) - day.from - covered;
        }
    }
    all
}

/// `agent-time`: a row a day and agent; days before somebody had an account are left out.
pub(super) fn agent_time(wanted: &Wanted, people: &[(Person, Vec<Spent>)]) -> Result<Table> {
    let mut table = Table::new(&[
        "date",
        "agent_id",
        "agent",
        "available_ms",
        "on_call_ms",
        "wrap_up_ms",
        "busy_ms",
        "away_ms",
        "offline_ms",
    ]);
    let each: Vec<_> =
        people.iter().map(|(who, spent)| (who, by_day(&wanted.range, spent, wanted.now))).collect();
    for (number, day) in wanted.range.days.iter().enumerate() {
        for (who, hours) in &each {
            let Some(hours) = hours.get(number) else { continue };
            if day.to <= who.created_at || day.from >= wanted.now {
                continue;
            }
            let mut row = vec![json!(day.date.to_string()), json!(who.id), json!(who.name)];
            row.extend(hours.iter().map(|ms| json!(ms)));
            table.push(row)?;
        }
    }
    Ok(table)
}

/// `calls`: a row a call, the oldest first.
pub(super) fn calls(wanted: &Wanted, rung: &[Rung]) -> Result<Table> {
    let mut table = Table::new(&[
        "date",
        "started_at",
        "call_id",
        "direction",
        "queue",
        "agent",
        "from_number",
        "from_name",
        "to_number",
        "result",
        "wait_ms",
        "talk_ms",
        "hold_ms",
        "not_returned",
    ]);
    for call in rung {
        let day = wanted.range.place(call.started_at).and_then(|at| wanted.range.days.get(at));
        table.push(vec![
            json!(day.map(|day| day.date.to_string())),
            json!(time::rfc3339(call.started_at)),
            json!(call.id),
            json!(call.direction),
            json!(call.queue),
            json!(call.agent),
            json!(call.from_number),
            json!(call.from_name),
            json!(call.to_number),
            json!(call.result),
            json!(call.wait_ms),
            json!(call.talk_ms),
            json!(call.hold_ms),
            json!(call.not_returned),
        ])?;
    }
    Ok(table)
}

/// Calls of one queue in one day or hour.
#[derive(Debug, Default)]
struct Answered {
    offered: i64,
    answered: i64,
    in_time: i64,
    abandoned: i64,
    waited_ms: i64,
}

/// `service-level`: a row a queue and day, or hour on the wall; those without calls are left out.
pub(super) fn service_level(wanted: &Wanted, offered: &[Offered]) -> Result<Table> {
    let mut table = Table::new(&[
        "date",
        "hour",
        "queue",
        "offered",
        "answered",
        "answered_in_time",
        "abandoned",
        "service_level",
        "avg_wait_ms",
    ]);
    let mut sums: BTreeMap<(usize, Option<i64>, &str), Answered> = BTreeMap::new();
    for call in offered {
        let Some(day) = wanted.range.place(call.started_at) else { continue };
        let hour = (wanted.by == By::Hour).then(|| wanted.range.hour(call.started_at));
        let sum = sums.entry((day, hour, &call.queue)).or_default();
        sum.offered += 1;
        if call.is_answered {
            let wait = call.wait_ms.unwrap_or_default();
            sum.answered += 1;
            sum.waited_ms += wait;
            sum.in_time += i64::from(wait <= wanted.within_ms);
        } else if call.is_over {
            sum.abandoned += 1;
        }
    }
    for ((day, hour, queue), sum) in sums {
        let date = wanted.range.days.get(day).map(|day| day.date.to_string());
        let wait = (sum.answered > 0).then(|| sum.waited_ms / sum.answered);
        table.push(vec![
            json!(date),
            json!(hour),
            Value::from(queue),
            json!(sum.offered),
            json!(sum.answered),
            json!(sum.in_time),
            json!(sum.abandoned),
            share(sum.in_time, sum.answered),
            json!(wait),
        ])?;
    }
    Ok(table)
}
