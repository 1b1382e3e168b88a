//! Statements over notifications; every one names the tenant and whose they are.

use super::{Notification, Reason, RelatedType, Type, words};
use crate::{
    auth::Role,
    db::{Write, read_uuid},
    error::{Error, Result},
    event::Audience,
    http::page::Paging,
    id::{EntityId, TenantId, UserId},
    users::Prefs,
};
use rusqlite::{Connection, OptionalExtension, Row};

/// What decides whether somebody is told.
pub(super) struct Recipient {
    pub(super) role: Role,
    pub(super) prefs: Prefs,
}

/// Somebody who may be told something: an active account of the tenant.
pub(super) fn recipient(
    conn: &Connection,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<Recipient>> {
    let found = conn
        .prepare_cached(
            "select role, notify_prefs from users
             where tenant_id = ?1 and id = ?2 and is_active and deleted_at is null",
        )?
        .query_row((tenant, user), |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    let Some((role, prefs)) = found else { return Ok(None) };
    let prefs = serde_json::from_str(&prefs).map_err(Error::internal)?;
    Ok(Some(Recipient { role, prefs }))
}

/// Stores a notification, unless its user was told of the same event before. Returns its number
/// among that user's.
pub(super) fn insert(conn: &Connection, n: &Notification) -> Result<Option<i64>> {
    Ok(conn
        .prepare_cached(
            "insert into notifications (user_id, event_seq, number, id, tenant_id, type, message,
               related_id, related_type, actor_id, reason, created_at)
             values (?1, ?2, coalesce((select number from notifications where user_id = ?1
                 order by event_seq desc limit 1), 0) + 1,
               ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             on conflict do nothing returning number",
        )?
        .query_row(
            (
                n.user_id,
                n.event_seq,
                n.id,
                n.tenant_id,
                n.kind.name(),
                &n.message,
                &n.related_id,
                n.related_type.name(),
                n.actor_id,
                n.reason.name(),
                n.created_at,
            ),
            |row| row.get(0),
        )
        .optional()?)
}

/// Lets go of a user's notifications up to this number.
pub(super) fn prune(conn: &Connection, user: UserId, up_to: i64) -> Result<()> {
    conn.prepare_cached("delete from notifications where user_id = ?1 and number <= ?2")?
        .execute((user, up_to))?;
    Ok(())
}

const COLUMNS: &str = "user_id, event_seq, id, tenant_id, type, message, related_id, related_type,
    actor_id, reason, created_at, read_at,
    (select name from users where users.tenant_id = notifications.tenant_id and id = actor_id)";

fn notification(row: &Row<'_>) -> Result<Notification> {
    let unknown = || Error::internal("a stored notification has a word that is none");
    let word = |column| -> Result<String> { Ok(row.get(column)?) };
    let reason = Reason::of(&word(9)?).ok_or_else(unknown)?;
    let (created_at, read_at): (i64, Option<i64>) = (row.get(10)?, row.get(11)?);
    Ok(Notification {
        id: read_uuid(row.get_ref(2)?).map(EntityId).map_err(Error::internal)?,
        tenant_id: row.get(3)?,
        version: if read_at.is_some() { 2 } else { 1 },
        created_at,
        updated_at: read_at.unwrap_or(created_at),
        deleted_at: None,
        user_id: row.get(0)?,
        kind: Type::of(&word(4)?).ok_or_else(unknown)?,
        message: row.get(5)?,
        related_id: row.get(6)?,
        related_type: RelatedType::of(&word(7)?).ok_or_else(unknown)?,
        actor_id: row.get(8)?,
        actor_name: row.get(12)?,
        reason,
        why: words::why(reason),
        event_seq: row.get(1)?,
        read_at,
    })
}

/// One page of what somebody was told, the newest first, and how many there are in all.
///
/// # Errors
/// When the database refuses.
pub fn list(
    conn: &Connection,
    (tenant, user): (TenantId, UserId),
    unread: Option<bool>,
    paging: Paging,
) -> Result<(Vec<Notification>, i64)> {
    const MATCHING: &str = "from notifications where tenant_id = ?1 and user_id = ?2
        and (?3 is null or (read_at is null) = ?3)";
    let total = conn
        .prepare_cached(&format!("select count(*) {MATCHING}"))?
        .query_row((tenant, user, unread), |row| row.get(0))?;
    let sql = format!("select {COLUMNS} {MATCHING} order by event_seq desc limit ?4 offset ?5");
    let page = conn
        .prepare_cached(&sql)?
        .query_and_then((tenant, user, unread, paging.limit(), paging.offset()), notification)?
        .collect::<Result<_>>()?;
    Ok((page, total))
}

/// One thing somebody was told. Looks through all of theirs, which are few.
pub(super) fn find(
    conn: &Connection,
    (tenant, user): (TenantId, UserId),
    id: EntityId,
) -> Result<Option<Notification>> {
    let sql = format!(
        "select {COLUMNS} from notifications where tenant_id = ?1 and user_id = ?2 and id = ?3"
    );
    conn.prepare_cached(&sql)?.query_and_then((tenant, user, id), notification)?.next().transpose()
}

/// The newest thing somebody was told and has not read.
pub(super) fn newest_unread(
    conn: &Connection,
    (tenant, user): (TenantId, UserId),
) -> Result<Option<Notification>> {
    let sql = format!(
        "select {COLUMNS} from notifications
         where tenant_id = ?1 and user_id = ?2 and read_at is null order by event_seq desc limit 1"
    );
    conn.prepare_cached(&sql)?.query_and_then((tenant, user), notification)?.next().transpose()
}

/// How many notifications somebody has not read.
///
/// # Errors
/// When the database refuses.
pub fn unread(conn: &Connection, user: UserId) -> Result<i64> {
    Ok(conn
        .prepare_cached(
            "select count(*) from notifications where user_id = ?1 and read_at is null",
        )?
        .query_row([user], |row| row.get(0))?)
}

/// The same, and the `event_seq` of the newest there is, as they are at one moment.
pub(super) fn unread_up_to(
    conn: &Connection,
    (tenant, user): (TenantId, UserId),
) -> Result<(i64, i64)> {
    Ok(conn
        .prepare_cached(
            "select count(*) filter (where read_at is null), coalesce(max(event_seq), 0)
             from notifications where tenant_id = ?1 and user_id = ?2",
        )?
        .query_row((tenant, user), |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Notes that one of them was read.
pub(super) fn read(w: &Write<'_>, n: &Notification) -> Result<()> {
    w.prepare_cached(
        "update notifications set read_at = ?4
         where tenant_id = ?1 and user_id = ?2 and event_seq = ?3 and read_at is null",
    )?
    .execute((n.tenant_id, n.user_id, n.event_seq, w.now))?;
    Ok(())
}

/// Notes that all of them were read; returns how many had not been.
pub(super) fn read_all(w: &Write<'_>, (tenant, user): (TenantId, UserId)) -> Result<usize> {
    Ok(w.prepare_cached(
        "update notifications set read_at = ?3
         where tenant_id = ?1 and user_id = ?2 and read_at is null",
    )?
    .execute((tenant, user, w.now))?)
}

/// Removes one of them.
pub(super) fn delete(w: &Write<'_>, n: &Notification) -> Result<()> {
    w.prepare_cached(
        "delete from notifications where tenant_id = ?1 and user_id = ?2 and event_seq = ?3",
    )?
    .execute((n.tenant_id, n.user_id, n.event_seq))?;
    Ok(())
}

/// Removes all of them, and what the log said to that person alone from what they may replay.
pub(super) fn forget(w: &Write<'_>, tenant: TenantId, user: UserId) -> Result<()> {
    w.prepare_cached(
        "delete from event_users where user_id = ?2 and exists (select 1 from events e
           where e.seq = event_users.seq and e.tenant_id = ?1 and e.audience = ?3)",
    )?
    .execute((tenant, user, Audience::User(user).to_string()))?;
    w.prepare_cached("delete from notifications where tenant_id = ?1 and user_id = ?2")?
        .execute((tenant, user))?;
    Ok(())
}
