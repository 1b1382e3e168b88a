//! Statements over the sums of endpoints.

use super::{bucket, percentile};
use crate::{
    db::Write,
    error::Result,
    time,
    webhooks::{
        Endpoint, Fares,
        engine::{self, Attempted},
    },
};
use rusqlite::Connection;
use serde::Serialize;
use std::collections::BTreeMap;

const HOUR_MS: i64 = 3_600_000;

/// Hours listed, the current one included.
const HOURS: i64 = 24;

/// One hour of an endpoint.
#[derive(Debug, Serialize)]
pub(super) struct Hour {
    #[serde(serialize_with = "time::as_rfc3339")]
    hour: i64,
    delivered: i64,
    failed: i64,
    attempts: i64,
    avg_response_time_ms: Option<i64>,
    p50_response_time_ms: Option<i64>,
    p95_response_time_ms: Option<i64>,
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
    queue_depth: i64,
    is_active: bool,
    #[serde(flatten)]
    fares: Fares,
    hours: Vec<Hour>,
}

/// Notes how long good attempts took.
pub(in crate::webhooks) fn store_times(w: &Write<'_>, attempts: &[Attempted]) -> Result<()> {
    let mut counts: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    for done in attempts.iter().filter(|done| done.is_good()) {
        let key = (done.endpoint, bucket(done.outcome.response_time_ms));
        *counts.entry(key).or_default() += 1;
    }
    let mut add = w.prepare_cached(
        "insert into endpoint_times (endpoint_id, hour, bucket, attempts) values (?1, ?2, ?3, ?4)
         on conflict do update set attempts = attempts + excluded.attempts",
    )?;
    for ((endpoint, bucket), count) in counts {
        add.execute((endpoint, w.now / HOUR_MS, bucket, count))?;
    }
    Ok(())
}

/// The numbers of an endpoint: sums by the hour, the open queue counted through its index.
pub fn stats(conn: &Connection, endpoint: &Endpoint, now: i64) -> Result<Stats> {
    let open = |state| engine::open(conn, endpoint.id, state);
    let (waiting, held) = (open("waiting")?, open("held")?);
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
    let times = times(conn, endpoint.id, 0)?;
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
        p50_response_time_ms: percentile(&times, 50),
        p95_response_time_ms: percentile(&times, 95),
        last_delivery_at: endpoint.fares.last_attempt_at,
        queue_depth: waiting,
        is_active: endpoint.is_active,
        fares: endpoint.fares.clone().at(now),
        hours: hours(conn, endpoint.id, now)?,
    })
}

/// Counts by bucket from an hour on, in their order.
fn times(conn: &Connection, endpoint: i64, from: i64) -> Result<Vec<(i64, i64)>> {
    let rows = conn
        .prepare_cached(
            "select bucket, sum(attempts) from endpoint_times
             where endpoint_id = ?1 and hour >= ?2 group by bucket order by bucket",
        )?
        .query_map((endpoint, from), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(rows)
}

/// The last hours, those without an attempt too, so that they can be drawn as they are.
fn hours(conn: &Connection, endpoint: i64, now: i64) -> Result<Vec<Hour>> {
    let this = now / HOUR_MS;
    let empty = |hour: i64| Hour {
        hour: hour * HOUR_MS,
        delivered: 0,
        failed: 0,
        attempts: 0,
        avg_response_time_ms: None,
        p50_response_time_ms: None,
        p95_response_time_ms: None,
    };
    let mut all: BTreeMap<i64, Hour> =
        (this - HOURS + 1..=this).map(|hour| (hour, empty(hour))).collect();
    let mut sums = conn.prepare_cached(
        "select hour, delivered, failed, attempts, attempts_ok, total_ms from endpoint_hours
         where endpoint_id = ?1 and hour > ?2",
    )?;
    let mut rows = sums.query((endpoint, this - HOURS))?;
    while let Some(row) = rows.next()? {
        let Some(hour) = all.get_mut(&row.get(0)?) else { continue };
        let (good, total_ms): (i64, i64) = (row.get(4)?, row.get(5)?);
        hour.delivered = row.get(1)?;
        hour.failed = row.get(2)?;
        hour.attempts = row.get(3)?;
        hour.avg_response_time_ms = (good > 0).then(|| total_ms / good);
    }
    let mut times: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
    let mut buckets = conn.prepare_cached(
        "select hour, bucket, attempts from endpoint_times
         where endpoint_id = ?1 and hour > ?2 order by hour, bucket",
    )?;
    let mut rows = buckets.query((endpoint, this - HOURS))?;
    while let Some(row) = rows.next()? {
        times.entry(row.get(0)?).or_default().push((row.get(1)?, row.get(2)?));
    }
    for (hour, buckets) in &times {
        if let Some(hour) = all.get_mut(hour) {
            hour.p50_response_time_ms = percentile(buckets, 50);
            hour.p95_response_time_ms = percentile(buckets, 95);
        }
    }
    Ok(all.into_values().collect())
}
