//! Statements over agents' states, their calls and their history.

use super::{
    Agent, AgentState, State, WRAP_UP_SECONDS,
    record::{Next, Record},
};
use crate::{
    auth::Role,
    db::Write,
    error::{Error, Result},
    id::{EntityId, TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension, Row};

/// Agents a board shows at most, by name.
const BOARD_MAX: i64 = 1_000;

/// Wrap-ups that are looked at in one go; the others are due again at once.
const DUE_MAX: i64 = 200;

/// Agents without a row have been offline since they exist.
const AGENTS: &str = "select u.id, u.name, u.role, u.created_at,
       coalesce(a.wrap_up_seconds, f.wrap_up_seconds), s.state, s.reason, s.since, s.source,
       s.next_state, s.next_reason, s.next_source, s.call_id, s.wrap_up_until, s.seen_at,
       s.limit_at, s.overdue
from users u left join agent_states s on s.user_id = u.id
  left join agent_settings a on a.user_id = u.id
  left join floor_settings f on f.tenant_id = u.tenant_id
where u.tenant_id = ?1";

/// Who is an agent at all.
const WORKING: &str = "u.role != 'customer' and u.is_active and u.deleted_at is null";

fn agent(row: &Row<'_>) -> Result<Agent> {
    Ok(Agent {
        user: row.get(0)?,
        name: row.get(1)?,
        role: row.get::<_, Role>(2)?,
        wrap_up_seconds: row.get::<_, Option<i64>>(4)?.unwrap_or(WRAP_UP_SECONDS),
        record: record(row)?,
    })
}

fn record(row: &Row<'_>) -> Result<Record> {
    let Some(state) = state_of(row, 5)? else { return Ok(Record::first(row.get(3)?)) };
    let next = match state_of(row, 9)? {
        Some(state) => Some(Next { state, reason: row.get(10)?, source: row.get(11)? }),
        None => None,
    };
    Ok(Record {
        state,
        reason: row.get(6)?,
        since: row.get(7)?,
        source: row.get(8)?,
        next,
        call: row.get(12)?,
        wrap_up_until: row.get(13)?,
        seen_at: row.get(14)?,
        limit_at: row.get(15)?,
        overdue: row.get(16)?,
    })
}

pub(super) fn state_of(row: &Row<'_>, column: usize) -> Result<Option<State>> {
    let word: Option<String> = row.get(column)?;
    let known = word.map(|word| word.parse().map_err(|()| unknown()));
    known.transpose()
}

pub(super) fn unknown() -> Error {
    Error::internal("an unknown agent state")
}

/// One agent of a tenant.
pub(super) fn one(conn: &Connection, tenant: TenantId, user: UserId) -> Result<Option<Agent>> {
    let sql = format!("{AGENTS} and {WORKING} and u.id = ?2");
    conn.prepare_cached(&sql)?.query_and_then((tenant, user), agent)?.next().transpose()
}

/// The same for who need not be an agent any more.
pub(super) fn whoever(conn: &Connection, tenant: TenantId, user: UserId) -> Result<Option<Agent>> {
    let sql = format!("{AGENTS} and u.id = ?2 and s.user_id is not null");
    conn.prepare_cached(&sql)?.query_and_then((tenant, user), agent)?.next().transpose()
}

/// All agents of a tenant, by name.
///
/// # Errors
/// When the database refuses.
pub fn board(conn: &Connection, tenant: TenantId) -> Result<Vec<AgentState>> {
    let sql = format!("{AGENTS} and {WORKING} order by u.name collate nocase, u.id limit ?2");
    conn.prepare_cached(&sql)?
        .query_and_then((tenant, BOARD_MAX), |row| agent(row).map(AgentState::from))?
        .collect()
}

/// One agent as the board shows them; none for who is no agent, or no longer.
///
/// # Errors
/// When the database refuses.
pub fn on_board(conn: &Connection, tenant: TenantId, user: UserId) -> Result<Option<AgentState>> {
    Ok(one(conn, tenant, user)?.map(AgentState::from))
}

/// The agent of a tenant whose phone has that extension; the one who is longest there, where
/// several have it.
///
/// # Errors
/// When the database refuses.
pub fn by_extension(
    conn: &Connection,
    tenant: TenantId,
    extension: &str,
) -> Result<Option<UserId>> {
    let sql = format!(
        "select u.id from users u where u.tenant_id = ?1 and u.extension = ?2 and {WORKING}
         order by u.id limit 1"
    );
    Ok(conn.prepare_cached(&sql)?.query_row((tenant, extension), |row| row.get(0)).optional()?)
}

/// Wrap-ups whose time is over by `now`, the longest first: whose they are, after which call, and
/// when they ended. Reads across tenants: one clockwork serves all of them.
///
/// # Errors
/// When the database refuses.
pub fn due_wrap_ups(conn: &Connection, now: i64) -> Result<Vec<(TenantId, UserId, EntityId, i64)>> {
    let found = conn
        .prepare_cached(
            "select tenant_id, user_id, call_id, wrap_up_until from agent_states
             where wrap_up_until <= ?1 order by wrap_up_until limit ?2",
        )?
        .query_map((now, DUE_MAX), |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

/// Stores what an agent is, and where another interval begins, the end of the one before it.
pub(super) fn put(
    w: &Write<'_>,
    tenant: TenantId,
    user: UserId,
    r: &Record,
    begins: bool,
) -> Result<()> {
    let next = r.next.as_ref();
    w.prepare_cached(
        "insert or replace into agent_states (user_id, tenant_id, state, reason, since, source,
           next_state, next_reason, next_source, call_id, wrap_up_until, seen_at, limit_at, overdue)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?
    .execute(rusqlite::params![
        user,
        tenant,
        r.state.name(),
        r.reason,
        r.since,
        r.source,
        next.map(|next| next.state.name()),
        next.and_then(|next| next.reason.as_deref()),
        next.map(|next| next.source.as_str()),
        r.call,
        r.wrap_up_until,
        r.seen_at,
        r.limit_at,
        r.overdue,
    ])?;
    if !begins {
        return Ok(());
    }
    w.prepare_cached(
        "update agent_state_history set ended_at = ?3
         where tenant_id = ?1 and user_id = ?2 and ended_at is null",
    )?
    .execute((tenant, user, r.since))?;
    w.prepare_cached(
        "insert into agent_state_history
           (tenant_id, user_id, state, reason, source, started_at, call_id)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute((tenant, user, r.state.name(), &r.reason, &r.source, r.since, r.call))?;
    Ok(())
}

/// The agent is in that call; again changes nothing.
pub(super) fn join_call(
    w: &Write<'_>,
    tenant: TenantId,
    user: UserId,
    call: EntityId,
    at: i64,
) -> Result<()> {
    w.prepare_cached(
        "insert or ignore into agent_calls (user_id, call_id, tenant_id, answered_at)
         values (?1, ?2, ?3, ?4)",
    )?
    .execute((user, call, tenant, at))?;
    Ok(())
}

/// The agent is no longer in that call; false when they were not.
pub(super) fn leave_call(
    w: &Write<'_>,
    tenant: TenantId,
    user: UserId,
    call: EntityId,
) -> Result<bool> {
    let sql = "delete from agent_calls where tenant_id = ?1 and user_id = ?2 and call_id = ?3";
    Ok(w.prepare_cached(sql)?.execute((tenant, user, call))? > 0)
}

/// The agent is in no call.
pub(super) fn leave_calls(w: &Write<'_>, tenant: TenantId, user: UserId) -> Result<()> {
    let sql = "delete from agent_calls where tenant_id = ?1 and user_id = ?2";
    w.prepare_cached(sql)?.execute((tenant, user))?;
    Ok(())
}

/// The call an agent answered last, of those they are in.
pub(super) fn latest_call(
    conn: &Connection,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<EntityId>> {
    let found = conn
        .prepare_cached(
            "select call_id from agent_calls where tenant_id = ?1 and user_id = ?2
             order by answered_at desc, call_id desc limit 1",
        )?
        .query_row((tenant, user), |row| row.get(0))
        .optional()?;
    Ok(found)
}

/// `(state, from, to)` of all intervals in their order.
#[cfg(test)]
pub(super) fn spans(
    conn: &Connection,
    tenant: TenantId,
    user: UserId,
) -> Result<Vec<(String, i64, Option<i64>)>> {
    let rows = conn
        .prepare(
            "select state, started_at, ended_at from agent_state_history
             where tenant_id = ?1 and user_id = ?2 order by id",
        )?
        .query_map((tenant, user), |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(rows)
}
