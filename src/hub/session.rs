//! One connected client: its wire, its mailbox, and the one lock that orders everything sent on it.
//!
//! Write now if you can, queue if you can't: the ringer writes straight to the socket; what the
//! socket does not take at once is left to the session's own task, which wakes when it can.

use super::mailbox::{Mailbox, Mode};
use crate::{
    event::{Dialect, Envelope, Listener},
    id::SessionId,
    time::Clock,
};
use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use std::{
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};
use tokio::sync::Notify;

/// Most bytes handed to the socket in one write.
const WRITE_MAX: usize = 64 << 10;

/// A session whose mailbox is full and that took nothing for this long is closed as slow.
const STALLED_MS: i64 = 5_000;

/// Why a session is ended by the server; the numbers are WebSocket close codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
#[allow(missing_docs, reason = "each is its word in `word`")]
pub enum Close {
    Protocol = 1002,
    BadText = 1007,
    TooBig = 1009,
    Restart = 1012,
    Unauthorized = 4001,
    Disabled = 4003,
    TokenExpired = 4005,
    Slow = 4008,
    TooMany = 4009,
    NoPong = 4010,
    BadMessage = 4011,
    TooFast = 4012,
    ByAdministrator = 4013,
}

impl Close {
    /// The word in the reason's `c`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Protocol => "protocol",
            Self::BadText => "bad_text",
            Self::TooBig => "too_big",
            Self::Restart => "restart",
            Self::Unauthorized => "unauthorized",
            Self::Disabled => "disabled",
            Self::TokenExpired => "token_expired",
            Self::Slow => "slow",
            Self::TooMany => "too_many",
            Self::NoPong => "no_pong",
            Self::BadMessage => "bad_message",
            Self::TooFast => "too_fast",
            Self::ByAdministrator => "ended_by_administrator",
        }
    }

    /// Whether the same client may come back with the same credentials.
    pub fn may_return(self) -> bool {
        matches!(self, Self::Restart | Self::Slow | Self::NoPong | Self::TooFast)
    }
}

/// The reason that goes with a close code, as small JSON.
#[derive(Debug, Serialize)]
pub struct CloseReason {
    c: &'static str,
    reconnect: bool,
    seq: i64,
}

/// What a door knows about putting things into bytes.
pub trait Tongue: Send + Sync {
    /// Which encoding of an envelope this is, so that it is made once for all sessions.
    fn dialect(&self) -> Dialect;
    /// An event as one message.
    fn event(&self, event: &Envelope) -> Bytes;
    /// The heartbeat.
    fn ping(&self) -> Bytes;
    /// The last message.
    fn close(&self, code: u16, reason: &CloseReason) -> Bytes;
}

/// Where the bytes go.
pub trait Wire: Send + Sync {
    /// Writes what it can at once.
    ///
    /// # Errors
    /// `WouldBlock` when nothing fits; anything else means that the peer is gone.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;
}

/// Who is connected, and how. The caller of [`super::Hub::connect`] fills it in.
pub struct Arrival {
    /// Whose connection it is.
    pub who: Listener,
    /// The name people see.
    pub name: String,
    /// The sign-in behind it; none for API tokens.
    pub session: Option<SessionId>,
    /// When its token ends, milliseconds since the Unix epoch.
    pub expires_at: i64,
    /// The address it came from.
    pub address: IpAddr,
    /// How its door speaks.
    pub tongue: &'static dyn Tongue,
    /// Where its bytes go.
    pub wire: Box<dyn Wire>,
    /// Whether live events are held back until a replay is through.
    pub held: bool,
}

/// One connected client.
pub struct Session {
    /// Its number, never used twice.
    pub id: u64,
    /// Whose it is.
    pub who: Listener,
    /// The name people see.
    pub name: String,
    /// The sign-in behind it.
    pub session: Option<SessionId>,
    /// The address it came from.
    pub address: IpAddr,
    /// When it came, milliseconds since the Unix epoch.
    pub since_ms: i64,
    pub(super) tongue: &'static dyn Tongue,
    pub(super) expires_at: i64,
    pub(super) clock: Clock,
    wire: Box<dyn Wire>,
    mail: Mutex<Mailbox>,
    wake: Notify,
    /// When something was last heard from the peer, in ticks.
    heard_at: AtomicI64,
    /// When the next ping is due, in ticks; negative while a pong is awaited since then.
    pub(super) ping_at: AtomicI64,
}

impl Session {
    pub(super) fn new(id: u64, a: Arrival, clock: &Clock, first_ping_ms: i64) -> Self {
        let ticks = clock.ticks_ms();
        let mode = if a.held { Mode::Held { from: None } } else { Mode::Live };
        Self {
            id,
            who: a.who,
            name: a.name,
            session: a.session,
            address: a.address,
            since_ms: clock.now_ms(),
            tongue: a.tongue,
            expires_at: a.expires_at,
            clock: clock.clone(),
            wire: a.wire,
            mail: Mutex::new(Mailbox::new(mode, ticks)),
            wake: Notify::new(),
            heard_at: AtomicI64::new(ticks),
            ping_at: AtomicI64::new(ticks + first_ping_ms),
        }
    }

    /// Notes that the peer said something, whatever it was.
    pub fn heard(&self) {
        self.heard_at.store(self.clock.ticks_ms(), Ordering::Relaxed);
    }

    /// When the peer last said something, in ticks of the clock.
    pub fn heard_at(&self) -> i64 {
        self.heard_at.load(Ordering::Relaxed)
    }

    /// Puts an event into the mailbox. True when the ringer must visit: nobody else will write it.
    pub(super) fn post(&self, event: &Arc<Envelope>) -> bool {
        let mut mail = self.mail.lock();
        if mail.holds(event) {
            return false;
        }
        let bytes = event.frames.get_or_encode(self.tongue.dialect(), || self.tongue.event(event));
        mail.last_seq = event.seq;
        if !mail.push(bytes) {
            self.close_locked(&mut mail, Close::Slow);
            return false;
        }
        if mail.is_full() && !mail.left_to_task {
            // One transaction may say more than a mailbox holds: no fault of who reads.
            self.flush_locked(&mut mail, &mut Vec::new());
        }
        !std::mem::replace(&mut mail.queued_for_visit, true)
    }

    /// Writes everything that waits, in one go, unless the session's task has that duty.
    pub(super) fn visit(&self, scratch: &mut Vec<u8>) {
        let mut mail = self.mail.lock();
        mail.queued_for_visit = false;
        if mail.left_to_task {
            self.close_if_stalled(&mut mail);
        } else {
            self.flush_locked(&mut mail, scratch);
        }
    }

    /// Sends one message now, or leaves it in order behind what waits.
    pub fn send(&self, bytes: Bytes) {
        let mut mail = self.mail.lock();
        if !mail.push(bytes) {
            self.close_locked(&mut mail, Close::Slow);
        }
        if !mail.left_to_task {
            self.flush_locked(&mut mail, &mut Vec::new());
        }
    }

    /// Sends events of a replay, as many as the mailbox takes; returns how many. The rest is for
    /// when those are on the wire.
    pub(super) fn send_events(&self, events: &[Envelope]) -> usize {
        let mut mail = self.mail.lock();
        let mut sent = 0;
        for event in events {
            if mail.is_full() {
                break;
            }
            let encode = || self.tongue.event(event);
            mail.last_seq = event.seq;
            if !mail.push(event.frames.get_or_encode(self.tongue.dialect(), encode)) {
                self.close_locked(&mut mail, Close::Slow);
            }
            sent += 1;
        }
        if !mail.left_to_task {
            self.flush_locked(&mut mail, &mut Vec::new());
        }
        sent
    }

    /// Called by the session's task when the socket can take more. True when all is written.
    pub fn drain(&self) -> bool {
        let mut mail = self.mail.lock();
        mail.left_to_task = false;
        self.flush_locked(&mut mail, &mut Vec::new());
        !mail.left_to_task
    }

    /// Says goodbye: the close message goes out behind what waits, then the task ends.
    pub fn close(&self, why: Close) {
        self.close_locked(&mut self.mail.lock(), why);
    }

    /// Why the session is ended, once it is.
    pub fn closed(&self) -> Option<Close> {
        self.mail.lock().closed
    }

    /// Whether the peer is gone, so that there is nobody to say goodbye to.
    pub fn is_hung_up(&self) -> bool {
        self.mail.lock().hung_up
    }

    /// Whether the socket did not take all: the session's task writes the rest.
    pub fn is_left_to_task(&self) -> bool {
        self.mail.lock().left_to_task
    }

    /// Whether something waits to be written.
    pub fn has_mail(&self) -> bool {
        !self.mail.lock().is_empty()
    }

    /// Messages waiting.
    pub fn waiting(&self) -> usize {
        self.mail.lock().len()
    }

    /// Waits until the task has something to do: bytes that did not fit, or a close.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// The ringer heard of this session when the log stood at `seq`: held from here on.
    pub(super) fn joined_at(&self, seq: i64) {
        let mut mail = self.mail.lock();
        if let Mode::Held { from } = &mut mail.mode {
            *from = Some(seq);
            self.wake.notify_one();
        }
    }

    /// From which `seq` on live events are held, once the ringer knows this session.
    pub(super) fn held_from(&self) -> Option<i64> {
        match self.mail.lock().mode {
            Mode::Held { from } => from,
            Mode::Live => None,
        }
    }

    /// Ends the holding back if everything up to `covered` is dealt with: sends `announcement`,
    /// then what was held and comes after. False when the held part does not reach back to there.
    pub(super) fn release(&self, covered: i64, announcement: impl FnOnce() -> Bytes) -> bool {
        let mut mail = self.mail.lock();
        let Some(held) = mail.meet(covered) else { return false };
        mail.push(announcement());
        for event in held {
            let encode = || self.tongue.event(&event);
            mail.last_seq = event.seq;
            if !mail.push(event.frames.get_or_encode(self.tongue.dialect(), encode)) {
                self.close_locked(&mut mail, Close::Slow);
                break;
            }
        }
        if !mail.left_to_task {
            self.flush_locked(&mut mail, &mut Vec::new());
        }
        true
    }

    /// Holds live events back again, for a replay on an open connection; `from` is how far the
    /// ringer is. False when one is under way already.
    pub fn hold(&self, from: i64) -> bool {
        let mut mail = self.mail.lock();
        let was_live = matches!(mail.mode, Mode::Live);
        if was_live {
            mail.mode = Mode::Held { from: Some(from) };
        }
        was_live
    }

    /// When the credentials end, milliseconds since the Unix epoch.
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// The peer is gone: nothing more is written.
    pub fn hang_up(&self) {
        self.mail.lock().gone();
        self.wake.notify_one();
    }

    /// Closes a session that is full and takes nothing any more.
    pub(super) fn look_for_stall(&self) {
        self.close_if_stalled(&mut self.mail.lock());
    }

    fn close_if_stalled(&self, mail: &mut Mailbox) {
        if mail.left_to_task
            && mail.is_full()
            && self.clock.ticks_ms() - mail.progress_at > STALLED_MS
        {
            self.close_locked(mail, Close::Slow);
        }
    }

    fn close_locked(&self, mail: &mut Mailbox, why: Close) {
        if mail.closed.is_some() {
            return;
        }
        mail.closed = Some(why);
        let reason = CloseReason { c: why.word(), reconnect: why.may_return(), seq: mail.last_seq };
        let last = self.tongue.close(why as u16, &reason);
        mail.push_last(last);
        if !mail.left_to_task {
            self.flush_locked(mail, &mut Vec::new());
        }
        self.wake.notify_one();
    }

    fn flush_locked(&self, mail: &mut Mailbox, scratch: &mut Vec<u8>) {
        while let Some(chunk) = mail.chunk(scratch, WRITE_MAX) {
            let len = chunk.len();
            match self.wire.try_write(chunk) {
                Ok(written) => {
                    mail.wrote(written);
                    mail.progress_at = self.clock.ticks_ms();
                    if written == len {
                        continue;
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => {
                    mail.gone();
                    self.wake.notify_one();
                    return;
                }
            }
            mail.left_to_task = true;
            self.wake.notify_one();
            return;
        }
    }
}
