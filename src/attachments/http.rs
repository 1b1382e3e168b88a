//! Handlers of files.
//!
//! * `GET`, `POST /tickets/{id}/attachments`, `/comments/{id}/attachments`,
//!   `/kb/articles/{id}/attachments`, `/chats/{id}/messages/{message}/attachments`; `GET`, `PATCH`, `DELETE /attachments/{id}`: whoever sees the
//!   parent (`ReadAttachments`, `WriteAttachments`)
//! * `GET /attachments/{id}/download`: the same, or whoever has a signed link

use super::{
    Attachment, Edit, Shown, Store, Target, add, living, names, parent,
    range::{self, Asked},
    remove, rename, sniff, store, upload, visible,
};
use crate::{
    auth::Role,
    chats,
    error::{Error, OrNotFound, Result},
    event::Listener,
    http::{
        Answer, Caller, Core, Json, May, PathOf, QueryOf, idempotency, ok,
        patch::IfMatch,
        permission::{ReadAttachments, WriteAttachments},
    },
    id::{EntityId, UserId},
    tickets::{self, Which},
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use serde::Deserialize;
use std::{
    fs::File,
    io::{self, Read as _, Seek as _},
    sync::Arc,
};

/// Bytes of a download read at a time.
const STEP: usize = 128 << 10;

/// What a browser may do with a file that is opened in spite of everything: nothing.
const CSP: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

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

async fn message(
    core: &Core,
    who: &Caller,
    (chat, message): (EntityId, EntityId),
) -> Result<Target> {
    let who = who.listener();
    let found = core.db.read(move |r| chats::messages::visible(r, &who, message)).await?;
    let found = found.filter(|(_, of)| of.id == chat).or_not_found("message")?;
    Ok(Target::chat_message(found.0.id))
}

/// `GET /chats/{id}/messages/{message}/attachments`.
///
/// # Errors
/// 404 for a message that the caller does not see.
pub async fn of_message(
    State(core): State<Core>,
    State(files): State<Store>,
    who: May<ReadAttachments>,
    PathOf(at): PathOf<(EntityId, EntityId)>,
) -> Answer<Vec<Shown>> {
    let of = message(&core, &who, at).await?;
    list(&core, &files, &who, of).await
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

/// The query of a signed link.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// When the link is over, unix seconds.
    expires: Option<i64>,
    /// Its signature.
    sig: Option<String>,
}

/// `GET /attachments/{id}/download`: the bytes, always as a download; `Range` and `If-None-Match`
/// are heard.
///
/// # Errors
/// 401, 403 for a link that is not valid or is over, 404 for what the caller does not see, 410
/// `content_gone`.
pub async fn download(
    State(core): State<Core>,
    State(files): State<Store>,
    PathOf(id): PathOf<EntityId>,
    QueryOf(signed): QueryOf<Signed>,
    headers: HeaderMap,
) -> Result<Response> {
    let who = reader(&core, &files, id, &signed, &headers).await?;
    let (file, _) =
        core.db.read(move |r| visible(r, &who, id)).await?.or_not_found("attachment")?;
    let tag = format!("\"{}\"", store::hex(&file.sha256));
    let text = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    let knows = |tags: &str| {
        tags.split(',').map(|t| t.trim().trim_start_matches("W/")).any(|t| t == tag || t == "*")
    };
    if text(header::IF_NONE_MATCH).is_some_and(knows) {
        return sent(StatusCode::NOT_MODIFIED, &file, &tag, Body::empty());
    }
    let same = text(header::IF_RANGE).is_none_or(|t| t == tag);
    let asked = range::read(text(header::RANGE).filter(|_| same), file.size);
    let (status, first, last) = match asked {
        Asked::Whole => (StatusCode::OK, 0, file.size.saturating_sub(1)),
        Asked::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last),
        Asked::Outside => {
            let status = StatusCode::RANGE_NOT_SATISFIABLE;
            let mut response = sent(status, &file, &tag, Body::empty())?;
            set(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", file.size))?;
            return Ok(response);
        }
    };
    let length = last + 1 - first;
    let content = open(files, &file, first).await?;
    let mut response = sent(status, &file, &tag, Body::from_stream(bytes(content, length)))?;
    set(&mut response, header::CONTENT_LENGTH, &length.to_string())?;
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{last}/{}", file.size);
        set(&mut response, header::CONTENT_RANGE, &range)?;
    }
    Ok(response)
}

/// Whoever holds a good link sees what staff see of that tenant's file; anybody else is asked who
/// they are.
async fn reader(
    core: &Core,
    files: &Store,
    id: EntityId,
    signed: &Signed,
    headers: &HeaderMap,
) -> Result<Listener> {
    let link = signed.expires.zip(signed.sig.as_deref());
    let tenant = link.and_then(|link| files.check_link(id, link, core.clock().now_ms()));
    if let Some(tenant) = tenant {
        return Ok(Listener { tenant, user: UserId(uuid::Uuid::nil()), role: Role::Agent });
    }
    match Caller::of(core, headers).await {
        Ok(caller) => May::<ReadAttachments>::judge(caller).map(|who| who.listener()),
        Err(Error::Unauthorized(_)) if link.is_some() => {
            Err(Error::Forbidden("this link is not valid or is over: ask for a new one"))
        }
        Err(e) => Err(e),
    }
}

async fn open(files: Store, file: &Attachment, from: u64) -> Result<File> {
    let (digest, size) = (file.sha256, file.size);
    let opening = tokio::task::spawn_blocking(move || {
        let (mut content, there) = files.read(&digest)?;
        if there != size {
            return Err(io::Error::new(io::ErrorKind::NotFound, "it has another length"));
        }
        content.seek(io::SeekFrom::Start(from))?;
        Ok(content)
    });
    opening.await.map_err(Error::internal)?.map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => {
            let sha256 = store::hex(&file.sha256);
            tracing::error!(sha256, error = %e, "the content of an attachment is not there");
            Error::Gone("content_gone", "the bytes of this file are no longer here".into())
        }
        _ => Error::internal(e),
    })
}

/// The next `length` bytes of a file, a step at a time.
fn bytes(file: File, length: u64) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold((file, length), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let reading = tokio::task::spawn_blocking(move || {
            let mut step = vec![0; usize::try_from(left).unwrap_or(STEP).min(STEP)];
            file.read_exact(&mut step)?;
            io::Result::Ok((Bytes::from(step), file))
        });
        let (step, file) = reading.await.map_err(io::Error::other)??;
        let left = left - step.len() as u64;
        Ok(Some((step, (file, left))))
    })
}

fn sent(status: StatusCode, file: &Attachment, tag: &str, body: Body) -> Result<Response> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let kind = match file.content_type.as_str() {
        sniff::TEXT => "text/plain; charset=utf-8",
        kind => kind,
    };
    set(&mut response, header::CONTENT_TYPE, kind)?;
    set(&mut response, header::CONTENT_DISPOSITION, &names::disposition(&file.filename))?;
    set(&mut response, header::ETAG, tag)?;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::ACCEPT_RANGES, "bytes"),
        // Whoever may see it today may not tomorrow: asked each time, answered 304.
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, CSP);
    Ok(response)
}

fn set(response: &mut Response, name: HeaderName, value: &str) -> Result<()> {
    let value = HeaderValue::try_from(value).map_err(Error::internal)?;
    response.headers_mut().insert(name, value);
    Ok(())
}
