//! One HTTP request on a connection of its own that may break anywhere: an answer counts when all
//! of it has come.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Nothing is quiet for so long: a connection on which nothing comes hangs.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Connects, with bounds on waiting.
pub(crate) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    stream.set_write_timeout(Some(SILENCE_MAX))?;
    Ok(stream)
}

/// A connection that hangs is no broken one: it fails the test.
pub(crate) fn unless_it_hangs(why: io::Error) -> io::Error {
    let hangs = matches!(why.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
    assert!(!hangs, "nothing came for {SILENCE_MAX:?}");
    why
}

fn broken() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

/// Sends a request with these header lines and body; answers status and body.
pub(crate) fn ask(
    address: SocketAddr,
    line: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<(u16, String)> {
    let mut request = format!("{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    if line.starts_with("POST") {
        request += &format!("content-length: {}\r\n", body.len());
    }
    let mut stream = connect(address)?;
    stream.write_all(format!("{request}\r\n{body}").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(unless_it_hangs)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(broken)?;
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.and_then(|length| length.parse().ok()).ok_or_else(broken)?;
    if body.len() < length {
        return Err(broken());
    }
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or_else(broken)?, body.to_owned()))
}
