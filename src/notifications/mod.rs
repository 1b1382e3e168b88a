//! Notifications: who is told about a change, in which words and why, on every way they chose.
//!
//! Rooms call [`notify`] in the transaction of the fact, right after they said the event. It stores
//! one row a recipient, says `notification.created` to each of them alone, and with that owes A's
//! body to the recipient's own webhook.

pub mod http;
mod sql;
mod tell;
#[cfg(test)]
mod tests;
pub mod words;

pub use sql::{list, unread};
pub use tell::{notify, notify_many};

use crate::{
    db::Write,
    error::{Checks, Result},
    event::Actor,
    id::{EntityId, TenantId, UserId},
    time,
    users::Prefs,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

macro_rules! named {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$variant_doc:meta])* $variant:ident $word:literal,)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {$(
            $(#[$variant_doc])*
            #[serde(rename = $word)]
            $variant,
        )*}

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word on the wire.
            pub fn name(self) -> &'static str {
                match self {$(Self::$variant => $word,)*}
            }

            /// The one of that name.
            pub fn of(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

named! {
    /// What a notification tells; each has a switch of its name in `notify_prefs`.
    Type {
        /// A ticket was opened.
        TicketCreated "ticket_created",
        /// A ticket is now the recipient's to work on.
        TicketAssigned "ticket_assigned",
        /// A ticket is no longer the recipient's to work on.
        TicketUnassigned "ticket_unassigned",
        /// A ticket changed.
        TicketUpdated "ticket_updated",
        /// A ticket was deleted.
        TicketDeleted "ticket_deleted",
        /// A ticket was merged into another one.
        TicketMerged "ticket_merged",
        /// A ticket has a new public comment.
        CommentOnTicket "comment_on_ticket",
        /// A ticket has a new internal note.
        InternalNoteOnTicket "internal_note_on_ticket",
        /// A comment was edited.
        CommentUpdated "comment_updated",
        /// A comment was deleted.
        CommentDeleted "comment_deleted",
        /// A comment names the recipient.
        Mention "mention",
        /// A file was added.
        AttachmentAdded "attachment_added",
        /// A file was renamed.
        AttachmentUpdated "attachment_updated",
        /// A file was deleted.
        AttachmentDeleted "attachment_deleted",
        /// An account was made.
        UserCreated "user_created",
        /// An account changed.
        UserUpdated "user_updated",
        /// An account was closed.
        UserDeleted "user_deleted",
        /// An article was written.
        KbArticleCreated "kb_article_created",
        /// An article changed.
        KbArticleUpdated "kb_article_updated",
        /// An article was deleted.
        KbArticleDeleted "kb_article_deleted",
        /// An article can now be read.
        KbArticlePublished "kb_article_published",
        /// A promised time is near.
        SlaWarning "sla_warning",
        /// A promised time has passed.
        SlaBreached "sla_breached",
        /// Nobody answered a call.
        CallMissed "call_missed",
        /// A chat is now the recipient's.
        ChatAssigned "chat_assigned",
        /// A chat has a new message.
        ChatMessage "chat_message",
        /// Somebody else chose the recipient's state.
        AgentStateForced "agent_state_forced",
        /// An agent's reason has lasted for too long.
        AgentStateOverdue "agent_state_overdue",
        /// A webhook fails again and again.
        WebhookFailing "webhook_failing",
        /// A webhook was switched off.
        WebhookDisabled "webhook_disabled",
    }
}

named! {
    /// What kind of thing a notification speaks of (`related_type`).
    RelatedType {
        /// A comment on a ticket.
        Comment "comment",
        /// A ticket.
        Ticket "ticket",
        /// An account.
        User "user",
        /// An article of the knowledge base.
        KbArticle "kb_article",
        /// A file.
        Attachment "attachment",
        /// A call.
        Call "call",
        /// A chat.
        Chat "chat",
        /// A webhook.
        Webhook "webhook",
    }
}

named! {
    /// Why somebody is told.
    Reason {
        /// The ticket is theirs.
        Requester "requester",
        /// The ticket, call or chat is theirs to work on.
        Assignee "assignee",
        /// They follow it.
        Follower "follower",
        /// They were named in it.
        Mentioned "mentioned",
        /// It concerns their team, or all staff where there is none.
        Team "team",
        /// They administer the tenant.
        Administrator "administrator",
        /// They look after agents.
        Supervisor "supervisor",
        /// It is about them.
        Subject "subject",
    }
}

/// Something to tell people, as the room that knows the fact puts it.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Whose it is.
    pub tenant: TenantId,
    /// What it tells.
    pub kind: Type,
    /// In which words (`words` has A's).
    pub message: String,
    /// The entity it speaks of.
    pub related_id: String,
    /// What kind of entity that is.
    pub related_type: RelatedType,
    /// Who did it; never told about it, unless they want that.
    pub actor: Actor,
    /// Who is told, and why; the first reason of a person counts.
    pub recipients: Vec<(UserId, Reason)>,
    /// Whether no customer may know of it.
    pub internal: bool,
    /// The whole entity, without the fields that only staff may see.
    pub entity: Box<RawValue>,
    /// The event that caused it.
    pub event_seq: i64,
}

/// What somebody was told, as they see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// Its id.
    pub id: EntityId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// 1, and 2 once it is read.
    pub version: i64,
    /// When it was made, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub created_at: i64,
    /// When it was made or read, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub updated_at: i64,
    /// When it was removed; only ever set on the one just removed.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub deleted_at: Option<i64>,
    /// Who was told.
    pub user_id: UserId,
    /// What it tells.
    #[serde(rename = "type")]
    pub kind: Type,
    /// In which words.
    pub message: String,
    /// The entity it speaks of.
    pub related_id: String,
    /// What kind of entity that is.
    pub related_type: RelatedType,
    /// Who did it, where it was a person.
    pub actor_id: Option<UserId>,
    /// What that person is called.
    pub actor_name: Option<String>,
    /// Why they were told.
    pub reason: Reason,
    /// The same in a sentence.
    pub why: &'static str,
    /// The event that caused it.
    pub event_seq: i64,
    /// When it was read, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub read_at: Option<i64>,
}

/// The choice in `notify_prefs` to be told what one did oneself. Setting a `webhook_url` turns it
/// on: A's script counts what its own changes ring.
pub const OWN_ACTIONS: &str = "own_actions";

/// Checks choices: `own_actions`, off unless chosen, and one switch a type, on unless chosen.
///
/// # Errors
/// 422 naming each choice that there is not.
pub fn check_prefs(prefs: &Prefs) -> Result<()> {
    let mut checks = Checks::new();
    for name in prefs.keys().filter(|name| *name != OWN_ACTIONS && Type::of(name).is_none()) {
        let words: Vec<_> = Type::ALL.iter().map(|kind| kind.name()).collect();
        checks.fail(
            format!("notify_prefs.{name}"),
            format!("is no choice; there are {OWN_ACTIONS}, {}", words.join(", ")),
        );
    }
    checks.done()
}

/// Forgets all that somebody was told, in the log too: they left, or may no longer know it.
///
/// # Errors
/// When the database refuses.
pub fn forget(w: &Write<'_>, tenant: TenantId, user: UserId) -> Result<()> {
    sql::forget(w, tenant, user)
}
