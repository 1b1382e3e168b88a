//! Statements over an endpoint's secrets.

use crate::{db::Write, error::Result, id::TenantId};
use rusqlite::{Connection, OptionalExtension as _};

/// The sealed secret, and the sealed ones before it.
pub(super) type Sealed = (Vec<u8>, Option<Vec<u8>>);

/// What is stored of a tenant's endpoint.
pub(super) fn find(w: &Write<'_>, tenant: TenantId, id: i64) -> Result<Option<Sealed>> {
    Ok(w.prepare_cached(
        "select secret, old_keys from endpoints
         where tenant_id = ?1 and id = ?2 and user_id is null and deleted_at is null",
    )?
    .query_row((tenant, id), |row| Ok((row.get(0)?, row.get(1)?)))
    .optional()?)
}

/// Stores them.
pub(super) fn put(
    w: &Write<'_>,
    (tenant, id): (TenantId, i64),
    secret: &[u8],
    old: Option<&[u8]>,
) -> Result<()> {
    w.prepare_cached(
        "update endpoints set secret = ?3, old_keys = ?4, updated_at = ?5, version = version + 1
         where tenant_id = ?1 and id = ?2",
    )?
    .execute((tenant, id, secret, old, w.now))?;
    Ok(())
}

/// The numbers and secrets of a tenant's endpoints in whose URLs a path stands, the newest first; a
/// few are enough.
pub(super) fn pointing_at(
    conn: &Connection,
    tenant: TenantId,
    path: &str,
) -> Result<Vec<(i64, Sealed)>> {
    let found = conn
        .prepare_cached(
            "select id, secret, old_keys from endpoints
             where tenant_id = ?1 and deleted_at is null and instr(url, ?2) > 0
             order by id desc limit 10",
        )?
        .query_map((tenant, path), |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found)
}
