//! Connections that are cut at any moment, on every door. Whatever they were doing, nothing of them
//! is left: no session, no presence, no room, no task, no file descriptor.

use crate::{
    harness::{ON_POLLING, ON_WEBSOCKET, Server, Session, Setup, Socket},
    wire::{TEXT, masked, until},
};
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    /// Below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// A client that will be cut off.
struct Doomed {
    tcp: TcpStream,
    token: String,
}

impl Doomed {
    fn connect(address: SocketAddr, token: &str) -> Self {
        let tcp = TcpStream::connect(address).expect("the server listens");
        tcp.set_nodelay(true).unwrap();
        tcp.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        Self { tcp, token: token.to_owned() }
    }

    /// The head of a GET, with the upgrade to a WebSocket where that is asked for.
    fn head(&self, path: &str, upgrade: bool) -> Vec<u8> {
        let upgrade = if upgrade {
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        } else {
            ""
        };
        let token = &self.token;
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}");
        format!("{head}\r\n{upgrade}\r\n").into_bytes()
    }

    fn send(&mut self, bytes: &[u8]) {
        // It may be refused, or ended, in the middle of it.
        drop(self.tcp.write_all(bytes));
    }

    /// Reads at least so many bytes, or until the end, or until nothing comes.
    fn read(&mut self, bytes: usize) -> Vec<u8> {
        let (mut all, mut more) = (Vec::new(), [0; 4_096]);
        while all.len() < bytes {
            match self.tcp.read(&mut more) {
                Ok(0) | Err(_) => break,
                Ok(read) => all.extend_from_slice(&more[..read]),
            }
        }
        all
    }

    fn say(&mut self, text: &str) {
        self.send(&masked(TEXT, text.as_bytes()));
    }

    /// Cut with a FIN, or with a reset that throws away what is on its way.
    fn cut(self, reset: bool) {
        if reset {
            drop(socket2::SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO)));
        }
    }
}

/// One connection on a socket, cut somewhere.
fn on_socket(mut it: Doomed, room: &str, dice: &mut Dice) {
    let paths = ["/ws", "/ws?v=2", "/ws?since=0", &format!("/ws?since=0&rooms={room}")];
    let head = it.head(paths[dice.below(4)], true);
    match dice.below(6) {
        0 => it.send(&head[..dice.below(head.len())]),
        1 => it.send(&head),
        2 => {
            it.send(&head);
            it.read(1 + dice.below(20_000));
        }
        3 => {
            it.send(&head);
            it.say(&json!({ "type": "room.join", "payload": { "room": room } }).to_string());
            it.read(dice.below(1_000));
        }
        4 => {
            it.send(&head);
            it.read(100);
            it.say(&json!({ "type": "presence.subscribe" }).to_string());
            it.say(&json!({ "type": "room.join", "payload": { "room": room } }).to_string());
            it.read(200);
            let viewing = json!({ "type": "viewing", "payload": { "room": room } }).to_string();
            it.say(&viewing);
            it.say(&json!({ "type": "resume", "payload": { "since": 0 } }).to_string());
            it.read(dice.below(4_000));
        }
        _ => {
            it.send(&head);
            it.read(100);
            it.send(&masked(0x88, &[0x03, 0xE8]));
        }
    }
    it.cut(dice.below(2) == 0);
}

/// One stream, cut somewhere.
fn on_stream(mut it: Doomed, dice: &mut Dice) {
    let head =
        it.head(["/api/v1/events/stream", "/api/v1/events/stream?since=0"][dice.below(2)], false);
    it.send(&head);
    it.read(dice.below(20_000) * dice.below(2));
    it.cut(dice.below(2) == 0);
}

/// One Socket.IO session on a WebSocket, cut somewhere.
fn on_socketio(mut it: Doomed, dice: &mut Dice) {
    let head = it.head(ON_WEBSOCKET, true);
    it.send(&head);
    it.read(dice.below(300));
    it.say(&format!("40{}", json!({ "token": it.token, "since": dice.below(2) })));
    it.read(dice.below(2_000) * dice.below(2));
    it.cut(dice.below(2) == 0);
}

/// One Socket.IO session on polling: left alone, cut in a poll, in a post, or in its upgrade.
fn on_polling(it: Doomed, server: SocketAddr, dice: &mut Dice) {
    let token = it.token.clone();
    let again = || Doomed::connect(server, &token);
    let mut it = it;
    let head = it.head(ON_POLLING, false);
    it.send(&head);
    let opened = String::from_utf8_lossy(&it.read(100)).into_owned();
    let Some((_, sid)) = opened.split_once("\"sid\":\"") else { return };
    let path = format!("{ON_POLLING}&sid={}", sid.split('"').next().unwrap());
    let knock = format!("40{}", json!({ "token": token }));
    let post = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{knock}",
        knock.len()
    );
    it.cut(false);
    match dice.below(5) {
        0 => {}
        1 => again().send(&post.as_bytes()[..dice.below(post.len())]),
        cut => {
            let mut posts = again();
            posts.send(post.as_bytes());
            posts.read(30);
            let mut polls = again();
            if cut == 2 {
                polls.send(&polls.head(&path, false));
                polls.read(dice.below(200));
                return polls.cut(dice.below(2) == 0);
            }
            let upgrade = path.replace("transport=polling", "transport=websocket");
            polls.send(&polls.head(&upgrade, true));
            polls.read(100);
            polls.say("2probe");
            if cut == 4 {
                polls.read(5);
                polls.say("5");
            }
            polls.read(dice.below(100) * dice.below(2));
            polls.cut(dice.below(2) == 0);
        }
    }
}

/// So many connections in eight threads at a time.
fn race(server: &Server, who: &Session, room: &str, count: usize) {
    let racers: Vec<_> = (0..8)
        .map(|n| {
            let (address, token, room) = (server.address, who.token().to_owned(), room.to_owned());
            std::thread::spawn(move || {
                let mut dice = Dice(n);
                for _ in 0..count / 8 {
                    let it = Doomed::connect(address, &token);
                    match dice.below(8) {
                        0..=3 => on_socket(it, &room, &mut dice),
                        4 => on_stream(it, &mut dice),
                        5 => on_socketio(it, &mut dice),
                        _ => on_polling(it, address, &mut dice),
                    }
                }
            })
        })
        .collect();
    for racer in racers {
        racer.join().expect("a racer");
    }
}

/// A number of `/metrics`.
pub(crate) fn metric(server: &Server, name: &str) -> i64 {
    let text = server.api().get("/metrics").expect(200).text();
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    found.unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// Sockets that the server's process holds, where the system tells.
pub(crate) fn sockets(server: &Server) -> usize {
    let Ok(open) = std::fs::read_dir(format!("/proc/{}/fd", server.pid())) else { return 0 };
    let links = open.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

/// What there is of clients, when nobody is connected.
fn left(server: &Server, admin: &Session) -> Value {
    let names = ["clients", "clients_rung", "rooms", "socketio_sessions"];
    let counts: Vec<_> =
        names.iter().map(|name| metric(server, &format!("deskbell_{name} "))).collect();
    json!({
        "counts": counts,
        "stats": admin.get("/api/v1/ws/stats").data()["total_clients"],
        "connections": admin.get("/api/v1/ws/connections").data(),
        "online": admin.get("/api/v1/ws/online").data(),
    })
}

/// Waits, by the server's clock, until nothing is left.
#[track_caller]
fn settle(server: &Server, admin: &Session) {
    let nothing = json!({ "counts": [0, 0, 0, 0], "stats": 0, "connections": [], "online": [] });
    let mut last = Value::Null;
    for _ in 0..60 {
        server.advance_ms(5_000);
        last = left(server, admin);
        if last == nothing {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("after five minutes there is still {last:#}");
}

#[test]
fn a_thousand_connections_cut_at_any_moment_leave_nothing_behind() {
    let server = Server::with(|setup: Setup| setup.env("WS_MAX_PER_USER", "5000"));
    let admin = server.admin();
    let who = admin.new_user("agent");
    let new =
        json!({ "subject": "Printer", "description": "It smokes.", "requester_id": who.id() });
    let ticket = admin.post("/api/v1/tickets", &new).expect(201).data();
    let room = format!("ticket:{}", ticket["id"].as_str().expect("an id"));
    let event = json!({ "type": "load.step", "data": { "text": "x".repeat(400) } });
    let batch = json!({ "events": vec![event; 100] });
    for _ in 0..3 {
        admin.post("/api/v1/events/batch", &batch).expect(201);
    }
    // Once before, so that whatever is made at the first use is there.
    race(&server, &who, &room, 160);
    settle(&server, &admin);
    let tasks = until_still(|| metric(&server, "deskbell_tasks "));
    let before = until_still(|| sockets(&server));

    let mut healthy = Socket::open(&admin);
    assert!(healthy.all_until_now().is_empty());
    let since = admin.latest_seq();
    let stop = Arc::new(AtomicBool::new(false));
    let says = {
        let (admin, stop, room) = (admin.clone(), stop.clone(), room.clone());
        std::thread::spawn(move || {
            let mut said = 0;
            while !stop.load(Ordering::Relaxed) {
                let event = json!({ "type": "load.step", "room": room, "data": {} });
                admin.post("/api/v1/events", &event).expect(201);
                admin.post("/api/v1/events/batch", &batch).expect(201);
                said += 100;
            }
            said
        })
    };
    let hears = std::thread::spawn(move || {
        let mut seqs: Vec<i64> = Vec::new();
        loop {
            let said = healthy.next();
            match said["type"].as_str() {
                Some("load.end") => return seqs,
                _ => seqs.push(said["seq"].as_i64().expect("a seq")),
            }
        }
    });
    race(&server, &who, &room, 1_000);
    stop.store(true, Ordering::Relaxed);
    let said: usize = says.join().expect("all was said");
    admin.post("/api/v1/events", &json!({ "type": "load.end", "data": {} })).expect(201);
    let heard = hears.join().expect("all was heard");
    assert!(heard.windows(2).all(|pair| pair[0] < pair[1]) && heard[0] > since);
    assert_eq!(heard.len(), said, "whoever stays hears everything, once");

    settle(&server, &admin);
    until("all tasks end", || (metric(&server, "deskbell_tasks ") <= tasks).then_some(()));
    until("all sockets are closed", || (sockets(&server) <= before).then_some(()));
}

/// The number, once it stays the same.
fn until_still<T: PartialEq>(ask: impl Fn() -> T) -> T {
    until("it comes to rest", || {
        let first = ask();
        std::thread::sleep(Duration::from_millis(300));
        (ask() == first).then_some(first)
    })
}
