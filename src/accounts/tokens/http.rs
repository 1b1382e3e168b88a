//! Handlers of programs' tokens, for administrators (`ManageTokens`).
//!
//! * `GET /tokens`, `POST /tokens`, `DELETE /tokens/{id}`

use super::{New, Shown, TOKENS_MAX, Token, sql};
use crate::{
    auth::secret,
    error::{Error, OrNotFound},
    http::{
        Answer, Core, Json, May, PathOf, QueryOf, created, ok, page::Asked,
        permission::ManageTokens,
    },
    id::EntityId,
};
use axum::extract::State;
use serde::Serialize;

/// `GET /tokens`: the tokens that are not revoked, the newest first.
///
/// # Errors
/// 403 for all but administrators.
pub async fn list(
    State(core): State<Core>,
    who: May<ManageTokens>,
    QueryOf(asked): QueryOf<Asked>,
) -> Answer<Vec<Token>> {
    let paging = asked.paging()?;
    let tenant = who.tenant;
    let (tokens, total) = core.db.read(move |r| sql::list(r, tenant, paging)).await?;
    Ok(ok(tokens).with_meta(paging.meta(total)))
}

/// `POST /tokens`: makes a token and shows it, this once.
///
/// # Errors
/// 409 `too_many_tokens`, 422 naming the fields that are wrong and the scopes there are.
pub async fn create(
    State(core): State<Core>,
    who: May<ManageTokens>,
    Json(new): Json<New>,
) -> Answer<Shown> {
    let shown = new.made(who.tenant, who.user, core.clock().now_ms())?;
    let (token, digest) = (shown.about.clone(), secret::digest(&shown.token));
    core.db
        .write(move |w| {
            if sql::count(w, token.tenant)? >= TOKENS_MAX {
                return Err(Error::conflict("too_many_tokens", "revoke some tokens first"));
            }
            sql::insert(w, &token, &digest)
        })
        .await?;
    Ok(created(shown))
}

/// The answer to a revocation.
#[derive(Debug, Serialize)]
pub struct Revoked {
    id: EntityId,
    revoked: bool,
}

/// `DELETE /tokens/{id}`: revokes a token. Tokens open no sockets, so there is nothing to close.
///
/// # Errors
/// 404 when there is no such token that stands.
pub async fn delete(
    State(core): State<Core>,
    who: May<ManageTokens>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Revoked> {
    let tenant = who.tenant;
    let job = core.db.write(move |w| {
        let revoked = sql::revoke(w, tenant, id)?;
        revoked.then_some(Revoked { id, revoked }).or_not_found("token")
    });
    job.await.map(ok)
}
