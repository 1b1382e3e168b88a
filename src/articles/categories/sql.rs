//! Statements over categories.

use super::Category;
use crate::{
    db::{OnUnique as _, Write},
    error::{Error, Result},
    id::{EntityId, TenantId},
};
use rusqlite::{Connection, OptionalExtension, Row};

const COLUMNS: &str = "id, tenant_id, name, position, version, created_at, updated_at";

fn category(row: &Row<'_>) -> rusqlite::Result<Category> {
    Ok(Category {
        id: row.get(0)?,
        tenant_id: row.get(1)?,
        name: row.get(2)?,
        position: row.get(3)?,
        version: row.get(4)?,
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
    })
}

/// All categories of a tenant, in their order.
pub(super) fn all(conn: &Connection, tenant: TenantId) -> Result<Vec<Category>> {
    let sql = format!(
        "select {COLUMNS} from kb_categories where tenant_id = ?1 and deleted_at is null
         order by position, name"
    );
    Ok(conn
        .prepare_cached(&sql)?
        .query_map([tenant], category)?
        .collect::<rusqlite::Result<_>>()?)
}

/// One category of a tenant.
pub(super) fn find(conn: &Connection, tenant: TenantId, id: EntityId) -> Result<Option<Category>> {
    let sql = format!(
        "select {COLUMNS} from kb_categories
         where tenant_id = ?1 and id = ?2 and deleted_at is null"
    );
    Ok(conn.prepare_cached(&sql)?.query_row((tenant, id), category).optional()?)
}

/// Whether a tenant has this category.
pub(in crate::articles) fn exists(
    conn: &Connection,
    tenant: TenantId,
    id: EntityId,
) -> Result<bool> {
    Ok(find(conn, tenant, id)?.is_some())
}

fn taken() -> Error {
    Error::conflict("category_exists", "there is a category of that name")
}

/// Stores a category, new or changed.
pub(super) fn put(w: &Write<'_>, c: &Category) -> Result<()> {
    w.prepare_cached(
        "insert into kb_categories (id, tenant_id, name, position, version, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         on conflict (id) do update set name = excluded.name, position = excluded.position,
           version = excluded.version, updated_at = excluded.updated_at",
    )?
    .execute((c.id, c.tenant_id, &c.name, c.position, c.version, c.created_at, c.updated_at))
    .on_unique("kb_categories.tenant_id, kb_categories.name", taken)?;
    Ok(())
}

/// Deletes a category; its articles stand in none then.
pub(super) fn delete(w: &Write<'_>, tenant: TenantId, id: EntityId) -> Result<()> {
    w.prepare_cached("update kb_categories set deleted_at = ?3 where tenant_id = ?1 and id = ?2")?
        .execute((tenant, id, w.now))?;
    w.prepare_cached(
        "update kb_articles set category_id = null where tenant_id = ?1 and category_id = ?2",
    )?
    .execute((tenant, id))?;
    Ok(())
}
