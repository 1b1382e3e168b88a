//! Statements over the delivery queue.

use super::{
    health::Health,
    lane::{Job, Whereto},
};
use crate::{
    db::{PARKED, Write, read_uuid},
    error::{Error, Result},
    id::TenantId,
    webhooks::render::Stored,
};
use rusqlite::{Connection, OptionalExtension};
use std::{collections::HashSet, sync::Arc};

/// What reads.
pub(super) type Reader = Connection;

/// Rows moved in one write.
const STEP: i64 = 500;

const HOUR_MS: i64 = 3_600_000;

/// An endpoint as it is stored.
pub(in crate::webhooks) struct Row {
    pub(in crate::webhooks) id: i64,
    pub(in crate::webhooks) tenant: TenantId,
    pub(in crate::webhooks) url: String,
    pub(in crate::webhooks) secret: Vec<u8>,
    pub(in crate::webhooks) is_active: bool,
    pub(in crate::webhooks) retry_count: u32,
    pub(in crate::webhooks) timeout_s: u32,
    pub(in crate::webhooks) payload_format: String,
    pub(in crate::webhooks) max_in_flight: u32,
    pub(in crate::webhooks) rate_limit: Option<u32>,
    pub(in crate::webhooks) health: Health,
    pub(in crate::webhooks) old_keys: Option<Vec<u8>>,
    pub(in crate::webhooks) headers: Option<Vec<u8>>,
}

/// The columns of an endpoint that [`Row::read`] reads, in its order.
pub(in crate::webhooks) const COLUMNS: &str =
    "id, tenant_id, url, secret, is_active, retry_count, timeout_s, payload_format, max_in_flight,
     rate_limit, failure_streak, is_proven, breaker_opened, breaker_until, cool_until,
     failing_since, failing_delivery, failing_others, failing_warned, old_keys, headers";

/// Those that [`health`] reads.
pub(super) const HEALTH: &str = "failure_streak, is_proven, breaker_opened, breaker_until,
     cool_until, failing_since, failing_delivery, failing_others, failing_warned";

/// How an endpoint fares, from its columns from `first` on.
pub(super) fn health(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Health> {
    Ok(Health {
        streak: row.get(first)?,
        is_proven: row.get(first + 1)?,
        opened: row.get(first + 2)?,
        open_until: row.get(first + 3)?,
        cool_until: row.get(first + 4)?,
        failing_since: row.get(first + 5)?,
        failed_first: row.get(first + 6)?,
        failed_others: row.get(first + 7)?,
        warned: row.get(first + 8)?,
    })
}

/// An endpoint of any tenant, unless it is deleted: the engine works for all of them.
pub(super) fn endpoint(conn: &Connection, id: i64) -> Result<Option<Row>> {
    let sql = format!("select {COLUMNS} from endpoints where id = ?1 and deleted_at is null");
    Ok(conn.prepare_cached(&sql)?.query_row([id], Row::read).optional()?)
}

impl Row {
    /// Reads the columns in the order of the fields.
    pub(in crate::webhooks) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            tenant: row.get(1)?,
            url: row.get(2)?,
            secret: row.get(3)?,
            is_active: row.get(4)?,
            retry_count: row.get(5)?,
            timeout_s: row.get(6)?,
            payload_format: row.get(7)?,
            max_in_flight: row.get(8)?,
            rate_limit: row.get(9)?,
            health: health(row, 10)?,
            old_keys: row.get(19)?,
            headers: row.get(20)?,
        })
    }
}

/// Endpoints that somebody may have to deliver to.
pub(super) fn endpoints_with_waiting(conn: &Connection) -> Result<Vec<i64>> {
    let found = conn
        .prepare_cached(
            "select id from endpoints e where exists (select 1 from deliveries d
               where d.endpoint_id = e.id and d.state = 'waiting'
                 and d.state in ('waiting', 'held'))",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

/// Endpoints with deliveries that wait or are held.
pub(super) fn endpoints_with_open(conn: &Connection) -> Result<Vec<i64>> {
    Ok(conn
        .prepare_cached(
            "select id from endpoints e where exists (select 1 from deliveries d
               where d.endpoint_id = e.id and d.state in ('waiting', 'held'))",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?)
}

/// How many deliveries of an endpoint are in this state, `waiting` or `held`.
pub(in crate::webhooks) fn open(conn: &Connection, endpoint: i64, state: &str) -> Result<i64> {
    Ok(conn
        .prepare_cached(
            "select count(*) from deliveries where endpoint_id = ?1 and state = ?2
               and state in ('waiting', 'held')",
        )?
        .query_row((endpoint, state), |row| row.get(0))?)
}

/// How many deliveries of an endpoint wait or are held.
pub(super) fn open_all(conn: &Connection, endpoint: i64) -> Result<i64> {
    Ok(open(conn, endpoint, "waiting")? + open(conn, endpoint, "held")?)
}

/// What was found for a lane.
#[derive(Default)]
pub(super) struct Due {
    pub(super) jobs: Vec<Job>,
    /// Whether there may be more that is due.
    pub(super) more: bool,
    /// When the first that is not due yet falls due.
    pub(super) next_due: Option<i64>,
    /// Due, but an earlier one of the same key still waits: to be parked.
    pub(super) out_of_turn: Vec<i64>,
}

/// An endpoint's waiting deliveries in the order they fall due. The second condition says what the
/// first one implies: SQLite uses a partial index only where its own condition is spelled out.
const DUE: &str = "select id, due_at from deliveries
    where endpoint_id = ?1 and state = 'waiting' and state in ('waiting', 'held')
    order by due_at, id limit ?2";

/// At most `room` deliveries due at `now` that are not claimed, the longest due first.
pub(super) fn due(
    conn: &Connection,
    whereto: &Arc<Whereto>,
    claimed: &HashSet<i64>,
    (now, room): (i64, usize),
) -> Result<Due> {
    let limit = i64::try_from(room + claimed.len() + 1).unwrap_or(i64::MAX);
    let mut queue = conn.prepare_cached(DUE)?;
    let mut rows = queue.query((whereto.endpoint, limit))?;
    let mut found = Due::default();
    while let Some(row) = rows.next()? {
        let (id, due_at): (i64, i64) = (row.get(0)?, row.get(1)?);
        if claimed.contains(&id) {
            continue;
        }
        if due_at > now {
            found.next_due = Some(due_at);
            break;
        }
        if found.jobs.len() == room {
            found.more = true;
            break;
        }
        match job(conn, whereto, id)? {
            Some(Job { key: Some(key), .. }) if !is_first(conn, whereto.endpoint, key, id)? => {
                found.out_of_turn.push(id);
                // There may be others behind them.
                found.more = true;
            }
            job => found.jobs.extend(job),
        }
    }
    Ok(found)
}

/// A delivery with its event. The event of an unfinished delivery always keeps its data.
pub(in crate::webhooks) fn job(
    conn: &Connection,
    whereto: &Arc<Whereto>,
    id: i64,
) -> Result<Option<Job>> {
    let mut statement = conn.prepare_cached(
        "select d.attempts, e.seq, e.id, e.kind, e.at_ms, e.actor, e.data, e.changes, d.key,
           d.attempts_before, e.hops
         from deliveries d join events e on e.seq = d.event_seq
         where d.id = ?1 and e.data is not null",
    )?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Job {
        whereto: whereto.clone(),
        delivery: id,
        attempts: row.get(0)?,
        attempts_before: row.get(9)?,
        key: row.get(8)?,
        event: Stored {
            seq: row.get(1)?,
            id: read_uuid(row.get_ref(2)?).map_err(Error::internal)?.to_string(),
            kind: row.get(3)?,
            at_ms: row.get(4)?,
            actor: row.get(5)?,
            data: row.get(6)?,
            changes: row.get(7)?,
            hops: row.get(10)?,
        },
    }))
}

/// The first waiting delivery of a key. It may be sent, the others may not.
const FIRST: &str = "select min(id) from deliveries
    where endpoint_id = ?1 and key = ?2 and state = 'waiting' and key is not null";

fn is_first(conn: &Connection, endpoint: i64, key: i64, id: i64) -> Result<bool> {
    let first: Option<i64> =
        conn.prepare_cached(FIRST)?.query_row((endpoint, key), |row| row.get(0))?;
    Ok(first == Some(id))
}

/// Parks deliveries, where that is still right.
pub(super) fn park(w: &Write<'_>, ids: &[i64]) -> Result<()> {
    let mut park = w.prepare_cached(
        "update deliveries as d set due_at = ?2 where id = ?1 and state = 'waiting' and exists (
           select 1 from deliveries e where e.endpoint_id = d.endpoint_id and e.key = d.key
             and e.id < d.id and e.state = 'waiting' and e.key is not null)",
    )?;
    for id in ids {
        park.execute((id, PARKED))?;
    }
    Ok(())
}

/// What was parked behind a delivery of this key that has ended is due now, one at a time. Whoever
/// ends a waiting delivery that has a key must call it.
pub(in crate::webhooks) fn release(w: &Write<'_>, endpoint: i64, key: i64) -> Result<()> {
    let sql = format!("update deliveries set due_at = ?3 where id = ({FIRST}) and due_at = ?4");
    w.prepare_cached(&sql)?.execute((endpoint, key, w.now, PARKED))?;
    Ok(())
}

/// The same for all keys of an endpoint; nothing is to be done unless somebody forgot to release.
pub(super) fn release_all(w: &Write<'_>, endpoint: i64) -> Result<()> {
    w.prepare_cached(
        "update deliveries set due_at = ?2 where due_at = ?3 and id in (
           select min(id) from deliveries
           where endpoint_id = ?1 and state = 'waiting' and key is not null group by key)",
    )?
    .execute((endpoint, w.now, PARKED))?;
    Ok(())
}

/// Takes a step's worth of waiting deliveries out of the queue; returns how many. None when the
/// endpoint was switched on again since the caller looked.
pub(super) fn withdraw(w: &Write<'_>, endpoint: i64, state: &str) -> Result<usize> {
    let keys: Vec<i64> = w
        .prepare_cached(
            "update deliveries set state = ?2, ended_at = iif(?2 = 'cancelled', ?3, null)
             where id in (select id from deliveries where endpoint_id = ?1
               and (state = 'waiting' or (?2 = 'cancelled' and state = 'held'))
               and state in ('waiting', 'held') limit ?4)
               and not exists (select 1 from endpoints
                 where id = ?1 and is_active and deleted_at is null)
             returning coalesce(key, 0)",
        )?
        .query_map((endpoint, state, w.now, STEP), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let moved = keys.len();
    // Should it be switched on again before all of them are moved.
    for key in keys.iter().filter(|key| **key != 0).collect::<HashSet<_>>() {
        release(w, endpoint, *key)?;
    }
    if moved > 0 && state == "cancelled" {
        w.prepare_cached(
            "insert into endpoint_hours (endpoint_id, hour, cancelled) values (?1, ?2, ?3)
             on conflict do update set cancelled = cancelled + excluded.cancelled",
        )?
        .execute((endpoint, w.now / HOUR_MS, i64::try_from(moved).unwrap_or(i64::MAX)))?;
    }
    Ok(moved)
}

/// Deliveries waiting, and since when the one that is due the longest is due.
pub(super) fn backlog(conn: &Connection) -> Result<(i64, Option<i64>)> {
    Ok(conn
        .prepare_cached(
            "select count(*), min(due_at) from deliveries
             where state = 'waiting' and state in ('waiting', 'held')",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// How many endpoints' breakers are open at `now`, and how many have been long enough.
pub(super) fn breakers(conn: &Connection, now: i64) -> Result<(i64, i64)> {
    Ok(conn
        .prepare_cached(
            "select count(*) filter (where breaker_until > ?1),
               count(*) filter (where breaker_until <= ?1)
             from endpoints where breaker_opened > 0 and is_active and deleted_at is null",
        )?
        .query_row([now], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::House;

    /// With a million rows waiting, anything but a walk along the index would take seconds.
    #[tokio::test]
    async fn the_queue_is_read_along_its_index_and_never_sorted() {
        let house = House::new();
        let plan: Vec<String> = house
            .db
            .read(|r| {
                let mut plan = r.prepare(&format!("explain query plan {DUE}"))?;
                let steps = plan.query_map((1, 1), |row| row.get(3))?;
                Ok(steps.collect::<rusqlite::Result<_>>()?)
            })
            .await
            .unwrap();
        let walk = "SEARCH deliveries USING COVERING INDEX deliveries_open \
                    (endpoint_id=? AND state=?)";
        assert_eq!(plan, [walk]);
    }
}
