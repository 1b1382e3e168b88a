//! The receiver inside: takes notifications at seed A's path and keeps them for their user to list.
//!
//! A `webhook_url` that is this path is delivered within the process, through the same queue and
//! log and with the same signatures as everywhere; it is never a request to localhost. The same
//! path answers over HTTP, to whoever signs with a user's secret or sends their token. What is
//! received is stored and rings nothing, or it would ring itself.

pub mod http;
mod sql;

use super::{
    engine::Parts,
    keys::Keys,
    post::Outcome,
    sign::{self, Received as Claimed},
};
use crate::{
    db::Write,
    error::{Error, Result},
    id::{TenantId, UserId},
    time,
};
use ::http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;
use std::time::Instant;

/// Where it is, with either prefix of the API.
const PATHS: [&str; 2] =
    ["/api/notifications/webhooks/notifications", "/api/v1/notifications/webhooks/notifications"];

/// Whether a `webhook_url` means the receiver inside: the one relative URL there is.
pub fn is_path(url: &str) -> bool {
    PATHS.contains(&url)
}

/// What it answers (seed A).
const RECEIVED: &str = r#"{"status":"received"}"#;

/// Something that came, as its user sees it.
#[derive(Debug, Serialize)]
pub struct Received {
    id: i64,
    /// The event's id, where it came signed.
    webhook_id: Option<String>,
    /// Whether the user's secret signed it; else it came with their token.
    signed: bool,
    /// The body as it came.
    body: Box<RawValue>,
    #[serde(serialize_with = "time::as_rfc3339")]
    received_at: i64,
}

/// Whose something is.
#[derive(Debug, Clone)]
struct Whose {
    tenant: TenantId,
    user: UserId,
    webhook_id: Option<String>,
}

/// Delivers in the process what would otherwise be posted. Blocks.
pub(super) fn deliver(
    engine: &Parts,
    headers: &[(HeaderName, HeaderValue)],
    body: &[u8],
) -> Outcome {
    let began = Instant::now();
    let headers: HeaderMap = headers.iter().cloned().collect();
    let taken = signer(engine, &headers, body).and_then(|whose| {
        let body = readable(body)?;
        engine.db.write_waiting(move |w| sql::store(w, &whose, &body))
    });
    let (status, body) = match taken {
        Ok(()) => (200, String::from(RECEIVED)),
        Err(e) => (status(&e), public(&e)),
    };
    let response_time_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Outcome { result: Ok(status), response_time_ms, retry_after: None, body }
}

fn status(e: &Error) -> u16 {
    match e {
        Error::Unauthorized(_) => 401,
        Error::Invalid(_) | Error::Malformed(_) => 422,
        Error::Busy(_) | Error::Full => 503,
        _ => 500,
    }
}

fn public(e: &Error) -> String {
    match e {
        Error::Internal { .. } => {
            tracing::error!(error = %e, "the receiver inside failed");
            String::from("it could not be stored")
        }
        other => other.to_string(),
    }
}

/// Whose secret signed a delivery (Standard Webhooks, whose time stamp bounds a replay). Blocks.
///
/// # Errors
/// 401 when nobody's did, or too long ago.
fn signer(engine: &Parts, headers: &HeaderMap, body: &[u8]) -> Result<Whose> {
    const NOBODY: Error = Error::Unauthorized("the signature is nobody's here, or too old");
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let number = text("x-webhook-id").and_then(|id| id.parse().ok());
    let (Some(endpoint), Some(id), Some(timestamp), Some(signature)) =
        (number, text("webhook-id"), text("webhook-timestamp"), text("webhook-signature"))
    else {
        return Err(NOBODY);
    };
    let found = engine.db.read_blocking(|r| sql::owner(r, endpoint))?;
    let Some(owner) = found.filter(|_| id.len() <= ID_MAX) else { return Err(NOBODY) };
    let now_ms = engine.db.clock().now_ms();
    let keys = Keys::open(&engine.secrets, endpoint, &owner.secret, None)?;
    let claimed = Claimed { id, timestamp, signature };
    let keys = keys.live(now_ms);
    sign::verify_standard(&keys, claimed, body, now_ms / 1000, sign::TOLERANCE_S)
        .map_err(|_| NOBODY)?;
    Ok(Whose { tenant: owner.tenant, user: owner.user, webhook_id: Some(id.to_owned()) })
}

/// Longest `webhook-id` that is taken, bytes.
const ID_MAX: usize = 128;

/// The body as it is stored: a JSON object, whatever is in it.
///
/// # Errors
/// 400 for what is no JSON, 422 for what is no object.
fn readable(body: &[u8]) -> Result<String> {
    let read = serde_json::from_slice::<Box<RawValue>>(body);
    let json = read.map_err(|e| Error::Malformed(format!("the body is not JSON: {e}")))?;
    match json.get().starts_with('{') {
        true => Ok(json.get().to_owned()),
        false => Err(Error::field("body", "must be an object")),
    }
}

/// Forgets what somebody received.
///
/// # Errors
/// When the database refuses.
pub fn forget(w: &Write<'_>, tenant: TenantId, user: UserId) -> Result<()> {
    sql::forget(w, tenant, user)
}
