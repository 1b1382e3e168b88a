//! Statements over comments.

use super::Comment;
use crate::{
    auth::Role,
    error::{Error, Result},
    event::Listener,
    id::{EntityId, TenantId, UserId},
    tickets::{self, Ticket},
};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::str::FromStr;
use uuid::Uuid;

const COLUMNS: &str = "c.rid, c.id, c.tenant_id, c.version, c.created_at, c.updated_at,
     c.deleted_at, c.ticket_id, c.author_id, u.name, c.body, c.format, c.visibility, c.mentions,
     c.edited_at, (select group_concat(hex(f.id)) from (
       select id from attachments a where a.parent_id = c.id and a.deleted_at is null
       order by a.created_at, a.id) f)";

const FROM: &str = "from comments c join users u on u.id = c.author_id";

fn comment(row: &Row<'_>) -> Result<Comment> {
    let mentions = row.get_ref(13)?.as_str().map_err(Error::internal)?;
    let files: Option<String> = row.get(15)?;
    let files = files.unwrap_or_default();
    let files = files.split(',').filter(|hex| !hex.is_empty());
    Ok(Comment {
        rid: row.get(0)?,
        id: row.get(1)?,
        tenant_id: row.get(2)?,
        version: row.get(3)?,
        created_at: row.get(4)?,
        updated_at: row.get(5)?,
        deleted_at: row.get(6)?,
        ticket_id: row.get(7)?,
        author_id: row.get(8)?,
        author_name: row.get(9)?,
        body: row.get(10)?,
        format: word(row, 11)?,
        visibility: word(row, 12)?,
        mentions: serde_json::from_str(mentions).map_err(Error::internal)?,
        attachments: files
            .map(|hex| Uuid::try_parse(hex).map(EntityId))
            .collect::<Result<_, _>>()
            .map_err(Error::internal)?,
        edited_at: row.get(14)?,
    })
}

fn word<T: FromStr>(row: &Row<'_>, column: usize) -> Result<T> {
    let text = row.get_ref(column)?.as_str().map_err(Error::internal)?;
    text.parse().map_err(|_| Error::internal(format!("{text} is no word of a comment")))
}

/// A comment of a tenant, deleted or not.
pub(super) fn find(conn: &Connection, tenant: TenantId, id: EntityId) -> Result<Option<Comment>> {
    let sql = format!("select {COLUMNS} {FROM} where c.tenant_id = ?1 and c.id = ?2");
    conn.prepare_cached(&sql)?.query_and_then((tenant, id), comment)?.next().transpose()
}

/// A comment with its ticket, if `who` may see it: a deleted one nobody may, a note only staff.
///
/// # Errors
/// When the database refuses.
pub fn visible(
    conn: &Connection,
    who: &Listener,
    id: EntityId,
) -> Result<Option<(Comment, Ticket)>> {
    let Some(comment) = find(conn, who.tenant, id)? else { return Ok(None) };
    if comment.deleted_at.is_some() || (comment.is_internal() && !who.role.is_staff()) {
        return Ok(None);
    }
    Ok(tickets::visible(conn, who, comment.ticket_id)?.map(|ticket| (comment, ticket)))
}

/// The comments of a ticket that come after `after` (a `rid`, 0 for the first), in the order of
/// writing. The caller has seen to it that `who` may see the ticket.
///
/// # Errors
/// When the database refuses.
pub fn list(
    conn: &Connection,
    who: &Listener,
    ticket: EntityId,
    (after, limit): (i64, i64),
) -> Result<Vec<Comment>> {
    let public = if who.role.is_staff() { "" } else { "and c.visibility = 'public'" };
    let sql = format!(
        "select {COLUMNS} {FROM}
         where c.tenant_id = ?1 and c.ticket_id = ?2 and c.deleted_at is null {public}
           and c.rid > ?3
         order by c.rid limit ?4"
    );
    conn.prepare_cached(&sql)?
        .query_and_then((who.tenant, ticket, after, limit), comment)?
        .collect()
}

/// Where a comment of a ticket stands in the order of writing, deleted or not; a note of which
/// `who` may not know stands nowhere.
///
/// # Errors
/// When the database refuses.
pub fn place(
    conn: &Connection,
    who: &Listener,
    ticket: EntityId,
    id: EntityId,
) -> Result<Option<i64>> {
    let found = find(conn, who.tenant, id)?.filter(|c| c.ticket_id == ticket);
    Ok(found.filter(|c| who.role.is_staff() || !c.is_internal()).map(|c| c.rid))
}

/// Stores a new comment; answers its `rid`.
pub(super) fn insert(conn: &Connection, new: &Comment) -> Result<i64> {
    conn.prepare_cached(
        "insert into comments (id, tenant_id, ticket_id, author_id, body, format, visibility,
           mentions, version, created_at, updated_at)
         values (:id, :tenant, :ticket, :author, :body, :format, :visibility, :mentions, :version,
           :now, :now)",
    )?
    .execute(named_params! {
        ":id": new.id, ":tenant": new.tenant_id, ":ticket": new.ticket_id,
        ":author": new.author_id, ":body": new.body, ":format": new.format.name(),
        ":visibility": new.visibility.name(), ":mentions": json(&new.mentions)?,
        ":version": new.version, ":now": new.created_at,
    })?;
    Ok(conn.last_insert_rowid())
}

/// Stores a changed or deleted comment.
pub(super) fn update(conn: &Connection, comment: &Comment) -> Result<()> {
    conn.prepare_cached(
        "update comments set body = :body, format = :format, mentions = :mentions,
           edited_at = :edited, version = :version, updated_at = :updated, deleted_at = :deleted
         where tenant_id = :tenant and id = :id",
    )?
    .execute(named_params! {
        ":body": comment.body, ":format": comment.format.name(),
        ":mentions": json(&comment.mentions)?, ":edited": comment.edited_at,
        ":version": comment.version, ":updated": comment.updated_at,
        ":deleted": comment.deleted_at, ":tenant": comment.tenant_id, ":id": comment.id,
    })?;
    Ok(())
}

fn json(ids: &[UserId]) -> Result<String> {
    serde_json::to_string(ids).map_err(Error::internal)
}

/// What somebody is in a tenant, while their account is open.
pub(super) fn role(conn: &Connection, tenant: TenantId, user: UserId) -> Result<Option<Role>> {
    Ok(conn
        .prepare_cached(
            "select role from users
             where tenant_id = ?1 and id = ?2 and is_active and deleted_at is null",
        )?
        .query_row((tenant, user), |row| row.get(0))
        .optional()?)
}
