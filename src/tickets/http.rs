//! Handlers of tickets. `{id}` is a ticket's id or its number.
//!
//! * `POST /tickets`, `GET`, `PATCH /tickets/{id}`, `POST /tickets/{id}/follow`, `…/unfollow`,
//!   `…/reopen`, `GET /tickets/{id}/timeline`: everybody, as far as the role goes
//! * `POST /tickets/{id}/assign`, `…/unassign`, `…/merge`: agents (`WorkTickets`)
//! * `DELETE /tickets/{id}`, `POST /tickets/{id}/restore`, `POST /tickets/bulk`: supervisors
//!   (`SuperviseTickets`)

use super::{Bulk, Edit, Hand, New, Outcome, Shown, Ticket, Which, sql};
use crate::{
    db::{self, Write},
    error::{Error, OrNotFound, Result},
    event::Listed,
    http::{
        Answer, Caller, Core, Json, Lenient, May, PathOf, QueryOf, idempotency, ok,
        patch::{self, IfMatch},
        permission::{ReadTickets, SuperviseTickets, WorkTickets, WriteTickets},
    },
    id::{EntityId, UserId},
};
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Events of one answer of a timeline unless asked for fewer or more; and at most.
const TIMELINE: usize = 50;
const TIMELINE_MAX: usize = 200;

/// `POST /tickets`: opens a ticket; answers it with 201. Takes an `Idempotency-Key`.
///
/// # Errors
/// 403 for what a customer may not decide, 422 naming the fields that are wrong.
pub async fn create(
    State(core): State<Core>,
    who: May<WriteTickets>,
    headers: HeaderMap,
    Json(new): Json<New>,
) -> Result<Response> {
    let new = new.checked()?;
    let (hand, listener) = (Hand::of(&who), who.listener());
    let request = ("POST /tickets", new.clone());
    idempotency::once(&core.db, &who, &headers, &request, move |w| {
        super::create(w, &hand, &new).map(|ticket| ticket.shown_to(&listener))
    })
    .await
}

/// `GET /tickets/{id}`.
///
/// # Errors
/// 404 for what the caller may not see.
pub async fn show(
    State(core): State<Core>,
    who: May<ReadTickets>,
    PathOf(which): PathOf<Which>,
) -> Answer<Shown> {
    let who = who.listener();
    let found = core.db.read(move |r| {
        let id = sql::id_of(r, who.tenant, which)?;
        sql::visible(r, &who, id)?.or_not_found("ticket")
    });
    Ok(ok(found.await?.shown_to(&who)))
}

/// Does something to one ticket and answers it as the caller may see it.
async fn to_one(
    core: &Core,
    who: &Caller,
    which: Which,
    mut job: impl FnMut(&mut Write<'_>, &Hand, EntityId) -> Result<Ticket> + Send + 'static,
) -> Answer<Shown> {
    let (hand, listener) = (Hand::of(who), who.listener());
    let done = core.db.write(move |w| {
        let id = sql::id_of(w, hand.tenant, which)?;
        job(w, &hand, id)
    });
    Ok(ok(done.await?.shown_to(&listener)))
}

/// `PATCH /tickets/{id}`: changes a ticket.
///
/// # Errors
/// 403, 404, 409 `version_conflict`, `ticket_closed` or `ticket_merged`, 422.
pub async fn update(
    State(core): State<Core>,
    who: May<WriteTickets>,
    if_match: IfMatch,
    PathOf(which): PathOf<Which>,
    Json(edit): Json<Edit>,
) -> Answer<Shown> {
    let mut edit = edit.checked()?;
    edit.version = if_match.or(edit.version);
    to_one(&core, &who, which, move |w, hand, id| super::change(w, hand, id, &edit)).await
}

/// `DELETE /tickets/{id}`: deletes a ticket, until it is restored. Answers it as it last was.
///
/// # Errors
/// 404, 409 `version_conflict`.
pub async fn delete(
    State(core): State<Core>,
    who: May<SuperviseTickets>,
    if_match: IfMatch,
    PathOf(which): PathOf<Which>,
) -> Answer<Shown> {
    let based_on = if_match.or(None);
    to_one(&core, &who, which, move |w, hand, id| super::remove(w, hand, id, based_on)).await
}

/// What an action may say: the version it is based on.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Based {
    version: Option<i64>,
}

/// `POST /tickets/{id}/restore`: brings a deleted ticket back.
///
/// # Errors
/// 404, 409 `version_conflict`.
pub async fn restore(
    State(core): State<Core>,
    who: May<SuperviseTickets>,
    if_match: IfMatch,
    PathOf(which): PathOf<Which>,
    Lenient(based): Lenient<Based>,
) -> Answer<Shown> {
    let based_on = if_match.or(based.version);
    to_one(&core, &who, which, move |w, hand, id| super::restore(w, hand, id, based_on)).await
}

/// `POST /tickets/{id}/reopen`: opens again what is resolved or closed.
///
/// # Errors
/// 404, 409 `version_conflict`, `ticket_closed` (for customers) or `ticket_merged`.
pub async fn reopen(
    State(core): State<Core>,
    who: May<WriteTickets>,
    if_match: IfMatch,
    PathOf(which): PathOf<Which>,
    Lenient(based): Lenient<Based>,
) -> Answer<Shown> {
    let based_on = if_match.or(based.version);
    to_one(&core, &who, which, move |w, hand, id| super::reopen(w, hand, id, based_on)).await
}

/// To whom a ticket goes. What is left out stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// An agent, or `null` for nobody.
    #[serde(default, deserialize_with = "patch::nullable")]
    assignee_id: Option<Option<UserId>>,
    /// A team, or `null` for none.
    #[serde(default, deserialize_with = "patch::nullable")]
    team_id: Option<Option<EntityId>>,
    version: Option<i64>,
}

/// `POST /tickets/{id}/assign`: gives a ticket to an agent, a team or both; to the caller when the
/// body names neither.
///
/// # Errors
/// 404, 409 `version_conflict` or `ticket_merged`, 422 for somebody who is no active agent.
pub async fn assign(
    State(core): State<Core>,
    who: May<WorkTickets>,
    if_match: IfMatch,
    PathOf(which): PathOf<Which>,
    Lenient(to): Lenient<Assignment>,
) -> Answer<Shown> {
    let takes_it = to.assignee_id.is_none() && to.team_id.is_none();
    let edit = Edit {
        assignee_id: if takes_it { Some(Some(who.user)) } else { to.assignee_id },
        team_id: to.team_id,
        version: if_match.or(to.version),
        ..Edit::default()
    };
    to_one(&core, &who, which, move |w, hand, id| super::change(w, hand, id, &edit)).await
}

/// `POST /tickets/{id}/unassign`: takes a ticket from its agent; its team keeps it.
///
/// # Errors
/// 404, 409 `version_conflict` or `ticket_merged`.
pub async fn unassign(
    State(core): State<Core>,
    who: May<WorkTickets>,
    if_match: IfMatch,
    PathOf(which): PathOf<Which>,
    Lenient(based): Lenient<Based>,
) -> Answer<Shown> {
    let version = if_match.or(based.version);
    let edit = Edit { assignee_id: Some(None), version, ..Edit::default() };
    to_one(&core, &who, which, move |w, hand, id| super::change(w, hand, id, &edit)).await
}

/// Who is to follow; the caller unless said.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Follower {
    user_id: Option<UserId>,
}

/// `POST /tickets/{id}/follow`: the caller, or for staff anybody, follows a ticket.
///
/// # Errors
/// 403, 404, 409 `ticket_merged`, 422.
pub async fn follow(
    State(core): State<Core>,
    who: May<WriteTickets>,
    PathOf(which): PathOf<Which>,
    Lenient(follower): Lenient<Follower>,
) -> Answer<Shown> {
    let user = (follower.user_id.unwrap_or(who.user), true);
    to_one(&core, &who, which, move |w, hand, id| super::follow(w, hand, id, user)).await
}

/// `POST /tickets/{id}/unfollow`: the other way round. Whoever no longer sees the ticket by that
/// still gets it as an answer, this once.
///
/// # Errors
/// 403, 404, 409 `ticket_merged`.
pub async fn unfollow(
    State(core): State<Core>,
    who: May<WriteTickets>,
    PathOf(which): PathOf<Which>,
    Lenient(follower): Lenient<Follower>,
) -> Answer<Shown> {
    let user = (follower.user_id.unwrap_or(who.user), false);
    to_one(&core, &who, which, move |w, hand, id| super::follow(w, hand, id, user)).await
}

/// What a ticket is merged into.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merger {
    /// An id or a number.
    into: Value,
    version: Option<i64>,
}

/// `POST /tickets/{id}/merge`: closes a ticket for good in favour of another one. Answers the
/// merged one, whose `merged_into_id` says where to go on.
///
/// # Errors
/// 404, 409 `version_conflict`, `ticket_merged` or `ticket_closed`, 422.
pub async fn merge(
    State(core): State<Core>,
    who: May<WorkTickets>,
    if_match: IfMatch,
    PathOf(which): PathOf<Which>,
    Json(merger): Json<Merger>,
) -> Answer<Shown> {
    let named = match merger.into {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text,
        _ => String::new(),
    };
    let into = serde_json::from_value::<Which>(named.into())
        .map_err(|e| Error::field("into", e.to_string()))?;
    let based_on = if_match.or(merger.version);
    to_one(&core, &who, which, move |w, hand, id| {
        let into = sql::id_of(w, hand.tenant, into)?;
        super::merge(w, hand, (id, into), based_on)
    })
    .await
}

/// `POST /tickets/bulk`: changes or deletes up to 500 tickets, a hundred in one transaction.
/// Everybody concerned gets one notification. Answers what became of each.
///
/// # Errors
/// 422 naming what is wrong.
pub async fn bulk(
    State(core): State<Core>,
    who: May<SuperviseTickets>,
    Json(bulk): Json<Bulk>,
) -> Answer<Outcome> {
    let bulk = bulk.checked()?;
    bulk.run(&core.db, &Hand::of(&who)).await.map(ok)
}

/// What of a timeline is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stretch {
    /// The `seq` after which to begin.
    after: Option<i64>,
    limit: Option<usize>,
}

/// `GET /tickets/{id}/timeline`: every event of a ticket that the caller may hear, in order.
///
/// What is no longer kept of an old one's data is `null`. Ask again after `meta.next_after` while
/// `meta.more` is true.
///
/// # Errors
/// 404 for what the caller may not see, 422.
pub async fn timeline(
    State(core): State<Core>,
    who: May<ReadTickets>,
    PathOf(which): PathOf<Which>,
    QueryOf(asked): QueryOf<Stretch>,
) -> Result<Response> {
    let limit = asked.limit.unwrap_or(TIMELINE);
    if !(1..=TIMELINE_MAX).contains(&limit) {
        return Err(Error::field("limit", format!("must be 1 to {TIMELINE_MAX}")));
    }
    let (who, after) = (who.listener(), asked.after.unwrap_or(0));
    let found = core.db.read(move |r| {
        let id = sql::id_of(r, who.tenant, which)?;
        sql::visible(r, &who, id)?.or_not_found("ticket")?;
        db::events_about(r, &who, id, after, limit)
    });
    let page = found.await?;
    let listed: Vec<Listed<'_>> = page.envelopes.iter().map(Listed::from).collect();
    let meta = json!({ "next_after": page.covered, "more": listed.len() >= limit });
    Ok(ok(listed).with_meta(meta).into_response())
}
