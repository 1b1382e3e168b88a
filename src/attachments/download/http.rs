//! `GET /attachments/{id}/download`: whoever sees what the file hangs on (`ReadAttachments`), or
//! whoever has a signed link.

use crate::{
    attachments::{
        Attachment, Store, names,
        range::{self, Asked},
        sniff, store, visible,
    },
    auth::Role,
    error::{Error, OrNotFound, Result},
    event::Listener,
    http::{Caller, Core, May, PathOf, QueryOf, permission::ReadAttachments},
    id::{EntityId, UserId},
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use serde::Deserialize;
use std::{
    fs::File,
    io::{self, Read as _, Seek as _},
};

/// Bytes of a download read at a time.
const STEP: usize = 128 << 10;

/// What a browser may do with a file that is opened in spite of everything: nothing.
const CSP: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

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
