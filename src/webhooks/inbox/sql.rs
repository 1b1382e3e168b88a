//! Statements of the receiver inside.

use super::{Received, Whose};
use crate::{
    db::Write,
    error::{Error, Result},
    id::{TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::value::RawValue;

/// Bodies kept a user, and bytes of them; the oldest go first.
const KEPT: i64 = 100;
const BYTES_KEPT: i64 = 4 << 20;

/// Who has this endpoint for their own, and its secret as it is stored.
pub(super) struct Owner {
    pub(super) tenant: TenantId,
    pub(super) user: UserId,
    pub(super) secret: Vec<u8>,
}

/// The owner of a user's own endpoint, whatever the tenant: the signature says who may.
pub(super) fn owner(conn: &Connection, endpoint: i64) -> Result<Option<Owner>> {
    Ok(conn
        .prepare_cached(
            "select e.tenant_id, e.user_id, e.secret
             from endpoints e join users u on u.id = e.user_id
             where e.id = ?1 and e.deleted_at is null and u.is_active and u.deleted_at is null",
        )?
        .query_row([endpoint], |row| {
            Ok(Owner { tenant: row.get(0)?, user: row.get(1)?, secret: row.get(2)? })
        })
        .optional()?)
}

/// Keeps a body, once if it came signed, and lets go of what is too old or too much.
pub(super) fn store(w: &Write<'_>, whose: &Whose, body: &str) -> Result<()> {
    let stored = w
        .prepare_cached(
            "insert into received_notifications (tenant_id, user_id, webhook_id, body, received_at)
             values (?1, ?2, ?3, ?4, ?5) on conflict do nothing",
        )?
        .execute((whose.tenant, whose.user, &whose.webhook_id, body, w.now))?;
    if stored == 0 {
        return Ok(());
    }
    w.prepare_cached(
        "delete from received_notifications where user_id = ?1 and id <= (
           select max(id) from (
             select id, row_number() over newest as place,
               sum(octet_length(body)) over newest as bytes
             from received_notifications where user_id = ?1
             window newest as (order by id desc)
           ) where place > ?2 or bytes > ?3)",
    )?
    .execute((whose.user, KEPT, BYTES_KEPT))?;
    Ok(())
}

/// What somebody received, the newest first, from before row `before` on.
pub(super) fn list(
    conn: &Connection,
    (tenant, user): (TenantId, UserId),
    (before, limit): (i64, i64),
) -> Result<Vec<Received>> {
    conn.prepare_cached(
        "select id, webhook_id, body, received_at from received_notifications
         where tenant_id = ?1 and user_id = ?2 and id < ?3 order by id desc limit ?4",
    )?
    .query_and_then((tenant, user, before, limit), |row| {
        let webhook_id: Option<String> = row.get(1)?;
        Ok(Received {
            id: row.get(0)?,
            signed: webhook_id.is_some(),
            webhook_id,
            body: RawValue::from_string(row.get(2)?).map_err(Error::internal)?,
            received_at: row.get(3)?,
        })
    })?
    .collect()
}

/// Removes all that somebody received.
pub(super) fn forget(w: &Write<'_>, tenant: TenantId, user: UserId) -> Result<()> {
    w.prepare_cached("delete from received_notifications where tenant_id = ?1 and user_id = ?2")?
        .execute((tenant, user))?;
    Ok(())
}
