//! Engine.IO packets: one character for the type, then the data; several in one polling payload.

use super::DecodeError;
use base64::{Engine as _, engine::DecodePaddingMode, engine::general_purpose};
use std::borrow::Cow;

/// Stands between the packets of a polling payload.
const SEPARATOR: char = '\x1e';

/// Most packets in one polling payload. A client sends what gathered during one request.
pub const PACKETS_MAX: usize = 1_024;

/// Base64 as clients write it; the padding may be missing.
const BASE64: general_purpose::GeneralPurpose = general_purpose::GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    general_purpose::PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One packet, either way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet<'a> {
    /// `0`: the server's handshake, as JSON.
    Open(Cow<'a, str>),
    /// `1`: the end of the session.
    Close,
    /// `2`: the server's heartbeat, or a client's probe of a new transport.
    Ping(Cow<'a, str>),
    /// `3`: the answer to a ping, with the same data.
    Pong(Cow<'a, str>),
    /// `4`: a message.
    Text(Cow<'a, str>),
    /// A binary message: a WebSocket frame of its own, or `b` and base64 in a payload.
    Binary(Cow<'a, [u8]>),
    /// `5`: the client goes on with the transport this comes on.
    Upgrade,
    /// `6`: nothing, to answer a poll.
    Noop,
}

impl<'a> Packet<'a> {
    /// Reads the text of one WebSocket frame, or of one packet of a payload that is no binary.
    ///
    /// # Errors
    /// When it is no packet.
    pub fn decode(text: &'a str) -> Result<Self, DecodeError> {
        let mut chars = text.chars();
        let kind = chars.next().ok_or(DecodeError::Empty)?;
        let data = chars.as_str();
        let bare = |packet| if data.is_empty() { Ok(packet) } else { Err(DecodeError::Misplaced) };
        match kind {
            '0' => Ok(Self::Open(data.into())),
            '1' => bare(Self::Close),
            '2' => Ok(Self::Ping(data.into())),
            '3' => Ok(Self::Pong(data.into())),
            '4' => Ok(Self::Text(data.into())),
            '5' => bare(Self::Upgrade),
            '6' => bare(Self::Noop),
            _ => Err(DecodeError::UnknownType),
        }
    }

    /// Writes it as text: what a text frame holds, or one packet of a payload.
    pub fn encode(&self, out: &mut String) {
        let (kind, data) = match self {
            Self::Open(data) => ('0', data.as_ref()),
            Self::Close => ('1', ""),
            Self::Ping(data) => ('2', data.as_ref()),
            Self::Pong(data) => ('3', data.as_ref()),
            Self::Text(data) => ('4', data.as_ref()),
            Self::Upgrade => ('5', ""),
            Self::Noop => ('6', ""),
            Self::Binary(bytes) => {
                out.push('b');
                return BASE64.encode_string(bytes, out);
            }
        };
        out.push(kind);
        out.push_str(data);
    }
}

/// Reads the body of a POST. Its length is bounded by whoever read it.
///
/// # Errors
/// When any packet of it is none: then none of it counts.
pub fn decode_payload(body: &str) -> Result<Vec<Packet<'_>>, DecodeError> {
    let mut packets = Vec::new();
    for text in body.split(SEPARATOR) {
        if packets.len() >= PACKETS_MAX {
            return Err(DecodeError::TooManyPackets);
        }
        packets.push(match text.strip_prefix('b') {
            Some(text) => {
                let bytes = BASE64.decode(text).map_err(|_| DecodeError::Base64)?;
                Packet::Binary(bytes.into())
            }
            None => Packet::decode(text)?,
        });
    }
    Ok(packets)
}

/// Writes the answer to a poll.
pub fn encode_payload<'a>(packets: impl IntoIterator<Item = Packet<'a>>) -> String {
    let mut out = String::new();
    for packet in packets {
        if !out.is_empty() {
            out.push(SEPARATOR);
        }
        packet.encode(&mut out);
    }
    out
}
