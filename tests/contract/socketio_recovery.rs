//! Going on from where one was, on Socket.IO: by `since` for anybody, by `pid` and offset for stock
//! clients, across a killed server, and never with another's rights.

use crate::harness::{Line, ON_POLLING, Server, Session, poll_path};
use serde_json::{Value, json};

/// Makes as many events as there are states.
fn change_states(who: &Session, states: &[&str]) {
    for state in states {
        who.post("/api/v1/agent-state/me", &json!({ "state": state })).expect(200);
    }
}

/// The state that an event tells of.
fn state(event: &Value) -> &str {
    assert_eq!(event[0], "agent.state.changed", "{event}");
    event[1]["data"]["state"].as_str().unwrap()
}

#[test]
fn since_brings_all_that_was_missed_then_says_so_then_goes_on() {
    let server = Server::start();
    let admin = server.admin();
    change_states(&admin, &["available"]);
    let since = admin.latest_seq();
    change_states(&admin, &["busy", "away"]);
    let auth = json!({ "token": admin.token(), "since": since });
    let (mut line, consent) = Line::come_in(&server.api(), &auth);
    assert!(consent.get("pid").is_none(), "{consent}");
    for missed in ["busy", "away"] {
        assert_eq!(state(&line.event()), missed);
    }
    assert_eq!(line.event(), json!(["resumed", { "replayed": 2, "seq": since + 2 }]));
    change_states(&admin, &["available"]);
    assert_eq!(state(&line.event()), "available");
}

#[test]
fn a_place_that_is_not_known_asks_for_a_fresh_start() {
    let server = Server::start();
    let admin = server.admin();
    change_states(&admin, &["available", "busy"]);
    let latest = admin.latest_seq();
    for (more, reason) in [
        (json!({ "since": 1, "epoch": "another" }), "unknown_epoch"),
        (json!({ "since": latest + 1_000 }), "unknown_epoch"),
        (json!({ "since": 0, "max": 1 }), "too_many"),
    ] {
        let mut auth = more.clone();
        auth["token"] = json!(admin.token());
        let (mut line, _) = Line::come_in(&server.api(), &auth);
        let event = line.event();
        assert_eq!((&event[0], &event[1]["reason"]), (&json!("resync_required"), &json!(reason)));
        assert_eq!(event[1]["latest_seq"].as_i64(), Some(admin.latest_seq()), "{more}");
        change_states(&admin, &["available"]);
        assert_eq!(state(&line.event()), "available", "{more}");
        change_states(&admin, &["busy"]);
    }
}

/// A stock client keeps the `pid` and the last argument of the last event, and gives both back.
#[test]
fn a_stock_client_recovers_across_a_killed_server() {
    let server = Server::start();
    let admin = server.admin();
    let auth = |more: Value| {
        let mut auth = json!({ "token": admin.token(), "recover": true });
        auth.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        auth
    };
    let (mut line, consent) = Line::come_in(&server.api(), &auth(json!({})));
    let pid = &consent["pid"];
    assert!(pid.as_str().is_some_and(|pid| !pid.is_empty()), "{consent}");
    change_states(&admin, &["available"]);
    let event = line.event();
    let offset = &event[2];
    let expected = format!("-{}", event[1]["seq"]);
    assert!(offset.as_str().is_some_and(|offset| offset.ends_with(&expected)), "{event}");
    change_states(&admin, &["busy"]);
    let server = server.kill9().start();
    let (mut line, again) =
        Line::come_in(&server.api(), &auth(json!({ "pid": pid, "offset": offset })));
    assert_eq!(&again["pid"], pid, "the same name says that it has recovered");
    assert_eq!(state(&line.event()), "busy");
    // One that had heard nothing yet goes on from where it came in.
    let (mut line, again) = Line::come_in(&server.api(), &auth(json!({ "pid": pid })));
    assert_eq!(&again["pid"], pid);
    assert_eq!(state(&line.event()), "available");
    assert_eq!(state(&line.event()), "busy");
    let lost = json!({ "pid": pid, "offset": "another-1" });
    let (mut line, again) = Line::come_in(&server.api(), &auth(lost));
    assert_ne!(&again["pid"], pid, "it has not recovered");
    assert_eq!(line.event()[1]["reason"], "unknown_epoch");
}

#[test]
fn a_pid_opens_nothing_by_itself() {
    let server = Server::start();
    let admin = server.admin();
    let customer = admin.new_user("customer");
    let auth = json!({ "token": admin.token(), "recover": true });
    let (_line, consent) = Line::come_in(&server.api(), &auth);
    let pid = &consent["pid"];
    change_states(&admin, &["available"]);
    let (_line, answer) = Line::knock(&server.api(), &json!({ "recover": true, "pid": pid }));
    assert_eq!(answer, r#"44{"message":"unauthorized"}"#);
    let stolen = json!({ "token": customer.token(), "recover": true, "pid": pid });
    let (mut line, consent) = Line::come_in(&server.api(), &stolen);
    assert_ne!(&consent["pid"], pid);
    line.say(r#"421["nothing comes before this"]"#);
    assert!(line.text().starts_with("431["));
}

/// A poll that was begun before anything happened is answered when it does, not at the next ping.
#[test]
fn a_poll_that_waits_is_answered_the_moment_something_happens() {
    let server = Server::start();
    let admin = server.admin();
    let api = server.api();
    for auth in [json!({}), json!({ "since": admin.latest_seq() }), json!({ "recover": true })] {
        let mut knock = auth.clone();
        knock["token"] = json!(admin.token());
        let path = poll_path(&api.get(ON_POLLING).expect(200));
        let post = |text: &str| api.request("POST", &path).body(text).send().expect(200);
        post(&format!("40{knock}"));
        let mut told = api.get(&path).expect(200).text();
        while auth.get("since").is_some() && !told.contains("resumed") {
            told += &api.get(&path).expect(200).text();
        }
        let waits = std::thread::spawn({
            let (api, path) = (api.clone(), path.clone());
            move || api.get(&path).expect(200).text()
        });
        change_states(&admin, &["available", "busy"]);
        // A poll that is not answered is given up on after the harness's patience.
        let told = waits.join().expect("it is answered before the ping");
        assert!(told.contains("agent.state.changed"), "{auth}: {told}");
    }
}
