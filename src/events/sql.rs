//! Statements of this room: only whether a user is there to be told.

use crate::{
    error::Result,
    id::{TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension};

/// Whether the tenant has this user.
pub(super) fn has_user(conn: &Connection, tenant: TenantId, user: UserId) -> Result<bool> {
    let found = conn
        .prepare_cached(
            "select 1 from users where tenant_id = ?1 and id = ?2 and deleted_at is null",
        )?
        .query_row((tenant, user), |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}
