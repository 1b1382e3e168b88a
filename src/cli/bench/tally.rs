//! What all listening clients have heard, counted and checked as it comes in.

use super::{
    frames::{CLOSE, Frames, PING, TEXT},
    stats::Latencies,
};
use parking_lot::Mutex;
use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead as _, ReadBuf},
    net::TcpStream,
    sync::{Notify, Semaphore},
};

/// Messages that may be under way at the same time.
pub(super) const OUTSTANDING_MAX: usize = 512;

/// Counters of messages under way; one more than that can never be needed.
const RING: usize = 2 * OUTSTANDING_MAX;

/// One buffer for all clients, more than a server of ours writes at once.
const READ: usize = 256 << 10;

/// The type of the bench's messages.
pub(super) const KIND: &str = "bench.ring";

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

/// Digits of the time a message was sent at, microseconds since the tally began.
pub(super) const DIGITS: usize = 12;

/// The data of a message; its whole frame has about 280 bytes.
pub(super) fn data(sent_us: u128) -> String {
    let sent = digits(sent_us);
    format!(r#"{{"sent_us":"{sent}","text":"The bell rings on every desk."}}"#)
}

/// A time as it stands in a message: always as long.
pub(super) fn digits(sent_us: u128) -> String {
    format!("{sent_us:0DIGITS$}")
}

/// How clients and server speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Deskbell's own messages on `/ws`.
    Plain,
    /// Socket.IO on WebSocket.
    SocketIo,
}

/// What a Socket.IO client says first, and when it is pinged, masked with a mask of zeros.
pub(super) const JOIN: [u8; 8] = [0x81, 0x82, 0, 0, 0, 0, b'4', b'0'];

/// How the server's answer to it begins.
pub(super) const JOINED: &[u8] = b"40{";

const ENGINE_PONG: [u8; 7] = [0x81, 0x81, 0, 0, 0, 0, b'3'];

/// A pong without content, as a client sends it: masked, with a mask of zeros.
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

/// The count of all clients.
pub(super) struct Tally {
    clients: usize,
    dialect: Dialect,
    /// What [`data`] is measured from.
    pub(super) started: Instant,
    /// By the number of a message, how many have heard it.
    ring: Vec<AtomicUsize>,
    /// Messages that all have heard.
    complete: AtomicU64,
    /// Bytes of a frame, header included.
    frame_bytes: AtomicUsize,
    latencies: Mutex<Latencies>,
    /// The first thing that went wrong.
    trouble: Mutex<Option<String>>,
    /// Rings when a message is complete, or something went wrong.
    pub(super) rung: Notify,
    /// Rings when something went wrong.
    pub(super) alarm: Notify,
    /// Room for further messages under way.
    pub(super) room: Semaphore,
    buffer: Mutex<Box<[u8]>>,
}

impl Tally {
    /// For so many clients; nothing may be sent before there is room.
    pub(super) fn new(clients: usize, dialect: Dialect) -> Self {
        Self {
            clients,
            dialect,
            started: Instant::now(),
            ring: (0..RING).map(|_| AtomicUsize::new(0)).collect(),
            complete: AtomicU64::new(0),
            frame_bytes: AtomicUsize::new(0),
            latencies: Mutex::default(),
            trouble: Mutex::default(),
            rung: Notify::new(),
            alarm: Notify::new(),
            room: Semaphore::new(0),
            buffer: Mutex::new(vec![0; READ].into()),
        }
    }

    /// How many clients listen.
    pub(super) fn clients(&self) -> usize {
        self.clients
    }

    /// Messages that all clients have heard.
    pub(super) fn complete(&self) -> u64 {
        self.complete.load(Ordering::Relaxed)
    }

    /// How long it took until the last client had each message, since this was asked last.
    pub(super) fn take_latencies(&self) -> Latencies {
        std::mem::take(&mut *self.latencies.lock())
    }

    /// How long a frame is.
    pub(super) fn frame_bytes(&self) -> usize {
        self.frame_bytes.load(Ordering::Relaxed)
    }

    /// What went wrong, if anything did.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }

    /// Notes that something went wrong; the first counts.
    pub(super) fn complain(&self, what: String) {
        self.trouble.lock().get_or_insert(what);
        self.alarm.notify_one();
        self.rung.notify_one();
    }

    /// A client has heard its `number`th message, counted from 0.
    fn heard(&self, number: u64, sent_us: u64) {
        let slot = usize::try_from(number).unwrap_or(0) % RING;
        let Some(slot) = self.ring.get(slot) else { return };
        if slot.fetch_add(1, Ordering::Relaxed) + 1 < self.clients {
            return;
        }
        slot.store(0, Ordering::Relaxed);
        let now = self.started.elapsed();
        self.latencies.lock().add(now.saturating_sub(Duration::from_micros(sent_us)));
        self.complete.fetch_add(1, Ordering::Relaxed);
        self.room.add_permits(1);
        self.rung.notify_one();
    }
}

/// One listening client.
pub(super) struct Listener {
    stream: TcpStream,
    frames: Frames,
    tally: Arc<Tally>,
    heard: u64,
    last_seq: u64,
}

impl Listener {
    /// From an upgraded stream and what came behind the upgrade.
    pub(super) fn new(stream: TcpStream, early: &[u8], tally: Arc<Tally>) -> Self {
        let mut own = Self { stream, frames: Frames::default(), tally, heard: 0, last_seq: 0 };
        own.take(early);
        own
    }

    /// Listens until the driver ends or something goes wrong.
    pub(super) async fn listen(mut self) {
        loop {
            match poll_fn(|cx| self.poll_read(cx)).await {
                Ok(0) => return self.tally.complain("the server hung up on a client".into()),
                Ok(_) => {}
                Err(e) => return self.tally.complain(format!("a client could not read: {e}")),
            }
        }
    }

    /// Reads into the buffer that all share, which is only held while it is looked through.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let tally = self.tally.clone();
        let mut buffer = tally.buffer.lock();
        let mut read = ReadBuf::new(&mut buffer);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
        self.take(read.filled());
        Poll::Ready(Ok(read.filled().len()))
    }

    fn take(&mut self, bytes: &[u8]) {
        let Self { stream, frames, tally, heard, last_seq } = self;
        let looked = frames.take(bytes, |first, payload| match first {
            TEXT => match tally.dialect.message(payload) {
                // Something else that staff hear, or the way there.
                None => match (tally.dialect, payload) {
                    (Dialect::SocketIo, b"2") => drop(stream.try_write(&ENGINE_PONG)),
                    (Dialect::SocketIo, [b'4', b'1' | b'4', ..]) => {
                        let said = String::from_utf8_lossy(payload);
                        tally.complain(format!("the server let a client not stay: {said}"));
                    }
                    _ => {}
                },
                Some((sent_us, seq)) if seq > *last_seq => {
                    *last_seq = seq;
                    if *heard == 0 {
                        tally.frame_bytes.store(payload.len() + 4, Ordering::Relaxed);
                    }
                    tally.heard(*heard, sent_us);
                    *heard += 1;
                }
                Some((_, seq)) => tally.complain(format!("{seq} came after {last_seq}")),
            },
            // It has just been read from, and six bytes always fit.
            PING => drop(stream.try_write(&PONG)),
            CLOSE => {
                let reason = payload.get(2..).unwrap_or_default();
                let reason = String::from_utf8_lossy(reason);
                tally.complain(format!("the server closed a client: {reason}"));
            }
            other => tally.complain(format!("a frame begins with {other:#x}")),
        });
        if let Err(why) = looked {
            tally.complain(why.into());
        }
    }
}

impl Dialect {
    /// When a message of the bench was sent, and its `seq`: both stand at fixed places, so that the
    /// driver need not read JSON a million times a second.
    fn message(self, text: &[u8]) -> Option<(u64, u64)> {
        if self == Self::SocketIo {
            let rest = text.strip_prefix(EVENT_BEGIN.as_bytes())?;
            let seq = number(rest);
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            let rest = rest.get(digits..)?.strip_prefix(EVENT_ID.as_bytes())?;
            let rest = rest.get(ID_LEN..)?.strip_prefix(EVENT_TIME.as_bytes())?;
            let rest = rest.get(TIME_LEN..)?.strip_prefix(EVENT_DATA.as_bytes())?;
            return Some((number(rest.get(..DIGITS)?), seq));
        }
        let rest = text.strip_prefix(BEGIN.as_bytes())?;
        let (digits, rest) = rest.split_at_checked(DIGITS)?;
        Some((number(digits), number(rest.strip_prefix(BETWEEN.as_bytes())?)))
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

    /// The text of a frame as the server writes it.
    fn frame(seq: u64, sent_us: u128) -> String {
        let data = data(sent_us);
        format!(r#"{{"type":"{KIND}","payload":{data},"seq":{seq},"id":"x","ts":1}}"#)
    }

    #[test]
    fn messages_are_known_by_their_fixed_places() {
        let plain = Dialect::Plain;
        assert_eq!(plain.message(frame(4_711, 123_456).as_bytes()), Some((123_456, 4_711)));
        assert_eq!(plain.message(br#"{"type":"user.created","payload":{},"seq":3}"#), None);
        assert_eq!(plain.message(b""), None);
        let data = data(123_456);
        let (id, at) = (uuid::Uuid::nil(), "2024-10-25T14:20:00.123Z");
        let mut event = format!(r#"42["{KIND}",{{"seq":4711,"id":"{id}","type":"{KIND}","#);
        event.push_str(&format!(r#""created_at":"{at}","data":{data}}}]"#));
        assert_eq!(Dialect::SocketIo.message(event.as_bytes()), Some((123_456, 4_711)));
        assert_eq!(Dialect::SocketIo.message(br#"40{"sid":"x"}"#), None);
    }

    /// A message counts once all have it, and makes room for another.
    #[test]
    fn a_message_is_complete_when_the_last_client_has_it() {
        let tally = Tally::new(3, Dialect::Plain);
        for number in [0, 1, 0, 0, 1] {
            tally.heard(number, 0);
        }
        assert_eq!((tally.complete(), tally.room.available_permits()), (1, 1));
        tally.heard(1, 0);
        assert_eq!((tally.complete(), tally.take_latencies().len()), (2, 2));
    }

    /// A message that comes twice or out of order spoils the run, and so does a goodbye.
    #[tokio::test]
    async fn what_a_client_must_not_hear_is_complained_of() {
        let wire = |texts: &[String]| {
            let mut wire = Vec::new();
            for text in texts {
                wire.extend([TEXT, 126]);
                wire.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
                wire.extend(text.as_bytes());
            }
            wire
        };
        let trouble = async |bytes: &[u8]| {
            let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let stream = TcpStream::connect(door.local_addr().unwrap()).await.unwrap();
            let tally = Arc::new(Tally::new(1, Dialect::Plain));
            Listener::new(stream, bytes, tally.clone());
            (tally.complete(), tally.trouble().unwrap_or_default())
        };
        let good = wire(&[frame(7, 0), frame(9, 0)]);
        assert_eq!(trouble(&good).await, (2, String::new()));
        let twice = wire(&[frame(7, 0), frame(7, 0)]);
        assert_eq!(trouble(&twice).await, (1, "7 came after 7".into()));
        let bye = [CLOSE, 4, 15, 168, b'b', b'y'];
        assert_eq!(trouble(&bye).await, (0, "the server closed a client: by".into()));
    }
}
