//! Registering webhooks: what is taken, what is refused, and what is never shown.

use crate::harness::{Play, Receiver, Server, Session, Setup};
use serde_json::{Value, json};

fn hook(url: &str) -> Value {
    json!({ "name": "Test", "url": url, "events": ["order.*"] })
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

/// A receiver's address with nobody behind it: what is registered there is not called here.
const SOMEWHERE: &str = "http://127.0.0.1:7000/hook";

#[test]
fn the_first_webhook_is_number_one_and_has_the_seeds_defaults() {
    let server = Server::start();
    let admin = server.admin();
    let made = admin.post("/api/v1/webhooks", &hook(SOMEWHERE)).expect(201).data();
    for (field, value) in [
        ("id", json!(1)),
        ("tenant_id", json!(admin.tenant_id())),
        ("name", json!("Test")),
        ("url", json!(SOMEWHERE)),
        ("events", json!(["order.*"])),
        ("retry_count", json!(3)),
        ("timeout", json!(10)),
        ("is_active", json!(true)),
        ("payload_format", json!("event")),
        ("version", json!(1)),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    assert!(made["secret"].as_str().is_some_and(|s| s.starts_with("whsec_") && s.len() >= 38));
    let mut shown = made;
    shown.as_object_mut().unwrap().remove("secret");
    assert_eq!(admin.get("/api/v1/webhooks/1").expect(200).data(), shown);
    let listed = admin.get("/api/v1/webhooks").expect(200);
    assert_eq!((listed.data(), &listed.meta()["total"]), (json!([shown]), &json!(1)));
    // The seed's own example, on the other path.
    let example = json!({ "name": "Test Webhook", "url": SOMEWHERE, "secret": "test-secret-123",
        "events": ["agent.state.changed", "call.incoming", "chat.message"],
        "retry_count": 3, "timeout": 30 });
    let made = admin.post("/api/webhooks", &example).expect(201).data();
    assert_eq!((&made["id"], &made["secret"]), (&json!(2), &json!("test-secret-123")));
}

#[test]
fn put_and_patch_change_what_is_said_and_leave_the_rest() {
    let server = Server::start();
    let admin = server.admin();
    let made = admin.post("/api/v1/webhooks", &hook(SOMEWHERE)).expect(201).data();
    let mut expected = made;
    expected.as_object_mut().unwrap().remove("secret");
    let changes = [
        ("PATCH", "name", json!("Other")),
        ("PUT", "events", json!(["call.*", "*"])),
        ("PATCH", "is_active", json!(false)),
        ("PATCH", "retry_count", json!(0)),
        ("PUT", "timeout", json!(30)),
        ("PATCH", "payload_format", json!("message")),
        ("PATCH", "description", json!("What it is for")),
        ("PATCH", "max_in_flight", json!(3)),
        ("PATCH", "rate_limit", json!(50)),
        ("PATCH", "rate_limit", json!(null)),
        ("PUT", "ordering", json!("by_key")),
        ("PUT", "url", json!("http://127.0.0.1:7001/other?x=1")),
    ];
    for (at, (method, field, value)) in changes.into_iter().enumerate() {
        let body = json!({ field: value });
        let now = admin.request(method, "/api/v1/webhooks/1").json(&body).send().expect(200).data();
        expected[field] = value;
        expected["version"] = json!(at + 2);
        expected["updated_at"] = now["updated_at"].clone();
        if field == "is_active" {
            expected["health"] = json!("disabled");
            expected["disabled_reason"] = json!("person");
            expected["disabled_at"] = now["updated_at"].clone();
        }
        assert_eq!(now, expected, "{method} {field}");
        // The same again is no change.
        let again = admin.request(method, "/api/v1/webhooks/1").json(&body).send().expect(200);
        assert_eq!(again.data(), expected, "{method} {field} again");
    }
    assert_eq!(admin.get("/api/v1/webhooks/1").data(), expected);
    for (field, value) in [
        ("url", json!("ftp://example.com/")),
        ("events", json!([])),
        ("timeout", json!(31)),
        ("retry_count", json!(21)),
        ("name", json!("")),
        ("secret", json!("short")),
    ] {
        admin.patch("/api/v1/webhooks/1", &json!({ field: value })).names(&[field]);
    }
    assert_eq!(admin.get("/api/v1/webhooks/1").data(), expected);
}

#[test]
fn a_change_made_from_an_older_version_is_refused() {
    let server = Server::start();
    let admin = server.admin();
    admin.post("/api/v1/webhooks", &hook(SOMEWHERE)).expect(201);
    let change = |name: &str, version: Value, header: Option<&str>| {
        let body = json!({ "name": name, "version": version });
        let request = admin.request("PATCH", "/api/v1/webhooks/1").json(&body);
        match header {
            Some(version) => request.header("if-match", version).send(),
            None => request.send(),
        }
    };
    change("One", json!(1), None).expect(200);
    change("Two", json!(1), None).refused(409, "version_conflict");
    change("Two", json!(null), Some("\"1\"")).refused(409, "version_conflict");
    change("Two", json!(null), Some("W/\"1\"")).refused(409, "version_conflict");
    change("Two", json!(null), Some("nonsense")).names(&["If-Match"]);
    assert_eq!(admin.get("/api/v1/webhooks/1").data()["name"], "One");
    change("Three", json!(null), Some("\"2\"")).expect(200);
    change("Four", json!(null), Some("*")).expect(200);
    change("Five", json!(4), None).expect(200);
}

#[test]
fn what_is_deleted_is_gone_and_its_number_is_not_given_again() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    admin.post("/api/v1/webhooks", &hook(&receiver.url("/"))).expect(201);
    admin.post("/api/v1/events", &json!({ "type": "order.paid", "data": {} })).expect(201);
    receiver.wait_for(1);
    admin.delete("/api/v1/webhooks/1").expect(200);
    for (method, path) in [
        ("GET", "/api/v1/webhooks/1"),
        ("PATCH", "/api/v1/webhooks/1"),
        ("DELETE", "/api/v1/webhooks/1"),
        ("POST", "/api/v1/webhooks/1/test"),
        ("GET", "/api/v1/webhooks/1/logs"),
        ("GET", "/api/v1/webhooks/1/stats"),
    ] {
        let body = json!({ "name": "x" });
        admin.request(method, path).json(&body).send().refused(404, "not_found");
    }
    assert_eq!(admin.get("/api/v1/webhooks").data(), json!([]));
    let next = admin.post("/api/v1/webhooks", &hook(&receiver.url("/next"))).expect(201).data();
    assert_eq!(next["id"], 2);
    admin.post("/api/v1/events", &json!({ "type": "order.paid", "data": {} })).expect(201);
    let received = receiver.wait_for(2);
    assert_eq!(received[1].path, "/next", "nothing more comes to the deleted one");
}

#[test]
fn everything_wrong_with_a_webhook_is_named_at_once() {
    let server = Server::start();
    let admin = server.admin();
    let before = admin.world();
    admin.post("/api/v1/webhooks", &json!({})).names(&["name", "url", "events"]);
    let bad = json!({ "name": "x".repeat(101), "url": "ftp://example.com/", "events": [],
        "secret": "short", "retry_count": 21, "timeout": 0, "description": "x".repeat(501) });
    admin.post("/api/v1/webhooks", &bad).names(&[
        "name",
        "url",
        "events",
        "secret",
        "retry_count",
        "timeout",
        "description",
    ]);
    for (events, field, near) in [
        (json!(["ticket.creatd"]), "events[0]", "ticket.created"),
        (json!(["*", "agent.state.change"]), "events[1]", "agent.state.changed"),
        (json!(["order.paid", "call.incomin", "*"]), "events[1]", "call.incoming"),
        (json!(["chat.mesage"]), "events[0]", "chat.message"),
        (json!(["call"]), "events[0]", "ticket.created"),
        (json!(["ticke*"]), "events[0]", "ticket.*"),
        (json!([""]), "events[0]", "*"),
    ] {
        let told = admin.post("/api/v1/webhooks", &with(hook(SOMEWHERE), "events", events.clone()));
        told.names(&[field]);
        let why = told.error()["fields"][field].as_str().unwrap().to_owned();
        assert!(why.contains(near), "{events}: {why}");
    }
    let many = json!(vec!["order.paid"; 51]);
    assert_eq!(admin.post("/api/v1/webhooks", &with(hook(SOMEWHERE), "events", many)).status, 422);
    assert_eq!(admin.world(), before);
}

#[test]
fn in_production_no_private_address_is_taken_in_any_disguise_and_none_is_called() {
    let receiver = Receiver::start();
    let server = Server::with(|setup| setup.env("SERVER_ENV", "production"));
    let admin = server.admin();
    let before = admin.world();
    let port = receiver.address.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "224.0.0.1",
        "255.255.255.255",
        "127.0.0.1.",
        "\u{ff11}27.0.0.1",
    ] {
        let url = format!("http://{host}:{port}/");
        admin.post("/api/v1/webhooks", &hook(&url)).names(&["url"]);
    }
    for url in [
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "//example.com/",
        "/api/notifications/webhooks/notifications",
        "example.com",
        "http://",
        "http://user:password@example.com/",
        "http://example.com:22/",
        "http://example.com:70000/",
        "http://exa mple.com/",
        "",
    ] {
        admin.post("/api/v1/webhooks", &hook(url)).names(&["url"]);
    }
    assert_eq!(receiver.connections(), 0, "nobody was called");
    assert_eq!(admin.world(), before);
}

#[test]
fn in_development_loopback_is_open_and_nothing_else_and_never_the_server_itself() {
    let server = Server::start();
    let admin = server.admin();
    for url in [
        server.url("/api/v1/events"),
        format!("http://localhost:{}/", server.address.port()),
        "http://10.0.0.1/".into(),
        "http://169.254.169.254/".into(),
        "http://[::ffff:169.254.169.254]/".into(),
    ] {
        admin.post("/api/v1/webhooks", &hook(&url)).names(&["url"]);
    }
    admin.post("/api/v1/webhooks", &hook(SOMEWHERE)).expect(201);
    let unknown = hook("https://no-such-name.invalid/hook");
    let made = admin.post("/api/v1/webhooks", &unknown).expect(201).data();
    assert!(made["warning"].as_str().is_some_and(|w| !w.is_empty()), "{made}");
    // What the operator opens is open in production too, to the letter.
    let receiver = Receiver::start();
    let open = receiver.address.to_string();
    let server =
        Server::with(|setup| setup.env("SERVER_ENV", "production").env("WEBHOOK_ALLOW_NET", &open));
    let admin = server.admin();
    admin.post("/api/v1/webhooks", &hook(&receiver.url("/"))).expect(201);
    admin.post("/api/v1/webhooks", &hook(SOMEWHERE)).names(&["url"]);
    let told = admin.post("/api/v1/webhooks/1/test", &json!({})).expect(200).data();
    assert_eq!((&told["success"], &told["http_status"]), (&json!(true), &json!(200)));
}

#[test]
fn the_hundred_and_first_webhook_of_a_tenant_is_refused() {
    let server = Server::start();
    let admin = server.admin();
    for number in 0..100 {
        let body = with(hook(SOMEWHERE), "name", json!(format!("Hook {number}")));
        admin.post("/api/v1/webhooks", &body).expect(201);
    }
    admin.post("/api/v1/webhooks", &hook(SOMEWHERE)).refused(409, "too_many_webhooks");
    let other = admin.new_tenant("Elsewhere").admin;
    other.post("/api/v1/webhooks", &hook(SOMEWHERE)).expect(201);
    admin.delete("/api/v1/webhooks/50").expect(200);
    admin.post("/api/v1/webhooks", &hook(SOMEWHERE)).expect(201);
    assert_eq!(admin.get("/api/v1/webhooks").meta()["total"], 100);
}

#[test]
fn another_tenants_webhooks_are_not_there() {
    let server = Server::start();
    let admin = server.admin();
    let other: Session = admin.new_tenant("Elsewhere").admin;
    let receiver = Receiver::start();
    let made = admin.post("/api/v1/webhooks", &hook(&receiver.url("/"))).expect(201).data();
    let before = admin.get("/api/v1/webhooks/1").data();
    for (method, path) in [
        ("GET", "/api/v1/webhooks/1"),
        ("PUT", "/api/v1/webhooks/1"),
        ("PATCH", "/api/webhooks/1"),
        ("DELETE", "/api/v1/webhooks/1"),
        ("POST", "/api/v1/webhooks/1/test"),
        ("GET", "/api/v1/webhooks/1/logs"),
        ("GET", "/api/v1/webhooks/1/stats"),
    ] {
        let told = other.request(method, path).json(&json!({ "is_active": false })).send();
        told.refused(404, "not_found");
        let none = other.request(method, &path.replace('1', "999")).json(&json!({})).send();
        assert!(none.status == 404, "{method} {path}");
    }
    assert_eq!(other.get("/api/v1/webhooks").data(), json!([]));
    assert_eq!(admin.get("/api/v1/webhooks/1").data(), before);
    other.post("/api/v1/events", &json!({ "type": "order.paid", "data": {} })).expect(201);
    let own = admin.post("/api/v1/events", &json!({ "type": "order.paid", "data": {} }));
    let own = own.expect(201).data();
    assert_eq!(receiver.wait_for(1)[0].json()["id"], own["id"], "only its own tenant's: {made}");
}

#[test]
fn a_secret_is_shown_once_and_stands_nowhere_else() {
    let chosen = "a-secret-that-somebody-chose-0815";
    let server = Server::with(|setup: Setup| setup.env("LOG_LEVEL", "trace"));
    let admin = server.admin();
    let good = Receiver::start();
    let bad = Receiver::answering(|_| Play::Status(500));
    let mine = with(hook(&good.url("/")), "secret", json!(chosen));
    let mine = admin.post("/api/v1/webhooks", &mine).expect(201).data();
    let made = admin.post("/api/v1/webhooks", &hook(&bad.url("/"))).expect(201).data();
    let fresh = made["secret"].as_str().unwrap().to_owned();
    assert_eq!(mine["secret"], chosen);
    let shown = server.heard().len();
    let changed = "another-secret-that-somebody-chose-4711";
    for id in [1, 2] {
        let path = format!("/api/v1/webhooks/{id}");
        admin.get(&path).expect(200);
        admin.patch(&path, &json!({ "name": "Other" })).expect(200);
        admin.patch(&path, &json!({ "name": "Third", "version": 1 })).expect(409);
        admin.post(&format!("{path}/test"), &json!({})).expect(200);
    }
    admin.post("/api/v1/events", &json!({ "type": "order.paid", "data": {} })).expect(201);
    good.wait_for(2);
    bad.wait_for(2);
    admin.put("/api/v1/webhooks/1", &json!({ "secret": changed })).expect(200);
    for id in [1, 2] {
        for what in ["logs", "stats"] {
            admin.get(&format!("/api/v1/webhooks/{id}/{what}")).expect(200);
        }
    }
    admin.get("/api/v1/webhooks").expect(200);
    admin.get("/api/v1/events?limit=500").expect(200);
    server.api().get("/metrics").expect(200);
    admin.delete("/api/v1/webhooks/2").expect(200);
    let (token, refresh) = (admin.token().to_owned(), admin.refresh_token.clone());
    let heard = server.heard();
    let (setup, ended) = server.stop();
    let fresh_bytes = fresh.trim_start_matches("whsec_").to_owned();
    for secret in [chosen, changed, fresh.as_str(), fresh_bytes.as_str()] {
        let again = heard[shown..].iter().find(|text| text.contains(secret));
        assert_eq!(again, None, "a secret was shown again");
    }
    let database = std::fs::read(setup.data_dir().join("deskbell.db")).unwrap();
    let password = crate::harness::PASSWORD;
    for secret in [chosen, changed, fresh_bytes.as_str(), &token, &refresh, password] {
        for (place, text) in [("log", &ended.stderr), ("output", &ended.stdout)] {
            assert!(!text.contains(secret), "a secret stands in the {place}");
        }
        let found = database.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "a secret stands in the database as it is");
    }
}
