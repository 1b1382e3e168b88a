//! How requests are refused that are no Engine.IO: with the codes that its clients know.

use crate::error::Error;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use std::time::Duration;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Code 0: neither `polling` nor `websocket`.
    UnknownTransport,
    /// Code 1: a session that is over, or never was.
    UnknownSession,
    /// Code 2: a session begins with a GET.
    BadMethod,
    /// Code 3: anything else.
    BadRequest,
    /// Code 4: pages of that origin may not connect here.
    Forbidden,
    /// Code 5: not protocol 4.
    UnsupportedVersion,
    /// 413: a payload of more than `maxPayload` bytes.
    TooLarge,
    /// 503: too many sessions.
    Busy,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (code, message) = match self {
            Self::UnknownTransport => (0, "Transport unknown"),
            Self::UnknownSession => (1, "Session ID unknown"),
            Self::BadMethod => (2, "Bad handshake method"),
            Self::BadRequest => (3, "Bad request"),
            Self::Forbidden => (4, "Forbidden"),
            Self::UnsupportedVersion => (5, "Unsupported protocol version"),
            Self::TooLarge => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            Self::Busy => return Error::Busy(Duration::from_secs(5)).into_response(),
        };
        let status = match self {
            Self::Forbidden => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = format!(r#"{{"code":{code},"message":"{message}"}}"#);
        crate::http::reply::json(status, body)
    }
}
