//! `deskbell bench webhooks`: from POST to local receivers, the durable result included.
//!
//! Each receiver has its own type of event, so there are as many deliveries as events. First events
//! come at a gentle rate, for the latency; then a heap of them as fast as they are taken, until the
//! log says that each was delivered. Each must come once: nothing fails here.

use super::{
    Common, Outcome,
    client::{Api, Conn},
    cost::{Spent, Window},
    drive, failed, fairness,
    receiver::{Hooks, SENT},
    report::{Report, Section},
    server::Server,
    wrong,
};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};

/// Flags of this bench.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Receivers, each behind its own webhook
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=100))]
    receivers: u8,
    /// Events of the heap, in batches of 100
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..))]
    events: u32,
    /// Events a second of the gentle part
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Only play healthy receivers beside so many dead ones, which accept and never answer, for
    /// --seconds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=80))]
    dead: Option<u8>,
    /// Then measure the heap once more while so many deliveries wait for ten other webhooks
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    backlog: Option<u32>,
}

/// Webhooks that a backlog waits for.
const BEHIND: u32 = 10;

/// Events of one request of the heap.
const BATCH: u32 = 100;

/// Connections that publish the heap.
const PUBLISHERS: usize = 4;

/// How often the log is asked whether all is settled, once all has come.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// How long nothing may come, and how long settling may take after the last one came.
const STALLED: Duration = Duration::from_secs(20);

/// A type that nobody wants.
const UNHEARD: &str = "bench.unheard";

/// Runs it.
pub(super) fn run(args: &Args) -> Outcome<()> {
    let server = Server::start(&args.common, &[], &[])?;
    drive(server, &args.common, async |server| measure(args, server).await)
}

async fn measure(args: &Args, server: &Server) -> Outcome<Report> {
    let mut report = Report::new("webhooks", server.machine());
    let mut api = Api::sign_in(server.address).await?;
    if let Some(dead) = args.dead {
        report.add(fairness::play(server, &mut api, (dead, args.common.measured())).await?);
        return Ok(report);
    }
    let (hooks, urls) = Hooks::open(args.receivers, STALLED, Duration::ZERO).await?;
    let mut bench = Bench { args, server, hooks, webhooks: vec![], types: vec![] };
    for (number, url) in urls.iter().enumerate() {
        let event = format!("bench.hook_{number}");
        bench.webhooks.push(api.add_webhook(url, &event).await?);
        bench.types.push(event);
    }
    report.add(bench.gentle(&mut api).await?);
    let batches = args.events.div_ceil(BATCH);
    let window = Window::open(server.pid());
    publish(server, &api, &[UNHEARD.into()], batches).await?;
    let spent = window.close();
    let events = f64::from(batches * BATCH);
    let event_us = spent.server_us_per(events);
    report.add(
        Section::new("events", format!("The events alone: {events} in batches of {BATCH}"))
            .with(("per_s", "events", "/s"), events / spent.seconds)
            .with(("server_us", "server CPU an event", "µs"), event_us)
            .busy(&spent),
    );
    let (published, spent) = bench.heap(&mut api, batches).await?;
    let each = spent.server_us_per(events);
    let net = each.zip(event_us).map(|(each, event)| each - event);
    let title = format!("A heap of {events} events for {} receivers", args.receivers);
    report.add(
        Section::new("heap", title)
            .with(
                ("per_s", "deliveries, from first POST to last result", "/s"),
                events / spent.seconds,
            )
            .with(("published_s", "published after", "s"), published.as_secs_f64())
            .with(("settled_s", "all results in the log after", "s"), spent.seconds)
            .with(("server_us", "server CPU an event with its delivery", "µs"), each)
            .with(("server_net_us", "server CPU a delivery alone", "µs"), net)
            .busy(&spent)
            .with(("server_rss_kib", "memory of the server", "KiB"), server.rss_kib()),
    );
    if let Some(backlog) = args.backlog {
        let quick = events / spent.seconds;
        report.add(bench.behind(&mut api, (backlog, batches), quick).await?);
    }
    Ok(report)
}

/// What all parts share.
struct Bench<'a> {
    args: &'a Args,
    server: &'a Server,
    hooks: Arc<Hooks>,
    webhooks: Vec<i64>,
    types: Vec<String>,
}

impl Bench<'_> {
    /// One event at a time, at a rate that leaves the server idle in between.
    async fn gentle(&self, api: &mut Api) -> Outcome<Section> {
        let open = Conn::open(self.server.address).await;
        let mut conn = open.map_err(|e| failed("no connection", &e))?;
        let mut ticks = interval(Duration::from_secs(1) / self.args.rate);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let window = Window::open(self.server.pid());
        let (mut sent, time) = (0, self.args.common.measured());
        let started = Instant::now();
        for event in self.types.iter().cycle() {
            ticks.tick().await;
            if started.elapsed() >= time {
                break;
            }
            let now_us = self.hooks.started.elapsed().as_micros();
            let body = format!(r#"{{"type":"{event}","data":{{{SENT}{now_us}"}}}}"#);
            let request = api.request("POST", "/api/v1/events", &body);
            conn.expect("POST /events", &request, 201).await?;
            sent += 1;
        }
        self.hooks.wait_for(sent).await?;
        self.settled(api, sent).await?;
        let spent = window.close();
        let mut latencies = self.hooks.take_latencies();
        let rate = self.args.rate;
        Ok(Section::new("gentle", format!("At {rate} events a second, from POST to receiver"))
            .with(("per_s", "deliveries", "/s"), sent as f64 / spent.seconds)
            .latencies(&mut latencies)
            .busy(&spent))
    }

    /// Everything at once, until every result is in the log. When the last event was accepted, and
    /// what it all took.
    async fn heap(&self, api: &mut Api, batches: u32) -> Outcome<(Duration, Spent)> {
        let wanted = self.hooks.seen() + u64::from(batches * BATCH);
        let window = Window::open(self.server.pid());
        let started = Instant::now();
        publish(self.server, api, &self.types, batches).await?;
        let published = started.elapsed();
        self.hooks.wait_for(wanted).await?;
        self.settled(api, wanted).await?;
        let spent = window.close();
        // One that comes twice may come late.
        self.hooks.wait_for(wanted).await?;
        Ok((published, spent))
    }

    /// The heap again, while other webhooks, whose receivers nobody listens for, are owed a lot.
    async fn behind(
        &self,
        api: &mut Api,
        (backlog, batches): (u32, u32),
        quick: f64,
    ) -> Outcome<Section> {
        const EVENT: &str = "bench.behind";
        let mut behind = Vec::new();
        for _ in 0..BEHIND {
            // Nobody listens there.
            behind.push(api.add_webhook("http://127.0.0.1:49151/", EVENT).await?);
        }
        let each = backlog.div_ceil(BEHIND).div_ceil(BATCH);
        publish(self.server, api, &[EVENT.into()], each).await?;
        let before = self.server.rss_kib();
        let (_, spent) = self.heap(api, batches).await?;
        let mut waiting = 0;
        for webhook in behind {
            waiting += api.webhook_count(webhook, "waiting").await?;
        }
        let events = f64::from(batches * BATCH);
        let title = format!("The heap again while {waiting} others wait");
        Ok(Section::new("behind", title)
            .with(
                ("per_s", "deliveries, from first POST to last result", "/s"),
                events / spent.seconds,
            )
            .with(("of_empty", "of that without a backlog", ""), events / spent.seconds / quick)
            .with(("waiting", "deliveries that wait", ""), waiting as f64)
            .busy(&spent)
            .with(("before_rss_kib", "memory of the server before", "KiB"), before)
            .with(("server_rss_kib", "memory of the server", "KiB"), self.server.rss_kib()))
    }

    /// Waits until the log says that so many deliveries have ended well.
    async fn settled(&self, api: &mut Api, wanted: u64) -> Outcome<()> {
        let until = Instant::now() + STALLED;
        loop {
            let mut delivered = 0;
            for webhook in &self.webhooks {
                delivered += api.webhook_count(*webhook, "delivered").await?;
            }
            if delivered == wanted {
                return Ok(());
            }
            if delivered > wanted || Instant::now() > until {
                let why = "deliveries came, and the log says";
                return Err(wrong(format!("{wanted} {why} {delivered}")));
            }
            sleep(ASK_EVERY).await;
        }
    }
}

/// Publishes batches over a few connections, the types in turn.
async fn publish(server: &Server, api: &Api, types: &[String], batches: u32) -> Outcome<()> {
    let events: Vec<_> = types
        .iter()
        .cycle()
        .zip(0..BATCH)
        .map(|(event, number)| {
            let data = json!({ "number": number, "text": "The bell rings on every desk." });
            json!({ "type": event, "data": data })
        })
        .collect();
    let body = json!({ "events": events }).to_string();
    let request: Arc<[u8]> = api.request("POST", "/api/v1/events/batch", &body).into();
    let begun = Arc::new(AtomicU32::new(0));
    let mut publishers = JoinSet::new();
    for _ in 0..PUBLISHERS {
        let (request, begun, address) = (request.clone(), begun.clone(), server.address);
        publishers.spawn(async move {
            let mut conn = Conn::open(address).await.map_err(|e| failed("no connection", &e))?;
            while begun.fetch_add(1, Ordering::Relaxed) < batches {
                conn.expect("POST /events/batch", &request, 201).await?;
            }
            Outcome::Ok(())
        });
    }
    while let Some(done) = publishers.join_next().await {
        done.map_err(|e| failed("a connection", &e))??;
    }
    Ok(())
}
