//! Connects many clients, says what an idle one costs, and sends them home.

use super::{
    doors::{Door, JOIN, JOINED, KIND},
    listener::{Count, Listener, ask_on},
    tally::Tally,
};
use crate::cli::bench::{
    Outcome,
    client::{Api, Conn, Pen},
    failed,
    report::Section,
    server::Server,
    wrong,
};
use serde_json::Value;
use std::{
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

/// Connections that are made at the same time.
const CONNECTING: usize = 64;

/// Who asks for it is told hello, when it is in the rooms that it asked for.
pub(super) const HELLO_WANTED: &str = "v=2";
const HELLO: &[u8] = br#"{"type":"hello""#;

/// How long nothing may happen before the run is given up.
pub(super) const STALLED: Duration = Duration::from_secs(20);

/// Who waits with `GET /events` is not listed anywhere; within this time all have asked.
const ASKED_WITHIN: Duration = Duration::from_secs(1);

/// One client that is to come: who it is, where it asks to be let in, what it hears.
pub(super) struct Seat {
    pub(super) pen: Pen,
    pub(super) path: Arc<str>,
    pub(super) group: usize,
}

impl Seat {
    /// So many, in groups of the same size, of these people in turn; each at the door's own place.
    pub(super) fn row(door: Door, clients: usize, pens: &[Pen]) -> Vec<Self> {
        let path: Arc<str> = door.path().into();
        let people = pens.iter().cycle().take(clients);
        people.map(|pen| Self { pen: pen.clone(), path: path.clone(), group: 0 }).collect()
    }
}

/// All clients that listen. Dropping it hangs up on all of them.
pub(super) struct Crowd {
    listeners: JoinSet<()>,
    /// Clients that the server had before.
    before: u64,
}

impl Crowd {
    /// Connects all; also says what an idle one costs.
    pub(super) async fn gather(
        (api, server): (&mut Api, &Server),
        tally: &Arc<Tally>,
        (key, door, seats): (&str, Door, Vec<Seat>),
    ) -> Outcome<(Self, Section)> {
        let (clients, after) = (seats.len(), api.latest_seq().await?);
        let mut crowd = Self { listeners: JoinSet::new(), before: connected(api).await? };
        let memory_before = server.rss_kib();
        let started = Instant::now();
        let mut seats = seats.into_iter().peekable();
        while seats.peek().is_some() {
            let mut step = JoinSet::new();
            for seat in seats.by_ref().take(CONNECTING) {
                let count = Count::new(tally.clone(), seat.group);
                step.spawn(take_seat(server.address, (seat, door, after), (count, tally.clone())));
            }
            while let Some(done) = step.join_next().await {
                crowd.listeners.spawn(done.map_err(|e| failed("a client", &e))??);
            }
        }
        match door {
            Door::LongPoll => sleep(ASKED_WITHIN).await,
            _ => wait_for(api, crowd.before + clients as u64).await?,
        }
        let took = started.elapsed().as_secs_f64();
        let memory_after = server.rss_kib();
        let each = memory_before.zip(memory_after).map(|(b, a)| (a - b) / clients as f64);
        let section = Section::new(key, format!("Idle: {clients} clients"))
            .with(("clients", "clients", ""), clients as f64)
            .with(("connects_per_s", "connects", "/s"), clients as f64 / took)
            .with(("rss_before_kib", "memory of the server before", "KiB"), memory_before)
            .with(("rss_after_kib", "memory of the server with them", "KiB"), memory_after)
            .with(("rss_per_client_kib", "memory a client", "KiB"), each);
        Ok((crowd, section))
    }

    /// Hangs up on all, and waits until the server has noticed.
    pub(super) async fn part(self, api: &mut Api) -> Outcome<()> {
        drop(self.listeners);
        wait_for(api, self.before).await
    }
}

/// How many clients the server has.
async fn connected(api: &mut Api) -> Outcome<u64> {
    let stats = api.get("/api/v1/ws/stats").await?;
    let clients = stats.pointer("/data/total_clients").and_then(Value::as_u64);
    clients.ok_or_else(|| wrong("the server does not count its clients".into()))
}

/// Waits until there are so many.
pub(super) async fn wait_for(api: &mut Api, clients: u64) -> Outcome<()> {
    let there = async {
        while connected(api).await? != clients {
            sleep(Duration::from_millis(5)).await;
        }
        Outcome::Ok(())
    };
    timeout(STALLED, there).await.map_err(|_| wrong("not all clients were let in or out".into()))?
}

/// What a client does from then on.
type Listening = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Lets a client in; returns its listening.
async fn take_seat(
    address: SocketAddr,
    (seat, door, after): (Seat, Door, u64),
    (count, tally): (Count, Arc<Tally>),
) -> Outcome<Listening> {
    let Seat { pen, path, .. } = seat;
    if door == Door::LongPoll {
        let conn = Conn::open(address).await.map_err(|e| failed("no connection", &e))?;
        let ask = move |after| {
            let query = format!("{path}?type={KIND}&wait=25&after={after}");
            pen.request("GET", &query, "")
        };
        return Ok(Box::pin(async move {
            if let Err(why) = ask_on(conn, after, ask, count).await {
                tally.complain(why.to_string());
            }
        }));
    }
    let (opening, status) = match door {
        Door::Stream => (pen.request("GET", &path, ""), 200),
        _ => (pen.handshake(&path), 101),
    };
    let stream = upgrade(address, (&opening, status)).await?;
    let (stream, early) = match door {
        Door::SocketIo => begin(stream, &JOIN, JOINED).await?,
        _ if path.contains(HELLO_WANTED) => begin(stream, &[], HELLO).await?,
        _ => stream,
    };
    Ok(Box::pin(Listener::new((stream, &early), door, count).listen()))
}

/// Opens a connection that the server speaks on from then on; also what it has said already.
pub(super) async fn upgrade(
    address: SocketAddr,
    (opening, status): (&[u8], u16),
) -> Outcome<(TcpStream, Vec<u8>)> {
    let mut conn = Conn::open(address).await.map_err(|e| failed("no connection", &e))?;
    conn.expect("a handshake", opening, status).await?;
    Ok(conn.into_parts())
}

/// Says the first word on a connection, and waits until the answer has this in it: a client is
/// counted as soon as it is let in, and is in its rooms from then on.
async fn begin(
    (mut stream, mut early): (TcpStream, Vec<u8>),
    word: &[u8],
    answer: &[u8],
) -> Outcome<(TcpStream, Vec<u8>)> {
    stream.write_all(word).await.map_err(|e| failed("a client", &e))?;
    while !early.windows(answer.len()).any(|part| part == answer) {
        let read = stream.read_buf(&mut early).await.map_err(|e| failed("a client", &e))?;
        if read == 0 {
            return Err(wrong("a client was not let in".into()));
        }
    }
    Ok((stream, early))
}
