//! Handlers of one's own `webhook_url`, for everybody who is signed in (`SignIn`).
//!
//! * `PUT /users/me/webhook` (seed A), `GET /users/me/webhook`
//! * `POST /users/me/webhook/test`, `POST /users/me/webhook/rotate-secret`
//! * `GET /users/me/webhook/logs`

use super::{Own, checked, rotate, say_test, set, sql};
use crate::{
    error::{Error, OrNotFound as _, Result},
    http::{Answer, Core, Lenient, May, QueryOf, ok, patch, permission::SignIn},
    webhooks::{
        engine::Engine,
        http::{LogWanted, attempt_now, reachable},
        inbox, sql as webhooks_sql,
    },
};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What seed A sends; more fields are ignored.
#[derive(Debug, Deserialize)]
pub struct Wish {
    #[serde(default, deserialize_with = "patch::nullable")]
    webhook_url: Option<Option<String>>,
}

/// A URL just set.
#[derive(Debug, Serialize)]
pub struct Made {
    webhook_url: Option<String>,
    /// The only time it is shown; none while an earlier one still holds.
    secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

/// `PUT /users/me/webhook` (seed A): sets the caller's URL; `null` or `""` clears it. Also turns
/// `notify_prefs.own_actions` on, or off.
///
/// # Errors
/// 422 for a URL that may not be called, and for any path but the receiver's inside.
pub async fn put(
    State(core): State<Core>,
    State(engine): State<Engine>,
    who: May<SignIn>,
    Lenient(wish): Lenient<Wish>,
) -> Answer<Made> {
    let asked = wish.webhook_url.ok_or_else(|| Error::field("webhook_url", "is required"))?;
    let url = checked(asked, &engine.guard)?;
    let warning = match url.as_deref().filter(|url| !inbox::is_path(url)) {
        Some(url) => reachable(&engine, "webhook_url", url).await?,
        None => None,
    };
    let (whose, webhook_url) = ((who.tenant, who.user), url.clone());
    let secret = core.db.write(move |w| set(w, &engine, whose, url.as_deref())).await?;
    Ok(ok(Made { webhook_url, secret, warning }))
}

/// `GET /users/me/webhook`: the caller's URL, and how the last attempts went.
///
/// # Errors
/// 401; 403 for programs, which have no notifications.
pub async fn show(State(core): State<Core>, who: May<SignIn>) -> Answer<Own> {
    let (tenant, user) = (who.tenant, who.user);
    Ok(ok(core.db.read(move |r| sql::shown(r, tenant, user)).await?))
}

/// `POST /users/me/webhook/test`: one attempt, now, with a body like every other one.
///
/// # Errors
/// 404 without a URL; 503 when too many tests run. An attempt that fails is an answer, no error.
pub async fn test(
    State(core): State<Core>,
    State(engine): State<Engine>,
    who: May<SignIn>,
) -> Answer<Value> {
    let (whose, actor) = ((who.tenant, who.user), who.actor());
    let id = endpoint(&core, &who).await?;
    let say = move |w: &mut crate::db::Write<'_>| say_test(w, whose, &actor);
    Ok(ok(attempt_now(&core, &engine, (who.tenant, id), say).await?))
}

/// The number of the caller's endpoint, if they have a URL.
async fn endpoint(core: &Core, who: &May<SignIn>) -> Result<i64> {
    let (tenant, user) = (who.tenant, who.user);
    let found = core.db.read(move |r| sql::find(r, tenant, user)).await?;
    found.filter(|row| row.is_set).or_not_found("webhook").map(|row| row.id)
}

/// `POST /users/me/webhook/rotate-secret`: another secret, from now on and at once.
///
/// # Errors
/// 404 without a URL.
pub async fn rotate_secret(
    State(core): State<Core>,
    State(engine): State<Engine>,
    who: May<SignIn>,
) -> Answer<Made> {
    let whose = (who.tenant, who.user);
    let job = core.db.write(move |w| {
        let secret = Some(rotate(w, &engine, whose)?);
        let webhook_url = sql::shown(w, whose.0, whose.1)?.webhook_url;
        Ok(Made { webhook_url, secret, warning: None })
    });
    job.await.map(ok)
}

/// `GET /users/me/webhook/logs`: attempts, the newest first; empty when there never was a URL.
///
/// # Errors
/// 422 for a bad query.
pub async fn logs(
    State(core): State<Core>,
    who: May<SignIn>,
    QueryOf(wanted): QueryOf<LogWanted>,
) -> Answer<Vec<webhooks_sql::Logged>> {
    let (tenant, user) = (who.tenant, who.user);
    let query = wanted.checked()?;
    let found = core.db.read(move |r| match sql::find(r, tenant, user)? {
        Some(row) => webhooks_sql::log(r, &query(row.id)),
        None => Ok(Vec::new()),
    });
    Ok(ok(found.await?))
}
