//! Handlers of calls.
//!
//! * `GET /calls/{id}`: staff (`ReadCalls`); lists are in [`super::list`]
//! * `POST /calls`, `POST /calls/{id}/{ring, answer, hold, resume, transfer, end, wrapup, ticket}`:
//!   staff (`WorkCalls`)

use super::{
    Call, Detail, sql,
    steps::{self, New, Transfer, WrapUp},
    tickets::{self, Ticket},
};
use crate::{
    db::Write,
    error::{OrNotFound as _, Result},
    http::{
        Answer, Caller, Core, Json, Lenient, May, PathOf, idempotency, ok,
        patch::IfMatch,
        permission::{ReadCalls, WorkCalls},
    },
    id::{EntityId, UserId},
    tickets::Hand,
};
use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Deserialize;

/// `POST /calls`: enters a call; answers it with 201. With the `external_id` of a call that is
/// known, tells more of that one. Takes an `Idempotency-Key`.
///
/// # Errors
/// 403 for customers, 409 `call_direction`, 422 naming the fields that are wrong.
pub async fn create(
    State(core): State<Core>,
    who: May<WorkCalls>,
    headers: HeaderMap,
    Json(new): Json<New>,
) -> Result<Response> {
    let (new, hand) = (new.checked()?, Hand::of(&who));
    let request = ("POST /calls", new.clone());
    idempotency::once(&core.db, &who, &headers, &request, move |w| steps::enter(w, &hand, &new))
        .await
}

/// `GET /calls/{id}`: a call with its offers, whoever had it, how it was passed on, and the
/// customer with their last tickets.
///
/// # Errors
/// 403 for customers, 404.
pub async fn show(
    State(core): State<Core>,
    who: May<ReadCalls>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Detail> {
    let tenant = who.tenant;
    core.db.read(move |r| sql::detail(r, tenant, id)).await?.or_not_found("call").map(ok)
}

async fn step(
    core: &Core,
    who: &Caller,
    mut job: impl FnMut(&mut Write<'_>, &Hand) -> Result<Call> + Send + 'static,
) -> Answer<Call> {
    let hand = Hand::of(who);
    core.db.write(move |w| job(w, &hand)).await.map(ok)
}

/// Whose step it is, and what it is based on.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByAgent {
    agent_id: Option<UserId>,
    version: Option<i64>,
}

/// `POST /calls/{id}/ring`: offers a call to an agent, the caller unless said.
///
/// # Errors
/// As [`steps::ring`].
pub async fn ring(
    State(core): State<Core>,
    who: May<WorkCalls>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Lenient(by): Lenient<ByAgent>,
) -> Answer<Call> {
    let which = (id, if_match.or(by.version));
    step(&core, &who, move |w, hand| steps::ring(w, hand, which, by.agent_id)).await
}

/// `POST /calls/{id}/answer`: an agent takes a call, the caller unless said.
///
/// # Errors
/// As [`steps::answer`].
pub async fn answer(
    State(core): State<Core>,
    who: May<WorkCalls>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Lenient(by): Lenient<ByAgent>,
) -> Answer<Call> {
    let which = (id, if_match.or(by.version));
    step(&core, &who, move |w, hand| steps::answer(w, hand, which, by.agent_id)).await
}

/// What a step is based on.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Based {
    version: Option<i64>,
}

/// `POST /calls/{id}/hold`.
///
/// # Errors
/// As [`steps::hold`].
pub async fn hold(
    State(core): State<Core>,
    who: May<WorkCalls>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Lenient(based): Lenient<Based>,
) -> Answer<Call> {
    let which = (id, if_match.or(based.version));
    step(&core, &who, move |w, hand| steps::hold(w, hand, which)).await
}

/// `POST /calls/{id}/resume`.
///
/// # Errors
/// As [`steps::resume`].
pub async fn resume(
    State(core): State<Core>,
    who: May<WorkCalls>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Lenient(based): Lenient<Based>,
) -> Answer<Call> {
    let which = (id, if_match.or(based.version));
    step(&core, &who, move |w, hand| steps::resume(w, hand, which)).await
}

/// `POST /calls/{id}/transfer`: passes a call on.
///
/// # Errors
/// As [`steps::transfer`].
pub async fn transfer(
    State(core): State<Core>,
    who: May<WorkCalls>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Json(transfer): Json<Transfer>,
) -> Answer<Call> {
    let which = (id, if_match.or(transfer.version));
    let to = transfer.checked()?;
    step(&core, &who, move |w, hand| steps::transfer(w, hand, which, to.clone())).await
}

/// How a call ended.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    result: Option<String>,
    version: Option<i64>,
}

/// `POST /calls/{id}/end`.
///
/// # Errors
/// As [`steps::end`].
pub async fn end(
    State(core): State<Core>,
    who: May<WorkCalls>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Lenient(end): Lenient<End>,
) -> Answer<Call> {
    let which = (id, if_match.or(end.version));
    step(&core, &who, move |w, hand| steps::end(w, hand, which, end.result.clone())).await
}

/// `POST /calls/{id}/wrapup`: writes up a call, and is done with it.
///
/// # Errors
/// As [`steps::wrap_up`].
pub async fn wrap_up(
    State(core): State<Core>,
    who: May<WorkCalls>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Lenient(wrap): Lenient<WrapUp>,
) -> Answer<Call> {
    let wrap = wrap.checked()?;
    let which = (id, if_match.or(wrap.version));
    step(&core, &who, move |w, hand| steps::wrap_up(w, hand, which, &wrap)).await
}

/// `POST /calls/{id}/ticket`: ties a call to a ticket, or opens one for it; answers both with 201.
/// Takes an `Idempotency-Key`.
///
/// # Errors
/// 404, 409 `call_has_ticket`, 422.
pub async fn ticket(
    State(core): State<Core>,
    who: May<WorkCalls>,
    headers: HeaderMap,
    PathOf(id): PathOf<EntityId>,
    Lenient(ticket): Lenient<Ticket>,
) -> Result<Response> {
    let (hand, listener) = (Hand::of(&who), who.listener());
    let request = ("POST /calls/ticket", id, ticket.clone());
    idempotency::once(&core.db, &who, &headers, &request, move |w| {
        tickets::tie(w, &hand, &listener, (id, &ticket))
    })
    .await
}
