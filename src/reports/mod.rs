//! Reports: what days and months were like, worked out from tickets, calls, agents' intervals and
//! webhooks' attempts. There is no second store; days are those of the tenant's time zone.

mod desk;
mod floor;
mod hooks;
pub mod http;
mod numbers;
mod range;
mod sql;
#[cfg(test)]
mod tests;

use crate::{
    board::Settings,
    error::{Error, OrNotFound as _, Result},
    http::csv,
    id::{EntityId, TenantId, UserId},
};
use range::Range;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Most rows of one report; more are 422, and fewer days are to be asked for.
const ROWS_MAX: usize = 50_000;

/// The query of every report.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    from: Option<String>,
    to: Option<String>,
    team: Option<EntityId>,
    agent: Option<UserId>,
    queue: Option<String>,
    by: Option<By>,
}

/// What the rows of a report stand for, where there is a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum By {
    Day,
    Hour,
    Team,
    Assignee,
    Priority,
}

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// How long each agent was in each state, day by day.
    AgentTime,
    /// Every call, and whether one that was missed was returned.
    Calls,
    /// How well queues were answered, by day or hour.
    ServiceLevel,
    /// Tickets made and resolved, and how long that took.
    Tickets,
    /// Deliveries of webhooks.
    Webhooks,
}

impl Name {
    const ALL: [(Self, &'static str); 5] = [
        (Self::AgentTime, "agent-time"),
        (Self::Calls, "calls"),
        (Self::ServiceLevel, "service-level"),
        (Self::Tickets, "tickets"),
        (Self::Webhooks, "webhooks"),
    ];

    /// The report of that name.
    ///
    /// # Errors
    /// 404 when there is none.
    fn of(word: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(_, name)| *name == word);
        found.map(|(report, _)| *report).or_not_found("report")
    }

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(report, _)| *report == self).map_or("", |(_, name)| name)
    }

    fn choices(self) -> &'static [By] {
        match self {
            Self::ServiceLevel => &[By::Day, By::Hour],
            Self::Tickets => &[By::Day, By::Team, By::Assignee, By::Priority],
            Self::AgentTime | Self::Calls | Self::Webhooks => &[By::Day],
        }
    }
}

/// What is wanted, in the tenant's days.
#[derive(Debug, Clone)]
struct Wanted {
    tenant: TenantId,
    range: Range,
    team: Option<EntityId>,
    agent: Option<UserId>,
    queue: Option<String>,
    by: By,
    /// An answer within so many milliseconds was in time.
    within_ms: i64,
    now: i64,
}

impl Wanted {
    fn new(
        tenant: TenantId,
        (name, query): (Name, Query),
        settings: &Settings,
        now: i64,
    ) -> Result<Self> {
        let range =
            Range::read((query.from.as_deref(), query.to.as_deref()), settings.zone(), now)?;
        let by = query.by.unwrap_or(By::Day);
        if !name.choices().contains(&by) {
            return Err(Error::field("by", "is nothing that this report can be sorted by"));
        }
        let (team, agent, queue) = (query.team, query.agent, query.queue);
        let within_ms = settings.answer_within_s * 1_000;
        Ok(Self { tenant, range, team, agent, queue, by, within_ms, now })
    }
}

/// A table, as it is answered and as it is taken home.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// 422 when there are [`ROWS_MAX`] already.
    fn push(&mut self, row: Vec<Value>) -> Result<()> {
        if self.rows.len() >= ROWS_MAX {
            return Err(too_much());
        }
        self.rows.push(row);
        Ok(())
    }

    /// As a file.
    fn csv(&self) -> String {
        let mut text = String::new();
        csv::line(
            &mut text,
            &self.columns.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
        );
        for row in &self.rows {
            csv::line(&mut text, &row.iter().map(cell).collect::<Vec<_>>());
        }
        text
    }

    fn objects(self) -> Vec<Map<String, Value>> {
        let Self { columns, rows } = self;
        let named =
            |row: Vec<Value>| columns.iter().map(|name| (*name).to_owned()).zip(row).collect();
        rows.into_iter().map(named).collect()
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn too_much() -> Error {
    Error::field("to", format!("gives more than {ROWS_MAX} rows: ask for fewer days"))
}

/// A report as it is answered.
#[derive(Debug, Serialize)]
pub struct Report {
    name: &'static str,
    from: String,
    to: String,
    timezone: String,
    columns: Vec<&'static str>,
    rows: Vec<Map<String, Value>>,
}

impl Report {
    /// Without its rows.
    fn of(name: Name, wanted: &Wanted, timezone: String) -> Self {
        let date = |day: Option<&range::Day>| day.map(|day| day.date.to_string());
        let days = &wanted.range.days;
        Self {
            name: name.word(),
            from: date(days.first()).unwrap_or_default(),
            to: date(days.last()).unwrap_or_default(),
            timezone,
            columns: Vec::new(),
            rows: Vec::new(),
        }
    }
}
