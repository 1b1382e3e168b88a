//! `/socket.io/`: who comes in, what they hear and may say, and how a session ends.

use crate::harness::{Api, Line, ON_POLLING, ON_WEBSOCKET, PASSWORD, Server, handshake, poll_path};
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

/// Makes an event that all staff hear.
fn change_state(who: &Api, state: &str) {
    who.post("/api/v1/agent-state/me", &json!({ "state": state })).expect(200);
}

fn online(admin: &Api, user: &str) -> bool {
    let path = format!("/api/v1/ws/users/{user}/online");
    admin.get(&path).data()["online"].as_bool().unwrap()
}

#[test]
fn the_handshake_says_the_protocols_own_times() {
    let server = Server::start();
    let (_line, websocket) = Line::open(&server.api(), &[]);
    let polling = handshake(&server.api().get(ON_POLLING).expect(200).text());
    for (said, upgrades) in [(websocket, json!([])), (polling, json!(["websocket"]))] {
        let expected = json!({
            "sid": said["sid"], "upgrades": upgrades,
            "pingInterval": 25_000, "pingTimeout": 20_000, "maxPayload": 1_000_000,
        });
        assert_eq!(said, expected);
    }
    let old = server.api().get("/socket.io/?EIO=3&transport=polling").expect(400);
    assert_eq!(old.json(), json!({ "code": 5, "message": "Unsupported protocol version" }));
}

#[test]
fn a_client_comes_in_by_token_header_or_the_cookie_of_our_own_pages() {
    let server = Server::start();
    let (admin, api) = (server.admin(), server.api());
    let (_line, consent) = Line::come_in(&api, &json!({ "token": admin.token() }));
    assert_eq!(consent.as_object().unwrap().keys().collect::<Vec<_>>(), ["sid"]);
    let (bearer, cookie) =
        (format!("Bearer {}", admin.token()), format!("deskbell={}", admin.token()));
    let (own, foreign) = (server.url(""), "https://evil.example");
    let unauthorized = r#"44{"message":"unauthorized"}"#;
    for (headers, answer) in [
        (vec![("authorization", bearer.as_str())], "40{\"sid\":"),
        (vec![("cookie", &cookie), ("origin", &own)], "40{\"sid\":"),
        (vec![("cookie", &cookie)], unauthorized),
        (vec![("authorization", "Basic eHg6eHg=")], unauthorized),
        (vec![], unauthorized),
    ] {
        let (mut line, _) = Line::open(&api, &headers);
        line.say("40");
        assert!(line.text().starts_with(answer), "{headers:?}");
    }
    for headers in [
        [("cookie", cookie.as_str()), ("origin", foreign)],
        [("authorization", &bearer), ("origin", foreign)],
    ] {
        let refused = Line::try_open(&api, ON_WEBSOCKET, &headers).err();
        assert_eq!(refused, Some(403), "{headers:?}");
        let polled = api.request("GET", ON_POLLING).header("origin", foreign).send();
        assert_eq!(polled.expect(403).json(), json!({ "code": 4, "message": "Forbidden" }));
    }
}

#[test]
fn who_is_refused_is_told_why_and_may_try_again() {
    let server = Server::start();
    let (admin, api) = (server.admin(), server.api());
    let program = admin.new_token(&["events:read"]);
    let (mut line, _) = Line::open(&api, &[]);
    for (knock, answer) in [
        ("40".to_owned(), r#"44{"message":"unauthorized"}"#),
        (r#"40{"token":"a.b.c"}"#.to_owned(), r#"44{"message":"unauthorized"}"#),
        (
            format!(r#"40{{"token":"{}"}}"#, program.token()),
            r#"44{"message":"sockets are for people: sign in, or read GET /events"}"#,
        ),
        (r#"40{"since":[]}"#.to_owned(), r#"44{"message":"since is a seq of an event"}"#),
        ("40/x,".to_owned(), r#"44/x,{"message":"Invalid namespace"}"#),
        ("40/admin".to_owned(), r#"44/admin,{"message":"Invalid namespace"}"#),
    ] {
        line.say(&knock);
        assert_eq!(line.text(), answer, "{knock}");
    }
    line.say(&format!(r#"40{{"token":"{}"}}"#, admin.token()));
    assert!(line.text().starts_with("40{"));
}

/// What is committed after the consent comes, under its own name, to those who may hear it.
#[test]
fn an_event_comes_under_its_own_name_to_those_it_is_for() {
    let server = Server::start();
    let admin = server.admin();
    let (agent, customer) = (admin.new_user("agent"), admin.new_user("customer"));
    let stranger = admin.new_tenant("elsewhere").admin;
    let auth = |who: &Api| json!({ "token": who.token() });
    let (mut hears, _) = Line::come_in(&server.api(), &auth(&admin));
    let (mut deaf, _) = Line::come_in(&server.api(), &auth(&customer));
    let (mut abroad, _) = Line::come_in(&server.api(), &auth(&stranger));
    change_state(&agent, "available");
    let event = hears.event();
    assert_eq!(event[0], "agent.state.changed");
    assert_eq!(event.as_array().unwrap().len(), 2);
    let said = &event[1];
    let keys: Vec<_> = said.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["actor", "changes", "created_at", "data", "id", "seq", "type"]);
    assert_eq!((&said["type"], &said["data"]["state"]), (&event[0], &json!("available")));
    let listed = admin.get(&format!("/api/v1/events/{}", said["seq"])).data();
    for field in ["id", "seq", "type", "created_at", "data", "actor"] {
        assert_eq!(said[field], listed[field], "{field}");
    }
    for line in [&mut deaf, &mut abroad] {
        line.say(r#"421["nothing comes before this"]"#);
        assert_eq!(line.text(), r#"431[{"error":"unknown_event","ok":false}]"#);
    }
}

#[test]
fn events_come_by_polling_and_go_on_after_an_upgrade() {
    let server = Server::start();
    let (admin, api) = (server.admin(), server.api());
    let path = poll_path(&api.get(ON_POLLING));
    let knock = format!(r#"40{{"token":"{}"}}"#, admin.token());
    assert_eq!(api.request("POST", &path).body(knock).send().expect(200).text(), "ok");
    assert!(api.get(&path).text().starts_with("40{"));
    change_state(&admin, "available");
    assert!(api.get(&path).text().starts_with(r#"42["agent.state.changed""#));
    let upgrade = path.replace("transport=polling", "transport=websocket");
    let mut line = Line::try_open(&api, &upgrade, &[]).expect("a socket");
    line.say("2probe");
    assert_eq!(line.text(), "3probe");
    assert_eq!(api.get(&path).text(), "6", "a poll need not wait");
    for state in ["busy", "away"] {
        change_state(&admin, state);
    }
    line.say("5");
    change_state(&admin, "available");
    for state in ["busy", "away", "available"] {
        assert_eq!(line.event()[1]["data"]["state"], state);
    }
    assert_eq!(api.get(&path).expect(400).json()["code"], 3);
}

#[test]
fn rooms_that_the_server_joined_are_confirmed_and_no_others() {
    let server = Server::start();
    let admin = server.admin();
    let (agent, customer) = (admin.new_user("agent"), admin.new_user("customer"));
    let tenant = agent.tenant_id().to_owned();
    let other = admin.new_tenant("elsewhere").id;
    let ask = |line: &mut Line, event: &str, named: &Value| {
        line.say(&format!("427{}", json!([event, named])));
        let text = line.text();
        let answer: Value = serde_json::from_str(text.strip_prefix("437").unwrap()).unwrap();
        answer[0].clone()
    };
    let ok = |room: &str| json!({ "ok": true, "room": room });
    let refused = json!({ "ok": false, "error": "room_refused" });
    let (mut line, _) = Line::come_in(&server.api(), &json!({ "token": agent.token() }));
    for room in [
        format!("user_{}", agent.id()),
        format!("user:{}", agent.id()),
        format!("tenant_{tenant}"),
        format!("tenant:{tenant}"),
        "tenant".into(),
        "role_agent".into(),
        "role:agent".into(),
        "everyone".into(),
    ] {
        for event in ["join", "leave"] {
            assert_eq!(ask(&mut line, event, &json!(room)), ok(&room));
            assert_eq!(ask(&mut line, event, &json!({ "room": room })), ok(&room));
        }
    }
    for room in [
        json!(format!("user_{}", customer.id())),
        json!(format!("tenant_{other}")),
        json!("role_admin"),
        json!("ticket_1"),
        json!(""),
        json!(7),
        json!({}),
        json!({ "room": [1] }),
    ] {
        assert_eq!(ask(&mut line, "join", &room), refused, "{room}");
    }
    let (mut line, _) = Line::come_in(&server.api(), &json!({ "token": customer.token() }));
    let own = format!("user_{}", customer.id());
    assert_eq!(ask(&mut line, "join", &json!(own)), ok(&own));
    for room in [format!("tenant_{tenant}"), "tenant".into(), "role_customer".into()] {
        assert_eq!(ask(&mut line, "join", &json!(room)), refused, "{room}");
    }
}

#[test]
fn a_session_counts_as_presence_until_its_pongs_stay_away() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let auth = json!({ "token": agent.token() });
    let path = poll_path(&server.api().get(ON_POLLING));
    assert!(!online(&admin, agent.id()), "a session is nobody yet");
    let knock = format!("40{auth}");
    server.api().request("POST", &path).body(knock).send().expect(200);
    assert!(server.api().get(&path).text().starts_with("40{"));
    let (mut line, _) = Line::come_in(&server.api(), &auth);
    assert!(online(&admin, agent.id()));
    assert_eq!(admin.get("/api/v1/ws/stats").data()["total_clients"], 2);
    server.advance_ms(25_001);
    assert_eq!(line.text(), "2", "the first ping comes after its interval");
    assert_eq!(server.api().get(&path).text(), "2");
    line.say("3");
    line.say(r#"421["the pong is heard before this"]"#);
    line.text();
    // The one session says nothing and dies; the other lives.
    server.advance_ms(20_001);
    assert_eq!(server.api().get(&path).expect(400).json()["code"], 1);
    assert_eq!(admin.get("/api/v1/ws/stats").data()["total_clients"], 1);
    server.advance_ms(25_000);
    assert_eq!(line.rest(), ["2"], "no pong came");
    server.advance_ms(10_001);
    assert!(!online(&admin, agent.id()));
}

/// Nothing that a client leaves half done stays for ever.
#[test]
fn abandoned_sessions_and_upgrades_end_by_their_deadline() {
    let server = Server::start();
    let api = server.api();
    let (mut nobody, _) = Line::open(&api, &[]);
    let path = poll_path(&api.get(ON_POLLING));
    let upgrade = path.replace("transport=polling", "transport=websocket");
    let mut silent = Line::try_open(&api, &upgrade, &[]).expect("a socket");
    server.advance_ms(10_001);
    assert_eq!(silent.rest(), Vec::<String>::new());
    server.advance_ms(15_000);
    assert_eq!(nobody.text(), "2");
    nobody.say("3");
    server.advance_ms(20_000);
    assert_eq!(nobody.rest(), Vec::<String>::new(), "45 s without a namespace");
    assert_eq!(api.get(&path).expect(400).json()["code"], 1);
}

#[test]
fn a_sign_in_that_ends_takes_its_sessions_along() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let again = crate::harness::Session::login(&server.api(), agent.email(), PASSWORD);
    let (mut line, _) = Line::come_in(&server.api(), &json!({ "token": agent.token() }));
    let (mut other, _) = Line::come_in(&server.api(), &json!({ "token": again.token() }));
    agent.post("/api/v1/auth/logout", &json!({})).expect(200);
    assert_eq!(line.rest(), ["41"], "it is told not to come back");
    change_state(&again, "available");
    assert_eq!(other.event()[0], "agent.state.changed");
    let (_line, answer) = Line::knock(&server.api(), &json!({ "token": agent.token() }));
    assert_eq!(answer, r#"44{"message":"unauthorized"}"#);
}

#[test]
fn who_leaves_the_namespace_hears_nothing_more_and_may_come_back() {
    let server = Server::start();
    let admin = server.admin();
    let auth = json!({ "token": admin.token() });
    let (mut line, _) = Line::come_in(&server.api(), &auth);
    line.say("41");
    line.say(&format!("40{auth}"));
    assert!(line.text().starts_with("40{"));
    change_state(&admin, "available");
    assert_eq!(line.event()[0], "agent.state.changed");
    line.say(r#"421["once"]"#);
    assert!(line.text().starts_with("431["), "and hears it once");
    assert_eq!(admin.get("/api/v1/ws/stats").data()["total_clients"], 1);
}

#[test]
fn who_says_too_much_or_nonsense_is_sent_away() {
    let server = Server::start();
    let admin = server.admin();
    let auth = json!({ "token": admin.token() });
    let come_in = || Line::come_in(&server.api(), &auth).0;
    for nonsense in
        ["4abc", "42{}", "hello", "2", "42[\"connect\"]", "43[]", "45[]", "4599-[\"a\"]"]
    {
        let mut line = come_in();
        line.say(nonsense);
        assert_eq!(line.rest(), Vec::<String>::new(), "{nonsense}");
    }
    let mut line = come_in();
    line.say(&format!(r#"42["x","{}"]"#, "x".repeat(64 << 10)));
    assert_eq!(line.rest(), Vec::<String>::new());
    let path = poll_path(&server.api().get(ON_POLLING));
    let burst = vec!["40"; 200].join("\x1e");
    server.api().request("POST", &path).body(burst).send().expect(400);
    server.api().get(&path).expect(400);
    // Nobody else noticed.
    let mut line = come_in();
    line.say(r#"420["x"]"#);
    assert_eq!(line.text(), r#"430[{"error":"unknown_event","ok":false}]"#);
}

#[test]
fn a_user_has_only_so_many_connections() {
    let server = Server::with(|setup| setup.env("WS_MAX_PER_USER", "2"));
    let auth = json!({ "token": server.admin().token() });
    let _two = [Line::come_in(&server.api(), &auth), Line::come_in(&server.api(), &auth)];
    let (_line, answer) = Line::knock(&server.api(), &auth);
    assert_eq!(answer, r#"44{"message":"too many connections, try again later"}"#);
}

/// Whoever opens sessions and comes in nowhere keeps nobody out.
#[test]
fn when_there_are_too_many_sessions_those_of_nobody_go_first() {
    let server = Server::with(|setup| setup.env("WS_MAX", "3"));
    let (admin, api) = (server.admin(), server.api());
    let auth = json!({ "token": admin.token() });
    let (mut first, _) = Line::come_in(&api, &auth);
    let (mut nobody, _) = Line::open(&api, &[]);
    server.advance_ms(1);
    api.get(ON_POLLING).expect(200);
    let (_second, _) = Line::come_in(&api, &auth);
    assert_eq!(nobody.rest(), Vec::<String>::new(), "who was nobody for longest has gone");
    let (_third, _) = Line::come_in(&api, &auth);
    let busy = api.get(ON_POLLING).expect(503);
    assert_eq!(busy.header("retry-after"), Some("5"));
    first.say(r#"421["still here"]"#);
    assert!(first.text().starts_with("431["));
}

#[test]
fn a_server_that_stops_sends_its_clients_to_come_back() {
    let server = Server::start();
    let (admin, api) = (server.admin(), server.api());
    let (mut line, _) = Line::come_in(&api, &json!({ "token": admin.token() }));
    let path = poll_path(&api.get(ON_POLLING));
    let mut poll = TcpStream::connect(server.address).unwrap();
    write!(poll, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    // Answered after the poll was taken in.
    change_state(&admin, "available");
    assert_eq!(line.event()[0], "agent.state.changed");
    let began = Instant::now();
    let (_, ended) = server.stop();
    assert_eq!(ended.code, Some(0));
    assert!(began.elapsed() < Duration::from_secs(5), "a poll held it up: {:?}", began.elapsed());
    assert_eq!(line.rest(), Vec::<String>::new(), "not told to stay away");
    let mut told = String::new();
    poll.read_to_string(&mut told).unwrap();
    assert!(told.ends_with("\r\n\r\n1"), "{told}");
}
