//! What goes over a WebSocket: B's `{"type","payload"}` with our extras beside them, ready framed.

use super::wire;
use crate::{
    error::{Error, Result},
    event::{Dialect, Envelope},
    hub::Tongue,
};
use bytes::Bytes;
use serde::Serialize;
use std::fmt::Write as _;

/// How `/ws` speaks.
#[derive(Debug)]
pub(super) struct WsTongue;

impl Tongue for WsTongue {
    fn dialect(&self) -> Dialect {
        Dialect::Ws
    }

    fn event(&self, e: &Envelope) -> Bytes {
        let mut text = String::with_capacity(256 + e.data.get().len() + e.actor.get().len());
        // Writing into a String cannot fail, and kinds and rooms need no escaping.
        let _never = write!(
            text,
            r#"{{"type":"{}","payload":{},"seq":{},"id":"{}","ts":{},"room":"{}","actor":{}"#,
            e.kind, e.data, e.seq, e.id, e.at_ms, e.room, e.actor
        );
        if let Some(changes) = &e.changes {
            text.push_str(r#","changes":"#);
            text.push_str(changes.get());
        }
        text.push('}');
        wire::text(&text)
    }

    fn sign(&self, name: &str, payload: &str) -> Bytes {
        wire::text(&format!(r#"{{"type":"{name}","payload":{payload}}}"#))
    }

    fn ping(&self) -> Option<Bytes> {
        Some(Bytes::from_static(wire::PING))
    }
}

/// A message of ours that is no event: `hello`, `resumed`, `reply`, …
#[derive(Debug, Serialize)]
pub(super) struct Message<'a, T> {
    /// What it is.
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    /// The `ref` of the message it answers.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<&'a str>,
    /// What it says.
    pub(super) payload: T,
}

impl<T: Serialize> Message<'_, T> {
    /// As one text frame.
    ///
    /// # Errors
    /// Only when the payload cannot be written as JSON.
    pub(super) fn frame(&self) -> Result<Bytes> {
        Ok(wire::text(&serde_json::to_string(self).map_err(Error::internal)?))
    }
}
