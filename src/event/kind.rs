//! Every kind of event that Deskbell itself can say, with who hears it by default.

use super::Audience;
use std::{fmt, sync::Arc};

macro_rules! kinds {
    ($($variant:ident $name:literal $audience:ident,)*) => {
        /// What happened. [`Kind::Custom`] is a tenant's own type (`POST /events`).
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum Kind {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
            /// A tenant's own type; its first segment is no built-in's.
            Custom(Arc<str>),
        }

        impl Kind {
            /// All built-in kinds, in the order of the catalogue.
            pub const BUILT_IN: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the wire (`ticket.updated`).
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Custom(name) => name,
                }
            }

            /// The built-in kind of that name.
            pub fn built_in(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Who hears it unless the row's visibility says otherwise. Notifications say whose
            /// they are, so here they stand under the default.
            pub fn default_audience(&self) -> Audience {
                match self {
                    $(Self::$variant => Audience::$audience,)*
                    Self::Custom(_) => Audience::Staff,
                }
            }
        }
    };
}

kinds! {
    TicketCreated "ticket.created" Participants,
    TicketUpdated "ticket.updated" Participants,
    TicketDeleted "ticket.deleted" Participants,
    TicketRestored "ticket.restored" Participants,
    TicketMerged "ticket.merged" Participants,
    TicketStatusChanged "ticket.status.changed" Participants,
    TicketAssigned "ticket.assigned" Participants,
    TicketUnassigned "ticket.unassigned" Participants,
    CommentCreated "comment.created" Staff,
    CommentUpdated "comment.updated" Staff,
    CommentDeleted "comment.deleted" Staff,
    AttachmentAdded "attachment.added" Staff,
    AttachmentUpdated "attachment.updated" Staff,
    AttachmentDeleted "attachment.deleted" Staff,
    UserCreated "user.created" Staff,
    UserUpdated "user.updated" Staff,
    UserDeleted "user.deleted" Staff,
    TeamCreated "team.created" Staff,
    TeamUpdated "team.updated" Staff,
    TeamDeleted "team.deleted" Staff,
    KbArticleCreated "kb_article.created" Staff,
    KbArticleUpdated "kb_article.updated" Staff,
    KbArticleDeleted "kb_article.deleted" Staff,
    KbArticlePublished "kb_article.published" Staff,
    KbArticleUnpublished "kb_article.unpublished" Staff,
    KbArticleArchived "kb_article.archived" Staff,
    SlaWarning "sla.warning" Staff,
    SlaBreached "sla.breached" Staff,
    SlaMet "sla.met" Staff,
    NotificationCreated "notification.created" Staff,
    NotificationRead "notification.read" Staff,
    WebhookTest "webhook.test" Staff,
    WebhookFailing "webhook.failing" Staff,
    WebhookWarning "webhook.warning" Staff,
    WebhookRecovered "webhook.recovered" Staff,
    WebhookExhausted "webhook.exhausted" Staff,
    WebhookDisabled "webhook.disabled" Staff,
    WebhookBacklog "webhook.backlog" Staff,
    AgentStateChanged "agent.state.changed" Staff,
    AgentStateOverdue "agent.state.overdue" Staff,
    CallIncoming "call.incoming" Staff,
    CallOutgoing "call.outgoing" Staff,
    CallRinging "call.ringing" Staff,
    CallOfferMissed "call.offer.missed" Staff,
    CallAnswered "call.answered" Staff,
    CallHeld "call.held" Staff,
    CallResumed "call.resumed" Staff,
    CallTransferred "call.transferred" Staff,
    CallEnded "call.ended" Staff,
    CallMissed "call.missed" Staff,
    CallAbandoned "call.abandoned" Staff,
    CallUpdated "call.updated" Staff,
    CallWrapupCompleted "call.wrapup.completed" Staff,
    ChatCreated "chat.created" Participants,
    ChatUpdated "chat.updated" Participants,
    ChatMessage "chat.message" Participants,
    ChatMessageUpdated "chat.message.updated" Participants,
    ChatMessageDeleted "chat.message.deleted" Participants,
    ChatAssigned "chat.assigned" Participants,
    ChatRead "chat.read" Participants,
    ChatClosed "chat.closed" Participants,
    ChatReopened "chat.reopened" Participants,
}

/// Longest name of a kind, bytes.
pub(super) const NAME_MAX: usize = 64;

impl Kind {
    /// Reads a kind's name as the log stores it: a built-in, else a custom one.
    pub fn from_log(name: &str) -> Self {
        Self::built_in(name).unwrap_or_else(|| Self::Custom(name.into()))
    }

    /// Whether `name` is well formed: `^[a-z][a-z0-9_]*(\.[a-z0-9_]+){1,3}$`, at most 64 bytes.
    pub fn is_well_formed(name: &str) -> bool {
        let word = |w: &str| {
            !w.is_empty()
                && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let segments = name.split('.').count();
        name.len() <= NAME_MAX
            && (2..=4).contains(&segments)
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.split('.').all(word)
    }

    /// Whether the first segment of `name` belongs to a built-in kind, so that nobody may forge it.
    pub fn is_reserved(name: &str) -> bool {
        let first = name.split('.').next();
        Self::BUILT_IN.iter().any(|kind| kind.name().split('.').next() == first)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_names_follow_the_grammar_of_the_contract() {
        for good in ["a.b", "order.paid", "shop_1.order.line.2", "x.y.z.w"] {
            assert!(Kind::is_well_formed(good), "{good}");
        }
        let long = format!("a.{}", "b".repeat(63));
        for bad in ["", "a", "a.", ".a", "a..b", "A.b", "1a.b", "a.b.c.d.e", "a b.c", "é.b", &long]
        {
            assert!(!Kind::is_well_formed(bad), "{bad}");
        }
    }

    #[test]
    fn every_built_in_name_is_well_formed_reserved_and_reads_back() {
        for kind in Kind::BUILT_IN {
            assert!(Kind::is_well_formed(kind.name()), "{kind}");
            assert!(Kind::is_reserved(kind.name()), "{kind}");
            assert_eq!(Kind::built_in(kind.name()).as_ref(), Some(kind));
        }
        assert!(Kind::is_reserved("call.fancy") && !Kind::is_reserved("order.paid"));
    }
}
