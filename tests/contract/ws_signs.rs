//! What is true for a moment: who writes, who looks, who is here, whose token ends.

use crate::{
    harness::{Line, Server, Session, Socket},
    ws_topics::{ask, joined},
};
use serde_json::{Value, json};

/// A ticket of that customer, and its room.
fn room_of(admin: &Session, customer: &Session) -> String {
    let new = json!({
        "subject": "Printer", "description": "It smokes.", "requester_id": customer.id(),
    });
    let made = admin.post("/api/v1/tickets", &new).expect(201).data();
    format!("ticket:{}", made["id"].as_str().expect("an id"))
}

/// The signs of that kind among what came up to now.
fn signs(socket: &mut Socket, kind: &str) -> Vec<Value> {
    let mut all = socket.all_until_now();
    all.retain(|said| said["type"] == kind);
    all.into_iter().map(|said| said["payload"].clone()).collect()
}

#[test]
fn who_writes_an_answer_is_seen_by_the_others_and_an_internal_note_by_staff_alone() {
    let server = Server::start();
    let admin = server.admin();
    let (ada, customer) = (admin.new_user("agent"), admin.new_user("customer"));
    let room = room_of(&admin, &customer);
    let (mut writes, mut same) = (Socket::open(&ada), Socket::open(&ada));
    let (mut colleague, mut asks) = (Socket::open(&admin), Socket::open(&customer));
    let mut elsewhere = Socket::open(&admin);
    for socket in [&mut writes, &mut same, &mut colleague, &mut asks] {
        joined(socket, &room);
    }
    let before = admin.latest_seq();
    let said = ask(&mut writes, "typing", json!({ "room": room, "visibility": "public" }));
    assert_eq!(said["payload"], json!({ "room": room, "told": true }));
    let typing = json!({
        "room": room, "user": { "id": ada.id(), "name": ada.user["name"] },
        "active": true, "visibility": "public", "ttl_ms": 6_000,
    });
    assert_eq!(signs(&mut colleague, "typing"), std::slice::from_ref(&typing));
    assert_eq!(signs(&mut asks, "typing"), [typing]);
    for socket in [&mut writes, &mut same, &mut elsewhere] {
        assert_eq!(signs(socket, "typing"), Vec::<Value>::new());
    }
    assert_eq!(admin.latest_seq(), before, "nothing of it is in the log");
}

#[test]
fn what_is_typed_is_internal_unless_said_otherwise_and_told_once_a_second() {
    let server = Server::start();
    let admin = server.admin();
    let (ada, customer) = (admin.new_user("agent"), admin.new_user("customer"));
    let room = room_of(&admin, &customer);
    let mut writes = Socket::open(&ada);
    let (mut colleague, mut asks) = (Socket::open(&admin), Socket::open(&customer));
    for socket in [&mut writes, &mut colleague, &mut asks] {
        joined(socket, &room);
    }
    let said = json!({ "room": room, "visibility": "internal" });
    assert_eq!(ask(&mut writes, "typing", said.clone())["payload"]["told"], true);
    assert_eq!(signs(&mut colleague, "typing")[0]["visibility"], "internal");
    let soon = ask(&mut writes, "typing", said);
    assert_eq!(soon["payload"]["told"], false);
    server.advance_ms(1_100);
    // Without a word on who may see it, it stays among staff.
    for said in [json!({ "room": room, "visibility": "internal" }), json!({ "room": room })] {
        assert_eq!(ask(&mut writes, "typing", said)["payload"]["told"], true);
        assert_eq!(signs(&mut colleague, "typing")[0]["visibility"], "internal");
        server.advance_ms(1_100);
    }
    let ended = json!({ "room": room, "active": false });
    assert_eq!(ask(&mut writes, "typing", ended.clone())["payload"]["told"], true);
    assert_eq!(ask(&mut writes, "typing", ended)["payload"]["told"], false, "once");
    assert_eq!(signs(&mut colleague, "typing")[0]["active"], false);
    assert_eq!(signs(&mut asks, "typing"), Vec::<Value>::new(), "nothing of the note");
    // What a customer writes, staff see.
    asks.say(&json!({ "type": "typing", "payload": { "room": room, "visibility": "internal" } }));
    let told = colleague.expect_frame("typing")["payload"].clone();
    assert_eq!((&told["visibility"], &told["active"]), (&json!("public"), &json!(true)));
}

#[test]
fn who_looks_at_a_ticket_is_seen_by_staff_until_they_leave_or_are_gone() {
    let server = Server::start();
    let admin = server.admin();
    let (ada, customer) = (admin.new_user("agent"), admin.new_user("customer"));
    let room = room_of(&admin, &customer);
    let (mut first, mut second) = (Socket::open(&ada), Socket::open(&ada));
    let (mut colleague, mut asks) = (Socket::open(&admin), Socket::open(&customer));
    assert_eq!(joined(&mut colleague, &room)["viewing"], json!([]));
    assert_eq!(joined(&mut asks, &room), json!({ "room": room }));
    let looks = json!({ "room": room });
    for socket in [&mut first, &mut second] {
        joined(socket, &room);
        assert_eq!(ask(socket, "viewing", looks.clone())["payload"]["told"], true);
    }
    let ada_is = |active| {
        let user = json!({ "id": ada.id(), "name": ada.user["name"] });
        json!({ "room": room, "user": user, "active": active })
    };
    assert_eq!(colleague.expect_frame("viewing")["payload"], ada_is(true));
    let now = json!([{ "id": ada.id(), "name": ada.user["name"] }]);
    assert_eq!(joined(&mut Socket::open(&admin), &room)["viewing"], now);
    server.advance_ms(60_000);
    assert_eq!(joined(&mut Socket::open(&admin), &room)["viewing"], now, "it does not wear off");
    first.close();
    assert_eq!(ask(&mut second, "viewing", looks)["payload"]["told"], true);
    assert!(signs(&mut colleague, "viewing").iter().all(|sign| *sign == ada_is(true)));
    // Without a good-bye, as when a laptop is closed.
    drop(second);
    while colleague.expect_frame("viewing")["payload"] != ada_is(false) {}
    assert_eq!(joined(&mut Socket::open(&admin), &room)["viewing"], json!([]));
    asks.say(&json!({ "type": "viewing", "payload": { "room": room } }));
    assert_eq!(colleague.expect_frame("viewing")["payload"]["user"]["id"], customer.id());
    assert_eq!(signs(&mut asks, "viewing"), Vec::<Value>::new());
}

#[test]
fn socket_io_clients_see_and_send_the_same_signs() {
    let server = Server::start();
    let admin = server.admin();
    let (ada, customer) = (admin.new_user("agent"), admin.new_user("customer"));
    let room = room_of(&admin, &customer);
    let (mut line, _) = Line::come_in(&server.api(), &json!({ "token": ada.token() }));
    let mut socket = Socket::open(&admin);
    joined(&mut socket, &room);
    line.say(&format!("421{}", json!(["join", { "room": room }])));
    let answer = json!([{ "ok": true, "room": room, "viewing": [] }]);
    assert_eq!(line.text(), format!("431{answer}"));
    line.say(&format!("42{}", json!(["typing", { "room": room, "visibility": "public" }])));
    assert_eq!(socket.expect_frame("typing")["payload"]["user"]["id"], ada.id());
    socket.say(&json!({ "type": "viewing", "payload": { "room": room } }));
    let said = line.event();
    assert_eq!((&said[0], &said[1]["user"]["id"]), (&json!("viewing"), &json!(admin.id())));
    line.say(&format!("422{}", json!(["leave", room])));
    assert_eq!(line.text(), format!("432{}", json!([{ "ok": true, "room": room }])));
    assert_eq!(socket.expect_frame("typing")["payload"]["active"], false);
}

#[test]
fn who_subscribes_to_presence_is_told_who_is_here_and_then_who_comes_and_goes() {
    let server = Server::start();
    let admin = server.admin();
    let (ada, customer) = (admin.new_user("agent"), admin.new_user("customer"));
    let abroad = admin.new_tenant("Abroad").admin;
    let mut socket = Socket::open(&admin);
    socket.say(&json!({ "type": "presence.subscribe", "ref": "p" }));
    let here = socket.expect_frame("presence")["payload"].clone();
    assert_eq!(here["online"][0]["user_id"], admin.id());
    assert_eq!(here["online"].as_array().map(Vec::len), Some(1));
    let settling = here["settling_ms"].as_i64().expect("a number");
    assert!((1..=30_000).contains(&settling), "people may still be on their way back: {settling}");
    assert_eq!(socket.next()["payload"], json!({ "subscribed": true }));
    let _elsewhere = Socket::open(&abroad);
    let comes = Socket::open(&ada);
    let changed = socket.expect_frame("presence.changed")["payload"].clone();
    assert_eq!(
        (&changed["online"][0]["user_id"], &changed["offline"]),
        (&json!(ada.id()), &json!([]))
    );
    comes.close();
    server.advance_ms(5_000);
    let back = Socket::open(&ada);
    server.advance_ms(11_000);
    assert_eq!(signs(&mut socket, "presence.changed"), Vec::<Value>::new(), "a reload is silent");
    back.close();
    // The socket that answers pings stays; what goes is told once its grace is over.
    crate::wire::until("nobody is left", || {
        let online = admin.get("/api/v1/ws/online").data();
        online
            .as_array()?
            .iter()
            .all(|row| row["user_id"] != ada.id() || row["connections"] == 0)
            .then_some(())
    });
    server.advance_ms(10_500);
    let changed = socket.expect_frame("presence.changed")["payload"].clone();
    assert_eq!(changed, json!({ "online": [], "offline": [ada.id()] }));
    let refused = ask(&mut Socket::open(&customer), "presence.subscribe", json!({}));
    assert_eq!(refused["payload"]["code"], "forbidden");
    ask(&mut socket, "presence.unsubscribe", json!({}));
}

/// How long an access token is good for.
const TOKEN_MS: i64 = 12 * 3_600_000;

/// Time passes in steps that are shorter than a pong may take, with answers to pings in between.
fn pass(server: &Server, ms: i64, sockets: &mut [&mut Socket]) {
    for step in (0..ms).step_by(8_000) {
        server.advance_ms((ms - step).min(8_000));
        for socket in &mut *sockets {
            socket.all_until_now();
        }
    }
}

/// The next text that is no ping; pings are answered.
fn beside_pings(line: &mut Line) -> String {
    loop {
        match line.text() {
            ping if ping == "2" => line.say("3"),
            text => return text,
        }
    }
}

#[test]
fn a_token_that_ends_soon_is_told_to_who_asked_and_a_newer_one_keeps_the_socket_open() {
    let server = Server::start();
    let admin = server.admin();
    server.advance_ms(TOKEN_MS - 85_000);
    let newer = Session::login(&server.api(), admin.email(), crate::harness::PASSWORD);
    let refreshed = |session: &Session| {
        let body = json!({ "refresh_token": session.refresh_token });
        let said = server.api().post("/api/v1/auth/refresh", &body).expect(200).data();
        said["access_token"].as_str().or(said["token"].as_str()).expect("a token").to_owned()
    };
    let (mut asked, mut plain) = (Socket::open_at(&admin, "/ws?v=2"), Socket::open(&admin));
    let (mut line, _) =
        Line::come_in(&server.api(), &json!({ "token": admin.token(), "signs": true }));
    let refused = ask(&mut asked, "auth.refresh", json!({ "token": newer.token() }));
    assert_eq!(refused["payload"]["code"], "token_refused", "it is of another sign-in");
    let refused = ask(&mut asked, "auth.refresh", json!({ "token": "x" }));
    assert_eq!(refused["payload"]["code"], "token_refused");
    pass(&server, 16_000, &mut [&mut asked, &mut plain]);
    pass(&server, 14_000, &mut [&mut plain]);
    let expiring = asked.expect_frame("auth.expiring")["payload"].clone();
    assert!((40..=60).contains(&expiring["expires_in_s"].as_i64().unwrap()), "{expiring}");
    assert_eq!(expiring["grace_s"], 25);
    let event = beside_pings(&mut line);
    assert!(event.starts_with(r#"42["auth.expiring",{"#), "{event}");
    let token = refreshed(&admin);
    line.say(&format!("429{}", json!(["auth.refresh", { "token": token }])));
    let answer = beside_pings(&mut line);
    assert!(answer.contains(r#""ok":true"#) && answer.contains("token_ttl_s"), "{answer}");
    let answer = ask(&mut asked, "auth.refresh", json!({ "token": token }));
    assert_eq!(answer["type"], "reply", "{answer}");
    assert!(answer["payload"]["token_ttl_s"].as_i64().unwrap() > 40_000, "{answer}");
    assert_eq!(signs(&mut plain, "auth.expiring"), Vec::<Value>::new());
    pass(&server, 60_000, &mut [&mut asked, &mut plain]);
    pass(&server, 40_000, &mut [&mut asked]);
    let (code, reason) = plain.expect_close();
    assert_eq!(code, 4005, "{reason}");
    assert_eq!(signs(&mut asked, "x"), Vec::<Value>::new(), "it stays open");
}
