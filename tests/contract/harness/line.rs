//! A Socket.IO session on a WebSocket, spoken byte for byte.

use super::{Api, PATIENCE, Response};
use serde_json::Value;
use std::net::TcpStream;
use tokio_tungstenite::tungstenite::{
    self, Message, WebSocket, client::IntoClientRequest as _, handshake::HandshakeError,
};

/// Where a session on a WebSocket begins.
pub(crate) const ON_WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// Where a session on polling begins.
pub(crate) const ON_POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// One session.
pub(crate) struct Line(WebSocket<TcpStream>);

impl Line {
    /// Begins a session with these headers; an error is the status of the refusal.
    pub(crate) fn try_open(
        api: &Api,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let mut request =
            format!("ws://{}{path}", api.address).into_client_request().expect("a URL");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        let stream = TcpStream::connect(api.address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(HandshakeError::Failure(tungstenite::Error::Http(refused))) => {
                Err(refused.status().as_u16())
            }
            Err(e) => panic!("{path}: {e}"),
        }
    }

    /// Begins a session and answers its handshake too.
    pub(crate) fn open(api: &Api, headers: &[(&'static str, &str)]) -> (Self, Value) {
        let mut line = Self::try_open(api, ON_WEBSOCKET, headers).expect("a session");
        let text = line.text();
        (line, handshake(&text))
    }

    /// Begins a session and knocks with this `auth`; answers what is said to that.
    pub(crate) fn knock(api: &Api, auth: &Value) -> (Self, String) {
        let (mut line, _) = Self::open(api, &[]);
        line.say(&format!("40{auth}"));
        let answer = line.text();
        (line, answer)
    }

    /// Begins a session and comes in with this `auth`; answers the consent.
    pub(crate) fn come_in(api: &Api, auth: &Value) -> (Self, Value) {
        let (line, answer) = Self::knock(api, auth);
        let consent = answer.strip_prefix("40").unwrap_or_else(|| panic!("{answer}"));
        (line, serde_json::from_str(consent).expect("an object"))
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).expect("the server reads");
    }

    /// The next text; none when the session is over.
    pub(crate) fn next(&mut self) -> Option<String> {
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => return Some(text.as_str().to_owned()),
                Ok(Message::Close(_)) => return None,
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Ok(Message::Binary(bytes)) => panic!("nobody asked for {bytes:?}"),
                Err(tungstenite::Error::Io(e)) if is_time_out(&e) => panic!("nothing came"),
                Err(_) => return None,
            }
        }
    }

    pub(crate) fn text(&mut self) -> String {
        self.next().expect("the session is open")
    }

    /// The next event, with its name first.
    pub(crate) fn event(&mut self) -> Value {
        let text = self.text();
        let elements = text.strip_prefix("42").unwrap_or_else(|| panic!("no event but {text}"));
        serde_json::from_str(elements).expect("an array")
    }

    /// What comes until the end, the end with it.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.next()).collect()
    }
}

/// The JSON of an open packet.
pub(crate) fn handshake(text: &str) -> Value {
    let json = text.strip_prefix('0').unwrap_or_else(|| panic!("no handshake but {text}"));
    serde_json::from_str(json).expect("an object")
}

/// Begins a session on polling; its path.
pub(crate) fn poll_path(opened: &Response) -> String {
    let sid = handshake(&opened.text())["sid"].as_str().expect("a sid").to_owned();
    format!("{ON_POLLING}&sid={sid}")
}

fn is_time_out(e: &std::io::Error) -> bool {
    matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}
