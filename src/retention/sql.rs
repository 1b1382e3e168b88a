//! Statements that forget, over all tenants. Each does one step and says whether there is more.

use super::{Limits, STEP};
use crate::{db::Write, error::Result};
use rusqlite::{Connection, OptionalExtension as _};

const HOUR_MS: i64 = 3_600_000;

/// Hours that are listed one by one; older ones are added up.
const HOURS_KEPT_MS: i64 = 90 * 24 * HOUR_MS;

/// When to look again at an event that somebody is still owed.
const LOOK_AGAIN_MS: i64 = 24 * HOUR_MS;

/// Rows of a sample, and what a row costs beside its text, bytes.
const SAMPLE: i64 = 64;
const ROW_BYTES: i64 = 150;

/// Up to which row each sort is over its bound in bytes; 0 where it is not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Beyond {
    pub(super) data: i64,
    pub(super) attempts: i64,
    pub(super) history: i64,
}

/// What is beyond the bounds in bytes.
pub(super) fn beyond(conn: &Connection, limits: &Limits) -> Result<Beyond> {
    let ends = |sql: &str| -> Result<(i64, i64)> {
        let row: (Option<i64>, Option<i64>) =
            conn.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((row.0.unwrap_or(1), row.1.unwrap_or(0)))
    };
    let (first, last) =
        ends("select (select min(seq) from events), (select max(seq) from events)")?;
    let purged = mark(conn, "purged")?;
    let attempts = ends("select (select min(id) from attempts), (select max(id) from attempts)")?;
    Ok(Beyond {
        data: over(conn, DATA_SIZE, (purged.max(first - 1), last), limits.data_bytes)?,
        attempts: over(conn, ATTEMPT_SIZE, (attempts.0 - 1, attempts.1), limits.attempts_bytes)?,
        history: over(conn, EVENT_SIZE, (first - 1, last), limits.history_bytes)?.min(purged),
    })
}

const DATA_SIZE: &str = "select length(data) from events where seq >= ?1 order by seq limit 1";
const EVENT_SIZE: &str = "select length(actor) + coalesce(length(changes), 0) from events
    where seq >= ?1 order by seq limit 1";
const ATTEMPT_SIZE: &str = "select coalesce(length(response_body), 0)
      + coalesce(length(error), 0) from attempts where id >= ?1 order by id limit 1";

/// Up to which row one would have to go, reckoned from rows spread evenly over `(after, last]`.
fn over(conn: &Connection, size: &str, (after, last): (i64, i64), max: i64) -> Result<i64> {
    let rows = last - after;
    // Nothing is so large that fewer rows could be too many, but for a bound made for a test.
    if rows <= 0 || rows.saturating_mul(ROW_BYTES + (2 << 20)) < max {
        return Ok(0);
    }
    let mut statement = conn.prepare_cached(size)?;
    let (mut bytes, taken) = (0, rows.min(SAMPLE));
    for n in 0..taken {
        let at = after + 1 + n * rows / taken;
        let found: Option<Option<i64>> = statement.query_row([at], |row| row.get(0)).optional()?;
        bytes += found.flatten().unwrap_or(0) + ROW_BYTES;
    }
    let average = (bytes / taken).max(1);
    let kept = max / average;
    Ok(if rows > kept { last - kept } else { 0 })
}

fn mark(conn: &Connection, key: &str) -> Result<i64> {
    let found = conn
        .prepare_cached("select cast(value as integer) from meta where key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}

fn set_mark(w: &Write<'_>, key: &str, seq: i64) -> Result<()> {
    w.prepare_cached(
        "insert into meta (key, value) values (?1, ?2)
         on conflict do update set value = excluded.value",
    )?
    .execute((key, seq.to_string()))?;
    Ok(())
}

/// The next events after a `seq`, and their times.
fn next_events(conn: &Connection, after: i64, up_to: i64) -> Result<Vec<(i64, i64)>> {
    let found = conn
        .prepare_cached(
            "select seq, at_ms from events where seq > ?1 and seq <= ?2 order by seq limit ?3",
        )?
        .query_map((after, up_to, STEP_I64), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

#[allow(clippy::cast_possible_wrap, reason = "a small constant")]
const STEP_I64: i64 = STEP as i64;

/// Moves the end of the log that answers whole, up to what happened before `before` or lies up to
/// `force`. The data goes in the next round.
pub(super) fn announce(w: &Write<'_>, before: i64, force: i64) -> Result<bool> {
    let from = mark(w, "trimmed")?;
    let events = next_events(w, from, i64::MAX)?;
    let old = |(seq, at_ms): &&(i64, i64)| *at_ms < before || *seq <= force;
    let gone: Vec<_> = events.iter().take_while(old).collect();
    if let Some((last, _)) = gone.last() {
        set_mark(w, "trimmed", *last)?;
    }
    Ok(gone.len() == STEP)
}

/// Takes the data of events that were announced, but for those that somebody is owed or was until
/// lately, which are noted for later.
pub(super) fn purge(w: &Write<'_>, before: i64, force: i64) -> Result<bool> {
    let events = next_events(w, mark(w, "purged")?, mark(w, "trimmed")?)?;
    for (seq, at_ms) in &events {
        if let Some(look_at) = forget_data(w, *seq, *at_ms, (before, force))? {
            w.prepare_cached("insert or replace into events_kept (seq, look_at) values (?1, ?2)")?
                .execute((seq, look_at))?;
        }
    }
    if let Some((last, _)) = events.last() {
        set_mark(w, "purged", *last)?;
    }
    Ok(events.len() == STEP)
}

/// Looks again at events that were kept.
pub(super) fn look_again(w: &Write<'_>, before: i64, force: i64) -> Result<bool> {
    let due: Vec<(i64, i64)> = w
        .prepare_cached(
            "select k.seq, e.at_ms from events_kept k join events e on e.seq = k.seq
             where k.look_at <= ?1 order by k.look_at limit ?2",
        )?
        .query_map((w.now, STEP_I64), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (seq, at_ms) in &due {
        match forget_data(w, *seq, *at_ms, (before, force))? {
            Some(look_at) => w
                .prepare_cached("update events_kept set look_at = ?2 where seq = ?1")?
                .execute((seq, look_at))?,
            None => w.prepare_cached("delete from events_kept where seq = ?1")?.execute([seq])?,
        };
    }
    Ok(due.len() == STEP)
}

/// Takes an event's data, or says when to look again.
fn forget_data(
    w: &Write<'_>,
    seq: i64,
    at_ms: i64,
    (before, force): (i64, i64),
) -> Result<Option<i64>> {
    let (open, ended): (bool, Option<i64>) = w
        .prepare_cached(
            "select coalesce(max(state in ('waiting', 'held')), 0), max(ended_at)
             from deliveries where event_seq = ?1",
        )?
        .query_row([seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if open {
        return Ok(Some(w.now + LOOK_AGAIN_MS));
    }
    let ended = ended.map_or(at_ms, |ended| ended.max(at_ms));
    if ended >= before && seq > force {
        return Ok(Some(ended + (w.now - before) + 1));
    }
    w.prepare_cached("update events set data = null where seq = ?1")?.execute([seq])?;
    Ok(None)
}

/// Removes attempts made before a time, or up to `force`.
pub(super) fn attempts(w: &Write<'_>, before: i64, force: i64) -> Result<bool> {
    let removed = w
        .prepare_cached(
            "delete from attempts where id in (select id from attempts order by id limit ?3)
               and (at_ms < ?1 or id <= ?2)",
        )?
        .execute((before, force, STEP_I64))?;
    Ok(removed == STEP)
}

/// Removes deliveries that ended before a time, with what is left of their attempts; answers the
/// last one looked at, none where the rest is younger.
pub(super) fn deliveries(w: &Write<'_>, from: i64, before: i64) -> Result<Option<i64>> {
    let rows: Vec<(i64, Option<i64>, i64)> = w
        .prepare_cached(
            "select d.id, d.ended_at, e.at_ms from deliveries d join events e on e.seq = d.event_seq
             where d.id > ?1 order by d.id limit ?2",
        )?
        .query_map((from, STEP_I64), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut remove = w.prepare_cached(
        "delete from deliveries where id = ?1 and state not in ('waiting', 'held')",
    )?;
    for (id, ended_at, at_ms) in &rows {
        // Nothing ends before it happened.
        if *at_ms >= before {
            return Ok(None);
        }
        if ended_at.is_some_and(|ended| ended < before) {
            remove.execute([id])?;
        }
    }
    Ok(rows.last().filter(|_| rows.len() == STEP).map(|(id, _, _)| *id))
}

/// Removes whole events from before a time, or up to `force`, that have lost their data and are
/// owed to nobody.
pub(super) fn history(w: &Write<'_>, before: i64, force: i64) -> Result<bool> {
    let seqs: Vec<i64> = w
        .prepare_cached(
            "select seq from events e where seq <= ?1 and (at_ms < ?2 or seq <= ?3)
               and not exists (select 1 from events_kept k where k.seq = e.seq)
               and not exists (select 1 from deliveries d where d.event_seq = e.seq)
             order by seq limit ?4",
        )?
        .query_map(
            (mark(w, "purged")?.min(newest_before(w, before)?.max(force)), before, force, STEP_I64),
            |row| row.get(0),
        )?
        .collect::<rusqlite::Result<_>>()?;
    for seq in &seqs {
        w.prepare_cached("delete from event_subjects where seq = ?1")?.execute([seq])?;
        w.prepare_cached("delete from events where seq = ?1")?.execute([seq])?;
    }
    Ok(seqs.len() == STEP)
}

/// The last event of the first stretch that is older than a time: a walk along the log ends there
/// rather than at its end.
fn newest_before(conn: &Connection, before: i64) -> Result<i64> {
    let first: Option<i64> = conn
        .prepare_cached("select seq from events where at_ms >= ?1 order by seq limit 1")?
        .query_row([before], |row| row.get(0))
        .optional()?;
    Ok(first.map_or(i64::MAX, |first| first - 1))
}

/// What is small enough to be done once a day: replays, times of attempts, and hours that are added
/// up to one, so that sums stay what they were.
pub(super) fn daily(w: &Write<'_>, before: i64) -> Result<()> {
    w.prepare_cached("delete from replays where ended_at < ?1")?.execute([before])?;
    w.prepare_cached("delete from endpoint_times where hour < ?1")?.execute([before / HOUR_MS])?;
    let old = (w.now - HOURS_KEPT_MS) / HOUR_MS;
    w.prepare_cached(
        "insert into endpoint_hours
           (endpoint_id, hour, delivered, failed, expired, cancelled, attempts, attempts_ok,
            total_ms)
         select endpoint_id, 0, sum(delivered), sum(failed), sum(expired), sum(cancelled),
           sum(attempts), sum(attempts_ok), sum(total_ms)
         from endpoint_hours where hour > 0 and hour < ?1 group by endpoint_id
         on conflict do update set delivered = delivered + excluded.delivered,
           failed = failed + excluded.failed, expired = expired + excluded.expired,
           cancelled = cancelled + excluded.cancelled, attempts = attempts + excluded.attempts,
           attempts_ok = attempts_ok + excluded.attempts_ok,
           total_ms = total_ms + excluded.total_ms",
    )?
    .execute([old])?;
    w.prepare_cached("delete from endpoint_hours where hour > 0 and hour < ?1")?.execute([old])?;
    Ok(())
}

/// Rows made and seen by the tests next door.
#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use crate::id::TenantId;

    /// What is left.
    #[derive(Debug)]
    pub(in crate::retention) struct State {
        pub(in crate::retention) events: Vec<i64>,
        pub(in crate::retention) with_data: Vec<i64>,
        /// By their events, as are the attempts.
        pub(in crate::retention) deliveries: Vec<i64>,
        pub(in crate::retention) attempts: Vec<i64>,
        pub(in crate::retention) subjects: i64,
    }

    pub(in crate::retention) fn state(conn: &Connection) -> Result<State> {
        let list = |sql: &str| -> Result<Vec<i64>> {
            let rows = conn.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Vec<_>>();
            Ok(rows.into_iter().collect::<rusqlite::Result<_>>()?)
        };
        Ok(State {
            events: list("select seq from events order by seq")?,
            with_data: list("select seq from events where data is not null order by seq")?,
            deliveries: list("select event_seq from deliveries order by 1")?,
            attempts: list(
                "select event_seq from attempts a join deliveries d on d.id = a.delivery_id
                 order by 1",
            )?,
            subjects: conn.query_row("select count(*) from event_subjects", [], |r| r.get(0))?,
        })
    }

    /// One endpoint that wants `owed.*`.
    pub(in crate::retention) fn endpoints(w: &mut Write<'_>, tenant: TenantId) -> Result<()> {
        w.execute("insert into tenants values (?1, 'A', 1, 1, 0, 0)", [tenant])?;
        w.execute(
            "insert into endpoints (id, tenant_id, name, url, events, secret, retry_count,
               timeout_s, payload_format, created_at, updated_at)
             values (1, ?1, 'a', '', '[\"owed.*\"]', x'', 3, 10, 'event', 0, 0)",
            [tenant],
        )?;
        w.endpoints_changed();
        Ok(())
    }

    pub(in crate::retention) fn end(w: &Write<'_>, seq: i64, state: &str) -> Result<()> {
        w.execute(
            "update deliveries set state = ?2, ended_at = iif(?2 = 'held', null, ?3)
             where event_seq = ?1",
            (seq, state, w.now),
        )?;
        Ok(())
    }

    pub(in crate::retention) fn attempt(w: &Write<'_>, seq: i64) -> Result<()> {
        w.execute(
            "insert into attempts (delivery_id, endpoint_id, number, state, response_time_ms,
               at_ms)
             select id, 1, 1, 'failed', 7, ?2 from deliveries where event_seq = ?1",
            (seq, w.now),
        )?;
        Ok(())
    }

    pub(in crate::retention) fn hour(w: &Write<'_>, sums: (i64, i64)) -> Result<()> {
        w.execute(
            "insert into endpoint_hours (endpoint_id, hour, delivered, failed)
             values (1, ?1, ?2, ?3)",
            (w.now / HOUR_MS, sums.0, sums.1),
        )?;
        Ok(())
    }

    /// `(hour, delivered, failed)`.
    pub(in crate::retention) fn hours(conn: &Connection) -> Result<Vec<(i64, i64, i64)>> {
        let mut rows =
            conn.prepare("select hour, delivered, failed from endpoint_hours order by hour")?;
        let rows = rows.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
