//! The handler of posts by telephone systems.
//!
//! * `POST /cti/{token}`: whoever knows the token; answered in Zammad's words, unwrapped

use super::{BODY_MAX, Post, take};
use crate::{
    auth::secret,
    error::{Error, Result},
    http::{Client, Core, PathOf, body::is_length_limit, reply},
    pbx::{Switchboard, sql},
};
use axum::{
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use std::time::Duration;

/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Longest token that is looked up, bytes.
const TOKEN_MAX: usize = 200;

/// `POST /cti/{token}`: one thing that happened to a call.
///
/// # Errors
/// 401 for a token that is nobody's, 413, 422 naming the wrong fields, 429.
pub async fn post(
    State(core): State<Core>,
    State(switchboard): State<Switchboard>,
    client: Client,
    PathOf(token): PathOf<String>,
    req: Request,
) -> Result<Response> {
    let hash = secret::digest(&token);
    let found = match token.len() <= TOKEN_MAX {
        true => core.db.read(move |r| sql::by_token(r, &hash)).await?,
        false => None,
    };
    let Some(pbx) = found else {
        core.admit_anonymous(client.address)?;
        return Err(Error::Unauthorized("Invalid token, please contact your admin!"));
    };
    switchboard.admit(pbx.id)?;
    let now = core.clock().now_ms();
    let read = read(req).await;
    switchboard.board().change(pbx.id, |status| {
        status.events += 1;
        status.last_event_at = Some(now);
    });
    let post = read.inspect_err(|e| switchboard.board().failed(pbx.id, &e.to_string(), now))?;
    core.db.write(move |w| take(w, &pbx, &post)).await?;
    Ok(reply::json(StatusCode::OK, "{}"))
}

async fn read(req: Request) -> Result<Post> {
    let is_json = is_json(req.headers());
    let reading = to_bytes(req.into_body(), BODY_MAX);
    let body = match tokio::time::timeout(BODY_WITHIN, reading).await {
        Ok(Ok(body)) => body,
        Ok(Err(e)) if is_length_limit(&e) => return Err(Error::TooLarge(BODY_MAX as u64)),
        Ok(Err(_)) => return Err(Error::Malformed("the body ended too early".into())),
        Err(_) => return Err(Error::Malformed("the body took too long to arrive".into())),
    };
    if is_json { Post::from_json(&body) } else { Post::from_form(&body) }
}

/// Forms are what most send, and some send them under no name at all.
fn is_json(headers: &HeaderMap) -> bool {
    let named = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    named.is_some_and(|name| name.to_ascii_lowercase().contains("json"))
}
