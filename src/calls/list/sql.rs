//! Statements of lists of calls.

use super::{One, Wanted};
use crate::{
    calls::{
        Call,
        sql::{COLUMNS, call},
    },
    error::Result,
    http::page::Paging,
    id::{TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension as _, ToSql, params_from_iter};
use std::collections::BTreeMap;

/// Matches are counted up to here; a total beyond is told as "at least".
const COUNTED_MAX: i64 = 10_000;

/// Few digits are looked for in so many of the newest calls; a whole number in all of them.
const SEARCHED_MAX: i64 = 10_000;

/// Digits by which a number is found in the index.
const KEY_DIGITS: usize = 7;

/// Text of conditions with their parameters in order.
struct Sql {
    text: String,
    params: Vec<Box<dyn ToSql>>,
}

impl Sql {
    fn and(&mut self, condition: &str) -> &mut Self {
        self.text.push_str(" and ");
        self.text.push_str(condition);
        self
    }

    fn bind(&mut self, value: impl ToSql + 'static) -> &mut Self {
        self.params.push(Box::new(value));
        self
    }

    fn any_of<T: ToSql + 'static>(&mut self, column: &str, values: Vec<T>) {
        if values.is_empty() {
            return;
        }
        let marks = vec!["?"; values.len()].join(", ");
        self.and(&format!("{column} in ({marks})"));
        for value in values {
            self.bind(value);
        }
    }
}

/// `from calls c where …` for everything that is wanted.
fn matching(wanted: &Wanted) -> Sql {
    let text = String::from(" from calls c where c.tenant_id = ? and c.is_known");
    let mut sql = Sql { text, params: vec![Box::new(wanted.tenant)] };
    sql.any_of("c.status", wanted.statuses.iter().map(|status| status.name()).collect());
    sql.any_of("c.queue", wanted.queues.clone());
    sql.any_of("c.result", wanted.results.clone());
    sql.any_of("c.direction", wanted.direction.iter().map(|way| way.name()).collect());
    match wanted.agent {
        Some(One::Nobody) => drop(sql.and("c.agent_id is null")),
        Some(One::This(user)) => {
            sql.and(
                "c.rid in (select rid from calls where tenant_id = ? and agent_id = ? and is_known
                   union select call_rid from call_parts where tenant_id = ? and agent_id = ?
                   union select call_rid from call_offers where tenant_id = ? and agent_id = ?)",
            );
            for _ in 0..3 {
                sql.bind(wanted.tenant).bind(user);
            }
        }
        None => {}
    }
    sql.any_of("c.ticket_id", wanted.ticket.into_iter().collect());
    sql.any_of("c.customer_id", wanted.customer.into_iter().collect());
    if let Some(from) = wanted.from {
        sql.and("c.started_at >= ?").bind(from);
    }
    if let Some(before) = wanted.before {
        sql.and("c.started_at < ?").bind(before);
    }
    if let Some(digits) = &wanted.digits {
        of_number(&mut sql, wanted.tenant, digits);
    }
    if let Some(returned) = wanted.returned {
        unanswered(&mut sql, returned);
    }
    sql
}

fn of_number(sql: &mut Sql, tenant: TenantId, digits: &str) {
    if digits.len() < KEY_DIGITS {
        sql.and("instr(c.peer, ?) > 0").bind(digits.to_owned());
        sql.and(
            "c.rid in (select rid from calls where tenant_id = ? and is_known
               order by started_at desc limit ?)",
        );
        sql.bind(tenant).bind(SEARCHED_MAX);
        return;
    }
    sql.and("substr(c.peer, -7) = substr(?, -7)").bind(digits.to_owned());
    sql.and("(substr(c.peer, -length(?)) = ? or substr(?, -length(c.peer)) = c.peer)");
    sql.bind(digits.to_owned()).bind(digits.to_owned()).bind(digits.to_owned());
}

/// Calls that came in and nobody answered, and whether later somebody spoke with that number or at
/// least called it.
fn unanswered(sql: &mut Sql, returned: bool) {
    sql.and("c.direction = 'inbound' and c.ended_at is not null and c.answered_at is null");
    let not = if returned { "" } else { "not " };
    sql.and(&format!(
        "{not}exists (select 1 from calls l indexed by calls_by_peer
           where l.tenant_id = c.tenant_id and l.is_known and c.peer <> ''
             and substr(l.peer, -7) = substr(c.peer, -7) and l.started_at > c.started_at
             and (l.direction = 'outbound' or l.answered_at is not null)
             and (substr(l.peer, -length(c.peer)) = c.peer
               or substr(c.peer, -length(l.peer)) = l.peer))"
    ));
}

/// One page, the newest first; how many there are in all, and whether there may be more.
pub(super) fn page(
    conn: &Connection,
    wanted: &Wanted,
    paging: Paging,
) -> Result<(Vec<Call>, i64, bool)> {
    let mut sql = matching(wanted);
    let count = format!("select count(*) from (select 1{} limit ?)", sql.text);
    sql.bind(COUNTED_MAX + 1);
    let total: i64 =
        conn.prepare_cached(&count)?.query_row(params_from_iter(&sql.params), |row| row.get(0))?;
    sql.params.pop();
    let text = format!(
        "select {COLUMNS}{} order by c.started_at desc, c.rid desc limit ? offset ?",
        sql.text
    );
    sql.bind(paging.limit()).bind(paging.offset());
    let calls = conn
        .prepare_cached(&text)?
        .query_and_then(params_from_iter(&sql.params), call)?
        .collect::<Result<_>>()?;
    Ok((calls, total.min(COUNTED_MAX), total > COUNTED_MAX))
}

/// The next calls in the order in which they were heard of after row `after`, for a file of all.
pub(super) fn stretch(
    conn: &Connection,
    wanted: &Wanted,
    (after, limit): (i64, i64),
) -> Result<Vec<Call>> {
    let mut sql = matching(wanted);
    let text = format!("select {COLUMNS}{} and c.rid > ? order by c.rid limit ?", sql.text)
        .replacen("from calls c", "from calls c not indexed", 1);
    sql.bind(after).bind(limit);
    conn.prepare_cached(&text)?.query_and_then(params_from_iter(&sql.params), call)?.collect()
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
        if !names.contains_key(&user)
            && let Some(name) = one.query_row((tenant, user), |row| row.get(0)).optional()?
        {
            names.insert(user, name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::Role, calls::list::Filters, event::Listener, http::testing::House};
    use uuid::Uuid;

    /// However many calls there were, an agent's are found by indexes.
    #[tokio::test]
    async fn the_calls_of_an_agent_are_found_by_indexes() {
        let (tenant, user) = (TenantId(Uuid::nil()), UserId(Uuid::from_u128(7)));
        let filters: Filters =
            serde_json::from_str(r#"{ "agent": "me", "state": "ringing" }"#).unwrap();
        let wanted = filters.wanted(&Listener { tenant, user, role: Role::Agent }).unwrap();
        let house = House::new();
        let plan = house.db.read(move |r| {
            let sql = format!("explain query plan select 1{}", matching(&wanted).text);
            let mut statement = r.prepare(&sql)?;
            let mut rows = statement.raw_query();
            let mut lines = Vec::new();
            while let Some(row) = rows.next()? {
                lines.push(row.get::<_, String>(3)?);
            }
            Ok(lines)
        });
        let plan = plan.await.unwrap();
        assert!(!plan.iter().any(|line| line.starts_with("SCAN")), "{plan:?}");
        for index in ["calls_by_agent", "call_parts_by_agent", "call_offers_by_agent"] {
            assert!(plan.iter().any(|line| line.contains(index)), "{index}: {plan:?}");
        }
    }
}
