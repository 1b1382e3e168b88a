//! One request as a bin keeps it: what was sent, what of it is hidden, and what was answered.

use super::{Behaviour, Verdict};
use crate::time;
use ::http::{HeaderMap, Method, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{
    Serialize, Serializer,
    ser::{SerializeMap as _, SerializeStruct as _},
};

/// Bytes of path and query that are kept; the rest is cut.
const PATH_KEPT_MAX: usize = 2 << 10;

/// Bytes of headers that are kept; those behind are left out, and `headers_cut` says so.
const HEADERS_KEPT_MAX: usize = 16 << 10;

/// What a request costs beside its text, bytes.
const OVERHEAD: usize = 256;

/// A request on its way into a bin.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// `POST`.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, at most [`super::BODY_MAX`] bytes.
    pub body: Bytes,
    /// The address it came from; none within the process.
    pub from: Option<std::net::IpAddr>,
}

/// A request in a bin.
#[derive(Debug)]
pub struct Kept {
    /// Its number in the bin, from 1.
    pub number: u64,
    pub(super) received_at: i64,
    pub(super) answer: Behaviour,
    pub(super) signature: Verdict,
    method: Method,
    path: String,
    from: Option<std::net::IpAddr>,
    headers: Vec<(String, String)>,
    headers_cut: bool,
    body: Bytes,
    bytes: usize,
}

impl Kept {
    /// Ready to be kept: cut to its bounds, credentials hidden.
    pub(super) fn new(
        number: u64,
        received_at: i64,
        (answer, signature): (Behaviour, Verdict),
        incoming: Incoming,
    ) -> Self {
        let Incoming { method, mut path, headers, body, from } = incoming;
        path.truncate(path.floor_char_boundary(PATH_KEPT_MAX));
        let (headers, headers_cut) = readable(&headers);
        let text: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 48).sum();
        // A slice of a larger buffer would keep all of it.
        let body = Bytes::copy_from_slice(&body);
        let bytes = OVERHEAD + path.len() + text + body.len();
        Self {
            number,
            received_at,
            answer,
            signature,
            method,
            path,
            from,
            headers,
            headers_cut,
            body,
            bytes,
        }
    }

    /// What it costs to keep, bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Headers as text, in their order, and whether some were left out.
fn readable(headers: &HeaderMap) -> (Vec<(String, String)>, bool) {
    let mut room = HEADERS_KEPT_MAX;
    let mut kept = Vec::new();
    for (name, value) in headers {
        let text = String::from_utf8_lossy(value.as_bytes());
        let text = match *name {
            // A browser that opens the bin sends the cookie of whoever is signed in here.
            header::COOKIE => String::from("(hidden)"),
            header::AUTHORIZATION | header::PROXY_AUTHORIZATION => hidden(&text),
            // A webhook's own header: whoever reads the webhook sees its name only.
            _ if value.is_sensitive() => format!("(hidden, {} characters)", text.chars().count()),
            _ => text.into_owned(),
        };
        let size = name.as_str().len() + text.len();
        if size > room {
            return (kept, true);
        }
        room -= size;
        kept.push((name.as_str().to_owned(), text));
    }
    (kept, false)
}

/// `Bearer (hidden, 12 characters)`: enough to see that it was sent, not enough to use it.
fn hidden(value: &str) -> String {
    let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
    format!("{scheme} (hidden, {} characters)", rest.chars().count()).trim_start().to_owned()
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut row = to.serialize_struct("Kept", 12)?;
        let text = std::str::from_utf8(&self.body).ok();
        row.serialize_field("number", &self.number)?;
        row.serialize_field("received_at", &time::rfc3339(self.received_at))?;
        row.serialize_field("method", self.method.as_str())?;
        row.serialize_field("path", &self.path)?;
        row.serialize_field("from", &self.from)?;
        row.serialize_field("headers", &Pairs(&self.headers))?;
        row.serialize_field("headers_cut", &self.headers_cut)?;
        row.serialize_field("size", &self.body.len())?;
        row.serialize_field("body", &text)?;
        let bytes = text.is_none().then(|| STANDARD.encode(&self.body));
        row.serialize_field("body_base64", &bytes)?;
        row.serialize_field("answer", &self.answer)?;
        row.serialize_field("signature", &self.signature)?;
        row.end()
    }
}

/// Headers as an object; a name that came twice has its values joined, as HTTP reads it.
struct Pairs<'a>(&'a [(String, String)]);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for (at, (name, _)) in self.0.iter().enumerate() {
            let seen = self.0.iter().take(at).any(|(earlier, _)| earlier == name);
            if !seen {
                let same = self.0.iter().filter(|(other, _)| other == name);
                let values: Vec<&str> = same.map(|(_, value)| value.as_str()).collect();
                map.serialize_entry(name, &values.join(", "))?;
            }
        }
        map.end()
    }
}
