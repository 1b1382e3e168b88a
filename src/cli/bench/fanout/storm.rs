//! Clients that all come at once and resume, and one that resumes a lot.

use super::{
    Args, doors, publish,
    returning::{Returning, Told, Way},
};
use crate::cli::bench::{
    Outcome,
    client::{Api, Conn, Pen},
    cost::Window,
    failed,
    report::Section,
    server::Server,
    stats::Latencies,
    wrong,
};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    runtime,
    sync::{mpsc, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

/// What each client of the storm missed, and what a single one does.
const MISSED: u64 = 100;
const MISSED_MUCH: u64 = 1_000;

/// How often the single one comes back.
const TIMES: usize = 200;

/// Writes a second while the storm is on; everybody who is in hears them.
const WRITES_PER_S: u32 = 50;

/// After that it is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A client that is not let in, because too many come at once, tries again after the second that
/// it is told and a part of another: not with all the others.
const AGAIN: Duration = Duration::from_secs(1);
const SPREAD_MS: usize = 1_000;

/// The single one first, then the storm.
pub(super) async fn measure(
    args: &Args,
    server: &Server,
    (api, pens): (&mut Api, &[Pen]),
) -> Outcome<Vec<Section>> {
    let ways = Way::of_each(server.address, api, pens).await?;
    let one = one_resumes(server, api, &ways).await?;
    let storm = timeout(PATIENCE, storm(args, server, api, &ways)).await;
    Ok(vec![one, storm.map_err(|_| wrong("the storm did not end".into()))??])
}

/// How long one client takes to get a thousand events, from its first byte to `resumed`.
async fn one_resumes(server: &Server, api: &mut Api, ways: &[Way]) -> Outcome<Section> {
    let since = api.latest_seq().await?;
    publish(api, MISSED_MUCH).await?;
    let mut latencies = Latencies::default();
    let window = Window::open(server.pid());
    for way in ways.iter().cycle().take(TIMES) {
        let mut client = Returning::new(way.clone(), since);
        let started = Instant::now();
        let (replayed, _) = resume(&mut client, AGAIN).await.map_err(|e| failed("a client", &e))?;
        latencies.add(started.elapsed());
        if (client.heard, replayed) != (MISSED_MUCH, MISSED_MUCH) {
            let heard = client.heard;
            return Err(wrong(format!("{MISSED_MUCH} events were missed, {heard} came")));
        }
    }
    let spent = window.close();
    let events = (TIMES as u64 * MISSED_MUCH) as f64;
    let title = format!("One client resumes {MISSED_MUCH} events, {TIMES} times");
    Ok(Section::new("resume_one", title)
        .latencies(&mut latencies)
        .with(("server_us", "server CPU an event", "µs"), spent.server_us_per(events))
        .busy(&spent))
}

/// Comes, as often as it takes, and hears until the replay is through: how many events were in it,
/// and how often it was not let in.
async fn resume(client: &mut Returning, again: Duration) -> io::Result<(u64, u64)> {
    let mut refused = 0;
    loop {
        while !client.enter().await? {
            refused += 1;
            sleep(again).await;
        }
        while let Some(told) = client.hear().await? {
            if let Told::Resumed(events) = told {
                return Ok((events, refused));
            }
        }
    }
}

/// What came of one client.
struct Back {
    took: Duration,
    replayed: u64,
    refused: u64,
    heard: u64,
}

/// All come at once; in the end everybody has heard everything.
async fn storm(args: &Args, server: &Server, api: &mut Api, ways: &[Way]) -> Outcome<Section> {
    let since = api.latest_seq().await?;
    publish(api, MISSED).await?;
    let (finish, finished) = watch::channel(0);
    let mut writer = Writer::start(server.address, api)?;
    let window = Window::open(server.pid());
    let started = Instant::now();
    let (tell, mut back) = mpsc::channel(args.clients());
    let mut clients = JoinSet::new();
    for (number, way) in ways.iter().cycle().take(args.clients()).enumerate() {
        let client = Returning::new(way.clone(), since);
        let spread = number * 7_919 % SPREAD_MS;
        let again = AGAIN + Duration::from_millis(spread as u64);
        clients.spawn(come_back(client, (started, again), tell.clone(), finished.clone()));
    }
    drop(tell);
    let mut in_again = 0;
    while in_again < args.clients() {
        // Nobody tells any more when all have ended, and one may have ended badly.
        tokio::select! {
            told = back.recv() => if told.is_some() { in_again += 1 } else { break },
            Some(ended) = clients.join_next() => {
                let _back: Back = ended.map_err(|e| failed("a client", &e))??;
                return Err(wrong("a client ended before the storm did".into()));
            }
        }
    }
    let all_in = started.elapsed();
    let spent = window.close();
    let memory = server.rss_kib();
    let mut writes = writer.stop().await?;
    let said = MISSED + writes.len() as u64;
    finish.send_replace(api.latest_seq().await?);
    let (mut took, mut replayed, mut refused) = (Latencies::default(), 0, 0);
    while let Some(done) = clients.join_next().await {
        let client: Back = done.map_err(|e| failed("a client", &e))??;
        if client.heard != said {
            return Err(wrong(format!("{said} events were to be heard, {} came", client.heard)));
        }
        took.add(client.took);
        replayed += client.replayed;
        refused += client.refused;
    }
    let title = format!("{} clients come at once, {MISSED} events behind", args.clients());
    Ok(Section::new("storm", title)
        .with(("all_in_s", "until all had what they missed", "s"), all_in.as_secs_f64())
        .latencies(&mut took)
        .with(("refused", "told to come a second later, times", ""), refused as f64)
        .with(("replayed", "events in their replays", ""), replayed as f64)
        .with(
            ("server_us", "server CPU a replayed event", "µs"),
            spent.server_us_per(replayed as f64),
        )
        .busy(&spent)
        .with(("server_rss_kib", "memory of the server", "KiB"), memory)
        .with(("writes", "events said meanwhile", ""), writes.len() as f64)
        .with(("write_p50_ms", "POST meanwhile, median", "ms"), writes.percentile_ms(0.5))
        .with(
            ("write_p99_ms", "POST meanwhile, 99 of 100 within", "ms"),
            writes.percentile_ms(0.99),
        )
        .with(("write_max_ms", "POST meanwhile, longest", "ms"), writes.max_ms()))
}

/// One client of the storm: comes back, says so, then hears until it has the last event.
async fn come_back(
    mut client: Returning,
    (started, again): (Instant, Duration),
    tell: mpsc::Sender<()>,
    mut finished: watch::Receiver<u64>,
) -> Outcome<Back> {
    let (replayed, refused) =
        resume(&mut client, again).await.map_err(|e| failed("a client", &e))?;
    let took = started.elapsed();
    tell.send(()).await.map_err(|e| failed("a client", &e))?;
    loop {
        let last = *finished.borrow_and_update();
        if last > 0 && client.last_seq >= last {
            return Ok(Back { took, replayed, refused, heard: client.heard });
        }
        tokio::select! {
            told = client.hear() => match told.map_err(|e| failed("a client", &e))? {
                Some(Told::Message) => {}
                other => return Err(wrong(format!("a client heard {other:?} after the storm"))),
            },
            changed = finished.changed() => changed.map_err(|e| failed("a client", &e))?,
        }
    }
}

/// Who writes while the storm is on: a thread of its own, so that the write is measured and not
/// how busy the thread is that thousands of clients read on.
struct Writer {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<Outcome<Latencies>>>,
}

impl Writer {
    fn start(address: SocketAddr, api: &Api) -> Outcome<Self> {
        let stop = Arc::<AtomicBool>::default();
        let request = api.request("POST", "/api/v1/events", &doors::publication(None));
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| failed("the driver could not be started", &e))?;
        let until = stop.clone();
        let work = move || runtime.block_on(write(address, &request, &until));
        let thread = std::thread::Builder::new().name("writer".into()).spawn(work);
        let thread = thread.map_err(|e| failed("the driver could not be started", &e))?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Its latencies.
    async fn stop(&mut self) -> Outcome<Latencies> {
        self.stop.store(true, Ordering::Relaxed);
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            sleep(Duration::from_millis(1)).await;
        }
        let ended = self.thread.take().map(std::thread::JoinHandle::join);
        ended.and_then(Result::ok).unwrap_or_else(|| Err(wrong("the writer died".into())))
    }
}

async fn write(address: SocketAddr, request: &[u8], stop: &AtomicBool) -> Outcome<Latencies> {
    let mut conn = Conn::open(address).await.map_err(|e| failed("no connection", &e))?;
    let mut latencies = Latencies::default();
    while !stop.load(Ordering::Relaxed) {
        let started = Instant::now();
        conn.expect("POST /events", request, 201).await?;
        latencies.add(started.elapsed());
        sleep(Duration::from_secs(1) / WRITES_PER_S).await;
    }
    Ok(latencies)
}
