//! What can go wrong, named by what the caller can do about it.
//!
//! The door (`http::reply`) turns an [`Error`] into a status and public words in one `match`; the
//! cause of an [`Error::Internal`] is logged there once, with the request id, and never sent.

use serde_json::value::RawValue;
use std::{fmt, panic::Location, time::Duration};

/// The result of anything that can fail in a way the caller should hear about.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A cause kept for the log only.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// One field of a request that cannot be accepted, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name as the client sent it, with dots and indexes for nested ones (`events[2]`).
    pub field: String,
    /// What is wrong, in words for the person who sent it.
    pub message: String,
}

/// An outcome that is not success.
#[derive(Debug)]
pub enum Error {
    /// 400: the request cannot be read at all.
    Malformed(String),
    /// 401: no valid credentials came with the request.
    Unauthorized(&'static str),
    /// 403: the caller is known and may not do this.
    Forbidden(&'static str),
    /// 404: there is no such thing for this caller. The word names the kind of thing.
    NotFound(&'static str),
    /// 405: the path exists and does not answer this method.
    MethodNotAllowed,
    /// 409: the present state forbids it; `code` is for programs.
    Conflict {
        /// A stable word for programs, for example `tenant_required`.
        code: &'static str,
        /// The reason in words.
        message: String,
        /// The row as it is now, for whoever wanted to change an older one.
        current: Option<Box<RawValue>>,
    },
    /// 410: it was there once; `code` is for programs.
    Gone(&'static str, String),
    /// 413: more bytes than the limit given.
    TooLarge(u64),
    /// 415: neither JSON nor, where a file is expected, `multipart/form-data`.
    UnsupportedMediaType,
    /// 421: the request names a host that this server is not.
    Misdirected,
    /// 422: readable, but these fields are wrong. Nothing was changed.
    Invalid(Vec<FieldError>),
    /// 422 with a code of its own, for example `reserved_type`.
    Refused {
        /// A stable word for programs.
        code: &'static str,
        /// The field it speaks of.
        field: String,
        /// The reason in words.
        message: String,
    },
    /// 429: too often; try again after the given time.
    TooMany(Duration),
    /// 503: a queue is full or the server is stopping; try again after the given time.
    Busy(Duration),
    /// 507: the disk is full or the database is read-only; nothing was changed.
    Full,
    /// 500: our fault.
    Internal {
        /// What happened, for the log.
        cause: Cause,
        /// Where it was noticed.
        at: &'static Location<'static>,
    },
}

impl Error {
    /// One field is wrong.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// Our own fault, with its cause for the log.
    #[track_caller]
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal { cause: cause.into(), at: Location::caller() }
    }

    /// The present state forbids it.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict { code, message: message.into(), current: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => f.write_str(why),
            Self::Unauthorized(why) | Self::Forbidden(why) => f.write_str(why),
            Self::NotFound(what) => write!(f, "there is no such {what}"),
            Self::MethodNotAllowed => f.write_str("this path does not answer that method"),
            Self::Conflict { message, .. } | Self::Refused { message, .. } => f.write_str(message),
            Self::Gone(_, message) => f.write_str(message),
            Self::TooLarge(max) => write!(f, "the body is larger than {max} bytes"),
            Self::UnsupportedMediaType => {
                f.write_str("that content type is not read here: send JSON, or a form with a file")
            }
            Self::Misdirected => f.write_str("this server does not answer for that host name"),
            Self::Invalid(fields) => {
                let names: Vec<_> = fields.iter().map(|e| e.field.as_str()).collect();
                write!(f, "not accepted: {}", names.join(", "))
            }
            Self::TooMany(_) => f.write_str("too many requests, try again later"),
            Self::Busy(_) => f.write_str("the server is busy, try again later"),
            Self::Full => f.write_str("the server cannot store anything at the moment"),
            Self::Internal { cause, at } => write!(f, "{cause} (noticed at {at})"),
        }
    }
}

impl std::error::Error for Error {}

/// Says aloud that a missing row is an error, and of what kind of thing.
pub trait OrNotFound<T> {
    /// `None` becomes [`Error::NotFound`] of `what`.
    fn or_not_found(self, what: &'static str) -> Result<T>;
}

impl<T> OrNotFound<T> for Option<T> {
    fn or_not_found(self, what: &'static str) -> Result<T> {
        self.ok_or(Error::NotFound(what))
    }
}

/// Collects what is wrong with a request, so that one answer names every field.
#[derive(Debug, Default)]
pub struct Checks(Vec<FieldError>);

impl Checks {
    /// Nothing is wrong yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that `field` is wrong.
    pub fn fail(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError { field: field.into(), message: message.into() });
    }

    /// Notes that `field` is wrong unless `ok`.
    pub fn check(&mut self, ok: bool, field: &str, message: &str) {
        if !ok {
            self.fail(field, message);
        }
    }

    /// [`Error::Invalid`] with everything noted, if anything was.
    pub fn done(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}
