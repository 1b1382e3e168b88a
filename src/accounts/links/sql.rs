//! Statements over links.

use super::Kind;
use crate::{
    db::Write,
    error::Result,
    id::{TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension};

/// Links that ended are dropped with each new one, so many at a time.
const PRUNED_AT_ONCE: i64 = 4;

/// Whose link it is, and until when it is good, milliseconds since the Unix epoch.
pub(super) struct Found {
    pub(super) tenant: TenantId,
    pub(super) user: UserId,
    pub(super) expires_at: i64,
}

/// A link of somebody whose account is open.
pub(super) fn find(conn: &Connection, digest: &[u8], kind: Kind) -> Result<Option<Found>> {
    Ok(conn
        .prepare_cached(
            "select l.tenant_id, l.user_id, l.expires_at from account_links l
             join users u on u.id = l.user_id and u.is_active and u.deleted_at is null
             join tenants t on t.id = l.tenant_id and t.is_active
             where l.hash = ?1 and l.kind = ?2",
        )?
        .query_row((digest, kind.name()), |row| {
            Ok(Found { tenant: row.get(0)?, user: row.get(1)?, expires_at: row.get(2)? })
        })
        .optional()?)
}

/// Stores a link in place of an older one of its kind.
pub(super) fn put(
    w: &Write<'_>,
    digest: &[u8],
    (tenant, user): (TenantId, UserId),
    kind: Kind,
) -> Result<()> {
    w.prepare_cached(
        "delete from account_links where hash in (
           select hash from account_links where expires_at <= ?1 limit ?2)",
    )?
    .execute((w.now, PRUNED_AT_ONCE))?;
    w.prepare_cached(
        "insert or replace into account_links (hash, tenant_id, user_id, kind, expires_at)
         values (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute((digest, tenant, user, kind.name(), w.now + kind.ttl_ms()))?;
    Ok(())
}

/// None of somebody's links is good any more.
pub(super) fn drop_all_of(w: &Write<'_>, tenant: TenantId, user: UserId) -> Result<()> {
    w.prepare_cached("delete from account_links where tenant_id = ?1 and user_id = ?2")?
        .execute((tenant, user))?;
    Ok(())
}
