//! Publishing events and reading the log.

use crate::harness::{Receiver, Response, Server, Session, Socket};
use serde_json::{Value, json};

fn event(kind: &str, data: Value) -> Value {
    json!({ "type": kind, "data": data })
}

/// With an `Idempotency-Key`.
fn publish(session: &Session, key: &str, body: &Value) -> Response {
    let request = session.request("POST", "/api/v1/events").header("idempotency-key", key);
    request.json(body).send()
}

#[test]
fn one_event_is_the_same_on_rest_sockets_and_webhooks() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let (customer, stranger) = (admin.new_user("customer"), admin.new_tenant("Elsewhere").admin);
    let receiver = Receiver::start();
    let hook = json!({ "name": "a", "url": receiver.url("/"), "events": ["order.*"] });
    admin.post("/api/v1/webhooks", &hook).expect(201);
    let mut sockets = [&admin, &agent].map(|session| Socket::open(session));
    let mut deaf = [&customer, &stranger].map(|session| Socket::open(session));
    let data = json!({ "total": 7, "text": "Grüße, \u{1f514} \" \\ \u{0}", "list": [1, null] });
    let said = agent.post("/api/v1/events", &event("order.paid", data.clone())).expect(201).data();
    let (seq, id) = (&said["seq"], &said["id"]);
    for socket in &mut sockets {
        let frame = socket.expect_frame("order.paid");
        assert_eq!((&frame["seq"], &frame["id"], &frame["payload"]), (seq, id, &data));
        assert_eq!((&frame["room"], &frame["actor"]["id"]), (&json!("tenant"), &agent.user["id"]));
    }
    let delivery = &receiver.wait_for(1)[0];
    let body = delivery.json();
    assert_eq!((&body["seq"], &body["id"], &body["data"]), (seq, id, &data));
    assert_eq!(
        (&body["event"], &body["tenant_id"]),
        (&json!("order.paid"), &json!(admin.tenant_id()))
    );
    assert_eq!(delivery.header("webhook-id"), id.as_str());
    let one = admin.get(&format!("/api/v1/events/{seq}")).expect(200).data();
    let page = admin.get("/api/v1/events?type=order.paid").expect(200).data();
    assert_eq!(page, json!([one]));
    assert_eq!((&one["seq"], &one["id"], &one["data"]), (seq, id, &data));
    assert_eq!(one["audience"], "staff");
    let at = one["created_at"].as_str().unwrap();
    assert!(at.ends_with('Z') && at.contains('T'), "{at}");
    for socket in &mut deaf {
        assert!(socket.all_until_now().is_empty(), "it was not meant for them");
    }
}

#[test]
fn the_same_idempotency_key_says_it_once_and_answers_the_same() {
    let server = Server::start();
    let admin = server.admin();
    let body = event("order.paid", json!({ "total": 7 }));
    let first = publish(&admin, "key-1", &body).expect(201);
    let (seq, before) = (admin.latest_seq(), admin.world());
    let again = publish(&admin, "key-1", &body).expect(201);
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(first.header("idempotency-replayed"), None);
    let other = event("order.paid", json!({ "total": 8 }));
    publish(&admin, "key-1", &other).refused(409, "idempotency_key_reused");
    assert_eq!(admin.world(), before);
    // A key belongs to its tenant, and to no other.
    let stranger = admin.new_tenant("Elsewhere").admin;
    let there = publish(&stranger, "key-1", &other).expect(201);
    assert_eq!(there.header("idempotency-replayed"), None);
    for bad in ["", &"k".repeat(256)] {
        publish(&admin, bad, &body).names(&["Idempotency-Key"]);
    }
    let server = server.kill9().start();
    let admin = server.admin();
    assert_eq!(publish(&admin, "key-1", &body).expect(201).body, first.body, "after a crash too");
    let seqs: Vec<_> =
        admin.get("/api/v1/events?type=order.paid").data().as_array().unwrap().clone();
    assert_eq!((seqs.len(), &seqs[0]["seq"]), (1, &json!(seq)));
    server.advance_ms(25 * 3_600_000);
    let admin = server.admin();
    let fresh = publish(&admin, "key-1", &other).expect(201);
    assert_eq!(fresh.header("idempotency-replayed"), None, "a key is kept for a day");
}

#[test]
fn many_who_send_the_same_key_at_once_say_it_once() {
    let server = Server::start();
    let admin = server.admin();
    let body = event("order.paid", json!({ "total": 7 }));
    let answers: Vec<Response> = std::thread::scope(|scope| {
        let all: Vec<_> =
            (0..8).map(|_| scope.spawn(|| publish(&admin, "key", &body).expect(201))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    let fresh = answers.iter().filter(|a| a.header("idempotency-replayed").is_none()).count();
    assert_eq!(fresh, 1);
    assert_eq!(admin.get("/api/v1/events?type=order.paid").data().as_array().unwrap().len(), 1);
}

#[test]
fn a_built_in_type_cannot_be_forged_and_a_wrong_publication_says_nothing() {
    let server = Server::start();
    let admin = server.admin();
    let stranger = admin.new_tenant("Elsewhere").admin;
    let before = admin.world();
    for kind in [
        "ticket.created",
        "ticket.invented",
        "agent.state.changed",
        "call.incoming",
        "chat.message",
        "webhook.test",
        "notification.created",
        "user.deleted",
    ] {
        let told = admin.post("/api/v1/events", &event(kind, json!({})));
        assert!(told.refused(422, "reserved_type")["type"].is_string(), "{kind}");
    }
    for kind in ["", "plain", "Order.Paid", "order..paid", "a.b.c.d.e", "order.paid ", "1.a", "*"] {
        admin.post("/api/v1/events", &event(kind, json!({}))).names(&["type"]);
    }
    let long = format!("a.{}", "b".repeat(63));
    admin.post("/api/v1/events", &event(&long, json!({}))).names(&["type"]);
    let big = json!({ "x": "y".repeat(256 << 10) });
    for (field, value) in [
        ("data", json!([])),
        ("data", json!(null)),
        ("data", json!("text")),
        ("data", big),
        ("room", json!("kitchen")),
        ("room", json!("nowhere")),
        ("audience", json!("participants")),
        ("audience", json!("all")),
        ("user_id", json!(stranger.id())),
        ("user_id", json!("0192a5a0-0000-7000-8000-000000000001")),
        ("user_id", json!("me")),
    ] {
        let mut body = event("order.paid", json!({}));
        body[field] = value;
        admin.post("/api/v1/events", &body).names(&[field]);
    }
    assert_eq!(admin.world(), before);
}

#[test]
fn who_hears_an_event_on_a_socket_is_what_was_asked_for() {
    let server = Server::start();
    let admin = server.admin();
    let people = ["customer", "agent", "supervisor"].map(|role| admin.new_user(role));
    let [customer, agent, supervisor] = &people;
    let mut sockets: Vec<_> =
        [customer, agent, supervisor, &admin].map(|session| Socket::open(session)).into();
    for (asked, expected) in [
        (json!({}), [false, true, true, true]),
        (json!({ "audience": "staff" }), [false, true, true, true]),
        (json!({ "audience": "everyone" }), [true, true, true, true]),
        (json!({ "room": "everyone" }), [true, true, true, true]),
        (json!({ "room": "role:supervisor" }), [false, false, true, false]),
        (json!({ "user_id": customer.id() }), [true, false, false, false]),
        (json!({ "room": format!("user:{}", agent.id()) }), [false, true, false, false]),
        (json!({ "audience": format!("user:{}", agent.id()) }), [false, true, false, false]),
    ] {
        let mut body = event("order.paid", json!({}));
        body.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
        let seq = admin.post("/api/v1/events", &body).expect(201).data()["seq"].clone();
        for (socket, expected) in sockets.iter_mut().zip(expected) {
            if expected {
                assert_eq!(socket.expect_frame("order.paid")["seq"], seq, "{asked}");
            }
        }
        // What did not come until everybody else had it does not come.
        for socket in &mut sockets {
            assert!(socket.all_until_now().is_empty(), "{asked}");
        }
    }
}

#[test]
fn a_batch_is_said_whole_and_in_order_or_not_at_all() {
    let server = Server::start();
    let admin = server.admin();
    let batch = |events: Vec<Value>| json!({ "events": events });
    let some =
        |n: usize| (0..n).map(|i| event("order.paid", json!({ "i": i }))).collect::<Vec<_>>();
    let before = admin.world();
    admin.post("/api/v1/events/batch", &batch(vec![])).names(&["events"]);
    admin.post("/api/v1/events/batch", &batch(some(101))).names(&["events"]);
    let mut bad = some(5);
    bad[3]["data"] = json!([]);
    admin.post("/api/v1/events/batch", &batch(bad)).names(&["events[3].data"]);
    let mut forged = some(5);
    forged[4]["type"] = json!("ticket.created");
    let told = admin.post("/api/v1/events/batch", &batch(forged));
    let named = told.refused(422, "reserved_type");
    assert!(named["events[4].type"].is_string(), "the one that is wrong is named: {named}");
    // What only the database knows is wrong takes the others back too.
    let mut unknown = some(5);
    unknown[4]["user_id"] = json!("0192a5a0-0000-7000-8000-000000000001");
    admin.post("/api/v1/events/batch", &batch(unknown)).names(&["events[4].user_id"]);
    assert_eq!(admin.world(), before);
    let mut socket = Socket::open(&admin);
    let said = admin.post("/api/v1/events/batch", &batch(some(100))).expect(201).data();
    let said: Vec<i64> =
        said.as_array().unwrap().iter().map(|s| s["seq"].as_i64().unwrap()).collect();
    assert!(said.len() == 100 && said.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{said:?}");
    for (i, seq) in said.iter().enumerate() {
        let frame = socket.expect_frame("order.paid");
        assert_eq!((&frame["seq"], &frame["payload"]["i"]), (&json!(seq), &json!(i)));
    }
}

#[test]
fn the_log_is_read_page_by_page_without_a_gap_or_a_double() {
    let server = Server::start();
    let admin = server.admin();
    for i in 0..25 {
        let kind = if i % 5 == 0 { "parcel.sent" } else { "order.paid" };
        admin.post("/api/v1/events", &event(kind, json!({ "i": i }))).expect(201);
    }
    let read = |kinds: &str, limit: usize| {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let path = format!("/api/v1/events?type={kinds}&limit={limit}&after={after}");
            let page = admin.get(&path).expect(200);
            let events = page.data().as_array().unwrap().clone();
            assert!(events.len() <= limit);
            all.extend(events.iter().map(|e| e["data"]["i"].as_i64().unwrap()));
            let meta = page.meta();
            let next = meta["next_after"].as_i64().unwrap();
            if next == meta["latest_seq"].as_i64().unwrap() {
                return all;
            }
            assert!(next > after, "it goes on: {meta}");
            after = next;
        }
    };
    let all: Vec<i64> = (0..25).collect();
    let sent: Vec<i64> = (0..25).step_by(5).collect();
    for limit in [1, 2, 7, 100] {
        assert_eq!(read("order.paid,parcel.sent", limit), all, "{limit}");
        assert_eq!(read("order.*,parcel.*", limit), all, "{limit}");
        assert_eq!(read("parcel.sent", limit), sent, "{limit}");
        assert!(read("nothing.here", limit).is_empty());
    }
    let seqs = admin.get("/api/v1/events?limit=500").data();
    let seqs: Vec<i64> =
        seqs.as_array().unwrap().iter().map(|e| e["seq"].as_i64().unwrap()).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "oldest first: {seqs:?}");
    let meta = admin.get("/api/v1/events").meta();
    assert_eq!((&meta["oldest_seq"], &meta["latest_seq"]), (&json!(seqs[0]), &json!(seqs.last())));
}

#[test]
fn a_reader_from_another_history_is_told_to_start_over() {
    let server = Server::start();
    let admin = server.admin();
    let (latest, epoch) = (admin.latest_seq(), admin.get("/api/v1/events").meta()["epoch"].clone());
    let epoch = epoch.as_str().unwrap();
    admin.get(&format!("/api/v1/events?after={latest}&epoch={epoch}")).expect(200);
    for query in [
        format!("after={}", latest + 1),
        format!("after={}", i64::MAX),
        String::from("after=0&epoch=another"),
    ] {
        let told = admin.get(&format!("/api/v1/events?{query}"));
        told.refused(410, "resync_required");
        assert!(told.text().contains("unknown_epoch"), "{}", told.text());
    }
    admin.get("/api/v1/events?after=-1").refused(422, "invalid");
    admin.get(&format!("/api/v1/events/{}", latest + 1)).refused(404, "not_found");
    admin.get("/api/v1/events/0").refused(404, "not_found");
}

#[test]
fn every_built_in_type_has_a_sentence_an_example_and_a_schema_that_accepts_it() {
    let server = Server::start();
    let types = server.admin().get("/api/v1/event-types").expect(200).data();
    let types = types.as_array().unwrap();
    for wanted in ["agent.state.changed", "call.incoming", "chat.message", "webhook.test"] {
        assert!(types.iter().any(|t| t["type"] == wanted), "{wanted} is missing");
    }
    let mut compiler = boon::Compiler::new();
    for (number, kind) in types.iter().enumerate() {
        assert!(kind["description"].as_str().is_some_and(|s| s.len() > 10), "{kind}");
        let url = format!("http://schemas.example/{number}.json");
        compiler.add_resource(&url, kind["schema"].clone()).unwrap();
        let mut schemas = boon::Schemas::new();
        let schema = compiler.compile(&url, &mut schemas).unwrap();
        if let Err(e) = schemas.validate(&kind["example"], schema) {
            panic!("{}: {e}", kind["type"]);
        }
    }
}
