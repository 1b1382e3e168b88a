//! Tenants: organisations that share a server and never see each other.

pub mod http;
pub mod sql;

use crate::{
    auth::Role,
    db::{OnUnique, Write},
    error::{Checks, Error, OrNotFound, Result},
    http::patch::check_version,
    id::TenantId,
    time,
    users::{self, Hand, User, rules},
};
use serde::{Deserialize, Serialize};

/// The tenant of the first administrator, unless it is given a name.
pub const DEFAULT: &str = "default";

/// Longest name, characters.
const NAME_MAX: usize = 100;

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name, unique on the server whatever its case; a login may name it.
    pub name: String,
    /// Whether its people may sign in.
    pub is_active: bool,
    /// Counts its changes.
    pub version: i64,
    /// When it was made, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub created_at: i64,
    /// When it was last changed, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub updated_at: i64,
}

/// A tenant's name, without the spaces around it.
///
/// # Errors
/// What is wrong with it.
pub fn name(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("must not be empty"),
        count if count > NAME_MAX => Err("must have at most 100 characters"),
        _ if text.contains(char::is_control) => Err("must be one line of plain text"),
        _ => Ok(text.to_owned()),
    }
}

/// A new tenant with its administrator. Not `Debug`: it holds a password.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    name: String,
    admin_email: String,
    #[serde(skip_serializing)]
    admin_password: String,
    admin_name: Option<String>,
}

impl New {
    /// Checks every field; answers the tenant's name and the administrator's account.
    fn checked(self) -> Result<(String, users::New)> {
        let mut checks = Checks::new();
        let mut wrong = |field: &str, why| {
            checks.fail(field, why);
            String::new()
        };
        let name = name(&self.name).unwrap_or_else(|why| wrong("name", why));
        let email = rules::email(&self.admin_email).unwrap_or_else(|why| wrong("admin_email", why));
        let admin_name = self.admin_name.as_deref().unwrap_or("Administrator");
        let admin_name = rules::name(admin_name).unwrap_or_else(|why| wrong("admin_name", why));
        if let Err(why) = rules::password(&self.admin_password) {
            wrong("admin_password", why);
        }
        checks.done()?;
        let admin = users::New {
            email,
            name: admin_name,
            role: Role::Admin,
            password: Some(self.admin_password),
            phone: None,
            extension: None,
            locale: None,
            timezone: None,
        };
        Ok((name, admin))
    }
}

/// A tenant and the administrator it was made with.
#[derive(Debug, Serialize)]
pub struct Made {
    /// The tenant.
    #[serde(flatten)]
    pub tenant: Tenant,
    /// Its administrator.
    pub admin: User,
}

/// Makes a tenant with nobody in it.
///
/// # Errors
/// 409 `tenant_exists`.
pub fn create(w: &Write<'_>, name: &str) -> Result<Tenant> {
    let tenant = Tenant {
        id: TenantId::new(w.now),
        name: name.to_owned(),
        is_active: true,
        version: 1,
        created_at: w.now,
        updated_at: w.now,
    };
    sql::insert(w, &tenant).on_unique("tenants.name", exists)?;
    Ok(tenant)
}

/// Makes a tenant and its administrator in one go.
fn create_with_admin(
    w: &mut Write<'_>,
    hand: &Hand,
    name: &str,
    admin: &users::New,
    hash: &str,
) -> Result<Made> {
    let tenant = create(w, name)?;
    let hand = Hand { tenant: tenant.id, ..hand.clone() };
    let admin = users::create(w, &hand, admin, Some(hash))?;
    Ok(Made { tenant, admin })
}

/// What is to be changed about a tenant; what is left out stays.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    name: Option<String>,
    is_active: Option<bool>,
    version: Option<i64>,
}

/// Renames, suspends or wakes a tenant. `own` is the tenant of who does it, which they cannot
/// suspend: nobody would be left to wake it. True when its people are shut out by the change.
fn change(w: &Write<'_>, own: TenantId, id: TenantId, edit: &Edit) -> Result<(Tenant, bool)> {
    let before = sql::find(w, id)?.or_not_found("tenant")?;
    check_version(edit.version, before.version, &before)?;
    if id == own && edit.is_active == Some(false) {
        return Err(Error::conflict("own_tenant", "your own tenant cannot be suspended"));
    }
    let (was_called, was_active) = (before.name.clone(), before.is_active);
    let mut after = Tenant {
        name: edit.name.clone().unwrap_or_else(|| was_called.clone()),
        is_active: edit.is_active.unwrap_or(before.is_active),
        ..before
    };
    let renamed = after.name != was_called;
    if renamed || after.is_active != was_active {
        after.version += 1;
        after.updated_at = w.now;
        sql::update(w, &after).on_unique("tenants.name", exists)?;
    }
    let suspended = was_active && !after.is_active;
    Ok((after, suspended))
}

fn exists() -> Error {
    Error::conflict("tenant_exists", "there is a tenant of that name already")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One answer names everything that is wrong with a new tenant.
    #[test]
    fn every_wrong_field_of_a_new_tenant_is_named() {
        let new = |name: &str, email: &str, password: &str| New {
            name: name.into(),
            admin_email: email.into(),
            admin_password: password.into(),
            admin_name: None,
        };
        let (name, admin) = new(" Acme ", "a@b.c", "long enough").checked().ok().unwrap();
        assert_eq!((name.as_str(), admin.name.as_str()), ("Acme", "Administrator"));
        let Err(Error::Invalid(fields)) = new("", "nobody", "short").checked() else {
            panic!("it was accepted")
        };
        let named: Vec<_> = fields.iter().map(|f| f.field.as_str()).collect();
        assert_eq!(named, ["name", "admin_email", "admin_password"]);
        let written = serde_json::to_string(&new("a", "a@b.c", "long enough")).unwrap();
        assert!(!written.contains("long enough"), "a password is never written: {written}");
    }
}
