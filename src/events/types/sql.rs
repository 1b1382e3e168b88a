//! Statements over a tenant's own types of events.

use super::{AUDIENCE, Described, Wanted};
use crate::{
    db::Write,
    error::{Error, Result},
    id::TenantId,
};
use rusqlite::{Connection, Params};

const COLUMNS: &str = "name, description, example, schema, version, created_at, updated_at";

fn described(row: &rusqlite::Row<'_>) -> Result<Described> {
    let json = |column| -> Result<serde_json::Value> {
        serde_json::from_str(&row.get::<_, String>(column)?).map_err(Error::internal)
    };
    Ok(Described {
        name: row.get(0)?,
        description: row.get(1)?,
        audience: AUDIENCE,
        example: json(2)?,
        schema: json(3)?,
        custom: true,
        version: row.get(4)?,
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
    })
}

/// All types of a tenant, by name.
pub(super) fn all(conn: &Connection, tenant: TenantId) -> Result<Vec<Described>> {
    let sql = format!("select {COLUMNS} from event_types where tenant_id = ?1 order by name");
    conn.prepare_cached(&sql)?.query_and_then([tenant], described)?.collect()
}

/// One type of a tenant.
pub(super) fn find(conn: &Connection, tenant: TenantId, name: &str) -> Result<Option<Described>> {
    let sql = format!("select {COLUMNS} from event_types where tenant_id = ?1 and name = ?2");
    conn.prepare_cached(&sql)?.query_and_then((tenant, name), described)?.next().transpose()
}

/// How many types a tenant has.
pub(super) fn count(conn: &Connection, tenant: TenantId) -> Result<i64> {
    Ok(conn
        .prepare_cached("select count(*) from event_types where tenant_id = ?1")?
        .query_row([tenant], |row| row.get(0))?)
}

/// Stores a new type.
pub(super) fn insert(w: &Write<'_>, tenant: TenantId, name: &str, wanted: &Wanted) -> Result<()> {
    w.prepare_cached(
        "insert into event_types (tenant_id, name, description, example, schema, created_at,
           updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
    )?
    .execute(columns(w, tenant, name, wanted))?;
    Ok(())
}

/// Changes a type.
pub(super) fn update(w: &Write<'_>, tenant: TenantId, name: &str, wanted: &Wanted) -> Result<()> {
    w.prepare_cached(
        "update event_types set description = ?3, example = ?4, schema = ?5, updated_at = ?6,
           version = version + 1
         where tenant_id = ?1 and name = ?2",
    )?
    .execute(columns(w, tenant, name, wanted))?;
    Ok(())
}

/// What both store, in the order of their parameters.
fn columns<'a>(
    w: &Write<'_>,
    tenant: TenantId,
    name: &'a str,
    wanted: &'a Wanted,
) -> impl Params + use<'a> {
    let (example, schema) = (wanted.example.to_string(), wanted.schema.to_string());
    (tenant, name, &wanted.description, example, schema, w.now)
}

/// Forgets a type; what was published stays.
pub(super) fn delete(w: &Write<'_>, tenant: TenantId, name: &str) -> Result<()> {
    w.prepare_cached("delete from event_types where tenant_id = ?1 and name = ?2")?
        .execute((tenant, name))?;
    Ok(())
}
