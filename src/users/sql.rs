//! Statements over accounts.

use super::{Prefs, Profile, User};
use crate::{
    auth::Role,
    error::{Error, Result},
    http::page::Paging,
    id::{TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

/// Most administrators that hear of a change to an account.
const ADMINS_TOLD_MAX: i64 = 200;

const COLUMNS: &str = "id, tenant_id, version, created_at, updated_at, deleted_at, email, name, \
     role, is_active, phone, extension, locale, timezone, last_login_at, is_system_admin";

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get(0)?,
        tenant_id: row.get(1)?,
        version: row.get(2)?,
        created_at: row.get(3)?,
        updated_at: row.get(4)?,
        deleted_at: row.get(5)?,
        email: row.get(6)?,
        name: row.get(7)?,
        role: row.get(8)?,
        is_active: row.get(9)?,
        phone: row.get(10)?,
        extension: row.get(11)?,
        locale: row.get(12)?,
        timezone: row.get(13)?,
        last_login_at: row.get(14)?,
        is_system_admin: row.get(15)?,
    })
}

/// An account of a tenant, deleted or not.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &Connection, tenant: TenantId, id: UserId) -> Result<Option<User>> {
    let sql = format!("select {COLUMNS} from users where tenant_id = ?1 and id = ?2");
    Ok(conn.prepare_cached(&sql)?.query_row((tenant, id), user).optional()?)
}

/// An account as its owner sees it; none once it is deleted.
///
/// # Errors
/// When the database refuses.
pub fn profile(conn: &Connection, tenant: TenantId, id: UserId) -> Result<Option<Profile>> {
    let sql = format!(
        "select {COLUMNS}, webhook_url, notify_prefs from users
         where tenant_id = ?1 and id = ?2 and deleted_at is null"
    );
    let row = |row: &Row<'_>| Ok((user(row)?, row.get(16)?, row.get::<_, String>(17)?));
    let found = conn.prepare_cached(&sql)?.query_row((tenant, id), row).optional()?;
    let Some((user, webhook_url, prefs)) = found else { return Ok(None) };
    let notify_prefs = serde_json::from_str(&prefs).map_err(Error::internal)?;
    Ok(Some(Profile { is_system_admin: user.is_system_admin, user, webhook_url, notify_prefs }))
}

/// Which accounts a list shows; what is not set leaves nothing out.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only these roles, if any are named.
    pub roles: Vec<Role>,
    /// Only those who may, or may not, sign in.
    pub is_active: Option<bool>,
    /// Only those with this text in their name or e-mail address.
    pub text: Option<String>,
}

/// One page of a tenant's living accounts by name, and how many there are in all.
///
/// # Errors
/// When the database refuses.
pub fn list(
    conn: &Connection,
    tenant: TenantId,
    filter: &Filter,
    paging: Paging,
) -> Result<(Vec<User>, i64)> {
    const MATCHING: &str = "from users where tenant_id = :tenant and deleted_at is null
        and (:roles = '' or instr(:roles, ',' || role || ','))
        and (:active is null or is_active = :active)
        and (:text is null or name like :text escape '\\' or email like :text escape '\\')";
    let names: Vec<_> = filter.roles.iter().map(|role| role.name()).collect();
    let roles = if names.is_empty() { String::new() } else { format!(",{},", names.join(",")) };
    let text = filter.text.as_deref().map(like);
    let total = conn.prepare_cached(&format!("select count(*) {MATCHING}"))?.query_row(
        named_params! { ":tenant": tenant, ":roles": roles, ":active": filter.is_active,
        ":text": text },
        |row| row.get(0),
    )?;
    let sql = format!(
        "select {COLUMNS} {MATCHING} order by name collate nocase, id limit :limit offset :offset"
    );
    let users = conn
        .prepare_cached(&sql)?
        .query_map(
            named_params! { ":tenant": tenant, ":roles": roles, ":active": filter.is_active,
            ":text": text, ":limit": paging.limit(), ":offset": paging.offset() },
            user,
        )?
        .collect::<rusqlite::Result<_>>()?;
    Ok((users, total))
}

/// A pattern that finds `text` anywhere, its own wildcards taken literally.
fn like(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// Stores a new account.
pub(super) fn insert(conn: &Connection, user: &User, hash: Option<&str>) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "insert into users (id, tenant_id, email, name, role, is_active, is_system_admin,
           password_hash, phone, extension, locale, timezone, version, created_at, updated_at)
         values (:id, :tenant, :email, :name, :role, :active, :system, :hash, :phone, :extension,
           :locale, :timezone, :version, :now, :now)",
    )?
    .execute(named_params! {
        ":id": user.id, ":tenant": user.tenant_id, ":email": user.email, ":name": user.name,
        ":role": user.role, ":active": user.is_active, ":system": user.is_system_admin,
        ":hash": hash, ":phone": user.phone, ":extension": user.extension,
        ":locale": user.locale, ":timezone": user.timezone, ":version": user.version,
        ":now": user.created_at,
    })?;
    Ok(())
}

/// Stores what may change of an account.
pub(super) fn update(conn: &Connection, user: &User) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "update users set email = :email, name = :name, role = :role, is_active = :active,
           is_system_admin = :system, phone = :phone, extension = :extension, locale = :locale,
           timezone = :timezone, version = :version, updated_at = :updated, deleted_at = :deleted
         where tenant_id = :tenant and id = :id",
    )?
    .execute(named_params! {
        ":id": user.id, ":tenant": user.tenant_id, ":email": user.email, ":name": user.name,
        ":role": user.role, ":active": user.is_active, ":system": user.is_system_admin,
        ":phone": user.phone, ":extension": user.extension, ":locale": user.locale,
        ":timezone": user.timezone, ":version": user.version, ":updated": user.updated_at,
        ":deleted": user.deleted_at,
    })?;
    Ok(())
}

/// Stores the hash of another password.
///
/// # Errors
/// When the database refuses.
pub fn set_password(conn: &Connection, tenant: TenantId, id: UserId, hash: &str) -> Result<()> {
    conn.prepare_cached("update users set password_hash = ?3 where tenant_id = ?1 and id = ?2")?
        .execute((tenant, id, hash))?;
    Ok(())
}

/// Stores what somebody wants to be told about. It is theirs alone, so it is no new version.
///
/// # Errors
/// When the database refuses.
pub fn set_prefs(conn: &Connection, tenant: TenantId, id: UserId, prefs: &Prefs) -> Result<()> {
    let json = serde_json::to_string(prefs).map_err(Error::internal)?;
    conn.prepare_cached("update users set notify_prefs = ?3 where tenant_id = ?1 and id = ?2")?
        .execute((tenant, id, json))?;
    Ok(())
}

/// Stores where somebody's notifications are posted to; none when they are not. It is theirs alone,
/// so it is no new version.
///
/// # Errors
/// When the database refuses.
pub fn set_webhook_url(
    conn: &Connection,
    tenant: TenantId,
    id: UserId,
    url: Option<&str>,
) -> Result<()> {
    conn.prepare_cached("update users set webhook_url = ?3 where tenant_id = ?1 and id = ?2")?
        .execute((tenant, id, url))?;
    Ok(())
}

/// The active administrators of a tenant, the first ones first.
///
/// # Errors
/// When the database refuses.
pub fn admins(conn: &Connection, tenant: TenantId) -> Result<Vec<UserId>> {
    let sql = "select id from users where tenant_id = ?1 and role = 'admin'
                 and is_active and deleted_at is null order by id limit ?2";
    Ok(conn
        .prepare_cached(sql)?
        .query_map((tenant, ADMINS_TOLD_MAX), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?)
}

/// Forgets what only the person themselves could see, and from where they signed in.
pub(super) fn forget_person(conn: &Connection, tenant: TenantId, id: UserId) -> Result<()> {
    conn.prepare_cached(
        "update users set password_hash = null, webhook_url = null, notify_prefs = '{}',
           last_login_at = null
         where tenant_id = ?1 and id = ?2",
    )?
    .execute((tenant, id))?;
    conn.prepare_cached("delete from sessions where user_id = ?1")?.execute([id])?;
    conn.prepare_cached("delete from account_links where user_id = ?1")?.execute([id])?;
    Ok(())
}

/// How many active administrators a tenant has beside this one.
pub(super) fn other_admins(conn: &Connection, tenant: TenantId, but: UserId) -> Result<i64> {
    let sql = "select count(*) from users where tenant_id = ?1 and role = 'admin'
                 and is_active and deleted_at is null and id <> ?2";
    Ok(conn.prepare_cached(sql)?.query_row((tenant, but), |row| row.get(0))?)
}

/// How many active system administrators there are beside this one.
pub(super) fn other_system_admins(conn: &Connection, but: UserId) -> Result<i64> {
    let sql = "select count(*) from users where is_system_admin and role = 'admin'
                 and is_active and deleted_at is null and id <> ?1";
    Ok(conn.prepare_cached(sql)?.query_row([but], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_takes_its_text_literally() {
        assert_eq!(like(r"50%_\"), r"%50\%\_\\%");
    }
}
