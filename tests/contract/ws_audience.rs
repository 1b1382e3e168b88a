//! Who hears what on a socket: staff of the tenant, one person, one role, everyone; live and
//! replayed alike.

use crate::harness::{Server, Session, Socket};
use serde_json::{Value, json};

/// One tenant's people of each role and somebody of another tenant, two sockets for the agent.
struct People {
    admin: Session,
    sessions: Vec<(&'static str, Session)>,
    sockets: Vec<(&'static str, Socket)>,
    since: i64,
}

fn people(server: &Server) -> People {
    let admin = server.admin();
    let sessions = vec![
        ("admin", admin.clone()),
        ("supervisor", admin.new_user("supervisor")),
        ("agent", admin.new_user("agent")),
        ("customer", admin.new_user("customer")),
        ("other customer", admin.new_user("customer")),
        ("abroad", admin.new_tenant("Abroad").admin),
    ];
    let mut sockets: Vec<_> =
        sessions.iter().map(|(name, who)| (*name, Socket::open(who))).collect();
    sockets.push(("agent's phone", Socket::open(&sessions[2].1)));
    // A socket that answers is in its rooms.
    for (_, socket) in &mut sockets {
        assert!(socket.all_until_now().is_empty());
    }
    let since = admin.latest_seq();
    People { admin, sessions, sockets, since }
}

impl People {
    fn id(&self, name: &str) -> &str {
        self.sessions.iter().find(|(known, _)| *known == name).expect("somebody").1.id()
    }

    /// Says a custom event to a room or an audience; answers its `seq`.
    fn say(&self, whereto: &Value) -> Value {
        let mut event = json!({ "type": "news.flash", "data": { "text": "hear" } });
        event.as_object_mut().unwrap().extend(whereto.as_object().unwrap().clone());
        self.admin.post("/api/v1/events", &event).expect(201).data()["seq"].clone()
    }

    /// Makes sure that these and nobody else heard it, once each; `seq` is the newest event, so who
    /// answers a ping after it without having had it never gets it.
    fn heard_by(&mut self, what: &str, seq: &Value, expected: &[&str]) {
        // The ringer puts an event into all mailboxes before it writes any: once one of them was
        // written, a ping is answered behind it everywhere.
        let first = expected.first().expect("somebody hears it");
        let (_, socket) = self.sockets.iter_mut().find(|(name, _)| name == first).unwrap();
        assert_eq!(socket.next()["seq"], *seq, "{what}: {first}");
        for (name, socket) in &mut self.sockets {
            let heard: Vec<Value> =
                socket.all_until_now().iter().map(|frame| frame["seq"].clone()).collect();
            let hears = expected[1..].contains(name);
            assert_eq!(heard, if hears { vec![seq.clone()] } else { vec![] }, "{what}: {name}");
        }
    }
}

const STAFF: [&str; 4] = ["admin", "supervisor", "agent", "agent's phone"];

#[test]
fn a_state_change_reaches_every_staff_socket_of_the_tenant_and_no_other() {
    let server = Server::start();
    let mut people = people(&server);
    let (_, agent) = &people.sessions[2];
    agent.post("/api/v1/agent-state/me", &json!({ "state": "available" })).expect(200);
    let seq = json!(people.admin.latest_seq());
    people.heard_by("agent.state.changed", &seq, &STAFF);
    // And the other way round: what happens abroad is not heard here.
    let (_, abroad) = &people.sessions[5];
    abroad.post("/api/v1/agent-state/me", &json!({ "state": "away" })).expect(200);
    let seq = json!(people.admin.latest_seq());
    people.heard_by("abroad", &seq, &["abroad"]);
}

#[test]
fn a_published_event_reaches_the_room_and_the_audience_that_were_asked_for_and_replays_the_same() {
    let server = Server::start();
    let mut people = people(&server);
    let (agent, customer) = (people.id("agent").to_owned(), people.id("customer").to_owned());
    let everyone = [&STAFF[..], &["customer", "other customer"]].concat();
    let table: Vec<(Value, Vec<&str>)> = vec![
        (json!({}), STAFF.to_vec()),
        (json!({ "room": "tenant" }), STAFF.to_vec()),
        (json!({ "audience": "staff" }), STAFF.to_vec()),
        (json!({ "room": "everyone" }), everyone.clone()),
        (json!({ "audience": "everyone" }), everyone.clone()),
        // A room narrows, and never lets somebody in whom the audience leaves out.
        (json!({ "room": "everyone", "audience": "staff" }), STAFF.to_vec()),
        (json!({ "room": "role:agent" }), vec!["agent", "agent's phone"]),
        (json!({ "room": "role:supervisor", "audience": "everyone" }), vec!["supervisor"]),
        (json!({ "user_id": customer }), vec!["customer"]),
        (json!({ "room": format!("user:{customer}") }), vec!["customer"]),
        (json!({ "room": format!("user:{customer}"), "audience": "everyone" }), vec!["customer"]),
        (json!({ "audience": format!("user:{customer}") }), vec!["customer"]),
        (json!({ "user_id": agent }), vec!["agent", "agent's phone"]),
        (
            json!({ "room": format!("user:{agent}"), "audience": "staff" }),
            vec!["agent", "agent's phone"],
        ),
    ];
    let mut by_name: Vec<(&str, Vec<Value>)> =
        people.sessions.iter().map(|(name, _)| (*name, Vec::new())).collect();
    for (whereto, expected) in &table {
        let seq = people.say(whereto);
        people.heard_by(&whereto.to_string(), &seq, expected);
        for (name, heard) in &mut by_name {
            heard.extend(expected.contains(name).then(|| seq.clone()));
        }
    }
    // Nobody hears it: a customer has no way into a staff room, and a ghost is refused.
    let nobody = people.say(&json!({ "room": format!("user:{customer}"), "audience": "staff" }));
    for (name, socket) in &mut people.sockets {
        assert!(socket.all_until_now().is_empty(), "{name} heard {nobody}");
    }
    for ((name, session), (_, live)) in people.sessions.iter().zip(&by_name) {
        let mut socket = Socket::open_at(session, &format!("/ws?since={}", people.since));
        assert_eq!(socket.next()["type"], "hello");
        let mut replayed = Vec::new();
        loop {
            let said = socket.next();
            if said["type"] == "resumed" {
                break;
            }
            replayed.push(said["seq"].clone());
        }
        assert_eq!(&replayed, live, "{name}");
    }
}

#[test]
fn nobody_can_be_told_something_who_is_not_of_the_tenant() {
    let server = Server::start();
    let people = people(&server);
    let abroad = people.id("abroad");
    for whereto in [
        json!({ "user_id": abroad }),
        json!({ "room": format!("user:{abroad}") }),
        json!({ "audience": format!("user:{abroad}") }),
    ] {
        let mut event = json!({ "type": "news.flash", "data": {} });
        event.as_object_mut().unwrap().extend(whereto.as_object().unwrap().clone());
        people.admin.post("/api/v1/events", &event).names(&["user_id"]);
    }
}
