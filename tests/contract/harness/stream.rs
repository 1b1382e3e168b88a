//! A client of server-sent events, which reads fields as browsers do.

use super::{Api, PATIENCE};
use serde_json::Value;
use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

/// One open stream.
pub(crate) struct Stream {
    tcp: TcpStream,
    /// What came and is not read yet, still in chunks.
    raw: Vec<u8>,
    /// The same without the chunks around it.
    text: String,
    over: bool,
    /// The head of the answer.
    pub(crate) head: String,
    /// The id of the last message, as a browser would give it back.
    pub(crate) last_id: Option<String>,
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    /// Its name.
    pub(crate) event: String,
    /// Its data, which is JSON.
    pub(crate) data: Value,
}

impl Stream {
    /// Opens a stream from where `last_id` says, or from now.
    #[track_caller]
    pub(crate) fn open(api: &Api, query: &str, last_id: Option<&str>) -> Self {
        let stream = Self::try_open(api, query, last_id).expect("an answer");
        assert!(stream.head.starts_with("HTTP/1.1 200 "), "{}", stream.head);
        stream
    }

    /// The same whatever the answer; none when the server is not there.
    pub(crate) fn try_open(api: &Api, query: &str, last_id: Option<&str>) -> Option<Self> {
        let mut tcp = TcpStream::connect(api.address).ok()?;
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        let last = last_id.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
        let head = format!(
            "GET /api/v1/events/stream{query} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             accept: text/event-stream\r\n{last}\r\n",
            api.address,
            api.token()
        );
        tcp.write_all(head.as_bytes()).ok()?;
        let mut raw = Vec::new();
        let end = loop {
            if let Some(end) = raw.windows(4).position(|w| w == b"\r\n\r\n") {
                break end;
            }
            let mut more = [0; 4096];
            match tcp.read(&mut more) {
                Ok(0) | Err(_) => return None,
                Ok(read) => raw.extend(&more[..read]),
            }
        };
        let head = String::from_utf8(raw[..end].to_vec()).unwrap();
        let raw = raw.split_off(end + 4);
        let last_id = last_id.map(ToOwned::to_owned);
        Some(Self { tcp, raw, text: String::new(), over: false, head, last_id })
    }

    /// The next message, comments and what only carries `retry` passed over. None at the end, or
    /// when nothing comes in time.
    pub(crate) fn next_within(&mut self, within: Duration) -> Option<Message> {
        let until = Instant::now() + within;
        loop {
            // The first chunks may have come with the head.
            self.unchunk();
            while let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                if let Some(message) = self.read(&block) {
                    return Some(message);
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            if self.over || left.is_zero() {
                return None;
            }
            self.tcp.set_read_timeout(Some(left)).unwrap();
            let mut more = [0; 16 << 10];
            match self.tcp.read(&mut more) {
                Ok(0) => self.over = true,
                Ok(read) => self.raw.extend(&more[..read]),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => self.over = true,
            }
        }
    }

    /// The next message.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Message {
        self.next_within(PATIENCE).unwrap_or_else(|| panic!("no message; over: {}", self.over))
    }

    /// Makes sure that the server ends the stream without another message.
    #[track_caller]
    pub(crate) fn expect_end(&mut self) {
        assert_eq!(self.next_within(PATIENCE), None);
        assert!(self.over, "the stream stays open");
    }

    fn read(&mut self, block: &str) -> Option<Message> {
        let (mut event, mut data) = (None, None);
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => self.last_id = Some(id.to_owned()),
                Some(("event", name)) => event = Some(name.to_owned()),
                Some(("data", json)) => data = Some(serde_json::from_str(json).expect(json)),
                _ => assert!(line.is_empty() || line.starts_with([':', 'r']), "{line:?}"),
            }
        }
        Some(Message { event: event?, data: data? })
    }

    fn unchunk(&mut self) {
        while let Some(line) = self.raw.windows(2).position(|w| w == b"\r\n") {
            let size = std::str::from_utf8(&self.raw[..line]).unwrap();
            let size = usize::from_str_radix(size, 16).expect("the size of a chunk");
            if self.raw.len() < line + 2 + size + 2 {
                return;
            }
            self.text += std::str::from_utf8(&self.raw[line + 2..line + 2 + size]).unwrap();
            self.raw.drain(..line + 2 + size + 2);
            self.over |= size == 0;
        }
    }
}
