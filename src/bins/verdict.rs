//! Whether a request in a bin is signed, and by whom it should be.

use crate::webhooks::sign::{self, Received, SigningKey};
use ::http::HeaderMap;
use serde::Serialize;

/// What is to be thought of a request's signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// `valid`: every signature that came is good. `invalid`: one is not. `unsigned`: none came.
    /// `no_secret`: there is no secret to check them with.
    pub verdict: &'static str,
    /// `X-Webhook-Signature`; none when it did not come or could not be checked.
    pub plain: Option<bool>,
    /// The three headers of Standard Webhooks, likewise.
    pub standard: Option<bool>,
    /// What is wrong, in words.
    pub why: Option<String>,
}

/// Judges the signatures of a request that came at `now_s`, by the keys it may be signed with.
pub(super) fn judge(keys: &[SigningKey], headers: &HeaderMap, body: &[u8], now_s: i64) -> Verdict {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (plain, standard) = (text("x-webhook-signature"), text("webhook-signature"));
    let verdict =
        |verdict, why: Option<String>| Verdict { verdict, plain: None, standard: None, why };
    if plain.is_none() && standard.is_none() {
        return verdict("unsigned", None);
    }
    if keys.is_empty() {
        let why = "the bin has no secret, and no webhook of yours points to it";
        return verdict("no_secret", Some(why.into()));
    }
    let plain = plain.map(|claimed| sign::verify_plain(keys, claimed, body));
    let standard = standard.map(|signature| {
        let (Some(id), Some(timestamp)) = (text("webhook-id"), text("webhook-timestamp")) else {
            return Err(String::from("webhook-id or webhook-timestamp is missing"));
        };
        let claimed = Received { id, timestamp, signature };
        sign::verify_standard(keys, claimed, body, now_s, sign::TOLERANCE_S)
            .map_err(|e| e.to_string())
    });
    let why = match (plain, &standard) {
        (_, Some(Err(why))) => Some(format!("webhook-signature: {why}")),
        (Some(false), _) => Some(String::from("X-Webhook-Signature does not match")),
        _ => None,
    };
    let verdict = if why.is_none() { "valid" } else { "invalid" };
    Verdict { verdict, plain, standard: standard.map(|checked| checked.is_ok()), why }
}
