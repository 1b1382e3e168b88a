//! Statements over the deliveries of one event.

use super::{ATTEMPTS_MAX, DELIVERIES_MAX, Sending, Try};
use crate::{db::PARKED, error::Result, id::TenantId};
use rusqlite::Connection;

/// The deliveries of one event to a tenant's webhooks, in the order of the webhooks.
///
/// # Errors
/// When the database refuses.
pub fn of_event(conn: &Connection, tenant: TenantId, seq: i64) -> Result<Vec<Sending>> {
    let mut sendings = conn
        .prepare_cached(
            "select d.id, d.endpoint_id, p.name, p.deleted_at is not null, d.state, d.attempts,
               d.due_at, d.ended_at
             from deliveries d join endpoints p on p.id = d.endpoint_id
             where d.event_seq = ?2 and p.tenant_id = ?1 and p.user_id is null
             order by d.endpoint_id limit ?3",
        )?
        .query_and_then((tenant, seq, DELIVERIES_MAX), |row| {
            let (state, due_at): (String, i64) = (row.get(4)?, row.get(6)?);
            Ok(Sending {
                id: row.get(0)?,
                webhook_id: row.get(1)?,
                webhook_name: row.get(2)?,
                webhook_deleted: row.get(3)?,
                attempt: row.get(5)?,
                // One that waits for another of its entity is due at no known time.
                next_attempt_at: Some(due_at).filter(|due| state == "waiting" && *due < PARKED),
                ended_at: row.get(7)?,
                state,
                attempts: Vec::new(),
            })
        })?
        .collect::<Result<Vec<_>>>()?;
    for sending in &mut sendings {
        sending.attempts = attempts(conn, sending.id)?;
    }
    Ok(sendings)
}

/// The newest attempts of a delivery, which the caller has found to be the tenant's.
fn attempts(conn: &Connection, delivery: i64) -> Result<Vec<Try>> {
    conn.prepare_cached(
        "select number, state, http_status, response_time_ms, error, at_ms
         from attempts where delivery_id = ?1 order by id desc limit ?2",
    )?
    .query_and_then((delivery, ATTEMPTS_MAX), |row| {
        Ok(Try {
            attempt: row.get(0)?,
            state: row.get(1)?,
            http_status: row.get(2)?,
            response_time_ms: row.get(3)?,
            error: row.get(4)?,
            created_at: row.get(5)?,
        })
    })?
    .collect()
}
