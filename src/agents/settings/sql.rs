//! Statements over how long agents have after a call.

use crate::{
    agents::WRAP_UP_SECONDS,
    db::Write,
    error::Result,
    id::{TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension};

/// The tenant's rule, seconds.
pub(super) fn of_tenant(conn: &Connection, tenant: TenantId) -> Result<i64> {
    let found = conn
        .prepare_cached("select wrap_up_seconds from floor_settings where tenant_id = ?1")?
        .query_row([tenant], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(WRAP_UP_SECONDS))
}

pub(super) fn set_tenant(w: &Write<'_>, tenant: TenantId, seconds: Option<i64>) -> Result<()> {
    let Some(seconds) = seconds else {
        w.prepare_cached("delete from floor_settings where tenant_id = ?1")?.execute([tenant])?;
        return Ok(());
    };
    w.prepare_cached(
        "insert into floor_settings (tenant_id, wrap_up_seconds) values (?1, ?2)
         on conflict (tenant_id) do update set wrap_up_seconds = excluded.wrap_up_seconds",
    )?
    .execute((tenant, seconds))?;
    Ok(())
}

pub(super) fn set_agent(
    w: &Write<'_>,
    tenant: TenantId,
    user: UserId,
    seconds: Option<i64>,
) -> Result<()> {
    let Some(seconds) = seconds else {
        w.prepare_cached("delete from agent_settings where tenant_id = ?1 and user_id = ?2")?
            .execute((tenant, user))?;
        return Ok(());
    };
    w.prepare_cached(
        "insert into agent_settings (user_id, tenant_id, wrap_up_seconds) values (?1, ?2, ?3)
         on conflict (user_id) do update set wrap_up_seconds = excluded.wrap_up_seconds",
    )?
    .execute((user, tenant, seconds))?;
    Ok(())
}
