//! Telling people what concerns them. On this branch nothing is stored yet: the shapes are those
//! that the rooms call.

use crate::{
    db::Write,
    error::Result,
    event::Actor,
    id::{TenantId, UserId},
};
use serde_json::value::RawValue;

/// What a notification tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named after its word on the wire")]
pub enum Type {
    TicketCreated,
    TicketAssigned,
    TicketUnassigned,
    TicketUpdated,
    TicketDeleted,
    TicketMerged,
    CommentOnTicket,
    InternalNoteOnTicket,
    CommentUpdated,
    CommentDeleted,
    Mention,
    AttachmentAdded,
    AttachmentUpdated,
    AttachmentDeleted,
    UserCreated,
    UserUpdated,
    UserDeleted,
    KbArticleCreated,
    KbArticleUpdated,
    KbArticleDeleted,
    KbArticlePublished,
    SlaWarning,
    SlaBreached,
    CallMissed,
    ChatAssigned,
    ChatMessage,
    AgentStateForced,
    WebhookFailing,
    WebhookDisabled,
}

/// What kind of thing it speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named after its word on the wire")]
pub enum RelatedType {
    Comment,
    Ticket,
    User,
    KbArticle,
    Attachment,
    Call,
    Chat,
    Webhook,
}

/// Why somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named after its word on the wire")]
pub enum Reason {
    Requester,
    Assignee,
    Follower,
    Mentioned,
    Team,
    Administrator,
}

/// Something to be told.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Whose people are told.
    pub tenant: TenantId,
    /// What it is.
    pub kind: Type,
    /// In words.
    pub message: String,
    /// The thing's id.
    pub related_id: String,
    /// What the thing is.
    pub related_type: RelatedType,
    /// Who did it.
    pub actor: Actor,
    /// Who is told, and why.
    pub recipients: Vec<(UserId, Reason)>,
    /// Whether no customer may be told.
    pub internal: bool,
    /// The thing, whole.
    pub entity: Box<RawValue>,
    /// The event it comes from.
    pub event_seq: i64,
}

/// Tells it; answers how many were told.
///
/// # Errors
/// When the database refuses.
#[allow(clippy::needless_pass_by_value, reason = "what is told is stored whole")]
pub fn notify(_: &mut Write<'_>, _: Notice) -> Result<usize> {
    Ok(0)
}

/// Tells many things at once, with one summary for each recipient; answers how many were told.
///
/// # Errors
/// When the database refuses.
#[allow(clippy::needless_pass_by_value, reason = "what is told is stored whole")]
pub fn notify_many(_: &mut Write<'_>, _: Vec<Notice>) -> Result<usize> {
    Ok(0)
}
