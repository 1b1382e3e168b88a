//! An event: what became known, when, by whom and to whom. Words only, no I/O.
//!
//! `kind` lists what can be said, [`Envelope`] is one thing said. The log writes envelopes, the
//! ringer carries them, doors encode them, webhook workers render them: none of them changes one.

mod audience;
pub mod catalogue;
pub mod changes;
mod kind;
pub mod pattern;
pub mod schema;

pub use audience::Listener;
pub use kind::Kind;

use crate::{
    id::{TenantId, UserId},
    time,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{fmt, str::FromStr, sync::OnceLock};
use uuid::Uuid;

/// Who may hear an event, fixed when it is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Agents, supervisors and administrators of the tenant.
    Staff,
    /// Staff, and the customers named on the event.
    Participants,
    /// Every signed-in person of the tenant.
    Everyone,
    /// One person, whatever their role.
    User(UserId),
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Staff => f.write_str("staff"),
            Self::Participants => f.write_str("participants"),
            Self::Everyone => f.write_str("everyone"),
            Self::User(id) => write!(f, "user:{id}"),
        }
    }
}

impl FromStr for Audience {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "staff" => Ok(Self::Staff),
            "participants" => Ok(Self::Participants),
            "everyone" => Ok(Self::Everyone),
            _ => {
                text.strip_prefix("user:").and_then(|id| id.parse().ok()).map(Self::User).ok_or(())
            }
        }
    }
}

/// Where an event is heard: a room of its tenant, which is part of every key and never of the name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Room {
    /// All staff of the tenant; the room of every event that asks for none.
    Tenant,
    /// All signed-in people of the tenant, customers included.
    Everyone,
    /// One person's sessions.
    User(UserId),
    /// Staff of one role (`role:agent`).
    Role(crate::auth::Role),
    /// A topic joined on request (`ticket:…`, `chat:…`, `queue:…`, `board`).
    Topic(Box<str>),
    /// On no socket: a `webhook.test` is for its endpoint alone.
    Nowhere,
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant => f.write_str("tenant"),
            Self::Everyone => f.write_str("everyone"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Role(role) => write!(f, "role:{role}"),
            Self::Topic(name) => f.write_str(name),
            Self::Nowhere => f.write_str("nowhere"),
        }
    }
}

impl FromStr for Room {
    type Err = ();

    /// Any text of a known form; whether the room may be joined or published to is asked elsewhere.
    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(':') {
            None => match text {
                "tenant" => Ok(Self::Tenant),
                "everyone" => Ok(Self::Everyone),
                "board" => Ok(Self::Topic(text.into())),
                "nowhere" => Ok(Self::Nowhere),
                _ => Err(()),
            },
            Some(("user", id)) => id.parse().map(Self::User).map_err(|_| ()),
            Some(("role", role)) => role.parse().map(Self::Role).map_err(|_| ()),
            Some(("ticket" | "chat" | "queue", rest)) if is_topic(rest) && text.len() <= 128 => {
                Ok(Self::Topic(text.into()))
            }
            Some(_) => Err(()),
        }
    }
}

/// Whether a topic's name has only what stands unescaped in JSON, in a URL and in a list with
/// commas: frames carry a room's name as it is. Queues are named by PBXes, which like `@` and `+`.
fn is_topic(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@+/#~".contains(&b))
}

/// Who did it.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Actor {
    /// The user's id; absent for the system and for programs without an account.
    pub id: Option<UserId>,
    /// The name people see.
    pub name: String,
    /// `user`, `token` (a program), `system` or `visitor`.
    pub kind: String,
}

impl Actor {
    /// The server itself.
    pub fn system() -> Self {
        Self { id: None, name: String::from("Deskbell"), kind: String::from("system") }
    }
}

/// One committed event, as the log holds it and every door sends it.
///
/// `data`, `changes` and `actor` are JSON text written once at commit; nobody parses them on the
/// way out. Frames are encoded once per dialect and shared by all sessions.
#[derive(Debug)]
pub struct Envelope {
    /// Its place in the one order of the whole database; the cursor everywhere.
    pub seq: i64,
    /// `UUIDv7`; the `webhook-id` of every delivery of it.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: TenantId,
    /// What happened.
    pub kind: Kind,
    /// Who may hear of it.
    pub audience: Audience,
    /// The customers named on it; only they hear [`Audience::Participants`] beside staff.
    pub named: Box<[UserId]>,
    /// Where it is heard.
    pub room: Room,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The entity as it now is.
    pub data: Box<RawValue>,
    /// `{field: [old, new]}`, where something changed.
    pub changes: Option<Box<RawValue>>,
    /// An [`Actor`] as JSON.
    pub actor: Box<RawValue>,
    /// Encodings made so far, by [`Dialect`].
    pub frames: Frames,
}

/// The ways an event is put into bytes for a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// A WebSocket text frame, header included (RFC 6455 §5.2), unmasked.
    Ws,
    /// A Socket.IO event in such a frame.
    SocketIo,
    /// The same, with its offset as the last argument.
    SocketIoOffset,
    /// A server-sent event.
    Stream,
}

/// The encodings of one envelope, each made when the first session of its dialect needs it.
#[derive(Debug, Default)]
pub struct Frames([OnceLock<Bytes>; 4]);

impl Frames {
    /// The bytes for `dialect`, made by `encode` the first time.
    pub fn get_or_encode(&self, dialect: Dialect, encode: impl FnOnce() -> Bytes) -> Bytes {
        let [ws, socket_io, socket_io_offset, stream] = &self.0;
        let frame = match dialect {
            Dialect::Ws => ws,
            Dialect::SocketIo => socket_io,
            Dialect::SocketIoOffset => socket_io_offset,
            Dialect::Stream => stream,
        };
        frame.get_or_init(encode).clone()
    }
}

/// The event as REST lists it (`GET /events`).
#[derive(Debug, Serialize)]
pub struct Listed<'a> {
    seq: i64,
    id: Uuid,
    #[serde(rename = "type")]
    kind: &'a str,
    created_at: String,
    room: String,
    actor: &'a RawValue,
    audience: String,
    data: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<&'a RawValue>,
}

impl<'a> From<&'a Envelope> for Listed<'a> {
    fn from(e: &'a Envelope) -> Self {
        Self {
            seq: e.seq,
            id: e.id,
            kind: e.kind.name(),
            created_at: time::rfc3339(e.at_ms),
            room: e.room.to_string(),
            actor: &e.actor,
            audience: e.audience.to_string(),
            data: &e.data,
            changes: e.changes.as_deref(),
        }
    }
}
