//! Statements over the delivery queue.

use super::lane::{Attempted, Job, Whereto};
use crate::{
    db::{Write, read_uuid},
    error::{Error, Result},
    id::TenantId,
    webhooks::{render::Stored, stats},
};
use rusqlite::{Connection, OptionalExtension};
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

/// Answers to good attempts kept for an endpoint.
const GOOD_BODIES_KEPT: i64 = 100;

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
    pub(in crate::webhooks) old_keys: Option<Vec<u8>>,
    pub(in crate::webhooks) headers: Option<Vec<u8>>,
}

/// An endpoint of any tenant, unless it is deleted: the engine works for all of them.
pub(super) fn endpoint(conn: &Connection, id: i64) -> Result<Option<Row>> {
    Ok(conn
        .prepare_cached(
            "select id, tenant_id, url, secret, is_active, retry_count, timeout_s, payload_format,
               old_keys, headers
             from endpoints where id = ?1 and deleted_at is null",
        )?
        .query_row([id], Row::read)
        .optional()?)
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
            old_keys: row.get(8)?,
            headers: row.get(9)?,
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

/// What was found for a lane.
#[derive(Default)]
pub(super) struct Due {
    pub(super) jobs: Vec<Job>,
    /// Whether there may be more that is due.
    pub(super) more: bool,
    /// When the first that is not due yet falls due.
    pub(super) next_due: Option<i64>,
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
        found.jobs.extend(job(conn, whereto, id)?);
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
        "select d.attempts, e.seq, e.id, e.kind, e.at_ms, e.actor, e.data, e.changes, e.hops,
           d.attempts_before
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
        event: Stored {
            seq: row.get(1)?,
            id: read_uuid(row.get_ref(2)?).map_err(Error::internal)?.to_string(),
            kind: row.get(3)?,
            at_ms: row.get(4)?,
            actor: row.get(5)?,
            data: row.get(6)?,
            changes: row.get(7)?,
            hops: row.get(8)?,
        },
    }))
}

/// What a batch of attempts means for one endpoint.
#[derive(Default)]
struct Sum {
    streak: u32,
    /// Whether a streak of failures ended.
    heals: bool,
    good: u32,
    failed_for_good: u32,
    attempts: u32,
    good_ms: u64,
    last_status: Option<u16>,
    last_at: i64,
    new_bodies: bool,
}

/// Stores attempts and where they leave their deliveries. A delivery that ended in the meantime
/// (its endpoint was deleted) keeps its end; the attempt is listed all the same.
pub(in crate::webhooks) fn settle(w: &Write<'_>, attempts: &[Attempted]) -> Result<()> {
    let mut sums: BTreeMap<i64, Sum> = BTreeMap::new();
    let mut log = w.prepare_cached(
        "insert into attempts (delivery_id, endpoint_id, number, state, http_status,
           response_time_ms, error, response_body, at_ms, next_attempt_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let mut end = w.prepare_cached(
        "update deliveries set state = ?2, attempts = ?3, due_at = ?4, ended_at = ?5
         where id = ?1 and (state in ('waiting', 'held') or ?6)",
    )?;
    for done in attempts {
        let state = done.state();
        let status = done.outcome.result.as_ref().ok().copied();
        let again = done
            .again_in
            .map(|wait| w.now.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)));
        let body = Some(done.outcome.body.as_str()).filter(|body| !body.is_empty());
        let response_ms = i64::try_from(done.outcome.response_time_ms).unwrap_or(i64::MAX);
        log.execute((
            done.delivery,
            done.endpoint,
            done.number,
            state,
            status,
            response_ms,
            done.error(),
            body,
            done.at_ms,
            again,
        ))?;
        let ended = again.is_none().then_some(w.now);
        let due = again.unwrap_or(done.at_ms);
        end.execute((done.delivery, state, done.number, due, ended, done.by_hand))?;
        sums.entry(done.endpoint).or_default().add(done, status, body.is_some());
    }
    stats::store_times(w, attempts)?;
    for (endpoint, sum) in &sums {
        sum.store(w, *endpoint)?;
    }
    Ok(())
}

impl Sum {
    fn add(&mut self, done: &Attempted, status: Option<u16>, has_body: bool) {
        self.attempts += 1;
        self.last_status = status;
        self.last_at = self.last_at.max(done.at_ms);
        if done.by_hand && !done.is_good() {
            self.failed_for_good += 1;
        } else if done.is_good() {
            self.good += 1;
            self.good_ms += done.outcome.response_time_ms;
            self.heals |= !done.by_hand;
            self.streak = 0;
            self.new_bodies |= has_body;
        } else {
            self.streak += 1;
            self.failed_for_good += u32::from(done.again_in.is_none());
        }
    }

    fn store(&self, w: &Write<'_>, endpoint: i64) -> Result<()> {
        w.prepare_cached(
            "update endpoints set last_status = ?2, last_attempt_at = ?3,
               failure_streak = iif(?4, ?5, failure_streak + ?5) where id = ?1",
        )?
        .execute((endpoint, self.last_status, self.last_at, self.heals, self.streak))?;
        w.prepare_cached(
            "insert into endpoint_hours
               (endpoint_id, hour, delivered, failed, attempts, attempts_ok, total_ms)
             values (?1, ?2, ?3, ?4, ?5, ?3, ?6)
             on conflict do update set delivered = delivered + excluded.delivered,
               failed = failed + excluded.failed, attempts = attempts + excluded.attempts,
               attempts_ok = attempts_ok + excluded.attempts_ok,
               total_ms = total_ms + excluded.total_ms",
        )?
        .execute((
            endpoint,
            w.now / HOUR_MS,
            self.good,
            self.failed_for_good,
            self.attempts,
            i64::try_from(self.good_ms).unwrap_or(i64::MAX),
        ))?;
        if self.new_bodies {
            w.prepare_cached(
                "update attempts set response_body = null where id in (
                   select id from attempts
                   where endpoint_id = ?1 and state = 'delivered' and response_body is not null
                   order by id desc limit -1 offset ?2)",
            )?
            .execute((endpoint, GOOD_BODIES_KEPT))?;
        }
        Ok(())
    }
}

/// Takes a step's worth of waiting deliveries out of the queue; returns how many. None when the
/// endpoint was switched on again since the caller looked.
pub(super) fn withdraw(w: &Write<'_>, endpoint: i64, state: &str) -> Result<usize> {
    let moved = w
        .prepare_cached(
            "update deliveries set state = ?2, ended_at = iif(?2 = 'cancelled', ?3, null)
             where id in (select id from deliveries where endpoint_id = ?1
               and (state = 'waiting' or (?2 = 'cancelled' and state = 'held'))
               and state in ('waiting', 'held') limit ?4)
               and not exists (select 1 from endpoints
                 where id = ?1 and is_active and deleted_at is null)",
        )?
        .execute((endpoint, state, w.now, STEP))?;
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
