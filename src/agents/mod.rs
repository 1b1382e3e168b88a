//! What agents are doing: the state they chose, since when, what a call makes of it, and what they
//! did before.
//!
//! State is not presence: a state is chosen, presence is having a connection. `on_call` and
//! `wrap_up` are made by calls ([`answered`], [`part_ended`], [`wrapped_up`]); what was chosen
//! meanwhile waits as the next state.

mod change;
mod history;
pub mod http;
mod keep;
pub mod reasons;
mod record;
pub mod settings;
mod sql;
mod state;
#[cfg(test)]
mod tests;

pub use change::{Chooser, answered, choose, left, lost, part_ended, paused, unpaused, wrapped_up};
pub use keep::keep;
pub use sql::{board, by_extension, due_wrap_ups, on_board};
pub use state::{Choice, State};

use crate::{
    auth::Role,
    id::{EntityId, UserId},
    time,
};
use record::Record;
use serde::Serialize;

/// Wrap-up time where neither the tenant nor the agent has one of their own, seconds.
pub const WRAP_UP_SECONDS: i64 = 30;

/// One agent as the board shows them. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentState {
    /// Who.
    pub user_id: UserId,
    /// Their name.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// What they are doing.
    pub state: State,
    /// Why, in a few words.
    pub reason: Option<String>,
    /// Since when.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub since: i64,
    /// Who put them there: the agent, a supervisor, a call, the connection, the PBX.
    pub source: String,
    /// What they will be doing when the call or the wrap-up is over; `null` is available.
    pub next_state: Option<State>,
    /// Why that.
    pub next_reason: Option<String>,
    /// The call they are in, or wrap up.
    pub call_id: Option<EntityId>,
    /// When the wrap-up is over.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub wrap_up_until: Option<i64>,
    /// When the time of the reason is over.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub limit_at: Option<i64>,
    /// Whether it is over.
    pub overdue: bool,
    /// How long they have after a call, 0 for no time at all.
    pub wrap_up_seconds: i64,
}

/// One agent as the rules see them.
#[derive(Debug, Clone)]
struct Agent {
    user: UserId,
    name: String,
    role: Role,
    wrap_up_seconds: i64,
    record: Record,
}

impl From<Agent> for AgentState {
    fn from(agent: Agent) -> Self {
        let Agent { user, name, role, wrap_up_seconds, record } = agent;
        let (next_state, next_reason) = match record.next {
            Some(next) => (Some(next.state), next.reason),
            None => (None, None),
        };
        Self {
            user_id: user,
            name,
            role,
            state: record.state,
            reason: record.reason,
            since: record.since,
            source: record.source,
            next_state,
            next_reason,
            call_id: record.call,
            wrap_up_until: record.wrap_up_until,
            limit_at: record.limit_at,
            overdue: record.overdue,
            wrap_up_seconds,
        }
    }
}
