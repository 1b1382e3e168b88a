//! Engine.IO, protocol 4: sessions over polling and WebSocket, their beginning, heartbeat and end.

use super::{
    line::{Beat, Guest, Line},
    packet::engine::Packet,
    polling,
    refused::Refused,
    socket,
};
use crate::{
    error::{Error, Result},
    hub::Close,
    time::Clock,
    ws::{Allowance, wire},
};
use axum::{
    extract::Request,
    http::{Method, request::Parts},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};
use tokio::net::TcpStream;

/// The times and bounds of a server. The defaults are those of the protocol's own server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// From one pong to the next ping, and from the handshake to the first, milliseconds.
    pub ping_interval_ms: i64,
    /// How long a pong may take, milliseconds.
    pub ping_timeout_ms: i64,
    /// Largest payload or frame a client may send, bytes.
    pub max_payload: usize,
    /// Bytes a second that a client may send on a WebSocket.
    pub bytes_per_second: u32,
    /// How long a client may take to go on with a WebSocket it has opened, milliseconds.
    pub upgrade_within_ms: i64,
    /// Sessions at the same time.
    pub sessions_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ping_interval_ms: 25_000,
            ping_timeout_ms: 20_000,
            max_payload: 1_000_000,
            bytes_per_second: 64 << 20,
            upgrade_within_ms: 10_000,
            sessions_max: 10_000,
        }
    }
}

/// Who takes in new sessions.
pub trait Reception: Send + Sync {
    /// Whether whoever asks may have a session at all: pages of another origin, mostly, may not.
    fn admits(&self, request: &Parts) -> bool;

    /// Whether there is room for one more session now.
    fn has_room(&self) -> bool;

    /// A session begins with this request.
    fn receive(&self, request: &Parts) -> Box<dyn Guest>;
}

/// A cheap handle on a server.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    clock: Clock,
    reception: Box<dyn Reception>,
    lines: Mutex<HashMap<Box<str>, Arc<Line>>>,
}

/// What a request says in its query; other parameters are of no interest.
#[derive(Debug, Default)]
struct Query {
    version: Option<String>,
    transport: Option<String>,
    sid: Option<String>,
}

impl Query {
    fn of(req: &Request) -> Self {
        let mut query = Self::default();
        let text = req.uri().query().unwrap_or_default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let slot = match name.as_ref() {
                "EIO" => &mut query.version,
                "transport" => &mut query.transport,
                "sid" => &mut query.sid,
                _ => continue,
            };
            *slot = Some(value.into_owned());
        }
        query
    }
}

impl Engine {
    /// A server without sessions. [`Engine::keep`] must run beside it.
    pub fn new(settings: Settings, clock: &Clock, reception: Box<dyn Reception>) -> Self {
        let clock = clock.clone();
        Self { inner: Arc::new(Inner { settings, clock, reception, lines: Mutex::default() }) }
    }

    /// Its times and bounds.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// What a client may send on a WebSocket.
    pub(super) fn allowed(&self) -> Allowance {
        let Settings { max_payload, bytes_per_second, .. } = self.inner.settings;
        Allowance { message_max: max_payload, per_second: bytes_per_second }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Sessions there are, on both transports.
    pub fn sessions(&self) -> usize {
        self.inner.lines.lock().len()
    }

    /// Answers a request at the server's path.
    pub async fn answer(&self, req: Request) -> Response {
        self.dispatch(req).await.unwrap_or_else(IntoResponse::into_response)
    }

    async fn dispatch(&self, req: Request) -> Result<Response, Refused> {
        let query = Query::of(&req);
        let on_socket = match query.transport.as_deref() {
            Some("polling") => false,
            Some("websocket") => true,
            _ => return Err(Refused::UnknownTransport),
        };
        let (parts, body) = req.into_parts();
        if !self.inner.reception.admits(&parts) {
            return Err(Refused::Forbidden);
        }
        let line = match query.sid {
            Some(sid) => Some(self.find(&sid).ok_or(Refused::UnknownSession)?),
            None if parts.method != Method::GET => return Err(Refused::BadMethod),
            None if query.version.as_deref() != Some("4") => {
                return Err(Refused::UnsupportedVersion);
            }
            None if !self.has_room() => return Err(Refused::Busy),
            None => None,
        };
        match line {
            _ if on_socket => socket::accept(self, line, parts),
            None => {
                let line = self.open(&parts, None).map_err(|_| Refused::Busy)?;
                Ok(polling::text(self.greeting(&line)))
            }
            Some(line) if parts.method == Method::GET => polling::poll(self, &line).await,
            Some(line) if parts.method == Method::POST => {
                polling::post(self, &line, &parts, body).await
            }
            Some(_) => Err(Refused::BadRequest),
        }
    }

    fn find(&self, sid: &str) -> Option<Arc<Line>> {
        let line = self.inner.lines.lock().get(sid).cloned()?;
        if line.is_dead(self.clock().ticks_ms()) {
            self.end(&line, Close::NoPong);
            return None;
        }
        Some(line)
    }

    /// Whether one more session may begin. When there are too many, those that have been nobody for
    /// longest go: whoever only opens sessions keeps nobody out.
    fn has_room(&self) -> bool {
        if !self.inner.reception.has_room() {
            return false;
        }
        let max = self.inner.settings.sessions_max;
        let mut lines: Vec<_> = {
            let lines = self.inner.lines.lock();
            if lines.len() < max {
                return true;
            }
            lines.values().cloned().collect()
        };
        lines.retain(|line| line.is_nobody());
        lines.sort_by_key(|line| line.since);
        // Several at once, so that not every request has to look at all sessions.
        lines.truncate(max / 100 + 1);
        for line in &lines {
            self.end(line, Close::Unauthorized);
        }
        !lines.is_empty()
    }

    /// Begins a session, on a WebSocket or on polling.
    pub(super) fn open(
        &self,
        request: &Parts,
        stream: Option<Arc<TcpStream>>,
    ) -> Result<Arc<Line>> {
        let guest = self.inner.reception.receive(request);
        let ping_every_ms = self.inner.settings.ping_interval_ms;
        let line = Arc::new(Line::new(fresh_id()?, self.clock(), guest, stream, ping_every_ms));
        self.inner.lines.lock().insert(line.sid.clone(), line.clone());
        Ok(line)
    }

    /// The open packet of a session.
    pub(super) fn greeting(&self, line: &Line) -> String {
        let Settings { ping_interval_ms, ping_timeout_ms, max_payload, .. } = self.inner.settings;
        let upgrades = if line.is_polling() { "\"websocket\"" } else { "" };
        let times = format!(r#""pingInterval":{ping_interval_ms},"pingTimeout":{ping_timeout_ms}"#);
        let sid = &line.sid;
        format!(r#"0{{"sid":"{sid}","upgrades":[{upgrades}],{times},"maxPayload":{max_payload}}}"#)
    }

    /// Takes in one packet of the client's.
    pub(super) fn hear(&self, line: &Arc<Line>, packet: &Packet<'_>) -> Result<(), Close> {
        let next_ping_at = self.clock().ticks_ms() + self.inner.settings.ping_interval_ms;
        line.hear(packet, next_ping_at)
    }

    /// Ends a session: its guest leaves, and its client hears of it if it can.
    pub(super) fn end(&self, line: &Line, why: Close) {
        // First, so that who sees the end finds nobody there any more.
        line.dismiss();
        if why == Close::Done && line.is_polling() {
            // The client said so. Its last poll may still be on its way, and is then answered.
            line.out().hang_up();
            if !line.polling.load(Ordering::Acquire) {
                return;
            }
        } else {
            line.out().close(why);
        }
        self.forget(line);
    }

    /// Knows nothing of a session any more.
    pub(super) fn forget(&self, line: &Line) {
        self.inner.lines.lock().remove(&line.sid);
        line.dismiss();
    }

    /// Looks at all sessions now and then, for ever: pings, pongs that do not come, sessions that
    /// nobody comes back to. No session has a timer of its own.
    pub async fn keep(self) {
        let Settings { ping_interval_ms, ping_timeout_ms, .. } = self.inner.settings;
        let look_every_ms = (ping_interval_ms.min(ping_timeout_ms) / 20).clamp(1, 1_000);
        loop {
            self.clock().sleep_ms(look_every_ms).await;
            let lines: Vec<_> = self.inner.lines.lock().values().cloned().collect();
            for line in &lines {
                if let Err(why) = self.look_at(line) {
                    self.end(line, why);
                }
            }
        }
    }

    fn look_at(&self, line: &Line) -> Result<(), Close> {
        if line.out().closed().is_some() {
            // A WebSocket's task ends it. A poll comes to hear why, or does not.
            let forsaken = line.is_polling() && line.forsaken.swap(true, Ordering::Relaxed);
            if forsaken {
                self.forget(line);
            }
            return Ok(());
        }
        let ticks = self.clock().ticks_ms();
        match line.beat(ticks, self.inner.settings.ping_timeout_ms) {
            Beat::Rest => {}
            Beat::Ping => line.out().send(wire::text("2")),
            Beat::Missed => return Err(Close::NoPong),
        }
        line.with_guest(|guest| guest.look(ticks))
    }

    /// Ends all sessions: their clients are told to come back.
    pub fn stop(&self) {
        let lines: Vec<_> = self.inner.lines.lock().values().cloned().collect();
        for line in lines {
            self.end(&line, Close::Restart);
        }
    }
}

/// 120 random bits as 20 characters.
///
/// # Errors
/// When the system has no randomness.
pub(super) fn fresh_id() -> Result<String> {
    let mut bytes = [0; 15];
    getrandom::fill(&mut bytes).map_err(|e| Error::internal(e.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
