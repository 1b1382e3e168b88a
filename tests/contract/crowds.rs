//! Many at once: a thousand that fall silent, a thousand that come back together.

use crate::{
    harness::{Server, Session, Setup, Socket},
    races::{metric, sockets},
    wire::{Wire, until},
    ws_bounds::clients,
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// A frozen program, or a laptop that was closed: its kernel still takes what comes, or nothing
/// does; in no case is anything said any more.
#[test]
fn a_thousand_clients_that_fall_silent_are_gone_within_a_minute() {
    let server = Server::with(|setup: Setup| {
        setup.env("WS_MAX_PER_USER", "5000").env("WS_ACCEPT_PER_S", "100000")
    });
    let admin = server.admin();
    let ada = admin.new_user("agent");
    let before = sockets(&server);
    let silent: Vec<_> = (0..1_000).map(|_| Wire::narrow(&ada, "/ws?v=2")).collect();
    until("all have come", || (clients(&admin) == 1_000).then_some(()));
    let mut socket = Socket::open(&admin);
    let said = admin.post("/api/v1/events", &json!({ "type": "load.step", "data": {} }));
    let seq = said.expect(201).data()["seq"].clone();
    assert_eq!(socket.next()["seq"], seq);
    for _ in 0..15 {
        // Small steps: the ping of one is answered in the next.
        server.advance_ms(4_000);
        assert!(socket.all_until_now().is_empty(), "it answers pings, and nothing else comes");
    }
    let mut asked = 0;
    until("their sessions are gone", || {
        asked += 1;
        // Now and then it answers its own pings.
        assert!(asked % 50 != 0 || socket.all_until_now().is_empty(), "nothing else comes");
        (clients(&admin) == 1).then_some(())
    });
    server.advance_ms(10_001);
    let online = admin.get("/api/v1/ws/online").data();
    assert_eq!(online.as_array().expect("a list").len(), 1, "{online}");
    let here = admin.get(&format!("/api/v1/ws/users/{}/online", ada.id())).data();
    assert_eq!(here["online"], false);
    until("their connections are closed", || (sockets(&server) <= before + 1).then_some(()));
    assert_eq!(metric(&server, "deskbell_clients_rung "), 1);
    drop(silent);
}

/// Comes back as a polite client does: when it is told to, until it is let in.
fn come_back(who: &Session, refused: &AtomicUsize, since: i64) -> (Socket, Duration) {
    let (bearer, began) = (format!("Bearer {}", who.token()), Instant::now());
    loop {
        let path = format!("/ws?since={since}");
        match Socket::try_open(who, &path, &[("authorization", &bearer)]) {
            Ok(socket) => return (socket, began.elapsed()),
            Err(refusal) => {
                assert_eq!((refusal.status, &refusal.body["error"]["code"]), (503, &json!("busy")));
                refused.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_secs(1));
            }
        }
    }
}

#[test]
fn a_thousand_that_come_back_at_once_are_let_in_by_and_by_and_miss_nothing() {
    let server = Server::with(|setup: Setup| {
        setup.env("WS_MAX_PER_USER", "5000").env("WS_ACCEPT_PER_S", "200")
    });
    let admin = server.admin();
    let since = admin.latest_seq();
    let event = json!({ "type": "load.step", "data": {} });
    let said = admin.post("/api/v1/events/batch", &json!({ "events": vec![event; 5] }));
    let missed = said.expect(201).data();
    let refused = Arc::new(AtomicUsize::new(0));
    let crowds: Vec<_> = (0..100)
        .map(|_| {
            let (admin, refused, missed) = (admin.clone(), refused.clone(), missed.clone());
            std::thread::spawn(move || {
                let mut slowest = Duration::ZERO;
                let mut sockets = Vec::new();
                for _ in 0..10 {
                    let (mut socket, took) = come_back(&admin, &refused, since);
                    assert_eq!(socket.next()["type"], "hello");
                    for event in missed.as_array().expect("events") {
                        assert_eq!(socket.next()["seq"], event["seq"]);
                    }
                    slowest = slowest.max(took);
                    sockets.push(socket);
                }
                (sockets, slowest)
            })
        })
        .collect();
    let crowds: Vec<_> = crowds.into_iter().map(|crowd| crowd.join().expect("all in")).collect();
    assert!(refused.load(Ordering::Relaxed) > 0, "nobody had to wait");
    assert!(crowds.iter().all(|(_, slowest)| *slowest < Duration::from_secs(30)));
    assert_eq!(clients(&admin), 1_000);
    let seq = admin.post("/api/v1/events", &json!({ "type": "load.end", "data": {} }));
    let seq: Value = seq.expect(201).data()["seq"].clone();
    for (sockets, _) in crowds {
        for mut socket in sockets {
            assert_eq!(socket.expect_frame("load.end")["seq"], seq);
        }
    }
}
