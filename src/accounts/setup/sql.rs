//! Statements of the first start.

use super::LINK_TTL_MS;
use crate::{db::Write, error::Result};
use rusqlite::{Connection, OptionalExtension};

/// Whether somebody can administer this server.
///
/// # Errors
/// When the database refuses.
pub fn has_administrator(conn: &Connection) -> Result<bool> {
    Ok(conn
        .prepare_cached(
            "select exists (select 1 from users
               where role = 'admin' and is_active and deleted_at is null)",
        )?
        .query_row([], |row| row.get(0))?)
}

/// Until when the link with this digest is good, milliseconds since the Unix epoch.
pub(super) fn link(conn: &Connection, digest: &[u8]) -> Result<Option<i64>> {
    Ok(conn
        .prepare_cached("select expires_at from setup_links where hash = ?1")?
        .query_row([digest], |row| row.get(0))
        .optional()?)
}

/// There is one link at a time.
pub(super) fn replace_link(w: &Write<'_>, digest: &[u8]) -> Result<()> {
    drop_links(w)?;
    w.prepare_cached("insert into setup_links (hash, expires_at) values (?1, ?2)")?
        .execute((digest, w.now + LINK_TTL_MS))?;
    Ok(())
}

/// No link is good any more.
pub(super) fn drop_links(w: &Write<'_>) -> Result<()> {
    w.prepare_cached("delete from setup_links")?.execute([])?;
    Ok(())
}
