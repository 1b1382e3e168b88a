//! A small HTTP/1.1 client that sends exactly what it is told, good or bad.

use super::PATIENCE;
use serde_json::Value;
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex},
};

/// A server as one client sees it: an address, and perhaps a token.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    token: Option<String>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Api {
    /// Without a token. All answers are also kept in `heard`, to be searched for what must not be
    /// there.
    pub(crate) fn new(address: SocketAddr, heard: Arc<Mutex<Vec<String>>>) -> Self {
        Self { address, token: None, heard }
    }

    /// The same with a bearer token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The token.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().expect("a token")
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.request("GET", path).send()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Response {
        self.request("POST", path).json(body).send()
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Response {
        self.request("PUT", path).json(body).send()
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Response {
        self.request("PATCH", path).json(body).send()
    }

    pub(crate) fn delete(&self, path: &str) -> Response {
        self.request("DELETE", path).send()
    }

    /// A request to be completed: it has a `Host`, the token, and nothing else.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        let mut request = Request {
            api: self.clone(),
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            chunked: false,
        };
        if let Some(token) = &self.token {
            request = request.header("authorization", &format!("Bearer {token}"));
        }
        request
    }
}

/// A request on its way.
#[derive(Debug)]
pub(crate) struct Request {
    api: Api,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    chunked: bool,
}

impl Request {
    /// Adds a header; the same name twice is sent twice, `host` replaces the usual one.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A form with one file under this name, which is sent as it is.
    pub(crate) fn file(self, name: &str, bytes: &[u8]) -> Self {
        let head = format!(
            "--deskbell-test\r\ncontent-disposition: form-data; name=\"file\"; \
             filename=\"{name}\"\r\n\r\n"
        );
        let body = [head.as_bytes(), bytes, b"\r\n--deskbell-test--\r\n"].concat();
        self.header("content-type", "multipart/form-data; boundary=deskbell-test").body(body)
    }

    /// A JSON body with its content type.
    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// A body without a content type.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the body in chunks, without saying beforehand how long it is.
    pub(crate) fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    fn head(&self) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        let has = |name: &str| self.headers.iter().any(|(k, _)| k.eq_ignore_ascii_case(name));
        if !has("host") {
            head += &format!("host: {}\r\n", self.api.address);
        }
        if self.chunked {
            head += "transfer-encoding: chunked\r\n";
        } else if !self.body.is_empty() && !has("content-length") {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head + "connection: close\r\n\r\n"
    }

    /// Sends it and reads the answer.
    pub(crate) fn send(self) -> Response {
        let mut bytes = self.head().into_bytes();
        if self.chunked {
            for chunk in self.body.chunks(16 << 10) {
                bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
        } else {
            bytes.extend(&self.body);
        }
        let mut stream = TcpStream::connect(self.api.address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        // A server that has heard enough may stop reading; what counts is what it answers.
        drop(stream.write_all(&bytes));
        let what = format!("{} {}", self.method, self.path);
        let response = Response::read(&mut stream, what);
        self.api.heard.lock().unwrap().push(response.text());
        response
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    what: String,
    /// The status.
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    /// The body, as it came.
    pub(crate) body: Vec<u8>,
    /// Every byte of the answer, head and all.
    pub(crate) raw: Vec<u8>,
}

impl Response {
    /// Reads until the server closes the connection.
    fn read(stream: &mut TcpStream, what: String) -> Self {
        let mut all = Vec::new();
        let read = stream.read_to_end(&mut all);
        let end = all.windows(4).position(|w| w == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("{what}: no answer, {read:?} after {all:?}"));
        let head = String::from_utf8(all[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.and_then(|s| s.parse().ok()).expect("a status line");
        let headers: Vec<_> = lines
            .map(|line| line.split_once(':').expect("a header"))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let body = all[end + 4..].to_vec();
        let mut response = Self { what, status, headers, body, raw: all };
        if response.header("transfer-encoding") == Some("chunked") {
            response.body = joined(&response.body);
        }
        response
    }

    /// The first header of that name, in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{}: {e} in {}", self.what, self.text()))
    }

    /// Makes sure of the status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text());
        self
    }

    /// `data` of a good answer.
    #[track_caller]
    pub(crate) fn data(&self) -> Value {
        let json = self.json();
        let good = (200..300).contains(&self.status) && json["success"] == true;
        assert!(good, "{}: {} {json}", self.what, self.status);
        json["data"].clone()
    }

    /// `meta` of a good answer.
    #[track_caller]
    pub(crate) fn meta(&self) -> Value {
        self.data();
        self.json()["meta"].clone()
    }

    /// `error` of a bad answer, which has a code, a message and nothing of a good one.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        let json = self.json();
        let bad = json["success"] == false && json.get("data").is_none();
        assert!(self.status >= 400 && bad, "{}: {} {json}", self.what, self.status);
        let said = |field: &str| json["error"][field].as_str().is_some_and(|s| !s.is_empty());
        assert!(said("code") && said("message"), "{}: {json}", self.what);
        assert_eq!(self.header("content-type"), Some("application/json"), "{}", self.what);
        json["error"].clone()
    }

    /// Makes sure of the status and of the code of an error; answers its fields.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> Value {
        let error = self.error();
        assert_eq!(
            (self.status, error["code"].as_str()),
            (status, Some(code)),
            "{}: {error}",
            self.what
        );
        error["fields"].clone()
    }

    /// Makes sure of a 422 that names exactly these fields.
    #[track_caller]
    pub(crate) fn names(&self, fields: &[&str]) {
        let named = self.refused(422, "invalid");
        let mut named: Vec<_> = named.as_object().expect("fields").keys().cloned().collect();
        let mut fields = fields.to_vec();
        named.sort_unstable();
        fields.sort_unstable();
        assert_eq!(named, fields, "{}: {}", self.what, self.text());
    }
}

/// The content of a chunked body.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunks.windows(2).position(|w| w == b"\r\n") {
        let length = std::str::from_utf8(&chunks[..end]).unwrap();
        let length = usize::from_str_radix(length, 16).expect("the length of a chunk");
        body.extend(&chunks[end + 2..end + 2 + length]);
        chunks = &chunks[end + 4 + length..];
        if length == 0 {
            break;
        }
    }
    body
}
