//! Which addresses a call reaches, and by which way: names, refusals, TLS, the egress proxy.

use super::*;
use std::{
    net::IpAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

/// A poster for whom every name has the addresses that `answer` gives at its nth question.
fn poster_who_asks(
    guard: Arc<Guard>,
    answer: impl Fn(usize) -> Vec<&'static str> + Send + Sync + 'static,
) -> Poster {
    let asked = AtomicUsize::new(0);
    let look_up = move |_: &str| {
        let addrs = answer(asked.fetch_add(1, Ordering::SeqCst));
        Ok(addrs.into_iter().map(|a| a.parse().unwrap()).collect::<Vec<IpAddr>>())
    };
    Poster::with_look_up(guard, &Settings::default(), Box::new(look_up)).unwrap()
}

#[test]
fn a_refused_address_is_not_even_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://peer.test:{}/", listener.local_addr().unwrap().port());
    for addrs in [
        vec!["127.0.0.1"],
        vec!["::ffff:127.0.0.1"],
        vec!["1.1.1.1", "127.0.0.1"], // one bad address spoils them all
        vec!["127.0.0.1", "1.1.1.1"],
    ] {
        let poster = poster_who_asks(Arc::new(Guard::default()), move |_| addrs.clone());
        assert_eq!(post(&poster, &url).result.unwrap_err().word(), "refused_address");
        let target = poster.guard.parse_url(&url).unwrap();
        assert_eq!(poster.check(&target, SECOND).unwrap_err().word(), "refused_address");
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn the_seventeenth_address_of_a_name_is_judged_too() {
    let mut addrs = vec!["127.0.0.1"; 17];
    addrs.push("10.0.0.1");
    let poster = poster_who_asks(development(), move |_| addrs.clone());
    assert_eq!(
        post(&poster, "http://peer.test:8080/").result.unwrap_err().word(),
        "refused_address"
    );
}

#[test]
fn a_name_that_changes_its_mind_is_judged_again() {
    let poster = poster_who_asks(development(), |n| match n {
        0 => vec!["127.0.0.1"],
        _ => vec!["10.0.0.1"],
    });
    let url = format!("http://peer.test:{}/", answering(OK).port());
    let target = poster.guard.parse_url(&url).unwrap();
    assert_eq!(poster.check(&target, SECOND), Ok(()));
    assert_eq!(post(&poster, &url).result, Ok(200), "the checked address is the one called");
    poster.names.forget("peer.test");
    // The kept connection to the old address is no way round the judgement.
    assert_eq!(post(&poster, &url).result.unwrap_err().word(), "refused_address");
}

#[test]
fn a_host_that_moved_is_looked_up_again_after_nobody_answered() {
    let addr = answering(OK);
    let poster = poster_who_asks(development(), |n| match n {
        0 => vec!["::1"],
        _ => vec!["127.0.0.1"],
    });
    let url = format!("http://peer.test:{}/", addr.port());
    assert_eq!(post(&poster, &url).result.unwrap_err().word(), "connect");
    assert_eq!(post(&poster, &url).result, Ok(200));
}

#[test]
fn a_target_of_another_guard_is_judged_by_ours() {
    let target = development().parse_url("http://127.0.0.1:8080/").unwrap();
    let poster = Poster::new(Arc::new(Guard::default()), &Settings::default()).unwrap();
    let request = Request { target: &target, headers: &[], body: b"", timeout: SECOND };
    assert_eq!(poster.post(&request).result.unwrap_err().word(), "refused_address");
}

#[test]
fn a_name_that_does_not_resolve_or_never_answers_has_its_own_words() {
    let (_keep, wait) = mpsc::sync_channel::<()>(1);
    let wait = Mutex::new(wait);
    let look_up = move |name: &str| match name {
        "slow.test" => Err(std::io::Error::other(format!("{:?}", wait.lock().recv()))),
        _ => Err(std::io::Error::other("no such host")),
    };
    let poster =
        Poster::with_look_up(development(), &Settings::default(), Box::new(look_up)).unwrap();
    let nowhere = post(&poster, "http://nowhere.test/").result;
    assert_eq!(nowhere, Err(Failure::Dns(String::from("no such host"))));
    let slow = post_body(&poster, "http://slow.test/", b"", Duration::from_millis(100));
    assert_eq!(slow.result, Err(Failure::Timeout(Stage::LookUp)));
    let target = poster.guard.parse_url("http://nowhere.test/").unwrap();
    assert_eq!(poster.check(&target, SECOND).unwrap_err().word(), "dns");
}

#[test]
fn a_peer_that_speaks_no_tls_is_a_tls_fault() {
    for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", ""] {
        let addr = peer(1, move |_, mut stream| {
            let mut hello = [0; 64];
            stream.read_exact(&mut hello).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let outcome = post(&poster(), &format!("https://{addr}/"));
        assert_eq!(outcome.result.unwrap_err().word(), "tls", "{answer}");
    }
}

/// A poster behind a proxy which answers the request for a tunnel with `answer`.
fn through_proxy(answer: &'static str) -> (Poster, mpsc::Receiver<String>) {
    let (tell, told) = mpsc::sync_channel(1);
    let addr = peer(1, move |_, mut stream| {
        let mut asked = String::new();
        let mut reader = BufReader::new(&stream);
        while !asked.ends_with("\r\n\r\n") {
            reader.read_line(&mut asked).unwrap();
        }
        tell.send(asked).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        if read_request(&stream).is_some() {
            stream.write_all(OK.as_bytes()).unwrap();
        }
    });
    let settings = Settings { proxy: Some(format!("http://{addr}")), ..Settings::default() };
    // Loopback stays closed: the operator's proxy is not judged, and what it calls is its matter.
    (Poster::new(Arc::new(Guard::default()), &settings).unwrap(), told)
}

#[test]
fn through_an_egress_proxy_names_are_its_matter_and_its_faults_are_its_own() {
    let (poster, told) = through_proxy("HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(post(&poster, "http://inside.test:8080/").result, Ok(200));
    assert!(told.recv().unwrap().starts_with("CONNECT inside.test:8080 HTTP/1.1\r\n"));
    for (answer, word) in [
        ("HTTP/1.1 407 Auth\r\n\r\n", "proxy"),
        ("HTTP/1.1 403 No\r\n\r\n", "proxy"),
        ("HTTP/1.1 502 Unreachable\r\n\r\n", "connect"),
        ("HTTP/1.1 504 Late\r\n\r\n", "connect"),
        ("", "proxy"),
    ] {
        let (poster, _told) = through_proxy(answer);
        let outcome = post(&poster, "http://inside.test:8080/");
        assert_eq!(outcome.result.unwrap_err().word(), word, "{answer}");
    }
    let settings =
        Settings { proxy: Some(String::from("http://127.0.0.1:1")), ..Settings::default() };
    let poster = Poster::new(development(), &settings).unwrap();
    assert_eq!(post(&poster, "http://inside.test/").result.unwrap_err().word(), "proxy");
}

#[test]
fn a_literal_address_is_judged_even_when_a_proxy_would_call_it() {
    let target = development().parse_url("http://127.0.0.1:8080/").unwrap();
    let (poster, _told) = through_proxy("HTTP/1.1 200 OK\r\n\r\n");
    let request = Request { target: &target, headers: &[], body: b"", timeout: SECOND };
    assert_eq!(poster.post(&request).result.unwrap_err().word(), "refused_address");
}

#[test]
fn settings_that_cannot_work_are_refused_at_start() {
    let fails = |settings: Settings| Poster::new(development(), &settings).unwrap_err().to_string();
    for proxy in ["socks5://127.0.0.1:1080", "127.0.0.1:3128", "http://", "ftp://x/"] {
        let why = fails(Settings { proxy: Some(proxy.to_owned()), ..Settings::default() });
        assert!(why.starts_with("WEBHOOK_PROXY"), "{proxy}: {why}");
    }
    for path in ["/nowhere/ca.pem", "Cargo.toml"] {
        let why = fails(Settings { ca_file: Some(path.into()), ..Settings::default() });
        assert!(why.starts_with(&format!("WEBHOOK_CA_FILE {path}: ")), "{why}");
    }
}
