//! What is said in a chat, and how far it was read.

pub mod http;
pub(super) mod sql;

pub use sql::visible;

use super::{Chat, Status, closed, sql as chats, tell};
use crate::{
    attachments::{self, Store},
    auth::Role,
    db::Write,
    error::{Checks, Error, OrNotFound as _, Result},
    event::{Kind, changes::Changes},
    http::{Caller, patch::check_version},
    id::{EntityId, TenantId, UserId},
    time,
};
use serde::{Deserialize, Serialize};

/// Longest message, bytes.
pub const BODY_MAX: usize = 8 << 10;

/// Longest id that a client gives a message, bytes.
pub const CLIENT_MSG_ID_MAX: usize = 64;

/// Messages of one chat; one more is refused, and another chat begun.
pub const MESSAGES_MAX: i64 = 10_000;

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorKind {
    /// Somebody of the house.
    Staff,
    /// The customer.
    Customer,
    /// The visitor.
    Visitor,
}

impl AuthorKind {
    fn of(role: Role) -> Self {
        match role {
            Role::Visitor => Self::Visitor,
            Role::Customer => Self::Customer,
            Role::Agent | Role::Supervisor | Role::Admin => Self::Staff,
        }
    }

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Customer => "customer",
            Self::Visitor => "visitor",
        }
    }

    /// Whether somebody of the house wrote it.
    pub fn is_staff(self) -> bool {
        self == Self::Staff
    }

    fn read(word: &str) -> Option<Self> {
        [Self::Staff, Self::Customer, Self::Visitor].into_iter().find(|kind| kind.name() == word)
    }
}

/// A message, as everybody sees it who may see its chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Its id.
    pub id: EntityId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Counts its changes.
    pub version: i64,
    /// When it was written, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub created_at: i64,
    /// When it was last changed.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub updated_at: i64,
    /// When it was deleted; its text is gone then.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub deleted_at: Option<i64>,
    /// The chat it stands in.
    pub chat_id: EntityId,
    /// Its place there: 1, 2, 3, without a gap.
    pub number: i64,
    /// The sender's own id of it.
    pub client_msg_id: Option<String>,
    /// Who wrote it; null for the visitor.
    pub author_id: Option<UserId>,
    /// What they are here.
    pub author_kind: AuthorKind,
    /// Their name as it is now.
    pub author_name: String,
    /// What it says.
    pub body: String,
    /// Its files, in the order in which they came.
    pub attachments: Vec<EntityId>,
    /// When its text was last changed.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub edited_at: Option<i64>,
}

/// How far somebody has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Read {
    /// Which chat.
    pub chat_id: EntityId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Who; null for the visitor.
    pub user_id: Option<UserId>,
    /// The last message they have read.
    pub number: i64,
    /// When they said so.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub read_at: i64,
}

/// A message to be written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// What it says.
    pub body: String,
    /// The sender's own id of it: sent again, it is the same message.
    pub client_msg_id: Option<String>,
}

impl Draft {
    /// Checks every field.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    pub fn checked(self) -> Result<Self> {
        let mut checks = Checks::new();
        check_body(&mut checks, &self.body);
        check_client_msg_id(&mut checks, self.client_msg_id.as_deref());
        checks.done()?;
        Ok(self)
    }
}

pub(super) fn check_body(checks: &mut Checks, body: &str) {
    checks.check(!body.trim().is_empty(), "body", "must not be empty");
    checks.check(body.len() <= BODY_MAX, "body", "must have at most 8192 bytes");
    checks.check(!body.contains('\0'), "body", "must not contain the character NUL");
}

pub(super) fn check_client_msg_id(checks: &mut Checks, id: Option<&str>) {
    let plain = |id: &str| {
        (1..=CLIENT_MSG_ID_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
    };
    let ok = id.is_none_or(plain);
    checks.check(ok, "client_msg_id", "must be 1 to 64 plain characters without spaces");
}

/// Writes a message; answers it, and false when it is one that was sent before. `draft` was
/// checked.
///
/// # Errors
/// 404, 409 `chat_closed` or `chat_full`.
pub fn write(
    w: &mut Write<'_>,
    who: &Caller,
    chat: EntityId,
    draft: &Draft,
) -> Result<(Message, bool)> {
    let before = chats::seen(w, &who.listener(), chat)?;
    if let Some(sent) = &draft.client_msg_id {
        let found = sql::sent_before(w, (before.tenant_id, before.id), (sent, author(who)))?;
        if let Some(message) = found {
            return Ok((message, false));
        }
    }
    if before.is_closed() {
        return Err(closed());
    }
    let mut after = before.clone();
    let message = add(w, who, &mut after, draft)?;
    let is_staff = message.author_kind.is_staff();
    after.status = if is_staff { Status::Pending } else { Status::Open };
    let turned = after.status != before.status;
    if turned {
        (after.version, after.updated_at) = (before.version + 1, w.now);
    }
    chats::update(w, &after)?;
    let actor = who.actor();
    let seq = tell::of_message(w, &actor, Kind::ChatMessage, (&after, &message), None)?;
    if turned {
        let changes = Changes::between(&before, &after)?;
        tell::of_chat(w, &actor, Kind::ChatUpdated, &after, Some(&changes))?;
    }
    tell::written(w, &actor, (&after, &message), seq)?;
    Ok((message, true))
}

/// Stores the next message of a chat, which counts it; the caller stores the chat and says both.
pub(super) fn add(w: &Write<'_>, who: &Caller, chat: &mut Chat, draft: &Draft) -> Result<Message> {
    if chat.message_count >= MESSAGES_MAX {
        let why = format!("this chat has {MESSAGES_MAX} messages: begin another one");
        return Err(Error::conflict("chat_full", why));
    }
    chat.message_count += 1;
    chat.last_message_at = w.now;
    let message = Message {
        id: EntityId::new(w.now),
        tenant_id: chat.tenant_id,
        version: 1,
        created_at: w.now,
        updated_at: w.now,
        deleted_at: None,
        chat_id: chat.id,
        number: chat.message_count,
        client_msg_id: draft.client_msg_id.clone(),
        author_id: author(who),
        author_kind: AuthorKind::of(who.role),
        author_name: String::new(),
        body: draft.body.clone(),
        attachments: Vec::new(),
        edited_at: None,
    };
    sql::insert(w, &message)?;
    sql::find(w, chat.tenant_id, message.id)?.or_not_found("message")
}

fn author(who: &Caller) -> Option<UserId> {
    (who.role != Role::Visitor).then_some(who.user)
}

/// Gives a message another text.
///
/// # Errors
/// 403 for others' messages, 404, 409 `version_conflict` or `chat_closed`.
pub fn edit(
    w: &mut Write<'_>,
    who: &Caller,
    at: (EntityId, EntityId),
    (body, based_on): (&str, Option<i64>),
) -> Result<Message> {
    let (chat, before) = own(w, who, at, based_on)?;
    let mut after = Message { body: body.to_owned(), ..before.clone() };
    if Changes::between(&before, &after)?.is_empty() {
        return Ok(before);
    }
    after.edited_at = Some(w.now);
    (after.version, after.updated_at) = (before.version + 1, w.now);
    let changes = Changes::between(&before, &after)?;
    sql::update(w, &after)?;
    let about = (&chat, &after);
    tell::of_message(w, &who.actor(), Kind::ChatMessageUpdated, about, Some(&changes))?;
    Ok(after)
}

/// Takes the text out of a message, and its files away; its number stays.
///
/// # Errors
/// As [`edit`].
pub fn remove(
    w: &mut Write<'_>,
    files: &Store,
    who: &Caller,
    at: (EntityId, EntityId),
    based_on: Option<i64>,
) -> Result<Message> {
    let (chat, before) = own(w, who, at, based_on)?;
    attachments::remove_all_of(w, files, who, attachments::Target::chat_message(before.id))?;
    let mut after = Message { body: String::new(), attachments: Vec::new(), ..before.clone() };
    (after.version, after.updated_at, after.deleted_at) = (before.version + 1, w.now, Some(w.now));
    let mut changes = Changes::between(&before, &after)?;
    changes.forget_old(&["body"]);
    sql::update(w, &after)?;
    let about = (&chat, &after);
    tell::of_message(w, &who.actor(), Kind::ChatMessageDeleted, about, Some(&changes))?;
    Ok(after)
}

/// A living message that `who` may change: its author, and supervisors, while the chat goes on.
fn own(
    w: &Write<'_>,
    who: &Caller,
    (chat, message): (EntityId, EntityId),
    based_on: Option<i64>,
) -> Result<(Chat, Message)> {
    let chat = chats::seen(w, &who.listener(), chat)?;
    let found = sql::find(w, chat.tenant_id, message)?;
    let found = found.filter(|m| m.chat_id == chat.id && m.deleted_at.is_none());
    let message = found.or_not_found("message")?;
    check_version(based_on, message.version, &message)?;
    if message.author_id != Some(who.user) && who.role < Role::Supervisor {
        return Err(Error::Forbidden("only its author and supervisors may change a message"));
    }
    if chat.is_closed() {
        return Err(closed());
    }
    Ok((chat, message))
}

/// Moves the cursor of `who` forward to a message; a cursor never goes back, and what does not move
/// it is said to nobody.
///
/// # Errors
/// 404, 422 for a number that no message has.
pub fn read(w: &mut Write<'_>, who: &Caller, chat: EntityId, number: i64) -> Result<Read> {
    let chat = chats::seen(w, &who.listener(), chat)?;
    if !(0..=chat.message_count).contains(&number) {
        let why = format!("must be 0 to {}, the last message", chat.message_count);
        return Err(Error::field("number", why));
    }
    let user_id = author(who);
    let as_read = |(number, read_at)| Read {
        chat_id: chat.id,
        tenant_id: chat.tenant_id,
        user_id,
        number,
        read_at,
    };
    let known = sql::cursor(w, (chat.id, who.user))?;
    if let Some(known) = known.filter(|(known, _)| *known >= number) {
        return Ok(as_read(known));
    }
    let read = as_read((number, w.now));
    if number > 0 {
        sql::set_cursor(w, (chat.id, who.user), &read)?;
        tell::of_read(w, &who.actor(), &chat, &read)?;
    }
    Ok(read)
}
