//! The quick start of the call-centre document, by copy and paste, against `deskbell demo`.

use crate::{
    clients,
    harness::{Receiver, Server},
    hooks::as_input,
    wire::until,
};
use serde_json::{Value, json};
use std::process::Command;

#[test]
fn the_quick_start_needs_nobody_else_with_a_bin_of_the_servers_own() {
    let server = Server::demo();
    let api = server.api();
    let login = json!({ "email": "admin@example.com", "password": "password" });
    let token = api.post("/api/v1/auth/login", &login).data()["access_token"].clone();
    let admin = api.with_token(token.as_str().expect("a token"));
    let bin = admin.post("/api/v1/bins", &json!({ "name": "the quick start" })).expect(201).data();
    run(&server, bin["url"].as_str().expect("a URL"));
    let path = format!("/api/v1/bins/{}/requests", bin["id"].as_str().expect("an id"));
    let is_ours = |r: &Value| r["body"].as_str().is_some_and(|b| b.contains("the quick start"));
    let kept = until("a delivery of our state", || {
        let kept = admin.get(&path).data().as_array().expect("a list").clone();
        kept.iter().any(is_ours).then_some(kept)
    });
    let test = kept.last().expect("the test came first");
    assert_eq!(test["headers"]["x-webhook-event"], "webhook.test");
    for delivery in &kept {
        assert_eq!(delivery["signature"]["verdict"], "valid", "{delivery:#}");
        assert_eq!(delivery["headers"]["x-webhook-id"], "1");
    }
}

#[test]
fn the_quick_start_works_by_copy_and_paste_with_curl_jq_and_wscat() {
    let server = Server::demo();
    let receiver = Receiver::start();
    run(&server, &receiver.url("/"));
    let received = receiver.wait_until("a delivery of our state", |all| {
        all.iter().any(|r| r.json()["data"]["reason"] == "the quick start")
    });
    // Step 7: "you should see the test payload"; it was waited for, so it came first.
    let test = received.iter().find(|r| r.json()["event"] == "webhook.test").expect("a test");
    let ours = received.iter().find(|r| r.json()["data"]["reason"] == "the quick start").unwrap();
    for delivery in [test, ours] {
        let body = delivery.json();
        assert_eq!(delivery.header("x-webhook-id"), Some("1"));
        assert_eq!(delivery.header("x-tenant-id"), body["tenant_id"].as_str());
        assert!(body["timestamp"].is_i64() && body["data"].is_object(), "{body}");
    }
    let body = ours.json();
    assert_eq!(
        (&body["event"], &body["data"]["state"]),
        (&"agent.state.changed".into(), &"away".into())
    );
    assert_eq!(body["data"]["previous_state"], "available");
    let delivery = serde_json::json!([as_input(ours, "test-secret-123")]);
    let verified = clients::python("verify.py", &delivery);
    assert_eq!(verified, serde_json::json!([{ "plain": true, "standard": true, "svix": true }]));
}

/// Runs the script against a server, with this URL for that of the public request bin.
fn run(server: &Server, url: &str) {
    let script = std::fs::read_to_string(clients::path("tests/clients/quickstart.sh")).unwrap();
    let script = script
        .replace("localhost:8000", &server.address.to_string())
        .replace("https://xxxxxx.x.pipedream.net", url);
    let path = format!("{}:{}", clients::npm_bin().display(), std::env::var("PATH").unwrap());
    let output = Command::new("timeout")
        .args(["60", "bash", "-c", &script])
        .env("PATH", path)
        .output()
        .expect("there is a shell");
    let printed = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{complained}");
    assert!(printed.contains(r#""id":1,"#), "the first webhook is number 1: {printed}");
}
