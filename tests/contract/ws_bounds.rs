//! What a socket may do, and what happens to one that is silent, slow, loud or broken.

use crate::{
    harness::{Frame, PATIENCE, Server, Session, Socket},
    wire::{BINARY, PING, PONG, TEXT, Wire, masked, until},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[test]
fn a_silent_client_is_asked_within_25_seconds_and_closed_10_seconds_later() {
    let server = Server::start();
    let admin = server.admin();
    let (mut answers, mut silent) = (Wire::open(&admin), Wire::open(&admin));
    for _ in 0..3 {
        server.advance_ms(25_000);
        let asked = answers.expect(PING);
        assert!(answers.send_frame(PONG, &asked));
        // The pong has been read once something after it is answered.
        assert!(answers.send_frame(TEXT, br#"{"type":"ping"}"#));
        assert_eq!(answers.expect_json()["type"], "pong");
    }
    silent.expect(PING);
    let (code, reason) = silent.expect_close();
    assert_eq!((code, &reason["c"], &reason["reconnect"]), (4010, &json!("no_pong"), &json!(true)));
    server.advance_ms(25_000);
    answers.expect(PING);
    server.advance_ms(9_000);
    assert!(answers.send_frame(TEXT, br#"{"type":"ping"}"#), "whatever it says is a sign of life");
    assert_eq!(answers.expect_json()["type"], "pong");
}

#[test]
fn a_client_that_breaks_the_protocol_is_told_what_it_broke() {
    let server = Server::start();
    let admin = server.admin();
    let text = |length: usize| "x".repeat(length).into_bytes();
    let mut first_part = masked(0x01, &text(40_000));
    first_part.extend(masked(0x80, &text(40_000)));
    let table: Vec<(&str, Vec<u8>, u16)> = vec![
        ("a message of more than 64 KiB", masked(TEXT, &text(65_537)), 1009),
        ("the same in parts", first_part, 1009),
        ("a length beyond all bounds", [&[TEXT, 0xFF][..], &[0x7F; 8], &[0; 4]].concat(), 1009),
        ("text that is no UTF-8", masked(TEXT, &[0xC3, 0x28]), 1007),
        ("a surrogate", masked(TEXT, &[0xED, 0xA0, 0x80]), 1007),
        ("a frame without a mask", b"\x81\x02hi".to_vec(), 1002),
        ("a reserved bit", masked(0xC1, b"hi"), 1002),
        ("a reserved opcode", masked(0x83, b"hi"), 1002),
        ("a control frame in parts", masked(0x09, b"hi"), 1002),
        ("a control frame that is too long", masked(PING, &text(126)), 1002),
        ("a continuation of nothing", masked(0x80, b"hi"), 1002),
        ("two beginnings", [masked(0x01, b"a"), masked(0x01, b"b")].concat(), 1002),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), 1002),
        ("a binary message", masked(BINARY, b"hi"), 4011),
    ];
    for (what, bytes, expected) in table {
        let mut wire = Wire::open(&admin);
        wire.send(&bytes);
        let (code, reason) = wire.expect_close();
        assert_eq!(code, expected, "{what}: {reason}");
        assert!(reason["c"].is_string(), "{what}: {reason}");
    }
    let mut wire = Wire::open(&admin);
    assert!(wire.send_frame(TEXT, &text(65_536)));
    assert_eq!(wire.expect_json()["payload"]["code"], "bad_message", "64 KiB are allowed");
    assert!(wire.send_frame(PING, b"are you there?"));
    assert_eq!(wire.expect(PONG), b"are you there?");
    // A close is answered, and the server hangs up.
    assert!(wire.send_frame(0x88, &[0x03, 0xE8]));
    wire.expect(0x88);
    wire.expect_gone();
}

#[test]
fn a_message_may_come_in_pieces_and_many_may_come_at_once() {
    let server = Server::start();
    let mut wire = Wire::open(&server.admin());
    let bytes: Vec<u8> = (0..20)
        .flat_map(|n| {
            masked(TEXT, json!({ "type": "ping", "ref": n.to_string() }).to_string().as_bytes())
        })
        .collect();
    assert!(wire.send(&bytes));
    for n in 0..20 {
        assert_eq!(wire.expect_json()["ref"], n.to_string());
    }
    let parts = [masked(0x01, br#"{"type":"#), masked(PING, b"!"), masked(0x80, br#""ping"}"#)];
    for byte in parts.concat() {
        assert!(wire.send(&[byte]));
    }
    assert_eq!(wire.expect(PONG), b"!");
    assert_eq!(wire.expect_json()["type"], "pong");
}

#[test]
fn a_client_that_says_more_than_50_messages_a_second_is_closed_as_too_fast() {
    let server = Server::start();
    let mut wire = Wire::open(&server.admin());
    let one = masked(TEXT, br#"{"type":"ping"}"#);
    server.advance_ms(1_000);
    assert!(wire.send(&one.repeat(50)));
    for _ in 0..50 {
        assert_eq!(wire.expect_json()["type"], "pong");
    }
    server.advance_ms(1_000);
    // Twice what two seconds allow, wherever the second begins.
    wire.send(&one.repeat(120));
    let (code, reason) = wire.expect_close();
    assert_eq!(
        (code, &reason["c"], &reason["reconnect"]),
        (4012, &json!("too_fast"), &json!(true))
    );
}

/// Says `mebibytes` of events, one mebibyte at a time.
pub(crate) fn flood(session: &Session, mebibytes: usize) -> i64 {
    let event = json!({ "type": "load.step", "data": { "text": "x".repeat(10_000) } });
    let batch = json!({ "events": vec![event; 100] });
    let mut last = 0;
    for _ in 0..mebibytes {
        let said = session.post("/api/v1/events/batch", &batch).expect(201).data();
        last = said[99]["seq"].as_i64().expect("a seq");
    }
    last
}

pub(crate) fn clients(admin: &Session) -> i64 {
    admin.get("/api/v1/ws/stats").data()["total_clients"].as_i64().expect("a number")
}

#[test]
fn a_reader_that_stops_is_closed_as_slow_while_all_others_get_everything() {
    let server = Server::start();
    let admin = server.admin();
    let since = admin.latest_seq();
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let mut socket = Socket::open(&admin);
            std::thread::spawn(move || {
                let mut seqs = Vec::new();
                while let Some(Frame::Said(said)) = socket.next_within(PATIENCE) {
                    if said["type"] == "load.end" {
                        return seqs;
                    }
                    seqs.push(said["seq"].as_i64().unwrap());
                }
                panic!("the reader was cut off after {:?}", seqs.last());
            })
        })
        .collect();
    let mut slow = Wire::open_narrow(&admin);
    let last = flood(&admin, 8);
    admin.post("/api/v1/events", &json!({ "type": "load.end", "data": {} })).expect(201);
    for reader in readers {
        assert_eq!(reader.join().unwrap(), (since + 1..=last).collect::<Vec<_>>());
    }
    // It hears what had been sent when it stopped, whole frames in order, and then why it ends and
    // from where it can go on.
    let mut heard = since;
    let reason = loop {
        match slow.next() {
            Some((TEXT, text)) => {
                let said: Value = serde_json::from_slice(&text).expect("a whole frame");
                assert_eq!(said["seq"], heard + 1);
                heard += 1;
            }
            Some((_, close)) => {
                assert_eq!(u16::from_be_bytes([close[0], close[1]]), 4008);
                break serde_json::from_slice::<Value>(&close[2..]).unwrap();
            }
            None => panic!("it was cut off after {heard}"),
        }
    };
    assert_eq!((&reason["c"], &reason["reconnect"]), (&json!("slow"), &json!(true)));
    assert!(heard < last && reason["seq"] == heard, "{heard}: {reason}");
}

#[test]
fn a_reader_that_takes_nothing_for_5_seconds_is_let_go_even_if_it_never_reads_again() {
    let server = Server::start();
    let admin = server.admin();
    let _slow = Wire::open_narrow(&admin);
    let mut reader = Socket::open(&admin);
    let all = std::thread::spawn(move || {
        while reader.next()["type"] != "load.end" {}
        reader
    });
    flood(&admin, 2);
    admin.post("/api/v1/events", &json!({ "type": "load.end", "data": {} })).expect(201);
    let _reader = all.join().unwrap();
    assert_eq!(clients(&admin), 2, "neither is closed for less than four mebibytes");
    server.advance_ms(6_000);
    until("the slow reader is let go", || (clients(&admin) == 1).then_some(()));
}

#[test]
fn a_reader_that_stops_loses_its_socket_with_its_sign_in_all_the_same() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let _slow = Wire::open_narrow(&agent);
    flood(&admin, 1);
    agent.post("/api/v1/auth/logout", &json!({})).expect(200);
    until("it is let go", || (clients(&admin) == 0).then_some(()));
}

#[test]
fn an_orderly_stop_tells_every_client_to_come_back_and_takes_less_than_ten_seconds() {
    let server = Server::start();
    let admin = server.admin();
    let mut sockets: Vec<_> = (0..3).map(|_| Socket::open_at(&admin, "/ws?v=2")).collect();
    let stalled = Wire::open_narrow(&admin);
    flood(&admin, 1);
    let said = admin.latest_seq();
    let began = Instant::now();
    let stopping = std::thread::spawn(move || server.stop());
    for socket in &mut sockets {
        let draining = socket.expect_frame("server.draining")["payload"].clone();
        let back = draining["retry_in_ms"].as_i64().expect("when to come back");
        assert!((500..16_000).contains(&back), "{back}");
        let (code, reason) = socket.expect_close();
        let reason: Value = serde_json::from_str(&reason).unwrap();
        let expected =
            json!({ "c": "restart", "reconnect": true, "seq": said, "retry_in_ms": back });
        assert_eq!((code, reason), (1012, expected));
    }
    let (setup, ended) = stopping.join().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    drop(stalled);
    assert_eq!(setup.start().admin().latest_seq(), said, "and nothing is lost");
}

#[test]
fn a_stop_lets_requests_that_were_begun_come_to_their_end() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = crate::harness::Receiver::answering(|_| crate::harness::Play::Late(700));
    let id = crate::hooks::hook(&admin, &receiver.url("/"), &json!({}));
    let path = format!("/api/v1/webhooks/{id}/test");
    let asked = std::thread::spawn(move || admin.post(&path, &json!({})));
    receiver.wait_for(1);
    let (setup, ended) = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(asked.join().expect("an answer").expect(200).data()["success"], true);
    let logs = setup.start().admin().get(&format!("/api/v1/webhooks/{id}/logs")).data();
    assert_eq!(logs[0]["state"], "delivered", "and what came of it is kept");
}

#[test]
fn a_connection_that_asks_nothing_does_not_hold_up_the_stop() {
    let server = Server::start();
    let admin = server.admin();
    // As browsers keep them in reserve: one never used, one with half a head.
    let spare = std::net::TcpStream::connect(server.address).unwrap();
    let mut half = std::net::TcpStream::connect(server.address).unwrap();
    std::io::Write::write_all(&mut half, b"GET / HTTP/1.1\r\nHost:").unwrap();
    admin.get("/livez").expect(200);
    let began = Instant::now();
    let (_, ended) = server.stop();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    drop((spare, half));
}
