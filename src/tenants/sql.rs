//! Statements over tenants.

use super::Tenant;
use crate::{error::Result, http::page::Paging, id::TenantId};
use rusqlite::{Connection, OptionalExtension, Row};

const COLUMNS: &str = "id, name, is_active, version, created_at, updated_at";

fn tenant(row: &Row<'_>) -> rusqlite::Result<Tenant> {
    Ok(Tenant {
        id: row.get(0)?,
        name: row.get(1)?,
        is_active: row.get(2)?,
        version: row.get(3)?,
        created_at: row.get(4)?,
        updated_at: row.get(5)?,
    })
}

/// A tenant by its id.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &Connection, id: TenantId) -> Result<Option<Tenant>> {
    let sql = format!("select {COLUMNS} from tenants where id = ?1");
    Ok(conn.prepare_cached(&sql)?.query_row([id], tenant).optional()?)
}

/// A tenant by its name, whatever its case.
///
/// # Errors
/// When the database refuses.
pub fn find_by_name(conn: &Connection, name: &str) -> Result<Option<Tenant>> {
    let sql = format!("select {COLUMNS} from tenants where name = ?1");
    Ok(conn.prepare_cached(&sql)?.query_row([name], tenant).optional()?)
}

/// The tenant of a server that has just one.
///
/// # Errors
/// When the database refuses.
pub fn only(conn: &Connection) -> Result<Option<Tenant>> {
    let sql = format!("select {COLUMNS} from tenants where (select count(*) from tenants) = 1");
    Ok(conn.prepare_cached(&sql)?.query_row([], tenant).optional()?)
}

/// One page of all tenants by name, and how many there are in all.
///
/// # Errors
/// When the database refuses.
pub fn list(conn: &Connection, paging: Paging) -> Result<(Vec<Tenant>, i64)> {
    let total =
        conn.prepare_cached("select count(*) from tenants")?.query_row([], |row| row.get(0))?;
    let sql = format!("select {COLUMNS} from tenants order by name, id limit ?1 offset ?2");
    let tenants = conn
        .prepare_cached(&sql)?
        .query_map((paging.limit(), paging.offset()), tenant)?
        .collect::<rusqlite::Result<_>>()?;
    Ok((tenants, total))
}

/// Stores a new tenant.
pub(super) fn insert(conn: &Connection, t: &Tenant) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "insert into tenants (id, name, is_active, version, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute((t.id, &t.name, t.is_active, t.version, t.created_at, t.updated_at))?;
    Ok(())
}

/// Stores what may change of a tenant.
pub(super) fn update(conn: &Connection, t: &Tenant) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "update tenants set name = ?2, is_active = ?3, version = ?4, updated_at = ?5 where id = ?1",
    )?
    .execute((t.id, &t.name, t.is_active, t.version, t.updated_at))?;
    Ok(())
}
