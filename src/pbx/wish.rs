//! What people ask for when they set up a telephone system, checked.

use super::{Kind, Pbx};
use crate::{
    error::{Checks, Result},
    http::patch,
};
use serde::{Deserialize, Serialize};

/// The manager interface's own port.
const AMI_PORT: u16 = 5038;

/// Longest name, host, user name, secret, channel and context, characters.
const NAME_MAX: usize = 100;
const HOST_MAX: usize = 253;
const WORD_MAX: usize = 80;

/// What stands for the extension in how an agent's telephone is called.
const EXTENSION: &str = "{extension}";

/// What can be said about a telephone system when it is made or changed; what is absent stays as it
/// is, or has its default. Not `Debug`: a secret is in it.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    kind: Option<Kind>,
    name: Option<String>,
    host: Option<String>,
    port: Option<u16>,
    username: Option<String>,
    secret: Option<String>,
    #[serde(default, deserialize_with = "patch::nullable")]
    dial_channel: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::nullable")]
    dial_context: Option<Option<String>>,
    is_active: Option<bool>,
    /// The version a change is based on.
    pub version: Option<i64>,
}

/// A telephone system as it shall be. Not `Debug`: a secret is in it.
#[derive(Clone)]
pub struct Wanted {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) username: Option<String>,
    /// None leaves the one there is.
    pub(super) secret: Option<String>,
    pub(super) dial_channel: Option<String>,
    pub(super) dial_context: Option<String>,
    pub(super) is_active: bool,
}

impl Wish {
    /// What it says, for a new one.
    ///
    /// # Errors
    /// 422 naming every wrong field.
    pub fn fresh(&self) -> Result<Wanted> {
        let mut checks = Checks::new();
        let kind = self.kind.unwrap_or(Kind::Ami);
        let wanted = self.on(Wanted {
            kind,
            name: String::new(),
            host: None,
            port: (kind == Kind::Ami).then_some(AMI_PORT),
            username: None,
            secret: None,
            dial_channel: (kind == Kind::Ami).then(|| format!("PJSIP/{EXTENSION}")),
            dial_context: None,
            is_active: true,
        });
        if kind == Kind::Ami {
            checks.check(self.secret.is_some(), "secret", "is required");
        }
        wanted.check(self, checks)
    }

    /// What it says, in the place of what is.
    ///
    /// # Errors
    /// 422 naming every wrong field.
    pub fn over(&self, before: &Pbx) -> Result<Wanted> {
        let mut checks = Checks::new();
        let wanted = self.on(Wanted {
            kind: before.kind,
            name: before.name.clone(),
            host: before.host.clone(),
            port: before.port,
            username: before.username.clone(),
            secret: None,
            dial_channel: before.dial_channel.clone(),
            dial_context: before.dial_context.clone(),
            is_active: before.is_active,
        });
        let same_kind = self.kind.is_none_or(|kind| kind == before.kind);
        checks.check(same_kind, "kind", "cannot be changed");
        // Or whoever may change the address could have the secret sent to themselves.
        let moves = (&wanted.host, wanted.port) != (&before.host, before.port);
        let told = !moves || self.secret.is_some() || before.kind == Kind::Cti;
        checks.check(told, "secret", "is needed again when the host or the port changes");
        wanted.check(self, checks)
    }

    fn on(&self, now: Wanted) -> Wanted {
        let text = |said: &Option<String>| said.as_ref().map(|said| said.trim().to_owned());
        let or_none = |said: &Option<Option<String>>, now| match said {
            None => now,
            Some(said) => text(said).filter(|said| !said.is_empty()),
        };
        Wanted {
            kind: now.kind,
            name: text(&self.name).unwrap_or(now.name),
            host: text(&self.host).or(now.host),
            port: self.port.or(now.port),
            username: text(&self.username).or(now.username),
            secret: self.secret.clone(),
            dial_channel: or_none(&self.dial_channel, now.dial_channel),
            dial_context: or_none(&self.dial_context, now.dial_context),
            is_active: self.is_active.unwrap_or(now.is_active),
        }
    }
}

impl Wanted {
    fn check(self, wish: &Wish, mut checks: Checks) -> Result<Self> {
        let line = |text: &str, max| {
            (1..=max).contains(&text.chars().count()) && !text.contains(char::is_control)
        };
        checks.check(line(&self.name, NAME_MAX), "name", "must be one line of 1 to 100 characters");
        if self.kind == Kind::Cti {
            for (field, is_said) in [
                ("host", wish.host.is_some()),
                ("port", wish.port.is_some()),
                ("username", wish.username.is_some()),
                ("secret", wish.secret.is_some()),
                ("dial_channel", matches!(wish.dial_channel, Some(Some(_)))),
                ("dial_context", matches!(wish.dial_context, Some(Some(_)))),
            ] {
                checks.check(!is_said, field, "is not a field of what posts to us (cti)");
            }
            checks.done()?;
            return Ok(self);
        }
        let host = self.host.as_deref().unwrap_or_default();
        checks.check(is_host(host), "host", "must be the name or the address of a host");
        checks.check(self.port.is_some_and(|port| port > 0), "port", "must be 1 to 65535");
        let username = self.username.as_deref().unwrap_or_default();
        let word = "must be one line of 1 to 80 characters";
        checks.check(line(username, WORD_MAX), "username", word);
        let secret = self.secret.as_deref().is_none_or(|secret| line(secret, WORD_MAX));
        checks.check(secret, "secret", word);
        let channel = self.dial_channel.as_deref().is_none_or(|channel| {
            is_plain(&channel.replace(EXTENSION, "")) && channel.contains(EXTENSION)
        });
        let like = "must be a channel with {extension} in it, such as PJSIP/{extension}";
        checks.check(channel, "dial_channel", like);
        let context = self.dial_context.as_deref().is_none_or(is_plain);
        checks.check(context, "dial_context", "must be the name of a context of the dial plan");
        checks.done()?;
        Ok(self)
    }
}

/// A name as the dial plan has them, or a channel: nothing that Asterisk takes for more than that.
fn is_plain(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./@".contains(&b);
    (1..=WORD_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// An address, or what can be a name.
fn is_host(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.:".contains(&b);
    (1..=HOST_MAX).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use serde_json::{Value, json};

    fn wish(value: Value) -> Wish {
        serde_json::from_value(value).unwrap()
    }

    fn refused(wanted: Result<Wanted>) -> Vec<String> {
        match wanted {
            Err(Error::Invalid(fields)) => fields.into_iter().map(|f| f.field).collect(),
            Err(other) => panic!("{other:?}"),
            Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn an_asterisk_needs_an_address_and_who_we_are_there() {
        let good = json!({ "name": "PBX", "host": "10.0.0.5", "username": "deskbell",
            "secret": "s" });
        let wanted = wish(good.clone()).fresh().ok().unwrap();
        assert_eq!(
            (wanted.port, wanted.dial_channel.as_deref()),
            (Some(5038), Some("PJSIP/{extension}"))
        );
        assert_eq!(refused(wish(json!({})).fresh()), ["secret", "name", "host", "username"]);
        for (field, bad) in [
            ("name", json!("a\nb")),
            ("host", json!("a b")),
            ("host", json!("a/b")),
            ("port", json!(0)),
            ("username", json!("")),
            ("secret", json!("a\r\nAction: Command")),
            ("dial_channel", json!("PJSIP/2001")),
            ("dial_channel", json!("PJSIP/{extension},s")),
            ("dial_context", json!("a b")),
        ] {
            let mut said = good.clone();
            said[field] = bad;
            assert_eq!(refused(wish(said).fresh()), [field]);
        }
    }

    #[test]
    fn what_posts_to_us_has_neither_address_nor_secret() {
        assert_eq!(refused(wish(json!({ "kind": "cti", "name": "Sipgate" })).fresh()), [""; 0]);
        let said = json!({ "kind": "cti", "name": "a", "host": "h", "secret": "s" });
        assert_eq!(refused(wish(said).fresh()), ["host", "secret"]);
    }

    #[test]
    fn a_secret_goes_to_no_other_host_without_being_said_again() {
        let before = Pbx {
            id: crate::id::EntityId::new(0),
            tenant_id: crate::id::TenantId::new(0),
            kind: Kind::Ami,
            name: "PBX".into(),
            host: Some("pbx".into()),
            port: Some(5038),
            username: Some("deskbell".into()),
            dial_channel: None,
            dial_context: None,
            token_hint: None,
            is_active: true,
            version: 1,
            created_at: 0,
            updated_at: 0,
        };
        for (said, expected) in [
            (json!({ "name": "other", "host": "pbx" }), &[][..]),
            (json!({ "host": "evil" }), &["secret"]),
            (json!({ "port": 5039 }), &["secret"]),
            (json!({ "host": "new", "secret": "s" }), &[]),
            (json!({ "kind": "cti" }), &["kind"]),
        ] {
            assert_eq!(refused(wish(said.clone()).over(&before)), expected, "{said}");
        }
    }
}
