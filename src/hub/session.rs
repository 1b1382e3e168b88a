//! One connected client: who it is, and which events wait for it or are on their way.

use super::{Protocol, mailbox::Mode, outbox::Outbox};
use crate::{
    event::{Dialect, Envelope, Listener},
    id::SessionId,
};
use bytes::Bytes;
use serde::Serialize;
use std::{
    net::IpAddr,
    ops::Deref,
    sync::{Arc, atomic::AtomicI64},
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
}

/// What a door knows about putting things into bytes.
pub trait Tongue: Send + Sync {
    /// Which encoding of an envelope this is, so that it is made once for all sessions.
    fn dialect(&self) -> Dialect;
    /// An event as one message.
    fn event(&self, event: &Envelope) -> Bytes;
    /// The heartbeat; none where the door sees to that itself.
    fn ping(&self) -> Option<Bytes>;
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
    pub(super) expires_at: i64,
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
            expires_at: a.expires_at,
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
        mail.last_seq = event.seq;
        if !mail.push(self.encode(event)) {
            self.out.close_locked(&mut mail, Close::Slow, &[]);
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
            mail.last_seq = event.seq;
            if !mail.push(self.encode(event)) {
                self.out.close_locked(&mut mail, Close::Slow, &[]);
            }
            sent += 1;
        }
        self.out.flush_locked(&mut mail, &mut Vec::new());
        sent
    }

    /// Says goodbye: the last words go out behind what waits, then the task ends.
    pub fn close(&self, why: Close) {
        self.out.close_after(why, &self.tongue.farewell(why));
    }

    /// The ringer heard of this session when the log stood at `seq`: held from here on.
    pub(super) fn joined_at(&self, seq: i64) {
        let mut mail = self.out.lock();
        if let Mode::Held { from } = &mut mail.mode {
            *from = Some(seq);
            self.out.wake();
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
            mail.last_seq = event.seq;
            if !mail.push(self.encode(&event)) {
                self.out.close_locked(&mut mail, Close::Slow, &[]);
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

    /// When the credentials end, milliseconds since the Unix epoch.
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }
}
