//! Visitors: people without an account, each with a token that knows one chat for a day.
//!
//! What a visitor may do is decided by what asks for `Role::Visitor`: nothing else lets them in.

pub mod http;
mod sql;

use super::{
    Chat, EMAIL_MAX, NAME_MAX, begin,
    messages::{self, Draft},
    settings,
};
use crate::{
    auth::{Role, secret},
    db::Write,
    error::{Checks, Error, Result},
    http::{Caller, Via, caller::VISITOR},
    id::{TenantId, UserId},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde::{Deserialize, Serialize};
use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZero,
    time::Duration,
};

/// How long a token is good for, milliseconds.
pub const TOKEN_TTL_MS: i64 = 24 * 3_600_000;

/// Chats that one address may begin at once, and one more each so many seconds after that.
const PER_ADDRESS: u32 = 5;
const PER_ADDRESS_S: u64 = 12;

/// Chats that visitors of one tenant may begin at once, and one more each second after that.
const PER_TENANT: u32 = 60;
const PER_TENANT_S: u64 = 1;

/// Messages that one visitor may write at once, and one more each second after that.
const MESSAGES: u32 = 20;
const MESSAGES_S: u64 = 1;

/// Addresses, tenants or visitors that are remembered. Beyond that those are forgotten who have
/// been quiet; where nobody has, all are told to wait.
const KEYS_MAX: usize = 20_000;

/// How fast visitors may come and talk. Gone with the process: a restart forgives.
#[derive(Debug)]
pub struct Gate {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    tenants: DefaultKeyedRateLimiter<TenantId>,
    visitors: DefaultKeyedRateLimiter<UserId>,
}

impl Default for Gate {
    fn default() -> Self {
        let quota = |every_s, burst| {
            let burst = NonZero::new(burst).unwrap_or(NonZero::<u32>::MIN);
            // None only for a period of nothing.
            Quota::with_period(Duration::from_secs(every_s))
                .unwrap_or_else(|| Quota::per_second(burst))
                .allow_burst(burst)
        };
        Self {
            addresses: RateLimiter::keyed(quota(PER_ADDRESS_S, PER_ADDRESS)),
            tenants: RateLimiter::keyed(quota(PER_TENANT_S, PER_TENANT)),
            visitors: RateLimiter::keyed(quota(MESSAGES_S, MESSAGES)),
        }
    }
}

impl Gate {
    /// Lets somebody at this address begin a chat, or not; of IPv6 its first 64 bits count.
    ///
    /// # Errors
    /// 429.
    fn admit_address(&self, address: IpAddr) -> Result<()> {
        let key = match address {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) >> 64 << 64)),
            v4 @ IpAddr::V4(_) => v4,
        };
        admit(&self.addresses, &key, PER_ADDRESS_S)
    }

    /// Lets the tenant's visitors begin a chat, or not.
    ///
    /// # Errors
    /// 429.
    fn admit_tenant(&self, tenant: TenantId) -> Result<()> {
        admit(&self.tenants, &tenant, PER_TENANT_S)
    }

    /// Lets a visitor write a message, or not; others always may.
    ///
    /// # Errors
    /// 429.
    pub fn admit_message(&self, who: &Caller) -> Result<()> {
        if who.role != Role::Visitor {
            return Ok(());
        }
        admit(&self.visitors, &who.user, MESSAGES_S)
    }
}

fn admit<K: Hash + Eq + Clone>(
    rate: &DefaultKeyedRateLimiter<K>,
    key: &K,
    wait_s: u64,
) -> Result<()> {
    let wait = Error::TooMany(Duration::from_secs(wait_s));
    if rate.len() >= KEYS_MAX {
        rate.retain_recent();
        if rate.len() >= KEYS_MAX {
            return Err(wait);
        }
    }
    rate.check_key(key).map_err(|_| wait)
}

/// What a visitor says to begin.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// Which tenant's widget it is.
    pub key: String,
    /// What they call themselves.
    pub name: Option<String>,
    /// Where they can be written to.
    pub email: Option<String>,
    /// The first message.
    pub body: String,
    /// The sender's own id of it.
    pub client_msg_id: Option<String>,
}

impl New {
    /// Checks every field, and answers them as they are stored.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    pub fn checked(mut self) -> Result<Self> {
        let mut checks = Checks::new();
        let trimmed = |text: Option<String>| {
            text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        (self.name, self.email) = (trimmed(self.name), trimmed(self.email));
        let plain =
            |text: &String, max| text.chars().count() <= max && !text.contains(char::is_control);
        let name = self.name.as_ref().is_none_or(|name| plain(name, NAME_MAX));
        checks.check(name, "name", "must be one line of at most 100 characters");
        let email = self.email.as_ref().is_none_or(|email| {
            plain(email, EMAIL_MAX) && email.contains('@') && !email.contains(char::is_whitespace)
        });
        checks.check(email, "email", "must be an e-mail address");
        messages::check_body(&mut checks, &self.body);
        messages::check_client_msg_id(&mut checks, self.client_msg_id.as_deref());
        checks.done()?;
        Ok(self)
    }
}

/// A chat with the token that lets its visitor in. Not `Debug`: it holds a secret.
#[derive(Serialize)]
pub struct Begun {
    /// The chat.
    pub chat: Chat,
    /// Good for this chat, and told once.
    pub token: String,
    /// For how long, seconds.
    pub expires_in: i64,
}

/// Begins a visitor's chat with the tenant `tenant`. `new` was checked.
///
/// # Errors
/// 404 where visitors are not let in any more.
fn begin_for(w: &mut Write<'_>, tenant: TenantId, new: &New) -> Result<Begun> {
    if !settings::find(w, tenant)?.visitors {
        return Err(Error::NotFound("widget"));
    }
    let visitor = UserId::new(w.now);
    let expires_at = w.now + TOKEN_TTL_MS;
    let who = Caller {
        tenant,
        user: visitor,
        role: Role::Visitor,
        is_system_admin: false,
        name: new.name.clone().unwrap_or_else(|| String::from("Visitor")),
        session: None,
        expires_at,
        via: Via::Visitor,
    };
    let mut chat = begin::drafted(w, tenant, None)?;
    chat.visitor_id = Some(visitor);
    (chat.visitor_name, chat.visitor_email) = (new.name.clone(), new.email.clone());
    let first = Draft { body: new.body.clone(), client_msg_id: new.client_msg_id.clone() };
    let chat = begin::begun(w, &who, chat, &first)?;
    let token = secret::fresh(VISITOR)?;
    sql::forget_ended(w)?;
    sql::keep(w, &secret::digest(&token), (&chat, visitor), expires_at)?;
    Ok(Begun { chat, token, expires_in: TOKEN_TTL_MS / 1_000 })
}
