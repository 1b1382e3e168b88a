//! Statements of sign-in: who has this e-mail address, and whether the password still is theirs.

use crate::{
    auth::Role,
    db::Write,
    error::Result,
    id::{TenantId, UserId},
};
use rusqlite::{Connection, Row};

/// Somebody whose password may be the one that was sent.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) tenant: TenantId,
    pub(super) user: UserId,
    pub(super) hash: String,
}

/// Accounts with this e-mail address that may sign in, the oldest first; only in the tenant of that
/// name or id, if one is named.
pub(super) fn candidates(
    conn: &Connection,
    email: &str,
    tenant: Option<&str>,
    limit: i64,
) -> Result<Vec<Candidate>> {
    let id = tenant.and_then(|text| text.parse::<TenantId>().ok());
    let row =
        |row: &Row<'_>| Ok(Candidate { tenant: row.get(0)?, user: row.get(1)?, hash: row.get(2)? });
    Ok(conn
        .prepare_cached(
            "select u.tenant_id, u.id, u.password_hash
             from users u join tenants t on t.id = u.tenant_id
             where u.email = ?1 and u.is_active and u.deleted_at is null and t.is_active
               and u.password_hash is not null
               and (?2 is null or t.name = ?2 or t.id = ?3)
             order by u.created_at, u.id limit ?4",
        )?
        .query_map((email, tenant, id, limit), row)?
        .collect::<rusqlite::Result<_>>()?)
}

/// Notes that somebody signs in now. False when the account was closed, or got another password,
/// since the one that was sent was found to be right.
pub(super) fn note_login(w: &Write<'_>, who: &Candidate) -> Result<bool> {
    let noted = w
        .prepare_cached(
            "update users set last_login_at = ?4
             where tenant_id = ?1 and id = ?2 and password_hash = ?3
               and is_active and deleted_at is null
               and exists (select 1 from tenants t where t.id = ?1 and t.is_active)",
        )?
        .execute((who.tenant, who.user, &who.hash, w.now))?;
    Ok(noted == 1)
}

/// The hash of somebody's password, if they have one.
pub(super) fn password_hash(
    conn: &Connection,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<String>> {
    Ok(conn
        .prepare_cached("select password_hash from users where tenant_id = ?1 and id = ?2")?
        .query_row((tenant, user), |row| row.get(0))?)
}

/// An account as the command line finds it, without knowing its tenant.
#[derive(Debug)]
pub struct Found {
    /// Its tenant.
    pub tenant: TenantId,
    /// What that is called.
    pub tenant_name: String,
    /// Its id.
    pub user: UserId,
    /// Its e-mail address.
    pub email: String,
    /// The name people see.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whether it may sign in.
    pub is_active: bool,
    /// Whether it may make tenants.
    pub is_system_admin: bool,
    /// When it last signed in, milliseconds since the Unix epoch.
    pub last_login_at: Option<i64>,
}

/// Living accounts of the whole server: all administrators, or everybody with one e-mail address.
/// For the operator only; handlers ask within a tenant.
///
/// # Errors
/// When the database refuses.
pub fn anywhere(conn: &Connection, email: Option<&str>) -> Result<Vec<Found>> {
    let row = |row: &Row<'_>| {
        Ok(Found {
            tenant: row.get(0)?,
            tenant_name: row.get(1)?,
            user: row.get(2)?,
            email: row.get(3)?,
            name: row.get(4)?,
            role: row.get(5)?,
            is_active: row.get(6)?,
            is_system_admin: row.get(7)?,
            last_login_at: row.get(8)?,
        })
    };
    Ok(conn
        .prepare_cached(
            "select u.tenant_id, t.name, u.id, u.email, u.name, u.role, u.is_active,
               u.is_system_admin, u.last_login_at
             from users u join tenants t on t.id = u.tenant_id
             where u.deleted_at is null and ((?1 is null and u.role = 'admin') or u.email = ?1)
             order by t.name, u.email",
        )?
        .query_map([email], row)?
        .collect::<rusqlite::Result<_>>()?)
}
