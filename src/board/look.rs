//! Looking again: which parts of a board events touched, what they are now, and what that changes.

use super::{Board, Caller, Counts, DaySince, Delta, Desk, Hooks, Line};
use crate::{agents::AgentState, id::UserId};
use std::collections::{BTreeMap, BTreeSet};

/// What events touched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Touched {
    pub(super) everything: bool,
    pub(super) agents: BTreeSet<UserId>,
    pub(super) all_agents: bool,
    pub(super) calls: bool,
    pub(super) tickets: bool,
    pub(super) webhooks: bool,
}

impl Touched {
    /// All there is.
    pub(super) fn everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    /// Notes an event of this kind; `agent` is whom it names, where it names one.
    pub(super) fn note(&mut self, kind: &str, agent: Option<UserId>) {
        match kind.split('.').next() {
            Some("agent" | "user") => match agent {
                Some(agent) => drop(self.agents.insert(agent)),
                None => self.all_agents = true,
            },
            // A team's queues are shown although nobody called yet.
            Some("call" | "team") => self.calls = true,
            Some("ticket" | "sla" | "comment") => self.tickets = true,
            Some("webhook") => self.webhooks = true,
            _ => {}
        }
    }
}

/// Agents who were looked at again.
#[derive(Debug)]
pub(super) enum Agents {
    /// All of the tenant.
    All(Vec<AgentState>),
    /// These; none for who is an agent no more.
    Some(Vec<(UserId, Option<AgentState>)>),
}

/// What was seen.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) seq: i64,
    pub(super) agents: Agents,
    pub(super) calls: Option<(DaySince, Vec<Line>, Vec<Caller>)>,
    pub(super) tickets: Option<Desk>,
    pub(super) webhooks: Option<Hooks>,
}

impl Board {
    /// Takes in what was seen; answers what that changed.
    pub(super) fn take(&mut self, look: Look) -> Delta {
        let mut delta = Delta::nothing(look.seq);
        self.seq = look.seq;
        match look.agents {
            Agents::All(all) => {
                let now = all.into_iter().map(|agent| (agent.user_id, agent)).collect();
                (delta.agents, delta.agents_gone) = exchange(&mut self.agents, now);
            }
            Agents::Some(some) => self.take_agents(some, &mut delta),
        }
        if let Some((day_since, lines, callers)) = look.calls {
            delta.day_since = renew(&mut self.day_since, day_since);
            let before = Counts::all(self.queues.values());
            let now = lines.into_iter().map(|line| (line.name.clone(), line)).collect();
            (delta.queues, delta.queues_gone) = exchange(&mut self.queues, now);
            let calls = Counts::all(self.queues.values());
            delta.calls = (calls != before).then_some(calls);
            delta.callers = renew(&mut self.callers, callers);
        }
        delta.tickets = look.tickets.and_then(|now| renew(&mut self.tickets, now));
        delta.webhooks = look.webhooks.and_then(|now| renew(&mut self.webhooks, now));
        delta
    }

    fn take_agents(&mut self, some: Vec<(UserId, Option<AgentState>)>, delta: &mut Delta) {
        for (user, agent) in some {
            match agent {
                Some(agent) if self.agents.get(&user) != Some(&agent) => {
                    self.agents.insert(user, agent.clone());
                    delta.agents.push(agent);
                }
                Some(_) => {}
                None => {
                    let gone = self.agents.remove(&user).map(|_| user);
                    delta.agents_gone.extend(gone);
                }
            }
        }
    }
}

/// Puts in the new value; answers it when it is another one.
fn renew<T: PartialEq + Clone>(old: &mut T, now: T) -> Option<T> {
    if *old == now {
        return None;
    }
    *old = now;
    Some(old.clone())
}

/// Puts in new rows; answers those that are new or different, and what is gone.
fn exchange<K: Ord + Clone, T: PartialEq + Clone>(
    old: &mut BTreeMap<K, T>,
    now: BTreeMap<K, T>,
) -> (Vec<T>, Vec<K>) {
    let changed = now.iter().filter(|(key, row)| old.get(*key) != Some(*row));
    let changed = changed.map(|(_, row)| row.clone()).collect();
    let gone = old.keys().filter(|key| !now.contains_key(*key)).cloned().collect();
    *old = now;
    (changed, gone)
}
