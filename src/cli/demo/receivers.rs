//! Two receivers of webhooks inside the demonstration: a good one, and one that fails every other
//! time.

use super::{super::bench::receiver::request, cast::Cast};
use crate::{
    db::Write,
    error::{Error, Result},
    webhooks::{self, engine::Engine, sign},
};
use serde_json::json;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

/// The first number of a webhook here. Who walks through the quick start gets number 1.
const FIRST_NUMBER: i64 = 101;

/// Connections of one receiver at a time; more wait to be accepted.
const CONNECTIONS_MAX: usize = 8;

/// Largest request, bytes; whoever sends more is hung up on.
const REQUEST_MAX: usize = 1 << 20;

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const BAD: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

/// Opens both; their URLs, the good one's first.
///
/// # Errors
/// When there is no free port.
pub(super) async fn open() -> io::Result<[String; 2]> {
    Ok([listen(1).await?, listen(2).await?])
}

/// Registers webhooks for them.
///
/// # Errors
/// When the database refuses.
pub(super) fn register(
    w: &mut Write<'_>,
    engine: &Engine,
    cast: &Cast,
    urls: &[String; 2],
) -> Result<()> {
    let [good, bad] = urls;
    let hooks = [
        json!({ "name": "Warehouse", "url": good, "events": ["ticket.*", "attachment.*"],
            "description": "Packs what we promise. Answers at once." }),
        json!({ "name": "Old CRM", "url": bad, "events": ["ticket.status.changed", "comment.*"],
            "description": "Fails every other time, so that there is something to be seen." }),
    ];
    for (number, hook) in (FIRST_NUMBER..).zip(hooks) {
        let wish: webhooks::Wish = serde_json::from_value(hook).map_err(Error::internal)?;
        let wanted = wish.wanted(None, engine.guard())?;
        let secret = sign::generate_secret()?;
        webhooks::register(w, engine, (cast.tenant, Some(number)), (&wanted, &secret))?;
    }
    Ok(())
}

/// A receiver that answers each `fails_every`th request badly; 1 means none.
async fn listen(fails_every: u64) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    tokio::spawn(async move {
        let (room, count) =
            (Arc::new(Semaphore::new(CONNECTIONS_MAX)), Arc::new(AtomicU64::new(0)));
        loop {
            let Ok(place) = room.clone().acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else { return };
            let count = count.clone();
            tokio::spawn(async move {
                // Whoever hangs up has had what they wanted.
                drop(serve(stream, &count, fails_every).await);
                drop(place);
            });
        }
    });
    Ok(url)
}

async fn serve(mut stream: TcpStream, count: &AtomicU64, fails_every: u64) -> io::Result<()> {
    let mut buf = Vec::new();
    loop {
        while let Some(len) = request(&buf, |_, _| {})? {
            let number = count.fetch_add(1, Ordering::Relaxed);
            let fails = fails_every > 1 && number.is_multiple_of(fails_every);
            stream.write_all(if fails { BAD } else { GOOD }).await?;
            buf.drain(..len);
        }
        if buf.len() > REQUEST_MAX || stream.read_buf(&mut buf).await? == 0 {
            return Ok(());
        }
    }
}
