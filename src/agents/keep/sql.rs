//! Statements over who was seen and whose time is over; the clockwork reads across tenants.

use crate::{
    db::Write,
    error::Result,
    id::{TenantId, UserId},
};
use rusqlite::Connection;

/// Agents whose time is over that are told of in one transaction.
const DUE_MAX: i64 = 100;

/// Who had a socket when they were last heard of, and when that was.
pub(super) fn seen(conn: &Connection) -> Result<Vec<(TenantId, UserId, i64)>> {
    let found = conn
        .prepare_cached(
            "select tenant_id, user_id, seen_at from agent_states
             where seen_at is not null and state != 'offline'",
        )?
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

/// These are here now. Who is offline is not waited for.
pub(super) fn mark_seen(w: &Write<'_>, who: &[(TenantId, UserId)]) -> Result<()> {
    let mut mark = w.prepare_cached(
        "update agent_states set seen_at = ?3
         where tenant_id = ?1 and user_id = ?2 and state != 'offline'",
    )?;
    for (tenant, user) in who {
        mark.execute((tenant, user, w.now))?;
    }
    Ok(())
}

/// Agents whose reason has lasted for too long by `now`, and whom nobody was told of.
pub(super) fn due_limits(conn: &Connection, now: i64) -> Result<Vec<(TenantId, UserId)>> {
    let found = conn
        .prepare_cached(
            "select tenant_id, user_id from agent_states
             where limit_at <= ?1 and overdue = 0 order by limit_at limit ?2",
        )?
        .query_map((now, DUE_MAX), |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

/// The agent's time is over; false when that is known, or they chose something else in between.
pub(super) fn mark_overdue(w: &Write<'_>, tenant: TenantId, user: UserId) -> Result<bool> {
    let changed = w
        .prepare_cached(
            "update agent_states set overdue = 1
             where tenant_id = ?1 and user_id = ?2 and overdue = 0 and limit_at <= ?3",
        )?
        .execute((tenant, user, w.now))?;
    Ok(changed > 0)
}

/// Who looks after agents: the supervisors and administrators of a tenant.
pub(super) fn supervisors(conn: &Connection, tenant: TenantId) -> Result<Vec<UserId>> {
    let found = conn
        .prepare_cached(
            "select id from users where tenant_id = ?1 and role in ('supervisor', 'admin')
               and is_active and deleted_at is null",
        )?
        .query_map([tenant], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found)
}
