//! The commands that speak to a running server, run as a person runs them.

#![allow(clippy::cognitive_complexity, reason = "many assertions on one answer are easy to read")]

use crate::{
    clients,
    harness::{Api, Ended, Play, Receiver, Running, Server, Setup},
    hooks::{as_input, hook, say},
};
use serde_json::{Value, json};

/// Runs a command against a server, with this client's token.
fn run(server: &Server, api: &Api, args: &[&str]) -> Ended {
    with_token(&server.setup, api, &server.url("")).run(args)
}

fn with_token(setup: &Setup, api: &Api, url: &str) -> Setup {
    setup.clone().env("DESKBELL_TOKEN", api.token()).env("DESKBELL_SERVER", url)
}

/// What a command that must succeed printed, as JSON.
#[track_caller]
fn json_of(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {}", ended.stdout))
}

#[test]
fn webhooks_are_looked_after_from_the_terminal() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::answering(|n| Play::Status(if n == 0 { 200 } else { 500 }));
    let id = hook(&admin, &receiver.url("/"), &json!({ "retry_count": 0 })).to_string();
    let run = |args: &[&str]| run(&server, &admin, args);
    let listed = json_of(&run(&["webhook", "list", "--json"]));
    assert_eq!(listed, admin.get("/api/v1/webhooks").data());
    let listed = run(&["webhook", "list"]).stdout;
    assert!(listed.contains("active") && listed.contains(&receiver.url("/")), "{listed}");
    let good = run(&["webhook", "test", &id]);
    assert_eq!(good.code, Some(0), "{}", good.stderr);
    assert!(good.stdout.starts_with("it arrived: answered 200 in "), "{}", good.stdout);
    let bad = run(&["webhook", "test", &id, "--json"]);
    assert_eq!((bad.code, receiver.wait_for(2).len()), (Some(1), 2));
    let told: Value = serde_json::from_str(&bad.stdout).unwrap();
    assert_eq!((&told["success"], &told["http_status"]), (&json!(false), &json!(500)));
    let logs = json_of(&run(&["webhook", "logs", &id, "--json", "--limit", "1"]));
    assert_eq!((logs.as_array().unwrap().len(), &logs[0]["http_status"]), (1, &json!(500)));
    let failed = run(&["webhook", "logs", &id, "--state", "failed"]).stdout;
    assert!(failed.lines().count() == 2 && failed.contains("webhook.test"), "{failed}");
    assert_eq!(json_of(&run(&["webhook", "stats", &id, "--json"]))["failed"], 1);
    assert!(run(&["webhook", "stats", &id]).stdout.contains("queue depth"));
    assert!(run(&["webhook", "pause", &id]).stdout.contains("is paused"));
    assert_eq!(admin.get(&format!("/api/v1/webhooks/{id}")).data()["is_active"], false);
    assert_eq!(json_of(&run(&["webhook", "resume", &id, "--json"]))["is_active"], true);
}

#[test]
fn what_was_set_aside_is_replayed_from_the_terminal() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    let id = hook(&admin, &receiver.url("/"), &json!({})).to_string();
    let run = |args: &[&str]| run(&server, &admin, args);
    run(&["webhook", "pause", &id]);
    for _ in 0..3 {
        say(&admin, "load.step");
    }
    run(&["webhook", "resume", &id]);
    let replay =
        |more: &[&str]| run(&[&["webhook", "replay", &id, "--since", "1h"], more].concat());
    assert_eq!(replay(&["--dry-run"]).stdout, "3 would be sent again");
    let none = json_of(&replay(&["--dry-run", "--json", "--events", "agent.*,load.end"]));
    assert_eq!((&none["count"], receiver.received().len()), (&json!(0), 0));
    let done = replay(&["--states", "held"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stdout.contains("3 of 3 queued"), "{}", done.stdout);
    assert_eq!(receiver.wait_for(3).len(), 3);
    assert_eq!(run(&["webhook", "replay", &id, "--since", "soon"]).code, Some(2));
    assert_eq!(replay(&["--states", "lost"]).code, Some(1));
}

#[test]
fn what_goes_wrong_is_said_in_a_line_with_an_exit_code() {
    let server = Server::start();
    let admin = server.admin();
    let customer = admin.new_user("customer");
    let bin = admin.post("/api/v1/bins", &json!({})).expect(201).data();
    let said = |ended: Ended, code: i32, words: &str| {
        assert_eq!(ended.code, Some(code), "{} {}", ended.stdout, ended.stderr);
        assert!(ended.stderr.starts_with("deskbell: "), "{}", ended.stderr);
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
        assert!(!ended.stderr.contains(admin.token()), "a token is no news");
    };
    let none = server.setup.run(&["webhook", "list"]);
    said(none, 2, "/api/v1/tokens");
    said(run(&server, &customer, &["webhook", "list"]), 1, "only administrators");
    said(run(&server, &server.api().with_token("forged"), &["webhook", "list"]), 1, "401");
    said(run(&server, &admin, &["webhook", "logs", "77"]), 1, "no such webhook");
    said(run(&server, &admin, &["webhook", "logs", "1", "--limit", "900"]), 1, "limit must be");
    said(run(&server, &admin, &["listen", "--since=-1"]), 2, "--since");
    said(run(&server, &admin, &["listen", "--events", "ticket.creatd"]), 2, "ticket.created");
    said(run(&server, &admin, &["listen", "--forward", "ftp://x"]), 2, "http or https");
    said(run(&server, &customer, &["listen", "--server", "desk.example"]), 2, "--server");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = with_token(&server.setup, &admin, &format!("http://{closed}"));
    said(nowhere.run(&["webhook", "list"]), 1, "does not answer");
    let check = |url: &str| server.setup.run(&["webhook", "check", url]);
    said(check("http://169.254.169.254/latest"), 1, "cannot go there");
    assert!(check("http://169.254.169.254/").stdout.contains("never_allowed"));
    assert_eq!(check("http://127.0.0.1:9/").code, Some(1), "a port of another protocol");
    assert!(check("http://127.0.0.1:9000/").stdout.contains("allowed"), "in development");
    let strict = server.setup.clone().env("SERVER_ENV", "production");
    let strict = strict.run(&["webhook", "check", "http://127.0.0.1:9000/", "--json"]);
    assert_eq!(strict.code, Some(1));
    let found: Value = serde_json::from_str(&strict.stdout).unwrap();
    assert_eq!((&found["allowed"], &found["rule"]), (&json!(false), &json!("closed_range")));
    assert_eq!(found["addresses"][0]["address"], "127.0.0.1");
    let ours = server.setup.clone().env("SERVER_PORT", &server.address.port().to_string());
    let ours = ours.run(&["webhook", "check", bin["url"].as_str().unwrap()]);
    assert!(ours.stdout.contains("a bin of this server"), "{} {}", ours.stdout, ours.stderr);
}

#[test]
fn a_captured_delivery_is_verified_from_a_file() {
    let server = Server::start();
    let admin = server.admin();
    let bin = admin.post("/api/v1/bins", &json!({})).expect(201).data();
    let with = json!({ "secret": "test-secret-123" });
    let id = hook(&admin, bin["url"].as_str().unwrap(), &with);
    admin.post(&format!("/api/v1/webhooks/{id}/test"), &json!({})).expect(200);
    let path = format!("/api/v1/bins/{}/requests", bin["id"].as_str().unwrap());
    let kept = admin.get(&path).data()[0].clone();
    let file = server.setup.root().join("kept.json");
    std::fs::write(&file, kept.to_string()).unwrap();
    let verify = |secret: &str| {
        let setup = server.setup.clone().env("DESKBELL_WEBHOOK_SECRET", secret);
        setup.run(&["webhook", "verify", file.to_str().unwrap(), "--json"])
    };
    let good = json_of(&verify("test-secret-123"));
    assert_eq!(
        (&good["valid"], &good["plain"], &good["standard"], &good["fresh"]),
        (&json!(true), &json!(true), &json!(true), &json!(true))
    );
    let bad = verify("another secret");
    assert_eq!(bad.code, Some(1));
    assert_eq!(serde_json::from_str::<Value>(&bad.stdout).unwrap()["valid"], false);
    let missing = server.setup.run(&["webhook", "verify", "missing", "--secret", "a"]);
    assert_eq!(missing.code, Some(74));
}

/// Begins to listen, and waits until it does.
fn listen(setup: &Setup, args: &[&str]) -> Running {
    let listening = setup.spawn(&[&["listen"], args].concat());
    let begun = listening.stderr.wait_for(|line| line.starts_with("listen: listening behind"));
    begun.unwrap_or_else(|| panic!("{}", listening.stderr.to_the_end()));
    listening
}

#[test]
fn events_appear_in_the_terminal_and_after_a_break_none_is_missing() {
    let server = Server::start();
    let admin = server.admin();
    let port = server.address.port().to_string();
    let before = say(&admin, "load.before");
    let setup = with_token(&server.setup, &admin, &server.url(""));
    let listening = listen(&setup, &["--json", "--events", "load.*"]);
    let first = say(&admin, "load.first");
    say(&admin, "other.kind");
    let seen = |kind: &str| {
        let quoted = format!("\"{kind}\"");
        let line = listening.stdout.wait_for(|line| line.contains(&quoted)).expect("it listens");
        serde_json::from_str::<Value>(&line).unwrap()
    };
    let line = seen("load.first");
    assert_eq!((&line["seq"], &line["id"]), (&first["seq"], &first["id"]));
    assert_eq!(line["data"]["text"], "é ☎");
    // Killed and back at the same place, with events in between that it could not see.
    let (stopped, _) = server.stop();
    assert!(listening.stderr.wait_for(|line| line.contains("trying again")).is_some());
    let server = stopped.env("SERVER_PORT", &port).start();
    let api = server.api().with_token(admin.token());
    for n in 0..3 {
        let event = json!({ "type": format!("load.missed{n}"), "data": {} });
        api.post("/api/v1/events", &event).expect(201);
    }
    for n in 0..3 {
        seen(&format!("load.missed{n}"));
    }
    assert!(listening.stderr.wait_for(|line| line.contains("answers again")).is_some());
    let lines = listening.stdout.lines();
    let seqs: Vec<i64> = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_i64().unwrap())
        .collect();
    assert!(seqs.is_sorted() && seqs.len() == 4, "each once and in order: {seqs:?}");
    // From a number, and as text.
    let since = (before["seq"].as_i64().unwrap() - 1).to_string();
    let setup = with_token(&server.setup, &api, &server.url(""));
    let ended = setup.run(&["listen", "--since", &since, "--events", "load.*", "--count", "5"]);
    assert_eq!((ended.code, ended.stdout.lines().count()), (Some(0), 5), "{}", ended.stderr);
    assert!(ended.stdout.lines().next().unwrap().contains("load.before"), "{}", ended.stdout);
}

#[test]
fn events_are_forwarded_with_good_signatures_and_their_answers_are_shown() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::answering(|n| Play::Status(if n == 1 { 500 } else { 204 }));
    let setup = with_token(&server.setup, &admin, &server.url(""));
    let to = receiver.address.port().to_string();
    let listening = listen(&setup, &["--forward", &to, "--json"]);
    let told = listening.stderr.wait_for(|line| line.contains("signed with")).unwrap();
    let secret = told.rsplit(' ').next().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"), "{told}");
    let first = say(&admin, "load.first");
    let personal = json!({ "type": "load.mine", "data": {}, "user_id": admin.id() });
    admin.post("/api/v1/events", &personal).expect(201);
    say(&admin, "load.last");
    let received = receiver.wait_for(2);
    let inputs: Vec<Value> = received.iter().map(|r| as_input(r, &secret)).collect();
    let good = json!({ "plain": true, "standard": true, "svix": true });
    assert_eq!(clients::python("verify.py", &json!(inputs)), json!([good, good]));
    let body = received[0].json();
    assert_eq!((&body["event"], &body["seq"]), (&json!("load.first"), &first["seq"]));
    assert_eq!(body["tenant_id"], admin.tenant_id());
    assert_eq!(received[0].header("x-tenant-id"), Some(admin.tenant_id()));
    assert_eq!(received[1].json()["event"], "load.last", "what is for one person is not posted");
    let last = listening.stdout.wait_for(|line| line.contains("load.last")).unwrap();
    let last: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(last["forwarded"]["http_status"], 500);
    // A program's token is enough.
    let program = admin.new_token(&["events:read"]);
    let setup = with_token(&server.setup, &program, &server.url(""));
    let since = first["seq"].to_string();
    let args =
        ["listen", "--since", &since, "--forward", &to, "--count", "1", "--secret", "hush hush"];
    let ended = setup.run(&args);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stdout.contains("load.last") && ended.stdout.contains("-> 204 in "),
        "{}",
        ended.stdout
    );
    assert_eq!(receiver.wait_for(3)[2].json()["tenant_id"], Value::Null);
}
