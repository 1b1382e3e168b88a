//! What supervisors set for agents: reasons with limits, time after a call, and who is an agent.

use crate::{
    harness::{Server, Session, Socket},
    wire::until,
};
use serde_json::{Value, json};

const REASONS: &str = "/api/v1/agent-state/reasons";

fn reason(supervisor: &Session, body: Value) -> Value {
    supervisor.post(REASONS, &body).expect(201).data()
}

fn choose(session: &Session, state: &str, reason: &str) -> Value {
    let body = json!({ "state": state, "reason": reason });
    session.post("/api/v1/agent-state/me", &body).expect(200).data()
}

#[test]
fn supervisors_keep_the_list_of_reasons_and_agents_read_it() {
    let server = Server::start();
    let admin = server.admin();
    let (supervisor, agent) = (admin.new_user("supervisor"), admin.new_user("agent"));
    let lunch = json!({ "name": " Lunch ", "state": "away", "limit_minutes": 45 });
    let lunch = reason(&supervisor, lunch);
    assert_eq!((&lunch["name"], &lunch["limit_minutes"]), (&json!("Lunch"), &json!(45)));
    let training = reason(&supervisor, json!({ "name": "Training", "state": "busy" }));
    assert_eq!(training["limit_minutes"], json!(null));
    assert_eq!(agent.get(REASONS).expect(200).data(), json!([lunch, training]));
    supervisor.post(REASONS, &json!({ "name": "lunch" })).refused(409, "reason_exists");
    for (wrong, field) in [
        (json!({}), "name"),
        (json!({ "name": "  " }), "name"),
        (json!({ "name": "x".repeat(101) }), "name"),
        (json!({ "name": "two\nlines" }), "name"),
        (json!({ "name": "a", "state": "on_call" }), "state"),
        (json!({ "name": "a", "state": "available" }), "state"),
        (json!({ "name": "a", "limit_minutes": 0 }), "limit_minutes"),
        (json!({ "name": "a", "limit_minutes": 1441 }), "limit_minutes"),
        (json!({ "name": "a", "minutes": 1 }), "minutes"),
    ] {
        supervisor.post(REASONS, &wrong).names(&[field]);
    }
    let path = format!("{REASONS}/{}", lunch["id"].as_str().unwrap());
    let longer = supervisor.patch(&path, &json!({ "limit_minutes": 60, "version": 1 })).expect(200);
    assert_eq!((&longer.data()["version"], &longer.data()["name"]), (&json!(2), &json!("Lunch")));
    supervisor.patch(&path, &json!({ "name": "x", "version": 1 })).refused(409, "version_conflict");
    let for_ever = supervisor.patch(&path, &json!({ "limit_minutes": null })).expect(200).data();
    assert_eq!(for_ever["limit_minutes"], json!(null));
    supervisor.delete(&path).expect(200);
    supervisor.delete(&path).refused(404, "not_found");
    assert_eq!(agent.get(REASONS).data(), json!([training]));
}

#[test]
fn a_reason_that_lasts_too_long_is_flagged_and_told_to_supervisors_once() {
    let server = Server::start();
    let admin = server.admin();
    let [supervisor, agent, other] =
        ["supervisor", "agent", "agent"].map(|role| admin.new_user(role));
    reason(&supervisor, json!({ "name": "Lunch", "limit_minutes": 45 }));
    let away = choose(&agent, "away", "lunch");
    assert_eq!(away["overdue"], false);
    assert!(away["limit_at"].is_string(), "{away}");
    assert_eq!(choose(&other, "busy", "lunch")["limit_at"], json!(null), "of another state");
    for session in [&supervisor, &agent, &admin] {
        session.post("/api/v1/notifications/read-all", &json!({})).expect(200);
    }
    let before = admin.latest_seq();
    server.advance_ms(44 * 60_000);
    let mut socket = Socket::open(&supervisor);
    server.advance_ms(2 * 60_000);
    let said = socket.expect_frame("agent.state.overdue");
    assert_eq!(said["payload"]["user_id"], agent.user["id"]);
    assert_eq!(said["payload"]["limit_minutes"], 45);
    let mine = agent.get("/api/v1/agent-state/me").data();
    assert_eq!((&mine["overdue"], &mine["state"]), (&json!(true), &json!("away")));
    let told = |who: &Session| who.get("/api/v1/notifications?unread=1").data();
    until("the notice is there", || (told(&supervisor) != json!([])).then_some(()));
    let notice = &told(&supervisor)[0];
    assert_eq!(notice["type"], "agent_state_overdue");
    let name = agent.user["name"].as_str().unwrap();
    assert_eq!(notice["message"], format!("{name} is over the 45 min of 'lunch'"));
    assert_eq!(notice["reason"], "supervisor");
    assert_eq!(told(&agent), json!([]), "they know");
    server.advance_ms(60 * 60_000);
    let events = || {
        let path = format!("/api/v1/events?after={before}&type=agent.state.overdue");
        admin.get(&path).data().as_array().unwrap().len()
    };
    let back = choose(&agent, "available", "");
    assert_eq!((&back["overdue"], &back["limit_at"]), (&json!(false), &json!(null)));
    choose(&agent, "away", "Lunch");
    server.advance_ms(46 * 60_000);
    until("it is told again, of another lunch", || (events() == 2).then_some(()));
}

#[test]
fn time_after_a_call_is_the_tenants_unless_the_agent_has_their_own() {
    let server = Server::start();
    let admin = server.admin();
    let (supervisor, agent) = (admin.new_user("supervisor"), admin.new_user("agent"));
    let seconds = || agent.get("/api/v1/agent-state/me").data()["wrap_up_seconds"].clone();
    let (all, own) =
        ("/api/v1/agent-state/settings", format!("/api/v1/agent-state/{}/settings", agent.id()));
    assert_eq!(agent.get(all).expect(200).data(), json!({ "wrap_up_seconds": 30 }));
    let set = |path: &str, seconds: Value| {
        supervisor.patch(path, &json!({ "wrap_up_seconds": seconds })).expect(200).data()
    };
    assert_eq!(set(all, json!(60)), json!({ "wrap_up_seconds": 60 }));
    assert_eq!(seconds(), 60);
    assert_eq!(set(&own, json!(0))["wrap_up_seconds"], 0);
    assert_eq!(seconds(), 0);
    supervisor.patch(&own, &json!({})).expect(200);
    assert_eq!(seconds(), 0, "what is left out stays");
    set(&own, json!(null));
    assert_eq!(seconds(), 60);
    set(all, json!(null));
    assert_eq!(seconds(), 30);
    for wrong in [json!(-1), json!(3601), json!("long")] {
        let wrong = json!({ "wrap_up_seconds": wrong });
        supervisor.patch(&own, &wrong).names(&["wrap_up_seconds"]);
        supervisor.patch(all, &wrong).names(&["wrap_up_seconds"]);
    }
}

#[test]
fn who_is_closed_deleted_or_no_agent_any_more_is_offline_and_said_to_be() {
    let server = Server::start();
    let admin = server.admin();
    let [closed, deleted, demoted] = ["agent"; 3].map(|role| admin.new_user(role));
    for session in [&closed, &deleted, &demoted] {
        choose(session, "available", "");
    }
    let before = admin.latest_seq();
    let path = |session: &Session| format!("/api/v1/users/{}", session.id());
    admin.patch(&path(&closed), &json!({ "is_active": false })).expect(200);
    admin.delete(&path(&deleted)).expect(200);
    admin.patch(&path(&demoted), &json!({ "role": "customer" })).expect(200);
    let query = format!("/api/v1/events?after={before}&type=agent.state.changed");
    let told = admin.get(&query).data();
    let told: Vec<_> = told.as_array().unwrap().iter().map(|event| &event["data"]).collect();
    let expected = [&closed, &deleted, &demoted].map(|session| session.id());
    assert_eq!(
        told.iter().map(|data| data["user_id"].as_str().unwrap()).collect::<Vec<_>>(),
        expected
    );
    for data in told {
        assert_eq!((&data["state"], &data["source"]), (&json!("offline"), &json!("account")));
    }
    admin.patch(&path(&closed), &json!({ "is_active": true })).expect(200);
    let board = admin.get("/api/v1/agent-state").data();
    let row = board.as_array().unwrap().iter().find(|row| row["user_id"] == closed.id());
    assert_eq!(row.unwrap()["state"], "offline", "until they choose again");
}

#[test]
fn the_history_is_a_file_that_no_spreadsheet_runs_and_can_be_asked_for_a_day() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    for (state, reason) in [("available", ""), ("away", "=1+1"), ("busy", "a, \"b\"")] {
        choose(&agent, state, reason);
        server.advance_ms(60_000);
    }
    let path = format!("/api/v1/agent-state/{}/history", agent.id());
    let file = admin.get(&format!("{path}.csv")).expect(200);
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = file.text();
    let lines: Vec<_> = text.split("\r\n").collect();
    assert_eq!(lines.len(), 5, "a head, three intervals, and an end of the last line: {text}");
    let head = "id,state,reason,source,call_id,started_at,ended_at,duration_ms";
    assert_eq!(lines[0], head);
    assert!(lines[1].contains(",available,,agent,,"), "{text}");
    assert!(lines[2].contains(",away,\"'=1+1\",agent,"), "{text}");
    assert!(lines[3].contains(",busy,\"a, \"\"b\"\"\",agent,"), "{text}");
    let history = admin.get(&path).data();
    let (from, to) = (&history[0]["started_at"], &history[1]["started_at"]);
    let states = |query: String| {
        let rows = admin.get(&format!("{path}?{query}")).expect(200).data();
        let rows = rows.as_array().unwrap().clone();
        rows.iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(states(format!("from={}", from.as_str().unwrap())), ["busy"]);
    assert_eq!(states(format!("to={}", to.as_str().unwrap())), ["available"]);
    for wrong in ["from=yesterday", "to=1"] {
        let field = wrong.split('=').next().unwrap();
        admin.get(&format!("{path}?{wrong}")).names(&[field]);
        admin.get(&format!("{path}.csv?{wrong}")).names(&[field]);
    }
}
