//! One Engine.IO session: which transport it is on, what goes out, who listens, and when it dies.

use super::packet::engine::Packet;
use crate::{
    hub::{Close, Outbox},
    time::Clock,
    ws::wire::Late,
};
use bytes::Bytes;
use parking_lot::Mutex;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};
use tokio::net::TcpStream;

/// Who listens at our end of a session. Dropped when the session ends.
pub trait Guest: Send {
    /// A text message came.
    ///
    /// # Errors
    /// Why the session is ended.
    fn text(&mut self, line: &Arc<Line>, text: &str) -> Result<(), Close>;

    /// A binary message came.
    ///
    /// # Errors
    /// Why the session is ended.
    fn binary(&mut self, line: &Arc<Line>, bytes: &[u8]) -> Result<(), Close>;

    /// A look now and then, to see what did not come in time.
    ///
    /// # Errors
    /// Why the session is ended.
    fn look(&mut self, ticks_ms: i64) -> Result<(), Close>;

    /// Whether it is nobody yet: such a session goes first when there are too many.
    fn is_nobody(&self) -> bool;
}

/// Where a session's packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    /// Into the answers to polls.
    Polling,
    /// The same, while a WebSocket stands by.
    Offered,
    /// The same, while the client tries a WebSocket: polls are answered at once, so that it can
    /// let go of them.
    Probed,
    /// Onto a WebSocket.
    WebSocket,
}

/// What there is for a poll.
#[derive(Debug)]
pub(super) enum Taken {
    /// Messages, as frames.
    Messages(Vec<Bytes>),
    /// Nothing, and it need not wait.
    Noop,
    /// Nothing yet.
    Wait,
    /// The session is on a WebSocket.
    Elsewhere,
}

/// What the heartbeat asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Nothing.
    Rest,
    /// A ping.
    Ping,
    /// The end: the pong did not come.
    Missed,
}

/// One session.
pub struct Line {
    /// Its id. Who knows it may speak for the client, so it is random and shown to nobody else.
    pub(super) sid: Box<str>,
    /// When it began, in ticks.
    pub(super) since: i64,
    out: Arc<Outbox>,
    wire: Late,
    transport: Mutex<Transport>,
    guest: Mutex<Option<Box<dyn Guest>>>,
    /// When the next ping is due, in ticks; negative while a pong is, until then.
    beat_at: AtomicI64,
    pub(super) polling: AtomicBool,
    pub(super) posting: AtomicBool,
    /// Nobody came to hear that it is over.
    pub(super) forsaken: AtomicBool,
}

impl Line {
    /// On a WebSocket if there is one, else on polling.
    pub(super) fn new(
        sid: String,
        clock: &Clock,
        guest: Box<dyn Guest>,
        stream: Option<Arc<TcpStream>>,
        ping_every_ms: i64,
    ) -> Self {
        let transport = if stream.is_some() { Transport::WebSocket } else { Transport::Polling };
        let since = clock.ticks_ms();
        let wire = stream.map(Late::from).unwrap_or_default();
        Self {
            sid: sid.into(),
            since,
            out: Arc::new(Outbox::new(clock, Box::new(wire.clone()))),
            wire,
            transport: Mutex::new(transport),
            guest: Mutex::new(Some(guest)),
            beat_at: AtomicI64::new(since + ping_every_ms),
            polling: AtomicBool::new(false),
            posting: AtomicBool::new(false),
            forsaken: AtomicBool::new(false),
        }
    }

    /// What goes out to the client: WebSocket frames, whatever the transport.
    pub fn out(&self) -> &Arc<Outbox> {
        &self.out
    }

    pub(super) fn is_polling(&self) -> bool {
        *self.transport.lock() != Transport::WebSocket
    }

    /// What a poll gets.
    pub(super) fn take(&self, max_bytes: usize) -> Taken {
        let transport = self.transport.lock();
        if *transport == Transport::WebSocket {
            return Taken::Elsewhere;
        }
        let messages = self.out.take(max_bytes);
        if !messages.is_empty() {
            Taken::Messages(messages)
        } else if *transport == Transport::Probed || self.out.closed().is_some() {
            Taken::Noop
        } else {
            Taken::Wait
        }
    }

    /// A WebSocket stands by for this session. False when it has one, or another stands by.
    pub(super) fn offer(&self) -> bool {
        self.go(Transport::Polling, Transport::Offered)
    }

    /// The client tries the WebSocket: a poll that waits is answered, and so are those that come.
    pub(super) fn probe(&self) -> bool {
        let probed = self.go(Transport::Offered, Transport::Probed);
        self.out.wake();
        probed
    }

    /// The WebSocket came to nothing.
    pub(super) fn withdraw(&self) {
        if !self.go(Transport::Offered, Transport::Polling) {
            self.go(Transport::Probed, Transport::Polling);
        }
    }

    /// From here on everything goes to the WebSocket, beginning with what waits. False when the
    /// client did not try it first.
    pub(super) fn switch(&self, stream: Arc<TcpStream>) -> bool {
        let mut transport = self.transport.lock();
        if *transport != Transport::Probed || !self.wire.set(stream) {
            return false;
        }
        *transport = Transport::WebSocket;
        self.out.drain();
        drop(transport);
        // A poll that is still there has nothing to wait for any more.
        self.out.wake();
        true
    }

    fn go(&self, from: Transport, to: Transport) -> bool {
        let mut transport = self.transport.lock();
        let here = *transport == from;
        if here {
            *transport = to;
        }
        here
    }

    /// Takes in one packet of the client's.
    pub(super) fn hear(
        self: &Arc<Self>,
        packet: &Packet<'_>,
        next_ping_at: i64,
    ) -> Result<(), Close> {
        match packet {
            Packet::Text(text) => self.with_guest(|guest| guest.text(self, text)),
            Packet::Binary(bytes) => self.with_guest(|guest| guest.binary(self, bytes)),
            Packet::Pong(_) => {
                self.out.heard();
                self.beat_at.store(next_ping_at, Ordering::Relaxed);
                Ok(())
            }
            Packet::Noop => Ok(()),
            Packet::Close => Err(Close::Done),
            // The heartbeat is the server's, and upgrades have a socket of their own.
            Packet::Open(_) | Packet::Ping(_) | Packet::Upgrade => Err(Close::BadMessage),
        }
    }

    /// Lets the guest do something; nothing happens when the session is over.
    pub(super) fn with_guest(
        &self,
        act: impl FnOnce(&mut dyn Guest) -> Result<(), Close>,
    ) -> Result<(), Close> {
        match self.guest.lock().as_deref_mut() {
            Some(guest) if self.out.closed().is_none() => act(guest),
            _ => Ok(()),
        }
    }

    /// Whether its guest is nobody yet.
    pub(super) fn is_nobody(&self) -> bool {
        self.guest.lock().as_deref().is_some_and(Guest::is_nobody)
    }

    /// The guest leaves.
    pub(super) fn dismiss(&self) {
        let guest = self.guest.lock().take();
        drop(guest);
    }

    /// Looks at the heartbeat. A ping is due from its time on, however late it is sent.
    pub(super) fn beat(&self, ticks: i64, pong_within_ms: i64) -> Beat {
        let at = self.beat_at.load(Ordering::Relaxed);
        if at < 0 && ticks >= -at {
            Beat::Missed
        } else if at >= 0 && ticks >= at {
            self.beat_at.store(-(at + pong_within_ms), Ordering::Relaxed);
            Beat::Ping
        } else {
            Beat::Rest
        }
    }

    /// Whether the pong is overdue.
    pub(super) fn is_dead(&self, ticks: i64) -> bool {
        let at = self.beat_at.load(Ordering::Relaxed);
        at < 0 && ticks >= -at
    }
}
