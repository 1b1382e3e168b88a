//! Who was here when it was last written down: read once, after a start.

use super::Write;
use crate::{
    error::{Error, Result},
    id::{TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};

/// Somebody who was here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WasHere {
    /// Their tenant.
    pub tenant: TenantId,
    /// Who.
    pub user: UserId,
    /// Since when without a break, milliseconds since the Unix epoch.
    pub since_ms: i64,
}

/// Who was here.
///
/// # Errors
/// When the database refuses.
pub fn was_here(conn: &Connection) -> Result<Vec<WasHere>> {
    let noted: Option<String> = conn
        .prepare_cached("select value from meta where key = 'here'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    noted.map_or(Ok(Vec::new()), |noted| serde_json::from_str(&noted).map_err(Error::internal))
}

/// Writes down who is here, in place of who was.
///
/// # Errors
/// When the database refuses.
pub fn note_here(w: &Write<'_>, here: &[WasHere]) -> Result<()> {
    let here = serde_json::to_string(here).map_err(Error::internal)?;
    w.prepare_cached(
        "insert into meta (key, value) values ('here', ?1)
         on conflict do update set value = excluded.value",
    )?
    .execute([here])?;
    Ok(())
}
