//! What became of one event: when it was committed, whom it was handed to, where it was sent.
//!
//! An operator asks this of any event of the tenant, also of one that is for a single person: it
//! says that something happened and where it went, and not a word of what it said.

pub mod http;
mod sql;

use crate::{hub::Handed, time, webhooks::deliveries::journey::Sending};
use serde::Serialize;

/// What stays of an event when its data is gone.
#[derive(Debug, Serialize)]
pub struct Head {
    seq: i64,
    id: String,
    #[serde(rename = "type")]
    kind: String,
    audience: String,
    room: String,
    #[serde(serialize_with = "time::as_rfc3339")]
    committed_at: i64,
    /// Whether its data is still kept, so that it can be replayed and sent again.
    data_kept: bool,
}

/// An event and its ways.
#[derive(Debug, Serialize)]
pub struct Journey {
    #[serde(flatten)]
    head: Head,
    /// The sessions it was handed to; none when that is not known (any more).
    sessions: Option<Handed>,
    deliveries: Vec<Sending>,
}
