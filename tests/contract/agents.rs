//! What agents are doing: chosen by them or a supervisor, told to staff, kept as history.

use crate::harness::{Receiver, Server, Session, Socket};
use serde_json::{Value, json};

fn choose(session: &Session, state: &str, reason: Option<&str>) -> Value {
    let body = json!({ "state": state, "reason": reason });
    session.post("/api/v1/agent-state/me", &body).expect(200).data()
}

fn milliseconds(at: &Value) -> i64 {
    let at: jiff::Timestamp = at.as_str().expect("a time").parse().expect("RFC 3339");
    at.as_millisecond()
}

#[test]
fn a_state_change_reaches_all_staff_sockets_and_webhooks_and_nobody_else() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let staff = ["agent", "supervisor"].map(|role| admin.new_user(role));
    let (customer, stranger) = (admin.new_user("customer"), admin.new_tenant("Elsewhere").admin);
    let receivers =
        [json!(["agent.state.changed"]), json!(["agent.*"]), json!(["*"])].map(|events| {
            let receiver = Receiver::start();
            let hook = json!({ "name": "a", "url": receiver.url("/"), "events": events });
            admin.post("/api/v1/webhooks", &hook).expect(201);
            receiver
        });
    let deaf = Receiver::start();
    let hook = json!({ "name": "a", "url": deaf.url("/"), "events": ["*"] });
    stranger.post("/api/v1/webhooks", &hook).expect(201);
    let hook = json!({ "name": "a", "url": deaf.url("/"), "events": ["call.*"] });
    admin.post("/api/v1/webhooks", &hook).expect(201);
    let mut hearing: Vec<_> =
        staff.iter().chain([&agent, &admin]).map(|session| Socket::open(session)).collect();
    let mut silent = [&customer, &stranger].map(|session| Socket::open(session));

    let state = choose(&agent, "available", None);
    assert_eq!((&state["user_id"], &state["state"]), (&agent.user["id"], &json!("available")));
    let frames: Vec<Value> =
        hearing.iter_mut().map(|socket| socket.expect_frame("agent.state.changed")).collect();
    let (seq, id) = (&frames[0]["seq"], &frames[0]["id"]);
    for frame in &frames {
        assert_eq!((&frame["seq"], &frame["id"]), (seq, id));
        let said = &frame["payload"];
        assert_eq!((&said["user_id"], &said["state"]), (&agent.user["id"], &json!("available")));
        assert_eq!(said["tenant_id"], admin.tenant_id());
        assert_eq!(said["previous_state"], "offline");
        assert_eq!(frame["changes"]["state"], json!(["offline", "available"]));
    }
    for receiver in &receivers {
        let body = receiver.wait_for(1)[0].json();
        assert_eq!((&body["seq"], &body["id"]), (seq, id));
        assert_eq!(
            (&body["event"], &body["data"]),
            (&json!("agent.state.changed"), &frames[0]["payload"])
        );
    }
    for socket in &mut silent {
        assert!(socket.all_until_now().is_empty());
    }
    // One more for the other tenant shows that nothing was on its way before it.
    let other = json!({ "type": "order.paid", "data": {} });
    let only = stranger.post("/api/v1/events", &other).expect(201).data();
    assert_eq!(deaf.wait_for(1)[0].json()["id"], only["id"]);
}

#[test]
fn the_same_state_for_the_same_reason_is_no_change() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    choose(&agent, "offline", None);
    let before = admin.latest_seq();
    choose(&agent, "offline", None);
    assert_eq!(admin.latest_seq(), before, "offline is where everybody begins");
    let first = choose(&agent, "away", Some("lunch"));
    server.advance_ms(60_000);
    for same in [Some("lunch"), Some("  lunch ")] {
        assert_eq!(choose(&agent, "away", same), first);
    }
    assert_eq!(admin.latest_seq(), before + 1);
    let mine = agent.get("/api/v1/agent-state/me").expect(200).data();
    assert_eq!(mine, first, "since is when it began");
    choose(&agent, "away", Some("school run"));
    choose(&agent, "away", None);
    assert_eq!(admin.latest_seq(), before + 3, "another reason is a change");
    let path = format!("/api/v1/agent-state/{}/history", agent.id());
    assert_eq!(admin.get(&path).data().as_array().unwrap().len(), 3);
}

#[test]
fn the_history_has_every_interval_with_its_end_and_how_long_it_was() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let states = ["available", "busy", "away", "offline"];
    for (number, state) in states.iter().enumerate() {
        choose(&agent, state, None);
        server.advance_ms(60_000 * (number as i64 + 1));
    }
    let path = format!("/api/v1/agent-state/{}/history", agent.id());
    let history = admin.get(&path).expect(200).data();
    let history = history.as_array().unwrap();
    let told: Vec<_> = history.iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!(told, ["offline", "away", "busy", "available"], "the newest first");
    assert_eq!((&history[0]["ended_at"], &history[0]["duration_ms"]), (&json!(null), &json!(null)));
    for (at, pair) in history.windows(2).enumerate() {
        let (later, earlier) = (&pair[0], &pair[1]);
        assert_eq!(later["started_at"], earlier["ended_at"], "no gap and no overlap");
        let duration = earlier["duration_ms"].as_i64().unwrap();
        let ends = milliseconds(&earlier["ended_at"]) - milliseconds(&earlier["started_at"]);
        assert_eq!(duration, ends);
        let minutes = 3 - at as i64;
        assert!((60_000 * minutes..60_000 * minutes + 30_000).contains(&duration), "{duration}");
    }
    let before = history[1]["id"].as_i64().unwrap();
    let page = admin.get(&format!("{path}?before={before}&limit=1")).expect(200).data();
    assert_eq!(page, json!([history[2]]));
    admin.get(&format!("{path}?limit=0")).names(&["limit"]);
    let events = admin.get("/api/v1/events?type=agent.state.changed").data();
    let last = &events.as_array().unwrap()[3]["data"];
    assert_eq!(last["previous_duration_ms"], history[1]["duration_ms"]);
    assert_eq!(last["previous_state"], "away");
}

#[test]
fn a_supervisor_sets_the_state_of_any_agent_and_of_no_customer() {
    let server = Server::start();
    let admin = server.admin();
    let (agent, supervisor) = (admin.new_user("agent"), admin.new_user("supervisor"));
    let customer = admin.new_user("customer");
    let closed = admin.hire("agent");
    let closed = closed["id"].as_str().unwrap();
    admin.patch(&format!("/api/v1/users/{closed}"), &json!({ "is_active": false })).expect(200);
    let at = |id: &str| format!("/api/v1/agent-state/{id}");
    let before = admin.latest_seq();
    for id in [customer.id(), closed, "0192a5a0-0000-7000-8000-000000000001", "nobody"] {
        supervisor.put(&at(id), &json!({ "state": "busy" })).refused(404, "not_found");
    }
    supervisor.get(&format!("{}/history", at(customer.id()))).refused(404, "not_found");
    assert_eq!(admin.latest_seq(), before);
    let mut socket = Socket::open(&agent);
    let body = json!({ "state": "busy", "reason": "training" });
    let set = supervisor.put(&at(agent.id()), &body).expect(200).data();
    assert_eq!((&set["state"], &set["reason"]), (&json!("busy"), &json!("training")));
    let frame = socket.expect_frame("agent.state.changed");
    assert_eq!(frame["actor"]["id"], supervisor.user["id"]);
    assert_eq!(frame["payload"]["source"], "supervisor");
    assert_eq!(agent.get("/api/v1/agent-state/me").data(), set);
    let history = agent.get(&format!("{}/history", at(agent.id()))).expect(200).data();
    assert_eq!(history[0]["source"], "supervisor");
    let board = agent.get("/api/v1/agent-state").expect(200).data();
    let board = board.as_array().unwrap();
    let of = |id: &str| board.iter().filter(|row| row["user_id"] == id).count();
    assert_eq!((of(agent.id()), of(customer.id()), of(closed)), (1, 0, 0));
    assert_eq!(board.iter().find(|row| row["user_id"] == agent.id()), Some(&set));
}

#[test]
fn an_agent_is_told_when_somebody_else_chose_their_state_and_not_when_they_did() {
    let server = Server::start();
    let admin = server.admin();
    let (agent, supervisor) = (admin.new_user("agent"), admin.new_user("supervisor"));
    agent.post("/api/v1/notifications/read-all", &json!({})).expect(200);
    choose(&agent, "available", None);
    let told = |who: &Session| who.get("/api/v1/notifications?unread=1").data();
    assert_eq!(told(&agent), json!([]));
    let path = format!("/api/v1/agent-state/{}", agent.id());
    let before = admin.latest_seq();
    supervisor.put(&path, &json!({ "state": "away" })).expect(200);
    let told = told(&agent);
    let name = supervisor.user["name"].as_str().unwrap();
    assert_eq!(told[0]["message"], format!("Your state was set to away by {name}"));
    assert_eq!(
        (&told[0]["type"], &told[0]["reason"]),
        (&json!("agent_state_forced"), &json!("subject"))
    );
    // The change and what is told of it follow each other in the log: one transaction.
    assert_eq!((&told[0]["event_seq"], admin.latest_seq()), (&json!(before + 1), before + 2));
    supervisor.put(&path, &json!({ "state": "away" })).expect(200);
    assert_eq!(admin.latest_seq(), before + 2);
}

#[test]
fn a_state_that_does_not_exist_is_answered_by_those_that_do() {
    let server = Server::start();
    let admin = server.admin();
    let before = admin.world();
    let theirs = format!("/api/v1/agent-state/{}", admin.id());
    for state in ["sleeping", "", "Available", "on_call", "wrapup"] {
        for told in [
            admin.post("/api/v1/agent-state/me", &json!({ "state": state })),
            admin.put(&theirs, &json!({ "state": state })),
        ] {
            told.names(&["state"]);
            for allowed in ["available", "away", "busy", "offline"] {
                assert!(told.text().contains(allowed), "{}", told.text());
            }
        }
    }
    let long = json!({ "state": "away", "reason": "x".repeat(101) });
    admin.post("/api/v1/agent-state/me", &long).names(&["reason"]);
    assert_eq!(admin.world(), before);
    // The other path of the seeds, and its content type.
    let request = admin.request("POST", "/api/agent-state/me").body(r#"{"state":"available"}"#);
    assert_eq!(request.send().expect(200).data()["state"], "available");
}
