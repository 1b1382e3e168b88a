//! The wallboard: agents, queues, the day's calls, tickets and webhooks at one look, as a snapshot
//! with the `seq` it is true for, and as changes for whoever stands in the room `board`.
//!
//! A change holds whole rows as they are at its `seq`, never differences, so that one may be put
//! over any snapshot that is not newer, also twice. `keep` says how they come about.

pub mod http;
mod keep;
mod look;
pub mod settings;
mod sql;
#[cfg(test)]
mod tests;

pub use keep::keep;
pub use settings::Settings;

use crate::{
    agents::AgentState,
    calls,
    id::{EntityId, UserId},
    time,
};
use serde::Serialize;
use settings::DaySince;
use std::collections::BTreeMap;

/// The room in which changes of the board are told.
pub const ROOM: &str = "board";

/// Callers who are shown by name and number, the longest waiting first; all are counted.
const CALLERS_MAX: i64 = 50;

/// One queue and its day so far.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Its name in the telephone system.
    pub name: String,
    /// The teams to which it belongs.
    pub team_ids: Vec<EntityId>,
    /// What is counted of it.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Numbers of a queue, or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Counts {
    /// Callers who wait.
    pub waiting: i64,
    /// Since when the first of them does.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub waiting_since: Option<i64>,
    /// Callers who speak with somebody, or are on hold.
    pub talking: i64,
    /// Calls that came in today.
    pub offered: i64,
    /// Those that were answered.
    pub answered: i64,
    /// Those that were answered in time.
    pub answered_in_time: i64,
    /// Those that ended before they were.
    pub abandoned: i64,
    /// The share of the answered ones that were answered in time, 0 to 1; none without any.
    pub service_level: Option<f64>,
}

impl Counts {
    /// All queues together.
    fn all<'a>(lines: impl Iterator<Item = &'a Line>) -> Self {
        let mut all = Self::default();
        for Line { counts, .. } in lines {
            let first = all.waiting_since.into_iter().chain(counts.waiting_since).min();
            all.waiting += counts.waiting;
            all.waiting_since = first;
            all.talking += counts.talking;
            all.offered += counts.offered;
            all.answered += counts.answered;
            all.answered_in_time += counts.answered_in_time;
            all.abandoned += counts.abandoned;
        }
        #[allow(clippy::cast_precision_loss, reason = "nobody has 2^53 calls a day")]
        let level = all.answered_in_time as f64 / all.answered as f64;
        Self { service_level: (all.answered > 0).then_some(level), ..all }
    }
}

impl From<calls::Queue> for Line {
    fn from(queue: calls::Queue) -> Self {
        let counts = Counts {
            waiting: queue.waiting,
            waiting_since: queue.waiting_since,
            talking: queue.talking,
            offered: queue.offered,
            answered: queue.answered,
            answered_in_time: queue.answered_in_time,
            abandoned: queue.abandoned,
            service_level: queue.service_level,
        };
        Self { name: queue.name, team_ids: queue.team_ids, counts }
    }
}

/// Somebody who waits on the telephone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Caller {
    call_id: EntityId,
    queue: Option<String>,
    from_number: Option<String>,
    from_name: Option<String>,
    /// `queued`, or `ringing` at an agent's telephone.
    status: String,
    #[serde(serialize_with = "time::as_rfc3339")]
    waiting_since: i64,
}

/// Tickets as the board counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Desk {
    /// Neither resolved nor closed.
    open: i64,
    /// Of those, nobody's.
    unassigned: i64,
    /// Those whose customer waits for an answer.
    waiting: i64,
    /// Since when the first of them does.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    waiting_since: Option<i64>,
    /// Those of which a clock has warned, and none has run out.
    at_risk: i64,
    /// Those that are late.
    breached: i64,
}

/// How webhooks fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Hooks {
    /// Those that are switched on.
    active: i64,
    /// Of those, the ones whose last attempts failed.
    failing: i64,
    /// Those that were switched off because they are dead or gone.
    disabled: i64,
}

/// All of it, as it was at `seq`.
#[derive(Debug, Clone, PartialEq)]
struct Board {
    seq: i64,
    day_since: DaySince,
    agents: BTreeMap<UserId, AgentState>,
    queues: BTreeMap<String, Line>,
    callers: Vec<Caller>,
    tickets: Desk,
    webhooks: Hooks,
}

/// The board as one answer, or as the first message to who waits for changes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Snapshot {
    /// Everything up to this `seq` is in it.
    seq: i64,
    /// The history that `seq` belongs to.
    epoch: String,
    /// When the day began whose calls are counted.
    day_since: DaySince,
    settings: Settings,
    agents: Vec<AgentState>,
    queues: Vec<Line>,
    /// All queues together.
    calls: Counts,
    callers: Vec<Caller>,
    tickets: Desk,
    webhooks: Hooks,
}

/// What is different from an older board: whole rows, and what is gone. A part that is absent is
/// as it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Delta {
    seq: i64,
    /// It is all there is: what it does not name is gone.
    #[serde(skip_serializing_if = "is_false")]
    whole: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    day_since: Option<DaySince>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    agents: Vec<AgentState>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    agents_gone: Vec<UserId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queues: Vec<Line>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queues_gone: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calls: Option<Counts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callers: Option<Vec<Caller>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tickets: Option<Desk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhooks: Option<Hooks>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Delta {
    fn is_empty(&self) -> bool {
        *self == Self::nothing(self.seq)
    }

    fn nothing(seq: i64) -> Self {
        Self {
            seq,
            whole: false,
            day_since: None,
            agents: Vec::new(),
            agents_gone: Vec::new(),
            queues: Vec::new(),
            queues_gone: Vec::new(),
            calls: None,
            callers: None,
            tickets: None,
            webhooks: None,
        }
    }
}

impl Board {
    /// As one answer.
    fn shown(self, epoch: String, settings: Settings) -> Snapshot {
        Snapshot {
            seq: self.seq,
            epoch,
            day_since: self.day_since,
            settings,
            calls: Counts::all(self.queues.values()),
            agents: self.agents.into_values().collect(),
            queues: self.queues.into_values().collect(),
            callers: self.callers,
            tickets: self.tickets,
            webhooks: self.webhooks,
        }
    }

    /// All of it as a change, for those whose snapshot is not known.
    fn whole(&self) -> Delta {
        Delta {
            seq: self.seq,
            whole: true,
            day_since: Some(self.day_since),
            agents: self.agents.values().cloned().collect(),
            agents_gone: Vec::new(),
            queues: self.queues.values().cloned().collect(),
            queues_gone: Vec::new(),
            calls: Some(Counts::all(self.queues.values())),
            callers: Some(self.callers.clone()),
            tickets: Some(self.tickets),
            webhooks: Some(self.webhooks),
        }
    }
}
