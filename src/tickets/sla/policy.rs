//! What is promised to whom: a policy's conditions and its minutes for each priority.

use super::{
    clock::{Promise, Target},
    sql,
};
use crate::{
    db::Write,
    error::{Checks, Error, Result},
    id::{EntityId, TenantId},
    tickets::{ticket::Ticket, words::Priority},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest promise, minutes: a year.
const MINUTES_MAX: i64 = 366 * 24 * 60;

/// Most priorities, teams or tags of a condition.
const CONDITIONS_MAX: usize = 50;

/// Which tickets a policy is for. An empty list leaves none out; of a list one must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Conditions {
    /// Priorities.
    pub priority: Vec<Priority>,
    /// Teams.
    pub team_id: Vec<EntityId>,
    /// Tags.
    pub tags: Vec<String>,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What it is called.
    pub name: String,
    /// Policies are tried from the lowest on; the first one that fits applies.
    #[serde(default)]
    pub position: i64,
    /// Whether it is tried at all.
    #[serde(default = "yes")]
    pub is_active: bool,
    /// Which tickets it is for.
    #[serde(default)]
    pub conditions: Conditions,
    /// Minutes until the first public answer, by priority.
    #[serde(default)]
    pub first_response_minutes: BTreeMap<Priority, i64>,
    /// Minutes until the solution, by priority.
    #[serde(default)]
    pub resolution_minutes: BTreeMap<Priority, i64>,
    /// The working time they are counted in; all time without one.
    pub calendar_id: Option<EntityId>,
}

fn yes() -> bool {
    true
}

impl Policy {
    /// Checks every field.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    pub fn checked(mut self) -> Result<Self> {
        let mut checks = Checks::new();
        self.name = super::name(&mut checks, &self.name);
        let lists = &self.conditions;
        let most = lists.priority.len().max(lists.team_id.len()).max(lists.tags.len());
        checks.check(most <= CONDITIONS_MAX, "conditions", "must be at most 50 of a kind");
        let promises = [
            ("first_response_minutes", &self.first_response_minutes),
            ("resolution_minutes", &self.resolution_minutes),
        ];
        for (field, minutes) in promises {
            for (priority, minutes) in minutes {
                let good = (1..=MINUTES_MAX).contains(minutes);
                checks.check(good, &format!("{field}.{priority}"), "must be 1 to 527040 minutes");
            }
        }
        let none = promises.iter().all(|(_, minutes)| minutes.is_empty());
        checks.check(
            !none,
            "first_response_minutes",
            "or resolution_minutes must promise something",
        );
        checks.done()?;
        Ok(self)
    }

    /// Checks that the calendar is one of the tenant's.
    ///
    /// # Errors
    /// 422.
    pub(in crate::tickets) fn check_calendar(&self, w: &Write<'_>, tenant: TenantId) -> Result<()> {
        match self.calendar_id {
            Some(id) if sql::calendar(w, tenant, id)?.is_none() => {
                Err(Error::field("calendar_id", "is no calendar here"))
            }
            _ => Ok(()),
        }
    }

    /// Whether it is for this ticket.
    fn fits(&self, ticket: &Ticket) -> bool {
        let Conditions { priority, team_id, tags } = &self.conditions;
        self.is_active
            && (priority.is_empty() || priority.contains(&ticket.priority))
            && (team_id.is_empty() || ticket.team_id.is_some_and(|team| team_id.contains(&team)))
            && (tags.is_empty() || tags.iter().any(|tag| ticket.tags.contains(tag)))
    }

    /// What it promises for one target of a ticket.
    pub(super) fn promise(
        &self,
        policy_id: EntityId,
        target: Target,
        ticket: &Ticket,
    ) -> Option<Promise> {
        let minutes = match target {
            Target::FirstResponse => &self.first_response_minutes,
            Target::Resolution => &self.resolution_minutes,
        };
        Some(Promise {
            policy_id,
            policy_name: self.name.clone(),
            calendar_id: self.calendar_id,
            minutes: *minutes.get(&ticket.priority)?,
        })
    }
}

/// The policy that applies to a ticket.
pub(super) fn for_ticket(w: &Write<'_>, ticket: &Ticket) -> Result<Option<(EntityId, Policy)>> {
    let mut policies = sql::policies(w, ticket.tenant_id)?;
    policies.sort_by_key(|(id, policy)| (policy.position, *id));
    Ok(policies.into_iter().find(|(_, policy)| policy.fits(ticket)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::testing::a_ticket;
    use serde_json::json;

    fn policy(fields: serde_json::Value) -> Policy {
        serde_json::from_value(fields).unwrap()
    }

    /// All conditions must fit, each by one of its values.
    #[test]
    fn a_policy_fits_when_every_condition_does() {
        let mut ticket = a_ticket();
        ticket.tags = vec![String::from("vip")];
        let minutes = json!({ "normal": 60 });
        let read = |conditions| {
            policy(json!({ "name": "a", "conditions": conditions,
                "first_response_minutes": minutes }))
        };
        assert!(read(json!({})).fits(&ticket));
        assert!(read(json!({ "priority": ["low", "normal"], "tags": ["vip", "x"] })).fits(&ticket));
        assert!(!read(json!({ "priority": ["urgent"], "tags": ["vip"] })).fits(&ticket));
        assert!(!read(json!({ "team_id": [ticket.id] })).fits(&ticket));
        let off = Policy { is_active: false, ..read(json!({})) };
        assert!(!off.fits(&ticket));
        let promise = read(json!({})).promise(ticket.id, Target::FirstResponse, &ticket).unwrap();
        assert_eq!(promise.minutes, 60);
        assert_eq!(read(json!({})).promise(ticket.id, Target::Resolution, &ticket), None);
    }

    #[test]
    fn a_policy_must_promise_something_that_can_be_kept() {
        assert!(policy(json!({ "name": "a" })).checked().is_err());
        let zero = policy(json!({ "name": "a", "resolution_minutes": { "low": 0 } }));
        assert!(zero.checked().is_err());
        let unknown = json!({ "name": "a", "resolution_minutes": { "huge": 1 } });
        assert!(serde_json::from_value::<Policy>(unknown).is_err());
    }
}
