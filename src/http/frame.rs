//! Around every request: its id, its bounds, our headers, and one line in the log.

use super::{
    Client, Core, Peer, cookie,
    metrics::{Answered, Class},
    origin,
    reply::LoggedCause,
};
use crate::{db::hops, error::Error};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{net::IpAddr, time::Instant};

/// The name of a request in logs and answers.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What our pages may do; there is no inline script or style, and no other host.
const CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
);

/// Longest request id taken over from the client.
const REQUEST_ID_MAX: usize = 64;

/// The layer around all routes.
pub async fn frame(State(core): State<Core>, mut req: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(req.headers(), core.clock().now_ms());
    req.headers_mut().insert(REQUEST_ID, id.clone());
    let peer = req.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |p| p.0);
    let client = Client::of(peer, req.headers(), &core.settings.trusted_proxies);
    let line = tracing::enabled!(tracing::Level::DEBUG)
        .then(|| (req.method().clone(), loggable(req.uri().path()).to_owned()));
    let mut response = match admit(&core, &req, client) {
        Ok(()) => {
            let hops = req.headers().get(hops::HEADER).map_or(0, |v| hops::read(v.as_bytes()));
            hops::with(hops, next.run(req)).await
        }
        Err(e) => e.into_response(),
    };
    let status = response.status();
    if let Some(LoggedCause(cause)) = response.extensions().get() {
        tracing::error!(request_id = ?id, %cause, "a request failed");
    }
    if let Some((method, path)) = line {
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(request_id = ?id, %method, path, status = status.as_u16(), ms,
            client = %client.address, "request");
    }
    let answered = Answered { status: Class(status.as_u16() / 100) };
    core.metrics.requests.get_or_create(&answered).inc();
    core.metrics.request_seconds.observe(started.elapsed().as_secs_f64());
    guard(response.headers_mut(), id);
    response
}

/// Names, bounds and forwarding are judged before anything is read.
fn admit(core: &Core, req: &Request, client: Client) -> Result<(), Error> {
    origin::check_host(req.uri(), req.headers(), &core.settings)?;
    let path = req.uri().path();
    let credentials =
        req.headers().contains_key(header::AUTHORIZATION) || cookie::read(req.headers()).is_some();
    if path.starts_with("/api/") && !credentials {
        core.admit_anonymous(client.address)?;
    }
    Ok(())
}

/// The client's own id if it is a plain word, else a fresh one.
fn request_id(headers: &HeaderMap, now_ms: i64) -> HeaderValue {
    let plain = |v: &&HeaderValue| {
        let bytes = v.as_bytes();
        (1..=REQUEST_ID_MAX).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    headers.get(REQUEST_ID).filter(plain).cloned().unwrap_or_else(|| {
        let mut text = [0; uuid::fmt::Simple::LENGTH];
        let id = crate::id::uuid_v7(now_ms).as_simple().encode_lower(&mut text);
        HeaderValue::from_str(id).unwrap_or_else(|_| HeaderValue::from_static("none"))
    })
}

fn guard(headers: &mut HeaderMap, id: HeaderValue) {
    headers.insert(REQUEST_ID, id);
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(CSP);
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// A path without the word that opens an account, if it has one.
fn loggable(path: &str) -> &str {
    let secret = ["/auth/invite/", "/auth/reset/"];
    let end = secret.iter().find_map(|begin| path.find(begin).map(|at| at + begin.len()));
    end.and_then(|end| path.get(..end)).unwrap_or(path)
}
