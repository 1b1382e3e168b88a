//! One endpoint's place in the engine: what is ready for it, and what is claimed.

use super::{Now, health::Health, pace::Pace};
use crate::{
    id::TenantId,
    webhooks::{
        PayloadFormat,
        address::{Refused, Target},
        keys::Keys,
        post::Outcome,
        render::Stored,
    },
};
use http::{HeaderName, HeaderValue};
use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

/// Where an endpoint's deliveries go, and how.
pub(in crate::webhooks) struct Whereto {
    pub(in crate::webhooks) endpoint: i64,
    pub(in crate::webhooks) tenant: TenantId,
    /// Whether it is this server's own receiver, which is not called but asked in the process.
    pub(in crate::webhooks) inside: bool,
    /// Why it cannot be called, where the URL is refused today; each attempt fails with it.
    pub(in crate::webhooks) target: Result<Target, Refused>,
    pub(in crate::webhooks) keys: Keys,
    /// What the endpoint wants sent along.
    pub(in crate::webhooks) headers: Box<[(HeaderName, HeaderValue)]>,
    pub(in crate::webhooks) timeout: Duration,
    pub(in crate::webhooks) retry_count: u32,
    pub(in crate::webhooks) format: PayloadFormat,
    /// Attempts under way at most.
    pub(in crate::webhooks) max_in_flight: usize,
    /// Attempts a second at most.
    pub(in crate::webhooks) rate_limit: Option<u32>,
}

/// One delivery, ready to be attempted.
pub(in crate::webhooks) struct Job {
    pub(in crate::webhooks) whereto: Arc<Whereto>,
    pub(in crate::webhooks) delivery: i64,
    /// Attempts made before this one.
    pub(in crate::webhooks) attempts: u32,
    /// Those of them made before it was last put back into the queue.
    pub(in crate::webhooks) attempts_before: u32,
    pub(in crate::webhooks) event: Stored,
    /// What it is in order with, if with anything.
    pub(in crate::webhooks) key: Option<i64>,
}

/// One attempt, over.
pub(in crate::webhooks) struct Attempted {
    pub(in crate::webhooks) endpoint: i64,
    pub(in crate::webhooks) delivery: i64,
    /// The number of this attempt, from 1.
    pub(in crate::webhooks) number: u32,
    pub(in crate::webhooks) at_ms: i64,
    pub(in crate::webhooks) outcome: Outcome,
    /// A person asked for it (`webhook.test`): the one attempt, which says nothing of the
    /// endpoint's health.
    pub(in crate::webhooks) by_hand: bool,
    /// After how long it is tried again, if it failed and is.
    pub(in crate::webhooks) again_in: Option<Duration>,
    /// How long the endpoint should rest.
    pub(in crate::webhooks) rest: Duration,
    /// What the delivery is in order with.
    pub(in crate::webhooks) key: Option<i64>,
    /// Whether its event tells of a webhook: of its end there is no further event, or two dead
    /// endpoints would tell each other of their failures for ever.
    pub(in crate::webhooks) is_of_webhooks: bool,
}

impl Attempted {
    /// Whether the endpoint took it.
    pub(in crate::webhooks) fn is_good(&self) -> bool {
        matches!(self.outcome.result, Ok(200..=299))
    }

    /// Where it leaves the delivery.
    pub(in crate::webhooks) fn state(&self) -> &'static str {
        match (self.is_good(), self.again_in) {
            (true, _) => "delivered",
            (false, Some(_)) => "waiting",
            (false, None) => "failed",
        }
    }

    /// What went wrong, in words for a person.
    pub(in crate::webhooks) fn error(&self) -> Option<String> {
        match &self.outcome.result {
            Ok(200..=299) => None,
            Ok(300..=399) => Some(String::from("answered with a redirect, which is not followed")),
            Ok(status) => Some(format!("answered with status {status}")),
            Err(failure) => Some(failure.to_string()),
        }
    }
}

/// A lane with nothing to do is forgotten after so long, milliseconds: until then its pace is kept.
const KEPT_MS: i64 = 10_000;

#[derive(Default)]
pub(super) struct Lane {
    /// `None` until the keeper has read it, or when it was changed since.
    pub(super) whereto: Option<Arc<Whereto>>,
    /// Counts the changes to the endpoint, so that what was read before one is not used after it.
    pub(super) changes: u64,
    pub(super) ready: VecDeque<Job>,
    /// Ready, under way, or done and not settled: not to be taken from the queue again.
    pub(super) claimed: HashSet<i64>,
    pub(super) pace: Pace,
    /// As it is stored.
    pub(super) health: Health,
    /// Whether there may be more in the queue than is known here.
    pub(super) look: bool,
    /// When the next known delivery falls due, milliseconds since the Unix epoch.
    pub(super) next_due: Option<i64>,
    /// Whether the endpoint stands on a round of those with work.
    pub(super) on_round: bool,
    /// When it last had something to do, ticks.
    pub(super) used_at: i64,
}

impl Lane {
    fn rate(&self) -> Option<u32> {
        self.whereto.as_ref()?.rate_limit
    }

    fn max(&self) -> usize {
        self.whereto.as_ref().map_or(1, |whereto| whereto.max_in_flight)
    }

    /// Whether it has yet to prove itself, or keeps somebody waiting now.
    pub(super) fn is_unproven(&self, now: Now) -> bool {
        !self.health.is_proven || self.pace.is_slow(now.ticks)
    }

    /// Whether there is room for one more attempt, were it not for time.
    fn has_room(&self, now: Now) -> bool {
        let allowed = self.pace.allowed(self.max(), now.ticks);
        let allowed = if self.health.is_probing() { allowed.min(1) } else { allowed };
        self.pace.in_flight() < allowed
    }

    /// Whether an attempt may begin now.
    pub(super) fn may_begin(&self, now: Now) -> bool {
        !self.ready.is_empty()
            && self.health.blocked_until(now.ms).is_none()
            && self.has_room(now)
            && self.pace.late_by(self.rate(), now.ticks).is_none()
    }

    pub(super) fn begin(&mut self, now: Now) -> Option<Job> {
        let job = self.ready.pop_front()?;
        self.pace.begin(self.rate(), now.ticks);
        self.used_at = now.ticks;
        Some(job)
    }

    /// One that began then is over. What it means for the endpoint is known when it is settled, but
    /// for this: the next one is another sort of risk at once.
    pub(super) fn end(&mut self, began: i64, is_good: bool, now: Now) {
        self.pace.end(began, is_good, self.max(), now.ticks);
        self.health.is_proven = is_good;
        self.used_at = now.ticks;
    }

    /// In how many milliseconds it should be looked at again, because of nothing but time.
    pub(super) fn wakes_in(&self, now: Now, ready_min: usize) -> Option<i64> {
        let blocked = self.health.blocked_until(now.ms).map_or(0, |until| until - now.ms);
        let due = match self.ready.len() {
            // A lane with enough to do is not filled up, whatever falls due.
            enough if enough >= ready_min => None,
            _ => self.next_due.map(|due| (due - now.ms).max(blocked)),
        };
        let waits = !self.ready.is_empty() && self.has_room(now);
        let late = self.pace.late_by(self.rate(), now.ticks).unwrap_or(0);
        let begins = waits.then_some(blocked.max(late)).filter(|wait| *wait > 0);
        due.into_iter().chain(begins).min()
    }

    /// Whether nothing is left of it to be kept.
    pub(super) fn is_over(&self, now: Now) -> bool {
        self.claimed.is_empty()
            && !self.look
            && self.next_due.is_none()
            && self.pace.in_flight() == 0
            && self.pace.late_by(self.rate(), now.ticks).is_none()
            && now.ticks - self.used_at > KEPT_MS
    }
}
