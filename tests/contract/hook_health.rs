//! How a webhook fares: breaker, rest, the long way to being switched off, and who is told.

use crate::{
    harness::{Play, Receiver, Server, Session, Setup, Socket},
    hook_retries::{counts, settle, stats, wait_for_logs},
    hooks::{hook, say},
    wire::until,
};
use serde_json::{Value, json};

const HOUR_MS: i64 = 3_600_000;

fn shown(admin: &Session, id: i64) -> Value {
    admin.get(&format!("/api/v1/webhooks/{id}")).expect(200).data()
}

/// Waits until the webhook is shown so.
#[track_caller]
fn wait_for(admin: &Session, id: i64, field: &str, value: Value) -> Value {
    until(&format!("{field} {value}"), || {
        Some(shown(admin, id)).filter(|webhook| webhook[field] == value)
    })
}

fn ms(at: &Value) -> i64 {
    deskbell::time::parse_rfc3339(at.as_str().expect("a time")).expect("RFC 3339")
}

/// What somebody was told of webhooks, the newest first.
fn told(who: &Session) -> Vec<(String, String)> {
    let all = who.get("/api/v1/notifications").expect(200).data();
    let text = |row: &Value, field: &str| row[field].as_str().expect("a word").to_owned();
    let rows = all.as_array().expect("a list").iter();
    rows.map(|row| (text(row, "type"), text(row, "message"))).collect()
}

/// One that hears of the others, so that a test knows when all that is due has been tried.
fn probe(admin: &Session) -> Receiver {
    let probe = Receiver::start();
    hook(admin, &probe.url("/"), &json!({ "events": ["probe.*"] }));
    probe
}

#[test]
fn five_failures_open_the_breaker_and_one_attempt_decides_whether_it_closes() {
    let server = Server::start();
    let admin = server.admin();
    let probe = probe(&admin);
    let receiver = Receiver::answering(|n| Play::Status(if n < 6 { 500 } else { 200 }));
    let id = hook(&admin, &receiver.url("/"), &json!({ "retry_count": 9 }));
    for _ in 0..8 {
        say(&admin, "load.step");
    }
    let open = wait_for(&admin, id, "breaker", json!("open"));
    assert_eq!((&open["failure_streak"], &open["health"]), (&json!(5), &json!("failing")));
    assert_eq!(open["next_attempt_at"], open["breaker_until"]);
    settle(&admin, &probe);
    assert_eq!(receiver.received().len(), 5, "nothing is sent while it is open");
    // Three were never tried; all keep their count.
    assert_eq!(counts(&stats(&admin, id))[0], 8);
    server.advance_ms(30_000);
    wait_for(&admin, id, "failure_streak", json!(6));
    let open = wait_for(&admin, id, "breaker", json!("open"));
    let (open_until, last) = (ms(&open["breaker_until"]), ms(&open["last_attempt_at"]));
    assert!((60_000..65_000).contains(&(open_until - last)), "it doubles: {open}");
    assert_eq!(receiver.received().len(), 6);
    // It is remembered through a restart.
    let server = server.restart();
    let admin = server.admin();
    settle(&admin, &probe);
    assert_eq!(receiver.received().len(), 6);
    // The new process begins at the real time again.
    server.advance_ms(100_000);
    let closed = wait_for(&admin, id, "health", json!("good"));
    assert_eq!((&closed["breaker"], &closed["breaker_until"]), (&json!("closed"), &Value::Null));
    server.advance_ms(HOUR_MS);
    until("all are delivered", || (counts(&stats(&admin, id))[1] == 8).then_some(()));
    let attempts = receiver.received();
    let number = |n: usize| attempts[n].header("x-webhook-attempt").unwrap().to_owned();
    assert_eq!((number(0), attempts.len()), (String::from("1"), 14), "no attempt was lost");
}

#[test]
fn a_failing_webhook_is_told_of_once_to_everybody_but_itself() {
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "20ms"));
    let admin = server.admin();
    let other = Receiver::start();
    hook(&admin, &other.url("/"), &json!({ "events": ["webhook.*"] }));
    let mut socket = Socket::open(&admin);
    assert!(socket.all_until_now().is_empty());
    let receiver = Receiver::answering(|n| Play::Status(if n < 6 { 500 } else { 200 }));
    let with = json!({ "retry_count": 9, "events": ["load.*", "webhook.*"] });
    let id = hook(&admin, &receiver.url("/"), &with);
    say(&admin, "load.step");
    let failing = socket.expect_frame("webhook.failing")["payload"].clone();
    assert_eq!(failing["message"], "Webhook 'a hook' has failed 4 times");
    assert_eq!(
        (&failing["webhook_id"], &failing["consecutive_failures"], &failing["last_status"]),
        (&json!(id), &json!(4), &json!(500))
    );
    let failed = wait_for(&admin, id, "failure_streak", json!(5));
    assert!(failed["last_error"].as_str().unwrap().contains("500"), "{failed}");
    server.advance_ms(30_000);
    wait_for(&admin, id, "failure_streak", json!(6));
    let mut socket = Socket::open(&admin);
    server.advance_ms(61_000);
    assert_eq!(socket.expect_frame("webhook.recovered")["payload"]["webhook_id"], id);
    let heard = other.wait_for(2);
    let kinds: Vec<_> = heard.iter().map(|r| r.header("x-webhook-event").unwrap()).collect();
    assert_eq!(kinds, ["webhook.failing", "webhook.recovered"]);
    let mine = receiver.received();
    assert!(mine.iter().all(|r| r.header("x-webhook-event") == Some("load.step")));
    let expected = ("webhook_failing".into(), "Webhook 'a hook' has failed 4 times".into());
    assert_eq!(told(&admin), [expected]);
}

#[test]
fn the_last_failure_of_a_delivery_is_told_and_no_failure_of_what_tells_it() {
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "10ms"));
    let admin = server.admin();
    let mut socket = Socket::open(&admin);
    let dead = Receiver::answering(|_| Play::Status(500));
    let of_webhooks = json!({ "events": ["webhook.*"], "retry_count": 0 });
    let deaf = hook(&admin, &dead.url("/deaf"), &of_webhooks);
    let id = hook(&admin, &dead.url("/"), &json!({ "retry_count": 1 }));
    say(&admin, "load.step");
    let told = socket.expect_frame("webhook.exhausted")["payload"].clone();
    assert_eq!((&told["webhook_id"], &told["attempts"]), (&json!(id), &json!(2)));
    assert!(told["delivery_id"].is_i64(), "{told}");
    wait_for_logs(&admin, deaf, 1);
    say(&admin, "load.end");
    let rest: Vec<_> = [socket.next(), socket.next()].map(|f| f["type"].clone()).into();
    assert_eq!(rest, ["load.end", "webhook.failing"].map(|kind| json!(kind)), "nothing of deaf");
}

#[test]
fn a_receiver_that_is_gone_is_switched_off_at_once_and_what_it_is_owed_is_held() {
    let server = Server::start();
    let admin = server.admin();
    let probe = probe(&admin);
    let mut socket = Socket::open(&admin);
    let receiver = Receiver::answering(|n| Play::Status(if n == 0 { 410 } else { 200 }));
    let id = hook(&admin, &receiver.url("/"), &json!({}));
    say(&admin, "load.step");
    let told_of = socket.expect_frame("webhook.disabled")["payload"].clone();
    assert_eq!((&told_of["reason"], &told_of["is_active"]), (&json!("gone"), &json!(false)));
    let off = shown(&admin, id);
    assert_eq!(
        (&off["is_active"], &off["health"], &off["disabled_reason"], &off["next_attempt_at"]),
        (&json!(false), &json!("disabled"), &json!("gone"), &Value::Null)
    );
    say(&admin, "load.later");
    until("both are held", || (counts(&stats(&admin, id)) == [0, 0, 0, 2, 0, 2]).then_some(()));
    let message = "Webhook 'a hook' was disabled: it answered that it is gone";
    assert_eq!(told(&admin), [("webhook_disabled".into(), message.into())]);
    server.advance_ms(HOUR_MS);
    settle(&admin, &probe);
    assert_eq!(receiver.received().len(), 1);
    // Switched on again it is as new, and what was held stays until somebody asks for it.
    let path = format!("/api/v1/webhooks/{id}");
    let on = admin.patch(&path, &json!({ "is_active": true })).expect(200).data();
    assert_eq!((&on["health"], &on["disabled_reason"]), (&json!("new"), &Value::Null));
    say(&admin, "load.new");
    receiver.wait_for(2);
    until("it is settled", || (counts(&stats(&admin, id)) == [0, 1, 0, 2, 0, 3]).then_some(()));
    // Switched off by a person, that person is not told; the event says who it was.
    admin.patch(&path, &json!({ "is_active": false })).expect(200);
    let told_of = socket.expect_frame("webhook.disabled");
    assert_eq!(told_of["payload"]["reason"], "person");
    assert_eq!(told_of["actor"]["id"], admin.id());
    assert_eq!(told(&admin).len(), 1);
}

#[test]
fn five_days_of_nothing_but_failures_switch_a_webhook_off_after_three_warnings() {
    let mut server = Server::start();
    let receiver = Receiver::answering(|_| Play::Status(500));
    let admin = server.admin();
    let id = hook(&admin, &receiver.url("/"), &json!({ "retry_count": 0 }));
    let mut ahead_ms = 0;
    // Every ten hours an event; the server is started anew now and then.
    for n in 0..13 {
        let admin = server.admin();
        say(&admin, "load.step");
        wait_for_logs(&admin, id, n + 1);
        wait_for(&admin, id, "failure_streak", json!(n + 1));
        let step_ms = 10 * HOUR_MS + 1_000;
        server.advance_ms(step_ms);
        ahead_ms += step_ms;
        if n % 5 == 4 {
            server = server.restart();
            server.advance_ms(ahead_ms);
        }
    }
    let admin = server.admin();
    let off = wait_for(&admin, id, "is_active", json!(false));
    assert_eq!(off["disabled_reason"], "failing");
    let all: Vec<_> = told(&admin).into_iter().map(|(_, message)| message).rev().collect();
    let only = |percent| {
        format!("Webhook 'a hook' only fails: {percent} % of the way to being switched off")
    };
    let expected = [
        "Webhook 'a hook' has failed 4 times".into(),
        only(50),
        only(70),
        only(90),
        "Webhook 'a hook' was disabled: it has failed for five days".into(),
    ];
    assert_eq!(all, expected);
}

#[test]
fn a_receiver_that_asks_for_time_gets_it_for_all_that_it_is_owed() {
    for (play, from_ms, to_ms) in [
        (Play::Retry(429, "90"), 90_000, 91_000),
        (Play::Retry(503, "20"), 20_000, 21_000),
        (Play::Retry(503, "Fri, 31 Dec 2094 23:59:59 GMT"), HOUR_MS, HOUR_MS + 1_000),
        (Play::Status(429), 60_000, 61_000),
        (Play::Status(502), 60_000, 61_000),
    ] {
        let server = Server::start();
        let admin = server.admin();
        let probe = probe(&admin);
        let receiver = Receiver::answering(move |n| if n == 0 { play } else { Play::Status(200) });
        let id = hook(&admin, &receiver.url("/"), &json!({}));
        say(&admin, "load.step");
        let resting = wait_for(&admin, id, "failure_streak", json!(1));
        let rest_ms = ms(&resting["cooling_until"]) - ms(&resting["last_attempt_at"]);
        // A slow machine takes its time between the attempt and its settling.
        assert!((from_ms..to_ms + 2_000).contains(&rest_ms), "{play:?}: {rest_ms}");
        say(&admin, "load.other");
        server.advance_ms(from_ms - 5_000);
        settle(&admin, &probe);
        assert_eq!(receiver.received().len(), 1, "{play:?}: it rests");
        server.advance_ms(10_000);
        receiver.wait_for(3);
    }
}

#[test]
fn tests_by_hand_say_nothing_of_a_webhooks_health() {
    let server = Server::start();
    let admin = server.admin();
    let mut socket = Socket::open(&admin);
    let receiver = Receiver::answering(|_| Play::Status(410));
    let id = hook(&admin, &receiver.url("/"), &json!({}));
    for _ in 0..6 {
        let path = format!("/api/v1/webhooks/{id}/test");
        assert_eq!(admin.post(&path, &json!({})).expect(200).data()["http_status"], 410);
    }
    let webhook = shown(&admin, id);
    assert_eq!(
        (&webhook["failure_streak"], &webhook["breaker"], &webhook["is_active"]),
        (&json!(0), &json!("closed"), &json!(true))
    );
    assert_eq!(counts(&stats(&admin, id)), [0, 0, 6, 0, 0, 6]);
    let end = json!({ "type": "load.other", "data": {} });
    admin.post("/api/v1/events", &end).expect(201);
    assert_eq!(socket.next()["type"], "load.other", "nothing was said of it");
}

#[test]
fn of_a_persons_own_webhook_only_that_person_hears() {
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "20ms"));
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let mut socket = Socket::open(&admin);
    let receiver = Receiver::answering(|n| Play::Status(if n == 4 { 410 } else { 500 }));
    let url = json!({ "webhook_url": receiver.url("/") });
    agent.put("/api/v1/users/me/webhook", &url).expect(200);
    let ticket = json!({ "subject": "A", "description": "B", "assignee_id": agent.id() });
    for _ in 0..2 {
        admin.post("/api/v1/tickets", &ticket).expect(201);
    }
    until("it is switched off", || {
        let all = told(&agent);
        all.iter().any(|(kind, _)| kind == "webhook_disabled").then_some(())
    });
    assert_eq!(told(&agent).iter().filter(|(kind, _)| kind == "webhook_failing").count(), 1);
    assert!(told(&admin).iter().all(|(kind, _)| !kind.starts_with("webhook")));
    let heard = socket.all_until_now();
    let of_it = |frame: &&Value| frame["type"].as_str().is_some_and(|t| t.starts_with("webhook."));
    assert_eq!(heard.iter().filter(of_it).count(), 0);
    // Set again, it is switched on again.
    let before = receiver.received().len();
    agent.put("/api/v1/users/me/webhook", &url).expect(200);
    admin.post("/api/v1/tickets", &ticket).expect(201);
    receiver.wait_for(before + 1);
}
