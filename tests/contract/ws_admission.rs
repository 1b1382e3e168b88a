//! Who gets a socket, and how long: the four ways in, what is refused, and what ends one.

use crate::harness::{PASSWORD, Server, Session, Setup, Socket};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How soon a socket must end once its right has ended.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Opens a socket, or answers status and code of the refusal.
fn open(
    server: &Server,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<Socket, (u16, String)> {
    Socket::try_open(&server.api(), path, headers).map_err(|refusal| {
        assert_eq!(refusal.body["success"], false, "{refusal:?}");
        (refusal.status, refusal.body["error"]["code"].as_str().expect("a code").to_owned())
    })
}

#[track_caller]
pub(crate) fn refused(
    server: &Server,
    path: &str,
    headers: &[(&'static str, &str)],
    expected: (u16, &str),
) {
    match open(server, path, headers) {
        Ok(_) => panic!("{path} {headers:?}: the socket was opened"),
        Err((status, code)) => assert_eq!((status, code.as_str()), expected, "{path} {headers:?}"),
    }
}

fn ticket_of(session: &Session) -> String {
    let issued = session.post("/api/v1/ws/ticket", &json!({})).expect(201).data();
    assert_eq!(issued["expires_in"], 30);
    format!("/ws?ticket={}", issued["ticket"].as_str().expect("a ticket"))
}

#[test]
fn each_of_the_four_ways_opens_a_socket_that_hears_events() {
    let server = Server::start();
    let admin = server.admin();
    let (bearer, protocols) =
        (format!("Bearer {}", admin.token()), format!("bearer, {}", admin.token()));
    let cookie = format!("theme=dark; deskbell={}", admin.token());
    let origin = server.url("");
    let ways: [(&str, Vec<(&'static str, &str)>); 6] = [
        ("/ws", vec![("authorization", &bearer)]),
        ("/api/v1/ws", vec![("authorization", &bearer)]),
        ("/api/ws", vec![("authorization", &bearer), ("origin", &origin)]),
        ("/ws", vec![("sec-websocket-protocol", &protocols)]),
        ("/ws", vec![("cookie", &cookie), ("origin", &origin)]),
        (&ticket_of(&admin), vec![]),
    ];
    let mut sockets: Vec<Socket> = ways
        .iter()
        .map(|(path, headers)| {
            open(&server, path, headers).unwrap_or_else(|why| panic!("{headers:?}: {why:?}"))
        })
        .collect();
    assert_eq!(sockets[3].upgrade["sec-websocket-protocol"], "bearer", "and never the token");
    assert!(!sockets[0].upgrade.contains_key("sec-websocket-protocol"));
    for socket in &mut sockets {
        assert!(socket.all_until_now().is_empty());
    }
    admin.post("/api/v1/agent-state/me", &json!({ "state": "away" })).expect(200);
    let seqs: Vec<Value> =
        sockets.iter_mut().map(|s| s.expect_frame("agent.state.changed")["seq"].clone()).collect();
    assert!(seqs.iter().all(|seq| *seq == seqs[0]), "{seqs:?}");
}

#[test]
fn whoever_has_no_right_is_told_so_in_json_before_the_upgrade() {
    let server = Server::start();
    let admin = server.admin();
    let program = admin.new_token(&["events:write"]);
    let (good, program) =
        (format!("Bearer {}", admin.token()), format!("Bearer {}", program.token()));
    let forged = format!("{good}x");
    let cookie = format!("deskbell={}", admin.token());
    let own = server.url("");
    let protocols = format!("bearer, {}x", admin.token());
    let foreign = "https://evil.example";
    type Case<'a> = (&'a str, Vec<(&'static str, &'a str)>, (u16, &'a str));
    let table: Vec<Case<'_>> = vec![
        ("/ws", vec![], (401, "unauthorized")),
        ("/ws", vec![("authorization", "Bearer garbage")], (401, "unauthorized")),
        ("/ws", vec![("authorization", "Bearer ")], (401, "unauthorized")),
        ("/ws", vec![("authorization", "Basic YWRtaW46cGFzc3dvcmQ=")], (401, "unauthorized")),
        ("/ws", vec![("authorization", &forged)], (401, "unauthorized")),
        ("/ws", vec![("sec-websocket-protocol", &protocols)], (401, "unauthorized")),
        ("/ws?ticket=made-up", vec![], (401, "unauthorized")),
        ("/ws", vec![("cookie", "deskbell=garbage"), ("origin", &own)], (401, "unauthorized")),
        // A token in the URL would end up in logs: it is no way in.
        ("/ws?token=whatever", vec![], (401, "unauthorized")),
        // The cookie goes along by itself, so it only counts from our own pages.
        ("/ws", vec![("cookie", &cookie)], (403, "forbidden")),
        ("/ws", vec![("cookie", &cookie), ("origin", foreign)], (403, "forbidden")),
        ("/ws", vec![("cookie", &cookie), ("origin", "null")], (403, "forbidden")),
        // A foreign page is refused whatever it brings.
        ("/ws", vec![("authorization", &good), ("origin", foreign)], (403, "forbidden")),
        ("/ws", vec![("authorization", &program)], (403, "forbidden")),
        ("/ws?since=yesterday", vec![("authorization", &good)], (422, "invalid")),
    ];
    for (path, headers, expected) in table {
        refused(&server, path, &headers, expected);
    }
    // Programs that are no WebSocket clients are told what this path is.
    admin.get("/ws").refused(400, "malformed");
    server.api().get("/ws").refused(401, "unauthorized");
    server
        .api()
        .request("GET", "/ws")
        .header("host", "evil.example")
        .send()
        .refused(421, "unknown_host");
}

#[test]
fn a_ticket_opens_one_socket_within_thirty_seconds() {
    let server = Server::start();
    let admin = server.admin();
    let used = ticket_of(&admin);
    let _socket = open(&server, &used, &[]).expect("a fresh ticket");
    refused(&server, &used, &[], (401, "unauthorized"));
    let (early, late) = (ticket_of(&admin), ticket_of(&admin));
    server.advance_ms(29_000);
    let _socket = open(&server, &early, &[]).expect("29 seconds old");
    server.advance_ms(1_500);
    refused(&server, &late, &[], (401, "unauthorized"));
}

#[test]
fn a_ticket_is_worth_nothing_once_the_sign_in_behind_it_has_ended() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let ticket = ticket_of(&agent);
    agent.post("/api/v1/auth/logout", &json!({})).expect(200);
    refused(&server, &ticket, &[], (401, "unauthorized"));
}

/// Ends the rights of an open socket by `end`, which gets the administrator and the socket's owner.
fn ended_by(server: &Server, end: impl FnOnce(&Session, &Session)) -> (u16, Value) {
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let mut socket = Socket::open(&agent);
    assert!(socket.all_until_now().is_empty());
    end(&admin, &agent);
    let ended = Instant::now();
    let (code, reason) = socket.expect_close();
    assert!(ended.elapsed() < AT_ONCE, "it took {:?}", ended.elapsed());
    (code, serde_json::from_str(&reason).expect("a JSON reason"))
}

#[test]
fn a_socket_ends_within_a_second_of_the_right_to_it() {
    let server = Server::start();
    let path = |user: &Session| format!("/api/v1/users/{}", user.id());
    let unauthorized = json!({ "c": "unauthorized", "reconnect": false, "seq": 0 });
    let without_seq = |(code, mut reason): (u16, Value)| {
        reason["seq"] = 0.into();
        (code, reason)
    };
    let logout = ended_by(&server, |_, agent| {
        agent.post("/api/v1/auth/logout", &json!({})).expect(200);
    });
    assert_eq!(without_seq(logout), (4001, unauthorized.clone()));
    let deleted_sign_in = ended_by(&server, |admin, agent| {
        let theirs = admin.get(&format!("/api/v1/auth/sessions?user_id={}", agent.id())).data();
        let id = theirs[0]["id"].as_str().expect("a sign-in").to_owned();
        admin.delete(&format!("/api/v1/auth/sessions/{id}")).expect(200);
    });
    assert_eq!(without_seq(deleted_sign_in), (4001, unauthorized.clone()));
    let new_password = ended_by(&server, |admin, agent| {
        admin.patch(&path(agent), &json!({ "password": "another good password" })).expect(200);
    });
    assert_eq!(without_seq(new_password), (4001, unauthorized.clone()));
    let new_role = ended_by(&server, |admin, agent| {
        admin.patch(&path(agent), &json!({ "role": "customer" })).expect(200);
    });
    assert_eq!(without_seq(new_role), (4001, unauthorized));
    let disabled = json!({ "c": "disabled", "reconnect": false, "seq": 0 });
    let closed = ended_by(&server, |admin, agent| {
        admin.patch(&path(agent), &json!({ "is_active": false })).expect(200);
    });
    assert_eq!(without_seq(closed), (4003, disabled.clone()));
    let deleted = ended_by(&server, |admin, agent| {
        admin.delete(&path(agent)).expect(200);
    });
    assert_eq!(without_seq(deleted), (4003, disabled));
}

#[test]
fn a_new_password_of_ones_own_ends_the_other_sign_ins_and_not_this_one() {
    let server = Server::start();
    let admin = server.admin();
    let here = admin.new_user("agent");
    let elsewhere = Session::login(&server.api(), here.email(), PASSWORD);
    let (mut kept, mut ended) = (Socket::open(&here), Socket::open(&elsewhere));
    let body = json!({ "current": PASSWORD, "new": "another good password" });
    here.post("/api/v1/auth/password", &body).expect(200);
    assert_eq!(ended.expect_close().0, 4001);
    assert!(kept.all_until_now().is_empty(), "it is open, and nobody said anything");
}

#[test]
fn a_socket_outlives_its_token_by_a_grace_and_no_longer() {
    let server = Server::start();
    let admin = server.admin();
    let mut socket = Socket::open_at(&admin, "/ws?v=2");
    let hello = socket.expect_frame("hello");
    let ttl_s = hello["payload"]["token_ttl_s"].as_i64().expect("seconds");
    server.advance_ms(ttl_s * 1_000 + 2_000);
    let warned = socket.expect_frame("auth.expiring")["payload"].clone();
    assert_eq!((&warned["expires_in_s"], &warned["grace_s"]), (&json!(0), &json!(25)));
    assert!(socket.all_until_now().is_empty(), "within the grace");
    server.advance_ms(25_000);
    let (code, reason) = socket.expect_close();
    assert_eq!(code, 4005, "{reason}");
    assert!(reason.contains("token_expired"), "{reason}");
}

#[test]
fn one_user_has_a_bounded_number_of_sockets() {
    let server = Server::with(|setup: Setup| setup.env("WS_MAX_PER_USER", "2"));
    let admin = server.admin();
    let _both = (Socket::open(&admin), Socket::open(&admin));
    let bearer = format!("Bearer {}", admin.token());
    refused(&server, "/ws", &[("authorization", &bearer)], (503, "busy"));
    let _another_user = Socket::open(&admin.new_user("agent"));
}
