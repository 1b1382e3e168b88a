//! Statements that store attempts and how endpoints fare.

use super::{About, Attempted, Health, Sum};
use crate::{
    db::Write,
    error::Result,
    webhooks::engine::{outcomes, sql as queue},
};
use rusqlite::OptionalExtension as _;

/// Answers to good attempts kept for an endpoint.
const GOOD_BODIES_KEPT: i64 = 100;

const HOUR_MS: i64 = 3_600_000;

/// Lists attempts and moves their deliveries to where they leave them.
pub(super) fn store(w: &Write<'_>, attempts: &[Attempted]) -> Result<()> {
    let mut log = w.prepare_cached(
        "insert into attempts (delivery_id, endpoint_id, number, state, http_status,
           response_time_ms, error, response_body, at_ms, next_attempt_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let mut end = w.prepare_cached(
        "update deliveries set state = ?2, attempts = ?3, due_at = ?4, ended_at = ?5,
           attempts_before = attempts_before + ?7
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
        // What is not the endpoint's fault costs it no attempt.
        let free = !outcomes::is_charged(&done.outcome);
        end.execute((done.delivery, state, done.number, due, ended, done.by_hand, free))?;
        if again.is_none()
            && let Some(key) = done.key
        {
            queue::release(w, done.endpoint, key)?;
        }
    }
    Ok(())
}

/// Adds up what ended, for the endpoint and by the hour.
pub(super) fn count(w: &Write<'_>, endpoint: i64, sum: &Sum<'_>) -> Result<()> {
    let Some(last) = sum.last else { return Ok(()) };
    w.prepare_cached(
        "update endpoints set last_status = ?2, last_error = ?3, last_attempt_at = ?4,
           last_success_at = coalesce(?5, last_success_at) where id = ?1",
    )?
    .execute((
        endpoint,
        last.outcome.result.as_ref().ok(),
        last.error(),
        last.at_ms,
        sum.last_good_at,
    ))?;
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
        sum.good,
        sum.failed_for_good,
        sum.attempts,
        i64::try_from(sum.good_ms).unwrap_or(i64::MAX),
    ))?;
    if sum.new_bodies {
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

/// Who an endpoint is and how it fares, unless it is deleted.
pub(in crate::webhooks) fn fare(w: &Write<'_>, id: i64) -> Result<Option<(About, Health)>> {
    let sql = format!(
        "select tenant_id, user_id, name, is_active, disabled_reason, last_status, last_error,
           {} from endpoints where id = ?1 and deleted_at is null",
        queue::HEALTH
    );
    Ok(w.prepare_cached(&sql)?
        .query_row([id], |row| {
            let health = queue::health(row, 7)?;
            let about = About {
                id,
                tenant: row.get(0)?,
                user: row.get(1)?,
                name: row.get(2)?,
                is_active: row.get(3)?,
                reason: row.get(4)?,
                by: None,
                streak: health.streak,
                failing_since: health.failing_since,
                last_status: row.get(5)?,
                last_error: row.get(6)?,
            };
            Ok((about, health))
        })
        .optional()?)
}

/// Stores how an endpoint fares.
pub(super) fn store_health(w: &Write<'_>, endpoint: i64, health: &Health) -> Result<()> {
    w.prepare_cached(
        "update endpoints set failure_streak = ?2, is_proven = ?3, breaker_opened = ?4,
           breaker_until = ?5, cool_until = ?6, failing_since = ?7, failing_delivery = ?8,
           failing_others = ?9, failing_warned = ?10
         where id = ?1",
    )?
    .execute((
        endpoint,
        health.streak,
        health.is_proven,
        health.opened,
        health.open_until,
        health.cool_until,
        health.failing_since,
        health.failed_first,
        health.failed_others,
        health.warned,
    ))?;
    Ok(())
}

/// Switches an endpoint off by itself; what is new for it is held from here on.
pub(super) fn switch_off(w: &mut Write<'_>, endpoint: i64, reason: &str) -> Result<()> {
    w.prepare_cached(
        "update endpoints set is_active = 0, disabled_reason = ?2, disabled_at = ?3,
           updated_at = ?3, version = version + 1 where id = ?1",
    )?
    .execute((endpoint, reason, w.now))?;
    w.endpoints_changed();
    Ok(())
}

/// How much an endpoint is owed: waiting, held, and expired so far.
pub(super) fn owed(w: &Write<'_>, endpoint: i64) -> Result<[i64; 3]> {
    let expired = w
        .prepare_cached("select sum(expired) from endpoint_hours where endpoint_id = ?1")?
        .query_row([endpoint], |row| row.get::<_, Option<i64>>(0))?;
    let open = |state| queue::open(w, endpoint, state);
    Ok([open("waiting")?, open("held")?, expired.unwrap_or(0)])
}
