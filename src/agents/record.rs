//! What is stored of one agent, and the moves from one record to the next: pure, so that a test can
//! play any order of them.
//!
//! What somebody chose is kept apart from what a call makes of it: in `on_call` and `wrap_up` the
//! choice waits as `next`. A move never begins before the interval it ends, whatever time a
//! provider or a clock that was set back names, so that the intervals of an agent neither overlap
//! nor leave a hole.

use super::state::{Choice, State};
use crate::id::EntityId;

/// Who put an agent into a state, as events and the history name it.
pub(super) mod source {
    pub(in crate::agents) const CALL: &str = "call";
    pub(in crate::agents) const CONNECTION: &str = "connection";
    pub(in crate::agents) const ACCOUNT: &str = "account";
}

/// The reason of who lost their connection.
pub(super) const CONNECTION_LOST: &str = "connection_lost";

/// A choice that waits for the end of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) state: State,
    pub(super) reason: Option<String>,
    pub(super) source: String,
}

/// What is stored of one agent. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) state: State,
    pub(super) reason: Option<String>,
    pub(super) source: String,
    pub(super) since: i64,
    /// Nothing is `available`, without a reason.
    pub(super) next: Option<Next>,
    pub(super) call: Option<EntityId>,
    pub(super) wrap_up_until: Option<i64>,
    /// When they were last known to be connected; nothing without a socket since they chose.
    pub(super) seen_at: Option<i64>,
    pub(super) limit_at: Option<i64>,
    pub(super) overdue: bool,
}

/// When something happened, by who tells it, and the time of the transaction that hears it.
#[derive(Debug, Clone, Copy)]
pub(super) struct When {
    pub(super) at: i64,
    pub(super) now: i64,
}

impl When {
    pub(super) fn now(now: i64) -> Self {
        Self { at: now, now }
    }
}

impl Record {
    /// Of somebody who never chose.
    pub(super) fn first(since: i64) -> Self {
        Self {
            state: State::Offline,
            reason: None,
            source: source::ACCOUNT.into(),
            since,
            next: None,
            call: None,
            wrap_up_until: None,
            seen_at: None,
            limit_at: None,
            overdue: false,
        }
    }

    /// Whether another interval began between `before` and this.
    pub(super) fn is_new_interval(&self, before: &Self) -> bool {
        (self.state, &self.reason, self.call) != (before.state, &before.reason, before.call)
    }

    fn begin(&self, state: State, reason: Option<String>, source: &str, when: When) -> Self {
        Self {
            state,
            reason,
            source: source.into(),
            since: when.at.min(when.now).max(self.since),
            next: self.next.clone(),
            call: None,
            wrap_up_until: None,
            seen_at: self.seen_at,
            limit_at: None,
            overdue: false,
        }
    }

    fn then(&self, next: Option<Next>) -> Self {
        Self { next, ..self.clone() }
    }

    /// Somebody chose. The same again only makes it theirs.
    pub(super) fn chosen(&self, choice: &Choice, source: &str, when: When, online: bool) -> Self {
        let Choice { state, reason } = choice.clone();
        let mut after = if self.state.is_made() {
            self.then(Some(Next { state, reason, source: source.into() }))
        } else if (self.state, &self.reason) == (state, &reason) {
            Self { source: source.into(), ..self.clone() }
        } else {
            self.begin(state, reason, source, when)
        };
        after.seen_at = (online && state != State::Offline).then_some(when.now);
        after
    }

    /// They answered a call. What they were before is what they will be again.
    pub(super) fn answered(&self, call: EntityId, when: When) -> Self {
        if self.state == State::OnCall {
            return self.clone();
        }
        let mut after = self.begin(State::OnCall, None, source::CALL, when);
        after.call = Some(call);
        if !self.state.is_made() {
            let Self { state, reason, source, .. } = self.clone();
            let plain = state == State::Available && reason.is_none();
            after.next = (!plain).then_some(Next { state, reason, source });
        }
        after
    }

    /// Their part of a call ended. `other` is another call they are in.
    pub(super) fn part_ended(
        &self,
        call: EntityId,
        other: Option<EntityId>,
        wrap_up_ms: i64,
        when: When,
    ) -> Self {
        if self.state != State::OnCall {
            return self.clone();
        }
        if other.is_some() {
            if self.call != Some(call) {
                return self.clone();
            }
            let goes_on = self.begin(State::OnCall, None, source::CALL, when);
            return Self { call: other, ..goes_on };
        }
        if wrap_up_ms <= 0 {
            return self.rest(when);
        }
        let after = self.begin(State::WrapUp, None, source::CALL, when);
        // After a step back of the clock the interval begins in the future: it is not waited for.
        let until = after.since.min(when.now) + wrap_up_ms;
        Self { call: Some(call), wrap_up_until: Some(until), ..after }
    }

    /// The wrap-up of a call is over; nothing where they are in no such wrap-up.
    pub(super) fn wrapped_up(&self, call: EntityId, when: When) -> Option<Self> {
        (self.state == State::WrapUp && self.call == Some(call)).then(|| self.rest(when))
    }

    /// To what was chosen for after the call.
    fn rest(&self, when: When) -> Self {
        let after = match &self.next {
            Some(next) => self.begin(next.state, next.reason.clone(), &next.source, when),
            None => self.begin(State::Available, None, source::CALL, when),
        };
        after.then(None)
    }

    /// The PBX paused them: that only takes the available away.
    pub(super) fn paused(&self, reason: Option<&str>, source: &str, when: When) -> Self {
        let reason = reason.map(str::to_owned);
        if self.state == State::Available {
            return self.begin(State::Away, reason, source, when);
        }
        let ready = self.next.as_ref().is_none_or(|next| next.state == State::Available);
        if self.state.is_made() && ready {
            return self.then(Some(Next { state: State::Away, reason, source: source.into() }));
        }
        self.clone()
    }

    /// The PBX let them go on: that undoes only its own pause.
    pub(super) fn unpaused(&self, source: &str, when: When) -> Self {
        if self.state == State::Away && self.source == source {
            return self.begin(State::Available, None, source, when);
        }
        let paused = |next: &Next| next.state == State::Away && next.source == source;
        if self.state.is_made() && self.next.as_ref().is_some_and(paused) {
            return self.then(None);
        }
        self.clone()
    }

    /// The last socket of who had one is gone for too long.
    pub(super) fn lost(&self, when: When) -> Self {
        if self.seen_at.is_none() {
            return self.clone();
        }
        let reason = Some(CONNECTION_LOST.into());
        let mut after = if self.state == State::Offline {
            self.clone()
        } else if !self.state.is_made() {
            self.begin(State::Offline, reason, source::CONNECTION, when)
        } else if self.next.as_ref().is_some_and(|next| next.state == State::Offline) {
            self.clone()
        } else {
            let source = source::CONNECTION.into();
            self.then(Some(Next { state: State::Offline, reason, source }))
        };
        after.seen_at = None;
        after
    }

    /// Their account was closed, or is no longer an agent's.
    pub(super) fn left(&self, when: When) -> Self {
        if self.state == State::Offline {
            return self.clone();
        }
        let mut after = self.begin(State::Offline, None, source::ACCOUNT, when).then(None);
        after.seen_at = None;
        after
    }
}
