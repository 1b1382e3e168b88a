//! A server that is killed in the middle of its work costs its Socket.IO clients nothing of the
//! desk: not a ticket, not a comment, not a notification.

use crate::{
    harness::{Server, Session},
    socketio_clients::{Client, Kind, installed},
    wire::until,
};
use serde_json::{Value, json};

/// All that somebody may hear of the log after a number, in order.
fn log_of(who: &Session, after: i64) -> Vec<(i64, String)> {
    let page = who.get(&format!("/api/events?after={after}&limit=500")).data();
    let page = page.as_array().expect("events").clone();
    assert!(page.len() < 500, "more than one page");
    let named = |event: &Value| match event["type"].as_str().expect("a type") {
        // Under the name of the ticketing document.
        "notification.created" => String::from("notification"),
        name => name.to_owned(),
    };
    page.iter().map(|event| (event["seq"].as_i64().unwrap(), named(event))).collect()
}

/// The durable events that a client has heard.
fn heard(client: &Client) -> Vec<(i64, String)> {
    let events = client.events();
    assert!(!events.iter().any(|event| event[0] == "resync_required"), "{events:#?}");
    let durable = events.iter().filter(|event| event[0] != "resumed");
    durable
        .filter_map(|event| Some((event[1]["seq"].as_i64()?, event[0].as_str()?.to_owned())))
        .collect()
}

/// Opens a ticket and comments on it.
fn talk(dora: &Session, subject: &str) -> Value {
    let ticket = dora.post("/api/tickets", &json!({ "subject": subject })).expect(201).data();
    let at = format!("/api/tickets/{}/comments", ticket["id"].as_str().unwrap());
    for word in ["one", "two", "three"] {
        dora.post(&at, &json!({ "body": word })).expect(201);
    }
    ticket
}

#[test]
fn tickets_comments_and_notifications_of_an_outage_are_heard_once_and_in_order() {
    if !installed() {
        return println!("skipped: tests/run installs the clients");
    }
    // A port of its own, to be found again at.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server::with(|setup| setup.env("SERVER_PORT", &free.to_string()));
    let (admin, dora) = {
        let admin = server.admin();
        let dora = admin.new_user("customer");
        (admin, dora)
    };
    let since = admin.latest_seq();
    let auth = |more: Value| {
        let mut auth = json!({ "token": admin.token() });
        auth.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        auth
    };
    // Long enough to be away while the desk goes on.
    let stock = |transports: Value| {
        let auth = auth(json!({ "recover": true }));
        json!({ "auth": auth, "transports": transports, "reconnectionDelay": 1_000,
            "reconnectionDelayMax": 1_000, "randomizationFactor": 0 })
    };
    let by_since = json!({ "auth": auth(json!({ "since": since })), "resume": true,
        "reconnectionDelay": 1_000 });
    let (url, four) = (server.url(""), Kind::Npm("socket.io-client"));
    let three = Kind::Npm("socket.io-client-3");
    let clients = [
        ("4, by pid and offset", Client::start(four, &url, &stock(json!(["websocket"])))),
        ("4, polling", Client::start(four, &url, &stock(json!(["polling"])))),
        ("4, upgrading", Client::start(four, &url, &stock(json!(["polling", "websocket"])))),
        ("4, by since", Client::start(four, &url, &by_since)),
        ("3, by since", Client::start(three, &url, &by_since)),
        ("Python, by since", Client::start(Kind::Python, &url, &by_since)),
    ];
    for (_, client) in &clients {
        client.wait_is("connect");
    }
    talk(&dora, "Before");
    for (_, client) in &clients {
        client.wait_for(|line| line["args"][1]["data"]["subject"] == "Before");
    }
    // Killed in the middle: of these the clients may have heard some, or none.
    talk(&dora, "Under way");
    let server = server.kill9().start();
    let ticket = talk(&dora, "While nobody listens");
    let at = format!("/api/tickets/{}", ticket["id"].as_str().unwrap());
    let admin = server.admin();
    admin.patch(&at, &json!({ "priority": "high", "assignee_id": admin.id() })).expect(200);
    let away = log_of(&admin, since);
    for kind in ["ticket.created", "comment.created", "ticket.assigned", "notification"] {
        assert!(away.iter().any(|(_, name)| name == kind), "{kind}: {away:?}");
    }
    for (_, client) in &clients {
        let ended = |line: &Value| line["is"] == "disconnect";
        client.wait_for(ended);
        client.wait_for(|line| line["args"][0] == "ticket.assigned");
    }
    talk(&dora, "And after");
    let all = log_of(&admin, since);
    for (name, client) in &clients {
        until("everything is heard", || (heard(client).len() >= all.len()).then_some(()));
        assert_eq!(heard(client), all, "{name}");
    }
}
