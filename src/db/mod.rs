//! The database: one writer that commits in groups, readers that only read, and the event log.
//!
//! `db.write(|w| …)` is the only way a fact becomes known: what it stores, what it says
//! ([`Write::say`]) and what is owed for it are one transaction. `db.read(|r| …)` cannot write.

mod backup;
mod connect;
mod here;
pub mod hops;
mod housekeeper;
pub mod idempotency;
mod log;
mod migrate;
mod order;
mod resume;
mod subscriptions;
#[cfg(test)]
mod tests;
mod value;
mod write;
mod writer;

pub use here::{WasHere, note_here, was_here};
pub(crate) use housekeeper::free_bytes;
pub(crate) use log::between as events_between;
#[cfg(test)]
pub(crate) use log::forget as forget_events;
pub use log::{
    Bounds, Page, about as events_about, after as events_after, at as event_at,
    audible_after as events_audible_after, bounds as log_bounds, forgotten as events_forgotten,
};
pub use order::PARKED;
pub use resume::Refused;
pub use value::{OnUnique, read_uuid};
pub use write::{Committed, Last, Said, Say, Write};

use crate::{
    config::Synchronous,
    error::{Error, Result},
    time::Clock,
};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Semaphore, oneshot};
use writer::{Job, TypedJob};

/// Jobs that may wait for the writer; one more is answered 503.
const JOBS_MAX: usize = 4_096;

/// Longest time one read may take before it is stopped and answered 503.
const READ_MAX: Duration = Duration::from_secs(5);

/// A read looks at its time limit each time SQLite has taken this many steps.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// What the database can do at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Reads and writes.
    Good,
    /// Reads only, until there is room on the disk again.
    DiskFull,
    /// Reads only, for good: the file is damaged.
    Corrupt,
}

/// What a server needs to know to open its database.
#[derive(Debug)]
pub struct Settings {
    /// The data folder; the file in it is `deskbell.db`.
    pub folder: PathBuf,
    /// How safe a commit is.
    pub synchronous: Synchronous,
    /// The clock that jobs see as `w.now`.
    pub clock: Clock,
    /// Below this many free bytes a full disk is not tried again.
    pub min_free_bytes: u64,
}

/// A cheap handle on the open database.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    jobs: std::sync::mpsc::SyncSender<Box<dyn Job>>,
    readers: r2d2::Pool<SqliteConnectionManager>,
    seats: Semaphore,
    shared: Arc<Shared>,
    threads: parking_lot::Mutex<Vec<std::thread::JoinHandle<()>>>,
}

/// What the writer tells the rest of the process.
#[derive(Debug)]
struct Shared {
    path: PathBuf,
    epoch: String,
    lost: Option<(i64, i64)>,
    clock: Clock,
    committed_seq: AtomicI64,
    /// Told after each commit that said something.
    news: tokio::sync::Notify,
    health: AtomicU8,
    /// The writer should finish the WAL before its next group.
    restart_wal: AtomicBool,
    stop: parking_lot::Mutex<bool>,
    stopped: parking_lot::Condvar,
}

impl Shared {
    fn health(&self) -> Health {
        match self.health.load(Ordering::Acquire) {
            0 => Health::Good,
            1 => Health::DiskFull,
            _ => Health::Corrupt,
        }
    }

    fn set_health(&self, health: Health) {
        self.health.store(health as u8, Ordering::Release);
    }
}

/// Called by the writer after each commit, in `seq` order, before anyone is answered.
pub type OnCommit = Box<dyn FnMut(Committed) + Send>;

impl Db {
    /// Opens (or makes) the database of a data folder, brings its schema up to date and starts its
    /// threads.
    ///
    /// # Errors
    /// [`OpenError`] tells a newer schema and a damaged file from everything else.
    pub fn open(settings: Settings, on_commit: OnCommit) -> Result<Self, OpenError> {
        let path = settings.folder.join("deskbell.db");
        if path.exists() {
            // Opening for writing alone turns on WAL; a file that is not ours stays as it is.
            migrate::judge(&connect::for_reading(&path)?, migrate::EMBEDDED)?;
        }
        let mut conn = connect::for_writing(&path, settings.synchronous)?;
        migrate::run(&mut conn, &settings.folder, migrate::EMBEDDED, settings.clock.now_ms())?;
        let history = housekeeper::read_history(&conn, &settings.folder)?;
        let shared = Arc::new(Shared {
            path: path.clone(),
            epoch: history.epoch,
            lost: history.lost,
            clock: settings.clock,
            committed_seq: AtomicI64::new(history.seq),
            news: tokio::sync::Notify::new(),
            health: AtomicU8::new(0),
            restart_wal: AtomicBool::new(false),
            stop: parking_lot::Mutex::new(false),
            stopped: parking_lot::Condvar::new(),
        });
        let readers = readers(&path)?;
        let (jobs, inbox) = std::sync::mpsc::sync_channel(JOBS_MAX);
        let writer = writer::Writer {
            conn,
            synchronous: settings.synchronous,
            shared: shared.clone(),
            inbox,
            on_commit,
            subscriptions: subscriptions::Subscriptions::default(),
            failed_sync: None,
        };
        let keeper = housekeeper::Housekeeper {
            folder: settings.folder,
            shared: shared.clone(),
            min_free_bytes: settings.min_free_bytes,
            run: history.run,
            conn: None,
        };
        let threads = vec![
            spawn("db-writer", move || writer.run())?,
            spawn("db-keeper", move || {
                keeper.run();
            })?,
        ];
        let seats = Semaphore::new(readers.max_size() as usize);
        let threads = parking_lot::Mutex::new(threads);
        Ok(Self { inner: Arc::new(Inner { jobs, readers, seats, shared, threads }) })
    }

    /// Runs `job` in its own savepoint of the next group commit and answers when it is on the disk.
    ///
    /// The job may run twice when another job of its group broke the transaction, so it must do
    /// nothing but use `w`; what must happen after the commit goes through [`Write::after_commit`].
    ///
    /// # Errors
    /// What the job returned, and nothing was changed; [`Error::Busy`] when too many jobs wait;
    /// [`Error::Full`] when nothing can be stored.
    pub async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Write<'_>) -> Result<T> + Send + 'static,
    {
        self.writable()?;
        let (answer, answered) = oneshot::channel();
        self.inner
            .jobs
            .try_send(TypedJob::boxed(Box::new(job), hops::current(), answer))
            .map_err(|_| busy())?;
        answered.await.unwrap_or_else(|_| Err(busy()))
    }

    /// The same for callers on a thread of their own, who wait for room instead of being refused.
    ///
    /// # Errors
    /// As [`Db::write`], but [`Error::Busy`] only when the database is closed.
    pub fn write_waiting<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Write<'_>) -> Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.inner
            .jobs
            .send(TypedJob::boxed(Box::new(job), hops::current(), answer))
            .map_err(|_| busy())?;
        answered.blocking_recv().unwrap_or_else(|_| Err(busy()))
    }

    /// Runs `query` on a reader, off the async threads.
    ///
    /// # Errors
    /// What the query returned; [`Error::Busy`] when it took longer than five seconds.
    pub async fn read<T, F>(&self, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let inner = self.inner.clone();
        let (answer, answered) = oneshot::channel();
        // Boxed: a task of the runtime compiled for every query would be most of the program.
        self.blocking(Box::new(move || drop(answer.send(inner.read(query))))).await?;
        answered.await.map_err(Error::internal)?
    }

    async fn blocking(&self, job: Box<dyn FnOnce() + Send>) -> Result<()> {
        let _seat = self.inner.seats.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(job).await.map_err(Error::internal)
    }

    /// The same for callers on a thread of their own.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn read_blocking<T>(&self, query: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.inner.read(query)
    }

    /// The name of this history of the database.
    pub fn epoch(&self) -> &str {
        &self.inner.shared.epoch
    }

    /// The `seq`s that an older history gave out and this one does not have: `(after, up to)`.
    /// A `since` in there, without an epoch, belongs to that history.
    pub fn lost_range(&self) -> Option<(i64, i64)> {
        self.inner.shared.lost
    }

    /// The `seq` of the newest committed event, 0 when there is none.
    pub fn latest_seq(&self) -> i64 {
        self.inner.shared.committed_seq.load(Ordering::Acquire)
    }

    /// Waits for the next commit that says something. What is committed from the call on counts,
    /// so a caller that makes the future first and reads then misses nothing.
    pub fn news(&self) -> tokio::sync::futures::Notified<'_> {
        self.inner.shared.news.notified()
    }

    /// What the database can do at the moment.
    pub fn health(&self) -> Health {
        self.inner.shared.health()
    }

    /// The clock that jobs see.
    pub fn clock(&self) -> &Clock {
        &self.inner.shared.clock
    }

    /// Stops the threads after all accepted jobs are done, and folds the WAL into the file.
    pub fn close(&self) {
        *self.inner.shared.stop.lock() = true;
        self.inner.shared.stopped.notify_all();
        let _full_means_awake = self.inner.jobs.try_send(Box::new(writer::Stop));
        for thread in self.inner.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a database thread panicked");
            }
        }
    }

    fn writable(&self) -> Result<()> {
        match self.health() {
            Health::Good => Ok(()),
            Health::DiskFull | Health::Corrupt => Err(Error::Full),
        }
    }
}

impl Inner {
    fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        query(&*self.reader()?)
    }

    fn reader(&self) -> Result<r2d2::PooledConnection<SqliteConnectionManager>> {
        let conn = self.readers.get().map_err(Error::internal)?;
        let started = Instant::now();
        conn.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || started.elapsed() > READ_MAX))?;
        Ok(conn)
    }
}

fn busy() -> Error {
    Error::Busy(Duration::from_secs(1))
}

fn readers(path: &Path) -> Result<r2d2::Pool<SqliteConnectionManager>> {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let max = u32::try_from(2 * cores).unwrap_or(8).clamp(2, 8);
    let manager = SqliteConnectionManager::file(path)
        .with_flags(OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .with_init(|conn| connect::ready_to_read(conn));
    r2d2::Pool::builder()
        .max_size(max)
        .min_idle(Some(1))
        .test_on_check_out(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .build(manager)
        .map_err(Error::internal)
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(run).map_err(Error::internal)
}

/// Why a database could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Its schema is newer than this program: `(its version, ours)`.
    Newer(u32, u32),
    /// It is not a Deskbell database, or it is damaged.
    Bad(String),
    /// Anything else.
    Other(Error),
}

impl From<Error> for OpenError {
    fn from(e: Error) -> Self {
        Self::Other(e)
    }
}

impl From<rusqlite::Error> for OpenError {
    #[track_caller]
    fn from(e: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        match e.sqlite_error_code() {
            Some(Code::NotADatabase | Code::DatabaseCorrupt) => Self::Bad(e.to_string()),
            _ => Self::Other(e.into()),
        }
    }
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Newer(theirs, ours) => write!(
                f,
                "the database has schema {theirs}, this program knows up to {ours}: \
                 use the newer program, or restore a backup made before the upgrade"
            ),
            Self::Bad(why) => write!(f, "the database cannot be used: {why}"),
            Self::Other(e) => write!(f, "the database cannot be opened: {e}"),
        }
    }
}
