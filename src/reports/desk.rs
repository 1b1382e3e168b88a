//! The report of tickets: how many came and went, and how long that took.

use super::{By, Table, Wanted, numbers::percentile, sql::Came};
use crate::error::Result;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Tickets of one day or one group.
#[derive(Debug, Default)]
struct Sums {
    created: i64,
    resolved: i64,
    answer_ms: Vec<i64>,
    solve_ms: Vec<i64>,
}

impl Sums {
    fn cells(&mut self, backlog: Option<i64>) -> Vec<Value> {
        vec![
            json!(self.created),
            json!(self.resolved),
            json!(backlog),
            json!(percentile(&mut self.answer_ms, 50)),
            json!(percentile(&mut self.answer_ms, 90)),
            json!(percentile(&mut self.solve_ms, 50)),
            json!(percentile(&mut self.solve_ms, 90)),
        ]
    }
}

const NUMBERS: [&str; 7] = [
    "created",
    "resolved",
    "backlog",
    "first_response_median_ms",
    "first_response_p90_ms",
    "resolution_median_ms",
    "resolution_p90_ms",
];

fn columns(first: &[&'static str]) -> Table {
    Table::new(&[first, NUMBERS.as_slice()].concat())
}

/// `tickets`: first responses count where the ticket was made, resolutions where it was resolved.
/// `open_before` are tickets that were made before the range and not resolved then.
pub(super) fn tickets(wanted: &Wanted, came: &[Came], open_before: i64) -> Result<Table> {
    if wanted.by == By::Day { by_day(wanted, came, open_before) } else { by_group(wanted, came) }
}

fn by_day(wanted: &Wanted, came: &[Came], open_before: i64) -> Result<Table> {
    let mut days: Vec<Sums> = wanted.range.days.iter().map(|_| Sums::default()).collect();
    let place = |at: Option<i64>| at.and_then(|at| wanted.range.place(at));
    for ticket in came {
        if let Some(day) = place(Some(ticket.created_at)).and_then(|day| days.get_mut(day)) {
            day.created += 1;
            day.answer_ms.extend(ticket.first_responded_at.map(|at| at - ticket.created_at));
        }
        if let Some(day) = place(ticket.resolved_at).and_then(|day| days.get_mut(day)) {
            day.resolved += 1;
            day.solve_ms.extend(ticket.resolved_at.map(|at| at - ticket.created_at));
        }
    }
    let mut table = columns(&["date"]);
    let mut backlog = open_before;
    for (day, mut sums) in wanted.range.days.iter().zip(days) {
        backlog += sums.created - sums.resolved;
        let known = (day.from < wanted.now).then_some(backlog);
        let mut row = vec![json!(day.date.to_string())];
        row.extend(sums.cells(known));
        table.push(row)?;
    }
    Ok(table)
}

fn by_group(wanted: &Wanted, came: &[Came]) -> Result<Table> {
    let mut groups: BTreeMap<(String, String), Sums> = BTreeMap::new();
    let inside = |at: i64| wanted.range.place(at).is_some();
    for ticket in came {
        let (key, name) = match wanted.by {
            By::Team => (ticket.team.0.map(|id| id.to_string()), ticket.team.1.clone()),
            By::Assignee => (ticket.assignee.0.map(|id| id.to_string()), ticket.assignee.1.clone()),
            _ => (None, Some(priority(ticket.priority).to_owned())),
        };
        let key = (name.unwrap_or_default(), key.unwrap_or_default());
        let sums = groups.entry(key).or_default();
        if inside(ticket.created_at) {
            sums.created += 1;
            sums.answer_ms.extend(ticket.first_responded_at.map(|at| at - ticket.created_at));
        }
        if let Some(at) = ticket.resolved_at.filter(|at| inside(*at)) {
            sums.resolved += 1;
            sums.solve_ms.push(at - ticket.created_at);
        }
    }
    let mut table = columns(&["group_id", "group"]);
    for ((name, id), mut sums) in groups {
        let text = |text: String| if text.is_empty() { Value::Null } else { json!(text) };
        let mut row = vec![text(id), text(name)];
        row.extend(sums.cells(None));
        table.push(row)?;
    }
    Ok(table)
}

fn priority(rank: i64) -> &'static str {
    match rank {
        1 => "low",
        2 => "normal",
        3 => "high",
        _ => "urgent",
    }
}
