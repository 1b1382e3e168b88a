//! `deskbell bench fanout`: from POST to the last of many WebSocket clients.
//!
//! Rounds with one, and then more, messages under way at a time; a message is under way until
//! every client has it. Each client must hear each message once, in `seq` order.

use super::{
    Common, Outcome,
    client::{Api, Conn},
    cost::{self, Window},
    drive, failed,
    report::{Report, Section},
    server::Server,
    tally::{self, Dialect, JOIN, JOINED, Listener, OUTSTANDING_MAX, Tally},
    wrong,
};
use crate::exit::{Exit, Failure};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

/// Flags of this bench.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// WebSocket clients
    #[arg(long, default_value_t = 1_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    clients: u32,
    /// After one message at a time, rounds with so many under way
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "8,32",
        value_parser = clap::value_parser!(u16).range(1..=OUTSTANDING_MAX as i64)
    )]
    outstanding: Vec<u16>,
    /// Clients speak Socket.IO on WebSocket
    #[arg(long)]
    socketio: bool,
}

impl Args {
    fn dialect(&self) -> Dialect {
        if self.socketio { Dialect::SocketIo } else { Dialect::Plain }
    }
}

/// Connections that are made at the same time.
const CONNECTING: usize = 64;

/// Files that are open beside the clients' sockets.
const OTHER_FILES: usize = 64;

/// How long nothing may happen before the run is given up.
const STALLED: Duration = Duration::from_secs(20);

/// Runs it.
pub(super) fn run(args: &Args) -> Outcome<()> {
    let needed = usize::try_from(args.clients).unwrap_or(usize::MAX).saturating_add(OTHER_FILES);
    if let Some(max) = cost::files_max().filter(|max| *max < needed) {
        let why = format!(
            "{} clients need {needed} open files on each side, and {max} are allowed: \
             raise that with `ulimit -n {needed}`",
            args.clients
        );
        return Err(Failure::new(Exit::Failed, why));
    }
    let settings = [
        ("WS_MAX", needed.to_string()),
        ("WS_MAX_PER_USER", needed.to_string()),
        ("WS_ACCEPT_PER_S", String::from("1000000")),
    ];
    let server = Server::start(&args.common, &settings, &[])?;
    drive(server, &args.common, async |server| measure(args, server).await)
}

async fn measure(args: &Args, server: &Server) -> Outcome<Report> {
    let mut report = Report::new("fanout", server.machine());
    let mut api = Api::sign_in(server.address).await?;
    let clients = usize::try_from(args.clients).unwrap_or(usize::MAX);
    let tally = Arc::new(Tally::new(clients, args.dialect()));
    report.add(connect(&mut api, server, &tally, (clients, args.dialect())).await?);
    let before = api.latest_seq().await?;
    let request = api.request("POST", "/api/v1/events", &message());
    let mut rounds = Rounds { server, tally, request, acknowledged: 0 };
    rounds.run(1, args.common.warm_up()).await?;
    for outstanding in std::iter::once(1).chain(args.outstanding.iter().copied()) {
        report.add(rounds.measured(outstanding, &args.common).await?);
    }
    let grown = api.latest_seq().await? - before;
    if grown != rounds.acknowledged {
        let told = rounds.acknowledged;
        return Err(wrong(format!("{told} events were acknowledged, and the log grew by {grown}")));
    }
    Ok(report)
}

fn message() -> String {
    format!(r#"{{"type":"{}","data":{}}}"#, tally::KIND, tally::data(0))
}

/// Connects all clients; what an idle one costs.
async fn connect(
    api: &mut Api,
    server: &Server,
    tally: &Arc<Tally>,
    (clients, dialect): (usize, Dialect),
) -> Outcome<Section> {
    let before = server.rss_kib();
    let started = Instant::now();
    let path = match dialect {
        Dialect::Plain => "/ws",
        Dialect::SocketIo => "/socket.io/?EIO=4&transport=websocket",
    };
    let handshake: Arc<[u8]> = api.pen().handshake(path).into();
    let mut left = clients;
    while left > 0 {
        let mut step = JoinSet::new();
        for _ in 0..left.min(CONNECTING) {
            step.spawn(upgrade(server.address, handshake.clone(), dialect));
            left -= 1;
        }
        while let Some(done) = step.join_next().await {
            let (stream, early) = done.map_err(|e| failed("a client", &e))??;
            tokio::spawn(Listener::new(stream, &early, tally.clone()).listen());
        }
    }
    let here = async {
        loop {
            let stats = api.get("/api/v1/ws/stats").await?;
            let here = stats.pointer("/data/total_clients").and_then(serde_json::Value::as_u64);
            if here == u64::try_from(clients).ok() {
                return Outcome::Ok(());
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(STALLED, here).await.map_err(|_| wrong("not all clients were let in".into()))??;
    let took = started.elapsed().as_secs_f64();
    let after = server.rss_kib();
    let each = before.zip(after).map(|(before, after)| (after - before) / clients as f64);
    Ok(Section::new("idle", format!("Idle: {clients} clients"))
        .with(("clients", "clients", ""), clients as f64)
        .with(("connects_per_s", "connects", "/s"), clients as f64 / took)
        .with(("rss_before_kib", "memory of the server before", "KiB"), before)
        .with(("rss_after_kib", "memory of the server with them", "KiB"), after)
        .with(("rss_per_client_kib", "memory a client", "KiB"), each))
}

async fn upgrade(
    address: SocketAddr,
    handshake: Arc<[u8]>,
    dialect: Dialect,
) -> Outcome<(TcpStream, Vec<u8>)> {
    let mut conn = Conn::open(address).await.map_err(|e| failed("no connection", &e))?;
    conn.expect("a handshake", &handshake, 101).await?;
    let (mut stream, mut early) = conn.into_parts();
    if dialect == Dialect::SocketIo {
        stream.write_all(&JOIN).await.map_err(|e| failed("a client", &e))?;
        // It is counted as soon as it is let in, and hears what comes from its answer on.
        while !early.windows(JOINED.len()).any(|three| three == JOINED) {
            let read = stream.read_buf(&mut early).await.map_err(|e| failed("a client", &e))?;
            if read == 0 {
                return Err(wrong("a client was not let in".into()));
            }
        }
    }
    Ok((stream, early))
}

/// What all rounds share.
struct Rounds<'a> {
    server: &'a Server,
    tally: Arc<Tally>,
    request: Vec<u8>,
    acknowledged: u64,
}

impl Rounds<'_> {
    /// One round with its figures.
    async fn measured(&mut self, outstanding: u16, common: &Common) -> Outcome<Section> {
        let complete = self.tally.complete();
        drop(self.tally.take_latencies());
        let window = Window::open(self.server.pid());
        self.run(outstanding, common.measured()).await?;
        let spent = window.close();
        let messages = (self.tally.complete() - complete) as f64;
        let deliveries = messages * self.tally.clients() as f64;
        let title = match outstanding {
            1 => format!("One message at a time, {} bytes a frame", self.tally.frame_bytes()),
            more => format!("{more} messages under way"),
        };
        Ok(Section::new(format!("outstanding_{outstanding}"), title)
            .with(("messages_per_s", "messages", "/s"), messages / spent.seconds)
            .with(("deliveries_per_s", "deliveries", "/s"), deliveries / spent.seconds)
            .latencies(&mut self.tally.take_latencies())
            .with(("server_us", "server CPU a delivery", "µs"), spent.server_us_per(deliveries))
            .busy(&spent)
            .with(("server_rss_kib", "memory of the server", "KiB"), self.server.rss_kib()))
    }

    /// Publishes with so many messages under way, then waits until all clients have all of them.
    async fn run(&mut self, outstanding: u16, time: Duration) -> Outcome<()> {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(AtomicU64::new(0));
        let mut posters = JoinSet::new();
        for _ in 0..outstanding {
            posters.spawn(post(Poster {
                address: self.server.address,
                request: self.request.clone(),
                tally: self.tally.clone(),
                stop: stop.clone(),
                acknowledged: acknowledged.clone(),
            }));
        }
        let room = usize::from(outstanding);
        self.tally.room.add_permits(room);
        tokio::select! {
            () = sleep(time) => {}
            () = self.trouble() => {}
        }
        stop.store(true, Ordering::Relaxed);
        // A client in trouble hears nothing more, and whoever waits for that one waits for ever.
        while let Some(done) = tokio::select! {
            done = posters.join_next() => done,
            () = self.trouble() => None,
        } {
            done.map_err(|e| failed("a connection", &e))??;
        }
        self.acknowledged += acknowledged.load(Ordering::Relaxed);
        self.all_complete().await?;
        self.tally.room.forget_permits(room);
        Ok(())
    }

    /// Waits until something goes wrong, or nothing goes at all.
    async fn trouble(&self) {
        let mut complete = self.tally.complete();
        while self.tally.trouble().is_none() {
            let quiet = timeout(STALLED, self.tally.alarm.notified()).await.is_err();
            if quiet && self.tally.complete() == complete {
                self.tally.complain(format!("message {complete} did not reach all clients"));
            }
            complete = self.tally.complete();
        }
    }

    /// Waits until every client has every message that was acknowledged.
    async fn all_complete(&self) -> Outcome<()> {
        loop {
            if let Some(trouble) = self.tally.trouble() {
                return Err(wrong(trouble));
            }
            let complete = self.tally.complete();
            if complete == self.acknowledged {
                return Ok(());
            }
            if timeout(STALLED, self.tally.rung.notified()).await.is_err() {
                let told = self.acknowledged;
                return Err(wrong(format!("{complete} of {told} messages reached all clients")));
            }
        }
    }
}

/// One connection that publishes.
struct Poster {
    address: SocketAddr,
    request: Vec<u8>,
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
}

/// Publishes whenever there is room for a message.
async fn post(poster: Poster) -> Outcome<()> {
    let Poster { address, mut request, tally, stop, acknowledged } = poster;
    let mut conn = Conn::open(address).await.map_err(|e| failed("no connection", &e))?;
    let zeros = [b'0'; tally::DIGITS];
    let time_at = request.windows(zeros.len()).rposition(|window| window == zeros).unwrap_or(0);
    loop {
        let room = tally.room.acquire().await.map_err(|e| failed("the driver", &e))?;
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        room.forget();
        let sent = tally::digits(tally.started.elapsed().as_micros());
        if let Some(place) = request.get_mut(time_at..time_at + sent.len()) {
            place.copy_from_slice(sent.as_bytes());
        }
        conn.expect("POST /events", &request, 201).await?;
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
}
