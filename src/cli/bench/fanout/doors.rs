//! By which door clients listen, and what a message of the bench looks like behind each.

use super::blocks::Blocks;
use crate::cli::bench::frames::{CLOSE, Frames, PING, TEXT};

/// The type of the bench's messages.
pub(super) const KIND: &str = "bench.ring";

/// Digits of the time a message was sent at, microseconds since the tally began.
const DIGITS: usize = 12;

/// What their frames begin with, and what stands between the time and the `seq`.
const BEGIN: &str = r#"{"type":"bench.ring","payload":{"sent_us":""#;
const BETWEEN: &str = r#"","text":"The bell rings on every desk."},"seq":"#;

/// What they begin with in Socket.IO, the `seq` follows; then an id and a time, as long each time,
/// stand between these.
const EVENT_BEGIN: &str = r#"42["bench.ring",{"seq":"#;
const EVENT_ID: &str = r#","id":""#;
const EVENT_TIME: &str = r#"","type":"bench.ring","created_at":""#;
const EVENT_DATA: &str = r#"","data":{"sent_us":""#;
const ID_LEN: usize = 36;
const TIME_LEN: usize = 24;

/// The line of a stream's message that names its type, and how the line after it ends.
const EVENT_LINE: &str = "\nevent: bench.ring\ndata: {";
const STREAM_DATA: &str = r#""data":{"sent_us":""#;
const STREAM_END: &str = r#"","text":"The bell rings on every desk."}}"#;

/// What a Socket.IO client says first, and when it is pinged, masked with a mask of zeros.
pub(super) const JOIN: [u8; 8] = [0x81, 0x82, 0, 0, 0, 0, b'4', b'0'];

/// How the server's answer to it begins.
pub(super) const JOINED: &[u8] = b"40{";

/// What a Socket.IO client answers a ping with, and a pong without content, both masked with a
/// mask of zeros.
pub(super) const ENGINE_PONG: [u8; 7] = [0x81, 0x81, 0, 0, 0, 0, b'3'];
pub(super) const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

/// The data of a message; a whole frame of it has about 280 bytes.
pub(super) fn data(sent_us: u128) -> String {
    let sent = digits(sent_us);
    format!(r#"{{"sent_us":"{sent}","text":"The bell rings on every desk."}}"#)
}

/// A time as it stands in a message: always as long.
pub(super) fn digits(sent_us: u128) -> String {
    format!("{sent_us:0DIGITS$}")
}

/// What publishes a message to a room, the tenant's own where none is named.
pub(super) fn publication(room: Option<&str>) -> String {
    let room = room.map(|room| format!(r#","room":"{room}""#)).unwrap_or_default();
    format!(r#"{{"type":"{KIND}","data":{}{room}}}"#, data(0))
}

/// How clients and server speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// Deskbell's own messages on `/ws`.
    Socket,
    /// Socket.IO on WebSocket.
    SocketIo,
    /// Server-sent events.
    Stream,
    /// `GET /events` that waits.
    LongPoll,
}

/// Something a client hears.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// A message of the bench: when it was sent, and its `seq`.
    Message { sent_us: u64, seq: u64 },
    /// To be answered with these bytes.
    Ping(&'static [u8]),
    /// It is over; what is said about it.
    Close(&'a [u8]),
    /// Something else that staff hear, or the way there.
    Other(&'a [u8]),
}

/// Finds what is said in the bytes of a connection.
#[derive(Debug)]
pub(super) enum Ear {
    Frames(Frames),
    Blocks(Blocks),
}

impl Door {
    /// Where it is.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Socket => "/ws",
            Self::SocketIo => "/socket.io/?EIO=4&transport=websocket",
            Self::Stream => "/api/v1/events/stream",
            Self::LongPoll => "/api/v1/events",
        }
    }

    /// For a connection through it.
    pub(super) fn ear(self) -> Ear {
        match self {
            Self::Stream => Ear::Blocks(Blocks::default()),
            _ => Ear::Frames(Frames::default()),
        }
    }

    /// When a message of the bench was sent, and its `seq`: both stand at fixed places, so that the
    /// driver need not read JSON a million times a second.
    pub(super) fn message(self, text: &[u8]) -> Option<(u64, u64)> {
        match self {
            Self::LongPoll => None,
            Self::Socket => {
                let rest = text.strip_prefix(BEGIN.as_bytes())?;
                let (digits, rest) = rest.split_at_checked(DIGITS)?;
                Some((number(digits), number(rest.strip_prefix(BETWEEN.as_bytes())?)))
            }
            Self::SocketIo => {
                let rest = text.strip_prefix(EVENT_BEGIN.as_bytes())?;
                let seq = number(rest);
                let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
                let rest = rest.get(digits..)?.strip_prefix(EVENT_ID.as_bytes())?;
                let rest = rest.get(ID_LEN..)?.strip_prefix(EVENT_TIME.as_bytes())?;
                let rest = rest.get(TIME_LEN..)?.strip_prefix(EVENT_DATA.as_bytes())?;
                Some((number(rest.get(..DIGITS)?), seq))
            }
            Self::Stream => {
                let id = text.split(|b| *b == b'\n').next()?.strip_prefix(b"id: ")?;
                let dash = id.iter().rposition(|b| *b == b'-')?;
                let rest = text.get(id.len() + 4..)?.strip_prefix(EVENT_LINE.as_bytes())?;
                let rest = rest.strip_suffix(STREAM_END.as_bytes())?;
                let (rest, digits) = rest.split_at_checked(rest.len().checked_sub(DIGITS)?)?;
                rest.ends_with(STREAM_DATA.as_bytes())
                    .then(|| (number(digits), number(id.get(dash + 1..).unwrap_or_default())))
            }
        }
    }

    fn text(self, text: &[u8]) -> Said<'_> {
        if let Some((sent_us, seq)) = self.message(text) {
            return Said::Message { sent_us, seq };
        }
        match (self, text) {
            (Self::SocketIo, b"2") => Said::Ping(&ENGINE_PONG),
            (Self::SocketIo, [b'4', b'1' | b'4', ..]) => Said::Close(text),
            (Self::Stream, text) if text.starts_with(b"event: closed") => Said::Close(text),
            _ => Said::Other(text),
        }
    }
}

impl Ear {
    /// Takes the next piece and hands each thing that is said in it to `each`.
    ///
    /// # Errors
    /// When this is not how a server of ours speaks.
    pub(super) fn take(
        &mut self,
        door: Door,
        bytes: &[u8],
        mut each: impl FnMut(Said<'_>, usize),
    ) -> Result<(), &'static str> {
        match self {
            Self::Blocks(blocks) => blocks.take(bytes, |text| each(door.text(text), text.len())),
            Self::Frames(frames) => {
                let mut strange = false;
                frames.take(bytes, |first, payload| match first {
                    TEXT => each(door.text(payload), payload.len()),
                    PING => each(Said::Ping(&PONG), payload.len()),
                    CLOSE => each(Said::Close(payload), payload.len()),
                    _ => strange = true,
                })?;
                if strange { Err("a frame is neither text nor ping nor close") } else { Ok(()) }
            }
        }
    }
}

/// The number that these digits begin with.
fn number(digits: &[u8]) -> u64 {
    let digits = digits.iter().take_while(|b| b.is_ascii_digit());
    digits.fold(0, |n, digit| n.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_known_by_their_fixed_places() {
        let data = data(123_456);
        let known = Some((123_456, 4_711));
        let plain = format!(r#"{{"type":"{KIND}","payload":{data},"seq":4711,"id":"x","ts":1}}"#);
        assert_eq!(Door::Socket.message(plain.as_bytes()), known);
        assert_eq!(Door::Socket.message(br#"{"type":"a.b","payload":{},"seq":3}"#), None);
        assert_eq!(Door::Socket.message(b""), None);
        let (id, at) = (uuid::Uuid::nil(), "2024-10-25T14:20:00.123Z");
        let mut event = format!(r#"42["{KIND}",{{"seq":4711,"id":"{id}","type":"{KIND}","#);
        event.push_str(&format!(r#""created_at":"{at}","data":{data}}}]"#));
        assert_eq!(Door::SocketIo.message(event.as_bytes()), known);
        assert_eq!(Door::SocketIo.message(br#"40{"sid":"x"}"#), None);
        let listed = format!(r#"{{"seq":4711,"id":"{id}","type":"{KIND}","data":{data}}}"#);
        let block = format!("id: e-1-4711\nevent: {KIND}\ndata: {listed}");
        assert_eq!(Door::Stream.message(block.as_bytes()), known);
        let hello = b"id: e-1-3\nevent: hello\ndata: {\"conn_id\":1}";
        assert_eq!((Door::Stream.message(hello), Door::Stream.message(b":")), (None, None));
    }

    #[test]
    fn pings_and_goodbyes_are_told_apart_from_messages() {
        let table: [(Door, &[u8], Said<'_>); 5] = [
            (Door::SocketIo, b"2", Said::Ping(&ENGINE_PONG)),
            (Door::SocketIo, b"41", Said::Close(b"41")),
            (Door::SocketIo, b"3", Said::Other(b"3")),
            (Door::Stream, b"event: closed\ndata: {}", Said::Close(b"event: closed\ndata: {}")),
            (Door::Socket, b"2", Said::Other(b"2")),
        ];
        for (door, text, said) in table {
            assert_eq!(door.text(text), said);
        }
    }
}
