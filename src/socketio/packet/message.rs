//! Socket.IO packets: `<type>[<attachments>-][<namespace>,][<ack id>][JSON]`.

use super::DecodeError;
use serde_json::{Value, value::RawValue};
use std::{borrow::Cow, fmt::Write as _};

/// Most binary attachments of one packet.
pub const ATTACHMENTS_MAX: usize = 10;

/// The namespace that needs no name.
pub const ROOT: &str = "/";

/// Names of events that clients keep for themselves; a packet that carries one is forged.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// What a packet does; the number is its first character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `0`: to join a namespace, and the server's consent.
    Connect,
    /// `1`: to leave it.
    Disconnect,
    /// `2`: an event.
    Event,
    /// `3`: the answer to an event that asked for one.
    Ack,
    /// `4`: no consent.
    ConnectError,
    /// `5`: an event with attachments.
    BinaryEvent,
    /// `6`: an answer with attachments.
    BinaryAck,
}

impl Kind {
    fn of(c: char) -> Option<Self> {
        Some(match c {
            '0' => Self::Connect,
            '1' => Self::Disconnect,
            '2' => Self::Event,
            '3' => Self::Ack,
            '4' => Self::ConnectError,
            '5' => Self::BinaryEvent,
            '6' => Self::BinaryAck,
            _ => return None,
        })
    }

    /// Whether attachments follow.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::BinaryEvent | Self::BinaryAck)
    }
}

/// One packet. Its JSON is checked for the shape its kind asks for, and otherwise left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it does.
    pub kind: Kind,
    /// Binary messages that follow and belong to it.
    pub attachments: usize,
    /// Where; [`ROOT`] where none is named.
    pub namespace: Cow<'a, str>,
    /// The id of an acknowledgement that is asked for or given.
    pub id: Option<u64>,
    /// JSON text.
    pub data: Option<Cow<'a, str>>,
}

impl<'a> Packet<'a> {
    /// A packet with JSON and nothing else.
    pub fn new(kind: Kind, namespace: &'a str, data: impl Into<Cow<'a, str>>) -> Self {
        Self {
            kind,
            attachments: 0,
            namespace: namespace.into(),
            id: None,
            data: Some(data.into()),
        }
    }

    /// Reads the text of one message.
    ///
    /// # Errors
    /// When it is no packet of the protocol.
    pub fn decode(text: &'a str) -> Result<Self, DecodeError> {
        let mut chars = text.chars();
        let kind = Kind::of(chars.next().ok_or(DecodeError::Empty)?);
        let kind = kind.ok_or(DecodeError::UnknownType)?;
        let mut rest = chars.as_str();
        let mut attachments = 0;
        if kind.is_binary() {
            let (count, after) = rest.split_once('-').ok_or(DecodeError::Attachments)?;
            attachments = number(count).ok_or(DecodeError::Attachments)?;
            if !(1..=ATTACHMENTS_MAX).contains(&attachments) {
                return Err(DecodeError::Attachments);
            }
            rest = after;
        }
        let mut namespace = ROOT;
        if rest.starts_with('/') {
            (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, data) = rest.split_at_checked(digits).unwrap_or(("", rest));
        let id = match digits {
            "" => None,
            digits => Some(number(digits).ok_or(DecodeError::Id)?),
        };
        let data = (!data.is_empty()).then_some(data);
        check(kind, id, data, attachments)?;
        let data = data.map(Cow::Borrowed);
        Ok(Self { kind, attachments, namespace: namespace.into(), id, data })
    }

    /// Writes it as the text of one message.
    pub fn encode(&self, out: &mut String) {
        out.push(match self.kind {
            Kind::Connect => '0',
            Kind::Disconnect => '1',
            Kind::Event => '2',
            Kind::Ack => '3',
            Kind::ConnectError => '4',
            Kind::BinaryEvent => '5',
            Kind::BinaryAck => '6',
        });
        // Writing into a String cannot fail.
        if self.kind.is_binary() {
            let _never = write!(out, "{}-", self.attachments);
        }
        if self.namespace != ROOT {
            let _never = write!(out, "{},", self.namespace);
        }
        if let Some(id) = self.id {
            let _never = write!(out, "{id}");
        }
        if let Some(data) = &self.data {
            out.push_str(data);
        }
    }

    /// The elements of its JSON array: of an event its name and arguments, of an answer the
    /// arguments. None for the other kinds.
    pub fn elements(&self) -> Vec<&RawValue> {
        let array = self.data.as_deref().and_then(|data| serde_json::from_str(data).ok());
        array.unwrap_or_default()
    }
}

/// A number of at most fifteen digits, which every client can hold exactly.
fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    let plain = digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}

/// Whether a client may send JSON of this shape in a packet of this kind.
fn check(
    kind: Kind,
    id: Option<u64>,
    data: Option<&str>,
    attachments: usize,
) -> Result<(), DecodeError> {
    let array = |data: Option<&'_ str>| {
        data.and_then(|data| serde_json::from_str::<Vec<&RawValue>>(data).ok().map(|v| v.len()))
            .ok_or(DecodeError::Payload)
    };
    match (kind, id, data) {
        (Kind::Connect, None, None) | (Kind::Disconnect, None, None) => Ok(()),
        (Kind::Connect, None, Some(data)) => {
            let object: Result<&RawValue, _> = serde_json::from_str(data);
            let is_object = object.is_ok_and(|raw| raw.get().starts_with('{'));
            if is_object { Ok(()) } else { Err(DecodeError::Payload) }
        }
        (Kind::Event | Kind::BinaryEvent, _, data) => {
            array(data)?;
            is_event(data.unwrap_or_default())
        }
        (Kind::Ack | Kind::BinaryAck, Some(_), data) => array(data).map(drop),
        (Kind::Ack | Kind::BinaryAck, None, _) => Err(DecodeError::Id),
        (Kind::ConnectError, None, Some(data)) => {
            let told: Result<Value, _> = serde_json::from_str(data);
            let is_told = told.is_ok_and(|told| told.is_object() || told.is_string());
            if is_told { Ok(()) } else { Err(DecodeError::Payload) }
        }
        _ => Err(DecodeError::Misplaced),
    }?;
    match data {
        Some(data) if kind.is_binary() => placeholders(data, attachments),
        _ => Ok(()),
    }
}

/// The first element names the event, and is no name that clients keep for themselves.
fn is_event(data: &str) -> Result<(), DecodeError> {
    let elements: Vec<&RawValue> = serde_json::from_str(data).map_err(|_| DecodeError::Payload)?;
    let name = elements.first().ok_or(DecodeError::Payload)?.get();
    let name: Cow<'_, str> = match serde_json::from_str::<String>(name) {
        Ok(name) => name.into(),
        // Clients may use numbers as names.
        Err(_) if name.starts_with(|c: char| c.is_ascii_digit() || c == '-') => name.into(),
        Err(_) => return Err(DecodeError::Payload),
    };
    if RESERVED.contains(&name.as_ref()) { Err(DecodeError::Payload) } else { Ok(()) }
}

/// Every placeholder names an attachment that there is.
fn placeholders(data: &str, attachments: usize) -> Result<(), DecodeError> {
    fn good(value: &Value, attachments: usize) -> bool {
        match value {
            Value::Array(items) => items.iter().all(|item| good(item, attachments)),
            Value::Object(map) if map.get("_placeholder") == Some(&Value::Bool(true)) => {
                let number = map.get("num").and_then(Value::as_u64);
                number.is_some_and(|n| usize::try_from(n).is_ok_and(|n| n < attachments))
            }
            Value::Object(map) => map.values().all(|item| good(item, attachments)),
            _ => true,
        }
    }
    // serde_json gives up at 128 levels, so this walk is as shallow.
    let value: Value = serde_json::from_str(data).map_err(|_| DecodeError::Payload)?;
    if good(&value, attachments) { Ok(()) } else { Err(DecodeError::Attachments) }
}
