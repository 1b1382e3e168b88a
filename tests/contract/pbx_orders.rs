//! What a telephone system is asked to do: pause who is away, call whom somebody clicked on.

use crate::{
    harness::{Caller, Lists, Pbx, Server, Session, Socket},
    pbx::{agent_at, set_up, status},
    wire::until,
};
use serde_json::{Value, json};

fn choose(agent: &Session, state: Value) {
    agent.post("/api/v1/agent-state/me", &state).expect(200);
}

fn state_of(agent: &Session) -> Value {
    agent.get("/api/v1/agent-state/me").expect(200).data()["state"].clone()
}

fn one_member() -> Lists {
    Lists { members: vec![("support", "PJSIP/2001", None)], ..Lists::default() }
}

/// What Asterisk says after a pause, by whomever.
fn pause(caller: &mut Caller, interface: &str, paused: &str, reason: &str) {
    caller.event(
        "QueueMemberPause",
        &[
            ("Queue", "support"),
            ("Interface", interface),
            ("Paused", paused),
            ("PausedReason", reason),
        ],
    );
}

#[test]
fn who_is_away_here_is_paused_there_and_what_comes_back_of_it_changes_nothing() {
    let server = Server::start();
    let admin = server.admin();
    let (agent, witness) = (agent_at(&admin, "2001"), agent_at(&admin, "9999"));
    let pbx = Pbx::start();
    set_up(&admin, &pbx);
    let mut caller = pbx.let_in(&one_member());
    pause(&mut caller, "PJSIP/9999", "1", "First");
    until("the lists are known", || (state_of(&witness) == "away").then_some(()));
    choose(&agent, json!({ "state": "away", "reason": "Lunch" }));
    let order = caller.expect("QueuePause");
    assert_eq!((&*order["Interface"], &*order["Paused"]), ("PJSIP/2001", "true"));
    assert_eq!(order["Reason"], "Deskbell: Lunch");
    choose(&agent, json!({ "state": "available" }));
    let back = caller.expect("QueuePause");
    assert_eq!((&*back["Interface"], &*back["Paused"]), ("PJSIP/2001", "false"));
    // The echoes come late, and in between the agent has come back: they stay available.
    caller.answer(&order, &[("Response", "Success")]);
    pause(&mut caller, "PJSIP/2001", "1", &order["Reason"]);
    caller.answer(&back, &[("Response", "Success")]);
    pause(&mut caller, "PJSIP/2001", "0", "");
    pause(&mut caller, "PJSIP/9999", "0", "");
    until("all was heard", || (state_of(&witness) == "available").then_some(()));
    let history = format!("/api/v1/agent-state/{}/history", agent.id());
    let history = agent.get(&history).data();
    let states: Vec<_> = history.as_array().unwrap().iter().map(|i| i["state"].clone()).collect();
    assert_eq!(states[..3], ["available", "away", "available"]);
    // Nor is anything ordered because of them: the next order is that of the next choice.
    choose(&agent, json!({ "state": "busy" }));
    assert_eq!(caller.expect("QueuePause")["Reason"], "Deskbell: busy");
}

#[test]
fn a_pause_there_moves_only_who_is_available_and_its_end_undoes_only_that() {
    let server = Server::start();
    let admin = server.admin();
    let (agent, busy) = (agent_at(&admin, "2001"), agent_at(&admin, "2002"));
    choose(&busy, json!({ "state": "busy" }));
    let pbx = Pbx::start();
    set_up(&admin, &pbx);
    let mut caller = pbx.let_in(&one_member());
    pause(&mut caller, "PJSIP/2002", "1", "Lunch");
    pause(&mut caller, "PJSIP/2001", "1", "Lunch");
    until("they are away", || (state_of(&agent) == "away").then_some(()));
    assert_eq!(state_of(&busy), "busy");
    pause(&mut caller, "PJSIP/2002", "0", "");
    pause(&mut caller, "PJSIP/2001", "0", "");
    until("they are back", || (state_of(&agent) == "available").then_some(()));
    assert_eq!(state_of(&busy), "busy");
    // None of that was an order of ours.
    choose(&agent, json!({ "state": "away" }));
    let order = caller.expect("QueuePause");
    assert_eq!((&*order["Interface"], &*order["Paused"]), ("PJSIP/2001", "true"));
}

#[test]
fn a_new_connection_pauses_who_went_away_meanwhile_and_nobody_who_never_chose() {
    let server = Server::start();
    let admin = server.admin();
    let away = agent_at(&admin, "2001");
    let never = admin.new_user("agent");
    admin.patch(&format!("/api/v1/users/{}", never.id()), &json!({ "extension": "2002" }));
    let there = agent_at(&admin, "2003");
    choose(&away, json!({ "state": "away" }));
    let pbx = Pbx::start();
    set_up(&admin, &pbx);
    let lists = Lists {
        members: vec![
            ("support", "PJSIP/2001", None),
            ("sales", "PJSIP/2001", None),
            ("support", "Local/2002@agents/n", None),
            ("support", "PJSIP/2003", Some("Deskbell: away")),
        ],
        ..Lists::default()
    };
    let mut caller = pbx.let_in(&lists);
    let mut orders: Vec<_> = (0..2).map(|_| caller.expect("QueuePause")).collect();
    orders.sort_by_key(|order| order["Interface"].clone());
    // One order for all queues of one telephone.
    assert_eq!((&*orders[0]["Interface"], &*orders[0]["Paused"]), ("PJSIP/2001", "true"));
    assert_eq!((&*orders[1]["Interface"], &*orders[1]["Paused"]), ("PJSIP/2003", "false"));
    assert_eq!(state_of(&there), "available");
}

/// An outgoing call of an agent, by `POST /calls`.
fn click(agent: &Session, number: &str) -> Value {
    let body = json!({ "direction": "outbound", "to_number": number });
    agent.post("/api/v1/calls", &body).expect(201).data()
}

#[test]
fn a_click_rings_the_agents_telephone_and_the_call_is_followed_to_its_end() {
    let server = Server::start();
    let admin = server.admin();
    let agent = agent_at(&admin, "2001");
    let pbx = Pbx::start();
    let made = set_up(&admin, &pbx);
    let path = format!("/api/v1/pbx/{}", made["id"].as_str().unwrap());
    let context = json!({ "dial_channel": "Local/{extension}@agents", "dial_context": "out" });
    admin.patch(&path, &context).expect(200);
    let mut caller = loop {
        // The first connection may be there already, and then ends.
        let mut caller = pbx.next();
        caller.greet();
        let Some(login) = caller.next_action() else { continue };
        caller.answer(&login, &[("Response", "Success")]);
        if let Some(queues) = caller.next_action() {
            let id = queues["ActionID"].clone();
            caller.event("QueueStatusComplete", &[("ActionID", &id)]);
        }
        let Some(channels) = caller.next_action() else { continue };
        let id = channels["ActionID"].clone();
        caller.event("CoreShowChannelsComplete", &[("ActionID", &id)]);
        if status(&admin, &made)["state"] == "connected" {
            break caller;
        }
    };
    let mut socket = Socket::open(&agent);
    let call = click(&agent, "+49 (0)30 987-654");
    let order = caller.expect("Originate");
    let name = call["external_id"].as_str().expect("the telephone's name for it").to_owned();
    assert_eq!((&*order["Channel"], &*order["Context"]), ("Local/2001@agents", "out"));
    assert_eq!((&*order["Exten"], &*order["Priority"]), ("+4930987654", "1"));
    assert_eq!((&*order["ChannelId"], &*order["Async"]), (&*name, "true"));
    socket.expect_frame("call.outgoing");
    caller.answer(&order, &[("Response", "Success")]);
    caller.event(
        "DialEnd",
        &[
            ("Linkedid", &name),
            ("Uniqueid", &name),
            ("DialStatus", "ANSWER"),
            ("Channel", "PJSIP/2001-00000001"),
            ("DestUniqueid", "9.1"),
        ],
    );
    let answered = socket.expect_frame("call.answered")["payload"].clone();
    assert_eq!((&answered["id"], &answered["agent_id"]), (&call["id"], &json!(agent.id())));
    assert_eq!(state_of(&agent), "on_call");
    caller.event("Hangup", &[("Linkedid", &name), ("Uniqueid", &name)]);
    let ended = socket.expect_frame("call.ended")["payload"].clone();
    assert_eq!((&ended["id"], &ended["result"]), (&call["id"], &json!("answered")));
    // A telephone that is not there.
    let other = click(&agent, "110");
    let order = caller.expect("Originate");
    caller.answer(&order, &[("Response", "Error"), ("Message", "Extension does not exist.")]);
    let ended = socket.expect_frame("call.ended")["payload"].clone();
    assert_eq!((&ended["id"], &ended["result"]), (&other["id"], &json!("failed")));
    let error = status(&admin, &made)["last_error"].clone();
    assert_eq!(error, "it refused: Extension does not exist.");
}

#[test]
fn who_has_no_telephone_or_no_number_to_call_is_told_so() {
    let server = Server::start();
    let admin = server.admin();
    let (agent, bare) = (agent_at(&admin, "2001"), admin.new_user("agent"));
    let body = |number: &str| json!({ "direction": "outbound", "to_number": number });
    // Without a telephone system a call is only written down.
    bare.post("/api/v1/calls", &body("110")).expect(201);
    let pbx = Pbx::start();
    set_up(&admin, &pbx);
    bare.post("/api/v1/calls", &body("110")).refused(409, "no_extension");
    for bad in ["anna", "1", "2001&PJSIP/trunk", "12,34"] {
        agent.post("/api/v1/calls", &body(bad)).names(&["to_number"]);
    }
    // A call that another program makes is not made twice.
    let theirs = json!({ "direction": "outbound", "to_number": "110", "external_id": "x" });
    bare.post("/api/v1/calls", &theirs).expect(201);
}

#[test]
fn a_number_that_could_not_be_dialled_soon_is_not_dialled_at_all() {
    let server = Server::start();
    let admin = server.admin();
    let agent = agent_at(&admin, "2001");
    let pbx = Pbx::start();
    let made = set_up(&admin, &pbx);
    let mut waits = pbx.next();
    let call = click(&agent, "110");
    server.advance_ms(31_000);
    waits.greet();
    until("it was given up", || (status(&admin, &made)["state"] == "waiting").then_some(()));
    server.advance_ms(10_000);
    let mut socket = Socket::open(&agent);
    let mut caller = pbx.let_in(&Lists::default());
    let ended = socket.expect_frame("call.ended")["payload"].clone();
    assert_eq!((&ended["id"], &ended["result"]), (&call["id"], &json!("failed")));
    let later = click(&agent, "112");
    assert_eq!(caller.expect("Originate")["ChannelId"], later["external_id"]);
}

#[test]
fn a_number_clicked_on_while_there_was_no_connection_is_dialled_unless_the_call_was_ended() {
    let server = Server::start();
    let admin = server.admin();
    let agent = agent_at(&admin, "2001");
    let pbx = Pbx::start();
    set_up(&admin, &pbx);
    let mut waits = pbx.next();
    let (ended, wanted) = (click(&agent, "110"), click(&agent, "112"));
    let path = format!("/api/v1/calls/{}/end", ended["id"].as_str().unwrap());
    agent.post(&path, &json!({})).expect(200);
    waits.greet();
    let login = waits.expect("Login");
    waits.answer(&login, &[("Response", "Success")]);
    waits.list(&Lists::default());
    let order = waits.expect("Originate");
    assert_eq!((&order["Exten"], &order["ChannelId"]), (&"112".into(), &text(&wanted)));
    let path = format!("/api/v1/calls/{}", wanted["id"].as_str().unwrap());
    assert_ne!(agent.get(&path).expect(200).data()["status"], "ended");
}

fn text(call: &Value) -> String {
    call["external_id"].as_str().expect("the telephone's name for it").to_owned()
}
