//! Webhooks: an event owed to an endpoint is delivered at least once, or ends in plain sight.
//!
//! Words: an **endpoint** is a registered URL, a **delivery** is one event owed to one endpoint, an
//! **attempt** is one POST of it. [`address`] says which addresses may be called, [`sign`] how a
//! delivery is signed, [`schedule`] when it is tried again; [`crypt`] keeps the secrets, [`post`]
//! makes the one call, and [`engine`] takes deliveries from the queue to their end. [`own`] is a
//! user's own endpoint, which hears what they are notified of; [`inbox`] the receiver inside, and
//! [`bin`] how deliveries get into the server's own request bins. People rotate [`keys`], look
//! after [`deliveries`] and have many sent again by [`replay`].

pub mod address;
pub mod bin;
pub mod check;
pub mod crypt;
pub mod deliveries;
pub mod engine;
mod fares;
pub mod headers;
pub mod http;
pub mod inbox;
pub mod keys;
pub mod own;
pub mod post;
mod render;
pub mod replay;
pub mod schedule;
pub mod sign;
mod sql;
pub mod stats;

pub use fares::{Breaker, Fares, State};

use crate::{
    db::Write,
    error::{Checks, Error, OrNotFound as _, Result},
    event::pattern,
    id::TenantId,
    time,
};
use engine::Engine;
use serde::{Deserialize, Serialize};

/// Most endpoints of one tenant.
pub const ENDPOINTS_MAX: i64 = 100;

/// Retries when nothing is asked for (seed B).
const RETRIES: u32 = 3;

/// Seconds an attempt may take when nothing is asked for, and at most.
const TIMEOUT_S: u32 = 10;
const TIMEOUT_S_MAX: u32 = 30;

/// Longest name and description, characters.
const NAME_MAX: usize = 100;
const DESCRIPTION_MAX: usize = 500;

/// Shortest secret that somebody may choose, bytes.
const SECRET_MIN: usize = 8;

/// Attempts under way at a time when nothing is asked for, and at most.
const MAX_IN_FLIGHT: u32 = 16;
const MAX_IN_FLIGHT_MAX: u32 = 64;

/// Highest rate that may be asked for, deliveries a second.
const RATE_LIMIT_MAX: u32 = 10_000;

/// What the body of a delivery looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PayloadFormat {
    /// `{event, tenant_id, timestamp, data, …}`.
    Event,
    /// `{type, payload, timestamp, …}`.
    Message,
    /// `{event, notification, data}` (seed A): of a user's own endpoint, and of no other.
    #[serde(skip_deserializing)]
    Notification,
}

impl PayloadFormat {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Message => "message",
            Self::Notification => "notification",
        }
    }

    /// The format of that name, as it is stored.
    fn of(name: &str) -> Option<Self> {
        [Self::Event, Self::Message, Self::Notification].into_iter().find(|f| f.name() == name)
    }
}

/// Whether deliveries keep an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ordering {
    /// They are sent as they fall due, and may overtake each other.
    None,
    /// Those of one entity are sent one after the other, whatever becomes of each.
    ByKey,
}

impl Ordering {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ByKey => "by_key",
        }
    }
}

/// A registered URL, as people see it. The secret is shown once, when it is made.
#[derive(Debug, Clone, Serialize)]
pub struct Endpoint {
    /// Its number.
    pub id: i64,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where it is.
    pub url: String,
    /// What it wants to hear: names, `ticket.*`, `*`.
    pub events: Vec<String>,
    /// How often a delivery is tried again.
    pub retry_count: u32,
    /// Seconds an attempt may take.
    pub timeout: u32,
    /// Whether it is delivered to; while not, deliveries are held.
    pub is_active: bool,
    /// What bodies look like.
    pub payload_format: PayloadFormat,
    /// What is sent along; the values are not shown.
    #[serde(serialize_with = "show_headers")]
    pub headers: Vec<String>,
    /// Attempts under way to it at a time, at most.
    pub max_in_flight: u32,
    /// Deliveries a second, at most.
    pub rate_limit: Option<u32>,
    /// Whether deliveries keep an order.
    pub ordering: Ordering,
    /// How it fares.
    #[serde(flatten)]
    pub fares: Fares,
    /// Grows with each change by a person.
    pub version: i64,
    /// When it was made.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub created_at: i64,
    /// When a person last changed it.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub updated_at: i64,
}

/// What can be said about an endpoint when it is made or changed; what is absent stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Wish {
    name: Option<String>,
    description: Option<String>,
    url: Option<String>,
    events: Option<Vec<String>>,
    secret: Option<String>,
    retry_count: Option<u32>,
    timeout: Option<u32>,
    is_active: Option<bool>,
    payload_format: Option<PayloadFormat>,
    headers: Option<headers::Custom>,
    max_in_flight: Option<u32>,
    #[serde(default, deserialize_with = "crate::http::patch::nullable")]
    rate_limit: Option<Option<u32>>,
    ordering: Option<Ordering>,
    version: Option<i64>,
}

/// An endpoint as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    name: String,
    description: String,
    url: String,
    events: Vec<String>,
    retry_count: u32,
    timeout: u32,
    is_active: bool,
    payload_format: PayloadFormat,
    max_in_flight: u32,
    rate_limit: Option<u32>,
    ordering: Ordering,
}

impl Wanted {
    fn of(endpoint: &Endpoint) -> Self {
        Self {
            name: endpoint.name.clone(),
            description: endpoint.description.clone(),
            url: endpoint.url.clone(),
            events: endpoint.events.clone(),
            retry_count: endpoint.retry_count,
            timeout: endpoint.timeout,
            is_active: endpoint.is_active,
            payload_format: endpoint.payload_format,
            max_in_flight: endpoint.max_in_flight,
            rate_limit: endpoint.rate_limit,
            ordering: endpoint.ordering,
        }
    }
}

impl Wish {
    /// What the endpoint should be: `now`, with what is wished for in its place.
    ///
    /// # Errors
    /// 422 naming every field that is wrong. Whether the URL may be called is not asked here.
    pub fn wanted(self, now: Option<&Endpoint>, guard: &address::Guard) -> Result<Wanted> {
        let mut missing_fields = Checks::new();
        for (field, missing) in [
            ("name", self.name.is_none()),
            ("url", self.url.is_none()),
            ("events", self.events.is_none()),
        ] {
            missing_fields.check(now.is_some() || !missing, field, "is required");
        }
        missing_fields.done()?;
        let mut checks = Checks::new();
        check_secret(self.secret.as_deref().filter(|secret| !secret.is_empty()), &mut checks);
        let was = now.map(Wanted::of);
        let was = was.as_ref();
        let wanted = Wanted {
            name: text(self.name, was.map(|w| &w.name)),
            description: text(self.description, was.map(|w| &w.description)),
            url: text(self.url, was.map(|w| &w.url)),
            events: self.events.or_else(|| was.map(|w| w.events.clone())).unwrap_or_default(),
            retry_count: self.retry_count.or(was.map(|w| w.retry_count)).unwrap_or(RETRIES),
            timeout: self.timeout.or(was.map(|w| w.timeout)).unwrap_or(TIMEOUT_S),
            is_active: self.is_active.or(was.map(|w| w.is_active)).unwrap_or(true),
            payload_format: self
                .payload_format
                .or(was.map(|w| w.payload_format))
                .unwrap_or(PayloadFormat::Event),
            max_in_flight: self
                .max_in_flight
                .or(was.map(|w| w.max_in_flight))
                .unwrap_or(MAX_IN_FLIGHT),
            rate_limit: self.rate_limit.or(was.map(|w| w.rate_limit)).flatten(),
            ordering: self.ordering.or(was.map(|w| w.ordering)).unwrap_or(Ordering::None),
        };
        wanted.check(&mut checks);
        wanted.check_against(was, guard, &mut checks);
        checks.done()?;
        Ok(wanted)
    }
}

/// Registers an endpoint under the next number, or under the one that is given, which must be free.
///
/// # Errors
/// 409 for the 101st of a tenant.
pub fn register(
    w: &mut Write<'_>,
    engine: &Engine,
    (tenant, number): (TenantId, Option<i64>),
    (wanted, secret): (&Wanted, &str),
) -> Result<Endpoint> {
    if sql::count(w, tenant)? >= ENDPOINTS_MAX {
        let why = format!("a tenant has at most {ENDPOINTS_MAX} webhooks");
        return Err(Error::conflict("too_many_webhooks", why));
    }
    let id = number.map_or_else(|| sql::next_id(w), Ok)?;
    let sealed = engine.secrets.seal(secret, &id.to_be_bytes())?;
    sql::insert(w, tenant, id, wanted, &sealed)?;
    sql::find(w, tenant, id)?.or_not_found("webhook")
}

impl Wanted {
    fn check(&self, checks: &mut Checks) {
        let name = self.name.chars().count();
        checks.check((1..=NAME_MAX).contains(&name), "name", "must be 1 to 100 characters");
        let plain = !self.name.chars().any(char::is_control);
        checks.check(plain, "name", "must be one line of plain text");
        let description = self.description.chars().count();
        checks.check(description <= DESCRIPTION_MAX, "description", "is over 500 characters");
        checks.check(self.retry_count <= schedule::RETRIES_MAX, "retry_count", "must be 0 to 20");
        let timeout = (1..=TIMEOUT_S_MAX).contains(&self.timeout);
        checks.check(timeout, "timeout", "must be 1 to 30 seconds");
        let in_flight = (1..=MAX_IN_FLIGHT_MAX).contains(&self.max_in_flight);
        checks.check(in_flight, "max_in_flight", "must be 1 to 64");
        let rate = self.rate_limit.is_none_or(|rate| (1..=RATE_LIMIT_MAX).contains(&rate));
        checks.check(rate, "rate_limit", "must be 1 to 10000 deliveries a second, or null");
    }

    /// Checks what was good once and may not be any more: an address that the configuration has
    /// closed, a kind of event that is gone. Where it stays as it `was` it stands in nobody's way,
    /// least of all of a person who pauses the endpoint; but to be switched on, all must be good.
    fn check_against(&self, was: Option<&Self>, guard: &address::Guard, checks: &mut Checks) {
        let was = was.filter(|was| was.is_active || !self.is_active);
        if was.is_none_or(|was| was.url != self.url)
            && let Err(why) = guard.parse_url(&self.url)
        {
            checks.fail("url", why.to_string());
        }
        if was.is_some_and(|was| was.events == self.events) {
            return;
        }
        match pattern::validate_all(&self.events) {
            Err(wrong) if self.events.is_empty() => {
                checks.fail("events", wrong.into_iter().next().map_or_else(String::new, |w| w.1));
            }
            Err(wrong) => {
                for (index, why) in wrong {
                    checks.fail(format!("events[{index}]"), why);
                }
            }
            Ok(()) => {}
        }
    }
}

/// Whether a chosen secret can be used.
fn check_secret(secret: Option<&str>, checks: &mut Checks) {
    if let Some(secret) = secret {
        checks.check(secret.len() >= SECRET_MIN, "secret", "must be at least 8 bytes");
        if let Err(why) = sign::SigningKey::new(secret) {
            checks.fail("secret", why.to_string());
        }
    }
}

#[allow(clippy::ptr_arg, reason = "serde passes a reference to the field")]
fn show_headers<S: serde::Serializer>(names: &Vec<String>, to: S) -> Result<S::Ok, S::Error> {
    headers::show(names, to)
}

fn text(said: Option<String>, was: Option<&String>) -> String {
    match (said, was) {
        (Some(said), _) => said.trim().to_owned(),
        (None, Some(was)) => was.clone(),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A good wish with some of it replaced (`null` takes a field away), and what is said of it.
    fn told(instead: &str) -> String {
        let mut body = serde_json::json!({
            "name": "a", "url": "https://example.com", "events": ["*"],
        });
        let instead: serde_json::Map<_, _> = serde_json::from_str(instead).unwrap();
        body.as_object_mut().unwrap().extend(instead);
        let wish: Wish = serde_json::from_value(body).unwrap();
        match wish.wanted(None, &address::Guard::new("").unwrap()) {
            Ok(wanted) => format!("{} {}", wanted.retry_count, wanted.timeout),
            Err(Error::Invalid(fields)) => {
                fields.iter().map(|f| f.field.clone()).collect::<Vec<_>>().join(" ")
            }
            Err(e) => panic!("{e:?}"),
        }
    }

    /// A wish is completed by defaults, or every wrong field is named.
    #[test]
    fn wishes_are_checked() {
        let table = [
            ("{}", "3 10"),
            (r#"{"events":["call.*"],"retry_count":0,"timeout":30}"#, "0 30"),
            (r#"{"secret":"test-secret-123"}"#, "3 10"),
            (r#"{"name":null,"url":null,"events":null}"#, "name url events"),
            (r#"{"name":""}"#, "name"),
            (r#"{"url":"ftp://example.com"}"#, "url"),
            (r#"{"url":"http://169.254.169.254/"}"#, "url"),
            (r#"{"url":""}"#, "url"),
            (r#"{"events":[]}"#, "events"),
            (r#"{"events":["*","ticket.creatd"]}"#, "events[1]"),
            (r#"{"timeout":0,"retry_count":21}"#, "retry_count timeout"),
            (r#"{"secret":"short"}"#, "secret"),
            (r#"{"max_in_flight":1,"rate_limit":null,"ordering":"by_key"}"#, "3 10"),
            (r#"{"max_in_flight":0,"rate_limit":0}"#, "max_in_flight rate_limit"),
            (r#"{"max_in_flight":65,"rate_limit":10001}"#, "max_in_flight rate_limit"),
        ];
        for (instead, expected) in table {
            assert_eq!(told(instead), expected, "{instead}");
        }
    }
}
