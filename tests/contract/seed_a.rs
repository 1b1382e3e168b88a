//! The scripts and pages of the ticketing document, in words of our own and with the same
//! libraries: what they do there, they do here.

use crate::{
    clients::python,
    harness::{ADMIN_EMAIL, PASSWORD, Receiver, Server},
    socketio_clients::{Client, Kind, installed},
};
use serde_json::{Value, json};

const INSIDE: &str = "/api/notifications/webhooks/notifications";

fn task(server: &Server) -> Value {
    let url = server.url("");
    json!({ "url": url, "email": ADMIN_EMAIL, "password": PASSWORD, "inside": INSIDE })
}

/// What a page that never asked for a list again shows is what REST answers.
fn judge_page(found: &Value) {
    let page = &found["page"];
    let count = found["expected"].as_array().unwrap().len();
    assert_eq!(page["types"], found["expected"], "{page:#}");
    assert_eq!(page["badge"], count);
    let boss = "Administrator";
    let expected = [
        String::from("Your ticket 'Server Issue' was created"),
        String::from("Your ticket was updated"),
        format!("New comment on your ticket 'Server Issue' by {boss}"),
        format!("Comment on ticket 'Server Issue' was edited by {boss}"),
        format!("New attachment 'load.csv' on your ticket 'Server Issue' by {boss}"),
        format!("Knowledge base article 'Slow servers' was created by {boss}"),
        format!("User 'New' was created by {boss}"),
        format!("User 'New' was deleted by {boss}"),
    ];
    assert_eq!(page["toasts"], json!(expected));
    for list in ["comments", "articles", "users"] {
        assert_eq!(page["lists"][list], found["rest"][list], "{list}");
    }
    // A link to a file is signed anew each time it is shown.
    let plain = |list: &Value| {
        let mut list = list.clone();
        for file in list.as_array_mut().unwrap() {
            assert!(file.as_object_mut().unwrap().remove("download_url").is_some());
        }
        list
    };
    assert_eq!(plain(&page["lists"]["attachments"]), plain(&found["rest"]["attachments"]));
    // Since its last event it has got a comment, of which its own events told, and a file.
    let ticket = &page["lists"]["tickets"][0];
    let now = &found["rest"]["tickets"][0];
    for field in ["id", "number", "subject", "status", "priority", "requester_id", "tags"] {
        assert_eq!(ticket[field], now[field], "{field}");
    }
    assert_eq!(ticket["status"], "in_progress");
}

/// > Logs in as admin user. Configures webhook URL. Sends test webhook. Creates test data (tickets,
/// > comments, KB articles) to trigger real webhooks. Checks received notifications. Simulates UI
/// > updates.
#[test]
fn the_script_for_webhooks_finds_what_it_looks_for() {
    if !installed() {
        return println!("skipped: tests/run installs the clients");
    }
    let server = Server::start();
    let found = python("seed_a_webhooks.py", &task(&server));
    assert_eq!(found["test"], json!([true, "webhook_test"]));
    assert_eq!(found["paths"], json!(["/api/webhooks/notifications"]));
    assert_eq!(found["signed"], true);
    judge_page(&found);
    assert_eq!(found["logged"], 9, "the test, and each of what followed");
}

/// > Connects to Socket.IO server. Listens for real-time events. Demonstrates room-based messaging.
/// > Shows instant UI update patterns.
#[test]
fn the_script_for_socket_io_finds_what_it_looks_for() {
    if !installed() {
        return println!("skipped: tests/run installs the clients");
    }
    let server = Server::start();
    let found = python("seed_a_socketio.py", &task(&server));
    assert_eq!(found["refused"], json!([{ "message": "unauthorized" }]));
    let rooms = found["rooms"].as_array().unwrap();
    assert_eq!(rooms[0], json!({ "ok": true, "room": found["room"] }));
    assert_eq!((&rooms[1]["ok"], &rooms[2]["ok"]), (&json!(true), &json!(false)), "{rooms:?}");
    assert!(rooms[3]["ok"].is_boolean(), "{rooms:?}");
    judge_page(&found);
    let named = &found["named"];
    for kind in ["kb_article.created", "user.created", "user.deleted"] {
        assert!(named.as_array().unwrap().contains(&json!(kind)), "{named}");
    }
}

/// > Simulates receiving various webhook payloads. Shows how UI would update for each notification
/// > type. Demonstrates notification badges, list refreshes, and user feedback.
#[test]
fn the_simulation_of_a_page_follows_each_notification() {
    if !installed() {
        return println!("skipped: tests/run installs the clients");
    }
    let server = Server::start();
    let found = python("seed_a_simulation.py", &task(&server));
    judge_page(&found);
    let steps = found["steps"].as_array().unwrap();
    let badges: Vec<_> = steps.iter().map(|step| step["badge"].as_i64().unwrap()).collect();
    assert_eq!(badges, [1, 2, 3, 4, 5, 6, 7, 8]);
    let items = |step: usize, list: &str| steps[step]["items"][list].as_i64().unwrap();
    assert_eq!([items(0, "tickets"), items(1, "tickets")], [1, 1], "updated, not added");
    assert_eq!([items(2, "comments"), items(3, "comments")], [1, 1], "the same");
    assert_eq!([items(6, "users"), items(7, "users")], [1, 0], "added and taken away");
}

/// The document reads one event in two ways, and one argument serves both.
#[test]
fn both_handlers_of_the_documents_pages_read_one_notification() {
    if !installed() {
        return println!("skipped: tests/run installs the clients");
    }
    let server = Server::start();
    let admin = server.admin();
    admin.put("/api/users/me/webhook", &json!({ "webhook_url": INSIDE })).expect(200);
    let options = json!({ "auth": { "token": admin.token() } });
    let clients = ["socket.io-client", "socket.io-client-3"].map(|package| {
        let script = "seed_a_pages.cjs";
        Client::start_script(Kind::Npm(package), script, &server.url(""), &options)
    });
    for client in &clients {
        client.wait_is("connect");
    }
    let made = admin.post("/api/tickets", &json!({ "subject": "Server Issue" })).expect(201).data();
    let at = format!("/api/tickets/{}", made["id"].as_str().unwrap());
    let comment = admin.post(&format!("{at}/comments"), &json!({ "body": "Slow" })).expect(201);
    admin.patch(&at, &json!({ "status": "in_progress" })).expect(200);
    for client in &clients {
        let shown = client.wait_for(|line| line["shown"]["badge"] == 3)["shown"].clone();
        let types = ["ticket_created", "comment_on_ticket", "ticket_updated"];
        assert_eq!(shown["types"], json!(types));
        // "comment_on_ticket" has the word ticket in it, as the document's own name of it does.
        assert_eq!(shown["refetched"], json!(["tickets", "tickets", "tickets"]));
        let toasts = [
            "Your ticket 'Server Issue' was created",
            "New comment on your ticket 'Server Issue' by Administrator",
            "Your ticket was updated",
        ];
        assert_eq!(shown["toasts"], json!(toasts));
        assert_eq!(shown["tickets"].as_array().unwrap().len(), 1, "replaced, not added");
        assert_eq!(shown["tickets"][0]["status"], "in_progress");
        assert_eq!(shown["comments"], json!([comment.data()]));
    }
}

/// > `fetch('/api/users/me/webhook', { method: 'PUT', body: JSON.stringify({ webhook_url: … }) })`
///
/// A browser says `text/plain` of that, and sends its cookie from the page it comes from.
#[test]
fn the_documents_fetch_without_headers_sets_the_webhook_of_whoever_is_signed_in() {
    let server = Server::start();
    let admin = server.admin();
    let login = json!({ "email": ADMIN_EMAIL, "password": PASSWORD });
    let signed_in = server.api().post("/api/auth/login", &login).expect(200);
    let cookie = signed_in.header("set-cookie").expect("a cookie").split(';').next().unwrap();
    let url = Receiver::start().url("/api/webhooks/fallback");
    let put = |origin: &str| {
        let request = server.api().request("PUT", "/api/users/me/webhook");
        let body = json!({ "webhook_url": url }).to_string();
        let request = request.header("cookie", cookie).header("origin", origin);
        request.header("content-type", "text/plain;charset=UTF-8").body(body).send()
    };
    put("https://elsewhere.example").expect(403);
    assert_eq!(admin.get("/api/users/me/webhook").data()["webhook_url"], Value::Null);
    assert_eq!(put(&server.url("")).data()["webhook_url"], url);
    assert_eq!(admin.get("/api/users/me/webhook").data()["webhook_url"], url);
}

/// > `res.json({ status: 'received' });`
#[test]
fn the_receiver_inside_answers_in_the_documents_words_and_keeps_what_came() {
    let server = Server::start();
    let admin = server.admin();
    let body = json!({
        "event": "notification.created",
        "notification": { "id": "uuid", "type": "comment_on_ticket", "message": "New comment",
            "related_id": "entity-uuid", "related_type": "comment",
            "created_at": "2025-11-17T12:00:00Z" },
    });
    let before = admin.latest_seq();
    let answer = admin.post(INSIDE, &body).expect(200);
    assert_eq!(answer.json(), json!({ "status": "received" }));
    let came = admin.get(INSIDE).data();
    assert_eq!((&came[0]["body"], &came[0]["signed"]), (&body, &json!(false)));
    assert_eq!(admin.latest_seq(), before, "it rings nothing, or it would ring itself");
    server.api().post(INSIDE, &body).refused(401, "unauthorized");
    let other = admin.new_user("admin");
    assert_eq!(other.get(INSIDE).data(), json!([]));
}
