//! Statements over reasons.

use super::Reason;
use crate::{
    db::{OnUnique, Write},
    error::{Error, Result},
    id::{EntityId, TenantId},
};
use rusqlite::{Connection, OptionalExtension, Row};

const COLUMNS: &str = "id, tenant_id, version, created_at, updated_at, name, state, limit_minutes";

fn reason(row: &Row<'_>) -> Result<Reason> {
    Ok(Reason {
        id: row.get(0)?,
        tenant_id: row.get(1)?,
        version: row.get(2)?,
        created_at: row.get(3)?,
        updated_at: row.get(4)?,
        name: row.get(5)?,
        state: row
            .get::<_, String>(6)?
            .parse()
            .map_err(|()| Error::internal("an unknown agent state"))?,
        limit_minutes: row.get(7)?,
    })
}

/// All of a tenant, by name; there are not many.
pub(super) fn all(conn: &Connection, tenant: TenantId) -> Result<Vec<Reason>> {
    let sql = format!("select {COLUMNS} from agent_reasons where tenant_id = ?1 order by name, id");
    conn.prepare_cached(&sql)?.query_and_then([tenant], reason)?.collect()
}

pub(super) fn find(conn: &Connection, tenant: TenantId, id: EntityId) -> Result<Option<Reason>> {
    let sql = format!("select {COLUMNS} from agent_reasons where tenant_id = ?1 and id = ?2");
    conn.prepare_cached(&sql)?.query_and_then((tenant, id), reason)?.next().transpose()
}

pub(super) fn count(conn: &Connection, tenant: TenantId) -> Result<i64> {
    let sql = "select count(*) from agent_reasons where tenant_id = ?1";
    Ok(conn.prepare_cached(sql)?.query_row([tenant], |row| row.get(0))?)
}

/// Stores a reason, new or changed.
pub(super) fn put(w: &Write<'_>, r: &Reason) -> Result<()> {
    let taken = || Error::conflict("reason_exists", "there is a reason of that name already");
    w.prepare_cached(
        "insert into agent_reasons
           (id, tenant_id, version, created_at, updated_at, name, state, limit_minutes)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         on conflict (id) do update set version = excluded.version,
           updated_at = excluded.updated_at, name = excluded.name, state = excluded.state,
           limit_minutes = excluded.limit_minutes",
    )?
    .execute((
        r.id,
        r.tenant_id,
        r.version,
        r.created_at,
        r.updated_at,
        &r.name,
        r.state.name(),
        r.limit_minutes,
    ))
    .map(drop)
    .on_unique("agent_reasons.tenant_id, agent_reasons.name", taken)
}

pub(super) fn delete(w: &Write<'_>, tenant: TenantId, id: EntityId) -> Result<()> {
    let sql = "delete from agent_reasons where tenant_id = ?1 and id = ?2";
    w.prepare_cached(sql)?.execute((tenant, id))?;
    Ok(())
}

/// How long a state may last for that reason, milliseconds; nothing where it may last for ever.
pub(in crate::agents) fn limit_ms(
    conn: &Connection,
    tenant: TenantId,
    state: &str,
    reason: &str,
) -> Result<Option<i64>> {
    let found: Option<Option<i64>> = conn
        .prepare_cached(
            "select limit_minutes * 60000 from agent_reasons
             where tenant_id = ?1 and name = ?2 and state = ?3",
        )?
        .query_row((tenant, reason, state), |row| row.get(0))
        .optional()?;
    Ok(found.flatten())
}
