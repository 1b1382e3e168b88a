//! What cannot be done with a call: each is answered with the right status and the field or the
//! code, and leaves the call, its agents and the log as they were.

use crate::{
    harness::{Server, Session},
    leaks_world::{id, make},
};
use serde_json::{Value, json};

struct Floor {
    admin: Session,
    /// Named in the cases with braces.
    ids: Vec<(&'static str, String)>,
}

impl Floor {
    fn new(server: &Server) -> Self {
        let admin = server.admin();
        let [customer, ann, ben] = ["customer", "agent", "agent"].map(|role| admin.new_user(role));
        let gone = admin.hire("agent");
        admin.delete(&format!("/api/v1/users/{}", id(&gone))).expect(200);
        let enter = |external: &str| {
            let new = json!({ "direction": "inbound", "from_number": "030 1", "queue": "a",
                "external_id": external });
            id(&make(&admin, "/calls", new))
        };
        let [waiting, talking, held, over] = ["w", "t", "h", "o"].map(enter);
        let step = |call: &str, step: &str| {
            let body = json!({});
            ann.post(&format!("/api/v1/calls/{call}/{step}"), &body).expect(200);
        };
        for call in [&talking, &held, &over] {
            step(call, "answer");
        }
        step(&held, "hold");
        step(&over, "end");
        let out = json!({ "direction": "outbound", "to_number": "030 2", "external_id": "out" });
        let out = id(&make(&ann, "/calls", out));
        let theirs = admin.new_tenant("Elsewhere").admin;
        let new = json!({ "direction": "inbound", "from_number": "030 1" });
        let elsewhere = id(&make(&theirs, "/calls", new));
        let new = json!({ "subject": "x", "description": "x" });
        let ticket = id(&make(&theirs, "/tickets", new));
        let ids = vec![
            ("{waiting}", waiting),
            ("{talking}", talking),
            ("{held}", held),
            ("{over}", over),
            ("{out}", out),
            ("{elsewhere}", elsewhere),
            ("{their ticket}", ticket),
            ("{customer}", customer.id().to_owned()),
            ("{ann}", ann.id().to_owned()),
            ("{ben}", ben.id().to_owned()),
            ("{gone}", id(&gone)),
            ("{stranger}", theirs.id().to_owned()),
            ("{none}", String::from("0192a5a0-0000-7000-8000-00000000000f")),
        ];
        Self { admin, ids }
    }

    fn fill(&self, text: &str) -> String {
        self.ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
    }
}

/// What is asked, what is sent, and the status with the code of a conflict or the fields named.
type Case = (&'static str, Value, u16, &'static [&'static str]);

fn new(more: Value) -> Value {
    let mut new = json!({ "direction": "inbound", "from_number": "030 1" });
    new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    new
}

fn bad_input() -> Vec<Case> {
    let long = "x".repeat(129);
    let out = |more: Value| {
        let mut out = new(more);
        out["direction"] = json!("outbound");
        out
    };
    vec![
        ("POST /calls", json!({}), 422, &["direction"]),
        ("POST /calls", json!({ "direction": "inbound" }), 422, &["from_number"]),
        ("POST /calls", json!({ "direction": "outbound" }), 422, &["to_number"]),
        ("POST /calls", new(json!({ "direction": "up" })), 422, &["direction"]),
        ("POST /calls", new(json!({ "from_number": 7 })), 422, &["from_number"]),
        (
            "POST /calls",
            new(json!({ "from_name": long, "queue": long })),
            422,
            &["from_name", "queue"],
        ),
        ("POST /calls", new(json!({ "from_name": "a\nb" })), 422, &["from_name"]),
        ("POST /calls", new(json!({ "agent_id": "{ann}" })), 422, &["agent_id"]),
        ("POST /calls", new(json!({ "status": "ended" })), 422, &["status"]),
        (
            "POST /calls",
            out(json!({ "to_number": "1", "agent_id": "{customer}" })),
            422,
            &["agent_id"],
        ),
        (
            "POST /calls",
            out(json!({ "to_number": "1", "agent_id": "{stranger}" })),
            422,
            &["agent_id"],
        ),
        ("POST /calls", out(json!({ "to_number": "1", "queue": "a" })), 422, &["queue"]),
    ]
}

fn bad_steps() -> Vec<Case> {
    let long = "x".repeat(129);
    vec![
        ("POST /calls/{waiting}/ring", json!({ "agent_id": "{none}" }), 422, &["agent_id"]),
        ("POST /calls/{waiting}/ring", json!({ "agent_id": "{gone}" }), 422, &["agent_id"]),
        ("POST /calls/{waiting}/ring", json!({ "agent_id": "x" }), 422, &["agent_id"]),
        ("POST /calls/{waiting}/answer", json!({ "agent_id": "{customer}" }), 422, &["agent_id"]),
        ("POST /calls/{waiting}/answer", json!({ "agent_id": "{stranger}" }), 422, &["agent_id"]),
        ("POST /calls/{waiting}/answer", json!({ "colour": 1 }), 422, &["colour"]),
        ("POST /calls/{talking}/transfer", json!({}), 422, &["to_agent_id"]),
        (
            "POST /calls/{talking}/transfer",
            json!({ "to_agent_id": "{none}" }),
            422,
            &["to_agent_id"],
        ),
        (
            "POST /calls/{talking}/transfer",
            json!({ "to_agent_id": "{ann}" }),
            422,
            &["to_agent_id"],
        ),
        (
            "POST /calls/{talking}/transfer",
            json!({ "to_queue": "a", "to_number": "1" }),
            422,
            &["to_agent_id"],
        ),
        ("POST /calls/{talking}/transfer", json!({ "to_queue": long }), 422, &["to_queue"]),
        ("POST /calls/{talking}/end", json!({ "result": long }), 422, &["result"]),
        (
            "POST /calls/{over}/wrapup",
            json!({ "note": "x".repeat((16 << 10) + 1) }),
            422,
            &["note"],
        ),
        ("POST /calls/{over}/wrapup", json!({ "disposition": "a\tb" }), 422, &["disposition"]),
        (
            "POST /calls/{over}/ticket",
            json!({ "ticket_id": "{their ticket}" }),
            422,
            &["ticket_id"],
        ),
        ("POST /calls/{over}/ticket", json!({ "ticket_id": "{none}" }), 422, &["ticket_id"]),
        (
            "POST /calls/{over}/ticket",
            json!({ "ticket_id": "{none}", "subject": "x" }),
            422,
            &["ticket_id"],
        ),
        ("POST /calls/{over}/ticket", json!({ "subject": "" }), 422, &["subject"]),
        ("POST /calls/{over}/ticket", json!({ "priority": "huge" }), 422, &["priority"]),
        ("GET /calls?state=asleep", json!({}), 422, &["state"]),
        ("GET /calls?agent=x&direction=up", json!({}), 422, &["agent", "direction"]),
        ("GET /calls?from=yesterday&q=ab", json!({}), 422, &["from", "q"]),
        ("GET /calls?ticket=x", json!({}), 422, &["ticket"]),
        ("GET /calls?colour=1", json!({}), 422, &["colour"]),
        ("GET /calls?per_page=201", json!({}), 422, &["per_page"]),
        ("GET /calls.csv?returned=perhaps", json!({}), 422, &["returned"]),
    ]
}

fn impossible() -> Vec<Case> {
    let none = || json!({});
    let ben = || json!({ "agent_id": "{ben}" });
    vec![
        ("POST /calls/{waiting}/hold", none(), 409, &["call_not_answered"]),
        ("POST /calls/{waiting}/resume", none(), 409, &["call_not_answered"]),
        (
            "POST /calls/{waiting}/transfer",
            json!({ "to_agent_id": "{ben}" }),
            409,
            &["call_not_answered"],
        ),
        (
            "POST /calls/{waiting}/transfer",
            json!({ "to_number": "1" }),
            409,
            &["call_not_answered"],
        ),
        ("POST /calls/{waiting}/wrapup", none(), 409, &["call_not_over"]),
        ("POST /calls/{talking}/ring", ben(), 409, &["call_answered"]),
        ("POST /calls/{talking}/answer", ben(), 409, &["call_answered"]),
        ("POST /calls/{held}/answer", ben(), 409, &["call_answered"]),
        ("POST /calls/{talking}/wrapup", none(), 409, &["call_not_over"]),
        ("POST /calls/{talking}/hold", json!({ "version": 1 }), 409, &["version_conflict"]),
        ("POST /calls/{over}/ring", ben(), 409, &["call_ended"]),
        ("POST /calls/{over}/answer", ben(), 409, &["call_ended"]),
        ("POST /calls/{over}/hold", none(), 409, &["call_ended"]),
        ("POST /calls/{over}/resume", none(), 409, &["call_ended"]),
        ("POST /calls/{over}/transfer", json!({ "to_queue": "b" }), 409, &["call_ended"]),
        ("POST /calls/{out}/ring", ben(), 409, &["call_outbound"]),
        ("POST /calls/{out}/transfer", json!({ "to_queue": "b" }), 409, &["call_not_answered"]),
        (
            "POST /calls",
            json!({ "direction": "inbound", "external_id": "out" }),
            409,
            &["call_direction"],
        ),
        ("GET /calls/{elsewhere}", none(), 404, &[]),
        ("POST /calls/{elsewhere}/answer", ben(), 404, &[]),
        ("POST /calls/{elsewhere}/end", none(), 404, &[]),
        ("POST /calls/{elsewhere}/ticket", none(), 404, &[]),
        ("GET /calls/{none}", none(), 404, &[]),
        ("GET /calls/x", none(), 404, &[]),
        ("POST /calls/{none}/hold", none(), 404, &[]),
    ]
}

#[test]
fn what_cannot_be_is_refused_by_name_and_changes_nothing() {
    let server = Server::start();
    let floor = Floor::new(&server);
    let admin = &floor.admin;
    let world = || {
        let all = ["/api/v1/calls?per_page=200", "/api/v1/agent-state"];
        all.map(|path| admin.get(path).expect(200).data())
    };
    let before = (admin.latest_seq(), world());
    for (what, body, status, names) in [bad_input(), bad_steps(), impossible()].concat() {
        let (method, path) = what.split_once(' ').unwrap();
        let request = admin.request(method, &format!("/api/v1{}", floor.fill(path)));
        let answer = match method {
            "GET" => request.send(),
            _ => {
                request.json(&serde_json::from_str(&floor.fill(&body.to_string())).unwrap()).send()
            }
        };
        let text: String = answer.text().chars().take(600).collect();
        assert_eq!(answer.status, status, "{what} {text}");
        let error = answer.error();
        match status {
            422 => {
                let mut named: Vec<_> = error["fields"].as_object().unwrap().keys().collect();
                named.sort_unstable();
                assert_eq!(named, names, "{what} {text}");
            }
            409 => assert_eq!(error["code"], names[0], "{what} {text}"),
            _ => {}
        }
    }
    assert_eq!(admin.latest_seq(), before.0);
    assert_eq!(world(), before.1);
}

#[test]
fn what_holds_already_is_no_error_and_no_news() {
    let server = Server::start();
    let floor = Floor::new(&server);
    let admin = &floor.admin;
    let before = admin.latest_seq();
    for (path, body) in [
        ("/calls/{talking}/answer", json!({ "agent_id": "{ann}" })),
        ("/calls/{talking}/resume", json!({})),
        ("/calls/{held}/hold", json!({})),
        ("/calls/{over}/end", json!({ "result": "else" })),
        ("/calls/{waiting}/transfer", json!({ "to_queue": "a" })),
    ] {
        let body = serde_json::from_str(&floor.fill(&body.to_string())).unwrap();
        admin.post(&format!("/api/v1{}", floor.fill(path)), &body).expect(200);
    }
    assert_eq!(admin.latest_seq(), before);
    let program = admin.new_token(&["calls:write"]);
    let path = floor.fill("/api/v1/calls/{waiting}/answer");
    program.post(&path, &json!({})).expect(422).names(&["agent_id"]);
    let reader = admin.new_token(&["calls:read"]);
    reader.get("/api/v1/calls").expect(200);
    assert_eq!(reader.post(&path, &json!({})).status, 403);
    assert_eq!(program.get("/api/v1/calls").status, 403);
}

#[test]
fn only_who_had_a_call_or_a_supervisor_writes_it_up() {
    let server = Server::start();
    let floor = Floor::new(&server);
    let other = floor.admin.new_user("agent");
    let path = floor.fill("/api/v1/calls/{over}/wrapup");
    assert_eq!(other.post(&path, &json!({ "note": "mine" })).status, 403);
    let supervisor = floor.admin.new_user("supervisor");
    let done = supervisor.post(&path, &json!({ "note": "for her" })).expect(200).data();
    assert_eq!(done["note"], "for her");
    // What nobody answered, anybody may write up.
    let waiting = floor.fill("/api/v1/calls/{waiting}");
    other.post(&format!("{waiting}/end"), &json!({})).expect(200);
    let wrap = json!({ "disposition": "called back" });
    let done = other.post(&format!("{waiting}/wrapup"), &wrap).expect(200).data();
    assert_eq!(done["disposition"], "called back");
}
