//! Statements over the history of one agent.

use super::{Interval, STRETCH, Span};
use crate::{
    agents::sql::{state_of, unknown},
    error::Result,
    id::{TenantId, UserId},
};
use rusqlite::{Connection, Row};

const INTERVALS: &str =
    "select id, state, reason, source, started_at, ended_at, call_id from agent_state_history
     where tenant_id = ?1 and user_id = ?2 and started_at < ?4 and coalesce(ended_at, ?4) > ?3";

fn interval(row: &Row<'_>) -> Result<Interval> {
    let (started_at, ended_at): (i64, Option<i64>) = (row.get(4)?, row.get(5)?);
    Ok(Interval {
        id: row.get(0)?,
        state: state_of(row, 1)?.ok_or_else(unknown)?,
        reason: row.get(2)?,
        source: row.get(3)?,
        call_id: row.get(6)?,
        started_at,
        ended_at,
        duration_ms: ended_at.map(|end| end - started_at),
    })
}

/// The newest first, from before row `before` on.
pub(in crate::agents) fn newest(
    conn: &Connection,
    (tenant, user): (TenantId, UserId),
    span: Span,
    (before, limit): (i64, i64),
) -> Result<Vec<Interval>> {
    conn.prepare_cached(&format!("{INTERVALS} and id < ?5 order by id desc limit ?6"))?
        .query_and_then((tenant, user, span.from, span.to, before, limit), interval)?
        .collect()
}

/// The oldest first, from after row `after` on; as many as are read in one go.
pub(in crate::agents) fn oldest(
    conn: &Connection,
    (tenant, user): (TenantId, UserId),
    span: Span,
    after: i64,
) -> Result<Vec<Interval>> {
    conn.prepare_cached(&format!("{INTERVALS} and id > ?5 order by id limit ?6"))?
        .query_and_then((tenant, user, span.from, span.to, after, STRETCH), interval)?
        .collect()
}
