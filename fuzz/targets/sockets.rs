//! What clients say on sockets and polls.

use super::{text, two};
use deskbell::{
    event::Room,
    socketio::packet::{
        engine::{self, PACKETS_MAX, decode_payload, encode_payload},
        message::{ATTACHMENTS_MAX, Kind, Packet},
    },
    sse,
    ws::Ask,
};
use serde_json::value::RawValue;

pub const ENGINE_PACKETS: &[&str] =
    &["0{\"sid\":\"x\"}", "1", "2probe", "3probe", "4hello", "4€", "5", "6", "bAQID"];

/// A packet is written as it was read.
pub fn engine_packet(data: &[u8]) {
    let text = text(data);
    if let Ok(packet) = engine::Packet::decode(&text) {
        let mut written = String::new();
        packet.encode(&mut written);
        assert_eq!(written, text);
    }
}

pub const ENGINE_PAYLOADS: &[&str] =
    &["4hello", "4a\x1e4b\x1e2probe", "4hello\x1ebAQIDBA==\x1e1", "bAQID\x1eb\x1e4", "\x1e"];

/// A payload is read whole or not at all, and what was read is read again from what is written.
pub fn engine_payload(data: &[u8]) {
    let text = text(data);
    if let Ok(packets) = decode_payload(&text) {
        assert!(packets.len() <= PACKETS_MAX);
        let written = encode_payload(packets.iter().cloned());
        assert_eq!(decode_payload(&written).as_ref(), Ok(&packets));
    }
}

pub const SOCKET_PACKETS: &[&str] = &[
    "0",
    "0/custom,{\"token\":\"x\"}",
    "1/custom,",
    "2[\"message\",1,\"2\",{\"3\":[true]}]",
    "2/custom,456[\"message\"]",
    "3/custom,1[]",
    "4{\"message\":\"no\"}",
    "4/x,\"no\"",
    "52-7[\"message\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]",
    "61-/custom,9[{\"a\":[{\"_placeholder\":true,\"num\":0}]}]",
];

/// A packet has the shape that its kind asks for, and is read again from what is written.
pub fn socket_packet(data: &[u8]) {
    let text = text(data);
    let Ok(packet) = Packet::decode(&text) else { return };
    assert!(packet.attachments <= ATTACHMENTS_MAX);
    assert_eq!(packet.attachments > 0, packet.kind.is_binary());
    assert!(packet.namespace.starts_with('/') && !packet.namespace.contains(','));
    if let Kind::Event | Kind::BinaryEvent = packet.kind {
        let name = packet.elements()[0].get().to_owned();
        assert!(name.starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit()), "{name}");
    }
    let mut written = String::new();
    packet.encode(&mut written);
    assert_eq!(Packet::decode(&written).as_ref(), Ok(&packet), "{written}");
}

pub const ASKS: &[&str] = &[
    "room.join\n{\"room\":\"ticket:0199\",\"since\":4,\"epoch\":\"e\"}",
    "room.leave\n{\"room\":\"board\"}",
    "typing\n{\"room\":\"ticket:1\",\"active\":true,\"visibility\":\"internal\"}",
    "viewing\n{\"room\":\"ticket:1\",\"active\":false,\"visibility\":\"public\"}",
    "presence.subscribe\nnull",
    "auth.refresh\n{\"token\":\"x.y.z\"}",
];

/// What is asked is known by its name, and a wrong payload is refused with a word for programs.
pub fn ask(data: &[u8]) {
    let text = text(data);
    let (name, payload) = two(&text);
    let Ok(payload) = serde_json::from_str::<Box<RawValue>>(payload) else { return };
    match Ask::read(name, &payload) {
        Some(Ok(Ask::Join(join))) => room(join.room.as_bytes()),
        Some(Err(why)) => assert!(["bad_message", "room_refused"].contains(&why.code)),
        _ => {}
    }
}

pub const ROOMS: &[&str] = &[
    "tenant",
    "everyone",
    "board",
    "user:01999999-0000-7000-8000-000000000001",
    "role:agent",
    "ticket:01999999-0000-7000-8000-000000000001",
    "queue:sales@pbx+1",
];

/// A topic stands as it is in JSON and in a list with commas, and is not endless.
pub fn room(data: &[u8]) {
    let text = text(data);
    if let Ok(Room::Topic(topic)) = text.parse() {
        assert_eq!(*topic, *text);
        assert!(topic.len() <= 128 && !topic.contains(','));
        assert_eq!(serde_json::to_string(&*topic).unwrap(), format!("\"{topic}\""));
    }
}

pub const EVENT_IDS: &[&str] = &["epoch-12", "a-b-12", "a--1", "-7", "12"];

/// The place in the log that a client comes back with is the one that it was given.
pub fn event_id(data: &[u8]) {
    let text = text(data);
    if let Some((epoch, seq)) = sse::read_id(&text) {
        assert_eq!(sse::read_id(&format!("{epoch}-{}", seq.abs())), Some((epoch, seq.abs())));
    }
}
