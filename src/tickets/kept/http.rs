//! Handlers of what staff keep.
//!
//! * `GET`, `POST /sla-policies`, `GET`, `PATCH`, `DELETE /sla-policies/{id}`, and the same under
//!   `/calendars`, `/macros`, `/views`: who may is part of each kind ([`Tool`])
//! * `POST /tickets/{id}/macros/{macro}`: agents (`WorkTickets`)

use super::{Applied, Kept, Tool, sql};
use crate::{
    error::{Error, OrNotFound, Result},
    http::{
        Answer, Core, Json, May, PathOf, idempotency, ok, patch::IfMatch, permission::WorkTickets,
    },
    id::EntityId,
    tickets::{self, Hand, Which},
};
use axum::{extract::State, http::HeaderMap, response::Response};
use serde_json::{Map, Value};

/// `GET` all: those that the caller sees, by name.
///
/// # Errors
/// 403.
pub async fn list<T: Tool>(State(core): State<Core>, who: May<T::Read>) -> Answer<Vec<Kept<T>>> {
    let who = who.listener();
    core.db.read(move |r| sql::list(r, &who)).await.map(ok)
}

/// `GET` one.
///
/// # Errors
/// 404 for what the caller does not see.
pub async fn show<T: Tool>(
    State(core): State<Core>,
    who: May<T::Read>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Kept<T>> {
    let who = who.listener();
    core.db.read(move |r| sql::seen(r, &who, id)).await?.or_not_found(T::WORD).map(ok)
}

/// `POST`: keeps a new one; answers it with 201. Takes an `Idempotency-Key`.
///
/// # Errors
/// 403, 409 `too_many`, 422.
pub async fn create<T: Tool>(
    State(core): State<Core>,
    who: May<T::Write>,
    headers: HeaderMap,
    Json(sent): Json<Value>,
) -> Result<Response> {
    let listener = who.listener();
    let request = (T::TABLE, sent.clone());
    idempotency::once(&core.db, &who, &headers, &request, move |w| {
        super::create::<T>(w, &listener, &sent)
    })
    .await
}

/// `PATCH` one: changes the fields that are sent.
///
/// # Errors
/// 403, 404, 409 `version_conflict`, 422.
pub async fn update<T: Tool>(
    State(core): State<Core>,
    who: May<T::Write>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Json(mut sent): Json<Map<String, Value>>,
) -> Answer<Kept<T>> {
    let in_body = match sent.remove("version") {
        None | Some(Value::Null) => None,
        Some(version) => {
            let number = version.as_i64();
            Some(number.ok_or_else(|| Error::field("version", "must be a whole number"))?)
        }
    };
    let (who, based_on) = (who.listener(), if_match.or(in_body));
    let job = core.db.write(move |w| super::change(w, &who, id, (&sent, based_on)));
    job.await.map(ok)
}

/// `DELETE` one; answers it as it last was.
///
/// # Errors
/// 403, 404, 409 `version_conflict`.
pub async fn delete<T: Tool>(
    State(core): State<Core>,
    who: May<T::Write>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Kept<T>> {
    let (who, based_on) = (who.listener(), if_match.or(None));
    core.db.write(move |w| super::remove(w, &who, id, based_on)).await.map(ok)
}

/// `POST /tickets/{id}/macros/{macro}`: makes a macro's changes to a ticket, and answers the ticket
/// with the text that the macro suggests for a comment.
///
/// # Errors
/// 404, 409 `ticket_closed` or `ticket_merged`, 422 for changes that are no longer possible.
pub async fn apply(
    State(core): State<Core>,
    who: May<WorkTickets>,
    PathOf((which, id)): PathOf<(Which, EntityId)>,
) -> Answer<Applied> {
    let (hand, who) = (Hand::of(&who), who.listener());
    let job = core.db.write(move |w| {
        let ticket = tickets::id_of(w, hand.tenant, which)?;
        super::apply(w, (&hand, &who), ticket, id)
    });
    job.await.map(ok)
}
