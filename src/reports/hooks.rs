//! The report of webhooks: what was delivered day by day, and how fast it was taken.

use super::{Table, Wanted, numbers::share, sql::Endpoint};
use crate::{error::Result, webhooks::stats::percentile};
use serde_json::json;
use std::collections::BTreeMap;

/// What became of deliveries in one day.
#[derive(Debug, Default)]
struct Sums {
    counts: [i64; 5],
    /// How long good answers took: counts by bucket.
    times: BTreeMap<i64, i64>,
}

/// `webhooks`: a row a day and webhook; days without anything are left out. The numbers are kept by
/// the hour (UTC), so in zones whose midnight falls into one, that hour is of the day it begins in.
pub(super) fn webhooks(wanted: &Wanted, endpoints: &[Endpoint]) -> Result<Table> {
    let mut table = Table::new(&[
        "date",
        "webhook_id",
        "webhook",
        "delivered",
        "failed",
        "expired",
        "cancelled",
        "attempts",
        "success",
        "p50_ms",
        "p95_ms",
    ]);
    let mut sums: BTreeMap<(usize, usize), Sums> = BTreeMap::new();
    for (number, endpoint) in endpoints.iter().enumerate() {
        for (at, counts) in &endpoint.hours {
            let Some(day) = wanted.range.place(*at) else { continue };
            let sum = sums.entry((day, number)).or_default();
            sum.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        for (at, bucket, count) in &endpoint.times {
            let Some(day) = wanted.range.place(*at) else { continue };
            *sums.entry((day, number)).or_default().times.entry(*bucket).or_default() += count;
        }
    }
    for ((day, number), sum) in sums {
        let (Some(day), Some(endpoint)) = (wanted.range.days.get(day), endpoints.get(number))
        else {
            continue;
        };
        let times: Vec<_> = sum.times.into_iter().collect();
        let [delivered, failed, expired, cancelled, attempts] = sum.counts;
        table.push(vec![
            json!(day.date.to_string()),
            json!(endpoint.id),
            json!(endpoint.name),
            json!(delivered),
            json!(failed),
            json!(expired),
            json!(cancelled),
            json!(attempts),
            share(delivered, delivered + failed + expired),
            json!(percentile(&times, 50)),
            json!(percentile(&times, 95)),
        ])?;
    }
    Ok(table)
}
