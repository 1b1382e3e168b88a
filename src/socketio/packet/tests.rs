//! Vectors for both formats, and a storm of garbage that must leave nothing broken.

use super::{
    DecodeError,
    engine::{self, PACKETS_MAX, decode_payload, encode_payload},
    message::{Kind, Packet},
};

/// The Engine.IO packets of the protocol's examples are read, and written as they were.
#[test]
fn engine_packets_are_read_and_written() {
    use engine::Packet as E;
    let table = [
        ("0{\"sid\":\"x\"}", E::Open("{\"sid\":\"x\"}".into())),
        ("1", E::Close),
        ("2", E::Ping("".into())),
        ("2probe", E::Ping("probe".into())),
        ("3probe", E::Pong("probe".into())),
        ("4hello", E::Text("hello".into())),
        ("4", E::Text("".into())),
        ("4€", E::Text("€".into())),
        ("5", E::Upgrade),
        ("6", E::Noop),
    ];
    for (text, packet) in table {
        assert_eq!(E::decode(text), Ok(packet.clone()), "{text}");
        let mut written = String::new();
        packet.encode(&mut written);
        assert_eq!(written, text);
    }
    for (text, error) in [
        ("", DecodeError::Empty),
        ("abc", DecodeError::UnknownType),
        ("7", DecodeError::UnknownType),
        ("bAQ==", DecodeError::UnknownType),
        ("1x", DecodeError::Misplaced),
        ("5x", DecodeError::Misplaced),
    ] {
        assert_eq!(E::decode(text), Err(error), "{text}");
    }
}

#[test]
fn payloads_hold_several_packets_and_binary_ones_as_base64() {
    use engine::Packet as E;
    let body = "4hello\x1e2\x1e4€\x1ebAQIDBA==";
    let packets = decode_payload(body).unwrap();
    let bytes = E::Binary([1, 2, 3, 4][..].into());
    let expected = [E::Text("hello".into()), E::Ping("".into()), E::Text("€".into()), bytes];
    assert_eq!(packets, expected);
    assert_eq!(encode_payload(packets), body);
    assert_eq!(decode_payload("bAQIDBA"), decode_payload("bAQIDBA=="));
    assert_eq!(decode_payload("4a\x1e"), Err(DecodeError::Empty));
    assert_eq!(decode_payload("b!"), Err(DecodeError::Base64));
    assert_eq!(decode_payload("4a\x1eabc"), Err(DecodeError::UnknownType));
    let many = vec!["6"; PACKETS_MAX + 1].join("\x1e");
    assert_eq!(decode_payload(&many), Err(DecodeError::TooManyPackets));
}

fn packet(kind: Kind, namespace: &'static str, data: &'static str) -> Packet<'static> {
    Packet::new(kind, namespace, data)
}

/// The Socket.IO packets of the protocol's examples are read, and written as they were.
#[test]
fn socket_packets_are_read_and_written() {
    let bare = |kind, namespace| Packet { data: None, ..packet(kind, namespace, "") };
    let table = [
        ("0", bare(Kind::Connect, "/")),
        ("0/admin,", bare(Kind::Connect, "/admin")),
        (r#"0{"token":"123"}"#, packet(Kind::Connect, "/", r#"{"token":"123"}"#)),
        (r#"0/admin,{"sid":"o"}"#, packet(Kind::Connect, "/admin", r#"{"sid":"o"}"#)),
        ("1/admin,", bare(Kind::Disconnect, "/admin")),
        ("1", bare(Kind::Disconnect, "/")),
        (r#"2["foo"]"#, packet(Kind::Event, "/", r#"["foo"]"#)),
        ("2[7]", packet(Kind::Event, "/", "[7]")),
        (r#"2/admin,["bar",1]"#, packet(Kind::Event, "/admin", r#"["bar",1]"#)),
        (r#"212["foo"]"#, Packet { id: Some(12), ..packet(Kind::Event, "/", r#"["foo"]"#) }),
        ("3/admin,13[]", Packet { id: Some(13), ..packet(Kind::Ack, "/admin", "[]") }),
        (
            r#"4/x,{"message":"Invalid namespace"}"#,
            packet(Kind::ConnectError, "/x", r#"{"message":"Invalid namespace"}"#),
        ),
        (
            r#"51-["baz",{"_placeholder":true,"num":0}]"#,
            Packet {
                attachments: 1,
                ..packet(Kind::BinaryEvent, "/", r#"["baz",{"_placeholder":true,"num":0}]"#)
            },
        ),
        (
            r#"61-/admin,15[{"_placeholder":true,"num":0}]"#,
            Packet {
                attachments: 1,
                id: Some(15),
                ..packet(Kind::BinaryAck, "/admin", r#"[{"_placeholder":true,"num":0}]"#)
            },
        ),
    ];
    for (text, packet) in table {
        assert_eq!(Packet::decode(text).as_ref(), Ok(&packet), "{text}");
        let mut written = String::new();
        packet.encode(&mut written);
        assert_eq!(written, text);
    }
    // The comma after a namespace may be missing where nothing follows.
    assert_eq!(Packet::decode("0/random").unwrap().namespace, "/random");
}

#[test]
fn what_no_client_sends_is_refused_by_name() {
    let nest = |head: &str| format!("{head}[\"a\",{}{}]", "[".repeat(4_000), "]".repeat(4_000));
    assert!(Packet::decode(&nest("2")).is_ok(), "what is nested is carried, not climbed");
    for (text, error) in [
        ("", DecodeError::Empty),
        ("abc", DecodeError::UnknownType),
        ("9", DecodeError::UnknownType),
        ("2{}", DecodeError::Payload),
        ("2", DecodeError::Payload),
        ("2[]", DecodeError::Payload),
        ("2[{}]", DecodeError::Payload),
        (r#"2["connect"]"#, DecodeError::Payload),
        (r#"2["disconnect\u0069ng"]"#, DecodeError::Payload),
        (r#"2abc["message-with-ack",1]"#, DecodeError::Payload),
        (r#"2["foo""#, DecodeError::Payload),
        (r#"2["foo"]x"#, DecodeError::Payload),
        (&nest("51-"), DecodeError::Payload),
        ("0[1]", DecodeError::Payload),
        ("0\"text\"", DecodeError::Payload),
        ("1{}", DecodeError::Misplaced),
        ("01{}", DecodeError::Misplaced),
        ("3[]", DecodeError::Id),
        ("39999999999999999[]", DecodeError::Id),
        ("5[\"a\"]", DecodeError::Attachments),
        ("50-[\"a\"]", DecodeError::Attachments),
        ("599999-[\"a\"]", DecodeError::Attachments),
        ("51-[\"a\",{\"_placeholder\":true,\"num\":1}]", DecodeError::Attachments),
        ("51-[\"a\",[{\"x\":{\"_placeholder\":true,\"num\":-1}}]]", DecodeError::Attachments),
        ("4", DecodeError::Misplaced),
    ] {
        let decoded = Packet::decode(text).map(|_| "a packet");
        assert_eq!(decoded, Err(error), "{text:.60}");
    }
}

/// Marsaglia's xorshift64: the same storm every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }
}

/// What is read can be written, and reads as the same again; nothing else is read at all, and
/// nothing makes the readers fall over.
#[test]
fn garbage_is_refused_or_survives_a_round_trip() {
    const PIECES: [&str; 30] = [
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "b",
        "-",
        ",",
        "/",
        "/admin",
        "\x1e",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "\"a\"",
        "12",
        "AQID",
        "=",
        "€",
        "\\",
        "null",
        "{\"_placeholder\":true,\"num\":0}",
        "[\"a\"]",
        "51-",
        "🦀",
    ];
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..200_000 {
        let text: String = (0..=dice.roll(7)).map(|_| PIECES[dice.roll(PIECES.len())]).collect();
        match Packet::decode(&text) {
            Ok(packet) => {
                let mut written = String::new();
                packet.encode(&mut written);
                assert_eq!(Packet::decode(&written), Ok(packet), "{text}");
                read += 1;
            }
            Err(_) => refused += 1,
        }
        if let Ok(packets) = decode_payload(&text) {
            let written = encode_payload(packets.clone());
            assert_eq!(decode_payload(&written), Ok(packets), "{text}");
        }
    }
    assert!(read > 1_000 && refused > 1_000, "{read} read, {refused} refused");
}
