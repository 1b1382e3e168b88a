//! The people of a tenant: their accounts, what may be changed about them and by whom.
//!
//! An account is never erased, because tickets and the log speak of it: deleting deactivates it,
//! and on request its name, e-mail address and phone give way to neutral words.

mod change;
pub mod http;
pub mod rules;
pub mod sql;
#[cfg(test)]
mod tests;

pub(crate) use change::create_system_admin;
pub use change::{After, Changed, change, create, remove};

use crate::{
    auth::Role,
    error::{Checks, Error, Result},
    event::Actor,
    http::{Caller, Via, patch},
    id::{SessionId, TenantId, UserId},
    time,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An account as staff see it and as events carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Counts its changes.
    pub version: i64,
    /// When it was made, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub created_at: i64,
    /// When it was last changed, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub updated_at: i64,
    /// When it was deleted, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub deleted_at: Option<i64>,
    /// Unique among the living accounts of its tenant, whatever its case.
    pub email: String,
    /// The name people see.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may sign in.
    pub is_active: bool,
    /// Their phone number.
    pub phone: Option<String>,
    /// The extension their PBX knows them by.
    pub extension: Option<String>,
    /// Their language.
    pub locale: Option<String>,
    /// Their time zone.
    pub timezone: Option<String>,
    /// When they last signed in, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub last_login_at: Option<i64>,
    /// Whether they may make tenants.
    #[serde(skip)]
    pub is_system_admin: bool,
}

impl User {
    fn is_active_admin(&self) -> bool {
        self.role == Role::Admin && self.is_active && self.deleted_at.is_none()
    }
}

/// What somebody wants to be told about, by the name of each choice (`own_actions`).
pub type Prefs = BTreeMap<String, bool>;

/// An account as its owner sees it, with what is nobody else's business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// What staff see too.
    #[serde(flatten)]
    pub user: User,
    /// Whether they may make tenants.
    pub is_system_admin: bool,
    /// Where their own notifications are posted to.
    pub webhook_url: Option<String>,
    /// What they want to be told about.
    pub notify_prefs: Prefs,
}

/// Who has a hand in a change, and how far it reaches.
#[derive(Debug, Clone)]
pub struct Hand {
    /// The tenant whose accounts it reaches.
    pub tenant: TenantId,
    /// As the one who did it.
    pub actor: Actor,
    /// Whether it may change a system administrator.
    pub is_system_admin: bool,
    /// Whether it is a program's: those make no administrators and change none.
    pub is_program: bool,
    /// The sign-in behind it, which a new password of its own does not end.
    pub session: Option<SessionId>,
}

impl Hand {
    /// A caller's.
    pub fn of(caller: &Caller) -> Self {
        Self {
            tenant: caller.tenant,
            actor: caller.actor(),
            is_system_admin: caller.is_system_admin,
            is_program: matches!(caller.via, Via::ApiToken(_)),
            session: caller.session,
        }
    }

    /// The operator's, at the command line or in the settings.
    pub fn of_system(tenant: TenantId) -> Self {
        Self {
            tenant,
            actor: Actor::system(),
            is_system_admin: true,
            is_program: false,
            session: None,
        }
    }

    /// Somebody's over their own account, who has proved to be its owner without a sign-in.
    pub(crate) fn of_owner(user: &User) -> Self {
        Self {
            tenant: user.tenant_id,
            actor: Actor { id: Some(user.id), name: user.name.clone(), kind: "user".into() },
            is_system_admin: user.is_system_admin,
            is_program: false,
            session: None,
        }
    }

    /// Nobody gets more power over an account than they have themselves.
    fn may_touch(&self, before: Role, after: Role, system_admin: bool) -> Result<()> {
        if self.is_program && Role::Admin == before.max(after) {
            return Err(Error::Forbidden("tokens cannot make or change administrators"));
        }
        if system_admin && !self.is_system_admin {
            return Err(Error::Forbidden("only a system administrator may change that account"));
        }
        Ok(())
    }
}

/// A new account. Not `Debug`: it may hold a password.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// Where mail reaches them, and what they sign in with.
    pub email: String,
    /// The name people see.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Without one they cannot sign in until somebody sets one. Never written anywhere.
    #[serde(skip_serializing)]
    pub password: Option<String>,
    /// Their phone number.
    pub phone: Option<String>,
    /// The extension their PBX knows them by.
    pub extension: Option<String>,
    /// Their language.
    pub locale: Option<String>,
    /// Their time zone.
    pub timezone: Option<String>,
}

impl New {
    /// Somebody with nothing but an address, a name and a role.
    pub fn plain(email: &str, name: &str, role: Role) -> Self {
        Self {
            email: email.to_owned(),
            name: name.to_owned(),
            role,
            password: None,
            phone: None,
            extension: None,
            locale: None,
            timezone: None,
        }
    }

    /// Checks every field, and answers them as they are stored.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    pub fn checked(self) -> Result<Self> {
        let mut read = Reading(Checks::new());
        if let Some(password) = &self.password {
            read.field("password", rules::password(password));
        }
        let new = Self {
            email: read.field("email", rules::email(&self.email)).unwrap_or_default(),
            name: read.field("name", rules::name(&self.name)).unwrap_or_default(),
            role: self.role,
            password: self.password,
            phone: read.word("phone", self.phone.as_ref(), rules::phone),
            extension: read.word("extension", self.extension.as_ref(), rules::extension),
            locale: read.word("locale", self.locale.as_ref(), rules::locale),
            timezone: read.word("timezone", self.timezone.as_ref(), rules::timezone),
        };
        read.0.done()?;
        Ok(new)
    }
}

/// What is to be changed about an account; what is left out stays. Not `Debug`: it may hold a
/// password.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Another e-mail address.
    pub email: Option<String>,
    /// Another name.
    pub name: Option<String>,
    /// Another role.
    pub role: Option<Role>,
    /// Whether they may sign in.
    pub is_active: Option<bool>,
    /// A new password, chosen by an administrator: ends all sign-ins.
    pub password: Option<String>,
    /// Another phone number, or `null` for none.
    #[serde(default, deserialize_with = "patch::nullable")]
    pub phone: Option<Option<String>>,
    /// Another extension, or `null` for none.
    #[serde(default, deserialize_with = "patch::nullable")]
    pub extension: Option<Option<String>>,
    /// Another language, or `null` for none.
    #[serde(default, deserialize_with = "patch::nullable")]
    pub locale: Option<Option<String>>,
    /// Another time zone, or `null` for none.
    #[serde(default, deserialize_with = "patch::nullable")]
    pub timezone: Option<Option<String>>,
    /// The version the change was made from.
    pub version: Option<i64>,
}

impl Edit {
    /// Checks every field, and answers them as they are stored.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    pub fn checked(self) -> Result<Self> {
        let mut read = Reading(Checks::new());
        if let Some(password) = &self.password {
            read.field("password", rules::password(password));
        }
        let email = self.email.and_then(|email| read.field("email", rules::email(&email)));
        let name = self.name.and_then(|name| read.field("name", rules::name(&name)));
        let edit = Self {
            email,
            name,
            phone: self.phone.map(|phone| read.word("phone", phone.as_ref(), rules::phone)),
            extension: self
                .extension
                .map(|text| read.word("extension", text.as_ref(), rules::extension)),
            locale: self.locale.map(|text| read.word("locale", text.as_ref(), rules::locale)),
            timezone: self
                .timezone
                .map(|text| read.word("timezone", text.as_ref(), rules::timezone)),
            ..self
        };
        read.0.done()?;
        Ok(edit)
    }

    fn applied_to(&self, user: &User) -> User {
        let mut user = user.clone();
        let set = |to: &mut Option<String>, from: &Option<Option<String>>| {
            if let Some(value) = from {
                to.clone_from(value);
            }
        };
        set(&mut user.phone, &self.phone);
        set(&mut user.extension, &self.extension);
        set(&mut user.locale, &self.locale);
        set(&mut user.timezone, &self.timezone);
        user.email = self.email.clone().unwrap_or(user.email);
        user.name = self.name.clone().unwrap_or(user.name);
        user.role = self.role.unwrap_or(user.role);
        user.is_active = self.is_active.unwrap_or(user.is_active);
        user
    }
}

/// Collects what is wrong while fields are read.
struct Reading(Checks);

impl Reading {
    fn field<T>(&mut self, name: &str, read: Result<T, &'static str>) -> Option<T> {
        read.map_err(|why| self.0.fail(name, why)).ok()
    }

    fn word(
        &mut self,
        name: &str,
        text: Option<&String>,
        rule: fn(&str) -> Result<Option<String>, &'static str>,
    ) -> Option<String> {
        self.field(name, rule(text.map_or("", String::as_str))).flatten()
    }
}
