//! Engine.IO 4 and Socket.IO 5 packets, read and written: pure, bounded, and never surprised.
//!
//! Formats: the "Engine.IO protocol" and "Socket.IO protocol" documents, revisions 4 and 5. An
//! Engine.IO packet carries a Socket.IO packet as its message; binary attachments follow as
//! messages of their own.

pub mod engine;
pub mod message;
#[cfg(test)]
mod tests;

use std::fmt;

/// Why something a client sent is no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// Nothing where a packet should be.
    Empty,
    /// A packet type that does not exist.
    UnknownType,
    /// More than the type has room for, or a type that a client does not send.
    Misplaced,
    /// Not base64.
    Base64,
    /// More packets in one payload than anybody sends.
    TooManyPackets,
    /// An attachment count that is missing or too high.
    Attachments,
    /// An acknowledgement id that is no number of ours.
    Id,
    /// Not JSON, or not of the shape that the type asks for.
    Payload,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an empty packet",
            Self::UnknownType => "an unknown packet type",
            Self::Misplaced => "a packet that does not belong there",
            Self::Base64 => "a binary packet that is not base64",
            Self::TooManyPackets => "too many packets at once",
            Self::Attachments => "a wrong number of attachments",
            Self::Id => "a wrong acknowledgement id",
            Self::Payload => "a payload of the wrong form",
        })
    }
}

impl std::error::Error for DecodeError {}
