//! Statements over messages and cursors.

use super::{AuthorKind, Message, Read};
use crate::{
    chats::{Chat, sql as chats},
    error::{Error, Result},
    event::Listener,
    id::{EntityId, TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};
use uuid::Uuid;

const COLUMNS: &str = "m.id, m.tenant_id, m.version, m.created_at, m.updated_at, m.deleted_at,
     m.chat_id, m.number, m.client_msg_id, m.author_id, m.author_kind,
     coalesce(u.name, (select visitor_name from chats where id = m.chat_id), 'Visitor'), m.body,
     m.edited_at, (select group_concat(hex(f.id)) from (
       select id from attachments a where a.parent_id = m.id and a.deleted_at is null
       order by a.created_at, a.id) f)";

const FROM: &str = "from chat_messages m left join users u on u.id = m.author_id";

/// Most cursors shown of a chat, the newest.
const READS_MAX: i64 = 50;

/// A tenant's chat.
type In = (TenantId, EntityId);

fn message(row: &Row<'_>) -> Result<Message> {
    let kind = row.get_ref(10)?.as_str().map_err(Error::internal)?;
    let files: Option<String> = row.get(14)?;
    let files = files.unwrap_or_default();
    let files = files.split(',').filter(|hex| !hex.is_empty());
    Ok(Message {
        id: row.get(0)?,
        tenant_id: row.get(1)?,
        version: row.get(2)?,
        created_at: row.get(3)?,
        updated_at: row.get(4)?,
        deleted_at: row.get(5)?,
        chat_id: row.get(6)?,
        number: row.get(7)?,
        client_msg_id: row.get(8)?,
        author_id: row.get(9)?,
        author_kind: AuthorKind::read(kind).ok_or_else(|| Error::internal("an author's kind"))?,
        author_name: row.get(11)?,
        body: row.get(12)?,
        attachments: files
            .map(|hex| Uuid::try_parse(hex).map(EntityId))
            .collect::<Result<_, _>>()
            .map_err(Error::internal)?,
        edited_at: row.get(13)?,
    })
}

/// A message of a tenant, deleted or not.
pub(in crate::chats) fn find(
    conn: &Connection,
    tenant: TenantId,
    id: EntityId,
) -> Result<Option<Message>> {
    let sql = format!("select {COLUMNS} {FROM} where m.tenant_id = ?1 and m.id = ?2");
    conn.prepare_cached(&sql)?.query_and_then((tenant, id), message)?.next().transpose()
}

/// A living message with its chat, if `who` may see that.
///
/// # Errors
/// When the database refuses.
pub fn visible(conn: &Connection, who: &Listener, id: EntityId) -> Result<Option<(Message, Chat)>> {
    let found = find(conn, who.tenant, id)?.filter(|message| message.deleted_at.is_none());
    let Some(message) = found else { return Ok(None) };
    Ok(chats::visible(conn, who, message.chat_id)?.map(|chat| (message, chat)))
}

/// The message that this author sent under this id.
pub(super) fn sent_before(
    conn: &Connection,
    (tenant, chat): In,
    (sent, author): (&str, Option<UserId>),
) -> Result<Option<Message>> {
    let sql = format!(
        "select {COLUMNS} {FROM}
         where m.chat_id = ?2 and m.client_msg_id = ?3
           and coalesce(m.author_id, x'') = coalesce(?4, x'') and m.tenant_id = ?1"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut found = statement.query_and_then((tenant, chat, sent, author), message)?;
    found.next().transpose()
}

/// Which messages of a chat, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::chats) enum Part {
    /// Those that follow this number.
    After(i64, i64),
    /// The last ones before this number.
    Before(i64, i64),
}

/// A part of a chat, in the order of writing.
pub(in crate::chats) fn list(
    conn: &Connection,
    (tenant, chat): In,
    part: Part,
) -> Result<Vec<Message>> {
    let (beyond, order, from, limit) = match part {
        Part::After(number, limit) => (">", "asc", number, limit),
        Part::Before(number, limit) => ("<", "desc", number, limit),
    };
    let sql = format!(
        "select {COLUMNS} {FROM}
         where m.tenant_id = ?1 and m.chat_id = ?2 and m.number {beyond} ?3
         order by m.number {order} limit ?4"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_and_then((tenant, chat, from, limit), message)?;
    let mut messages = rows.collect::<Result<Vec<_>>>()?;
    if let Part::Before(..) = part {
        messages.reverse();
    }
    Ok(messages)
}

/// Stores a new message.
pub(super) fn insert(conn: &Connection, new: &Message) -> Result<()> {
    conn.prepare_cached(
        "insert into chat_messages (chat_id, number, id, tenant_id, client_msg_id, author_id,
           author_kind, body, version, created_at, updated_at)
         values (:chat, :number, :id, :tenant, :sent, :author, :kind, :body, :version, :now, :now)",
    )?
    .execute(named_params! {
        ":chat": new.chat_id, ":number": new.number, ":id": new.id, ":tenant": new.tenant_id,
        ":sent": new.client_msg_id, ":author": new.author_id, ":kind": new.author_kind.name(),
        ":body": new.body, ":version": new.version, ":now": new.created_at,
    })?;
    Ok(())
}

/// Stores a changed or deleted message.
pub(super) fn update(conn: &Connection, message: &Message) -> Result<()> {
    conn.prepare_cached(
        "update chat_messages set body = :body, edited_at = :edited, version = :version,
           updated_at = :updated, deleted_at = :deleted
         where chat_id = :chat and number = :number and tenant_id = :tenant",
    )?
    .execute(named_params! {
        ":body": message.body, ":edited": message.edited_at, ":version": message.version,
        ":updated": message.updated_at, ":deleted": message.deleted_at, ":chat": message.chat_id,
        ":number": message.number, ":tenant": message.tenant_id,
    })?;
    Ok(())
}

/// How far somebody has read a chat, and when they said so. The caller has found the chat in its
/// tenant.
pub(in crate::chats) fn cursor(
    conn: &Connection,
    (chat, reader): (EntityId, UserId),
) -> Result<Option<(i64, i64)>> {
    Ok(conn
        .prepare_cached(
            "select number, read_at from chat_reads where chat_id = ?1 and reader_id = ?2",
        )?
        .query_row((chat, reader), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

/// Moves a cursor.
pub(super) fn set_cursor(
    conn: &Connection,
    (chat, reader): (EntityId, UserId),
    read: &Read,
) -> Result<()> {
    conn.prepare_cached(
        "insert into chat_reads (chat_id, reader_id, number, read_at) values (?1, ?2, ?3, ?4)
         on conflict do update set number = excluded.number, read_at = excluded.read_at",
    )?
    .execute((chat, reader, read.number, read.read_at))?;
    Ok(())
}

/// The cursors of a chat, those that moved last first.
pub(in crate::chats) fn cursors(
    conn: &Connection,
    (tenant, chat): In,
    visitor: Option<UserId>,
) -> Result<Vec<Read>> {
    Ok(conn
        .prepare_cached(
            "select reader_id, number, read_at from chat_reads where chat_id = ?1
             order by read_at desc, reader_id limit ?2",
        )?
        .query_map((chat, READS_MAX), |row| {
            let reader: UserId = row.get(0)?;
            Ok(Read {
                chat_id: chat,
                tenant_id: tenant,
                user_id: Some(reader).filter(|reader| Some(*reader) != visitor),
                number: row.get(1)?,
                read_at: row.get(2)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?)
}

/// Whether there is a message by somebody else, before this number, that somebody has not read.
pub(in crate::chats) fn has_unread_before(
    conn: &Connection,
    (chat, reader): (EntityId, UserId),
    number: i64,
) -> Result<bool> {
    Ok(unread(conn, (chat, reader), number, 1)? > 0)
}

/// Messages by others before this number that somebody has not read, counted up to `limit`.
pub(in crate::chats) fn unread(
    conn: &Connection,
    (chat, reader): (EntityId, UserId),
    number: i64,
    limit: i64,
) -> Result<i64> {
    Ok(conn
        .prepare_cached(
            "select count(*) from (select 1 from chat_messages
               where chat_id = ?1 and number < ?3 and deleted_at is null
                 and author_id is not ?2
                 and number > coalesce((select number from chat_reads
                   where chat_id = ?1 and reader_id = ?2), 0)
               limit ?4)",
        )?
        .query_row((chat, reader, number, limit), |row| row.get(0))?)
}
