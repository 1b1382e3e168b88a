//! Wallboards: sockets in the room `board` that note when they hear of what.

use crate::cli::bench::{
    Outcome,
    client::{Conn, Pen},
    failed,
    frames::{CLOSE, Frames, PING, TEXT},
    stats::Latencies,
    wrong,
};
use parking_lot::Mutex;
use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::AsyncReadExt as _,
    net::TcpStream,
    time::{sleep, timeout},
};

/// How long nothing may be heard before the run is given up.
const STALLED: Duration = Duration::from_secs(20);

/// Bytes asked of a socket at a time.
const READ: usize = 64 << 10;

/// A pong without content, as a client sends it: masked, with a mask of zeros.
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

/// How a change of the board begins; the `seq` up to which it is true follows.
const CHANGED: &str = r#"{"type":"board.changed","payload":{"seq":"#;

macro_rules! kinds {
    ($($kind:ident $name:literal),*) => {
        /// A step of a call, by the event that tells of it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(super) enum Kind {
            $(#[doc = $name] $kind),*
        }

        impl Kind {
            const ALL: &[Self] = &[$(Self::$kind),*];

            /// The event's type.
            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),* }
            }
        }
    };
}

impl Kind {
    /// Whether a wallboard looks different after it: it does not show who hears music.
    pub(super) fn shows(self) -> bool {
        !matches!(self, Self::Held | Self::Resumed)
    }
}

kinds!(
    Incoming "call.incoming",
    Ringing "call.ringing",
    Answered "call.answered",
    Held "call.held",
    Resumed "call.resumed",
    Transferred "call.transferred",
    Ended "call.ended"
);

/// What all walls have heard.
#[derive(Default)]
pub(super) struct Heard {
    /// From a step's request to its event, at each wall.
    pub(super) events: Latencies,
    /// From a step's request to the change of the board that has it in it, at each wall.
    pub(super) board: Latencies,
    /// Changes of the board that one wall was told, on average.
    pub(super) changes_of_one: f64,
}

/// All walls, and what was sent when.
#[derive(Default)]
pub(super) struct Walls {
    sent: Mutex<HashMap<(u64, Kind), Instant>>,
    heard: Mutex<Heard>,
    /// What each wall is through with.
    through: Mutex<Vec<Arc<Through>>>,
    trouble: Mutex<Option<String>>,
}

/// How far one wall is.
#[derive(Default)]
struct Through {
    events: AtomicU64,
    /// Those that stand on the board as it was told.
    shown: AtomicU64,
    changes: AtomicU64,
}

impl Walls {
    /// A step's request is about to be sent.
    pub(super) fn sent(&self, number: u64, kind: Kind) {
        self.sent.lock().insert((number, kind), Instant::now());
    }

    /// Hangs up one more wall.
    pub(super) async fn hang(self: &Arc<Self>, pen: &Pen, address: SocketAddr) -> Outcome<()> {
        let mut conn = Conn::open(address).await.map_err(|e| failed("no connection", &e))?;
        conn.expect("a handshake", &pen.handshake("/ws?rooms=board"), 101).await?;
        let (stream, early) = conn.into_parts();
        let through = Arc::new(Through::default());
        self.through.lock().push(through.clone());
        let wall = Wall { walls: self.clone(), through, last_seq: 0, open: VecDeque::new() };
        tokio::spawn(wall.listen(stream, early));
        Ok(())
    }

    /// Waits until every wall has heard of so many steps, and shows those that can be seen.
    pub(super) async fn all_heard(&self, (steps, shows): (u64, u64)) -> Outcome<()> {
        let waiting = async {
            loop {
                if let Some(trouble) = self.trouble.lock().clone() {
                    return Err(wrong(trouble));
                }
                let through = |wall: &Arc<Through>| {
                    let Through { events, shown, .. } = &**wall;
                    (events.load(Ordering::Relaxed), shown.load(Ordering::Relaxed))
                };
                let found: Vec<_> = self.through.lock().iter().map(through).collect();
                if let Some((events, _)) = found.iter().find(|(events, _)| *events > steps) {
                    return Err(wrong(format!("a wall heard {events} of {steps} steps")));
                }
                if found.iter().all(|found| *found == (steps, shows)) {
                    return Ok(());
                }
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(STALLED, waiting)
            .await
            .unwrap_or_else(|_| Err(wrong(format!("not every wall heard of all {steps} steps"))))
    }

    /// What was heard, once all is over.
    pub(super) fn heard(&self) -> Heard {
        let through = self.through.lock();
        let changes: u64 = through.iter().map(|wall| wall.changes.load(Ordering::Relaxed)).sum();
        let mut heard = std::mem::take(&mut *self.heard.lock());
        heard.changes_of_one = changes as f64 / through.len().max(1) as f64;
        heard
    }

    fn complain(&self, what: String) {
        self.trouble.lock().get_or_insert(what);
    }
}

/// One wallboard.
struct Wall {
    walls: Arc<Walls>,
    through: Arc<Through>,
    last_seq: u64,
    /// Steps that were heard of and do not stand on the board yet: `seq`, and when they were sent.
    open: VecDeque<(u64, Instant)>,
}

impl Wall {
    /// Listens until the driver ends or something goes wrong.
    async fn listen(mut self, mut stream: TcpStream, early: Vec<u8>) {
        let mut frames = Frames::default();
        let mut buf = early;
        loop {
            let mut pinged = false;
            let looked = frames.take(&buf, |first, payload| match first {
                TEXT => self.take(&String::from_utf8_lossy(payload)),
                PING => pinged = true,
                CLOSE => self.walls.complain("the server closed a wall's socket".into()),
                other => self.walls.complain(format!("a frame begins with {other:#x}")),
            });
            if let Err(why) = looked {
                return self.walls.complain(why.into());
            }
            if pinged {
                // It has just been read from, and six bytes always fit.
                stream.try_write(&PONG).ok();
            }
            buf.clear();
            buf.reserve(READ);
            match stream.read_buf(&mut buf).await {
                Ok(0) => return self.walls.complain("the server hung up on a wall".into()),
                Ok(_) => {}
                Err(e) => return self.walls.complain(format!("a wall could not read: {e}")),
            }
        }
    }

    fn take(&mut self, text: &str) {
        if let Some(rest) = text.strip_prefix(CHANGED) {
            self.through.changes.fetch_add(1, Ordering::Relaxed);
            let (now, seq) = (Instant::now(), digits(rest));
            while let Some((_, sent)) = self.open.pop_front_if(|(open, _)| *open <= seq) {
                self.through.shown.fetch_add(1, Ordering::Relaxed);
                self.walls.heard.lock().board.add(now - sent);
            }
            return;
        }
        let Some((kind, number)) = step(text) else { return };
        let seq = text.rsplit_once(r#""seq":"#).map_or(0, |(_, rest)| digits(rest));
        if seq <= self.last_seq {
            return self.walls.complain(format!("{seq} came after {}", self.last_seq));
        }
        self.last_seq = seq;
        let sent = self.walls.sent.lock().get(&(number, kind)).copied();
        let Some(sent) = sent else {
            return self.walls.complain(format!("{} of {number} was never sent", kind.name()));
        };
        self.walls.heard.lock().events.add(sent.elapsed());
        self.through.events.fetch_add(1, Ordering::Relaxed);
        if kind.shows() {
            self.open.push_back((seq, sent));
        }
    }
}

/// Of which step of which call an event tells; none where it tells of something else. It is looked
/// for where it stands, so that the driver need not read JSON ten thousand times a second.
fn step(text: &str) -> Option<(Kind, u64)> {
    let rest = text.strip_prefix(r#"{"type":""#)?;
    let (name, rest) = rest.split_once('"')?;
    let kind = Kind::ALL.iter().find(|kind| kind.name() == name)?;
    let (_, rest) = rest.split_once(r#""external_id":"bench-"#)?;
    Some((*kind, digits(rest)))
}

/// The number that this begins with.
fn digits(text: &str) -> u64 {
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    digits.fold(0, |n, digit| n.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_known_by_their_type_and_the_calls_name() {
        let event = |kind: &str| {
            format!(r#"{{"type":"{kind}","payload":{{"external_id":"bench-42"}},"seq":7}}"#)
        };
        assert_eq!(step(&event("call.held")), Some((Kind::Held, 42)));
        assert_eq!(step(&event("call.updated")), None);
        assert_eq!(step(r#"{"type":"agent.state.changed","payload":{},"seq":8}"#), None);
        assert_eq!(crate::cli::bench::floor::calls::name(42), "bench-42");
    }
}
