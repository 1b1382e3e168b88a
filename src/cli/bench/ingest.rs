//! `deskbell bench ingest`: how many durable events a second, and how long each takes.
//!
//! Many keep-alive connections each POST one event, wait for the answer, and POST the next. Each
//! event has one webhook that wants it, so one delivery row is written with it; deliveries are
//! paused. In the end the log must have grown by exactly what was acknowledged.

use super::{
    Common, Outcome,
    client::Api,
    drive, load,
    report::{Report, Section},
    server::Server,
    wrong,
};

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
    let on = (server, &args.common);
    let (spent, mut sent) =
        load::for_a_time(on, args.clients, "POST /events", requests.into()).await?;
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
