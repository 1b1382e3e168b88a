//! What becomes of a delivery: tried again, held, cancelled, failed, and always in plain sight.

#![allow(clippy::cognitive_complexity, reason = "many assertions on one answer are easy to read")]

use crate::{
    harness::{Play, Receiver, Server, Session, Setup},
    hooks::{hook, say},
    wire::until,
};
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
};

pub(crate) fn stats(admin: &Session, id: i64) -> Value {
    admin.get(&format!("/api/v1/webhooks/{id}/stats")).expect(200).data()
}

pub(crate) fn logs(admin: &Session, id: i64) -> Vec<Value> {
    let rows = admin.get(&format!("/api/v1/webhooks/{id}/logs")).expect(200).data();
    rows.as_array().expect("a list").clone()
}

/// Waits until the log has that many attempts; answers them, the newest first.
#[track_caller]
pub(crate) fn wait_for_logs(admin: &Session, id: i64, n: usize) -> Vec<Value> {
    until(&format!("{n} attempts"), || Some(logs(admin, id)).filter(|rows| rows.len() >= n))
}

pub(crate) fn counts(stats: &Value) -> [i64; 6] {
    ["waiting", "delivered", "failed", "held", "cancelled", "total"]
        .map(|state| stats[state].as_i64().expect("a number"))
}

/// Waits until everything that is due has been attempted: another webhook's delivery, said after
/// it, has arrived.
pub(crate) fn settle(admin: &Session, probe: &Receiver) {
    let before = probe.received().len();
    say(admin, "probe.now");
    probe.wait_for(before + 1);
}

#[test]
fn a_failed_delivery_is_tried_again_under_the_same_id_until_it_is_taken() {
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "50ms,100ms"));
    let admin = server.admin();
    let receiver = Receiver::answering(|n| match n {
        0 => Play::HangUp,
        1 => Play::Status(500),
        2 => Play::Status(404),
        _ => Play::Status(204),
    });
    let id = hook(&admin, &receiver.url("/"), &json!({}));
    let said = say(&admin, "load.step");
    let received = receiver.wait_for(4);
    let header =
        |name: &str| -> Vec<_> { received.iter().map(|r| r.header(name).unwrap()).collect() };
    assert_eq!(header("webhook-id"), [said["id"].as_str().unwrap(); 4]);
    assert_eq!(header("x-webhook-attempt"), ["1", "2", "3", "4"]);
    let delivery = header("x-webhook-delivery")[0];
    assert_eq!(header("x-webhook-delivery"), [delivery; 4]);
    assert!(received.iter().all(|r| r.body == received[0].body), "the same bytes each time");
    let rows = wait_for_logs(&admin, id, 4);
    let column = |name: &str| -> Vec<Value> { rows.iter().map(|row| row[name].clone()).collect() };
    assert_eq!(json!(column("state")), json!(["delivered", "waiting", "waiting", "waiting"]));
    assert_eq!(json!(column("http_status")), json!([204, 404, 500, null]));
    assert_eq!(json!(column("attempt")), json!([4, 3, 2, 1]));
    assert_eq!(json!(column("retries")), json!([3, 2, 1, 0]));
    for row in &rows {
        assert_eq!((&row["event"], &row["event_id"]), (&json!("load.step"), &said["id"]));
        assert_eq!(
            (&row["seq"], &row["delivery_id"].to_string()),
            (&said["seq"], &delivery.to_owned())
        );
        assert!(row["response_time_ms"].is_i64() && row["created_at"].is_string(), "{row}");
        assert_eq!(row["next_attempt_at"].is_string(), row["state"] == "waiting", "{row}");
        assert_eq!(row["error"].is_string(), row["state"] == "waiting", "{row}");
    }
    let numbers = stats(&admin, id);
    assert_eq!(counts(&numbers), [0, 1, 0, 0, 0, 1]);
    assert_eq!((&numbers["success_rate"], &numbers["last_status"]), (&json!(1.0), &json!(204)));
    let hours = numbers["hours"].as_array().unwrap();
    assert_eq!(hours.len(), 24, "quiet ones too");
    let all: i64 = hours.iter().map(|hour| hour["attempts"].as_i64().unwrap()).sum();
    assert_eq!(all, 4);
    let timed = |hour: &Value| hour["p95_response_time_ms"].is_i64();
    assert_eq!(hours.iter().filter(|hour| timed(hour)).count(), 1);
    assert!(numbers["last_delivery_at"].is_string() && numbers["p95_response_time_ms"].is_i64());
}

#[test]
fn the_default_schedule_waits_5_seconds_5_minutes_half_an_hour_give_or_take_a_fifth() {
    let server = Server::start();
    let admin = server.admin();
    let (receiver, probe) = (Receiver::answering(|_| Play::Status(500)), Receiver::start());
    hook(&admin, &probe.url("/"), &json!({ "events": ["probe.*"] }));
    let id = hook(&admin, &receiver.url("/"), &json!({ "retry_count": 3 }));
    say(&admin, "load.step");
    for (attempts, wait_s) in [(1, 5), (2, 300), (3, 1_800)] {
        receiver.wait_for(attempts);
        let row = wait_for_logs(&admin, id, attempts)[0].clone();
        let ms = |field: &str| {
            let text = row[field].as_str().expect("a time");
            deskbell::time::parse_rfc3339(text).expect("RFC 3339")
        };
        let wait_ms = ms("next_attempt_at") - ms("created_at");
        // What the attempt itself took comes on top.
        let around = 800 * wait_s..1_200 * wait_s + 500;
        assert!(around.contains(&wait_ms), "{wait_ms} ms after {attempts}");
        server.advance_ms(800 * wait_s - 500);
        settle(&admin, &probe);
        assert_eq!(receiver.received().len(), attempts, "too early");
        server.advance_ms(400 * wait_s + 1_000);
    }
    receiver.wait_for(4);
    let rows = wait_for_logs(&admin, id, 4);
    assert_eq!((&rows[0]["state"], &rows[0]["next_attempt_at"]), (&json!("failed"), &Value::Null));
    server.advance_ms(40 * 3_600_000);
    let admin = server.admin();
    settle(&admin, &probe);
    assert_eq!(receiver.received().len(), 4, "three retries were asked for");
    let numbers = stats(&admin, id);
    assert_eq!(counts(&numbers), [0, 0, 1, 0, 0, 1]);
    assert_eq!(numbers["success_rate"], 0.0);
    let shown = admin.get(&format!("/api/v1/webhooks/{id}")).data();
    assert_eq!((&shown["failure_streak"], &shown["last_status"]), (&json!(4), &json!(500)));
}

#[test]
fn a_delivery_waits_through_a_restart_and_keeps_its_count() {
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "1h"));
    let admin = server.admin();
    let receiver = Receiver::answering(|n| Play::Status(if n == 0 { 503 } else { 200 }));
    let id = hook(&admin, &receiver.url("/"), &json!({ "retry_count": 1 }));
    say(&admin, "load.step");
    wait_for_logs(&admin, id, 1);
    let server = server.kill9().start();
    let admin = server.admin();
    assert_eq!(counts(&stats(&admin, id)), [1, 0, 0, 0, 0, 1]);
    server.advance_ms(75 * 60_000);
    let received = receiver.wait_for(2);
    assert_eq!(received[1].header("x-webhook-attempt"), Some("2"));
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    until("it is settled", || (counts(&stats(&admin, id)) == [0, 1, 0, 0, 0, 1]).then_some(()));
}

#[test]
fn no_retries_means_one_attempt() {
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "10ms"));
    let admin = server.admin();
    let receiver = Receiver::answering(|_| Play::Status(500));
    let id = hook(&admin, &receiver.url("/"), &json!({ "retry_count": 0 }));
    say(&admin, "load.step");
    let rows = wait_for_logs(&admin, id, 1);
    assert_eq!(rows[0]["state"], "failed");
    server.advance_ms(3_600_000);
    let probe = Receiver::start();
    hook(&admin, &probe.url("/"), &json!({ "events": ["probe.*"] }));
    settle(&admin, &probe);
    assert_eq!(receiver.received().len(), 1);
}

#[test]
fn what_a_switched_off_webhook_would_have_had_is_held() {
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "1h"));
    let admin = server.admin();
    let receiver = Receiver::answering(|n| Play::Status(if n == 0 { 500 } else { 200 }));
    let probe = Receiver::start();
    hook(&admin, &probe.url("/"), &json!({ "events": ["probe.*"] }));
    let id = hook(&admin, &receiver.url("/"), &json!({}));
    say(&admin, "load.waits");
    wait_for_logs(&admin, id, 1);
    let path = format!("/api/v1/webhooks/{id}");
    admin.patch(&path, &json!({ "is_active": false })).expect(200);
    say(&admin, "load.later");
    until("both are held", || (counts(&stats(&admin, id)) == [0, 0, 0, 2, 0, 2]).then_some(()));
    server.advance_ms(3 * 3_600_000);
    settle(&admin, &probe);
    assert_eq!(receiver.received().len(), 1);
    // Switched on again it hears what is new; what was held stays until somebody says what with it.
    admin.patch(&path, &json!({ "is_active": true })).expect(200);
    let said = say(&admin, "load.new");
    let received = receiver.wait_for(2);
    assert_eq!(received[1].header("webhook-id"), said["id"].as_str());
    until("it is settled", || (counts(&stats(&admin, id)) == [0, 1, 0, 2, 0, 3]).then_some(()));
}

#[test]
fn a_changed_url_takes_what_waits_to_the_new_place_and_a_deleted_webhook_gets_nothing_more() {
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "1h"));
    let admin = server.admin();
    let (old, new, probe) =
        (Receiver::answering(|_| Play::Status(500)), Receiver::start(), Receiver::start());
    hook(&admin, &probe.url("/"), &json!({ "events": ["probe.*"] }));
    let moved = hook(&admin, &old.url("/moved"), &json!({}));
    let deleted = hook(&admin, &old.url("/deleted"), &json!({}));
    let said = say(&admin, "load.step");
    wait_for_logs(&admin, moved, 1);
    wait_for_logs(&admin, deleted, 1);
    admin.put(&format!("/api/v1/webhooks/{moved}"), &json!({ "url": new.url("/") })).expect(200);
    admin.delete(&format!("/api/v1/webhooks/{deleted}")).expect(200);
    admin.get(&format!("/api/v1/webhooks/{deleted}/logs")).refused(404, "not_found");
    server.advance_ms(3 * 3_600_000);
    let received = new.wait_for(1);
    assert_eq!(received[0].header("webhook-id"), said["id"].as_str());
    settle(&admin, &probe);
    assert_eq!(old.received().len(), 2);
    // Nothing is left that waits, so what was owed to the deleted one has ended.
    until("the queue is empty", || {
        let metrics = server.api().get("/metrics").text();
        metrics.lines().any(|line| line == "deskbell_webhook_queue_depth 0").then_some(())
    });
}

#[test]
fn a_redirect_is_a_failure_and_is_not_followed() {
    let server = Server::start();
    let admin = server.admin();
    let elsewhere = Receiver::start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let location = elsewhere.url("/trap");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _some = stream.read(&mut [0; 4_096]);
            let answer = format!(
                "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\
                 Connection: close\r\n\r\n"
            );
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    let id = hook(&admin, &url, &json!({ "retry_count": 0 }));
    say(&admin, "load.step");
    let row = &wait_for_logs(&admin, id, 1)[0];
    assert_eq!((&row["state"], &row["http_status"]), (&json!("failed"), &json!(302)));
    assert!(row["error"].as_str().unwrap().contains("redirect"), "{row}");
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn a_receiver_that_never_answers_fails_after_its_time_and_stops_nobody_else() {
    let server = Server::start();
    let admin = server.admin();
    let (hanging, healthy) = (Receiver::answering(|_| Play::Hang), Receiver::start());
    let ids: Vec<i64> = (0..4)
        .map(|n| {
            hook(&admin, &hanging.url(&format!("/{n}")), &json!({ "timeout": 2, "retry_count": 0 }))
        })
        .collect();
    hook(&admin, &healthy.url("/"), &json!({}));
    for _ in 0..6 {
        say(&admin, "load.step");
    }
    // Everything for the healthy one comes while the others hang, each with one in flight and no
    // more, and then they rest.
    let began = std::time::Instant::now();
    healthy.wait_for(6);
    assert!(began.elapsed().as_millis() < 1_500, "{:?}", began.elapsed());
    let rows: Vec<_> = ids.iter().map(|id| wait_for_logs(&admin, *id, 1)).collect();
    let hung = hanging.received();
    assert_eq!(hung.len(), 4, "one in flight to each of four");
    for n in 0..4 {
        let path = format!("/{n}");
        assert_eq!(hung.iter().filter(|r| r.path == path).count(), 1, "{path}");
    }
    let row = rows[0][0].clone();
    assert_eq!((&row["state"], &row["http_status"]), (&json!("failed"), &Value::Null));
    assert!(row["error"].as_str().unwrap().contains("timed out"), "{row}");
    let took_ms = row["response_time_ms"].as_i64().unwrap();
    assert!((2_000..3_000).contains(&took_ms), "{took_ms}");
}

#[test]
fn the_test_button_makes_one_attempt_whatever_the_state_of_the_webhook_and_tells_what_came_of_it() {
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "10ms"));
    let admin = server.admin();
    let receiver = Receiver::answering(|n| Play::Status(if n == 0 { 202 } else { 500 }));
    let (all, mut socket) = (Receiver::start(), crate::harness::Socket::open(&admin));
    assert!(socket.all_until_now().is_empty());
    hook(&admin, &all.url("/"), &json!({ "events": ["*"] }));
    let id = hook(&admin, &receiver.url("/"), &json!({ "is_active": false }));
    let test = || admin.post(&format!("/api/v1/webhooks/{id}/test"), &json!({})).expect(200).data();
    let good = test();
    assert_eq!(
        (&good["success"], &good["http_status"], &good["error"]),
        (&json!(true), &json!(202), &Value::Null)
    );
    let received = &receiver.wait_for(1)[0];
    assert_eq!(received.json()["event"], "webhook.test");
    assert_eq!(received.json()["data"]["webhook_id"], id);
    assert_eq!(
        received.header("x-webhook-delivery"),
        Some(good["delivery_id"].to_string().as_str())
    );
    let bad = test();
    assert_eq!((&bad["success"], &bad["http_status"]), (&json!(false), &json!(500)));
    assert!(bad["error"].as_str().is_some_and(|why| why.contains("500")), "{bad}");
    let rows = logs(&admin, id);
    assert_eq!(
        (rows.len(), &rows[0]["state"], &rows[1]["state"]),
        (2, &json!("failed"), &json!("delivered"))
    );
    assert_eq!(counts(&stats(&admin, id)), [0, 1, 1, 0, 0, 2]);
    assert_eq!(stats(&admin, id)["success_rate"], 0.5);
    let shown = admin.get(&format!("/api/v1/webhooks/{id}")).data();
    assert_eq!((&shown["failure_streak"], &shown["is_active"]), (&json!(0), &json!(false)));
    // It is nobody else's business: not of sockets, not of other webhooks, not of retries.
    server.advance_ms(3_600_000);
    say(&admin, "load.end");
    all.wait_for(1);
    assert_eq!(all.received()[0].header("x-webhook-event"), Some("load.end"));
    assert_eq!(receiver.received().len(), 2);
    assert_eq!(socket.next()["type"], "load.end");
    admin.post("/api/v1/webhooks/77/test", &json!({})).refused(404, "not_found");
}

#[test]
fn a_test_of_a_receiver_that_hangs_is_answered_within_its_time_and_a_second() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::answering(|_| Play::Hang);
    let id = hook(&admin, &receiver.url("/"), &json!({ "timeout": 1 }));
    let began = std::time::Instant::now();
    let told = admin.post(&format!("/api/v1/webhooks/{id}/test"), &json!({})).expect(200).data();
    assert!((1_000..2_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    assert!(told["error"].as_str().unwrap().contains("timed out"), "{told}");
}
