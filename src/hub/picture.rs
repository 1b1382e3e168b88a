//! What an operator sees of one session: whose it is, by which door it came, what waits for it.

use super::{Hub, session::Session};
use crate::{
    auth::Role,
    event::{Dialect, Room},
    id::{TenantId, UserId},
    time,
};
use serde::Serialize;
use std::{net::IpAddr, sync::Arc};

/// By which protocol a session speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Protocol {
    /// `/ws`.
    #[serde(rename = "websocket")]
    WebSocket,
    /// `/socket.io/`, polling or not.
    #[serde(rename = "socket.io")]
    SocketIo,
    /// `GET /events/stream`.
    #[serde(rename = "sse")]
    Stream,
}

impl From<Dialect> for Protocol {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Ws => Self::WebSocket,
            Dialect::SocketIo | Dialect::SocketIoOffset => Self::SocketIo,
            Dialect::Stream => Self::Stream,
        }
    }
}

/// What waits for a session.
#[derive(Debug, Serialize)]
pub(super) struct Waiting {
    messages: usize,
    bytes: usize,
}

/// One session at one moment.
#[derive(Debug, Serialize)]
pub struct Picture {
    id: u64,
    tenant_id: TenantId,
    user_id: UserId,
    name: String,
    role: Role,
    protocol: Protocol,
    address: IpAddr,
    user_agent: Option<Box<str>>,
    rooms: Vec<String>,
    mailbox: Waiting,
    /// The `seq` of the last event put into its mailbox; none before the first.
    seq: Option<i64>,
    #[serde(serialize_with = "time::as_rfc3339")]
    since: i64,
    /// When something was last heard from it, a pong or anything else.
    #[serde(serialize_with = "time::as_rfc3339")]
    last_seen: i64,
}

impl Session {
    fn picture(&self) -> Picture {
        let clock = &self.clock;
        let silent_ms = clock.ticks_ms() - self.heard_at();
        let (messages, bytes, last_seq) = {
            let mail = self.lock();
            (mail.len(), mail.bytes(), mail.last_seq)
        };
        Picture {
            id: self.id,
            tenant_id: self.who.tenant,
            user_id: self.who.user,
            name: self.name.clone(),
            role: self.who.role,
            protocol: self.protocol,
            address: self.address,
            user_agent: self.user_agent.clone(),
            rooms: self.rooms(),
            mailbox: Waiting { messages, bytes },
            seq: Some(last_seq).filter(|seq| *seq > 0),
            since: self.since_ms,
            last_seen: clock.now_ms() - silent_ms.max(0),
        }
    }

    /// The rooms that the server joined for it, and those it joined itself.
    fn rooms(&self) -> Vec<String> {
        let mut rooms = vec![Room::Everyone, Room::User(self.who.user)];
        if self.who.role == Role::Visitor {
            rooms.retain(|room| *room != Room::Everyone);
        }
        if self.who.role.is_staff() {
            rooms.extend([Room::Tenant, Room::Role(self.who.role)]);
        }
        let own = rooms.iter().map(ToString::to_string);
        own.chain(self.topics().into_iter().map(String::from)).collect()
    }
}

impl Hub {
    /// Those sessions that `which` picks and that were not told to go, the newest first: `limit` of
    /// them after the first `skip`, and how many there are in all.
    pub fn pictures(
        &self,
        which: impl Fn(&Session) -> bool,
        skip: usize,
        limit: usize,
    ) -> (Vec<Picture>, usize) {
        let mut picked: Vec<Arc<Session>> =
            self.inner.sessions.lock().values().filter(|s| which(s)).cloned().collect();
        picked.retain(|session| session.closed().is_none());
        picked.sort_unstable_by_key(|session| std::cmp::Reverse(session.id));
        let shown = picked.iter().skip(skip).take(limit).map(|session| session.picture());
        (shown.collect(), picked.len())
    }

    /// The session of that number, if it is there and was not told to go.
    pub fn session(&self, id: u64) -> Option<Arc<Session>> {
        let found = self.inner.sessions.lock().get(&id).cloned();
        found.filter(|session| session.closed().is_none())
    }
}
