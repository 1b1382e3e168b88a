//! Bad input has a clear error with the right status, and leaves everything as it was.

use crate::harness::{Server, Socket};
use serde_json::{Value, json};

#[test]
fn an_unknown_path_is_a_404_in_json_with_and_without_a_token() {
    let server = Server::start();
    let admin = server.admin();
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/nothing",
        "/api/v2/events",
        "/api/v1/webhooks/1/nothing",
        "/api/v1/events/",
        "/api/v1/webhooks/one",
        "/api/v1/users/not-a-uuid",
        "/api/v1/%ff",
        "/nothing",
        "/assets/nothing.js",
        "/assets/..%2f..%2fCargo.toml",
    ] {
        let told = admin.get(path);
        assert_eq!(told.status, 404, "{path}: {}", told.text());
        if path.starts_with("/api") {
            told.refused(404, "not_found");
            for method in ["POST", "DELETE", "BREW"] {
                let told = admin.request(method, path).send();
                assert!(told.status == 404 || told.status == 405, "{method} {path}");
                told.error();
            }
        }
    }
    server.api().get("/api/v1/nothing").refused(404, "not_found");
    server.api().get("/nothing").refused(404, "not_found");
    let page = server.api().request("GET", "/nothing").header("accept", "text/html").send();
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
}

#[test]
fn a_method_that_a_path_does_not_know_is_a_405_that_lists_those_it_does() {
    let server = Server::start();
    let admin = server.admin();
    let before = admin.world();
    for (method, path, allowed) in [
        ("PUT", "/api/v1/events", "GET,HEAD,POST"),
        ("DELETE", "/api/v1/auth/login", "POST"),
        ("GET", "/api/v1/auth/login", "POST"),
        ("DELETE", "/api/auth/me", "GET,HEAD,PATCH"),
        ("POST", "/api/v1/webhooks/1", "GET,HEAD,PUT,PATCH,DELETE"),
        ("POST", "/ws", "GET,HEAD"),
        ("POST", "/livez", "GET,HEAD"),
        ("BREW", "/api/v1/users", "GET,HEAD,POST"),
    ] {
        let told = admin.request(method, path).send();
        told.refused(405, "method_not_allowed");
        assert_eq!(told.header("allow"), Some(allowed), "{method} {path}");
    }
    assert_eq!(admin.world(), before);
    let head = admin.request("HEAD", "/livez").send();
    assert!(head.status == 200 && head.body.is_empty(), "{head:?}");
}

/// Every route that reads a body, with a body it accepts or refuses for its content only.
const BODIES: [(&str, &str); 13] = [
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/refresh"),
    ("POST", "/api/v1/auth/logout"),
    ("PATCH", "/api/v1/auth/me"),
    ("POST", "/api/v1/auth/password"),
    ("POST", "/api/v1/users"),
    ("POST", "/api/v1/tenants"),
    ("POST", "/api/v1/tokens"),
    ("POST", "/api/v1/events"),
    ("POST", "/api/v1/events/batch"),
    ("POST", "/api/v1/webhooks"),
    ("POST", "/api/v1/agent-state/me"),
    ("POST", "/api/events"),
];

#[test]
fn a_body_that_is_not_json_is_a_400_on_every_route() {
    let server = Server::start();
    let admin = server.admin();
    let before = admin.world();
    let broken: [&[u8]; 10] = [
        b"{",
        b"{\"type\":",
        b"{'type':'a.b'}",
        b"{\"type\":\"a.b\",}",
        b"{\"type\":\"a.b\"} trailing",
        b"not json",
        b"{\"type\":\"\xff\xfe\"}",
        b"\xef\xbb\xbf{\"type\":\"a.b\"}",
        b"{\"type\":\"a\nb\"}",
        &[b'['; 100_000],
    ];
    for (method, path) in BODIES {
        for body in broken {
            let request = admin.request(method, path).header("content-type", "application/json");
            let told = request.body(body).send();
            let start = String::from_utf8_lossy(&body[..body.len().min(30)]);
            assert_eq!(told.status, 400, "{method} {path} {start}: {}", told.text());
            told.refused(400, "malformed");
        }
    }
    assert_eq!(admin.world(), before);
}

#[test]
fn a_wrong_type_is_a_422_that_names_the_field() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let user = format!("/api/v1/users/{}", agent.id());
    let state = format!("/api/v1/agent-state/{}", agent.id());
    let hook = json!({ "name": "a", "url": "https://example.com/", "events": ["*"] });
    let hook_with = |field: &str, value: Value| {
        let mut hook = hook.clone();
        hook[field] = value;
        hook
    };
    let before = admin.world();
    for (method, path, body, field) in [
        ("POST", "/api/v1/auth/login", json!({ "email": 1, "password": "x" }), "email"),
        ("POST", "/api/v1/auth/refresh", json!({ "refresh_token": [] }), "refresh_token"),
        ("PATCH", "/api/v1/auth/me", json!({ "name": {} }), "name"),
        ("PATCH", "/api/v1/auth/me", json!({ "notify_prefs": { "a": 1 } }), "notify_prefs.a"),
        ("POST", "/api/v1/auth/password", json!({ "current": "x" }), "new"),
        ("POST", "/api/v1/tokens", json!({ "name": "a", "scopes": ["a", 1] }), "scopes[1]"),
        ("POST", "/api/v1/users", json!({ "email": "a@b.c", "name": "a" }), "role"),
        ("POST", "/api/v1/users", json!({ "email": "a@b.c", "name": "a", "role": "x" }), "role"),
        ("PATCH", user.as_str(), json!({ "is_active": "no" }), "is_active"),
        ("PATCH", user.as_str(), json!({ "version": 1.5 }), "version"),
        ("POST", "/api/v1/tenants", json!({ "name": null }), "name"),
        ("POST", "/api/v1/events", json!({ "type": 7, "data": {} }), "type"),
        ("POST", "/api/v1/events", json!({ "type": "a.b", "data": "x" }), "data"),
        ("POST", "/api/v1/events/batch", json!({ "events": [{ "type": 7 }] }), "events[0].type"),
        ("POST", "/api/v1/agent-state/me", json!({ "state": true }), "state"),
        ("POST", "/api/v1/agent-state/me", json!({}), "state"),
        ("PUT", state.as_str(), json!({ "state": "sleeping" }), "state"),
        ("POST", "/api/v1/webhooks", hook_with("events", json!("*")), "events"),
        ("POST", "/api/v1/webhooks", hook_with("timeout", json!("30")), "timeout"),
        ("POST", "/api/v1/webhooks", hook_with("retry_count", json!(-1)), "retry_count"),
        ("POST", "/api/v1/webhooks", hook_with("is_active", json!(1)), "is_active"),
        ("POST", "/api/v1/webhooks", hook_with("payload_format", json!("x")), "payload_format"),
    ] {
        admin.request(method, path).json(&body).send().names(&[field]);
    }
    for body in [json!([]), json!("text"), json!(7), json!(null)] {
        for (method, path) in BODIES {
            admin.request(method, path).json(&body).send().names(&["body"]);
        }
    }
    // A list is not taken for the fields in some order.
    let list = json!(["admin@example.com", "correct horse battery", null]);
    admin.post("/api/v1/auth/login", &list).names(&["body"]);
    assert_eq!(admin.world(), before);
}

#[test]
fn a_query_that_means_nothing_is_a_422_that_names_the_parameter() {
    let server = Server::start();
    let admin = server.admin();
    let hook = json!({ "name": "a", "url": "http://127.0.0.1:7000/", "events": ["*"] });
    admin.post("/api/v1/webhooks", &hook).expect(201);
    for (path, field) in [
        ("/api/v1/webhooks/1/logs?limit=201", "limit"),
        ("/api/v1/webhooks/1/logs?state=lost", "state"),
        ("/api/v1/webhooks/1/logs?before=x", "before"),
        ("/api/v1/users?page=0", "page"),
        ("/api/v1/users?page=x", "page"),
        ("/api/v1/users?per_page=201", "per_page"),
        ("/api/v1/users?role=boss", "role"),
        ("/api/v1/users?colour=red", "colour"),
        ("/api/v1/tenants?per_page=-1", "per_page"),
        ("/api/v1/tokens?page=99999999999999999999", "page"),
        ("/api/v1/auth/sessions?user_id=me", "user_id"),
        ("/api/v1/events?limit=0", "limit"),
        ("/api/v1/events?limit=501", "limit"),
        ("/api/v1/events?after=x", "after"),
        ("/api/v1/events?since=1", "since"),
    ] {
        admin.get(path).names(&[field]);
    }
}

#[test]
fn unknown_fields_are_refused_on_our_own_routes_and_ignored_on_those_a_seed_fixes() {
    let server = Server::start();
    let admin = server.admin();
    let before = admin.world();
    for (method, path, body) in [
        ("PATCH", "/api/v1/auth/me", json!({ "role": "admin" })),
        ("POST", "/api/v1/auth/password", json!({ "current": "x", "new": "y", "role": 1 })),
        ("POST", "/api/v1/users", json!({ "is_system_admin": true })),
        ("POST", "/api/v1/tenants", json!({ "role": "x" })),
        ("POST", "/api/v1/tokens", json!({ "role": "x" })),
        ("POST", "/api/v1/events", json!({ "type": "a.b", "data": {}, "role": 7 })),
        ("POST", "/api/v1/events/batch", json!({ "role": [] })),
    ] {
        let told = admin.request(method, path).json(&body).send();
        let named = told.refused(422, "invalid");
        let field = if path.ends_with("/users") { "is_system_admin" } else { "role" };
        assert!(named[field].is_string(), "{path}: {named}");
    }
    assert_eq!(admin.world(), before);
    let login = json!({ "email": "admin@example.com", "password": "correct horse battery",
        "remember": true });
    admin.post("/api/v1/auth/login", &login).expect(200);
    let state = json!({ "state": "busy", "colour": "red" });
    admin.post("/api/v1/agent-state/me", &state).expect(200);
    let hook =
        json!({ "name": "a", "url": "http://127.0.0.1:7000/", "events": ["*"], "colour": 1 });
    let made = admin.post("/api/v1/webhooks", &hook).expect(201).data();
    assert_eq!(made.get("colour"), None);
}

#[test]
fn a_body_over_a_mebibyte_is_a_413_announced_or_not() {
    let server = Server::start();
    let admin = server.admin();
    let before = admin.world();
    let body = |length: usize| {
        let frame = json!({ "type": "order.paid", "data": { "x": "" } }).to_string().len();
        json!({ "type": "order.paid", "data": { "x": "y".repeat(length - frame) } }).to_string()
    };
    let too_much = body((1 << 20) + 1);
    for path in ["/api/v1/events", "/api/v1/webhooks"] {
        let json = || admin.request("POST", path).header("content-type", "application/json");
        json().body(too_much.clone()).send().refused(413, "too_large");
        json().body(too_much.clone()).chunked().send().refused(413, "too_large");
        let announced = json().header("content-length", "9999999999");
        announced.send().refused(413, "too_large");
    }
    // One byte less is read, and refused for what it says.
    admin.request("POST", "/api/v1/events").body(body(1 << 20)).send().names(&["data"]);
    assert_eq!(admin.world(), before);
}

#[test]
fn json_is_read_under_the_types_that_clients_send_and_no_other() {
    let server = Server::start();
    let admin = server.admin();
    let body = r#"{"type":"order.paid","data":{}}"#;
    let send = |kind: Option<&str>| {
        let request = admin.request("POST", "/api/v1/events").body(body);
        match kind {
            Some(kind) => request.header("content-type", kind).send(),
            None => request.send(),
        }
    };
    let before = admin.latest_seq();
    for bad in [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "text/html",
        "json",
    ] {
        send(Some(bad)).refused(415, "unsupported_media_type");
    }
    assert_eq!(admin.latest_seq(), before);
    for good in [
        None,
        Some("application/json"),
        Some("Application/JSON; charset=utf-8"),
        Some("text/plain;charset=UTF-8"),
        Some("application/cloudevents+json"),
    ] {
        send(good).expect(201);
    }
    assert_eq!(admin.latest_seq(), before + 5);
}

#[test]
fn every_answer_has_a_request_id_and_headers_that_keep_browsers_careful() {
    let server = Server::start();
    let api = server.api();
    for (path, id) in [("/livez", "my-id.1"), ("/api/v1/nothing", "my-id.2"), ("/admin", "x")] {
        let told = api.request("GET", path).header("x-request-id", id).send();
        assert_eq!(told.header("x-request-id"), Some(id));
        assert_eq!(told.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(told.header("x-frame-options"), Some("DENY"));
        assert!(told.header("content-security-policy").unwrap().contains("default-src 'none'"));
    }
    let odd = api.request("GET", "/livez").header("x-request-id", "a b\"").send();
    assert!(odd.header("x-request-id").unwrap().len() == 32, "{odd:?}");
}

#[test]
fn a_socket_is_refused_in_json_before_the_upgrade() {
    let server = Server::start();
    let admin = server.admin();
    let bad = |headers: &[(&'static str, &str)]| {
        let refusal = Socket::try_open(&admin, "/ws", headers).err().expect("a refusal");
        assert_eq!(refusal.body["success"], false, "{refusal:?}");
        (refusal.status, refusal.body["error"]["code"].as_str().unwrap().to_owned())
    };
    assert_eq!(bad(&[]), (401, "unauthorized".into()));
    assert_eq!(bad(&[("authorization", "Bearer nonsense")]), (401, "unauthorized".into()));
    assert_eq!(bad(&[("sec-websocket-protocol", "bearer, x")]), (401, "unauthorized".into()));
    admin.get("/ws").refused(400, "malformed");
    let program = admin.new_token(&["events:read"]);
    let bearer = format!("Bearer {}", program.token());
    assert_eq!(bad(&[("authorization", &bearer)]), (403, "forbidden".into()));
    let told = admin.get("/api/v1/ws/stats").expect(200).data();
    assert_eq!(told["total_clients"], 0);
}
