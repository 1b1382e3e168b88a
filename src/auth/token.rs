//! Access tokens: JWT (RFC 7519) signed with HS256 and nothing else, bound to a session.

use crate::{
    auth::Role,
    id::{SessionId, TenantId, UserId},
};
use chrono::DateTime;
use jwt_compact::{
    AlgorithmExt as _, Claims, Header, UntrustedToken,
    alg::{Hs256, Hs256Key},
};
use serde::{Deserialize, Serialize};

/// How long an access token is good for: B's clients cannot refresh, so a working day.
pub const ACCESS_TTL_MS: i64 = 12 * 3_600_000;

/// Longest token that is looked at, bytes.
const TOKEN_MAX: usize = 2_048;

/// What a token says. The role and the tenant are for the client to read; what counts is what the
/// database says of the session.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Said {
    sub: UserId,
    user_id: UserId,
    tenant_id: TenantId,
    role: Role,
    sid: SessionId,
}

/// A token that was signed by us and has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The sign-in it is bound to; whether that still stands is asked elsewhere.
    pub session: SessionId,
    /// When it ends, milliseconds since the Unix epoch.
    pub expires_at: i64,
}

/// Whom a token is made for.
#[derive(Debug, Clone, Copy)]
pub struct Bearer {
    /// The user.
    pub user: UserId,
    /// Their tenant.
    pub tenant: TenantId,
    /// Their role.
    pub role: Role,
    /// The sign-in.
    pub session: SessionId,
}

/// Why a token is not accepted. The client only hears that it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejected {
    /// Not three parts of base64url JSON, or far too long.
    Unreadable,
    /// Another algorithm, another key, or changed since it was signed.
    Forged,
    /// It has ended.
    Expired,
}

/// The keys that sign and check tokens.
pub struct Keys {
    signing: Hs256Key,
    previous: Vec<Hs256Key>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("previous", &self.previous.len()).finish_non_exhaustive()
    }
}

impl Keys {
    /// Signs with `secret`; tokens signed with one of `previous` are still good.
    pub fn new(secret: &[u8], previous: &[&[u8]]) -> Self {
        Self {
            signing: Hs256Key::new(secret),
            previous: previous.iter().map(Hs256Key::new).collect(),
        }
    }

    /// Makes a token that ends [`ACCESS_TTL_MS`] after `now_ms`.
    ///
    /// # Errors
    /// Only when the claims cannot be written.
    pub fn sign(&self, bearer: Bearer, now_ms: i64) -> crate::error::Result<String> {
        let said = Said {
            sub: bearer.user,
            user_id: bearer.user,
            tenant_id: bearer.tenant,
            role: bearer.role,
            sid: bearer.session,
        };
        // `iat` and `exp` by our clock, which tests move, not by the library's.
        let mut claims = Claims::new(said);
        claims.issued_at = DateTime::from_timestamp_millis(now_ms);
        claims.expiration = DateTime::from_timestamp_millis(now_ms + ACCESS_TTL_MS);
        Hs256
            .token(&Header::empty().with_token_type("JWT"), &claims, &self.signing)
            .map_err(crate::error::Error::internal)
    }

    /// Checks a token's form, algorithm, signature and end.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub fn verify(&self, token: &str, now_ms: i64) -> Result<Verified, Rejected> {
        if token.len() > TOKEN_MAX {
            return Err(Rejected::Unreadable);
        }
        let untrusted = UntrustedToken::new(token).map_err(|_| Rejected::Unreadable)?;
        let (_, claims) = std::iter::once(&self.signing)
            .chain(&self.previous)
            .find_map(|key| Hs256.validator::<Said>(key).validate(&untrusted).ok())
            .ok_or(Rejected::Forged)?
            .into_parts();
        let expires_at = claims.expiration.ok_or(Rejected::Forged)?.timestamp_millis();
        if now_ms >= expires_at {
            return Err(Rejected::Expired);
        }
        Ok(Verified { session: claims.custom.sid, expires_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use uuid::Uuid;

    const NOW: i64 = 1_729_866_000_000;

    fn keys() -> Keys {
        Keys::new(b"a secret of thirty-two bytes, ok", &[])
    }

    fn bearer() -> Bearer {
        Bearer {
            user: UserId(Uuid::from_u128(1)),
            tenant: TenantId(Uuid::from_u128(2)),
            role: Role::Agent,
            session: SessionId(Uuid::from_u128(3)),
        }
    }

    #[test]
    fn a_token_is_good_until_it_ends() {
        let token = keys().sign(bearer(), NOW).unwrap();
        let good = keys().verify(&token, NOW + ACCESS_TTL_MS - 1).unwrap();
        assert_eq!(good.session, bearer().session);
        assert_eq!(keys().verify(&token, NOW + ACCESS_TTL_MS), Err(Rejected::Expired));
    }

    #[test]
    fn a_token_of_the_previous_secret_is_good_and_of_another_is_not() {
        let token = keys().sign(bearer(), NOW).unwrap();
        let rotated = Keys::new(b"new", &[b"a secret of thirty-two bytes, ok"]);
        assert!(rotated.verify(&token, NOW).is_ok());
        assert_eq!(Keys::new(b"new", &[]).verify(&token, NOW), Err(Rejected::Forged));
    }

    /// Other algorithms, changed claims, extra parts and garbage are all refused.
    #[test]
    fn forged_tokens_are_refused() {
        let token = keys().sign(bearer(), NOW).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else { panic!("three parts") };
        let json = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let admin = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap())
            .unwrap()
            .replace("\"agent\"", "\"admin\"");
        let forged = [
            format!("{}.{claims}.", json(r#"{"alg":"none","typ":"JWT"}"#)),
            format!("{}.{claims}.{signature}", json(r#"{"alg":"none","typ":"JWT"}"#)),
            format!("{}.{claims}.{signature}", json(r#"{"alg":"HS512","typ":"JWT"}"#)),
            format!("{}.{claims}.{signature}", json(r#"{"alg":"RS256","typ":"JWT"}"#)),
            format!("{}.{claims}.{signature}", json(r#"{"typ":"JWT"}"#)),
            format!("{header}.{}.{signature}", json(&admin)),
            format!("{header}.{claims}"),
            format!("{header}.{claims}."),
            format!("{header}.{claims}.{signature}.{signature}"),
            format!("{header}.{claims}.{signature}A"),
            format!(".{claims}.{signature}"),
            String::new(),
            "..".into(),
            "a.b.c".into(),
            "é.é.é".into(),
            "A".repeat(TOKEN_MAX + 1),
        ];
        for token in forged {
            assert!(keys().verify(&token, NOW).is_err(), "{token}");
        }
    }
}
