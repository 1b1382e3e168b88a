//! Signatures on deliveries: the plain `sha256=` header and the Standard Webhooks list.
//!
//! Both are HMAC-SHA256 (RFC 2104). They differ in what is signed and in how the secret becomes a
//! key: the plain one signs the body with the secret's text, the standard one signs
//! `id.timestamp.body` with the bytes behind `whsec_`.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;

/// What a Standard Webhooks secret begins with.
pub const SECRET_PREFIX: &str = "whsec_";

/// How far, in seconds, the clocks of sender and receiver may differ (Standard Webhooks: five
/// minutes).
pub const TOLERANCE_S: i64 = 300;

/// Longest secret that is accepted, bytes of its text.
pub const SECRET_MAX: usize = 256;

/// Most keys that sign one delivery; the caller keeps the newest.
pub const KEYS_MAX: usize = 10;

/// People paste secrets with and without the padding; both mean the same bytes.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a secret cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadSecret {
    /// It is empty, or longer than [`SECRET_MAX`].
    Length,
    /// It starts with `whsec_` and no base64 follows.
    Base64,
}

impl fmt::Display for BadSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => write!(f, "must be 1 to {SECRET_MAX} bytes long"),
            Self::Base64 => f.write_str("after whsec_ there must be base64"),
        }
    }
}

impl std::error::Error for BadSecret {}

/// Why a signature is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadSignature {
    /// `webhook-timestamp` is not a number of seconds.
    Timestamp,
    /// The timestamp lies further back than the tolerance: a replay, or a slow clock.
    TooOld,
    /// The timestamp lies further ahead than the tolerance.
    TooNew,
    /// No key made any of the signatures.
    NoMatch,
}

impl fmt::Display for BadSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timestamp => "the timestamp is not a number of seconds",
            Self::TooOld => "the timestamp is too old",
            Self::TooNew => "the timestamp lies in the future",
            Self::NoMatch => "no signature matches",
        })
    }
}

impl std::error::Error for BadSignature {}

/// A secret made ready to sign; the key schedule of both families is worked out once.
#[derive(Clone)]
pub struct SigningKey {
    plain: Hmac<Sha256>,
    standard: Hmac<Sha256>,
}

impl SigningKey {
    /// Reads a secret as its owner wrote it.
    pub fn new(secret: &str) -> Result<Self, BadSecret> {
        if secret.is_empty() || secret.len() > SECRET_MAX {
            return Err(BadSecret::Length);
        }
        let plain = mac(secret.as_bytes())?;
        let standard = match secret.strip_prefix(SECRET_PREFIX) {
            None => plain.clone(),
            Some(text) => match LENIENT.decode(text) {
                Ok(bytes) if !bytes.is_empty() => mac(&bytes)?,
                _ => return Err(BadSecret::Base64),
            },
        };
        Ok(Self { plain, standard })
    }

    fn plain_bytes(&self, body: &[u8]) -> [u8; 32] {
        self.plain.clone().chain_update(body).finalize().into_bytes().into()
    }

    fn standard_bytes(&self, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
        self.standard
            .clone()
            .chain_update(id)
            .chain_update(b".")
            .chain_update(timestamp)
            .chain_update(b".")
            .chain_update(body)
            .finalize()
            .into_bytes()
            .into()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

/// The value of `X-Webhook-Signature`: `sha256=` and 64 hexadecimal digits.
pub fn plain(key: &SigningKey, body: &[u8]) -> String {
    let mut text = String::with_capacity(7 + 64);
    text.push_str("sha256=");
    for byte in key.plain_bytes(body) {
        text.extend([byte >> 4, byte & 15].map(|n| char::from(n + if n < 10 { b'0' } else { 87 })));
    }
    text
}

/// The value of `webhook-signature`: one `v1,<base64>` a key, in the order given (newest first).
pub fn standard(keys: &[SigningKey], id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let timestamp = timestamp_s.to_string();
    let mut text = String::with_capacity(keys.len() * 48);
    for key in keys.iter().take(KEYS_MAX) {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str("v1,");
        STANDARD.encode_string(key.standard_bytes(id, &timestamp, body), &mut text);
    }
    text
}

/// Whether one of `keys` made the `X-Webhook-Signature` that came with `body`.
pub fn verify_plain(keys: &[SigningKey], header: &str, body: &[u8]) -> bool {
    let Some(claimed) = header.trim().strip_prefix("sha256=").and_then(unhex) else {
        return false;
    };
    keys.iter().any(|key| bool::from(key.plain_bytes(body).ct_eq(&claimed)))
}

/// The three Standard Webhooks headers of a request, as they were received.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`, seconds.
    pub timestamp: &'a str,
    /// `webhook-signature`: entries apart by spaces, those of unknown versions are skipped.
    pub signature: &'a str,
}

/// Whether one of `keys` made one of the signatures, not further than `tolerance_s` from `now_s`.
pub fn verify_standard(
    keys: &[SigningKey],
    received: Received<'_>,
    body: &[u8],
    now_s: i64,
    tolerance_s: i64,
) -> Result<(), BadSignature> {
    let Received { id, timestamp, signature } = received;
    let sent_s: i64 = timestamp.parse().map_err(|_| BadSignature::Timestamp)?;
    let age_s = now_s.saturating_sub(sent_s);
    if age_s > tolerance_s {
        return Err(BadSignature::TooOld);
    }
    if age_s < -tolerance_s {
        return Err(BadSignature::TooNew);
    }
    let claims: Vec<Vec<u8>> = signature
        .split(' ')
        .filter_map(|entry| entry.strip_prefix("v1,"))
        .filter_map(|text| STANDARD.decode(text).ok())
        .take(KEYS_MAX)
        .collect();
    let made = |key: &SigningKey| {
        let expected = key.standard_bytes(id, timestamp, body);
        claims.iter().any(|claim| bool::from(expected.as_slice().ct_eq(claim)))
    };
    if keys.iter().any(made) { Ok(()) } else { Err(BadSignature::NoMatch) }
}

/// A new secret: `whsec_` and the base64 of 32 random bytes.
pub fn generate_secret() -> crate::error::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(crate::error::Error::internal)?;
    Ok(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes)))
}

fn mac(key: &[u8]) -> Result<Hmac<Sha256>, BadSecret> {
    // HMAC takes a key of any length; the error exists for other kinds of code.
    Hmac::new_from_slice(key).map_err(|_| BadSecret::Length)
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (to, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        for digit in pair {
            let value = char::from(*digit).to_digit(16).and_then(|v| u8::try_from(v).ok())?;
            *to = (*to << 4) | value;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values below were worked out with Python's `hmac`.
    const BODY: &[u8] =
        "{\"event\":\"ticket.created\",\"data\":{\"subject\":\"Hällo\"}}".as_bytes();
    const ID: &str = "0192c7a0-7c1e-7000-8000-000000000001";
    const AT: i64 = 1_729_866_000;
    const WHSEC: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const BY_RAW: &str = "v1,91eaSNhHQlx7roYgGQSpyxdoTjulcUwr/vST4wizeHA=";
    const BY_WHSEC: &str = "v1,Np89p/24k6DXixxlc7i/6FusVt3+HqMMdwPuF0+nnPQ=";

    fn key(secret: &str) -> SigningKey {
        SigningKey::new(secret).unwrap()
    }

    fn received<'a>(timestamp: &'a str, signature: &'a str) -> Received<'a> {
        Received { id: ID, timestamp, signature }
    }

    #[test]
    fn the_plain_header_signs_the_body_with_the_text_of_the_secret() {
        for (secret, body, expected) in [
            (
                "my-secret-key",
                BODY,
                "sha256=af38908dde66e8a0c4999544c9a4bde43dfd55f02337e57e26605e2fe45d91ad",
            ),
            (
                WHSEC,
                BODY,
                "sha256=4b4f3df9faad22a73e6dd2bd151b9ccedb5ab1bf720ed17a49c01d03af4498b4",
            ),
            (
                "k",
                b"".as_slice(),
                "sha256=8bb990c40a7d61cb97597a942125025be50ac8beb74436e3735b98893a7f6620",
            ),
        ] {
            assert_eq!(plain(&key(secret), body), expected);
            assert!(verify_plain(&[key("other"), key(secret)], expected, body));
            assert!(verify_plain(&[key(secret)], &expected.replace('e', "E"), body));
            assert!(!verify_plain(&[key(secret)], expected, b"another body"));
            assert!(!verify_plain(&[key("other")], expected, body));
            assert!(!verify_plain(&[key(secret)], &expected.replace("sha256=", ""), body));
            assert!(!verify_plain(&[key(secret)], expected.trim_end_matches('0'), b"x"));
        }
    }

    #[test]
    fn the_standard_header_signs_id_time_and_body() {
        assert_eq!(standard(&[key("my-secret-key")], ID, AT, BODY), BY_RAW);
        assert_eq!(standard(&[key(WHSEC)], ID, AT, BODY), BY_WHSEC);
        assert_eq!(standard(&[key(WHSEC.trim_end_matches('='))], ID, AT, BODY), BY_WHSEC);
        // The example of the Standard Webhooks libraries.
        let theirs = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        assert_eq!(
            standard(
                &[theirs],
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                b"{\"test\": 2432232314}"
            ),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn during_a_rotation_both_keys_sign_newest_first_and_either_verifies() {
        let keys = [key(WHSEC), key("my-secret-key")];
        let both = standard(&keys, ID, AT, BODY);
        assert_eq!(both, format!("{BY_WHSEC} {BY_RAW}"));
        for known in keys {
            let seen = received("1729866000", &both);
            assert_eq!(verify_standard(&[known], seen, BODY, AT, TOLERANCE_S), Ok(()));
        }
    }

    #[test]
    fn the_standard_check_refuses_what_is_altered_old_or_early() {
        let keys = [key("my-secret-key")];
        let check =
            |seen, body: &[u8], now_s| verify_standard(&keys, seen, body, now_s, TOLERANCE_S);
        let good = received("1729866000", BY_RAW);
        assert_eq!(check(good, BODY, AT + 300), Ok(()));
        assert_eq!(check(good, BODY, AT - 300), Ok(()));
        assert_eq!(check(good, BODY, AT + 301), Err(BadSignature::TooOld));
        assert_eq!(check(good, BODY, AT - 301), Err(BadSignature::TooNew));
        assert_eq!(check(good, b"{}", AT), Err(BadSignature::NoMatch));
        let moved = received("1729866001", BY_RAW);
        assert_eq!(check(moved, BODY, AT), Err(BadSignature::NoMatch));
        for junk in ["", "soon", "1e9", " 1729866000", "99999999999999999999"] {
            assert_eq!(check(received(junk, BY_RAW), BODY, AT), Err(BadSignature::Timestamp));
        }
        let other = Received { id: "other", ..good };
        assert_eq!(check(other, BODY, AT), Err(BadSignature::NoMatch));
        let other_version = BY_RAW.replace("v1,", "v2,");
        for junk in ["", "v1,", "v1a,zzz", "v2,91eaSNhHQlx7", &other_version] {
            let seen = received("1729866000", junk);
            assert_eq!(check(seen, BODY, AT), Err(BadSignature::NoMatch), "{junk}");
        }
        let extreme = received("-9223372036854775808", BY_RAW);
        assert_eq!(check(extreme, BODY, AT), Err(BadSignature::TooOld));
    }

    #[test]
    fn a_secret_must_have_a_length_and_base64_after_its_prefix() {
        assert_eq!(SigningKey::new("").unwrap_err(), BadSecret::Length);
        assert_eq!(SigningKey::new(&"x".repeat(257)).unwrap_err(), BadSecret::Length);
        for bad in ["whsec_", "whsec_!!!", "whsec_a"] {
            assert_eq!(SigningKey::new(bad).unwrap_err(), BadSecret::Base64, "{bad}");
        }
        assert!(SigningKey::new(&"x".repeat(256)).is_ok());
        assert_eq!(format!("{:?}", key("hush")), "SigningKey(..)");
    }

    #[test]
    fn a_made_secret_holds_32_bytes_and_never_repeats() {
        let (one, two) = (generate_secret().unwrap(), generate_secret().unwrap());
        assert_ne!(one, two);
        let text = one.strip_prefix(SECRET_PREFIX).unwrap();
        assert_eq!(STANDARD.decode(text).unwrap().len(), 32);
        assert!(SigningKey::new(&one).is_ok());
    }
}
