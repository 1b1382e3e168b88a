//! Sign-ins: how one begins, goes on and ends.

pub mod http;
pub(super) mod sql;

use super::Visit;
use crate::{
    auth,
    db::Write,
    error::Result,
    http::Core,
    id::{SessionId, TenantId, UserId},
    time,
};
use serde::Serialize;

/// How long a sign-in goes on without being refreshed, and a refresh token is good.
pub const SESSION_TTL_MS: i64 = 30 * 24 * 3_600_000;

/// Sign-ins of one user that stand; when one more begins, the oldest ends.
pub const SESSIONS_MAX: i64 = 1_000;

/// Ended sign-ins removed whenever one begins, so that they never pile up.
const PRUNED_AT_ONCE: i64 = 8;

/// A sign-in as its owner sees it.
#[derive(Debug, Serialize)]
pub struct Session {
    id: SessionId,
    address: String,
    agent: String,
    #[serde(serialize_with = "time::as_rfc3339")]
    created_at: i64,
    #[serde(serialize_with = "time::as_rfc3339")]
    last_seen_at: i64,
    #[serde(serialize_with = "time::as_rfc3339")]
    expires_at: i64,
    /// Whether it is the one that asks.
    current: bool,
}

/// Begins a sign-in with its first refresh token, of which only the digest is kept.
pub(super) fn begin(
    w: &mut Write<'_>,
    core: &Core,
    who: (TenantId, UserId),
    visit: &Visit,
    refresh: &[u8],
) -> Result<SessionId> {
    sql::prune(w, PRUNED_AT_ONCE)?;
    let id = SessionId::new(w.now);
    sql::insert(w, id, who, visit)?;
    sql::add_refresh_token(w, id, refresh)?;
    for old in sql::beyond(w, who.1, SESSIONS_MAX)? {
        end(w, core, old)?;
    }
    Ok(id)
}

/// Lets a sign-in go on for another [`SESSION_TTL_MS`]; false when it does not stand.
pub(super) fn go_on(w: &mut Write<'_>, core: &Core, id: SessionId) -> Result<bool> {
    let stands = sql::extend(w, id)?;
    let core = core.clone();
    w.after_commit(move || core.sessions.forget_session(id));
    Ok(stands)
}

/// Ends a sign-in: its tokens are good for nothing once this is committed, and its sockets are
/// closed. False when it had ended before.
pub(super) fn end(w: &mut Write<'_>, core: &Core, id: SessionId) -> Result<bool> {
    let ended = auth::sql::end_session(w, id)?;
    let core = core.clone();
    w.after_commit(move || {
        core.sessions.forget_session(id);
        core.hub.close_session(id);
    });
    Ok(ended)
}
