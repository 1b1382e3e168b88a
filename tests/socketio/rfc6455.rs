//! Frame by frame what RFC 6455 asks of a server: the groups of cases that WebSocket suites check
//! (framing, pings, reserved bits, opcodes, fragments, UTF-8, closing), against the plain echo.

use crate::wire::{PATIENCE, Server};
use std::fmt::Write as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

const CONTINUED: u8 = 0x80;
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// The first byte of a frame that others follow.
const fn begun(first: u8) -> u8 {
    first & 0x7f
}

/// A frame as a client sends it: masked.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut out = head(first, payload.len(), 0x80);
    out.extend(mask);
    out.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
    out
}

fn head(first: u8, len: usize, masked: u8) -> Vec<u8> {
    let mut out = vec![first];
    match len {
        0..=125 => out.push(masked | u8::try_from(len).unwrap()),
        126..=65_535 => {
            out.push(masked | 126);
            out.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend(u64::try_from(len).unwrap().to_be_bytes());
        }
    }
    out
}

/// A closing frame with this code and reason.
fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// A connection that is spoken to in bytes.
struct Raw(TcpStream);

impl Raw {
    async fn open(server: &Server) -> Self {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let request = "GET /echo HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\n\
            upgrade: websocket\r\nsec-websocket-version: 13\r\n\
            sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Self(stream)
    }

    /// The next frame of the server; none when it hung up.
    async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = timeout(PATIENCE, self.0.read_u8()).await.expect("a frame in time").ok()?;
        let len = match self.0.read_u8().await.unwrap() {
            126 => u64::from(self.0.read_u16().await.unwrap()),
            127 => self.0.read_u64().await.unwrap(),
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(len).unwrap()];
        self.0.read_exact(&mut payload).await.unwrap();
        Some((first, payload))
    }
}

/// What is to come back, in short: `text:…`, `pong:…`, `close 1002`, and `end` when the server has
/// hung up.
async fn heard(server: &Server, sent: &[Vec<u8>], step: usize) -> String {
    let mut raw = Raw::open(server).await;
    for piece in sent.concat().chunks(step) {
        // The server may have hung up on what came before.
        if raw.0.write_all(piece).await.is_err() {
            break;
        }
    }
    let mut heard = String::new();
    loop {
        let Some((first, payload)) = raw.next().await else { return heard + "end" };
        let text = String::from_utf8_lossy(&payload);
        if first == CLOSE {
            // A client that is done, too: the server need not wait for it.
            raw.0.shutdown().await.ok();
        }
        match first {
            TEXT => write!(heard, "text:{text} ").unwrap(),
            BINARY => write!(heard, "binary:{payload:?} ").unwrap(),
            PONG => write!(heard, "pong:{text} ").unwrap(),
            CLOSE if payload.is_empty() => heard += "close ",
            CLOSE => {
                let code = u16::from_be_bytes([payload[0], payload[1]]);
                write!(heard, "close {code} ").unwrap();
            }
            other => panic!("a frame begins with {other:#x}"),
        }
    }
}

/// Sends each case whole, byte by byte and in odd pieces; ends it with an orderly close, so that
/// what is not said is known, too.
async fn check(cases: &[(&[Vec<u8>], &str)]) {
    let server = Server::start().await;
    for (sent, expected) in cases {
        let sent = [*sent, &[close(1000, b"")]].concat();
        for step in [usize::MAX, 1, 7] {
            let heard = heard(&server, &sent, step).await;
            assert_eq!(heard, *expected, "{step} bytes at a time of {sent:x?}");
        }
    }
}

#[tokio::test]
async fn pings_are_answered_with_their_own_payload() {
    let long = [b'p'; 125];
    let answered = format!("pong:{} close 1000 end", "p".repeat(125));
    check(&[
        (&[frame(PING, b"")], "pong: close 1000 end"),
        (&[frame(PING, b"hello")], "pong:hello close 1000 end"),
        (&[frame(PING, &long)], &answered),
        (&[frame(PING, &[b'p'; 126])], "close 1002 end"),
        (&[frame(PONG, b"")], "close 1000 end"),
        (&[frame(PONG, b"unasked"), frame(PING, b"1")], "pong:1 close 1000 end"),
        (
            &[frame(PING, b"1"), frame(TEXT, b"a"), frame(PING, b"2")],
            "pong:1 text:a pong:2 close 1000 end",
        ),
    ])
    .await;
}

#[tokio::test]
async fn ten_pings_at_once_are_ten_pongs_in_their_order() {
    let pings: Vec<_> = (0..10).map(|n| frame(PING, n.to_string().as_bytes())).collect();
    let pongs: String = (0..10).map(|n| format!("pong:{n} ")).collect();
    check(&[(&pings, &format!("{pongs}close 1000 end"))]).await;
}

/// Reserved bits without an extension and opcodes that mean nothing, with what came before intact.
#[tokio::test]
async fn bits_and_opcodes_that_mean_nothing_end_it() {
    let server = Server::start().await;
    let reserved = [0x40, 0x20, 0x10, 0x70].map(|bits| [TEXT | bits, BINARY | bits, PING | bits]);
    let unknown = [0x83, 0x84, 0x85, 0x86, 0x87, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x03, 0x0b];
    for first in reserved.concat().into_iter().chain(unknown).chain([CLOSE | 0x40]) {
        let sent = [frame(TEXT, b"fine"), frame(first, b"x"), frame(PING, b"")];
        for step in [usize::MAX, 1] {
            let heard = heard(&server, &sent, step).await;
            assert_eq!(heard, "text:fine close 1002 end", "{first:#x}");
        }
    }
}

#[tokio::test]
async fn what_is_not_masked_ends_it() {
    check(&[
        (&[[head(TEXT, 1, 0), b"x".to_vec()].concat()], "close 1002 end"),
        (&[head(PING, 0, 0)], "close 1002 end"),
    ])
    .await;
}

#[tokio::test]
async fn fragments_come_back_as_one_message() {
    let (start, more) = (begun(TEXT), begun(CONTINUED));
    check(&[
        (&[frame(start, b"a"), frame(CONTINUED, b"b")], "text:ab close 1000 end"),
        (&[frame(start, b""), frame(more, b""), frame(CONTINUED, b"")], "text: close 1000 end"),
        (
            &[frame(begun(BINARY), &[1]), frame(more, &[2]), frame(CONTINUED, &[255])],
            "binary:[1, 2, 255] close 1000 end",
        ),
        // Control frames go in between.
        (
            &[
                frame(start, b"a"),
                frame(PING, b"1"),
                frame(more, b"b"),
                frame(PING, b"2"),
                frame(PONG, b""),
                frame(CONTINUED, b"c"),
            ],
            "pong:1 pong:2 text:abc close 1000 end",
        ),
        // A close in between is a close.
        (&[frame(start, b"a"), close(1000, b"enough")], "close 1000 end"),
    ])
    .await;
}

#[tokio::test]
async fn fragments_in_the_wrong_place_end_it() {
    let (start, more) = (begun(TEXT), begun(CONTINUED));
    check(&[
        (&[frame(begun(PING), b"a"), frame(CONTINUED, b"b")], "close 1002 end"),
        (&[frame(begun(PONG), b"a")], "close 1002 end"),
        (&[frame(begun(CLOSE), &[3, 232])], "close 1002 end"),
        (&[frame(CONTINUED, b"a")], "close 1002 end"),
        (&[frame(more, b"a"), frame(TEXT, b"b")], "close 1002 end"),
        (&[frame(start, b"a"), frame(TEXT, b"b")], "close 1002 end"),
        (&[frame(start, b"a"), frame(start, b"b")], "close 1002 end"),
        (
            &[frame(start, b"a"), frame(CONTINUED, b"b"), frame(CONTINUED, b"c")],
            "text:ab close 1002 end",
        ),
    ])
    .await;
}

/// Large messages may come in pieces of any size, those of a client that writes little at a time,
/// too.
#[tokio::test]
async fn large_messages_come_back_however_they_are_cut() {
    let server = Server::start().await;
    for (len, piece) in
        [(256 << 10, 64), (4 << 20, 4 << 10), (4 << 20, 1 << 20), (16 << 20, 16 << 20)]
    {
        let mut raw = Raw::open(&server).await;
        let payload: Vec<u8> = (b'a'..=b'w').cycle().take(len).collect();
        let last = payload.len().div_ceil(piece) - 1;
        let mut sent = Vec::new();
        for (at, piece) in payload.chunks(piece).enumerate() {
            let first = if at == 0 { begun(TEXT) } else { begun(CONTINUED) };
            sent.extend(frame(if at == last { first | 0x80 } else { first }, piece));
        }
        let (mut read, mut write) = raw.0.split();
        let writes = async {
            for chunk in sent.chunks(50_001) {
                write.write_all(chunk).await.unwrap();
            }
        };
        let mut back = vec![0; head(TEXT, len, 0).len() + len];
        let reads = timeout(PATIENCE, read.read_exact(&mut back));
        let ((), done) = tokio::join!(writes, reads);
        done.expect("all of it in time").unwrap();
        assert!(back.ends_with(&payload) && back[0] == TEXT, "{len} in pieces of {piece}");
    }
}

/// A fragment that cannot become text ends it at once; nobody waits for the rest of the message.
#[tokio::test]
async fn what_cannot_become_text_is_refused_before_its_end() {
    let server = Server::start().await;
    for bad in [&[0xff][..], &[0xce, 0xba, 0x80, 0x80], &[0xed, 0xa0, 0x80], &[0xf4, 0x90]] {
        let sent = [frame(begun(TEXT), "κόσμε".as_bytes()), frame(begun(CONTINUED), bad)];
        assert_eq!(heard(&server, &sent, usize::MAX).await, "close 1007 end", "{bad:x?}");
    }
}

/// However text is cut into fragments and pieces, it is text; and what is none ends it with 1007.
#[tokio::test]
async fn text_is_utf8_across_fragments() {
    let good: [&[u8]; 12] = [
        "κόσμε".as_bytes(),
        "\0".as_bytes(),
        "\u{7f}\u{80}\u{7ff}\u{800}".as_bytes(),
        "\u{ffff}\u{10000}\u{10ffff}".as_bytes(),
        "\u{d7ff}\u{e000}\u{fffd}".as_bytes(),
        // Noncharacters are characters here.
        &[0xef, 0xbf, 0xbe],
        &[0xf0, 0x9f, 0xbf, 0xbe],
        &[0xf4, 0x8f, 0xbf, 0xbf],
        "🦀🦀🦀".as_bytes(),
        "e\u{301}".as_bytes(),
        "\u{feff}mark".as_bytes(),
        "Hello-µ@ßöäüàá-UTF-8!!".as_bytes(),
    ];
    let bad: [&[u8]; 20] = [
        // Alone, too many, too few.
        &[0x80],
        &[0xbf],
        &[0xce],
        &[0xe1, 0xbd],
        &[0xf0, 0x9f, 0xa6],
        &[0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xcf, 0x83, 0xce, 0xbc, 0xce, 0xb5, 0x80],
        &[0xc3, b' '],
        &[0xe2, 0x82, b' '],
        // Longer than needed.
        &[0xc0, 0x80],
        &[0xc0, 0xaf],
        &[0xe0, 0x80, 0xaf],
        &[0xf0, 0x80, 0x80, 0xaf],
        &[0xf8, 0x80, 0x80, 0x80, 0xaf],
        // Halves of pairs, beyond the last character, bytes that never occur.
        &[0xed, 0xa0, 0x80],
        &[0xed, 0xbf, 0xbf],
        &[0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80],
        &[0xf4, 0x90, 0x80, 0x80],
        &[0xf5, 0x80, 0x80, 0x80],
        &[0xfe],
        &[0xff],
    ];
    let server = Server::start().await;
    for (bytes, is_text) in good.map(|b| (b, true)).into_iter().chain(bad.map(|b| (b, false))) {
        let expected = match is_text {
            true => format!("text:{} close 1000 end", std::str::from_utf8(bytes).unwrap()),
            false => String::from("close 1007 end"),
        };
        let mut each = vec![frame(begun(TEXT), b"")];
        each.extend(bytes.iter().map(|byte| frame(begun(CONTINUED), &[*byte])));
        each.push(frame(CONTINUED, b""));
        let whole = vec![frame(TEXT, bytes)];
        for (mut sent, step) in
            [(whole.clone(), usize::MAX), (whole, 1), (each.clone(), usize::MAX), (each, 1)]
        {
            sent.push(close(1000, b""));
            assert_eq!(heard(&server, &sent, step).await, expected, "{bytes:x?}");
        }
        // The same bytes are fine where nobody says that they are text.
        let binary = [frame(BINARY, bytes), close(1000, b"")];
        let expected = format!("binary:{bytes:?} close 1000 end");
        assert_eq!(heard(&server, &binary, usize::MAX).await, expected);
    }
}

/// A good close is answered with its code; what comes after it is not heard.
#[tokio::test]
async fn closes_are_answered_once() {
    let server = Server::start().await;
    let longest = "r".repeat(123);
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        for reason in ["", "goodbye", "grüße", &longest] {
            let sent = [close(code, reason.as_bytes()), frame(TEXT, b"late"), frame(PING, b"late")];
            for step in [usize::MAX, 1] {
                let heard = heard(&server, &sent, step).await;
                assert_eq!(heard, format!("close {code} end"), "{reason}");
            }
        }
    }
    let nothing_said = heard(&server, &[frame(CLOSE, b""), frame(TEXT, b"late")], 1).await;
    assert!(["close end", "close 1000 end"].contains(&nothing_said.as_str()), "{nothing_said}");
}

#[tokio::test]
async fn a_close_that_is_none_is_a_mistake() {
    let server = Server::start().await;
    for code in [0, 1, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535] {
        let heard = heard(&server, &[close(code, b"")], usize::MAX).await;
        assert_eq!(heard, "close 1002 end", "{code}");
    }
    let one_byte = heard(&server, &[frame(CLOSE, &[3])], usize::MAX).await;
    assert_eq!(one_byte, "close 1002 end");
    let too_long = heard(&server, &[close(1000, &[b'r'; 124])], usize::MAX).await;
    assert_eq!(too_long, "close 1002 end");
    let no_text = heard(&server, &[close(1000, &[0xce])], usize::MAX).await;
    assert_eq!(no_text, "close 1007 end");
}

/// Whoever broke the protocol may not know what to answer: the end comes without an answer, and
/// what they still send meets a reader and no reset.
#[tokio::test]
async fn a_broken_connection_is_ended_without_waiting_for_the_other_side() {
    let server = Server::start().await;
    for (sent, code) in [
        (frame(0x83, b""), 1002),
        (frame(0x8c, b"unknown"), 1002),
        (frame(CLOSE, &[3]), 1002),
        (close(1006, b""), 1002),
        (close(1000, &[0xce]), 1007),
        (frame(TEXT, &[0xff]), 1007),
    ] {
        let mut raw = Raw::open(&server).await;
        raw.0.write_all(&sent).await.unwrap();
        let (first, payload) = raw.next().await.expect("a close");
        assert_eq!((first, &payload[..2]), (CLOSE, &u16::to_be_bytes(code)[..]), "{sent:x?}");
        assert_eq!(raw.next().await, None, "the server says no more");
        // A client that has sent its close, however wrong, has nothing more to say.
        for _ in 0..if sent[0] == CLOSE { 0 } else { 3 } {
            raw.0.write_all(b"still talking").await.unwrap();
            assert_eq!(raw.0.read(&mut [0; 8]).await.unwrap(), 0, "no reset after {sent:x?}");
        }
    }
}
