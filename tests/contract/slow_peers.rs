//! Peers that read slowly, or not at all, on every door: they lose nothing but their connection,
//! and nobody else loses anything.

use crate::{
    harness::{ON_POLLING, Server, Session, Socket, Stream, poll_path},
    wire::{Wire, until},
    ws_bounds::{clients, flood},
};
use serde_json::{Value, json};

/// More than a mailbox holds, in one transaction; answers the last `seq`.
fn burst(session: &Session) -> i64 {
    let event = json!({ "type": "load.step", "data": { "text": "x".repeat(10_350) } });
    let batch = json!({ "events": vec![event; 100] });
    let said = session.post("/api/v1/events/batch", &batch).expect(201).data();
    said[99]["seq"].as_i64().expect("a seq")
}

#[test]
fn a_stream_on_which_nothing_happened_for_long_takes_a_burst() {
    let server = Server::start();
    let admin = server.admin();
    let mut stream = Stream::open(&admin, "", None);
    assert_eq!(stream.next().event, "hello");
    for _ in 0..3 {
        server.advance_ms(7_000);
        let last = burst(&admin);
        for seq in last - 99..=last {
            let message = stream.next();
            assert_eq!((message.event.as_str(), &message.data["seq"]), ("load.step", &json!(seq)));
        }
    }
}

/// A session on polling that has come in; where it polls.
fn polling(who: &Session) -> String {
    let path = poll_path(&who.get(ON_POLLING));
    let auth = json!({ "token": who.token() });
    assert_eq!(who.request("POST", &path).body(format!("40{auth}")).send().text(), "ok");
    assert!(who.get(&path).expect(200).text().starts_with("40"));
    path
}

/// The `seq` of every event in a payload.
fn seqs(payload: &str) -> Vec<i64> {
    let events = payload.split('\x1e').filter_map(|packet| packet.strip_prefix("42"));
    let seq =
        |event: &str| serde_json::from_str::<Value>(event).expect("an event")[1]["seq"].as_i64();
    events.map(|event| seq(event).expect("a seq")).collect()
}

#[test]
fn a_session_on_polling_takes_a_burst_between_two_polls() {
    let server = Server::start();
    let admin = server.admin();
    let path = polling(&admin);
    for _ in 0..2 {
        server.advance_ms(7_000);
        let last = burst(&admin);
        let mut heard = Vec::new();
        while heard.last() != Some(&last) {
            heard.extend(seqs(&admin.get(&path).expect(200).text()));
        }
        assert_eq!(heard, (last - 99..=last).collect::<Vec<_>>());
    }
}

/// Thirty-two pages of the log are read for replays at a time. Whoever takes theirs slowly must not
/// keep a place while they do.
#[test]
fn clients_that_resume_and_do_not_read_keep_nobody_else_from_resuming() {
    let server = Server::start();
    let admin = server.admin();
    let others = [admin.new_user("agent"), admin.new_user("agent")];
    flood(&admin, 2);
    let stalled: Vec<_> = (0..40).map(|n| Wire::narrow(&others[n % 2], "/ws?since=0")).collect();
    until("all have come", || (clients(&admin) == 40).then_some(()));
    let mut socket = Socket::open_at(&admin, "/ws?since=0");
    let resumed = socket.expect_frame("resumed");
    assert_eq!(resumed["payload"]["seq"], admin.latest_seq());
    drop(stalled);
}
