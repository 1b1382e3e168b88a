//! The harness itself: a server, its clock, people, a socket and a receiver work together.

use crate::harness::{Receiver, Server, Socket};
use serde_json::json;

#[test]
fn an_event_reaches_a_socket_and_a_webhook_and_outlives_a_restart() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    let hook = json!({ "name": "all", "url": receiver.url("/hook"), "events": ["*"] });
    admin.post("/api/v1/webhooks", &hook).expect(201);
    let mut socket = Socket::open(&admin);
    assert!(socket.all_until_now().is_empty(), "nothing is sent unasked");
    let event = json!({ "type": "order.paid", "data": { "total": 7 } });
    let said = admin.post("/api/v1/events", &event).expect(201).data();
    let frame = socket.expect_frame("order.paid");
    assert_eq!((&frame["seq"], &frame["id"]), (&said["seq"], &said["id"]));
    let received = receiver.wait_for(1);
    assert_eq!(received[0].header("webhook-id"), said["id"].as_str());
    assert_eq!(received[0].json()["data"], event["data"]);
    socket.close();
    let server = server.restart();
    let admin = server.admin();
    assert_eq!(admin.latest_seq(), said["seq"]);
    let server = server.kill9().start();
    assert_eq!(server.admin().latest_seq(), said["seq"]);
}

#[test]
fn the_clock_of_a_server_can_be_moved() {
    let server = Server::start();
    let admin = server.admin();
    server.advance_ms(11 * 3_600_000);
    admin.get("/api/v1/auth/me").expect(200);
    server.advance_ms(3_600_000);
    admin.get("/api/v1/auth/me").refused(401, "unauthorized");
}

#[test]
fn the_demo_signs_its_administrator_in() {
    let server = Server::demo();
    let login = json!({ "email": "admin@example.com", "password": "password" });
    let data = server.api().post("/api/v1/auth/login", &login).expect(200).data();
    assert_eq!(data["user"]["role"], "admin");
}
