//! Links by which people set their own password: once, for a while, and for nobody else.

use crate::harness::{PASSWORD, Response, Server, Session, Socket};
use serde_json::{Value, json};

/// Where a link is used: its page is `/invite`, with the kind and the token behind `#`.
fn door(link: &Value) -> String {
    let (page, word) = link.as_str().expect("a link").split_once('#').unwrap();
    assert_eq!(page, "/invite");
    let (kind, token) = word.split_once('=').unwrap();
    format!("/api/v1/auth/{kind}/{token}")
}

fn choose(server: &Server, door: &str, password: &str) -> Response {
    server.api().post(door, &json!({ "password": password }))
}

fn invited(admin: &Session) -> Value {
    let new = json!({ "email": "new@example.com", "name": "New", "role": "agent" });
    admin.post("/api/v1/users", &new).expect(201).data()
}

#[test]
fn who_is_invited_sets_a_password_once_and_is_in() {
    let server = Server::start();
    let admin = server.admin();
    let made = invited(&admin);
    let door = door(&made["invite_link"]);
    let known = admin.get(&format!("/api/v1/users/{}", made["id"].as_str().unwrap())).data();
    assert!(known.get("invite_link").is_none(), "it is shown once");
    choose(&server, &door, "short").names(&["password"]);
    let other = door.replace("/invite/", "/reset/");
    choose(&server, &other, PASSWORD).refused(401, "unauthorized");
    let answer = choose(&server, &door, PASSWORD).expect(200);
    assert!(answer.header("set-cookie").unwrap().contains("deskbell="));
    let session = Session::of(&server.api(), &answer.data());
    assert_eq!(session.get("/api/v1/auth/me").expect(200).data()["email"], "new@example.com");
    Session::login(&server.api(), "new@example.com", PASSWORD);
    choose(&server, &door, "another password").refused(401, "unauthorized");
    Session::login(&server.api(), "new@example.com", PASSWORD);
    let with = json!({ "email": "b@example.com", "name": "B", "role": "agent",
        "password": PASSWORD });
    let made = admin.post("/api/v1/users", &with).expect(201).data();
    assert!(made.get("invite_link").is_none(), "who has a password needs no link");
    let page = server.api().get("/invite").expect(200).text();
    assert!(page.contains("/assets/js/invite.js"));
    server.api().get("/assets/js/invite.js").expect(200);
}

#[test]
fn a_link_ends_after_its_time_and_with_the_account() {
    let server = Server::start();
    let admin = server.admin();
    let made = invited(&admin);
    let invite = door(&made["invite_link"]);
    let at = format!("/api/v1/users/{}", made["id"].as_str().unwrap());
    let reset = || {
        let made = admin.post(&format!("{at}/reset-link"), &json!({})).expect(201).data();
        assert_eq!(made["expires_in"], 86_400);
        door(&made["reset_link"])
    };
    let late = reset();
    server.advance_ms(24 * 3_600_000);
    let admin = server.admin();
    choose(&server, &late, PASSWORD).refused(410, "link_expired");
    server.advance_ms(6 * 24 * 3_600_000 - 60_000);
    let still = choose(&server, &invite, "short");
    still.names(&["password"]);
    server.advance_ms(60_000);
    choose(&server, &invite, PASSWORD).refused(410, "link_expired");
    let admin = if admin.get("/api/v1/auth/me").status == 200 { admin } else { server.admin() };
    let made = admin.post(&format!("{at}/reset-link"), &json!({})).expect(201).data();
    admin.patch(&at, &json!({ "is_active": false })).expect(200);
    choose(&server, &door(&made["reset_link"]), PASSWORD).refused(401, "unauthorized");
    admin.post(&format!("{at}/reset-link"), &json!({})).refused(404, "not_found");
}

#[test]
fn another_password_by_a_link_ends_every_sign_in_and_the_older_links() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let path = format!("/api/v1/users/{}/reset-link", agent.id());
    let link = || door(&admin.post(&path, &json!({})).expect(201).data()["reset_link"]);
    let (older, newer) = (link(), link());
    choose(&server, &older, PASSWORD).refused(401, "unauthorized");
    let mut socket = Socket::open(&agent);
    let data = choose(&server, &newer, "another password").expect(200).data();
    assert_eq!(socket.expect_close().0, 4001);
    agent.get("/api/v1/auth/me").refused(401, "unauthorized");
    Session::of(&server.api(), &data).get("/api/v1/auth/me").expect(200);
    let old = json!({ "email": agent.email(), "password": PASSWORD });
    server.api().post("/api/v1/auth/login", &old).expect(401);
    let program = admin.new_token(&["users:write"]);
    let admins = format!("/api/v1/users/{}/reset-link", admin.id());
    program.post(&admins, &json!({})).refused(403, "forbidden");
    let database = std::fs::read(server.setup.data_dir().join("deskbell.db-wal")).unwrap();
    let token = newer.rsplit('/').next().unwrap();
    assert!(!String::from_utf8_lossy(&database).contains(token), "only a digest is kept");
}

/// The token of a link is told and never stored, not even where answers are kept for who asks
/// again.
#[test]
fn a_link_is_not_stored_with_the_answer_that_told_it() {
    let server = Server::start();
    let admin = server.admin();
    let new = json!({ "email": "new@example.com", "name": "New", "role": "agent" });
    let ask = || {
        let request = admin.request("POST", "/api/v1/users").header("idempotency-key", "once");
        request.json(&new).send().expect(201)
    };
    let (first, again) = (ask().data(), ask());
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let again = again.data();
    assert_eq!(again["id"], first["id"]);
    assert!(again.get("invite_link").is_none(), "it is told once");
    let door = door(&first["invite_link"]);
    choose(&server, &door, PASSWORD).expect(200);
    let token = door.rsplit('/').next().unwrap().as_bytes().to_vec();
    let (setup, _) = server.stop();
    let files = std::fs::read_dir(setup.data_dir()).unwrap();
    let stored: Vec<_> =
        files.filter_map(|file| std::fs::read(file.unwrap().path()).ok()).collect();
    assert!(stored.iter().any(|bytes| bytes.windows(15).any(|part| part == b"new@example.com")));
    for bytes in stored {
        assert!(!bytes.windows(token.len()).any(|part| part == token), "the token is on the disk");
    }
}
