//! What can come of a call, in words for programs and for people.

use super::connect::{self, Labelled};
use crate::webhooks::address::Refused;
use std::{fmt, io};

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The HTTP status, whatever it is, or why there is none.
    pub result: Result<u16, Failure>,
    /// From the beginning to the last byte read, milliseconds.
    pub response_time_ms: u64,
    /// The `Retry-After` header as it came.
    pub retry_after: Option<String>,
    /// The beginning of the body, at most [`super::BODY_KEPT_MAX`] bytes of it, made readable.
    pub body: String,
}

impl Outcome {
    /// The address may not be called, so nothing was tried.
    pub fn refused(why: Refused) -> Self {
        Self::without_answer(Failure::Refused(why))
    }

    /// There is nothing that could be sent, for this reason.
    pub fn not_sent(why: String) -> Self {
        Self::without_answer(Failure::Request(why))
    }

    fn without_answer(failure: Failure) -> Self {
        Self { result: Err(failure), response_time_ms: 0, retry_after: None, body: String::new() }
    }
}

/// What a call was busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Looking up the name.
    LookUp,
    /// Making a connection.
    Connect,
    /// Sending, and waiting for the answer.
    Answer,
}

/// Why a call brought no HTTP status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The address may not be called; nothing was sent.
    Refused(Refused),
    /// The name does not resolve.
    Dns(String),
    /// Nobody answers at the address.
    Connect(String),
    /// TLS could not be agreed on; nothing was sent.
    Tls(String),
    /// The time was up.
    Timeout(Stage),
    /// The peer closed the connection without an answer.
    Reset,
    /// The connection broke in another way.
    Io(String),
    /// The answer is not HTTP, or its head is too long.
    Protocol(String),
    /// The egress proxy is at fault, not the endpoint.
    Proxy(String),
    /// The request itself cannot be sent.
    Request(String),
}

impl Failure {
    /// A stable word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused_address",
            Self::Dns(_) => "dns",
            Self::Connect(_) => "connect",
            Self::Tls(_) => "tls",
            Self::Timeout(_) => "timeout",
            Self::Reset => "reset",
            Self::Io(_) => "io",
            Self::Protocol(_) => "protocol",
            Self::Proxy(_) => "proxy",
            Self::Request(_) => "request",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "address refused: {why}"),
            Self::Dns(why) => write!(f, "name not found: {why}"),
            Self::Connect(why) => write!(f, "no connection: {why}"),
            Self::Tls(why) => write!(f, "TLS failed: {why}"),
            Self::Timeout(Stage::LookUp) => f.write_str("timed out while looking up the name"),
            Self::Timeout(Stage::Connect) => f.write_str("timed out while connecting"),
            Self::Timeout(Stage::Answer) => f.write_str("timed out while waiting for the answer"),
            Self::Reset => f.write_str("the peer closed the connection without an answer"),
            Self::Io(why) => write!(f, "the connection broke: {why}"),
            Self::Protocol(why) => write!(f, "not a usable HTTP answer: {why}"),
            Self::Proxy(why) => write!(f, "the egress proxy failed: {why}"),
            Self::Request(why) => write!(f, "the request cannot be sent: {why}"),
        }
    }
}

/// The client's error as one of ours.
pub(super) fn classify(error: ureq::Error) -> Failure {
    match error {
        ureq::Error::Other(inner) => match inner.downcast::<Labelled>() {
            Ok(labelled) => labelled.0,
            Err(other) => Failure::Io(other.to_string()),
        },
        ureq::Error::Timeout(_) => Failure::Timeout(connect::stage()),
        ureq::Error::Io(why) => match why.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected => Failure::Reset,
            // Within an open TLS connection: an alert, such as one asking for our certificate.
            io::ErrorKind::InvalidData => Failure::Tls(why.to_string()),
            _ => Failure::Io(why.to_string()),
        },
        ureq::Error::HostNotFound => Failure::Dns(String::from("the name has no address")),
        ureq::Error::ConnectionFailed => Failure::Connect(String::from("the connection failed")),
        ureq::Error::Http(why) => Failure::Request(why.to_string()),
        ureq::Error::BadUri(why) => Failure::Request(why),
        ureq::Error::LargeResponseHeader(..) => {
            Failure::Protocol(String::from("its head is too long"))
        }
        other => Failure::Protocol(other.to_string()),
    }
}
