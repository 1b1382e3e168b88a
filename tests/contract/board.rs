//! The wallboard: one snapshot, and changes that keep it true.

use crate::{
    harness::{Frame, Server, Session, Socket},
    leaks_world::{id, make},
    wire::until,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

fn board(who: &Session) -> Value {
    who.get("/api/v1/board").expect(200).data()
}

fn call(who: &Session, queue: &str) -> String {
    let new = json!({ "direction": "inbound", "from_number": "+49 30 987654", "queue": queue });
    format!("/api/v1/calls/{}", id(&make(who, "/calls", new)))
}

fn step(who: &Session, call: &str, step: &str, body: Value) {
    who.post(&format!("{call}/{step}"), &body).expect(200);
}

fn queue(board: &Value, name: &str) -> Value {
    let queues = board["queues"].as_array().unwrap();
    queues.iter().find(|queue| queue["name"] == name).cloned().unwrap_or(Value::Null)
}

fn agent(board: &Value, who: &Session) -> Value {
    let agents = board["agents"].as_array().unwrap();
    agents.iter().find(|agent| agent["user_id"] == who.user["id"]).cloned().unwrap_or(Value::Null)
}

/// A socket in the room, and the snapshot that was read after it had entered.
fn at_the_wall(who: &Session) -> (Socket, Value) {
    let mut socket = Socket::open_at(who, "/ws?v=2");
    socket.say(&json!({ "type": "room.join", "ref": "in", "payload": { "room": "board" } }));
    let reply = socket.expect_frame("reply");
    assert_eq!(reply["ref"], "in");
    (socket, board(who))
}

/// What a wall does with a change: whole rows are put in, what is gone is taken out.
fn apply(board: &mut Value, change: &Value) {
    if change["seq"].as_i64() < board["seq"].as_i64() {
        return;
    }
    for (part, key, gone) in
        [("agents", "user_id", "agents_gone"), ("queues", "name", "queues_gone")]
    {
        let of = |row: &Value| row[key].as_str().unwrap().to_owned();
        let known = board[part].as_array().unwrap().iter().filter(|_| change["whole"] != true);
        let rows = known.cloned();
        let mut rows: BTreeMap<String, Value> = rows.map(|row| (of(&row), row)).collect();
        let fresh = change[part].as_array().into_iter().flatten();
        rows.extend(fresh.map(|row| (of(row), row.clone())));
        for key in change[gone].as_array().into_iter().flatten() {
            rows.remove(key.as_str().unwrap());
        }
        board[part] = rows.into_values().collect();
    }
    for part in ["calls", "callers", "tickets", "webhooks", "day_since"] {
        if let Some(now) = change.get(part) {
            board[part] = now.clone();
        }
    }
}

/// What both have: the order of agents and the `seq`s between two changes do not count.
fn bare(mut board: Value) -> Value {
    apply(&mut board, &json!({ "seq": i64::MAX }));
    board.as_object_mut().unwrap().remove("seq");
    board
}

#[test]
fn a_board_shows_agents_queues_and_calls_as_they_are() {
    let server = Server::start();
    let admin = server.admin();
    let ann = admin.new_user("agent");
    let empty = board(&ann);
    assert_eq!((&empty["queues"], &empty["callers"]), (&json!([]), &json!([])));
    assert_eq!(empty["calls"]["service_level"], json!(null));
    assert_eq!(empty["tickets"]["open"], 0);
    assert_eq!(agent(&empty, &ann)["state"], "offline");

    let quick = call(&ann, "hardware");
    step(&ann, &quick, "answer", json!({}));
    let slow = call(&ann, "hardware");
    let given_up = call(&ann, "hardware");
    server.advance_ms(25_000);
    step(&ann, &given_up, "end", json!({}));
    let shown = board(&ann);
    let hardware = queue(&shown, "hardware");
    assert_eq!((&hardware["waiting"], &hardware["talking"]), (&json!(1), &json!(1)));
    assert_eq!((&hardware["offered"], &hardware["abandoned"]), (&json!(3), &json!(1)));
    assert_eq!(hardware["service_level"], 1.0);
    assert_eq!(agent(&shown, &ann)["state"], "on_call");
    assert_eq!(shown["callers"][0]["from_number"], "+49 30 987654");
    assert_eq!(shown["callers"][0]["waiting_since"], hardware["waiting_since"]);
    assert_eq!(shown["seq"].as_i64().unwrap(), admin.latest_seq());

    step(&ann, &quick, "end", json!({}));
    step(&ann, &slow, "answer", json!({}));
    let shown = board(&ann);
    assert_eq!(queue(&shown, "hardware")["service_level"], 0.5, "25 seconds are too many");
    assert_eq!((&shown["calls"]["waiting"], &shown["callers"]), (&json!(0), &json!([])));
}

#[test]
fn a_board_counts_tickets_that_are_open_and_nobodys() {
    let server = Server::start();
    let admin = server.admin();
    let ann = admin.new_user("agent");
    let ticket = json!({ "subject": "Printer", "assignee_id": ann.id() });
    make(&admin, "/tickets", ticket);
    let mine = make(&admin, "/tickets", json!({ "subject": "Phone" }));
    let counted = |board: &Value| {
        let of = |what: &str| board["tickets"][what].as_i64().unwrap();
        [of("open"), of("unassigned"), of("waiting"), of("at_risk"), of("breached")]
    };
    let before = counted(&board(&ann));
    assert_eq!(before[..2], [2, 1]);
    let path = format!("/api/v1/tickets/{}", id(&mine));
    admin.patch(&path, &json!({ "status": "resolved" })).expect(200);
    assert_eq!(counted(&board(&ann))[..2], [1, 0]);
}

#[test]
fn a_promise_that_runs_out_is_at_risk_first_and_late_then() {
    let server = Server::start();
    let admin = server.admin();
    let minutes = json!({ "low": 10, "normal": 10, "high": 10, "urgent": 10 });
    let policy = json!({ "name": "All", "first_response_minutes": minutes,
        "resolution_minutes": {} });
    make(&admin, "/sla-policies", policy);
    make(&admin, "/tickets", json!({ "subject": "Printer" }));
    let is = |at_risk: i64, late: i64| {
        let tickets = &board(&admin)["tickets"];
        (tickets["at_risk"].as_i64(), tickets["breached"].as_i64()) == (Some(at_risk), Some(late))
    };
    assert!(is(0, 0));
    server.advance_ms(8 * 60_000 + 1);
    until("it is at risk", || is(1, 0).then_some(()));
    server.advance_ms(2 * 60_000);
    until("it is late", || is(0, 1).then_some(()));
}

/// Two walls, one that came before anything happened and one in the middle of it: both end with
/// what a fresh look shows.
#[test]
fn changes_over_a_snapshot_are_the_board_as_it_is() {
    let server = Server::start();
    let admin = server.admin();
    let agents: Vec<_> = (0..4).map(|_| admin.new_user("agent")).collect();
    let mut walls = vec![at_the_wall(&admin)];
    let (mut open, mut dice) = (Vec::new(), 42_u64);
    for round in 0..120 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let random = (dice >> 33) as usize;
        let who = &agents[random % agents.len()];
        match random >> 8 & 7 {
            0..3 => open.push(call(who, ["hardware", "billing", "sales"][(random >> 16) % 3])),
            3 | 4 if !open.is_empty() => {
                // It may be over, or somebody else's: then nothing happens.
                let call = &open[(random >> 16) % open.len()];
                who.post(&format!("{call}/answer"), &json!({}));
            }
            5 if !open.is_empty() => {
                let over = open.swap_remove((random >> 16) % open.len());
                step(who, &over, "end", json!({}));
            }
            6 => drop(make(who, "/tickets", json!({ "subject": "Printer" }))),
            _ => {
                let state = ["available", "away", "busy"][(random >> 16) % 3];
                let state = json!({ "state": state });
                who.post("/api/v1/agent-state/me", &state).expect(200);
            }
        }
        if round == 60 {
            walls.push(at_the_wall(&agents[0]));
        }
    }
    let fresh = bare(board(&admin));
    for (socket, mine) in &mut walls {
        let mut last = 0;
        while bare(mine.clone()) != fresh {
            match socket.next_within(Duration::from_secs(20)) {
                Some(Frame::Said(said)) if said["type"] == "board.changed" => {
                    let seq = said["payload"]["seq"].as_i64().unwrap();
                    assert!(seq >= last, "changes come in order");
                    last = seq;
                    apply(mine, &said["payload"]);
                }
                Some(Frame::Said(_)) => {}
                other => panic!("{other:?}; mine {mine:#}, fresh {fresh:#}"),
            }
        }
    }
}

#[test]
fn nobody_hears_of_another_tenants_board_and_no_customer_of_any() {
    let server = Server::start();
    let admin = server.admin();
    let (ann, customer) = (admin.new_user("agent"), admin.new_user("customer"));
    let stranger = admin.new_tenant("Elsewhere").admin;
    customer.get("/api/v1/board").refused(403, "forbidden");
    server.api().get("/api/v1/board").refused(401, "unauthorized");
    let mut shut = Socket::open_at(&customer, "/ws?v=2");
    shut.say(&json!({ "type": "room.join", "ref": "a", "payload": { "room": "board" } }));
    assert_eq!(shut.expect_frame("error")["ref"], "a");
    let (mut ours, _) = at_the_wall(&ann);
    let (mut theirs, other) = at_the_wall(&stranger);
    assert_eq!(other["agents"].as_array().unwrap().len(), 1);
    call(&ann, "hardware");
    until("our wall has it", || {
        let said = ours.expect_frame("board.changed");
        said["payload"]["callers"].as_array().is_some_and(|c| c.len() == 1).then_some(())
    });
    assert_eq!(board(&stranger)["queues"], json!([]));
    // Something of their own shows that nothing was on its way before it.
    call(&stranger, "theirs");
    until("their wall has it", || {
        let said = theirs.expect_frame("board.changed");
        assert!(!said.to_string().contains("hardware"), "{said}");
        (said["payload"]["queues"][0]["name"] == "theirs").then_some(())
    });
    assert!(shut.all_until_now().iter().all(|said| said["type"] != "board.changed"));
    // A program needs a scope of its own.
    admin.new_token(&["board:read"]).get("/api/v1/board").expect(200);
    admin.new_token(&["tickets:read"]).get("/api/v1/board").refused(403, "forbidden");
}

#[test]
fn supervisors_say_what_the_numbers_mean_and_walls_are_told() {
    let server = Server::start();
    let admin = server.admin();
    let (agent, supervisor) = (admin.new_user("agent"), admin.new_user("supervisor"));
    let path = "/api/v1/board/settings";
    let usual = agent.get(path).expect(200).data();
    assert_eq!((&usual["timezone"], &usual["answer_within_s"]), (&json!("UTC"), &json!(20)));
    let (mut wall, _) = at_the_wall(&agent);
    let slow = call(&agent, "hardware");
    server.advance_ms(25_000);
    step(&agent, &slow, "answer", json!({}));
    assert_eq!(board(&agent)["calls"]["service_level"], 0.0);
    let edit = json!({ "answer_within_s": 30, "timezone": "Europe/Berlin" });
    agent.patch(path, &edit).refused(403, "forbidden");
    let set = supervisor.patch(path, &edit).expect(200).data();
    assert_eq!((&set["answer_within_s"], &set["waiting_warn"]), (&json!(30), &json!(3)));
    assert_eq!(wall.expect_frame("board.settings")["payload"], set);
    let shown = board(&agent);
    assert_eq!((&shown["calls"]["service_level"], &shown["settings"]), (&json!(1.0), &set));
    supervisor.patch(path, &json!({ "timezone": "Mars/Olympus" })).names(&["timezone"]);
    supervisor.patch(path, &json!({ "wait_warn_s": 600 })).names(&["wait_bad_s"]);
    supervisor.patch(path, &json!({ "colour": "red" })).refused(422, "invalid");
    let stranger = admin.new_tenant("Elsewhere").admin;
    assert_eq!(stranger.get(path).data(), usual, "everybody has their own");
    assert_eq!(agent.get(path).data(), set);
}

#[test]
fn the_calls_of_a_day_are_forgotten_at_its_midnight() {
    let server = Server::start();
    let admin = server.admin();
    // Somewhere it is always shortly before midnight.
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    let east = 23 - i64::from(now.hour());
    let east = if east > 11 { east - 24 } else { east };
    let zone = format!("Etc/GMT{}{}", if east > 0 { '-' } else { '+' }, east.abs());
    admin.patch("/api/v1/board/settings", &json!({ "timezone": zone })).expect(200);
    let (mut wall, mut mine) = at_the_wall(&admin);
    let ended = call(&admin, "hardware");
    step(&admin, &ended, "end", json!({}));
    until("the wall counts it", || {
        apply(&mut mine, &wall.expect_frame("board.changed")["payload"]);
        (mine["calls"]["offered"] == 1).then_some(())
    });
    // Nothing is said at midnight, and still the wall begins anew.
    server.advance_ms(3_600_000);
    until("the day is over", || {
        apply(&mut mine, &wall.expect_frame("board.changed")["payload"]);
        (mine["calls"]["offered"] == 0).then_some(())
    });
}
