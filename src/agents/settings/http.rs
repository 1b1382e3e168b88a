//! `/agent-state/settings` and `/agent-state/{user}/settings`: staff read, supervisors change.

use super::{Edit, Settings, sql};
use crate::{
    agents::{self, AgentState},
    error::OrNotFound as _,
    http::{
        Answer, Core, Json, May, PathOf, ok,
        permission::{ReadAgents, SuperviseAgents},
    },
    id::UserId,
};
use axum::extract::State;

/// `GET /agent-state/settings`.
///
/// # Errors
/// 403 for customers.
pub async fn show(State(core): State<Core>, who: May<ReadAgents>) -> Answer<Settings> {
    let tenant = who.tenant;
    let wrap_up_seconds = core.db.read(move |r| sql::of_tenant(r, tenant)).await?;
    Ok(ok(Settings { wrap_up_seconds }))
}

/// `PATCH /agent-state/settings`: for wrap-ups that begin from now on.
///
/// # Errors
/// 422 naming the field.
pub async fn update(
    State(core): State<Core>,
    who: May<SuperviseAgents>,
    Json(edit): Json<Edit>,
) -> Answer<Settings> {
    let (tenant, wish) = (who.tenant, edit.checked()?);
    let stored = core.db.write(move |w| {
        if let Some(seconds) = wish {
            sql::set_tenant(w, tenant, seconds)?;
        }
        sql::of_tenant(w, tenant)
    });
    Ok(ok(Settings { wrap_up_seconds: stored.await? }))
}

/// `PATCH /agent-state/{user}/settings`: answers the agent as the board shows them.
///
/// # Errors
/// 404 for an unknown agent, 422 naming the field.
pub async fn update_one(
    State(core): State<Core>,
    who: May<SuperviseAgents>,
    PathOf(user): PathOf<UserId>,
    Json(edit): Json<Edit>,
) -> Answer<AgentState> {
    let (tenant, wish) = (who.tenant, edit.checked()?);
    let stored = core.db.write(move |w| {
        agents::sql::one(w, tenant, user)?.or_not_found("agent")?;
        if let Some(seconds) = wish {
            sql::set_agent(w, tenant, user, seconds)?;
        }
        agents::sql::one(w, tenant, user)?.or_not_found("agent")
    });
    Ok(ok(stored.await?.into()))
}
