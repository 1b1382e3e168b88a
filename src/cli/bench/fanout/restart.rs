//! The server is stopped and started again under all its clients: each is told, each comes back,
//! and nobody misses anything.

use super::{
    Args, publish,
    returning::{Returning, Told, Way},
};
use crate::cli::bench::{
    Outcome,
    client::{Api, Pen},
    failed,
    report::Section,
    server::Server,
    stats::Latencies,
    wrong,
};
use parking_lot::Mutex;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

/// Messages before the stop, right after the start, and when all are back.
const MESSAGES: u64 = 10;

/// Clients that come at the same time, at first.
const CONNECTING: u64 = 64;

/// The close code of a server that stops for now.
const RESTART: u16 = 1012;

/// A client that finds nobody, or is told nothing, tries again after so long.
const AGAIN: Duration = Duration::from_millis(500);

/// After that it is given up.
const PATIENCE: Duration = Duration::from_secs(90);

/// How often it is looked whether something is done.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// How it goes, of all clients together.
#[derive(Default)]
struct Course {
    /// When the server was told to stop.
    stopped: Mutex<Option<Instant>>,
    connected: AtomicU64,
    draining: AtomicU64,
    restart: AtomicU64,
    retry_told: AtomicU64,
    lost: AtomicU64,
    refused: AtomicU64,
    back: AtomicU64,
    /// How long after the stop clients were without connection, and had one and all they missed.
    ended: Mutex<Latencies>,
    returned: Mutex<Latencies>,
}

impl Course {
    fn since_stop(&self) -> Duration {
        self.stopped.lock().map(|at| at.elapsed()).unwrap_or_default()
    }

    fn count(&self, what: impl Fn(&Self) -> &AtomicU64) -> u64 {
        what(self).load(Ordering::Relaxed)
    }
}

/// Plays it once.
pub(super) async fn measure(
    args: &Args,
    server: &mut Server,
    (api, pens): (&mut Api, &[Pen]),
) -> Outcome<Vec<Section>> {
    let ways = Way::of_each(server.address, api, pens).await?;
    let since = api.latest_seq().await?;
    let course = Arc::<Course>::default();
    let (finish, finished) = watch::channel(0);
    let mut clients = JoinSet::new();
    let all = args.clients() as u64;
    for (number, way) in (1..=all).zip(ways.iter().cycle()) {
        let client = Returning::new(way.clone(), since);
        clients.spawn(stay(client, course.clone(), finished.clone()));
        if number % CONNECTING == 0 || number == all {
            until(&mut clients, || course.count(|c| &c.connected) == number).await?;
        }
    }
    publish(api, MESSAGES).await?;
    let (gone_s, started_s) = stop_and_start(server, &mut clients, &course).await?;
    let mut api = Api::of(api.pen()).await?;
    publish(&mut api, MESSAGES).await?;
    until(&mut clients, || course.count(|c| &c.back) == all).await?;
    let back_s = course.since_stop().as_secs_f64();
    publish(&mut api, MESSAGES).await?;
    finish.send_replace(api.latest_seq().await?);
    all_heard(clients).await?;
    let section = told(args, &course, (gone_s, started_s, back_s));
    Ok(vec![section.with(("server_rss_kib", "memory of the server", "KiB"), server.rss_kib())])
}

/// How long after SIGTERM the server was gone, and the next one ready, seconds.
async fn stop_and_start(
    server: &mut Server,
    clients: &mut JoinSet<Outcome<u64>>,
    course: &Course,
) -> Outcome<(f64, f64)> {
    *course.stopped.lock() = Some(Instant::now());
    server.ask_to_stop()?;
    let mut gone = false;
    until(clients, || {
        gone = gone || !matches!(server.has_ended(), Ok(false));
        gone
    })
    .await?;
    let gone_s = course.since_stop().as_secs_f64();
    server.has_ended()?;
    server.start_again()?;
    Ok((gone_s, course.since_stop().as_secs_f64()))
}

/// Nobody missed anything.
async fn all_heard(mut clients: JoinSet<Outcome<u64>>) -> Outcome<()> {
    while let Some(heard) = clients.join_next().await {
        let heard = heard.map_err(|e| failed("a client", &e))??;
        if heard != 3 * MESSAGES {
            let said = 3 * MESSAGES;
            return Err(wrong(format!("{said} events were said, a client heard {heard}")));
        }
    }
    Ok(())
}

fn told(args: &Args, course: &Course, (gone_s, started_s, back_s): (f64, f64, f64)) -> Section {
    let count = |what: fn(&Course) -> &AtomicU64| course.count(what) as f64;
    let title = format!("Stopped and started again under {} clients", args.clients());
    let ended_s = course.ended.lock().max_ms().map(|ms| ms / 1e3);
    let mut returned = course.returned.lock();
    Section::new("restart", title)
        .with(("clients", "clients", ""), args.clients() as f64)
        .with(("told_draining", "told that it will stop", ""), count(|c| &c.draining))
        .with(("told_1012", "closed with 1012", ""), count(|c| &c.restart))
        .with(("told_when", "… and when to come back", ""), count(|c| &c.retry_told))
        .with(("hung_up", "hung up on without a time to come back", ""), count(|c| &c.lost))
        .with(("closed_s", "SIGTERM until the last connection ended", "s"), ended_s)
        .with(("gone_s", "SIGTERM until the server was gone", "s"), gone_s)
        .with(("started_s", "SIGTERM until the next was ready", "s"), started_s)
        .with(("refused", "attempts to come back that failed", ""), count(|c| &c.refused))
        .with(("all_back_s", "SIGTERM until all had what they missed", "s"), back_s)
        .latencies(&mut returned)
}

/// Waits until it is so, as long as no client is in trouble.
async fn until(
    clients: &mut JoinSet<Outcome<u64>>,
    mut is_so: impl FnMut() -> bool,
) -> Outcome<()> {
    let waiting = async {
        while !is_so() {
            sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        done = timeout(PATIENCE, waiting) => {
            done.map_err(|_| wrong("not all clients came, or came back".into()))
        }
        Some(ended) = clients.join_next() => {
            ended.map_err(|e| failed("a client", &e))??;
            Err(wrong("a client ended before the bench did".into()))
        }
    }
}

/// One client: connected as much as it can be, until it has the last event. How many it heard.
async fn stay(
    mut client: Returning,
    course: Arc<Course>,
    mut finished: watch::Receiver<u64>,
) -> Outcome<u64> {
    let mut is_back = false;
    loop {
        match client.enter().await {
            Ok(true) => {}
            Ok(false) | Err(_) => {
                course.refused.fetch_add(1, Ordering::Relaxed);
                sleep(AGAIN).await;
                continue;
            }
        }
        let mut retry = None;
        loop {
            let last = *finished.borrow_and_update();
            if last > 0 && client.last_seq >= last {
                return Ok(client.heard);
            }
            let told = tokio::select! {
                told = client.hear() => told.map_err(|e| failed("a client", &e))?,
                changed = finished.changed() => {
                    changed.map_err(|e| failed("a client", &e))?;
                    continue;
                }
            };
            match told {
                Some(told) => retry = note(told, &course, is_back).or(retry),
                None => break,
            }
        }
        course.ended.lock().add(course.since_stop());
        if retry.is_none() {
            course.lost.fetch_add(1, Ordering::Relaxed);
        }
        is_back = true;
        sleep(retry.unwrap_or(AGAIN)).await;
    }
}

/// Counts what a client was told; when it is to come back, where it was told that.
fn note(told: Told, course: &Course, is_back: bool) -> Option<Duration> {
    let one_more = |count: &AtomicU64| {
        count.fetch_add(1, Ordering::Relaxed);
    };
    match told {
        Told::Message => {}
        Told::Resumed(_) if is_back => {
            course.returned.lock().add(course.since_stop());
            one_more(&course.back);
        }
        Told::Resumed(_) => one_more(&course.connected),
        Told::Draining => one_more(&course.draining),
        Told::Closed(code, retry) => {
            if code == RESTART {
                one_more(&course.restart);
            }
            if retry.is_some() {
                one_more(&course.retry_told);
            }
            return retry;
        }
    }
    None
}
