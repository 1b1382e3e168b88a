//! `deskbell bench ingest`: how many durable events a second, and how long each takes.
//!
//! Many keep-alive connections each POST one event, wait for the answer, and POST the next. Each
//! event has one webhook that wants it, so one delivery row is written with it; deliveries are
//! paused. In the end the log must have grown by exactly what was acknowledged.

use super::{
    Common, Outcome,
    client::{Api, Conn},
    cost::{Spent, Window},
    drive, failed,
    report::{Report, Section},
    server::Server,
    stats::Latencies,
    wrong,
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Instant,
};
use tokio::{task::JoinSet, time::sleep};

/// Flags of this bench.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Connections, each with one request under way
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4_000))]
    clients: u16,
    /// Webhooks that the deliveries are spread over
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=100))]
    endpoints: u8,
}

/// What the connections are to do.
const WARM_UP: u8 = 0;
const MEASURE: u8 = 1;
const STOP: u8 = 2;

/// Nothing listens there (above the ports that systems give out), and nothing is sent: deliveries
/// are paused.
const NOBODY: &str = "http://127.0.0.1:61999/";

/// Runs it.
pub(super) fn run(args: &Args) -> Outcome<()> {
    let server = Server::start(&args.common, &[], &["--pause-deliveries"])?;
    drive(server, &args.common, async |server| measure(args, server).await)
}

async fn measure(args: &Args, server: &Server) -> Outcome<Report> {
    let mut report = Report::new("ingest", server.machine());
    let mut api = Api::sign_in(server.address).await?;
    let mut webhooks = Vec::new();
    let mut requests = Vec::new();
    for number in 0..args.endpoints {
        let event = format!("bench.order_{number}");
        webhooks.push(api.add_webhook(NOBODY, &event).await?);
        requests.push(api.request("POST", "/api/v1/events", &order(&event)));
    }
    let before = api.latest_seq().await?;
    let (spent, mut sent) = load(args, server, requests.into()).await?;
    let grown = api.latest_seq().await? - before;
    if grown != sent.acknowledged {
        return Err(wrong(format!(
            "{} events were acknowledged, and the log grew by {grown}",
            sent.acknowledged
        )));
    }
    let mut waiting = 0;
    for webhook in webhooks {
        waiting += api.webhook_count(webhook, "waiting").await?;
    }
    if waiting != grown {
        return Err(wrong(format!("{grown} events are owed, and {waiting} deliveries wait")));
    }
    let creates = sent.latencies.len() as f64;
    let title = format!(
        "Durable creates: {} connections, {} webhooks, {} bytes of data, {} s",
        args.clients,
        args.endpoints,
        data().len(),
        args.common.seconds
    );
    let (database, log) = server.database_bytes();
    report.add(
        Section::new("creates", title)
            .with(("per_s", "creates", "/s"), creates / spent.seconds)
            .latencies(&mut sent.latencies)
            .with(("server_us", "server CPU a create", "µs"), spent.server_us_per(creates))
            .busy(&spent)
            .with(("server_rss_kib", "memory of the server", "KiB"), server.rss_kib())
            .with(("acknowledged", "events in the log, as acknowledged", ""), grown as f64)
            .with(("database_bytes", "database", "bytes"), database)
            .with(("wal_bytes", "write-ahead log", "bytes"), log),
    );
    Ok(report)
}

/// What an order could look like; about 200 bytes.
fn data() -> &'static str {
    concat!(
        r#"{"order":"A-2024-001234","customer":"Dora Weiss","currency":"EUR","total_cents":12995,"#,
        r#""items":[{"sku":"HS-200","name":"Headset","count":2},"#,
        r#"{"sku":"CB-010","name":"Cable","count":1}],"paid":true}"#,
    )
}

fn order(event: &str) -> String {
    format!(r#"{{"type":"{event}","data":{}}}"#, data())
}

/// What the connections did.
#[derive(Default)]
struct Sent {
    /// Of the time that was measured.
    latencies: Latencies,
    /// In all, the warm-up included.
    acknowledged: u64,
}

/// Drives all connections: a warm-up, the time that counts, and the end.
async fn load(args: &Args, server: &Server, requests: Arc<[Vec<u8>]>) -> Outcome<(Spent, Sent)> {
    let phase = Arc::new(AtomicU8::new(WARM_UP));
    let mut connections = JoinSet::new();
    for number in 0..usize::from(args.clients) {
        connections.spawn(one(server.address, requests.clone(), number, phase.clone()));
    }
    sleep(args.common.warm_up()).await;
    let window = Window::open(server.pid());
    phase.store(MEASURE, Ordering::Relaxed);
    sleep(args.common.measured()).await;
    phase.store(STOP, Ordering::Relaxed);
    let spent = window.close();
    let mut all = Sent::default();
    while let Some(done) = connections.join_next().await {
        let sent = done.map_err(|e| failed("a connection", &e))??;
        all.latencies.extend(sent.latencies);
        all.acknowledged += sent.acknowledged;
    }
    Ok((spent, all))
}

/// One connection: an event after the other, each of the next type.
async fn one(
    address: SocketAddr,
    requests: Arc<[Vec<u8>]>,
    number: usize,
    phase: Arc<AtomicU8>,
) -> Outcome<Sent> {
    let mut conn = Conn::open(address).await.map_err(|e| failed("no connection", &e))?;
    let mut sent = Sent::default();
    for request in requests.iter().cycle().skip(number % requests.len()) {
        let phase_then = phase.load(Ordering::Relaxed);
        if phase_then == STOP {
            break;
        }
        let started = Instant::now();
        conn.expect("POST /events", request, 201).await?;
        sent.acknowledged += 1;
        // Counts if it ended within the time that is measured.
        if phase.load(Ordering::Relaxed) == MEASURE {
            sent.latencies.add(started.elapsed());
        }
    }
    Ok(sent)
}
