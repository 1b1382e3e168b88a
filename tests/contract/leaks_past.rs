//! What people keep of what was theirs: a ticket that went to somebody else, one that was deleted,
//! a role that was taken away, an answer that was given before.

use crate::{
    harness::{Server, Session, Socket},
    leaks_world::{id, make, upload},
};
use serde_json::{Value, json};

/// All that a customer gets by asking for everything, as text.
fn everything(who: &Session) -> String {
    let mut socket = Socket::open_at(who, "/ws?since=0&v=2");
    socket.expect_frame("hello");
    let mut all: Vec<String> =
        socket.all_until_now().iter().map(|frame| frame["payload"].to_string()).collect();
    let paths = [
        "/tickets?per_page=200",
        "/search?q=later",
        "/search?q=later&in=comments",
        "/search?q=%231",
        "/events?limit=500",
        "/notifications?per_page=200",
    ];
    all.extend(paths.map(|path| who.get(&format!("/api/v1{path}")).expect(200).text()));
    all.join("\n")
}

/// Says and does things on a ticket that have `later` in them.
fn go_on(agent: &Session, ticket: &str) {
    let comment = json!({ "body": "said later" });
    let comment = id(&make(agent, &format!("/tickets/{ticket}/comments"), comment));
    upload(agent, &format!("/tickets/{ticket}"), "later.txt", "later").expect(201);
    upload(agent, &format!("/comments/{comment}"), "later.txt", "later").expect(201);
    let edit = json!({ "description": "described later", "priority": "high" });
    agent.patch(&format!("/api/v1/tickets/{ticket}"), &edit).expect(200);
}

#[test]
fn who_is_no_longer_on_a_ticket_keeps_what_they_were_told_and_gets_nothing_later() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let [dora, emil, fred] = ["customer"; 3].map(|role| admin.new_user(role));
    let ticket = id(&make(&dora, "/tickets", json!({ "subject": "early", "description": "x" })));
    let at = format!("/api/v1/tickets/{ticket}");
    agent.post(&format!("{at}/follow"), &json!({ "user_id": emil.id() })).expect(200);
    let early = json!({ "body": "said early" });
    make(&agent, &format!("/tickets/{ticket}/comments"), early);
    assert!(emil.get("/api/v1/search?q=early").text().contains("said"));
    agent.post(&format!("{at}/unfollow"), &json!({ "user_id": emil.id() })).expect(200);
    agent.patch(&at, &json!({ "requester_id": fred.id() })).expect(200);
    let mut live = [Socket::open(&dora), Socket::open(&emil)];
    go_on(&agent, &ticket);
    for socket in &mut live {
        assert_eq!(socket.all_until_now(), Vec::<Value>::new());
    }
    for former in [&dora, &emil] {
        let got = everything(former);
        assert!(!got.contains("later"), "{got}");
        assert!(got.contains("said early"), "what they were told stays theirs: {got}");
        for path in ["", "/comments", "/timeline", "/attachments"] {
            former.get(&format!("{at}{path}")).refused(404, "not_found");
        }
        assert_eq!(former.get("/api/v1/search?q=early").data(), json!([]));
    }
    let got = everything(&fred);
    assert!(got.contains("said later") && got.contains("\"early\""), "{got}");
}

#[test]
fn nothing_of_a_deleted_ticket_is_found_until_it_is_restored() {
    let server = Server::start();
    let admin = server.admin();
    let dora = admin.new_user("customer");
    let ticket = id(&make(&dora, "/tickets", json!({ "subject": "lost", "description": "x" })));
    let comments = format!("/tickets/{ticket}/comments");
    make(&dora, &comments, json!({ "body": "lost and found" }));
    make(&admin, &comments, json!({ "body": "lost among us", "visibility": "internal" }));
    let found = |who: &Session| {
        let found = who.get("/api/v1/search?q=lost").data();
        found.as_array().unwrap().len()
    };
    assert_eq!((found(&dora), found(&admin)), (2, 3));
    let at = format!("/api/v1/tickets/{ticket}");
    admin.delete(&at).expect(200);
    assert_eq!((found(&dora), found(&admin)), (0, 0));
    admin.post(&format!("{at}/restore"), &json!({})).expect(200);
    assert_eq!((found(&dora), found(&admin)), (2, 3));
}

#[test]
fn who_is_no_longer_staff_gets_nothing_of_what_staff_were_told() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let inside = json!({ "webhook_url": "/api/notifications/webhooks/notifications" });
    agent.put("/api/v1/users/me/webhook", &inside).expect(200);
    let ticket = id(&make(&admin, "/tickets", json!({ "subject": "a", "description": "x" })));
    let note = json!({ "body": "between us", "visibility": "internal", "mentions": [agent.id()] });
    make(&admin, &format!("/tickets/{ticket}/comments"), note);
    let inbox = "/api/v1/notifications/webhooks/notifications";
    let mut tries = 0;
    while !agent.get(inbox).text().contains("between us") {
        tries += 1;
        assert!(tries < 2_000, "the note never came to the inbox");
    }
    assert!(agent.get("/api/v1/events?limit=500").text().contains("between us"));
    let user = format!("/api/v1/users/{}", agent.id());
    admin.patch(&user, &json!({ "role": "customer" })).expect(200);
    let customer = Session::login(&server.api(), agent.email(), crate::harness::PASSWORD);
    let mut got = everything(&customer);
    for path in [inbox, "/api/v1/users/me/webhook/logs", "/api/v1/users/me/webhook"] {
        got += &customer.get(path).expect(200).text();
    }
    assert!(!got.contains("between us"), "{got}");
}

/// The same key and the same body from two people are two requests.
#[test]
fn an_answer_kept_under_a_key_is_for_whoever_asked_first_alone() {
    let server = Server::start();
    let admin = server.admin();
    let [dora, emil] = ["customer"; 2].map(|role| admin.new_user(role));
    let open = |who: &Session| {
        let new = json!({ "subject": "Help", "description": "me" });
        let request = who.request("POST", "/api/v1/tickets").header("idempotency-key", "1");
        request.json(&new).send().expect(201)
    };
    let (first, second, again) = (open(&dora), open(&emil), open(&dora));
    assert_eq!(second.data()["requester_id"], emil.id());
    assert_eq!((second.header("idempotency-replayed"), again.data()), (None, first.data()));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
}
