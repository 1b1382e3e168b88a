//! The keys of an endpoint: the present secret, and those before it that go on for a while.
//!
//! A receiver that was given the new secret and one that was not both find a signature they
//! believe, so that nobody has to change it at the same moment as we do.

pub mod http;
mod sql;

use super::{
    crypt::SecretBox,
    engine::Engine,
    sign::{KEYS_MAX, SigningKey},
};
use crate::{
    error::{Error, Result},
    id::TenantId,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How long the old secret goes on unless said, and at most, hours.
const KEEP_HOURS: u32 = 24;
const KEEP_HOURS_MAX: u32 = 168;

const HOUR_MS: i64 = 3_600_000;

/// A secret that was replaced, and when it ends (milliseconds since the Unix epoch).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Old {
    secret: String,
    until: i64,
}

/// What signs an endpoint's deliveries.
#[derive(Default)]
pub(super) struct Keys {
    /// The newest first.
    all: Vec<SigningKey>,
    /// When each ends, in the same order.
    until: Vec<i64>,
}

impl Keys {
    /// Opens what is stored of endpoint `id`.
    ///
    /// # Errors
    /// When the key file is another one.
    pub(super) fn open(
        secrets: &SecretBox,
        id: i64,
        secret: &[u8],
        old: Option<&[u8]>,
    ) -> Result<Self> {
        let key =
            |secret: &str| SigningKey::new(secret).map_err(|why| Error::internal(why.to_string()));
        let newest = secrets.open(secret, &id.to_be_bytes())?;
        let mut keys = Self { all: vec![key(&newest)?], until: vec![i64::MAX] };
        for old in open_old(secrets, id, old)? {
            keys.all.push(key(&old.secret)?);
            keys.until.push(old.until);
        }
        Ok(keys)
    }

    /// The keys that sign at `now_ms`, the newest first.
    pub(super) fn live(&self, now_ms: i64) -> Cow<'_, [SigningKey]> {
        if self.until.iter().all(|until| *until > now_ms) {
            return Cow::Borrowed(&self.all);
        }
        let living = self.all.iter().zip(&self.until).filter(|(_, until)| **until > now_ms);
        Cow::Owned(living.map(|(key, _)| key.clone()).collect())
    }
}

/// What signs now for the tenant's endpoints in whose URLs a path stands.
///
/// # Errors
/// When the database refuses, or the key file is another one.
pub(super) async fn pointing_at(
    engine: &Engine,
    tenant: TenantId,
    path: String,
) -> Result<Vec<SigningKey>> {
    let found = engine.db.read(move |r| sql::pointing_at(r, tenant, &path)).await?;
    let now = engine.db.clock().now_ms();
    let mut all = Vec::new();
    for (endpoint, (secret, old)) in found {
        let keys = Keys::open(&engine.secrets, endpoint, &secret, old.as_deref())?;
        all.extend_from_slice(&keys.live(now));
    }
    Ok(all)
}

fn aad(id: i64) -> Vec<u8> {
    [id.to_be_bytes().as_slice(), b"old"].concat()
}

fn open_old(secrets: &SecretBox, id: i64, sealed: Option<&[u8]>) -> Result<Vec<Old>> {
    let Some(sealed) = sealed else { return Ok(Vec::new()) };
    serde_json::from_str(&secrets.open(sealed, &aad(id))?).map_err(Error::internal)
}

fn seal_old(secrets: &SecretBox, id: i64, old: &[Old]) -> Result<Option<Vec<u8>>> {
    if old.is_empty() {
        return Ok(None);
    }
    let text = serde_json::to_string(old).map_err(Error::internal)?;
    secrets.seal(&text, &aad(id)).map(Some)
}

/// The old secrets once `replaced` is one of them. None goes on longer than `keep_ms` from now,
/// whatever was promised before: who rotates in a hurry means all of them. The oldest make room.
fn rotated(old: Vec<Old>, replaced: String, (now, keep_ms): (i64, i64)) -> Vec<Old> {
    let until = now + keep_ms;
    let first = Old { secret: replaced, until };
    let rest = old.into_iter().map(|old| Old { until: old.until.min(until), ..old });
    std::iter::once(first).chain(rest).filter(|old| old.until > now).take(KEYS_MAX - 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhooks::sign;

    fn old(secret: &str, until: i64) -> Old {
        Old { secret: secret.into(), until }
    }

    #[test]
    fn old_secrets_end_in_time_and_never_later_than_the_last_rotation_allows() {
        let before = vec![old("b", 90), old("a", 40)];
        let kept = rotated(before.clone(), "c".into(), (50, 100));
        assert_eq!(kept, [old("c", 150), old("b", 90)]);
        let hurried = rotated(before.clone(), "c".into(), (20, 10));
        assert_eq!(hurried, [old("c", 30), old("b", 30), old("a", 30)]);
        assert_eq!(rotated(before, "c".into(), (20, 0)), []);
        let many = (0..KEYS_MAX).map(|n| old(&n.to_string(), 100)).collect();
        let kept = rotated(many, "new".into(), (0, 200));
        assert_eq!(kept.len(), KEYS_MAX - 1);
        assert_eq!((&kept[0], &kept[KEYS_MAX - 2]), (&old("new", 200), &old("7", 100)));
    }

    #[test]
    fn each_living_key_signs_and_the_newest_comes_first() {
        let secrets = SecretBox::new(&[7; 32]);
        let seal = |secret: &str| secrets.seal(secret, &5_i64.to_be_bytes()).unwrap();
        let sealed = seal_old(&secrets, 5, &[old("second", 100), old("first", 50)]).unwrap();
        let keys = Keys::open(&secrets, 5, &seal("third"), sealed.as_deref()).unwrap();
        let made = |secrets: &[&str]| -> String {
            let keys: Vec<_> = secrets.iter().map(|s| SigningKey::new(s).unwrap()).collect();
            sign::standard(&keys, "id", 1, b"{}")
        };
        let signed = |now| sign::standard(&keys.live(now), "id", 1, b"{}");
        assert_eq!(signed(49), made(&["third", "second", "first"]));
        assert_eq!(signed(50), made(&["third", "second"]));
        assert_eq!(signed(100), made(&["third"]));
        assert!(Keys::open(&secrets, 6, &seal("third"), None).is_err(), "another endpoint's");
    }
}
