//! Statements over the people a call concerns: whose number it is, and who is told of it.

use super::{Customer, RecentTicket};
use crate::{
    calls::{number, sql::entity},
    error::Result,
    id::{TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension as _};

/// Tickets that come along with a call.
const RECENT: i64 = 3;

/// Accounts that are looked at whose numbers end alike.
const ALIKE_MAX: i64 = 50;

/// Customers whose numbers end with the same digits.
pub(super) fn customers_by_phone(
    conn: &Connection,
    tenant: TenantId,
    digits: &str,
) -> Result<Vec<(UserId, String)>> {
    let from = digits.len().saturating_sub(7);
    let end = digits.get(from..).unwrap_or(digits);
    // The expression is the one of the index, to the letter.
    Ok(conn
        .prepare_cached(
            "select id, phone from users indexed by users_by_phone
             where tenant_id = ?1 and substr(
               replace(replace(replace(replace(replace(replace(replace(phone,
                 ' ', ''), '-', ''), '(', ''), ')', ''), '/', ''), '.', ''), '+', ''), -7) = ?2
               and phone is not null and deleted_at is null and role = 'customer' and is_active
             limit ?3",
        )?
        .query_map((tenant, end, ALIKE_MAX), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?)
}

/// A customer as a call shows them.
pub(in crate::calls) fn customer(
    conn: &Connection,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<Customer>> {
    Ok(conn
        .prepare_cached(
            "select id, name, email, phone from users
             where tenant_id = ?1 and id = ?2 and deleted_at is null",
        )?
        .query_row((tenant, user), |row| {
            let (id, name, email, phone) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok(Customer { id, name, email, phone })
        })
        .optional()?)
}

/// The last tickets of a customer, the newest first.
pub(in crate::calls) fn recent_tickets(
    conn: &Connection,
    tenant: TenantId,
    user: UserId,
) -> Result<Vec<RecentTicket>> {
    conn.prepare_cached(
        "select id, number, subject, status from tickets indexed by tickets_by_requester
         where tenant_id = ?1 and requester_id = ?2 and deleted_at is null
         order by updated_at desc, number desc limit ?3",
    )?
    .query_and_then((tenant, user, RECENT), |row| {
        let (number, subject, status) = (row.get(1)?, row.get(2)?, row.get(3)?);
        Ok(RecentTicket { id: entity(row, 0)?, number, subject, status })
    })?
    .collect()
}

/// The people of the teams to which a queue belongs, who can work now.
pub(super) fn members_of_queue(
    conn: &Connection,
    tenant: TenantId,
    queue: &str,
) -> Result<Vec<UserId>> {
    Ok(conn
        .prepare_cached(
            "select distinct m.user_id from teams t cross join json_each(t.queue_names) q
               cross join team_members m on m.team_id = t.id cross join users u on u.id = m.user_id
             where t.tenant_id = ?1 and t.deleted_at is null and q.value = ?2
               and u.is_active and u.deleted_at is null and u.role <> 'customer'",
        )?
        .query_map((tenant, queue), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?)
}

/// Everybody who works for a tenant.
pub(super) fn all_staff(conn: &Connection, tenant: TenantId) -> Result<Vec<UserId>> {
    Ok(conn
        .prepare_cached(
            "select id from users where tenant_id = ?1 and role <> 'customer' and is_active
               and deleted_at is null order by id limit 1000",
        )?
        .query_map([tenant], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?)
}

/// Spellings of one customer's name and number that are remembered for forgetting them.
const WORDS_MAX: i64 = 30;

/// By which numbers and full names a customer's calls know them, for forgetting them.
///
/// # Errors
/// When the database refuses.
pub fn words_of(conn: &Connection, tenant: TenantId, user: UserId) -> Result<Vec<String>> {
    let mut statement = conn.prepare_cached(
        "select distinct case direction when 'inbound' then from_number else to_number end,
           case when direction = 'inbound' and instr(from_name, ' ') > 0 then from_name end
         from calls where tenant_id = ?1 and customer_id = ?2 limit ?3",
    )?;
    let mut words = Vec::new();
    let mut rows = statement.query((tenant, user, WORDS_MAX))?;
    while let Some(row) = rows.next()? {
        let (called, name): (Option<String>, Option<String>) = (row.get(0)?, row.get(1)?);
        words.extend(called.as_deref().map(number::digits));
        words.extend(called.into_iter().chain(name));
    }
    words.retain(|word| !word.is_empty());
    Ok(words)
}
