//! `GET /events?after=…&wait=…`: waiting for the log by plain HTTP.

use crate::harness::{Api, Server, Session};
use serde_json::{Value, json};
use std::{
    thread::{self, JoinHandle},
    time::Instant,
};

fn publish(who: &Session, more: Value) -> i64 {
    let mut event = json!({ "type": "news.flash", "data": {} });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    who.post("/api/v1/events", &event).expect(201).data()["seq"].as_i64().unwrap()
}

/// Waits on a thread of its own; answers `seq`s and `next_after`.
fn wait(api: &Api, query: String) -> JoinHandle<(Vec<i64>, i64)> {
    let api = api.clone();
    thread::spawn(move || {
        // Somebody else may have the last place for a moment.
        let ask = || Some(api.get(&format!("/api/v1/events?{query}"))).filter(|a| a.status != 429);
        let answer = crate::wire::until("there is room", ask).expect(200).json();
        let seqs = answer["data"].as_array().unwrap().iter().map(|e| e["seq"].as_i64().unwrap());
        (seqs.collect(), answer["meta"]["next_after"].as_i64().unwrap())
    })
}

/// Ten of one user who wait: an eleventh finds no place.
fn ten_wait(who: &Session, after: i64) -> Vec<JoinHandle<(Vec<i64>, i64)>> {
    let waiting = (0..10).map(|_| wait(who, format!("after={after}&wait=60"))).collect();
    let full = crate::wire::until("ten wait", || {
        let answer = who.get(&format!("/api/v1/events?after={after}&wait=1"));
        (answer.status == 429).then_some(answer)
    });
    assert!(full.header("retry-after").is_some());
    waiting
}

#[test]
fn who_waits_is_answered_the_moment_something_is_for_them() {
    let server = Server::start();
    let admin = server.admin();
    let customer = admin.new_user("customer");
    let after = admin.latest_seq();
    let began = Instant::now();
    let staff = wait(&admin, format!("after={after}&wait=60&type=news.*"));
    let theirs = wait(&customer, format!("after={after}&wait=60"));
    let program =
        wait(&admin.new_token(&["events:read"]), format!("after={after}&wait=60&type=news.*"));
    let first = publish(&admin, json!({}));
    assert_eq!(staff.join().unwrap().0, [first]);
    assert_eq!(program.join().unwrap().0, [first]);
    assert!(!theirs.is_finished(), "it was not for them");
    let second = publish(&admin, json!({ "user_id": customer.id() }));
    assert_eq!(theirs.join().unwrap(), (vec![second], second));
    assert!(began.elapsed().as_secs() < 30, "nobody waited for the end of their time");
}

#[test]
fn nothing_in_time_is_an_empty_page_from_which_to_go_on() {
    let server = Server::start();
    let admin = server.admin();
    let customer = admin.new_user("customer");
    let after = admin.latest_seq();
    let waits = wait(&customer, format!("after={after}&wait=60"));
    let last = publish(&admin, json!({}));
    crate::wire::until("it is over", || {
        server.advance_ms(20_000);
        waits.is_finished().then_some(())
    });
    assert_eq!(waits.join().unwrap(), (vec![], last));
}

#[test]
fn a_wait_is_bounded_and_a_lost_place_is_told_at_once() {
    let server = Server::start();
    let admin = server.admin();
    for query in ["wait=61", "wait=-1", "wait=x", "after=-1&wait=1"] {
        admin.get(&format!("/api/v1/events?{query}")).expect(422);
    }
    let gone = admin.get("/api/v1/events?after=9999999&wait=60").expect(410).json();
    assert_eq!(gone["error"]["code"], "resync_required");
    let after = admin.latest_seq();
    let waiting = ten_wait(&admin, after);
    publish(&admin, json!({}));
    for one in waiting {
        assert_eq!(one.join().unwrap().0.len(), 1);
    }
    admin.get(&format!("/api/v1/events?after={after}&wait=1")).expect(200);
}

#[test]
fn who_waits_is_let_go_when_the_server_stops() {
    let server = Server::start();
    let admin = server.admin();
    let waiting = ten_wait(&admin, admin.latest_seq());
    server.terminate();
    assert_eq!(server.ended().1.code, Some(0));
    for one in waiting {
        assert!(one.join().is_ok_and(|(seqs, _)| seqs.is_empty()));
    }
}
