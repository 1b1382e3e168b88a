//! `GET /events/stream`: the log as server-sent events.

use crate::harness::{PASSWORD, Server, Session, Stream};
use serde_json::{Value, json};

fn publish(who: &Session, text: &str) -> i64 {
    let event = json!({ "type": "news.flash", "data": { "text": text } });
    who.post("/api/v1/events", &event).expect(201).data()["seq"].as_i64().unwrap()
}

/// Opens a stream and reads its hello.
fn opened(who: &Session) -> (Stream, Value) {
    let mut stream = Stream::open(who, "", None);
    let hello = stream.next();
    assert_eq!(hello.event, "hello");
    (stream, hello.data)
}

#[test]
fn an_event_arrives_as_rest_lists_it_under_its_own_name_and_place() {
    let server = Server::start();
    let admin = server.admin();
    let (mut stream, hello) = opened(&admin);
    for line in ["content-type: text/event-stream", "cache-control: no-store"] {
        assert!(stream.head.contains(line), "{}", stream.head);
    }
    assert_eq!(hello["latest_seq"], admin.latest_seq());
    assert_eq!(
        stream.last_id,
        Some(format!("{}-{}", hello["epoch"].as_str().unwrap(), hello["latest_seq"]))
    );
    let seq = publish(&admin, "line\nbreak");
    let heard = stream.next();
    assert_eq!(heard.event, "news.flash");
    assert_eq!(heard.data, admin.get(&format!("/api/v1/events/{seq}")).data());
    assert_eq!(stream.last_id, Some(format!("{}-{seq}", hello["epoch"].as_str().unwrap())));
}

/// Data is kept as it was published; a line break between its tokens must not cut it in two.
#[test]
fn published_data_with_line_breaks_arrives_whole() {
    let server = Server::start();
    let admin = server.admin();
    let (mut stream, _) = opened(&admin);
    let body = "{\"type\":\"news.flash\",\"data\":{\r\n\"text\":\r\"two\\nlines\",\n\n\"n\":1}}";
    let said = admin.request("POST", "/api/v1/events").header("content-type", "application/json");
    said.body(body).send().expect(201);
    assert_eq!(stream.next().data["data"], json!({ "text": "two\nlines", "n": 1 }));
}

#[test]
fn a_browser_that_comes_back_gets_what_it_missed_and_then_goes_on() {
    let server = Server::start();
    let admin = server.admin();
    let (stream, _) = opened(&admin);
    let last_id = stream.last_id.clone();
    drop(stream);
    let missed: Vec<i64> = ["one", "two", "three"].map(|text| publish(&admin, text)).into();
    let server = server.kill9().start();
    let admin = Session::login(&server.api(), admin.email(), PASSWORD);
    let mut stream = Stream::open(&admin, "", last_id.as_deref());
    assert_eq!(stream.next().event, "hello");
    for seq in &missed {
        assert_eq!(stream.next().data["seq"], *seq);
    }
    let resumed = stream.next();
    assert_eq!((resumed.event.as_str(), &resumed.data["replayed"]), ("resumed", &json!(3)));
    let seq = publish(&admin, "four");
    assert_eq!(stream.next().data["seq"], seq);
    // By the address, for those who cannot set the header.
    let mut stream = Stream::open(&admin, &format!("?since={}", missed[2]), None);
    assert_eq!(stream.next().event, "hello");
    assert_eq!(stream.next().data["seq"], seq);
}

#[test]
fn a_place_of_another_history_is_told_to_start_over_and_hears_what_comes() {
    let server = Server::start();
    let admin = server.admin();
    for (query, last_id) in [("", Some("other-3")), ("?since=999999", None), ("?since=-1", None)] {
        let mut stream = Stream::open(&admin, query, last_id);
        assert_eq!(stream.next().event, "hello");
        let resync = stream.next();
        assert_eq!(resync.event, "resync_required", "{query} {last_id:?}");
        assert_eq!(resync.data["reason"], "unknown_epoch");
        let seq = publish(&admin, "after");
        assert_eq!(stream.next().data["seq"], seq);
    }
}

#[test]
fn what_is_no_place_and_who_may_not_is_told_before_the_stream_begins() {
    let server = Server::start();
    let admin = server.admin();
    let stream = |query: &str| format!("/api/v1/events/stream{query}");
    for query in ["?since=x", "?colour=red"] {
        admin.get(&stream(query)).expect(422);
    }
    let odd = admin.request("GET", &stream("")).header("last-event-id", "nonsense").send();
    assert!(odd.expect(422).text().contains("Last-Event-ID"));
    server.api().get(&stream("")).expect(401);
    admin.new_token(&["events:read"]).get(&stream("")).expect(403);
}

#[test]
fn a_customer_hears_what_is_for_them_and_not_what_is_for_staff() {
    let server = Server::start();
    let admin = server.admin();
    let customer = admin.new_user("customer");
    let (mut stream, _) = opened(&customer);
    publish(&admin, "for staff");
    let event = json!({ "type": "news.flash", "data": {}, "user_id": customer.id() });
    let seq = admin.post("/api/v1/events", &event).expect(201).data()["seq"].clone();
    assert_eq!(stream.next().data["seq"], seq);
}

#[test]
fn a_stream_counts_as_presence_and_ends_with_the_sign_in() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let (mut stream, _) = opened(&agent);
    let online = format!("/api/v1/ws/users/{}/online", agent.id());
    assert_eq!(admin.get(&online).data(), json!({ "online": true }));
    agent.post("/api/v1/auth/logout", &json!({})).expect(200);
    let closed = stream.next();
    assert_eq!((closed.event.as_str(), &closed.data["c"]), ("closed", &json!("unauthorized")));
    stream.expect_end();
}

#[test]
fn a_stream_ends_when_the_server_stops_and_says_that_it_may_come_back() {
    let server = Server::start();
    let (mut stream, _) = opened(&server.admin());
    server.terminate();
    let closed = stream.next();
    assert_eq!((closed.event.as_str(), &closed.data["reconnect"]), ("closed", &json!(true)));
    stream.expect_end();
    assert_eq!(server.ended().1.code, Some(0));
}

/// A reader that stops is not waited for: its mailbox is bounded, and it is told where it was.
#[test]
fn a_stream_that_is_not_read_is_ended_as_slow_and_others_go_on() {
    let server = Server::start();
    let admin = server.admin();
    let (mut stalled, _) = opened(&admin);
    let (mut reads, _) = opened(&admin);
    let event = json!({ "type": "load.step", "data": { "text": "x".repeat(100_000) } });
    let mut last = 0;
    for _ in 0..120 {
        last = admin.post("/api/v1/events", &event).expect(201).data()["seq"].as_i64().unwrap();
        assert_eq!(reads.next().data["seq"], last);
    }
    server.advance_ms(6_000);
    let counts = || admin.get("/api/v1/ws/stats").data()["total_clients"].clone();
    crate::wire::until("the stalled one is gone", || (counts() == 1).then_some(()));
    let mut heard = Vec::new();
    let closed = loop {
        match stalled.next_within(crate::harness::PATIENCE) {
            Some(message) if message.event == "closed" => break message.data,
            Some(message) => heard.push(message.data["seq"].as_i64().unwrap()),
            None => panic!("it ends without a word after {}", heard.len()),
        }
    };
    assert_eq!((&closed["c"], &closed["reconnect"]), (&json!("slow"), &json!(true)));
    assert!(heard.windows(2).all(|pair| pair[1] == pair[0] + 1) && heard.len() < 120);
    assert_eq!(closed["seq"], *heard.last().unwrap());
    // It comes back, and gets the rest.
    let mut again = Stream::open(&admin, "", stalled.last_id.as_deref());
    assert_eq!(again.next().event, "hello");
    assert_eq!(again.next().data["seq"], heard.last().unwrap() + 1);
    assert!(last > 0);
}
