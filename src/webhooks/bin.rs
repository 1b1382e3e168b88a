//! Deliveries to bins of this server: within the process, as if they had been posted.

use super::{
    engine::{Engine, Parts, Whereto},
    keys,
    post::{Failure, Outcome, Stage},
    sign::SigningKey,
};
use crate::{
    bins::{BinId, Incoming, Taken, Wait, Way},
    error::Result,
    id::TenantId,
};
use ::http::{HeaderName, HeaderValue, Method, header};
use bytes::Bytes;
use std::{borrow::Cow, time::Instant};

/// What is said where there is no such bin.
pub const GONE: &str = "there is no such bin: bins end after 7 days, and with the server";

/// What is said to a request that was kept.
pub fn answer(number: u64) -> String {
    format!("kept as request {number}")
}

/// The keys that the tenant's webhooks which point to a bin sign with.
///
/// # Errors
/// When the database refuses.
pub async fn keys(engine: &Engine, tenant: TenantId, id: BinId) -> Result<Vec<SigningKey>> {
    keys::pointing_at(engine, tenant, id.path()).await
}

/// Puts a delivery into a bin. Blocks for as long as the bin makes it wait.
pub(super) fn deliver(
    engine: &Parts,
    (whereto, id): (&Whereto, BinId),
    headers: &[(HeaderName, HeaderValue)],
    body: &[u8],
) -> Outcome {
    let (began, now) = (Instant::now(), engine.db.clock().now_ms());
    let bins = engine.guard.bins();
    // Another tenant's bin is one to be posted to, not one to tell whether our secret is right.
    let trusted = bins.owner(id, now).is_some_and(|(tenant, _)| tenant == whereto.tenant);
    let keys = if trusted { whereto.keys.live(now) } else { Cow::Borrowed(&[][..]) };
    let path = whereto.target.as_ref().ok().and_then(|target| target.uri().path_and_query());
    let mut headers: ::http::HeaderMap = headers.iter().cloned().collect();
    let ours = HeaderValue::from_static(super::post::USER_AGENT);
    headers.entry(header::USER_AGENT).or_insert(ours);
    let incoming = Incoming {
        method: Method::POST,
        path: path.map_or_else(|| id.path(), ToString::to_string),
        headers,
        body: Bytes::copy_from_slice(body),
        from: None,
    };
    let late = || Err(Failure::Timeout(Stage::Answer));
    let (result, body) = match bins.take((id, Way::Inside), incoming, &keys, now) {
        Taken::Gone => (Ok(404), String::from(GONE)),
        Taken::TooLarge => (Ok(413), String::from("a bin keeps bodies of up to 65536 bytes")),
        Taken::TooMany | Taken::NoPlace => {
            (Ok(503), String::from("too many requests wait in the bins of this tenant already"))
        }
        Taken::Kept { number, status, waiting } => {
            let passed = waiting.as_ref().map(|w| (w.wait, w.block(whereto.timeout)));
            match passed {
                Some((_, false)) => (late(), String::new()),
                Some((Wait::Hang, true)) => {
                    (Ok(503), String::from("this bin hung until it was changed"))
                }
                Some((Wait::Late(_), true)) | None => (Ok(status), answer(number)),
            }
        }
    };
    let response_time_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Outcome { result, response_time_ms, retry_after: None, body }
}
