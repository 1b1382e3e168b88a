//! Statements over endpoints, their logs and their statistics.

use super::{Breaker, Endpoint, Fares, Ordering, PayloadFormat, State, Wanted, engine};
use crate::{
    db::Write,
    error::{Error, Result},
    id::TenantId,
    time,
};
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

const COLUMNS: &str = "id, tenant_id, name, description, url, events, retry_count, timeout_s,
    is_active, payload_format, version, created_at, updated_at, max_in_flight, rate_limit,
    ordering = 'by_key', failure_streak, failing_since, last_status, last_error, last_attempt_at,
    last_success_at, breaker_until, cool_until, disabled_reason, disabled_at,
    (select min(due_at) from deliveries where endpoint_id = endpoints.id and state = 'waiting'
       and state in ('waiting', 'held')), header_names";

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
        version: row.get(10)?,
        created_at: row.get(11)?,
        updated_at: row.get(12)?,
        max_in_flight: row.get(13)?,
        rate_limit: row.get(14)?,
        ordering: if row.get(15)? { Ordering::ByKey } else { Ordering::None },
        headers: serde_json::from_str(&row.get::<_, String>(27)?).map_err(Error::internal)?,
        fares: fares(row)?.completed(row.get(8)?),
    })
}

fn fares(row: &rusqlite::Row<'_>) -> Result<Fares> {
    Ok(Fares {
        health: State::New,
        failure_streak: row.get(16)?,
        failing_since: row.get(17)?,
        last_status: row.get(18)?,
        last_error: row.get(19)?,
        last_attempt_at: row.get(20)?,
        last_success_at: row.get(21)?,
        breaker: Breaker::Closed,
        breaker_until: row.get(22)?,
        cooling_until: row.get(23)?,
        disabled_reason: row.get(24)?,
        disabled_at: row.get(25)?,
        next_attempt_at: row.get(26)?,
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
    let sql = format!(
        "select {} from endpoints where tenant_id = ?1 and id = ?2 and deleted_at is null",
        engine::COLUMNS
    );
    Ok(conn.prepare_cached(&sql)?.query_row((tenant, id), engine::Row::read).optional()?)
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
           retry_count, timeout_s, payload_format, created_at, updated_at, max_in_flight,
           rate_limit, ordering, disabled_reason, disabled_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?13, ?14, ?15,
           iif(?8, null, 'person'), iif(?8, null, ?12))",
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
        wanted.max_in_flight,
        wanted.rate_limit,
        wanted.ordering.name(),
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
    fresh(w, (tenant, id), wanted)?;
    w.prepare_cached(
        "update endpoints set name = ?3, description = ?4, url = ?5, events = ?6,
           secret = coalesce(?7, secret), old_keys = iif(?7 is null, old_keys, null),
           is_active = ?8, retry_count = ?9, timeout_s = ?10,
           payload_format = ?11, updated_at = ?12, version = version + 1, max_in_flight = ?13,
           rate_limit = ?14, ordering = ?15
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
        wanted.max_in_flight,
        wanted.rate_limit,
        wanted.ordering.name(),
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

/// What a change means for how an endpoint fares. A breaker closes, for the change may be the cure;
/// with another URL, or switched on again, it begins anew; switched off, it is noted by whom.
fn fresh(w: &Write<'_>, (tenant, id): (TenantId, i64), wanted: &Wanted) -> Result<()> {
    w.prepare_cached(
        "update endpoints set breaker_opened = 0, breaker_until = null, cool_until = null,
           disabled_reason = case when ?3 then null when is_active then 'person'
             else disabled_reason end,
           disabled_at = case when ?3 then null when is_active then ?4 else disabled_at end
         where tenant_id = ?1 and id = ?2",
    )?
    .execute((tenant, id, wanted.is_active, w.now))?;
    w.prepare_cached(
        "update endpoints set failure_streak = 0, is_proven = 0, failing_since = null,
           failing_delivery = null, failing_others = 0, failing_warned = 0, backlog_told_at = null
         where tenant_id = ?1 and id = ?2 and (url <> ?4 or (?3 and not is_active))",
    )?
    .execute((tenant, id, wanted.is_active, &wanted.url))?;
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

/// What an endpoint's log says, the newest first. The caller has made sure whose endpoint it is.
pub(super) fn log(conn: &Connection, query: &LogQuery) -> Result<Vec<Logged>> {
    match query.state.as_deref() {
        Some(state @ ("held" | "expired" | "cancelled")) => unattempted(conn, query, state),
        _ => attempted(conn, query),
    }
}

/// Deliveries that no attempt left in their state; `id` is their own number, and so is `before`.
fn unattempted(conn: &Connection, query: &LogQuery, state: &str) -> Result<Vec<Logged>> {
    // The partial indexes are used where their condition is spelled out.
    let among = if state == "held" { "'waiting', 'held'" } else { "'expired', 'cancelled'" };
    conn.prepare_cached(&format!(
        "select d.id, e.kind, e.id, e.seq, d.attempts, coalesce(d.ended_at, e.at_ms)
         from deliveries d join events e on e.seq = d.event_seq
         where d.endpoint_id = ?1 and d.id < ?2 and d.state = ?4 and d.state in ({among})
           and (?5 is null or e.kind glob ?5)
         order by d.id desc limit ?3"
    ))?
    .query_and_then((query.endpoint, query.before, query.limit, state, &query.event), |row| {
        let (delivery, attempt): (i64, u32) = (row.get(0)?, row.get(4)?);
        let id = crate::db::read_uuid(row.get_ref(2)?).map_err(Error::internal)?;
        Ok(Logged {
            id: delivery,
            delivery_id: delivery,
            event: row.get(1)?,
            event_id: id.to_string(),
            seq: row.get(3)?,
            state: state.to_owned(),
            attempt,
            retries: attempt.saturating_sub(1),
            http_status: None,
            response_time_ms: 0,
            error: None,
            response_body: None,
            created_at: row.get(5)?,
            next_attempt_at: None,
        })
    })?
    .collect()
}

fn attempted(conn: &Connection, query: &LogQuery) -> Result<Vec<Logged>> {
    conn.prepare_cached(
        "select a.id, a.delivery_id, e.kind, e.id, e.seq, a.state, a.number, a.http_status,
           a.response_time_ms, a.error, a.response_body, a.at_ms, a.next_attempt_at
         from attempts a join deliveries d on d.id = a.delivery_id
           join events e on e.seq = d.event_seq
         where a.endpoint_id = ?1 and a.id < ?2 and (?4 is null or a.state = ?4)
           and (?5 is null or e.kind glob ?5)
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
