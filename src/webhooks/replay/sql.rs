//! Statements over replays, and over the deliveries they look at.

use super::{Replay, STEP, Scope, WAITING_MAX, WINDOW};
use crate::{
    db::Write,
    error::{Error, Result},
    id::{TenantId, UserId},
    webhooks::deliveries::sql::{Seen, put_back},
};
use rusqlite::{Connection, OptionalExtension as _};

/// A delivery that a job looks at.
pub(super) struct Row {
    pub(super) seen: Seen,
    pub(super) kind: String,
    pub(super) at_ms: i64,
    pub(super) seq: i64,
    pub(super) has_data: bool,
}

/// The `seq`s between which a tenant's events of a time lie: `(before the first, last)`. Events are
/// numbered in the order of their times, so both ends are found by halving.
pub(super) fn span(conn: &Connection, scope: &Scope) -> Result<(i64, i64)> {
    let ends: (Option<i64>, Option<i64>) = conn
        .prepare_cached(
            "select (select seq from events where tenant_id = ?1 order by seq limit 1),
               (select seq from events where tenant_id = ?1 order by seq desc limit 1)",
        )?
        .query_row([scope.tenant], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(oldest), Some(newest)) = ends else { return Ok((0, 0)) };
    let first = first_from(conn, scope.tenant, scope.since_ms, (oldest, newest))?;
    let after = first_from(conn, scope.tenant, scope.until_ms.saturating_add(1), (oldest, newest))?;
    Ok((first - 1, after - 1))
}

/// The first `seq` whose event is not older than `at_ms`; one more than the newest when none is.
fn first_from(
    conn: &Connection,
    tenant: TenantId,
    at_ms: i64,
    (oldest, newest): (i64, i64),
) -> Result<i64> {
    let mut statement = conn.prepare_cached(
        "select seq, at_ms from events where tenant_id = ?1 and seq >= ?2 order by seq limit 1",
    )?;
    let (mut low, mut high) = (oldest, newest + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let (seq, at): (i64, i64) =
            statement.query_row((tenant, middle), |row| Ok((row.get(0)?, row.get(1)?)))?;
        if at >= at_ms {
            high = middle;
        } else {
            low = seq + 1;
        }
    }
    Ok(low)
}

/// Deliveries that `scope` takes, of at most [`WINDOW`] events after `cursor` and at most
/// `up_to` rows; and the last event looked at.
pub(super) fn next(
    conn: &Connection,
    scope: &Scope,
    (cursor, last_seq): (i64, i64),
    up_to: usize,
) -> Result<(Vec<Row>, i64)> {
    let window_end = last_seq.min(cursor.saturating_add(WINDOW));
    let mut statement = conn.prepare_cached(
        "select d.id, d.state, d.ended_at, e.kind, e.at_ms, e.seq, e.data is not null
         from events e join deliveries d on d.event_seq = e.seq and d.endpoint_id = ?2
         where e.tenant_id = ?1 and e.seq > ?3 and e.seq <= ?4 order by e.seq",
    )?;
    let mut found = Vec::new();
    let mut rows = statement.query((scope.tenant, scope.endpoint, cursor, window_end))?;
    while let Some(row) = rows.next()? {
        let row = Row {
            seen: Seen {
                id: row.get(0)?,
                endpoint: scope.endpoint,
                state: row.get(1)?,
                ended_at: row.get(2)?,
            },
            kind: row.get(3)?,
            at_ms: row.get(4)?,
            seq: row.get(5)?,
            has_data: row.get(6)?,
        };
        if !scope.takes(&row) {
            continue;
        }
        let seq = row.seq;
        found.push(row);
        if found.len() == up_to {
            return Ok((found, seq));
        }
    }
    Ok((found, window_end))
}

/// A job in the making.
pub(super) struct Fresh<'a> {
    pub(super) scope: &'a Scope,
    pub(super) span: (i64, i64),
    pub(super) total: i64,
    pub(super) by: UserId,
}

/// Stores a new job; answers its number.
pub(super) fn insert(w: &Write<'_>, fresh: &Fresh<'_>) -> Result<i64> {
    let scope = fresh.scope;
    let list = |list: &[String]| serde_json::to_string(list).map_err(Error::internal);
    w.prepare_cached(
        "insert into replays (tenant_id, endpoint_id, state, since_ms, until_ms, events, states,
           first_seq, last_seq, cursor, total, created_by, created_at)
         values (?1, ?2, 'running', ?3, ?4, ?5, ?6, ?7, ?8, ?7, ?9, ?10, ?11)",
    )?
    .execute((
        scope.tenant,
        scope.endpoint,
        scope.since_ms,
        scope.until_ms,
        list(&scope.events)?,
        list(&scope.states)?,
        fresh.span.0,
        fresh.span.1,
        fresh.total,
        fresh.by,
        scope.made_at,
    ))?;
    Ok(w.last_insert_rowid())
}

const COLUMNS: &str = "id, endpoint_id, state, since_ms, until_ms, events, states, total, queued,
    data_gone, first_seq, last_seq, cursor, created_at, ended_at, tenant_id";

/// A job with how far it has come.
pub(super) struct Running {
    pub(super) replay: Replay,
    pub(super) scope: Scope,
    pub(super) cursor: i64,
    pub(super) last_seq: i64,
}

fn running(row: &rusqlite::Row<'_>) -> Result<Running> {
    let list = |column| -> Result<Vec<String>> {
        serde_json::from_str(&row.get::<_, String>(column)?).map_err(Error::internal)
    };
    let (first, last_seq, cursor): (i64, i64, i64) = (row.get(10)?, row.get(11)?, row.get(12)?);
    #[allow(clippy::cast_precision_loss, reason = "a share of numbers far below 2^52")]
    let progress =
        if last_seq > first { (cursor - first) as f64 / (last_seq - first) as f64 } else { 1.0 };
    let replay = Replay {
        id: row.get(0)?,
        webhook_id: row.get(1)?,
        state: row.get(2)?,
        since: row.get(3)?,
        until: row.get(4)?,
        events: list(5)?,
        states: list(6)?,
        total: row.get(7)?,
        queued: row.get(8)?,
        data_gone: row.get(9)?,
        progress,
        created_at: row.get(13)?,
        ended_at: row.get(14)?,
    };
    let scope = Scope {
        tenant: row.get(15)?,
        endpoint: replay.webhook_id,
        since_ms: replay.since,
        until_ms: replay.until,
        events: replay.events.clone(),
        states: replay.states.clone(),
        made_at: replay.created_at,
    };
    Ok(Running { replay, scope, cursor, last_seq })
}

/// A tenant's job.
pub(super) fn find(conn: &Connection, tenant: TenantId, id: i64) -> Result<Option<Running>> {
    let sql = format!("select {COLUMNS} from replays where tenant_id = ?1 and id = ?2");
    conn.prepare_cached(&sql)?.query_and_then((tenant, id), running)?.next().transpose()
}

/// The job that runs for an endpoint.
pub(super) fn of_endpoint(
    conn: &Connection,
    tenant: TenantId,
    endpoint: i64,
) -> Result<Option<i64>> {
    Ok(conn
        .prepare_cached(
            "select id from replays
             where tenant_id = ?1 and endpoint_id = ?2 and state = 'running'",
        )?
        .query_row((tenant, endpoint), |row| row.get(0))
        .optional()?)
}

/// All jobs that run, of all tenants: the keeper works for all of them.
pub(super) fn all_running(conn: &Connection) -> Result<Vec<Running>> {
    // The partial index holds nothing else.
    let sql = format!(
        "select {COLUMNS} from replays indexed by replays_running
         where state = 'running' order by endpoint_id"
    );
    conn.prepare_cached(&sql)?.query_and_then([], running)?.collect()
}

/// Whether more may be queued for an endpoint now; `None` when it is deleted.
pub(super) fn has_room(conn: &Connection, endpoint: i64) -> Result<Option<bool>> {
    Ok(conn
        .prepare_cached(
            "select is_active and (select count(*) from (select 1 from deliveries
               where endpoint_id = ?1 and state = 'waiting' and state in ('waiting', 'held')
               limit ?2)) < ?2
             from endpoints where id = ?1 and deleted_at is null",
        )?
        .query_row((endpoint, WAITING_MAX), |row| row.get(0))
        .optional()?)
}

/// One step of a job, unless it was cancelled meanwhile; answers whether it goes on.
pub(super) fn step(w: &mut Write<'_>, job: &Running, rows: &[Row], covered: i64) -> Result<bool> {
    let still = w
        .prepare_cached(
            "select 1 from replays where id = ?1 and state = 'running' and cursor = ?2",
        )?
        .query_row((job.replay.id, job.cursor), |_| Ok(()))
        .optional()?;
    if still.is_none() || rows.len() > STEP {
        return Ok(false);
    }
    let (mut queued, mut gone) = (0_i64, 0_i64);
    for row in rows {
        if !row.has_data {
            gone += 1;
        } else if put_back(w, &row.seen)? {
            queued += 1;
        }
    }
    let is_done = covered >= job.last_seq;
    w.prepare_cached(
        "update replays set cursor = ?2, queued = queued + ?3, data_gone = data_gone + ?4,
           state = iif(?5, 'done', state), ended_at = iif(?5, ?6, null) where id = ?1",
    )?
    .execute((job.replay.id, covered, queued, gone, is_done, w.now))?;
    if queued > 0 {
        w.owed(job.scope.endpoint);
    }
    Ok(!is_done)
}

/// Ends a job that runs.
pub(super) fn cancel(w: &Write<'_>, tenant: TenantId, id: i64) -> Result<bool> {
    Ok(w.prepare_cached(
        "update replays set state = 'cancelled', ended_at = ?3
         where tenant_id = ?1 and id = ?2 and state = 'running'",
    )?
    .execute((tenant, id, w.now))?
        > 0)
}
