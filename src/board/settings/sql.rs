//! Statements over a tenant's settings of the board.

use super::Settings;
use crate::{
    db::Write,
    error::{Error, Result},
    id::TenantId,
};
use rusqlite::{Connection, OptionalExtension as _};

/// The settings of a tenant, the usual ones where it has none of its own.
///
/// # Errors
/// When the database refuses.
pub fn of(conn: &Connection, tenant: TenantId) -> Result<Settings> {
    let body: Option<String> = conn
        .prepare_cached("select body from board_settings where tenant_id = ?1")?
        .query_row([tenant], |row| row.get(0))
        .optional()?;
    body.map_or_else(|| Ok(Settings::default()), |body| Settings::read(&body))
}

/// Stores them.
pub(super) fn put(w: &Write<'_>, tenant: TenantId, settings: &Settings) -> Result<()> {
    let body = serde_json::to_string(settings).map_err(Error::internal)?;
    w.prepare_cached("insert or replace into board_settings (tenant_id, body) values (?1, ?2)")?
        .execute((tenant, body))?;
    Ok(())
}
