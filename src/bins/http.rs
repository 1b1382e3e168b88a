//! Handlers of bins.
//!
//! * `GET`, `POST /bins`; `GET`, `PATCH`, `DELETE /bins/{id}`; `GET /bins/{id}/requests`: for
//!   administrators
//! * `/bin/{id}`, any method and whatever follows: for anyone who knows the id

use super::{
    BODY_MAX, Bin, BinId, Bins, HANG_MAX, Incoming, KEPT_MAX, Kept, Taken, Wait, Wanted, Way, Wish,
};
use crate::{
    error::{Error, OrNotFound as _, Result},
    http::{
        Answer, Client, Core, Json, May, PathOf, QueryOf,
        body::is_length_limit,
        created, ok,
        permission::{ManageWebhooks, ReadWebhooks},
    },
    webhooks::{bin, engine::Engine},
};
use axum::{
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use serde::Deserialize;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use url::Url;

/// How long the body of a request to a bin may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// `GET /bins`.
///
/// # Errors
/// 403 for all but administrators.
pub async fn list(
    State(core): State<Core>,
    State(bins): State<Bins>,
    who: May<ReadWebhooks>,
) -> Answer<Vec<Bin>> {
    let all = bins.all(who.tenant, core.clock().now_ms());
    let meta = json!({ "total": all.len() });
    Ok(ok(all).with_meta(meta))
}

/// `POST /bins`: a new address that keeps what is sent to it.
///
/// # Errors
/// 422 naming every wrong field; 409 for the 21st.
pub async fn create(
    State(core): State<Core>,
    State(bins): State<Bins>,
    (who, client): (May<ManageWebhooks>, Client),
    (uri, headers): (Uri, HeaderMap),
    Json(wish): Json<Wish>,
) -> Answer<Bin> {
    let wanted = wish.wanted(Wanted::default())?;
    let origin = match &core.settings.public_url {
        Some(url) => url.clone(),
        None => origin(&uri, &headers, client)?,
    };
    Ok(created(bins.make(who.tenant, wanted, &origin, core.clock().now_ms())?))
}

/// Where the caller found this server. The frame has made sure that it answers to that name.
fn origin(uri: &Uri, headers: &HeaderMap, client: Client) -> Result<String> {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = named.or_else(|| uri.authority().map(|authority| authority.as_str()));
    let scheme = if client.https { "https" } else { "http" };
    let url = host.and_then(|host| Url::parse(&format!("{scheme}://{host}")).ok());
    let url = url.ok_or_else(|| Error::Malformed("no usable Host header".into()))?;
    Ok(url.origin().ascii_serialization())
}

/// `GET /bins/{id}`.
///
/// # Errors
/// 404 when the tenant has no such bin, or has it no longer.
pub async fn show(
    State(core): State<Core>,
    State(bins): State<Bins>,
    who: May<ReadWebhooks>,
    PathOf(id): PathOf<String>,
) -> Answer<Bin> {
    Ok(ok(bins.find(who.tenant, known(&id)?, core.clock().now_ms())?))
}

/// `PATCH /bins/{id}`: another name, secret or behaviour; what is absent stays as it is.
///
/// # Errors
/// 404; 422 naming every wrong field.
pub async fn change(
    State(core): State<Core>,
    State(bins): State<Bins>,
    who: May<ManageWebhooks>,
    PathOf(id): PathOf<String>,
    Json(wish): Json<Wish>,
) -> Answer<Bin> {
    Ok(ok(bins.change(who.tenant, known(&id)?, wish, core.clock().now_ms())?))
}

/// `DELETE /bins/{id}`: with all that is in it.
///
/// # Errors
/// 404 when the tenant has no such bin.
pub async fn delete(
    State(core): State<Core>,
    State(bins): State<Bins>,
    who: May<ManageWebhooks>,
    PathOf(id): PathOf<String>,
) -> Answer<Bin> {
    Ok(ok(bins.delete(who.tenant, known(&id)?, core.clock().now_ms())?))
}

/// What cannot be the name of a bin is the name of none.
fn known(id: &str) -> Result<BinId> {
    id.parse().ok().or_not_found("bin")
}

/// The query of what is in a bin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestsWanted {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

/// `GET /bins/{id}/requests`: what was sent to it, the newest first.
///
/// # Errors
/// 404; 422 for a bad query.
pub async fn requests(
    State(core): State<Core>,
    State(bins): State<Bins>,
    who: May<ReadWebhooks>,
    PathOf(id): PathOf<String>,
    QueryOf(wanted): QueryOf<RequestsWanted>,
) -> Answer<Vec<Arc<Kept>>> {
    let limit = wanted.limit.unwrap_or(KEPT_MAX);
    if !(1..=KEPT_MAX).contains(&limit) {
        return Err(Error::field("limit", format!("must be 1 to {KEPT_MAX}")));
    }
    let (bin, now) = ((who.tenant, known(&id)?), core.clock().now_ms());
    let mut found = bins.requests(bin, wanted.after, now)?;
    found.truncate(limit);
    let bin = bins.find(bin.0, bin.1, now)?;
    let meta = json!({ "taken": bin.taken, "refused": bin.refused, "kept": bin.kept });
    Ok(ok(found).with_meta(meta))
}

/// Any request to `/bin/{id}`: is kept, and answered as the bin is told to, in plain text.
pub async fn receive(
    State(core): State<Core>,
    State(engine): State<Engine>,
    State(bins): State<Bins>,
    client: Client,
    req: Request,
) -> Response {
    let (parts, body) = req.into_parts();
    let now = core.clock().now_ms();
    let found = BinId::in_path(parts.uri.path());
    let Some((id, (tenant, has_secret))) = found.and_then(|id| Some((id, bins.owner(id, now)?)))
    else {
        return gone();
    };
    let body = match tokio::time::timeout(BODY_WITHIN, to_bytes(body, BODY_MAX)).await {
        Ok(Ok(body)) => body,
        Ok(Err(e)) if is_length_limit(&e) => {
            bins.refuse(id, now);
            return too_large();
        }
        Ok(Err(_)) => return say(400, "the body ended too early"),
        Err(_) => return say(408, "the body took too long to arrive"),
    };
    let keys = if has_secret { Vec::new() } else { keys(&engine, tenant, id).await };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let incoming = Incoming {
        method: parts.method,
        path,
        headers: parts.headers,
        body,
        from: Some(client.address),
    };
    match bins.take((id, Way::Wire), incoming, &keys, now) {
        Taken::Kept { number, status, waiting } => {
            let Some(waiting) = waiting else { return kept(status, number) };
            let ended = waiting.pass(HANG_MAX).await;
            match (waiting.wait, ended) {
                (Wait::Late(_), _) => kept(status, number),
                (Wait::Hang, true) => say(503, "this bin hung until it was changed"),
                (Wait::Hang, false) => say(504, "this bin does not answer"),
            }
        }
        Taken::Gone => gone(),
        Taken::TooLarge => too_large(),
        Taken::TooMany => later(429, "a bin takes 20 requests a second"),
        Taken::NoPlace => later(503, "too many requests wait in the bins of this tenant already"),
    }
}

/// Without them the request is kept all the same, as one that could not be checked.
async fn keys(
    engine: &Engine,
    tenant: crate::id::TenantId,
    id: BinId,
) -> Vec<crate::webhooks::sign::SigningKey> {
    bin::keys(engine, tenant, id).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the secrets of webhooks that point to a bin could not be read");
        Vec::new()
    })
}

fn kept(status: u16, number: u64) -> Response {
    // These have no body.
    if matches!(status, 204 | 205 | 304) {
        return say(status, "");
    }
    say(status, &bin::answer(number))
}

fn gone() -> Response {
    say(404, bin::GONE)
}

fn too_large() -> Response {
    say(413, "a bin keeps bodies of up to 65536 bytes")
}

fn later(status: u16, text: &str) -> Response {
    let mut response = say(status, text);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(1));
    response
}

fn say(status: u16, text: &str) -> Response {
    let newline = if text.is_empty() { "" } else { "\n" };
    let mut response = Response::new(format!("{text}{newline}").into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
