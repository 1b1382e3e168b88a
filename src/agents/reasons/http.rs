//! `/agent-state/reasons`: staff read, supervisors change.

use super::{Reason, Wish, sql};
use crate::{
    error::Result,
    http::{
        Answer, Core, Json, May, PathOf, idempotency, ok,
        patch::IfMatch,
        permission::{ReadAgents, SuperviseAgents},
    },
    id::EntityId,
};
use axum::{extract::State, http::HeaderMap, response::Response};

/// `GET /agent-state/reasons`: all, by name.
///
/// # Errors
/// 403 for customers.
pub async fn list(State(core): State<Core>, who: May<ReadAgents>) -> Answer<Vec<Reason>> {
    let tenant = who.tenant;
    Ok(ok(core.db.read(move |r| sql::all(r, tenant)).await?))
}

/// `POST /agent-state/reasons`: answers it with 201. Takes an `Idempotency-Key`.
///
/// # Errors
/// 409 `reason_exists` or `too_many_reasons`; 422 naming every wrong field.
pub async fn create(
    State(core): State<Core>,
    who: May<SuperviseAgents>,
    headers: HeaderMap,
    Json(wish): Json<Wish>,
) -> Result<Response> {
    let tenant = who.tenant;
    let request = ("POST /agent-state/reasons", wish.clone());
    idempotency::once(&core.db, &who, &headers, &request, move |w| super::create(w, tenant, &wish))
        .await
}

/// `PATCH /agent-state/reasons/{id}`.
///
/// # Errors
/// 404; 409 `reason_exists` or `version_conflict`; 422 naming every wrong field.
pub async fn update(
    State(core): State<Core>,
    who: May<SuperviseAgents>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Json(wish): Json<Wish>,
) -> Answer<Reason> {
    let (tenant, based_on) = (who.tenant, if_match.or(wish.version));
    core.db.write(move |w| super::change(w, tenant, (id, &wish, based_on))).await.map(ok)
}

/// `DELETE /agent-state/reasons/{id}`: answers it as it last was.
///
/// # Errors
/// 404; 409 `version_conflict`.
pub async fn delete(
    State(core): State<Core>,
    who: May<SuperviseAgents>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Reason> {
    let (tenant, based_on) = (who.tenant, if_match.or(None));
    core.db.write(move |w| super::remove(w, tenant, (id, based_on))).await.map(ok)
}
