//! `/agent-state`.

use super::{
    AgentState, Choice, Chooser, choose,
    history::{self, Interval, Span},
    sql,
};
use crate::{
    error::{Error, OrNotFound as _, Result},
    http::{
        Answer, Core, Json, Lenient, May, PathOf, QueryOf, csv, ok,
        permission::{BeAgent, ReadAgents, SuperviseAgents},
    },
    id::UserId,
};
use axum::{extract::State, response::Response};
use serde::Deserialize;

/// Intervals of one page unless asked for fewer or more; and at most.
const LIMIT: i64 = 50;
const LIMIT_MAX: i64 = 500;

/// What seed B sends; more fields are ignored.
#[derive(Debug, Deserialize)]
pub struct Mine {
    state: String,
    reason: Option<String>,
}

/// `POST /agent-state/me` (seed B): the caller's own state.
///
/// # Errors
/// 422 with the allowed states.
pub async fn set_mine(
    State(core): State<Core>,
    who: May<BeAgent>,
    Lenient(Mine { state, reason }): Lenient<Mine>,
) -> Answer<AgentState> {
    let choice = Choice::new(&state, reason)?;
    let (tenant, user) = (who.tenant, who.user);
    let is_online = core.hub.presence().is_connected(tenant, user);
    let chooser = Chooser { by: who.actor(), source: "agent", is_online };
    let chosen =
        core.db.write(move |w| choose(w, tenant, user, &choice, &chooser).map(|(state, _)| state));
    Ok(ok(chosen.await?))
}

/// `GET /agent-state/me`.
///
/// # Errors
/// 403 for customers.
pub async fn mine(State(core): State<Core>, who: May<BeAgent>) -> Answer<AgentState> {
    let (tenant, user) = (who.tenant, who.user);
    let mine = core.db.read(move |r| sql::one(r, tenant, user)).await?;
    Ok(ok(mine.or_not_found("agent")?.into()))
}

/// `GET /agent-state`: the board.
///
/// # Errors
/// 403 for customers.
pub async fn board(State(core): State<Core>, who: May<ReadAgents>) -> Answer<Vec<AgentState>> {
    let tenant = who.tenant;
    Ok(ok(core.db.read(move |r| sql::board(r, tenant)).await?))
}

/// What a supervisor sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theirs {
    state: String,
    reason: Option<String>,
}

/// `PUT /agent-state/{user_id}`: another agent's state.
///
/// # Errors
/// 404 for an unknown agent, 422 with the allowed states.
pub async fn set_theirs(
    State(core): State<Core>,
    who: May<SuperviseAgents>,
    PathOf(user): PathOf<UserId>,
    Json(Theirs { state, reason }): Json<Theirs>,
) -> Answer<AgentState> {
    let choice = Choice::new(&state, reason)?;
    let tenant = who.tenant;
    let is_online = core.hub.presence().is_connected(tenant, user);
    let chooser = Chooser { by: who.actor(), source: "supervisor", is_online };
    let chosen =
        core.db.write(move |w| choose(w, tenant, user, &choice, &chooser).map(|(state, _)| state));
    Ok(ok(chosen.await?))
}

/// The query of the history.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    before: Option<i64>,
    limit: Option<i64>,
    from: Option<String>,
    to: Option<String>,
}

/// `GET /agent-state/{user_id}/history`: what an agent did, the newest first; between `from` and
/// `to`, where they are given.
///
/// # Errors
/// 404 for an unknown agent, 422 naming the field.
pub async fn history(
    State(core): State<Core>,
    who: May<ReadAgents>,
    PathOf(user): PathOf<UserId>,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Answer<Vec<Interval>> {
    let limit = wanted.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Error::field("limit", format!("must be 1 to {LIMIT_MAX}")));
    }
    let span = Span::read(wanted.from.as_deref(), wanted.to.as_deref())?;
    let (tenant, before) = (who.tenant, wanted.before.unwrap_or(i64::MAX));
    let found = core.db.read(move |r| {
        sql::one(r, tenant, user)?.or_not_found("agent")?;
        history::newest(r, (tenant, user), span, (before, limit))
    });
    Ok(ok(found.await?))
}

/// The query of the history as a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exported {
    from: Option<String>,
    to: Option<String>,
}

/// `GET /agent-state/{user_id}/history.csv`: all of it, oldest first.
///
/// # Errors
/// 404 for an unknown agent, 422 naming the field.
pub async fn export(
    State(core): State<Core>,
    who: May<ReadAgents>,
    PathOf(user): PathOf<UserId>,
    QueryOf(asked): QueryOf<Exported>,
) -> Result<Response> {
    let span = Span::read(asked.from.as_deref(), asked.to.as_deref())?;
    let whose = (who.tenant, user);
    core.db.read(move |r| sql::one(r, whose.0, user)).await?.or_not_found("agent")?;
    let next = move |after| {
        let db = core.db.clone();
        async move {
            let found = db.read(move |r| history::oldest(r, whose, span, after)).await?;
            let mut text = String::new();
            found.iter().for_each(|interval| interval.line(&mut text));
            Ok((text, history::last_of(&found)))
        }
    };
    let disposition = "attachment; filename=\"agent-history.csv\"";
    Ok(csv::stretches(history::HEADER, disposition, next))
}
