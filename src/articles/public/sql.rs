//! Statements over what anybody may read.

use super::Shelf;
use crate::{error::Result, id::TenantId};
use rusqlite::Connection;

/// The categories of a tenant that have public articles, in their order. The others say nothing to
/// a stranger, not even their names.
pub(super) fn shelves(conn: &Connection, tenant: TenantId) -> Result<Vec<Shelf>> {
    Ok(conn
        .prepare_cached(
            "select c.id, c.name, count(*) from kb_categories c
             join kb_articles a on a.category_id = c.id and a.tenant_id = c.tenant_id
             where c.tenant_id = ?1 and c.deleted_at is null and a.deleted_at is null
               and a.status = 'published' and a.visibility = 'public'
             group by c.id order by c.position, c.name",
        )?
        .query_map([tenant], |row| {
            Ok(Shelf { id: row.get(0)?, name: row.get(1)?, articles: row.get(2)? })
        })?
        .collect::<rusqlite::Result<_>>()?)
}
