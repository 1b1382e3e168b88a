//! Keeps many keep-alive connections busy, each with one request under way.

use super::{
    Common, Outcome,
    client::Conn,
    cost::{Spent, Window},
    failed,
    server::Server,
    stats::Latencies,
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Instant,
};
use tokio::{task::JoinSet, time::sleep};

/// What the connections are to do.
const WARM_UP: u8 = 0;
const MEASURE: u8 = 1;
const STOP: u8 = 2;

/// What the connections did.
#[derive(Default)]
pub(super) struct Sent {
    /// Of the time that was measured.
    pub(super) latencies: Latencies,
    /// In all, the warm-up included.
    pub(super) acknowledged: u64,
}

/// Sends these requests in turn, over and over: a warm-up, then the time that counts. All must be
/// answered with 201.
pub(super) async fn for_a_time(
    (server, common): (&Server, &Common),
    clients: u16,
    what: &'static str,
    requests: Arc<[Vec<u8>]>,
) -> Outcome<(Spent, Sent)> {
    let phase = Arc::new(AtomicU8::new(WARM_UP));
    let mut connections = JoinSet::new();
    for number in 0..usize::from(clients) {
        let work = (what, requests.clone(), number);
        connections.spawn(in_turn(server.address, work, phase.clone()));
    }
    sleep(common.warm_up()).await;
    let window = Window::open(server.pid());
    phase.store(MEASURE, Ordering::Relaxed);
    sleep(common.measured()).await;
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

/// One connection: a request after the other, each of the next kind.
async fn in_turn(
    address: SocketAddr,
    (what, requests, number): (&'static str, Arc<[Vec<u8>]>, usize),
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
        conn.expect(what, request, 201).await?;
        sent.acknowledged += 1;
        // Counts if it ended within the time that is measured.
        if phase.load(Ordering::Relaxed) == MEASURE {
            sent.latencies.add(started.elapsed());
        }
    }
    Ok(sent)
}

/// Makes the request of that number.
pub(super) type Make = Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync>;

/// Sends the requests 0 to `count`, each once; all must be answered with this status.
pub(super) async fn each(
    address: SocketAddr,
    clients: u16,
    (what, status): (&'static str, u16),
    (count, make): (u64, Make),
) -> Outcome<()> {
    let next = Arc::new(AtomicU64::new(0));
    let mut connections = JoinSet::new();
    for _ in 0..clients {
        let (next, make) = (next.clone(), make.clone());
        connections.spawn(async move {
            let mut conn = Conn::open(address).await.map_err(|e| failed("no connection", &e))?;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Outcome::Ok(());
                }
                conn.expect(what, &make(number), status).await?;
            }
        });
    }
    while let Some(done) = connections.join_next().await {
        done.map_err(|e| failed("a connection", &e))??;
    }
    Ok(())
}
