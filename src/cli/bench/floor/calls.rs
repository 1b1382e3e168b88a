//! Calls as they go through a floor: every step is a request of its own.

use super::walls::{Kind, Walls};
use crate::cli::bench::{
    Outcome,
    client::{Api, Conn, Pen},
    failed,
    stats::Latencies,
    wrong,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::{sleep, sleep_until},
};

/// One call in so many is given up before anybody answers, held, passed on to somebody else.
const ABANDONED_IN: u64 = 12;
const HELD_IN: u64 = 5;
const PASSED_ON_IN: u64 = 10;

/// Calls under way at a time; the next ones wait outside, and the rate is not kept.
const UNDER_WAY_MAX: usize = 2_000;

/// The queues that calls come to.
const QUEUES: [&str; 4] = ["sales", "orders", "repairs", "billing"];

/// What all calls came to.
#[derive(Default)]
pub(super) struct Sum {
    pub(super) calls: u64,
    pub(super) abandoned: u64,
    /// Steps of which every wall is to hear, and those that it shows.
    pub(super) told: (u64, u64),
    /// How long their requests took.
    pub(super) steps: Latencies,
    /// From the first call's beginning to the last one's.
    pub(super) began_within: Duration,
}

/// A call's number and path.
type Call = (u64, String);

/// Agents who wait for calls.
struct Free {
    give: mpsc::Sender<String>,
    take: tokio::sync::Mutex<mpsc::Receiver<String>>,
}

/// The floor, as its telephone system knows it.
#[derive(Clone)]
pub(super) struct Floor {
    pen: Pen,
    address: SocketAddr,
    connections: Arc<Mutex<Vec<Conn>>>,
    free: Arc<Free>,
    walls: Arc<Walls>,
    sum: Arc<Mutex<Sum>>,
}

impl Floor {
    /// With all agents free.
    pub(super) fn new(
        api: &Api,
        address: SocketAddr,
        agents: Vec<String>,
        walls: Arc<Walls>,
    ) -> Self {
        let (give, take) = mpsc::channel(agents.len().max(1));
        for agent in agents {
            // There is room for all of them.
            give.try_send(agent).ok();
        }
        let free = Arc::new(Free { give, take: tokio::sync::Mutex::new(take) });
        let connections = Arc::default();
        Self { pen: api.pen(), address, connections, free, walls, sum: Arc::default() }
    }

    /// Lets so many calls come, so many a second, and waits until the last one is over.
    pub(super) async fn work(&self, count: u64, rate: u16) -> Outcome<Sum> {
        let room = Arc::new(Semaphore::new(UNDER_WAY_MAX));
        let mut calls = JoinSet::new();
        let began = tokio::time::Instant::now();
        for number in 0..count {
            sleep_until(began + Duration::from_secs(1).mul_f64(number as f64 / f64::from(rate)))
                .await;
            let place = room.clone().acquire_owned().await.map_err(|e| failed("the floor", &e))?;
            let floor = self.clone();
            calls.spawn(async move {
                let done = floor.call(number).await;
                drop(place);
                done
            });
            while let Some(done) = calls.try_join_next() {
                done.map_err(|e| failed("a call", &e))??;
            }
        }
        // The last one has its second's share, too.
        let began_within = began.elapsed() + Duration::from_secs(1) / u32::from(rate);
        while let Some(done) = calls.join_next().await {
            done.map_err(|e| failed("a call", &e))??;
        }
        let sum = std::mem::take(&mut *self.sum.lock());
        Ok(Sum { calls: count, began_within, ..sum })
    }

    /// One call from its beginning until it is written up.
    async fn call(&self, number: u64) -> Outcome<()> {
        let queue = QUEUES.get(usize::try_from(number).unwrap_or(0) % QUEUES.len());
        let new = json!({
            "external_id": name(number), "direction": "inbound", "queue": queue,
            "from_number": format!("+44 1632 {:06}", 960_000 + number % 1_000),
            "from_name": "A caller",
        });
        let call = self.step(number, Kind::Incoming, "/api/v1/calls", &new).await?;
        let id = call.pointer("/data/id").and_then(Value::as_str);
        let id = id.ok_or_else(|| wrong("a call has no id".into()))?;
        let call = (number, format!("/api/v1/calls/{id}"));
        if number % ABANDONED_IN == ABANDONED_IN - 1 {
            sleep(between(number, 100, 1_000)).await;
            self.sum.lock().abandoned += 1;
            return self.then(&call, Kind::Ended, "end", &json!({})).await;
        }
        let agent = self.free.take.lock().await.recv().await;
        let agent = agent.ok_or_else(|| wrong("the agents are gone".into()))?;
        let last = self.talk(&call, agent).await?;
        sleep(between(number, 50, 400)).await;
        let words = json!({ "disposition": "order status", "note": "Comes tomorrow." });
        self.post("written up", &format!("{}/wrapup", call.1), &words).await?;
        self.gives_back(last)
    }

    /// From the ring at an agent's telephone to the end of the call; answers who had it last.
    async fn talk(&self, call: &Call, agent: String) -> Outcome<String> {
        let number = call.0;
        let by = json!({ "agent_id": agent });
        self.then(call, Kind::Ringing, "ring", &by).await?;
        sleep(between(number, 50, 300)).await;
        self.then(call, Kind::Answered, "answer", &by).await?;
        sleep(between(number, 200, 1_200)).await;
        if number.is_multiple_of(HELD_IN) {
            self.then(call, Kind::Held, "hold", &json!({})).await?;
            sleep(between(number, 50, 300)).await;
            self.then(call, Kind::Resumed, "resume", &json!({})).await?;
        }
        let last = match number.is_multiple_of(PASSED_ON_IN) {
            true => self.pass_on(call, agent).await?,
            false => agent,
        };
        self.then(call, Kind::Ended, "end", &json!({})).await?;
        Ok(last)
    }

    /// Passes a call on to whoever is free, if somebody is; answers who has it.
    async fn pass_on(&self, call: &Call, agent: String) -> Outcome<String> {
        let Ok(next) = self.free.take.lock().await.try_recv() else { return Ok(agent) };
        let to = json!({ "to_agent_id": next });
        self.then(call, Kind::Transferred, "transfer", &to).await?;
        self.gives_back(agent)?;
        sleep(between(call.0, 200, 800)).await;
        Ok(next)
    }

    fn gives_back(&self, agent: String) -> Outcome<()> {
        self.free.give.try_send(agent).map_err(|e| failed("an agent", &e))
    }

    /// A further step of a call.
    async fn then(&self, call: &Call, kind: Kind, step: &str, body: &Value) -> Outcome<()> {
        let (number, path) = call;
        self.step(*number, kind, &format!("{path}/{step}"), body).await.map(drop)
    }

    /// One step of which walls are to hear.
    async fn step(&self, number: u64, kind: Kind, path: &str, body: &Value) -> Outcome<Value> {
        self.walls.sent(number, kind);
        let answer = self.post(kind.name(), path, body).await?;
        let mut sum = self.sum.lock();
        sum.told = (sum.told.0 + 1, sum.told.1 + u64::from(kind.shows()));
        Ok(answer)
    }

    async fn post(&self, what: &str, path: &str, body: &Value) -> Outcome<Value> {
        let pooled = self.connections.lock().pop();
        let mut conn = match pooled {
            Some(conn) => conn,
            None => Conn::open(self.address).await.map_err(|e| failed("no connection", &e))?,
        };
        let request = self.pen.request("POST", path, &body.to_string());
        let started = Instant::now();
        let status = conn.call(&request).await.map_err(|e| failed(what, &e))?;
        self.sum.lock().steps.add(started.elapsed());
        let said = String::from_utf8_lossy(conn.body()).into_owned();
        self.connections.lock().push(conn);
        if !(200..300).contains(&status) {
            return Err(wrong(format!("{what} was answered with {status}: {said}")));
        }
        serde_json::from_str(&said).map_err(|e| failed(what, &e))
    }
}

/// The name of a call in its telephone system.
pub(super) fn name(number: u64) -> String {
    format!("bench-{number}")
}

/// A time that is another one for each call, and the same in every run.
fn between(number: u64, from_ms: u64, to_ms: u64) -> Duration {
    Duration::from_millis(from_ms + number.wrapping_mul(0x9e37_79b9) % (to_ms - from_ms))
}
