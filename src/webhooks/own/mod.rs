//! A user's own endpoint: what they are notified of, posted to their `webhook_url` (seed A).
//!
//! It goes through the same queue, log and signatures as a tenant's webhooks, and hears nothing but
//! its user's `notification.created`, in A's body. A user has at most one, which the tenant neither
//! lists nor counts. The secret is made when a URL is set where there was none and stays while the
//! URL merely changes; clearing forgets it and cancels what was still to be delivered. Another one
//! takes the old one's place at once, without an overlap.

pub mod http;
mod sql;

use super::{address::Guard, crypt::SecretBox, engine::Engine, inbox, sign};
use crate::{
    db::{Said, Say, Write},
    error::{Error, OrNotFound as _, Result},
    event::{Actor, Audience, Kind},
    id::{TenantId, UserId, uuid_v7},
    notifications, time, users,
};
use serde::Serialize;
use serde_json::json;

/// Own endpoints are numbered from here on, so that the tenant's webhooks keep B's small numbers.
const NUMBERED_FROM: i64 = 1_000_000_000;

/// Where somebody's notifications are posted to, and how that goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Own {
    /// Where; none when nothing is posted.
    pub webhook_url: Option<String>,
    /// Failed attempts in a row, 0 after a good one.
    pub failure_streak: u32,
    /// The status of the last attempt, when there was an answer.
    pub last_status: Option<u16>,
    /// When it was last tried.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub last_attempt_at: Option<i64>,
}

/// A URL as somebody sets it: `None` clears.
///
/// # Errors
/// 422 for what is neither an absolute URL that may be called nor the one path inside.
fn checked(url: Option<String>, guard: &Guard) -> Result<Option<String>> {
    let url = url.map(|url| url.trim().to_owned()).filter(|url| !url.is_empty());
    let Some(url) = url else { return Ok(None) };
    if !inbox::is_path(&url) {
        guard.parse_url(&url).map_err(|why| {
            let relative = url.starts_with('/');
            let why = if relative { String::from(ONE_PATH) } else { why.to_string() };
            Error::field("webhook_url", why)
        })?;
    }
    Ok(Some(url))
}

const ONE_PATH: &str = "must be an absolute URL; the only path that is taken is \
                        /api/notifications/webhooks/notifications";

/// Sets or clears somebody's URL. Returns the secret if a new one was made.
fn set(
    w: &mut Write<'_>,
    engine: &Engine,
    (tenant, user): (TenantId, UserId),
    url: Option<&str>,
) -> Result<Option<String>> {
    let mut profile = users::sql::profile(w, tenant, user)?.or_not_found("user")?;
    let mut made = None;
    match (sql::find(w, tenant, user)?, url) {
        (_, None) => remove(w, tenant, user)?,
        (Some(row), Some(url)) if row.is_set => sql::set_url(w, row.id, url)?,
        (row, Some(url)) => {
            let id = match row {
                Some(row) => row.id,
                None => sql::make(w, (tenant, user), NUMBERED_FROM)?,
            };
            let secret = sign::generate_secret()?;
            sql::set_anew(w, id, url, &seal(&engine.secrets, id, &secret)?)?;
            made = Some(secret);
        }
    }
    users::sql::set_webhook_url(w, tenant, user, url)?;
    profile.notify_prefs.insert(notifications::OWN_ACTIONS.into(), url.is_some());
    users::sql::set_prefs(w, tenant, user, &profile.notify_prefs)?;
    changed(w, engine, (tenant, user))?;
    Ok(made)
}

/// Gives somebody's endpoint another secret.
fn rotate(w: &mut Write<'_>, engine: &Engine, whose: (TenantId, UserId)) -> Result<String> {
    let row = living(w, whose)?;
    let secret = sign::generate_secret()?;
    sql::set_secret(w, row.id, &seal(&engine.secrets, row.id, &secret)?)?;
    changed(w, engine, whose)?;
    Ok(secret)
}

fn seal(secrets: &SecretBox, id: i64, secret: &str) -> Result<Vec<u8>> {
    secrets.seal(secret, &id.to_be_bytes())
}

fn living(w: &Write<'_>, (tenant, user): (TenantId, UserId)) -> Result<sql::Found> {
    sql::find(w, tenant, user)?.filter(|row| row.is_set).or_not_found("webhook")
}

/// The writer and, once this is committed, the engine look at the endpoint anew.
fn changed(w: &mut Write<'_>, engine: &Engine, (tenant, user): (TenantId, UserId)) -> Result<()> {
    w.endpoints_changed();
    if let Some(row) = sql::find(w, tenant, user)? {
        let engine = engine.clone();
        w.after_commit(move || engine.endpoint_changed(row.id));
    }
    Ok(())
}

/// Says a test to somebody's own endpoint and to nobody else; the caller makes the attempt. Its
/// data is that of a notification about themselves, so that the body is like every other one.
fn say_test(w: &mut Write<'_>, whose: (TenantId, UserId), actor: &Actor) -> Result<Said> {
    const MESSAGE: &str = "This is a test notification from Deskbell.";
    let (tenant, user) = whose;
    let row = living(w, whose)?;
    let account = users::sql::find(w, tenant, user)?.or_not_found("user")?;
    let data = json!({
        "webhook_id": row.id,
        "name": "webhook_url",
        "message": MESSAGE,
        "id": uuid_v7(w.now),
        "type": "webhook_test",
        "related_id": user,
        "related_type": "user",
        "created_at": time::rfc3339(w.now),
        "entity": account,
    });
    let say = Say::new(tenant, Kind::WebhookTest, &data)?
        .by(actor.clone())
        .audience(Audience::User(user))
        .only_endpoint(row.id);
    w.say(say)
}

/// Cancels what is still to be delivered to somebody, who may no longer know it.
///
/// # Errors
/// When the database refuses.
pub fn withdraw(w: &Write<'_>, tenant: TenantId, user: UserId) -> Result<()> {
    match sql::find(w, tenant, user)? {
        Some(row) => sql::cancel_open(w, row.id),
        None => Ok(()),
    }
}

/// Takes somebody's endpoint away, with all that is still to be delivered to it.
///
/// # Errors
/// When the database refuses.
pub fn remove(w: &mut Write<'_>, tenant: TenantId, user: UserId) -> Result<()> {
    if let Some(row) = sql::find(w, tenant, user)?.filter(|row| row.is_set) {
        sql::cancel_open(w, row.id)?;
        sql::clear(w, row.id)?;
        w.endpoints_changed();
    }
    Ok(())
}
