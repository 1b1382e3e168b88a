//! Statements over sign-ins and their refresh tokens.

use super::{SESSION_TTL_MS, Session};
use crate::{
    accounts::Visit,
    db::Write,
    error::Result,
    http::page::Paging,
    id::{SessionId, TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension, Row};

pub(in crate::accounts) fn insert(
    w: &Write<'_>,
    id: SessionId,
    (tenant, user): (TenantId, UserId),
    visit: &Visit,
) -> Result<()> {
    w.prepare_cached(
        "insert into sessions
           (id, tenant_id, user_id, address, agent, created_at, last_seen_at, expires_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)",
    )?
    .execute((
        id,
        tenant,
        user,
        visit.address.to_string(),
        &visit.agent,
        w.now,
        w.now + SESSION_TTL_MS,
    ))?;
    Ok(())
}

/// Removes some sign-ins that are over; their refresh tokens go with them.
pub(super) fn prune(w: &Write<'_>, at_most: i64) -> Result<()> {
    w.prepare_cached(
        "delete from sessions where id in
           (select id from sessions where expires_at < ?1 order by expires_at limit ?2)",
    )?
    .execute((w.now, at_most))?;
    Ok(())
}

/// A user's sign-ins that stand, but for the `keep` newest.
pub(super) fn beyond(w: &Write<'_>, user: UserId, keep: i64) -> Result<Vec<SessionId>> {
    Ok(w.prepare_cached(
        "select id from sessions where user_id = ?1 and revoked_at is null and expires_at > ?2
         order by created_at desc, id desc limit -1 offset ?3",
    )?
    .query_map((user, w.now, keep), |row| row.get(0))?
    .collect::<rusqlite::Result<_>>()?)
}

pub(super) fn extend(w: &Write<'_>, id: SessionId) -> Result<bool> {
    let extended = w
        .prepare_cached(
            "update sessions set last_seen_at = ?2, expires_at = ?3
             where id = ?1 and revoked_at is null and expires_at > ?2",
        )?
        .execute((id, w.now, w.now + SESSION_TTL_MS))?;
    Ok(extended == 1)
}

/// A refresh token that was once given out.
pub(in crate::accounts) struct Refresh {
    pub(in crate::accounts) session: SessionId,
    pub(in crate::accounts) tenant: TenantId,
    pub(in crate::accounts) user: UserId,
    pub(in crate::accounts) is_used: bool,
    /// Whether it is not over, and neither is its sign-in, and its user may sign in.
    pub(in crate::accounts) stands: bool,
}

pub(in crate::accounts) fn by_refresh_token(
    conn: &Connection,
    digest: &[u8],
    now: i64,
) -> Result<Option<Refresh>> {
    let row = |row: &Row<'_>| {
        Ok(Refresh {
            session: row.get(0)?,
            tenant: row.get(1)?,
            user: row.get(2)?,
            is_used: row.get(3)?,
            stands: row.get(4)?,
        })
    };
    Ok(conn
        .prepare_cached(
            "select s.id, s.tenant_id, s.user_id, r.used_at is not null,
               r.expires_at > ?2 and s.revoked_at is null and s.expires_at > ?2
               and u.is_active and u.deleted_at is null and t.is_active
             from refresh_tokens r join sessions s on s.id = r.session_id
               join users u on u.id = s.user_id join tenants t on t.id = s.tenant_id
             where r.hash = ?1",
        )?
        .query_row((digest, now), row)
        .optional()?)
}

pub(in crate::accounts) fn use_up(w: &Write<'_>, digest: &[u8]) -> Result<()> {
    w.prepare_cached("update refresh_tokens set used_at = ?2 where hash = ?1")?
        .execute((digest, w.now))?;
    Ok(())
}

/// Keeps the digest of a new refresh token, and drops those of the same sign-in that are over: a
/// used one is kept as long as it could be tried again.
pub(in crate::accounts) fn add_refresh_token(
    w: &Write<'_>,
    session: SessionId,
    digest: &[u8],
) -> Result<()> {
    w.prepare_cached("delete from refresh_tokens where session_id = ?1 and expires_at < ?2")?
        .execute((session, w.now))?;
    w.prepare_cached(
        "insert into refresh_tokens (hash, session_id, expires_at) values (?1, ?2, ?3)",
    )?
    .execute((digest, session, w.now + SESSION_TTL_MS))?;
    Ok(())
}

/// One page of a user's sign-ins that stand, the newest first, and how many there are.
pub(super) fn list(
    conn: &Connection,
    (tenant, user): (TenantId, UserId),
    now: i64,
    paging: Paging,
    current: Option<SessionId>,
) -> Result<(Vec<Session>, i64)> {
    const STANDING: &str = "from sessions where tenant_id = ?1 and user_id = ?2
        and revoked_at is null and expires_at > ?3";
    let total = conn
        .prepare_cached(&format!("select count(*) {STANDING}"))?
        .query_row((tenant, user, now), |row| row.get(0))?;
    let row = |row: &Row<'_>| {
        let id = row.get(0)?;
        Ok(Session {
            id,
            address: row.get(1)?,
            agent: row.get(2)?,
            created_at: row.get(3)?,
            last_seen_at: row.get(4)?,
            expires_at: row.get(5)?,
            current: Some(id) == current,
        })
    };
    let sql = format!(
        "select id, address, agent, created_at, last_seen_at, expires_at {STANDING}
         order by created_at desc, id desc limit ?4 offset ?5"
    );
    let sessions = conn
        .prepare_cached(&sql)?
        .query_map((tenant, user, now, paging.limit(), paging.offset()), row)?
        .collect::<rusqlite::Result<_>>()?;
    Ok((sessions, total))
}

/// Whose a sign-in of this tenant is, if it stands.
pub(super) fn owner(w: &Write<'_>, tenant: TenantId, id: SessionId) -> Result<Option<UserId>> {
    Ok(w.prepare_cached(
        "select user_id from sessions
         where tenant_id = ?1 and id = ?2 and revoked_at is null and expires_at > ?3",
    )?
    .query_row((tenant, id, w.now), |row| row.get(0))
    .optional()?)
}
