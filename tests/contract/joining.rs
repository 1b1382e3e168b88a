//! Clients that come and go while events are written: none misses one, none hears one twice.

use crate::{
    harness::{Server, Session, Setup, Socket},
    wire::Kept,
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long is written.
const WRITING: Duration = Duration::from_secs(6);

/// Threads that write, one event or a few at a time, over kept connections.
const WRITERS: usize = 3;

/// Threads that join, listen for a moment, and join again.
const JOINERS: usize = 8;

struct Load {
    server: Server,
    admin: Session,
    stop: AtomicBool,
    /// The newest `seq` that was answered to a writer.
    newest: AtomicI64,
    joined: AtomicUsize,
}

impl Load {
    fn write(&self, batch: usize) {
        let mut kept = Kept::connect(self.server.address, self.admin.token()).unwrap();
        let event = json!({ "type": "load.step", "data": { "text": "x".repeat(200) } });
        let events = json!({ "events": vec![event; batch] });
        while !self.stop.load(Ordering::Acquire) {
            let (status, said) = kept.post("/api/v1/events/batch", &events).unwrap();
            assert_eq!(status, 201, "{said}");
            let last = said["data"][batch - 1]["seq"].as_i64().unwrap();
            self.newest.fetch_max(last, Ordering::AcqRel);
        }
    }

    /// Joins in one of the ways until nothing is written any more; each time everything after a
    /// number is heard, in order.
    fn join(&self, way: usize) {
        while !self.stop.load(Ordering::Acquire) {
            let since = (self.newest.load(Ordering::Acquire) - 150).max(0);
            let (mut socket, mut heard) = match way % 3 {
                0 => {
                    let mut socket = Socket::open_at(&self.admin, &format!("/ws?since={since}"));
                    assert_eq!(socket.next()["type"], "hello");
                    (socket, since)
                }
                1 => {
                    let mut socket = Socket::open_at(&self.admin, "/ws?v=2");
                    let hello = socket.next();
                    (socket, hello["payload"]["latest_seq"].as_i64().unwrap())
                }
                _ => {
                    let mut socket = Socket::open_at(&self.admin, "/ws?v=2");
                    let hello = socket.next();
                    let latest = hello["payload"]["latest_seq"].as_i64().unwrap();
                    // Refused, and live from the number it is told.
                    socket.say(&json!({ "type": "resume", "payload": { "since": 0, "max": 1 } }));
                    (socket, latest)
                }
            };
            let enough = self.newest.load(Ordering::Acquire) + 30;
            while heard < enough && !self.stop.load(Ordering::Acquire) {
                heard = self.next(&mut socket, heard, way);
            }
            self.joined.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Reads one message; answers the number of the newest event heard.
    fn next(&self, socket: &mut Socket, heard: i64, way: usize) -> i64 {
        let said: Value = socket.next();
        match said["type"].as_str().unwrap() {
            "resumed" => {
                assert_eq!(said["payload"]["seq"], heard, "way {way}");
                heard
            }
            "resync_required" => {
                let latest = said["payload"]["latest_seq"].as_i64().unwrap();
                assert!(latest >= heard, "way {way}: {said} after {heard}");
                latest
            }
            _ => {
                assert_eq!(said["seq"], heard + 1, "way {way}: {said}");
                heard + 1
            }
        }
    }
}

#[test]
fn whoever_joins_while_others_write_misses_nothing_and_hears_nothing_twice() {
    let server = Server::with(|setup: Setup| setup.env("WS_MAX_PER_USER", "1000"));
    let admin = server.admin();
    // A log to come back to.
    let before = json!({ "events": vec![json!({ "type": "load.step", "data": {} }); 100] });
    admin.post("/api/v1/events/batch", &before).expect(201);
    let newest = AtomicI64::new(admin.latest_seq());
    let (stop, joined) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut stays = Socket::open(&admin);
    assert!(stays.all_until_now().is_empty());
    let load = Arc::new(Load { server, admin, stop, newest, joined });
    let first = load.newest.load(Ordering::Acquire);
    let mut threads = Vec::new();
    for batch in [1, 3, 40].into_iter().cycle().take(WRITERS) {
        let load = load.clone();
        threads.push(thread::spawn(move || load.write(batch)));
    }
    for way in 0..JOINERS {
        let load = load.clone();
        threads.push(thread::spawn(move || load.join(way)));
    }
    let staying = thread::spawn(move || {
        let mut seqs = Vec::new();
        loop {
            let said = stays.next();
            if said["type"] == "load.end" {
                return seqs;
            }
            seqs.push(said["seq"].as_i64().unwrap());
        }
    });
    let until = Instant::now() + WRITING;
    while Instant::now() < until && threads.iter().all(|thread| !thread.is_finished()) {
        thread::sleep(Duration::from_millis(20));
    }
    load.stop.store(true, Ordering::Release);
    // Those who wait for one more event get it.
    let end = json!({ "type": "load.end", "data": {} });
    let mut failed = Vec::new();
    let writers: Vec<_> = threads.drain(..WRITERS).collect();
    failed.extend(writers.into_iter().filter_map(|thread| thread.join().err()));
    load.admin.post("/api/v1/events", &end).expect(201);
    failed.extend(threads.into_iter().filter_map(|thread| thread.join().err()));
    assert!(failed.is_empty(), "{} threads failed", failed.len());
    let last = load.newest.load(Ordering::Acquire);
    assert_eq!(staying.join().unwrap(), (first + 1..=last).collect::<Vec<_>>());
    let joined = load.joined.load(Ordering::Relaxed);
    assert!(joined > 50 && last > 500, "too little happened: {joined} joined, {last} events");
}
