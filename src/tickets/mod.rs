//! Tickets: what customers ask for, who works on it, and where it stands.
//!
//! * [`Ticket`] is one, [`New`] opens one, [`Edit`] changes one; [`create`], [`change()`],
//!   [`remove`], [`restore`], [`reopen`] and [`merge`] do so in one transaction with their events,
//!   notifications, text index and clocks.
//! * [`comment_added`] and [`comment_removed`] are for the room of comments: they keep what a
//!   ticket knows of its comments, and tell when it takes none.
//! * [`visible`] and [`participants`] are the two questions every room asks: may they see it, and
//!   who is on it.
//! * [`list`] finds tickets, [`sla`] watches the clock over them, [`kept`] holds what staff keep
//!   for their work: macros, views, calendars and policies.

mod assign;
mod bulk;
mod change;
mod comments;
mod edit;
pub mod http;
pub mod kept;
pub mod list;
mod people;
mod rules;
pub mod sla;
mod sql;
mod tell;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod ticket;
mod words;

pub use bulk::{Bulk, Failed, Outcome};
pub use change::{change, create, remove, reopen, restore};
pub use comments::{comment_added, comment_removed, touched};
pub use edit::{Edit, New};
pub use people::{follow, merge};
pub use sql::{find, id_of, participants, visible};
pub use tell::text_changed;
pub use ticket::{Shown, StaffFields, Ticket, WithStaffFields};
pub use words::{Channel, Moment, Priority, Status, Visibility};

use crate::{
    auth::Role,
    event::Actor,
    http::{Caller, Via},
    id::{EntityId, TenantId, UserId},
};
use serde::{Deserialize, Deserializer, de::Error as _};

/// Who has a hand in a change.
#[derive(Debug, Clone)]
pub struct Hand {
    /// The tenant whose tickets it reaches.
    pub tenant: TenantId,
    /// The person, or the maker of a program's token; nobody for the system.
    pub user: Option<UserId>,
    /// What they are. Programs and the system are staff.
    pub role: Role,
    /// As the one who did it.
    pub actor: Actor,
    /// How what they open comes in, unless they say otherwise.
    pub channel: Channel,
}

impl Hand {
    /// A caller's.
    pub fn of(caller: &Caller) -> Self {
        let channel = if caller.via == Via::Cookie { Channel::Web } else { Channel::Api };
        Self {
            tenant: caller.tenant,
            user: Some(caller.user),
            role: caller.role,
            actor: caller.actor(),
            channel,
        }
    }

    /// The server's own.
    pub fn of_system(tenant: TenantId) -> Self {
        Self {
            tenant,
            user: None,
            role: Role::Supervisor,
            actor: Actor::system(),
            channel: Channel::Api,
        }
    }

    /// Whether it is staff's, a program's or the system's.
    pub fn is_staff(&self) -> bool {
        self.role.is_staff()
    }

    /// Whether it may see a ticket.
    pub fn sees(&self, ticket: &Ticket) -> bool {
        ticket.tenant_id == self.tenant
            && ticket.deleted_at.is_none()
            && (self.is_staff() || self.user.is_some_and(|user| ticket.is_of_customer(user)))
    }
}

/// A ticket as a path names it: by its id or by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// By its id.
    Id(EntityId),
    /// By its number in the tenant.
    Number(i64),
}

impl<'de> Deserialize<'de> for Which {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let number = text.parse().ok().filter(|number| *number > 0).map(Self::Number);
        let id = || text.parse().ok().map(Self::Id);
        number.or_else(id).ok_or_else(|| D::Error::custom("must be a ticket's id or number"))
    }
}

/// Who is on a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participants {
    /// Whose matter it is.
    pub requester: UserId,
    /// Who works on it.
    pub assignee: Option<UserId>,
    /// Who else wants to know.
    pub followers: Vec<UserId>,
    /// The followers who are staff: they may be told of internal notes.
    pub staff_followers: Vec<UserId>,
    /// The customers whom its public events name: the requester, and followers who are customers.
    pub customers: Vec<UserId>,
}
