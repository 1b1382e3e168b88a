//! Tickets: a signed-in page swaps its token for a word that opens one socket, for clients that can
//! set neither a header nor a subprotocol and must not put a token into a URL.

use crate::{auth::secret, error::Result, http::Caller};
use parking_lot::Mutex;
use std::collections::HashMap;

/// How long a ticket is good for.
pub(super) const TTL_MS: i64 = 30_000;

/// Tickets waiting at the same time; when there are more, the oldest go first.
const WAITING_MAX: usize = 10_000;

/// Tickets that were not used yet, by their digest.
#[derive(Debug, Default)]
pub struct Tickets(Mutex<HashMap<[u8; 32], (i64, Caller)>>);

impl Tickets {
    /// A fresh ticket for `caller`.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn issue(&self, caller: Caller, now_ms: i64) -> Result<String> {
        let ticket = secret::fresh("")?;
        let mut waiting = self.0.lock();
        if waiting.len() >= WAITING_MAX {
            waiting.retain(|_, (until, _)| *until > now_ms);
            let oldest = waiting.iter().min_by_key(|(_, (until, _))| *until).map(|(k, _)| *k);
            if let Some(oldest) = oldest.filter(|_| waiting.len() >= WAITING_MAX) {
                waiting.remove(&oldest);
            }
        }
        waiting.insert(secret::digest(&ticket), (now_ms + TTL_MS, caller));
        Ok(ticket)
    }

    /// Whose ticket this is; it is gone then.
    pub fn redeem(&self, ticket: &str, now_ms: i64) -> Option<Caller> {
        let (until, caller) = self.0.lock().remove(&secret::digest(ticket))?;
        (until > now_ms).then_some(caller)
    }
}
