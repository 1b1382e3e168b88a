//! Notifications: who is told about a change, in which words and why, on every way they chose.
//!
//! Rooms call [`notify`] in the transaction of the fact, right after they said the event. It stores
//! one row a recipient, says `notification.created` to each of them alone, and with that owes A's
//! body to the recipient's own webhook.

use crate::{
    db::Write,
    error::Result,
    event::Actor,
    id::{TenantId, UserId},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $word:literal,)* }) => {
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
        }
    };
}

words! {
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
        /// A webhook fails again and again.
        WebhookFailing "webhook_failing",
        /// A webhook was switched off.
        WebhookDisabled "webhook_disabled",
    }
}

words! {
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

words! {
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
        /// It is about them.
        Subject "subject",
    }
}

/// Something to tell people, as the room that knows the fact puts it.
#[derive(Debug)]
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

/// Tells each recipient once about the event. Returns how many were told.
///
/// # Errors
/// When the database refuses; the job should then fail as a whole.
pub fn notify(w: &mut Write<'_>, notice: Notice) -> Result<usize> {
    notify_many(w, vec![notice])
}

/// Tells about many changes made at once: whoever would hear of more than one gets a single
/// summary. Returns how many people were told.
///
/// # Errors
/// When the database refuses; the job should then fail as a whole.
#[allow(clippy::needless_pass_by_value, reason = "the callers have no use for it afterwards")]
pub fn notify_many(_w: &mut Write<'_>, notices: Vec<Notice>) -> Result<usize> {
    Ok(notices.iter().map(|notice| notice.recipients.len()).sum())
}
