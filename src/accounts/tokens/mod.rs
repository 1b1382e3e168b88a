//! Tokens of programs (`dbk_…`): made by administrators, limited to scopes, shown once.

pub mod http;
pub(super) mod sql;

use crate::{
    auth::secret,
    error::{Checks, Result},
    http::permission::SCOPES,
    id::{EntityId, TenantId, UserId},
    time,
};
use serde::{Deserialize, Serialize};

/// What a token begins with, so that one that leaked is known for what it is.
const PREFIX: &str = "dbk_";

/// Characters shown of a token, so that its owner knows it again.
const HINT: usize = PREFIX.len() + 4;

/// Tokens of one tenant that stand.
const TOKENS_MAX: i64 = 1_000;

/// Longest name, characters.
const NAME_MAX: usize = 100;

/// A token as administrators see it, without what makes it work.
#[derive(Debug, Clone, Serialize)]
pub struct Token {
    id: EntityId,
    #[serde(skip)]
    tenant: TenantId,
    name: String,
    /// How it begins.
    hint: String,
    scopes: Vec<String>,
    created_by: UserId,
    #[serde(serialize_with = "time::as_rfc3339")]
    created_at: i64,
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    expires_at: Option<i64>,
}

/// A new token, the only time it is shown. Not `Debug`.
#[derive(Serialize)]
pub struct Shown {
    #[serde(flatten)]
    about: Token,
    token: String,
}

/// What a token is made of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    name: String,
    scopes: Vec<String>,
    /// RFC 3339; without one the token is good until it is revoked.
    expires_at: Option<String>,
}

impl New {
    /// Checks every field, and makes the token.
    fn made(self, tenant: TenantId, by: UserId, now: i64) -> Result<Shown> {
        let mut checks = Checks::new();
        let name = self.name.trim().to_owned();
        let length = name.chars().count();
        let plain = (1..=NAME_MAX).contains(&length) && !name.contains(char::is_control);
        checks.check(plain, "name", "must be one line of 1 to 100 characters");
        let mut scopes = self.scopes;
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() || scopes.iter().any(|scope| !SCOPES.contains(&scope.as_str())) {
            checks.fail("scopes", format!("must be one or more of {}", SCOPES.join(", ")));
        }
        let expires_at = self.expires_at.as_deref().map(time::parse_rfc3339);
        checks.check(expires_at != Some(None), "expires_at", "must be a time as in RFC 3339");
        let expires_at = expires_at.flatten();
        let is_over = expires_at.is_some_and(|at| at <= now);
        checks.check(!is_over, "expires_at", "must lie in the future");
        checks.done()?;
        let token = secret::fresh(PREFIX)?;
        let about = Token {
            id: EntityId::new(now),
            tenant,
            name,
            hint: format!("{}…", token.chars().take(HINT).collect::<String>()),
            scopes,
            created_by: by,
            created_at: now,
            expires_at,
        };
        Ok(Shown { about, token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use uuid::Uuid;

    fn made(name: &str, scopes: &[&str], expires_at: Option<&str>) -> Result<Shown> {
        let scopes = scopes.iter().map(|&s| s.into()).collect();
        let new = New { name: name.into(), scopes, expires_at: expires_at.map(Into::into) };
        new.made(TenantId(Uuid::nil()), UserId(Uuid::nil()), 1_729_866_000_000)
    }

    /// The hint lets a token be known again and not be guessed.
    #[test]
    fn a_token_is_random_and_its_hint_is_short() {
        let shown = made(" ci ", &["events:write", "events:write"], None).ok().unwrap();
        assert!(shown.token.starts_with("dbk_") && shown.token.len() >= 47, "{}", shown.token);
        assert_eq!(shown.about.hint.chars().count(), HINT + 1);
        assert_eq!((shown.about.name.as_str(), shown.about.scopes.len()), ("ci", 1));
        let listed = serde_json::to_string(&shown.about).unwrap();
        assert!(!listed.contains(&shown.token), "{listed}");
    }

    #[test]
    fn everything_wrong_is_named_and_the_scopes_there_are_are_listed() {
        let Err(Error::Invalid(fields)) = made("", &["all"], Some("2020-01-01T00:00:00Z")) else {
            panic!("it was accepted")
        };
        let named: Vec<_> = fields.iter().map(|f| f.field.as_str()).collect();
        assert_eq!(named, ["name", "scopes", "expires_at"]);
        assert!(SCOPES.iter().all(|scope| fields[1].message.contains(scope)));
        assert!(
            made("a", &[], None).is_err() && made("a", &["events:read"], Some("soon")).is_err()
        );
        assert!(made("a", &["events:read"], Some("2030-01-01T00:00:00+02:00")).is_ok());
    }
}
