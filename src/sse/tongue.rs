//! Events and words as server-sent events (WHATWG HTML §9.2, "Server-sent events").

use crate::{
    event::{Dialect, Envelope, Listed},
    hub::{Close, CloseReason, Tongue, Wire},
};
use bytes::Bytes;
use serde::Serialize;
use std::io;

/// What a browser waits before it comes back, milliseconds.
const RETRY_MS: u64 = 2_000;

/// How streams are spoken to.
pub(super) struct StreamTongue {
    /// The history of the database, which stands before each `seq`.
    pub(super) epoch: Box<str>,
}

impl Tongue for StreamTongue {
    fn dialect(&self) -> Dialect {
        Dialect::Stream
    }

    fn event(&self, e: &Envelope) -> Bytes {
        message(&self.epoch, e.kind.name(), Some(e.seq), &Listed::from(e))
    }

    /// A comment: it keeps proxies from giving up, and shows whether anybody still reads.
    fn ping(&self) -> Option<Bytes> {
        Some(Bytes::from_static(b":\n\n"))
    }
}

/// The first line of a stream.
pub(super) fn preface() -> Bytes {
    format!("retry: {RETRY_MS}\n\n").into()
}

/// One message. With a `seq` its id is the place in the log to go on from.
pub(super) fn message(
    epoch: &str,
    name: &str,
    seq: Option<i64>,
    payload: &impl Serialize,
) -> Bytes {
    let json = serde_json::to_string(payload).unwrap_or_else(|e| {
        tracing::error!(error = %e, name, "a message could not be written");
        String::from("{}")
    });
    let id = seq.map(|seq| format!("id: {epoch}-{seq}\n")).unwrap_or_default();
    // Published data is kept as it came, line breaks between its tokens included; one would end
    // the field here. Within strings JSON has none.
    let json = json.replace(['\r', '\n'], " ");
    format!("{id}event: {name}\ndata: {json}\n\n").into()
}

/// The wire of a stream: it takes nothing by itself, its body asks.
#[derive(Debug)]
pub(super) struct Asked;

impl Wire for Asked {
    fn try_write(&self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// The last message, `closed`, says why as the reason of a WebSocket does.
    fn close(&self, _: Close, reason: &CloseReason) -> Bytes {
        let closed = message("", "closed", None, reason);
        match reason.retry_in_ms() {
            // A browser then comes back at its own time, and not with all others.
            Some(ms) => [format!("retry: {ms}\n").as_bytes(), &closed].concat().into(),
            None => closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    #[test]
    fn a_line_break_between_tokens_does_not_end_the_data() {
        let data = RawValue::from_string("{\"a\":\r\n \"x\\n\"}".into()).unwrap();
        let said = message("e1", "order.paid", Some(7), &data);
        assert_eq!(said, "id: e1-7\nevent: order.paid\ndata: {\"a\":   \"x\\n\"}\n\n");
        assert_eq!(message("e1", "hello", None, &1), "event: hello\ndata: 1\n\n");
    }
}
