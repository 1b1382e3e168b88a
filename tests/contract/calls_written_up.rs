//! Writing calls up: what is written can be taken back, and ends when the next call begins.

use crate::{
    harness::{Server, Session},
    leaks_world::{id, make},
};
use serde_json::{Value, json};

/// A call that came in; its id.
fn incoming(who: &Session) -> String {
    id(&make(who, "/calls", json!({ "direction": "inbound", "from_number": "+49 30 987654" })))
}

fn step(who: &Session, call: &str, step: &str, body: Value) -> Value {
    who.post(&format!("/api/v1/calls/{call}/{step}"), &body).expect(200).data()
}

/// Kinds of all events about a call after `seq`.
fn told(who: &Session, call: &str, seq: i64) -> Vec<String> {
    let path = format!("/api/v1/events?after={seq}&limit=500&type=call.*");
    let page = who.get(&path).expect(200).data();
    let about = page.as_array().unwrap().iter().filter(|e| e["data"]["id"] == call);
    about.map(|e| e["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_null_or_empty_is_taken_back_and_what_is_left_out_stays() {
    let server = Server::start();
    let admin = server.admin();
    let ann = admin.new_user("agent");
    let call = incoming(&ann);
    step(&ann, &call, "answer", json!({}));
    step(&ann, &call, "end", json!({}));
    let both = json!({ "disposition": "Solved", "note": "She called twice." });
    let table = [
        (json!({ "disposition": null }), (json!(null), json!("She called twice."))),
        (json!({ "note": "" }), (json!("Solved"), json!(null))),
        (json!({ "disposition": " ", "note": null }), (json!(null), json!(null))),
        (json!({ "note": "Once." }), (json!("Solved"), json!("Once."))),
        (json!({}), (json!("Solved"), json!("She called twice."))),
    ];
    for (change, (disposition, note)) in table {
        step(&ann, &call, "wrapup", both.clone());
        let after = step(&ann, &call, "wrapup", change.clone());
        assert_eq!((&after["disposition"], &after["note"]), (&disposition, &note), "{change}");
        let seq = admin.latest_seq();
        let again = step(&ann, &call, "wrapup", change.clone());
        assert_eq!((&again["version"], admin.latest_seq()), (&after["version"], seq), "{change}");
        let read = ann.get(&format!("/api/v1/calls/{call}")).expect(200).data();
        assert_eq!((&read["disposition"], &read["note"]), (&disposition, &note), "{change}");
    }
}

#[test]
fn a_wrap_up_is_over_when_its_agent_answers_another_call_and_that_is_told_at_once() {
    let server = Server::start();
    let admin = server.admin();
    let [ann, ben] = ["agent", "agent"].map(|role| admin.new_user(role));
    let (first, second) = (incoming(&ann), incoming(&ann));
    step(&ann, &first, "answer", json!({}));
    step(&ann, &first, "transfer", json!({ "to_agent_id": ben.id() }));
    step(&ben, &first, "end", json!({}));
    let seq = admin.latest_seq();
    step(&ann, &second, "answer", json!({}));
    assert_eq!(told(&admin, &first, seq), ["call.wrapup.completed"]);
    let path = format!("/api/v1/calls/{first}");
    let parts = ann.get(&path).expect(200).data()["parts"].clone();
    let part = |who: &Session| {
        parts.as_array().unwrap().iter().find(|part| part["agent_id"] == who.id()).unwrap()
    };
    assert!(!part(&ann)["wrapped_up_at"].is_null(), "{parts}");
    assert!(part(&ben)["wrapped_up_at"].is_null(), "Ben still writes: {parts}");
    // When the time for it would have been over, it is not told again.
    step(&ben, &first, "wrapup", json!({}));
    server.advance_ms(31_000);
    step(&ann, &second, "end", json!({}));
    step(&ann, &second, "wrapup", json!({}));
    let kinds = told(&admin, &first, seq);
    assert_eq!(kinds, ["call.wrapup.completed", "call.wrapup.completed"], "Ann's, then Ben's");
}
