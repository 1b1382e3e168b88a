//! Webhooks by way of an egress proxy: what is the proxy's fault is not the webhook's.

use crate::{
    harness::{Receiver, Server, Setup},
    hook_retries::{counts, stats, wait_for_logs},
    hooks::{hook, say},
    wire::until,
};
use serde_json::json;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
};

/// A proxy that asks for a password the first `refused` times, and then does what it is for.
fn proxy(refused: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().map_while(Result::ok).enumerate() {
            std::thread::spawn(move || drop(serve(stream, number >= refused)));
        }
    });
    address
}

fn serve(mut client: TcpStream, works: bool) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::from("x");
    while !line.trim_end().is_empty() {
        line.clear();
        reader.read_line(&mut line)?;
    }
    if !works {
        return client
            .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    }
    let whereto = first.split(' ').nth(1).expect("CONNECT host:port");
    let mut server = TcpStream::connect(whereto)?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut back, mut to) = (server.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || std::io::copy(&mut back, &mut to));
    std::io::copy(&mut reader, &mut server).map(drop)
}

#[test]
fn a_fault_of_the_proxy_costs_a_delivery_no_try_and_is_not_charged_to_the_webhook() {
    let address = proxy(3);
    let server = Server::with(|s: Setup| {
        s.env("WEBHOOK_PROXY", &format!("http://{address}")).env("WEBHOOK_RETRY_SCHEDULE", "20ms")
    });
    let admin = server.admin();
    let receiver = Receiver::start();
    let id = hook(&admin, &receiver.url("/"), &json!({ "retry_count": 0 }));
    say(&admin, "load.step");
    receiver.wait_for(1);
    let rows = wait_for_logs(&admin, id, 4);
    let states: Vec<_> = rows.iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["delivered", "waiting", "waiting", "waiting"]);
    for row in &rows[1..] {
        assert!(row["error"].as_str().unwrap().contains("egress proxy"), "{row}");
    }
    until("it is settled", || (counts(&stats(&admin, id)) == [0, 1, 0, 0, 0, 1]).then_some(()));
    let shown = admin.get(&format!("/api/v1/webhooks/{id}")).data();
    assert_eq!((&shown["failure_streak"], &shown["breaker"]), (&json!(0), &json!("closed")));
}
