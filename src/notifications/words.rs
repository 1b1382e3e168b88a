//! The words of notifications, one small function a message; names come as people wrote them.
//!
//! Where A's document has a wording it is A's. Texts are plain: whoever shows one escapes it.

use super::{Reason, Type};

/// Staff hear of a new ticket.
pub fn ticket_created(number: i64, subject: &str, author: &str) -> String {
    format!("New ticket #{number} '{subject}' from {author}")
}

/// The requester hears that staff opened a ticket for them.
pub fn ticket_opened_for_you(subject: &str) -> String {
    format!("Your ticket '{subject}' was created")
}

/// The new assignee hears of it.
pub fn ticket_assigned(subject: &str, author: &str) -> String {
    format!("Ticket '{subject}' was assigned to you by {author}")
}

/// The old assignee hears of it.
pub fn ticket_unassigned(subject: &str, author: &str) -> String {
    format!("Ticket '{subject}' was unassigned from you by {author}")
}

/// A ticket changed; followers hear it in other words than those whose ticket it is.
pub fn ticket_updated(reason: Reason) -> String {
    String::from(match reason {
        Reason::Follower => "A ticket you follow was updated",
        _ => "Your ticket was updated",
    })
}

/// A ticket was deleted.
pub fn ticket_deleted(subject: &str, author: &str) -> String {
    format!("Ticket '{subject}' was deleted by {author}")
}

/// A ticket was merged into the one with this number.
pub fn ticket_merged(subject: &str, into: i64, author: &str) -> String {
    format!("Ticket '{subject}' was merged into #{into} by {author}")
}

/// A ticket has a new public comment.
pub fn comment_on_ticket(subject: &str, author: &str) -> String {
    format!("New comment on your ticket '{subject}' by {author}")
}

/// A ticket has a new internal note.
pub fn internal_note_on_ticket(subject: &str, author: &str) -> String {
    format!("New internal note on ticket '{subject}' by {author}")
}

/// A comment was edited.
pub fn comment_updated(subject: &str, author: &str) -> String {
    format!("Comment on ticket '{subject}' was edited by {author}")
}

/// A comment was deleted.
pub fn comment_deleted(subject: &str, author: &str) -> String {
    format!("Comment on ticket '{subject}' was deleted by {author}")
}

/// A comment names the recipient.
pub fn mention(subject: &str, author: &str) -> String {
    format!("{author} mentioned you on ticket '{subject}'")
}

/// What carries a file, as its messages name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier<'a> {
    /// A ticket of this subject, or a comment on it.
    Ticket(&'a str),
    /// An article of this title.
    Article(&'a str),
}

impl Carrier<'_> {
    fn words(self) -> String {
        match self {
            Self::Ticket(subject) => format!("your ticket '{subject}'"),
            Self::Article(title) => format!("knowledge base article '{title}'"),
        }
    }
}

/// A file was added.
pub fn attachment_added(file: &str, on: Carrier<'_>, author: &str) -> String {
    format!("New attachment '{file}' on {} by {author}", on.words())
}

/// A file was renamed or replaced.
pub fn attachment_updated(file: &str, on: Carrier<'_>, author: &str) -> String {
    format!("Attachment '{file}' on {} was updated by {author}", on.words())
}

/// A file was deleted.
pub fn attachment_deleted(file: &str, on: Carrier<'_>, author: &str) -> String {
    format!("Attachment '{file}' on {} was deleted by {author}", on.words())
}

/// An account was made.
pub fn user_created(name: &str, author: &str) -> String {
    format!("User '{name}' was created by {author}")
}

/// An account changed.
pub fn user_updated(name: &str, author: &str) -> String {
    format!("User '{name}' was updated by {author}")
}

/// An account was closed.
pub fn user_deleted(name: &str, author: &str) -> String {
    format!("User '{name}' was deleted by {author}")
}

/// An article was written.
pub fn kb_article_created(title: &str, author: &str) -> String {
    format!("Knowledge base article '{title}' was created by {author}")
}

/// An article changed.
pub fn kb_article_updated(title: &str, author: &str) -> String {
    format!("Knowledge base article '{title}' was updated by {author}")
}

/// An article was deleted.
pub fn kb_article_deleted(title: &str, author: &str) -> String {
    format!("Knowledge base article '{title}' was deleted by {author}")
}

/// An article can now be read.
pub fn kb_article_published(title: &str, author: &str) -> String {
    format!("Knowledge base article '{title}' was published by {author}")
}

/// What was promised for a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// An answer.
    FirstResponse,
    /// A solution.
    Resolution,
}

impl Promise {
    fn words(self) -> &'static str {
        match self {
            Self::FirstResponse => "First response",
            Self::Resolution => "Resolution",
        }
    }
}

/// A promised time is near; `minutes` are left.
pub fn sla_warning(promise: Promise, subject: &str, minutes: i64) -> String {
    format!("{} for ticket '{subject}' is due in {minutes} min", promise.words())
}

/// A promised time has passed.
pub fn sla_breached(promise: Promise, subject: &str) -> String {
    format!("{} for ticket '{subject}' is overdue", promise.words())
}

/// Nobody answered a call, which waited so many milliseconds.
pub fn call_missed(number: &str, name: Option<&str>, wait_ms: i64) -> String {
    let seconds = wait_ms.max(0) / 1_000;
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    format!("Missed call from {number}{name} after {}:{:02}", seconds / 60, seconds % 60)
}

/// A chat is now the recipient's.
pub fn chat_assigned(customer: &str, author: &str) -> String {
    format!("Chat with {customer} was assigned to you by {author}")
}

/// A chat has a new message.
pub fn chat_message(author: &str) -> String {
    format!("New chat message from {author}")
}

/// Somebody else chose the recipient's state.
pub fn agent_state_forced(state: &str, author: &str) -> String {
    format!("Your state was set to {state} by {author}")
}

/// Somebody else chose what the recipient does after the call.
pub fn agent_next_state_forced(state: &str, author: &str) -> String {
    format!("Your state after the call was set to {state} by {author}")
}

/// An agent's reason has lasted for longer than its minutes.
pub fn agent_state_overdue(name: &str, reason: &str, minutes: i64) -> String {
    format!("{name} is over the {minutes} min of '{reason}'")
}

/// A webhook fails again and again.
pub fn webhook_failing(name: &str, times: u32) -> String {
    format!("Webhook '{name}' has failed {times} times")
}

/// A webhook works again.
pub fn webhook_recovered(name: &str) -> String {
    format!("Webhook '{name}' works again")
}

/// A webhook has failed for so long that it will soon be switched off.
pub fn webhook_warning(name: &str, percent: i64) -> String {
    format!("Webhook '{name}' only fails: {percent} % of the way to being switched off")
}

/// A delivery was tried for the last time.
pub fn webhook_exhausted(name: &str, attempts: u32) -> String {
    let times = if attempts == 1 { "attempt" } else { "attempts" };
    format!("A delivery to webhook '{name}' failed after {attempts} {times}")
}

/// The oldest that a webhook was owed has expired.
pub fn webhook_backlog(name: &str, expired: i64) -> String {
    let what = if expired == 1 { "delivery" } else { "deliveries" };
    format!("Webhook '{name}' is too far behind: {expired} {what} expired")
}

/// A webhook was switched off: because it answered so (`gone`), failed for too long (`failing`), or
/// by somebody.
pub fn webhook_disabled(name: &str, reason: Option<&str>, by: Option<&str>) -> String {
    let why = match (reason, by) {
        (Some("gone"), _) => String::from(": it answered that it is gone"),
        (Some("failing"), _) => String::from(": it has failed for five days"),
        (_, Some(person)) => format!(" by {person}"),
        _ => String::new(),
    };
    format!("Webhook '{name}' was disabled{why}")
}

/// Many changes at once, in one sentence: `count` of one kind.
pub fn summary(kind: Type, count: usize, author: &str) -> String {
    let what = match kind {
        Type::TicketCreated => "tickets were created",
        Type::TicketAssigned => "tickets were assigned to you",
        Type::TicketUnassigned => "tickets were unassigned from you",
        Type::TicketUpdated => "tickets were updated",
        Type::TicketDeleted => "tickets were deleted",
        Type::TicketMerged => "tickets were merged",
        Type::CommentOnTicket => "comments were written",
        Type::InternalNoteOnTicket => "internal notes were written",
        Type::CommentUpdated => "comments were edited",
        Type::CommentDeleted => "comments were deleted",
        Type::Mention => "comments mentioned you, written",
        Type::AttachmentAdded => "attachments were added",
        Type::AttachmentUpdated => "attachments were updated",
        Type::AttachmentDeleted => "attachments were deleted",
        Type::UserCreated => "users were created",
        Type::UserUpdated => "users were updated",
        Type::UserDeleted => "users were deleted",
        Type::KbArticleCreated => "knowledge base articles were created",
        Type::KbArticleUpdated => "knowledge base articles were updated",
        Type::KbArticleDeleted => "knowledge base articles were deleted",
        Type::KbArticlePublished => "knowledge base articles were published",
        Type::ChatAssigned => "chats were assigned to you",
        Type::ChatMessage => "chat messages were written",
        Type::SlaWarning
        | Type::SlaBreached
        | Type::CallMissed
        | Type::AgentStateForced
        | Type::AgentStateOverdue
        | Type::WebhookFailing
        | Type::WebhookDisabled => "changes were made",
    };
    format!("{count} {what} by {author}")
}

/// Why somebody is told, as the answer to "why did I get this?".
pub fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::Requester => "You are told because the ticket is yours.",
        Reason::Assignee => "You are told because it is assigned to you.",
        Reason::Follower => "You are told because you follow it.",
        Reason::Mentioned => "You are told because you were mentioned.",
        Reason::Team => "You are told because it concerns your team.",
        Reason::Administrator => "You are told because you are an administrator.",
        Reason::Supervisor => "You are told because you look after agents.",
        Reason::Subject => "You are told because it is about you.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every wording that A's document or the table of notifications fixes, to the letter.
    #[test]
    fn the_fixed_wordings_are_exact() {
        let ticket = Carrier::Ticket("Subject");
        let table = [
            (ticket_created(12, "Subject", "Author"), "New ticket #12 'Subject' from Author"),
            (ticket_opened_for_you("Subject"), "Your ticket 'Subject' was created"),
            (
                ticket_assigned("Subject", "Author"),
                "Ticket 'Subject' was assigned to you by Author",
            ),
            (ticket_updated(Reason::Requester), "Your ticket was updated"),
            (ticket_updated(Reason::Assignee), "Your ticket was updated"),
            (ticket_updated(Reason::Follower), "A ticket you follow was updated"),
            (ticket_deleted("Subject", "Author"), "Ticket 'Subject' was deleted by Author"),
            (
                comment_on_ticket("Subject", "Author"),
                "New comment on your ticket 'Subject' by Author",
            ),
            (
                internal_note_on_ticket("Subject", "Author"),
                "New internal note on ticket 'Subject' by Author",
            ),
            (
                comment_updated("Subject", "Author"),
                "Comment on ticket 'Subject' was edited by Author",
            ),
            (mention("Subject", "Author"), "Author mentioned you on ticket 'Subject'"),
            (
                attachment_added("file.pdf", ticket, "Author"),
                "New attachment 'file.pdf' on your ticket 'Subject' by Author",
            ),
            (user_created("Name", "Author"), "User 'Name' was created by Author"),
            (
                kb_article_published("Title", "Author"),
                "Knowledge base article 'Title' was published by Author",
            ),
            (
                sla_warning(Promise::FirstResponse, "Subject", 12),
                "First response for ticket 'Subject' is due in 12 min",
            ),
            (
                call_missed("+49 30 1", Some("Alice"), 42_900),
                "Missed call from +49 30 1 (Alice) after 0:42",
            ),
            (agent_state_forced("offline", "Author"), "Your state was set to offline by Author"),
            (webhook_failing("Name", 4), "Webhook 'Name' has failed 4 times"),
            (summary(Type::TicketUpdated, 12, "Author"), "12 tickets were updated by Author"),
        ];
        for (said, expected) in table {
            assert_eq!(said, expected);
        }
        assert_eq!(call_missed("1", None, 3_605_000), "Missed call from 1 after 60:05");
    }
}
