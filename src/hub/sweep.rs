//! One look a second at all sessions: pings, pongs that do not come, tokens that end, stalled
//! readers. No session has a timer of its own.

use super::{
    Hub,
    session::{Close, Session},
    signs::Sign,
};
use crate::time;
use serde_json::json;
use std::sync::{Arc, atomic::Ordering};

/// Time between two pings of a session.
pub const PING_EVERY_MS: i64 = 25_000;

/// How long after a ping the peer must have said something.
const PONG_WITHIN_MS: i64 = 10_000;

/// How long a session may go on after its token ended.
const TOKEN_GRACE_MS: i64 = 25_000;

/// How long before its token ends a session is told so, where it wants to hear such things.
const TOKEN_WARNING_MS: i64 = 60_000;

/// Time between two looks.
const LOOK_EVERY_MS: i64 = 1_000;

/// When a new session gets its first ping: spread, so that a thousand that came at once are not
/// pinged at once.
pub(super) fn first_ping_ms(id: u64) -> i64 {
    let spread = i64::try_from(id.wrapping_mul(7_919) % 10_000).unwrap_or(0);
    PING_EVERY_MS - spread
}

fn tell_of_end(session: &Session, ends_at: i64, now: i64) {
    if session.wants_signs() {
        let expires_in_s = (ends_at - now).max(0) / 1000;
        let words = json!({
            "expires_at": time::rfc3339(ends_at),
            "expires_in_s": expires_in_s,
            "grace_s": TOKEN_GRACE_MS / 1000,
        });
        session.sign(&Sign::new("auth.expiring", &words), true);
    }
}

impl Hub {
    /// Looks at all sessions once a second, for ever.
    pub async fn sweep(self) {
        loop {
            self.inner.clock.sleep_ms(LOOK_EVERY_MS).await;
            let sessions: Vec<_> = self.inner.sessions.lock().values().cloned().collect();
            for session in &sessions {
                self.look_at(session);
            }
            self.inner.presence.sweep();
        }
    }

    fn look_at(&self, session: &Arc<Session>) {
        let (now, ticks) = (self.inner.clock.now_ms(), self.inner.clock.ticks_ms());
        let ends_at = session.expires_at();
        if now > ends_at.saturating_add(TOKEN_GRACE_MS) {
            return session.close(Close::TokenExpired);
        }
        let is_near = now >= ends_at.saturating_sub(TOKEN_WARNING_MS);
        if is_near && session.told_of_end.swap(ends_at, Ordering::Relaxed) != ends_at {
            tell_of_end(session, ends_at, now);
        }
        session.look_for_stall();
        let ping_at = session.ping_at.load(Ordering::Relaxed);
        let seen = || {
            session.ping_at.store(session.heard_at() + PING_EVERY_MS, Ordering::Relaxed);
            let at_ms = now - (ticks - session.heard_at());
            self.inner.presence.seen(session.who.tenant, session.who.user, at_ms);
        };
        if ping_at < 0 {
            let asked = -ping_at;
            if session.heard_at() >= asked {
                seen();
            } else if ticks - asked > PONG_WITHIN_MS {
                session.close(Close::NoPong);
            }
        } else if ticks >= ping_at {
            match session.tongue.ping() {
                Some(ping) => {
                    session.ping_at.store(-ticks.max(1), Ordering::Relaxed);
                    session.send(ping);
                }
                None => seen(),
            }
        }
    }
}
