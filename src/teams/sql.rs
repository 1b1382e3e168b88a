//! Statements over teams and their members.

use super::{Assignment, Team};
use crate::{
    db::read_uuid,
    error::{Error, Result},
    http::page::Paging,
    id::{EntityId, TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};
use std::collections::HashMap;

const COLUMNS: &str = "id, tenant_id, version, created_at, updated_at, deleted_at, name, lead_id, \
     assignment, queue_names";

fn team(row: &Row<'_>) -> Result<Team> {
    let word: String = row.get(8)?;
    let assignment = Assignment::ALL.into_iter().find(|how| how.name() == word);
    Ok(Team {
        id: read_uuid(row.get_ref(0)?).map(EntityId).map_err(Error::internal)?,
        tenant_id: row.get(1)?,
        version: row.get(2)?,
        created_at: row.get(3)?,
        updated_at: row.get(4)?,
        deleted_at: row.get(5)?,
        name: row.get(6)?,
        members: Vec::new(),
        lead_id: row.get(7)?,
        assignment: assignment.ok_or_else(|| Error::internal("an unknown assignment"))?,
        queue_names: serde_json::from_str(&row.get::<_, String>(9)?).map_err(Error::internal)?,
    })
}

fn with_members(conn: &Connection, mut team: Team) -> Result<Team> {
    team.members = conn
        .prepare_cached("select user_id from team_members where team_id = ?1 order by position")?
        .query_map([team.id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(team)
}

/// A living team of a tenant.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &Connection, tenant: TenantId, id: EntityId) -> Result<Option<Team>> {
    let sql = format!(
        "select {COLUMNS} from teams where tenant_id = ?1 and id = ?2 and deleted_at is null"
    );
    let found =
        conn.prepare_cached(&sql)?.query_and_then((tenant, id), team)?.next().transpose()?;
    found.map(|team| with_members(conn, team)).transpose()
}

/// The members of a team who can work now: active staff, in the team's order. `None` when the
/// tenant has no such team.
///
/// # Errors
/// When the database refuses.
pub fn members(conn: &Connection, tenant: TenantId, team: EntityId) -> Result<Option<Vec<UserId>>> {
    let known = conn
        .prepare_cached(
            "select 1 from teams where tenant_id = ?1 and id = ?2 and deleted_at is null",
        )?
        .query_row((tenant, team), |_| Ok(()))
        .optional()?;
    if known.is_none() {
        return Ok(None);
    }
    // From the team's side, whatever the planner thinks: a tenant may have many users.
    let members = conn
        .prepare_cached(
            "select m.user_id from team_members m cross join users u on u.id = m.user_id
             where m.team_id = ?2 and u.tenant_id = ?1 and u.is_active and u.deleted_at is null
               and u.role <> 'customer'
             order by m.position",
        )?
        .query_map((tenant, team), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Some(members))
}

/// Whose turn it is in a team, and notes that they had it: of the members who are `able`, in the
/// team's order, the one who stands next after the last one, whoever has come or gone in between.
/// `None` when nobody is.
///
/// # Errors
/// When the database refuses.
pub(super) fn take_turn(
    conn: &Connection,
    team: EntityId,
    able: &[UserId],
) -> Result<Option<UserId>> {
    if able.is_empty() {
        return Ok(None);
    }
    let places = conn
        .prepare_cached("select user_id, position from team_members where team_id = ?1")?
        .query_map([team], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<HashMap<UserId, i64>>>()?;
    let name = format!("team_turn:{team}");
    let last: i64 = conn
        .prepare_cached("select value from counters where name = ?1")?
        .query_row([&name], |row| row.get(0))
        .optional()?
        .unwrap_or(-1);
    let place = |user: &UserId| places.get(user).copied().unwrap_or(0);
    let next = able.iter().find(|user| place(user) > last).or_else(|| able.first()).copied();
    if let Some(user) = next {
        conn.prepare_cached("insert or replace into counters (name, value) values (?1, ?2)")?
            .execute((&name, place(&user)))?;
    }
    Ok(next)
}

/// The living teams that somebody is a member of.
///
/// # Errors
/// When the database refuses.
pub fn of_user(conn: &Connection, tenant: TenantId, user: UserId) -> Result<Vec<EntityId>> {
    Ok(conn
        .prepare_cached(
            "select t.id from team_members m cross join teams t on t.id = m.team_id
             where m.user_id = ?2 and t.tenant_id = ?1 and t.deleted_at is null order by t.id",
        )?
        .query_map((tenant, user), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?)
}

/// One page of a tenant's living teams by name, and how many there are in all.
pub(super) fn list(
    conn: &Connection,
    tenant: TenantId,
    paging: Paging,
) -> Result<(Vec<Team>, i64)> {
    let total = conn
        .prepare_cached("select count(*) from teams where tenant_id = ?1 and deleted_at is null")?
        .query_row([tenant], |row| row.get(0))?;
    let sql = format!(
        "select {COLUMNS} from teams where tenant_id = ?1 and deleted_at is null
         order by name, id limit ?2 offset ?3"
    );
    let teams = conn
        .prepare_cached(&sql)?
        .query_and_then((tenant, paging.limit(), paging.offset()), team)?
        .map(|team| with_members(conn, team?))
        .collect::<Result<_>>()?;
    Ok((teams, total))
}

/// The living teams that somebody belongs to or leads.
pub(super) fn teams_of(conn: &Connection, tenant: TenantId, user: UserId) -> Result<Vec<EntityId>> {
    Ok(conn
        .prepare_cached(
            "select id from teams where tenant_id = ?1 and deleted_at is null and (lead_id = ?2
               or exists (select 1 from team_members m where m.team_id = id and m.user_id = ?2))",
        )?
        .query_map((tenant, user), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?)
}

/// Whether somebody is active staff of the tenant.
pub(super) fn is_staff(conn: &Connection, tenant: TenantId, user: UserId) -> Result<bool> {
    let found = conn
        .prepare_cached(
            "select 1 from users where tenant_id = ?1 and id = ?2 and role <> 'customer'
               and is_active and deleted_at is null",
        )?
        .query_row((tenant, user), |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

/// Stores a new team, without its members.
pub(super) fn insert(conn: &Connection, team: &Team) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "insert into teams (id, tenant_id, name, lead_id, assignment, queue_names, version,
           created_at, updated_at)
         values (:id, :tenant, :name, :lead, :assignment, :queues, :version, :created, :updated)",
    )?
    .execute(named_params! {
        ":id": team.id, ":tenant": team.tenant_id, ":name": team.name, ":lead": team.lead_id,
        ":assignment": team.assignment.name(), ":queues": queues(team), ":version": team.version,
        ":created": team.created_at, ":updated": team.updated_at,
    })?;
    Ok(())
}

/// Stores what may change of a team, but for its members.
pub(super) fn update(conn: &Connection, team: &Team) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "update teams set name = :name, lead_id = :lead, assignment = :assignment,
           queue_names = :queues, version = :version, updated_at = :updated, deleted_at = :deleted
         where tenant_id = :tenant and id = :id",
    )?
    .execute(named_params! {
        ":id": team.id, ":tenant": team.tenant_id, ":name": team.name, ":lead": team.lead_id,
        ":assignment": team.assignment.name(), ":queues": queues(team), ":version": team.version,
        ":updated": team.updated_at, ":deleted": team.deleted_at,
    })?;
    Ok(())
}

fn queues(team: &Team) -> String {
    serde_json::json!(team.queue_names).to_string()
}

/// Stores who belongs to a team, in this order.
pub(super) fn set_members(conn: &Connection, team: &Team) -> Result<()> {
    conn.prepare_cached("delete from team_members where team_id = ?1")?.execute([team.id])?;
    let mut add = conn.prepare_cached(
        "insert into team_members (team_id, user_id, position) values (?1, ?2, ?3)",
    )?;
    for (position, member) in (0_i64..).zip(&team.members) {
        add.execute((team.id, member, position))?;
    }
    Ok(())
}
