//! Statements over agents' states and their history.

use super::{AgentState, Choice, State};
use crate::{
    auth::Role,
    db::Write,
    error::{Error, Result},
    id::{TenantId, UserId},
    time,
};
use rusqlite::{Connection, Row};
use serde::Serialize;

/// Agents without a row have been offline since they exist.
const BOARD: &str = "select u.id, u.name, u.role, coalesce(s.state, 'offline'), s.reason,
       coalesce(s.since, u.created_at)
from users u left join agent_states s on s.user_id = u.id
where u.tenant_id = ?1 and u.role != 'customer' and u.is_active and u.deleted_at is null";

fn row(row: &Row<'_>) -> Result<AgentState> {
    Ok(AgentState {
        user_id: row.get(0)?,
        name: row.get(1)?,
        role: row.get::<_, Role>(2)?,
        state: state(row, 3)?,
        reason: row.get(4)?,
        since: row.get(5)?,
        next_state: None,
    })
}

fn state(row: &Row<'_>, column: usize) -> Result<State> {
    row.get::<_, String>(column)?.parse().map_err(|()| Error::internal("an unknown agent state"))
}

/// One agent of a tenant.
pub(super) fn one(conn: &Connection, tenant: TenantId, user: UserId) -> Result<Option<AgentState>> {
    let sql = format!("{BOARD} and u.id = ?2");
    conn.prepare_cached(&sql)?.query_and_then((tenant, user), row)?.next().transpose()
}

/// All agents of a tenant, by name.
///
/// # Errors
/// When the database refuses.
pub fn board(conn: &Connection, tenant: TenantId) -> Result<Vec<AgentState>> {
    let sql = format!("{BOARD} order by u.name collate nocase, u.id limit 1000");
    conn.prepare_cached(&sql)?.query_and_then([tenant], row)?.collect()
}

/// Stores a state, and the end of the one before it.
pub(super) fn set(
    w: &Write<'_>,
    tenant: TenantId,
    user: UserId,
    choice: &Choice,
    source: &str,
) -> Result<()> {
    w.prepare_cached(
        "insert into agent_states (user_id, tenant_id, state, reason, since, source)
         values (?1, ?2, ?3, ?4, ?5, ?6)
         on conflict (user_id) do update set state = excluded.state, reason = excluded.reason,
           since = excluded.since, source = excluded.source",
    )?
    .execute((user, tenant, choice.state.name(), &choice.reason, w.now, source))?;
    w.prepare_cached(
        "update agent_state_history set ended_at = ?3
         where tenant_id = ?1 and user_id = ?2 and ended_at is null",
    )?
    .execute((tenant, user, w.now))?;
    w.prepare_cached(
        "insert into agent_state_history (tenant_id, user_id, state, reason, source, started_at)
         values (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute((tenant, user, choice.state.name(), &choice.reason, source, w.now))?;
    Ok(())
}

/// One stretch of time that an agent spent in a state.
#[derive(Debug, Serialize)]
pub struct Interval {
    id: i64,
    state: State,
    reason: Option<String>,
    source: String,
    #[serde(serialize_with = "time::as_rfc3339")]
    started_at: i64,
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    ended_at: Option<i64>,
    duration_ms: Option<i64>,
}

/// What an agent did, the newest first, from before row `before` on.
pub(super) fn history(
    conn: &Connection,
    tenant: TenantId,
    user: UserId,
    (before, limit): (i64, i64),
) -> Result<Vec<Interval>> {
    conn.prepare_cached(
        "select id, state, reason, source, started_at, ended_at from agent_state_history
         where tenant_id = ?1 and user_id = ?2 and id < ?3 order by id desc limit ?4",
    )?
    .query_and_then((tenant, user, before, limit), |row| {
        let (started_at, ended_at): (i64, Option<i64>) = (row.get(4)?, row.get(5)?);
        Ok(Interval {
            id: row.get(0)?,
            state: state(row, 1)?,
            reason: row.get(2)?,
            source: row.get(3)?,
            started_at,
            ended_at,
            duration_ms: ended_at.map(|end| end - started_at),
        })
    })?
    .collect()
}
