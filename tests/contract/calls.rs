//! Calls: told as they happen, by whoever knows, and true afterwards.

use crate::{
    harness::{PASSWORD, Receiver, Server, Session, Socket},
    leaks_world::{id, make},
    wire::until,
};
use serde_json::{Value, json};

/// A call that came in; its path.
fn incoming(who: &Session, more: Value) -> String {
    let mut new = json!({ "direction": "inbound", "from_number": "+49 30 987654" });
    new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    format!("/api/v1/calls/{}", id(&make(who, "/calls", new)))
}

fn step(who: &Session, call: &str, step: &str, body: Value) -> Value {
    who.post(&format!("{call}/{step}"), &body).expect(200).data()
}

/// Kinds and data of all events about calls and agents after `seq`.
fn told(who: &Session, seq: i64) -> Vec<(String, Value)> {
    let path = format!("/api/v1/events?after={seq}&limit=500&type=call.*,agent.state.changed");
    let page = who.get(&path).expect(200).data();
    let event = |e: &Value| (e["type"].as_str().unwrap().to_owned(), e["data"].clone());
    page.as_array().unwrap().iter().map(event).collect()
}

fn kinds(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(kind, _)| kind.as_str()).collect()
}

/// The agent is ready for calls.
fn begins(agent: &Session) {
    agent.post("/api/v1/agent-state/me", &json!({ "state": "available" })).expect(200);
}

fn state_of(agent: &Session) -> Value {
    agent.get("/api/v1/agent-state/me").expect(200).data()
}

fn ms(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// One call from the queue to Ann, on hold, on to Ben and to its end; its path.
fn whole_call(server: &Server, ann: &Session, ben: &Session) -> String {
    let call = incoming(ann, json!({ "queue": "hardware", "from_name": "Alice Brandt" }));
    server.advance_ms(5_000);
    step(ann, &call, "ring", json!({}));
    assert_eq!(step(ann, &call, "ring", json!({}))["status"], "ringing");
    server.advance_ms(5_000);
    assert_eq!(step(ann, &call, "answer", json!({}))["status"], "answered");
    server.advance_ms(20_000);
    assert_eq!(step(ann, &call, "hold", json!({}))["status"], "on_hold");
    assert_eq!(step(ann, &call, "hold", json!({}))["status"], "on_hold");
    server.advance_ms(10_000);
    step(ann, &call, "resume", json!({}));
    let moved = step(ann, &call, "transfer", json!({ "to_agent_id": ben.id() }));
    assert_eq!((&moved["agent_id"], &moved["status"]), (&json!(ben.id()), &json!("answered")));
    assert_eq!(state_of(ann)["state"], "wrap_up", "her part has ended, the caller lives on");
    assert_eq!(state_of(ben)["state"], "on_call");
    server.advance_ms(20_000);
    let ended = step(ben, &call, "end", json!({}));
    assert_eq!((&ended["result"], &ended["agent_id"]), (&json!("answered"), &json!(ben.id())));
    for (field, at_least) in [("wait_ms", 10_000), ("hold_ms", 10_000), ("talk_ms", 40_000)] {
        let known = at_least..at_least + 60_000;
        assert!(known.contains(&ms(&ended[field])), "{field} {ended}");
    }
    let wrap = json!({ "disposition": "solved", "note": "Roll was upside down." });
    assert_eq!(step(ben, &call, "wrapup", wrap)["disposition"], "solved");
    assert_eq!(state_of(ben)["state"], "available");
    call
}

const WHOLE_CALL: [&str; 8] = [
    "call.incoming",
    "call.ringing",
    "call.answered",
    "call.held",
    "call.resumed",
    "call.transferred",
    "call.ended",
    "call.wrapup.completed",
];

#[test]
fn a_call_goes_from_the_queue_to_its_end_and_each_step_is_told_once_with_its_times() {
    let server = Server::start();
    let admin = server.admin();
    let [ann, ben] = ["agent", "agent"].map(|role| admin.new_user(role));
    for agent in [&ann, &ben] {
        begins(agent);
    }
    let receiver = Receiver::start();
    let hook = json!({ "name": "a", "url": receiver.url("/"), "events": ["call.*"] });
    make(&admin, "/webhooks", hook);
    let customer = admin.new_user("customer");
    let before = admin.latest_seq();
    let call = whole_call(&server, &ann, &ben);

    let mut events = told(&admin, before);
    // Her wrap-up may have ended by its time before the call did.
    let hers = |data: &Value| data["agent_id"] == ann.id();
    events.retain(|(kind, data)| kind != "call.wrapup.completed" || !hers(data));
    events.retain(|(kind, _)| kind.starts_with("call."));
    assert_eq!(kinds(&events), WHOLE_CALL);
    let moved = &events[5].1;
    assert_eq!(moved["from_agent_id"], ann.id());
    assert_eq!(moved["to_agent_id"], ben.id());
    let versions: Vec<_> = events.iter().map(|(_, data)| ms(&data["version"])).collect();
    assert!(versions.is_sorted() && versions[0] == 1, "{versions:?}");
    // The clock has moved on by more than a socket may be silent: they come back.
    let since = format!("/ws?since={before}");
    let mut staff = Socket::open_at(&ben, &since);
    let mut customer = Socket::open_at(&customer, &since);
    for kind in WHOLE_CALL {
        assert_eq!(staff.expect_frame(kind)["payload"]["from_name"], "Alice Brandt");
    }
    let heard = customer.all_until_now();
    let of_calls = |frame: &Value| frame["type"].as_str().unwrap().starts_with("call.");
    assert!(!heard.iter().any(of_calls), "calls are staff's matter: {heard:?}");
    let posted = receiver.wait_for(WHOLE_CALL.len());
    assert_eq!(posted[0].json()["event"], "call.incoming");

    let shown = admin.get(&call).expect(200).data();
    assert_eq!(shown["parts"].as_array().unwrap().len(), 2, "{shown}");
    assert_eq!(shown["parts"][0]["ended_at"], shown["parts"][1]["started_at"]);
    assert!(shown["parts"][1]["wrapped_up_at"].is_string(), "{shown}");
    assert_eq!(shown["offers"].as_array().unwrap().len(), 1);
    assert_eq!(shown["transfers"][0]["to"]["agent"], ben.id());
}

#[test]
fn who_calls_is_known_by_their_number_however_it_is_written_with_their_last_tickets() {
    let server = Server::start();
    let admin = server.admin();
    let new = json!({ "email": "alice@example.com", "name": "Alice Brandt", "role": "customer",
        "password": PASSWORD, "phone": "030 / 98 76-54" });
    let alice = make(&admin, "/users", new);
    let other = json!({ "email": "bob@example.com", "name": "Bob", "role": "customer",
        "password": PASSWORD, "phone": "040 987654" });
    make(&admin, "/users", other);
    for number in 1..=4 {
        let subject = format!("Printer {number}");
        let new = json!({ "subject": subject, "description": "x", "requester_id": alice["id"] });
        make(&admin, "/tickets", new);
        server.advance_ms(1_000);
    }
    let mut socket = Socket::open(&admin);
    for spelled in ["+49 30 987654", "004930987654", "030987654", "+49 (0)30 98 76 54"] {
        incoming(&admin, json!({ "from_number": spelled }));
        let said = socket.expect_frame("call.incoming")["payload"].clone();
        assert_eq!(said["customer"]["id"], alice["id"], "{spelled}");
        assert_eq!(said["customer_id"], alice["id"]);
        let subjects: Vec<_> =
            said["recent_tickets"].as_array().unwrap().iter().map(|t| &t["subject"]).collect();
        assert_eq!(subjects, ["Printer 4", "Printer 3", "Printer 2"]);
    }
    incoming(&admin, json!({ "from_number": "+49 30 111111" }));
    let said = socket.expect_frame("call.incoming")["payload"].clone();
    assert_eq!((&said["customer"], &said["recent_tickets"]), (&json!(null), &json!([])));
    // Another tenant has the same caller, and no customer of ours.
    let theirs = admin.new_tenant("Elsewhere").admin;
    let call = incoming(&theirs, json!({}));
    assert_eq!(theirs.get(&call).data()["customer"], json!(null));
}

#[test]
fn a_call_nobody_answers_is_abandoned_in_a_queue_else_missed_and_its_people_are_told() {
    let server = Server::start();
    let admin = server.admin();
    let [ann, ben] = ["agent", "agent"].map(|role| admin.new_user(role));
    let team = json!({ "name": "Hardware", "members": [ann.id()], "queue_names": ["hardware"] });
    make(&admin, "/teams", team);
    let before = admin.latest_seq();
    let queued = incoming(&admin, json!({ "queue": "hardware", "from_name": "Alice" }));
    server.advance_ms(42_000);
    assert_eq!(step(&admin, &queued, "end", json!({}))["result"], "abandoned");
    let direct = incoming(&admin, json!({}));
    step(&admin, &direct, "ring", json!({ "agent_id": ben.id() }));
    let ended = step(&admin, &direct, "end", json!({ "result": "busy" }));
    assert_eq!((&ended["result"], &ended["agent_id"]), (&json!("busy"), &json!(ben.id())));
    let events = told(&admin, before);
    let expected = [
        "call.incoming",
        "call.abandoned",
        "call.ended",
        "call.incoming",
        "call.ringing",
        "call.missed",
        "call.ended",
    ];
    assert_eq!(kinds(&events), expected);
    assert!(events[2].1["talk_ms"].is_null());
    let missed = |who: &Session| {
        let all = who.get("/api/v1/notifications").data();
        let all = all.as_array().unwrap().iter().filter(|n| n["type"] == "call_missed");
        all.map(|n| n["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(missed(&ann).len(), 1, "the team of the queue");
    assert!(missed(&ann)[0].starts_with("Missed call from +49 30 987654 (Alice) after 0:4"));
    assert_eq!(missed(&ben).len(), 1, "at whose telephone it rang");
    assert!(missed(&admin).is_empty());
    // Ours that nobody takes is nobody's missed call.
    let before = admin.latest_seq();
    let new = json!({ "direction": "outbound", "to_number": "+49 30 1" });
    let out = format!("/api/v1/calls/{}", id(&make(&ann, "/calls", new)));
    assert_eq!(step(&ann, &out, "end", json!({}))["result"], "no_answer");
    assert_eq!(kinds(&told(&admin, before)), ["call.outgoing", "call.ended"]);
}

#[test]
fn an_outgoing_call_is_its_callers_from_the_answer_on() {
    let server = Server::start();
    let admin = server.admin();
    let ann = admin.new_user("agent");
    let new = json!({ "direction": "outbound", "to_number": "+49 30 987654" });
    let call = format!("/api/v1/calls/{}", id(&make(&ann, "/calls", new)));
    assert_eq!(admin.get(&call).data()["status"], "ringing");
    assert_eq!(state_of(&ann)["state"], "offline");
    step(&ann, &call, "answer", json!({}));
    assert_eq!(state_of(&ann)["state"], "on_call");
    step(&ann, &call, "end", json!({}));
    assert_eq!(state_of(&ann)["state"], "wrap_up");
}

#[test]
fn the_same_call_entered_twice_is_one_and_the_second_time_may_tell_more() {
    let server = Server::start();
    let admin = server.admin();
    let before = admin.latest_seq();
    let new = json!({ "external_id": "a.1", "direction": "inbound", "from_number": "030 1" });
    let first = make(&admin, "/calls", new.clone());
    assert_eq!(make(&admin, "/calls", new.clone()), first);
    assert_eq!(admin.latest_seq(), before + 1, "it was told once");
    let mut more = new.clone();
    more["queue"] = json!("hardware");
    let second = make(&admin, "/calls", more.clone());
    assert_eq!((&second["id"], &second["queue"]), (&first["id"], &json!("hardware")));
    let events = told(&admin, before);
    assert_eq!(kinds(&events), ["call.incoming", "call.updated"]);
    step(&admin, &format!("/api/v1/calls/{}", id(&first)), "end", json!({}));
    let ended = admin.latest_seq();
    more["from_name"] = json!("Late");
    assert_eq!(make(&admin, "/calls", more)["from_name"], json!(null), "it is over");
    assert_eq!(admin.latest_seq(), ended);
    let theirs = admin.new_tenant("Elsewhere").admin;
    assert_ne!(make(&theirs, "/calls", new)["id"], first["id"]);
    let keyed = |number: &str| {
        let request = admin.request("POST", "/api/v1/calls").header("idempotency-key", "once");
        request.json(&json!({ "direction": "inbound", "from_number": number })).send()
    };
    let once = keyed("030 2").expect(201).data();
    assert_eq!(keyed("030 2").expect(201).data(), once);
    keyed("030 3").refused(409, "idempotency_key_reused");
}

#[test]
fn a_wrap_up_ends_by_itself_and_what_was_chosen_meanwhile_begins() {
    let server = Server::start();
    let admin = server.admin();
    let ann = admin.new_user("agent");
    let call = incoming(&ann, json!({}));
    step(&ann, &call, "answer", json!({}));
    let away = json!({ "state": "away", "reason": "lunch" });
    let chosen = ann.post("/api/v1/agent-state/me", &away).expect(200).data();
    assert_eq!((&chosen["state"], &chosen["next_state"]), (&json!("on_call"), &json!("away")));
    step(&ann, &call, "end", json!({}));
    assert_eq!(state_of(&ann)["state"], "wrap_up");
    let before = admin.latest_seq();
    server.advance_ms(31_000);
    until("the wrap-up has ended", || (state_of(&ann)["state"] == "away").then_some(()));
    let events = told(&admin, before);
    assert!(kinds(&events).contains(&"call.wrapup.completed"), "{events:?}");
    // Late notes are taken, and told as such.
    step(&ann, &call, "wrapup", json!({ "note": "late" }));
    assert_eq!(kinds(&told(&admin, before)).last(), Some(&"call.updated"));
    let seq = admin.latest_seq();
    step(&ann, &call, "wrapup", json!({ "note": "late" }));
    assert_eq!(admin.latest_seq(), seq, "the same again is no change");
}

#[test]
fn a_call_passed_to_a_queue_waits_there_and_is_answered_again() {
    let server = Server::start();
    let admin = server.admin();
    let [ann, ben] = ["agent", "agent"].map(|role| admin.new_user(role));
    let call = incoming(&ann, json!({ "queue": "hardware" }));
    step(&ann, &call, "answer", json!({}));
    let moved = step(&ann, &call, "transfer", json!({ "to_queue": "sales" }));
    assert_eq!((&moved["status"], &moved["queue"]), (&json!("answered"), &json!("sales")));
    assert!(moved["waiting_since"].is_string() && moved["agent_id"].is_null(), "{moved}");
    let before = admin.latest_seq();
    step(&admin, &call, "ring", json!({ "agent_id": ben.id() }));
    let taken = step(&ben, &call, "answer", json!({}));
    assert_eq!((&taken["agent_id"], &taken["waiting_since"]), (&json!(ben.id()), &json!(null)));
    assert_eq!(taken["answered_at"], moved["answered_at"], "the first answer counts");
    let events = told(&admin, before);
    assert_eq!(kinds(&events), ["call.ringing", "call.answered", "agent.state.changed"]);
    let gone = step(&ben, &call, "transfer", json!({ "to_number": "+49 40 1" }));
    assert_eq!((&gone["status"], &gone["agent_id"]), (&json!("answered"), &json!(null)));
    assert_eq!(state_of(&ben)["state"], "wrap_up");
    assert_eq!(step(&admin, &call, "end", json!({}))["agent_id"], ben.id());
}

#[test]
fn a_clock_that_is_set_back_confuses_no_call() {
    let server = Server::start();
    let admin = server.admin();
    let ann = admin.new_user("agent");
    let call = incoming(&ann, json!({ "queue": "hardware" }));
    server.advance_ms(60_000);
    step(&ann, &call, "answer", json!({}));
    server.advance_ms(-3_600_000);
    assert_eq!(step(&ann, &call, "hold", json!({}))["status"], "on_hold");
    assert_eq!(step(&ann, &call, "resume", json!({}))["status"], "answered");
    let ended = step(&ann, &call, "end", json!({}));
    assert_eq!((&ended["status"], &ended["result"]), (&json!("ended"), &json!("answered")));
    assert!(ms(&ended["wait_ms"]) >= 60_000 && ms(&ended["talk_ms"]) >= 0, "{ended}");
    assert_eq!(state_of(&ann)["state"], "wrap_up");
}

#[test]
fn an_answered_call_survives_a_crash_with_its_agent_and_is_lost_after_four_silent_hours() {
    let server = Server::start();
    let admin = server.admin();
    let ann = admin.new_user("agent");
    begins(&ann);
    let call = incoming(&ann, json!({ "external_id": "x" }));
    step(&ann, &call, "answer", json!({}));
    let since = state_of(&ann)["since"].clone();
    let (email, id) = (ann.email().to_owned(), ann.id().to_owned());
    let server = server.kill9().start();
    let admin = server.admin();
    let ann = Session::login(&server.api(), &email, PASSWORD);
    let state = state_of(&ann);
    assert_eq!((&state["state"], &state["since"]), (&json!("on_call"), &since));
    assert_eq!(admin.get(&call).data()["status"], "answered");
    server.advance_ms(3 * 3_600_000);
    step(&ann, &call, "hold", json!({}));
    step(&ann, &call, "resume", json!({}));
    server.advance_ms(3 * 3_600_000 + 1_800_000);
    // Signing in again: the first token has run out.
    let ann = Session::login(&server.api(), &email, PASSWORD);
    assert_eq!(state_of(&ann)["state"], "on_call", "it was heard of three hours ago");
    server.advance_ms(1_800_000);
    let ann = Session::login(&server.api(), &email, PASSWORD);
    let admin = server.admin();
    until("the call is lost", || (admin.get(&call).data()["status"] == "ended").then_some(()));
    assert_eq!(admin.get(&call).data()["result"], "unknown");
    server.advance_ms(31_000);
    until("she is free", || (state_of(&ann)["state"] == "available").then_some(()));
    let history = admin.get(&format!("/api/v1/agent-state/{id}/history")).expect(200).data();
    let on_call: Vec<_> =
        history.as_array().unwrap().iter().filter(|i| i["state"] == "on_call").collect();
    assert_eq!(on_call.len(), 1, "one interval without a break: {history}");
    assert_eq!(on_call[0]["started_at"], since);
}

#[test]
fn a_ticket_is_opened_for_a_call_or_one_that_is_there_is_tied_to_it() {
    let server = Server::start();
    let admin = server.admin();
    let new = json!({ "email": "alice@example.com", "name": "Alice", "role": "customer",
        "password": PASSWORD, "phone": "030 987654" });
    let alice = make(&admin, "/users", new);
    let ann = admin.new_user("agent");
    let call = incoming(&ann, json!({}));
    let before = admin.latest_seq();
    let both =
        ann.post(&format!("{call}/ticket"), &json!({ "subject": "Heat" })).expect(201).data();
    let ticket = &both["ticket"];
    assert_eq!(both["call"]["ticket_id"], ticket["id"]);
    assert_eq!((&ticket["requester_id"], &ticket["channel"]), (&alice["id"], &json!("call")));
    assert_eq!(ticket["call_id"], both["call"]["id"]);
    assert_eq!(kinds(&told(&admin, before)), ["call.updated"]);
    let again = ann.post(&format!("{call}/ticket"), &json!({ "subject": "Heat" }));
    again.refused(409, "call_has_ticket");
    let second = incoming(&ann, json!({}));
    let tied = json!({ "ticket_id": ticket["id"] });
    let both = ann.post(&format!("{second}/ticket"), &tied).expect(201).data();
    assert_eq!(both["call"]["ticket_id"], ticket["id"]);
    // Nobody's number: whoever opens it is the requester; the subject says who called.
    let third = incoming(&ann, json!({ "from_number": "030 5" }));
    let both = ann.post(&format!("{third}/ticket"), &json!({})).expect(201).data();
    assert_eq!(both["ticket"]["subject"], "Call from 030 5");
    assert_eq!(both["ticket"]["requester_id"], ann.id());
}
