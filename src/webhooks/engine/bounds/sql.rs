//! Statements that let what is too much, or too old, expire.

use super::queue;
use crate::{db::Write, error::Result};
use rusqlite::Connection;
use std::collections::HashSet;

const HOUR_MS: i64 = 3_600_000;

/// How long nothing more is told of a backlog.
const QUIET_MS: i64 = 24 * HOUR_MS;

/// The oldest deliveries of an endpoint that wait or are held. They are numbered as their events
/// were said.
pub(super) fn oldest(conn: &Connection, endpoint: i64, limit: i64) -> Result<Vec<i64>> {
    Ok(conn
        .prepare_cached(
            "select id from deliveries where endpoint_id = ?1 and state in ('waiting', 'held')
             order by id limit ?2",
        )?
        .query_map((endpoint, limit), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?)
}

/// Those of the oldest whose event, and whoever asked for it again, was before this.
pub(super) fn old(
    conn: &Connection,
    endpoint: i64,
    (before, limit): (i64, i64),
) -> Result<Vec<i64>> {
    Ok(conn
        .prepare_cached(
            "select d.id from (
               select id from deliveries where endpoint_id = ?1 and state in ('waiting', 'held')
               order by id limit ?3) o
             join deliveries d on d.id = o.id join events e on e.seq = d.event_seq
             where e.at_ms < ?2 and coalesce(d.renewed_at, 0) < ?2 order by d.id",
        )?
        .query_map((endpoint, before, limit), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?)
}

/// Ends these, where they have not ended; returns how many.
pub(super) fn expire(w: &Write<'_>, endpoint: i64, ids: &[i64]) -> Result<usize> {
    let mut expire = w.prepare_cached(
        "update deliveries set state = 'expired', ended_at = ?2
         where id = ?1 and state in ('waiting', 'held') returning coalesce(key, 0)",
    )?;
    let (mut expired, mut keys) = (0, HashSet::new());
    for id in ids {
        for key in expire.query_map((id, w.now), |row| row.get::<_, i64>(0))? {
            expired += 1;
            keys.insert(key?);
        }
    }
    for key in keys.into_iter().filter(|key| *key != 0) {
        queue::release(w, endpoint, key)?;
    }
    w.prepare_cached(
        "insert into endpoint_hours (endpoint_id, hour, expired) values (?1, ?2, ?3)
         on conflict do update set expired = expired + excluded.expired",
    )?
    .execute((endpoint, w.now / HOUR_MS, i64::try_from(expired).unwrap_or(i64::MAX)))?;
    Ok(expired)
}

/// Whether people should hear of it; if so, they are taken to have heard.
pub(super) fn is_news(w: &Write<'_>, endpoint: i64) -> Result<bool> {
    let noted = w
        .prepare_cached(
            "update endpoints set backlog_told_at = ?2
             where id = ?1 and coalesce(backlog_told_at, 0) <= ?2 - ?3",
        )?
        .execute((endpoint, w.now, QUIET_MS))?;
    Ok(noted > 0)
}
