//! `/deliveries/{id}`, for administrators (`ReadWebhooks`, `ManageWebhooks`).
//!
//! * `GET /deliveries/{id}`: with its attempts, and what would be sent
//! * `POST /deliveries/{id}/retry`, `POST /deliveries/{id}/cancel`

use super::{Delivery, Sent, Shown, shown_headers, sql};
use crate::{
    error::{Error, OrNotFound as _, Result},
    http::{
        Answer, Lenient, May, PathOf, ok,
        permission::{ManageWebhooks, ReadWebhooks},
    },
    id::TenantId,
    webhooks::{
        engine::{self, Engine},
        http::reachable,
        render, sql as webhooks_sql,
    },
};
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;

/// `GET /deliveries/{id}`.
///
/// # Errors
/// 404 when the tenant has no such delivery.
pub async fn show(
    State(engine): State<Engine>,
    who: May<ReadWebhooks>,
    PathOf(id): PathOf<i64>,
) -> Answer<Shown> {
    shown(&engine, who.tenant, id).await.map(ok)
}

async fn shown(engine: &Engine, tenant: TenantId, id: i64) -> Result<Shown> {
    let reading = engine.clone();
    let read = engine.db.read(move |r| {
        let delivery = sql::find(r, tenant, id)?.or_not_found("delivery")?;
        let row = webhooks_sql::row(r, tenant, delivery.webhook_id)?.or_not_found("webhook")?;
        let whereto = Arc::new(row.whereto(&reading)?);
        let job = engine::job(r, &whereto, id)?;
        let request = job.and_then(|job| {
            let body = render::body(&job.event, tenant, whereto.format).ok()?;
            let named = render::Named {
                endpoint: whereto.endpoint,
                tenant,
                delivery: id,
                attempt: job.attempts + 1,
                now_s: reading.db.clock().now_ms() / 1000,
                keys: &[],
                custom: &whereto.headers,
            };
            let headers = shown_headers(&whereto, render::headers(&job.event, &named, &body));
            let body = String::from_utf8(body).ok()?;
            Some(Sent { url: delivery.url.clone(), headers, body })
        });
        let attempts = sql::attempts(r, id)?;
        Ok(Shown { delivery, request, attempts })
    });
    read.await
}

/// What may be said about a retry.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Send it although it was delivered.
    #[serde(default)]
    force: bool,
}

/// `POST /deliveries/{id}/retry`: due now; what has ended is tried with all its retries again.
///
/// # Errors
/// 404; 409 with the reason why not; 422 when the webhook's address is refused now.
pub async fn retry(
    State(engine): State<Engine>,
    who: May<ManageWebhooks>,
    PathOf(id): PathOf<i64>,
    Lenient(Wish { force }): Lenient<Wish>,
) -> Answer<Shown> {
    let tenant = who.tenant;
    let found = engine.db.read(move |r| sql::find(r, tenant, id)).await?;
    let found = found.or_not_found("delivery")?;
    found.may_go_again(force)?;
    reachable(&engine, "url", &found.url).await?;
    let job = engine.db.write(move |w| {
        let delivery = sql::find(w, tenant, id)?.or_not_found("delivery")?;
        delivery.may_go_again(force)?;
        if !sql::put_back(w, &delivery.seen())? {
            return Err(Error::internal("a delivery changed within a transaction"));
        }
        w.owed(delivery.webhook_id);
        Ok(())
    });
    job.await?;
    shown(&engine, tenant, id).await.map(ok)
}

/// `POST /deliveries/{id}/cancel`: it is not sent any more. An attempt under way is not called
/// back.
///
/// # Errors
/// 404; 409 `already_ended`.
pub async fn cancel(
    State(engine): State<Engine>,
    who: May<ManageWebhooks>,
    PathOf(id): PathOf<i64>,
) -> Answer<Shown> {
    let (tenant, changed) = (who.tenant, engine.clone());
    let job = engine.db.write(move |w| {
        let delivery = sql::find(w, tenant, id)?.or_not_found("delivery")?;
        delivery.may_be_cancelled()?;
        sql::cancel(w, id, delivery.webhook_id)?;
        let (changed, endpoint) = (changed.clone(), delivery.webhook_id);
        // It may stand ready in memory.
        w.after_commit(move || changed.endpoint_changed(endpoint));
        Ok(())
    });
    job.await?;
    shown(&engine, tenant, id).await.map(ok)
}

impl Delivery {
    fn seen(&self) -> sql::Seen {
        sql::Seen {
            id: self.id,
            endpoint: self.webhook_id,
            state: self.state.clone(),
            ended_at: self.ended_at,
        }
    }
}
