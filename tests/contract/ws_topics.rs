//! Rooms that clients join by themselves: who may, what is heard there, and when it ends.

use crate::harness::{Line, Server, Session, Socket};
use serde_json::{Value, json};

/// A ticket of that customer.
fn ticket_of(admin: &Session, customer: &Session, followers: &[&str]) -> String {
    let new = json!({
        "subject": "Printer", "description": "It smokes.",
        "requester_id": customer.id(), "followers": followers,
    });
    let made = admin.post("/api/v1/tickets", &new).expect(201).data();
    made["id"].as_str().expect("an id").to_owned()
}

/// Says something and returns its answer, passing over what comes in between.
#[track_caller]
pub(crate) fn ask(socket: &mut Socket, kind: &str, payload: Value) -> Value {
    socket.say(&json!({ "type": kind, "ref": kind, "payload": payload }));
    loop {
        let said = socket.next();
        if said["ref"] == kind {
            return said;
        }
    }
}

#[track_caller]
pub(crate) fn joined(socket: &mut Socket, room: &str) -> Value {
    let answer = ask(socket, "room.join", json!({ "room": room }));
    assert_eq!((&answer["type"], &answer["payload"]["room"]), (&json!("reply"), &json!(room)));
    answer["payload"].clone()
}

#[track_caller]
fn refused(socket: &mut Socket, room: &str) {
    let answer = ask(socket, "room.join", json!({ "room": room }));
    assert_eq!(
        (&answer["type"], &answer["payload"]["code"]),
        (&json!("error"), &json!("room_refused")),
        "{room}: {answer}"
    );
}

/// Says something in a room, for all staff; answers its `seq`.
fn publish(staff: &Session, room: &str, step: i64) -> i64 {
    let event = json!({ "type": "load.step", "room": room, "data": { "step": step } });
    staff.post("/api/v1/events", &event).expect(201).data()["seq"].as_i64().expect("a seq")
}

fn seqs(heard: &[Value]) -> Vec<i64> {
    heard.iter().filter(|m| m["type"] == "load.step").filter_map(|m| m["seq"].as_i64()).collect()
}

#[test]
fn what_is_said_in_a_room_is_heard_by_who_joined_it_and_by_nobody_else() {
    let server = Server::start();
    let admin = server.admin();
    let customer = admin.new_user("customer");
    let ticket = format!("ticket:{}", ticket_of(&admin, &customer, &[]));
    let (mut inside, mut outside) = (Socket::open(&admin), Socket::open(&admin));
    let mut customers = Socket::open(&customer);
    joined(&mut inside, &ticket);
    joined(&mut inside, "queue:sales@example.com");
    joined(&mut customers, &ticket);
    let first = publish(&admin, &ticket, 1);
    let second = publish(&admin, "queue:sales@example.com", 2);
    publish(&admin, "board", 3);
    publish(&admin, "ticket:another", 4);
    let after = publish(&admin, "tenant", 5);
    while inside.next()["seq"] != first {}
    assert_eq!(inside.next()["seq"], second);
    assert_eq!(inside.next()["seq"], after);
    while outside.next()["seq"] != after {}
    // To join a room widens nothing: these were for staff.
    assert_eq!(seqs(&customers.all_until_now()), [0; 0]);
    let left = ask(&mut inside, "room.leave", json!({ "room": ticket }));
    assert_eq!(left["type"], "reply");
    publish(&admin, &ticket, 6);
    let after = publish(&admin, "tenant", 7);
    assert_eq!(inside.next()["seq"], after, "it has left");
    let again = ask(&mut inside, "room.leave", json!({ "room": ticket }));
    assert_eq!(again["payload"]["code"], "room_refused");
}

#[test]
fn only_who_may_see_what_a_room_is_about_may_join_it() {
    let server = Server::start();
    let admin = server.admin();
    let (named, other) = (admin.new_user("customer"), admin.new_user("customer"));
    let follower = admin.new_user("customer");
    let abroad = admin.new_tenant("Abroad").admin;
    let id = ticket_of(&admin, &named, &[follower.id()]);
    let ticket = format!("ticket:{id}");
    for may in [&named, &follower, &admin, &admin.new_user("agent")] {
        joined(&mut Socket::open(may), &ticket);
    }
    let nothing = "ticket:01890000-0000-7000-8000-000000000000";
    for may_not in [&other, &abroad] {
        refused(&mut Socket::open(may_not), &ticket);
        refused(&mut Socket::open(may_not), nothing);
    }
    let mut socket = Socket::open(&named);
    for room in ["board", "queue:sales", "chat:1", "ticket:1", "ticket:", "tenant", "role:admin"] {
        refused(&mut socket, room);
    }
    let mut socket = Socket::open(&admin);
    joined(&mut socket, "board");
    let upper = format!("ticket:{}", id.to_uppercase());
    for room in [&upper, nothing, "ticket:a\"b", "queue:a,b", "queue:", "kitchen:1", "queue:a b"] {
        refused(&mut socket, room);
    }
    refused(&mut socket, &format!("queue:{}", "x".repeat(200)));
}

#[test]
fn a_right_that_is_lost_ends_the_stay_in_the_room_and_says_why() {
    let server = Server::start();
    let admin = server.admin();
    let (asker, follower, heir) =
        (admin.new_user("customer"), admin.new_user("customer"), admin.new_user("customer"));
    let id = ticket_of(&admin, &asker, &[follower.id()]);
    let (room, path) = (format!("ticket:{id}"), format!("/api/v1/tickets/{id}"));
    let (mut asks, mut follows, mut staff) =
        (Socket::open(&asker), Socket::open(&follower), Socket::open(&admin));
    let (mut on_socketio, _) = Line::come_in(&server.api(), &json!({ "token": follower.token() }));
    on_socketio.say(&format!("421{}", json!(["join", room])));
    while !on_socketio.text().starts_with("431") {}
    for socket in [&mut asks, &mut follows, &mut staff] {
        joined(socket, &room);
    }
    follower.post(&format!("{path}/unfollow"), &json!({})).expect(200);
    let left = json!({ "room": room, "reason": "not_allowed" });
    assert_eq!(follows.expect_frame("room.left")["payload"], left);
    loop {
        let event = on_socketio.event();
        if event[0] == "room.left" {
            break assert_eq!(event[1], left);
        }
    }
    refused(&mut follows, &room);
    let said = ask(&mut follows, "typing", json!({ "room": room }));
    assert_eq!(said["payload"]["code"], "not_in_room");
    admin.patch(&path, &json!({ "requester_id": heir.id() })).expect(200);
    assert_eq!(asks.expect_frame("room.left")["payload"], left);
    refused(&mut asks, &room);
    // Whoever is still on it stays.
    assert_eq!(ask(&mut staff, "typing", json!({ "room": room }))["type"], "reply");
    joined(&mut Socket::open(&heir), &room);
    admin.delete(&path).expect(200);
    let gone = json!({ "room": room, "reason": "gone" });
    assert_eq!(staff.expect_frame("room.left")["payload"], gone);
}

#[test]
fn a_new_role_and_a_closed_account_end_the_socket_and_with_it_its_rooms() {
    let server = Server::start();
    let admin = server.admin();
    let (agent, other) = (admin.new_user("agent"), admin.new_user("agent"));
    let (mut demoted, mut closed) = (Socket::open(&agent), Socket::open(&other));
    joined(&mut demoted, "board");
    joined(&mut closed, "board");
    let users = "/api/v1/users";
    admin.patch(&format!("{users}/{}", agent.id()), &json!({ "role": "customer" })).expect(200);
    assert_eq!(demoted.expect_close().0, 4001);
    admin.patch(&format!("{users}/{}", other.id()), &json!({ "is_active": false })).expect(200);
    assert_eq!(closed.expect_close().0, 4003);
}

#[test]
fn a_room_joined_since_a_seq_first_tells_what_was_said_there_and_loses_nothing_else() {
    let server = Server::start();
    let admin = server.admin();
    let start = admin.latest_seq();
    let mut socket = Socket::open(&admin);
    let mut in_tenant = Vec::new();
    let mut in_room = Vec::new();
    for step in 0..30 {
        in_tenant.push(publish(&admin, "tenant", step));
        in_room.push(publish(&admin, "board", step));
    }
    let talker = admin.new_user("agent");
    let talks = std::thread::spawn(move || {
        (0..60).map(|n| publish(&talker, ["board", "tenant"][n % 2], 1_000)).collect::<Vec<_>>()
    });
    let join = json!({ "room": "board", "since": start });
    let mut heard = Vec::new();
    socket.say(&json!({ "type": "room.join", "ref": "j", "payload": join }));
    let since_then = talks.join().unwrap();
    let last = publish(&admin, "board", -1);
    let mut resumed = None;
    while heard.last() != Some(&last) || resumed.is_none() {
        let said = socket.next();
        match said["type"].as_str() {
            Some("resumed") => resumed = Some(said["payload"].clone()),
            Some("load.step") => heard.push(said["seq"].as_i64().unwrap()),
            _ => {}
        }
    }
    assert_eq!(resumed.expect("told")["room"], "board");
    let mut expected: Vec<_> = [in_tenant, in_room, since_then, vec![last]].concat();
    heard.sort_unstable();
    expected.sort_unstable();
    assert_eq!(heard, expected, "each once");
    let lost = json!({ "room": "board", "since": 1_000_000 });
    assert_eq!(ask(&mut socket, "room.join", lost)["type"], "reply");
    let resync = socket.expect_frame("resync_required")["payload"].clone();
    assert_eq!((&resync["room"], &resync["reason"]), (&json!("board"), &json!("unknown_epoch")));
    publish(&admin, "tenant", 7);
    assert_eq!(socket.next()["type"], "load.step", "it stays live");
}

#[test]
fn rooms_named_in_the_query_are_joined_before_the_replay() {
    let server = Server::start();
    let admin = server.admin();
    let start = admin.latest_seq();
    let said = [publish(&admin, "board", 1), publish(&admin, "tenant", 2)];
    publish(&admin, "queue:other", 3);
    let path = format!("/ws?since={start}&rooms=board,kitchen,queue:a");
    let mut socket = Socket::open_at(&admin, &path);
    let refused = socket.expect_frame("error")["payload"].clone();
    assert_eq!((&refused["code"], &refused["room"]), (&json!("room_refused"), &json!("kitchen")));
    assert_eq!(socket.next()["type"], "hello");
    for seq in said {
        assert_eq!(socket.next()["seq"], seq);
    }
    let resumed = socket.next();
    assert_eq!((&resumed["type"], &resumed["payload"]["replayed"]), (&json!("resumed"), &json!(2)));
    let live = publish(&admin, "queue:a", 4);
    assert_eq!(socket.next()["seq"], live);
}

#[test]
fn nobody_stands_in_more_than_128_rooms() {
    let server = Server::start();
    let admin = server.admin();
    let mut socket = Socket::open(&admin);
    for n in 0..128 {
        if n % 40 == 0 {
            server.advance_ms(1_000);
        }
        joined(&mut socket, &format!("queue:{n}"));
    }
    server.advance_ms(1_000);
    joined(&mut socket, "queue:7");
    let more = ask(&mut socket, "room.join", json!({ "room": "board" }));
    assert_eq!(more["payload"]["code"], "too_many_rooms");
    ask(&mut socket, "room.leave", json!({ "room": "queue:7" }));
    joined(&mut socket, "board");
}
