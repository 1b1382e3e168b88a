//! Calls: who rings, who answers, how long it took, and what came of it.
//!
//! * [`Signal`] is one thing that a telephone system said; [`hear`] takes it, in any order, late or
//!   twice. [`snapshot`] ends the calls whose channel is gone. Adapters know no more than these.
//! * [`machine`] works out from all that was said where a call stands: pure, and the same for the
//!   same steps.
//! * What people do by REST ([`steps`]) is judged first, and then heard like everything else.

mod change;
pub mod http;
mod keeper;
pub mod list;
pub mod machine;
mod number;
mod queues;
mod sql;
pub mod steps;
mod tell;
#[cfg(test)]
mod tests;
mod tickets;

pub use change::{hear, snapshot};
pub use keeper::keep;
pub use machine::{Direction, Heard, Status, Step, Target};
pub use queues::{Queue, queues, queues_since};
pub use tell::{Customer, RecentTicket, words_of};

use crate::{
    id::{EntityId, TenantId, UserId},
    time,
};
use machine::{Move, Offer};
use serde::Serialize;

/// One call, as staff see it and as events carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// Its place in the order in which calls were first heard of; never on the wire.
    #[serde(skip)]
    pub rid: i64,
    /// Its id.
    pub id: EntityId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Counts its changes.
    pub version: i64,
    /// When it was first heard of, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub created_at: i64,
    /// When something about it last changed.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub updated_at: i64,
    /// Always null: calls are not deleted.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub deleted_at: Option<i64>,
    /// Who speaks of it: `api`, `cti`, `ami:<name>`.
    pub source: String,
    /// That one's name for it.
    pub external_id: Option<String>,
    /// Who called whom.
    pub direction: Direction,
    /// Where it stands.
    pub status: Status,
    /// The caller's number.
    pub from_number: Option<String>,
    /// The name that came with it.
    pub from_name: Option<String>,
    /// The number that was called.
    pub to_number: Option<String>,
    /// The last queue that it waited in.
    pub queue: Option<String>,
    /// Who is offered it, has it, or had it last.
    pub agent_id: Option<UserId>,
    /// Whose number the other side's is.
    pub customer_id: Option<UserId>,
    /// What came of it.
    pub ticket_id: Option<EntityId>,
    /// When it began, by the telephone's clock.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub started_at: i64,
    /// When the first telephone rang.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub ringing_at: Option<i64>,
    /// When it was first answered.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub answered_at: Option<i64>,
    /// Since when somebody waits for an agent.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub waiting_since: Option<i64>,
    /// Since when the caller hears music.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub held_since: Option<i64>,
    /// When it was over.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub ended_at: Option<i64>,
    /// How it ended: `answered`, `abandoned`, `missed`, `no_answer`, `unknown`, or the telephone's
    /// own word.
    pub result: Option<String>,
    /// From the beginning to the first answer, or to the end, milliseconds.
    pub wait_ms: Option<i64>,
    /// From the first answer to the end, without the time on hold, milliseconds.
    pub talk_ms: Option<i64>,
    /// On hold, milliseconds.
    pub hold_ms: Option<i64>,
    /// What it was about, in a word.
    pub disposition: Option<String>,
    /// What is to be remembered of it.
    pub note: Option<String>,
}

/// One thing a telephone system said about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Who says it: `ami:<name>`, `cti`.
    pub source: String,
    /// That one's name for the call.
    pub external_id: String,
    /// When, by its clock if it has one, milliseconds since the Unix epoch.
    pub at: i64,
    /// What.
    pub what: Heard,
}

/// What became of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heeded {
    /// The call it was about.
    pub call: EntityId,
    /// Whether it was heard for the first time. One that repeats another changes nothing.
    pub is_new: bool,
}

/// One agent's part of a call. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartShown {
    /// Whose.
    pub agent_id: UserId,
    /// Since when they had it.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub started_at: i64,
    /// Until when.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub ended_at: Option<i64>,
    /// Until when they may write it up; none where they have no time for that.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub wrap_up_until: Option<i64>,
    /// When they were done with that.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub wrapped_up_at: Option<i64>,
}

/// A call with everything that is known about it.
#[derive(Debug, Clone, Serialize)]
pub struct Detail {
    #[serde(flatten)]
    call: Call,
    customer: Option<Customer>,
    recent_tickets: Vec<RecentTicket>,
    offers: Vec<Offer>,
    parts: Vec<PartShown>,
    transfers: Vec<Move>,
}
