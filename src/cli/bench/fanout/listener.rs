//! One client that listens, and complains of whatever it must not hear.

use super::{
    doors::{Door, Ear, Said},
    tally::Tally,
};
use crate::cli::bench::{Outcome, client::Conn, failed};
use serde::Deserialize;
use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead as _, ReadBuf},
    net::TcpStream,
};

/// What one client has heard.
pub(super) struct Count {
    tally: Arc<Tally>,
    group: usize,
    heard: u64,
    last_seq: u64,
}

impl Count {
    /// Nothing yet, of this group.
    pub(super) fn new(tally: Arc<Tally>, group: usize) -> Self {
        Self { tally, group, heard: 0, last_seq: 0 }
    }

    fn message(&mut self, (sent_us, seq): (u64, u64), bytes: usize) {
        if seq <= self.last_seq {
            return self.tally.complain(format!("{seq} came after {}", self.last_seq));
        }
        self.last_seq = seq;
        self.tally.heard(self.group, self.heard, (sent_us, bytes));
        self.heard += 1;
    }
}

/// A client that is sent what happens.
pub(super) struct Listener {
    stream: TcpStream,
    door: Door,
    ear: Ear,
    count: Count,
}

impl Listener {
    /// From an upgraded stream and what came behind the upgrade.
    pub(super) fn new((stream, early): (TcpStream, &[u8]), door: Door, count: Count) -> Self {
        let mut own = Self { stream, door, ear: door.ear(), count };
        own.take(early);
        own
    }

    /// Listens until the driver ends or something goes wrong.
    pub(super) async fn listen(mut self) {
        let why = loop {
            match poll_fn(|cx| self.poll_read(cx)).await {
                Ok(0) => break "the server hung up on a client".into(),
                Ok(_) => {}
                Err(e) => break format!("a client could not read: {e}"),
            }
        };
        self.count.tally.complain(why);
    }

    /// Reads into the buffer that all share, which is only held while it is looked through.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let tally = self.count.tally.clone();
        let mut buffer = tally.buffer.lock();
        let mut read = ReadBuf::new(&mut buffer);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
        self.take(read.filled());
        Poll::Ready(Ok(read.filled().len()))
    }

    fn take(&mut self, bytes: &[u8]) {
        let Self { stream, door, ear, count } = self;
        let looked = ear.take(*door, bytes, |said, bytes| match said {
            Said::Message { sent_us, seq } => count.message((sent_us, seq), bytes),
            // It has just been read from, and a few bytes always fit.
            Said::Ping(answer) => drop(stream.try_write(answer)),
            Said::Close(reason) => {
                // A WebSocket's code is no text.
                let from = usize::from(*door == Door::Socket) * 2;
                let reason = String::from_utf8_lossy(reason.get(from..).unwrap_or_default());
                count.tally.complain(format!("the server closed a client: {reason}"));
            }
            Said::Other(_) => {}
        });
        if let Err(why) = looked {
            count.tally.complain(why.into());
        }
    }
}

/// A page of the log.
#[derive(Deserialize)]
struct Page {
    data: Vec<Event>,
    meta: Meta,
}

#[derive(Deserialize)]
struct Meta {
    next_after: u64,
}

#[derive(Deserialize)]
struct Event {
    seq: u64,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    sent_us: String,
}

/// Asks for what comes after `after`, waits, and asks again, until the driver ends.
pub(super) async fn ask_on(
    mut conn: Conn,
    mut after: u64,
    request: impl Fn(u64) -> Vec<u8>,
    mut count: Count,
) -> Outcome<()> {
    loop {
        conn.expect("GET /events", &request(after), 200).await?;
        let page: Page =
            serde_json::from_slice(conn.body()).map_err(|e| failed("GET /events", &e))?;
        for event in page.data {
            let sent_us = event.data.sent_us.parse().map_err(|e| failed("a message", &e))?;
            count.message((sent_us, event.seq), conn.body().len());
        }
        after = page.meta.next_after;
    }
}

#[cfg(test)]
mod tests {
    use super::{super::doors, *};
    use crate::cli::bench::frames::{CLOSE, TEXT};

    /// A message that comes twice or out of order spoils the run, and so does a goodbye.
    #[tokio::test]
    async fn what_a_client_must_not_hear_is_complained_of() {
        let wire = |seqs: &[u64]| {
            let mut wire = Vec::new();
            for seq in seqs {
                let data = doors::data(0);
                let text = format!(r#"{{"type":"bench.ring","payload":{data},"seq":{seq}}}"#);
                wire.extend([TEXT, 126]);
                wire.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
                wire.extend(text.as_bytes());
            }
            wire
        };
        let trouble = async |bytes: &[u8]| {
            let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let stream = TcpStream::connect(door.local_addr().unwrap()).await.unwrap();
            let tally = Arc::new(Tally::new(1, 1));
            Listener::new((stream, bytes), Door::Socket, Count::new(tally.clone(), 0));
            (tally.complete(), tally.trouble().unwrap_or_default())
        };
        assert_eq!(trouble(&wire(&[7, 9])).await, (2, String::new()));
        assert_eq!(trouble(&wire(&[7, 7])).await, (1, "7 came after 7".into()));
        let bye = [CLOSE, 4, 15, 168, b'b', b'y'];
        assert_eq!(trouble(&bye).await, (0, "the server closed a client: by".into()));
        let strange = [0x82, 1, 0];
        let why = "a frame is neither text nor ping nor close";
        assert_eq!(trouble(&strange).await, (0, why.into()));
    }
}
