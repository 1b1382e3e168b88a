//! Engine.IO as its clients see it: what the protocol's own suite asks for, and what it does not.

use crate::wire::{PATIENCE, Server};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::timeout;

const PATH: &str = "/engine.io/";

fn handshake(text: &str) -> Value {
    serde_json::from_str(text.strip_prefix('0').expect("an open packet")).unwrap()
}

#[tokio::test]
async fn a_session_opens_on_either_transport_and_says_its_times() {
    let server = Server::start().await;
    let opened = server.get("/engine.io/?EIO=4&transport=polling").await;
    assert_eq!(opened.status, 200);
    let polling = handshake(&opened.body);
    let mut socket = server.socket("/engine.io/?EIO=4&transport=websocket").await;
    let websocket = handshake(&socket.text().await);
    for (said, upgrades) in [(polling, json!(["websocket"])), (websocket, json!([]))] {
        let sid = said["sid"].as_str().unwrap();
        assert_eq!(sid.len(), 20);
        let expected = json!({
            "sid": sid, "upgrades": upgrades,
            "pingInterval": 300, "pingTimeout": 200, "maxPayload": 1_000_000,
        });
        assert_eq!(said, expected);
    }
}

/// Each wrong request is refused with the status and the code that clients know.
#[tokio::test]
async fn what_is_no_handshake_is_refused_with_its_code() {
    let server = Server::start().await;
    let sid = server.polling(PATH).await;
    let table = [
        ("GET", "?transport=polling", 5, "Unsupported protocol version"),
        ("GET", "?EIO=3&transport=polling", 5, "Unsupported protocol version"),
        ("GET", "?EIO=abc&transport=polling", 5, "Unsupported protocol version"),
        ("GET", "?EIO=4", 0, "Transport unknown"),
        ("GET", "?EIO=4&transport=abc", 0, "Transport unknown"),
        ("POST", "?EIO=4&transport=polling", 2, "Bad handshake method"),
        ("PUT", "?EIO=4&transport=polling", 2, "Bad handshake method"),
        ("GET", "?EIO=4&transport=polling&sid=abc", 1, "Session ID unknown"),
        ("POST", "?EIO=4&transport=polling&sid=abc", 1, "Session ID unknown"),
        ("GET", "?EIO=4&transport=websocket", 3, "Bad request"),
        ("PUT", sid.strip_prefix(PATH).unwrap(), 3, "Bad request"),
    ];
    for (method, query, code, message) in table {
        let answer = server.ask(method, &format!("{PATH}{query}"), "").await;
        assert_eq!(answer.status, 400, "{method} {query}");
        let said: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(said, json!({ "code": code, "message": message }), "{method} {query}");
    }
    for query in ["?transport=websocket", "?EIO=abc&transport=websocket", "?EIO=4", "?transport=x"]
    {
        assert_eq!(server.try_socket(&format!("{PATH}{query}")).await.err(), Some(400), "{query}");
    }
}

#[tokio::test]
async fn other_pages_may_ask_where_the_server_lets_them() {
    let server = Server::start().await;
    let preflight = "OPTIONS /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\n\
        origin: http://y\r\naccess-control-request-method: POST\r\nconnection: close\r\n\r\n";
    let answer = server.send(preflight).await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("access-control-allow-origin: *"), "{}", answer.head);
    let opened = server.get("/engine.io/?EIO=4&transport=polling").await;
    assert!(opened.head.contains("access-control-allow-origin: *"), "{}", opened.head);
    assert!(opened.head.contains("content-type: text/plain; charset=utf-8"), "{}", opened.head);
}

#[tokio::test]
async fn payloads_of_text_and_binary_packets_come_back_by_polling() {
    let server = Server::start().await;
    let session = server.polling(PATH).await;
    for payload in ["4hello", "4test1\x1e4test2\x1e4test3", "4hello\x1ebAQIDBA==", "4€ 🦀"] {
        let pushed = server.ask("POST", &session, payload).await;
        assert_eq!((pushed.status, pushed.body.as_str()), (200, "ok"));
        let polled = server.get(&session).await;
        assert_eq!((polled.status, polled.body.as_str()), (200, payload));
    }
}

#[tokio::test]
async fn text_and_binary_messages_come_back_on_a_socket() {
    let server = Server::start().await;
    let mut socket = server.opened(PATH).await;
    socket.say("4hello").await;
    assert_eq!(socket.text().await, "4hello");
    socket.say_bytes(&[1, 2, 3, 4]).await;
    assert_eq!(socket.bytes().await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_packet_that_is_none_ends_the_session() {
    let server = Server::start().await;
    for payload in ["abc", "", "4a\x1e", "b!", "2", "0", "5", "4fine\x1eabc"] {
        let session = server.polling(PATH).await;
        assert_eq!(server.ask("POST", &session, payload).await.status, 400, "{payload}");
        assert_eq!(server.get(&session).await.status, 400, "{payload}");
    }
    for text in ["abc", "", "2", "5", "2probe"] {
        let mut socket = server.opened(PATH).await;
        socket.say(text).await;
        socket.closed().await;
    }
}

#[tokio::test]
async fn a_second_poll_beside_the_first_ends_the_session() {
    let server = Server::start().await;
    let session = server.polling(PATH).await;
    // Whichever comes first is told of the end by the other.
    let (one, other) = tokio::join!(server.get(&session), server.get(&session));
    let (first, second) = if one.status == 200 { (one, other) } else { (other, one) };
    assert_eq!((first.status, first.body.as_str()), (200, "1"));
    assert_eq!(second.status, 400);
    assert_eq!(server.get(&session).await.status, 400);
    assert_eq!(server.ask("POST", &session, "4late").await.status, 400);
}

/// What a poll that was broken off had brought is lost, so the session must not go on as if not.
#[tokio::test]
async fn a_poll_that_is_broken_off_ends_the_session() {
    let server = Server::start().await;
    let rest = "GET {} HTTP/1.1\r\nhost: x\r\n\r\n";
    let half = "POST {} HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n4hel";
    for request in [rest, half] {
        let session = server.polling(PATH).await;
        let request = request.replace("{}", &session);
        // One that is broken off before the server has seen it ends nothing; pongs keep the session
        // alive, so that it ends of nothing else.
        let ended = async {
            while server.ask("POST", &session, "3").await.status == 200 {
                server.break_off(&request).await;
            }
        };
        timeout(PATIENCE, ended).await.expect("an end");
        assert_eq!(server.get(&session).await.status, 400);
    }
}

#[tokio::test]
async fn a_payload_that_is_too_large_is_refused_and_the_session_stands() {
    let server = Server::start().await;
    let session = server.polling(PATH).await;
    let payload = format!("4{}", "x".repeat(1_000_000));
    assert_eq!(server.ask("POST", &session, &payload).await.status, 413);
    let chunked = format!(
        "POST {session} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\
         connection: close\r\n\r\n{:x}\r\n{payload}\r\n0\r\n\r\n",
        payload.len()
    );
    assert_eq!(server.send(&chunked).await.status, 413);
    assert_eq!(server.ask("POST", &session, "4fits").await.status, 200);
    assert_eq!(server.get(&session).await.body, "4fits");
    let mut socket = server.opened(PATH).await;
    socket.say(&payload).await;
    socket.closed().await;
}

/// The first ping comes after the interval, not at once, and the session lives on pongs.
#[tokio::test]
async fn the_server_pings_and_pongs_keep_the_session() {
    let server = Server::start().await;
    let session = server.polling(PATH).await;
    let mut socket = server.opened(PATH).await;
    let began = Instant::now();
    for _ in 0..3 {
        let polled = server.get(&session).await;
        assert_eq!((polled.status, polled.body.as_str()), (200, "2"));
        assert_eq!(server.ask("POST", &session, "3").await.status, 200);
        assert_eq!(socket.text().await, "2");
        socket.say("3").await;
    }
    assert!(began.elapsed() >= Duration::from_millis(880), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_session_without_pongs_dies_in_time() {
    let server = Server::start().await;
    let session = server.polling(PATH).await;
    let mut socket = server.opened(PATH).await;
    let began = Instant::now();
    // A poll is no pong.
    while server.get(&session).await.status == 200 {}
    socket.closed().await;
    let lived = began.elapsed();
    assert!(lived > Duration::from_millis(480) && lived < PATIENCE, "{lived:?}");
}

#[tokio::test]
async fn a_client_ends_its_session() {
    let server = Server::start().await;
    let session = server.polling(PATH).await;
    let (polled, closed) = tokio::join!(server.get(&session), server.ask("POST", &session, "1"));
    assert_eq!((polled.status, polled.body.as_str()), (200, "6"));
    assert_eq!(closed.status, 200);
    assert_eq!(server.get(&session).await.status, 400);
    // A last poll that comes behind the end is answered too, once.
    let session = server.polling(PATH).await;
    assert_eq!(server.ask("POST", &session, "1").await.status, 200);
    assert_eq!(server.ask("POST", &session, "4late").await.status, 400);
    let mut socket = server.opened(PATH).await;
    socket.say("1").await;
    socket.closed().await;
}

/// The WebSocket path of a session that began with polling.
fn websocket(session: &str) -> String {
    session.replace("transport=polling", "transport=websocket")
}

#[tokio::test]
async fn a_session_goes_on_from_polling_to_a_websocket() {
    let server = Server::start().await;
    let session = server.polling(PATH).await;
    let mut socket = server.socket(&websocket(&session)).await;
    socket.say("2probe").await;
    assert_eq!(socket.text().await, "3probe");
    socket.say("5").await;
    socket.say("4hello").await;
    assert_eq!(socket.text().await, "4hello");
    // Neither a poll nor another socket can have it now, and it does not mind.
    assert_eq!(server.get(&session).await.status, 400);
    assert_eq!(server.ask("POST", &session, "4x").await.status, 400);
    let mut other = server.socket(&websocket(&session)).await;
    other.closed().await;
    socket.say("4still here").await;
    assert_eq!(socket.text().await, "4still here");
}

/// A client may send all it has to say about the upgrade at once.
#[tokio::test]
async fn an_upgrade_in_one_breath_leaves_nothing_for_polls_and_others() {
    let server = Server::start().await;
    let session = server.polling(PATH).await;
    let mut socket = server.socket(&websocket(&session)).await;
    for text in ["2probe", "5", "4hello"] {
        socket.say(text).await;
    }
    assert_eq!(socket.text().await, "3probe");
    assert_eq!(socket.text().await, "4hello");
    assert_eq!(server.get(&session).await.status, 400);
    let mut other = server.socket(&websocket(&session)).await;
    other.closed().await;
}

#[tokio::test]
async fn an_upgrade_loses_and_doubles_nothing() {
    let server = Server::start().await;
    let session = server.polling(PATH).await;
    let mut socket = server.socket(&websocket(&session)).await;
    let parked = server.get(&session);
    let probe = async {
        socket.say("2probe").await;
        assert_eq!(socket.text().await, "3probe");
    };
    let (polled, ()) = tokio::join!(parked, probe);
    assert_eq!(polled.body, "6", "a poll that waits is let go");
    assert_eq!(server.get(&session).await.body, "6", "and one that comes need not wait");
    let mut sent = Vec::new();
    for number in 0..50 {
        let message = format!("4message {number}");
        assert_eq!(server.ask("POST", &session, &message).await.status, 200);
        sent.push(message);
    }
    socket.say("5").await;
    socket.say("4last").await;
    sent.push(String::from("4last"));
    for message in sent {
        assert_eq!(socket.text().await, message);
    }
}

#[tokio::test]
async fn a_socket_that_does_not_probe_is_closed_and_polling_goes_on() {
    let server = Server::start().await;
    for wrong in ["4hello", "5", "2", "2nonsense", "abc"] {
        let session = server.polling(PATH).await;
        let mut socket = server.socket(&websocket(&session)).await;
        socket.say(wrong).await;
        socket.closed().await;
        assert_eq!(server.ask("POST", &session, "4hello").await.status, 200, "{wrong}");
        assert_eq!(server.get(&session).await.body, "4hello", "{wrong}");
        // Another try may go better.
        let mut socket = server.socket(&websocket(&session)).await;
        socket.say("2probe").await;
        assert_eq!(socket.text().await, "3probe");
    }
}

/// Whatever comes, the server answers the next client as if nothing had been.
#[tokio::test]
async fn garbage_does_no_harm() {
    let server = Server::start().await;
    for garbage in ["\0", "4\u{feff}", "b====", "\x1e\x1e\x1e", "9999", "4[[[[[", "-1", "💥"] {
        let session = server.polling(PATH).await;
        server.ask("POST", &session, garbage).await;
        let mut socket = server.opened(PATH).await;
        socket.say(garbage).await;
        let mut socket = server.opened("/socket.io/").await;
        socket.say(garbage).await;
        socket.say_bytes(garbage.as_bytes()).await;
        socket.closed().await;
    }
    let mut socket = server.opened(PATH).await;
    socket.say("4well").await;
    assert_eq!(socket.text().await, "4well");
}
