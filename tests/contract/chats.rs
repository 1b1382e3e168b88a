//! Chats of customers with staff: whose turn it is, what is said once, how far it was read, and
//! what becomes of it.

use crate::harness::{Server, Session, Socket};
use serde_json::{Value, json};

pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// A chat that somebody begins with these words; its path.
pub(crate) fn begun(customer: &Session, body: &str) -> String {
    let made = customer.post("/api/v1/chats", &json!({ "body": body })).expect(201).data();
    format!("/api/v1/chats/{}", text(&made["id"]))
}

fn say(who: &Session, chat: &str, body: &str) -> Value {
    let path = format!("{chat}/messages");
    who.post(&path, &json!({ "body": body })).expect(201).data()
}

pub(crate) fn people(server: &Server) -> (Session, Session, Session) {
    let admin = server.admin();
    let (agent, customer) = (admin.new_user("agent"), admin.new_user("customer"));
    (admin, agent, customer)
}

/// Kinds of events that somebody heard since, and whether they were chats'.
fn kinds_since(who: &Session, seq: i64) -> Vec<String> {
    let path = format!("/api/v1/events?after={seq}&limit=500&type=chat.*,notification.created");
    let page = who.get(&path).expect(200).data();
    page.as_array().unwrap().iter().map(|event| text(&event["type"])).collect()
}

#[test]
fn who_writes_decides_whose_turn_it_is_and_a_closed_chat_takes_no_more() {
    let server = Server::start();
    let (_, agent, customer) = people(&server);
    let chat = begun(&customer, "Is anyone there?");
    let status = || text(&agent.get(&chat).expect(200).data()["status"]);
    assert_eq!(status(), "open");
    say(&agent, &chat, "I am");
    assert_eq!(status(), "pending");
    say(&agent, &chat, "What is it?");
    assert_eq!(status(), "pending");
    say(&customer, &chat, "The printer");
    assert_eq!(status(), "open");
    let waits = json!({ "status": "pending" });
    customer.patch(&chat, &waits).refused(403, "forbidden");
    agent.patch(&chat, &waits).expect(200);
    agent.patch(&chat, &json!({ "status": "closed" })).names(&["status"]);
    let closed = customer.post(&format!("{chat}/close"), &json!({})).expect(200).data();
    assert_eq!((&closed["status"], closed["closed_at"].is_string()), (&json!("closed"), true));
    let before = agent.latest_seq();
    let again = agent.post(&format!("{chat}/close"), &json!({})).expect(200).data();
    assert_eq!(again, closed, "closing twice is closing once");
    assert_eq!(agent.latest_seq(), before, "and says nothing");
    for who in [&agent, &customer] {
        let more = who.post(&format!("{chat}/messages"), &json!({ "body": "more" }));
        more.refused(409, "chat_closed");
    }
    agent.patch(&chat, &waits).refused(409, "chat_closed");
    customer.post(&format!("{chat}/reopen"), &json!({})).refused(403, "forbidden");
    let open = agent.post(&format!("{chat}/reopen"), &json!({})).expect(200).data();
    assert_eq!((&open["status"], &open["closed_at"]), (&json!("open"), &Value::Null));
    say(&customer, &chat, "So it is open");
}

#[test]
fn every_step_is_said_once_to_both_sides_and_what_only_staff_did_to_staff() {
    let server = Server::start();
    let (admin, agent, customer) = people(&server);
    let start = admin.latest_seq();
    let chat = begun(&customer, "Hello");
    agent.post(&format!("{chat}/assign"), &json!({})).expect(200);
    say(&agent, &chat, "Good day");
    for (who, number) in [(&customer, 2), (&agent, 1), (&admin, 2)] {
        who.post(&format!("{chat}/read"), &json!({ "number": number })).expect(200);
    }
    let told = kinds_since(&customer, start);
    let both = [
        "chat.created",
        "chat.message",
        "chat.assigned",
        "chat.message",
        "chat.updated",
        "notification.created",
        "chat.read",
        "chat.read",
    ];
    assert_eq!(told, both, "the supervisor who looked in is not among them");
    let mut staff = kinds_since(&admin, start);
    staff.retain(|kind| kind.starts_with("chat."));
    assert_eq!(staff.iter().filter(|kind| *kind == "chat.read").count(), 3, "{staff:?}");
    let reads = |who: &Session| who.get(&chat).data()["reads"].as_array().unwrap().len();
    assert_eq!((reads(&customer), reads(&admin)), (2, 3));
}

#[test]
fn the_same_message_sent_twice_is_one_and_everybodys_ids_are_their_own() {
    let server = Server::start();
    let (_, agent, customer) = people(&server);
    let chat = begun(&customer, "Hello");
    let path = format!("{chat}/messages");
    let message = json!({ "body": "once", "client_msg_id": "c-1" });
    let first = customer.post(&path, &message).expect(201).data();
    let again = json!({ "body": "other words", "client_msg_id": "c-1" });
    assert_eq!(customer.post(&path, &again).expect(200).data(), first);
    let mine = agent.post(&path, &message).expect(201).data();
    assert_eq!((&first["number"], &mine["number"]), (&json!(2), &json!(3)));
    customer.post(&format!("{chat}/close"), &json!({})).expect(200);
    let late = customer.post(&path, &message).expect(200).data();
    assert_eq!(late, first, "what was said before the end is known after it");
    let wrong = json!({ "body": " ", "client_msg_id": "a b" });
    customer.post(&path, &wrong).names(&["body", "client_msg_id"]);
    customer.post(&path, &json!({ "body": "x".repeat(8193) })).names(&["body"]);
}

#[test]
fn a_cursor_goes_forward_only_and_a_chat_counts_what_was_not_read() {
    let server = Server::start();
    let (_, agent, customer) = people(&server);
    let chat = begun(&customer, "1");
    for body in ["2", "3"] {
        say(&customer, &chat, body);
    }
    let unread = |who: &Session| who.get("/api/v1/chats").expect(200).data()[0]["unread"].clone();
    assert_eq!((unread(&agent), unread(&customer)), (json!(3), json!(0)));
    let read = |number: i64| agent.post(&format!("{chat}/read"), &json!({ "number": number }));
    let there = read(2).expect(200).data();
    let seq = agent.latest_seq();
    assert_eq!(read(1).expect(200).data(), there, "it does not go back");
    assert_eq!(agent.latest_seq(), seq, "and nothing is said of it");
    assert_eq!(unread(&agent), 1);
    for number in [4, -1] {
        read(number).names(&["number"]);
    }
    assert_eq!(read(3).expect(200).data()["number"], 3);
    assert_eq!(unread(&agent), 0);
}

#[test]
fn messages_are_edited_and_deleted_by_their_authors_and_keep_their_numbers() {
    let server = Server::start();
    let (admin, agent, customer) = people(&server);
    let chat = begun(&customer, "Hello");
    let message = say(&customer, &chat, "my number is 5550199");
    let path = format!("{chat}/messages/{}", text(&message["id"]));
    agent.patch(&path, &json!({ "body": "x" })).refused(403, "forbidden");
    agent.delete(&path).refused(403, "forbidden");
    let edited = customer.patch(&path, &json!({ "body": "my number is 5550188" })).expect(200);
    assert_eq!(
        (&edited.data()["version"], edited.data()["edited_at"].is_string()),
        (&json!(2), true)
    );
    let stale = customer.patch(&path, &json!({ "body": "late", "version": 1 }));
    stale.refused(409, "version_conflict");
    let file = customer.request("POST", &format!("{path}/attachments")).file("a.txt", b"bytes");
    let file = file.send().expect(201).data();
    let seen = agent.get(&format!("{chat}/messages")).data();
    assert_eq!(seen[1]["attachments"], json!([file["id"]]));
    let link = format!("/api/v1/attachments/{}/download", text(&file["id"]));
    assert_eq!(agent.get(&link).expect(200).text(), "bytes");
    admin.delete(&path).expect(200);
    agent.get(&link).expect(404);
    customer.patch(&path, &json!({ "body": "back" })).expect(404);
    let all = agent.get(&format!("{chat}/messages")).data();
    let row = |at: usize| (all[at]["number"].clone(), all[at]["body"].clone());
    assert_eq!((row(0), row(1)), ((json!(1), json!("Hello")), (json!(2), json!(""))));
    assert!(all[1]["deleted_at"].is_string());
    let log = agent.get("/api/v1/events?type=chat.message.deleted").text();
    assert!(!log.contains("5550188"), "what was deleted is not said once more: {log}");
    let other = begun(&customer, "Another");
    let elsewhere = format!("{other}/messages/{}", text(&all[0]["id"]));
    customer.patch(&elsewhere, &json!({ "body": "x" })).expect(404);
}

#[test]
fn a_customer_sees_their_own_chats_and_nobody_elses() {
    let server = Server::start();
    let (admin, agent, customer) = people(&server);
    let other = admin.new_user("customer");
    let chat = begun(&customer, "a secret");
    begun(&other, "hello");
    let begin_for = json!({ "body": "x", "customer_id": customer.id() });
    other.post("/api/v1/chats", &begin_for).refused(403, "forbidden");
    let post = |path: &str, body: Value| other.post(&format!("{chat}{path}"), &body).status;
    assert_eq!(other.get(&chat).status, 404);
    assert_eq!(other.get(&format!("{chat}/messages")).status, 404);
    assert_eq!(post("/messages", json!({ "body": "x" })), 404);
    assert_eq!(post("/read", json!({ "number": 1 })), 404);
    assert_eq!(post("/close", json!({})), 404);
    let listed = other.get("/api/v1/chats?assignee=none").expect(200);
    assert_eq!((listed.data().as_array().unwrap().len(), &listed.meta()["total"]), (1, &json!(1)));
    assert!(!other.get("/api/v1/events?limit=500").text().contains("a secret"));
    let mut socket = Socket::open_at(&other, "/ws?v=2");
    let room = chat.replace("/api/v1/chats/", "chat:");
    let join = json!({ "type": "room.join", "ref": "1", "payload": { "room": room } });
    socket.say(&join);
    assert_eq!(socket.expect_frame("error")["payload"]["code"], "room_refused");
    say(&agent, &chat, "an answer");
    let heard = socket.all_until_now();
    assert!(heard.iter().all(|said| said["type"] != "chat.message"), "{heard:#?}");
    let mine = json!({ "customer_id": customer.id(), "body": "We call you" });
    let by_staff = agent.post("/api/v1/chats", &mine).expect(201).data();
    assert_eq!(
        (&by_staff["status"], &by_staff["assignee_id"]),
        (&json!("pending"), &json!(agent.id()))
    );
    agent.post("/api/v1/chats", &json!({ "body": "x" })).names(&["customer_id"]);
    let staff = json!({ "body": "x", "customer_id": admin.id() });
    agent.post("/api/v1/chats", &staff).names(&["customer_id"]);
    for _ in 2..10 {
        begun(&customer, "one more");
    }
    let eleventh = customer.post("/api/v1/chats", &json!({ "body": "x" }));
    eleventh.refused(409, "too_many_chats");
}

#[test]
fn a_chat_becomes_a_ticket_once_and_both_know_each_other() {
    let server = Server::start();
    let (_, agent, customer) = people(&server);
    let chat = begun(&customer, "The printer smokes\nand smells");
    say(&agent, &chat, "Unplug it");
    let made = agent.post(&format!("{chat}/ticket"), &json!({})).expect(201).data();
    let (ticket, with) = (&made["ticket"], &made["chat"]);
    assert_eq!(
        (&ticket["subject"], &ticket["channel"]),
        (&json!("The printer smokes"), &json!("chat"))
    );
    assert_eq!(ticket["requester_id"], customer.id());
    assert!(text(&ticket["description"]).contains("Unplug it"), "{ticket}");
    assert_eq!((&ticket["chat_id"], &with["ticket_id"]), (&with["id"], &ticket["id"]));
    agent.post(&format!("{chat}/ticket"), &json!({})).refused(409, "ticket_linked");
    let other = begun(&customer, "Again");
    let link = json!({ "ticket_id": ticket["id"] });
    let linked = agent.post(&format!("{other}/ticket"), &link).expect(201).data();
    assert_eq!(linked["chat"]["ticket_id"], ticket["id"]);
    let third = begun(&customer, "And again");
    let both = json!({ "ticket_id": ticket["id"], "subject": "x" });
    agent.post(&format!("{third}/ticket"), &both).names(&["ticket_id"]);
    let none = json!({ "ticket_id": "0192a5a0-0000-7000-8000-00000000000f" });
    agent.post(&format!("{third}/ticket"), &none).expect(404);
}

#[test]
fn who_has_not_read_is_told_once_and_again_when_they_have() {
    let server = Server::start();
    let (_, agent, customer) = people(&server);
    let chat = begun(&customer, "Hello");
    agent.post(&format!("{chat}/assign"), &json!({})).expect(200);
    let told = || {
        let all = agent.get("/api/v1/notifications").data();
        let all = all.as_array().unwrap().clone();
        all.iter().filter(|one| one["type"] == "chat_message").count()
    };
    agent.post(&format!("{chat}/read"), &json!({ "number": 1 })).expect(200);
    for body in ["2", "3", "4"] {
        say(&customer, &chat, body);
    }
    assert_eq!(told(), 1);
    agent.post(&format!("{chat}/read"), &json!({ "number": 4 })).expect(200);
    say(&customer, &chat, "5");
    assert_eq!(told(), 2);
}

#[test]
fn a_chat_is_read_in_parts_from_either_end() {
    let server = Server::start();
    let (_, agent, customer) = people(&server);
    let chat = begun(&customer, "1");
    for number in 2..=7 {
        say(&customer, &chat, &number.to_string());
    }
    let part = |query: &str| {
        let page = agent.get(&format!("{chat}/messages?{query}")).expect(200);
        let rows = page.data();
        let numbers: Vec<_> =
            rows.as_array().unwrap().iter().map(|m| m["number"].as_i64().unwrap()).collect();
        (numbers, page.meta()["more"] == true)
    };
    assert_eq!(part("limit=3"), (vec![1, 2, 3], true));
    assert_eq!(part("after=3&limit=3"), (vec![4, 5, 6], true));
    assert_eq!(part("after=6&limit=3"), (vec![7], false));
    assert_eq!(part("before=8&limit=3"), (vec![5, 6, 7], true));
    assert_eq!(part("before=5&limit=4"), (vec![1, 2, 3, 4], false));
    let wrong = agent.get(&format!("{chat}/messages?after=1&before=2&limit=0"));
    wrong.names(&["before", "limit"]);
}
