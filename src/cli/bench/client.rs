//! A lean HTTP/1.1 client: ready-made requests out, status and length read back, nothing else.
//!
//! It understands what Deskbell answers (`Content-Length`; of chunks only that they begin) and
//! takes a few microseconds a call, so that the server is measured and not its client.

use super::{
    Outcome, failed,
    server::{EMAIL, PASSWORD},
    wrong,
};
use serde_json::{Value, json};
use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Bytes asked of the socket at a time.
const READ: usize = 8 << 10;

/// One keep-alive connection with one request under way at a time.
pub(super) struct Conn {
    stream: TcpStream,
    buf: Vec<u8>,
    /// Where the last answer's body begins.
    body: usize,
}

/// The head of an answer.
struct Head {
    status: u16,
    /// Bytes of it, the empty line included.
    len: usize,
    body: usize,
}

impl Conn {
    /// Connects.
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buf: Vec::with_capacity(READ), body: 0 })
    }

    /// Sends a request and waits for the whole answer; returns its status.
    pub(super) async fn call(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.write_all(request).await?;
        self.buf.clear();
        loop {
            if let Some(head) = head(&self.buf)? {
                self.body = head.len;
                while self.buf.len() < head.len + head.body {
                    self.read().await?;
                }
                return Ok(head.status);
            }
            self.read().await?;
        }
    }

    /// Sends a part of a request.
    pub(super) async fn write(&mut self, part: &[u8]) -> io::Result<()> {
        self.stream.write_all(part).await
    }

    /// Waits for the head of an answer; its status and the length of the body, of which
    /// [`Self::take`] gives out piece by piece.
    pub(super) async fn begin(&mut self) -> io::Result<(u16, usize)> {
        self.buf.clear();
        loop {
            if let Some(head) = head(&self.buf)? {
                self.buf.drain(..head.len);
                return Ok((head.status, head.body));
            }
            self.read().await?;
        }
    }

    /// The next `len` bytes of a body.
    pub(super) async fn take(&mut self, len: usize) -> io::Result<Vec<u8>> {
        while self.buf.len() < len {
            self.read().await?;
        }
        Ok(self.buf.drain(..len).collect())
    }

    /// The same, where only one status will do.
    pub(super) async fn expect(&mut self, what: &str, request: &[u8], status: u16) -> Outcome<()> {
        match self.call(request).await.map_err(|e| failed(what, &e))? {
            found if found == status => Ok(()),
            other => {
                let said = String::from_utf8_lossy(self.body());
                Err(wrong(format!("{what} was answered with {other}: {said}")))
            }
        }
    }

    async fn read(&mut self) -> io::Result<()> {
        self.buf.reserve(READ);
        match self.stream.read_buf(&mut self.buf).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// What the last answer says.
    pub(super) fn body(&self) -> &[u8] {
        self.buf.get(self.body..).unwrap_or_default()
    }

    /// Gives the stream up, with what came behind the last answer's head.
    pub(super) fn into_parts(self) -> (TcpStream, Vec<u8>) {
        let rest = self.body().to_vec();
        (self.stream, rest)
    }
}

/// Reads the head of an answer, once it is whole.
fn head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let text = bytes.get(..end).and_then(|head| std::str::from_utf8(head).ok());
    let text = text.ok_or_else(|| bad("the answer's head is no text"))?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
    let status: u16 = status
        .and_then(|rest| rest.get(..3)?.parse().ok())
        .ok_or_else(|| bad("the answer is not HTTP/1.1"))?;
    let chunked = header(lines.clone(), "transfer-encoding").is_some_and(|how| how == "chunked");
    let body = match header(lines, "content-length") {
        Some(len) => len.parse().map_err(|_| bad("the answer's length is no number"))?,
        // Only streams are, and they do not end: what comes is for who listens.
        None if status < 200 || status == 204 || chunked => 0,
        None => return Err(bad("the answer does not say how long it is")),
    };
    Ok(Some(Head { status, len: end + 4, body }))
}

/// The value of a header, whatever the case of its name.
pub(super) fn header<'a>(lines: impl Iterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    let mut pairs = lines.filter_map(|line| line.split_once(':'));
    pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// Writes the requests of somebody signed in.
#[derive(Clone)]
pub(super) struct Pen {
    address: SocketAddr,
    token: String,
}

impl Pen {
    /// A request of this person, ready to be sent any number of times.
    pub(super) fn request(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let mut request = self.head(method, path, ("application/json", body.len()));
        request.extend_from_slice(body.as_bytes());
        request
    }

    /// The head of a request; a body of that type and length follows.
    pub(super) fn head(&self, method: &str, path: &str, (kind, len): (&str, usize)) -> Vec<u8> {
        let Self { address, token } = self;
        let bearer = match token.is_empty() {
            true => String::new(),
            false => format!("authorization: Bearer {token}\r\n"),
        };
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\n{bearer}\
             content-type: {kind}\r\ncontent-length: {len}\r\n\r\n"
        )
        .into_bytes()
    }

    /// A WebSocket handshake (RFC 6455 §4.1); its key is the same each time, which harms nobody.
    pub(super) fn handshake(&self, path: &str) -> Vec<u8> {
        let Self { address, token } = self;
        format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        .into_bytes()
    }
}

/// Somebody signed in, with a connection of their own.
pub(super) struct Api {
    conn: Conn,
    pen: Pen,
}

impl Api {
    /// Signs the administrator in.
    pub(super) async fn sign_in(address: SocketAddr) -> Outcome<Self> {
        Self::sign_in_as(address, EMAIL).await
    }

    /// On a connection of its own, as somebody who is signed in.
    pub(super) async fn of(pen: Pen) -> Outcome<Self> {
        let conn = Conn::open(pen.address).await.map_err(|e| failed("no connection", &e))?;
        Ok(Self { conn, pen })
    }

    /// Signs somebody in whose password is [`PASSWORD`].
    pub(super) async fn sign_in_as(address: SocketAddr, email: &str) -> Outcome<Self> {
        let conn = Conn::open(address).await.map_err(|e| failed("no connection", &e))?;
        let mut api = Self { conn, pen: Pen { address, token: String::new() } };
        let answer =
            api.post("/api/v1/auth/login", &json!({"email": email, "password": PASSWORD})).await?;
        let token = answer.pointer("/data/access_token").and_then(Value::as_str);
        let token = token.ok_or_else(|| wrong("the sign-in gave no token".into()))?;
        token.clone_into(&mut api.pen.token);
        Ok(api)
    }

    /// A request of this person, ready to be sent any number of times.
    pub(super) fn request(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        self.pen.request(method, path, body)
    }

    /// Writes this person's requests elsewhere.
    pub(super) fn pen(&self) -> Pen {
        self.pen.clone()
    }

    /// What a path has to say.
    pub(super) async fn get(&mut self, path: &str) -> Outcome<Value> {
        let request = self.request("GET", path, "");
        self.ask(path, &request).await
    }

    /// Sends JSON.
    pub(super) async fn post(&mut self, path: &str, body: &Value) -> Outcome<Value> {
        let request = self.request("POST", path, &body.to_string());
        self.ask(path, &request).await
    }

    /// Sends a request made before.
    pub(super) async fn send(&mut self, what: &str, request: &[u8]) -> Outcome<Value> {
        self.ask(what, request).await
    }

    /// What a path has to say, and how long the answer took, from before the first byte to after
    /// the last.
    pub(super) async fn timed(&mut self, path: &str) -> Outcome<(Duration, Value)> {
        let request = self.request("GET", path, "");
        let started = Instant::now();
        let status = self.conn.call(&request).await.map_err(|e| failed(path, &e))?;
        let took = started.elapsed();
        Ok((took, self.answer(path, status)?))
    }

    async fn ask(&mut self, path: &str, request: &[u8]) -> Outcome<Value> {
        let status = self.conn.call(request).await.map_err(|e| failed(path, &e))?;
        self.answer(path, status)
    }

    fn answer(&self, path: &str, status: u16) -> Outcome<Value> {
        let said = String::from_utf8_lossy(self.conn.body());
        if !(200..300).contains(&status) {
            return Err(wrong(format!("{path} was answered with {status}: {said}")));
        }
        serde_json::from_str(&said).map_err(|e| failed(path, &e))
    }

    /// The number of the last event in the log.
    pub(super) async fn latest_seq(&mut self) -> Outcome<u64> {
        let answer = self.get("/api/v1/events?after=0&limit=1").await?;
        let seq = answer.pointer("/meta/latest_seq").and_then(Value::as_u64);
        seq.ok_or_else(|| wrong("the log does not say how far it goes".into()))
    }

    /// Makes a webhook; returns its number.
    pub(super) async fn add_webhook(&mut self, url: &str, event: &str) -> Outcome<i64> {
        let wish = json!({"name": event, "url": url, "events": [event]});
        let answer = self.post("/api/v1/webhooks", &wish).await?;
        let id = answer.pointer("/data/id").and_then(Value::as_i64);
        id.ok_or_else(|| wrong("a webhook has no number".into()))
    }

    /// One of the numbers that a webhook's statistics give (`waiting`, `delivered`, …).
    pub(super) async fn webhook_count(&mut self, id: i64, what: &str) -> Outcome<u64> {
        let answer = self.get(&format!("/api/v1/webhooks/{id}/stats")).await?;
        let count = answer.get("data").and_then(|data| data.get(what)).and_then(Value::as_u64);
        count.ok_or_else(|| wrong(format!("webhook {id} does not say how many are {what}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Heads are read when they are whole, and refused where the length would be a guess.
    #[test]
    fn heads_of_answers_are_read() {
        let read = |text: &str| match head(text.as_bytes()) {
            Ok(Some(head)) => format!("{} {} {}", head.status, head.len, head.body),
            Ok(None) => String::from("more"),
            Err(e) => e.to_string(),
        };
        let table = [
            ("HTTP/1.1 201 Created\r\nContent-Length: 12\r\n\r\n{", "201 44 12"),
            ("HTTP/1.1 200 OK\r\na: b\r\ncontent-length:3\r\n\r\n", "200 43 3"),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "101 36 0"),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2", "200 47 0"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n", "more"),
            ("", "more"),
            ("HTTP/1.1 200 OK\r\n\r\n", "the answer does not say how long it is"),
            ("HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "the answer's length is no number"),
            ("SSH-2.0\r\n\r\n", "the answer is not HTTP/1.1"),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }
}
