//! What reports are made of, read by indexes: intervals, calls, tickets, and webhooks' sums.

use super::{ROWS_MAX, Wanted, too_much};
use crate::{
    error::Result,
    id::{EntityId, UserId},
};
use rusqlite::{Connection, named_params};

/// Tickets and calls that one report may look at.
const LOOKED_AT_MAX: i64 = 500_000;

/// Agents, and webhooks, of one report.
const PEOPLE_MAX: i64 = 1_000;

const HOUR_MS: i64 = 3_600_000;

/// An agent.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: UserId,
    pub(super) name: String,
    pub(super) created_at: i64,
}

/// One interval; without an end it lasts.
#[derive(Debug, Clone)]
pub(super) struct Spent {
    pub(super) state: String,
    pub(super) from: i64,
    pub(super) to: Option<i64>,
}

/// A call, as far as reports are interested.
#[derive(Debug, Clone)]
pub(super) struct Rung {
    pub(super) id: EntityId,
    pub(super) started_at: i64,
    pub(super) direction: String,
    pub(super) queue: Option<String>,
    pub(super) agent: Option<String>,
    pub(super) from_number: Option<String>,
    pub(super) from_name: Option<String>,
    pub(super) to_number: Option<String>,
    pub(super) result: Option<String>,
    pub(super) wait_ms: Option<i64>,
    pub(super) talk_ms: Option<i64>,
    pub(super) hold_ms: Option<i64>,
    pub(super) not_returned: bool,
}

/// A ticket that was made or resolved in the range.
#[derive(Debug, Clone)]
pub(super) struct Came {
    pub(super) created_at: i64,
    pub(super) resolved_at: Option<i64>,
    pub(super) first_responded_at: Option<i64>,
    pub(super) priority: i64,
    pub(super) team: (Option<EntityId>, Option<String>),
    pub(super) assignee: (Option<UserId>, Option<String>),
}

/// A webhook and what became of its deliveries, by the hour.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) id: i64,
    pub(super) name: String,
    /// When the hour began; delivered, failed, expired, cancelled, attempts.
    pub(super) hours: Vec<(i64, [i64; 5])>,
    /// When the hour began, a stretch of answer times, how many took so long.
    pub(super) times: Vec<(i64, i64, i64)>,
}

const PEOPLE: &str = "select u.id, u.name, u.created_at from users u
     where u.tenant_id = :tenant and u.role <> 'customer'
       and (:agent is null or u.id = :agent)
       and (:team is null or exists (
         select 1 from team_members m join teams t on t.id = m.team_id
         where m.user_id = u.id and m.team_id = :team and t.tenant_id = :tenant))
       and (u.is_active and u.deleted_at is null or exists (
         select 1 from agent_state_history h
         where h.tenant_id = :tenant and h.user_id = u.id and h.started_at < :to
           and coalesce(h.ended_at, :to) > :from))
     order by u.name collate nocase, u.id limit :max";

/// The interval that lasts when the range begins, and those that begin in it.
pub(super) const SPENT: &str = "select state, started_at, ended_at from (
       select id, state, started_at, ended_at from agent_state_history
         indexed by agent_state_history_by_time
       where tenant_id = ?1 and user_id = ?2 and started_at < ?3
       order by started_at desc, id desc limit 1)
     union all
     select state, started_at, ended_at from agent_state_history
       indexed by agent_state_history_by_time
     where tenant_id = ?1 and user_id = ?2 and started_at >= ?3 and started_at < ?4";

/// The agents that are wanted, each with their intervals.
pub(super) fn people(conn: &Connection, wanted: &Wanted) -> Result<Vec<(Person, Vec<Spent>)>> {
    let (from, to) = (wanted.range.from(), wanted.range.to());
    let people: Vec<Person> = conn
        .prepare_cached(PEOPLE)?
        .query_map(
            named_params! {
                ":tenant": wanted.tenant, ":agent": wanted.agent, ":team": wanted.team,
                ":from": from, ":to": to, ":max": PEOPLE_MAX,
            },
            |row| Ok(Person { id: row.get(0)?, name: row.get(1)?, created_at: row.get(2)? }),
        )?
        .collect::<rusqlite::Result<_>>()?;
    let mut spent = conn.prepare_cached(SPENT)?;
    let each = people.into_iter().map(|person| {
        let intervals = spent
            .query_map((wanted.tenant, person.id, from, to), |row| {
                Ok(Spent { state: row.get(0)?, from: row.get(1)?, to: row.get(2)? })
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok((person, intervals))
    });
    each.collect()
}

/// A missed call was returned when, later in the range, somebody spoke with that number or at least
/// called it.
pub(super) const CALLS: &str = "select c.id, c.started_at, c.direction, c.queue, u.name,
       c.from_number, c.from_name, c.to_number, c.result, c.wait_ms, c.talk_ms, c.hold_ms,
       c.direction = 'inbound' and c.answered_at is null and c.ended_at is not null
         and not exists (select 1 from calls l indexed by calls_by_peer
           where l.tenant_id = c.tenant_id and l.is_known and c.peer <> ''
             and substr(l.peer, -7) = substr(c.peer, -7) and l.started_at > c.started_at
             and l.started_at < :to and (l.direction = 'outbound' or l.answered_at is not null)
             and (substr(l.peer, -length(c.peer)) = c.peer
               or substr(c.peer, -length(l.peer)) = l.peer))
     from calls c indexed by calls_by_start left join users u on u.id = c.agent_id
     where c.tenant_id = :tenant and c.is_known and c.started_at >= :from and c.started_at < :to
       and (:queue is null or c.queue = :queue)
       and (:agent is null or c.agent_id = :agent)
       and (:team is null or c.queue in (
         select q.value from teams t cross join json_each(t.queue_names) q
         where t.id = :team and t.tenant_id = :tenant and t.deleted_at is null))
     order by c.started_at, c.rid limit :max";

/// The same without what the log shows: the service level of a year is many calls.
pub(super) const RUNG: &str = "select c.queue, c.started_at, c.wait_ms,
       c.answered_at is not null, c.ended_at is not null
     from calls c indexed by calls_by_start
     where c.tenant_id = :tenant and c.is_known and c.started_at >= :from and c.started_at < :to
       and c.direction = 'inbound' and c.queue is not null
       and (:queue is null or c.queue = :queue)
       and (:agent is null or c.agent_id = :agent)
       and (:team is null or c.queue in (
         select q.value from teams t cross join json_each(t.queue_names) q
         where t.id = :team and t.tenant_id = :tenant and t.deleted_at is null))
     limit :max";

/// The calls that are wanted, the oldest first.
pub(super) fn calls(conn: &Connection, wanted: &Wanted) -> Result<Vec<Rung>> {
    let max = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(CALLS)?;
    let rows = statement.query_map(
        named_params! {
            ":tenant": wanted.tenant, ":from": wanted.range.from(), ":to": wanted.range.to(),
            ":queue": wanted.queue, ":agent": wanted.agent, ":team": wanted.team,
            ":max": max + 1,
        },
        |row| {
            Ok(Rung {
                id: row.get(0)?,
                started_at: row.get(1)?,
                direction: row.get(2)?,
                queue: row.get(3)?,
                agent: row.get(4)?,
                from_number: row.get(5)?,
                from_name: row.get(6)?,
                to_number: row.get(7)?,
                result: row.get(8)?,
                wait_ms: row.get(9)?,
                talk_ms: row.get(10)?,
                hold_ms: row.get(11)?,
                not_returned: row.get(12)?,
            })
        },
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Calls of queues: which, when, how long they waited, whether they were answered, and are over.
pub(super) struct Offered {
    pub(super) queue: String,
    pub(super) started_at: i64,
    pub(super) wait_ms: Option<i64>,
    pub(super) is_answered: bool,
    pub(super) is_over: bool,
}

/// Calls that came in to queues.
pub(super) fn offered(conn: &Connection, wanted: &Wanted) -> Result<Vec<Offered>> {
    let mut statement = conn.prepare_cached(RUNG)?;
    let rows = statement.query_map(
        named_params! {
            ":tenant": wanted.tenant, ":from": wanted.range.from(), ":to": wanted.range.to(),
            ":queue": wanted.queue, ":agent": wanted.agent, ":team": wanted.team,
            ":max": LOOKED_AT_MAX + 1,
        },
        |row| {
            Ok(Offered {
                queue: row.get(0)?,
                started_at: row.get(1)?,
                wait_ms: row.get(2)?,
                is_answered: row.get(3)?,
                is_over: row.get(4)?,
            })
        },
    )?;
    few(rows.collect::<rusqlite::Result<_>>()?)
}

/// Refuses to reckon with too much.
fn few<T>(all: Vec<T>) -> Result<Vec<T>> {
    let fits = i64::try_from(all.len()).is_ok_and(|count| count <= LOOKED_AT_MAX);
    if fits { Ok(all) } else { Err(too_much()) }
}

/// Made in the range, or resolved in it and made before.
pub(super) const TICKETS: &str = "with found as (
       select rid from tickets indexed by tickets_by_creation
       where tenant_id = :tenant and deleted_at is null
         and created_at >= :from and created_at < :to
       union
       select rid from tickets indexed by tickets_by_resolution
       where tenant_id = :tenant and deleted_at is null and resolved_at is not null
         and resolved_at >= :from and resolved_at < :to)
     select t.created_at, t.resolved_at, t.first_responded_at, t.priority, t.team_id, m.name,
       t.assignee_id, u.name
     from found cross join tickets t on t.rid = found.rid
       left join teams m on m.id = t.team_id left join users u on u.id = t.assignee_id
     where (:team is null or t.team_id = :team) and (:agent is null or t.assignee_id = :agent)
     limit :max";

/// Made before the range and open when it began.
pub(super) const BEFORE: &str = "select
       (select count(*) from tickets indexed by tickets_by_creation
        where tenant_id = :tenant and deleted_at is null and created_at < :from
          and (:team is null or team_id = :team) and (:agent is null or assignee_id = :agent))
     - (select count(*) from tickets indexed by tickets_by_resolution
        where tenant_id = :tenant and deleted_at is null and resolved_at is not null
          and resolved_at < :from and created_at < :from
          and (:team is null or team_id = :team) and (:agent is null or assignee_id = :agent))";

/// The tickets that are wanted, and how many were open before.
pub(super) fn tickets(conn: &Connection, wanted: &Wanted) -> Result<(Vec<Came>, i64)> {
    let mut statement = conn.prepare_cached(TICKETS)?;
    let rows = statement.query_map(
        named_params! {
            ":tenant": wanted.tenant, ":from": wanted.range.from(), ":to": wanted.range.to(),
            ":agent": wanted.agent, ":team": wanted.team, ":max": LOOKED_AT_MAX + 1,
        },
        |row| {
            Ok(Came {
                created_at: row.get(0)?,
                resolved_at: row.get(1)?,
                first_responded_at: row.get(2)?,
                priority: row.get(3)?,
                team: (row.get(4)?, row.get(5)?),
                assignee: (row.get(6)?, row.get(7)?),
            })
        },
    )?;
    let came = few(rows.collect::<rusqlite::Result<_>>()?)?;
    let before = conn.prepare_cached(BEFORE)?.query_row(
        named_params! {
            ":tenant": wanted.tenant, ":from": wanted.range.from(), ":agent": wanted.agent,
            ":team": wanted.team,
        },
        |row| row.get(0),
    )?;
    Ok((came, before))
}

/// The tenant's webhooks, each with its hours.
pub(super) fn webhooks(conn: &Connection, wanted: &Wanted) -> Result<Vec<Endpoint>> {
    let endpoints = conn
        .prepare_cached(
            "select id, name from endpoints indexed by endpoints_by_tenant
             where tenant_id = ?1 order by id limit ?2",
        )?
        .query_map((wanted.tenant, PEOPLE_MAX), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<(i64, String)>>>()?;
    let (from, to) = (wanted.range.from() / HOUR_MS, wanted.range.to() / HOUR_MS);
    let mut hours = conn.prepare_cached(
        "select hour, delivered, failed, expired, cancelled, attempts from endpoint_hours
         where endpoint_id = ?1 and hour >= ?2 and hour <= ?3",
    )?;
    let mut times = conn.prepare_cached(
        "select hour, bucket, attempts from endpoint_times
         where endpoint_id = ?1 and hour >= ?2 and hour <= ?3",
    )?;
    let mut all = Vec::new();
    for (id, name) in endpoints {
        let hours = hours
            .query_map((id, from, to), |row| {
                let counts = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
                Ok((row.get::<_, i64>(0)? * HOUR_MS, counts))
            })?
            .collect::<rusqlite::Result<_>>()?;
        let times = times
            .query_map((id, from, to), |row| {
                Ok((row.get::<_, i64>(0)? * HOUR_MS, row.get(1)?, row.get(2)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        all.push(Endpoint { id, name, hours, times });
    }
    Ok(all)
}
