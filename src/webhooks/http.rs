//! `/webhooks`: B's endpoints to register URLs, test them, and see what became of deliveries.

use super::{
    Endpoint, Wish,
    engine::{self, Engine},
    headers::{self, Custom},
    post::Failure,
    sign, sql,
    stats::{self, Stats},
};
use crate::{
    db::{Said, Say, Write},
    error::{Error, OrNotFound as _, Result},
    event::{Actor, Kind, pattern},
    http::{
        Answer, Caller, Core, Lenient, May, PathOf, QueryOf, created, ok,
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
    let mut all = core.db.read(move |r| sql::all(r, tenant)).await?;
    let now = core.clock().now_ms();
    for endpoint in &mut all {
        endpoint.fares = endpoint.fares.clone().at(now);
    }
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
    let wanted = wish.clone().wanted(None, &engine.guard)?;
    let warning = reachable(&engine, "url", &wanted.url).await?;
    let secret = chosen.map_or_else(sign::generate_secret, Ok)?;
    let custom = headers::checked(&wish.headers.unwrap_or_default(), &Custom::new())?;
    let (tenant, shown) = (who.tenant, secret.clone());
    let endpoint = core
        .db
        .write(move |w| {
            let made = super::register(w, &engine, (tenant, None), (&wanted, &secret))?;
            headers::put(w, &engine.secrets, (tenant, made.id), &custom)?;
            sql::find(w, tenant, made.id)?.or_not_found("webhook")
        })
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
    let found = core.db.read(move |r| sql::find(r, tenant, id)).await?;
    let mut endpoint = found.or_not_found("webhook")?;
    endpoint.fares = endpoint.fares.at(core.clock().now_ms());
    Ok(ok(endpoint))
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
    let based_on = if_match.or(wish.version);
    let (endpoint, warning) = apply(&engine, &who, id, based_on, wish).await?;
    Ok(ok(Made { endpoint, secret: None, warning }))
}

/// Changes an endpoint; answers it, and a warning when its URL cannot be reached now.
async fn apply(
    engine: &Engine,
    who: &Caller,
    id: i64,
    based_on: Option<i64>,
    wish: Wish,
) -> Result<(Endpoint, Option<String>)> {
    let (tenant, actor) = (who.tenant, who.actor());
    let now = engine.db.read(move |r| sql::find(r, tenant, id)).await?.or_not_found("webhook")?;
    let secret = wish.secret.clone().filter(|secret| !secret.is_empty());
    let wanted = wish.clone().wanted(Some(&now), &engine.guard)?;
    let moved = wanted.url != now.url;
    let warning = if moved { reachable(engine, "url", &wanted.url).await? } else { None };
    let sealed = secret.map(|s| engine.secrets.seal(&s, &id.to_be_bytes())).transpose()?;
    let (db, engine) = (engine.db.clone(), engine.clone());
    let endpoint = db
        .write(move |w| {
            let now = sql::find(w, tenant, id)?.or_not_found("webhook")?;
            check_version(based_on, now.version, &now)?;
            // Judged again: another change may have come in between.
            let wanted = wish.clone().wanted(Some(&now), &engine.guard)?;
            let said = wish.headers.as_ref();
            let custom = headers::other(w, &engine.secrets, (tenant, id), said)?;
            if sealed.is_some() || custom.is_some() || wanted != super::Wanted::of(&now) {
                sql::update(w, tenant, id, &wanted, sealed.as_deref())?;
                if let Some(custom) = &custom {
                    headers::put(w, &engine.secrets, (tenant, id), custom)?;
                }
                if now.is_active && !wanted.is_active {
                    engine::tell_paused(w, id, &actor)?;
                }
                let engine = engine.clone();
                w.after_commit(move || engine.endpoint_changed(id));
            }
            sql::find(w, tenant, id)?.or_not_found("webhook")
        })
        .await?;
    Ok((endpoint, warning))
}

/// An endpoint just switched on or off, with what is held for it.
#[derive(Debug, Serialize)]
pub struct Switched {
    #[serde(flatten)]
    endpoint: Endpoint,
    /// Deliveries that wait for a replay.
    held: i64,
}

/// `POST /webhooks/{id}/pause`: delivers nothing until it is resumed; what comes is held.
///
/// # Errors
/// 404 when the tenant has no such webhook.
pub async fn pause(
    State(engine): State<Engine>,
    who: May<ManageWebhooks>,
    PathOf(id): PathOf<i64>,
) -> Answer<Switched> {
    switch(&engine, &who, id, false).await
}

/// `POST /webhooks/{id}/resume`: delivers again. What is held stays so until it is replayed.
///
/// # Errors
/// 404 when the tenant has no such webhook.
pub async fn resume(
    State(engine): State<Engine>,
    who: May<ManageWebhooks>,
    PathOf(id): PathOf<i64>,
) -> Answer<Switched> {
    switch(&engine, &who, id, true).await
}

async fn switch(engine: &Engine, who: &Caller, id: i64, active: bool) -> Answer<Switched> {
    let wish = Wish { is_active: Some(active), ..Wish::default() };
    let (endpoint, _) = apply(engine, who, id, None, wish).await?;
    let held = engine.db.read(move |r| engine::open(r, id, "held")).await?;
    Ok(ok(Switched { endpoint, held }))
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
    if let Some(id) = target.bin() {
        let is_there = engine.guard.bins().owner(id, engine.db.clock().now_ms()).is_some();
        return Ok((!is_there).then(|| String::from(super::bin::GONE)));
    }
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
    core.db.write(move |w| engine::settle(w, settling.as_slice()).map(drop)).await?;
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

/// What the log can be asked for. Attempts leave a delivery waiting, delivered or failed; the other
/// states come over deliveries without one.
const STATES: [&str; 6] = ["waiting", "delivered", "failed", "held", "expired", "cancelled"];

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
        if self.state.as_deref().is_some_and(|s| !STATES.contains(&s)) {
            return Err(Error::field("state", format!("must be one of {}", STATES.join(", "))));
        }
        if let Some(event) = &self.event {
            pattern::validate(event).map_err(|why| Error::field("event", why))?;
        }
        if self.before.is_some_and(|before| before < 1) {
            return Err(Error::field("before", "must be 1 or more"));
        }
        let (state, event, before) = (self.state, self.event, self.before.unwrap_or(i64::MAX));
        Ok(move |endpoint| sql::LogQuery { endpoint, before, limit, state, event })
    }
}

/// `GET /webhooks/{id}/logs` (seed B): attempts, the newest first; with `state` held, expired or
/// cancelled, the deliveries in it.
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
) -> Answer<Stats> {
    let (tenant, now) = (who.tenant, core.clock().now_ms());
    let found = core.db.read(move |r| {
        let endpoint = sql::find(r, tenant, id)?.or_not_found("webhook")?;
        stats::stats(r, &endpoint, now)
    });
    Ok(ok(found.await?))
}
