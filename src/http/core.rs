//! What every room may use: the database, the hub, the keys, and the settings of the door.

use super::{metrics::Metrics, waiting::Waiting};
use crate::{
    auth::{Passwords, Sessions, token},
    db::Db,
    error::{Error, Result},
    hub::Hub,
    id::UserId,
    time::Clock,
};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZero,
    ops::Deref,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// Requests a second that one address may make without credentials …
const ANONYMOUS_PER_S: u32 = 20;

/// … and how many at once after a pause.
const ANONYMOUS_BURST: u32 = 40;

/// What the operator decided about the door.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Host names this server answers to, beside IP addresses and `localhost`; lower case.
    pub hosts: Vec<String>,
    /// Where people reach this server (`https://desk.example.com`), without a slash at the end.
    pub public_url: Option<String>,
    /// Origins whose pages may call, beside our own.
    pub origins: Vec<String>,
    /// Whether pages on localhost may call, whatever their port (demo and development).
    pub localhost_origins: bool,
    /// Proxies whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Who may read `/metrics` without a token.
    pub metrics_allow: Vec<IpNet>,
}

/// The parts of a [`Core`], by name.
pub struct CoreParts {
    /// Facts and events.
    pub db: Db,
    /// Connected clients.
    pub hub: Hub,
    /// Keys of access tokens.
    pub keys: token::Keys,
    /// Sign-ins that stand.
    pub sessions: Sessions,
    /// Password hashing.
    pub passwords: Passwords,
    /// What the operator decided.
    pub settings: Settings,
    /// What is counted.
    pub metrics: Metrics,
    /// Whether there is no administrator yet, so that `/setup` answers.
    pub setup_open: AtomicBool,
    /// Requests without credentials, by address.
    pub anonymous: DefaultKeyedRateLimiter<IpAddr>,
    /// Requests of signed-in users, where the operator bounds them (`API_RATE`).
    pub signed_in: Option<DefaultKeyedRateLimiter<UserId>>,
    /// New sockets, of everybody together (`WS_ACCEPT_PER_S`).
    pub accepts: DefaultDirectRateLimiter,
    /// Requests that wait for events.
    pub waiting: Waiting,
}

impl CoreParts {
    /// The limiter for requests without credentials.
    pub fn anonymous_limiter() -> DefaultKeyedRateLimiter<IpAddr> {
        let per_second = NonZero::new(ANONYMOUS_PER_S).unwrap_or(NonZero::<u32>::MIN);
        let burst = NonZero::new(ANONYMOUS_BURST).unwrap_or(NonZero::<u32>::MIN);
        RateLimiter::keyed(Quota::per_second(per_second).allow_burst(burst))
    }

    /// A limiter of so many requests a second for each user, with as many at once.
    pub fn signed_in_limiter(per_second: NonZero<u32>) -> DefaultKeyedRateLimiter<UserId> {
        RateLimiter::keyed(Quota::per_second(per_second))
    }

    /// A limiter of so many new sockets a second, with as many at once.
    pub fn accept_limiter(per_second: u32) -> DefaultDirectRateLimiter {
        let per_second = NonZero::new(per_second).unwrap_or(NonZero::<u32>::MIN);
        RateLimiter::direct(Quota::per_second(per_second))
    }

    /// Lets a request without credentials in, or not: they are counted by address, of IPv6 by its
    /// first 64 bits.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub fn admit_anonymous(&self, address: IpAddr) -> Result<()> {
        let key = match address {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) >> 64 << 64)),
            v4 @ IpAddr::V4(_) => v4,
        };
        self.anonymous.check_key(&key).map_err(|_| Error::TooMany(Duration::from_secs(1)))
    }

    /// The clock of this server.
    pub fn clock(&self) -> &Clock {
        self.db.clock()
    }
}

/// A cheap handle on all of it.
#[derive(Clone)]
pub struct Core(Arc<CoreParts>);

impl Core {
    /// Ready to be shared.
    pub fn new(parts: CoreParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for Core {
    type Target = CoreParts;
    fn deref(&self) -> &CoreParts {
        &self.0
    }
}
