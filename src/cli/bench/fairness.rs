//! The scenario that judges fairness, in real time: healthy receivers beside dead ones, which
//! accept and never answer. Every healthy event must come, and soon.

use super::{
    Outcome, Server,
    client::{Api, Conn},
    cost::Window,
    failed,
    receiver::{Hooks, SENT},
    report::Section,
    wrong,
};
use serde_json::{Value, json};
use std::{
    io,
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{MissedTickBehavior, interval},
};

/// Healthy receivers, and how long they take to answer.
const HEALTHY: u8 = 20;
const ANSWER_AFTER: Duration = Duration::from_millis(50);

/// Events a second for all of a sort together.
const RATE: u32 = 5;

/// How long nothing may come at the end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Plays it for so long.
pub(super) async fn play(
    server: &Server,
    api: &mut Api,
    (dead, time): (u8, Duration),
) -> Outcome<Section> {
    let (hooks, urls) = Hooks::open(HEALTHY, PATIENCE, ANSWER_AFTER).await?;
    let mut healthy = Vec::new();
    for (number, url) in urls.iter().enumerate() {
        let event = format!("bench.healthy_{number}");
        api.add_webhook(url, &event).await?;
        healthy.push(event);
    }
    let mut mute = Vec::new();
    for number in 0..dead {
        let event = format!("bench.dead_{number}");
        // The longest there is, which seed B asks for.
        let wish = json!({ "name": event, "url": deaf().await?, "events": [event], "timeout": 30 });
        api.post("/api/v1/webhooks", &wish).await?;
        mute.push(event);
    }
    let window = Window::open(server.pid());
    let sent = publish(server, api, &hooks, (&healthy, &mute), time).await?;
    hooks.wait_for(sent).await?;
    let spent = window.close();
    let workers = workers(server).await?;
    let mut latencies = hooks.take_latencies();
    let title = format!("{sent} events for {HEALTHY} healthy receivers beside {dead} dead ones");
    Ok(Section::new("fairness", title)
        .with(("delivered", "healthy events that came, which is all", ""), hooks.seen() as f64)
        .latencies(&mut latencies)
        .with(("workers", "threads that deliver, at the end", ""), workers)
        .busy(&spent))
}

/// Says an event of each sort at a time, those of a sort in turn; returns how many healthy ones.
async fn publish(
    server: &Server,
    api: &Api,
    hooks: &Hooks,
    (healthy, mute): (&[String], &[String]),
    time: Duration,
) -> Outcome<u64> {
    let mut conn = Conn::open(server.address).await.map_err(|e| failed("no connection", &e))?;
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (started, mut sent, mut mute) = (Instant::now(), 0, mute.iter().cycle());
    for event in healthy.iter().cycle() {
        ticks.tick().await;
        if started.elapsed() >= time {
            break;
        }
        if let Some(event) = mute.next() {
            let body = json!({ "type": event, "data": {} }).to_string();
            conn.expect("POST /events", &api.request("POST", "/api/v1/events", &body), 201).await?;
        }
        let now_us = hooks.started.elapsed().as_micros();
        let body = format!(r#"{{"type":"{event}","data":{{{SENT}{now_us}"}}}}"#);
        conn.expect("POST /events", &api.request("POST", "/api/v1/events", &body), 201).await?;
        sent += 1;
    }
    Ok(sent)
}

/// A receiver that accepts and never answers, as long as the bench runs.
async fn deaf() -> Outcome<String> {
    let cannot = |e: io::Error| failed("a receiver could not be opened", &e);
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    tokio::spawn(async move {
        let mut open: Vec<TcpStream> = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
        }
    });
    Ok(format!("http://{address}/deaf"))
}

/// How many threads deliver, as the server counts them.
async fn workers(server: &Server) -> Outcome<f64> {
    const NAME: &str = "deskbell_webhook_workers ";
    let mut conn = Conn::open(server.address).await.map_err(|e| failed("no connection", &e))?;
    let address = server.address;
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\n\r\n");
    conn.expect("GET /metrics", request.as_bytes(), 200).await?;
    let text = String::from_utf8_lossy(conn.body()).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(NAME));
    let count: Option<Value> = line.and_then(|count| serde_json::from_str(count).ok());
    count
        .and_then(|count| count.as_f64())
        .ok_or_else(|| wrong(String::from("the server does not count its workers")))
}
