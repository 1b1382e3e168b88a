//! Local receivers of webhooks: they answer at once or after a while, and note what came, and when.

use super::{Outcome, client::header, failed, stats::Latencies, wrong};
use parking_lot::Mutex;
use std::{
    collections::HashSet,
    io,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::{sleep, timeout},
};
use uuid::Uuid;

/// Bytes asked of a socket at a time.
const READ: usize = 8 << 10;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// Stands before the time at which a timed event was sent, microseconds since [`Hooks::started`].
pub(super) const SENT: &str = r#""sent_us":""#;

/// What all receivers have got.
pub(super) struct Hooks {
    /// What times in events are measured from.
    pub(super) started: Instant,
    /// How long nothing may come before the run is given up.
    patience: Duration,
    /// How long each takes to answer.
    answer_after: Duration,
    got: Mutex<Got>,
    rung: Notify,
}

#[derive(Default)]
struct Got {
    /// By `webhook-id`: each event of the bench is owed to one receiver.
    seen: HashSet<Uuid>,
    twice: u64,
    latencies: Latencies,
    trouble: Option<String>,
}

impl Hooks {
    /// Opens so many receivers; returns their URLs.
    pub(super) async fn open(
        receivers: u8,
        patience: Duration,
        answer_after: Duration,
    ) -> Outcome<(Arc<Self>, Vec<String>)> {
        let (started, got, rung) = (Instant::now(), Mutex::default(), Notify::new());
        let hooks = Arc::new(Self { started, patience, answer_after, got, rung });
        let mut urls = Vec::new();
        for _ in 0..receivers {
            let cannot = |e: io::Error| failed("a receiver could not be opened", &e);
            let listener = TcpListener::bind("127.0.0.1:0").await.map_err(cannot)?;
            urls.push(format!("http://{}/hook", listener.local_addr().map_err(cannot)?));
            tokio::spawn(accept(listener, hooks.clone()));
        }
        Ok((hooks, urls))
    }

    /// Events that came at least once.
    pub(super) fn seen(&self) -> u64 {
        u64::try_from(self.got.lock().seen.len()).unwrap_or(u64::MAX)
    }

    /// Waits until `events` different ones have come.
    ///
    /// # Errors
    /// When they stop coming, when one comes twice, or when a delivery cannot be read.
    pub(super) async fn wait_for(&self, events: u64) -> Outcome<()> {
        loop {
            let seen = self.seen();
            let (twice, trouble) = {
                let got = self.got.lock();
                (got.twice, got.trouble.clone())
            };
            if let Some(trouble) = trouble {
                return Err(wrong(trouble));
            }
            if twice > 0 || seen > events {
                let why = "although nothing failed";
                return Err(wrong(format!("{twice} deliveries came twice {why}; {seen} came")));
            }
            if seen == events {
                return Ok(());
            }
            if timeout(self.patience, self.rung.notified()).await.is_err() && self.seen() == seen {
                return Err(wrong(format!("{seen} of {events} deliveries came")));
            }
        }
    }

    /// How long the timed ones took, since this was asked last.
    pub(super) fn take_latencies(&self) -> Latencies {
        std::mem::take(&mut self.got.lock().latencies)
    }

    fn take(&self, head: &str, body: &[u8]) {
        let now = self.started.elapsed();
        let id = header(head.split("\r\n"), "webhook-id").and_then(|id| id.parse().ok());
        let mut got = self.got.lock();
        match id {
            Some(id) if got.seen.insert(id) => {}
            Some(_) => got.twice += 1,
            None => got.trouble = Some(format!("a delivery has no webhook-id: {head}")),
        }
        if let Some(sent) = sent_at(body) {
            got.latencies.add(now.saturating_sub(sent));
        }
        drop(got);
        self.rung.notify_one();
    }

    fn complain(&self, e: &io::Error) {
        self.got.lock().trouble = Some(format!("a receiver could not read: {e}"));
        self.rung.notify_one();
    }
}

/// When a timed event was sent.
fn sent_at(body: &[u8]) -> Option<Duration> {
    let at = body.windows(SENT.len()).position(|window| window == SENT.as_bytes())?;
    let rest = std::str::from_utf8(body.get(at + SENT.len()..)?).ok()?;
    rest.split('"').next()?.parse().ok().map(Duration::from_micros)
}

async fn accept(listener: TcpListener, hooks: Arc<Hooks>) {
    while let Ok((stream, _)) = listener.accept().await {
        let hooks = hooks.clone();
        tokio::spawn(async move {
            if let Err(e) = serve(stream, &hooks).await {
                hooks.complain(&e);
            }
        });
    }
}

/// Answers one request after the other, until the other side hangs up between two.
async fn serve(mut stream: TcpStream, hooks: &Hooks) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buf = Vec::with_capacity(READ);
    loop {
        if let Some(len) = request(&buf, |head, body| hooks.take(head, body))? {
            if !hooks.answer_after.is_zero() {
                sleep(hooks.answer_after).await;
            }
            stream.write_all(ANSWER).await?;
            buf.drain(..len);
            continue;
        }
        buf.reserve(READ);
        if stream.read_buf(&mut buf).await? == 0 {
            return if buf.is_empty() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
    }
}

/// Hands over the request that `bytes` begin with, once it is whole; returns its length.
pub(in crate::cli) fn request(
    bytes: &[u8],
    take: impl FnOnce(&str, &[u8]),
) -> io::Result<Option<usize>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let bad = || io::Error::from(io::ErrorKind::InvalidData);
    let head = bytes.get(..end).and_then(|head| std::str::from_utf8(head).ok()).ok_or_else(bad)?;
    let len = header(head.split("\r\n"), "content-length").ok_or_else(bad)?;
    let len: usize = len.parse().map_err(|_| bad())?;
    let Some(body) = bytes.get(end + 4..end + 4 + len) else { return Ok(None) };
    take(head, body);
    Ok(Some(end + 4 + len))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELIVERY: &str = "POST /hook HTTP/1.1\r\nHost: a\r\nContent-Length: 49\r\n\
        Webhook-Id: 0192a5a0-0000-7000-8000-000000000001\r\n\r\n\
        {\"event\":\"a.b\",\"data\":{\"sent_us\":\"000000001500\"}}";

    /// A delivery is read when it is whole, and the next one behind it.
    #[test]
    fn deliveries_are_read_one_after_the_other() {
        let len = DELIVERY.len() - 1;
        let two = String::from(DELIVERY) + "POST";
        for cut in [0, 10, len - 48, len] {
            assert_eq!(request(&two.as_bytes()[..cut], |_, _| panic!()).unwrap(), None, "{cut}");
        }
        let mut body = Vec::new();
        let taken = request(two.as_bytes(), |_, b| body = b.to_vec()).unwrap();
        assert_eq!(taken, Some(DELIVERY.len()));
        assert_eq!(sent_at(&body), Some(Duration::from_micros(1_500)));
        assert!(request(b"POST / HTTP/1.1\r\n\r\n", |_, _| {}).is_err());
    }

    /// The same delivery twice fails the run, and so does one that never comes.
    #[tokio::test]
    async fn deliveries_that_come_twice_or_never_fail_the_run() {
        let (hooks, urls) = Hooks::open(1, Duration::from_millis(5), Duration::ZERO).await.unwrap();
        assert_eq!(urls.len(), 1);
        let head = DELIVERY.split("\r\n\r\n").next().unwrap();
        hooks.take(head, b"");
        hooks.wait_for(1).await.unwrap();
        assert!(hooks.wait_for(2).await.unwrap_err().message.starts_with("1 of 2"));
        hooks.take(head, b"");
        assert!(hooks.wait_for(1).await.unwrap_err().message.contains("1 deliveries came twice"));
    }
}
