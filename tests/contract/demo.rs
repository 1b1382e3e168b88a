//! `deskbell demo`: a desk that is full from the first page on and moves by itself.

use crate::{
    harness::{Server, Session, Setup, Socket},
    wire::until,
};
use serde_json::{Value, json};
use std::path::PathBuf;

fn signed_in(server: &Server, email: &str) -> Session {
    Session::login(&server.api(), email, "password")
}

fn total(who: &Session, path: &str) -> i64 {
    who.get(path).meta()["total"].as_i64().expect("a number")
}

#[test]
fn the_demo_begins_with_a_full_desk_and_few_unread_notifications() {
    let server = Server::demo();
    let admin = signed_in(&server, "admin@example.com");
    assert!(total(&admin, "/api/v1/tickets") >= 40);
    for status in ["resolved", "closed", "in_progress,open,pending"] {
        assert!(total(&admin, &format!("/api/v1/tickets?status={status}")) >= 3, "{status}");
    }
    assert!(total(&admin, "/api/v1/kb/articles") >= 10);
    for path in ["kb/categories", "teams", "macros", "views", "sla-policies", "calendars"] {
        let all = admin.get(&format!("/api/v1/{path}")).data();
        assert!(!all.as_array().unwrap().is_empty(), "{path}");
    }
    let unread = admin.get("/api/v1/notifications/unread-count").data()["unread_count"].as_i64();
    assert!((1..=10).contains(&unread.unwrap()), "{unread:?}");
    let hooks = admin.get("/api/v1/webhooks").data();
    let numbers: Vec<&Value> = hooks.as_array().unwrap().iter().map(|hook| &hook["id"]).collect();
    assert_eq!(numbers, [101, 102]);
    let found = admin.get("/api/v1/search?q=descaling").data();
    assert!(found.to_string().contains("Descaling"), "{found}");
    // Customers have a desk of their own, with nothing of the others on it.
    let dora = signed_in(&server, "dora@customer.example");
    let own = dora.get("/api/v1/tickets?per_page=200").data();
    assert!(own.as_array().unwrap().iter().all(|ticket| ticket["requester_id"] == dora.id()));
}

#[test]
fn the_demo_moves_by_itself_and_its_webhooks_are_delivered_well_and_badly() {
    let server = Server::demo();
    let admin = signed_in(&server, "admin@example.com");
    let mut socket = Socket::open(&admin);
    let mut moved = || loop {
        let event = socket.next();
        if event["type"].as_str().unwrap().starts_with("ticket.") {
            return event;
        }
    };
    let first = moved();
    assert!(first["payload"]["subject"].is_string(), "{first}");
    let again = (0..20).map(|_| moved()).find(|event| event["ts"] != first["ts"]);
    assert!(again.is_some(), "it moved once and then stood still");
    // Said by hand, because the story takes its time.
    for _ in 0..2 {
        let new = json!({ "subject": "A question" });
        let ticket = admin.post("/api/v1/tickets", &new).expect(201).data();
        let comments = format!("/api/v1/tickets/{}/comments", ticket["id"].as_str().unwrap());
        admin.post(&comments, &json!({ "body": "Hello" })).expect(201);
    }
    let statuses = |hook: u32| {
        let log = admin.get(&format!("/api/v1/webhooks/{hook}/logs")).data();
        let log = log.as_array().unwrap().clone();
        log.into_iter().filter_map(|row| row["http_status"].as_i64()).collect::<Vec<_>>()
    };
    until("a good delivery to the one", || statuses(101).contains(&200).then_some(()));
    assert!(statuses(101).iter().all(|status| *status == 200));
    until("a bad and a good one to the other", || {
        let seen = statuses(102);
        (seen.contains(&503) && seen.contains(&200)).then_some(())
    });
}

#[test]
fn a_killed_demo_is_cleaned_up_by_the_next_one_and_a_stopped_one_leaves_nothing() {
    let setup = Setup::demo();
    let root = setup.root().to_owned();
    let server = setup.env("TMPDIR", root.to_str().unwrap()).start();
    let left = || -> Vec<PathBuf> {
        let all = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path());
        all.filter(|path| path.to_string_lossy().contains("deskbell-demo-")).collect()
    };
    let killed = left();
    assert_eq!(killed.len(), 1, "{killed:?}");
    let server = server.kill9().start();
    until("the killed one's folder is gone", || (!killed[0].exists()).then_some(()));
    assert_eq!(left().len(), 1, "the running one's is there");
    let (_setup, ended) = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(left(), Vec::<PathBuf>::new());
}

/// Milliseconds since the Unix epoch.
fn ms(at: &Value) -> i64 {
    let at: jiff::Timestamp = at.as_str().expect("a time").parse().expect("RFC 3339");
    at.as_millisecond()
}

#[test]
fn the_demos_floor_has_a_week_behind_it_whose_times_add_up_and_goes_on() {
    let server = Server::demo();
    let admin = signed_in(&server, "admin@example.com");
    let before = admin.latest_seq();
    for result in ["answered", "abandoned", "missed", "no_answer"] {
        assert!(total(&admin, &format!("/api/v1/calls?result={result}")) >= 3, "{result}");
    }
    assert_eq!(total(&admin, "/api/v1/calls?result=unknown"), 0);
    let calls = admin.get("/api/v1/calls?state=ended&per_page=200").data();
    let calls = calls.as_array().unwrap();
    assert!(calls.len() >= 100, "{}", calls.len());
    for call in calls {
        let part = |name: &str| call[name].as_i64().unwrap_or(0);
        let whole = ms(&call["ended_at"]) - ms(&call["started_at"]);
        assert_eq!(part("wait_ms") + part("talk_ms") + part("hold_ms"), whole, "{call}");
    }
    let first = ms(&calls.last().unwrap()["started_at"]);
    let agents = admin.get("/api/v1/agent-state").data();
    let working = agents.as_array().unwrap().iter().filter(|agent| agent["state"] != "offline");
    assert!(working.count() >= 10, "{agents}");
    for agent in agents.as_array().unwrap() {
        let path =
            format!("/api/v1/agent-state/{}/history?limit=500", agent["user_id"].as_str().unwrap());
        let intervals = admin.get(&path).data();
        for pair in intervals.as_array().unwrap().windows(2) {
            assert_eq!(pair[0]["started_at"], pair[1]["ended_at"], "the newest come first");
        }
        let begun = intervals.as_array().unwrap().last().map(|first| ms(&first["started_at"]));
        assert!(begun.is_none_or(|begun| begun < first), "{agent}");
    }
    let queues = "/api/v1/calls?queue=orders,repairs,billing&per_page=1";
    assert!(total(&admin, queues) >= 100);
    until("somebody answers a call, and another one comes in", || {
        let path = format!("/api/v1/events?after={before}&type=call.*&limit=500");
        let said = admin.get(&path).data();
        let kinds: Vec<_> = said.as_array().unwrap().iter().map(|event| &event["type"]).collect();
        let said = |kind: &str| kinds.iter().any(|said| *said == kind);
        (said("call.incoming") && said("call.answered")).then_some(())
    });
}

#[test]
fn the_demos_customers_chat_with_agents_who_answer() {
    let server = Setup::demo().arg("--speed").arg("10").start();
    let admin = signed_in(&server, "admin@example.com");
    assert!(total(&admin, "/api/v1/chats?status=closed") >= 5);
    let begun = until("a chat begins while it runs", || {
        let chats = admin.get("/api/v1/chats?status=open,pending").data();
        chats.as_array().unwrap().first().cloned()
    });
    assert!(begun["customer_id"].is_string() && begun["name"].is_string(), "{begun}");
    let messages = format!("/api/v1/chats/{}/messages", begun["id"].as_str().unwrap());
    until("an agent answers", || {
        let said = admin.get(&messages).data();
        let said = said.as_array().unwrap();
        said.iter().any(|message| message["author_kind"] == "staff").then_some(())
    });
}
