//! Handlers of teams.
//!
//! * `GET /teams`, `GET /teams/{id}`: staff (`ReadTeams`)
//! * `POST /teams`, `PATCH /teams/{id}`, `DELETE /teams/{id}`: administrators (`ManageTeams`)

use super::{Edit, New, Team, sql};
use crate::{
    error::{OrNotFound as _, Result},
    http::{
        Answer, Core, Json, May, PathOf, QueryOf, idempotency, ok,
        page::Asked,
        patch::IfMatch,
        permission::{ManageTeams, ReadTeams},
    },
    id::EntityId,
};
use axum::{extract::State, http::HeaderMap, response::Response};

/// `GET /teams`: the teams of the tenant, by name.
///
/// # Errors
/// 403 for customers, 422 for a bad page.
pub async fn list(
    State(core): State<Core>,
    who: May<ReadTeams>,
    QueryOf(asked): QueryOf<Asked>,
) -> Answer<Vec<Team>> {
    let (paging, tenant) = (asked.paging()?, who.tenant);
    let (teams, total) = core.db.read(move |r| sql::list(r, tenant, paging)).await?;
    Ok(ok(teams).with_meta(paging.meta(total)))
}

/// `GET /teams/{id}`: one team.
///
/// # Errors
/// 403 for customers, 404.
pub async fn show(
    State(core): State<Core>,
    who: May<ReadTeams>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Team> {
    let tenant = who.tenant;
    core.db.read(move |r| sql::find(r, tenant, id)).await?.or_not_found("team").map(ok)
}

/// `POST /teams`: makes a team; answers it with 201. Takes an `Idempotency-Key`.
///
/// # Errors
/// 409 `name_taken`, 422 naming the fields that are wrong.
pub async fn create(
    State(core): State<Core>,
    who: May<ManageTeams>,
    headers: HeaderMap,
    Json(new): Json<New>,
) -> Result<Response> {
    let (tenant, actor) = (who.tenant, who.actor());
    let request = ("POST /teams", new.clone());
    idempotency::once(&core.db, &who, &headers, &request, move |w| {
        super::create(w, tenant, &actor, new.clone())
    })
    .await
}

/// `PATCH /teams/{id}`: changes a team.
///
/// # Errors
/// 404, 409 `version_conflict` or `name_taken`, 422.
pub async fn update(
    State(core): State<Core>,
    who: May<ManageTeams>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Json(mut edit): Json<Edit>,
) -> Answer<Team> {
    edit.version = if_match.or(edit.version);
    let (tenant, actor) = (who.tenant, who.actor());
    core.db.write(move |w| super::change(w, tenant, &actor, (id, &edit))).await.map(ok)
}

/// `DELETE /teams/{id}`: dissolves a team; answers it as it last was.
///
/// # Errors
/// 404, 409 `version_conflict`.
pub async fn delete(
    State(core): State<Core>,
    who: May<ManageTeams>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Team> {
    let (tenant, actor, based_on) = (who.tenant, who.actor(), if_match.or(None));
    core.db.write(move |w| super::remove(w, tenant, &actor, (id, based_on))).await.map(ok)
}
