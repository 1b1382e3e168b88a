//! Handlers of telephone systems, for administrators (`ManagePbx`).
//!
//! * `GET`, `POST /pbx`; `GET`, `PATCH`, `DELETE /pbx/{id}`
//! * `POST /pbx/{id}/test`: connects once
//! * `POST /pbx/{id}/rotate-token`: another token for what posts to us

use super::{Pbx, Shown, Switchboard, Tested, Wish, sql};
use crate::{
    calls,
    error::{OrNotFound as _, Result},
    http::{
        Answer, Core, Json, May, PathOf, QueryOf, idempotency, ok,
        page::Paging,
        patch::{IfMatch, check_version},
        permission::ManagePbx,
    },
    id::EntityId,
};
use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Deserialize;

/// What the list may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    page: Option<i64>,
    per_page: Option<i64>,
}

fn shown(switchboard: &Switchboard, pbx: Pbx, token: Option<String>) -> Shown {
    Shown { status: switchboard.status(pbx.id), pbx, token }
}

/// `GET /pbx`: the tenant's telephone systems, by name.
///
/// # Errors
/// 403 for all but administrators.
pub async fn list(
    State(core): State<Core>,
    State(switchboard): State<Switchboard>,
    who: May<ManagePbx>,
    QueryOf(asked): QueryOf<Asked>,
) -> Answer<Vec<Shown>> {
    let (paging, tenant) = (Paging::new(asked.page, asked.per_page)?, who.tenant);
    let (all, total) = core.db.read(move |r| sql::list(r, tenant, paging)).await?;
    let all = all.into_iter().map(|pbx| shown(&switchboard, pbx, None)).collect();
    Ok(ok(all).with_meta(paging.meta(total)))
}

/// `GET /pbx/{id}`.
///
/// # Errors
/// 404.
pub async fn show(
    State(core): State<Core>,
    State(switchboard): State<Switchboard>,
    who: May<ManagePbx>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Shown> {
    let tenant = who.tenant;
    let pbx = core.db.read(move |r| sql::find(r, tenant, id)).await?;
    Ok(ok(shown(&switchboard, pbx.or_not_found("telephone system")?, None)))
}

/// `POST /pbx`: sets one up; answers it with 201, and what posts to us with its token, this once.
/// Takes an `Idempotency-Key`.
///
/// # Errors
/// 409 `name_taken` or `too_many_pbxs`; 422 naming every wrong field.
pub async fn create(
    State(core): State<Core>,
    State(switchboard): State<Switchboard>,
    who: May<ManagePbx>,
    headers: HeaderMap,
    Json(wish): Json<Wish>,
) -> Result<Response> {
    let (owner, wanted) = ((who.tenant, who.user), wish.fresh()?);
    let request = ("POST /pbx", wish);
    let board = switchboard.clone();
    let made = idempotency::once_with_secret(&core.db, &who, &headers, &request, move |w| {
        let (pbx, token) = super::create(w, owner, &wanted, board.secrets())?;
        let kept = shown(&board, pbx.clone(), None);
        Ok((shown(&board, pbx, token), kept))
    })
    .await?;
    switchboard.changed();
    Ok(made)
}

/// `PATCH /pbx/{id}`: changes one; what is connected connects anew.
///
/// # Errors
/// 404; 409 `version_conflict` or `name_taken`; 422 naming every wrong field.
pub async fn update(
    State(core): State<Core>,
    State(switchboard): State<Switchboard>,
    who: May<ManagePbx>,
    (if_match, PathOf(id)): (IfMatch, PathOf<EntityId>),
    Json(wish): Json<Wish>,
) -> Answer<Shown> {
    let (tenant, based_on) = (who.tenant, if_match.or(wish.version));
    let board = switchboard.clone();
    let job =
        core.db.write(move |w| super::change(w, (tenant, id), (&wish, based_on), board.secrets()));
    let pbx = job.await?;
    switchboard.changed();
    Ok(ok(shown(&switchboard, pbx, None)))
}

/// `DELETE /pbx/{id}`: takes one away; its calls that go on are ended, because nobody will tell
/// their end.
///
/// # Errors
/// 404, 409 `version_conflict`.
pub async fn delete(
    State(core): State<Core>,
    State(switchboard): State<Switchboard>,
    who: May<ManagePbx>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Pbx> {
    let (tenant, based_on) = (who.tenant, if_match.or(None));
    let job = core.db.write(move |w| {
        let pbx = sql::find(w, tenant, id)?.or_not_found("telephone system")?;
        check_version(based_on, pbx.version, &pbx)?;
        sql::delete(w, tenant, id)?;
        calls::snapshot(w, tenant, &pbx.source(), &[], w.now)?;
        Ok(pbx)
    });
    let pbx = job.await?;
    switchboard.changed();
    switchboard.board().forget(id);
    Ok(ok(pbx))
}

/// `POST /pbx/{id}/test`: connects and logs in once, and says what came of it.
///
/// # Errors
/// 404; 409 `no_connection` for what posts to us; 503 when too many tests are under way.
pub async fn test(
    State(core): State<Core>,
    State(switchboard): State<Switchboard>,
    who: May<ManagePbx>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Tested> {
    let tenant = who.tenant;
    let pbx = core.db.read(move |r| sql::find(r, tenant, id)).await?;
    switchboard.test(&pbx.or_not_found("telephone system")?).await.map(ok)
}

/// `POST /pbx/{id}/rotate-token`: another token, shown this once; the one before is of no use.
///
/// # Errors
/// 404; 409 `no_token` for what we connect to.
pub async fn rotate_token(
    State(core): State<Core>,
    State(switchboard): State<Switchboard>,
    who: May<ManagePbx>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Shown> {
    let tenant = who.tenant;
    let (pbx, token) = core.db.write(move |w| super::rotate(w, (tenant, id))).await?;
    Ok(ok(shown(&switchboard, pbx, token)))
}
