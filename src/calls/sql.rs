//! Statements over calls, what was said about them, and who had them.

use super::{
    Call, Detail, PartShown,
    machine::{self, Course, Direction, Heard, Part, Status, Step},
    number,
    tell::sql::{customer, recent_tickets},
};
use crate::{
    db::{Write, read_uuid},
    error::{Error, Result},
    id::{EntityId, TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};
use std::collections::BTreeSet;

pub(super) const COLUMNS: &str = "c.rid, c.id, c.tenant_id, c.version, c.created_at, c.updated_at, \
     c.deleted_at, c.source, c.external_id, c.direction, c.status, c.from_number, c.from_name, \
     c.to_number, c.queue, c.agent_id, c.customer_id, c.ticket_id, c.started_at, c.ringing_at, \
     c.answered_at, c.waiting_since, c.held_since, c.ended_at, c.result, c.wait_ms, c.talk_ms, \
     c.hold_ms, c.disposition, c.note";

pub(super) fn entity(row: &Row<'_>, column: usize) -> Result<EntityId> {
    Ok(EntityId(read_uuid(row.get_ref(column)?).map_err(Error::internal)?))
}

pub(super) fn call(row: &Row<'_>) -> Result<Call> {
    let direction: String = row.get(9)?;
    let status: String = row.get(10)?;
    Ok(Call {
        rid: row.get(0)?,
        id: entity(row, 1)?,
        tenant_id: row.get(2)?,
        version: row.get(3)?,
        created_at: row.get(4)?,
        updated_at: row.get(5)?,
        deleted_at: row.get(6)?,
        source: row.get(7)?,
        external_id: row.get(8)?,
        direction: Direction::of(&direction).ok_or_else(|| Error::internal("an unknown way"))?,
        status: Status::of(&status).ok_or_else(|| Error::internal("an unknown status"))?,
        from_number: row.get(11)?,
        from_name: row.get(12)?,
        to_number: row.get(13)?,
        queue: row.get(14)?,
        agent_id: row.get(15)?,
        customer_id: row.get(16)?,
        ticket_id: row.get(17)?,
        started_at: row.get(18)?,
        ringing_at: row.get(19)?,
        answered_at: row.get(20)?,
        waiting_since: row.get(21)?,
        held_since: row.get(22)?,
        ended_at: row.get(23)?,
        result: row.get(24)?,
        wait_ms: row.get(25)?,
        talk_ms: row.get(26)?,
        hold_ms: row.get(27)?,
        disposition: row.get(28)?,
        note: row.get(29)?,
    })
}

/// A call of a tenant whose beginning was heard of.
pub(super) fn find(conn: &Connection, tenant: TenantId, id: EntityId) -> Result<Option<Call>> {
    let sql =
        format!("select {COLUMNS} from calls c where tenant_id = ?1 and id = ?2 and is_known");
    conn.prepare_cached(&sql)?.query_and_then((tenant, id), call)?.next().transpose()
}

/// The call that somebody calls by that name, whether its beginning was heard of or not.
pub(super) fn named(
    conn: &Connection,
    tenant: TenantId,
    (source, external_id): (&str, &str),
) -> Result<Option<Call>> {
    let sql = format!(
        "select {COLUMNS} from calls c
         where tenant_id = ?1 and source = ?2 and external_id = ?3"
    );
    conn.prepare_cached(&sql)?
        .query_and_then((tenant, source, external_id), call)?
        .next()
        .transpose()
}

/// Stores a call of which nothing is known yet, and answers its place.
pub(super) fn insert(w: &Write<'_>, call: &Call) -> Result<i64> {
    w.prepare_cached(
        "insert into calls (id, tenant_id, source, external_id, direction, status, started_at,
           touched_at, version, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?8, ?8)",
    )?
    .execute((
        call.id,
        call.tenant_id,
        &call.source,
        &call.external_id,
        call.direction.name(),
        call.status.name(),
        call.started_at,
        call.created_at,
        call.version,
    ))?;
    Ok(w.last_insert_rowid())
}

/// Stores a call as it is now, and what is only known to the tables.
pub(super) fn update(w: &Write<'_>, call: &Call, course: &Course) -> Result<()> {
    let other = match call.direction {
        Direction::Inbound => call.from_number.as_deref(),
        Direction::Outbound => call.to_number.as_deref(),
    };
    w.prepare_cached(
        "update calls set is_known = :known, direction = :direction, status = :status,
           from_number = :from, from_name = :name, to_number = :to, queue = :queue,
           was_queued = :queued, agent_id = :agent, started_at = :started, ringing_at = :ringing,
           answered_at = :answered, waiting_since = :waiting, held_since = :held,
           ended_at = :ended, result = :result, wait_ms = :wait, talk_ms = :talk, hold_ms = :hold,
           peer = :peer, customer_id = :customer, ticket_id = :ticket, disposition = :word,
           note = :note, touched_at = :now, version = :version, updated_at = :updated
         where tenant_id = :tenant and rid = :rid",
    )?
    .execute(named_params! {
        ":tenant": call.tenant_id, ":rid": call.rid, ":known": course.is_known,
        ":direction": call.direction.name(), ":status": call.status.name(),
        ":from": call.from_number, ":name": call.from_name, ":to": call.to_number,
        ":queue": call.queue, ":queued": course.was_queued, ":agent": call.agent_id,
        ":started": call.started_at, ":ringing": call.ringing_at, ":answered": call.answered_at,
        ":waiting": call.waiting_since, ":held": call.held_since, ":ended": call.ended_at,
        ":result": call.result, ":wait": call.wait_ms, ":talk": call.talk_ms,
        ":hold": call.hold_ms, ":peer": number::digits(other.unwrap_or_default()),
        ":customer": call.customer_id, ":ticket": call.ticket_id, ":word": call.disposition,
        ":note": call.note, ":now": w.now, ":version": call.version,
        ":updated": call.updated_at,
    })?;
    Ok(())
}

/// Notes that a call was heard of, though nothing about it changed.
pub(super) fn touch(w: &Write<'_>, tenant: TenantId, rid: i64) -> Result<()> {
    w.prepare_cached("update calls set touched_at = ?3 where tenant_id = ?1 and rid = ?2")?
        .execute((tenant, rid, w.now))?;
    Ok(())
}

/// Everything that was said about a call, in the order of the speakers' clocks.
pub(super) fn steps(conn: &Connection, rid: i64) -> Result<Vec<Step>> {
    conn.prepare_cached("select at_ms, data from call_steps where call_rid = ?1 order by at_ms")?
        .query_and_then([rid], |row| {
            let data: String = row.get(1)?;
            let heard: Heard = serde_json::from_str(&data).map_err(Error::internal)?;
            Ok(Step { at: row.get(0)?, heard })
        })?
        .collect()
}

/// Adds what was said.
pub(super) fn add_step(w: &Write<'_>, rid: i64, step: &Step) -> Result<()> {
    let data = serde_json::to_string(&step.heard).map_err(Error::internal)?;
    w.prepare_cached("insert into call_steps (call_rid, at_ms, data) values (?1, ?2, ?3)")?
        .execute((rid, step.at, data))?;
    Ok(())
}

/// Stores who had a call; what is known of their writing up stays.
pub(super) fn put_parts(w: &Write<'_>, call: &Call, parts: &[Part]) -> Result<()> {
    let mut put = w.prepare_cached(
        "insert into call_parts (call_rid, agent_id, number, tenant_id, started_at, ended_at)
         values (?1, ?2, ?3, ?4, ?5, ?6)
         on conflict (call_rid, agent_id, number) do update set
           started_at = excluded.started_at, ended_at = excluded.ended_at",
    )?;
    for part in parts {
        let (from, to) = (part.started_at, part.ended_at);
        put.execute((call.rid, part.agent_id, part.number, call.tenant_id, from, to))?;
    }
    Ok(())
}

/// Stores at whose telephones a call rings now.
pub(super) fn put_offers(w: &Write<'_>, call: &Call, agents: &BTreeSet<UserId>) -> Result<()> {
    w.prepare_cached("delete from call_offers where call_rid = ?1")?.execute([call.rid])?;
    let mut put = w.prepare_cached(
        "insert into call_offers (call_rid, agent_id, tenant_id) values (?1, ?2, ?3)",
    )?;
    for agent in agents {
        put.execute((call.rid, agent, call.tenant_id))?;
    }
    Ok(())
}

/// Notes until when an agent may write up what was said in the part that they had last.
pub(super) fn wraps_until(w: &Write<'_>, rid: i64, agent: UserId, until: i64) -> Result<()> {
    w.prepare_cached(
        "update call_parts set wrap_until = ?3, wrapped_at = null
         where call_rid = ?1 and agent_id = ?2 and number = (
           select max(number) from call_parts where call_rid = ?1 and agent_id = ?2)",
    )?
    .execute((rid, agent, until))?;
    Ok(())
}

/// Notes that an agent has written up all that they had of a call; false when they had before.
pub(super) fn wrapped(w: &Write<'_>, rid: i64, agent: UserId) -> Result<bool> {
    let parts = w
        .prepare_cached(
            "update call_parts set wrapped_at = ?3
             where call_rid = ?1 and agent_id = ?2 and wrap_until is not null
               and wrapped_at is null",
        )?
        .execute((rid, agent, w.now))?;
    Ok(parts > 0)
}

/// Who has not written up a call yet; the last of them.
pub(super) fn wrapping(conn: &Connection, rid: i64) -> Result<Option<UserId>> {
    Ok(conn
        .prepare_cached(
            "select agent_id from call_parts
             where call_rid = ?1 and wrap_until is not null and wrapped_at is null
             order by wrap_until desc limit 1",
        )?
        .query_row([rid], |row| row.get(0))
        .optional()?)
}

/// Stores what people added to a call.
pub(super) fn put_words(w: &Write<'_>, call: &Call) -> Result<()> {
    w.prepare_cached(
        "update calls set ticket_id = ?3, disposition = ?4, note = ?5, version = ?6,
           updated_at = ?7
         where tenant_id = ?1 and rid = ?2",
    )?
    .execute((
        call.tenant_id,
        call.rid,
        call.ticket_id,
        &call.disposition,
        &call.note,
        call.version,
        call.updated_at,
    ))?;
    Ok(())
}

/// The living calls of a speaker that nobody has ended: their places and the speaker's names.
pub(super) fn living(
    conn: &Connection,
    tenant: TenantId,
    source: &str,
) -> Result<Vec<(i64, String)>> {
    Ok(conn
        .prepare_cached(
            "select rid, external_id from calls indexed by calls_open
             where tenant_id = ?1 and source = ?2 and external_id is not null
               and is_known and ended_at is null",
        )?
        .query_map((tenant, source), |row| Ok((row.get(0)?, row.get(1)?)))?
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

/// One agent's part of a call, and what is known of their writing up.
pub(super) fn parts(conn: &Connection, rid: i64) -> Result<Vec<PartShown>> {
    conn.prepare_cached(
        "select agent_id, started_at, ended_at, wrap_until, wrapped_at from call_parts
         where call_rid = ?1 order by started_at, agent_id, number",
    )?
    .query_and_then([rid], |row| {
        Ok(PartShown {
            agent_id: row.get(0)?,
            started_at: row.get(1)?,
            ended_at: row.get(2)?,
            wrap_up_until: row.get(3)?,
            wrapped_up_at: row.get(4)?,
        })
    })?
    .collect()
}

/// A call of a tenant with everything that is known about it.
///
/// # Errors
/// When the database refuses.
pub(super) fn detail(conn: &Connection, tenant: TenantId, id: EntityId) -> Result<Option<Detail>> {
    let Some(call) = find(conn, tenant, id)? else { return Ok(None) };
    let course = machine::course(&steps(conn, call.rid)?);
    let (customer, recent_tickets) = match call.customer_id {
        Some(user) => (customer(conn, tenant, user)?, recent_tickets(conn, tenant, user)?),
        None => (None, Vec::new()),
    };
    let parts = parts(conn, call.rid)?;
    let (offers, transfers) = (course.offers, course.moves);
    Ok(Some(Detail { call, customer, recent_tickets, offers, parts, transfers }))
}
