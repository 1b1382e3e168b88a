//! A WebSocket client that waits for what it is told to wait for, and never sleeps.

use super::{Api, PATIENCE, Response};
use serde_json::Value;
use std::{
    net::TcpStream,
    time::{Duration, Instant},
};
use tokio_tungstenite::tungstenite::{
    self, Error, Message, WebSocket, client::IntoClientRequest as _, handshake::HandshakeError,
    protocol::CloseFrame,
};

/// One open socket.
pub(crate) struct Socket {
    stream: WebSocket<TcpStream>,
    /// The headers of the upgrade.
    pub(crate) upgrade: http::HeaderMap,
}

/// What came over a socket.
#[derive(Debug)]
pub(crate) enum Frame {
    /// A JSON message.
    Said(Value),
    /// The end, with its code and reason.
    Closed(u16, String),
}

/// Why a socket was not opened: the status and body of the answer.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The status.
    pub(crate) status: u16,
    /// The body, which is JSON.
    pub(crate) body: Value,
}

impl Socket {
    /// Opens `/ws` with the client's bearer token.
    pub(crate) fn open(api: &Api) -> Self {
        Self::open_at(api, "/ws")
    }

    /// Opens a path such as `/ws?since=0` with the client's bearer token.
    pub(crate) fn open_at(api: &Api, path: &str) -> Self {
        let bearer = format!("Bearer {}", api.token());
        Self::try_open(api, path, &[("authorization", &bearer)])
            .unwrap_or_else(|refusal| panic!("{path}: {refusal:?}"))
    }

    /// Opens a path with these headers and nothing else, or says why not.
    pub(crate) fn try_open(
        api: &Api,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Refusal> {
        let mut request =
            format!("ws://{}{path}", api.address).into_client_request().expect("a URL");
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().expect("a header's value"));
        }
        let tcp = TcpStream::connect(api.address).expect("the server listens");
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.set_write_timeout(Some(PATIENCE)).unwrap();
        match tungstenite::client(request, tcp) {
            Ok((stream, upgrade)) => Ok(Self { stream, upgrade: upgrade.into_parts().0.headers }),
            Err(HandshakeError::Failure(Error::Http(answer))) => {
                let body = answer.body().as_deref().unwrap_or_default();
                let body = serde_json::from_slice(body).unwrap_or(Value::Null);
                Err(Refusal { status: answer.status().as_u16(), body })
            }
            Err(other) => panic!("{path}: {other}"),
        }
    }

    /// The next message or the end; pings are answered on the way. Nothing within `within` is none.
    pub(crate) fn next_within(&mut self, within: Duration) -> Option<Frame> {
        let until = Instant::now() + within;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.stream.get_ref().set_read_timeout(Some(left)).unwrap();
            match self.stream.read() {
                Ok(Message::Text(text)) => {
                    return Some(Frame::Said(serde_json::from_str(&text).expect("JSON")));
                }
                Ok(Message::Close(frame)) => return Some(closed(frame)),
                Ok(_) => {}
                Err(Error::Io(e))
                    if matches!(
                        e.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) =>
                {
                    return None;
                }
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => {
                    return Some(closed(None));
                }
                // Without a close frame: the server died.
                Err(_) => return Some(Frame::Closed(1006, String::new())),
            }
        }
    }

    /// The next message.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Value {
        match self.next_within(PATIENCE) {
            Some(Frame::Said(said)) => said,
            other => panic!("expected a message, got {other:?}"),
        }
    }

    /// Waits for a message of that type, passing over others.
    #[track_caller]
    pub(crate) fn expect_frame(&mut self, kind: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        let mut passed = Vec::new();
        loop {
            match self.next_within(until.saturating_duration_since(Instant::now())) {
                Some(Frame::Said(said)) if said["type"] == kind => return said,
                Some(Frame::Said(said)) => passed.push(said),
                other => panic!("no {kind} but {other:?}, after {passed:#?}"),
            }
        }
    }

    /// Waits for the end, passing over messages; answers code and reason.
    #[track_caller]
    pub(crate) fn expect_close(&mut self) -> (u16, String) {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.next_within(until.saturating_duration_since(Instant::now())) {
                Some(Frame::Closed(code, reason)) => return (code, reason),
                Some(Frame::Said(_)) => {}
                None => panic!("the socket stays open"),
            }
        }
    }

    /// Sends a JSON message.
    pub(crate) fn say(&mut self, message: &Value) {
        self.say_text(&message.to_string());
    }

    /// Sends any text.
    pub(crate) fn say_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).expect("the socket is open");
    }

    /// Everything that was sent to this socket before now: says `ping` and collects what comes
    /// before its `pong`. This is how "nothing came" is proven without waiting.
    #[track_caller]
    pub(crate) fn all_until_now(&mut self) -> Vec<Value> {
        self.say(&serde_json::json!({ "type": "ping", "ref": "until-now" }));
        let mut all = Vec::new();
        loop {
            let said = self.next();
            if said["type"] == "pong" && said["ref"] == "until-now" {
                return all;
            }
            all.push(said);
        }
    }

    /// Says good-bye in order.
    pub(crate) fn close(mut self) {
        drop(self.stream.close(None));
        drop(self.expect_close());
    }
}

fn closed(frame: Option<CloseFrame>) -> Frame {
    // 1005: no code was sent (RFC 6455 §7.1.5).
    frame.map_or(Frame::Closed(1005, String::new()), |frame| {
        Frame::Closed(frame.code.into(), frame.reason.to_string())
    })
}
