//! A copy of the open database that is checked before it counts.

use super::{OpenError, connect};
use crate::{error::Error, time};
use rusqlite::{Connection, backup::Backup};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Copies the database to `backups/<time>-before-<number>/deskbell.db`; returns the folder.
///
/// The copy is made in one step: smaller ones start over whenever somebody else commits.
///
/// # Errors
/// When it cannot be written or does not pass `quick_check`; it is removed then.
pub(super) fn before_migration(
    conn: &Connection,
    folder: &Path,
    number: u32,
    now_ms: i64,
) -> Result<PathBuf, OpenError> {
    let stamp = time::rfc3339(now_ms).replace([':', '.'], "-");
    let to = folder.join("backups").join(format!("{stamp}-before-{number:04}"));
    fs::create_dir_all(&to).map_err(Error::internal)?;
    let made = copy_and_check(conn, &to.join("deskbell.db"));
    if made.is_err() {
        // What could not be checked must not look like a backup.
        drop(fs::remove_dir_all(&to));
    }
    made.map(|()| to)
}

#[allow(clippy::disallowed_methods, reason = "a backup is a plain file, without our WAL rules")]
fn copy_and_check(conn: &Connection, to: &Path) -> Result<(), OpenError> {
    let mut copy = Connection::open(to)?;
    Backup::new(conn, &mut copy)?.step(-1)?;
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    drop(copy);
    fs::File::open(to).and_then(|f| f.sync_all()).map_err(Error::internal)?;
    let copy = connect::for_reading(to)?;
    let verdict: String = copy.query_row("pragma quick_check", [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(OpenError::Bad(verdict)) }
}
