//! Handlers of files, for whoever sees what they hang on (`ReadAttachments`, `WriteAttachments`).
//!
//! * `GET`, `POST /tickets/{id}/attachments`, `/comments/{id}/attachments`,
//!   `/kb/articles/{id}/attachments`, `/chats/{id}/messages/{message}/attachments`
//! * `GET`, `PATCH`, `DELETE /attachments/{id}`

use super::{
    Edit, Shown, Store, Target, add, living, parent, remove, rename, store, upload, visible,
};
use crate::{
    chats,
    error::{Error, OrNotFound, Result},
    http::{
        Answer, Caller, Core, Json, May, PathOf, idempotency, ok,
        patch::IfMatch,
        permission::{ReadAttachments, ReadChats, WriteAttachments},
    },
    id::EntityId,
    tickets::{self, Which},
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use std::sync::Arc;

/// `POST /tickets/{id}/attachments`: `multipart/form-data` with one part `file`; answers 201. Takes
/// an `Idempotency-Key`.
///
/// # Errors
/// 400 for a body cut short, 403, 404, 409 `ticket_closed` or `too_many_attachments`, 413 above
/// 25 MB, 415, 422 for a file of zero bytes, 503 while too many are under way, 507 without room.
pub async fn add_to_ticket(
    State(core): State<Core>,
    State(files): State<Store>,
    who: May<WriteAttachments>,
    PathOf(which): PathOf<Which>,
    request: Request,
) -> Result<Response> {
    let to = ticket(&core, &who, which).await?;
    take(&core, &files, &who, to, request).await
}

/// `POST /comments/{id}/attachments`, by the comment's author and supervisors.
///
/// # Errors
/// As [`add_to_ticket`].
pub async fn add_to_comment(
    State(core): State<Core>,
    State(files): State<Store>,
    who: May<WriteAttachments>,
    PathOf(id): PathOf<EntityId>,
    request: Request,
) -> Result<Response> {
    take(&core, &files, &who, Target::comment(id), request).await
}

/// `POST /kb/articles/{id}/attachments`, by staff.
///
/// # Errors
/// As [`add_to_ticket`].
pub async fn add_to_article(
    State(core): State<Core>,
    State(files): State<Store>,
    who: May<WriteAttachments>,
    PathOf(id): PathOf<EntityId>,
    request: Request,
) -> Result<Response> {
    take(&core, &files, &who, Target::article(id), request).await
}

/// `POST /chats/{id}/messages/{message}/attachments`, by the message's author.
///
/// # Errors
/// As [`add_to_ticket`]; 409 `chat_closed`.
pub async fn add_to_message(
    State(core): State<Core>,
    State(files): State<Store>,
    who: May<WriteAttachments>,
    PathOf(at): PathOf<(EntityId, EntityId)>,
    request: Request,
) -> Result<Response> {
    let to = message(&core, &who, at).await?;
    take(&core, &files, &who, to, request).await
}

/// `GET /chats/{id}/messages/{message}/attachments`, for whoever sees the chat, its visitor too.
///
/// # Errors
/// 404 for a message that the caller does not see.
pub async fn of_message(
    State(core): State<Core>,
    State(files): State<Store>,
    who: May<ReadChats>,
    PathOf(at): PathOf<(EntityId, EntityId)>,
) -> Answer<Vec<Shown>> {
    let of = message(&core, &who, at).await?;
    list(&core, &files, &who, of).await
}

async fn message(core: &Core, who: &Caller, (chat, id): (EntityId, EntityId)) -> Result<Target> {
    let who = who.listener();
    let found = core.db.read(move |r| chats::messages::visible(r, &who, id)).await?;
    let found = found.filter(|(_, of)| of.id == chat).or_not_found("message")?;
    Ok(Target::chat_message(found.0.id))
}

async fn take(
    core: &Core,
    files: &Store,
    who: &Caller,
    to: Target,
    request: Request,
) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let mut body = body.into_data_stream();
    let outcome = receive(core, files, who, to, (&parts.headers, &mut body)).await;
    if outcome.is_err() {
        upload::drain(&mut body).await;
    }
    outcome
}

async fn receive(
    core: &Core,
    files: &Store,
    who: &Caller,
    to: Target,
    (headers, body): (&HeaderMap, &mut axum::body::BodyDataStream),
) -> Result<Response> {
    let text = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    let announced = text(header::CONTENT_LENGTH).and_then(|v| v.parse::<u64>().ok());
    if announced.is_some_and(|len| len > upload::BODY_MAX) {
        return Err(Error::TooLarge(upload::FILE_MAX));
    }
    let (caller, again) = (who.clone(), headers.contains_key("idempotency-key"));
    // Judged before the bytes come, and again when the row is written.
    let judging = core.db.read(move |r| {
        let parent = parent(r, &caller.listener(), to)?.or_not_found(to.word())?;
        // The same request sent again may find its own file there.
        let count = if again { 0 } else { living(r, caller.tenant, to)?.len() };
        parent.may_take_one_more(&caller, count)
    });
    judging.await?;
    let place = files.admit(who.user)?;
    let content_type = text(header::CONTENT_TYPE).unwrap_or_default();
    let file = Arc::new(upload::receive(files, place, content_type, body).await?);
    let (caller, files) = (who.clone(), files.clone());
    let request = (to, file.filename.clone(), store::hex(&file.pin.digest));
    // The job holds the file, and so its pin, until the row is committed.
    idempotency::once(&core.db, who, headers, &request, move |w| add(w, &files, &caller, to, &file))
        .await
}

/// `GET /tickets/{id}/attachments`: its own files, not those of its comments.
///
/// # Errors
/// 404 for a ticket that the caller does not see.
pub async fn of_ticket(
    State(core): State<Core>,
    State(files): State<Store>,
    who: May<ReadAttachments>,
    PathOf(which): PathOf<Which>,
) -> Answer<Vec<Shown>> {
    let of = ticket(&core, &who, which).await?;
    list(&core, &files, &who, of).await
}

async fn ticket(core: &Core, who: &Caller, which: Which) -> Result<Target> {
    let tenant = who.tenant;
    core.db.read(move |r| tickets::id_of(r, tenant, which)).await.map(Target::ticket)
}

/// `GET /comments/{id}/attachments`.
///
/// # Errors
/// 404 for a comment that the caller does not see.
pub async fn of_comment(
    State(core): State<Core>,
    State(files): State<Store>,
    who: May<ReadAttachments>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Vec<Shown>> {
    list(&core, &files, &who, Target::comment(id)).await
}

/// `GET /kb/articles/{id}/attachments`.
///
/// # Errors
/// 404 for an article that the caller does not see.
pub async fn of_article(
    State(core): State<Core>,
    State(files): State<Store>,
    who: May<ReadAttachments>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Vec<Shown>> {
    list(&core, &files, &who, Target::article(id)).await
}

async fn list(core: &Core, files: &Store, who: &Caller, of: Target) -> Answer<Vec<Shown>> {
    let (who, now) = (who.listener(), core.clock().now_ms());
    let found = core.db.read(move |r| {
        parent(r, &who, of)?.or_not_found(of.word())?;
        living(r, who.tenant, of)
    });
    Ok(ok(found.await?.into_iter().map(|file| file.shown(files, now)).collect()))
}

/// `GET /attachments/{id}`: what there is to know of a file, with a fresh link to its bytes.
///
/// # Errors
/// 404 for what the caller does not see.
pub async fn show(
    State(core): State<Core>,
    State(files): State<Store>,
    who: May<ReadAttachments>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Shown> {
    let (who, now) = (who.listener(), core.clock().now_ms());
    let (file, _) =
        core.db.read(move |r| visible(r, &who, id)).await?.or_not_found("attachment")?;
    Ok(ok(file.shown(&files, now)))
}

/// `PATCH /attachments/{id}`: gives a file another name.
///
/// # Errors
/// 403 for others' files, 404, 409 `version_conflict` or `ticket_closed`, 422.
pub async fn update(
    State(core): State<Core>,
    State(files): State<Store>,
    who: May<WriteAttachments>,
    (PathOf(id), if_match): (PathOf<EntityId>, IfMatch),
    Json(change): Json<Edit>,
) -> Answer<Shown> {
    let (caller, change) = ((*who).clone(), change.checked(if_match)?);
    core.db.write(move |w| rename(w, &files, &caller, id, &change)).await.map(ok)
}

/// `DELETE /attachments/{id}`: deletes a file; answers it as it last was.
///
/// # Errors
/// 403 for others' files, 404, 409 `version_conflict` or `ticket_closed`.
pub async fn delete(
    State(core): State<Core>,
    State(files): State<Store>,
    who: May<WriteAttachments>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Shown> {
    let (caller, based_on) = ((*who).clone(), if_match.or(None));
    core.db.write(move |w| remove(w, &files, &caller, id, based_on)).await.map(ok)
}
