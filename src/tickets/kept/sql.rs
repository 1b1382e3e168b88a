//! Statements over what staff keep. The name of a table is a constant of its kind, never sent.

use super::{Kept, Tool, View};
use crate::{
    error::{Error, Result},
    event::Listener,
    id::{EntityId, TenantId},
    teams,
    tickets::list::Filters,
};
use rusqlite::{Connection, Row};

const COLUMNS: &str = "id, tenant_id, version, created_at, updated_at, deleted_at, owner_id, body";

fn kept<T: Tool>(row: &Row<'_>) -> Result<Kept<T>> {
    let body: String = row.get(7)?;
    Ok(Kept {
        id: row.get(0)?,
        tenant_id: row.get(1)?,
        version: row.get(2)?,
        created_at: row.get(3)?,
        updated_at: row.get(4)?,
        deleted_at: row.get(5)?,
        owner_id: row.get(6)?,
        body: serde_json::from_str(&body).map_err(Error::internal)?,
    })
}

/// All that `who` sees, by name.
pub(super) fn list<T: Tool>(conn: &Connection, who: &Listener) -> Result<Vec<Kept<T>>> {
    let sql = format!(
        "select {COLUMNS} from {} where tenant_id = ?1 and deleted_at is null order by name, id",
        T::TABLE
    );
    let all = conn
        .prepare_cached(&sql)?
        .query_and_then([who.tenant], kept)?
        .collect::<Result<Vec<Kept<T>>>>()?;
    let teams = teams::of_user(conn, who.tenant, who.user)?;
    Ok(all.into_iter().filter(|kept| kept.body.is_for(kept.owner_id, who, &teams)).collect())
}

/// One, if `who` sees it.
pub(super) fn seen<T: Tool>(
    conn: &Connection,
    who: &Listener,
    id: EntityId,
) -> Result<Option<Kept<T>>> {
    let sql = format!(
        "select {COLUMNS} from {} where tenant_id = ?1 and id = ?2 and deleted_at is null",
        T::TABLE
    );
    let found: Option<Kept<T>> =
        conn.prepare_cached(&sql)?.query_and_then((who.tenant, id), kept)?.next().transpose()?;
    let teams = teams::of_user(conn, who.tenant, who.user)?;
    Ok(found.filter(|kept| kept.body.is_for(kept.owner_id, who, &teams)))
}

/// The filters of a view that `who` sees.
///
/// # Errors
/// When the database refuses.
pub fn filters_of_view(conn: &Connection, who: &Listener, id: EntityId) -> Result<Option<Filters>> {
    Ok(seen::<View>(conn, who, id)?.map(|kept| kept.body.filters))
}

/// How many there are.
pub(super) fn count(conn: &Connection, table: &str, tenant: TenantId) -> Result<i64> {
    let sql = format!("select count(*) from {table} where tenant_id = ?1 and deleted_at is null");
    Ok(conn.prepare_cached(&sql)?.query_row([tenant], |row| row.get(0))?)
}

/// Stores a new one.
pub(super) fn insert<T: Tool>(conn: &Connection, kept: &Kept<T>) -> Result<()> {
    let sql = format!(
        "insert into {} (id, tenant_id, owner_id, name, body, version, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        T::TABLE
    );
    conn.prepare_cached(&sql)?.execute((
        kept.id,
        kept.tenant_id,
        kept.owner_id,
        kept.body.name(),
        serde_json::to_string(&kept.body).map_err(Error::internal)?,
        kept.version,
        kept.created_at,
        kept.updated_at,
    ))?;
    Ok(())
}

/// Stores a change of one.
pub(super) fn update<T: Tool>(conn: &Connection, kept: &Kept<T>) -> Result<()> {
    let sql = format!(
        "update {} set name = ?3, body = ?4, version = ?5, updated_at = ?6, deleted_at = ?7
         where tenant_id = ?1 and id = ?2",
        T::TABLE
    );
    conn.prepare_cached(&sql)?.execute((
        kept.tenant_id,
        kept.id,
        kept.body.name(),
        serde_json::to_string(&kept.body).map_err(Error::internal)?,
        kept.version,
        kept.updated_at,
        kept.deleted_at,
    ))?;
    Ok(())
}
