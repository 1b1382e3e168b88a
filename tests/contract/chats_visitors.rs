//! Visitors of other sites: they know their one chat for a day, over every door, and nothing else.

use crate::{
    chats::text,
    harness::{Api, Frame, Line, PATIENCE, Response, Server, Session, Socket, Stream},
    roles,
    ws_topics::{ask, joined},
};
use serde_json::{Value, json};

const SITE: &str = "https://shop.example";

/// Lets visitors in from [`SITE`]; answers the widget's key.
fn open_house(admin: &Session) -> String {
    let open = json!({ "visitors": true, "sites": [SITE] });
    let settings = admin.patch("/api/v1/chats/settings", &open).expect(200).data();
    assert_eq!(settings["sites"], json!([SITE]));
    text(&settings["key"])
}

/// Somebody in their chat.
struct Visitor {
    api: Api,
    chat: String,
    path: String,
}

fn come(server: &Server, key: &str, body: &str) -> Visitor {
    let new = json!({ "key": key, "name": "Vera", "email": "vera@example.com", "body": body });
    let made = server.api().post("/api/v1/chats/visitor", &new).expect(201).data();
    assert_eq!(made["expires_in"], 86_400);
    let chat = text(&made["chat"]["id"]);
    let path = format!("/api/v1/chats/{chat}");
    Visitor { api: server.api().with_token(&text(&made["token"])), chat, path }
}

impl Visitor {
    fn say(&self, body: &str) -> Response {
        self.api.post(&format!("{}/messages", self.path), &json!({ "body": body }))
    }
}

#[test]
fn visitors_are_let_in_only_where_that_is_switched_on() {
    let server = Server::start();
    let admin = server.admin();
    let begin = |key: &str| {
        let new = json!({ "key": key, "body": "Hello" });
        server.api().post("/api/v1/chats/visitor", &new)
    };
    let before = admin.get("/api/v1/chats/settings").expect(200).data();
    assert_eq!((&before["visitors"], &before["key"]), (&json!(false), &Value::Null));
    begin("").refused(404, "not_found");
    let shut = admin.patch("/api/v1/chats/settings", &json!({ "sites": [SITE] })).expect(200);
    let key = text(&shut.data()["key"]);
    begin(&key).refused(404, "not_found");
    let wrong = json!({ "sites": ["*", "https://a.example/path"] });
    admin.patch("/api/v1/chats/settings", &wrong).names(&["sites[0]", "sites[1]"]);
    assert_eq!(open_house(&admin), key);
    begin(&key).expect(201);
    let renewed = json!({ "new_key": true });
    let newer = admin.patch("/api/v1/chats/settings", &renewed).expect(200).data();
    assert_ne!(newer["key"], json!(key));
    begin(&key).refused(404, "not_found");
    let bad = json!({ "key": newer["key"], "body": "", "name": "a\nb", "email": "nobody" });
    let bad = server.api().post("/api/v1/chats/visitor", &bad);
    bad.names(&["body", "email", "name"]);
}

#[test]
fn a_visitor_and_staff_talk_and_each_hears_the_other_at_once() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let key = open_house(&admin);
    let mut desk = Socket::open_at(&agent, "/ws?v=2");
    let visitor = come(&server, &key, "Hello");
    let created = desk.expect_frame("chat.created");
    assert_eq!(created["payload"]["name"], "Vera");
    assert_eq!(created["actor"], json!({ "id": null, "name": "Vera", "kind": "visitor" }));
    let mut own = Socket::open_at(&visitor.api, "/ws?v=2");
    own.expect_frame("hello");
    let answer = json!({ "body": "Good day" });
    agent.post(&format!("{}/messages", visitor.path), &answer).expect(201);
    let heard = own.expect_frame("chat.message");
    assert_eq!(heard["payload"]["author_kind"], "staff");
    let said = visitor.say("Where is my order?").expect(201).data();
    assert_eq!((&said["author_id"], &said["author_name"]), (&Value::Null, &json!("Vera")));
    while desk.expect_frame("chat.message")["payload"]["body"] != "Where is my order?" {}
    let room = format!("chat:{}", visitor.chat);
    joined(&mut own, &room);
    joined(&mut desk, &room);
    let typing = json!({ "room": room, "visibility": "public" });
    ask(&mut desk, "typing", typing.clone());
    assert_eq!(own.expect_frame("typing")["payload"]["user"]["id"], agent.id());
    ask(&mut own, "typing", typing);
    let seen = desk.expect_frame("typing")["payload"].clone();
    assert_eq!((&seen["user"]["name"], &seen["ttl_ms"]), (&json!("Vera"), &json!(6_000)));
    visitor.api.post(&format!("{}/read", visitor.path), &json!({ "number": 2 })).expect(200);
    let read = desk.expect_frame("chat.read")["payload"].clone();
    assert_eq!((&read["user_id"], &read["number"]), (&Value::Null, &json!(2)));
    visitor.api.post(&format!("{}/close", visitor.path), &json!({})).expect(200);
    assert_eq!(own.expect_frame("chat.closed")["payload"]["status"], "closed");
    visitor.say("more").refused(409, "chat_closed");
    let log = agent.get("/api/v1/events?type=typing").expect(200).data();
    assert_eq!(log, json!([]), "typing is in no log");
}

#[test]
fn a_visitors_token_is_good_for_their_chat_and_for_no_other_route() {
    let server = Server::start();
    let admin = server.admin();
    let key = open_house(&admin);
    let customer = admin.new_user("customer");
    let (visitor, other) = (come(&server, &key, "mine"), come(&server, &key, "not mine"));
    let theirs = crate::chats::begun(&customer, "a customer's");
    for chat in [&other.path, &theirs] {
        for (method, path) in [
            ("GET", ""),
            ("GET", "/messages"),
            ("POST", "/messages"),
            ("POST", "/read"),
            ("POST", "/close"),
        ] {
            let request = visitor.api.request(method, &format!("{chat}{path}"));
            let body =
                if path == "/read" { json!({ "number": 1 }) } else { json!({ "body": "x" }) };
            let body = if path == "/close" { json!({}) } else { body };
            let request = if method == "GET" { request } else { request.json(&body) };
            request.send().refused(404, "not_found");
        }
    }
    // What may be asked with it, beside nothing: the rest of the routes are closed.
    let open =
        ["/chats/{chat}", "/chats/{chat}/messages", "/chats/{chat}/read", "/chats/{chat}/close"];
    let hears = ["/events", "/events/stream?since=x", "/ws"];
    let none = "0192a5a0-0000-7000-8000-00000000000f";
    let mut closed = 0;
    for row in roles::table() {
        if hears.contains(&row.path) && row.method == "GET" {
            continue;
        }
        let mine = row.path.replace("{chat}", &visitor.chat);
        let path = mine.split('/').map(|part| if part.starts_with('{') { none } else { part });
        let path = format!("/api/v1{}", path.collect::<Vec<_>>().join("/"));
        let request = visitor.api.request(row.method, &path);
        let request = if row.method == "GET" { request } else { request.json(&row.body) };
        let answer = request.send();
        let is_open = open.contains(&row.path) && row.method != "PATCH";
        let is_files = row.method == "GET" && row.path.ends_with("/{none}/attachments");
        let ok = match answer.status {
            200 | 201 => is_open,
            // The files of a message of theirs, of which there is none.
            404 => is_files && row.path.starts_with("/chats/"),
            status => status == 403 && !is_open,
        };
        assert!(ok, "{} {}: {} {}", row.method, row.path, answer.status, answer.text());
        closed += usize::from(!is_open);
    }
    assert!(closed > 100, "{closed}");
    // Nor is it a sign-in for the other socket, or for a newer token.
    let (_, refused) = Line::knock(&server.api(), &json!({ "token": visitor.api.token() }));
    assert!(refused.starts_with("44"), "{refused}");
    let mut own = Socket::open_at(&visitor.api, "/ws?v=2");
    for (kind, payload) in [
        ("auth.refresh", json!({ "token": visitor.api.token() })),
        ("auth.refresh", json!({ "token": customer.token() })),
        ("presence.subscribe", json!({})),
        ("room.join", json!({ "room": "tenant" })),
        ("room.join", json!({ "room": "everyone" })),
        ("room.join", json!({ "room": format!("chat:{}", other.chat) })),
        ("room.join", json!({ "room": "board" })),
        ("typing", json!({ "room": format!("chat:{}", other.chat) })),
    ] {
        own.say(&json!({ "type": kind, "ref": "1", "payload": payload }));
        own.expect_frame("error");
    }
}

/// Whatever else happens in the house.
fn a_day(admin: &Session, other: &Visitor) {
    let customer = admin.new_user("customer");
    let chat = crate::chats::begun(&customer, "zzcustomer");
    admin.post(&format!("{chat}/messages"), &json!({ "body": "zzanswer" })).expect(201);
    other.say("zzother").expect(201);
    let ticket = json!({ "subject": "zzticket", "description": "x" });
    admin.post("/api/v1/tickets", &ticket).expect(201);
    let article = json!({ "title": "zzarticle", "body": "x", "visibility": "public",
        "status": "published" });
    admin.post("/api/v1/kb/articles", &article).expect(201);
    for audience in ["everyone", "staff"] {
        let event =
            json!({ "type": "order.paid", "audience": audience, "data": { "a": "zzevent" } });
        admin.post("/api/v1/events", &event).expect(201);
    }
}

#[test]
fn a_visitor_hears_their_chat_and_nothing_else_on_every_door_and_misses_nothing_of_it() {
    let server = Server::start();
    let admin = server.admin();
    let key = open_house(&admin);
    let (visitor, other) = (come(&server, &key, "first"), come(&server, &key, "zzfirst"));
    let mut live = Socket::open_at(&visitor.api, "/ws?v=2");
    live.expect_frame("hello");
    let mut stream = Stream::open(&visitor.api, "?since=0", None);
    a_day(&admin, &other);
    let answer = json!({ "body": "the last word" });
    admin.post(&format!("{}/messages", visitor.path), &answer).expect(201);
    let mut frames = vec![live.expect_frame("chat.message")];
    assert_eq!(frames[0]["payload"]["body"], "the last word", "nothing came before it");
    frames.extend(live.all_until_now());
    let mut replayed = Socket::open_at(&visitor.api, "/ws?since=0");
    for _ in 0..4 {
        frames.push(replayed.next());
    }
    let page = visitor.api.get("/api/v1/events?after=0&limit=500&wait=5").expect(200);
    let kinds: Vec<_> = page.data().as_array().unwrap().iter().map(|e| text(&e["type"])).collect();
    assert_eq!(kinds, ["chat.created", "chat.message", "chat.message", "chat.updated"]);
    frames.push(page.data());
    loop {
        let message = stream.next();
        frames.push(json!(format!("{message:?}")));
        if format!("{message:?}").contains("the last word") {
            break;
        }
    }
    let all = json!(frames).to_string();
    assert!(!all.contains("zz"), "{all}");
    assert!(!all.contains(&other.chat), "{all}");
    let online = admin.get("/api/v1/ws/online").expect(200).text();
    assert!(!online.contains("Vera"), "a visitor is nobody's colleague: {online}");
    let stats = admin.get("/api/v1/ws/stats").expect(200).data();
    assert!(stats["total_clients"].as_i64().unwrap() >= 2, "{stats}");
}

#[test]
fn a_token_ends_after_a_day_and_its_socket_with_it() {
    let server = Server::start();
    let admin = server.admin();
    let visitor = come(&server, &open_house(&admin), "first");
    let mut own = Socket::open_at(&visitor.api, "/ws?v=2");
    own.expect_frame("hello");
    server.advance_ms(24 * 3_600_000 - 60_000);
    visitor.api.get(&visitor.path).expect(200);
    server.advance_ms(120_000);
    visitor.api.get(&visitor.path).expect(401);
    let (code, _) = loop {
        match own.next_within(PATIENCE) {
            Some(Frame::Closed(code, reason)) => break (code, reason),
            Some(Frame::Said(_)) => {}
            None => panic!("the socket stays open"),
        }
    };
    assert!([4005, 4010].contains(&code), "{code}");
    let admin = server.admin();
    let chat = admin.get(&visitor.path).expect(200).data();
    assert_eq!(chat["status"], "open", "the chat is still there for staff");
}

#[test]
fn pages_of_other_sites_speak_for_visitors_only_where_the_tenant_lists_them() {
    let server = Server::start();
    let admin = server.admin();
    let key = open_house(&admin);
    let theirs = admin.new_tenant("Elsewhere").admin;
    let elsewhere = json!({ "visitors": true, "sites": ["https://rival.example"] });
    theirs.patch("/api/v1/chats/settings", &elsewhere).expect(200);
    let visitor = come(&server, &key, "first");
    let new = json!({ "key": key, "body": "Hello" });
    for (site, begins, listed) in [
        (SITE, 201, true),
        ("https://rival.example", 403, true),
        ("https://evil.example", 403, false),
        ("null", 403, false),
    ] {
        let from =
            |method: &str, path: &str| visitor.api.request(method, path).header("origin", site);
        let anonymous =
            server.api().request("POST", "/api/v1/chats/visitor").header("origin", site);
        let answer = anonymous.json(&new).send();
        assert_eq!(answer.status, begins, "{site}: {}", answer.text());
        let allowed = answer.header("access-control-allow-origin").is_some();
        assert_eq!(allowed, listed, "{site}");
        assert!(answer.header("access-control-allow-credentials").is_none());
        let own = begins == 201;
        let read = from("GET", &format!("{}/messages", visitor.path)).send().status;
        assert_eq!(read, if own { 200 } else { 403 }, "{site}");
        let polled = from("GET", "/api/v1/events").send().status;
        assert_eq!(polled, if own { 200 } else { 403 }, "{site}");
        let protocol = format!("bearer, {}", visitor.api.token());
        let headers = [("origin", site), ("sec-websocket-protocol", &*protocol)];
        assert_eq!(Socket::try_open(&server.api(), "/ws?v=2", &headers).is_ok(), own, "{site}");
        // Nothing but a visitor's matters is open to such a page.
        let users = admin.request("GET", "/api/v1/users").header("origin", site).send();
        assert!(users.header("access-control-allow-origin").is_none(), "{site}");
        let bearer = format!("bearer, {}", admin.token());
        let headers = [("origin", site), ("sec-websocket-protocol", &*bearer)];
        assert!(Socket::try_open(&server.api(), "/ws", &headers).is_err(), "{site}");
    }
}

#[test]
fn a_flood_of_visitors_is_told_to_wait_and_people_are_not() {
    let server = Server::start();
    let admin = server.admin();
    let key = open_house(&admin);
    let visitor = come(&server, &key, "first");
    let new = json!({ "key": key, "body": "flood" });
    let answers: Vec<_> =
        (0..12).map(|_| server.api().post("/api/v1/chats/visitor", &new)).collect();
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(refused.len() >= 6, "an address begins 5 at once, and one more each 12 s");
    assert!(refused.iter().all(|answer| answer.header("retry-after").is_some()));
    let begun = admin.get("/api/v1/chats").meta()["total"].as_i64().unwrap();
    assert_eq!(begun, 13 - refused.len() as i64, "what is refused leaves nothing behind");
    let said: Vec<u16> = (0..60).map(|n| visitor.say(&n.to_string()).status).collect();
    assert!(said.contains(&201) && said.contains(&429), "{said:?}");
    let count = admin.get(&visitor.path).data()["message_count"].as_i64().unwrap();
    assert_eq!(count, 1 + said.iter().filter(|status| **status == 201).count() as i64);
    for n in 0..60 {
        let path = format!("{}/messages", visitor.path);
        admin.post(&path, &json!({ "body": n.to_string() })).expect(201);
    }
    let sockets: Vec<_> = (0..4)
        .map(|_| {
            let bearer = format!("Bearer {}", visitor.api.token());
            Socket::try_open(&visitor.api, "/ws", &[("authorization", &bearer)])
        })
        .collect();
    let open: Vec<_> = sockets.iter().map(Result::is_ok).collect();
    assert_eq!(open, [true, true, true, false], "three sockets a visitor");
}
