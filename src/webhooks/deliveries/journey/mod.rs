//! Where one event was sent: each webhook of the tenant that was owed it, with its attempts.

mod sql;

pub use sql::of_event;

use crate::time;
use serde::Serialize;

/// Deliveries told of one event: twice as many as a tenant may have webhooks, for some are deleted
/// since. What is beyond is not told.
const DELIVERIES_MAX: i64 = 200;

/// Attempts told of one delivery, the newest; all of them are at `GET /deliveries/{id}`.
const ATTEMPTS_MAX: i64 = 20;

/// One delivery of an event.
#[derive(Debug, Serialize)]
pub struct Sending {
    id: i64,
    webhook_id: i64,
    webhook_name: String,
    /// Whether the webhook is gone; its deliveries stay.
    webhook_deleted: bool,
    state: String,
    /// Attempts made.
    attempt: u32,
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    next_attempt_at: Option<i64>,
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    ended_at: Option<i64>,
    /// The newest first.
    attempts: Vec<Try>,
}

/// One attempt, without what was answered.
#[derive(Debug, Serialize)]
pub struct Try {
    attempt: u32,
    state: String,
    http_status: Option<u16>,
    response_time_ms: i64,
    error: Option<String>,
    #[serde(serialize_with = "time::as_rfc3339")]
    created_at: i64,
}
