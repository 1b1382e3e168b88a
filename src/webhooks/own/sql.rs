//! Statements over users' own endpoints.

use super::Own;
use crate::{
    db::Write,
    error::Result,
    id::{TenantId, UserId},
    webhooks::{PayloadFormat, RETRIES, TIMEOUT_S},
};
use rusqlite::{Connection, OptionalExtension as _};

/// Somebody's endpoint; the row outlives its URL.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) id: i64,
    /// Whether it has a URL now.
    pub(super) is_set: bool,
}

/// Somebody's endpoint, with or without a URL.
pub(super) fn find(conn: &Connection, tenant: TenantId, user: UserId) -> Result<Option<Found>> {
    Ok(conn
        .prepare_cached(
            "select id, deleted_at is null from endpoints where tenant_id = ?1 and user_id = ?2",
        )?
        .query_row((tenant, user), |row| Ok(Found { id: row.get(0)?, is_set: row.get(1)? }))
        .optional()?)
}

/// Somebody's endpoint as they see it; nothing set when there is none.
pub(super) fn shown(conn: &Connection, tenant: TenantId, user: UserId) -> Result<Own> {
    let found = conn
        .prepare_cached(
            "select url, failure_streak, last_status, last_attempt_at from endpoints
             where tenant_id = ?1 and user_id = ?2 and deleted_at is null",
        )?
        .query_row((tenant, user), |row| {
            Ok(Own {
                webhook_url: row.get(0)?,
                failure_streak: row.get(1)?,
                last_status: row.get(2)?,
                last_attempt_at: row.get(3)?,
            })
        })
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// Makes the row of somebody's endpoint, still without URL and secret; answers its number.
pub(super) fn make(
    w: &Write<'_>,
    (tenant, user): (TenantId, UserId),
    numbered_from: i64,
) -> Result<i64> {
    let id: i64 = w
        .prepare_cached(
            "insert into counters values ('own_endpoints', ?1 + 1)
             on conflict do update set value = value + 1 returning value",
        )?
        .query_row([numbered_from], |row| row.get(0))?;
    w.prepare_cached(
        "insert into endpoints (id, tenant_id, user_id, name, url, events, secret, retry_count,
           timeout_s, payload_format, created_at, updated_at, deleted_at)
         values (?1, ?2, ?3, 'webhook_url', '', '[]', x'', ?4, ?5, ?6, ?7, ?7, ?7)",
    )?
    .execute((
        id,
        tenant,
        user,
        RETRIES,
        TIMEOUT_S,
        PayloadFormat::Notification.name(),
        w.now,
    ))?;
    Ok(id)
}

/// Gives an endpoint a URL and a secret where it had none.
pub(super) fn set_anew(w: &Write<'_>, id: i64, url: &str, secret: &[u8]) -> Result<()> {
    w.prepare_cached(
        "update endpoints set url = ?2, secret = ?3, last_status = null, last_error = null,
           last_attempt_at = null, last_success_at = null, failure_streak = 0, is_proven = 0,
           breaker_opened = 0, breaker_until = null, cool_until = null, failing_since = null,
           failing_delivery = null, failing_others = 0, failing_warned = 0, is_active = 1,
           disabled_reason = null, disabled_at = null,
           version = version + 1, updated_at = ?4, deleted_at = null
         where id = ?1",
    )?
    .execute((id, url, secret, w.now))?;
    Ok(())
}

/// Gives an endpoint another URL. The same one changes nothing, unless it was switched off because
/// it failed: that is how its owner switches it on again.
pub(super) fn set_url(w: &Write<'_>, id: i64, url: &str) -> Result<()> {
    w.prepare_cached(
        "update endpoints set url = ?2, failure_streak = 0, is_proven = 0,
           breaker_opened = 0, breaker_until = null, cool_until = null, failing_since = null,
           failing_delivery = null, failing_others = 0, failing_warned = 0, is_active = 1,
           disabled_reason = null, disabled_at = null,
           version = version + 1, updated_at = ?3
         where id = ?1 and (url <> ?2 or not is_active)",
    )?
    .execute((id, url, w.now))?;
    Ok(())
}

/// Gives an endpoint another secret.
pub(super) fn set_secret(w: &Write<'_>, id: i64, secret: &[u8]) -> Result<()> {
    w.prepare_cached(
        "update endpoints set secret = ?2, version = version + 1, updated_at = ?3 where id = ?1",
    )?
    .execute((id, secret, w.now))?;
    Ok(())
}

/// Takes an endpoint's URL and secret away; its log stays.
pub(super) fn clear(w: &Write<'_>, id: i64) -> Result<()> {
    w.prepare_cached(
        "update endpoints set url = '', secret = x'', version = version + 1, updated_at = ?2,
           deleted_at = ?2
         where id = ?1",
    )?
    .execute((id, w.now))?;
    Ok(())
}

/// Cancels all that waits for an endpoint: what one person is owed is little enough for one step.
pub(super) fn cancel_open(w: &Write<'_>, id: i64) -> Result<()> {
    const HOUR_MS: i64 = 3_600_000;
    let cancelled = w
        .prepare_cached(
            "update deliveries set state = 'cancelled', ended_at = ?2
             where endpoint_id = ?1 and state in ('waiting', 'held')",
        )?
        .execute((id, w.now))?;
    if cancelled > 0 {
        w.prepare_cached(
            "insert into endpoint_hours (endpoint_id, hour, cancelled) values (?1, ?2, ?3)
             on conflict do update set cancelled = cancelled + excluded.cancelled",
        )?
        .execute((id, w.now / HOUR_MS, i64::try_from(cancelled).unwrap_or(i64::MAX)))?;
    }
    Ok(())
}

/// All deliveries, their endpoints and states, for tests.
#[cfg(test)]
pub(super) fn owed_to_all(conn: &Connection) -> Result<Vec<(i64, i64, String)>> {
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    Ok(conn
        .prepare_cached("select id, endpoint_id, state from deliveries order by id")?
        .query_map([], row)?
        .collect::<rusqlite::Result<_>>()?)
}
