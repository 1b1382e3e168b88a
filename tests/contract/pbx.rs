//! An Asterisk is connected, and its calls are heard: recordings of a real one over the wire.

use crate::{
    harness::{Caller, Lists, Pbx, Server, Session, Socket, recording},
    wire::until,
};
use serde_json::{Value, json};

/// Sets up a telephone system that is this one.
pub(crate) fn set_up(admin: &Session, pbx: &Pbx) -> Value {
    let body = json!({
        "name": "Asterisk",
        "host": "127.0.0.1",
        "port": pbx.address.port(),
        "username": "deskbell",
        "secret": "s3cret of the pbx",
    });
    admin.post("/api/v1/pbx", &body).expect(201).data()
}

/// How it is doing.
pub(crate) fn status(admin: &Session, pbx: &Value) -> Value {
    let id = pbx["id"].as_str().expect("an id");
    admin.get(&format!("/api/v1/pbx/{id}")).expect(200).data()["status"].clone()
}

/// An agent with an extension, available.
pub(crate) fn agent_at(admin: &Session, extension: &str) -> Session {
    let agent = admin.new_user("agent");
    let path = format!("/api/v1/users/{}", agent.id());
    admin.patch(&path, &json!({ "extension": extension })).expect(200);
    agent.post("/api/v1/agent-state/me", &json!({ "state": "available" })).expect(200);
    agent
}

/// The `call.*` events of a socket up to the one after so many, as `type external_id`.
fn calls(socket: &mut Socket, count: usize) -> Vec<Value> {
    let mut all = Vec::new();
    while all.len() < count {
        let said = socket.next();
        if said["type"].as_str().is_some_and(|kind| kind.starts_with("call.")) {
            all.push(said);
        }
    }
    all
}

fn told(said: &[Value]) -> Vec<String> {
    let line = |said: &Value| {
        let field = |name: &str| said["payload"][name].as_str().unwrap_or("-").to_owned();
        format!("{} {}", said["type"].as_str().unwrap(), field("external_id"))
    };
    said.iter().map(line).collect()
}

/// Everything that is said about calls until now is exactly this, and nothing more comes of what
/// the PBX said before.
fn nothing_more(socket: &mut Socket, caller: &mut Caller, agent: &Session) {
    // What the PBX says last is known to have arrived by what it does.
    caller.event(
        "QueueMemberPause",
        &[("Queue", "q"), ("Interface", &format!("PJSIP/{}", "9999")), ("Paused", "1")],
    );
    until("the pause was heard", || {
        let state = agent.get("/api/v1/agent-state/me").data()["state"].clone();
        (state == "away").then_some(())
    });
    let more: Vec<Value> = socket
        .all_until_now()
        .into_iter()
        .filter(|said| said["type"].as_str().is_some_and(|kind| kind.starts_with("call.")))
        .collect();
    assert!(more.is_empty(), "{more:#?}");
}

const ANSWERED: [&str; 11] = [
    "call.incoming 1795289157.0",
    "call.ringing 1795289157.0",
    "call.answered 1795289157.0",
    // The agent has left it; a millisecond later the caller has, too.
    "call.updated 1795289157.0",
    "call.ended 1795289157.0",
    "call.incoming 1795289163.4",
    "call.ringing 1795289163.4",
    "call.offer.missed 1795289163.4",
    "call.ringing 1795289163.4",
    "call.abandoned 1795289163.4",
    "call.ended 1795289163.4",
];

#[test]
fn the_recorded_calls_of_an_asterisk_are_exactly_these_events_even_if_all_comes_twice() {
    for twice in [false, true] {
        let server = Server::start();
        let admin = server.admin();
        let (first, witness) = (agent_at(&admin, "2001"), agent_at(&admin, "9999"));
        let pbx = Pbx::start();
        set_up(&admin, &pbx);
        let mut socket = Socket::open(&admin);
        let mut caller = pbx.let_in(&Lists::default());
        for event in recording("answered-ringnoanswer.json") {
            caller.play(std::slice::from_ref(&event));
            if twice {
                caller.play(&[event]);
            }
        }
        let said = calls(&mut socket, ANSWERED.len());
        assert_eq!(told(&said), ANSWERED);
        let answered = &said[2]["payload"];
        assert_eq!(answered["agent_id"], first.id());
        assert_eq!(answered["from_number"], "5551234");
        assert_eq!(
            (&answered["queue"], &answered["to_number"]),
            (&json!("support"), &json!("1000"))
        );
        // By the PBX's own clock.
        assert_eq!(answered["answered_at"], "2026-11-21T19:25:58.528Z");
        let ended = &said[4]["payload"];
        assert_eq!(ended["ended_at"], "2026-11-21T19:26:01.032Z");
        assert_eq!((&ended["wait_ms"], &ended["talk_ms"]), (&json!(1_001), &json!(2_504)));
        assert_eq!(said[10]["payload"]["result"], "abandoned");
        nothing_more(&mut socket, &mut caller, &witness);
    }
}

#[test]
fn a_call_handed_on_is_told_as_such_and_its_agent_is_free_before_it_ends() {
    let server = Server::start();
    let admin = server.admin();
    let (agent, witness) = (agent_at(&admin, "2003"), agent_at(&admin, "9999"));
    let pbx = Pbx::start();
    set_up(&admin, &pbx);
    let mut socket = Socket::open(&admin);
    let mut caller = pbx.let_in(&Lists::default());
    let events = recording("answered-blindtransfer.json");
    let is_end = |event: &Vec<(String, String)>| event[0].1 == "AgentComplete";
    let handed_on = events.iter().position(is_end).expect("it is there");
    caller.play(&events[..=handed_on]);
    let said = calls(&mut socket, 4);
    let call = "1795289025.0";
    let expected = ["incoming", "ringing", "answered", "transferred"];
    assert_eq!(told(&said), expected.map(|kind| format!("call.{kind} {call}")));
    assert_eq!(said[3]["payload"]["from_agent_id"], agent.id());
    until("the agent has left the call", || {
        let state = agent.get("/api/v1/agent-state/me").data()["state"].clone();
        (state != "on_call").then_some(())
    });
    caller.play(&events[handed_on + 1..]);
    let ended = calls(&mut socket, 1);
    assert_eq!(told(&ended), ["call.ended 1795289025.0"]);
    assert_eq!(ended[0]["payload"]["ended_at"], "2026-11-21T19:23:49.246Z");
    nothing_more(&mut socket, &mut caller, &witness);
}

#[test]
fn who_gives_up_is_told_and_what_is_in_no_queue_is_no_call() {
    let server = Server::start();
    let admin = server.admin();
    let (agent, witness) = (agent_at(&admin, "2001"), agent_at(&admin, "9999"));
    let pbx = Pbx::start();
    set_up(&admin, &pbx);
    let mut socket = Socket::open(&admin);
    let mut caller = pbx.let_in(&Lists::default());
    caller.play(&recording("paused-abandoned-stasis.json"));
    let said = calls(&mut socket, 6);
    assert_eq!(
        told(&said),
        [
            "call.incoming 1795288849.0",
            "call.incoming 1795288858.2",
            "call.abandoned 1795288858.2",
            "call.ended 1795288858.2",
            "call.abandoned 1795288849.0",
            "call.ended 1795288849.0",
        ]
    );
    nothing_more(&mut socket, &mut caller, &witness);
    // Lunch, and back.
    let history = format!("/api/v1/agent-state/{}/history", agent.id());
    let history = agent.get(&history).expect(200).data();
    let states: Vec<_> = history.as_array().unwrap().iter().map(|i| i["state"].clone()).collect();
    assert_eq!(states[..3], ["available", "away", "available"]);
    assert_eq!(history[1]["reason"], "Lunch");
}

#[test]
fn a_lost_connection_is_made_again_and_what_was_missed_is_made_up_for() {
    let server = Server::start();
    let admin = server.admin();
    agent_at(&admin, "2001");
    let pbx = Pbx::start();
    let made = set_up(&admin, &pbx);
    let mut socket = Socket::open(&admin);
    let mut caller = pbx.let_in(&Lists::default());
    let join = |caller: &mut Caller, call: &str, channel: &str| {
        caller.event(
            "QueueCallerJoin",
            &[
                ("Linkedid", call),
                ("Uniqueid", channel),
                ("Queue", "support"),
                ("CallerIDNum", "555"),
            ],
        );
    };
    join(&mut caller, "1.0", "1.1");
    join(&mut caller, "2.0", "2.1");
    assert_eq!(told(&calls(&mut socket, 2)), ["call.incoming 1.0", "call.incoming 2.0"]);
    drop(caller);
    until("it waits", || (status(&admin, &made)["state"] == "waiting").then_some(()));
    server.advance_ms(2_000);
    // One of them has hung up meanwhile, and somebody else has come.
    let lists = Lists {
        callers: vec![("support", "555", "2.1", "2.0"), ("support", "777", "3.1", "3.0")],
        ..Lists::default()
    };
    let mut caller = pbx.let_in(&lists);
    let mut said = calls(&mut socket, 2);
    said.sort_by_key(|said| said["type"].to_string());
    assert_eq!(told(&said), ["call.ended 1.0", "call.incoming 3.0"]);
    // Whether somebody gave up or was answered, nobody heard.
    assert_eq!(said[0]["payload"]["result"], "unknown");
    let now = status(&admin, &made);
    assert_eq!((&now["state"], &now["reconnects"]), (&json!("connected"), &json!(1)));
    assert_eq!(now["last_error"], "it closed the connection");
    // Those who are still there are known for who they are.
    caller.event("Hangup", &[("Linkedid", "2.0"), ("Uniqueid", "2.1")]);
    assert_eq!(told(&calls(&mut socket, 2)), ["call.abandoned 2.0", "call.ended 2.0"]);
}

#[test]
fn a_call_goes_on_over_a_restart_of_ours() {
    let server = Server::start();
    let admin = server.admin();
    let agent = agent_at(&admin, "2001");
    let pbx = Pbx::start();
    set_up(&admin, &pbx);
    let mut socket = Socket::open(&admin);
    let mut caller = pbx.let_in(&Lists::default());
    let offer = [
        ("Linkedid", "1.0"),
        ("Uniqueid", "1.1"),
        ("Queue", "support"),
        ("Interface", "PJSIP/2001"),
        ("DestUniqueid", "1.2"),
    ];
    caller.event("QueueCallerJoin", &offer);
    caller.event("AgentConnect", &offer);
    calls(&mut socket, 2);
    let setup = server.kill9();
    drop(caller);
    let server = setup.start();
    let admin = server.admin();
    let lists = Lists {
        callers: vec![],
        channels: vec![("1.2", "1.0"), ("1.1", "1.0")],
        ..Lists::default()
    };
    let mut caller = pbx.let_in(&lists);
    let mut socket = Socket::open(&admin);
    until("it is compared", || {
        let all = admin.get("/api/v1/pbx").data();
        (all[0]["status"]["state"] == "connected").then_some(())
    });
    caller.event("Hangup", &[("Linkedid", "1.0"), ("Uniqueid", "1.2")]);
    caller.event("Hangup", &[("Linkedid", "1.0"), ("Uniqueid", "1.1")]);
    let ended = calls(&mut socket, 1);
    assert_eq!(told(&ended), ["call.ended 1.0"]);
    assert_eq!(ended[0]["payload"]["agent_id"], agent.id());
}
