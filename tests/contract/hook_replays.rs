//! Many deliveries sent again: counted first, then by a job that can be watched and stopped, and
//! that a restart does not lose.

#![allow(clippy::cognitive_complexity, reason = "many assertions on one answer are easy to read")]

use crate::{
    harness::{Play, Receiver, Server, Session, Setup},
    hook_retries::{counts, stats},
    hooks::{hook, say},
    wire::until,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const LONG_AGO: &str = "2020-01-01T00:00:00Z";

fn replay(admin: &Session, id: i64, body: Value) -> crate::harness::Response {
    admin.post(&format!("/api/v1/webhooks/{id}/replay"), &body)
}

fn count(admin: &Session, id: i64, mut body: Value) -> Value {
    body["dry_run"] = json!(true);
    let told = replay(admin, id, body).expect(200).data();
    assert_eq!(told["dry_run"], true);
    told["count"].clone()
}

#[track_caller]
fn ended(admin: &Session, made: &Value) -> Value {
    until("the replay has ended", || {
        let now = admin.get(&format!("/api/v1/replays/{}", made["id"])).expect(200).data();
        (now["state"] != "running").then_some(now)
    })
}

fn switch(admin: &Session, id: i64, what: &str) {
    admin.post(&format!("/api/v1/webhooks/{id}/{what}"), &json!({})).expect(200);
}

/// Says `n` events in batches.
fn say_many(admin: &Session, n: usize) {
    let event = json!({ "type": "load.many", "data": {} });
    for _ in 0..n.div_ceil(100) {
        let batch = vec![event.clone(); 100.min(n)];
        admin.post("/api/v1/events/batch", &json!({ "events": batch })).expect(201);
    }
}

#[test]
fn what_was_held_or_failed_is_counted_and_then_sent_once_each() {
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "1h"));
    let admin = server.admin();
    let receiver = Receiver::answering(|n| Play::Status(if n == 0 { 500 } else { 200 }));
    let id = hook(&admin, &receiver.url("/"), &json!({ "retry_count": 0 }));
    say(&admin, "load.fails");
    until("it failed", || (counts(&stats(&admin, id)) == [0, 0, 1, 0, 0, 1]).then_some(()));
    say(&admin, "load.works");
    receiver.wait_for(2);
    admin.post(&format!("/api/v1/webhooks/{id}/test"), &json!({})).expect(200);
    switch(&admin, id, "pause");
    let held: Vec<Value> = (0..3).map(|_| say(&admin, "load.held")["id"].clone()).collect();
    until("they are held", || (stats(&admin, id)["held"] == 3).then_some(()));
    assert_eq!(count(&admin, id, json!({ "since": LONG_AGO })), 4);
    for (with, expected) in [
        (json!({ "states": ["held"] }), 3),
        (json!({ "states": ["failed"] }), 1),
        (json!({ "states": ["delivered"] }), 1),
        (json!({ "states": ["expired", "cancelled"] }), 0),
        (json!({ "events": ["load.held"] }), 3),
        (json!({ "events": ["load.*"] }), 4),
        (json!({ "events": ["order.*"] }), 0),
        (json!({ "until": "2020-01-02T00:00:00Z" }), 0),
    ] {
        let mut body = with.clone();
        body["since"] = json!(LONG_AGO);
        assert_eq!(count(&admin, id, body), expected, "{with}");
    }
    replay(&admin, id, json!({ "since": LONG_AGO })).refused(409, "webhook_paused");
    assert_eq!(receiver.received().len(), 3, "counting sends nothing");
    switch(&admin, id, "resume");
    let made = replay(&admin, id, json!({ "since": LONG_AGO })).expect(201).data();
    assert_eq!(
        (&made["total"], &made["state"], &made["webhook_id"]),
        (&json!(4), &json!("running"), &json!(id))
    );
    let done = ended(&admin, &made);
    assert_eq!(
        (&done["state"], &done["queued"], &done["data_gone"]),
        (&json!("done"), &json!(4), &json!(0))
    );
    assert_eq!(done["progress"], 1.0);
    let received = receiver.wait_for(7);
    let ids: BTreeSet<_> = received[3..].iter().map(|r| r.header("webhook-id").unwrap()).collect();
    assert!(held.iter().all(|id| ids.contains(id.as_str().unwrap())) && ids.len() == 4);
    until("all are delivered", || (counts(&stats(&admin, id)) == [0, 6, 0, 0, 0, 6]).then_some(()));
    // What was delivered since is left alone.
    let made = replay(&admin, id, json!({ "since": LONG_AGO })).expect(201).data();
    assert_eq!(
        (made["total"].clone(), ended(&admin, &made)["queued"].clone()),
        (json!(0), json!(0))
    );
    assert_eq!(receiver.received().len(), 7);
}

#[test]
fn a_replay_that_makes_no_sense_is_refused_field_by_field() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    let id = hook(&admin, &receiver.url("/"), &json!({}));
    for (body, fields) in [
        (json!({}), &["since"][..]),
        (json!({ "since": "yesterday" }), &["since"]),
        (json!({ "since": "2026-01-01T00:00:00" }), &["since"]),
        (json!({ "since": LONG_AGO, "until": "2019-01-01T00:00:00Z" }), &["until"]),
        (json!({ "since": LONG_AGO, "states": [] }), &["states"]),
        (json!({ "since": LONG_AGO, "states": ["waiting"] }), &["states"]),
        (json!({ "since": LONG_AGO, "events": [] }), &["events"]),
        (json!({ "since": LONG_AGO, "events": ["*", "ticket.creatd"] }), &["events[1]"]),
        (json!({ "since": LONG_AGO, "dryrun": true }), &["dryrun"]),
    ] {
        replay(&admin, id, body).names(fields);
    }
    replay(&admin, 77, json!({ "since": LONG_AGO })).refused(404, "not_found");
    admin.get("/api/v1/replays/77").refused(404, "not_found");
    admin.delete("/api/v1/replays/77").refused(404, "not_found");
}

#[test]
fn a_long_replay_survives_a_crash_and_sends_nothing_twice_by_itself() {
    const MANY: usize = 7_000;
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    let id = hook(&admin, &receiver.url("/"), &json!({ "is_active": false }));
    say_many(&admin, MANY);
    switch(&admin, id, "resume");
    let made = replay(&admin, id, json!({ "since": LONG_AGO })).expect(201).data();
    assert_eq!(made["total"], MANY);
    replay(&admin, id, json!({ "since": LONG_AGO })).refused(409, "replay_running");
    // It does not run ahead of the endpoint: of 7,000 at most 5,500 wait.
    receiver.wait_for(100);
    let server = server.kill9().start();
    let admin = server.admin();
    let done = ended(&admin, &made);
    assert_eq!((&done["state"], &done["queued"]), (&json!("done"), &json!(MANY)));
    until("all are delivered", || {
        let numbers = counts(&stats(&admin, id));
        (numbers == [0, MANY as i64, 0, 0, 0, MANY as i64]).then_some(())
    });
    let received = receiver.received();
    let different: BTreeSet<_> = received.iter().map(|r| r.header("webhook-id")).collect();
    assert_eq!(different.len(), MANY);
    // What was under way or unsettled when it was killed may come again, and nothing else.
    assert!(received.len() < MANY + 4_096, "{} came", received.len());
    admin.delete(&format!("/api/v1/replays/{}", made["id"])).refused(409, "already_ended");
}

#[test]
fn a_replay_can_be_stopped_and_waits_while_the_webhook_is_paused() {
    let server = Server::start();
    let admin = server.admin();
    let hanging = Receiver::answering(|_| Play::Hang);
    let with = json!({ "is_active": false, "timeout": 30 });
    let id = hook(&admin, &hanging.url("/"), &with);
    say_many(&admin, 6_000);
    switch(&admin, id, "resume");
    let made = replay(&admin, id, json!({ "since": LONG_AGO })).expect(201).data();
    let path = format!("/api/v1/replays/{}", made["id"]);
    // The receiver takes nothing, so the job stops queueing before its end.
    let queued = |now: &Value| now["queued"].as_i64().unwrap();
    until("enough is queued", || (queued(&admin.get(&path).data()) >= 5_000).then_some(()));
    let now = admin.delete(&path).expect(200).data();
    assert_eq!(now["state"], "cancelled");
    assert!(queued(&now) < 6_000 && now["progress"].as_f64().unwrap() < 1.0, "{now}");
    let numbers = stats(&admin, id);
    assert_eq!(numbers["held"].as_i64().unwrap(), 6_000 - queued(&now));
    admin.delete(&path).refused(409, "already_ended");
    // Another one may begin now.
    replay(&admin, id, json!({ "since": LONG_AGO, "states": ["held"] })).expect(201);
}

#[test]
fn what_has_lost_its_data_is_counted_and_not_sent() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::answering(|_| Play::Status(500));
    let id = hook(&admin, &receiver.url("/"), &json!({ "retry_count": 0 }));
    let said = say(&admin, "load.step");
    until("it failed", || (counts(&stats(&admin, id)) == [0, 0, 1, 0, 0, 1]).then_some(()));
    let gone = |admin: &Session| {
        let path = format!("/api/v1/events/{}", said["seq"]);
        (admin.get(&path).status == 404).then_some(())
    };
    server.advance_ms(15 * 24 * 3_600_000);
    let admin = server.admin();
    // It is announced in one round, and goes in the next.
    until("its data is gone", || {
        server.advance_ms(61_000);
        gone(&admin)
    });
    let body = json!({ "since": LONG_AGO, "dry_run": true });
    let told = replay(&admin, id, body).expect(200).data();
    assert_eq!((&told["count"], &told["data_gone"]), (&json!(0), &json!(1)));
    let made = replay(&admin, id, json!({ "since": LONG_AGO })).expect(201).data();
    let done = ended(&admin, &made);
    assert_eq!((&done["queued"], &done["data_gone"]), (&json!(0), &json!(1)));
    let row = admin.get(&format!("/api/v1/webhooks/{id}/logs")).data()[0].clone();
    let shown = admin.get(&format!("/api/v1/deliveries/{}", row["delivery_id"])).data();
    assert_eq!((&shown["data_kept"], &shown["request"]), (&json!(false), &Value::Null));
    let retry = format!("/api/v1/deliveries/{}/retry", row["delivery_id"]);
    admin.post(&retry, &json!({})).refused(409, "data_gone");
    assert_eq!(receiver.received().len(), 1);
}
