//! The pages: plain HTML, CSS and ES modules, embedded in the program.

use crate::{error::Error, http::Core};
use axum::{
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::sync::atomic::Ordering;

#[derive(RustEmbed)]
#[folder = "assets/"]
#[exclude = "catalogue/*"]
struct Assets;

/// `GET /`: where people start.
pub async fn home(State(core): State<Core>) -> Redirect {
    let open = core.setup_open.load(Ordering::Acquire);
    // Without a link nobody can set anything up, so the sign-in page is right even then.
    Redirect::to(if open { "/setup" } else { "/admin" })
}

/// `GET /setup`: only while there is no administrator.
pub async fn setup(State(core): State<Core>, headers: HeaderMap) -> Response {
    if core.setup_open.load(Ordering::Acquire) {
        page("setup.html", StatusCode::OK, &headers)
    } else {
        page("404.html", StatusCode::NOT_FOUND, &headers)
    }
}

/// `GET /invite`: where somebody with a link sets their password.
pub async fn invite(headers: HeaderMap) -> Response {
    page("invite.html", StatusCode::OK, &headers)
}

/// `GET /admin` and all below: one page, which finds its way by itself.
pub async fn admin(headers: HeaderMap) -> Response {
    page("admin.html", StatusCode::OK, &headers)
}

/// `GET /help` and all below: the customers' own pages, one page like that of staff.
pub async fn help(headers: HeaderMap) -> Response {
    page("help.html", StatusCode::OK, &headers)
}

/// `GET /kb` and `GET /kb/{slug}`: the knowledge base for everybody.
pub async fn knowledge(headers: HeaderMap) -> Response {
    page("kb.html", StatusCode::OK, &headers)
}

/// `GET /widget.js`: the chat that other sites show.
pub async fn widget(headers: HeaderMap) -> Response {
    page("widget.js", StatusCode::OK, &headers)
}

/// `GET /favicon.ico`.
pub async fn favicon(headers: HeaderMap) -> Response {
    page("favicon.svg", StatusCode::OK, &headers)
}

/// `GET /assets/…`.
pub async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match Assets::get(&path) {
        // Pages are found at their own addresses only.
        Some(file) if !path.ends_with(".html") => serve(&path, file, StatusCode::OK, &headers),
        _ => page("404.html", StatusCode::NOT_FOUND, &headers),
    }
}

/// Whatever no route answers: JSON for programs, a page for people.
pub async fn unknown(req: Request) -> Response {
    let for_people = !req.uri().path().starts_with("/api")
        && req.method() == Method::GET
        && wants_html(req.headers());
    if for_people {
        page("404.html", StatusCode::NOT_FOUND, req.headers())
    } else {
        Error::NotFound("path").into_response()
    }
}

/// A known path that does not answer the method.
pub async fn wrong_method() -> Error {
    Error::MethodNotAllowed
}

fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
    accept.is_some_and(|text| text.contains("text/html"))
}

fn page(name: &str, status: StatusCode, headers: &HeaderMap) -> Response {
    match Assets::get(name) {
        Some(file) => serve(name, file, status, headers),
        None => Error::NotFound("page").into_response(),
    }
}

/// Names carry no version, so browsers ask each time and mostly hear 304.
fn serve(name: &str, file: EmbeddedFile, status: StatusCode, headers: &HeaderMap) -> Response {
    let hash = file.metadata.sha256_hash();
    let hex: String = hash.iter().take(12).map(|b| format!("{b:02x}")).collect();
    let tag = format!("\"{hex}\"");
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|v| v.as_bytes() == tag.as_bytes());
    let mut response = Response::new(Body::from(file.data));
    *response.status_mut() = status;
    if known && status == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
    }
    let set = response.headers_mut();
    set.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        set.insert(header::ETAG, tag);
    }
    response
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}
