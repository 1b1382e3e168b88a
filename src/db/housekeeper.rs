//! The thread beside the writer: checkpoints, the high-water mark, the reserve on the disk.

use super::{Health, Shared, connect};
use crate::{
    config::Synchronous,
    error::{Error, Result},
};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// The WAL is folded into the database without disturbing anyone from this size on, bytes.
const CHECKPOINT_FROM: u64 = 4 << 20;

/// From this size on the writer is asked to finish it, bytes.
const RESTART_FROM: u64 = 64 << 20;

/// Bytes of a page, SQLite's default.
const PAGE_BYTES: u64 = 4_096;

/// How often the thread looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Bytes given up when the disk is full, so that SQLite can at least clean up.
const RESERVE_BYTES: usize = 32 << 20;

/// How far `seq` jumps when the database turns out to be an older copy: further than any number
/// that could have been given out after the mark was last written.
const SEQ_JUMP: i64 = 100_000;

/// What stands in `high-water.json` beside the database.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
struct Mark {
    epoch: String,
    seq: i64,
}

/// Which history of the database this is.
#[derive(Debug)]
pub(super) struct History {
    pub(super) epoch: String,
    /// The newest `seq` given out.
    pub(super) seq: i64,
    /// Numbers given out by a history that is gone: `(after, up to)`.
    pub(super) lost: Option<(i64, i64)>,
}

/// Reads the epoch; makes a new one when there is none, or when the database is behind the mark
/// beside it: an old file copied back, or commits lost in a power cut. Numbers that the lost
/// history gave out are never given out again.
pub(super) fn read_history(conn: &Connection, folder: &Path) -> Result<History> {
    let mut seq = super::log::bounds(conn)?.latest;
    let mark = read_mark(folder);
    let epoch = meta(conn, "epoch")?;
    let behind = mark.as_ref().is_some_and(|m| epoch.as_ref() != Some(&m.epoch) || seq < m.seq);
    let epoch = match epoch {
        Some(epoch) if !behind => epoch,
        known => {
            let fresh = fresh_epoch()?;
            set_meta(conn, "epoch", &fresh)?;
            if let (Some(old), Some(mark)) = (&known, &mark) {
                let jumped = seq.max(mark.seq) + SEQ_JUMP;
                tracing::warn!(
                    was = old,
                    now = fresh,
                    database_seq = seq,
                    mark_seq = mark.seq,
                    "the database is older than it was: clients will be told to start over"
                );
                set_meta(conn, "lost_range", &format!("{seq}-{jumped}"))?;
                set_sequence(conn, jumped)?;
                seq = jumped;
            }
            fresh
        }
    };
    write_mark(folder, &Mark { epoch: epoch.clone(), seq })?;
    let lost = meta(conn, "lost_range")?.and_then(|text| {
        let (after, up_to) = text.split_once('-')?;
        Some((after.parse().ok()?, up_to.parse().ok()?))
    });
    Ok(History { epoch, seq, lost })
}

fn fresh_epoch() -> Result<String> {
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes).map_err(|e| Error::internal(e.to_string()))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

fn meta(conn: &Connection, key: &str) -> Result<Option<String>> {
    Ok(conn
        .query_row("select value from meta where key = ?1", [key], |row| row.get(0))
        .optional()?)
}

fn set_meta(conn: &Connection, key: &str, value: &str) -> Result<()> {
    conn.execute("insert or replace into meta (key, value) values (?1, ?2)", [key, value])?;
    Ok(())
}

fn set_sequence(conn: &Connection, seq: i64) -> Result<()> {
    if conn.execute("update sqlite_sequence set seq = ?1 where name = 'events'", [seq])? == 0 {
        conn.execute("insert into sqlite_sequence (name, seq) values ('events', ?1)", [seq])?;
    }
    Ok(())
}

fn mark_path(folder: &Path) -> PathBuf {
    folder.join("high-water.json")
}

fn read_mark(folder: &Path) -> Option<Mark> {
    serde_json::from_slice(&fs::read(mark_path(folder)).ok()?).ok()
}

/// Replaces the mark whole: a half-written one would read as none. It is not synced: after a power
/// cut an older mark is merely less watchful.
fn write_mark(folder: &Path, mark: &Mark) -> Result<()> {
    let path = mark_path(folder);
    let fresh = path.with_extension("new");
    let text = serde_json::to_vec(mark).map_err(Error::internal)?;
    fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, &path)).map_err(Error::internal)
}

pub(super) struct Housekeeper {
    pub(super) folder: PathBuf,
    pub(super) shared: Arc<Shared>,
    pub(super) min_free_bytes: u64,
    /// For checkpoints; opened for the first one.
    pub(super) conn: Option<Connection>,
}

impl Housekeeper {
    pub(super) fn run(mut self) {
        let mut marked = self.shared.committed_seq.load(Ordering::Acquire);
        let mut looks = 0_u64;
        if let Err(e) = self.reserve() {
            tracing::warn!(error = %e, "no reserve could be laid by on the disk");
        }
        while !self.wait() {
            looks += 1;
            self.checkpoint();
            if looks.is_multiple_of(4) {
                marked = self.mark(marked);
            }
            if looks.is_multiple_of(20) {
                self.look_at_the_disk();
            }
        }
        self.mark(marked);
    }

    /// Waits for the next look; true when it is time to stop.
    fn wait(&self) -> bool {
        let mut stop = self.shared.stop.lock();
        if !*stop {
            self.shared.stopped.wait_for(&mut stop, LOOK_EVERY);
        }
        *stop
    }

    fn mark(&self, marked: i64) -> i64 {
        let seq = self.shared.committed_seq.load(Ordering::Acquire);
        if seq != marked {
            let mark = Mark { epoch: self.shared.epoch.clone(), seq };
            if let Err(e) = write_mark(&self.folder, &mark) {
                tracing::warn!(error = %e, "the high-water mark could not be written");
            }
        }
        seq
    }

    /// Copies what it can of the WAL into the database, beside the writer. Under load the writer
    /// is always a little ahead, so the WAL never ends by itself: from a size on the writer is
    /// asked to finish it between two groups. Nobody else could: the write lock is never free.
    fn checkpoint(&mut self) {
        let wal = self.shared.path.with_extension("db-wal");
        if fs::metadata(wal).map_or(0, |m| m.len()) < CHECKPOINT_FROM {
            return;
        }
        match self.copy() {
            Ok(pages) if pages * PAGE_BYTES >= RESTART_FROM => {
                self.shared.restart_wal.store(true, Ordering::Release);
            }
            Ok(_) => {}
            Err(e) => {
                self.conn = None;
                tracing::warn!(error = %e, "checkpoint failed; it will be tried again");
            }
        }
    }

    /// Copies, and returns how many pages the WAL holds.
    fn copy(&mut self) -> rusqlite::Result<u64> {
        let conn = match self.conn.take() {
            Some(conn) => conn,
            None => connect::for_writing(&self.shared.path, Synchronous::Full)?,
        };
        self.conn.insert(conn).query_row("pragma wal_checkpoint(passive)", [], |row| {
            row.get::<_, i64>(1).map(|pages| u64::try_from(pages).unwrap_or(0))
        })
    }

    fn look_at_the_disk(&self) {
        let free = free_bytes(&self.folder);
        match self.shared.health() {
            Health::DiskFull => {
                drop(fs::remove_file(self.reserve_path()));
                let enough = self.min_free_bytes / 4 + RESERVE_BYTES as u64;
                if free.is_none_or(|free| free >= enough) && self.reserve().is_ok() {
                    tracing::warn!("there is room on the disk again: writes are accepted");
                    self.shared.set_health(Health::Good);
                }
            }
            Health::Good if free.is_some_and(|free| free < self.min_free_bytes) => {
                tracing::warn!(free, "the disk is nearly full");
            }
            Health::Good | Health::Corrupt => {}
        }
    }

    fn reserve_path(&self) -> PathBuf {
        self.folder.join("reserve.bin")
    }

    /// Lays by the reserve, unless it is there.
    fn reserve(&self) -> std::io::Result<()> {
        let path = self.reserve_path();
        if fs::metadata(&path).is_ok_and(|m| m.len() == RESERVE_BYTES as u64) {
            return Ok(());
        }
        let mut file = fs::File::create(&path)?;
        let laid_by = allocate(&file).unwrap_or_else(|| self.fill(&mut file));
        if laid_by.is_err() {
            drop(fs::remove_file(&path));
        }
        laid_by
    }

    /// Writes the reserve where the system cannot just set it aside. On a slow disk that takes a
    /// while, so an order to stop is heard between two steps; the next start tries again.
    fn fill(&self, file: &mut fs::File) -> std::io::Result<()> {
        let zeros = vec![0; 1 << 20];
        for _ in 0..RESERVE_BYTES / zeros.len() {
            if *self.shared.stop.lock() {
                return Err(std::io::ErrorKind::Interrupted.into());
            }
            file.write_all(&zeros)?;
        }
        Ok(())
    }
}

/// Sets the reserve's blocks aside without writing them; none where that is not known.
#[cfg(target_os = "linux")]
fn allocate(file: &fs::File) -> Option<std::io::Result<()>> {
    use rustix::{fs::FallocateFlags, io::Errno};
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, RESERVE_BYTES as u64) {
        Ok(()) => Some(Ok(())),
        Err(Errno::NOSPC) => Some(Err(Errno::NOSPC.into())),
        Err(_) => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn allocate(_: &fs::File) -> Option<std::io::Result<()>> {
    None
}

/// Free bytes for this process on the disk of `folder`, where the system tells.
#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Free bytes are not asked for on this system: a full disk is tried again instead.
#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}
