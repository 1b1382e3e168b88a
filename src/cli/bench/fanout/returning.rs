//! A client that says where it was and gets what it missed, on `/ws`.

use super::doors::{Door, Ear, Said};
use crate::cli::bench::{
    Outcome,
    client::{Api, Conn, Pen},
    wrong,
};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::VecDeque, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpStream;

/// What is read of a connection at a time.
const READ: usize = 16 << 10;

/// A close without a code, masked with a mask of zeros: the answer to the server's.
const CLOSE: [u8; 6] = [0x88, 0x80, 0, 0, 0, 0];

/// Whom a connection is opened to, and by whom.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) address: SocketAddr,
    pub(super) pen: Pen,
    /// The history that places in the log belong to.
    pub(super) epoch: Arc<str>,
}

impl Way {
    /// For each of these people.
    pub(super) async fn of_each(
        address: SocketAddr,
        api: &mut Api,
        pens: &[Pen],
    ) -> Outcome<Vec<Self>> {
        let log = api.get("/api/v1/events?after=0&limit=1").await?;
        let epoch = log.pointer("/meta/epoch").and_then(Value::as_str);
        let epoch: Arc<str> =
            epoch.ok_or_else(|| wrong("the log does not name its history".into()))?.into();
        let ways = pens.iter().map(|pen| Self { address, pen: pen.clone(), epoch: epoch.clone() });
        Ok(ways.collect())
    }
}

/// Something the server said.
#[derive(Debug, Clone, Copy)]
pub(super) enum Told {
    /// A message of the bench.
    Message,
    /// The replay is through; so many events were in it.
    Resumed(u64),
    /// It will stop.
    Draining,
    /// It ends the connection, with a code and the time to come back after.
    Closed(u16, Option<Duration>),
}

/// What stands in words of the server and in the reason of a close.
#[derive(Deserialize)]
struct Word {
    #[serde(rename = "type")]
    kind: Option<String>,
    payload: Option<Replayed>,
    retry_in_ms: Option<u64>,
}

#[derive(Deserialize)]
struct Replayed {
    replayed: Option<u64>,
}

/// A client: what it has heard, whatever connections that came by.
pub(super) struct Returning {
    way: Way,
    /// The `seq` it was at when it came first, or of the last message it heard.
    pub(super) last_seq: u64,
    /// Messages heard.
    pub(super) heard: u64,
    line: Option<(TcpStream, Ear)>,
    told: VecDeque<Told>,
}

impl Returning {
    /// One that was at this `seq`, and is not connected.
    pub(super) fn new(way: Way, since: u64) -> Self {
        Self { way, last_seq: since, heard: 0, line: None, told: VecDeque::new() }
    }

    /// Connects, and asks for what it missed. `Ok(false)` when the server lets nobody in now.
    pub(super) async fn enter(&mut self) -> io::Result<bool> {
        let Way { address, pen, epoch } = &self.way;
        let path = format!("{}?since={}&epoch={epoch}", Door::Socket.path(), self.last_seq);
        let mut conn = Conn::open(*address).await?;
        if conn.call(&pen.handshake(&path)).await? != 101 {
            return Ok(false);
        }
        let (stream, early) = conn.into_parts();
        self.line = Some((stream, Door::Socket.ear()));
        self.take(&early)?;
        Ok(true)
    }

    /// Waits for what the server says next; `None` when the connection is over.
    ///
    /// # Errors
    /// When a message came twice or out of order, or nobody knows what this is.
    pub(super) async fn hear(&mut self) -> io::Result<Option<Told>> {
        loop {
            if let Some(told) = self.told.pop_front() {
                return Ok(Some(told));
            }
            // Thousands of clients should not keep the room of their longest replay each.
            self.told = VecDeque::new();
            let Some((stream, _)) = &self.line else { return Ok(None) };
            stream.readable().await?;
            self.read()?;
        }
    }

    /// Reads into a buffer that is only there meanwhile.
    fn read(&mut self) -> io::Result<()> {
        let mut bytes = [0; READ];
        let Some((stream, _)) = &self.line else { return Ok(()) };
        match stream.try_read(&mut bytes) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Ok(0) | Err(_) => {
                self.line = None;
                Ok(())
            }
            Ok(read) => self.take(bytes.get(..read).unwrap_or_default()),
        }
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Self { line, told, last_seq, heard, .. } = self;
        let Some((stream, ear)) = line else { return Ok(()) };
        let mut trouble = None;
        let looked = ear.take(Door::Socket, bytes, |said, _| match said {
            Said::Message { seq, .. } if seq > *last_seq => {
                *last_seq = seq;
                *heard += 1;
                told.push_back(Told::Message);
            }
            Said::Message { seq, .. } => trouble = Some(format!("{seq} came after {last_seq}")),
            Said::Ping(answer) => drop(stream.try_write(answer)),
            Said::Close(payload) => {
                drop(stream.try_write(&CLOSE));
                told.push_back(goodbye(payload));
            }
            Said::Other(text) => match word(text) {
                Ok(told_now) => told.extend(told_now),
                Err(why) => trouble = Some(why),
            },
        });
        let trouble = trouble.or(looked.err().map(String::from));
        trouble.map_or(Ok(()), |why| Err(io::Error::other(why)))
    }
}

fn goodbye(payload: &[u8]) -> Told {
    let code = payload.first_chunk().map_or(0, |two| u16::from_be_bytes(*two));
    let reason = serde_json::from_slice::<Word>(payload.get(2..).unwrap_or_default());
    Told::Closed(code, reason.ok().and_then(|r| r.retry_in_ms).map(Duration::from_millis))
}

/// What else the server says; nothing where it does not matter.
fn word(text: &[u8]) -> Result<Option<Told>, String> {
    let word: Word = serde_json::from_slice(text).map_err(|e| format!("no message: {e}"))?;
    Ok(match (word.kind.as_deref(), word.payload) {
        (Some("resumed"), Some(Replayed { replayed: Some(events) })) => Some(Told::Resumed(events)),
        (Some("server.draining"), _) => Some(Told::Draining),
        (Some("resync_required"), _) => return Err("a client was told to start over".into()),
        _ => None,
    })
}
