//! The only place that opens SQLite, so that every connection has the same rules.

use crate::config::Synchronous;
use rusqlite::{Connection, OpenFlags, limits::Limit};
use std::{path::Path, time::Duration};

/// "Desk" in ASCII: `file deskbell.db` and other programs can tell whose database it is.
pub(super) const APPLICATION_ID: i32 = 0x4465_736B;

/// Prepared statements kept per connection; the whole program has fewer.
const STATEMENTS_KEPT: usize = 256;

/// Longest text or blob SQLite accepts, bytes: far above any body limit, far below its own.
const LENGTH_MAX: i32 = 64 << 20;

/// How long a writing connection waits for a lock. Only checkpoints ever hold one.
pub(super) const BUSY_WITHIN: Duration = Duration::from_secs(10);

/// Opens the database for writing, creating the file where there is none.
#[allow(clippy::disallowed_methods, reason = "the one place that opens the database")]
pub(super) fn for_writing(path: &Path, synchronous: Synchronous) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(BUSY_WITHIN)?;
    // Only an empty file can still choose its vacuum mode, and it must do so before WAL.
    conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    let level = match synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    conn.pragma_update(None, "synchronous", level)?;
    conn.execute_batch(
        "pragma foreign_keys = on; pragma temp_store = memory; pragma cache_size = -32000;
         pragma trusted_schema = off; pragma cell_size_check = on;",
    )?;
    // What is deleted or replaced leaves no trace in its page. Pages that become free are not
    // written for that: who forgets a person asks for that too.
    conn.pragma_update_and_check(None, "secure_delete", "fast", |_| Ok(()))?;
    for (pragma, value) in
        [("journal_size_limit", 67_108_864), ("wal_autocheckpoint", 0), ("mmap_size", 0)]
    {
        conn.pragma_update_and_check(None, pragma, value, |_| Ok(())).or_else(no_answer)?;
    }
    limit(&conn)?;
    Ok(conn)
}

/// Opens the database for reading only; it must exist.
#[allow(clippy::disallowed_methods, reason = "the one place that opens the database")]
pub(super) fn for_reading(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    ready_to_read(&conn)?;
    Ok(conn)
}

/// Settings of a reader, also applied to the pool's connections.
pub(super) fn ready_to_read(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.execute_batch(
        "pragma query_only = on; pragma temp_store = memory; pragma cache_size = -4000;
         pragma trusted_schema = off; pragma cell_size_check = on;",
    )?;
    limit(conn)
}

fn limit(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // Statements are not planned anew for each bound value (`limit ?`).
    conn.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, LENGTH_MAX)?;
    conn.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    Ok(())
}

/// Some pragmas answer with a row and some with none; either is fine.
fn no_answer(e: rusqlite::Error) -> rusqlite::Result<()> {
    if matches!(e, rusqlite::Error::QueryReturnedNoRows) { Ok(()) } else { Err(e) }
}
