//! When and in which order the engine delivers: the whole schedule, rates, order, bounds, crashes.

use crate::{
    harness::{ADMIN_EMAIL, PASSWORD, Play, Receiver, Server, Session, Setup, Socket},
    hook_retries::{counts, stats, wait_for_logs},
    hooks::{hook, say},
    wire::until,
};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

/// Says a custom event about an entity; answers its id.
fn say_of(admin: &Session, entity: &str, step: usize) -> String {
    let event = json!({ "type": "load.step", "data": { "id": entity, "step": step } });
    let said = admin.post("/api/v1/events", &event).expect(201).data();
    said["id"].as_str().unwrap().to_owned()
}

#[test]
fn the_whole_schedule_of_a_day_and_more_is_kept_over_restarts_and_jumps_of_the_clock() {
    let mut server = Server::start();
    let receiver = Receiver::answering(|n| Play::Status(if n < 7 { 500 } else { 200 }));
    let id = hook(&server.admin(), &receiver.url("/"), &json!({ "retry_count": 7 }));
    let said = say(&server.admin(), "load.step");
    let mut ahead_ms = 0;
    for (n, wait_s) in [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].into_iter().enumerate() {
        receiver.wait_for(n + 1);
        let admin = server.admin();
        let row = wait_for_logs(&admin, id, n + 1)[0].clone();
        let ms = |field: &str| deskbell::time::parse_rfc3339(row[field].as_str().unwrap()).unwrap();
        let wait_ms = ms("next_attempt_at") - ms("created_at");
        assert!((800 * wait_s..1_200 * wait_s + 2_000).contains(&wait_ms), "{n}: {wait_ms}");
        // At one jump as late as it may come, or with the breaker open longer than that.
        let jump_ms = 1_200 * wait_s + 602_000;
        if n % 2 == 1 {
            server = server.restart();
            server.advance_ms(ahead_ms);
        }
        ahead_ms += jump_ms;
        server.advance_ms(jump_ms);
    }
    let received = receiver.wait_for(8);
    assert!(ahead_ms > 27 * 3_600_000);
    for (n, attempt) in received.iter().enumerate() {
        assert_eq!(attempt.header("webhook-id"), said["id"].as_str());
        assert_eq!(attempt.header("x-webhook-attempt"), Some((n + 1).to_string().as_str()));
    }
    let admin = server.admin();
    until("it is delivered", || (counts(&stats(&admin, id)) == [0, 1, 0, 0, 0, 1]).then_some(()));
}

#[test]
fn a_rate_limit_delays_and_costs_no_attempt() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    let id = hook(&admin, &receiver.url("/"), &json!({ "rate_limit": 10 }));
    for _ in 0..16 {
        say(&admin, "load.step");
    }
    let received = receiver.wait_for(16);
    let took = received[15].at - received[0].at;
    assert!(took > Duration::from_millis(1_400), "16 at ten a second took {took:?}");
    assert!(received.iter().all(|r| r.header("x-webhook-attempt") == Some("1")));
    until("all are settled", || (counts(&stats(&admin, id))[1] == 16).then_some(()));
}

#[test]
fn in_order_by_key_one_entity_waits_for_its_own_and_for_no_other() {
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "100ms"));
    let admin = server.admin();
    // The first of `a` fails twice; everything else is taken at once.
    let receiver = Receiver::answering(|n| match n {
        0 | 1 => Play::Status(500),
        _ => Play::Status(200),
    });
    let with = json!({ "ordering": "by_key", "retry_count": 9 });
    let id = hook(&admin, &receiver.url("/"), &with);
    let mut said: HashMap<&str, Vec<String>> = HashMap::new();
    said.entry("a").or_default().push(say_of(&admin, "a", 0));
    wait_for_logs(&admin, id, 1);
    for step in 1..30 {
        for entity in ["a", "b", "c"] {
            said.entry(entity).or_default().push(say_of(&admin, entity, step));
        }
    }
    let received = receiver.wait_for(90);
    until("all are delivered", || (counts(&stats(&admin, id))[1] == 88).then_some(()));
    let received = if received.len() > 90 { received } else { receiver.received() };
    assert_eq!(received.len(), 90);
    for (entity, ids) in &said {
        let of_it = received.iter().filter(|r| r.json()["data"]["id"] == **entity);
        let mut order: Vec<_> = of_it.map(|r| r.header("webhook-id").unwrap().to_owned()).collect();
        order.dedup();
        assert_eq!(&order, ids, "{entity}");
    }
    // The others did not wait for `a`.
    let first = |entity: &str| received.iter().position(|r| r.json()["data"]["id"] == entity);
    let second_a = received.iter().position(|r| r.json()["data"] == json!({"id": "a", "step": 1}));
    assert!(first("b") < second_a && first("c") < second_a);
}

#[test]
fn what_is_a_week_old_expires_and_people_are_told_once() {
    let server = Server::start();
    let admin = server.admin();
    let mut socket = Socket::open(&admin);
    let receiver = Receiver::start();
    let off = json!({ "is_active": false });
    let id = hook(&admin, &receiver.url("/"), &off);
    for _ in 0..3 {
        say(&admin, "load.step");
        socket.next();
    }
    server.advance_ms(6 * 24 * 3_600_000);
    say(&server.admin(), "load.young");
    server.advance_ms(25 * 3_600_000);
    let admin = server.admin();
    let expired = || (stats(&admin, id)["expired"] == 3).then_some(());
    until("the old ones expire", expired);
    assert_eq!(counts(&stats(&admin, id)), [0, 0, 0, 1, 0, 4]);
    let told = admin.get("/api/v1/notifications").data();
    let messages: Vec<_> = told.as_array().unwrap().iter().map(|n| n["message"].clone()).collect();
    assert_eq!(messages, ["Webhook 'a hook' is too far behind: 3 deliveries expired"]);
}

#[test]
fn metrics_say_how_the_webhooks_fare() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::answering(|_| Play::Status(503));
    let id = hook(&admin, &receiver.url("/"), &json!({}));
    for _ in 0..6 {
        say(&admin, "load.step");
    }
    let wanted = [
        "deskbell_webhook_attempts{class=\"5xx\"} 5",
        "deskbell_webhook_attempts{class=\"2xx\"} 0",
        "deskbell_webhook_attempts_failed 5",
        "deskbell_webhook_breakers{state=\"open\"} 1",
        "deskbell_webhook_breakers{state=\"half_open\"} 0",
        "deskbell_webhook_queue_depth 6",
        "deskbell_webhook_in_flight 0",
        "deskbell_webhook_workers 10",
    ];
    until("the breaker is open", || {
        let text = server.api().get("/metrics").text();
        wanted.iter().all(|line| text.lines().any(|found| found == *line)).then_some(())
    });
    assert_eq!(stats(&admin, id)["breaker"], "open");
}

/// The receiver fails every other time and the server dies twenty times, in the middle of it all.
#[test]
fn two_thousand_events_are_delivered_or_seen_to_have_failed_whatever_dies() {
    const EVENTS: usize = 2_000;
    let receiver = Receiver::answering(|n| Play::Status(if n % 2 == 0 { 500 } else { 200 }));
    let mut server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "20ms"));
    let mut admin = server.admin();
    let id = hook(&admin, &receiver.url("/"), &json!({ "retry_count": 2 }));
    let mut said = HashSet::new();
    for crash in 0..20 {
        let batch: Vec<_> = (0..EVENTS / 20)
            .map(|n| json!({ "type": "load.step", "data": { "crash": crash, "n": n } }))
            .collect();
        let answer = admin.post("/api/v1/events/batch", &json!({ "events": batch })).expect(201);
        let events = answer.data();
        let events = events.as_array().expect("a list");
        said.extend(events.iter().map(|e| e["id"].as_str().expect("an id").to_owned()));
        // Some of them are under way, others not.
        receiver.wait_for(receiver.received().len() + 10);
        server = server.kill9().start();
        admin = Session::login(&server.api(), ADMIN_EMAIL, PASSWORD);
    }
    assert_eq!(said.len(), EVENTS);
    // A slow disk may take its time, as long as it goes on.
    let (mut waiting, mut numbers) = (i64::MAX, Value::Null);
    while waiting > 0 {
        numbers = until(&format!("fewer than {waiting} wait"), || {
            // Five failures in a row may come together, and the breaker then rests for a while.
            server.advance_ms(1_000);
            let fewer = |numbers: &Value| numbers["waiting"].as_i64().unwrap() < waiting;
            Some(stats(&admin, id)).filter(fewer)
        });
        waiting = numbers["waiting"].as_i64().unwrap();
    }
    let count = |state: &str| usize::try_from(numbers[state].as_i64().unwrap()).unwrap();
    assert_eq!(count("delivered") + count("failed"), EVENTS, "{numbers}");
    let mut by_delivery: HashMap<String, HashSet<String>> = HashMap::new();
    for attempt in receiver.received() {
        let header = |name: &str| attempt.header(name).unwrap().to_owned();
        by_delivery.entry(header("x-webhook-delivery")).or_default().insert(header("webhook-id"));
    }
    assert!(by_delivery.values().all(|ids| ids.len() == 1), "one id for all attempts");
    let came: HashSet<_> = by_delivery.into_values().flatten().collect();
    assert_eq!(came, said, "each was sent at least once");
    // What failed for good stands in the log.
    let path = format!("/api/v1/webhooks/{id}/logs?state=failed&limit=200");
    let failed = admin.get(&path).expect(200).data();
    assert_eq!(failed.as_array().map(Vec::len), Some(count("failed").min(200)));
    assert!(failed.as_array().unwrap().iter().all(|row| row["attempt"] != Value::Null));
}
