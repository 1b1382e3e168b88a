//! Fifty crashes at random moments under load: what was acknowledged is there, what is owed
//! arrives, and who comes back with `since` has missed nothing.

#![allow(
    clippy::print_stdout,
    reason = "shown when the test fails, to have the same crashes again"
)]

use crate::{
    harness::{ADMIN_EMAIL, Frame, PASSWORD, Play, Receiver, Server, Session, Setup, Socket},
    hooks::hook,
    wire::{Kept, until},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const CRASHES: usize = 50;

/// A server lives for a random time up to this, sometimes not even until it is ready.
const LIFE_MAX_MS: u64 = 700;

const WRITERS: usize = 4;

/// Random numbers that can be had again: `DESKBELL_TEST_SEED=<number>` (`SplitMix64`).
pub(crate) struct Dice(u64);

impl Dice {
    /// New ones; their number is shown when the test fails.
    pub(crate) fn new() -> Self {
        let asked = std::env::var("DESKBELL_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = asked.unwrap_or_else(|| u64::from(std::process::id()) * 0x1234_5677);
        println!("DESKBELL_TEST_SEED={seed}");
        Self(seed)
    }

    /// Others, for somebody who rolls at the same time.
    pub(crate) fn another(&mut self) -> Self {
        Self(self.roll(u64::MAX))
    }

    /// 0 to one less than `sides`.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }
}

/// Where the server is now, for those who look for it again and again.
#[derive(Default)]
struct Scene {
    address: Mutex<Option<SocketAddr>>,
    moved: Condvar,
    over: AtomicBool,
    /// The last event that was written; the socket may stop there.
    last_seq: AtomicI64,
}

impl Scene {
    fn set(&self, address: Option<SocketAddr>) {
        *self.address.lock().unwrap() = address;
        self.moved.notify_all();
    }

    /// Waits until there is a server at another address than `before`; none when it is over.
    fn server(&self, before: Option<SocketAddr>) -> Option<SocketAddr> {
        let mut now = self.address.lock().unwrap();
        loop {
            if self.over.load(Ordering::Acquire) {
                return None;
            }
            if now.is_some() && *now != before {
                return *now;
            }
            now = self.moved.wait_timeout(now, Duration::from_millis(50)).unwrap().0;
        }
    }
}

/// What a writer was told: the mark it wrote, with id and `seq`.
type Acknowledged = Vec<(String, Value, i64)>;

fn write(scene: &Scene, token: &str, name: usize) -> Acknowledged {
    let (mut acknowledged, mut number, mut before) = (Vec::new(), 0, None);
    while let Some(address) = scene.server(before) {
        before = Some(address);
        let Ok(mut kept) = Kept::connect(address, token) else { continue };
        loop {
            number += 1;
            let mark = format!("{name}-{number}");
            // Every fourth event is owed to the webhook.
            let kind = if number % 4 == 0 { "load.owed" } else { "extra.step" };
            let event = json!({ "type": kind, "data": { "mark": mark } });
            match kept.post("/api/v1/events", &event) {
                Ok((201, said)) => {
                    let (id, seq) = (said["data"]["id"].clone(), &said["data"]["seq"]);
                    acknowledged.push((mark, id, seq.as_i64().unwrap()));
                }
                Ok((503, _)) => {}
                Ok((status, said)) => panic!("{status} {said}"),
                // It was killed; whether this one is in the log, nobody knows.
                Err(_) => break,
            }
            if scene.over.load(Ordering::Acquire) {
                return acknowledged;
            }
        }
    }
    acknowledged
}

/// Listens from `since` on, comes back after each crash with the last number heard; answers
/// numbers and ids.
fn listen(scene: &Scene, admin: &Session, since: i64) -> Vec<(i64, Value)> {
    let (mut heard, mut last, mut before) = (Vec::new(), since, None);
    let bearer = format!("Bearer {}", admin.token());
    loop {
        let ended = || scene.last_seq.load(Ordering::Acquire);
        let Some(address) = scene.server(before).or_else(|| *scene.address.lock().unwrap()) else {
            continue;
        };
        before = Some(address);
        let mut api = (**admin).clone();
        api.address = address;
        let path = format!("/ws?since={last}");
        let opened = std::panic::catch_unwind(|| {
            Socket::try_open(&api, &path, &[("authorization", &bearer)])
        });
        // It may be killed in the middle of the handshake.
        let Ok(Ok(mut socket)) = opened else { continue };
        loop {
            if ended() != 0 && last >= ended() {
                return heard;
            }
            match socket.next_within(Duration::from_millis(200)) {
                Some(Frame::Said(said)) if said.get("seq").is_some() => {
                    let seq = said["seq"].as_i64().unwrap();
                    assert!(seq > last, "{seq} came again after {last}");
                    last = seq;
                    heard.push((seq, said["id"].clone()));
                }
                Some(Frame::Said(said)) => assert_ne!(said["type"], "resync_required", "{said}"),
                Some(Frame::Closed(..)) => break,
                None => {}
            }
        }
    }
}

/// The whole log after a number, as REST lists it.
fn log_after(admin: &Session, mut after: i64) -> Vec<Value> {
    let mut log = Vec::new();
    loop {
        let page = admin.get(&format!("/api/v1/events?after={after}&limit=500")).data();
        let page = page.as_array().unwrap().clone();
        let Some(last) = page.last() else { return log };
        after = last["seq"].as_i64().unwrap();
        log.extend(page);
    }
}

#[test]
fn fifty_crashes_lose_no_acknowledged_write_no_owed_delivery_and_nothing_on_a_socket() {
    let mut dice = Dice::new();
    // Some attempts are under way when the server dies, and some have to be made again anyway.
    let receiver = Receiver::answering(|n| match n {
        n if n % 40 == 0 => Play::Late(30),
        n if n % 97 == 0 => Play::Status(500),
        _ => Play::Status(200),
    });
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "50ms"));
    let admin = server.admin();
    hook(&admin, &receiver.url("/"), &json!({ "events": ["load.*"], "retry_count": 20 }));
    let since = admin.latest_seq();
    let scene = Arc::new(Scene::default());
    scene.set(Some(server.address));
    let writers: Vec<_> = (0..WRITERS)
        .map(|name| {
            let (scene, token) = (scene.clone(), admin.token().to_owned());
            thread::spawn(move || write(&scene, &token, name))
        })
        .collect();
    let listener = {
        let (scene, admin) = (scene.clone(), admin);
        thread::spawn(move || listen(&scene, &admin, since))
    };
    let mut server = server;
    for _ in 0..CRASHES {
        thread::sleep(Duration::from_millis(dice.roll(LIFE_MAX_MS)));
        let setup = server.kill9();
        scene.set(None);
        server = setup.start();
        scene.set(Some(server.address));
    }
    // Life goes on behind the last crash.
    let admin = Session::login(&server.api(), ADMIN_EMAIL, PASSWORD);
    let at_the_start = admin.latest_seq();
    until("a write behind the last crash", || (admin.latest_seq() > at_the_start).then_some(()));
    scene.over.store(true, Ordering::Release);
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.join().expect("a writer"));
    }
    let log = log_after(&admin, since);
    scene.last_seq.store(log.last().unwrap()["seq"].as_i64().unwrap(), Ordering::Release);
    let heard = listener.join().expect("the listener");
    judge(&log, &acknowledged, &heard);
    judge_deliveries(&log, &receiver);
    // And nothing waits for ever.
    until("the queue is empty", || {
        let hooks = admin.get("/api/v1/webhooks").data();
        let path = format!("/api/v1/webhooks/{}/stats", hooks[0]["id"]);
        let numbers = admin.get(&path).data();
        (numbers["waiting"] == 0 && numbers["failed"] == 0).then_some(())
    });
}

fn judge(log: &[Value], acknowledged: &Acknowledged, heard: &[(i64, Value)]) {
    let by_mark: HashMap<&str, &Value> =
        log.iter().map(|event| (event["data"]["mark"].as_str().expect("a mark"), event)).collect();
    assert_eq!(by_mark.len(), log.len(), "a mark stands in the log twice");
    for (mark, id, seq) in acknowledged {
        let event = by_mark.get(mark.as_str()).unwrap_or_else(|| panic!("{mark} is lost"));
        assert_eq!((&event["id"], event["seq"].as_i64()), (id, Some(*seq)), "{mark}");
    }
    let expected: Vec<(i64, Value)> =
        log.iter().map(|event| (event["seq"].as_i64().unwrap(), event["id"].clone())).collect();
    let first_difference = expected.iter().zip(heard).find(|(a, b)| a != b);
    assert!(first_difference.is_none(), "{first_difference:?}");
    assert_eq!(heard.len(), expected.len());
    println!("{} acknowledged, {} in the log", acknowledged.len(), log.len());
    assert!(acknowledged.len() > 1_000, "too little was written to prove anything");
}

fn judge_deliveries(log: &[Value], receiver: &Receiver) {
    let owed: HashMap<&str, String> = log
        .iter()
        .filter(|event| event["type"] == "load.owed")
        .map(|event| (event["id"].as_str().unwrap(), event["seq"].to_string()))
        .collect();
    let began = Instant::now();
    let received = receiver.wait_until("every owed delivery", |received| {
        let ids: std::collections::HashSet<_> =
            received.iter().filter_map(|r| r.header("webhook-id")).collect();
        ids.len() >= owed.len()
    });
    for delivery in &received {
        let id = delivery.header("webhook-id").unwrap();
        let seq = owed.get(id).unwrap_or_else(|| panic!("{id} is not in the log"));
        assert_eq!(delivery.header("x-webhook-seq"), Some(seq.as_str()));
    }
    println!("{} deliveries for {} owed, {:?}", received.len(), owed.len(), began.elapsed());
}
