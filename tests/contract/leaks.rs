//! Nobody sees what is not theirs: every route, search, socket and webhook, asked by everybody for
//! everything, and not one secret word in any byte that comes back.

use crate::{
    harness::{Api, Line, Receiver, Server, Session, Socket},
    leaks_world::{World, id, make, upload},
    roles,
};
use serde_json::{Value, json};

/// Somebody who asks: their client, their name among the readers, whose staff they are.
type Asker = (Api, &'static str, &'static str);

/// What is asked beside the routes: filters, searches and the log.
fn questions(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for secret in &world.secrets {
        let word = &secret.word;
        let begin = &word[..6];
        all.extend([
            format!("/search?q={word}"),
            format!("/search?q={begin}&limit=50"),
            format!("/search?q={word}&in=comments"),
            format!("/search?q={word}&in=articles,tickets"),
            format!("/tickets?q={word}"),
            format!("/tickets?tag={word}"),
            format!("/tickets?type={word}"),
            format!("/kb/articles?tag={word}"),
        ]);
    }
    all.extend(world.ids["tickets"].iter().map(|number| format!("/search?q=%23{number}")));
    for person in [&world.admin, &world.dora, &world.emil, &world.their_customer] {
        all.push(format!("/search?q={}", person.email()));
        all.push(format!("/tickets?requester={}&per_page=200", person.id()));
        all.push(format!("/tickets?assignee={}&per_page=200", person.id()));
        all.push(format!("/auth/sessions?user_id={}", person.id()));
        all.push(format!("/users?q={}", person.email()));
    }
    let plain = [
        "/tickets?per_page=200",
        "/tickets?deleted=true",
        "/tickets.csv?status=open",
        "/chats?per_page=200",
        "/chats?assignee=none",
        "/kb/articles?per_page=200",
        "/kb/articles?status=draft",
        "/kb/articles?visibility=internal",
        "/events?limit=500",
        "/events?after=0&limit=500&type=*",
        "/events?type=comment.*,notification.*,kb_article.*",
        "/notifications?per_page=200",
        "/notifications?unread=1",
        "/users?per_page=200",
    ];
    all.extend(plain.map(String::from));
    all.into_iter().map(|path| format!("/api/v1{path}")).collect()
}

fn ask(world: &World, (api, who, staff): &Asker, method: &str, path: &str, body: &Value) -> u16 {
    let mut request = api.request(method, path);
    if *who == "nobody" {
        // Somebody with a forged token is as much nobody, and may ask more often.
        request = request.header("authorization", "Bearer forged");
    }
    if method != "GET" {
        request = request.json(body);
    }
    let answer = request.send();
    let leaked = world.leaked(&answer.raw, who, staff);
    assert!(leaked.is_empty(), "{method} {path} tells {who} {leaked:?}: {}", answer.text());
    assert!(answer.status < 500, "{method} {path} by {who}: {}", answer.text());
    answer.status
}

/// Every route of the table with all ids there are, asked by `asker`; with `writes`, all but
/// reading.
fn ask_everything(world: &World, asker: &Asker, writes: bool) -> usize {
    let mut asked = 0;
    for row in roles::table().iter().filter(|row| (row.method != "GET") == writes) {
        let mut body = row.body.to_string();
        for (name, kind) in [("{user}", "users"), ("{ticket}", "tickets"), ("{team}", "teams")] {
            body = body.replace(name, &world.ids[kind][0]);
        }
        let body = serde_json::from_str(&body).unwrap();
        for path in world.paths(row.path) {
            ask(world, asker, row.method, &path, &body);
            asked += 1;
        }
    }
    asked
}

#[test]
fn no_answer_of_any_route_holds_a_word_that_is_not_for_who_asks() {
    let server = Server::start();
    let world = World::new(&server);
    let askers: [Asker; 7] = [
        ((*world.dora).clone(), "dora", ""),
        ((*world.emil).clone(), "emil", ""),
        (server.api(), "nobody", ""),
        ((*world.their_customer).clone(), "their customer", ""),
        ((*world.their_admin).clone(), "their admin", "theirs"),
        ((*world.agent).clone(), "agent", "ours"),
        (world.visitor.clone(), "visitor", ""),
    ];
    let questions = questions(&world);
    for asker in &askers {
        // Staff of a tenant read what its people were told themselves nowhere: `staff` says so.
        for path in &questions {
            ask(&world, asker, "GET", path, &Value::Null);
        }
        assert!(ask_everything(&world, asker, false) > 100);
    }
    for secret in world.secrets.iter().filter(|secret| secret.word.starts_with("zzeditednote")) {
        let (finds, path) = (secret.staff == "ours", format!("/api/v1/search?q={}", secret.word));
        let found = world.agent.get(&path).data();
        assert_eq!(found.as_array().unwrap().len(), usize::from(finds), "{path}: {found}");
    }
    let scopes = [
        "presence:read",
        "agents:read",
        "users:read",
        "webhooks:write",
        "metrics:read",
        "attachments:write",
        "chats:write",
        "tickets:write",
        "articles:write",
        "events:write",
    ];
    for scope in scopes {
        let program = world.admin.new_token(&[scope]);
        // Reading is not part of any of these but of people's states, which have no secret here
        // but one.
        for row in roles::table().iter().filter(|row| row.method == "GET") {
            for path in world.paths(row.path) {
                let answer = program.get(&path);
                let leaked = world.leaked(&answer.raw, scope, "");
                let reason = leaked.iter().all(|word| word.starts_with("zzreason"));
                let may = leaked.is_empty() || (scope == "agents:read" && reason);
                assert!(may, "GET {path} tells a program with {scope} {leaked:?}");
            }
        }
    }
    for asker in askers.iter().take(5) {
        assert!(ask_everything(&world, asker, true) > 100);
        for path in &questions {
            ask(&world, asker, "GET", path, &Value::Null);
        }
    }
}

/// More of what is internal, on Dora's ticket and elsewhere, while she listens.
fn whisper(world: &World) {
    let comments = format!("/tickets/{}/comments", world.ticket);
    let word = |what: &str| {
        let secret = world.secrets.iter().find(|s| s.word.starts_with(what)).unwrap();
        secret.word.clone()
    };
    let body = json!({ "body": word("zznote"), "visibility": "internal",
        "mentions": [world.admin.id()] });
    let note = id(&make(&world.agent, &comments, body));
    upload(&world.agent, &format!("/comments/{note}"), &word("zzgonenote"), &word("zznote"))
        .expect(201);
    let draft = json!({ "title": word("zzdraft"), "body": word("zzshut") });
    make(&world.agent, "/kb/articles", draft);
    let subject = world.secrets.iter().find(|s| s.readers == ["emil"]).unwrap();
    make(&world.emil, "/tickets", json!({ "subject": subject.word }));
    world.agent.delete(&format!("/api/v1/comments/{note}")).expect(200);
}

#[test]
fn no_socket_and_no_webhook_carries_a_word_that_is_not_for_its_owner() {
    let server = Server::start();
    let world = World::new(&server);
    let receiver = Receiver::start();
    let url = json!({ "webhook_url": receiver.url("/own") });
    world.dora.put("/api/v1/users/me/webhook", &url).expect(200);
    let mut replay = Socket::open_at(&world.dora, "/ws?since=0&v=2");
    replay.expect_frame("resumed");
    let auth = json!({ "token": world.dora.token(), "since": 0 });
    let (mut line, consent) = Line::come_in(&server.api(), &auth);
    let mut heard = vec![consent.to_string()];
    for room in
        [format!("ticket:{}", world.ids["tickets"][2]), "tenant".into(), "role:agent".into()]
    {
        let ask = json!({ "type": "room.join", "ref": "1", "payload": { "room": room } });
        replay.say(&ask);
        let refused = replay.expect_frame("error");
        assert_eq!(refused["payload"]["code"], "room_refused", "{refused}");
        line.say(&format!("420{}", json!(["join", room])));
    }
    let mut whole = Socket::open_at(&world.dora, "/ws?since=0");
    let mut emils = Socket::open_at(&world.emil, "/ws?since=0");
    let mut abroad = Socket::open_at(&world.their_admin, "/ws?since=0");
    whisper(&world);
    let last = json!({ "body": "the last word" });
    make(&world.agent, &format!("/tickets/{}/comments", world.ticket), last);
    loop {
        let text = line.text();
        heard.push(text.clone());
        if text.contains("the last word") && text.contains("\"notification\"") {
            break;
        }
    }
    let joined = heard.iter().filter(|text| text.contains("room_refused")).count();
    assert_eq!(joined, 3, "{heard:#?}");
    let told = receiver.wait_until("the last word", |all| {
        all.iter().any(|one| String::from_utf8_lossy(&one.body).contains("the last word"))
    });
    for one in told {
        assert!(world.leaked(&one.body, "dora", "").is_empty(), "{one:?}");
        assert!(one.path == "/own");
    }
    for text in &heard {
        assert!(world.leaked(text.as_bytes(), "dora", "").is_empty(), "{text}");
    }
    for (socket, who, staff) in [
        (&mut replay, "dora", ""),
        (&mut whole, "dora", ""),
        (&mut emils, "emil", ""),
        (&mut abroad, "their admin", "theirs"),
    ] {
        let frames = socket.all_until_now();
        assert!(!frames.is_empty(), "{who} heard nothing at all");
        for frame in frames {
            let leaked = world.leaked(frame.to_string().as_bytes(), who, staff);
            assert!(leaked.is_empty(), "{who} hears {leaked:?}: {frame}");
        }
    }
}

/// A value without what differs between any two things of a kind.
fn shape(value: &Value) -> Value {
    const OWN: [&str; 19] = [
        "seq",
        "event_seq",
        "counted_to",
        "number",
        "download_url",
        "latest_seq",
        "oldest_seq",
        "next_after",
        "named",
        "name",
        "email",
        "after",
        "actor",
        "created_by",
        "author_name",
        "ticket_number",
        "waiting_since",
        "followers",
        "attachments",
    ];
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(field, _)| {
                let field = field.as_str();
                !OWN.contains(&field)
                    && !["id", "_id", "_at", "epoch"].iter().any(|end| field.ends_with(end))
            });
            kept.map(|(field, value)| (field.clone(), shape(value))).collect()
        }
        Value::Array(all) => all.iter().map(shape).collect(),
        other => other.clone(),
    }
}

/// All that a customer can see of their desk, without ids and times.
fn seen(who: &Session, ticket: &str, comment: &str) -> Value {
    let comments = format!("/tickets/{ticket}/comments");
    let (timeline, files) =
        (format!("/tickets/{ticket}/timeline"), format!("/tickets/{ticket}/attachments"));
    let (ticket, on_comment) =
        (format!("/tickets/{ticket}"), format!("/comments/{comment}/attachments"));
    let all = [
        &ticket,
        &comments,
        &timeline,
        &files,
        &on_comment,
        "/tickets",
        "/tickets?status=open",
        "/tickets?q=twin",
        "/search?q=twin",
        "/search?q=twin&in=comments",
        "/search?q=wi",
        "/events?limit=500",
        "/notifications",
        "/notifications/unread-count",
        "/kb/articles",
    ];
    let mut seen: Vec<Value> = Vec::new();
    for path in all {
        let text = who.get(&format!("/api/v1{path}")).expect(200).text();
        let name = who.user["name"].as_str().unwrap();
        let text = text.replace(who.id(), "me").replace(name, "me");
        seen.push(shape(&serde_json::from_str(&text).unwrap()));
    }
    let mut socket = Socket::open_at(who, "/ws?since=0&v=2");
    let resumed = socket.expect_frame("resumed");
    seen.push(resumed["payload"]["replayed"].clone());
    Value::Array(seen)
}

#[test]
fn a_ticket_with_internal_notes_looks_to_its_customer_like_one_without() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let twins = [admin.new_user("customer"), admin.new_user("customer")];
    let mut seen_by = Vec::new();
    let mut things = Vec::new();
    for twin in &twins {
        let new = json!({ "subject": "twin", "description": "twin" });
        let ticket = id(&make(twin, "/tickets", new));
        let comments = format!("/tickets/{ticket}/comments");
        let said = id(&make(twin, &comments, json!({ "body": "a twin says" })));
        things.push((ticket, said, comments));
    }
    let (ticket, _, comments) = &things[0];
    for number in 0..3 {
        let body = json!({ "body": format!("twin note {number}"), "visibility": "internal",
            "mentions": [admin.id()] });
        let note = id(&make(&agent, comments, body));
        upload(&agent, &format!("/comments/{note}"), "twin.txt", "twin").expect(201);
        agent.patch(&format!("/api/v1/comments/{note}"), &json!({ "body": "twin" })).expect(200);
        if number == 0 {
            agent.delete(&format!("/api/v1/comments/{note}")).expect(200);
        }
    }
    agent.post(&format!("/api/v1/tickets/{ticket}/follow"), &json!({})).expect(200);
    let (other, ..) = &things[1];
    agent.post(&format!("/api/v1/tickets/{other}/follow"), &json!({})).expect(200);
    for (twin, (ticket, said, comments)) in twins.iter().zip(&things) {
        make(&agent, comments, json!({ "body": "an answer for a twin" }));
        seen_by.push(seen(twin, ticket, said));
    }
    let (with, without) = (&seen_by[0], &seen_by[1]);
    for (with, without) in with.as_array().unwrap().iter().zip(without.as_array().unwrap()) {
        assert_eq!(with, without);
    }
}
