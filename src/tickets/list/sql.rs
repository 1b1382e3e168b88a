//! Statements of lists: from which side a list is walked, and how its rows are counted.
//!
//! With a hundred thousand tickets a list must not read or count them all. So the side that leaves
//! fewest is chosen here, by hand, and every statement names its index: few matches are gathered
//! and sorted, many are met soon when the list is walked in its order.

use super::{Filters, Key, One, Total, Wanted, side::Side};
use crate::{
    error::{OrNotFound as _, Result},
    event::Listener,
    http::page::Paging,
    id::{TenantId, UserId},
    tickets::{
        sql::{COLUMNS, tenant_word, ticket},
        ticket::Ticket,
    },
};
use rusqlite::{Connection, OptionalExtension as _, ToSql, params_from_iter};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt::Write as _,
};

/// Matches are counted up to here; a total beyond is told as "at least".
const COUNTED_MAX: i64 = 10_000;

/// The same for a tag with other filters, each of whose tickets has to be looked up.
const TAGGED_COUNTED_MAX: i64 = 1_000;

/// Up to so many matches are gathered and sorted; among more of them the list is walked in its
/// order, which meets 25 of them soon.
const SORTED_MAX: i64 = if cfg!(test) { 10 } else { 1_500 };

/// The same for tags, each of whose tickets has to be looked up.
const TAGGED_SORTED_MAX: i64 = if cfg!(test) { 10 } else { 400 };

/// Of words in subjects only so many of the newest matches are looked at.
const WORDS_MATCHED_MAX: i64 = 1_000;

/// Text of a statement with its parameters in order.
#[derive(Default)]
struct Sql {
    text: String,
    params: Vec<Box<dyn ToSql>>,
}

impl Sql {
    fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    fn bind(&mut self, value: impl ToSql + 'static) -> &mut Self {
        self.params.push(Box::new(value));
        self
    }

    /// ` and column in (?, ?)`, or nothing for no values.
    fn any_of<T: ToSql + 'static>(&mut self, column: &str, values: impl IntoIterator<Item = T>) {
        let mut marks = String::new();
        for value in values {
            marks.push_str(if marks.is_empty() { "?" } else { ", ?" });
            self.bind(value);
        }
        if !marks.is_empty() {
            // Writing to a string cannot fail.
            let _always_ok = write!(self.text, " and {column} in ({marks})");
        }
    }

    fn range(&mut self, column: &str, (from, before): (Option<i64>, Option<i64>)) {
        if let Some(from) = from {
            self.push(&format!(" and {column} >= ?")).bind(from);
        }
        if let Some(before) = before {
            self.push(&format!(" and {column} < ?")).bind(before);
        }
    }
}

/// `from … where …` for everything that is wanted, reached from `side`.
fn matching(wanted: &Wanted, side: Side) -> Sql {
    let mut sql = Sql::default();
    let (tenant, user) = (wanted.who.tenant, wanted.who.user);
    match side {
        Side::Index(name, _) => {
            sql.push(" from tickets t indexed by ").push(name);
        }
        Side::Mine => {
            sql.push(
                " from (select rid from tickets indexed by tickets_by_requester
                    where tenant_id = ? and requester_id = ? and deleted_at is null
                  union select ticket_rid from ticket_followers where user_id = ?) m
                  cross join tickets t on t.rid = m.rid",
            );
            sql.bind(tenant).bind(user).bind(user);
        }
        Side::Words => from_words(&mut sql, wanted),
        Side::Tag => {
            sql.push(" from (select distinct ticket_rid from ticket_tags where tenant_id = ?");
            sql.bind(tenant).any_of("tag", wanted.tags.clone());
            sql.push(") g cross join tickets t on t.rid = g.ticket_rid");
        }
    }
    sql.push(" where t.tenant_id = ?").bind(tenant);
    filters(&mut sql, wanted, side);
    sql
}

fn from_words(sql: &mut Sql, wanted: &Wanted) {
    let text = wanted.text.as_deref().unwrap_or_default();
    sql.push(" from (");
    if let Some(phrase) = phrase(wanted, text) {
        sql.push(
            "select rid from (select rowid as rid from ticket_words where ticket_words match ?
               order by rowid desc limit ?)",
        );
        sql.bind(phrase).bind(WORDS_MATCHED_MAX);
    } else {
        sql.push("select 0 as rid where 0");
    }
    sql.push(" union select rid from tickets where tenant_id = ? and number = ?");
    sql.bind(wanted.who.tenant).bind(number(text));
    sql.push(") w cross join tickets t on t.rid = w.rid");
}

fn filters(sql: &mut Sql, wanted: &Wanted, side: Side) {
    let deleted = if wanted.deleted { "is not null" } else { "is null" };
    sql.push(" and t.deleted_at ").push(deleted);
    sql.any_of("t.status", wanted.statuses.iter().map(|s| s.name()));
    sql.any_of("t.priority", wanted.priorities.iter().map(|p| p.rank()));
    sql.any_of("t.channel", wanted.channels.iter().map(|c| c.name()));
    sql.any_of("t.type", wanted.kinds.clone());
    sql.any_of("t.requester_id", wanted.requester);
    match wanted.assignee {
        Some(One::Nobody) => drop(sql.push(" and t.assignee_id is null")),
        Some(One::This(user)) => drop(sql.push(" and t.assignee_id = ?").bind(user)),
        None => {}
    }
    match wanted.team {
        Some(One::Nobody) => drop(sql.push(" and t.team_id is null")),
        Some(One::This(team)) => drop(sql.push(" and t.team_id = ?").bind(team)),
        None => {}
    }
    sql.range("t.created_at", wanted.created);
    sql.range("t.updated_at", wanted.updated);
    if !wanted.tags.is_empty() && side != Side::Tag {
        sql.push(" and exists (select 1 from ticket_tags g where g.tenant_id = t.tenant_id");
        sql.any_of("g.tag", wanted.tags.clone());
        sql.push(" and g.ticket_rid = t.rid)");
    }
    if let Some(text) = wanted.text.as_deref().filter(|_| side != Side::Words) {
        sql.push(" and (t.number = ?").bind(number(text));
        if let Some(phrase) = phrase(wanted, text) {
            // Looked up once: asked of each row, a firm's thousand tickets took five seconds.
            sql.push(" or t.rid in (select rowid from ticket_words where ticket_words match ?)");
            sql.bind(phrase);
        }
        sql.push(")");
    }
}

/// All the words, the last one perhaps unfinished, in subjects of the tenant. Anything that is
/// neither letter nor digit separates words, so no operator of the query language gets through.
fn phrase(wanted: &Wanted, typed: &str) -> Option<String> {
    let words: Vec<&str> =
        typed.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let who = tenant_word(wanted.who.tenant);
    (!words.is_empty()).then(|| format!("who : {who} AND subject : ({}*)", quoted.join(" AND ")))
}

/// The number that was typed (`12`, `#12`); 0 is no ticket's.
fn number(typed: &str) -> i64 {
    typed.strip_prefix('#').unwrap_or(typed).parse().unwrap_or(0)
}

/// One page, and how many there are in all.
pub(super) fn page(
    conn: &Connection,
    wanted: &Wanted,
    paging: Paging,
) -> Result<(Vec<Ticket>, Total)> {
    let side = Side::of(wanted);
    if matches!(side, Side::Mine | Side::Words) || wanted.deleted {
        return gathered(conn, wanted, (side, paging));
    }
    let total = total(conn, wanted, side)?;
    let comes_sorted = matches!(side, Side::Index(_, true)) && wanted.key == Key::Updated;
    let few = if side == Side::Tag { TAGGED_SORTED_MAX } else { SORTED_MAX };
    let few = total.count <= few && !total.at_least;
    let side = if few || comes_sorted { side } else { Side::in_order(wanted.key) };
    let mut sql = matching(wanted, side);
    sql.text.insert_str(0, "select t.rid");
    // Rows of the same key come in the order of the index, unless they are sorted.
    let sorted = few && !comes_sorted;
    sql.push(&order(wanted, sorted)).push(" limit ? offset ?");
    sql.bind(paging.limit()).bind(paging.offset());
    Ok((by_rids(conn, &rids(conn, &sql)?)?, total))
}

/// The last changed tickets that `who` may see, at most `limit`, and whether there are more.
///
/// # Errors
/// When the database refuses.
pub fn newest(conn: &Connection, who: &Listener, limit: i64) -> Result<(Vec<Ticket>, bool)> {
    let wanted = Filters::default().wanted(who)?;
    let (tickets, total) = page(conn, &wanted, Paging::new(None, Some(limit))?)?;
    Ok((tickets, total.count > limit || total.at_least))
}

/// The same where everything that matches is gathered anyway.
fn gathered(
    conn: &Connection,
    wanted: &Wanted,
    (side, paging): (Side, Paging),
) -> Result<(Vec<Ticket>, Total)> {
    let mut sql = matching(wanted, side);
    sql.text.insert_str(0, "select t.rid");
    sql.push(&order(wanted, true));
    let all = rids(conn, &sql)?;
    let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let at = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let page: Vec<i64> =
        all.into_iter().skip(at(paging.offset())).take(at(paging.limit())).collect();
    let at_least = side == Side::Words && count >= WORDS_MATCHED_MAX;
    Ok((by_rids(conn, &page)?, Total { count, at_least }))
}

fn order(wanted: &Wanted, sorted: bool) -> String {
    let way = if wanted.descending { "desc" } else { "asc" };
    let key = match wanted.key {
        Key::Updated => format!("t.updated_at {way}"),
        Key::Created => format!("t.created_at {way}"),
        Key::Number => format!("t.number {way}"),
        Key::Priority => format!("t.priority {way}, t.updated_at {way}"),
    };
    let tie = if sorted { format!(", t.rid {way}") } else { String::new() };
    format!(" order by {key}{tie}")
}

fn rids(conn: &Connection, sql: &Sql) -> Result<Vec<i64>> {
    let params = params_from_iter(&sql.params);
    let rows = conn.prepare_cached(&sql.text)?.query_map(params, |row| row.get(0))?.collect();
    Ok(Result::<_, rusqlite::Error>::from(rows)?)
}

fn by_rids(conn: &Connection, rids: &[i64]) -> Result<Vec<Ticket>> {
    let mut one =
        conn.prepare_cached(&format!("select {COLUMNS} from tickets t where t.rid = ?1"))?;
    rids.iter()
        .map(|rid| one.query_and_then([rid], ticket)?.next().transpose()?.or_not_found("ticket"))
        .collect()
}

/// Without filters, or only by status, the counts that are kept tell; tags alone are counted among
/// themselves; else matches are counted.
fn total(conn: &Connection, wanted: &Wanted, side: Side) -> Result<Total> {
    let alone = Wanted { statuses: Vec::new(), tags: Vec::new(), ..wanted.clone() };
    let unfiltered = alone.updated == (None, None)
        && matches!(Side::of(&alone), Side::Index("tickets_by_update", _));
    if unfiltered && wanted.tags.is_empty() {
        let mut sql = Sql::default();
        sql.push("select coalesce(sum(count), 0) from ticket_counts where tenant_id = ?");
        sql.bind(wanted.who.tenant).any_of("status", wanted.statuses.iter().map(|s| s.name()));
        return Ok(Total { count: one_number(conn, &sql)?, at_least: false });
    }
    let tags_alone = unfiltered && wanted.statuses.is_empty();
    let most = if side == Side::Tag && !tags_alone { TAGGED_COUNTED_MAX } else { COUNTED_MAX };
    let mut sql = if tags_alone {
        let mut tags = Sql::default();
        let each_once = if wanted.tags.len() > 1 { "distinct " } else { "" };
        tags.push(&format!("select count(*) from (select {each_once}ticket_rid"));
        tags.push(" from ticket_tags where tenant_id = ?").bind(wanted.who.tenant);
        tags.any_of("tag", wanted.tags.clone());
        tags
    } else {
        let mut matches = matching(wanted, side);
        matches.text.insert_str(0, "select count(*) from (select 1");
        matches
    };
    sql.push(" limit ?)").bind(most + 1);
    let count = one_number(conn, &sql)?;
    Ok(Total { count: count.min(most), at_least: count > most })
}

fn one_number(conn: &Connection, sql: &Sql) -> Result<i64> {
    let params = params_from_iter(&sql.params);
    Ok(conn.prepare_cached(&sql.text)?.query_row(params, |row| row.get(0))?)
}

/// The names of some people of a tenant.
pub(super) fn names(
    conn: &Connection,
    tenant: TenantId,
    users: impl IntoIterator<Item = UserId>,
) -> Result<BTreeMap<UserId, String>> {
    let mut names = BTreeMap::new();
    let mut one = conn.prepare_cached("select name from users where tenant_id = ?1 and id = ?2")?;
    for user in users {
        if let Entry::Vacant(unknown) = names.entry(user)
            && let Some(name) = one.query_row((tenant, user), |row| row.get(0)).optional()?
        {
            unknown.insert(name);
        }
    }
    Ok(names)
}

/// The next tickets in the order of creation after row `after`, for a file of all.
pub(super) fn stretch(
    conn: &Connection,
    wanted: &Wanted,
    (after, limit): (i64, i64),
) -> Result<Vec<Ticket>> {
    let mut sql = Sql::default();
    sql.push(&format!("select {COLUMNS} from tickets t not indexed where t.tenant_id = ?"));
    sql.bind(wanted.who.tenant);
    filters(&mut sql, wanted, Side::in_order(Key::Number));
    sql.push(" and t.rid > ? order by t.rid limit ?").bind(after).bind(limit);
    conn.prepare_cached(&sql.text)?.query_and_then(params_from_iter(&sql.params), ticket)?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::{
        list::Filters,
        testing::{Desk, listener},
    };
    use serde_json::json;

    /// Filters that leave many tickets are counted in an index alone: reading the rows of a hundred
    /// thousand takes too long.
    #[tokio::test]
    async fn common_filters_read_no_rows() {
        let desk = Desk::open().await;
        for asked in [
            json!({ "status": "open,pending", "priority": "high" }),
            json!({ "priority": "low", "assignee": "none", "channel": "web" }),
            json!({ "assignee": "me", "status": "open", "type": "incident" }),
            json!({ "team": "none", "status": "open" }),
            json!({ "type": "incident" }),
            json!({ "channel": "web", "created_after": "2026-01-01T00:00:00Z" }),
            json!({ "created_before": "2026-01-01T00:00:00Z" }),
        ] {
            let filters: Filters = serde_json::from_value(asked.clone()).unwrap();
            let wanted = filters.wanted(&listener(&desk.agents[0])).unwrap();
            let plan = desk.house.db.read(move |r| {
                let mut sql = matching(&wanted, Side::of(&wanted));
                sql.text.insert_str(0, "explain query plan select 1");
                let params = params_from_iter(&sql.params);
                Ok(r.prepare(&sql.text)?.query_row(params, |row| row.get::<_, String>(3))?)
            });
            let plan = plan.await.unwrap();
            assert!(plan.contains("USING COVERING INDEX"), "{asked}: {plan}");
        }
    }
}
