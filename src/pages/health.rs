//! Whether the server lives, whether it works, and what it counts.

use crate::{
    db::Health,
    error::Error,
    http::{
        Answer, Caller, Client, Core, May,
        metrics::{Attempt, Breaker},
        ok,
        permission::ReadMetrics,
    },
    socketio,
    webhooks::engine::Engine,
};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::{sync::atomic::Ordering, time::Duration};

/// How long the writer may take to answer before the server is not ready.
const WRITER_WITHIN: Duration = Duration::from_secs(2);

/// `GET /livez`: the process answers.
///
/// # Errors
/// None.
pub async fn live() -> Answer<Value> {
    Ok(ok(json!({ "status": "live" })))
}

/// `GET /readyz` and `/health`: the writer answers and can store.
pub async fn ready(State(core): State<Core>) -> Response {
    let (status, word) = match state(&core).await {
        None => (StatusCode::OK, "ready"),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
    };
    let body = json!({ "success": status.is_success(), "data": { "status": word } });
    (status, axum::Json(body)).into_response()
}

async fn state(core: &Core) -> Option<&'static str> {
    match core.db.health() {
        Health::DiskFull => return Some("disk_full"),
        Health::Corrupt => return Some("database_damaged"),
        Health::Good => {}
    }
    match tokio::time::timeout(WRITER_WITHIN, core.db.write(|_| Ok(()))).await {
        Ok(Ok(())) => None,
        Ok(Err(_)) | Err(_) => Some("writer_does_not_answer"),
    }
}

/// `GET /metrics`: Prometheus text, for allowed addresses or a token with `metrics:read`.
///
/// # Errors
/// 403 for anyone else, and for any request that claims to be forwarded by an unknown proxy.
pub async fn metrics(
    State(core): State<Core>,
    State(engine): State<Engine>,
    State(socketio): State<socketio::Door>,
    client: Client,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let near = !client.forged_forwarding
        && core.settings.metrics_allow.iter().any(|net| net.contains(&client.address));
    if !near {
        if !headers.contains_key(header::AUTHORIZATION) {
            return Err(Error::Forbidden("metrics are not for this address without a token"));
        }
        May::<ReadMetrics>::judge(Caller::of(&core, &headers).await?)?;
    }
    let read = &core.metrics.read;
    let gauge = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    read.clients.set(gauge(core.hub.counts().clients as u64));
    read.rung_clients.set(core.hub.rung().clients.load(Ordering::Relaxed));
    read.rooms.set(gauge(core.hub.rooms() as u64));
    read.socketio_sessions.set(gauge(socketio.sessions() as u64));
    read.tasks.set(gauge(tokio::runtime::Handle::current().metrics().num_alive_tasks() as u64));
    read.latest_seq.set(core.db.latest_seq());
    read.events.set(gauge(core.hub.rung().events.load(Ordering::Relaxed)));
    read.deliveries.set(gauge(core.hub.rung().deliveries.load(Ordering::Relaxed)));
    let doing = engine.doing();
    read.webhooks_in_flight.set(gauge(doing.in_flight));
    read.webhooks_ok.set(gauge(doing.ok));
    read.webhooks_failed.set(gauge(doing.failed));
    read.webhooks_workers.set(gauge(doing.workers as u64));
    for (class, count) in doing.by_class {
        read.webhooks_attempts.get_or_create(&Attempt { class }).set(gauge(count));
    }
    let (open, half_open) = engine.breakers().await?;
    for (state, count) in [("open", open), ("half_open", half_open)] {
        read.webhooks_breakers.get_or_create(&Breaker { state }).set(count);
    }
    let (waiting, oldest) = engine.backlog().await?;
    read.webhooks_waiting.set(waiting);
    let late_ms = oldest.map_or(0, |due| (core.clock().now_ms() - due).max(0));
    #[allow(clippy::cast_precision_loss, reason = "seconds, far below 2^52")]
    read.webhooks_oldest_due_s.set(late_ms as f64 / 1000.0);
    let text = core.metrics.text().map_err(Error::internal)?;
    let mut response = text.into_response();
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}
