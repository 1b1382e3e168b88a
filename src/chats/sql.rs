//! Statements over chats.

use super::{Chat, Status};
use crate::{
    error::{Error, OrNotFound as _, Result},
    event::Listener,
    http::page::Paging,
    id::{EntityId, TenantId, UserId},
};
use rusqlite::{Connection, Row, ToSql, named_params};

const COLUMNS: &str = "c.id, c.tenant_id, c.version, c.created_at, c.updated_at, c.status,
     c.customer_id, c.visitor_id, c.visitor_name, c.visitor_email,
     coalesce(u.name, c.visitor_name, 'Visitor'), c.assignee_id, c.team_id, c.ticket_id,
     c.last_number, c.last_message_at, c.closed_at";

const FROM: &str = "from chats c left join users u on u.id = c.customer_id";

fn chat(row: &Row<'_>) -> Result<Chat> {
    let status = row.get_ref(5)?.as_str().map_err(Error::internal)?;
    Ok(Chat {
        id: row.get(0)?,
        tenant_id: row.get(1)?,
        version: row.get(2)?,
        created_at: row.get(3)?,
        updated_at: row.get(4)?,
        deleted_at: None,
        status: status.parse().map_err(|()| Error::internal("an unknown status of a chat"))?,
        customer_id: row.get(6)?,
        visitor_id: row.get(7)?,
        visitor_name: row.get(8)?,
        visitor_email: row.get(9)?,
        name: row.get(10)?,
        assignee_id: row.get(11)?,
        team_id: row.get(12)?,
        ticket_id: row.get(13)?,
        message_count: row.get(14)?,
        last_message_at: row.get(15)?,
        closed_at: row.get(16)?,
    })
}

/// A chat of a tenant.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &Connection, tenant: TenantId, id: EntityId) -> Result<Option<Chat>> {
    let sql = format!("select {COLUMNS} {FROM} where c.tenant_id = ?1 and c.id = ?2");
    conn.prepare_cached(&sql)?.query_and_then((tenant, id), chat)?.next().transpose()
}

/// A chat, if `who` may see it.
///
/// # Errors
/// When the database refuses.
pub fn visible(conn: &Connection, who: &Listener, id: EntityId) -> Result<Option<Chat>> {
    Ok(find(conn, who.tenant, id)?.filter(|chat| chat.is_visible_to(who)))
}

/// The same, or 404.
pub(super) fn seen(conn: &Connection, who: &Listener, id: EntityId) -> Result<Chat> {
    visible(conn, who, id)?.or_not_found("chat")
}

/// Stores a new chat, in which nothing was said yet, and reads it back with its name.
pub(super) fn insert(conn: &Connection, new: &Chat) -> Result<Chat> {
    conn.prepare_cached(
        "insert into chats (id, tenant_id, status, customer_id, visitor_id, visitor_name,
           visitor_email, assignee_id, team_id, last_message_at, version, created_at, updated_at)
         values (:id, :tenant, :status, :customer, :visitor, :name, :email, :assignee, :team,
           :now, :version, :now, :now)",
    )?
    .execute(named_params! {
        ":id": new.id, ":tenant": new.tenant_id, ":status": new.status.name(),
        ":customer": new.customer_id, ":visitor": new.visitor_id, ":name": new.visitor_name,
        ":email": new.visitor_email, ":assignee": new.assignee_id, ":team": new.team_id,
        ":version": new.version, ":now": new.created_at,
    })?;
    find(conn, new.tenant_id, new.id)?.or_not_found("chat")
}

/// Stores what may change of a chat.
pub(super) fn update(conn: &Connection, chat: &Chat) -> Result<()> {
    conn.prepare_cached(
        "update chats set status = :status, assignee_id = :assignee, team_id = :team,
           ticket_id = :ticket, last_number = :number, last_message_at = :last,
           closed_at = :closed, version = :version, updated_at = :updated
         where tenant_id = :tenant and id = :id",
    )?
    .execute(named_params! {
        ":status": chat.status.name(), ":assignee": chat.assignee_id, ":team": chat.team_id,
        ":ticket": chat.ticket_id, ":number": chat.message_count, ":last": chat.last_message_at,
        ":closed": chat.closed_at, ":version": chat.version, ":updated": chat.updated_at,
        ":tenant": chat.tenant_id, ":id": chat.id,
    })?;
    Ok(())
}

/// What a list is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub(super) statuses: Vec<Status>,
    /// `Some(None)`: nobody's.
    pub(super) assignee: Option<Option<UserId>>,
    pub(super) team: Option<EntityId>,
}

/// One page of the chats that `who` may see, the last one written in first, and how many there are.
pub(super) fn list(
    conn: &Connection,
    who: &Listener,
    filter: &Filter,
    paging: Paging,
) -> Result<(Vec<Chat>, i64)> {
    let mut wheres = vec![String::from("c.tenant_id = ?1")];
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(who.tenant)];
    let mut is = |column: &str, value: Box<dyn ToSql>| {
        values.push(value);
        wheres.push(format!("{column} = ?{}", values.len()));
    };
    if !who.role.is_staff() {
        is("c.customer_id", Box::new(who.user));
    }
    if let Some(team) = filter.team {
        is("c.team_id", Box::new(team));
    }
    match filter.assignee {
        Some(Some(user)) => is("c.assignee_id", Box::new(user)),
        Some(None) => wheres.push("c.assignee_id is null".into()),
        None => {}
    }
    if !filter.statuses.is_empty() {
        let words: Vec<_> = filter.statuses.iter().map(|s| format!("'{s}'")).collect();
        wheres.push(format!("c.status in ({})", words.join(", ")));
    }
    let wheres = wheres.join(" and ");
    let given = || values.iter().map(AsRef::as_ref).collect::<Vec<&dyn ToSql>>();
    let total = conn
        .prepare_cached(&format!("select count(*) from chats c where {wheres}"))?
        .query_row(&*given(), |row| row.get(0))?;
    let (limit, offset) = (paging.limit(), paging.offset());
    let sql = format!(
        "select {COLUMNS} {FROM} where {wheres}
         order by c.last_message_at desc, c.rid desc limit {limit} offset {offset}"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let chats = statement.query_and_then(&*given(), chat)?.collect::<Result<_>>()?;
    Ok((chats, total))
}

/// Chats of a customer that are not closed.
pub(super) fn open_count(conn: &Connection, tenant: TenantId, customer: UserId) -> Result<i64> {
    Ok(conn
        .prepare_cached(
            "select count(*) from chats
             where tenant_id = ?1 and customer_id = ?2 and status <> 'closed'",
        )?
        .query_row((tenant, customer), |row| row.get(0))?)
}

/// Whether somebody is an active account of the tenant, and whether of staff.
pub(super) fn account(conn: &Connection, tenant: TenantId, user: UserId) -> Result<Option<bool>> {
    conn.prepare_cached(
        "select role <> 'customer' from users
         where tenant_id = ?1 and id = ?2 and is_active and deleted_at is null",
    )?
    .query_and_then((tenant, user), |row| Ok(row.get(0)?))?
    .next()
    .transpose()
}

/// The members of a team who are available and have fewer than `cap` chats in hand, in the team's
/// order, with how many they have.
pub(super) fn free_members(
    conn: &Connection,
    tenant: TenantId,
    team: EntityId,
    cap: i64,
) -> Result<Vec<(UserId, i64)>> {
    Ok(conn
        .prepare_cached(
            "select user_id, busy from (
               select m.user_id, m.position, (select count(*) from chats c
                 where c.assignee_id = m.user_id and c.status <> 'closed') as busy
               from team_members m
                 cross join users u on u.id = m.user_id
                 cross join agent_states s on s.user_id = m.user_id
               where m.team_id = ?2 and u.tenant_id = ?1 and u.is_active and u.deleted_at is null
                 and u.role <> 'customer' and s.state = 'available')
             where busy < ?3 order by position",
        )?
        .query_map((tenant, team, cap), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?)
}

/// Chats that wait for a member of a team that gives them out by rule, of every tenant: the longest
/// waiting of each team first.
pub(super) fn waiting(conn: &Connection, limit: i64) -> Result<Vec<(TenantId, EntityId)>> {
    Ok(conn
        .prepare_cached(
            "select c.tenant_id, c.id from teams t
               join chats c on c.rid = (select min(w.rid) from chats w
                 where w.team_id = t.id and w.status <> 'closed' and w.assignee_id is null)
             where t.deleted_at is null and t.assignment <> 'manual' limit ?1",
        )?
        .query_map([limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?)
}
