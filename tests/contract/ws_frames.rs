//! What goes over a socket: B's plain frames, the hello of `v=2`, resuming, and answers to what a
//! client says.

use crate::harness::{Server, Session, Socket};
use serde_json::{Value, json};

/// Says `count` events at once; answers the last `seq`.
fn say_many(session: &Session, count: usize) -> i64 {
    let mut last = 0;
    let events: Vec<Value> =
        (0..count).map(|n| json!({ "type": "load.step", "data": { "n": n } })).collect();
    for batch in events.chunks(100) {
        let said = session.post("/api/v1/events/batch", &json!({ "events": batch }));
        let said = said.expect(201).data();
        last = said.as_array().and_then(|all| all.last()?["seq"].as_i64()).expect("a seq");
    }
    last
}

fn say_one(session: &Session) -> Value {
    let event = json!({ "type": "load.one", "data": {} });
    session.post("/api/v1/events", &event).expect(201).data()["seq"].clone()
}

/// The numbers of all events up to a message of that type, and the message.
#[track_caller]
fn events_before(socket: &mut Socket, kind: &str) -> (Vec<i64>, Value) {
    let mut seqs = Vec::new();
    loop {
        let said = socket.next();
        if said["type"] == kind {
            return (seqs, said);
        }
        seqs.push(said["seq"].as_i64().unwrap_or_else(|| panic!("no event: {said}")));
    }
}

/// What `GET /events` lists after a `seq`, all of it.
fn listed_after(session: &Session, after: i64) -> Vec<i64> {
    let (mut seqs, mut after) = (Vec::new(), after);
    loop {
        let page = session.get(&format!("/api/v1/events?after={after}&limit=500")).data();
        let page: Vec<i64> =
            page.as_array().unwrap().iter().map(|e| e["seq"].as_i64().unwrap()).collect();
        let Some(last) = page.last() else { return seqs };
        after = *last;
        seqs.extend(page);
    }
}

fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<_> =
        object.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn a_plain_client_gets_nothing_unasked_and_then_type_and_payload_with_extras_beside_them() {
    let server = Server::start();
    let admin = server.admin();
    let mut socket = Socket::open(&admin);
    assert_eq!(socket.all_until_now(), Vec::<Value>::new());
    admin.post("/api/v1/agent-state/me", &json!({ "state": "available" })).expect(200);
    let frame = socket.next();
    let extras = ["actor", "changes", "id", "payload", "room", "seq", "ts", "type"];
    assert_eq!(keys(&frame), extras);
    assert_eq!((&frame["type"], &frame["room"]), (&json!("agent.state.changed"), &json!("tenant")));
    let payload = &frame["payload"];
    assert_eq!(payload["user_id"], admin.id());
    assert_eq!(payload["tenant_id"], admin.tenant_id());
    assert_eq!(
        (&payload["state"], &payload["previous_state"]),
        (&json!("available"), &json!("offline"))
    );
    assert_eq!(frame["changes"], json!({ "state": ["offline", "available"] }));
    assert_eq!(frame["actor"]["id"], admin.id());
    let stored = admin.get(&format!("/api/v1/events/{}", frame["seq"])).expect(200).data();
    assert_eq!((&stored["id"], &stored["data"]), (&frame["id"], payload));
    // The same state again is no event.
    admin.post("/api/v1/agent-state/me", &json!({ "state": "available" })).expect(200);
    assert_eq!(socket.all_until_now(), Vec::<Value>::new());
}

#[test]
fn v2_begins_with_a_hello_that_says_where_the_log_stands() {
    let server = Server::start();
    let admin = server.admin();
    say_many(&admin, 3);
    let mut socket = Socket::open_at(&admin, "/ws?v=2");
    let hello = socket.next();
    assert_eq!((keys(&hello), &hello["type"]), (vec!["payload", "type"], &json!("hello")));
    let payload = &hello["payload"];
    let fields = ["conn_id", "epoch", "latest_seq", "oldest_seq", "ping_ms", "token_ttl_s"];
    assert_eq!(keys(payload), fields);
    let meta = admin.get("/api/v1/events?limit=1").meta();
    for field in ["latest_seq", "oldest_seq", "epoch"] {
        assert_eq!(payload[field], meta[field], "{field}");
    }
    assert_eq!(payload["ping_ms"], 25_000);
    let ttl_s = payload["token_ttl_s"].as_i64().unwrap();
    assert!((12 * 3_600 - 60..=12 * 3_600).contains(&ttl_s), "{ttl_s}");
    assert_eq!(socket.all_until_now(), Vec::<Value>::new());
    let seq = say_one(&admin);
    assert_eq!(socket.next()["seq"], seq);
}

#[test]
fn a_client_that_returns_hears_all_it_missed_in_order_and_once() {
    let server = Server::start();
    let admin = server.admin();
    let since = say_many(&admin, 10);
    // More than two pages of a replay.
    let last = say_many(&admin, 450);
    let epoch = admin.get("/api/v1/events?limit=1").meta()["epoch"].clone();
    let epoch = epoch.as_str().unwrap();
    for query in [format!("since={since}"), format!("since={since}&epoch={epoch}&max=450")] {
        let mut socket = Socket::open_at(&admin, &format!("/ws?{query}"));
        assert_eq!(socket.next()["type"], "hello");
        let (seqs, resumed) = events_before(&mut socket, "resumed");
        assert_eq!(seqs, (since + 1..=last).collect::<Vec<_>>());
        assert_eq!(
            resumed,
            json!({ "type": "resumed", "payload": { "replayed": 450, "seq": last } })
        );
        assert_eq!(socket.all_until_now(), Vec::<Value>::new());
    }
    let mut socket = Socket::open_at(&admin, &format!("/ws?since={last}"));
    assert_eq!(socket.next()["type"], "hello");
    let (seqs, resumed) = events_before(&mut socket, "resumed");
    assert_eq!((seqs, &resumed["payload"]["replayed"]), (vec![], &json!(0)), "nothing was missed");
    let next = say_one(&admin);
    assert_eq!(socket.next()["seq"], next, "and then it is live");
}

#[test]
fn since_0_begins_with_the_oldest_event_kept_and_a_frame_is_the_same_live_and_replayed() {
    let server = Server::start();
    let admin = server.admin();
    let mut live = Socket::open(&admin);
    admin
        .post("/api/v1/agent-state/me", &json!({ "state": "busy", "reason": "café \"☎\"" }))
        .expect(200);
    let frame = live.next();
    let mut socket = Socket::open_at(&admin, "/ws?since=0");
    assert_eq!(socket.next()["type"], "hello");
    let mut replayed = Vec::new();
    let last = loop {
        let said = socket.next();
        if said["type"] == "resumed" {
            break replayed.pop();
        }
        replayed.push(said);
    };
    assert_eq!(last, Some(frame));
    let seqs: Vec<_> = replayed.iter().map(|said| said["seq"].as_i64().unwrap()).collect();
    let mut listed = listed_after(&admin, 0);
    listed.pop();
    assert_eq!(seqs, listed);
    assert_eq!(replayed[0]["type"], "user.created", "the administrator was the first event");
}

#[test]
fn a_client_that_cannot_resume_is_told_why_and_misses_nothing_from_then_on() {
    let server = Server::start();
    let admin = server.admin();
    let since = say_many(&admin, 10);
    let last = say_many(&admin, 10);
    for (query, reason) in [
        (format!("since={}", last + 1), "unknown_epoch"),
        (format!("since={since}&epoch=0123456789ab"), "unknown_epoch"),
        (format!("since={since}&epoch="), "unknown_epoch"),
        ("since=-1".to_owned(), "unknown_epoch"),
        (format!("since={since}&max=9"), "too_many"),
        ("since=0&max=5".to_owned(), "too_many"),
    ] {
        let mut socket = Socket::open_at(&admin, &format!("/ws?{query}"));
        assert_eq!(socket.next()["type"], "hello");
        let (events, told) = events_before(&mut socket, "resync_required");
        let payload = &told["payload"];
        assert_eq!((events, &payload["reason"]), (vec![], &json!(reason)), "{query}");
        assert_eq!(keys(payload), ["latest_seq", "oldest_seq", "reason"]);
        let latest = payload["latest_seq"].as_i64().unwrap();
        let next = say_one(&admin);
        assert_eq!((json!(latest + 1), &socket.next()["seq"]), (next.clone(), &next), "{query}");
    }
}

#[test]
fn an_open_socket_can_resume_too() {
    let server = Server::start();
    let admin = server.admin();
    let since = say_many(&admin, 5);
    let last = say_many(&admin, 450);
    let mut socket = Socket::open(&admin);
    let ask = json!({ "type": "resume", "ref": "a", "payload": { "since": since } });
    socket.say(&ask);
    let (seqs, _) = events_before(&mut socket, "resumed");
    assert_eq!(seqs, (since + 1..=last).collect::<Vec<_>>());
    let next = say_one(&admin);
    assert_eq!(socket.next()["seq"], next);
    socket.say(&json!({ "type": "resume", "payload": { "since": 1, "max": 3 } }));
    let (_, told) = events_before(&mut socket, "resync_required");
    assert_eq!(told["payload"]["reason"], "too_many");
    let next = say_one(&admin);
    assert_eq!(socket.next()["seq"], next, "it stays live");
}

#[test]
fn what_a_client_says_is_answered_with_its_ref_and_nonsense_with_an_error() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let mut socket = Socket::open(&agent);
    let (own, other) = (format!("user:{}", agent.id()), format!("user:{}", admin.id()));
    let join = |room: &str| json!({ "type": "room.join", "ref": "r", "payload": { "room": room } });
    let table: Vec<(String, &str, Value)> = vec![
        (
            json!({ "type": "ping", "ref": "r", "payload": { "t": 1 } }).to_string(),
            "pong",
            json!({ "t": 1 }),
        ),
        (join(&own).to_string(), "reply", json!({ "room": own })),
        (join("tenant").to_string(), "reply", json!({ "room": "tenant" })),
        (join("role:agent").to_string(), "reply", json!({ "room": "role:agent" })),
        (join("everyone").to_string(), "reply", json!({ "room": "everyone" })),
        (join("role:admin").to_string(), "error", json!("room_refused")),
        (join(&other).to_string(), "error", json!("room_refused")),
        (join("nowhere").to_string(), "error", json!("room_refused")),
        (join("kitchen").to_string(), "error", json!("room_refused")),
        (json!({ "type": "room.join", "ref": "r" }).to_string(), "error", json!("room_refused")),
        (
            json!({ "type": "resume", "ref": "r", "payload": {} }).to_string(),
            "error",
            json!("bad_message"),
        ),
        (
            json!({ "type": "resume", "ref": "r", "payload": { "since": "x" } }).to_string(),
            "error",
            json!("bad_message"),
        ),
        (json!({ "type": "sing", "ref": "r" }).to_string(), "error", json!("unknown_type")),
        // Only a string can come back as `ref`.
        ("not JSON".to_owned(), "error", json!("bad_message")),
        ("{}".to_owned(), "error", json!("bad_message")),
        ("[1,2]".to_owned(), "error", json!("bad_message")),
        ("null".to_owned(), "error", json!("bad_message")),
        (r#"{"type":7}"#.to_owned(), "error", json!("bad_message")),
        (format!("{}1", "[".repeat(60_000)), "error", json!("bad_message")),
        (String::new(), "error", json!("bad_message")),
    ];
    for (n, (text, kind, told)) in table.iter().enumerate() {
        if n % 10 == 0 {
            // Nobody is too fast here.
            server.advance_ms(1_000);
        }
        socket.say_text(text);
        let said = socket.next();
        assert_eq!(said["type"], *kind, "{text:.100}: {said}");
        let answer = if *kind == "error" { &said["payload"]["code"] } else { &said["payload"] };
        assert_eq!(answer, told, "{text:.100}");
        let has_ref = text.contains(r#""ref""#);
        assert_eq!(said["ref"] == "r", has_ref, "{text:.100}: {said}");
    }
}
