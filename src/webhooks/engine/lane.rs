//! One endpoint's place in the engine: what is ready for it, and what is claimed.

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

#[derive(Default)]
pub(super) struct Lane {
    /// `None` until the keeper has read it, or when it was changed since.
    pub(super) whereto: Option<Arc<Whereto>>,
    /// Counts the changes to the endpoint, so that what was read before one is not used after it.
    pub(super) changes: u64,
    pub(super) ready: VecDeque<Job>,
    /// Ready, under way, or done and not settled: not to be taken from the queue again.
    pub(super) claimed: HashSet<i64>,
    pub(super) in_flight: usize,
    /// Whether there may be more in the queue than is known here.
    pub(super) look: bool,
    /// When the next known delivery falls due, milliseconds since the Unix epoch.
    pub(super) next_due: Option<i64>,
    /// Whether the endpoint stands on the round of those with work.
    pub(super) on_round: bool,
}
