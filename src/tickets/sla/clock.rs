//! One clock of one ticket: running, paused or stopped, and what it has to say.

use super::calendar::{self, Hours};
use crate::{
    id::EntityId,
    tickets::{ticket::Ticket, words::Status},
};
use serde::{Deserialize, Serialize};

/// What a clock is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The first public answer by staff.
    FirstResponse,
    /// The solution.
    Resolution,
}

impl Target {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::FirstResponse, Self::Resolution];

    /// The word in the database and on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::FirstResponse => "first_response",
            Self::Resolution => "resolution",
        }
    }
}

/// What a clock should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    Running,
    Paused,
    /// Over; whether because what it waited for was done.
    Stopped {
        done: bool,
    },
}

impl Run {
    /// What the clock of `target` should do for a ticket as it is.
    pub(super) fn wanted(target: Target, ticket: &Ticket) -> Self {
        let merged = ticket.merged_into_id.is_some();
        match target {
            Target::FirstResponse if ticket.first_responded_at.is_some() => {
                Self::Stopped { done: true }
            }
            // Nobody has to answer what is over.
            Target::FirstResponse if ticket.status.is_over() => Self::Stopped { done: false },
            Target::Resolution if ticket.status.is_over() => Self::Stopped { done: !merged },
            _ if ticket.deleted_at.is_some() => Self::Paused,
            Target::Resolution if ticket.status.is_waiting() => Self::Paused,
            _ => Self::Running,
        }
    }
}

/// What a clock says, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    /// Four fifths of the time are used up.
    Warning,
    /// The time is used up.
    Breached,
    /// It was done in time.
    Met,
}

/// A clock as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) target: Target,
    pub(super) policy_id: EntityId,
    pub(super) policy_name: String,
    pub(super) calendar_id: Option<EntityId>,
    pub(super) target_minutes: i64,
    /// Working time used up until `running_since`, milliseconds.
    pub(super) used_ms: i64,
    pub(super) running_since: Option<i64>,
    /// When the time is used up, if the clock goes on running.
    pub(super) due_at: i64,
    pub(super) warn_at: i64,
    pub(super) warned_at: Option<i64>,
    pub(super) breached_at: Option<i64>,
    pub(super) met_at: Option<i64>,
    pub(super) stopped_at: Option<i64>,
}

impl Clock {
    /// A clock that has not begun to run.
    pub(super) fn new(target: Target, promise: &Promise) -> Self {
        Self {
            target,
            policy_id: promise.policy_id,
            policy_name: promise.policy_name.clone(),
            calendar_id: promise.calendar_id,
            target_minutes: promise.minutes,
            used_ms: 0,
            running_since: None,
            due_at: 0,
            warn_at: 0,
            warned_at: None,
            breached_at: None,
            met_at: None,
            stopped_at: None,
        }
    }

    fn target_ms(&self) -> i64 {
        self.target_minutes * 60_000
    }

    /// Counts the time since it last began to run, and halts it.
    pub(super) fn halt(&mut self, hours: Option<&Hours>, now: i64) {
        if let Some(since) = self.running_since.take() {
            self.used_ms += calendar::between(hours, since, now);
        }
    }

    /// Goes on under another promise; the time that was used stays used. The clock is halted.
    pub(super) fn promise(&mut self, promise: &Promise) {
        self.policy_id = promise.policy_id;
        self.policy_name.clone_from(&promise.policy_name);
        self.calendar_id = promise.calendar_id;
        self.target_minutes = promise.minutes;
    }

    /// Brings it to what it should do; says `Met` where that was done in time.
    pub(super) fn bring_to(&mut self, run: Run, hours: Option<&Hours>, now: i64) -> Option<Fact> {
        if run == Run::Running {
            if self.running_since.is_none() {
                self.stopped_at = None;
                self.running_since = Some(now);
                let left = |share_ms: i64| calendar::after(hours, now, share_ms - self.used_ms);
                let (warn_at, due_at) = (left(self.target_ms() / 5 * 4), left(self.target_ms()));
                (self.warn_at, self.due_at) = (warn_at, due_at);
            }
            return None;
        }
        self.halt(hours, now);
        let Run::Stopped { done } = run else { return None };
        if self.stopped_at.is_some() {
            return None;
        }
        self.stopped_at = Some(now);
        let in_time = self.breached_at.is_none() && self.used_ms <= self.target_ms();
        if !done || !in_time || self.met_at.is_some() {
            return None;
        }
        self.met_at = Some(now);
        Some(Fact::Met)
    }

    /// What is to be said now, if anything. Who was away for the warning hears of the breach only.
    pub(super) fn strike(&mut self, now: i64) -> Option<Fact> {
        self.running_since?;
        if now >= self.due_at && self.breached_at.is_none() {
            self.breached_at = Some(now);
            self.warned_at = self.warned_at.or(Some(now));
            return Some(Fact::Breached);
        }
        if now >= self.warn_at && self.warned_at.is_none() {
            self.warned_at = Some(now);
            return Some(Fact::Warning);
        }
        None
    }

    /// When it has something to say again.
    pub(super) fn next_at(&self) -> Option<i64> {
        self.running_since?;
        match (self.breached_at, self.warned_at) {
            (Some(_), _) => None,
            (None, Some(_)) => Some(self.due_at),
            (None, None) => Some(self.warn_at.min(self.due_at)),
        }
    }

    /// When it is due, while it runs.
    pub(super) fn due_while_running(&self) -> Option<i64> {
        self.running_since.map(|_| self.due_at)
    }
}

/// What a policy promises for one target of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Promise {
    pub(super) policy_id: EntityId,
    pub(super) policy_name: String,
    pub(super) calendar_id: Option<EntityId>,
    pub(super) minutes: i64,
}

/// Whether a change of a ticket can mean anything to its clocks.
pub(super) fn concerns(before: &Ticket, after: &Ticket) -> bool {
    let over = |status: Status| (status.is_over(), status.is_waiting());
    over(before.status) != over(after.status)
        || before.first_responded_at != after.first_responded_at
        || before.deleted_at != after.deleted_at
        || before.merged_into_id != after.merged_into_id
        || chooses_anew(before, after)
}

/// Whether another policy may apply after a change.
pub(super) fn chooses_anew(before: &Ticket, after: &Ticket) -> bool {
    before.priority != after.priority
        || before.team_id != after.team_id
        || before.tags != after.tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::testing::a_ticket;

    const MINUTE: i64 = 60_000;

    fn promise(minutes: i64) -> Promise {
        Promise {
            policy_id: EntityId::new(0),
            policy_name: String::from("Standard"),
            calendar_id: None,
            minutes,
        }
    }

    fn running(minutes: i64) -> Clock {
        let mut clock = Clock::new(Target::Resolution, &promise(minutes));
        assert_eq!(clock.bring_to(Run::Running, None, 0), None);
        clock
    }

    /// Warning at 80 %, breach at the end, each once, and then silence.
    #[test]
    fn it_warns_and_breaches_once() {
        let mut clock = running(100);
        assert_eq!(
            (clock.next_at(), clock.due_while_running()),
            (Some(80 * MINUTE), Some(100 * MINUTE))
        );
        assert_eq!(clock.strike(80 * MINUTE - 1), None);
        assert_eq!(clock.strike(80 * MINUTE), Some(Fact::Warning));
        assert_eq!((clock.strike(81 * MINUTE), clock.next_at()), (None, Some(100 * MINUTE)));
        assert_eq!(clock.strike(100 * MINUTE), Some(Fact::Breached));
        assert_eq!((clock.strike(999 * MINUTE), clock.next_at()), (None, None));
        let late = clock.bring_to(Run::Stopped { done: true }, None, 101 * MINUTE);
        assert_eq!((late, clock.met_at), (None, None));
    }

    /// Paused time does not count, however often it is paused.
    #[test]
    fn a_pause_moves_what_is_due() {
        let mut clock = running(100);
        clock.bring_to(Run::Paused, None, 30 * MINUTE);
        assert_eq!((clock.used_ms, clock.next_at()), (30 * MINUTE, None));
        assert_eq!(clock.strike(500 * MINUTE), None);
        clock.bring_to(Run::Paused, None, 400 * MINUTE);
        clock.bring_to(Run::Running, None, 500 * MINUTE);
        assert_eq!((clock.warn_at, clock.due_at), (550 * MINUTE, 570 * MINUTE));
        clock.bring_to(Run::Running, None, 510 * MINUTE);
        assert_eq!(clock.due_at, 570 * MINUTE);
    }

    /// Done in time is said once, also when it is done again after a reopening.
    #[test]
    fn met_is_said_once() {
        let mut clock = running(100);
        let done = Run::Stopped { done: true };
        assert_eq!(clock.bring_to(done, None, 10 * MINUTE), Some(Fact::Met));
        assert_eq!(clock.bring_to(done, None, 11 * MINUTE), None);
        clock.bring_to(Run::Running, None, 50 * MINUTE);
        assert_eq!((clock.stopped_at, clock.due_at), (None, 140 * MINUTE));
        assert_eq!(clock.bring_to(done, None, 60 * MINUTE), None);
        assert_eq!(clock.used_ms, 20 * MINUTE);
    }

    /// A stricter promise counts what was used already, and may be broken at once.
    #[test]
    fn used_time_survives_another_promise() {
        let mut clock = running(100);
        clock.halt(None, 60 * MINUTE);
        clock.promise(&promise(50));
        clock.bring_to(Run::Running, None, 60 * MINUTE);
        assert_eq!(clock.strike(60 * MINUTE), Some(Fact::Breached));
        clock.halt(None, 60 * MINUTE);
        clock.promise(&promise(200));
        clock.bring_to(Run::Running, None, 60 * MINUTE);
        assert_eq!((clock.due_at, clock.strike(999 * MINUTE)), (200 * MINUTE, None));
    }

    #[test]
    fn what_a_clock_should_do_follows_the_ticket() {
        let mut ticket = a_ticket();
        let both = |ticket: &Ticket| Target::ALL.map(|target| Run::wanted(target, ticket));
        let stopped = |done| Run::Stopped { done };
        assert_eq!(both(&ticket), [Run::Running, Run::Running]);
        ticket.status = Status::Pending;
        assert_eq!(both(&ticket), [Run::Running, Run::Paused]);
        ticket.deleted_at = Some(1);
        assert_eq!(both(&ticket), [Run::Paused, Run::Paused]);
        ticket.deleted_at = None;
        ticket.status = Status::Resolved;
        assert_eq!(both(&ticket), [stopped(false), stopped(true)]);
        ticket.first_responded_at = Some(1);
        assert_eq!(both(&ticket), [stopped(true), stopped(true)]);
        ticket.merged_into_id = Some(ticket.id);
        assert_eq!(both(&ticket)[1], stopped(false));
    }
}
