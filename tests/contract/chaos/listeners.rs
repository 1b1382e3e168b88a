//! Those who listen at the doors while everything breaks. Each comes back with what it knows of
//! where it was, and with nothing else.

use super::{
    ask::{SILENCE_MAX, ask, connect, unless_it_hangs},
    link::Link,
    scene::Scene,
};
use crate::harness::{ON_POLLING, ON_WEBSOCKET, Session, Stream, handshake};
use serde_json::{Value, json};
use std::{
    io,
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_tungstenite::tungstenite::{
    self, Error, Message, WebSocket, client::IntoClientRequest as _,
};

/// The last event of all.
pub(crate) const END: &str = "chaos.end";

/// Longer than all of it may take.
const ALL_WITHIN: Duration = Duration::from_secs(300);

/// By which way a listener hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// `/ws?since=`.
    Socket,
    /// Socket.IO with `auth.since`, on a WebSocket.
    Since,
    /// Socket.IO with `pid` and offset, on a WebSocket.
    Recover,
    /// Socket.IO with `auth.since`, on polling.
    Polling,
    /// `Last-Event-ID`.
    Stream,
    /// `GET /events?after=&wait=`.
    Waiting,
}

impl Door {
    pub(crate) const ALL: [Self; 6] =
        [Self::Socket, Self::Since, Self::Recover, Self::Polling, Self::Stream, Self::Waiting];
}

/// What somebody heard, and what they know for their next coming.
pub(crate) struct Listener {
    pub(crate) door: Door,
    pub(crate) link: Link,
    pub(crate) scene: Arc<Scene>,
    pub(crate) who: Session,
    /// `seq` and mark of each event, without those that came again.
    pub(crate) heard: Vec<(i64, String)>,
    /// How many came again, or too late.
    pub(crate) doubled: usize,
    /// How often it came.
    pub(crate) comings: usize,
    last: i64,
    pid: Option<Value>,
    offset: Option<Value>,
    last_id: Option<String>,
    is_ready: bool,
    is_done: bool,
}

impl Listener {
    /// Somebody who will listen from `since` on.
    pub(crate) fn new(door: Door, scene: &Arc<Scene>, who: &Session, since: i64) -> Self {
        Self {
            door,
            link: Link::to(scene),
            scene: scene.clone(),
            who: who.clone(),
            heard: Vec::new(),
            doubled: 0,
            comings: 0,
            last: since,
            pid: None,
            offset: None,
            last_id: None,
            is_ready: false,
            is_done: false,
        }
    }

    /// Listens until the end was heard.
    pub(crate) fn listen(mut self) -> Self {
        let until = Instant::now() + ALL_WITHIN;
        while !self.is_done {
            assert!(Instant::now() < until, "{:?} never heard the end", self.door);
            self.comings += 1;
            // Why it broke off is of no interest: it comes back.
            drop(match self.door {
                Door::Socket => self.on_socket(),
                Door::Since | Door::Recover => self.on_line(),
                Door::Polling => self.on_polling(),
                Door::Stream => self.on_stream(),
                Door::Waiting => self.by_waiting(),
            });
        }
        self
    }

    fn ready(&mut self) {
        if !std::mem::replace(&mut self.is_ready, true) {
            self.scene.note_ready(format!("{:?} {}", self.door, self.who.user["role"]));
        }
    }

    /// Takes in one event, as it stands in each door's own words: `seq`, and `data` with the mark.
    fn take(&mut self, kind: &str, seq: &Value, data: &Value) {
        let seq = seq.as_i64().expect("a seq");
        if seq <= self.last {
            self.doubled += 1;
            return;
        }
        self.last = seq;
        if kind == END {
            self.is_done = true;
        } else {
            self.heard.push((seq, data["mark"].as_str().expect("a mark").to_owned()));
        }
    }

    fn dial(&self, path: &str) -> io::Result<WebSocket<TcpStream>> {
        let address = self.link.address;
        let request = format!("ws://{address}{path}").into_client_request();
        let mut request = request.expect("a URL");
        let bearer = format!("Bearer {}", self.who.token()).parse().expect("a header's value");
        request.headers_mut().insert("authorization", bearer);
        let opened = tungstenite::client(request, connect(address)?);
        opened.map(|(socket, _)| socket).map_err(|_| io::ErrorKind::ConnectionAborted.into())
    }

    fn on_socket(&mut self) -> io::Result<()> {
        let mut socket = self.dial(&format!("/ws?since={}", self.last))?;
        while !self.is_done {
            let said: Value = serde_json::from_str(&next_text(&mut socket)?).expect("JSON");
            match said["type"].as_str().expect("a type") {
                "hello" => self.ready(),
                "resumed" | "server.draining" => {}
                kind => self.take(kind, &said["seq"], &said["payload"]),
            }
        }
        Ok(())
    }

    /// What is said of oneself at Socket.IO's door.
    fn auth(&self) -> String {
        let mut auth = json!({ "token": self.who.token() });
        if self.door == Door::Recover {
            auth["recover"] = json!(true);
            for (name, known) in [("pid", &self.pid), ("offset", &self.offset)] {
                if let Some(known) = known {
                    auth[name] = known.clone();
                }
            }
        } else {
            auth["since"] = json!(self.last);
        }
        format!("40{auth}")
    }

    fn on_line(&mut self) -> io::Result<()> {
        let mut socket = self.dial(ON_WEBSOCKET)?;
        while !self.is_done {
            let packet = next_text(&mut socket)?;
            if let Some(answer) = self.packet(&packet)? {
                socket.send(Message::text(answer)).map_err(|_| broken())?;
            }
        }
        Ok(())
    }

    /// Takes in one packet of Engine.IO; answers what is to be sent back.
    fn packet(&mut self, packet: &str) -> io::Result<Option<String>> {
        match packet.split_at(packet.len().min(2)) {
            ("40", consent) => {
                let consent: Value = serde_json::from_str(consent).expect("JSON");
                if self.door == Door::Recover {
                    let same = self.pid.as_ref().is_none_or(|pid| *pid == consent["pid"]);
                    assert!(same, "it was not taken for who it was");
                    self.pid = Some(consent["pid"].clone());
                }
                self.ready();
            }
            ("42", event) => {
                let event: Value = serde_json::from_str(event).expect("JSON");
                match event[0].as_str().expect("a name") {
                    "resumed" | "server.draining" => {}
                    kind => {
                        self.take(kind, &event[1]["seq"], &event[1]["data"]);
                        self.offset = event.get(2).cloned().or(self.offset.take());
                    }
                }
            }
            ("2", _) => return Ok(Some("3".to_owned())),
            ("6", _) => {}
            ("1" | "41", _) => return Err(broken()),
            _ if packet.starts_with('0') => return Ok(Some(self.auth())),
            _ => panic!("{:?}: {packet}", self.door),
        }
        Ok(None)
    }

    fn on_polling(&mut self) -> io::Result<()> {
        let address = self.link.address;
        let good =
            |answer: (u16, String)| if answer.0 == 200 { Ok(answer.1) } else { Err(broken()) };
        let opened = good(ask(address, &format!("GET {ON_POLLING}"), &[], "")?)?;
        let path =
            format!("{ON_POLLING}&sid={}", handshake(&opened)["sid"].as_str().expect("a sid"));
        let mut payload = opened;
        loop {
            for packet in payload.split('\x1e') {
                if let Some(answer) = self.packet(packet)? {
                    good(ask(address, &format!("POST {path}"), &[], &answer)?)?;
                }
            }
            if self.is_done {
                return Ok(());
            }
            payload = good(ask(address, &format!("GET {path}"), &[], "")?)?;
        }
    }

    fn on_stream(&mut self) -> io::Result<()> {
        let mut api = (*self.who).clone();
        api.address = self.link.address;
        let query = format!("?since={}", self.last);
        let query = if self.last_id.is_none() { &*query } else { "" };
        let opened = Stream::try_open(&api, query, self.last_id.as_deref());
        let mut stream = opened.ok_or_else(broken)?;
        if !stream.head.starts_with("HTTP/1.1 200 ") {
            return Err(broken());
        }
        while !self.is_done {
            let began = Instant::now();
            let message = stream.next_within(SILENCE_MAX);
            assert!(began.elapsed() < SILENCE_MAX, "nothing came for {SILENCE_MAX:?}");
            let message = message.ok_or_else(broken)?;
            match &*message.event {
                "hello" => self.ready(),
                "resumed" | "closed" => {}
                kind => self.take(kind, &message.data["seq"], &message.data["data"]),
            }
            self.last_id.clone_from(&stream.last_id);
        }
        Ok(())
    }

    fn by_waiting(&mut self) -> io::Result<()> {
        let bearer = format!("Bearer {}", self.who.token());
        // It knows where it begins without asking.
        self.ready();
        while !self.is_done {
            let line = format!("GET /api/v1/events?after={}&wait=5", self.last);
            match ask(self.link.address, &line, &[("authorization", &bearer)], "")? {
                (200, page) => {
                    let page: Value = serde_json::from_str(&page).expect("JSON");
                    for event in page["data"].as_array().expect("events") {
                        let kind = event["type"].as_str().expect("a type");
                        self.take(kind, &event["seq"], &event["data"]);
                    }
                    self.last = page["meta"]["next_after"].as_i64().expect("a number");
                }
                // Those that were cut off in silence still have its places.
                (429 | 503, _) => {}
                (status, answer) => panic!("{status} {answer}"),
            }
        }
        Ok(())
    }
}

fn broken() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

/// The next text of a socket.
fn next_text(socket: &mut WebSocket<TcpStream>) -> io::Result<String> {
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => return Ok(text.as_str().to_owned()),
            Ok(Message::Close(_)) => return Err(broken()),
            Ok(_) => {}
            Err(Error::Io(why)) => return Err(unless_it_hangs(why)),
            Err(_) => return Err(broken()),
        }
    }
}
