//! Headers of one's own on an endpoint: what may be said, how it is kept, what is shown of it.
//!
//! They often carry somebody's credentials, so they are sealed like secrets, and whoever reads the
//! endpoint sees their names only. What was shown can be sent back: [`HIDDEN`] keeps what is there.

use super::{crypt::SecretBox, sql};
use crate::{
    db::Write,
    error::{Checks, Error, Result},
    id::TenantId,
};
use ::http::{HeaderName, HeaderValue};
use serde::{Serializer, ser::SerializeMap as _};
use std::collections::BTreeMap;

/// Most headers of one endpoint.
pub const HEADERS_MAX: usize = 20;

/// Most bytes of all their names and values.
pub const BYTES_MAX: usize = 4 << 10;

/// Stands for a value that is not shown.
pub const HIDDEN: &str = "***";

/// Names that are the sender's own or decide how bytes are framed.
const RESERVED: [&str; 9] = [
    "host",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "upgrade",
    "trailer",
    "expect",
    "x-tenant-id",
];

/// What reserved names begin with.
const RESERVED_PREFIXES: [&str; 5] = ["content-", "proxy-", "webhook-", "x-webhook-", "deskbell-"];

/// Names in lower case, and values.
pub type Custom = BTreeMap<String, String>;

/// What somebody wishes for, in the place of what is `stored`.
///
/// # Errors
/// 422 naming each header that cannot be sent.
pub fn checked(said: &Custom, stored: &Custom) -> Result<Custom> {
    let mut checks = Checks::new();
    let mut wanted = Custom::new();
    for (name, value) in said {
        let lower = name.to_ascii_lowercase();
        let kept = stored.get(&lower);
        let value = kept.filter(|_| value == HIDDEN).unwrap_or(value);
        let field = format!("headers.{name}");
        if HeaderName::try_from(&lower).is_err() {
            checks.fail(field, "is no name of a header");
        } else if is_reserved(&lower) {
            checks.fail(field, "is set by Deskbell itself");
        } else if !value.is_ascii() || HeaderValue::from_str(value).is_err() {
            checks.fail(field, "must be one line of plain ASCII");
        } else if value == HIDDEN && kept.is_none() {
            // Copied from another webhook, or under another name: what it stood for is not here.
            checks.fail(field, "stands for a value that is not here: say the value itself");
        } else if wanted.insert(lower, value.clone()).is_some() {
            checks.fail(field, "stands there twice");
        }
    }
    let bytes: usize = wanted.iter().map(|(name, value)| name.len() + value.len()).sum();
    checks.check(said.len() <= HEADERS_MAX, "headers", "must be at most 20");
    checks.check(bytes <= BYTES_MAX, "headers", "must be at most 4 KiB together");
    checks.done()?;
    Ok(wanted)
}

fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn aad(endpoint: i64) -> Vec<u8> {
    [endpoint.to_be_bytes().as_slice(), b"headers"].concat()
}

/// As it is stored; none for no headers.
pub(super) fn seal(custom: &Custom, secrets: &SecretBox, endpoint: i64) -> Result<Option<Vec<u8>>> {
    if custom.is_empty() {
        return Ok(None);
    }
    let text = serde_json::to_string(custom).map_err(Error::internal)?;
    secrets.seal(&text, &aad(endpoint)).map(Some)
}

/// What [`seal`] made.
pub(super) fn open(sealed: Option<&[u8]>, secrets: &SecretBox, endpoint: i64) -> Result<Custom> {
    let Some(sealed) = sealed else { return Ok(Custom::new()) };
    serde_json::from_str(&secrets.open(sealed, &aad(endpoint))?).map_err(Error::internal)
}

/// Ready to be sent, marked as sensitive. All of them were checked when they were stored.
pub(super) fn pairs(custom: &Custom) -> Box<[(HeaderName, HeaderValue)]> {
    let pair = |(name, value): (&String, &String)| {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::try_from(name).ok()?, value))
    };
    custom.iter().filter_map(pair).collect()
}

/// The headers that are wished for, if they are others than those of a tenant's endpoint.
///
/// # Errors
/// As [`checked`].
pub(super) fn other(
    w: &Write<'_>,
    secrets: &SecretBox,
    (tenant, id): (TenantId, i64),
    said: Option<&Custom>,
) -> Result<Option<Custom>> {
    let Some(said) = said else { return Ok(None) };
    let stored = open(sql::headers(w, tenant, id)?.as_deref(), secrets, id)?;
    let wanted = checked(said, &stored)?;
    Ok(Some(wanted).filter(|wanted| *wanted != stored))
}

/// Stores the headers of a tenant's endpoint.
///
/// # Errors
/// When the database refuses.
pub(super) fn put(
    w: &Write<'_>,
    secrets: &SecretBox,
    (tenant, id): (TenantId, i64),
    custom: &Custom,
) -> Result<()> {
    let names: Vec<_> = custom.keys().collect();
    let sealed = seal(custom, secrets, id)?;
    sql::set_headers(w, (tenant, id), &names, sealed.as_deref())
}

/// The names as an endpoint shows them: each with [`HIDDEN`] for its value.
pub(super) fn show<S: Serializer>(names: &[String], to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(names.len()))?;
    for name in names {
        map.serialize_entry(name, HIDDEN)?;
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(pairs: &[(&str, &str)]) -> Custom {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_header_that_could_forge_or_frame_a_delivery_is_refused_by_name() {
        let long = "x".repeat(BYTES_MAX);
        for (name, value) in [
            ("Host", "evil"),
            ("content-length", "0"),
            ("Content-Type", "text/plain"),
            ("connection", "close"),
            ("Transfer-Encoding", "chunked"),
            ("TE", "trailers"),
            ("upgrade", "h2c"),
            ("trailer", "x"),
            ("proxy-authorization", "x"),
            ("webhook-signature", "v1,x"),
            ("X-Webhook-Id", "7"),
            ("x-tenant-id", "t"),
            ("deskbell-hops", "0"),
            ("x y", "a space in the name"),
            ("", "no name"),
            ("x-ä", "a letter beyond ASCII"),
            ("x-a", "one\r\nx-b: two"),
            ("x-a", "one\ntwo"),
            ("x-a", "nothing\0"),
            ("x-a", "ä"),
            ("x-long", &long),
        ] {
            match checked(&custom(&[(name, value)]), &Custom::new()) {
                Err(Error::Invalid(fields)) => {
                    assert!(fields[0].field.starts_with("headers"), "{name}: {fields:?}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
        let many: Custom = (0..21).map(|n| (format!("x-{n}"), String::new())).collect();
        assert!(checked(&many, &Custom::new()).is_err());
        let twice = custom(&[("X-A", "1"), ("x-a", "2")]);
        assert!(checked(&twice, &Custom::new()).is_err());
    }

    #[test]
    fn what_was_shown_can_be_sent_back_and_keeps_what_was_hidden() {
        let stored = custom(&[("authorization", "Bearer abc"), ("x-team", "desk")]);
        let said = custom(&[("Authorization", HIDDEN), ("x-team", "floor")]);
        let wanted = checked(&said, &stored).unwrap();
        assert_eq!(wanted, custom(&[("authorization", "Bearer abc"), ("x-team", "floor")]));
    }

    /// What is copied from another webhook would otherwise be sent as three stars, unnoticed.
    #[test]
    fn stars_for_a_value_that_is_not_there_are_refused_by_name() {
        let said = custom(&[("x-new", HIDDEN), ("x-team", HIDDEN)]);
        match checked(&said, &custom(&[("x-team", "desk")])) {
            Err(Error::Invalid(fields)) => {
                let named: Vec<_> = fields.iter().map(|f| f.field.as_str()).collect();
                assert_eq!(named, ["headers.x-new"]);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn headers_are_sealed_for_their_endpoint() {
        let secrets = SecretBox::new(&[7; 32]);
        let stored = custom(&[("authorization", "Bearer abc")]);
        let sealed = seal(&stored, &secrets, 3).unwrap().unwrap();
        assert!(!sealed.windows(3).any(|bytes| bytes == b"abc"));
        assert_eq!(open(Some(&sealed), &secrets, 3).unwrap(), stored);
        assert!(open(Some(&sealed), &secrets, 4).is_err());
        assert_eq!(seal(&Custom::new(), &secrets, 3).unwrap(), None);
    }
}
