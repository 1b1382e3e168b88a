//! Answers kept under an `Idempotency-Key`.

use super::Write;
use crate::{error::Result, id::TenantId};
use rusqlite::OptionalExtension;

/// How long an answer is kept.
const KEEP_MS: i64 = 24 * 3_600_000;

/// Old answers removed with each new one, so that they never pile up.
const PRUNED_AT_ONCE: i64 = 4;

/// An answer that was given before.
#[derive(Debug)]
pub struct Kept {
    /// SHA-256 of the request it answered.
    pub fingerprint: [u8; 32],
    /// The answer's body.
    pub body: String,
}

/// What was answered under this key within the last day.
///
/// # Errors
/// When the database refuses.
pub fn find(w: &Write<'_>, tenant: TenantId, key: &str) -> Result<Option<Kept>> {
    Ok(w.prepare_cached(
        "select fingerprint, body from idempotency_keys
         where tenant_id = ?1 and key = ?2 and at_ms > ?3",
    )?
    .query_row((tenant, key, w.now - KEEP_MS), |row| {
        Ok(Kept { fingerprint: row.get(0)?, body: row.get(1)? })
    })
    .optional()?)
}

/// Keeps an answer, and drops some that are too old.
///
/// # Errors
/// When the database refuses.
pub fn keep(
    w: &Write<'_>,
    tenant: TenantId,
    key: &str,
    fingerprint: &[u8; 32],
    body: &str,
) -> Result<()> {
    w.prepare_cached(
        "delete from idempotency_keys where (tenant_id, key) in (
           select tenant_id, key from idempotency_keys where at_ms <= ?1 limit ?2)",
    )?
    .execute((w.now - KEEP_MS, PRUNED_AT_ONCE))?;
    w.prepare_cached("insert or replace into idempotency_keys values (?1, ?2, ?3, 201, ?4, ?5)")?
        .execute((tenant, key, fingerprint, body, w.now))?;
    Ok(())
}
