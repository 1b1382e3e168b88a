//! To whom chats are given and passed on; and that nothing said in one is lost in a crash.

use crate::{
    chats::{begun, people, text},
    harness::{ADMIN_EMAIL, PASSWORD, Server, Session},
    wire::{Kept, until},
};
use serde_json::{Value, json};

/// A team of these people with that rule, for which all new chats are.
fn team(admin: &Session, rule: &str, members: &[&Session]) -> String {
    let members: Vec<_> = members.iter().map(|member| member.id()).collect();
    let new = json!({ "name": format!("Team {rule}"), "assignment": rule, "members": members });
    text(&admin.post("/api/v1/teams", &new).expect(201).data()["id"])
}

fn settings(admin: &Session, change: Value) -> Value {
    admin.patch("/api/v1/chats/settings", &change).expect(200).data()
}

fn available(agent: &Session, state: &str) {
    agent.post("/api/v1/agent-state/me", &json!({ "state": state })).expect(200);
}

#[test]
fn a_rule_gives_chats_to_who_is_available_and_has_not_their_hands_full() {
    let server = Server::start();
    let (admin, ada, customer) = people(&server);
    let ben = admin.new_user("agent");
    let team = team(&admin, "round_robin", &[&ada, &ben]);
    settings(&admin, json!({ "team_id": team, "max_per_agent": 1 }));
    settings(&admin, json!({ "max_per_agent": 2 }));
    admin.patch("/api/v1/chats/settings", &json!({ "max_per_agent": 0 })).names(&["max_per_agent"]);
    let nobody = begun(&customer, "nobody is there");
    let assignee = |chat: &str| admin.get(chat).data()["assignee_id"].clone();
    assert_eq!(assignee(&nobody), Value::Null);
    available(&ada, "available");
    until("it is given to who came", || {
        server.advance_ms(1_100);
        (assignee(&nobody) == ada.id()).then_some(())
    });
    available(&ben, "available");
    let others: Vec<_> = (0..4).map(|n| begun(&customer, &format!("chat {n}"))).collect();
    let to: Vec<_> = others.iter().map(|chat| assignee(chat)).collect();
    assert_eq!(to, [json!(ben.id()), json!(ada.id()), json!(ben.id()), Value::Null]);
    let told = ben.get("/api/v1/notifications").data().to_string();
    assert!(told.contains("chat_assigned"), "{told}");
    ben.post(&format!("{}/close", others[0]), &json!({})).expect(200);
    until("the place is taken", || {
        server.advance_ms(1_100);
        (assignee(&others[3]) == ben.id()).then_some(())
    });
    // People may give somebody more than a rule does.
    let to_ada = json!({ "assignee_id": ada.id() });
    admin.post(&format!("{}/assign", others[2]), &to_ada).expect(200);
    assert_eq!(assignee(&others[2]), ada.id());
}

#[test]
fn a_chat_is_passed_on_to_one_of_staff_or_to_a_team_and_its_rule() {
    let server = Server::start();
    let (admin, ada, customer) = people(&server);
    let ben = admin.new_user("agent");
    let busy = team(&admin, "least_busy", &[&ada, &ben]);
    let manual = team(&admin, "manual", &[&ada]);
    available(&ada, "available");
    available(&ben, "available");
    let chat = begun(&customer, "Hello");
    let pass = |to: Value| admin.post(&format!("{chat}/transfer"), &to);
    pass(json!({})).names(&["assignee_id"]);
    pass(json!({ "assignee_id": ada.id(), "team_id": busy })).names(&["assignee_id"]);
    pass(json!({ "assignee_id": customer.id() })).names(&["assignee_id"]);
    pass(json!({ "team_id": ada.id() })).names(&["team_id"]);
    let at = pass(json!({ "assignee_id": ada.id() })).expect(200).data();
    assert_eq!(at["assignee_id"], ada.id());
    let at = pass(json!({ "team_id": busy })).expect(200).data();
    // Ada had it, and Ben has nothing in hand.
    assert_eq!((&at["team_id"], &at["assignee_id"]), (&json!(busy), &json!(ben.id())));
    let at = pass(json!({ "team_id": manual })).expect(200).data();
    assert_eq!((&at["team_id"], &at["assignee_id"]), (&json!(manual), &Value::Null));
    let stale = json!({ "assignee_id": ada.id(), "version": 1 });
    pass(stale).refused(409, "version_conflict");
    let mine = ada.post(&format!("{chat}/assign"), &json!({})).expect(200).data();
    assert_eq!(mine["assignee_id"], ada.id());
    let none = json!({ "assignee_id": null });
    let nobodys = ada.post(&format!("{chat}/assign"), &none).expect(200).data();
    assert_eq!(nobodys["assignee_id"], Value::Null);
    let count = |filter: &str| ada.get(&format!("/api/v1/chats?{filter}")).meta()["total"].clone();
    assert_eq!((count("assignee=none"), count("assignee=me")), (json!(1), json!(0)));
    assert_eq!((count("status=open,pending"), count("status=closed")), (json!(1), json!(0)));
    ada.get("/api/v1/chats?status=lost").names(&["status"]);
}

#[test]
fn after_kill_9_every_message_that_was_answered_is_there_in_order_and_once() {
    let mut server = Server::start();
    let (admin, agent, customer) = people(&server);
    let chat = begun(&customer, "first");
    let path = format!("{chat}/messages");
    let mut known = vec![String::from("first")];
    let (mail, mut token) = (customer.email().to_owned(), customer.token().to_owned());
    drop((admin, agent));
    for round in 0..4 {
        let address = server.address;
        let (sent_path, sent_token) = (path.clone(), token.clone());
        let (said, heard) = std::sync::mpsc::sync_channel(10_000);
        let writer = std::thread::spawn(move || {
            let Ok(mut kept) = Kept::connect(address, &sent_token) else { return };
            for number in 0..10_000 {
                let body = format!("{round}-{number}");
                let message = json!({ "body": body, "client_msg_id": body });
                match kept.post(&sent_path, &message) {
                    Ok((201, _)) => said.send(body).unwrap(),
                    Ok((503, _)) => {}
                    Ok((status, answer)) => panic!("{status} {answer}"),
                    Err(_) => return,
                }
            }
        });
        // In the middle of it, after some were answered.
        for _ in 0..20 {
            known.push(heard.recv().expect("it writes"));
        }
        let setup = server.kill9();
        writer.join().unwrap();
        known.extend(heard.try_iter());
        server = setup.start();
        let back = Session::login(&server.api(), &mail, PASSWORD);
        // What nobody knows the end of is sent again, and is one message all the same.
        let last = known.last().unwrap().clone();
        back.post(&path, &json!({ "body": last, "client_msg_id": last })).expect(200);
        token = back.token().to_owned();
    }
    let admin = Session::login(&server.api(), ADMIN_EMAIL, PASSWORD);
    let (mut bodies, mut after) = (Vec::new(), 0);
    loop {
        let page = admin.get(&format!("{path}?after={after}&limit=200")).expect(200);
        for message in page.data().as_array().unwrap() {
            after += 1;
            assert_eq!(message["number"], after, "numbers have no gap");
            bodies.push(text(&message["body"]));
        }
        if page.meta()["more"] == false {
            break;
        }
    }
    let mut at = bodies.iter();
    for body in &known {
        assert!(at.any(|there| there == body), "{body} is lost, or out of order");
    }
    let mut once = bodies.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), bodies.len(), "none is there twice");
}
