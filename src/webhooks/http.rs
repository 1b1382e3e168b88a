//! `/webhooks`: B's endpoints to register URLs, test them, and see what became of deliveries.

use super::{
    Endpoint, Wish,
    engine::{self, Engine},
    post::Failure,
    sign, sql,
};
use crate::{
    db::{Said, Say, Write},
    error::{Error, OrNotFound as _, Result},
    event::{Actor, Kind},
    http::{
        Answer, Core, Lenient, May, PathOf, QueryOf, created, ok,
        patch::{IfMatch, check_version},
        permission::{ManageWebhooks, ReadWebhooks},
    },
    id::TenantId,
};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// Attempts of one page of the log unless asked for fewer or more; and at most.
const LIMIT: i64 = 50;
const LIMIT_MAX: i64 = 200;

/// How long a name may take to resolve when an endpoint is made.
const LOOK_UP_WITHIN: Duration = Duration::from_secs(3);

/// An endpoint just made: the only time its secret is shown.
#[derive(Debug, Serialize)]
pub struct Made {
    #[serde(flatten)]
    endpoint: Endpoint,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

/// `GET /webhooks` (seed B).
///
/// # Errors
/// 403 for all but administrators.
pub async fn list(State(core): State<Core>, who: May<ReadWebhooks>) -> Answer<Vec<Endpoint>> {
    let tenant = who.tenant;
    let all = core.db.read(move |r| sql::all(r, tenant)).await?;
    let meta = json!({ "total": all.len() });
    Ok(ok(all).with_meta(meta))
}

/// `POST /webhooks` (seed B).
///
/// # Errors
/// 422 naming every wrong field, a refused address among them; 409 for the 101st.
pub async fn create(
    State(core): State<Core>,
    State(engine): State<Engine>,
    who: May<ManageWebhooks>,
    Lenient(wish): Lenient<Wish>,
) -> Answer<Made> {
    let chosen = wish.secret.clone().filter(|secret| !secret.is_empty());
    let wanted = wish.wanted(None, &engine.guard)?;
    let warning = reachable(&engine, "url", &wanted.url).await?;
    let secret = chosen.map_or_else(sign::generate_secret, Ok)?;
    let (tenant, shown) = (who.tenant, secret.clone());
    let endpoint = core
        .db
        .write(move |w| super::register(w, &engine, (tenant, None), (&wanted, &secret)))
        .await?;
    Ok(created(Made { endpoint, secret: Some(shown), warning }))
}

/// `GET /webhooks/{id}` (seed B).
///
/// # Errors
/// 404 when the tenant has no such webhook.
pub async fn show(
    State(core): State<Core>,
    who: May<ReadWebhooks>,
    PathOf(id): PathOf<i64>,
) -> Answer<Endpoint> {
    let tenant = who.tenant;
    Ok(ok(core.db.read(move |r| sql::find(r, tenant, id)).await?.or_not_found("webhook")?))
}

/// `PUT` and `PATCH /webhooks/{id}` (seed B): what is absent stays as it is.
///
/// # Errors
/// 404; 422 naming every wrong field; 409 `version_conflict` for a stale `version` or `If-Match`.
pub async fn change(
    State(engine): State<Engine>,
    who: May<ManageWebhooks>,
    PathOf(id): PathOf<i64>,
    if_match: IfMatch,
    Lenient(wish): Lenient<Wish>,
) -> Answer<Made> {
    let tenant = who.tenant;
    let now = engine.db.read(move |r| sql::find(r, tenant, id)).await?.or_not_found("webhook")?;
    let based_on = if_match.or(wish.version);
    let secret = wish.secret.clone().filter(|secret| !secret.is_empty());
    let wanted = wish.clone().wanted(Some(&now), &engine.guard)?;
    let moved = wanted.url != now.url;
    let warning = if moved { reachable(&engine, "url", &wanted.url).await? } else { None };
    let sealed = secret.map(|s| engine.secrets.seal(&s, &id.to_be_bytes())).transpose()?;
    let db = engine.db.clone();
    let endpoint = db
        .write(move |w| {
            let now = sql::find(w, tenant, id)?.or_not_found("webhook")?;
            check_version(based_on, now.version, &now)?;
            // Judged again: another change may have come in between.
            let wanted = wish.clone().wanted(Some(&now), &engine.guard)?;
            if sealed.is_some() || wanted != super::Wanted::of(&now) {
                sql::update(w, tenant, id, &wanted, sealed.as_deref())?;
                let engine = engine.clone();
                w.after_commit(move || engine.endpoint_changed(id));
            }
            sql::find(w, tenant, id)?.or_not_found("webhook")
        })
        .await?;
    Ok(ok(Made { endpoint, secret: None, warning }))
}

/// `DELETE /webhooks/{id}` (seed B): what waits for it is cancelled.
///
/// # Errors
/// 404 when the tenant has no such webhook.
pub async fn delete(
    State(core): State<Core>,
    State(engine): State<Engine>,
    who: May<ManageWebhooks>,
    PathOf(id): PathOf<i64>,
) -> Answer<Endpoint> {
    let tenant = who.tenant;
    let deleted = core.db.write(move |w| {
        let endpoint = sql::find(w, tenant, id)?.or_not_found("webhook")?;
        sql::delete(w, tenant, id)?;
        let engine = engine.clone();
        w.after_commit(move || engine.endpoint_changed(id));
        Ok(endpoint)
    });
    Ok(ok(deleted.await?))
}

/// Asks whether the URL may be called now: a refused address is an error, a name that does not
/// resolve is only worth a warning.
pub(super) async fn reachable(engine: &Engine, field: &str, url: &str) -> Result<Option<String>> {
    let target = engine.guard.parse_url(url).map_err(|why| Error::field(field, why.to_string()))?;
    let engine = engine.clone();
    let checked = blocking(move || engine.poster.check(&target, LOOK_UP_WITHIN)).await?;
    match checked {
        Ok(()) => Ok(None),
        Err(Failure::Refused(why)) => Err(Error::field(field, why.to_string())),
        Err(other) => Ok(Some(format!("made, but it cannot be reached now: {other}"))),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}

/// `POST /webhooks/{id}/test` (seed B): one attempt to this endpoint, now, whatever its state.
///
/// # Errors
/// 404; 503 when too many tests run. An attempt that fails is an answer, not an error.
pub async fn test(
    State(core): State<Core>,
    State(engine): State<Engine>,
    who: May<ManageWebhooks>,
    PathOf(id): PathOf<i64>,
) -> Answer<Value> {
    let (tenant, actor) = (who.tenant, who.actor());
    core.db.read(move |r| sql::find(r, tenant, id)).await?.or_not_found("webhook")?;
    let say = move |w: &mut Write<'_>| say_test(w, tenant, &actor, id);
    Ok(ok(attempt_now(&core, &engine, (tenant, id), say).await?))
}

/// Says something to one endpoint only, makes the one attempt, and answers how it went. The caller
/// has made sure whose endpoint it is.
pub(super) async fn attempt_now<F>(
    core: &Core,
    engine: &Engine,
    (tenant, id): (TenantId, i64),
    mut say: F,
) -> Result<Value>
where
    F: FnMut(&mut Write<'_>) -> Result<Said> + Send + 'static,
{
    let busy = |_| Error::Busy(Duration::from_secs(1));
    let _turn = engine.tests.try_acquire().map_err(busy)?;
    let job = move |w: &mut Write<'_>| {
        let said = say(w)?;
        sql::delivery_of(w, said.seq, id)
    };
    let delivery = core.db.write(job).await?;
    let tested = engine.clone();
    let attempted = blocking(move || try_once(&tested, tenant, id, delivery)).await??;
    let attempted = Arc::new([attempted]);
    let settling = attempted.clone();
    core.db.write(move |w| engine::settle(w, settling.as_slice())).await?;
    let [attempted] = &*attempted;
    Ok(json!({
        "success": attempted.is_good(),
        "http_status": attempted.outcome.result.as_ref().ok(),
        "response_time_ms": attempted.outcome.response_time_ms,
        "error": attempted.error(),
        "delivery_id": delivery,
    }))
}

fn say_test(w: &mut Write<'_>, tenant: TenantId, actor: &Actor, id: i64) -> Result<Said> {
    let endpoint = sql::find(w, tenant, id)?.or_not_found("webhook")?;
    let data = json!({
        "webhook_id": id,
        "name": endpoint.name,
        "message": "This is a test delivery from Deskbell.",
    });
    w.say(Say::new(tenant, Kind::WebhookTest, &data)?.by(actor.clone()).only_endpoint(id))
}

pub(super) fn try_once(
    engine: &Engine,
    tenant: TenantId,
    id: i64,
    delivery: i64,
) -> Result<engine::Attempted> {
    let row = engine.db.read_blocking(|r| sql::row(r, tenant, id))?.or_not_found("webhook")?;
    let whereto = Arc::new(row.whereto(engine)?);
    let job = engine.db.read_blocking(|r| engine::job(r, &whereto, delivery))?;
    let mut attempted = engine::attempt(engine, &job.or_not_found("delivery")?);
    attempted.again_in = None;
    attempted.by_hand = true;
    Ok(attempted)
}

/// The query of the log.
#[derive(Debug, Deserialize)]
pub struct LogWanted {
    state: Option<String>,
    event: Option<String>,
    before: Option<i64>,
    limit: Option<i64>,
}

impl LogWanted {
    /// What of which endpoint's log is asked for, once the endpoint is known.
    pub(super) fn checked(self) -> Result<impl FnOnce(i64) -> sql::LogQuery> {
        let limit = self.limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Error::field("limit", format!("must be 1 to {LIMIT_MAX}")));
        }
        let states = ["waiting", "delivered", "failed"];
        if self.state.as_deref().is_some_and(|s| !states.contains(&s)) {
            return Err(Error::field("state", format!("must be one of {}", states.join(", "))));
        }
        let (state, event, before) = (self.state, self.event, self.before.unwrap_or(i64::MAX));
        Ok(move |endpoint| sql::LogQuery { endpoint, before, limit, state, event })
    }
}

/// `GET /webhooks/{id}/logs` (seed B): attempts, the newest first.
///
/// # Errors
/// 404; 422 for a bad query.
pub async fn logs(
    State(core): State<Core>,
    who: May<ReadWebhooks>,
    PathOf(id): PathOf<i64>,
    QueryOf(wanted): QueryOf<LogWanted>,
) -> Answer<Vec<sql::Logged>> {
    let (tenant, query) = (who.tenant, wanted.checked()?);
    let found = core.db.read(move |r| {
        sql::find(r, tenant, id)?.or_not_found("webhook")?;
        sql::log(r, &query(id))
    });
    Ok(ok(found.await?))
}

/// `GET /webhooks/{id}/stats` (seed B).
///
/// # Errors
/// 404 when the tenant has no such webhook.
pub async fn stats(
    State(core): State<Core>,
    who: May<ReadWebhooks>,
    PathOf(id): PathOf<i64>,
) -> Answer<sql::Stats> {
    let (tenant, now) = (who.tenant, core.clock().now_ms());
    let found = core.db.read(move |r| {
        let endpoint = sql::find(r, tenant, id)?.or_not_found("webhook")?;
        sql::stats(r, &endpoint, now)
    });
    Ok(ok(found.await?))
}
