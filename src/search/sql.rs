//! Statements over the text index.

use super::{
    Doc, Kind,
    query::{self, Tier},
};
use crate::{
    db::read_uuid,
    error::{Error, Result},
    event::Listener,
    id::{EntityId, TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

fn table(kind: Kind) -> &'static str {
    if kind.is_internal() { "search_internal" } else { "search_open" }
}

/// A document as it is stored.
pub(super) struct Row {
    kind: Kind,
    rid: i64,
    who: String,
    title: String,
    body: String,
}

impl Row {
    pub(super) fn of(doc: &Doc<'_>) -> Self {
        let mut who = query::staff_word(doc.tenant, doc.kind);
        if doc.everyone {
            who.push(' ');
            who.push_str(&query::everyone_word(doc.tenant, doc.kind));
        }
        for reader in doc.readers {
            who.push(' ');
            who.push_str(&query::reader_word(*reader, doc.kind));
        }
        let (title, body) = (doc.title.to_owned(), doc.body.to_owned());
        Self { kind: doc.kind, rid: doc.rid, who, title, body }
    }
}

pub(super) fn put(conn: &Connection, row: &Row) -> Result<()> {
    let kind = row.kind as i64;
    let known: Option<i64> = conn
        .prepare_cached("select doc from search_docs where kind = ?1 and rid = ?2")?
        .query_row((kind, row.rid), |found| found.get(0))
        .optional()?;
    let table = table(row.kind);
    let id = match known {
        Some(id) => {
            conn.prepare_cached(&format!("delete from {table} where rowid = ?1"))?.execute([id])?;
            id
        }
        None => {
            conn.prepare_cached("insert into search_docs (kind, rid) values (?1, ?2)")?
                .execute((kind, row.rid))?;
            conn.last_insert_rowid()
        }
    };
    conn.prepare_cached(&format!(
        "insert into {table} (rowid, who, title, body) values (?1, ?2, ?3, ?4)"
    ))?
    .execute((id, &row.who, &row.title, &row.body))?;
    Ok(())
}

pub(super) fn remove(conn: &Connection, kind: Kind, rid: i64) -> Result<()> {
    let known: Option<i64> = conn
        .prepare_cached("delete from search_docs where kind = ?1 and rid = ?2 returning doc")?
        .query_row((kind as i64, rid), |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        let table = table(kind);
        conn.prepare_cached(&format!("delete from {table} where rowid = ?1"))?.execute([id])?;
    }
    Ok(())
}

/// Something found.
#[derive(Debug, Serialize)]
pub struct Found {
    /// `ticket`, `comment` or `kb_article`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Its id.
    id: String,
    /// Whether only staff can find it.
    internal: bool,
    /// The ticket's subject, of a comment its ticket's, or the article's title.
    title: String,
    /// The words around the match; matches stand between U+2068 and U+2069, the characters that
    /// isolate text, so that nothing in it can be mistaken for a mark.
    snippet: String,
    /// The ticket of a comment, or the ticket itself.
    ticket_id: Option<String>,
    /// That ticket's number.
    ticket_number: Option<i64>,
    /// The article's slug.
    slug: Option<String>,
    /// Its row in the text index; the newest has the highest.
    #[serde(skip)]
    doc: i64,
}

impl Found {
    /// Whether both are the same thing.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.kind == other.kind && self.id == other.id
    }
}

/// The newest matches of the closest tier, then those of the next one, until there are enough.
///
/// Nothing is scored: to weigh words (`bm25`) FTS5 counts in how many rows each of them stands, and
/// for a word that stands in half a million rows that takes a tenth of a second.
pub(super) fn search(
    conn: &Connection,
    listener: &Listener,
    words: &[String],
    (kinds, limit): (&[Kind], usize),
) -> Result<Vec<Found>> {
    let (internal, open): (Vec<Kind>, Vec<Kind>) = kinds.iter().partition(|k| k.is_internal());
    let mut all: Vec<Found> = Vec::new();
    for tier in Tier::ALL.into_iter().filter(|tier| tier.fits(words)) {
        let mut found = one_table(conn, &open, (listener, words, tier), limit)?;
        // Not a line of internal text is looked at for anyone but staff.
        if listener.role.is_staff() {
            found.extend(one_table(conn, &internal, (listener, words, tier), limit)?);
        }
        found.sort_by_key(|found| std::cmp::Reverse(found.doc));
        found.retain(|found| !all.iter().any(|known| known.doc == found.doc));
        all.extend(found);
        if all.len() >= limit {
            break;
        }
    }
    all.truncate(limit);
    Ok(all)
}

/// All `kinds` must stand in the same table.
fn one_table(
    conn: &Connection,
    kinds: &[Kind],
    (listener, words, tier): (&Listener, &[String], Tier),
    limit: usize,
) -> Result<Vec<Found>> {
    let Some(table) = kinds.first().copied().map(table) else { return Ok(Vec::new()) };
    let Some(matching) = query::matching(listener, words, (kinds, tier)) else {
        return Ok(Vec::new());
    };
    // The inner query walks the index backwards and stops.
    let sql = format!(
        "with newest as materialized (
           select rowid as doc,
             snippet({table}, 2, char(8296), char(8297), '…', 16) as snippet
           from {table} where {table} match ?1 order by rowid desc limit ?2)
         select d.kind, n.doc, n.snippet,
           coalesce(t.id, c.id, a.id), coalesce(t.subject, ct.subject, a.title),
           coalesce(t.id, ct.id), coalesce(t.number, ct.number), a.slug
         from newest n cross join search_docs d on d.doc = n.doc
           left join tickets t on d.kind = 1 and t.rid = d.rid
           left join comments c on d.kind in (2, 3) and c.rid = d.rid
           left join tickets ct on ct.id = c.ticket_id
           left join kb_articles a on d.kind in (4, 5) and a.rid = d.rid"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    conn.prepare_cached(&sql)?.query_and_then((matching, limit), found)?.collect()
}

fn found(row: &rusqlite::Row<'_>) -> Result<Found> {
    let id = |column| -> Result<Option<String>> {
        Ok(match row.get_ref(column)? {
            rusqlite::types::ValueRef::Null => None,
            value => Some(read_uuid(value).map_err(Error::internal)?.to_string()),
        })
    };
    let kind: i64 = row.get(0)?;
    Ok(Found {
        kind: match kind {
            1 => "ticket",
            2 | 3 => "comment",
            _ => "kb_article",
        },
        internal: matches!(kind, 3 | 5),
        doc: row.get(1)?,
        snippet: row.get(2)?,
        id: id(3)?.unwrap_or_default(),
        title: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
        ticket_id: id(5)?,
        ticket_number: row.get(6)?,
        slug: row.get(7)?,
    })
}

/// The articles of a tenant that anybody may find by what was typed, each with the words around the
/// match; the best first.
///
/// # Errors
/// When the database refuses.
pub fn public_articles(
    conn: &Connection,
    tenant: TenantId,
    typed: &str,
    limit: usize,
) -> Result<Vec<(EntityId, String)>> {
    let words = query::words(typed);
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let found = search(conn, &query::anybody(tenant), &words, (&[Kind::Article], limit))?;
    let article = |one: Found| Ok((one.id.parse().map_err(Error::internal)?, one.snippet));
    found.into_iter().map(article).collect()
}

/// The ticket with this number, if the listener may find it.
pub(super) fn by_number(
    conn: &Connection,
    listener: &Listener,
    number: i64,
) -> Result<Option<Found>> {
    let who = if listener.role.is_staff() { None } else { Some(listener.user) };
    let number_is = ("tickets_by_number", "t.number = ?2");
    by_ticket(conn, number_is, (listener.tenant, &number, who), 1).map(|mut t| t.pop())
}

/// The newest tickets of the person with this e-mail; for staff.
pub(super) fn by_email(
    conn: &Connection,
    tenant: TenantId,
    email: &str,
    limit: usize,
) -> Result<Vec<Found>> {
    let requester = "t.requester_id in (select id from users where tenant_id = ?1 and email = ?2)";
    by_ticket(conn, ("tickets_by_requester", requester), (tenant, &email, None), limit)
}

fn by_ticket(
    conn: &Connection,
    (index, condition): (&str, &str),
    (tenant, value, who): (TenantId, &dyn rusqlite::ToSql, Option<UserId>),
    limit: usize,
) -> Result<Vec<Found>> {
    let sql = format!(
        "select 1, 0, '', t.id, t.subject, t.id, t.number, null
         from tickets t indexed by {index}
         where t.tenant_id = ?1 and {condition} and t.deleted_at is null
           and (?3 is null or t.requester_id = ?3 or exists (
             select 1 from ticket_followers f where f.ticket_rid = t.rid and f.user_id = ?3))
         order by t.rid desc limit ?4"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    conn.prepare_cached(&sql)?.query_and_then((tenant, value, who, limit), found)?.collect()
}
