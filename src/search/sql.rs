//! Statements over the text index.

use super::{Doc, Kind, query};
use crate::{
    db::read_uuid,
    error::{Error, Result},
    event::Listener,
    id::{TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

/// Matches that are ranked: the newest of a common word, so that no word is slow.
const RANKED_MAX: i64 = 500;

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
        let mut who = query::staff_word(doc.tenant);
        if doc.everyone {
            who.push(' ');
            who.push_str(&query::everyone_word(doc.tenant));
        }
        for reader in doc.readers {
            who.push(' ');
            who.push_str(&query::reader_word(*reader));
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
    #[serde(skip)]
    score: f64,
}

/// Which kinds of things are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) tickets: bool,
    pub(super) comments: bool,
    pub(super) articles: bool,
}

/// The best matches among the newest, the best first.
pub(super) fn search(
    conn: &Connection,
    listener: &Listener,
    words: &[String],
    (wanted, limit): (Wanted, usize),
) -> Result<Vec<Found>> {
    let matching = query::matching(listener, words);
    let mut found = one_table(conn, "search_open", &matching, (wanted, limit))?;
    // Not a line of internal text is looked at for anyone but staff.
    if listener.role.is_staff() {
        found.extend(one_table(conn, "search_internal", &matching, (wanted, limit))?);
    }
    found.sort_by(|a, b| a.score.total_cmp(&b.score));
    found.truncate(limit);
    Ok(found)
}

fn one_table(
    conn: &Connection,
    table: &str,
    matching: &str,
    (wanted, limit): (Wanted, usize),
) -> Result<Vec<Found>> {
    // The inner query walks the index backwards and stops; only its rows are scored and sorted.
    let sql = format!(
        "with newest as materialized (
           select rowid as doc, bm25({table}, 0.0, 4.0, 1.0) as score,
             snippet({table}, 2, char(8296), char(8297), '…', 16) as snippet
           from {table} where {table} match ?1 order by rowid desc limit ?2)
         select d.kind, n.score, n.snippet,
           coalesce(t.id, c.id, a.id), coalesce(t.subject, ct.subject, a.title),
           coalesce(t.id, ct.id), coalesce(t.number, ct.number), a.slug
         from newest n join search_docs d on d.doc = n.doc
           left join tickets t on d.kind = 1 and t.rid = d.rid
           left join comments c on d.kind in (2, 3) and c.rid = d.rid
           left join tickets ct on ct.id = c.ticket_id
           left join kb_articles a on d.kind in (4, 5) and a.rid = d.rid
         where (?3 and d.kind = 1) or (?4 and d.kind in (2, 3)) or (?5 and d.kind in (4, 5))
         order by n.score limit ?6"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    conn.prepare_cached(&sql)?
        .query_and_then(
            (matching, RANKED_MAX, wanted.tickets, wanted.comments, wanted.articles, limit),
            found,
        )?
        .collect()
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
        score: row.get(1)?,
        snippet: row.get(2)?,
        id: id(3)?.unwrap_or_default(),
        title: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
        ticket_id: id(5)?,
        ticket_number: row.get(6)?,
        slug: row.get(7)?,
    })
}

/// The ticket with this number, if the listener may find it.
pub(super) fn by_number(
    conn: &Connection,
    listener: &Listener,
    number: i64,
) -> Result<Option<Found>> {
    let who = if listener.role.is_staff() { None } else { Some(listener.user) };
    by_ticket(conn, "t.number = ?2", (listener.tenant, &number, who), 1).map(|mut t| t.pop())
}

/// The newest tickets of the person with this e-mail; for staff.
pub(super) fn by_email(
    conn: &Connection,
    tenant: TenantId,
    email: &str,
    limit: usize,
) -> Result<Vec<Found>> {
    let requester = "t.requester_id in (select id from users where tenant_id = ?1 and email = ?2)";
    by_ticket(conn, requester, (tenant, &email, None), limit)
}

fn by_ticket(
    conn: &Connection,
    condition: &str,
    (tenant, value, who): (TenantId, &dyn rusqlite::ToSql, Option<UserId>),
    limit: usize,
) -> Result<Vec<Found>> {
    let sql = format!(
        "select 1, 0.0, '', t.id, t.subject, t.id, t.number, null from tickets t
         where t.tenant_id = ?1 and {condition} and t.deleted_at is null
           and (?3 is null or t.requester_id = ?3 or exists (
             select 1 from ticket_followers f where f.ticket_id = t.id and f.user_id = ?3))
         order by t.rid desc limit ?4"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    conn.prepare_cached(&sql)?.query_and_then((tenant, value, who, limit), found)?.collect()
}
