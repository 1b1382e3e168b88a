//! Statements over files, and whom they may be shown to.

use super::{Attachment, Parent, ParentType, Target, store::Digest};
use crate::{
    articles, chats, comments,
    error::{Error, Result},
    event::Listener,
    id::{EntityId, TenantId, UserId},
    tickets,
};
use rusqlite::{Connection, Row, named_params};

const COLUMNS: &str = "id, tenant_id, version, created_at, updated_at, deleted_at, parent_type,
     parent_id, filename, content_type, size, sha256, uploaded_by";

fn attachment(row: &Row<'_>) -> Result<Attachment> {
    let kind = row.get_ref(6)?.as_str().map_err(Error::internal)?;
    let size: i64 = row.get(10)?;
    Ok(Attachment {
        id: row.get(0)?,
        tenant_id: row.get(1)?,
        version: row.get(2)?,
        created_at: row.get(3)?,
        updated_at: row.get(4)?,
        deleted_at: row.get(5)?,
        parent_type: kind.parse().map_err(|()| Error::internal("parent_type"))?,
        parent_id: row.get(7)?,
        filename: row.get(8)?,
        content_type: row.get(9)?,
        size: u64::try_from(size).map_err(Error::internal)?,
        sha256: row.get(11)?,
        uploaded_by: row.get(12)?,
    })
}

/// What files hang on, if `who` may see it.
///
/// # Errors
/// When the database refuses.
pub fn parent(conn: &Connection, who: &Listener, target: Target) -> Result<Option<Parent>> {
    match target.kind {
        ParentType::Ticket => {
            let Some(ticket) = tickets::visible(conn, who, target.id)? else { return Ok(None) };
            let people = tickets::participants(conn, &ticket)?;
            Ok(Some(Parent::of_ticket(&ticket, &people)))
        }
        ParentType::Comment => {
            let found = comments::visible(conn, who, target.id)?;
            let Some((comment, ticket)) = found else { return Ok(None) };
            let people = tickets::participants(conn, &ticket)?;
            Ok(Some(Parent::of_comment(&comment, &ticket, &people)))
        }
        ParentType::KbArticle => {
            let Some(article) = articles::visible(conn, who, target.id)? else { return Ok(None) };
            Ok(Some(Parent::of_article(&article, staff(conn, who.tenant)?)))
        }
        ParentType::ChatMessage => {
            let found = chats::messages::visible(conn, who, target.id)?;
            Ok(found.map(|(message, chat)| Parent::of_message(&message, &chat)))
        }
    }
}

/// A file with what it hangs on, if `who` may see that; a deleted one nobody may.
///
/// # Errors
/// When the database refuses.
pub fn visible(
    conn: &Connection,
    who: &Listener,
    id: EntityId,
) -> Result<Option<(Attachment, Parent)>> {
    let sql = format!(
        "select {COLUMNS} from attachments
         where tenant_id = ?1 and id = ?2 and deleted_at is null"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let found = statement.query_and_then((who.tenant, id), attachment)?.next().transpose()?;
    let Some(file) = found else { return Ok(None) };
    Ok(parent(conn, who, file.target())?.map(|parent| (file, parent)))
}

/// The files of a parent in the order in which they came. The caller has seen to it that they may
/// be shown.
///
/// # Errors
/// When the database refuses.
pub fn living(conn: &Connection, tenant: TenantId, of: Target) -> Result<Vec<Attachment>> {
    let sql = format!(
        "select {COLUMNS} from attachments
         where tenant_id = ?1 and parent_id = ?2 and parent_type = ?3 and deleted_at is null
         order by created_at, id"
    );
    conn.prepare_cached(&sql)?
        .query_and_then((tenant, of.id, of.kind.name()), attachment)?
        .collect()
}

/// Stores a new file.
pub(super) fn insert(conn: &Connection, file: &Attachment) -> Result<()> {
    conn.prepare_cached(
        "insert into attachments (id, tenant_id, parent_type, parent_id, filename, content_type,
           size, sha256, uploaded_by, version, created_at, updated_at)
         values (:id, :tenant, :kind, :parent, :filename, :content_type, :size, :sha256, :by,
           :version, :now, :now)",
    )?
    .execute(named_params! {
        ":id": file.id, ":tenant": file.tenant_id, ":kind": file.parent_type.name(),
        ":parent": file.parent_id, ":filename": file.filename,
        ":content_type": file.content_type,
        ":size": i64::try_from(file.size).map_err(Error::internal)?, ":sha256": file.sha256,
        ":by": file.uploaded_by, ":version": file.version, ":now": file.created_at,
    })?;
    Ok(())
}

/// Stores a renamed or deleted file.
pub(super) fn update(conn: &Connection, file: &Attachment) -> Result<()> {
    conn.prepare_cached(
        "update attachments set filename = :filename, version = :version, updated_at = :updated,
           deleted_at = :deleted
         where tenant_id = :tenant and id = :id",
    )?
    .execute(named_params! {
        ":filename": file.filename, ":version": file.version, ":updated": file.updated_at,
        ":deleted": file.deleted_at, ":tenant": file.tenant_id, ":id": file.id,
    })?;
    Ok(())
}

/// Whether a living file of any tenant has this content: contents are shared, and only the sweep
/// asks.
pub(super) fn is_named(conn: &Connection, digest: &Digest) -> Result<bool> {
    let sql = "select exists (select 1 from attachments where sha256 = ?1 and deleted_at is null)";
    Ok(conn.prepare_cached(sql)?.query_row([digest], |row| row.get(0))?)
}

/// All staff who may sign in: they are told of files on articles.
fn staff(conn: &Connection, tenant: TenantId) -> Result<Vec<UserId>> {
    let sql = "select id from users where tenant_id = ?1
                 and role in ('agent', 'supervisor', 'admin') and is_active and deleted_at is null";
    let rows = conn.prepare_cached(sql)?.query_map([tenant], |row| row.get(0))?.collect();
    Ok(Result::<_, rusqlite::Error>::from(rows)?)
}
