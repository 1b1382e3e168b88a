//! A server without doors, for the rooms' own tests: a database in a temporary folder, and a hub.

use super::{Caller, Core, CoreParts, Settings, Via, metrics::Metrics};
use crate::{
    auth::{Passwords, Role, Sessions, token},
    config::Synchronous,
    db::{self, Db, Write, events_between},
    error::{Error, Result},
    event::{Dialect, Envelope, Listener},
    hub::{
        Arrival, Close, CloseReason, Connection, Hub, INBOX_MAX, Limits, Outbox, Rights, Tongue,
        Wire,
    },
    id::{SessionId, TenantId, UserId},
    time::Clock,
};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use bytes::Bytes;
use serde_json::{Value, json};
use std::{
    io,
    ops::Deref,
    sync::{Arc, atomic::AtomicBool},
};

/// One server, gone when the test ends.
pub(crate) struct House {
    core: Core,
    _folder: tempfile::TempDir,
}

impl Deref for House {
    type Target = Core;
    fn deref(&self) -> &Core {
        &self.core
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.core.hub.stop();
        self.core.db.close();
    }
}

impl House {
    /// With nobody in it, and the set-up open.
    pub(crate) fn new() -> Self {
        let folder = crate::test_folder();
        let settings = db::Settings {
            folder: folder.path().to_owned(),
            synchronous: Synchronous::Normal,
            clock: Clock::default(),
            min_free_bytes: 0,
        };
        let db = Db::open(settings, Box::new(|_| {})).unwrap();
        let (orders, inbox) = std::sync::mpsc::sync_channel(INBOX_MAX);
        let hub =
            Hub::start(&db, orders, inbox, Limits { all: 100, per_user: 100 }, Rights::nobody())
                .unwrap();
        let core = Core::new(CoreParts {
            db,
            hub,
            keys: token::Keys::new(b"a secret of thirty-two bytes, ok", &[]),
            sessions: Sessions::default(),
            passwords: Passwords::new().unwrap(),
            settings: Settings::default(),
            metrics: Metrics::default(),
            setup_open: AtomicBool::new(true),
            anonymous: CoreParts::anonymous_limiter(),
            signed_in: None,
            accepts: CoreParts::accept_limiter(1_000),
            waiting: crate::http::waiting::Waiting::default(),
        });
        Self { core, _folder: folder }
    }

    /// Writes, and expects it to work.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl FnMut(&mut Write<'_>) -> Result<T> + Send + 'static,
    ) -> T {
        self.db.write(job).await.unwrap()
    }

    /// Everything said after `seq`, as `{kind, data, changes}`.
    pub(crate) async fn said_after(&self, seq: i64) -> Vec<Value> {
        let latest = self.db.latest_seq();
        let events = self.db.read(move |r| events_between(r, seq, latest, 1_000)).await.unwrap();
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        events
            .iter()
            .map(|e| {
                let changes = e.changes.as_ref().map(|c| read(c.get()));
                let (data, actor) = (read(e.data.get()), read(e.actor.get()));
                let kind = e.kind.name();
                json!({ "kind": kind, "data": data, "changes": changes, "actor": actor })
            })
            .collect()
    }

    /// Opens a socket that hears and says nothing.
    pub(crate) async fn socket(
        &self,
        (tenant, user): (TenantId, UserId),
        session: Option<SessionId>,
    ) -> Connection {
        let arrival = Arrival {
            who: Listener { tenant, user, role: Role::Agent },
            name: String::from("somebody"),
            session,
            expires_at: i64::MAX,
            address: [127, 0, 0, 1].into(),
            user_agent: None,
            tongue: Arc::new(Silent),
            out: Arc::new(Outbox::new(self.clock(), Box::new(Silent))),
            held: false,
            signs: false,
        };
        self.hub.connect(arrival).await.unwrap()
    }

    /// Who an access token belongs to now.
    pub(crate) async fn caller(&self, token: &str) -> Result<Caller, Error> {
        Caller::by_token(&self.core, token, Via::Bearer).await
    }
}

/// What was answered: the status, the headers, and the body as JSON.
pub(crate) type Answered = (StatusCode, HeaderMap, Value);

/// Asks some routes without a network. `what` is a method and a path; an empty body is none.
pub(crate) async fn ask(
    routes: &Router,
    what: &str,
    headers: &[(&str, &str)],
    body: Value,
) -> Answered {
    let (method, path) = what.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let request = request.body(body).unwrap();
    let response = tower::ServiceExt::oneshot(routes.clone(), request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    (parts.status, parts.headers, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// A door that nobody stands behind.
struct Silent;

impl Tongue for Silent {
    fn dialect(&self) -> Dialect {
        Dialect::Ws
    }
    fn event(&self, _: &Envelope) -> Bytes {
        Bytes::new()
    }
    fn ping(&self) -> Option<Bytes> {
        None
    }
}

impl Wire for Silent {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }
    fn close(&self, _: Close, _: &CloseReason) -> Bytes {
        Bytes::new()
    }
}
