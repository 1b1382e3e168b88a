//! What is said on tickets: public comments, and internal notes that only staff see.
//!
//! Whether a comment is public is fixed when it is written. A note touches nothing that a customer
//! can see: neither the ticket, nor a count, nor an event, nor a search.

mod change;
pub mod http;
mod sql;
mod tell;
#[cfg(test)]
pub(crate) mod tests;

pub use change::{create, edit, index_anew, remove, text_changed};
pub use sql::{list, place, visible};

use crate::{
    auth::Role,
    error::{Checks, Error, Result},
    http::Caller,
    id::{EntityId, TenantId, UserId},
    tickets::{Ticket, Visibility},
    time,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Longest comment, bytes.
pub const BODY_MAX: usize = 64 << 10;

/// Most people that one comment mentions.
pub const MENTIONS_MAX: usize = 50;

/// How the body is to be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// As it stands.
    #[default]
    Text,
    /// As Markdown; it is stored as it was written, and never as HTML.
    Markdown,
}

impl Format {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
        }
    }
}

impl FromStr for Format {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Text, Self::Markdown].into_iter().find(|format| format.name() == text).ok_or(())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A comment, as everybody sees it who may see it at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comment {
    /// Its place in the order of writing; never on the wire, where its gaps would tell of notes.
    #[serde(skip)]
    pub rid: i64,
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
    /// When it was deleted.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub deleted_at: Option<i64>,
    /// The ticket it stands on.
    pub ticket_id: EntityId,
    /// Who wrote it.
    pub author_id: UserId,
    /// Their name as it is now.
    pub author_name: String,
    /// What it says.
    pub body: String,
    /// How that is to be read.
    pub format: Format,
    /// Who may see it.
    pub visibility: Visibility,
    /// Who is addressed in it.
    pub mentions: Vec<UserId>,
    /// Its files, in the order in which they came.
    pub attachments: Vec<EntityId>,
    /// When its text was last changed.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub edited_at: Option<i64>,
}

impl Comment {
    /// Whether only staff may see it.
    pub fn is_internal(&self) -> bool {
        self.visibility == Visibility::Internal
    }

    /// Whether somebody who can see it may change it: its author, as a customer only until the
    /// ticket is closed; and supervisors.
    ///
    /// # Errors
    /// 403, and 409 `ticket_closed`.
    pub fn may_be_changed_by(&self, who: &Caller, ticket: &Ticket) -> Result<()> {
        if self.author_id != who.user && who.role < Role::Supervisor {
            return Err(Error::Forbidden("only its author and supervisors may change a comment"));
        }
        if !who.role.is_staff() && ticket.is_closed() {
            return Err(closed());
        }
        Ok(())
    }
}

/// A customer wants to change something on a ticket that is over.
pub(crate) fn closed() -> Error {
    Error::conflict("ticket_closed", "this ticket is closed: open a new one that refers to it")
}

/// A comment to be written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// What it says.
    pub body: String,
    /// Who may see it; public unless said, and always when a customer writes it.
    pub visibility: Option<Visibility>,
    /// How the body is to be read; text unless said.
    pub format: Option<Format>,
    /// Who is addressed in it.
    #[serde(default)]
    pub mentions: Vec<UserId>,
}

impl New {
    /// Checks every field.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    pub fn checked(mut self) -> Result<Self> {
        let mut checks = Checks::new();
        check_body(&mut checks, &self.body);
        check_mentions(&mut checks, &mut self.mentions);
        checks.done()?;
        Ok(self)
    }
}

/// What is to be changed about a comment; what is left out stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Another text.
    pub body: Option<String>,
    /// Another way to read it.
    pub format: Option<Format>,
    /// Other people who are addressed in it.
    pub mentions: Option<Vec<UserId>>,
    /// The version the change was made from.
    pub version: Option<i64>,
}

impl Edit {
    /// Checks every field.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    pub fn checked(mut self) -> Result<Self> {
        let mut checks = Checks::new();
        if let Some(body) = &self.body {
            check_body(&mut checks, body);
        }
        if let Some(mentions) = &mut self.mentions {
            check_mentions(&mut checks, mentions);
        }
        checks.done()?;
        Ok(self)
    }

    fn applied_to(&self, comment: &Comment) -> Comment {
        let mut comment = comment.clone();
        comment.body = self.body.clone().unwrap_or(comment.body);
        comment.format = self.format.unwrap_or(comment.format);
        comment.mentions = self.mentions.clone().unwrap_or(comment.mentions);
        comment
    }
}

fn check_body(checks: &mut Checks, body: &str) {
    checks.check(!body.trim().is_empty(), "body", "must not be empty");
    checks.check(body.len() <= BODY_MAX, "body", "must have at most 65536 bytes");
    checks.check(!body.contains('\0'), "body", "must not contain the character NUL");
}

fn check_mentions(checks: &mut Checks, mentions: &mut Vec<UserId>) {
    let mut seen = std::collections::HashSet::new();
    mentions.retain(|user| seen.insert(*user));
    if mentions.len() > MENTIONS_MAX {
        checks.fail("mentions", format!("must be at most {MENTIONS_MAX} people"));
    }
}
