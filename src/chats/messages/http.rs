//! Handlers of messages: for whoever sees the chat, a visitor too.
//!
//! * `GET /chats/{id}/messages` (`ReadChats`), `POST` there and `POST /chats/{id}/read`
//!   (`WriteChats`)
//! * `PATCH`, `DELETE /chats/{id}/messages/{message}` (`BeginChats`: people with an account)

use super::{Draft, Message, Read, check_body, edit, read as move_cursor, remove, sql};
use crate::{
    attachments::Store,
    chats::{sql as chats, visitors::Gate},
    error::{Checks, Error, Result},
    http::{
        Answer, Core, Json, May, PathOf, QueryOf, created, idempotency, ok,
        patch::IfMatch,
        permission::{BeginChats, ReadChats, WriteChats},
    },
    id::EntityId,
};
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Messages of one list unless fewer or more are asked for; and at most.
const LIMIT: i64 = 50;
const LIMIT_MAX: i64 = 200;

/// What a list of messages may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Those that follow this number.
    after: Option<i64>,
    /// The last ones before this number.
    before: Option<i64>,
    /// At most so many, 1 to 200; 50 unless said.
    limit: Option<i64>,
}

impl Asked {
    fn checked(&self) -> Result<i64> {
        let mut checks = Checks::new();
        let limit = self.limit.unwrap_or(LIMIT);
        let numbers = (0..=super::MESSAGES_MAX + 1, "must be the number of a message");
        for (field, number) in [("after", self.after), ("before", self.before)] {
            checks.check(number.is_none_or(|n| numbers.0.contains(&n)), field, numbers.1);
        }
        let both = self.after.is_some() && self.before.is_some();
        checks.check(!both, "before", "goes with no `after`");
        checks.check((1..=LIMIT_MAX).contains(&limit), "limit", "must be 1 to 200");
        checks.done()?;
        Ok(limit)
    }
}

/// `GET /chats/{id}/messages?after=&before=&limit=`: a part of a chat in the order of writing,
/// deleted messages without their text among them. `meta.more` says whether there are more in that
/// direction.
///
/// # Errors
/// 404 for a chat that the caller does not see, 422.
pub async fn list(
    State(core): State<Core>,
    who: May<ReadChats>,
    PathOf(id): PathOf<EntityId>,
    QueryOf(asked): QueryOf<Asked>,
) -> Answer<Vec<Message>> {
    let limit = asked.checked()?;
    let who = who.listener();
    let reading = core.db.read(move |r| {
        let chat = chats::seen(r, &who, id)?;
        // One more than asked for tells whether there are more.
        let part = match asked.before {
            Some(before) => sql::Part::Before(before, limit + 1),
            None => sql::Part::After(asked.after.unwrap_or(0), limit + 1),
        };
        let mut messages = sql::list(r, (chat.tenant_id, chat.id), part)?;
        let more = messages.len() as i64 > limit;
        if more && asked.before.is_some() {
            messages.remove(0);
        } else if more {
            messages.pop();
        }
        Ok((messages, more, chat.message_count))
    });
    let (messages, more, count) = reading.await?;
    let meta = json!({ "limit": limit, "more": more, "message_count": count });
    Ok(ok(messages).with_meta(meta))
}

/// `POST /chats/{id}/messages`: writes a message; answers it with 201, and with 200 when its
/// `client_msg_id` was sent before. Takes an `Idempotency-Key`.
///
/// # Errors
/// 404, 409 `chat_closed` or `chat_full`, 422, 429 for a visitor who writes too fast.
pub async fn create(
    (State(core), State(gate)): (State<Core>, State<Arc<Gate>>),
    who: May<WriteChats>,
    PathOf(id): PathOf<EntityId>,
    headers: HeaderMap,
    Json(draft): Json<Draft>,
) -> Result<Response> {
    let draft = draft.checked()?;
    gate.admit_message(&who)?;
    let caller = (*who).clone();
    if draft.client_msg_id.is_none() {
        let request = (format!("POST messages {id}"), draft.clone());
        return idempotency::once(&core.db, &who, &headers, &request, move |w| {
            super::write(w, &caller, id, &draft).map(|(message, _)| message)
        })
        .await;
    }
    let (message, is_new) = core.db.write(move |w| super::write(w, &caller, id, &draft)).await?;
    Ok(if is_new { created(message).into_response() } else { ok(message).into_response() })
}

/// Another text of a message.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    body: String,
    version: Option<i64>,
}

/// `PATCH /chats/{id}/messages/{message}`: gives one's own message another text.
///
/// # Errors
/// 403 for others' messages, 404, 409 `version_conflict` or `chat_closed`, 422.
pub async fn update(
    State(core): State<Core>,
    who: May<BeginChats>,
    if_match: IfMatch,
    PathOf(at): PathOf<(EntityId, EntityId)>,
    Json(change): Json<Edit>,
) -> Answer<Message> {
    let mut checks = Checks::new();
    check_body(&mut checks, &change.body);
    checks.done()?;
    let (caller, based_on) = ((*who).clone(), if_match.or(change.version));
    core.db.write(move |w| edit(w, &caller, at, (&change.body, based_on))).await.map(ok)
}

/// `DELETE /chats/{id}/messages/{message}`: takes the text out of one's own message; answers what
/// is left.
///
/// # Errors
/// As [`update`].
pub async fn delete(
    State(core): State<Core>,
    State(files): State<Store>,
    who: May<BeginChats>,
    if_match: IfMatch,
    PathOf(at): PathOf<(EntityId, EntityId)>,
) -> Answer<Message> {
    let (caller, based_on) = ((*who).clone(), if_match.or(None));
    core.db.write(move |w| remove(w, &files, &caller, at, based_on)).await.map(ok)
}

/// How far somebody has read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    number: i64,
}

/// `POST /chats/{id}/read`: moves the caller's cursor forward; answers where it stands.
///
/// # Errors
/// 404, 422 for a number that no message has.
pub async fn read(
    State(core): State<Core>,
    who: May<WriteChats>,
    PathOf(id): PathOf<EntityId>,
    Json(Cursor { number }): Json<Cursor>,
) -> Answer<Read> {
    if number < 0 {
        return Err(Error::field("number", "must be 0 or more"));
    }
    let caller = (*who).clone();
    core.db.write(move |w| move_cursor(w, &caller, id, number)).await.map(ok)
}
