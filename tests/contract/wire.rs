//! Clients that go down to the bytes: a WebSocket that can misbehave, and a kept HTTP connection.

use crate::harness::{Api, PATIENCE};
use serde_json::Value;
use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// Opcodes (RFC 6455 §5.2) with the FIN bit.
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8A;

/// A WebSocket by hand: it sends any bytes, reads only when told, and answers no ping by itself.
pub(crate) struct Wire {
    stream: BufReader<TcpStream>,
}

impl Wire {
    /// Opens `/ws` with the client's token, and waits until the socket is in its rooms.
    pub(crate) fn open(api: &Api) -> Self {
        Self::over(TcpStream::connect(api.address).expect("the server listens"), api, "/ws")
            .settled()
    }

    /// The same with so small a buffer that what is not read stays with the server.
    pub(crate) fn open_narrow(api: &Api) -> Self {
        Self::narrow(api, "/ws").settled()
    }

    /// The same at a path such as `/ws?since=0`, of whose answer nothing is read yet but the head.
    pub(crate) fn narrow(api: &Api, path: &str) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("a small buffer");
        socket.connect(&api.address.into()).expect("the server listens");
        Self::over(socket.into(), api, path)
    }

    fn over(mut tcp: TcpStream, api: &Api, path: &str) -> Self {
        tcp.set_nodelay(true).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.set_write_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            api.address,
            api.token()
        );
        tcp.write_all(head.as_bytes()).expect("the server listens");
        let mut stream = BufReader::new(tcp);
        let mut line = String::new();
        stream.read_line(&mut line).expect("an answer");
        assert!(line.starts_with("HTTP/1.1 101 "), "{line}");
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).expect("an answer");
        }
        Self { stream }
    }

    /// The server may answer the upgrade a moment before the socket is in its rooms.
    fn settled(mut self) -> Self {
        assert!(self.send_frame(TEXT, br#"{"type":"ping"}"#));
        assert_eq!(self.expect_json()["type"], "pong");
        self
    }

    /// Sends bytes as they are; false when the server does not take them any more.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.get_mut().write_all(bytes).is_ok()
    }

    /// Sends a masked frame.
    pub(crate) fn send_frame(&mut self, first: u8, payload: &[u8]) -> bool {
        self.send(&masked(first, payload))
    }

    /// The next frame: its first byte and its payload. None when the server closes the connection.
    pub(crate) fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).ok()?;
        let length = match head[1] {
            126 => {
                let mut bytes = [0; 2];
                self.stream.read_exact(&mut bytes).ok()?;
                usize::from(u16::from_be_bytes(bytes))
            }
            127 => {
                let mut bytes = [0; 8];
                self.stream.read_exact(&mut bytes).ok()?;
                usize::try_from(u64::from_be_bytes(bytes)).unwrap()
            }
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).ok()?;
        Some((head[0], payload))
    }

    /// The next frame with that first byte, passing over others.
    #[track_caller]
    pub(crate) fn expect(&mut self, first: u8) -> Vec<u8> {
        let mut passed = Vec::new();
        loop {
            match self.next() {
                Some((found, payload)) if found == first => return payload,
                Some((found, payload)) => passed.push((found, payload)),
                None => panic!("no frame {first:#x} came after {passed:x?}"),
            }
        }
    }

    /// The next text frame as JSON.
    #[track_caller]
    pub(crate) fn expect_json(&mut self) -> Value {
        serde_json::from_slice(&self.expect(TEXT)).expect("JSON")
    }

    /// Code and reason of the end, passing over whatever comes before.
    #[track_caller]
    pub(crate) fn expect_close(&mut self) -> (u16, Value) {
        let payload = self.expect(CLOSE);
        let code = u16::from_be_bytes([payload[0], payload[1]]);
        (code, serde_json::from_slice(&payload[2..]).unwrap_or(Value::Null))
    }

    /// Waits until the server has closed the connection, reading nothing but what is there.
    pub(crate) fn expect_gone(&mut self) {
        while self.next().is_some() {}
    }
}

/// A frame as a client sends it.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [7, 11, 13, 17];
    let mut bytes = vec![first];
    match u16::try_from(payload.len()) {
        Ok(short @ 0..126) => bytes.push(0x80 | u8::try_from(short).unwrap()),
        Ok(length) => {
            bytes.push(0x80 | 126);
            bytes.extend(length.to_be_bytes());
        }
        Err(_) => {
            bytes.push(0x80 | 127);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// An HTTP connection that is kept open between requests.
pub(crate) struct Kept {
    stream: BufReader<TcpStream>,
    token: String,
}

impl Kept {
    /// Connects; an error when the server is not there.
    pub(crate) fn connect(address: SocketAddr, token: &str) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream), token: token.to_owned() })
    }

    /// Posts JSON and reads the answer; an error when the server went away.
    pub(crate) fn post(&mut self, path: &str, body: &Value) -> io::Result<(u16, Value)> {
        let body = body.to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        let next = |line: &mut String, stream: &mut BufReader<TcpStream>| {
            line.clear();
            if stream.read_line(line)? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            Ok(())
        };
        next(&mut line, &mut self.stream)?;
        let status = line.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
        let mut length = 0;
        while line != "\r\n" {
            next(&mut line, &mut self.stream)?;
            let header = line.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, serde_json::from_slice(&body).expect("JSON")))
    }
}

/// Asks again until the answer is right, for what the server does in its own time.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < give_up, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}
