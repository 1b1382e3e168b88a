//! One socket from hello to goodbye: reads what the client says, writes what did not fit at once.

use super::{frames::Message, inbound};
use crate::{
    db::{Refused, log_bounds},
    error::Result,
    http::Core,
    hub::{self, Close, PING_EVERY_MS, Replayed, Session},
};
use bytes::Bytes;
use serde::Serialize;
use std::{
    future::Future,
    io::{self, Read, Write},
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::tungstenite::{
    self, Error as WsError,
    protocol::{Message as Heard, Role, WebSocketConfig, WebSocketContext},
};

/// Largest message a client may send, bytes.
const MESSAGE_MAX: usize = 64 << 10;

/// Room for what a client sends; grows while a larger message is read.
const READ_BUFFER: usize = 256;

/// How long a socket that was told to close may take to finish.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);

/// What the client asked for in the query.
#[derive(Debug)]
pub(super) struct Wishes {
    pub(super) since: Option<i64>,
    pub(super) epoch: Option<String>,
    pub(super) max: Option<u64>,
    pub(super) hello: bool,
}

#[derive(Serialize)]
struct Hello<'a> {
    conn_id: u64,
    epoch: &'a str,
    latest_seq: i64,
    oldest_seq: i64,
    ping_ms: i64,
    token_ttl_s: i64,
}

#[derive(Serialize)]
struct Resync {
    reason: Refused,
    latest_seq: i64,
    oldest_seq: i64,
}

/// What a socket begins with, where it is not plain: hello, and a replay where asked for.
pub(super) async fn start(core: Core, session: Arc<Session>, wishes: Wishes) -> Result<()> {
    let log = core.db.read(log_bounds).await?;
    let hello = |latest_seq| {
        let hello = Hello {
            conn_id: session.id,
            epoch: core.db.epoch(),
            latest_seq,
            oldest_seq: log.oldest,
            ping_ms: PING_EVERY_MS,
            token_ttl_s: (session.expires_at() - core.clock().now_ms()) / 1000,
        };
        message("hello", hello)
    };
    let Some(since) = wishes.since else {
        hub::go_live(&core.db, &session, hello).await;
        return Ok(());
    };
    session.send(hello(log.latest));
    resume(&core, &session, since, wishes.epoch.as_deref(), wishes.max).await
}

/// Replays to a held session what it missed.
pub(super) async fn resume(
    core: &Core,
    session: &Session,
    since: i64,
    epoch: Option<&str>,
    max: Option<u64>,
) -> Result<()> {
    let told = |outcome| match outcome {
        Replayed::Whole(resumed) => message("resumed", resumed),
        Replayed::None(reason, log) => message(
            "resync_required",
            Resync { reason, latest_seq: log.latest, oldest_seq: log.oldest },
        ),
    };
    hub::replay(&core.hub, &core.db, session, hub::Missed { since, epoch, max }, told).await
}

fn message(kind: &str, payload: impl Serialize) -> Bytes {
    Message { kind, reference: None, payload }.frame().unwrap_or_else(|e| {
        tracing::error!(error = %e, kind, "a message could not be written");
        Bytes::new()
    })
}

/// Serves a socket until either side ends it. `start` runs beside the reading and writing.
pub(super) async fn serve(
    stream: Arc<OnceLock<TcpStream>>,
    connection: hub::Connection,
    early: Vec<u8>,
    mut start: Option<Start>,
    core: Core,
) {
    let Some(stream) = stream.get() else { return };
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX));
    let context = WebSocketContext::from_partially_read(early, Role::Server, Some(config));
    let mut talk =
        Talk { context, session: connection.clone(), stream, core, pace: inbound::Pace::default() };
    // A client may have sent its first message together with the handshake.
    talk.read();
    // What came before there was a stream waits for somebody to write it.
    talk.session.drain();
    while talk.session.closed().is_none() {
        // A client that does not read is still listened to: it may be told to go, or pong.
        let stuck = talk.session.is_left_to_task();
        tokio::select! {
            ready = talk.stream.readable() => match ready {
                Ok(()) => talk.read(),
                Err(_) => break,
            },
            // Woken for a close, or for what did not fit: the next round looks.
            () = talk.session.woken() => {}
            ready = talk.stream.writable(), if stuck => match ready {
                Ok(()) => _ = talk.session.drain(),
                Err(_) => break,
            },
            outcome = poll(&mut start), if start.is_some() => {
                start = None;
                if let Err(e) = outcome {
                    tracing::error!(error = %e, "a replay failed; the client may try again");
                    talk.session.close(Close::Restart);
                }
            }
        }
    }
    drop(start);
    // Boxed: it is needed once, at the end, and would make every open socket's task larger.
    if Box::pin(timeout(CLOSE_WITHIN, talk.finish())).await.is_err() {
        tracing::debug!(conn_id = talk.session.id, "a closed socket did not finish in time");
    }
}

/// What a socket begins with, while it lasts.
pub(super) type Start = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

async fn poll(start: &mut Option<Start>) -> Result<()> {
    match start {
        Some(future) => future.await,
        None => Ok(()),
    }
}

/// A socket and what is needed to talk on it.
struct Talk<'a> {
    context: WebSocketContext,
    session: Arc<Session>,
    stream: &'a TcpStream,
    core: Core,
    pace: inbound::Pace,
}

impl Talk<'_> {
    /// Reads all that has come.
    fn read(&mut self) {
        let mut wire = Adapter { stream: self.stream, session: &self.session, out: Vec::new() };
        while self.session.closed().is_none() {
            match self.context.read(&mut wire) {
                Ok(Heard::Text(text)) => {
                    if !self.pace.allows(self.core.clock().ticks_ms()) {
                        return self.session.close(Close::TooFast);
                    }
                    inbound::hear(&self.core, &self.session, &text);
                }
                Ok(Heard::Binary(_)) => return self.session.close(Close::BadMessage),
                Ok(Heard::Ping(_) | Heard::Pong(_) | Heard::Frame(_) | Heard::Close(_)) => {}
                Err(WsError::Io(e)) if e.kind() == io::ErrorKind::WouldBlock => return,
                Err(e) => {
                    // The answer to a client's close is written, and not flushed, before the error
                    // that ends the reading; without it a browser reports an abnormal end.
                    drop(wire.flush());
                    return self.broken(&e);
                }
            }
        }
    }

    /// The client broke the protocol, or is gone.
    fn broken(&self, e: &WsError) {
        use tungstenite::error::CapacityError;
        match e {
            WsError::Utf8(_) => self.session.close(Close::BadText),
            WsError::Capacity(CapacityError::MessageTooLong { .. }) => {
                self.session.close(Close::TooBig);
            }
            WsError::Protocol(_) | WsError::Capacity(_) => self.session.close(Close::Protocol),
            _ => self.session.hang_up(),
        }
    }

    /// Writes what did not fit, as the socket takes it.
    async fn write(&self) {
        while self.session.has_mail() {
            if self.session.drain() || self.stream.writable().await.is_err() {
                return;
            }
        }
    }

    /// Writes the rest, then waits for the client to end the connection too.
    async fn finish(&mut self) {
        self.write().await;
        let mut rest = [0; 512];
        while !self.session.is_hung_up() && self.stream.readable().await.is_ok() {
            match self.stream.try_read(&mut rest) {
                Ok(0) => return,
                Err(e) if e.kind() != io::ErrorKind::WouldBlock => return,
                Ok(_) | Err(_) => {}
            }
        }
    }
}

/// What tungstenite reads from and writes to: the socket, and the session's mailbox, so that its
/// pongs keep their place among events.
struct Adapter<'a> {
    stream: &'a TcpStream,
    session: &'a Session,
    out: Vec<u8>,
}

impl Read for Adapter<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.try_read(buf)?;
        // Only what comes is a sign of life, not that we looked.
        self.session.heard();
        Ok(read)
    }
}

impl Write for Adapter<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.out.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            self.session.send(std::mem::take(&mut self.out).into());
        }
        Ok(())
    }
}
