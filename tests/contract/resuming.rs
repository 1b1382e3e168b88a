//! Resuming while the log grows: nothing missed, nothing twice, all in order, however slowly it is
//! read, and whoever else is resuming.

use crate::{
    doors::{Place, Told, Way},
    harness::{Line, Server, Session, Socket},
    wire::{TEXT, Wire},
};
use serde_json::{Value, json};
use std::thread;

/// Says so many events with so much text each; answers the last number.
fn say_many(who: &Session, count: usize, text: &str) -> i64 {
    let event = json!({ "type": "load.step", "data": { "text": text } });
    let mut last = 0;
    for batch in vec![event; count].chunks(100) {
        let said = who.post("/api/v1/events/batch", &json!({ "events": batch })).expect(201).data();
        last = said[batch.len() - 1]["seq"].as_i64().expect("a seq");
    }
    last
}

/// Somebody who reads only when told, and has asked for all after `since`.
struct Slow {
    wire: Wire,
    seqs: Vec<i64>,
    resumed: Option<Value>,
}

impl Slow {
    fn resume(who: &Session, since: i64) -> Self {
        let mut wire = Wire::open_narrow(who);
        let ask = json!({ "type": "resume", "payload": { "since": since } }).to_string();
        assert!(wire.send_frame(TEXT, ask.as_bytes()));
        Self { wire, seqs: Vec::new(), resumed: None }
    }

    fn read_one(&mut self) {
        let said = self.wire.expect_json();
        match said["type"].as_str() {
            Some("load.step") => self.seqs.push(said["seq"].as_i64().expect("a seq")),
            Some("resumed") => self.resumed = Some(said["payload"].clone()),
            _ => panic!("{said}"),
        }
    }
}

/// More is written meanwhile than is ever held for anybody: what overflows is read from the log.
#[test]
fn a_slow_resume_over_a_growing_log_is_exact_though_what_is_held_for_it_overflows() {
    let server = Server::start();
    let admin = server.admin();
    let since = admin.latest_seq();
    let text = "x".repeat(300);
    say_many(&admin, 5_000, &text);
    let mut slow = Slow::resume(&admin, since);
    let mut last = 0;
    for _ in 0..20 {
        for _ in 0..5 {
            slow.read_one();
        }
        last = say_many(&admin, 100, &text);
    }
    assert!(slow.resumed.is_none(), "it was faster than it should be");
    while slow.seqs.last() != Some(&last) || slow.resumed.is_none() {
        slow.read_one();
    }
    assert_eq!(slow.seqs, (since + 1..=last).collect::<Vec<_>>());
    let after = say_many(&admin, 1, &text);
    slow.read_one();
    assert_eq!(slow.seqs.last(), Some(&after), "and then it is live");
}

/// A mailbox has room for ten of these at a time.
#[test]
fn a_slow_resume_of_large_events_is_exact() {
    let server = Server::start();
    let admin = server.admin();
    let since = admin.latest_seq();
    let event = json!({ "type": "load.step", "data": { "text": "x".repeat(100_000) } });
    for _ in 0..40 {
        admin.post("/api/v1/events", &event).expect(201);
    }
    let last = admin.latest_seq();
    let mut slow = Slow::resume(&admin, since);
    while slow.resumed.is_none() {
        slow.read_one();
    }
    assert_eq!(slow.seqs, (since + 1..=last).collect::<Vec<_>>());
    assert_eq!(slow.resumed, Some(json!({ "replayed": 40, "seq": last })));
}

/// At every door at once, while somebody writes.
#[test]
fn all_doors_resume_over_a_growing_log_and_only_who_asked_for_a_bound_meets_one() {
    let server = Server::start();
    let admin = server.admin();
    let auth = json!({ "token": admin.token(), "recover": true });
    let pid = Line::come_in(&admin, &auth).1["pid"].as_str().expect("a pid").to_owned();
    let meta = admin.get("/api/v1/events?limit=1").meta();
    let (since, epoch) = (meta["latest_seq"].as_i64().unwrap(), meta["epoch"].clone());
    say_many(&admin, 5_000, "x");
    let writer = {
        let admin = admin.clone();
        thread::spawn(move || say_many(&admin, 2_000, "y"))
    };
    let ways = [Way::Socket, Way::Since, Way::Recover, Way::Stream];
    let comings: Vec<_> = ways
        .into_iter()
        .map(|way| {
            let (admin, pid, epoch) = (admin.clone(), pid.clone(), epoch.clone());
            thread::spawn(move || {
                let at =
                    Place { since: &since.to_string(), epoch: epoch.as_str().unwrap(), pid: &pid };
                (way, way.come_back(&admin, at))
            })
        })
        .collect();
    let last = writer.join().expect("a writer");
    for coming in comings {
        let (way, mut back) = coming.join().expect("somebody who comes back");
        let Told::All(mut seqs) = back.told.clone() else { panic!("{way:?}: {:?}", back.told) };
        while seqs.last() != Some(&last) {
            seqs.push(back.next());
        }
        assert!(seqs.iter().copied().eq(since + 1..=last), "{way:?}");
    }
    let mut bounded = Socket::open_at(&admin, &format!("/ws?since={since}&max=6999"));
    assert_eq!(bounded.next()["type"], "hello");
    assert_eq!(bounded.next()["payload"]["reason"], "too_many");
    let mut enough = Socket::open_at(&admin, &format!("/ws?since={since}&max=7000"));
    assert_eq!(enough.expect_frame("resumed")["payload"]["replayed"], 7_000);
}

/// Thirty-two may read the log at a time. Whoever does not take what was read for them holds up
/// nobody.
#[test]
fn forty_who_stop_reading_in_the_middle_of_a_replay_keep_nobody_from_theirs() {
    let server = Server::with(|setup| setup.env("WS_MAX_PER_USER", "100"));
    let admin = server.admin();
    let since = admin.latest_seq();
    let last = say_many(&admin, 1_200, &"x".repeat(1_000));
    let mut stopped: Vec<Slow> = (0..40)
        .map(|_| {
            let mut slow = Slow::resume(&admin, since);
            // Under way, and then no more.
            slow.read_one();
            slow
        })
        .collect();
    let mut reads = Socket::open_at(&admin, &format!("/ws?since={since}"));
    assert_eq!(reads.expect_frame("resumed")["payload"], json!({ "replayed": 1_200, "seq": last }));
    for slow in &mut stopped {
        while slow.resumed.is_none() {
            slow.read_one();
        }
        assert!(slow.seqs.iter().copied().eq(since + 1..=last));
    }
}
