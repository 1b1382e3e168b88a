//! Handlers of comments.
//!
//! * `GET`, `POST /tickets/{id}/comments`; `GET`, `PATCH`, `DELETE /comments/{id}`: whoever sees
//!   the ticket (`ReadTickets`, `WriteTickets`); internal notes are there for staff only.

use super::{Comment, Edit, New, create as write, edit, place, remove, visible};
use crate::{
    attachments::Store,
    error::{Error, OrNotFound, Result},
    http::{
        Answer, Core, Json, May, PathOf, QueryOf, idempotency, ok,
        patch::IfMatch,
        permission::{ReadTickets, WriteTickets},
    },
    id::EntityId,
    tickets::{self, Which},
};
use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Deserialize;
use serde_json::json;

/// Comments of one list unless fewer or more are asked for; and at most.
const LIMIT: i64 = 50;
const LIMIT_MAX: i64 = 200;

/// What a list of comments may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Only those written after this one.
    after: Option<EntityId>,
    /// At most so many, 1 to 200; 50 unless said.
    limit: Option<i64>,
}

/// `GET /tickets/{id}/comments?after=&limit=`: the comments of a ticket in the order of writing.
/// `meta` has `more`, and in `after` what to ask for next.
///
/// # Errors
/// 404 for a ticket that the caller does not see, 422 for an `after` that is none of its comments.
pub async fn list(
    State(core): State<Core>,
    who: May<ReadTickets>,
    PathOf(which): PathOf<Which>,
    QueryOf(asked): QueryOf<Asked>,
) -> Answer<Vec<Comment>> {
    let limit = asked.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Error::field("limit", format!("must be 1 to {LIMIT_MAX}")));
    }
    let (who, after) = (who.listener(), asked.after);
    let reading = core.db.read(move |r| {
        let ticket = tickets::id_of(r, who.tenant, which)?;
        tickets::visible(r, &who, ticket)?.or_not_found("ticket")?;
        let from = match after {
            Some(after) => place(r, &who, ticket, after)?
                .ok_or_else(|| Error::field("after", "is no comment of this ticket"))?,
            None => 0,
        };
        // One more than asked for tells whether there are more.
        super::list(r, &who, ticket, (from, limit + 1))
    });
    let mut comments = reading.await?;
    let more = comments.len() as i64 > limit;
    if more {
        comments.pop();
    }
    let next = comments.last().map(|comment| comment.id).or(after);
    Ok(ok(comments).with_meta(json!({ "limit": limit, "more": more, "after": next })))
}

/// `POST /tickets/{id}/comments`: writes a comment; answers it with 201. Takes an
/// `Idempotency-Key`.
///
/// # Errors
/// 404 for a ticket that the caller does not see, 409 `ticket_closed` or `ticket_merged`, 422.
pub async fn create(
    State(core): State<Core>,
    who: May<WriteTickets>,
    PathOf(which): PathOf<Which>,
    headers: HeaderMap,
    Json(new): Json<New>,
) -> Result<Response> {
    let new = new.checked()?;
    let (caller, request) = ((*who).clone(), (format!("POST comments {which:?}"), new.clone()));
    idempotency::once(&core.db, &who, &headers, &request, move |w| {
        let ticket = tickets::id_of(w, caller.tenant, which)?;
        write(w, &caller, ticket, &new)
    })
    .await
}

/// `GET /comments/{id}`.
///
/// # Errors
/// 404 for what the caller does not see.
pub async fn show(
    State(core): State<Core>,
    who: May<ReadTickets>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Comment> {
    let who = who.listener();
    let found = core.db.read(move |r| visible(r, &who, id)).await?;
    found.map(|(comment, _)| ok(comment)).or_not_found("comment")
}

/// `PATCH /comments/{id}`: changes text, format or mentions; never who may see it.
///
/// # Errors
/// 403 for others' comments, 404, 409 `version_conflict` or `ticket_closed`, 422.
pub async fn update(
    State(core): State<Core>,
    who: May<WriteTickets>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Json(change): Json<Edit>,
) -> Answer<Comment> {
    let mut change = change.checked()?;
    change.version = if_match.or(change.version);
    let caller = (*who).clone();
    core.db.write(move |w| edit(w, &caller, id, &change)).await.map(ok)
}

/// `DELETE /comments/{id}`: deletes a comment and its files; answers it as it last was.
///
/// # Errors
/// 403 for others' comments, 404, 409 `version_conflict` or `ticket_closed`.
pub async fn delete(
    State(core): State<Core>,
    State(files): State<Store>,
    who: May<WriteTickets>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Comment> {
    let (caller, based_on) = ((*who).clone(), if_match.or(None));
    core.db.write(move |w| remove(w, &files, &caller, id, based_on)).await.map(ok)
}
