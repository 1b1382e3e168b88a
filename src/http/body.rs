//! Reading what was sent: JSON bodies, queries and paths, with errors that name the field.

use super::wording;
use crate::error::{Error, FieldError};
use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, header, request::Parts},
};
use serde::de::{DeserializeOwned, IgnoredAny};
use std::time::Duration;

/// Largest JSON body, bytes.
pub const BODY_MAX: usize = 1 << 20;

/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// A JSON body of a route of our own: a field that is not known is an error
/// (`#[serde(deny_unknown_fields)]` on `T`).
#[derive(Debug)]
pub struct Json<T>(pub T);

/// A JSON body of a route that a seed fixes: an empty body reads as `{}`.
#[derive(Debug)]
pub struct Lenient<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;
    async fn from_request(req: Request, _: &S) -> Result<Self, Error> {
        from_json(&read(req).await?).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Lenient<T> {
    type Rejection = Error;
    async fn from_request(req: Request, _: &S) -> Result<Self, Error> {
        let bytes = read(req).await?;
        from_json(if bytes.trim_ascii().is_empty() { b"{}" } else { &bytes }).map(Self)
    }
}

/// The bytes of a JSON body just as they came, for what is signed over them.
#[derive(Debug)]
pub struct Raw(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Error;
    async fn from_request(req: Request, _: &S) -> Result<Self, Error> {
        read(req).await.map(Self)
    }
}

/// Reads a JSON body whole, within its bounds.
async fn read(req: Request) -> Result<Bytes, Error> {
    if !is_json(req.headers()) {
        return Err(Error::UnsupportedMediaType);
    }
    let too_large = Error::TooLarge(BODY_MAX as u64);
    let announced = req.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|len| len > BODY_MAX) {
        return Err(too_large);
    }
    let reading = to_bytes(req.into_body(), BODY_MAX);
    match tokio::time::timeout(BODY_WITHIN, reading).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(e)) if is_length_limit(&e) => Err(too_large),
        Ok(Err(_)) => Err(Error::Malformed("the body ended too early".into())),
        Err(_) => Err(Error::Malformed("the body took too long to arrive".into())),
    }
}

/// Whether a body could not be read because it is longer than was asked for.
pub fn is_length_limit(e: &axum::Error) -> bool {
    let mut source = std::error::Error::source(e);
    while let Some(e) = source {
        if e.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        source = e.source();
    }
    false
}

/// JSON comes as `application/json`, `…+json`, `text/plain` or without a content type (a browser's
/// `fetch` with a string body says `text/plain`, seed A's says nothing).
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let Ok(text) = value.to_str() else { return false };
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(essence.as_str(), "" | "application/json" | "text/plain")
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Reads a JSON object into `T`.
///
/// # Errors
/// 400 for what is not JSON at all, 422 naming the field for what is not a `T`.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    if std::str::from_utf8(bytes).is_err() {
        return Err(Error::Malformed("the body is not UTF-8".into()));
    }
    // serde would read a list as the fields in the order in which we happen to declare them.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        is_json_at_all(bytes)?;
        return Err(Error::field("body", "must be a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader);
    let value = match read {
        Ok(value) => value,
        Err(e) => {
            // A wrong field may stand before the place where the text breaks off.
            is_json_at_all(bytes)?;
            return Err(describe(e.inner(), &e.path().to_string()));
        }
    };
    reader.end().map_err(|e| not_json(&e))?;
    Ok(value)
}

fn is_json_at_all(bytes: &[u8]) -> Result<(), Error> {
    serde_json::from_slice::<IgnoredAny>(bytes).map(drop).map_err(|e| not_json(&e))
}

fn not_json(e: &serde_json::Error) -> Error {
    Error::Malformed(format!("the body is not JSON: {e}"))
}

/// What is wrong with text that is JSON.
fn describe(e: &serde_json::Error, path: &str) -> Error {
    use serde_json::error::Category;
    let text = e.to_string();
    if matches!(e.classify(), Category::Eof | Category::Io) {
        return not_json(e);
    }
    // serde_json ends every message with the position, which says nothing about a field.
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    let (named, message) = wording::complaint(message);
    if let (None, Some(object)) = (named, path.strip_suffix(".?")) {
        return Error::field(object, format!("has a key that {message}"));
    }
    Error::Invalid(vec![FieldError { field: named.unwrap_or(path).into(), message }])
}

/// A path parameter; one that cannot be read names nothing that exists.
#[derive(Debug)]
pub struct PathOf<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathOf<T> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(value)| Self(value)).map_err(|_| Error::NotFound("thing at that path"))
    }
}

/// The query string; a parameter that is wrong is named.
#[derive(Debug)]
pub struct QueryOf<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryOf<T> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        let reader = serde_urlencoded::Deserializer::new(pairs);
        serde_path_to_error::deserialize(reader).map(Self).map_err(|e| {
            let path = e.path().to_string();
            let message = e.into_inner().to_string();
            let (named, message) = wording::complaint(&message);
            Error::Invalid(vec![FieldError { field: named.unwrap_or(&path).into(), message }])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sent {
        #[allow(dead_code, reason = "only read from JSON")]
        name: String,
        #[allow(dead_code, reason = "only read from JSON")]
        #[serde(default)]
        list: Vec<i32>,
    }

    /// What is wrong is named, with the status that fits.
    #[test]
    fn errors_name_the_field() {
        let told = |text: &[u8]| match from_json::<Sent>(text).unwrap_err() {
            Error::Invalid(fields) => format!("{}: {}", fields[0].field, fields[0].message),
            Error::Malformed(_) => "malformed".into(),
            other => panic!("{other:?}"),
        };
        assert_eq!(told(br#"{"list":[]}"#), "name: is required");
        assert_eq!(told(br#"{"name":"a","color":1}"#), "color: is not a field of this request");
        assert_eq!(
            told(br#"{"name":"a","list":[1,"x"]}"#),
            "list[1]: must be a whole number, not a string"
        );
        assert_eq!(told(br#"{"name":1}"#), "name: must be a string, not a number");
        for other in [&br#"["a", []]"#[..], b" \"a\"", b"7", b"null"] {
            assert_eq!(told(other), "body: must be a JSON object", "{other:?}");
        }
        let late = [&br#"{"color":1"#[..], br#"{"color":1} x"#, br#"{"name":1,}"#];
        for broken in late {
            assert_eq!(told(broken), "malformed", "{broken:?}");
        }
        for broken in [&b"{"[..], b"", b"{\"name\":\"a\"} x", b"{'name':1}", b"\xff\xfe"] {
            assert_eq!(told(broken), "malformed", "{broken:?}");
        }
    }
}
