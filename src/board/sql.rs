//! Statements behind the board. Each is answered from an index: see the test of their plans.

use super::{
    Board, CALLERS_MAX, Caller, DaySince, Desk, Hooks, Line,
    look::{Agents, Look, Touched},
    settings::{self, Settings},
};
use crate::{
    agents, calls, db,
    error::Result,
    id::{TenantId, UserId},
};
use rusqlite::Connection;

/// Events that are looked at one by one; after more of them everything is looked at.
const EVENTS_MAX: i64 = 1_000;

/// All of a tenant's board, as of one commit.
pub(super) fn board(conn: &Connection, tenant: TenantId, now: i64) -> Result<(Board, Settings)> {
    let as_of = conn.unchecked_transaction()?;
    let settings = settings::of(&as_of, tenant)?;
    let seq = db::log_bounds(&as_of)?.latest;
    let day_since = DaySince(settings.day_since(now));
    let (lines, callers) = floor(&as_of, tenant, &settings, (day_since.0, now))?;
    let board = Board {
        seq,
        day_since,
        agents: agents::board(&as_of, tenant)?.into_iter().map(|a| (a.user_id, a)).collect(),
        queues: lines.into_iter().map(|line| (line.name.clone(), line)).collect(),
        callers,
        tickets: desk(&as_of, tenant)?,
        webhooks: hooks(&as_of, tenant)?,
    };
    Ok((board, settings))
}

/// What was touched since `seq`, as it is now, as of one commit; none when nobody said anything.
/// With `everything` all of it is looked at.
pub(super) fn look(
    conn: &Connection,
    tenant: TenantId,
    (seq, everything): (i64, bool),
    now: i64,
) -> Result<Option<Look>> {
    let as_of = conn.unchecked_transaction()?;
    let latest = db::log_bounds(&as_of)?.latest;
    if latest == seq && !everything {
        return Ok(None);
    }
    let touched = if everything || latest < seq {
        Touched::everything()
    } else {
        touched(&as_of, tenant, (seq, latest))?
    };
    let all = touched.everything;
    let calls = if all || touched.calls {
        let settings = settings::of(&as_of, tenant)?;
        let day_since = DaySince(settings.day_since(now));
        let (lines, callers) = floor(&as_of, tenant, &settings, (day_since.0, now))?;
        Some((day_since, lines, callers))
    } else {
        None
    };
    let agents = if all || touched.all_agents {
        Agents::All(agents::board(&as_of, tenant)?)
    } else {
        let one = |user: UserId| Ok((user, agents::on_board(&as_of, tenant, user)?));
        Agents::Some(touched.agents.into_iter().map(one).collect::<Result<_>>()?)
    };
    let tickets = (all || touched.tickets).then(|| desk(&as_of, tenant)).transpose()?;
    let webhooks = (all || touched.webhooks).then(|| hooks(&as_of, tenant)).transpose()?;
    Ok(Some(Look { seq: latest, agents, calls, tickets, webhooks }))
}

pub(super) const TOUCHED: &str = "select kind,
       case when kind like 'agent.%' then data ->> '$.user_id'
            when kind like 'user.%' then data ->> '$.id' end
     from events where tenant_id = ?1 and seq > ?2 and seq <= ?3 order by seq limit ?4";

fn touched(conn: &Connection, tenant: TenantId, (after, to): (i64, i64)) -> Result<Touched> {
    let mut touched = Touched::default();
    let mut statement = conn.prepare_cached(TOUCHED)?;
    let mut rows = statement.query((tenant, after, to, EVENTS_MAX + 1))?;
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        let agent: Option<String> = row.get(1)?;
        let agent = agent.and_then(|id| id.parse().ok());
        touched.note(row.get_ref(0)?.as_str().unwrap_or_default(), agent);
        seen += 1;
    }
    Ok(if seen > EVENTS_MAX { Touched::everything() } else { touched })
}

fn floor(
    conn: &Connection,
    tenant: TenantId,
    settings: &Settings,
    (since, now): (i64, i64),
) -> Result<(Vec<Line>, Vec<Caller>)> {
    let within_ms = settings.answer_within_s * 1_000;
    let queues = calls::queues_since(conn, tenant, (since, now), within_ms)?;
    Ok((queues.into_iter().map(Line::from).collect(), callers(conn, tenant)?))
}

pub(super) const CALLERS: &str = "select id, queue, from_number, from_name, status, waiting_since
     from calls indexed by calls_open
     where tenant_id = ?1 and is_known and ended_at is null and direction = 'inbound'
       and waiting_since is not null
     order by waiting_since, rid limit ?2";

fn callers(conn: &Connection, tenant: TenantId) -> Result<Vec<Caller>> {
    let found = conn
        .prepare_cached(CALLERS)?
        .query_map((tenant, CALLERS_MAX), |row| {
            Ok(Caller {
                call_id: row.get(0)?,
                queue: row.get(1)?,
                from_number: row.get(2)?,
                from_name: row.get(3)?,
                status: row.get(4)?,
                waiting_since: row.get(5)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

pub(super) const OPEN: &str = "select coalesce(sum(count), 0) from ticket_counts
     where tenant_id = ?1 and status not in ('resolved', 'closed')";

pub(super) const UNASSIGNED: &str = "select count(*) from tickets indexed by tickets_unassigned
     where tenant_id = ?1 and deleted_at is null and assignee_id is null
       and status not in ('resolved', 'closed')";

pub(super) const WAITING: &str =
    "select count(*), min(waiting_since) from tickets indexed by tickets_waiting
     where tenant_id = ?1 and deleted_at is null and waiting_since is not null";

/// A ticket has two clocks; it is late when one of them is.
pub(super) const AT_RISK: &str = "select count(*), count(late) from (
       select c.ticket_rid, max(c.breached_at) as late
       from sla_clocks c indexed by sla_clocks_at_risk cross join tickets t on t.rid = c.ticket_rid
       where c.tenant_id = ?1 and c.warned_at is not null and c.stopped_at is null
         and t.deleted_at is null
       group by c.ticket_rid)";

fn desk(conn: &Connection, tenant: TenantId) -> Result<Desk> {
    let number = |sql: &str| -> Result<i64> {
        Ok(conn.prepare_cached(sql)?.query_row([tenant], |row| row.get(0))?)
    };
    let (waiting, waiting_since) =
        conn.prepare_cached(WAITING)?.query_row([tenant], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (warned, breached): (i64, i64) =
        conn.prepare_cached(AT_RISK)?.query_row([tenant], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Desk {
        open: number(OPEN)?,
        unassigned: number(UNASSIGNED)?,
        waiting,
        waiting_since,
        at_risk: warned - breached,
        breached,
    })
}

pub(super) const HOOKS: &str = "select count(case when is_active then 1 end),
       count(case when is_active and failing_since is not null then 1 end),
       count(case when disabled_reason in ('gone', 'failing') then 1 end)
     from endpoints indexed by endpoints_by_tenant where tenant_id = ?1 and deleted_at is null";

fn hooks(conn: &Connection, tenant: TenantId) -> Result<Hooks> {
    Ok(conn.prepare_cached(HOOKS)?.query_row([tenant], |row| {
        Ok(Hooks { active: row.get(0)?, failing: row.get(1)?, disabled: row.get(2)? })
    })?)
}
