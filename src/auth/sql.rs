//! Statements over sign-ins, tokens and failed logins.

use super::{sessions::Known, throttle};
use crate::{
    db::Write,
    error::Result,
    id::{EntityId, SessionId, TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension, Row};
use std::sync::atomic::AtomicI64;

/// A sign-in that is not revoked and not over, of an active user of an active tenant.
pub(super) fn session(conn: &Connection, id: SessionId, now: i64) -> Result<Option<Known>> {
    let row = |row: &Row<'_>| {
        Ok(Known {
            session: id,
            user: row.get(0)?,
            tenant: row.get(1)?,
            role: row.get(2)?,
            is_system_admin: row.get(3)?,
            name: row.get(4)?,
            expires_at: row.get(5)?,
            seen_at: AtomicI64::new(now),
        })
    };
    Ok(conn
        .prepare_cached(
            "select u.id, u.tenant_id, u.role, u.is_system_admin, u.name, s.expires_at
             from sessions s join users u on u.id = s.user_id join tenants t on t.id = u.tenant_id
             where s.id = ?1 and s.revoked_at is null and s.expires_at > ?2
               and u.is_active and u.deleted_at is null and t.is_active",
        )?
        .query_row((id, now), row)
        .optional()?)
}

/// Writes down when sign-ins were last used.
///
/// # Errors
/// When the database refuses.
pub fn touch_sessions(w: &Write<'_>, seen: &[(SessionId, i64)]) -> Result<()> {
    let mut update = w.prepare_cached(
        "update sessions set last_seen_at = ?2 where id = ?1 and last_seen_at < ?2",
    )?;
    for (id, at) in seen {
        update.execute((id, at))?;
    }
    Ok(())
}

/// A program's token that is not revoked and not over.
#[derive(Debug)]
pub struct ApiToken {
    /// Its id.
    pub id: EntityId,
    /// Its tenant.
    pub tenant: TenantId,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub scopes: String,
    /// Who made it.
    pub created_by: UserId,
    /// When it ends, milliseconds since the Unix epoch.
    pub expires_at: Option<i64>,
}

/// The API token with this digest, if it stands.
///
/// # Errors
/// When the database refuses.
pub fn api_token(conn: &Connection, digest: &[u8], now: i64) -> Result<Option<ApiToken>> {
    let row = |row: &Row<'_>| {
        Ok(ApiToken {
            id: row.get(0)?,
            tenant: row.get(1)?,
            name: row.get(2)?,
            scopes: row.get(3)?,
            created_by: row.get(4)?,
            expires_at: row.get(5)?,
        })
    };
    Ok(conn
        .prepare_cached(
            "select k.id, k.tenant_id, k.name, k.scopes, k.created_by, k.expires_at
             from api_tokens k join tenants t on t.id = k.tenant_id
             where k.hash = ?1 and k.revoked_at is null and t.is_active
               and (k.expires_at is null or k.expires_at > ?2)",
        )?
        .query_row((digest, now), row)
        .optional()?)
}

/// How often each of `keys` failed since `after`.
///
/// # Errors
/// When the database refuses.
pub fn failures(conn: &Connection, keys: &throttle::Keys, after: i64) -> Result<throttle::Counts> {
    let mut count = conn.prepare_cached(
        "select count(*) from login_failures where counted_for = ?1 and at_ms > ?2",
    )?;
    let mut of = |key: &str| -> Result<u32> { Ok(count.query_row((key, after), |r| r.get(0))?) };
    Ok(throttle::Counts {
        account_at_address: of(&keys.account_at_address)?,
        address: of(&keys.address)?,
        account: of(&keys.account)?,
    })
}

/// Counts a failed login for all of `keys`, and forgets those too old to count.
///
/// # Errors
/// When the database refuses.
pub fn note_failure(w: &Write<'_>, keys: &throttle::Keys) -> Result<()> {
    w.prepare_cached("delete from login_failures where at_ms < ?1")?
        .execute([w.now - throttle::WINDOW_MS])?;
    let mut insert = w.prepare_cached("insert into login_failures values (?1, ?2)")?;
    for key in [&keys.account_at_address, &keys.address, &keys.account] {
        insert.execute((key, w.now))?;
    }
    Ok(())
}

/// A good login forgives the account's failures from the same address.
///
/// # Errors
/// When the database refuses.
pub fn forgive(w: &Write<'_>, keys: &throttle::Keys) -> Result<()> {
    w.prepare_cached("delete from login_failures where counted_for in (?1, ?2)")?
        .execute([&keys.account_at_address, &keys.account])?;
    Ok(())
}

/// Ends one sign-in: its access and refresh tokens are good for nothing from the commit on. True
/// when it stood until now.
///
/// # Errors
/// When the database refuses.
pub fn end_session(w: &Write<'_>, id: SessionId) -> Result<bool> {
    let ended = w
        .prepare_cached("update sessions set revoked_at = ?2 where id = ?1 and revoked_at is null")?
        .execute((id, w.now))?;
    Ok(ended == 1)
}

/// Ends all sign-ins of a user but `except`; returns how many stood until now.
///
/// # Errors
/// When the database refuses.
pub fn end_sessions_of(w: &Write<'_>, user: UserId, except: Option<SessionId>) -> Result<usize> {
    Ok(w.prepare_cached(
        "update sessions set revoked_at = ?3
         where user_id = ?1 and id is not ?2 and revoked_at is null and expires_at > ?3",
    )?
    .execute((user, except, w.now))?)
}

/// Somebody without an account, in one chat.
#[derive(Debug)]
pub struct Visitor {
    /// Their tenant.
    pub tenant: TenantId,
    /// Stands where a user's id would.
    pub id: UserId,
    /// What they call themselves.
    pub name: String,
    /// When their token ends, milliseconds since the Unix epoch.
    pub expires_at: i64,
}

/// The visitor whose token has this digest, if it stands.
///
/// # Errors
/// When the database refuses.
pub fn visitor(conn: &Connection, digest: &[u8], now: i64) -> Result<Option<Visitor>> {
    let row = |row: &Row<'_>| {
        Ok(Visitor {
            tenant: row.get(0)?,
            id: row.get(1)?,
            name: row.get(2)?,
            expires_at: row.get(3)?,
        })
    };
    Ok(conn
        .prepare_cached(
            "select v.tenant_id, v.visitor_id, coalesce(c.visitor_name, 'Visitor'), v.expires_at
             from visitor_tokens v join tenants t on t.id = v.tenant_id
               join chats c on c.id = v.chat_id
             where v.hash = ?1 and v.expires_at > ?2 and t.is_active",
        )?
        .query_row((digest, now), row)
        .optional()?)
}

/// Whether a tenant lists this origin among the sites that show its widget.
///
/// # Errors
/// When the database refuses.
pub fn is_site_of(conn: &Connection, tenant: TenantId, origin: &str) -> Result<bool> {
    Ok(conn
        .prepare_cached(
            "select exists (select 1 from chat_sites where origin = ?1 and tenant_id = ?2)",
        )?
        .query_row((origin, tenant), |row| row.get(0))?)
}

/// Whether any tenant does.
///
/// # Errors
/// When the database refuses.
pub fn is_site(conn: &Connection, origin: &str) -> Result<bool> {
    Ok(conn
        .prepare_cached("select exists (select 1 from chat_sites where origin = ?1)")?
        .query_row([origin], |row| row.get(0))?)
}
