//! What files hang on: it decides who sees them, who is told of them, and who may change them.

use super::{Attachment, FILES_MAX};
use crate::{
    articles::Article,
    auth::Role,
    chats::{self, Chat, messages::Message},
    comments::Comment,
    error::{Error, Result},
    event::Audience,
    http::Caller,
    id::{EntityId, UserId},
    notifications::Reason,
    tickets::{Participants, Ticket},
};
use serde::Serialize;
use std::str::FromStr;

/// The kinds of things that files hang on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParentType {
    /// A ticket.
    Ticket,
    /// A comment on a ticket.
    Comment,
    /// An article of the knowledge base.
    KbArticle,
    /// A message in a chat.
    ChatMessage,
}

impl ParentType {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Comment => "comment",
            Self::KbArticle => "kb_article",
            Self::ChatMessage => "chat_message",
        }
    }
}

impl FromStr for ParentType {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Ticket, Self::Comment, Self::KbArticle, Self::ChatMessage];
        all.into_iter().find(|kind| kind.name() == text).ok_or(())
    }
}

/// One thing that files hang on, by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Target {
    /// What it is.
    pub kind: ParentType,
    /// Which.
    pub id: EntityId,
}

impl Target {
    /// A ticket.
    pub fn ticket(id: EntityId) -> Self {
        Self { kind: ParentType::Ticket, id }
    }

    /// A comment.
    pub fn comment(id: EntityId) -> Self {
        Self { kind: ParentType::Comment, id }
    }

    /// An article.
    pub fn article(id: EntityId) -> Self {
        Self { kind: ParentType::KbArticle, id }
    }

    /// A message in a chat.
    pub fn chat_message(id: EntityId) -> Self {
        Self { kind: ParentType::ChatMessage, id }
    }

    /// How messages and 404 name it.
    pub fn word(self) -> &'static str {
        match self.kind {
            ParentType::Ticket => "ticket",
            ParentType::Comment => "comment",
            ParentType::KbArticle => "article",
            ParentType::ChatMessage => "message",
        }
    }
}

/// One thing that files hang on, with what it means for them.
#[derive(Debug, Clone)]
pub struct Parent {
    /// Which.
    pub target: Target,
    /// The subject of the ticket, or the title of the article.
    pub title: String,
    /// The ticket behind it.
    pub ticket: Option<EntityId>,
    /// The chat behind it.
    pub chat: Option<EntityId>,
    /// Who hears of its files.
    pub audience: Audience,
    /// The customers whom events about its files name.
    pub named: Vec<UserId>,
    /// Who is told of its files.
    pub recipients: Vec<(UserId, Reason)>,
    /// Who alone adds files to it, beside supervisors.
    pub owner: Option<UserId>,
    /// Whether its ticket or chat is closed: then its customers change nothing any more.
    pub is_closed: bool,
}

impl Parent {
    pub(super) fn of_ticket(ticket: &Ticket, people: &Participants) -> Self {
        let requester = [(people.requester, Reason::Requester)];
        let assignee = people.assignee.map(|user| (user, Reason::Assignee));
        let followers = people.followers.iter().map(|user| (*user, Reason::Follower));
        Self {
            target: Target::ticket(ticket.id),
            title: ticket.subject.clone(),
            ticket: Some(ticket.id),
            chat: None,
            audience: Audience::Participants,
            named: people.customers.clone(),
            recipients: requester.into_iter().chain(assignee).chain(followers).collect(),
            owner: None,
            is_closed: ticket.is_closed(),
        }
    }

    pub(super) fn of_comment(comment: &Comment, ticket: &Ticket, people: &Participants) -> Self {
        let mut parent = Self {
            target: Target::comment(comment.id),
            owner: Some(comment.author_id),
            ..Self::of_ticket(ticket, people)
        };
        if comment.is_internal() {
            let assignee = people.assignee.map(|user| (user, Reason::Assignee));
            let followers = people.staff_followers.iter().map(|user| (*user, Reason::Follower));
            parent.audience = Audience::Staff;
            parent.named = Vec::new();
            parent.recipients = assignee.into_iter().chain(followers).collect();
        }
        let mentioned = comment.mentions.iter().map(|user| (*user, Reason::Mentioned));
        parent.recipients.extend(mentioned);
        parent
    }

    pub(super) fn of_article(article: &Article, staff: Vec<UserId>) -> Self {
        let audience = if article.is_public() { Audience::Everyone } else { Audience::Staff };
        Self {
            target: Target::article(article.id),
            title: article.title.clone(),
            ticket: None,
            chat: None,
            audience,
            named: Vec::new(),
            recipients: staff.into_iter().map(|user| (user, Reason::Team)).collect(),
            owner: None,
            is_closed: false,
        }
    }

    /// Nobody is told of a file in a chat: they see it, or are told of its message.
    pub(super) fn of_message(message: &Message, chat: &Chat) -> Self {
        Self {
            target: Target::chat_message(message.id),
            title: chat.name.clone(),
            ticket: None,
            chat: Some(chat.id),
            audience: Audience::Participants,
            named: chat.guest().into_iter().collect(),
            recipients: Vec::new(),
            owner: message.author_id,
            is_closed: chat.is_closed(),
        }
    }

    /// Whether only staff may know of its files.
    pub fn is_internal(&self) -> bool {
        self.audience == Audience::Staff
    }

    /// Whether somebody who can see it may add a file to it, which has `count` files already.
    ///
    /// # Errors
    /// 403, and 409 `ticket_closed` or `too_many_attachments`.
    pub fn may_take_one_more(&self, who: &Caller, count: usize) -> Result<()> {
        let owns = self.owner.is_none_or(|owner| owner == who.user);
        if !owns && who.role < Role::Supervisor {
            return Err(Error::Forbidden("only its author and supervisors may add files to it"));
        }
        if self.target.kind == ParentType::KbArticle && !who.role.is_staff() {
            return Err(Error::Forbidden("only staff may add files to articles"));
        }
        self.not_over_for(who)?;
        if count >= FILES_MAX {
            let message = format!("it has {FILES_MAX} files already, and no more are kept");
            return Err(Error::conflict("too_many_attachments", message));
        }
        Ok(())
    }

    /// Whether somebody who can see it may change or delete one of its files.
    ///
    /// # Errors
    /// 403, and 409 `ticket_closed`.
    pub fn may_change(&self, who: &Caller, file: &Attachment) -> Result<()> {
        if file.uploaded_by != who.user && who.role < Role::Supervisor {
            return Err(Error::Forbidden("only who added it and supervisors may change a file"));
        }
        self.not_over_for(who)
    }

    fn not_over_for(&self, who: &Caller) -> Result<()> {
        match self.chat {
            _ if !self.is_closed || who.role.is_staff() => Ok(()),
            Some(_) => Err(chats::closed()),
            None => Err(crate::comments::closed()),
        }
    }
}
