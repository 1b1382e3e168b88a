//! Statements over single deliveries of a tenant's endpoints.

use super::{ATTEMPTS_MAX, Delivery};
use crate::{
    db::{PARKED, Write, read_uuid},
    error::{Error, Result},
    id::TenantId,
    time,
    webhooks::engine,
};
use rusqlite::{Connection, OptionalExtension as _};
use serde::Serialize;

const HOUR_MS: i64 = 3_600_000;

/// One delivery of a tenant's endpoint that is still there; users' own endpoints are theirs.
pub(super) fn find(conn: &Connection, tenant: TenantId, id: i64) -> Result<Option<Delivery>> {
    conn.prepare_cached(
        "select d.id, d.endpoint_id, e.kind, e.id, e.seq, d.state, d.attempts,
           e.data is not null, e.at_ms, d.due_at, d.ended_at, p.is_active, p.url
         from deliveries d join endpoints p on p.id = d.endpoint_id
           join events e on e.seq = d.event_seq
         where d.id = ?2 and p.tenant_id = ?1 and p.user_id is null and p.deleted_at is null
           and e.tenant_id = ?1",
    )?
    .query_and_then((tenant, id), |row| {
        let state: String = row.get(5)?;
        let due_at: i64 = row.get(9)?;
        Ok(Delivery {
            id: row.get(0)?,
            webhook_id: row.get(1)?,
            event: row.get(2)?,
            event_id: read_uuid(row.get_ref(3)?).map_err(Error::internal)?.to_string(),
            seq: row.get(4)?,
            attempt: row.get(6)?,
            data_kept: row.get(7)?,
            created_at: row.get(8)?,
            // One that waits for another of its entity is due at no known time.
            next_attempt_at: Some(due_at).filter(|due| state == "waiting" && *due < PARKED),
            ended_at: row.get(10)?,
            is_active: row.get(11)?,
            url: row.get(12)?,
            state,
        })
    })?
    .next()
    .transpose()
}

/// One attempt of a delivery.
#[derive(Debug, Serialize)]
pub(super) struct Attempt {
    id: i64,
    attempt: u32,
    state: String,
    http_status: Option<u16>,
    response_time_ms: i64,
    error: Option<String>,
    response_body: Option<String>,
    #[serde(serialize_with = "time::as_rfc3339")]
    created_at: i64,
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    next_attempt_at: Option<i64>,
}

/// The newest attempts of a delivery, the newest first. The caller has made sure whose it is.
pub(super) fn attempts(conn: &Connection, delivery: i64) -> Result<Vec<Attempt>> {
    conn.prepare_cached(
        "select id, number, state, http_status, response_time_ms, error, response_body, at_ms,
           next_attempt_at
         from attempts where delivery_id = ?1 order by id desc limit ?2",
    )?
    .query_and_then((delivery, ATTEMPTS_MAX), |row| {
        Ok(Attempt {
            id: row.get(0)?,
            attempt: row.get(1)?,
            state: row.get(2)?,
            http_status: row.get(3)?,
            response_time_ms: row.get(4)?,
            error: row.get(5)?,
            response_body: row.get(6)?,
            created_at: row.get(7)?,
            next_attempt_at: row.get(8)?,
        })
    })?
    .collect()
}

/// What is compared before a delivery is put back.
#[derive(Debug, Clone)]
pub(in crate::webhooks) struct Seen {
    pub(in crate::webhooks) id: i64,
    pub(in crate::webhooks) endpoint: i64,
    pub(in crate::webhooks) state: String,
    pub(in crate::webhooks) ended_at: Option<i64>,
}

/// Puts a delivery back into the queue, due now, if it is still as it was seen. The waits begin
/// anew, unless it was waiting; what it was counted as is taken back.
pub(in crate::webhooks) fn put_back(w: &Write<'_>, seen: &Seen) -> Result<bool> {
    let moved = w
        .prepare_cached(
            "update deliveries set due_at = ?4, ended_at = null, state = 'waiting',
               attempts_before = iif(state = 'waiting', attempts_before, attempts),
               renewed_at = ?4
             where id = ?1 and state = ?2 and ended_at is ?3",
        )?
        .execute((seen.id, &seen.state, seen.ended_at, w.now))?;
    if moved > 0 {
        take_back(w, seen)?;
    }
    Ok(moved > 0)
}

fn take_back(w: &Write<'_>, seen: &Seen) -> Result<()> {
    let Some(ended_at) = seen.ended_at else { return Ok(()) };
    let sql = match seen.state.as_str() {
        "delivered" => "update endpoint_hours set delivered = max(delivered - 1, 0)",
        "failed" => "update endpoint_hours set failed = max(failed - 1, 0)",
        "expired" => "update endpoint_hours set expired = max(expired - 1, 0)",
        "cancelled" => "update endpoint_hours set cancelled = max(cancelled - 1, 0)",
        _ => return Ok(()),
    };
    w.prepare_cached(&format!("{sql} where endpoint_id = ?1 and hour = ?2"))?
        .execute((seen.endpoint, ended_at / HOUR_MS))?;
    Ok(())
}

/// Cancels a delivery that has not ended.
pub(super) fn cancel(w: &Write<'_>, id: i64, endpoint: i64) -> Result<bool> {
    let moved: Option<Option<i64>> = w
        .prepare_cached(
            "update deliveries set state = 'cancelled', ended_at = ?2
             where id = ?1 and state in ('waiting', 'held') returning key",
        )?
        .query_row((id, w.now), |row| row.get(0))
        .optional()?;
    if let Some(key) = moved {
        if let Some(key) = key {
            engine::release(w, endpoint, key)?;
        }
        w.prepare_cached(
            "insert into endpoint_hours (endpoint_id, hour, cancelled) values (?1, ?2, 1)
             on conflict do update set cancelled = cancelled + 1",
        )?
        .execute((endpoint, w.now / HOUR_MS))?;
    }
    Ok(moved.is_some())
}
