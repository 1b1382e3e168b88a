//! Agents who lose their connection: after a grace, after a crash, and never without having had
//! one.

use crate::{
    harness::{Line, Server, Session, Socket},
    wire::until,
};
use serde_json::{Value, json};

/// Longer than an agent may be away from the network, and than they have to come back.
const GRACE_MS: i64 = 31_000;
const RETURN_MS: i64 = 61_000;

fn choose(session: &Session, state: &str) -> Value {
    session.post("/api/v1/agent-state/me", &json!({ "state": state })).expect(200).data()
}

fn mine(session: &Session) -> Value {
    session.get("/api/v1/agent-state/me").expect(200).data()
}

fn connections(admin: &Session, user: &Session) -> i64 {
    let here = admin.get("/api/v1/ws/online").data();
    let row = here.as_array().unwrap().iter().find(|row| row["user_id"] == user.id()).cloned();
    row.map_or(0, |row| row["connections"].as_i64().unwrap())
}

fn disconnect(admin: &Session, user: &Session, socket: Socket) {
    socket.close();
    until("the socket is gone", || (connections(admin, user) == 0).then_some(()));
}

fn changes_after(admin: &Session, seq: i64) -> Vec<Value> {
    let path = format!("/api/v1/events?after={seq}&type=agent.state.changed&limit=500");
    admin.get(&path).expect(200).data().as_array().unwrap().clone()
}

fn milliseconds(at: &Value) -> i64 {
    let at: jiff::Timestamp = at.as_str().expect("a time").parse().expect("RFC 3339");
    at.as_millisecond()
}

#[test]
fn an_agent_whose_last_socket_is_gone_for_half_a_minute_is_offline_and_who_returns_is_not() {
    let server = Server::start();
    let admin = server.admin();
    let (gone, back) = (admin.new_user("agent"), admin.new_user("agent"));
    let sockets = [&gone, &back].map(|session| Socket::open(session));
    choose(&gone, "busy");
    choose(&back, "available");
    let before = admin.latest_seq();
    let [first, second] = sockets;
    disconnect(&admin, &gone, first);
    disconnect(&admin, &back, second);
    server.advance_ms(20_000);
    let again = Socket::open(&back);
    until("they are back", || (connections(&admin, &back) == 1).then_some(()));
    server.advance_ms(11_000);
    let offline = until("the grace is over", || {
        let now = mine(&gone);
        (now["state"] == "offline").then_some(now)
    });
    assert_eq!(offline["reason"], "connection_lost");
    assert_eq!(offline["source"], "connection");
    assert_eq!(mine(&back)["state"], "available");
    let told = changes_after(&admin, before);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["data"]["previous_state"], "busy");
    assert_eq!(told[0]["actor"]["kind"], "system");
    drop(again);
}

#[test]
fn a_connection_of_either_protocol_keeps_an_agent_where_they_are() {
    let server = Server::start();
    let admin = server.admin();
    let (agent, witness) = (admin.new_user("agent"), admin.new_user("agent"));
    let (line, _) = Line::come_in(&server.api(), &json!({ "token": agent.token() }));
    let socket = Socket::open(&agent);
    until("both are counted", || (connections(&admin, &agent) == 2).then_some(()));
    choose(&agent, "available");
    socket.close();
    until("one is left", || (connections(&admin, &agent) == 1).then_some(()));
    let only = Socket::open(&witness);
    choose(&witness, "available");
    disconnect(&admin, &witness, only);
    server.advance_ms(GRACE_MS);
    // Both are looked at together.
    until("the other is gone", || (mine(&witness)["state"] == "offline").then_some(()));
    assert_eq!(mine(&agent)["state"], "available");
    drop(line);
    until("none is left", || (connections(&admin, &agent) == 0).then_some(()));
    server.advance_ms(GRACE_MS);
    let offline = until("the grace is over", || {
        let now = mine(&agent);
        (now["state"] == "offline").then_some(now)
    });
    assert_eq!(offline["reason"], "connection_lost");
}

#[test]
fn who_works_by_rest_alone_is_never_taken_for_gone() {
    let server = Server::start();
    let admin = server.admin();
    let (agent, leaver) = (admin.new_user("agent"), admin.new_user("agent"));
    // They had a socket once, but not since they chose.
    let socket = Socket::open(&agent);
    disconnect(&admin, &agent, socket);
    choose(&agent, "available");
    let socket = Socket::open(&leaver);
    choose(&leaver, "available");
    disconnect(&admin, &leaver, socket);
    let before = admin.latest_seq();
    server.advance_ms(3_600_000);
    until("who had a socket is offline", || (mine(&leaver)["state"] == "offline").then_some(()));
    let server = server.kill9().start();
    let admin = Session::login(&server.api(), admin.email(), crate::harness::PASSWORD);
    let state = |id: &str| {
        let board = admin.get("/api/v1/agent-state").data();
        let row = board.as_array().unwrap().iter().find(|row| row["user_id"] == id).cloned();
        row.expect("on the board")["state"].clone()
    };
    server.advance_ms(3_600_000);
    // Both are looked at in the same round, and the one who chose again shows that it was made.
    assert_eq!(state(agent.id()), "available");
    assert_eq!(changes_after(&admin, before).len(), 1);
}

#[test]
fn a_crash_keeps_every_state_and_who_does_not_come_back_is_offline_since_they_were_last_seen() {
    let server = Server::start();
    let admin = server.admin();
    let [lost, returns, rest] = ["agent", "agent", "agent"].map(|role| admin.new_user(role));
    let _sockets = [&lost, &returns].map(|session| Socket::open(session));
    for session in [&lost, &returns, &rest] {
        choose(session, "available");
    }
    let chosen_at = milliseconds(&mine(&lost)["since"]);
    let before = admin.latest_seq();
    let server = server.kill9().start();
    let again =
        |who: &Session| Session::login(&server.api(), who.email(), crate::harness::PASSWORD);
    let [admin, lost, returns, rest] = [&admin, &lost, &returns, &rest].map(again);
    for session in [&lost, &returns, &rest] {
        assert_eq!(mine(session)["state"], "available", "a restart changes nobody's state");
    }
    let _back = Socket::open(&returns);
    until("they are back", || (connections(&admin, &returns) == 1).then_some(()));
    server.advance_ms(RETURN_MS);
    let offline = until("nobody waits any more", || {
        let now = mine(&lost);
        (now["state"] == "offline").then_some(now)
    });
    assert_eq!(offline["reason"], "connection_lost");
    let since = milliseconds(&offline["since"]);
    assert!((chosen_at..chosen_at + 30_000).contains(&since), "{since}, not {chosen_at}");
    let told = changes_after(&admin, before);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(milliseconds(&told[0]["data"]["since"]), since);
    for session in [&returns, &rest] {
        assert_eq!(mine(session)["state"], "available");
    }
}

/// All sign in before the crash; their tokens are good after it.
#[test]
fn two_hundred_agents_who_come_back_after_a_crash_are_no_event_at_all() {
    const AGENTS: usize = 200;
    let server = Server::start();
    let admin = server.admin();
    let agents: Vec<Session> = std::thread::scope(|scope| {
        let hire = || {
            let hired = (0..AGENTS / 4).map(|_| admin.new_user("agent"));
            hired.collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(hire)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let sockets: Vec<_> = agents.iter().map(|agent| Socket::open(agent)).collect();
    for agent in &agents {
        choose(agent, "available");
    }
    let before = admin.latest_seq();
    let server = server.kill9().start();
    drop(sockets);
    let back: Vec<_> =
        agents.iter().map(|agent| Socket::open(&server.api().with_token(agent.token()))).collect();
    let admin = server.admin();
    let here = || admin.get("/api/v1/ws/online").data().as_array().unwrap().len();
    until("all are back", || (here() == AGENTS).then_some(()));
    let extra = admin.new_user("agent");
    choose(&extra, "busy");
    server.advance_ms(RETURN_MS);
    let lone = Socket::open(&extra);
    choose(&extra, "away");
    disconnect(&admin, &extra, lone);
    server.advance_ms(GRACE_MS - 1_000);
    server.advance_ms(1_000);
    until("the round after it", || (mine(&extra)["state"] == "offline").then_some(()));
    let told = changes_after(&admin, before);
    let of_extra = |event: &&Value| event["data"]["user_id"] == extra.id();
    assert_eq!(told.iter().filter(of_extra).count(), 3);
    assert_eq!(told.len(), 3, "{:#?}", &told[..told.len().min(5)]);
    drop(back);
}
