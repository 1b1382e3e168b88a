//! Telephone systems that post to us, in the words of Zammad's generic CTI interface.

use crate::harness::{Response, Server, Session, Socket};
use crate::pbx::agent_at;
use serde_json::{Value, json};

fn set_up(admin: &Session) -> (String, Value) {
    let made = admin.post("/api/v1/pbx", &json!({ "kind": "cti", "name": "Cloud" })).expect(201);
    let made = made.data();
    (made["token"].as_str().expect("a token, this once").to_owned(), made)
}

fn post(server: &Server, token: &str, form: &str) -> Response {
    let request = server.api().request("POST", &format!("/api/v1/cti/{token}"));
    request.header("content-type", "application/x-www-form-urlencoded").body(form).send()
}

#[test]
fn a_call_told_by_posts_is_heard_like_any_other() {
    let server = Server::start();
    let admin = server.admin();
    let agent = agent_at(&admin, "2001");
    let (token, made) = set_up(&admin);
    let mut socket = Socket::open(&admin);
    let call = "direction=in&callId=abc&from=4930987654&to=4930123000";
    let name = agent.user["name"].as_str().unwrap().replace(' ', "+");
    let new = format!("event=newCall&{call}&user[]={name}&user[]=nobody&queue=support");
    let answer = post(&server, &token, &new);
    assert_eq!((answer.status, answer.text()), (200, "{}".into()));
    let incoming = socket.expect_frame("call.incoming")["payload"].clone();
    assert_eq!((&incoming["external_id"], &incoming["queue"]), (&json!("abc"), &json!("support")));
    assert_eq!(socket.expect_frame("call.ringing")["payload"]["agent_id"], agent.id());
    // The same again says nothing new.
    post(&server, &token, &new).expect(200);
    post(&server, &token, &format!("event=answer&{call}&answeringNumber=2001")).expect(200);
    assert_eq!(socket.expect_frame("call.answered")["payload"]["agent_id"], agent.id());
    let body = json!({ "event": "hangup", "direction": "in", "callId": "abc",
        "cause": "normalClearing", "from": "4930987654", "to": "4930123000" });
    server.api().post(&format!("/api/cti/{token}"), &body).expect(200);
    let ended = socket.expect_frame("call.ended")["payload"].clone();
    assert_eq!((&ended["result"], &ended["agent_id"]), (&json!("answered"), &json!(agent.id())));
    let out = format!("event=newCall&direction=out&callId=d&from=2001&to=110&user[]={name}");
    post(&server, &token, &out).expect(200);
    assert_eq!(socket.expect_frame("call.outgoing")["payload"]["agent_id"], agent.id());
    post(&server, &token, "event=hangup&direction=out&callId=d&cause=busy").expect(200);
    assert_eq!(socket.expect_frame("call.ended")["payload"]["result"], "busy");
    let shown = admin.get(&format!("/api/v1/pbx/{}", made["id"].as_str().unwrap())).data();
    assert_eq!(shown["status"]["events"], 6);
    assert!(shown["status"]["last_event_at"].is_string());
}

#[test]
fn only_the_token_that_stands_lets_in_and_it_is_shown_once() {
    let server = Server::start();
    let admin = server.admin();
    let (token, made) = set_up(&admin);
    let hangup = "event=hangup&direction=in&callId=1";
    for wrong in ["x", "dbc_0000000000000000000000000000000000000000000", &"y".repeat(500)] {
        post(&server, wrong, hangup).refused(401, "unauthorized");
    }
    let id = made["id"].as_str().unwrap();
    let path = format!("/api/v1/pbx/{id}");
    let listed = admin.get("/api/v1/pbx").data();
    assert!(!listed.to_string().contains(&token), "{listed}");
    assert!(token.starts_with(made["token_hint"].as_str().unwrap().trim_end_matches('…')));
    let rotated = admin.post(&format!("{path}/rotate-token"), &json!({})).expect(200).data();
    post(&server, &token, hangup).refused(401, "unauthorized");
    let token = rotated["token"].as_str().expect("another token");
    post(&server, token, hangup).expect(200);
    admin.patch(&path, &json!({ "is_active": false })).expect(200);
    post(&server, token, hangup).refused(401, "unauthorized");
    admin.post(&format!("{path}/test"), &json!({})).refused(409, "no_connection");
    admin.patch(&path, &json!({ "host": "h" })).names(&["host"]);
}

#[test]
fn what_cannot_be_understood_changes_nothing_and_says_what_is_wrong() {
    let server = Server::start();
    let admin = server.admin();
    let (token, made) = set_up(&admin);
    let before = admin.latest_seq();
    post(&server, &token, "event=ring&direction=in&callId=1").names(&["event"]);
    post(&server, &token, "").names(&["event", "direction", "callId"]);
    let path = format!("/api/v1/cti/{token}");
    server.api().post(&path, &json!([])).refused(400, "malformed");
    let large = "x".repeat(17 << 10);
    post(&server, &token, &large).refused(413, "too_large");
    server.api().get(&path).refused(405, "method_not_allowed");
    assert_eq!(admin.latest_seq(), before);
    assert!(admin.get("/api/v1/calls").data().as_array().unwrap().is_empty());
    let shown = admin.get(&format!("/api/v1/pbx/{}", made["id"].as_str().unwrap())).data();
    assert!(shown["status"]["last_error"].is_string(), "{shown}");
}

#[test]
fn a_program_that_posts_too_often_is_told_to_wait() {
    let server = Server::start();
    let admin = server.admin();
    let (token, _) = set_up(&admin);
    let post = || post(&server, &token, "event=hangup&direction=in&callId=1").status;
    let answers: Vec<u16> = (0..600).map(|_| post()).collect();
    assert!(answers.contains(&200) && answers.contains(&429), "{answers:?}");
    assert!(answers.iter().all(|status| matches!(status, 200 | 429)), "{answers:?}");
}
