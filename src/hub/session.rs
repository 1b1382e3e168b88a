//! One connected client: who it is, and which events wait for it or are on their way.

use super::{Protocol, mailbox::Mode, outbox::Outbox, signs::Sign, standing::Joined};
use crate::{
    event::{Dialect, Envelope, Listener},
    id::SessionId,
};
use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use std::{
    net::IpAddr,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

/// Why a session is ended by the server; the numbers are WebSocket close codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
#[allow(missing_docs, reason = "each is its word in `word`")]
pub enum Close {
    Done = 1000,
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
            Self::Done => "done",
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
    pub(super) c: &'static str,
    pub(super) reconnect: bool,
    pub(super) seq: i64,
    /// Come back after so long, milliseconds: not all at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_in_ms: Option<u64>,
}

impl CloseReason {
    /// When the client is to come back, where the server says so.
    pub fn retry_in_ms(&self) -> Option<u64> {
        self.retry_in_ms
    }
}

/// What a door knows about putting things into bytes.
pub trait Tongue: Send + Sync {
    /// Which encoding of an envelope this is, so that it is made once for all sessions.
    fn dialect(&self) -> Dialect;
    /// An event as one message.
    fn event(&self, event: &Envelope) -> Bytes;
    /// The heartbeat; none where the door sees to that itself.
    fn ping(&self) -> Option<Bytes>;
    /// A sign as one message: a name, and a payload that is JSON. Nothing where the door has none.
    fn sign(&self, _name: &str, _payload: &str) -> Bytes {
        Bytes::new()
    }
    /// What is said before the end, if anything; the wire says the end itself.
    fn farewell(&self, _: Close) -> Bytes {
        Bytes::new()
    }
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
    /// What its program calls itself, cut short.
    pub user_agent: Option<Box<str>>,
    /// How its door speaks.
    pub tongue: Arc<dyn Tongue>,
    /// What goes out to it.
    pub out: Arc<Outbox>,
    /// Whether live events are held back until a replay is through.
    pub held: bool,
    /// Whether it hears what is no event: that its token ends soon, that the server stops.
    pub signs: bool,
}

/// One connected client; derefs to what goes out to it.
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
    /// What its program calls itself.
    pub user_agent: Option<Box<str>>,
    /// By which protocol it speaks.
    pub protocol: Protocol,
    /// When it came, milliseconds since the Unix epoch.
    pub since_ms: i64,
    pub(super) tongue: Arc<dyn Tongue>,
    expires_at: AtomicI64,
    /// The end of the token of which it was told last.
    pub(super) told_of_end: AtomicI64,
    pub(super) joined: Mutex<Vec<Joined>>,
    pub(super) signs: AtomicBool,
    pub(super) gone: AtomicBool,
    out: Arc<Outbox>,
    /// When the next ping is due, in ticks; negative while a pong is awaited since then.
    pub(super) ping_at: AtomicI64,
}

impl Deref for Session {
    type Target = Arc<Outbox>;
    fn deref(&self) -> &Arc<Outbox> {
        &self.out
    }
}

impl Session {
    pub(super) fn new(id: u64, a: Arrival, first_ping_ms: i64) -> Self {
        let clock = &a.out.clock;
        let (since_ms, ticks) = (clock.now_ms(), clock.ticks_ms());
        a.out.lock().mode = if a.held { Mode::Held { from: None } } else { Mode::Live };
        Self {
            id,
            who: a.who,
            name: a.name,
            session: a.session,
            address: a.address,
            user_agent: a.user_agent,
            protocol: a.tongue.dialect().into(),
            since_ms,
            tongue: a.tongue,
            expires_at: AtomicI64::new(a.expires_at),
            told_of_end: AtomicI64::new(0),
            joined: Mutex::default(),
            signs: AtomicBool::new(a.signs),
            gone: AtomicBool::new(false),
            out: a.out,
            ping_at: AtomicI64::new(ticks + first_ping_ms),
        }
    }

    /// Puts an event into the mailbox. True when the ringer must visit: nobody else will write it.
    pub(super) fn post(&self, event: &Arc<Envelope>) -> bool {
        let mut mail = self.out.lock();
        if mail.holds(event) {
            return false;
        }
        if !mail.push_event(event.seq, self.encode(event)) {
            self.out.close_locked(&mut mail, Close::Slow, None, &[]);
            return false;
        }
        if mail.is_full() && !mail.left_to_task {
            // One transaction may say more than a mailbox holds: no fault of who reads.
            self.out.flush_locked(&mut mail, &mut Vec::new());
        }
        !std::mem::replace(&mut mail.queued_for_visit, true)
    }

    fn encode(&self, event: &Envelope) -> Bytes {
        event.frames.get_or_encode(self.tongue.dialect(), || self.tongue.event(event))
    }

    /// Writes everything that waits, in one go, unless the session's task has that duty.
    pub(super) fn visit(&self, scratch: &mut Vec<u8>) {
        let mut mail = self.out.lock();
        mail.queued_for_visit = false;
        if mail.left_to_task {
            self.out.close_if_stalled(&mut mail);
        } else {
            self.out.flush_locked(&mut mail, scratch);
        }
    }

    /// Sends events of a replay, as many as the mailbox takes; returns how many. The rest is for
    /// when those are on the wire.
    pub(super) fn send_events(&self, events: &[Envelope]) -> usize {
        let mut mail = self.out.lock();
        let mut sent = 0;
        for event in events {
            if mail.is_full() {
                break;
            }
            if !mail.push_event(event.seq, self.encode(event)) {
                self.out.close_locked(&mut mail, Close::Slow, None, &[]);
            }
            sent += 1;
        }
        self.out.flush_locked(&mut mail, &mut Vec::new());
        sent
    }

    /// Says goodbye: the last words go out behind what waits, then the task ends.
    pub fn close(&self, why: Close) {
        self.out.close_after(why, None, &self.tongue.farewell(why));
    }

    /// The same, to a client that is to come back after `retry_in_ms`.
    pub(super) fn close_for_now(&self, why: Close, retry_in_ms: u64) {
        self.out.close_after(why, Some(retry_in_ms), &self.tongue.farewell(why));
    }

    /// The ringer heard of this session when the log stood at `seq`: held from here on.
    pub(super) fn joined_at(&self, seq: i64) {
        let mut mail = self.out.lock();
        mail.is_met = true;
        match &mut mail.mode {
            Mode::Held { from } => {
                *from = Some(seq);
                self.out.wake();
            }
            Mode::Live => mail.settle(seq),
        }
    }

    /// From which `seq` on live events are held, once the ringer knows this session.
    pub(super) fn held_from(&self) -> Option<i64> {
        match self.out.lock().mode {
            Mode::Held { from } => from,
            Mode::Live => None,
        }
    }

    /// Ends the holding back if everything up to `covered` is dealt with: sends `announcement`,
    /// then what was held and comes after. False when the held part does not reach back to there.
    pub(super) fn release(&self, covered: i64, announcement: impl FnOnce() -> Bytes) -> bool {
        let mut mail = self.out.lock();
        let Some(held) = mail.meet(covered) else { return false };
        let announcement = announcement();
        if !announcement.is_empty() {
            mail.push(announcement);
        }
        for event in held {
            if !mail.push_event(event.seq, self.encode(&event)) {
                self.out.close_locked(&mut mail, Close::Slow, None, &[]);
                break;
            }
        }
        self.out.flush_locked(&mut mail, &mut Vec::new());
        true
    }

    /// Holds live events back again, for a replay on an open connection; `from` is how far the
    /// ringer is. False when one is under way already.
    pub fn hold(&self, from: i64) -> bool {
        let mut mail = self.out.lock();
        let was_live = matches!(mail.mode, Mode::Live);
        if was_live {
            mail.mode = Mode::Held { from: Some(from) };
        }
        was_live
    }

    /// Whether the ringer has heard of this session.
    pub(super) fn is_met(&self) -> bool {
        self.out.lock().is_met
    }

    /// The same, from the last event that was put in line for it; `None` when one is under way.
    pub(super) fn hold_here(&self) -> Option<i64> {
        let mut mail = self.out.lock();
        let settled = mail.settled();
        let was_live = matches!(mail.mode, Mode::Live);
        if was_live {
            mail.mode = Mode::Held { from: Some(settled) };
        }
        was_live.then_some(settled)
    }

    /// When the credentials end, milliseconds since the Unix epoch.
    pub fn expires_at(&self) -> i64 {
        self.expires_at.load(Ordering::Acquire)
    }

    /// Newer credentials of the same sign-in end then.
    pub fn renew(&self, expires_at: i64) {
        self.expires_at.store(expires_at, Ordering::Release);
    }

    /// Sends a sign. One that is said again and again goes only to who keeps up: a session that
    /// lags hears the next one. One that must arrive (`keep`) waits with the events.
    pub(super) fn sign(&self, sign: &Sign, keep: bool) {
        if !keep && self.out.is_left_to_task() {
            return;
        }
        let bytes = sign.bytes(self.tongue.dialect(), |name, json| self.tongue.sign(name, json));
        if !bytes.is_empty() {
            self.out.send(bytes);
        }
    }
}
