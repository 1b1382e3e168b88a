//! A receiver of webhooks on loopback that keeps what it gets and answers as it is told.

use super::PATIENCE;
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

/// How one request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Play {
    /// With this status.
    Status(u16),
    /// With this status, and when to come back.
    Retry(u16, &'static str),
    /// With 500, and what was sent for a body.
    Echo,
    /// With 200, after this many milliseconds.
    Late(u64),
    /// Not at all; the connection stays open as long as the receiver.
    Hang,
    /// By closing the connection.
    HangUp,
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// `POST`.
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    /// The exact bytes of the body.
    pub(crate) body: Vec<u8>,
    /// When it was complete.
    pub(crate) at: Instant,
}

impl Received {
    /// The first header of that name, in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

type Answers = Box<dyn Fn(usize) -> Play + Send + Sync>;

struct State {
    received: Mutex<Vec<Received>>,
    connections: Mutex<usize>,
    changed: Condvar,
    answers: Answers,
}

/// A receiver; it listens as long as the test runs.
#[derive(Clone)]
pub(crate) struct Receiver {
    /// Where.
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

impl Receiver {
    /// Answers 200 to everything.
    pub(crate) fn start() -> Self {
        Self::answering(|_| Play::Status(200))
    }

    /// Answers the request of each number, counted from 0, as `answers` says.
    pub(crate) fn answering(answers: impl Fn(usize) -> Play + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            received: Mutex::default(),
            connections: Mutex::default(),
            changed: Condvar::new(),
            answers: Box::new(answers),
        });
        let receiver = Self { address, state };
        let shared = receiver.state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                *shared.connections.lock().unwrap() += 1;
                let shared = shared.clone();
                std::thread::spawn(move || shared.converse(stream));
            }
        });
        receiver
    }

    /// Its URL with a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits until at least `n` requests have come; answers all.
    #[track_caller]
    pub(crate) fn wait_for(&self, n: usize) -> Vec<Received> {
        self.wait_until(&format!("{n} requests"), |received| received.len() >= n)
    }

    /// Waits until what has come is enough; answers all.
    #[track_caller]
    pub(crate) fn wait_until(
        &self,
        what: &str,
        enough: impl Fn(&[Received]) -> bool,
    ) -> Vec<Received> {
        let until = Instant::now() + PATIENCE;
        let mut received = self.state.received.lock().unwrap();
        while !enough(&received) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited for {what}, got {received:#?}");
            received = self.state.changed.wait_timeout(received, left).unwrap().0;
        }
        received.clone()
    }

    /// What has come so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// Connections that were made, requests or not.
    pub(crate) fn connections(&self) -> usize {
        *self.state.connections.lock().unwrap()
    }
}

impl State {
    fn converse(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some(request) = read(&mut reader) {
            let mut said = b"ok".to_vec();
            let echo = request.body.clone();
            let number = {
                let mut received = self.received.lock().unwrap();
                received.push(request);
                received.len() - 1
            };
            self.changed.notify_all();
            let mut more = String::new();
            let status = match (self.answers)(number) {
                Play::Status(status) => status,
                Play::Retry(status, after) => {
                    more = format!("retry-after: {after}\r\n");
                    status
                }
                Play::Echo => {
                    said = echo;
                    500
                }
                Play::Late(ms) => {
                    std::thread::sleep(Duration::from_millis(ms));
                    200
                }
                // Until the other end has had enough.
                Play::Hang => {
                    drop(reader.read(&mut [0]));
                    return;
                }
                Play::HangUp => return,
            };
            let head =
                format!("HTTP/1.1 {status} Played\r\n{more}content-length: {}\r\n\r\n", said.len());
            if stream.write_all(&[head.as_bytes(), &said].concat()).is_err() {
                return;
            }
        }
    }
}

/// One request; none when the connection ends.
fn read(reader: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = || {
        let mut line = String::new();
        let length = reader.read_line(&mut line).ok()?;
        (length > 0).then(|| line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(k, _)| k == "content-length");
    let length = length.and_then(|(_, v)| v.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received { method, path, headers, body, at: Instant::now() })
}
