//! Statements over queues.

use super::{ANSWER_WITHIN_MS, LOOK_BACK_MS, QUEUES_MAX, Queue};
use crate::{
    error::Result,
    id::{EntityId, TenantId},
};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// The queues of a tenant by name: those of its teams and those of its calls, over the last day.
///
/// # Errors
/// When the database refuses.
pub fn queues(conn: &Connection, tenant: TenantId, now: i64) -> Result<Vec<Queue>> {
    queues_since(conn, tenant, (now - LOOK_BACK_MS, now), ANSWER_WITHIN_MS)
}

/// The same, where calls are counted that began since then, and answered in time is what was
/// answered within so many milliseconds.
///
/// # Errors
/// When the database refuses.
pub fn queues_since(
    conn: &Connection,
    tenant: TenantId,
    (since, now): (i64, i64),
    within_ms: i64,
) -> Result<Vec<Queue>> {
    let mut queues = of_teams(conn, tenant)?;
    counted(conn, tenant, (since, within_ms), &mut queues)?;
    living(conn, tenant, now, &mut queues)?;
    Ok(queues.into_values().collect())
}

fn named(queues: &mut BTreeMap<String, Queue>, name: String) -> Option<&mut Queue> {
    if queues.len() >= QUEUES_MAX && !queues.contains_key(&name) {
        return None;
    }
    Some(queues.entry(name.clone()).or_insert_with(|| Queue {
        name,
        team_ids: Vec::new(),
        waiting: 0,
        waiting_since: None,
        longest_wait_ms: None,
        talking: 0,
        offered: 0,
        answered: 0,
        answered_in_time: 0,
        abandoned: 0,
        service_level: None,
    }))
}

fn of_teams(conn: &Connection, tenant: TenantId) -> Result<BTreeMap<String, Queue>> {
    let mut queues = BTreeMap::new();
    let mut statement = conn.prepare_cached(
        "select q.value, t.id from teams t cross join json_each(t.queue_names) q
         where t.tenant_id = ?1 and t.deleted_at is null order by q.value, t.id",
    )?;
    let mut rows = statement.query([tenant])?;
    while let Some(row) = rows.next()? {
        let team: EntityId = row.get(1)?;
        if let Some(queue) = named(&mut queues, row.get(0)?) {
            queue.team_ids.push(team);
        }
    }
    Ok(queues)
}

/// What came in since then; all of it stands in the index.
pub(in crate::calls) const COUNTED: &str = "select queue, count(*), count(answered_at),
       count(case when answered_at is not null and wait_ms <= ?3 then 1 end),
       count(case when answered_at is null and ended_at is not null then 1 end)
     from calls indexed by calls_by_start
     where tenant_id = ?1 and is_known and started_at >= ?2 and queue is not null
       and direction = 'inbound'
     group by queue";

fn counted(
    conn: &Connection,
    tenant: TenantId,
    (since, within_ms): (i64, i64),
    queues: &mut BTreeMap<String, Queue>,
) -> Result<()> {
    let mut statement = conn.prepare_cached(COUNTED)?;
    let mut rows = statement.query((tenant, since, within_ms))?;
    while let Some(row) = rows.next()? {
        let Some(queue) = named(queues, row.get(0)?) else { continue };
        (queue.offered, queue.answered) = (row.get(1)?, row.get(2)?);
        (queue.answered_in_time, queue.abandoned) = (row.get(3)?, row.get(4)?);
        if queue.answered > 0 {
            #[allow(clippy::cast_precision_loss, reason = "nobody has 2^53 calls a day")]
            let share = queue.answered_in_time as f64 / queue.answered as f64;
            queue.service_level = Some(share);
        }
    }
    Ok(())
}

/// What goes on now.
pub(in crate::calls) const LIVING: &str = "select queue, count(waiting_since), min(waiting_since),
       count(case when waiting_since is null then 1 end)
     from calls indexed by calls_open
     where tenant_id = ?1 and is_known and ended_at is null and queue is not null
       and direction = 'inbound'
     group by queue";

fn living(
    conn: &Connection,
    tenant: TenantId,
    now: i64,
    queues: &mut BTreeMap<String, Queue>,
) -> Result<()> {
    let mut statement = conn.prepare_cached(LIVING)?;
    let mut rows = statement.query([tenant])?;
    while let Some(row) = rows.next()? {
        let Some(queue) = named(queues, row.get(0)?) else { continue };
        (queue.waiting, queue.waiting_since) = (row.get(1)?, row.get(2)?);
        queue.talking = row.get(3)?;
        queue.longest_wait_ms = queue.waiting_since.map(|since| (now - since).max(0));
    }
    Ok(())
}
