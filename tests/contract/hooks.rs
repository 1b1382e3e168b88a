//! What a webhook receives, and what its receivers make of it.

#![allow(clippy::cognitive_complexity, reason = "many assertions on one answer are easy to read")]

use crate::{
    clients,
    harness::{Received, Receiver, Server, Session, Socket},
};
use serde_json::{Value, json};

/// Registers a webhook for `load.*` and agent states, with other fields as told; answers its id.
pub(crate) fn hook(admin: &Session, url: &str, with: &Value) -> i64 {
    let mut body =
        json!({ "name": "a hook", "url": url, "events": ["load.*", "agent.state.changed"] });
    body.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    let made = admin.post("/api/v1/webhooks", &body).expect(201).data();
    made["id"].as_i64().expect("an integer")
}

/// Says a custom event; answers `{id, seq}`.
pub(crate) fn say(admin: &Session, kind: &str) -> Value {
    admin
        .post("/api/v1/events", &json!({ "type": kind, "data": { "text": "é ☎" } }))
        .expect(201)
        .data()
}

#[test]
fn a_delivery_has_every_header_of_the_contract_and_the_seq_and_id_of_the_socket_frame() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    let id = hook(&admin, &receiver.url("/hook?a=b"), &json!({}));
    let mut socket = Socket::open(&admin);
    assert!(socket.all_until_now().is_empty());
    admin.post("/api/v1/agent-state/me", &json!({ "state": "available" })).expect(200);
    let frame = socket.expect_frame("agent.state.changed");
    let received = &receiver.wait_for(1)[0];
    let header = |name: &str| received.header(name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!((received.method.as_str(), received.path.as_str()), ("POST", "/hook?a=b"));
    assert_eq!(header("host"), receiver.address.to_string());
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("content-length"), received.body.len().to_string());
    assert!(header("user-agent").starts_with("Deskbell/"), "{}", header("user-agent"));
    assert_eq!(header("x-webhook-id"), id.to_string());
    assert_eq!(header("x-tenant-id"), admin.tenant_id());
    assert_eq!(header("x-webhook-event"), "agent.state.changed");
    assert_eq!(header("x-webhook-attempt"), "1");
    assert_eq!(header("x-webhook-seq"), frame["seq"].to_string());
    assert_eq!(Some(header("webhook-id")), frame["id"].as_str());
    assert!(header("x-webhook-delivery").parse::<i64>().is_ok());
    assert!(header("x-webhook-signature").starts_with("sha256="));
    assert!(header("webhook-signature").starts_with("v1,"));
    let body = received.json();
    let keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["actor", "changes", "data", "event", "id", "seq", "tenant_id", "timestamp"];
    assert_eq!(keys, expected);
    assert_eq!((&body["event"], &body["tenant_id"]), (&frame["type"], &json!(admin.tenant_id())));
    assert_eq!((&body["data"], &body["actor"]), (&frame["payload"], &frame["actor"]));
    assert_eq!((&body["id"], &body["seq"]), (&frame["id"], &frame["seq"]));
    assert_eq!(body["changes"], frame["changes"]);
    assert_eq!(body["timestamp"], frame["ts"].as_i64().unwrap() / 1_000, "the event's, in seconds");
    assert_eq!(body["data"]["previous_state"], "offline");
}

#[test]
fn a_webhook_may_ask_for_the_shape_of_the_full_example() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    hook(&admin, &receiver.url("/"), &json!({ "payload_format": "message" }));
    let said = say(&admin, "load.step");
    let body = receiver.wait_for(1)[0].json();
    let keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["actor", "id", "payload", "seq", "timestamp", "type"]);
    assert_eq!((&body["type"], &body["payload"]), (&json!("load.step"), &json!({ "text": "é ☎" })));
    assert_eq!((&body["id"], &body["seq"]), (&said["id"], &said["seq"]));
}

/// What the library for receivers in Rust makes of a delivery. One that was signed under a moved
/// clock is compared with what the library would have signed then.
pub(crate) fn verified_by_rust(input: &Value) -> bool {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let secret = text(&input["secret"]);
    let webhook = match secret.starts_with("whsec_") {
        true => standardwebhooks::Webhook::new(&secret),
        false => standardwebhooks::Webhook::from_bytes(secret.into_bytes()),
    };
    let mut headers = http::HeaderMap::new();
    for (name, value) in input["headers"].as_object().unwrap() {
        let name: http::HeaderName = name.parse().unwrap();
        headers.insert(name, text(value).parse().unwrap());
    }
    let body = text(&input["body"]);
    let webhook = webhook.unwrap();
    if input["moved"] != true {
        return webhook.verify(body.as_bytes(), &headers).is_ok();
    }
    let header = |name: &str| headers[name].to_str().unwrap();
    let at = header("webhook-timestamp").parse().unwrap();
    let signed = webhook.sign(header("webhook-id"), at, body.as_bytes()).unwrap();
    header("webhook-signature").split(' ').any(|one| one == signed)
}

/// A delivery as the scripts read it.
pub(crate) fn as_input(received: &Received, secret: &str) -> Value {
    let names = ["x-webhook-signature", "webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: serde_json::Map<_, _> = names
        .iter()
        .map(|name| ((*name).to_owned(), json!(received.header(name).expect("a header"))))
        .collect();
    let body = String::from_utf8(received.body.clone()).unwrap();
    json!({ "secret": secret, "headers": headers, "body": body })
}

#[test]
fn the_example_of_the_quick_start_and_the_public_libraries_accept_every_delivery() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    let hook = |with: &Value| {
        let mut body = json!({ "name": "a", "url": receiver.url("/"), "events": ["load.*"] });
        body.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        admin.post("/api/v1/webhooks", &body).expect(201).data()
    };
    let mut inputs = Vec::new();
    // B's own secret, one with letters beyond ASCII, and one that is made here.
    for (with, chosen) in [
        (json!({ "secret": "test-secret-123" }), Some("test-secret-123")),
        (json!({ "secret": "gehé☎im-sehr", "payload_format": "message" }), Some("gehé☎im-sehr")),
        (
            json!({ "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3" }),
            Some("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"),
        ),
        (json!({}), None),
    ] {
        let made = hook(&with);
        let secret = made["secret"].as_str().expect("it is shown once").to_owned();
        assert_eq!(chosen.unwrap_or(&secret), secret);
        let before = receiver.received().len();
        say(&admin, "load.step");
        inputs.push(as_input(&receiver.wait_for(before + 1)[before], &secret));
        let tested =
            admin.post(&format!("/api/v1/webhooks/{}/test", made["id"]), &json!({})).data();
        assert_eq!(tested["success"], true);
        inputs.push(as_input(&receiver.wait_for(before + 2)[before + 1], &secret));
        admin.delete(&format!("/api/v1/webhooks/{}", made["id"])).expect(200);
    }
    // And the body of a person's own endpoint.
    let own = json!({ "webhook_url": receiver.url("/") });
    let made = admin.put("/api/v1/users/me/webhook", &own).expect(200).data();
    let before = receiver.received().len();
    admin.post("/api/v1/users/me/webhook/test", &json!({})).expect(200);
    let received = receiver.wait_for(before + 1)[before].clone();
    assert!(received.json()["notification"].is_object());
    inputs.push(as_input(&received, made["secret"].as_str().expect("it is shown once")));
    let good = inputs.len();
    // And none that was tampered with.
    for (part, value) in [("secret", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), ("body", "{}")] {
        let mut bad = inputs[0].clone();
        bad[part] = json!(value);
        inputs.push(bad);
    }
    let expected: Vec<bool> = (0..inputs.len()).map(|n| n < good).collect();
    let by_python = clients::python("verify.py", &json!(inputs));
    let all: Vec<Value> =
        expected.iter().map(|ok| json!({ "plain": ok, "standard": ok, "svix": ok })).collect();
    assert_eq!(by_python, json!(all));
    let both: Vec<Value> =
        expected.iter().map(|ok| json!({ "standard": ok, "svix": ok })).collect();
    assert_eq!(clients::node("verify.cjs", &json!(inputs)), json!(both));
    let by_rust: Vec<bool> = inputs.iter().map(verified_by_rust).collect();
    assert_eq!(by_rust, expected);
}

#[test]
fn a_webhook_hears_its_patterns_of_its_tenant_and_nothing_for_one_person() {
    let server = Server::start();
    let admin = server.admin();
    let abroad = admin.new_tenant("Abroad").admin;
    let (all, some, theirs) = (Receiver::start(), Receiver::start(), Receiver::start());
    hook(&admin, &all.url("/"), &json!({ "events": ["*"] }));
    hook(&admin, &some.url("/"), &json!({ "events": ["load.end", "agent.*"] }));
    hook(&abroad, &theirs.url("/"), &json!({ "events": ["*"] }));
    say(&admin, "load.step");
    let private = json!({ "type": "load.secret", "data": {}, "user_id": admin.id() });
    admin.post("/api/v1/events", &private).expect(201);
    let shown = json!({ "type": "load.news", "data": {}, "room": "everyone" });
    admin.post("/api/v1/events", &shown).expect(201);
    say(&abroad, "load.abroad");
    say(&admin, "load.end");
    let kinds = |receiver: &Receiver, n| {
        let all = receiver.wait_for(n);
        let mut kinds: Vec<_> =
            all.iter().map(|r| r.header("x-webhook-event").unwrap().to_owned()).collect();
        // Two attempts may be under way at once, and overtake each other.
        kinds.sort_unstable();
        kinds
    };
    assert_eq!(kinds(&some, 1), ["load.end"]);
    assert_eq!(kinds(&all, 3), ["load.end", "load.news", "load.step"]);
    assert_eq!(kinds(&theirs, 1), ["load.abroad"]);
}
