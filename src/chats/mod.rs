//! Chats: what customers, and visitors of other sites, say to staff while both are there.
//!
//! * [`Chat`] is one: `open` waits for staff, `pending` for whoever began it, `closed` is over.
//! * [`messages`] are what is said in it, and how far it was read; [`visitors`] are people without
//!   an account, who know one chat; [`settings`] is what a tenant decided about all of them.
//! * Who writes turns an open chat into a pending one and back, in the same transaction.
//!
//! Everything in an event of a chat may be seen by its customer or visitor: there is no internal
//! note in a chat, that is what its ticket is for.

mod begin;
mod change;
pub mod http;
pub mod messages;
mod rule;
pub mod settings;
mod sql;
mod tell;
mod ticket;
pub mod visitors;

pub use begin::{New, begin};
pub use change::{assign, close, mark, reopen, transfer};
pub use rule::keep;
pub use sql::{find, visible};
pub use ticket::{Asked as AskedTicket, WithTicket, ticket};

use crate::{
    error::Error,
    event::Listener,
    id::{EntityId, TenantId, UserId},
    time,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Chats of one customer that are not closed; one more is refused.
pub const OPEN_MAX: i64 = 10;

/// Longest name of a visitor, characters.
pub const NAME_MAX: usize = 100;

/// Longest e-mail address of a visitor, characters.
pub const EMAIL_MAX: usize = 254;

/// Where a chat stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Staff are to say something.
    Open,
    /// Who began it is to say something.
    Pending,
    /// It is over.
    Closed,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Pending, Self::Closed];

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Pending => "pending",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Status {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|status| status.name() == text).ok_or(())
    }
}

/// A chat, as everybody sees it who may see it at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chat {
    /// Its id.
    pub id: EntityId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Counts its changes; a message that changes nothing else about it is none.
    pub version: i64,
    /// When it began, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub created_at: i64,
    /// When it was last changed.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub updated_at: i64,
    /// Never: chats are closed, and kept.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub deleted_at: Option<i64>,
    /// Where it stands.
    pub status: Status,
    /// Who began it, or whom staff began it with; null for a visitor.
    pub customer_id: Option<UserId>,
    /// Stands where a visitor's account would; never on the wire.
    #[serde(skip)]
    pub visitor_id: Option<UserId>,
    /// What the visitor calls themselves.
    pub visitor_name: Option<String>,
    /// The address that the visitor gave; nobody has proven it.
    pub visitor_email: Option<String>,
    /// The customer's name, the visitor's, or `Visitor`.
    pub name: String,
    /// Who talks for the house.
    pub assignee_id: Option<UserId>,
    /// The team it came to.
    pub team_id: Option<EntityId>,
    /// The ticket that was made of it.
    pub ticket_id: Option<EntityId>,
    /// Messages written in it, deleted ones too: the number of the last one.
    pub message_count: i64,
    /// When the last one was written.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub last_message_at: i64,
    /// When it was closed.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub closed_at: Option<i64>,
}

impl Chat {
    /// Whom its events name: the customer, or the visitor.
    pub fn guest(&self) -> Option<UserId> {
        self.customer_id.or(self.visitor_id)
    }

    /// Whether `who` may see it: staff of its tenant, and whoever it is with.
    pub fn is_visible_to(&self, who: &Listener) -> bool {
        self.tenant_id == who.tenant && (who.role.is_staff() || self.guest() == Some(who.user))
    }

    /// Whether somebody is one of the two who talk here: whoever it is with (nobody, for a
    /// visitor), and the assignee.
    pub fn is_talked_in_by(&self, user: Option<UserId>) -> bool {
        user.is_none() || user == self.customer_id || user == self.assignee_id
    }

    /// Whether it is over.
    pub fn is_closed(&self) -> bool {
        self.status == Status::Closed
    }
}

/// Something is to happen in a chat that is over.
pub(crate) fn closed() -> Error {
    Error::conflict("chat_closed", "this chat is closed: begin another one")
}
