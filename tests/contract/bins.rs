//! The server's own request bins: what they keep, how they answer, and who may look into them.

#![allow(clippy::cognitive_complexity, reason = "many assertions on one answer are easy to read")]

use crate::{
    harness::{Api, Server, Session, Setup},
    hooks::{hook, say},
    wire::until,
};
use serde_json::{Value, json};
use std::time::Instant;

fn bin(admin: &Session, with: Value) -> Value {
    admin.post("/api/v1/bins", &with).expect(201).data()
}

/// The path of a bin of the server under test.
fn path(bin: &Value) -> String {
    format!("/bin/{}", bin["id"].as_str().expect("an id"))
}

fn api_path(bin: &Value) -> String {
    format!("/api/v1/bins/{}", bin["id"].as_str().expect("an id"))
}

fn kept(api: &Api, bin: &Value) -> Vec<Value> {
    let kept = api.get(&format!("{}/requests", api_path(bin))).expect(200).data();
    kept.as_array().expect("a list").clone()
}

#[track_caller]
fn wait_for_kept(api: &Api, bin: &Value, n: usize) -> Vec<Value> {
    until(&format!("{n} requests"), || Some(kept(api, bin)).filter(|all| all.len() >= n))
}

#[test]
fn anybody_may_send_anything_and_the_administrator_reads_it_as_it_came() {
    let server = Server::start();
    let admin = server.admin();
    let made = bin(&admin, json!({ "name": "Tryout" }));
    let url = made["url"].as_str().expect("a URL");
    assert_eq!(url, server.url(&path(&made)));
    assert_eq!(made["behaviour"], json!({ "status": 200, "delay_ms": 0, "hang": false }));
    let nobody = server.api();
    let sent = nobody
        .request("POST", &format!("{}/orders?x=%C3%A9", path(&made)))
        .header("content-type", "text/weird")
        .header("x-twice", "1")
        .header("x-twice", "2")
        .header("cookie", "deskbell=stolen")
        .body("<b>é</b>")
        .send();
    assert_eq!((sent.status, sent.text()), (200, "kept as request 1\n".into()));
    assert_eq!(sent.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(sent.header("x-content-type-options"), Some("nosniff"));
    nobody.request("PROPFIND", &path(&made)).send();
    let kept = kept(&admin, &made);
    assert_eq!((kept.len(), &kept[0]["method"]), (2, &json!("PROPFIND")));
    let first = &kept[1];
    assert_eq!(first["path"], format!("{}/orders?x=%C3%A9", path(&made)));
    assert_eq!((&first["body"], &first["size"]), (&json!("<b>é</b>"), &json!(9)));
    assert_eq!(first["headers"]["x-twice"], "1, 2");
    assert_eq!(first["headers"]["cookie"], "(hidden)");
    assert_eq!(first["signature"]["verdict"], "unsigned");
    assert_eq!(first["from"], "127.0.0.1");
    let newer = admin.get(&format!("{}/requests?after=1", api_path(&made))).expect(200);
    assert_eq!(newer.data().as_array().expect("a list").len(), 1);
    assert_eq!(newer.meta(), json!({ "taken": 2, "refused": 0, "kept": 2 }));
    admin.delete(&api_path(&made)).expect(200);
    let gone = nobody.get(&path(&made));
    assert_eq!(
        (gone.status, gone.header("content-type")),
        (404, Some("text/plain; charset=utf-8"))
    );
    admin.get(&api_path(&made)).refused(404, "not_found");
}

#[test]
fn a_delivery_goes_into_a_bin_within_the_process_and_its_signature_is_checked() {
    let server = Server::start();
    let admin = server.admin();
    let made = bin(&admin, json!({}));
    let url = made["url"].as_str().expect("a URL");
    let id = hook(&admin, url, &json!({ "secret": "test-secret-123" }));
    let said = say(&admin, "load.step");
    let delivery = &wait_for_kept(&admin, &made, 1)[0];
    assert_eq!(delivery["from"], Value::Null, "nothing was connected to");
    assert_eq!(delivery["headers"]["x-webhook-id"], id.to_string());
    assert_eq!(delivery["headers"]["webhook-id"], said["id"]);
    let signature = json!({ "verdict": "valid", "plain": true, "standard": true, "why": null });
    assert_eq!(delivery["signature"], signature);
    let body: Value = serde_json::from_str(delivery["body"].as_str().expect("text")).unwrap();
    assert_eq!((&body["event"], &body["seq"]), (&json!("load.step"), &said["seq"]));
    let tested = admin.post(&format!("/api/v1/webhooks/{id}/test"), &json!({})).data();
    assert_eq!((&tested["success"], &tested["http_status"]), (&json!(true), &json!(200)));
    // The same bytes over the wire are as good, and with one byte changed they are not.
    for (body, verdict) in [(delivery["body"].as_str().unwrap(), "valid"), ("{}", "invalid")] {
        let mut request = server.api().request("POST", &path(&made)).body(body);
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature", "x-webhook-signature"]
        {
            request = request.header(name, delivery["headers"][name].as_str().expect("a header"));
        }
        request.send().expect(200);
        assert_eq!(kept(&admin, &made)[0]["signature"]["verdict"], verdict);
    }
    // A secret of the bin's own goes before.
    admin.patch(&api_path(&made), &json!({ "secret": "another secret" })).expect(200);
    admin.post(&format!("/api/v1/webhooks/{id}/test"), &json!({})).expect(200);
    assert_eq!(kept(&admin, &made)[0]["signature"]["verdict"], "invalid");
}

#[test]
fn a_bin_plays_a_bad_peer_until_it_is_told_to_be_good() {
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "20ms"));
    let admin = server.admin();
    let made = bin(&admin, json!({ "behaviour": { "status": 503 } }));
    let id =
        hook(&admin, made["url"].as_str().unwrap(), &json!({ "timeout": 1, "retry_count": 20 }));
    let test = || admin.post(&format!("/api/v1/webhooks/{id}/test"), &json!({})).data();
    let behave =
        |how: Value| admin.patch(&api_path(&made), &json!({ "behaviour": how })).expect(200).data();
    assert_eq!((&test()["success"], &test()["http_status"]), (&json!(false), &json!(503)));
    assert_eq!(server.api().get(&path(&made)).status, 503);
    behave(json!({ "status": 200, "delay_ms": 300 }));
    let late = test();
    assert!(late["response_time_ms"].as_i64().unwrap() >= 300, "{late}");
    behave(json!({ "delay_ms": 2_000 }));
    let too_late = test();
    assert!(too_late["error"].as_str().unwrap().contains("timed out"), "{too_late}");
    behave(json!({ "delay_ms": 0, "hang": true }));
    assert!(test()["error"].as_str().unwrap().contains("timed out"));
    // Over the wire it hangs as well, until somebody changes the bin.
    let (api, at) = (server.api(), path(&made));
    let hanging = std::thread::spawn(move || api.get(&at));
    until("the request", || kept(&admin, &made).first().filter(|r| r["method"] == "GET").map(drop));
    let began = Instant::now();
    behave(json!({ "hang": false }));
    assert_eq!(hanging.join().unwrap().status, 503);
    assert!(began.elapsed().as_secs() < 10);
    // What failed meanwhile arrives now.
    behave(json!({ "status": 500 }));
    let said = say(&admin, "load.step");
    until("a failed try", || kept(&admin, &made).iter().any(|r| is(r, &said)).then_some(()));
    behave(json!({ "status": 200 }));
    let good = |r: &Value| is(r, &said) && r["answer"]["status"] == 200;
    until("the delivery", || kept(&admin, &made).iter().any(good).then_some(()));
}

fn is(request: &Value, said: &Value) -> bool {
    request["headers"]["webhook-id"] == said["id"]
}

#[test]
fn bad_wishes_are_named_and_bounds_are_kept() {
    let server = Server::start();
    let admin = server.admin();
    let made = bin(&admin, json!({}));
    let wrong = json!({ "behaviour": { "status": 99, "delay_ms": 60_001 } });
    for response in [admin.post("/api/v1/bins", &wrong), admin.patch(&api_path(&made), &wrong)] {
        response.names(&["behaviour.status", "behaviour.delay_ms"]);
    }
    admin.post("/api/v1/bins", &json!({ "color": 1 })).names(&["color"]);
    admin.get(&format!("{}/requests?limit=101", api_path(&made))).names(&["limit"]);
    assert_eq!(admin.get(&api_path(&made)).data()["behaviour"]["status"], 200);
    let large = server.api().request("POST", &path(&made)).body(vec![b'x'; (64 << 10) + 1]).send();
    assert_eq!(large.status, 413);
    let burst: Vec<u16> = (0..25).map(|_| server.api().get(&path(&made)).status).collect();
    let refused = burst.iter().filter(|status| **status == 429).count();
    let now = admin.get(&api_path(&made)).data();
    assert_eq!(now["refused"], json!(1 + refused));
    assert_eq!(now["taken"], json!(25 - refused));
    for _ in 1..20 {
        bin(&admin, json!({}));
    }
    admin.post("/api/v1/bins", &json!({})).refused(409, "too_many_bins");
    assert_eq!(admin.get("/api/v1/bins").data().as_array().unwrap().len(), 20);
}

#[test]
fn a_bin_is_gone_after_a_restart_and_its_webhook_is_told_so() {
    let server = Server::start();
    let admin = server.admin();
    let made = bin(&admin, json!({}));
    // At the same port, as a server comes back.
    let port = server.api().address.port().to_string();
    let id = hook(&admin, made["url"].as_str().unwrap(), &json!({}));
    let (setup, _) = server.stop();
    let server = setup.env("SERVER_PORT", &port).start();
    let admin = server.admin();
    assert!(admin.get("/api/v1/bins").data().as_array().unwrap().is_empty());
    let tested = admin.post(&format!("/api/v1/webhooks/{id}/test"), &json!({})).data();
    assert_eq!((&tested["success"], &tested["http_status"]), (&json!(false), &json!(404)));
    let log = admin.get(&format!("/api/v1/webhooks/{id}/logs")).data();
    assert!(log[0]["response_body"].as_str().unwrap().contains("no such bin"), "{log}");
    // No other address of the server itself may be called, bins or not.
    let own = json!({ "name": "a", "events": ["*"], "url": server.url("/api/v1/events") });
    admin.post("/api/v1/webhooks", &own).names(&["url"]);
    let lost = json!({ "name": "a", "events": ["*"], "url": server.url(&path(&made)) });
    let made = admin.post("/api/v1/webhooks", &lost).expect(201).data();
    assert!(made["warning"].as_str().unwrap().contains("no such bin"), "{made}");
}

#[test]
fn a_bin_hears_nothing_of_another_tenants_secret() {
    let server = Server::start();
    let admin = server.admin();
    let abroad = admin.new_tenant("Abroad").admin;
    let theirs = bin(&abroad, json!({}));
    admin.get(&api_path(&theirs)).refused(404, "not_found");
    admin.get(&format!("{}/requests", api_path(&theirs))).refused(404, "not_found");
    hook(&admin, theirs["url"].as_str().unwrap(), &json!({}));
    say(&admin, "load.step");
    let came = &wait_for_kept(&abroad, &theirs, 1)[0];
    assert_eq!(came["signature"]["verdict"], "no_secret");
    assert!(abroad.get("/api/v1/events").text().find("bin").is_none(), "no event tells of it");
}

/// A program that may only read webhooks would otherwise learn there what they show as stars.
#[test]
fn the_own_headers_of_a_webhook_are_hidden_in_a_bin_too() {
    let server = Server::start();
    let admin = server.admin();
    let made = bin(&admin, json!({}));
    let own = json!({ "X-Api-Key": "planted value", "User-Agent": "planted/1", "X-Empty": "" });
    let url = made["url"].as_str().expect("a URL");
    let id = hook(&admin, url, &json!({ "headers": own }));
    admin.post(&format!("/api/v1/webhooks/{id}/test"), &json!({})).expect(200);
    let one = wait_for_kept(&admin, &made, 1).remove(0);
    assert!(!one.to_string().contains("planted"), "{one}");
    assert_eq!(one["headers"]["x-api-key"], "(hidden, 13 characters)");
    assert_eq!(one["headers"]["user-agent"], "(hidden, 9 characters)");
    assert_eq!(one["headers"]["x-empty"], "(hidden, 0 characters)");
    assert_eq!(one["headers"]["x-webhook-id"], id.to_string());
    assert_eq!(one["signature"]["verdict"], "valid");
}
