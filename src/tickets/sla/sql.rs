//! Statements over clocks, policies and calendars.

use super::{
    calendar::Calendar,
    clock::{Clock, Target},
    policy::Policy,
};
use crate::{
    error::{Error, Result},
    id::{EntityId, TenantId},
    tickets::{
        sql::{COLUMNS, ticket},
        ticket::Ticket,
    },
};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde::de::DeserializeOwned;

fn clock(row: &Row<'_>) -> Result<Clock> {
    let word: String = row.get(0)?;
    let target = Target::ALL.into_iter().find(|target| target.name() == word);
    Ok(Clock {
        target: target.ok_or_else(|| Error::internal("an unknown target"))?,
        policy_id: row.get(1)?,
        policy_name: row.get(2)?,
        calendar_id: row.get(3)?,
        target_minutes: row.get(4)?,
        used_ms: row.get(5)?,
        running_since: row.get(6)?,
        due_at: row.get(7)?,
        warn_at: row.get(8)?,
        warned_at: row.get(9)?,
        breached_at: row.get(10)?,
        met_at: row.get(11)?,
        stopped_at: row.get(12)?,
    })
}

/// The clocks of a ticket.
pub(super) fn of_ticket(conn: &Connection, rid: i64) -> Result<Vec<Clock>> {
    conn.prepare_cached(
        "select target, policy_id, policy_name, calendar_id, target_minutes, used_ms,
           running_since, due_at, warn_at, warned_at, breached_at, met_at, stopped_at
         from sla_clocks where ticket_rid = ?1 order by target",
    )?
    .query_and_then([rid], clock)?
    .collect()
}

/// Stores a clock of a ticket.
pub(super) fn put(conn: &Connection, ticket: &Ticket, clock: &Clock) -> Result<()> {
    conn.prepare_cached(
        "insert or replace into sla_clocks (ticket_rid, target, tenant_id, policy_id, policy_name,
           calendar_id, target_minutes, used_ms, running_since, due_at, warn_at, warned_at,
           breached_at, met_at, stopped_at, next_at)
         values (:rid, :target, :tenant, :policy, :policy_name, :calendar, :minutes, :used,
           :running, :due, :warn, :warned, :breached, :met, :stopped, :next)",
    )?
    .execute(named_params! {
        ":rid": ticket.rid, ":target": clock.target.name(), ":tenant": ticket.tenant_id,
        ":policy": clock.policy_id, ":policy_name": clock.policy_name,
        ":calendar": clock.calendar_id, ":minutes": clock.target_minutes, ":used": clock.used_ms,
        ":running": clock.running_since, ":due": clock.due_at, ":warn": clock.warn_at,
        ":warned": clock.warned_at, ":breached": clock.breached_at, ":met": clock.met_at,
        ":stopped": clock.stopped_at, ":next": clock.next_at(),
    })?;
    Ok(())
}

/// Forgets a clock.
pub(super) fn remove(conn: &Connection, rid: i64, target: Target) -> Result<()> {
    conn.prepare_cached("delete from sla_clocks where ticket_rid = ?1 and target = ?2")?
        .execute((rid, target.name()))?;
    Ok(())
}

/// When the next clock of any tenant has something to say.
pub(super) fn next_at(conn: &Connection) -> Result<Option<i64>> {
    let sql = "select min(next_at) from sla_clocks where next_at is not null";
    Ok(conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Tickets of any tenant whose clocks have something to say by now, the longest due first.
pub(super) fn due(conn: &Connection, now: i64, limit: i64) -> Result<Vec<Ticket>> {
    let sql = format!(
        "select {COLUMNS} from
           (select distinct ticket_rid from
             (select ticket_rid from sla_clocks
              where next_at is not null and next_at <= ?1 order by next_at limit ?2)) c
         cross join tickets t on t.rid = c.ticket_rid"
    );
    conn.prepare_cached(&sql)?.query_and_then((now, limit), ticket)?.collect()
}

/// A tenant's calendar, also a deleted one: what was promised in it is still counted in it.
pub(super) fn calendar(
    conn: &Connection,
    tenant: TenantId,
    id: EntityId,
) -> Result<Option<Calendar>> {
    let sql = "select body from calendars where tenant_id = ?1 and id = ?2";
    let body: Option<String> =
        conn.prepare_cached(sql)?.query_row((tenant, id), |row| row.get(0)).optional()?;
    body.map(|body| read(&body)).transpose()
}

/// A tenant's policies.
pub(super) fn policies(conn: &Connection, tenant: TenantId) -> Result<Vec<(EntityId, Policy)>> {
    conn.prepare_cached(
        "select id, body from sla_policies where tenant_id = ?1 and deleted_at is null",
    )?
    .query_and_then([tenant], |row| Ok((row.get(0)?, read(&row.get::<_, String>(1)?)?)))?
    .collect()
}

fn read<T: DeserializeOwned>(body: &str) -> Result<T> {
    serde_json::from_str(body).map_err(Error::internal)
}
