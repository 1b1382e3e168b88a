//! `GET /sync`: a snapshot and the place in the log it stands at.

use crate::harness::Server;
use serde_json::{Value, json};
use std::thread;

fn numbers(list: &Value) -> Vec<i64> {
    let mut numbers: Vec<i64> =
        list.as_array().unwrap().iter().map(|row| row["number"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

/// Whatever is written meanwhile: what is in the snapshot and what is told after its `seq` are
/// everything, and nothing is in both.
#[test]
fn a_snapshot_and_the_events_after_its_seq_are_everything_once() {
    let server = Server::start();
    let admin = server.admin();
    let writer = {
        let admin = admin.clone();
        thread::spawn(move || {
            for number in 0..60 {
                let ticket = json!({ "subject": format!("Ticket {number}") });
                admin.post("/api/v1/tickets", &ticket).expect(201);
            }
        })
    };
    let mut snapshots = Vec::new();
    while !writer.is_finished() {
        snapshots.push(admin.get("/api/v1/sync?include=tickets").expect(200).data());
    }
    writer.join().unwrap();
    assert!(snapshots.len() > 3, "too few were taken: {}", snapshots.len());
    for snapshot in snapshots {
        let after =
            format!("/api/v1/events?after={}&type=ticket.created&limit=500", snapshot["seq"]);
        let told = admin.get(&after).expect(200).data();
        let told: Value = told.as_array().unwrap().iter().map(|e| e["data"].clone()).collect();
        let all = [numbers(&snapshot["tickets"]["items"]), numbers(&told)].concat();
        assert_eq!(all, (1..=60).collect::<Vec<_>>(), "{}", snapshot["seq"]);
    }
}

#[test]
fn a_customer_gets_what_is_theirs_and_staff_get_the_board() {
    let server = Server::start();
    let admin = server.admin();
    let (dora, emil) = (admin.new_user("customer"), admin.new_user("customer"));
    dora.post("/api/v1/tickets", &json!({ "subject": "Mine" })).expect(201);
    let ours = admin.get("/api/v1/sync").expect(200).data();
    assert_eq!(numbers(&ours["tickets"]["items"]), [1]);
    assert_eq!(ours["tickets"]["more"], false);
    assert!(ours["agents"]["items"].as_array().is_some_and(|all| !all.is_empty()));
    assert_eq!(ours["notifications"]["unread_count"], 1, "the customer's ticket was told");
    let mine = dora.get("/api/v1/sync").expect(200).data();
    assert_eq!(numbers(&mine["tickets"]["items"]), [1]);
    assert!(mine["tickets"]["items"][0].get("last_activity_at").is_none());
    assert!(mine.get("agents").is_none());
    let other = emil.get("/api/v1/sync").expect(200).data();
    assert_eq!(other["tickets"], json!({ "items": [], "more": false }));
    let wrong = admin.get("/api/v1/sync?include=tickets,secrets").expect(422).text();
    assert!(wrong.contains("tickets, notifications, agents"), "{wrong}");
}
