//! Statements over endpoints, their logs and their statistics.

use super::{Endpoint, PayloadFormat, Wanted, engine};
use crate::{
    db::Write,
    error::{Error, Result},
    id::TenantId,
    time,
};
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

const COLUMNS: &str = "id, tenant_id, name, description, url, events, retry_count, timeout_s,
    is_active, payload_format, failure_streak, last_status, last_attempt_at, version, created_at,
    updated_at, header_names";

fn endpoint(row: &rusqlite::Row<'_>) -> Result<Endpoint> {
    let format: String = row.get(9)?;
    Ok(Endpoint {
        id: row.get(0)?,
        tenant_id: row.get(1)?,
        name: row.get(2)?,
        description: row.get(3)?,
        url: row.get(4)?,
        events: serde_json::from_str(&row.get::<_, String>(5)?).map_err(Error::internal)?,
        retry_count: row.get(6)?,
        timeout: row.get(7)?,
        is_active: row.get(8)?,
        payload_format: PayloadFormat::of(&format)
            .ok_or_else(|| Error::internal("an unknown payload format"))?,
        failure_streak: row.get(10)?,
        last_status: row.get(11)?,
        last_attempt_at: row.get(12)?,
        version: row.get(13)?,
        created_at: row.get(14)?,
        updated_at: row.get(15)?,
        headers: serde_json::from_str(&row.get::<_, String>(16)?).map_err(Error::internal)?,
    })
}

/// All endpoints of a tenant.
pub(super) fn all(conn: &Connection, tenant: TenantId) -> Result<Vec<Endpoint>> {
    let sql = format!(
        "select {COLUMNS} from endpoints
         where tenant_id = ?1 and user_id is null and deleted_at is null order by id"
    );
    conn.prepare_cached(&sql)?.query_and_then([tenant], endpoint)?.collect()
}

/// One endpoint of a tenant.
pub(super) fn find(conn: &Connection, tenant: TenantId, id: i64) -> Result<Option<Endpoint>> {
    let sql = format!(
        "select {COLUMNS} from endpoints
         where tenant_id = ?1 and id = ?2 and user_id is null and deleted_at is null"
    );
    conn.prepare_cached(&sql)?.query_and_then((tenant, id), endpoint)?.next().transpose()
}

/// One endpoint of a tenant as the engine uses it, secret and all.
pub(super) fn row(conn: &Connection, tenant: TenantId, id: i64) -> Result<Option<engine::Row>> {
    Ok(conn
        .prepare_cached(
            "select id, tenant_id, url, secret, is_active, retry_count, timeout_s, payload_format,
               old_keys, headers
             from endpoints where tenant_id = ?1 and id = ?2 and deleted_at is null",
        )?
        .query_row((tenant, id), engine::Row::read)
        .optional()?)
}

/// How many endpoints a tenant has.
pub(super) fn count(conn: &Connection, tenant: TenantId) -> Result<i64> {
    Ok(conn
        .prepare_cached(
            "select count(*) from endpoints
             where tenant_id = ?1 and user_id is null and deleted_at is null",
        )?
        .query_row([tenant], |row| row.get(0))?)
}

/// The next number of an endpoint. Numbers are never given out twice, and a counter rather than
/// the largest row decides, so that a demo may number its own from 101.
pub(super) fn next_id(w: &Write<'_>) -> Result<i64> {
    loop {
        let id: i64 = w
            .prepare_cached(
                "insert into counters values ('endpoints', 1)
                 on conflict do update set value = value + 1 returning value",
            )?
            .query_row([], |row| row.get(0))?;
        let taken = w
            .prepare_cached("select 1 from endpoints where id = ?1")?
            .query_row([id], |_| Ok(()))
            .optional()?;
        if taken.is_none() {
            return Ok(id);
        }
    }
}

fn events_json(wanted: &Wanted) -> Result<String> {
    serde_json::to_string(&wanted.events).map_err(Error::internal)
}

/// Stores a new endpoint.
pub(super) fn insert(
    w: &mut Write<'_>,
    tenant: TenantId,
    id: i64,
    wanted: &Wanted,
    secret: &[u8],
) -> Result<()> {
    w.prepare_cached(
        "insert into endpoints (id, tenant_id, name, description, url, events, secret, is_active,
           retry_count, timeout_s, payload_format, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)",
    )?
    .execute((
        id,
        tenant,
        &wanted.name,
        &wanted.description,
        &wanted.url,
        events_json(wanted)?,
        secret,
        wanted.is_active,
        wanted.retry_count,
        wanted.timeout,
        wanted.payload_format.name(),
        w.now,
    ))?;
    w.endpoints_changed();
    Ok(())
}

/// Changes an endpoint; the secret only where there is a new one.
pub(super) fn update(
    w: &mut Write<'_>,
    tenant: TenantId,
    id: i64,
    wanted: &Wanted,
    secret: Option<&[u8]>,
) -> Result<()> {
    w.prepare_cached(
        "update endpoints set name = ?3, description = ?4, url = ?5, events = ?6,
           secret = coalesce(?7, secret), old_keys = iif(?7 is null, old_keys, null), is_active = ?8, retry_count = ?9, timeout_s = ?10,
           payload_format = ?11, updated_at = ?12, version = version + 1
         where tenant_id = ?1 and id = ?2",
    )?
    .execute((
        tenant,
        id,
        &wanted.name,
        &wanted.description,
        &wanted.url,
        events_json(wanted)?,
        secret,
        wanted.is_active,
        wanted.retry_count,
        wanted.timeout,
        wanted.payload_format.name(),
        w.now,
    ))?;
    w.endpoints_changed();
    Ok(())
}

/// The sealed headers of a tenant's endpoint.
pub(super) fn headers(conn: &Connection, tenant: TenantId, id: i64) -> Result<Option<Vec<u8>>> {
    Ok(conn
        .prepare_cached("select headers from endpoints where tenant_id = ?1 and id = ?2")?
        .query_row((tenant, id), |row| row.get(0))
        .optional()?
        .flatten())
}

/// Stores headers: their names, and all of it sealed.
pub(super) fn set_headers(
    w: &Write<'_>,
    (tenant, id): (TenantId, i64),
    names: &[&String],
    sealed: Option<&[u8]>,
) -> Result<()> {
    let names = serde_json::to_string(names).map_err(Error::internal)?;
    w.prepare_cached(
        "update endpoints set headers = ?3, header_names = ?4 where tenant_id = ?1 and id = ?2",
    )?
    .execute((tenant, id, sealed, names))?;
    Ok(())
}

/// Deletes an endpoint; its log stays in the database, its open deliveries are cancelled later.
pub(super) fn delete(w: &mut Write<'_>, tenant: TenantId, id: i64) -> Result<()> {
    w.prepare_cached(
        "update endpoints set deleted_at = ?3, updated_at = ?3, version = version + 1
         where tenant_id = ?1 and id = ?2",
    )?
    .execute((tenant, id, w.now))?;
    w.endpoints_changed();
    Ok(())
}

/// The number of a delivery.
pub(super) fn delivery_of(conn: &Connection, seq: i64, endpoint: i64) -> Result<i64> {
    Ok(conn
        .prepare_cached("select id from deliveries where event_seq = ?1 and endpoint_id = ?2")?
        .query_row((seq, endpoint), |row| row.get(0))?)
}

/// One attempt as the log lists it.
#[derive(Debug, Serialize)]
pub struct Logged {
    id: i64,
    delivery_id: i64,
    event: String,
    event_id: String,
    seq: i64,
    state: String,
    attempt: u32,
    retries: u32,
    http_status: Option<u16>,
    response_time_ms: i64,
    error: Option<String>,
    response_body: Option<String>,
    #[serde(serialize_with = "time::as_rfc3339")]
    created_at: i64,
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    next_attempt_at: Option<i64>,
}

/// What of the log is asked for.
#[derive(Debug)]
pub(super) struct LogQuery {
    pub(super) endpoint: i64,
    pub(super) before: i64,
    pub(super) limit: i64,
    pub(super) state: Option<String>,
    pub(super) event: Option<String>,
}

/// Attempts to an endpoint, the newest first. The caller has made sure whose endpoint it is.
pub(super) fn log(conn: &Connection, query: &LogQuery) -> Result<Vec<Logged>> {
    conn.prepare_cached(
        "select a.id, a.delivery_id, e.kind, e.id, e.seq, a.state, a.number, a.http_status,
           a.response_time_ms, a.error, a.response_body, a.at_ms, a.next_attempt_at
         from attempts a join deliveries d on d.id = a.delivery_id
           join events e on e.seq = d.event_seq
         where a.endpoint_id = ?1 and a.id < ?2 and (?4 is null or a.state = ?4)
           and (?5 is null or e.kind = ?5)
         order by a.id desc limit ?3",
    )?
    .query_and_then(
        (query.endpoint, query.before, query.limit, &query.state, &query.event),
        |row| {
            let attempt: u32 = row.get(6)?;
            let id = crate::db::read_uuid(row.get_ref(3)?).map_err(Error::internal)?;
            Ok(Logged {
                id: row.get(0)?,
                delivery_id: row.get(1)?,
                event: row.get(2)?,
                event_id: id.to_string(),
                seq: row.get(4)?,
                state: row.get(5)?,
                attempt,
                retries: attempt.saturating_sub(1),
                http_status: row.get(7)?,
                response_time_ms: row.get(8)?,
                error: row.get(9)?,
                response_body: row.get(10)?,
                created_at: row.get(11)?,
                next_attempt_at: row.get(12)?,
            })
        },
    )?
    .collect()
}

/// One hour of an endpoint.
#[derive(Debug, Serialize)]
pub(super) struct Hour {
    #[serde(serialize_with = "time::as_rfc3339")]
    hour: i64,
    delivered: i64,
    failed: i64,
    attempts: i64,
    avg_response_time_ms: Option<i64>,
}

/// The numbers of an endpoint.
#[derive(Debug, Serialize)]
pub struct Stats {
    total: i64,
    waiting: i64,
    delivered: i64,
    failed: i64,
    held: i64,
    expired: i64,
    cancelled: i64,
    success_rate: Option<f64>,
    avg_response_time_ms: Option<i64>,
    p50_response_time_ms: Option<i64>,
    p95_response_time_ms: Option<i64>,
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    last_delivery_at: Option<i64>,
    last_status: Option<u16>,
    queue_depth: i64,
    hours: Vec<Hour>,
}

const HOUR_MS: i64 = 3_600_000;

/// Hours listed, the current one included.
const HOURS: i64 = 24;

/// Good attempts that the percentiles are taken from.
const SAMPLE: i64 = 1_000;

/// How many deliveries are `waiting` or `held`, counted through the index of the queue. The caller
/// has made sure whose endpoint it is.
pub(super) fn open_in(conn: &Connection, endpoint: i64, state: &str) -> Result<i64> {
    Ok(conn
        .prepare_cached(
            "select count(*) from deliveries where endpoint_id = ?1 and state = ?2
               and state in ('waiting', 'held')",
        )?
        .query_row((endpoint, state), |row| row.get(0))?)
}

/// The numbers of an endpoint: sums by the hour, the open queue counted through its index.
pub(super) fn stats(conn: &Connection, endpoint: &Endpoint, now: i64) -> Result<Stats> {
    let waiting = open_in(conn, endpoint.id, "waiting")?;
    let held = open_in(conn, endpoint.id, "held")?;
    let sums: [i64; 6] = conn
        .prepare_cached(
            "select sum(delivered), sum(failed), sum(expired), sum(cancelled), sum(attempts_ok),
               sum(total_ms) from endpoint_hours where endpoint_id = ?1",
        )?
        .query_row([endpoint.id], |row| {
            let sum = |column| row.get::<_, Option<i64>>(column).map(Option::unwrap_or_default);
            Ok([sum(0)?, sum(1)?, sum(2)?, sum(3)?, sum(4)?, sum(5)?])
        })?;
    let [delivered, failed, expired, cancelled, good, total_ms] = sums;
    let ended = delivered + failed;
    let mut sample: Vec<i64> = conn
        .prepare_cached(
            "select response_time_ms from attempts
             where endpoint_id = ?1 and state = 'delivered' order by id desc limit ?2",
        )?
        .query_map((endpoint.id, SAMPLE), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    sample.sort_unstable();
    let percentile = |p: usize| sample.get((sample.len() * p / 100).min(sample.len().max(1) - 1));
    Ok(Stats {
        total: waiting + held + ended + expired + cancelled,
        waiting,
        delivered,
        failed,
        held,
        expired,
        cancelled,
        #[allow(clippy::cast_precision_loss, reason = "a rate of counts far below 2^52")]
        success_rate: (ended > 0).then(|| delivered as f64 / ended as f64),
        avg_response_time_ms: (good > 0).then(|| total_ms / good),
        p50_response_time_ms: percentile(50).copied(),
        p95_response_time_ms: percentile(95).copied(),
        last_delivery_at: endpoint.last_attempt_at,
        last_status: endpoint.last_status,
        queue_depth: waiting,
        hours: hours(conn, endpoint.id, now)?,
    })
}

fn hours(conn: &Connection, endpoint: i64, now: i64) -> Result<Vec<Hour>> {
    conn.prepare_cached(
        "select hour, delivered, failed, attempts, attempts_ok, total_ms from endpoint_hours
         where endpoint_id = ?1 and hour > ?2 order by hour",
    )?
    .query_and_then((endpoint, now / HOUR_MS - HOURS), |row| {
        let (good, total_ms): (i64, i64) = (row.get(4)?, row.get(5)?);
        Ok(Hour {
            hour: row.get::<_, i64>(0)? * HOUR_MS,
            delivered: row.get(1)?,
            failed: row.get(2)?,
            attempts: row.get(3)?,
            avg_response_time_ms: (good > 0).then(|| total_ms / good),
        })
    })?
    .collect()
}
