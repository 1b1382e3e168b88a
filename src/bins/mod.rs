//! Request bins: addresses of this server that keep what is sent to them, for trying webhooks out.
//!
//! A bin answers at `/bin/<id>` to anyone who knows its 128-bit id, and can play a bad peer. What
//! comes is kept in memory, in bounds, and is gone with the server. A webhook whose URL is a bin's
//! is delivered within the process: [`Bins::at`] recognises it, and nothing is connected to.

pub mod http;
mod keep;
mod kept;
#[cfg(test)]
mod tests;
mod verdict;
mod wait;

pub use keep::{Bins, Taken, Way};
pub use kept::{Incoming, Kept};
pub use verdict::Verdict;
pub use wait::{Wait, Waiting};

use crate::{
    error::{Checks, Error, Result},
    http::patch,
    time,
    webhooks::sign::SigningKey,
};
use serde::{Deserialize, Serialize, Serializer};
use std::{fmt, str::FromStr, time::Duration};

/// Bins of one tenant; one more is refused.
pub const BINS_MAX: usize = 20;

/// Bins of the whole server; one more is refused.
pub const BINS_MAX_ALL: usize = 1_000;

/// How long a bin lives, milliseconds.
pub const LIFE_MS: i64 = 7 * 24 * 3_600_000;

/// Largest body that is kept, bytes; a longer one is answered 413.
pub const BODY_MAX: usize = 64 << 10;

/// Requests kept in one bin; the oldest go.
pub const KEPT_MAX: usize = 100;

/// Bytes kept in one bin; the oldest requests go.
pub const KEPT_BYTES_MAX: usize = 1 << 20;

/// Bytes kept in all bins together; the fullest bin lets go of its oldest.
pub const KEPT_BYTES_MAX_ALL: usize = 64 << 20;

/// Requests a second that one bin takes from outside; one more is answered 429 and not kept.
pub const PER_SECOND: u32 = 20;

/// Longest delay of an answer, milliseconds.
pub const DELAY_MAX_MS: u64 = 60_000;

/// Requests of one tenant's bins that hang at a time; one more is answered 503 at once.
pub const HANGING_MAX: usize = 10;

/// Requests of one tenant's bins that wait for a late answer; one more is answered 503 at once.
pub const LATE_MAX: usize = 100;

/// How long a request from outside may hang before it is answered 504.
pub const HANG_MAX: Duration = Duration::from_secs(120);

/// Longest name, characters.
const NAME_MAX: usize = 100;

/// The name of a bin: 128 random bits, in 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BinId(u128);

impl BinId {
    /// One that nobody can guess.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(Error::internal)?;
        Ok(Self(u128::from_be_bytes(bytes)))
    }

    /// The bin that a path means: `/bin/<id>`, whatever follows behind a slash.
    pub fn in_path(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/bin/")?;
        rest.split('/').next()?.parse().ok()
    }

    /// Its path.
    pub fn path(self) -> String {
        format!("/bin/{self}")
    }
}

impl fmt::Display for BinId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for BinId {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let plain = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 32 || !text.bytes().all(plain) {
            return Err(());
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| ())
    }
}

impl Serialize for BinId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// How a bin answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Behaviour {
    /// With this status.
    pub status: u16,
    /// After this many milliseconds.
    pub delay_ms: u64,
    /// Not at all.
    pub hang: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { status: 200, delay_ms: 0, hang: false }
    }
}

/// A change of the behaviour; what is absent stays as it is.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BehaviourWish {
    status: Option<u16>,
    delay_ms: Option<u64>,
    hang: Option<bool>,
}

/// What can be said about a bin when it is made or changed; what is absent stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    name: Option<String>,
    /// What signatures are checked with; `null` or `""` goes back to the webhooks' own secrets.
    #[serde(default, deserialize_with = "patch::nullable")]
    secret: Option<Option<String>>,
    behaviour: Option<BehaviourWish>,
}

/// What a person decides about a bin.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    name: String,
    key: Option<SigningKey>,
    behaviour: Behaviour,
}

impl Wish {
    /// Completed by what is, and checked.
    ///
    /// # Errors
    /// 422 naming every wrong field.
    pub fn wanted(self, now: Wanted) -> Result<Wanted> {
        let mut checks = Checks::new();
        let name = self.name.map_or(now.name, |name| name.trim().to_owned());
        checks.check(name.chars().count() <= NAME_MAX, "name", "is over 100 characters");
        let plain = !name.chars().any(char::is_control);
        checks.check(plain, "name", "must be one line of plain text");
        let key = match self.secret {
            None => now.key,
            Some(said) => match said.filter(|secret| !secret.is_empty()).as_deref() {
                None => None,
                Some(secret) => {
                    let key = SigningKey::new(secret);
                    key.map_err(|why| checks.fail("secret", why.to_string())).ok()
                }
            },
        };
        let said = self.behaviour.unwrap_or_default();
        let behaviour = Behaviour {
            status: said.status.unwrap_or(now.behaviour.status),
            delay_ms: said.delay_ms.unwrap_or(now.behaviour.delay_ms),
            hang: said.hang.unwrap_or(now.behaviour.hang),
        };
        let status = (200..=599).contains(&behaviour.status);
        checks.check(status, "behaviour.status", "must be 200 to 599");
        let delay = behaviour.delay_ms <= DELAY_MAX_MS;
        checks.check(delay, "behaviour.delay_ms", "must be 0 to 60000");
        checks.done()?;
        Ok(Wanted { name, key, behaviour })
    }
}

/// A bin as people see it.
#[derive(Debug, Clone, Serialize)]
pub struct Bin {
    /// Its name.
    pub id: BinId,
    /// Where it takes requests.
    pub url: String,
    /// What people call it; may be empty.
    pub name: String,
    /// Whether it has a secret of its own; else those of the tenant's webhooks that point here.
    pub has_secret: bool,
    /// How it answers.
    pub behaviour: Behaviour,
    /// Requests that are kept.
    pub kept: usize,
    /// Requests that were taken since it was made.
    pub taken: u64,
    /// Requests that were not: too many, too large.
    pub refused: u64,
    /// When the last one came.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub last_request_at: Option<i64>,
    /// When it was made.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub created_at: i64,
    /// When it ends.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub expires_at: i64,
}
