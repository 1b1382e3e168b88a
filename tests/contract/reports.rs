//! Reports: what days were like, in the tenant's own days.

use crate::{
    harness::{Receiver, Server, Session},
    leaks_world::{id, make},
    wire::until,
};
use serde_json::{Value, json};

fn rows(who: &Session, report: &str) -> Vec<Value> {
    let data = who.get(&format!("/api/v1/reports/{report}")).expect(200).data();
    data["rows"].as_array().unwrap().clone()
}

fn call(who: &Session, from: &str, queue: &str) -> String {
    let new = json!({ "direction": "inbound", "from_number": from, "queue": queue });
    format!("/api/v1/calls/{}", id(&make(who, "/calls", new)))
}

fn step(who: &Session, call: &str, step: &str) {
    who.post(&format!("{call}/{step}"), &json!({})).expect(200);
}

const HOUR: i64 = 3_600_000;

#[test]
fn agents_time_is_cut_at_midnights_and_adds_up_to_days() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    admin.patch("/api/v1/board/settings", &json!({ "timezone": "Europe/Berlin" })).expect(200);
    agent.post("/api/v1/agent-state/me", &json!({ "state": "available" })).expect(200);
    // Tokens do not live that long; the clock is ours.
    server.advance_ms(50 * HOUR);
    let admin = server.admin();
    let data = admin.get(&format!("/api/v1/reports/agent-time?agent={}", agent.id()));
    let data = data.expect(200).data();
    assert_eq!(data["timezone"], "Europe/Berlin");
    assert_eq!(data["columns"][0], "date");
    let rows = data["rows"].as_array().unwrap();
    assert!((3..=4).contains(&rows.len()), "{rows:#?}");
    let sum = |row: &Value| -> i64 {
        let states = ["available", "on_call", "wrap_up", "busy", "away", "offline"];
        states.iter().map(|state| row[format!("{state}_ms")].as_i64().unwrap()).sum()
    };
    let whole = &rows[rows.len() - 2];
    assert!([23, 24, 25].contains(&(sum(whole) / HOUR)) && sum(whole) % HOUR == 0, "{whole}");
    assert_eq!(whole["available_ms"].as_i64(), Some(sum(whole)));
    let available: i64 = rows.iter().map(|row| row["available_ms"].as_i64().unwrap()).sum();
    assert!((50 * HOUR..51 * HOUR).contains(&available), "{available}");
    assert_eq!(whole["agent"], agent.user["name"]);
}

#[test]
fn calls_are_listed_with_what_nobody_returned_and_queues_with_their_level() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let taken = call(&agent, "+49 30 111111", "hardware");
    step(&agent, &taken, "answer");
    server.advance_ms(60_000);
    step(&agent, &taken, "end");
    for from in ["+49 30 222222", "+49 30 333333"] {
        let lost = call(&agent, from, "hardware");
        server.advance_ms(30_000);
        step(&agent, &lost, "end");
    }
    let slow = call(&agent, "030 222222", "billing");
    server.advance_ms(30_000);
    step(&agent, &slow, "answer");
    step(&agent, &slow, "end");

    let log = rows(&admin, "calls");
    let told: Vec<_> = log.iter().map(|call| (&call["result"], &call["not_returned"])).collect();
    let (answered, abandoned) = (json!("answered"), json!("abandoned"));
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(
        told,
        [(&answered, &no), (&abandoned, &no), (&abandoned, &yes), (&answered, &no)],
        "the second called again, and somebody spoke with them"
    );
    assert_eq!((&log[0]["agent"], &log[0]["queue"]), (&agent.user["name"], &json!("hardware")));
    assert_eq!(rows(&admin, "calls?queue=billing").len(), 1);
    assert_eq!(rows(&admin, "calls?from=2020-01-01&to=2020-01-31"), Vec::<Value>::new());

    let level = rows(&admin, "service-level");
    let of = |queue: &str| level.iter().find(|row| row["queue"] == queue).cloned().unwrap();
    let (hardware, billing) = (of("hardware"), of("billing"));
    let number = |row: &Value, name: &str| row[name].as_i64().unwrap();
    assert_eq!((number(&hardware, "offered"), number(&hardware, "abandoned")), (3, 2));
    assert_eq!((&hardware["service_level"], &billing["service_level"]), (&json!(1.0), &json!(0.0)));
    assert!((30_000..60_000).contains(&number(&billing, "avg_wait_ms")));
    let hours = rows(&admin, "service-level?by=hour&queue=hardware");
    assert!(hours.iter().all(|row| row["hour"].is_i64()), "{hours:?}");

    let team = make(&admin, "/teams", json!({ "name": "Money", "queue_names": ["billing"] }));
    let theirs = rows(&admin, &format!("service-level?team={}", id(&team)));
    assert_eq!((theirs.len(), &theirs[0]["queue"]), (1, &json!("billing")));
}

#[test]
fn tickets_come_and_go_and_what_is_left_is_the_backlog() {
    let server = Server::start();
    let admin = server.admin();
    let customer = admin.new_user("customer");
    let make_one = |subject: &str, priority: &str| {
        let new = json!({ "subject": subject, "priority": priority,
            "requester_id": customer.id() });
        format!("/api/v1/tickets/{}", id(&make(&admin, "/tickets", new)))
    };
    let (first, _second) = (make_one("Printer", "high"), make_one("Phone", "low"));
    server.advance_ms(600_000);
    admin.post(&format!("{first}/comments"), &json!({ "body": "On it." })).expect(201);
    server.advance_ms(600_000);
    admin.patch(&first, &json!({ "status": "resolved" })).expect(200);
    let days = rows(&admin, "tickets");
    let sum = |name: &str| days.iter().map(|day| day[name].as_i64().unwrap()).sum::<i64>();
    assert_eq!((sum("created"), sum("resolved")), (2, 1));
    let today = days.last().unwrap();
    assert_eq!((&today["backlog"], days.len()), (&json!(1), 7));
    let by = rows(&admin, "tickets?by=priority");
    let high = by.iter().find(|row| row["group"] == "high").unwrap();
    let between = |name: &str, from: i64| {
        let ms = high[name].as_i64().unwrap();
        assert!((from..from + 60_000).contains(&ms), "{name}: {ms}");
    };
    between("first_response_median_ms", 600_000);
    between("resolution_p90_ms", 1_200_000);
    assert_eq!(by.iter().find(|row| row["group"] == "low").unwrap()["resolved"], 0);
    assert_eq!(rows(&admin, "tickets?by=assignee")[0]["group"], json!(null));
}

#[test]
fn webhooks_are_counted_by_the_day() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    let hook = json!({ "name": "Ledger", "url": receiver.url("/"), "events": ["order.paid"] });
    admin.post("/api/v1/webhooks", &hook).expect(201);
    for _ in 0..3 {
        admin.post("/api/v1/events", &json!({ "type": "order.paid", "data": {} })).expect(201);
    }
    receiver.wait_for(3);
    let row = until("all three are settled", || {
        let delivered = rows(&admin, "webhooks");
        delivered.into_iter().find(|row| row["delivered"] == 3)
    });
    assert_eq!((&row["webhook"], &row["success"]), (&json!("Ledger"), &json!(1.0)));
    assert!(row["p50_ms"].is_i64() && row["p95_ms"].as_i64() >= row["p50_ms"].as_i64(), "{row}");
}

#[test]
fn reports_are_for_supervisors_of_the_tenant_and_bounded() {
    let server = Server::start();
    let admin = server.admin();
    let supervisor = admin.new_user("supervisor");
    let agent = admin.new_user("agent");
    let stranger = admin.new_tenant("Elsewhere").admin;
    call(&agent, "+49 30 111111", "zzhardware");
    agent.get("/api/v1/reports/calls").refused(403, "forbidden");
    let file = supervisor.get("/api/v1/reports/calls.csv").expect(200);
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = file.text();
    assert!(text.starts_with("date,started_at,call_id,") && text.contains("zzhardware"), "{text}");
    // A number is no formula.
    assert!(text.contains("\"'+49 30 111111\""), "{text}");
    for name in ["agent-time", "calls", "service-level", "tickets", "webhooks"] {
        let theirs = stranger.get(&format!("/api/v1/reports/{name}")).expect(200).text();
        assert!(!theirs.contains("zzhardware") && !theirs.contains(agent.id()), "{theirs}");
        let at = |query: &str| supervisor.get(&format!("/api/v1/reports/{name}?{query}"));
        at("from=2024-01-01&to=2025-01-01").names(&["to"]);
        at("from=2026-02-02&to=2026-02-01").names(&["to"]);
        at("from=x&to=2026-02-30").names(&["from", "to"]);
        at("from=2024-01-01&to=2024-12-31").expect(200);
        at("colour=red").refused(422, "invalid");
    }
    supervisor.get("/api/v1/reports/calls?by=team").names(&["by"]);
    supervisor.get("/api/v1/reports/nothing").refused(404, "not_found");
    admin.new_token(&["reports:read"]).get("/api/v1/reports/tickets").expect(200);
}
