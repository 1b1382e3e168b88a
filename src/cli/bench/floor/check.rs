//! Whether the times of all calls and agents add up, as REST tells them afterwards.

use super::calls::Sum;
use crate::{
    cli::bench::{Outcome, client::Api, wrong},
    time,
};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Rows of a page.
const CALLS: usize = 200;
const INTERVALS: usize = 500;

/// What was found in order.
pub(super) struct Checked {
    pub(super) calls: u64,
    pub(super) agents: u64,
    pub(super) intervals: u64,
}

/// Looks at every call and every agent.
pub(super) async fn all(api: &mut Api, sum: &Sum, agents: &[String]) -> Outcome<Checked> {
    let parts = calls(api, sum).await?;
    let mut intervals = 0;
    for agent in agents {
        intervals += of_agent(api, agent, parts.get(agent).copied().unwrap_or(0)).await?;
    }
    Ok(Checked { calls: sum.calls, agents: agents.len() as u64, intervals })
}

/// Every call is there, over, and its times are those from its beginning to its end. Answers for
/// how long each agent had calls, milliseconds.
async fn calls(api: &mut Api, sum: &Sum) -> Outcome<HashMap<String, i64>> {
    let mut seen = HashSet::new();
    let (mut abandoned, mut parts) = (0, HashMap::new());
    for page in 1.. {
        let path = format!("/api/v1/calls?per_page={CALLS}&page={page}");
        let rows = rows(&api.get(&path).await?);
        for call in &rows {
            let part = |name: &str| call.get(name).and_then(Value::as_i64).unwrap_or(0);
            let whole = at(call, "ended_at")? - at(call, "started_at")?;
            if part("wait_ms") + part("talk_ms") + part("hold_ms") != whole {
                return Err(wrong(format!("the times of a call do not add up: {call}")));
            }
            abandoned += u64::from(call.get("result").is_some_and(|word| word == "abandoned"));
            let id = call.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let whole = api.get(&format!("/api/v1/calls/{id}")).await?;
            for part in whole.pointer("/data/parts").and_then(Value::as_array).into_iter().flatten()
            {
                let agent = part.get("agent_id").and_then(Value::as_str).unwrap_or_default();
                *parts.entry(agent.to_owned()).or_insert(0) +=
                    at(part, "ended_at")? - at(part, "started_at")?;
            }
            seen.insert(id);
        }
        if rows.len() < CALLS {
            break;
        }
    }
    let found = (seen.len() as u64, abandoned);
    if found != (sum.calls, sum.abandoned) {
        let made = (sum.calls, sum.abandoned);
        return Err(wrong(format!("calls and abandoned ones were {made:?}, and are {found:?}")));
    }
    Ok(parts)
}

/// An agent's intervals follow each other without a hole, and those in calls are as long as their
/// parts of calls; answers how many there are.
async fn of_agent(api: &mut Api, agent: &str, parts_ms: i64) -> Outcome<u64> {
    let (mut count, mut before, mut later) = (0, None, None);
    let (mut on_call, mut total, mut last_end) = (0, 0, None);
    loop {
        let before_it = before.map(|id: i64| format!("&before={id}")).unwrap_or_default();
        let path = format!("/api/v1/agent-state/{agent}/history?limit={INTERVALS}{before_it}");
        let rows = rows(&api.get(&path).await?);
        for row in &rows {
            let began = at(row, "started_at")?;
            // The newest is not over.
            if let Some(later) = later {
                let (ended, took) = (at(row, "ended_at")?, row.get("duration_ms"));
                let took = took.and_then(Value::as_i64).unwrap_or(-1);
                if ended != later || took != ended - began || took < 0 {
                    return Err(wrong(format!("an agent's intervals do not add up: {row}")));
                }
                last_end.get_or_insert(ended);
                total += took;
                on_call += if row.get("state").is_some_and(|s| s == "on_call") { took } else { 0 };
            }
            (later, before) = (Some(began), row.get("id").and_then(Value::as_i64));
            count += 1;
        }
        if rows.len() < INTERVALS {
            break;
        }
    }
    let span = last_end.zip(later).map_or(0, |(end, began)| end - began);
    if (total, on_call) != (span, parts_ms) {
        let found = format!("{total} of {span} ms, {on_call} of {parts_ms} ms in calls");
        return Err(wrong(format!("an agent's time does not add up: {found}")));
    }
    Ok(count)
}

fn rows(answer: &Value) -> Vec<Value> {
    answer.get("data").and_then(Value::as_array).cloned().unwrap_or_default()
}

fn at(row: &Value, field: &str) -> Outcome<i64> {
    let text = row.get(field).and_then(Value::as_str);
    let at = text.and_then(time::parse_rfc3339);
    at.ok_or_else(|| wrong(format!("{field} is no time: {row}")))
}
