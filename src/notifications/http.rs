//! Handlers of one's own notifications, for everybody who is signed in (`SignIn`).
//!
//! * `GET /notifications`, `GET /notifications/unread-count`
//! * `POST /notifications/{id}/read`, `POST /notifications/read-all`, `DELETE /notifications/{id}`
//!
//! A change says `notification.read` to the same person, so that their other windows follow.

use super::{Notification, sql};
use crate::{
    db::{Say, Write},
    error::{Error, OrNotFound as _, Result},
    event::{Actor, Audience, Kind, Room},
    http::{Answer, Core, May, PathOf, QueryOf, ok, page::Paging, permission::SignIn},
    id::EntityId,
    time,
};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What a list of notifications may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    page: Option<i64>,
    per_page: Option<i64>,
    /// `1` or `true`: only those not read; `0` or `false`: only those read.
    unread: Option<String>,
}

/// `GET /notifications`: what the caller was told, the newest first. `meta.unread` counts all that
/// they have not read.
///
/// # Errors
/// 422 for a filter that cannot be read.
pub async fn list(
    State(core): State<Core>,
    who: May<SignIn>,
    QueryOf(asked): QueryOf<Asked>,
) -> Answer<Vec<Notification>> {
    let paging = Paging::new(asked.page, asked.per_page)?;
    let unread = match asked.unread.as_deref() {
        None | Some("") => None,
        Some("1" | "true") => Some(true),
        Some("0" | "false") => Some(false),
        Some(_) => return Err(Error::field("unread", "must be 1 or 0")),
    };
    let whose = (who.tenant, who.user);
    let read =
        core.db.read(move |r| Ok((sql::list(r, whose, unread, paging)?, sql::unread(r, whose.1)?)));
    let ((page, total), unread) = read.await?;
    let mut meta = paging.meta(total);
    if let Some(meta) = meta.as_object_mut() {
        meta.insert(String::from("unread"), unread.into());
    }
    Ok(ok(page).with_meta(meta))
}

/// How many notifications somebody has not read.
#[derive(Debug, Serialize)]
pub struct Unread {
    unread_count: i64,
}

/// `GET /notifications/unread-count`: the number on the badge.
///
/// # Errors
/// 401; 403 for programs, which are told nothing.
pub async fn unread_count(State(core): State<Core>, who: May<SignIn>) -> Answer<Unread> {
    let user = who.user;
    let unread_count = core.db.read(move |r| sql::unread(r, user)).await?;
    Ok(ok(Unread { unread_count }))
}

/// `POST /notifications/{id}/read`: the caller has read it. One that was read stays as it is.
///
/// # Errors
/// 404 for one that is not theirs.
pub async fn read(
    State(core): State<Core>,
    who: May<SignIn>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Notification> {
    let (whose, actor) = ((who.tenant, who.user), who.actor());
    let job = core.db.write(move |w| {
        let mut found = sql::find(w, whose, id)?.or_not_found("notification")?;
        if found.read_at.is_none() {
            sql::read(w, &found)?;
            as_read(&mut found, w.now);
            say_read(w, &found, &actor, None)?;
        }
        Ok(found)
    });
    job.await.map(ok)
}

/// The answer to `read-all`.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct AllRead {
    /// How many had not been read.
    read: usize,
    unread_count: i64,
}

/// `POST /notifications/read-all`: the caller has read all there are. One event tells it: of the
/// newest of them, with `all: true`.
///
/// # Errors
/// 401; 403 for programs.
pub async fn read_all(State(core): State<Core>, who: May<SignIn>) -> Answer<AllRead> {
    let (whose, actor) = ((who.tenant, who.user), who.actor());
    let job = core.db.write(move |w| {
        let newest = sql::newest_unread(w, whose)?;
        let read = sql::read_all(w, whose)?;
        if let Some(mut newest) = newest {
            as_read(&mut newest, w.now);
            say_read(w, &newest, &actor, Some(true))?;
        }
        Ok(AllRead { read, unread_count: 0 })
    });
    job.await.map(ok)
}

/// `DELETE /notifications/{id}`: removes it; answers it as it was, with `deleted_at`.
///
/// # Errors
/// 404 for one that is not the caller's.
pub async fn delete(
    State(core): State<Core>,
    who: May<SignIn>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Notification> {
    let (whose, actor) = ((who.tenant, who.user), who.actor());
    let job = core.db.write(move |w| {
        let mut found = sql::find(w, whose, id)?.or_not_found("notification")?;
        sql::delete(w, &found)?;
        found.version += 1;
        (found.updated_at, found.deleted_at) = (w.now, Some(w.now));
        say_read(w, &found, &actor, None)?;
        Ok(found)
    });
    job.await.map(ok)
}

fn as_read(notification: &mut Notification, now: i64) {
    notification.version += 1;
    (notification.updated_at, notification.read_at) = (now, Some(now));
}

/// Tells a person's other windows that a notification was read or removed, and what the badge
/// shows now.
fn say_read(
    w: &mut Write<'_>,
    notification: &Notification,
    actor: &Actor,
    all: Option<bool>,
) -> Result<()> {
    #[derive(Serialize)]
    struct Read<'a> {
        #[serde(flatten)]
        notification: &'a Notification,
        unread_count: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        all: Option<bool>,
    }
    let user = notification.user_id;
    let read = Read { notification, unread_count: sql::unread(w, user)?, all };
    let field = if notification.deleted_at.is_some() { "deleted_at" } else { "read_at" };
    let say = Say::new(notification.tenant_id, Kind::NotificationRead, &read)?
        .by(actor.clone())
        .audience(Audience::User(user))
        .room(Room::User(user))
        .changes(&json!({ field: [null, time::rfc3339(w.now)] }))?;
    w.say(say)?;
    Ok(())
}
