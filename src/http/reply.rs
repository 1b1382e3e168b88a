//! How requests are answered: `{"success":true,"data":…}`, or an error with its code and fields.

use crate::error::{Error, FieldError};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};
use std::time::Duration;

/// What a handler returns.
pub type Answer<T> = Result<Reply<T>, Error>;

/// A good answer.
#[derive(Debug)]
pub struct Reply<T> {
    status: StatusCode,
    data: T,
    meta: Option<Value>,
}

/// 200 with `data`.
pub fn ok<T>(data: T) -> Reply<T> {
    Reply { status: StatusCode::OK, data, meta: None }
}

/// 201 with `data`.
pub fn created<T>(data: T) -> Reply<T> {
    Reply { status: StatusCode::CREATED, data, meta: None }
}

impl<T> Reply<T> {
    /// Adds `meta` beside `data`, for lists.
    #[must_use]
    pub fn with_meta(mut self, meta: Value) -> Self {
        self.meta = Some(meta);
        self
    }
}

#[derive(Serialize)]
struct Good<T> {
    success: bool,
    data: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Value>,
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        let body = Good { success: true, data: self.data, meta: self.meta };
        match serde_json::to_vec(&body) {
            Ok(bytes) => json(self.status, bytes),
            Err(e) => Error::internal(e).into_response(),
        }
    }
}

/// A response of ready JSON bytes.
pub fn json(status: StatusCode, bytes: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(bytes.into());
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// The cause of a 500, handed to the frame, which logs it with the request id. Never sent.
#[derive(Debug, Clone)]
pub struct LoggedCause(pub String);

#[derive(Serialize)]
struct Bad<'a> {
    success: bool,
    error: Words<'a>,
}

#[derive(Serialize)]
struct Words<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<&'a RawValue>,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code) = status_and_code(&self);
        let message = if let Self::Internal { .. } = self {
            String::from("something went wrong on our side; the log tells more")
        } else {
            self.to_string()
        };
        let fields = fields(&self);
        let current = match &self {
            Self::Conflict { current, .. } => current.as_deref(),
            _ => None,
        };
        let error = Words { code, message: &message, fields, current };
        let body = Bad { success: false, error };
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = json(status, bytes);
        match &self {
            Self::Internal { .. } => {
                response.extensions_mut().insert(LoggedCause(self.to_string()));
            }
            Self::TooMany(after) | Self::Busy(after) => {
                response.headers_mut().insert(header::RETRY_AFTER, seconds(*after));
            }
            Self::Unauthorized(_) => {
                let bearer = HeaderValue::from_static("Bearer");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
            }
            _ => {}
        }
        response
    }
}

fn status_and_code(e: &Error) -> (StatusCode, &'static str) {
    match e {
        Error::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed"),
        Error::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "unauthorized"),
        Error::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
        Error::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
        Error::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
        Error::Conflict { code, .. } => (StatusCode::CONFLICT, code),
        Error::Gone(code, _) => (StatusCode::GONE, code),
        Error::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        Error::UnsupportedMediaType => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
        }
        Error::Misdirected => (StatusCode::MISDIRECTED_REQUEST, "unknown_host"),
        Error::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        Error::Refused { code, .. } => (StatusCode::UNPROCESSABLE_ENTITY, code),
        Error::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
        Error::Busy(_) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        Error::Full => (StatusCode::INSUFFICIENT_STORAGE, "disk_full"),
        Error::Internal { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}

fn fields(e: &Error) -> Map<String, Value> {
    let one = |field: &str, message: &str| (field.to_owned(), Value::from(message));
    match e {
        Error::Invalid(fields) => {
            fields.iter().map(|FieldError { field, message }| one(field, message)).collect()
        }
        Error::Refused { field, message, .. } => Map::from_iter([one(field, message)]),
        _ => Map::new(),
    }
}

/// Whole seconds, rounded up: zero would mean "at once".
fn seconds(after: Duration) -> HeaderValue {
    HeaderValue::from(after.as_secs() + u64::from(after.subsec_nanos() > 0 || after.is_zero()))
}
