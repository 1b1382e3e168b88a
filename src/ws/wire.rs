//! WebSocket frames as bytes, and the TCP stream they go to: shared by all doors with sockets.

use crate::hub::{Close, CloseReason, Wire};
use bytes::Bytes;
use std::{
    io,
    sync::{Arc, OnceLock},
};
use tokio::net::TcpStream;

/// Opcodes with the FIN bit set (RFC 6455 §5.2).
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;

/// A ping without data.
pub const PING: &[u8] = &[0x89, 0x00];

/// Longest reason a close frame has room for, bytes (§5.5: 125 with the code).
const REASON_MAX: usize = 123;

/// A text frame, header included.
pub fn text(payload: &str) -> Bytes {
    frame(TEXT, payload.as_bytes()).into()
}

/// A binary frame, header included.
pub fn binary(payload: &[u8]) -> Bytes {
    frame(BINARY, payload).into()
}

/// The last frame: a code of §7.4, and the reason as small JSON.
pub fn close(why: Close, reason: &CloseReason) -> Bytes {
    let mut body = (why as u16).to_be_bytes().to_vec();
    let reason = serde_json::to_vec(reason).unwrap_or_default();
    if reason.len() <= REASON_MAX {
        body.extend_from_slice(&reason);
    }
    frame(CLOSE, &body).into()
}

/// One unmasked frame, header included.
#[allow(clippy::cast_possible_truncation, reason = "each arm bounds the length it writes")]
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
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
    out
}

/// One frame of ours, read back.
#[derive(Debug, PartialEq, Eq)]
pub enum Framed<'a> {
    /// A text frame's payload.
    Text(&'a str),
    /// A binary frame's payload.
    Binary(&'a [u8]),
    /// The last frame.
    Close,
}

/// Reads back the frames of a message that was written here, for a transport without frames.
pub fn unframe(mut message: &[u8]) -> Vec<Framed<'_>> {
    let mut frames = Vec::new();
    while let Some((opcode, payload, rest)) = next_frame(message) {
        frames.push(match opcode {
            TEXT => Framed::Text(std::str::from_utf8(payload).unwrap_or_default()),
            BINARY => Framed::Binary(payload),
            _ => Framed::Close,
        });
        message = rest;
    }
    frames
}

fn next_frame(message: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[opcode, len], rest) = message.split_first_chunk()?;
    let (len, rest) = match len {
        126 => rest.split_first_chunk().map(|(len, rest)| (u16::from_be_bytes(*len).into(), rest)),
        127 => rest.split_first_chunk().map(|(len, rest)| (u64::from_be_bytes(*len), rest)),
        len => Some((u64::from(len), rest)),
    }?;
    let (payload, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    Some((opcode, payload, rest))
}

/// A TCP stream that frames are written to directly, once it is there: after the handshake, or
/// after an upgrade. Until then everything waits.
#[derive(Debug, Clone, Default)]
pub struct Late(Arc<OnceLock<Arc<TcpStream>>>);

impl Late {
    /// Here it is. False when there was one already.
    pub fn set(&self, stream: Arc<TcpStream>) -> bool {
        self.0.set(stream).is_ok()
    }
}

impl From<Arc<TcpStream>> for Late {
    fn from(stream: Arc<TcpStream>) -> Self {
        Self(Arc::new(stream.into()))
    }
}

impl Wire for Late {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get().ok_or(io::ErrorKind::WouldBlock)?.try_write(bytes)
    }

    fn close(&self, why: Close, reason: &CloseReason) -> Bytes {
        close(why, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_tungstenite::tungstenite::protocol::{Message as Heard, Role, WebSocketContext};

    /// Frames of every length class are read back by another implementation, and by ourselves.
    #[test]
    fn frames_of_every_length_are_read_back() {
        for len in [0, 1, 125, 126, 127, 65_535, 65_536, 100_000] {
            let words = "x".repeat(len);
            let bytes = text(&words);
            let mut wire = io::Cursor::new(bytes.to_vec());
            let mut peer = WebSocketContext::new(Role::Client, None);
            let heard = peer.read(&mut wire).unwrap();
            assert!(matches!(heard, Heard::Text(t) if t.as_str() == words), "{len}");
            let both = [bytes, binary(words.as_bytes())].concat();
            assert_eq!(unframe(&both), [Framed::Text(&words), Framed::Binary(words.as_bytes())]);
        }
    }

    #[test]
    fn nothing_is_read_back_from_a_frame_that_is_cut_short() {
        let whole = [text("hello"), binary(&[7; 300])].concat();
        for len in 0..whole.len() {
            assert_eq!(unframe(&whole[..len]).len(), usize::from(len >= 7), "{len}");
        }
    }
}
