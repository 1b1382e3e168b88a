//! A restart is no news: whoever was here is expected back, whoever comes back was never gone, and
//! whoever does not is gone half a minute later. What agents chose stays chosen.

use crate::{
    chaos::at_a_port_of_its_own,
    harness::{Server, Session, Setup, Socket},
};
use serde_json::{Value, json};

/// An open socket that is told who comes and goes, and what it is told first.
fn watching(who: &Session) -> (Socket, Vec<String>) {
    let mut socket = Socket::open(who);
    socket.say(&json!({ "type": "presence.subscribe", "ref": "p" }));
    let here = socket.expect_frame("presence")["payload"].clone();
    assert_eq!(socket.expect_frame("reply")["ref"], "p");
    (socket, ids(&here["online"]))
}

fn ids(rows: &Value) -> Vec<String> {
    let id = |row: &Value| row["user_id"].as_str().expect("an id").to_owned();
    let mut ids: Vec<String> = rows.as_array().expect("rows").iter().map(id).collect();
    ids.sort();
    ids
}

fn online(asks: &Session) -> Vec<String> {
    ids(&asks.get("/api/v1/ws/online").expect(200).data())
}

/// Time passes in steps that are shorter than a pong may take; answers what was told of presence.
fn pass(server: &Server, ms: i64, sockets: &mut [Socket]) -> Vec<Value> {
    let mut told = Vec::new();
    for step in (0..ms).step_by(5_000) {
        server.advance_ms((ms - step).min(5_000));
        for socket in &mut *sockets {
            let heard = socket.all_until_now();
            told.extend(heard.iter().filter(|said| said["type"] == "presence.changed").cloned());
        }
    }
    told.into_iter().map(|said| said["payload"].clone()).collect()
}

fn sorted(people: &[&Session]) -> Vec<String> {
    let mut ids: Vec<String> = people.iter().map(|who| who.id().to_owned()).collect();
    ids.sort();
    ids
}

/// Everybody is here, then the server goes the way it goes; until it knew of all of them, which it
/// writes down in its own time.
fn restarted(mut server: Server, people: &[&Session], end: fn(Server) -> Setup) -> Server {
    for _ in 0..50 {
        let sockets: Vec<_> = people.iter().map(|who| watching(who).0).collect();
        assert_eq!(online(people[0]), sorted(people));
        server.advance_ms(3_000);
        people[0].post("/api/v1/events", &json!({ "type": "a.b", "data": {} })).expect(201);
        server = end(server).start();
        drop(sockets);
        if online(people[0]) == sorted(people) {
            return server;
        }
    }
    panic!("whoever was here is not expected back");
}

fn a_restart_is_no_news(end: fn(Server) -> Setup) {
    let server = at_a_port_of_its_own();
    let admin = server.admin();
    let [ada, bob, carl] = ["agent"; 3].map(|role| admin.new_user(role));
    for (who, state) in [(&ada, "busy"), (&bob, "available"), (&carl, "available")] {
        who.post("/api/v1/agent-state/me", &json!({ "state": state })).expect(200);
    }
    let board = admin.get("/api/v1/agent-state").expect(200).data();
    let people = [&admin, &ada, &bob, &carl];
    let server = restarted(server, &people, end);
    let latest = admin.latest_seq();
    let (watcher, here) = watching(&admin);
    assert_eq!(here, sorted(&people), "all are on their way back");
    let mut sockets = vec![watcher];
    let mut told = pass(&server, 10_000, &mut sockets);
    sockets.extend([Socket::open(&ada), Socket::open(&bob)]);
    told.extend(pass(&server, 10_000, &mut sockets));
    assert_eq!(told, Vec::<Value>::new(), "whoever is back in time was never gone");
    assert_eq!(online(&admin), sorted(&people));
    let told = pass(&server, 40_000, &mut sockets);
    assert_eq!(told, [json!({ "online": [], "offline": [carl.id()] })]);
    assert_eq!(online(&admin), sorted(&[&admin, &ada, &bob]));
    // What they chose is theirs to change, and nothing was said of any of this.
    assert_eq!(admin.get("/api/v1/agent-state").expect(200).data(), board);
    assert_eq!(admin.latest_seq(), latest);
}

#[test]
fn a_crash_is_no_news_of_who_comes_and_goes_but_for_those_who_stay_away() {
    a_restart_is_no_news(Server::kill9);
}

#[test]
fn an_orderly_restart_is_no_news_of_who_comes_and_goes_but_for_those_who_stay_away() {
    a_restart_is_no_news(|server| server.stop().0);
}

/// Neither somebody whose account was closed while they were away, nor one who had left before.
#[test]
fn who_may_not_come_back_or_had_left_is_not_expected() {
    let server = at_a_port_of_its_own();
    let admin = server.admin();
    let [ada, bob] = ["agent"; 2].map(|role| admin.new_user(role));
    let server = restarted(server, &[&admin, &ada, &bob], Server::kill9);
    let user = format!("/api/v1/users/{}", bob.id());
    admin.patch(&user, &json!({ "is_active": false })).expect(200);
    let server = Server::kill9(server).start();
    assert_eq!(online(&admin), sorted(&[&admin, &ada]));
    let mut sockets = [Socket::open(&admin)];
    pass(&server, 45_000, &mut sockets);
    assert_eq!(online(&admin), sorted(&[&admin]), "nobody else came");
    let _server = restarted(server, &[&admin], Server::kill9);
}
