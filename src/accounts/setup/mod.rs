//! The first administrator: by a one-use link, by the settings, or at the command line.
//!
//! The link's token stands in the URL's fragment, which browsers never send and proxies never log;
//! only its digest is stored, and the transaction that makes the administrator consumes it.

pub mod http;
pub mod sql;

use super::{SignedIn, Visit, login::REFRESH_PREFIX, sessions, signed_in};
use crate::{
    auth::{Role, secret},
    db::{Db, Write},
    error::{Checks, Error, OrNotFound, Result},
    http::Core,
    id::SessionId,
    tenants,
    users::{self, Hand, Profile, User, rules},
};
use serde::Deserialize;
use std::sync::atomic::Ordering;

/// How long a link is good for.
pub const LINK_TTL_MS: i64 = 30 * 60_000;

/// Shortest password of the first administrator, characters: this account can do everything.
const PASSWORD_MIN: usize = 10;

const OVER: Error = Error::NotFound("path");
const WRONG: Error = Error::Unauthorized("the server does not know this set-up link");

/// Whether there is no administrator yet, so that a link may be made and used.
///
/// # Errors
/// When the database refuses.
pub async fn is_open(db: &Db) -> Result<bool> {
    Ok(!db.read(sql::has_administrator).await?)
}

/// Makes a link's token, good for [`LINK_TTL_MS`] and one use; an older one is good no more.
///
/// # Errors
/// 409 `already_set_up` when there is an administrator.
pub async fn new_link(db: &Db) -> Result<String> {
    let token = secret::fresh("")?;
    let digest = secret::digest(&token);
    db.write(move |w| keep_link(w, &digest)).await?;
    Ok(token)
}

/// The same inside a transaction, for a token that has just been made, by its digest.
///
/// # Errors
/// 409 `already_set_up` when there is an administrator.
pub fn keep_link(w: &Write<'_>, digest: &[u8]) -> Result<()> {
    if sql::has_administrator(w)? {
        return Err(Error::conflict("already_set_up", "there is an administrator already"));
    }
    sql::replace_link(w, digest)
}

/// The path of a link, to stand behind the server's address.
pub fn link_path(token: &str) -> String {
    format!("/setup#token={token}")
}

/// The first administrator as they are stored. Not `Debug`: it holds a password's hash.
#[derive(Clone)]
pub struct Admin {
    email: String,
    name: String,
    tenant: String,
    hash: String,
}

impl Admin {
    /// Checks every field. Without a name it is "Administrator", without a tenant `default`.
    ///
    /// # Errors
    /// 422 naming every field that is wrong.
    pub fn checked(
        email: &str,
        name: Option<&str>,
        tenant: Option<&str>,
        hash: String,
    ) -> Result<Self> {
        let mut checks = Checks::new();
        let admin = Self::read(&mut checks, email, name, tenant);
        checks.done()?;
        Ok(Self { hash, ..admin })
    }

    fn read(checks: &mut Checks, email: &str, name: Option<&str>, tenant: Option<&str>) -> Self {
        let mut wrong = |field: &str, why| {
            checks.fail(field, why);
            String::new()
        };
        let email = rules::email(email).unwrap_or_else(|why| wrong("email", why));
        let name = rules::name(name.unwrap_or("Administrator"));
        let name = name.unwrap_or_else(|why| wrong("name", why));
        let tenant = tenants::name(tenant.unwrap_or(tenants::DEFAULT));
        let tenant = tenant.unwrap_or_else(|why| wrong("tenant_name", why));
        Self { email, name, tenant, hash: String::new() }
    }
}

/// Makes the first administrator, who is also the system administrator, and their tenant. None when
/// there is an administrator: then nothing is changed.
///
/// # Errors
/// When the database refuses.
pub async fn first_admin(db: &Db, admin: Admin) -> Result<Option<User>> {
    db.write(move |w| make_first_admin(w, &admin)).await
}

/// The same inside a transaction.
///
/// # Errors
/// When the database refuses.
pub fn make_first_admin(w: &mut Write<'_>, admin: &Admin) -> Result<Option<User>> {
    if sql::has_administrator(w)? {
        return Ok(None);
    }
    sql::drop_links(w)?;
    let tenant = match tenants::sql::find_by_name(w, &admin.tenant)? {
        Some(tenant) => tenant,
        None => tenants::create(w, &admin.tenant)?,
    };
    let new = users::New::plain(&admin.email, &admin.name, Role::Admin);
    users::create_system_admin(w, &Hand::of_system(tenant.id), &new, &admin.hash).map(Some)
}

/// What the set-up page sends. Not `Debug`: it holds a password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    token: String,
    email: String,
    name: String,
    password: String,
    tenant_name: Option<String>,
}

impl Form {
    /// Checks every field; answers the administrator, whose password is not hashed yet.
    fn checked(&self) -> Result<Admin> {
        let mut checks = Checks::new();
        let tenant = self.tenant_name.as_deref();
        let admin = Admin::read(&mut checks, &self.email, Some(&self.name), tenant);
        if self.password.chars().count() < PASSWORD_MIN {
            checks.fail("password", "must have at least 10 characters");
        } else if let Err(why) = rules::password(&self.password) {
            checks.fail("password", why);
        }
        checks.done()?;
        Ok(admin)
    }
}

/// Uses up the link, makes the first administrator and signs them in.
///
/// # Errors
/// 404 once there is an administrator, 401 for a link that is not known, 410 `setup_link_expired`,
/// 422 naming the fields that are wrong.
pub async fn complete(core: &Core, form: Form, visit: Visit) -> Result<SignedIn> {
    if !core.setup_open.load(Ordering::Acquire) {
        return Err(OVER);
    }
    let (digest, now) = (secret::digest(&form.token), core.clock().now_ms());
    core.db.read(move |r| judge(sql::link(r, &digest)?, now)).await?;
    let admin = form.checked()?;
    let admin = Admin { hash: core.passwords.hash(form.password).await?, ..admin };
    let refresh = secret::fresh(REFRESH_PREFIX)?;
    let (held, refresh_digest) = (core.clone(), secret::digest(&refresh));
    let (session, profile) = core
        .db
        .write(move |w| {
            judge(sql::link(w, &digest)?, w.now)?;
            begin(w, &held, &admin, &visit, &refresh_digest)
        })
        .await?;
    signed_in(core, session, profile, refresh)
}

fn judge(expires_at: Option<i64>, now: i64) -> Result<()> {
    match expires_at {
        None => Err(WRONG),
        Some(at) if at <= now => Err(Error::Gone(
            "setup_link_expired",
            String::from("this set-up link has ended: start the server again for a new one"),
        )),
        Some(_) => Ok(()),
    }
}

fn begin(
    w: &mut Write<'_>,
    core: &Core,
    admin: &Admin,
    visit: &Visit,
    refresh: &[u8],
) -> Result<(SessionId, Profile)> {
    let user = make_first_admin(w, admin)?.ok_or(OVER)?;
    let session = sessions::begin(w, core, (user.tenant_id, user.id), visit, refresh)?;
    let profile = users::sql::profile(w, user.tenant_id, user.id)?.or_not_found("user")?;
    let core = core.clone();
    w.after_commit(move || core.setup_open.store(false, Ordering::Release));
    Ok((session, profile))
}
