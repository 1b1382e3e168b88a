//! Handlers of the receiver inside.
//!
//! * `POST /notifications/webhooks/notifications` (seed A): signed with a user's secret, or sent
//!   with their token; answered in A's words, unwrapped
//! * `GET /notifications/webhooks/notifications`: what came for the caller

use super::{RECEIVED, Received, Whose, readable, signer, sql};
use crate::{
    error::{Error, Result},
    http::{Answer, Core, May, QueryOf, body::Raw, ok, permission::SignIn, reply},
    webhooks::engine::Engine,
};
use axum::{
    extract::{FromRef, FromRequestParts, State},
    http::{HeaderMap, StatusCode, request::Parts},
    response::Response,
};
use serde::Deserialize;

/// Bodies of one page unless asked for fewer or more; and at most.
const LIMIT: i64 = 50;
const LIMIT_MAX: i64 = 100;

/// Who sends something: whoever signed it, else a person who is signed in.
#[derive(Debug)]
pub enum Sender {
    /// Headers with a signature, which still has to be verified over the body.
    Signed(HeaderMap),
    /// A caller, for themselves.
    Person(May<SignIn>),
}

impl<S: Send + Sync> FromRequestParts<S> for Sender
where
    Core: FromRef<S>,
{
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        if parts.headers.contains_key("webhook-signature") {
            return Ok(Self::Signed(parts.headers.clone()));
        }
        May::from_request_parts(parts, state).await.map(Self::Person)
    }
}

/// `POST /notifications/webhooks/notifications` (seed A): takes one notification.
///
/// # Errors
/// 401 without a good signature or token, 400 or 422 for a body that is no JSON object.
pub async fn receive(
    State(core): State<Core>,
    State(engine): State<Engine>,
    sender: Sender,
    Raw(body): Raw,
) -> Result<Response> {
    let stored = readable(&body)?;
    let whose = match sender {
        Sender::Person(who) => Whose { tenant: who.tenant, user: who.user, webhook_id: None },
        Sender::Signed(headers) => {
            let verifying = move || signer(&engine, &headers, &body);
            tokio::task::spawn_blocking(verifying).await.map_err(Error::internal)??
        }
    };
    core.db.write(move |w| sql::store(w, &whose, &stored)).await?;
    Ok(reply::json(StatusCode::OK, RECEIVED))
}

/// The query of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    before: Option<i64>,
    limit: Option<i64>,
}

/// `GET /notifications/webhooks/notifications`: what came for the caller, the newest first.
///
/// # Errors
/// 422 for a bad query.
pub async fn list(
    State(core): State<Core>,
    who: May<SignIn>,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Answer<Vec<Received>> {
    let limit = wanted.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Error::field("limit", format!("must be 1 to {LIMIT_MAX}")));
    }
    let (whose, before) = ((who.tenant, who.user), wanted.before.unwrap_or(i64::MAX));
    Ok(ok(core.db.read(move |r| sql::list(r, whose, (before, limit))).await?))
}
