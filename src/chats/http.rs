//! Handlers of chats.
//!
//! * `GET`, `POST /chats` (`ListChats`, `BeginChats`): staff all of the tenant's, customers theirs
//! * `GET /chats/{id}`, `POST /chats/{id}/close` (`ReadChats`, `WriteChats`): whoever sees it
//! * `PATCH /chats/{id}`, `POST /chats/{id}/{assign,transfer,reopen,ticket}` (`WorkChats`): staff

use super::{
    AskedTicket, Chat, New, Status, begin,
    change::{self, To},
    messages::{Read, sql as messages},
    sql::{self, Filter},
};
use crate::{
    db::Write,
    error::{Error, Result},
    http::{
        Answer, Caller, Core, Json, Lenient, May, PathOf, QueryOf, idempotency, ok,
        page::Paging,
        patch::{self, IfMatch},
        permission::{BeginChats, ListChats, ReadChats, WorkChats, WriteChats},
    },
    id::{EntityId, UserId},
};
use axum::{extract::State, http::HeaderMap, response::Response};
use serde::{Deserialize, Serialize};

/// Unread messages are counted up to here; a list says `99+` of more.
const UNREAD_MAX: i64 = 100;

/// Characters of the last message that a list shows.
const EXCERPT: usize = 160;

/// What a list of chats may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    page: Option<i64>,
    per_page: Option<i64>,
    /// One or more of `open`, `pending`, `closed`.
    status: Option<String>,
    /// `me`, `none` or a user's id.
    assignee: Option<String>,
    team: Option<EntityId>,
}

impl Asked {
    fn filter(&self, who: &Caller) -> Result<Filter> {
        let words = self.status.as_deref().into_iter().flat_map(|words| words.split(','));
        let statuses = words
            .map(str::parse)
            .collect::<Result<Vec<Status>, ()>>()
            .map_err(|()| Error::field("status", "must be one or more of open, pending, closed"))?;
        let assignee = match self.assignee.as_deref() {
            None => None,
            Some("me") => Some(Some(who.user)),
            Some("none") => Some(None),
            Some(id) => Some(Some(
                id.parse()
                    .map_err(|_| Error::field("assignee", "must be me, none or a user's id"))?,
            )),
        };
        Ok(Filter { statuses, assignee, team: self.team })
    }
}

/// A chat in a list.
#[derive(Debug, Serialize)]
pub struct Listed {
    #[serde(flatten)]
    chat: Chat,
    /// The beginning of the last message.
    excerpt: String,
    /// Messages by others that the caller has not read, counted up to 100.
    unread: i64,
}

/// `GET /chats?status=&assignee=&team=&page=&per_page=`: the chat that was written in last comes
/// first.
///
/// # Errors
/// 422 naming what is wrong with the query.
pub async fn list(
    State(core): State<Core>,
    who: May<ListChats>,
    QueryOf(asked): QueryOf<Asked>,
) -> Answer<Vec<Listed>> {
    let paging = Paging::new(asked.page, asked.per_page)?;
    let filter = asked.filter(&who)?;
    let listener = who.listener();
    let reading = core.db.read(move |r| {
        let (chats, total) = sql::list(r, &listener, &filter, paging)?;
        let mut rows = Vec::with_capacity(chats.len());
        for chat in chats {
            let last = messages::Part::Before(chat.message_count + 1, 1);
            let last = messages::list(r, (chat.tenant_id, chat.id), last)?.pop();
            let body = last.map(|message| message.body).unwrap_or_default();
            let beyond = chat.message_count + 1;
            let unread = messages::unread(r, (chat.id, listener.user), beyond, UNREAD_MAX)?;
            let excerpt = body.chars().take(EXCERPT).collect();
            rows.push(Listed { chat, excerpt, unread });
        }
        Ok((rows, total))
    });
    let (rows, total) = reading.await?;
    Ok(ok(rows).with_meta(paging.meta(total)))
}

/// `POST /chats`: begins a chat; answers it with 201. Takes an `Idempotency-Key`.
///
/// # Errors
/// 403 for a customer who names another one, 409 `too_many_chats`, 422.
pub async fn create(
    State(core): State<Core>,
    who: May<BeginChats>,
    headers: HeaderMap,
    Json(new): Json<New>,
) -> Result<Response> {
    let new = new.checked()?;
    let (caller, request) = ((*who).clone(), ("POST /chats", new.clone()));
    idempotency::once(&core.db, &who, &headers, &request, move |w| begin(w, &caller, &new)).await
}

/// A chat and how far it was read.
#[derive(Debug, Serialize)]
pub struct Shown {
    #[serde(flatten)]
    chat: Chat,
    /// The cursors of at most 50 readers, those that moved last first.
    reads: Vec<Read>,
}

/// `GET /chats/{id}`.
///
/// # Errors
/// 404 for what the caller does not see.
pub async fn show(
    State(core): State<Core>,
    who: May<ReadChats>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Shown> {
    let (who, is_staff) = (who.listener(), who.role.is_staff());
    let reading = core.db.read(move |r| {
        let chat = sql::seen(r, &who, id)?;
        let reads = messages::cursors(r, (chat.tenant_id, chat.id), chat.visitor_id)?;
        Ok(Shown { chat, reads })
    });
    let mut shown = reading.await?;
    if !is_staff {
        // Who of staff read what, beside who talks, is theirs to know.
        let Shown { chat, reads } = &mut shown;
        reads.retain(|read| chat.is_talked_in_by(read.user_id));
    }
    Ok(ok(shown))
}

/// Does something to one chat.
async fn to_one(
    core: &Core,
    who: &Caller,
    mut job: impl FnMut(&mut Write<'_>, &Caller) -> Result<Chat> + Send + 'static,
) -> Answer<Chat> {
    let caller = who.clone();
    core.db.write(move |w| job(w, &caller)).await.map(ok)
}

/// The version a change was made from, where nothing else is said.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Based {
    version: Option<i64>,
}

/// Whose turn it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    status: Status,
    version: Option<i64>,
}

/// `PATCH /chats/{id}`: `open` or `pending`, where the order of messages does not tell.
///
/// # Errors
/// 404, 409 `version_conflict` or `chat_closed`, 422.
pub async fn update(
    State(core): State<Core>,
    who: May<WorkChats>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Json(Turn { status, version }): Json<Turn>,
) -> Answer<Chat> {
    if status == Status::Closed {
        return Err(Error::field("status", "must be open or pending: POST …/close ends a chat"));
    }
    let based_on = if_match.or(version);
    to_one(&core, &who, move |w, who| change::mark(w, who, id, (status, based_on))).await
}

/// Who is to talk.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignee {
    #[serde(default, deserialize_with = "patch::nullable")]
    assignee_id: Option<Option<UserId>>,
    version: Option<i64>,
}

/// `POST /chats/{id}/assign`: gives it to `assignee_id`, or to the caller; with `null` to nobody.
///
/// # Errors
/// 404, 409 `version_conflict` or `chat_closed`, 422 for who is not staff here.
pub async fn assign(
    State(core): State<Core>,
    who: May<WorkChats>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Lenient(asked): Lenient<Assignee>,
) -> Answer<Chat> {
    let to = (asked.assignee_id.unwrap_or(Some(who.user)), if_match.or(asked.version));
    to_one(&core, &who, move |w, who| change::assign(w, who, id, to)).await
}

/// To whom a chat is passed on: one of the two.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    assignee_id: Option<UserId>,
    team_id: Option<EntityId>,
    version: Option<i64>,
}

/// `POST /chats/{id}/transfer`: passes it on to one of staff, or to a team and its rule.
///
/// # Errors
/// 404, 409 `version_conflict` or `chat_closed`, 422.
pub async fn transfer(
    State(core): State<Core>,
    who: May<WorkChats>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Json(asked): Json<Transfer>,
) -> Answer<Chat> {
    let to = match (asked.assignee_id, asked.team_id) {
        (Some(user), None) => To::Agent(user),
        (None, Some(team)) => To::Team(team),
        _ => return Err(Error::field("assignee_id", "name either an agent or a team")),
    };
    let based_on = if_match.or(asked.version);
    to_one(&core, &who, move |w, who| change::transfer(w, who, id, (to, based_on))).await
}

/// `POST /chats/{id}/close`: ends it; a closed one stays as it is.
///
/// # Errors
/// 404, 409 `version_conflict`.
pub async fn close(
    State(core): State<Core>,
    who: May<WriteChats>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Lenient(Based { version }): Lenient<Based>,
) -> Answer<Chat> {
    let based_on = if_match.or(version);
    to_one(&core, &who, move |w, who| change::close(w, who, id, based_on)).await
}

/// `POST /chats/{id}/reopen`.
///
/// # Errors
/// 404, 409 `version_conflict`.
pub async fn reopen(
    State(core): State<Core>,
    who: May<WorkChats>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Lenient(Based { version }): Lenient<Based>,
) -> Answer<Chat> {
    let based_on = if_match.or(version);
    to_one(&core, &who, move |w, who| change::reopen(w, who, id, based_on)).await
}

/// `POST /chats/{id}/ticket`: makes a ticket of it, or links the one that `ticket_id` names;
/// answers both with 201. Takes an `Idempotency-Key`.
///
/// # Errors
/// 404, 409 `ticket_linked`, 422.
pub async fn ticket(
    State(core): State<Core>,
    who: May<WorkChats>,
    PathOf(id): PathOf<EntityId>,
    headers: HeaderMap,
    Lenient(asked): Lenient<AskedTicket>,
) -> Result<Response> {
    let asked = asked.checked()?;
    let (caller, request) = ((*who).clone(), (format!("POST chats ticket {id}"), asked.clone()));
    idempotency::once(&core.db, &who, &headers, &request, move |w| {
        super::ticket(w, &caller, id, &asked)
    })
    .await
}
