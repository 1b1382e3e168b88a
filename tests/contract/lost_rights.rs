//! Who lost a right while they were away is told nothing on their return, at any door, that they
//! may no longer know.

use crate::{
    doors::{Back, Place, Told, Way},
    harness::{Line, PASSWORD, Server, Session, Socket},
};
use serde_json::{Value, json};

/// Says something; answers its number.
fn say(who: &Session, more: Value) -> i64 {
    let mut event = json!({ "type": "news.flash", "data": {} });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    who.post("/api/v1/events", &event).expect(201).data()["seq"].as_i64().unwrap()
}

/// Where somebody was before they went.
struct Before {
    since: String,
    epoch: String,
    pid: String,
}

impl Before {
    fn of(who: &Session) -> Self {
        let auth = json!({ "token": who.token(), "recover": true });
        let (_line, consent) = Line::come_in(who, &auth);
        let meta = who.get("/api/v1/events?limit=1").meta();
        Self {
            since: meta["latest_seq"].to_string(),
            epoch: meta["epoch"].as_str().unwrap().to_owned(),
            pid: consent["pid"].as_str().unwrap().to_owned(),
        }
    }

    fn place(&self) -> Place<'_> {
        Place { since: &self.since, epoch: &self.epoch, pid: &self.pid }
    }
}

/// All that comes up to this number.
fn up_to(back: &mut Back, last: i64) -> Vec<i64> {
    let Told::All(mut seqs) = back.told.clone() else { panic!("{:?}", back.told) };
    while seqs.last() != Some(&last) {
        seqs.push(back.next());
    }
    seqs
}

/// Not even what was said while they still were of the staff: whoever comes back is a customer.
#[test]
fn who_came_back_as_a_customer_hears_nothing_that_was_for_staff() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let before = Before::of(&agent);
    let mut for_staff = vec![
        say(&admin, json!({})),
        say(&admin, json!({ "room": "role:agent" })),
        say(&admin, json!({ "room": "everyone", "audience": "staff" })),
        say(&admin, json!({ "room": "queue:sales" })),
    ];
    let user = format!("/api/v1/users/{}", agent.id());
    admin.patch(&user, &json!({ "role": "customer" })).expect(200);
    for_staff.push(say(&admin, json!({})));
    let theirs = say(&admin, json!({ "user_id": agent.id() }));
    let last = say(&admin, json!({ "room": "everyone" }));
    let now = Session::login(&server.api(), agent.email(), PASSWORD);
    // With the old token too, as far as that still counts.
    for who in [&now, &agent] {
        for way in Way::ALL {
            if who.token() == agent.token() && way == Way::OpenSocket {
                continue;
            }
            let mut back = way.come_back(who, before.place());
            if who.token() == agent.token() && matches!(&back.told, Told::NoPlace(_)) {
                continue;
            }
            let seqs = up_to(&mut back, last);
            assert!(seqs.contains(&theirs), "{way:?}: {seqs:?}");
            let leaked: Vec<_> = seqs.iter().filter(|seq| for_staff.contains(seq)).collect();
            assert!(leaked.is_empty(), "{way:?}: {leaked:?}");
        }
    }
}

#[test]
fn who_has_another_role_hears_nothing_of_the_room_of_the_former() {
    let server = Server::start();
    let admin = server.admin();
    let boss = admin.new_user("supervisor");
    let before = Before::of(&boss);
    let former = say(&admin, json!({ "room": "role:supervisor" }));
    let user = format!("/api/v1/users/{}", boss.id());
    admin.patch(&user, &json!({ "role": "agent" })).expect(200);
    let later = say(&admin, json!({ "room": "role:supervisor" }));
    let (new, last) = (say(&admin, json!({ "room": "role:agent" })), say(&admin, json!({})));
    let boss = Session::login(&server.api(), boss.email(), PASSWORD);
    // The list is by audience and not by room; these were for all staff.
    for way in Way::ALL.into_iter().filter(|way| *way != Way::List) {
        let seqs = up_to(&mut way.come_back(&boss, before.place()), last);
        assert!(seqs.contains(&new), "{way:?}: {seqs:?}");
        assert!(!seqs.contains(&former) && !seqs.contains(&later), "{way:?}: {seqs:?}");
    }
}

#[test]
fn who_is_no_longer_on_a_ticket_hears_nothing_of_what_came_after_and_nothing_in_its_room() {
    let server = Server::start();
    let admin = server.admin();
    let (dora, emil) = (admin.new_user("customer"), admin.new_user("customer"));
    let new = json!({ "subject": "Printer", "description": "x", "requester_id": dora.id(),
        "followers": [emil.id()] });
    let ticket = admin.post("/api/v1/tickets", &new).expect(201).data();
    let ticket = ticket["id"].as_str().unwrap();
    let (at, room) = (format!("/api/v1/tickets/{ticket}"), format!("ticket:{ticket}"));
    let mut socket = Socket::open_at(&emil, &format!("/ws?rooms={room}"));
    assert!(socket.all_until_now().is_empty(), "they are in the room");
    drop(socket);
    let before = Before::of(&emil);
    let in_room = || say(&admin, json!({ "room": room, "audience": "everyone" }));
    let mut hidden = vec![in_room()];
    admin.post(&format!("{at}/unfollow"), &json!({ "user_id": emil.id() })).expect(200);
    let lost_at = admin.latest_seq();
    hidden.push(in_room());
    admin.post(&format!("{at}/comments"), &json!({ "body": "said later" })).expect(201);
    admin.patch(&at, &json!({ "priority": "high" })).expect(200);
    let last = say(&admin, json!({ "room": "everyone" }));
    // The list is by audience and not by room; what is said there was for everyone.
    for way in Way::ALL.into_iter().filter(|way| *way != Way::List) {
        let seqs = up_to(&mut way.come_back(&emil, before.place()), last);
        assert!(!seqs.iter().any(|seq| hidden.contains(seq)), "{way:?}: {seqs:?}");
        let later: Vec<_> = seqs.iter().filter(|seq| **seq > lost_at).collect();
        assert_eq!(later, [&last], "{way:?}");
    }
    let listed = emil.get(&format!("/api/v1/events?after={lost_at}")).expect(200);
    assert!(!listed.text().contains("said later"), "{}", listed.text());
    // Asking for the room by name, in the query and by joining, with a place in it.
    let mut socket = Socket::open_at(&emil, &format!("/ws?since={}&rooms={room}", before.since));
    let refused = socket.next();
    assert_eq!(refused["payload"]["code"], "room_refused", "{refused}");
    let payload = json!({ "room": room, "since": before.since.parse::<i64>().unwrap() });
    socket.say(&json!({ "type": "room.join", "ref": "r", "payload": payload }));
    let mut heard = Vec::new();
    while heard.last().is_none_or(|said: &Value| said["ref"] != "r") {
        heard.push(socket.next());
    }
    assert_eq!(heard.last().unwrap()["payload"]["code"], "room_refused");
    heard.extend(socket.all_until_now());
    let seqs: Vec<_> = heard.iter().filter_map(|said| said["seq"].as_i64()).collect();
    assert!(!seqs.iter().any(|seq| hidden.contains(seq)), "{heard:?}");
    let auth = json!({ "token": emil.token() });
    let (mut line, _) = Line::come_in(&emil, &auth);
    line.say(&format!("421{}", json!(["join", payload])));
    let answer = line.text();
    assert_eq!(answer, format!("431{}", json!([{ "ok": false, "error": "room_refused" }])));
}

#[test]
fn who_was_closed_or_signed_out_is_not_let_in_anywhere() {
    let server = Server::start();
    let admin = server.admin();
    let [closed, gone] = ["agent", "customer"].map(|role| admin.new_user(role));
    let places = [Before::of(&closed), Before::of(&gone)];
    say(&admin, json!({ "room": "everyone" }));
    let user = format!("/api/v1/users/{}", closed.id());
    admin.patch(&user, &json!({ "is_active": false })).expect(200);
    gone.post("/api/v1/auth/logout", &json!({})).expect(200);
    for (who, before) in [&closed, &gone].into_iter().zip(&places) {
        for way in Way::ALL {
            let expected = match way {
                // Nobody gets as far as to ask.
                Way::OpenSocket => continue,
                Way::Since | Way::Recover => "unauthorized",
                Way::List | Way::Socket | Way::Stream | Way::StreamQuery => "401 ",
            };
            let told = match way {
                Way::List => {
                    let path = format!("/api/v1/events?after={}", before.since);
                    Told::NoPlace(format!("{} ", who.get(&path).status))
                }
                way => way.come_back(who, before.place()).told,
            };
            assert_eq!(told, Told::NoPlace(expected.into()), "{way:?} of {}", who.email());
        }
    }
}
