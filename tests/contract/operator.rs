//! What administrators see of the machinery: who is connected, and what became of an event.

use crate::{
    harness::{Line, Play, Receiver, Server, Session, Setup, Socket, Stream},
    hook_retries::wait_for_logs,
    hooks::{hook, say},
    wire::until,
};
use serde_json::{Value, json};

fn page(asks: &Session, query: &str) -> Vec<Value> {
    let rows = asks.get(&format!("/api/v1/ws/connections{query}")).expect(200).data();
    rows.as_array().expect("a list").clone()
}

#[track_caller]
fn connections(asks: &Session, n: usize) -> Vec<Value> {
    until(&format!("{n} connections"), || Some(page(asks, "")).filter(|rows| rows.len() == n))
}

fn end(asks: &Session, connection: &Value) -> crate::harness::Response {
    asks.delete(&format!("/api/v1/ws/connections/{}", connection["id"]))
}

fn journey(asks: &Session, seq: &Value) -> Value {
    asks.get(&format!("/api/v1/events/{seq}/journey")).expect(200).data()
}

/// The data of the next message of that name, passing over others.
fn heard(stream: &mut Stream, name: &str) -> Value {
    loop {
        let message = stream.next();
        if message.event == name {
            return message.data;
        }
    }
}

#[test]
fn an_administrator_sees_every_connection_of_the_tenant_by_every_door() {
    let server = Server::start();
    let admin = server.admin();
    let (agent, customer) = (admin.new_user("agent"), admin.new_user("customer"));
    let bearer = format!("Bearer {}", agent.token());
    let long = format!("Phone/1 {}", "x".repeat(300));
    let headers = [("authorization", bearer.as_str()), ("user-agent", long.as_str())];
    let mut socket = Socket::try_open(&agent, "/ws?v=2", &headers).unwrap();
    let hello = socket.expect_frame("hello");
    let _stream = Stream::open(&customer, "", None);
    let (_line, _) = Line::come_in(&admin, &json!({ "token": admin.token() }));
    let rows = connections(&admin, 3);
    let by = |protocol: &str| rows.iter().find(|row| row["protocol"] == protocol).unwrap();
    let ws = by("websocket");
    assert_eq!(ws["id"], hello["payload"]["conn_id"]);
    assert_eq!((&ws["user_id"], &ws["name"]), (&agent.user["id"], &agent.user["name"]));
    assert_eq!((&ws["tenant_id"], &ws["role"]), (&agent.user["tenant_id"], &json!("agent")));
    assert_eq!((&ws["address"], &ws["seq"]), (&json!("127.0.0.1"), &Value::Null));
    assert_eq!(ws["user_agent"], long[..200]);
    let user = format!("user:{}", agent.id());
    assert_eq!(ws["rooms"], json!(["everyone", user, "tenant", "role:agent"]));
    assert_eq!(ws["mailbox"], json!({ "messages": 0, "bytes": 0 }));
    let sse = by("sse");
    assert_eq!(sse["user_agent"], Value::Null);
    assert_eq!(sse["rooms"], json!(["everyone", format!("user:{}", customer.id())]));
    assert_eq!(by("socket.io")["user_id"], admin.user["id"]);
    let said = say(&admin, "load.step");
    socket.expect_frame("load.step");
    let row = || page(&admin, &format!("?user_id={}", agent.id())).remove(0);
    assert_eq!(row()["seq"], said["seq"]);
    // A sign of life is one whatever it is, and silence is told.
    let seen = |row: &Value| row["last_seen"].as_str().unwrap().to_owned();
    let before = seen(&row());
    server.advance_ms(7_000);
    assert_eq!(seen(&row())[..19], before[..19], "silence is no sign of life");
    assert!(socket.all_until_now().is_empty());
    until("the sign of life is seen", || (seen(&row())[..19] > before[..19]).then_some(()));
}

#[test]
fn connections_come_in_pages_the_newest_first() {
    let server = Server::start();
    let admin = server.admin();
    let sockets: Vec<_> = (0..5).map(|_| Socket::open(&admin)).collect();
    let all: Vec<_> = connections(&admin, 5).iter().map(|row| row["id"].as_u64()).collect();
    assert!(all.is_sorted_by(|a, b| a > b), "{all:?}");
    let third = admin.get("/api/v1/ws/connections?page=3&per_page=2").expect(200);
    let meta = json!({ "page": 3, "per_page": 2, "total": 5, "total_pages": 3 });
    assert_eq!(third.meta(), meta);
    let rows = third.data();
    assert_eq!((rows[0]["id"].as_u64(), rows.as_array().unwrap().len()), (all[4], 1));
    assert!(page(&admin, "?page=4&per_page=2").is_empty());
    for (query, field) in [
        ("page=0", "page"),
        ("per_page=201", "per_page"),
        ("user_id=x", "user_id"),
        ("who=me", "who"),
    ] {
        admin.get(&format!("/api/v1/ws/connections?{query}")).names(&[field]);
    }
    drop(sockets);
}

#[test]
fn an_administrator_ends_a_connection_and_the_client_is_told_why() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let (mut first, mut second) = (Socket::open(&agent), Socket::open(&agent));
    let rows = connections(&admin, 2);
    assert_eq!(
        end(&admin, &rows[1]).expect(200).data(),
        json!({ "id": rows[1]["id"], "ended": true })
    );
    let (code, reason) = first.expect_close();
    let reason: Value = serde_json::from_str(&reason).unwrap();
    assert_eq!((code, &reason["c"]), (4013, &json!("ended_by_administrator")));
    assert_eq!(reason["reconnect"], false);
    end(&admin, &rows[1]).refused(404, "not_found");
    assert_eq!(connections(&admin, 1)[0]["id"], rows[0]["id"], "the other one stays");
    assert!(second.all_until_now().is_empty());
    // It is the connection that ended, not the sign-in.
    let _back = Socket::open(&agent);
    let (mut stream, (mut line, _)) =
        (Stream::open(&agent, "", None), Line::come_in(&agent, &json!({ "token": agent.token() })));
    for row in connections(&admin, 4).iter().filter(|row| row["protocol"] != "websocket") {
        end(&admin, row).expect(200);
    }
    assert_eq!(heard(&mut stream, "closed")["c"], "ended_by_administrator");
    assert!(line.rest().contains(&String::from("41")), "told to stay away");
}

#[test]
fn connections_of_another_tenant_are_not_there_but_for_the_system_administrator() {
    let server = Server::start();
    let system = server.admin();
    let (admin, abroad) = (system.new_user("admin"), system.new_tenant("Abroad").admin);
    let (mut here, mut there) = (Socket::open(&admin), Socket::open(&abroad));
    let rows = connections(&system, 2);
    assert_eq!(rows[0]["tenant_id"], abroad.user["tenant_id"]);
    for (asks, own, other) in [(&admin, &rows[1], &rows[0]), (&abroad, &rows[0], &rows[1])] {
        let seen = connections(asks, 1);
        assert_eq!(seen[0]["id"], own["id"]);
        let filtered = format!("?user_id={}", other["user_id"].as_str().unwrap());
        assert!(page(asks, &filtered).is_empty(), "{seen:?}");
        let refused = end(asks, other).refused(404, "not_found");
        let missing = asks.delete("/api/v1/ws/connections/1").refused(404, "not_found");
        assert_eq!(refused, missing, "it looks as if it were not there");
    }
    assert!(here.all_until_now().is_empty() && there.all_until_now().is_empty());
    end(&system, &rows[0]).expect(200);
    assert_eq!(there.expect_close().0, 4013);
}

#[test]
fn the_journey_of_an_event_tells_commit_sessions_and_every_attempt() {
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "50ms,100ms"));
    let admin = server.admin();
    let shaky = Receiver::answering(|n| Play::Status(if n == 0 { 500 } else { 204 }));
    let well = Receiver::start();
    let first = hook(&admin, &shaky.url("/"), &json!({}));
    let second = hook(&admin, &well.url("/"), &json!({}));
    let (mut one, mut two) = (Socket::open(&admin), Socket::open(&admin));
    let (_line, _) = Line::come_in(&admin, &json!({ "token": admin.token() }));
    let mut stream = Stream::open(&admin, "", None);
    heard(&mut stream, "hello");
    connections(&admin, 4);
    let said = say(&admin, "load.step");
    one.expect_frame("load.step");
    two.expect_frame("load.step");
    heard(&mut stream, "load.step");
    wait_for_logs(&admin, first, 2);
    wait_for_logs(&admin, second, 1);
    let told = journey(&admin, &said["seq"]);
    assert_eq!((&told["id"], &told["seq"]), (&said["id"], &said["seq"]));
    assert_eq!((&told["type"], &told["data_kept"]), (&json!("load.step"), &json!(true)));
    assert_eq!((&told["audience"], &told["room"]), (&json!("staff"), &json!("tenant")));
    let event = admin.get(&format!("/api/v1/events/{}", said["seq"])).data();
    assert_eq!(told["committed_at"], event["created_at"]);
    let sessions = json!({ "total": 4, "websocket": 2, "socket.io": 1, "sse": 1 });
    assert_eq!(told["sessions"], sessions);
    let sent = told["deliveries"].as_array().unwrap();
    assert_eq!((&sent[0]["webhook_id"], &sent[1]["webhook_id"]), (&json!(first), &json!(second)));
    for (delivery, attempts, statuses) in
        [(&sent[0], 2, json!([204, 500])), (&sent[1], 1, json!([200]))]
    {
        assert_eq!(
            (&delivery["state"], &delivery["attempt"]),
            (&json!("delivered"), &json!(attempts))
        );
        assert!(delivery["ended_at"].is_string() && delivery["next_attempt_at"].is_null());
        let tries = delivery["attempts"].as_array().unwrap();
        let column = |name: &str| tries.iter().map(|t| t[name].clone()).collect::<Value>();
        assert_eq!(column("http_status"), statuses);
        assert!(tries.iter().all(|t| t["created_at"].is_string()), "{tries:?}");
        assert!(tries[0].get("response_body").is_none(), "answers stand in the webhook's log");
    }
}

#[test]
fn what_is_not_known_of_a_journey_is_null_and_never_nought() {
    let server = Server::start();
    let admin = server.admin();
    let quiet = say(&admin, "load.step");
    let none = json!({ "total": 0, "websocket": 0, "socket.io": 0, "sse": 0 });
    until("the event was carried", || {
        (journey(&admin, &quiet["seq"])["sessions"] == none).then_some(())
    });
    assert_eq!(journey(&admin, &quiet["seq"])["deliveries"], json!([]));
    let server = server.restart();
    let admin = server.admin();
    let told = journey(&admin, &quiet["seq"]);
    assert_eq!((&told["sessions"], &told["id"]), (&Value::Null, &quiet["id"]));
}

#[test]
fn a_journey_is_told_of_events_for_one_person_but_not_what_they_say() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let event =
        json!({ "type": "order.paid", "data": { "word": "secret" }, "user_id": agent.id() });
    let said = admin.post("/api/v1/events", &event).expect(201).data();
    admin.get(&format!("/api/v1/events/{}", said["seq"])).refused(404, "not_found");
    let told = journey(&admin, &said["seq"]);
    assert_eq!(told["audience"], format!("user:{}", agent.id()));
    assert!(!told.to_string().contains("secret"), "{told}");
    let abroad = admin.new_tenant("Abroad").admin;
    abroad.get(&format!("/api/v1/events/{}/journey", said["seq"])).refused(404, "not_found");
    admin.get("/api/v1/events/999999/journey").refused(404, "not_found");
}
