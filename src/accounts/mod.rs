//! Signing in and out: passwords, sign-ins and their tokens, the first administrator.
//!
//! A sign-in ([`sessions`]) carries access tokens (12 h) and one refresh token at a time (30 days);
//! whatever ends it ends its tokens at once and its sockets within a second.

pub mod http;
pub mod links;
pub mod login;
pub mod me;
pub mod refresh;
pub mod sessions;
pub mod setup;
pub mod sql;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod tokens;

use crate::{
    auth::token::{ACCESS_TTL_MS, Bearer},
    error::Result,
    http::Core,
    id::SessionId,
    users::Profile,
};
use serde::Serialize;
use std::net::IpAddr;

/// Longest program name kept of a sign-in, characters.
const AGENT_MAX: usize = 200;

/// Where a sign-in comes from, as its owner sees it later.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The address, after trusted proxies.
    pub address: IpAddr,
    /// What the program calls itself (`User-Agent`), cut to 200 characters.
    pub agent: String,
}

impl Visit {
    /// From this address, with this `User-Agent`.
    pub fn new(address: IpAddr, agent: &str) -> Self {
        let plain = agent.chars().filter(|c| !c.is_control());
        Self { address, agent: plain.take(AGENT_MAX).collect() }
    }
}

/// The answer to a sign-in. Not `Debug`: it holds tokens.
#[derive(Serialize)]
pub struct SignedIn {
    /// Good for [`ACCESS_TTL_MS`], as `Authorization: Bearer …` and in the session cookie.
    pub access_token: String,
    token_type: &'static str,
    /// How long the access token is good for, in seconds.
    expires_in: i64,
    /// Good for 30 days and for one use.
    pub refresh_token: String,
    /// Who signed in.
    pub user: Profile,
}

/// Signs an access token for somebody whose sign-in stands.
fn access_token(core: &Core, profile: &Profile, session: SessionId) -> Result<String> {
    let user = &profile.user;
    let bearer = Bearer { user: user.id, tenant: user.tenant_id, role: user.role, session };
    core.keys.sign(bearer, core.clock().now_ms())
}

/// The answer for a sign-in that has just begun or been refreshed.
fn signed_in(
    core: &Core,
    session: SessionId,
    user: Profile,
    refresh_token: String,
) -> Result<SignedIn> {
    Ok(SignedIn {
        access_token: access_token(core, &user, session)?,
        token_type: "Bearer",
        expires_in: ACCESS_TTL_MS / 1000,
        refresh_token,
        user,
    })
}
