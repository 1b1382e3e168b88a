//! Where the bytes of files lie: `attachments/ab/cd/<sha256>`, each content once.
//!
//! A file grows in `attachments/tmp`, is synced and renamed to its place before the row that names
//! it commits. A pin keeps the sweep away in between; what no row names is swept later.

use super::link::Signer;
use crate::{
    config::{make_private_dir, sync_dir},
    db::free_bytes,
    error::{Error, Result},
    id::{EntityId, TenantId, UserId, uuid_v7},
};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeSet, HashMap},
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Uploads under way at a time, of everybody; one more is answered 503.
const UPLOADS_MAX: usize = 32;

/// Uploads under way at a time, of one user; one more is answered 503.
const UPLOADS_PER_USER: usize = 4;

/// Contents that wait to be looked at by the sweep; what overflows is found by the daily walk.
const LOOSE_MAX: usize = 10_000;

/// SHA-256 of a content.
pub type Digest = [u8; 32];

/// What a store needs to know.
pub struct Settings {
    /// The folder of all contents; made if it is not there.
    pub folder: PathBuf,
    /// Signs links.
    pub key: [u8; 64],
    /// With fewer free bytes on the disk nothing is taken in.
    pub refuse_below_bytes: u64,
}

/// A cheap handle on the contents of all files.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    signer: Signer,
    refuse_below_bytes: u64,
    uploads: Mutex<HashMap<UserId, usize>>,
    pins: Mutex<HashMap<Digest, usize>>,
    loose: Mutex<BTreeSet<Digest>>,
}

impl Store {
    /// Opens the folder, and removes what broken uploads left in it.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(settings: Settings) -> io::Result<Self> {
        make_private_dir(&settings.folder)?;
        let drafts = settings.folder.join("tmp");
        make_private_dir(&drafts)?;
        for left in fs::read_dir(&drafts)? {
            fs::remove_file(left?.path())?;
        }
        Ok(Self(Arc::new(Inner {
            folder: settings.folder,
            signer: Signer::new(&settings.key),
            refuse_below_bytes: settings.refuse_below_bytes,
            uploads: Mutex::default(),
            pins: Mutex::default(),
            loose: Mutex::default(),
        })))
    }

    /// The path of a download that needs no sign-in, good for a day.
    pub fn link(&self, tenant: TenantId, id: EntityId, now_ms: i64) -> String {
        self.0.signer.link(tenant, id, now_ms)
    }

    /// Whose file a link opens; `None` for one that is forged or over.
    pub fn check_link(
        &self,
        id: EntityId,
        (expires, sig): (i64, &str),
        now_ms: i64,
    ) -> Option<TenantId> {
        self.0.signer.check(id, expires, sig, now_ms)
    }

    /// Lets a user send one file.
    ///
    /// # Errors
    /// 503 when too many are under way, 507 when the disk is nearly full.
    pub fn admit(&self, user: UserId) -> Result<Place> {
        let free = free_bytes(&self.0.folder);
        if free.is_some_and(|free| free < self.0.refuse_below_bytes) {
            return Err(Error::Full);
        }
        let mut uploads = self.0.uploads.lock();
        let all: usize = uploads.values().sum();
        let own = uploads.entry(user).or_default();
        if all >= UPLOADS_MAX || *own >= UPLOADS_PER_USER {
            return Err(Error::Busy(Duration::from_secs(5)));
        }
        *own += 1;
        Ok(Place { store: self.clone(), user })
    }

    /// The content and its size in bytes. It blocks.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn read(&self, digest: &Digest) -> io::Result<(File, u64)> {
        let file = File::open(self.path(digest))?;
        let size = file.metadata()?.len();
        Ok((file, size))
    }

    /// Notes that a content may have lost its last row.
    pub fn loosen(&self, digest: Digest) {
        let mut loose = self.0.loose.lock();
        if loose.len() < LOOSE_MAX {
            loose.insert(digest);
        }
    }

    /// Contents noted since the last time.
    pub(super) fn take_loose(&self) -> BTreeSet<Digest> {
        std::mem::take(&mut *self.0.loose.lock())
    }

    /// Contents whose hash begins with the byte `first`, as they lie on the disk. It blocks.
    pub(super) fn contents(&self, first: u8) -> io::Result<Vec<Digest>> {
        let mut found = Vec::new();
        let Some(folders) = listed(&self.0.folder.join(hex(&[first])))? else { return Ok(found) };
        for folder in folders {
            for name in listed(&folder)?.unwrap_or_default() {
                found.extend(name.file_name().and_then(|name| unhex(name.to_str()?)));
            }
        }
        Ok(found)
    }

    /// Removes a content unless it is pinned or `is_named` by a row; whether it was removed. No
    /// upload can pin it meanwhile. It blocks.
    pub(super) fn release(
        &self,
        digest: &Digest,
        is_named: impl FnOnce() -> Result<bool>,
    ) -> Result<bool> {
        let pins = self.0.pins.lock();
        if pins.contains_key(digest) || is_named()? {
            return Ok(false);
        }
        match fs::remove_file(self.path(digest)) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(refused(e)),
        }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let name = hex(digest);
        let (outer, rest) = name.split_at(2);
        let (inner, _) = rest.split_at(2);
        self.0.folder.join(outer).join(inner).join(&name)
    }

    fn pin(&self, digest: Digest) -> Pin {
        *self.0.pins.lock().entry(digest).or_default() += 1;
        Pin { store: self.clone(), digest }
    }
}

/// The right to send one file.
pub struct Place {
    store: Store,
    user: UserId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut uploads = self.store.0.uploads.lock();
        if let Some(own) = uploads.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                uploads.remove(&self.user);
            }
        }
    }
}

/// Keeps a content until the row that names it is committed. When it goes the sweep has a look, in
/// case no row was.
pub struct Pin {
    store: Store,
    /// Which.
    pub digest: Digest,
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut pins = self.store.0.pins.lock();
        if let Some(count) = pins.get_mut(&self.digest) {
            *count -= 1;
            if *count == 0 {
                pins.remove(&self.digest);
            }
        }
        drop(pins);
        self.store.loosen(self.digest);
    }
}

/// A file in `tmp` that grows; dropped before it is kept, it is gone.
pub(super) struct Draft {
    store: Store,
    path: PathBuf,
    file: Option<File>,
    hash: Sha256,
    size: u64,
}

impl Draft {
    /// An empty one. It blocks.
    pub(super) fn new(store: &Store) -> Result<Self> {
        let path = store.0.folder.join("tmp").join(uuid_v7(0).simple().to_string());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = Some(options.open(&path).map_err(refused)?);
        Ok(Self { store: store.clone(), path, file, hash: Sha256::new(), size: 0 })
    }

    /// Adds bytes at the end. It blocks.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let file = self.file.as_mut().ok_or_else(|| Error::internal("a draft without a file"))?;
        file.write_all(bytes).map_err(refused)?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Puts the bytes where they stay, safe from a power cut. It blocks.
    pub(super) fn keep(mut self) -> Result<Pin> {
        let Some(file) = self.file.take() else {
            return Err(Error::internal("a draft without a file"));
        };
        file.sync_all().map_err(refused)?;
        drop(file);
        let digest: Digest = std::mem::take(&mut self.hash).finalize().into();
        // Pinned first: from here on the sweep leaves the place alone.
        let pin = self.store.pin(digest);
        let path = self.store.path(&digest);
        if fs::metadata(&path).is_ok_and(|there| there.len() == self.size) {
            return Ok(pin);
        }
        move_to(&self.path, &path).map_err(refused)?;
        Ok(pin)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Some systems do not remove an open file.
        self.file = None;
        match fs::remove_file(&self.path) {
            // It was kept, and has moved.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => tracing::warn!(error = %e, "a broken upload stays until the next start"),
            Ok(()) => {}
        }
    }
}

fn move_to(draft: &Path, path: &Path) -> io::Result<()> {
    let inner = path.parent().unwrap_or(path);
    make_private_dir(inner.parent().unwrap_or(inner))?;
    make_private_dir(inner)?;
    fs::rename(draft, path)?;
    sync_dir(inner)
}

/// A disk without room is the caller's business, anything else is ours.
#[track_caller]
fn refused(e: io::Error) -> Error {
    match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full,
        _ => Error::internal(e),
    }
}

/// What is in a folder; `None` when there is no such folder.
fn listed(folder: &Path) -> io::Result<Option<Vec<PathBuf>>> {
    match fs::read_dir(folder) {
        Ok(items) => items.map(|item| Ok(item?.path())).collect::<io::Result<_>>().map(Some),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Digest> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(digest)
}
