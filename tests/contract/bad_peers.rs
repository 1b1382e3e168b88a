//! Peers that mean no good: floods without a pause, endless fragments, heads that never end. Whoever
//! behaves beside them must not notice.

use crate::{
    harness::{Api, Server, Socket},
    wire::{PING, PONG, TEXT, Wire, masked, until},
};
use serde_json::json;
use std::{
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
        // They are sent away, however loud they are.
        for flood in floods {
            flood.join().expect(what);
        }
        until(what, || (admin.get("/api/v1/ws/stats").data()["total_clients"] == 1).then_some(()));
        stop.store(true, Ordering::Relaxed);
        socket.close();
    }
}
