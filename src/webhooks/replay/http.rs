//! `POST /webhooks/{id}/replay` and `/replays/{id}`, for administrators.

use super::{Count, Replay, SPAN_MAX, Scope, WINDOW, Wish, check_active, sql};
use crate::{
    error::{Error, OrNotFound as _, Result},
    http::{
        Answer, Lenient, May, PathOf, created, ok,
        permission::{ManageWebhooks, ReadWebhooks},
    },
    webhooks::{engine::Engine, http::reachable, sql as webhooks_sql},
};
use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use std::time::Duration;

#[derive(Serialize)]
struct DryRun {
    dry_run: bool,
    #[serde(flatten)]
    count: Count,
}

/// `POST /webhooks/{id}/replay`: counts what would be sent again, or makes the job that does it.
///
/// # Errors
/// 404; 409 `webhook_paused` or `replay_running`; 422 naming every wrong field, or `url` when the
/// webhook's address is refused now; 503 when too many are being counted.
pub async fn make(
    State(engine): State<Engine>,
    who: May<ManageWebhooks>,
    PathOf(id): PathOf<i64>,
    Lenient(wish): Lenient<Wish>,
) -> Result<Response> {
    let (tenant, now) = (who.tenant, engine.db.clock().now_ms());
    let endpoint = engine.db.read(move |r| webhooks_sql::find(r, tenant, id)).await?;
    let endpoint = endpoint.or_not_found("webhook")?;
    let scope = Scope::of(&wish, (tenant, id), now)?;
    let busy = |_| Error::Busy(Duration::from_secs(1));
    let _turn = engine.tests.try_acquire().map_err(busy)?;
    let reading = scope.clone();
    let span = engine.db.read(move |r| sql::span(r, &reading)).await?;
    if span.1 - span.0 > SPAN_MAX {
        let why = format!("spans more than {SPAN_MAX} events: choose a later one");
        return Err(Error::field("since", why));
    }
    let counted = count(&engine, &scope, span).await?;
    if wish.dry_run {
        return Ok(ok(DryRun { dry_run: true, count: counted }).into_response());
    }
    check_active(endpoint.is_active)?;
    reachable(&engine, "url", &endpoint.url).await?;
    let by = who.user;
    let job = engine.db.write(move |w| {
        let endpoint = webhooks_sql::find(w, tenant, id)?.or_not_found("webhook")?;
        check_active(endpoint.is_active)?;
        if let Some(running) = sql::of_endpoint(w, tenant, id)? {
            let why = format!("replay {running} of this webhook has not ended");
            return Err(Error::conflict("replay_running", why));
        }
        let fresh = sql::Fresh { scope: &scope, span, total: counted.count, by };
        let made = sql::insert(w, &fresh)?;
        sql::find(w, tenant, made)?.or_not_found("replay")
    });
    let made = job.await?;
    engine.replays.notify_one();
    Ok(created(made.replay).into_response())
}

/// Counts window by window, so that no read takes long.
async fn count(engine: &Engine, scope: &Scope, (first, last): (i64, i64)) -> Result<Count> {
    let (mut cursor, mut count) = (first, Count::default());
    while cursor < last {
        let scope = scope.clone();
        let up_to = usize::try_from(WINDOW).unwrap_or(usize::MAX);
        let read = engine.db.read(move |r| sql::next(r, &scope, (cursor, last), up_to));
        let (rows, covered) = read.await?;
        let gone = rows.iter().filter(|row| !row.has_data).count();
        count.data_gone += i64::try_from(gone).unwrap_or(0);
        count.count += i64::try_from(rows.len() - gone).unwrap_or(0);
        cursor = covered;
    }
    Ok(count)
}

/// `GET /replays/{id}`.
///
/// # Errors
/// 404 when the tenant has no such replay.
pub async fn show(
    State(engine): State<Engine>,
    who: May<ReadWebhooks>,
    PathOf(id): PathOf<i64>,
) -> Answer<Replay> {
    let tenant = who.tenant;
    let found = engine.db.read(move |r| sql::find(r, tenant, id)).await?;
    Ok(ok(found.or_not_found("replay")?.replay))
}

/// `DELETE /replays/{id}`: queues no more. What it has queued is delivered.
///
/// # Errors
/// 404; 409 `already_ended`.
pub async fn cancel(
    State(engine): State<Engine>,
    who: May<ManageWebhooks>,
    PathOf(id): PathOf<i64>,
) -> Answer<Replay> {
    let tenant = who.tenant;
    let job = engine.db.write(move |w| {
        let found = sql::find(w, tenant, id)?.or_not_found("replay")?;
        if !sql::cancel(w, tenant, id)? {
            let why = format!("it has ended: {}", found.replay.state);
            return Err(Error::conflict("already_ended", why));
        }
        sql::find(w, tenant, id)?.or_not_found("replay")
    });
    Ok(ok(job.await?.replay))
}
