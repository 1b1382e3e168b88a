//! What is said of a chat: its events, and who is told in what words.

use super::{
    Chat,
    messages::{Message, Read, sql as messages},
};
use crate::{
    db::{Say, Write},
    error::{Error, Result},
    event::{Actor, Audience, Kind, changes::Changes},
    id::UserId,
    notifications::{self, Notice, Reason, RelatedType, Type, words},
    teams,
};
use serde::Serialize;
use serde_json::value::to_raw_value;

/// Says `kind` to staff and whoever the chat is with; answers its `seq`.
fn say(
    w: &mut Write<'_>,
    actor: &Actor,
    kind: Kind,
    (chat, data): (&Chat, &impl Serialize),
    changes: Option<&Changes>,
) -> Result<i64> {
    let mut say = Say::new(chat.tenant_id, kind, data)?
        .by(actor.clone())
        .named(chat.guest().into_iter().collect())
        .subject(chat.id);
    if let Some(changes) = changes {
        say = say.changes(changes)?;
    }
    Ok(w.say(say)?.seq)
}

/// Says something of the chat itself.
pub(super) fn of_chat(
    w: &mut Write<'_>,
    actor: &Actor,
    kind: Kind,
    chat: &Chat,
    changes: Option<&Changes>,
) -> Result<i64> {
    say(w, actor, kind, (chat, chat), changes)
}

/// Says something of one of its messages.
pub(super) fn of_message(
    w: &mut Write<'_>,
    actor: &Actor,
    kind: Kind,
    (chat, message): (&Chat, &Message),
    changes: Option<&Changes>,
) -> Result<i64> {
    say(w, actor, kind, (chat, message), changes)
}

/// Says how far somebody has read: to both sides what those did who talk, and among staff what the
/// others did, whom the customer does not know.
pub(super) fn of_read(w: &mut Write<'_>, actor: &Actor, chat: &Chat, read: &Read) -> Result<()> {
    let mut say =
        Say::new(chat.tenant_id, Kind::ChatRead, read)?.by(actor.clone()).subject(chat.id);
    say = if chat.is_talked_in_by(read.user_id) {
        say.named(chat.guest().into_iter().collect())
    } else {
        say.audience(Audience::Staff)
    };
    w.say(say).map(|_| ())
}

/// Tells the new assignee that the chat is theirs.
pub(super) fn assigned(w: &mut Write<'_>, actor: &Actor, chat: &Chat, seq: i64) -> Result<()> {
    let recipients = chat.assignee_id.map(|user| (user, Reason::Assignee)).into_iter().collect();
    let message = words::chat_assigned(&chat.name, &actor.name);
    notify(w, actor, (Type::ChatAssigned, message), (chat, chat, seq), recipients)
}

/// Tells of a message whoever it is for: who talks for the house, the team where nobody does yet,
/// the customer. Who has not read an earlier one was told of that, and is told no more until they
/// have: a chat is not a hundred notifications.
pub(super) fn written(
    w: &mut Write<'_>,
    actor: &Actor,
    (chat, message): (&Chat, &Message),
    seq: i64,
) -> Result<()> {
    let mut recipients: Vec<(UserId, Reason)> = Vec::new();
    if message.author_kind.is_staff() {
        recipients.extend(chat.customer_id.map(|user| (user, Reason::Requester)));
    } else if let Some(assignee) = chat.assignee_id {
        recipients.push((assignee, Reason::Assignee));
    } else if let Some(team) = chat.team_id {
        let members = teams::members(w, chat.tenant_id, team)?.unwrap_or_default();
        recipients.extend(members.into_iter().map(|user| (user, Reason::Team)));
    }
    let mut told = Vec::with_capacity(recipients.len());
    for (user, reason) in recipients {
        if !messages::has_unread_before(w, (chat.id, user), message.number)? {
            told.push((user, reason));
        }
    }
    let text = words::chat_message(&message.author_name);
    notify(w, actor, (Type::ChatMessage, text), (chat, message, seq), told)
}

fn notify(
    w: &mut Write<'_>,
    actor: &Actor,
    (kind, message): (Type, String),
    (chat, entity, event_seq): (&Chat, &impl Serialize, i64),
    recipients: Vec<(UserId, Reason)>,
) -> Result<()> {
    if recipients.is_empty() {
        return Ok(());
    }
    let notice = Notice {
        tenant: chat.tenant_id,
        kind,
        message,
        related_id: chat.id.to_string(),
        related_type: RelatedType::Chat,
        actor: actor.clone(),
        recipients,
        internal: false,
        entity: to_raw_value(entity).map_err(Error::internal)?,
        event_seq,
    };
    notifications::notify(w, notice).map(|_| ())
}
