//! `deskbell healthcheck`: asks the running server whether it is well, for container runtimes.
//!
//! A request written by hand over a plain socket: it starts in a millisecond, needs no `curl` in
//! the image, and goes to this machine only.

use crate::{
    config::{Config, Flags, Surroundings, load},
    exit::{Exit, Failure},
};
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    time::{Duration, Instant},
};

/// How long the whole check may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// As much of the answer as is read, in bytes: the status line is all that counts.
const ANSWER_MAX: usize = 256;

/// Flags of the check.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ask whether the server can do its work (/readyz), not only whether it lives (/livez)
    #[arg(long)]
    ready: bool,
}

/// Asks once.
pub(super) fn run(args: &Args, flags: &Flags, around: &Surroundings) -> Result<(), Failure> {
    let config = load(flags, around)?.config;
    if config.server_port == 0 {
        let message = "SERVER_PORT is 0: say with --port which port the server has found";
        return Err(Failure::new(Exit::Failed, message));
    }
    let path = if args.ready { "/readyz" } else { "/livez" };
    let (host, port) = (host_to_ask(&config), config.server_port);
    let name = format!("{} at {host} port {port}", path.trim_start_matches('/'));
    let failed = |why: String| Failure::new(Exit::Failed, format!("{name}: {why}"));
    let addresses = (host, port)
        .to_socket_addrs()
        .map_err(|error| failed(format!("this host has no address: {error}")))?;
    match ask(addresses, path, Instant::now() + TIMEOUT) {
        Ok(200) => Ok(()),
        Ok(status) => Err(failed(format!("the server answers {status}"))),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Where a server that listens on every address is found from its own machine.
fn host_to_ask(config: &Config) -> &str {
    match config.server_host.as_str() {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    }
}

/// The status with which the first address that accepts a connection answers.
fn ask(addresses: impl Iterator<Item = SocketAddr>, path: &str, until: Instant) -> io::Result<u16> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect_timeout(&address, left(until)?) {
            Ok(stream) => return status(stream, path, until),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn status(mut stream: TcpStream, path: &str, until: Instant) -> io::Result<u16> {
    stream.set_write_timeout(Some(left(until)?))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut piece = [0; 64];
    while answer.len() < ANSWER_MAX && !answer.contains(&b'\n') {
        // Each piece gets what is left of the time, or a slow dripper could hold us for minutes.
        stream.set_read_timeout(Some(left(until)?))?;
        match stream.read(&mut piece)? {
            0 => break,
            n => answer.extend_from_slice(piece.get(..n).unwrap_or_default()),
        }
    }
    parse_status(&answer).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, "what answers there does not speak HTTP")
    })
}

/// The time that is left, or an error when none is.
fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::Error::from(io::ErrorKind::TimedOut)) } else { Ok(left) }
}

/// The status of `HTTP/1.1 200 OK`.
fn parse_status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\n').next()?;
    let rest = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{Temp, around};
    use std::{net::TcpListener, thread};

    /// A server for one request on a port of its own; returns what it was asked.
    fn server(answer: &'static str) -> (u16, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut piece = [0; 256];
            while !request.ends_with(b"\r\n\r\n") {
                let n = stream.read(&mut piece).unwrap();
                request.extend_from_slice(&piece[..n]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(request).unwrap()
        });
        (port, asked)
    }

    fn check(port: u16, ready: bool) -> Result<(), Failure> {
        let flags = Flags {
            host: Some("0.0.0.0".into()),
            port: Some(port.to_string()),
            ..Flags::default()
        };
        run(&Args { ready }, &flags, &around(&Temp::new(), &[]))
    }

    #[test]
    fn a_server_that_answers_200_is_well() {
        for (ready, path) in [(false, "/livez"), (true, "/readyz")] {
            let (port, asked) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            check(port, ready).unwrap();
            let request = asked.join().unwrap();
            assert!(request.starts_with(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n")));
        }
    }

    #[test]
    fn any_other_answer_and_none_is_a_failure_with_code_1() {
        for (answer, word) in [
            ("HTTP/1.1 503 Service Unavailable\r\n\r\n", "answers 503"),
            ("SSH-2.0-OpenSSH\r\n", "does not speak HTTP"),
            ("", "does not speak HTTP"),
        ] {
            let (port, asked) = server(answer);
            let failure = check(port, true).unwrap_err();
            assert_eq!(failure.code, Exit::Failed);
            assert!(failure.message.contains(word), "{failure}");
            asked.join().unwrap();
        }
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert_eq!(check(free, false).unwrap_err().code, Exit::Failed);
    }

    #[test]
    fn a_server_that_never_answers_is_given_up_in_time() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let until = Instant::now() + Duration::from_millis(50);
        let error = ask([silent.local_addr().unwrap()].into_iter(), "/livez", until).unwrap_err();
        let given_up = [io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock];
        assert!(given_up.contains(&error.kind()), "{error:?}");
    }

    #[test]
    fn status_lines_are_read_strictly_enough() {
        for (line, status) in [
            ("HTTP/1.1 200 OK\r\n", Some(200)),
            ("HTTP/1.0 204\r\n", Some(204)),
            ("HTTP/2 200", None),
            ("HTTP/1.1 abc", None),
            ("", None),
        ] {
            assert_eq!(parse_status(line.as_bytes()), status, "{line}");
        }
    }
}
