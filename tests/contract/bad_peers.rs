//! Peers that mean no good: floods without a pause, endless fragments, heads that never end.
//! Whoever behaves beside them must not notice.

use crate::{
    harness::{Api, PATIENCE, Server, Socket},
    wire::{PING, PONG, TEXT, Wire, masked, until},
    ws_topics::ask,
};
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Sends the same bytes again and again, and reads nothing, until the server takes no more or the
/// test is through.
fn flood(mut wire: Wire, first: Vec<u8>, again: Vec<u8>, stop: &Arc<AtomicBool>) -> JoinHandle<()> {
    let stop = stop.clone();
    std::thread::spawn(move || {
        wire.send(&first);
        while !stop.load(Ordering::Relaxed) && wire.send(&again) {}
    })
}

/// Twenty events, each of which must reach a socket, and answers to plain requests in between.
#[track_caller]
fn all_is_well(api: &Api, socket: &mut Socket) {
    for n in 0..20 {
        let began = Instant::now();
        let event = json!({ "type": "load.step", "data": { "n": n } });
        let seq = api.post("/api/v1/events", &event).expect(201).data()["seq"].clone();
        assert_eq!(socket.expect_frame("load.step")["seq"], seq);
        assert!(began.elapsed() < Duration::from_secs(5), "it took {:?}", began.elapsed());
    }
}

#[test]
fn floods_that_never_pause_keep_nobody_else_waiting() {
    let server = Server::start();
    let admin = server.admin();
    let loud = admin.new_user("agent");
    let floods: [(&str, Vec<u8>, Vec<u8>); 5] = [
        ("pings", vec![], masked(PING, b"")),
        ("pongs", vec![], masked(PONG, b"")),
        ("empty fragments", masked(0x01, b""), masked(0x00, b"")),
        ("what comes after a broken frame", masked(0x83, b"hi"), vec![0; 16]),
        ("a message of 64 MB and more", [&[TEXT, 0xFF][..], &[1; 8]].concat(), vec![b'x'; 16]),
    ];
    for (what, first, again) in floods {
        let mut socket = Socket::open(&admin);
        let stop = Arc::new(AtomicBool::new(false));
        // More than the server has threads.
        let wires: Vec<_> = (0..6).map(|_| Wire::open(&loud)).collect();
        let floods: Vec<_> = wires
            .into_iter()
            .map(|wire| flood(wire, first.clone(), again.repeat(4_096), &stop))
            .collect();
        all_is_well(&admin, &mut socket);
        stop.store(true, Ordering::Relaxed);
        for flood in floods {
            flood.join().expect(what);
        }
        until(what, || (admin.get("/api/v1/ws/stats").data()["total_clients"] == 1).then_some(()));
        socket.close();
    }
}

#[test]
fn pings_and_fragments_count_too() {
    let server = Server::start();
    let admin = server.admin();
    let floods = [
        ("pings", masked(PING, b"are you there?").repeat(400), 4012),
        ("pongs", masked(PONG, b"").repeat(400), 4012),
        ("fragments", [masked(0x01, b""), masked(0x00, b"").repeat(100_000)].concat(), 1009),
    ];
    for (what, bytes, expected) in floods {
        server.advance_ms(1_000);
        let mut wire = Wire::open(&admin);
        wire.send(&bytes);
        let (code, reason) = wire.expect_close();
        assert_eq!(code, expected, "{what}: {reason}");
    }
    let mut wire = Wire::open(&admin);
    for _ in 0..3 {
        server.advance_ms(1_000);
        assert!(wire.send(&masked(PING, b"?").repeat(40)));
        assert_eq!(wire.expect(PONG), b"?");
    }
}

/// A connection that gets so far with its head, or no further.
fn begun(server: &Server, head: &[u8]) -> TcpStream {
    let mut tcp = TcpStream::connect(server.address).expect("the server listens");
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    tcp.set_write_timeout(Some(PATIENCE)).unwrap();
    // It may be refused before all of it is sent.
    drop(tcp.write_all(head));
    tcp
}

#[test]
fn heads_without_end_are_refused_and_their_connections_closed() {
    let server = Server::start();
    let admin = server.admin();
    let host = "Host: localhost\r\n";
    let line = format!("GET /{} HTTP/1.1\r\n{host}\r\n", "x".repeat(1 << 20));
    let header = format!("GET /ws HTTP/1.1\r\n{host}X-Long: {}\r\n\r\n", "x".repeat(1 << 20));
    let many = format!("GET /ws HTTP/1.1\r\n{host}{}\r\n", "X-Many: 1\r\n".repeat(64));
    let nonsense = "\x16\x03\x01\x02\x00\x01\x00\x01".repeat(10_000);
    for (what, head, statuses) in [
        ("a request line of 1 MiB", &line, ["414", "431"]),
        ("a header of 1 MiB", &header, ["431", "431"]),
        ("65 headers", &many, ["431", "431"]),
        ("no HTTP", &nonsense, ["400", "400"]),
    ] {
        let mut tcp = begun(&server, head.as_bytes());
        let mut answer = Vec::new();
        // A reset is an end too: the rest of the head was on its way.
        drop(tcp.read_to_end(&mut answer));
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(statuses.contains(&status), "{what}: {answer:?}");
    }
    admin.get("/api/v1/auth/me").expect(200);
}

/// How many connections a test may hold: files that a process may open, less what it needs.
fn connections_max() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3)?.parse::<usize>().ok());
    soft.unwrap_or(1_024).saturating_sub(300).min(5_000)
}

#[test]
fn thousands_of_connections_that_never_finish_their_head_keep_nobody_out() {
    let server = Server::start();
    let admin = server.admin();
    let heads: [&[u8]; 3] =
        [b"", b"GET /ws HTTP/1.1\r\nHost:", b"POST /api/v1/events HTTP/1.1\r\n"];
    let half_open: Vec<_> = (0..connections_max()).map(|n| begun(&server, heads[n % 3])).collect();
    let mut socket = Socket::open(&admin);
    all_is_well(&admin, &mut socket);
    drop(half_open);
    all_is_well(&admin, &mut socket);
}

#[test]
fn rooms_beyond_the_bound_are_refused_by_name_and_the_others_joined() {
    let server = Server::start();
    let admin = server.admin();
    let rooms: Vec<_> = (0..4_000).map(|n| format!("queue:{n}")).collect();
    let mut socket = Socket::open_at(&admin, &format!("/ws?v=2&rooms={}", rooms.join(",")));
    let refused = socket.next();
    assert_eq!(refused["payload"]["code"], "too_many_rooms", "{refused}");
    assert_eq!(refused["payload"]["room"], "queue:128");
    assert_eq!(socket.next()["type"], "hello", "once is enough");
    let say = |room: &str| {
        let event = json!({ "type": "load.step", "room": room, "data": {} });
        admin.post("/api/v1/events", &event).expect(201).data()["seq"].clone()
    };
    let heard = say(&rooms[127]);
    assert_eq!(socket.next()["seq"], heard);
    say(&rooms[128]);
    let next = say("tenant");
    assert_eq!(socket.next()["seq"], next, "nothing came before it");
}

#[test]
fn who_asks_again_and_again_who_is_here_is_answered_and_holds_nobody_up() {
    let server = Server::start();
    let admin = server.admin();
    let ada = admin.new_user("agent");
    let mut asks = Socket::open(&admin);
    server.advance_ms(20_000);
    asks.all_until_now();
    server.advance_ms(11_000);
    asks.all_until_now();
    for round in 0..10 {
        server.advance_ms(1_000);
        for _ in 0..20 {
            asks.say(&json!({ "type": "presence.unsubscribe" }));
            asks.say(&json!({ "type": "presence.subscribe" }));
        }
        // Whoever comes in between is in the list or told after it, each time.
        let _here = (round == 5).then(|| Socket::open(&ada));
        let said = asks.all_until_now();
        let lists = said.iter().filter(|said| said["type"] == "presence").count();
        assert_eq!(lists, 20, "{said:?}");
    }
    let _ada = Socket::open(&ada);
    let is_told = |said: &Value| said.to_string().contains(ada.id());
    let mut told = false;
    until("she is seen", || {
        server.advance_ms(250);
        told |= asks.all_until_now().iter().any(is_told);
        told.then_some(())
    });
    all_is_well(&admin, &mut Socket::open(&admin));
}

/// What a socket is, it stays: a token of somebody else's changes nothing, of whatever tenant.
#[test]
fn nobody_becomes_somebody_else_by_refreshing() {
    let server = Server::start();
    let admin = server.admin();
    let (ada, abroad) = (admin.new_user("agent"), admin.new_tenant("Abroad").admin);
    let program = admin.new_token(&["events:read"]);
    let mut socket = Socket::open(&ada);
    for token in [admin.token(), abroad.token(), program.token(), "", "x.y.z"] {
        let said = ask(&mut socket, "auth.refresh", json!({ "token": token }));
        assert_eq!(said["payload"]["code"], "token_refused", "{token}");
    }
    let said = ask(&mut socket, "auth.refresh", json!({ "token": ada.token() }));
    assert_eq!(said["type"], "reply", "{said}");
    let rooms = admin.get(&format!("/api/v1/ws/connections?user_id={}", ada.id())).data();
    assert_eq!(rooms[0]["user_id"], ada.id());
    // Nor does it hear what is for them.
    let event = json!({ "type": "load.step", "user_id": abroad.id(), "data": {} });
    abroad.post("/api/v1/events", &event).expect(201);
    assert!(socket.all_until_now().is_empty());
}
