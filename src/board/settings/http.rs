//! `/board/settings`: staff read (`ReadAgents`), supervisors change (`SuperviseAgents`).

use super::{Edit, Settings, sql};
use crate::{
    board::ROOM,
    http::{
        Answer, Core, Json, May, ok,
        permission::{ReadAgents, SuperviseAgents},
    },
    hub::Sign,
};
use axum::extract::State;

/// `GET /board/settings`.
///
/// # Errors
/// 403 for customers.
pub async fn show(State(core): State<Core>, who: May<ReadAgents>) -> Answer<Settings> {
    let tenant = who.tenant;
    Ok(ok(core.db.read(move |r| sql::of(r, tenant)).await?))
}

/// `PATCH /board/settings`: boards that are open are told.
///
/// # Errors
/// 422 naming the fields.
pub async fn update(
    State(core): State<Core>,
    who: May<SuperviseAgents>,
    Json(edit): Json<Edit>,
) -> Answer<Settings> {
    let tenant = who.tenant;
    let stored = core.db.write(move |w| {
        let settings = sql::of(w, tenant)?.changed(edit.clone())?;
        sql::put(w, tenant, &settings)?;
        Ok(settings)
    });
    let settings = stored.await?;
    core.hub.tell(tenant, ROOM, &Sign::new("board.settings", &settings));
    Ok(ok(settings))
}
