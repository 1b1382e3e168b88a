//! The four roles of a tenant, in ascending order of what they may do; and, below them, visitors.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What a user may do in their tenant; each role may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Nobody's account: the one chat that their token is for, and nothing else. Below all the
    /// others, so that whatever asks for a role is closed to them; and no account can have it.
    #[serde(skip_deserializing)]
    Visitor,
    /// Their own tickets, chats and public articles.
    Customer,
    /// The tenant's tickets, calls and chats, and their own state.
    Agent,
    /// Agents' states, reports, deletions, knowledge-base structure.
    Supervisor,
    /// Users, webhooks, settings.
    Admin,
}

impl Role {
    /// All roles that an account can have, ascending.
    pub const ALL: [Self; 4] = [Self::Customer, Self::Agent, Self::Supervisor, Self::Admin];

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Customer => "customer",
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Admin => "admin",
        }
    }

    /// Agents, supervisors and administrators.
    pub fn is_staff(self) -> bool {
        self >= Self::Agent
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_account_can_be_a_visitors_and_every_role_may_more_than_one() {
        assert!("visitor".parse::<Role>().is_err());
        assert!(serde_json::from_str::<Role>("\"visitor\"").is_err());
        assert!(Role::ALL.into_iter().all(|role| role > Role::Visitor));
        assert!(!Role::Visitor.is_staff());
    }
}
