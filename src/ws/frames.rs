//! What goes over a WebSocket: B's `{"type","payload"}` with our extras beside them, ready framed.

use crate::{
    error::{Error, Result},
    event::{Dialect, Envelope},
    hub::{CloseReason, Tongue},
};
use bytes::Bytes;
use serde::Serialize;
use std::fmt::Write as _;

/// How `/ws` speaks.
#[derive(Debug)]
pub(super) struct WsTongue;

/// Opcodes with the FIN bit set (RFC 6455 §5.2).
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: [u8; 2] = [0x89, 0x00];

/// Longest reason a close frame has room for, bytes (§5.5: 125 with the code).
const REASON_MAX: usize = 123;

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
        frame(TEXT, text.as_bytes())
    }

    fn ping(&self) -> Bytes {
        Bytes::from_static(&PING)
    }

    fn close(&self, code: u16, reason: &CloseReason) -> Bytes {
        let mut body = code.to_be_bytes().to_vec();
        let reason = serde_json::to_vec(reason).unwrap_or_default();
        if reason.len() <= REASON_MAX {
            body.extend_from_slice(&reason);
        }
        frame(CLOSE, &body)
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
        Ok(frame(TEXT, &serde_json::to_vec(self).map_err(Error::internal)?))
    }
}

/// One unmasked frame, header included.
#[allow(clippy::cast_possible_truncation, reason = "each arm bounds the length it writes")]
fn frame(opcode: u8, payload: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(payload.len() + 10);
    out.push(opcode);
    match payload.len() {
        len @ 0..126 => out.push(len as u8),
        len @ 126..65_536 => {
            out.push(126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_tungstenite::tungstenite::protocol::{Message as Heard, Role, WebSocketContext};

    /// Frames of every length class are read back by another implementation.
    #[test]
    fn frames_of_every_length_are_read_back() {
        for len in [0, 1, 125, 126, 127, 65_535, 65_536, 100_000] {
            let text = "x".repeat(len);
            let bytes = frame(TEXT, text.as_bytes());
            let mut wire = std::io::Cursor::new(bytes.to_vec());
            let mut peer = WebSocketContext::new(Role::Client, None);
            let heard = peer.read(&mut wire).unwrap();
            assert!(matches!(heard, Heard::Text(t) if t.as_str() == text), "{len}");
        }
    }
}
