//! How people look after webhooks: secrets that rotate, headers of one's own, pauses, a look at a
//! URL, and single deliveries sent again or not at all.

#![allow(clippy::cognitive_complexity, reason = "many assertions on one answer are easy to read")]

use crate::{
    clients,
    harness::{Play, Receiver, Server, Session, Setup},
    hook_retries::{counts, stats, wait_for_logs},
    hooks::{as_input, hook, say, verified_by_rust},
    wire::until,
};
use serde_json::{Value, json};

const SECOND: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";

fn rotate(admin: &Session, id: i64, body: Value) -> Value {
    admin.post(&format!("/api/v1/webhooks/{id}/rotate-secret"), &body).expect(200).data()
}

#[test]
fn while_a_secret_rotates_every_public_library_takes_both_and_the_plain_header_the_newest() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    let id = hook(&admin, &receiver.url("/"), &json!({ "secret": "first-secret-123" }));
    let said = |n| {
        say(&admin, "load.step");
        receiver.wait_for(n)[n - 1].clone()
    };
    let one = said(1);
    let made = rotate(&admin, id, json!({}));
    let second = made["secret"].as_str().unwrap().to_owned();
    assert_eq!(made["keys"], 2);
    assert!(made["old_until"].is_string() && second.starts_with("whsec_"), "{made}");
    let two = said(2);
    assert_eq!(two.header("webhook-signature").unwrap().split(' ').count(), 2);
    // Of three keys, the first ends with the day that it was promised.
    server.advance_ms(20 * 3_600_000);
    let admin = server.admin();
    let made = rotate(&admin, id, json!({ "secret": SECOND, "keep_hours": 168 }));
    assert_eq!((&made["secret"], &made["keys"]), (&json!(SECOND), &json!(3)));
    say(&admin, "load.step");
    let three = receiver.wait_for(3)[2].clone();
    server.advance_ms(5 * 3_600_000);
    say(&admin, "load.step");
    let four = receiver.wait_for(4)[3].clone();
    assert_eq!(four.header("webhook-signature").unwrap().split(' ').count(), 2);
    rotate(&admin, id, json!({ "secret": "fourth-secret-4", "keep_hours": 0 }));
    say(&admin, "load.step");
    let five = receiver.wait_for(5)[4].clone();
    let table = [
        (&one, "first-secret-123", true, true),
        (&two, "first-secret-123", false, true),
        (&two, second.as_str(), true, true),
        (&three, "first-secret-123", false, true),
        (&three, second.as_str(), false, true),
        (&three, SECOND, true, true),
        (&four, "first-secret-123", false, false),
        (&four, second.as_str(), false, true),
        (&four, SECOND, true, true),
        (&five, SECOND, false, false),
        (&five, "fourth-secret-4", true, true),
    ];
    let inputs: Vec<Value> = table
        .iter()
        .map(|(sent, secret, ..)| {
            let mut input = as_input(sent, secret);
            input["moved"] = json!(true);
            input
        })
        .collect();
    let plain: Vec<bool> = table.iter().map(|row| row.2).collect();
    let standard: Vec<bool> = table.iter().map(|row| row.3).collect();
    let (python, node) =
        (clients::python("verify.py", &json!(inputs)), clients::node("verify.cjs", &json!(inputs)));
    let heard = |answers: &Value, field: &str| -> Vec<bool> {
        let rows = answers.as_array().unwrap().iter();
        rows.map(|row| row[field].as_bool().unwrap()).collect()
    };
    assert_eq!(heard(&python, "plain"), plain);
    for (from, answers, library) in [
        ("PyPI", &python, "standard"),
        ("PyPI", &python, "svix"),
        ("npm", &node, "standard"),
        ("npm", &node, "svix"),
    ] {
        assert_eq!(heard(answers, library), standard, "{library} from {from}");
    }
    let by_rust: Vec<bool> = inputs.iter().map(verified_by_rust).collect();
    assert_eq!(by_rust, standard);
}

#[test]
fn a_rotation_that_cannot_be_is_refused_and_a_secret_set_by_hand_stands_alone() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    let id = hook(&admin, &receiver.url("/"), &json!({ "secret": "first-secret-123" }));
    let path = format!("/api/v1/webhooks/{id}/rotate-secret");
    admin.post(&path, &json!({ "keep_hours": 169 })).names(&["keep_hours"]);
    admin.post(&path, &json!({ "keep_hours": -1 })).names(&["keep_hours"]);
    admin.post(&path, &json!({ "secret": "short" })).names(&["secret"]);
    admin.post(&path, &json!({ "secret": "whsec_?" })).names(&["secret"]);
    admin.post(&path, &json!({ "hours": 1 })).names(&["hours"]);
    admin.post("/api/v1/webhooks/77/rotate-secret", &json!({})).refused(404, "not_found");
    for _ in 0..12 {
        rotate(&admin, id, json!({}));
    }
    let made = rotate(&admin, id, json!({}));
    assert_eq!(made["keys"], 10, "the oldest make room");
    let set = json!({ "secret": "set-by-hand-123" });
    admin.patch(&format!("/api/v1/webhooks/{id}"), &set).expect(200);
    say(&admin, "load.step");
    let sent = receiver.wait_for(1)[0].clone();
    assert_eq!(sent.header("webhook-signature").unwrap().split(' ').count(), 1);
    let shown = admin.get(&format!("/api/v1/webhooks/{id}")).expect(200).text();
    assert!(!shown.contains("secret") && !shown.contains("whsec_"), "{shown}");
}

#[test]
fn headers_of_ones_own_are_sent_never_shown_and_may_not_forge_ours() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    let headers = json!({ "Authorization": "Bearer s3cret", "X-Team": "desk" });
    let id = hook(&admin, &receiver.url("/"), &json!({ "headers": headers }));
    let path = format!("/api/v1/webhooks/{id}");
    say(&admin, "load.step");
    let sent = receiver.wait_for(1)[0].clone();
    assert_eq!(sent.header("authorization"), Some("Bearer s3cret"));
    assert_eq!(sent.header("x-team"), Some("desk"));
    let shown = admin.get(&path).expect(200).data();
    assert_eq!(shown["headers"], json!({ "authorization": "***", "x-team": "***" }));
    // What was shown can be sent back whole.
    let mut again = shown["headers"].clone();
    let same = admin.put(&path, &json!({ "headers": again })).expect(200).data();
    assert_eq!(same["version"], shown["version"], "nothing changed");
    again["x-team"] = json!("floor");
    admin.put(&path, &json!({ "headers": again })).expect(200);
    say(&admin, "load.step");
    let sent = receiver.wait_for(2)[1].clone();
    assert_eq!(sent.header("authorization"), Some("Bearer s3cret"));
    assert_eq!(sent.header("x-team"), Some("floor"));
    admin.put(&path, &json!({ "headers": {} })).expect(200);
    say(&admin, "load.step");
    assert_eq!(receiver.wait_for(3)[2].header("authorization"), None);
    for name in
        ["host", "Content-Length", "webhook-id", "X-Webhook-Signature", "a b", "X-Tenant-Id"]
    {
        let field = format!("headers.{name}");
        admin.patch(&path, &json!({ "headers": { name: "x" } })).names(&[&field]);
    }
    let split = json!({ "headers": { "x-a": "one\r\nx-webhook-id: 7" } });
    admin.patch(&path, &split).names(&["headers.x-a"]);
    assert_eq!(admin.get(&path).data()["headers"], json!({}));
    let heard = server.heard().join("\n") + &server.stderr().lines().join("\n");
    assert!(!heard.contains("s3cret"), "a value was shown");
}

#[test]
fn an_event_that_has_come_through_three_webhooks_goes_to_no_other() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    hook(&admin, &receiver.url("/"), &json!({}));
    let event = json!({ "type": "load.step", "data": {} });
    for (came, sends) in [("1", Some("2")), ("2", Some("3")), ("3", None), ("many", None)] {
        let before = receiver.received().len();
        let request = admin.request("POST", "/api/v1/events").header("deskbell-hops", came);
        let said = request.json(&event).send().expect(201).data();
        // What was said after it shows that it was not merely late.
        let last = say(&admin, "load.step");
        let received = receiver.wait_until("the last", |all| {
            all.iter().any(|one| one.header("webhook-id") == last["id"].as_str())
        });
        let of = |id: &Value| received.iter().find(|one| one.header("webhook-id") == id.as_str());
        assert_eq!(of(&said["id"]).and_then(|one| one.header("deskbell-hops")), sends, "{came}");
        assert_eq!(of(&last["id"]).unwrap().header("deskbell-hops"), Some("1"));
        assert_eq!(received.len(), before + 1 + usize::from(sends.is_some()));
    }
}

#[test]
fn a_paused_webhook_holds_what_comes_and_a_resumed_one_says_how_much() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    let id = hook(&admin, &receiver.url("/"), &json!({}));
    let post = |what: &str| admin.post(&format!("/api/v1/webhooks/{id}/{what}"), &json!({}));
    let paused = post("pause").expect(200).data();
    assert_eq!((&paused["is_active"], &paused["id"]), (&json!(false), &json!(id)));
    assert_eq!(post("pause").expect(200).data()["version"], paused["version"], "no change");
    say(&admin, "load.one");
    say(&admin, "load.two");
    let resumed = post("resume").expect(200).data();
    assert_eq!((&resumed["is_active"], &resumed["held"]), (&json!(true), &json!(2)));
    let held = admin.get(&format!("/api/v1/webhooks/{id}/logs?state=held")).expect(200).data();
    let kinds: Vec<_> = held.as_array().unwrap().iter().map(|row| &row["event"]).collect();
    assert_eq!(kinds, ["load.two", "load.one"]);
    assert_eq!(held[0]["attempt"], 0);
    let one = admin.get(&format!("/api/v1/webhooks/{id}/logs?state=held&event=load.one")).data();
    assert_eq!(one.as_array().unwrap().len(), 1);
    let all = admin.get(&format!("/api/v1/webhooks/{id}/logs?state=held&event=load.*")).data();
    assert_eq!(all, held);
    let older = held[0]["id"].as_i64().unwrap();
    let page = admin.get(&format!("/api/v1/webhooks/{id}/logs?state=held&before={older}")).data();
    assert_eq!(page[0]["event"], "load.one");
    for (query, field) in [("state=lost", "state"), ("event=?", "event"), ("before=0", "before")] {
        admin.get(&format!("/api/v1/webhooks/{id}/logs?{query}")).names(&[field]);
    }
    admin.post("/api/v1/webhooks/77/pause", &json!({})).refused(404, "not_found");
}

/// Whatever else is wrong with a webhook, a person can stop it.
#[test]
fn a_webhook_whose_address_was_closed_meanwhile_can_be_paused_and_changed_but_not_resumed() {
    let server = Server::start();
    let receiver = Receiver::start();
    let id = hook(&server.admin(), &receiver.url("/"), &json!({}));
    let (setup, _) = server.stop();
    let server = setup.env("SERVER_ENV", "production").start();
    let admin = server.admin();
    let path = format!("/api/v1/webhooks/{id}");
    let mut read = admin.get(&path).expect(200).data();
    read["name"] = json!("renamed");
    assert_eq!(admin.put(&path, &read).expect(200).data()["name"], "renamed");
    admin.patch(&path, &json!({ "url": "http://127.0.0.1:1/" })).names(&["url"]);
    admin.post(&format!("{path}/pause"), &json!({})).expect(200);
    assert_eq!(admin.patch(&path, &json!({ "timeout": 5 })).expect(200).data()["timeout"], 5);
    admin.post(&format!("{path}/resume"), &json!({})).names(&["url"]);
    assert_eq!(admin.get(&path).expect(200).data()["is_active"], false);
}

#[test]
fn a_look_at_a_url_tells_each_address_and_the_rule_without_calling_it() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    let look =
        |url: &str| admin.post("/api/v1/webhooks/check", &json!({ "url": url })).expect(200).data();
    let good = look(&receiver.url("/"));
    assert_eq!(
        (&good["allowed"], &good["addresses"][0]["address"]),
        (&json!(true), &json!("127.0.0.1"))
    );
    let bad = look("http://[::ffff:169.254.169.254]/");
    assert_eq!(
        (&bad["allowed"], &bad["addresses"][0]["refused"]),
        (&json!(false), &bad["refused"])
    );
    assert!(bad["refused"].as_str().unwrap().contains("never"), "{bad}");
    let own = look(&server.url("/"));
    assert!(own["refused"].as_str().unwrap().contains("itself"), "{own}");
    let none = look("http://no-such-name.invalid/");
    assert_eq!(none["allowed"], false);
    assert!(none["unresolved"].is_string() && none["refused"].is_null(), "{none}");
    admin.post("/api/v1/webhooks/check", &json!({})).names(&["url"]);
    assert_eq!(receiver.connections(), 0);
}

fn delivery(admin: &Session, id: &Value) -> Value {
    admin.get(&format!("/api/v1/deliveries/{id}")).expect(200).data()
}

#[test]
fn one_delivery_is_seen_whole_tried_again_and_counted_once() {
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "1h"));
    let admin = server.admin();
    let receiver = Receiver::answering(|n| Play::Status(if n < 2 { 500 } else { 200 }));
    let with = json!({ "retry_count": 1, "headers": { "authorization": "Bearer s3cret" } });
    let id = hook(&admin, &receiver.url("/"), &with);
    let said = say(&admin, "load.step");
    let row = wait_for_logs(&admin, id, 1)[0].clone();
    let number = row["delivery_id"].clone();
    let shown = delivery(&admin, &number);
    assert_eq!((&shown["state"], &shown["webhook_id"]), (&json!("waiting"), &json!(id)));
    assert_eq!((&shown["event_id"], &shown["seq"]), (&said["id"], &said["seq"]));
    assert_eq!(shown["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&shown["attempts"][0]["http_status"], &shown["data_kept"]),
        (&json!(500), &json!(true))
    );
    let sent = receiver.received()[0].clone();
    let request = &shown["request"];
    assert_eq!(request["body"].as_str().unwrap().as_bytes(), sent.body, "the very bytes");
    assert_eq!(request["headers"]["x-webhook-event"], "load.step");
    assert_eq!(request["headers"]["authorization"], "***");
    assert!(!request.to_string().contains("-signature"), "{request}");
    // A retry by hand takes the place of the one that waits for an hour.
    let retry = |body: Value| admin.post(&format!("/api/v1/deliveries/{number}/retry"), &body);
    assert_eq!(retry(json!({})).expect(200).data()["state"], "waiting");
    receiver.wait_for(2);
    let failed = |n| {
        until("it failed", || {
            let shown = delivery(&admin, &number);
            (shown["state"] == "failed" && shown["attempts"].as_array().unwrap().len() == n)
                .then_some(())
        });
    };
    failed(2);
    assert_eq!(counts(&stats(&admin, id)), [0, 0, 1, 0, 0, 1]);
    // Once it has failed it begins anew, and is one delivery still.
    retry(json!({})).expect(200);
    let received = receiver.wait_for(3);
    assert_eq!(received[2].header("x-webhook-attempt"), Some("3"));
    assert_eq!(received[2].header("webhook-id"), received[0].header("webhook-id"));
    until("it is settled", || (counts(&stats(&admin, id)) == [0, 1, 0, 0, 0, 1]).then_some(()));
    retry(json!({})).refused(409, "already_delivered");
    retry(json!({ "force": true })).expect(200);
    receiver.wait_for(4);
    until("it is settled", || (counts(&stats(&admin, id)) == [0, 1, 0, 0, 0, 1]).then_some(()));
    admin.post(&format!("/api/v1/webhooks/{id}/pause"), &json!({})).expect(200);
    retry(json!({ "force": true })).refused(409, "webhook_paused");
    admin.post("/api/v1/deliveries/77/retry", &json!({})).refused(404, "not_found");
    assert_eq!(receiver.received().len(), 4);
}

#[test]
fn what_is_cancelled_is_not_sent_and_can_be_sent_after_all() {
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "1h"));
    let admin = server.admin();
    let receiver = Receiver::answering(|n| Play::Status(if n == 0 { 500 } else { 200 }));
    let id = hook(&admin, &receiver.url("/"), &json!({}));
    say(&admin, "load.step");
    let number = wait_for_logs(&admin, id, 1)[0]["delivery_id"].clone();
    let cancel = || admin.post(&format!("/api/v1/deliveries/{number}/cancel"), &json!({}));
    assert_eq!(cancel().expect(200).data()["state"], "cancelled");
    cancel().refused(409, "already_ended");
    assert_eq!(counts(&stats(&admin, id)), [0, 0, 0, 0, 1, 1]);
    let listed = admin.get(&format!("/api/v1/webhooks/{id}/logs?state=cancelled")).data();
    assert_eq!(listed[0]["delivery_id"], number);
    server.advance_ms(2 * 3_600_000);
    say(&admin, "load.later");
    let received = receiver.wait_for(2);
    assert_eq!(received[1].header("x-webhook-event"), Some("load.later"));
    admin.post(&format!("/api/v1/deliveries/{number}/retry"), &json!({})).expect(200);
    receiver.wait_for(3);
    until("it is settled", || (counts(&stats(&admin, id)) == [0, 2, 0, 0, 0, 2]).then_some(()));
    let test = admin.post(&format!("/api/v1/webhooks/{id}/test"), &json!({})).expect(200).data();
    let again = format!("/api/v1/deliveries/{}/retry", test["delivery_id"]);
    admin.post(&again, &json!({ "force": true })).refused(409, "test_delivery");
}
