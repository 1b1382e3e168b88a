//! Calls to small hand-written peers on loopback, good ones and bad ones.

mod tls;
mod ways;

use super::*;
use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

const SECOND: Duration = Duration::from_secs(1);
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A peer: `serve` gets each connection with its number, from 0 on. Its thread ends after `count`
/// connections.
fn peer(count: usize, serve: impl Fn(usize, TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for n in 0..count {
            serve(n, listener.accept().unwrap().0);
        }
    });
    addr
}

/// Reads one request, head and body; `None` when the connection was closed before it.
fn read_request(stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// A peer that answers every request of one connection with `answer`.
fn answering(answer: impl Into<String>) -> SocketAddr {
    let answer = answer.into();
    peer(1, move |_, mut stream| {
        while read_request(&stream).is_some() {
            if stream.write_all(answer.as_bytes()).is_err() {
                break;
            }
        }
    })
}

fn development() -> Arc<Guard> {
    Arc::new(Guard::default().with_loopback(true))
}

fn poster() -> Poster {
    Poster::new(development(), &Settings::default()).unwrap()
}

fn post_body(poster: &Poster, url: &str, body: &[u8], timeout: Duration) -> Outcome {
    let target = poster.guard.parse_url(url).unwrap();
    let headers = [(HeaderName::from_static("x-webhook-id"), HeaderValue::from_static("7"))];
    poster.post(&Request { target: &target, headers: &headers, body, timeout })
}

fn post(poster: &Poster, url: &str) -> Outcome {
    post_body(poster, url, b"{}", SECOND)
}

fn post_to(addr: SocketAddr) -> Outcome {
    post(&poster(), &format!("http://{addr}/hook"))
}

#[test]
fn the_request_arrives_as_it_was_signed() {
    let (tell, told) = mpsc::sync_channel(1);
    let addr = peer(1, move |_, mut stream| {
        tell.send(read_request(&stream).unwrap()).unwrap();
        stream.write_all(OK.as_bytes()).unwrap();
    });
    let body: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let outcome = post_body(&poster(), &format!("http://{addr}/hook?a=b"), &body, 5 * SECOND);
    assert_eq!((outcome.result, outcome.body.as_str()), (Ok(200), "ok"));
    let (head, received) = told.recv().unwrap();
    assert_eq!(received, body);
    let mut lines: Vec<&str> = head.trim_end().lines().collect();
    assert_eq!(lines.remove(0), "POST /hook?a=b HTTP/1.1");
    lines.sort_unstable();
    let user_agent = concat!("user-agent: Deskbell/", env!("CARGO_PKG_VERSION"));
    let host = format!("host: {addr}");
    assert_eq!(
        lines,
        ["accept: */*", "content-length: 300000", &host, user_agent, "x-webhook-id: 7"]
    );
}

#[test]
fn calls_to_one_host_share_a_kept_connection() {
    let poster = poster();
    let addr = answering(OK); // takes one connection only
    for _ in 0..5 {
        assert_eq!(post(&poster, &format!("http://{addr}/")).result, Ok(200));
    }
}

#[test]
fn statuses_are_outcomes_and_retry_after_comes_along() {
    for status in [201, 204, 304, 404, 410, 429, 500, 503] {
        let outcome = post_to(answering(format!(
            "HTTP/1.1 {status} X\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n"
        )));
        assert_eq!(outcome.result, Ok(status));
        assert_eq!(outcome.retry_after.as_deref(), Some("120"));
    }
}

#[test]
fn a_redirect_is_an_outcome_and_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    for status in [301, 302, 303, 307, 308] {
        let outcome = post_to(answering(format!(
            "HTTP/1.1 {status} X\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n",
            elsewhere.local_addr().unwrap()
        )));
        assert_eq!(outcome.result, Ok(status));
    }
    assert_eq!(elsewhere.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_peer_that_never_answers_is_left_when_the_time_is_up() {
    let (_keep, wait) = mpsc::sync_channel::<()>(1);
    let addr = peer(1, move |_, _stream| assert!(wait.recv().is_err()));
    let outcome = post_to(addr);
    assert_eq!(outcome.result, Err(Failure::Timeout(Stage::Answer)));
    assert!((950..2000).contains(&outcome.response_time_ms), "{}", outcome.response_time_ms);
}

/// Writes `first`, then a byte every 50 ms until the other side has gone.
fn drip(first: &'static str) -> SocketAddr {
    peer(1, move |_, mut stream| {
        read_request(&stream);
        stream.write_all(first.as_bytes()).unwrap();
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    })
}

#[test]
fn headers_without_end_are_not_read_without_end() {
    let (tell, told) = mpsc::sync_channel(1);
    let addr = peer(1, move |_, mut stream| {
        read_request(&stream);
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\n").map_or(0, |()| 17);
        while sent < 64 << 20 && stream.write_all(b"x-more: and more\r\n").is_ok() {
            sent += 18;
        }
        tell.send(sent).unwrap();
    });
    let outcome = post_body(&poster(), &format!("http://{addr}/"), b"{}", 10 * SECOND);
    let why = outcome.result.unwrap_err();
    assert_eq!(why.word(), "protocol", "{why}");
    // What the kernel holds on both sides is more than what was read.
    let sent = told.recv().unwrap();
    assert!(sent < 32 << 20, "{sent} bytes of headers were taken");
}

#[test]
fn a_dripping_head_times_out_as_a_whole() {
    let outcome = post_to(drip("HTTP/1.1 200 OK\r\nx: "));
    assert_eq!(outcome.result, Err(Failure::Timeout(Stage::Answer)));
    assert!(outcome.response_time_ms < 2000);
}

#[test]
fn a_dripping_body_ends_with_the_time_and_keeps_its_status() {
    let outcome = post_to(drip("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n"));
    assert_eq!(outcome.result, Ok(200));
    assert!(outcome.body.starts_with("xxx"));
    assert!((900..2000).contains(&outcome.response_time_ms), "{}", outcome.response_time_ms);
}

#[test]
fn a_dripping_body_does_not_hold_a_worker_for_a_long_time_out() {
    let addr = drip("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n");
    let outcome = post_body(&poster(), &format!("http://{addr}/"), b"{}", 30 * SECOND);
    assert_eq!(outcome.result, Ok(200));
    assert!(outcome.response_time_ms < 10_000, "{}", outcome.response_time_ms);
}

#[test]
fn a_body_of_fifty_megabytes_is_cut_short_and_still_a_success() {
    let (tell, told) = mpsc::sync_channel(1);
    let addr = peer(1, move |_, mut stream| {
        read_request(&stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 52428800\r\n\r\n").unwrap();
        let chunk = [b'y'; 65536];
        tell.send((0..800).take_while(|_| stream.write_all(&chunk).is_ok()).count()).unwrap();
    });
    let outcome = post_to(addr);
    assert_eq!((outcome.result, outcome.body.len()), (Ok(200), BODY_KEPT_MAX));
    assert!(told.recv().unwrap() < 400, "the rest was not waited for");
}

#[test]
fn bodies_are_kept_as_readable_text_of_bounded_size() {
    let long = "ä".repeat(3000);
    let outcome = post_to(answering(format!("HTTP/1.1 500 X\r\nconnection: close\r\n\r\n{long}")));
    assert_eq!(outcome.result, Ok(500));
    assert_eq!(outcome.body, "ä".repeat(2048));
    let chunked =
        "HTTP/1.1 400 X\r\ntransfer-encoding: chunked\r\n\r\n3\r\nbad\r\n5\r\n idea\r\n0\r\n\r\n";
    assert_eq!(post_to(answering(chunked)).body, "bad idea");
}

#[test]
fn a_false_content_length_costs_the_connection_and_not_the_success() {
    for (length, body) in [("10", "short"), ("2", "oklonger")] {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        let addr = peer(2, move |_, mut stream| {
            read_request(&stream);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let poster = poster();
        for _ in 0..2 {
            assert_eq!(post(&poster, &format!("http://{addr}/")).result, Ok(200), "{length}");
        }
    }
}

#[test]
fn what_is_not_http_is_said_to_be_so() {
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(20_000));
    for answer in [
        "220 mail.example ESMTP\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        &long,
    ] {
        let outcome = post_to(answering(answer));
        assert_eq!(outcome.result.as_ref().unwrap_err().word(), "protocol", "{outcome:?}");
    }
}

#[test]
fn nobody_listening_is_no_connection() {
    // Bound and not listening: the port is ours for as long as the test runs.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let outcome = post_to(socket.local_addr().unwrap().as_socket().unwrap());
    assert_eq!(outcome.result.unwrap_err().word(), "connect");
}

#[test]
fn a_new_connection_that_is_closed_unanswered_is_a_failed_attempt() {
    let (tell, told) = mpsc::sync_channel(9);
    let addr = peer(2, move |n, stream| {
        read_request(&stream);
        tell.send(n).unwrap();
    });
    assert_eq!(post_to(addr).result, Err(Failure::Reset));
    assert_eq!(told.try_iter().count(), 1, "it is not tried again on its own");
}

#[test]
fn a_kept_connection_that_the_peer_closes_costs_no_attempt() {
    // The peer closes each connection at its second request, before any byte of an answer.
    let addr = peer(3, |_, mut stream| {
        read_request(&stream);
        stream.write_all(OK.as_bytes()).unwrap();
        read_request(&stream);
    });
    let poster = poster();
    for _ in 0..3 {
        assert_eq!(post(&poster, &format!("http://{addr}/")).result, Ok(200));
    }
}

#[test]
fn a_kept_connection_is_replaced_once_and_no_more() {
    let (tell, told) = mpsc::sync_channel(9);
    let addr = peer(4, move |n, mut stream| {
        read_request(&stream);
        if n == 0 {
            stream.write_all(OK.as_bytes()).unwrap();
            read_request(&stream);
        }
        tell.send(n).unwrap();
    });
    let poster = poster();
    assert_eq!(post(&poster, &format!("http://{addr}/")).result, Ok(200));
    assert_eq!(post(&poster, &format!("http://{addr}/")).result, Err(Failure::Reset));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [0, 1]);
}
