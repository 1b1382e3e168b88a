//! The data folder: which one, that it is there, and that only one server uses it.

use super::{
    Loaded, Origin, Surroundings,
    key_file::{key_file, make_private_dir},
};
use crate::exit::{Exit, Failure};
use std::{
    fmt,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

/// The folder that is taken when it is there and nothing else is named.
const HERE: &str = "deskbell-data";

/// Why a folder was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// `--data-dir` or `DESKBELL_DATA_DIR`.
    Set(Origin),
    /// systemd made it for the service (`StateDirectory=`) and says so in `$STATE_DIRECTORY`.
    StateDirectory,
    /// `./deskbell-data` is there.
    Here,
    /// The operating system's place for this user's data.
    System,
    /// Made for a demonstration or a measurement, and removed after it.
    ThrowAway,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(origin) => origin.fmt(f),
            Self::StateDirectory => f.write_str("STATE_DIRECTORY"),
            Self::Here => f.write_str("folder in the current folder"),
            Self::System => f.write_str("default"),
            Self::ThrowAway => f.write_str("made for this run"),
        }
    }
}

/// The chosen folder, perhaps not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Where it is.
    pub path: PathBuf,
    /// Why this one.
    pub reason: Reason,
}

/// Chooses the data folder; touches nothing. Never the current folder itself.
pub fn choose(loaded: &Loaded, around: &Surroundings) -> Result<Choice, Failure> {
    if let Some(path) = &loaded.config.data_dir {
        let reason = Reason::Set(loaded.origin("DESKBELL_DATA_DIR"));
        return Ok(Choice { path: path.clone(), reason });
    }
    if let Some(path) = state_directory(around) {
        return Ok(Choice { path, reason: Reason::StateDirectory });
    }
    let here = around.here.join(HERE);
    if here.is_dir() {
        return Ok(Choice { path: here, reason: Reason::Here });
    }
    match &around.system_data_dir {
        Some(path) => Ok(Choice { path: path.clone(), reason: Reason::System }),
        None => Err(Failure::new(
            Exit::Config,
            "this system names no place for data (is HOME unset?): \
             choose a folder with --data-dir or DESKBELL_DATA_DIR",
        )),
    }
}

/// systemd separates several folders with colons; the first is ours.
fn state_directory(around: &Surroundings) -> Option<PathBuf> {
    let text = around.env.get(std::ffi::OsStr::new("STATE_DIRECTORY"))?.to_str()?;
    text.split(':').next().filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// A data folder that is there.
#[derive(Debug, Clone)]
pub struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    /// Opens the chosen folder, and makes it when it is not there. Its parent has to be there,
    /// because a typing error in a path should not grow a tree of folders; only the system's own
    /// place is made with its parents.
    pub fn open(choice: &Choice) -> Result<Self, Failure> {
        let path = choice.path.clone();
        match fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => {
                warn_if_open_to_others(&path, &meta);
                return Ok(Self { path });
            }
            Ok(_) => {
                return Err(failure(Exit::CannotCreate, &path, "is not a folder"));
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) => {}
            Err(error) => {
                return Err(failure(Exit::Io, &path, &format!("cannot be looked at: {error}")));
            }
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
            if choice.reason != Reason::System {
                let why = format!("cannot be made: its parent {} is no folder", parent.display());
                return Err(failure(Exit::CannotCreate, &path, &why));
            }
            fs::create_dir_all(parent).map_err(|error| cannot_make(parent, &error))?;
        }
        make_private_dir(&path).map_err(|error| {
            Failure::new(Exit::CannotCreate, format!("the data folder {error}"))
        })?;
        Ok(Self { path })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database: facts, event log, delivery queue, accounts.
    pub fn database(&self) -> PathBuf {
        self.path.join("deskbell.db")
    }

    /// Attachments, by the SHA-256 of their content.
    pub fn attachments(&self) -> PathBuf {
        self.path.join("attachments")
    }

    /// Backups, one folder each.
    pub fn backups(&self) -> PathBuf {
        self.path.join("backups")
    }

    /// Signing and encryption keys.
    pub fn secrets(&self) -> PathBuf {
        self.path.join("secrets")
    }

    /// The random key `name` of `len` bytes in [`DataFolder::secrets`]; see [`key_file`].
    pub fn key(&self, name: &str, len: usize) -> Result<Vec<u8>, Failure> {
        key_file(&self.secrets(), name, len)
            .map_err(|error| Failure::new(Exit::Io, format!("the key {name}: {error}")))
    }

    /// Takes the folder for this process, until the lock is dropped or the process ends in
    /// whatever way: the operating system holds the lock, so none is ever left behind.
    pub fn lock(&self) -> Result<FolderLock, Failure> {
        let path = self.path.join("deskbell.lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(|error| cannot_make(&path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(&self.path, &mut file)),
            Err(TryLockError::Error(error)) => {
                let why = format!("cannot be locked: {error} (a network file system?)");
                return Err(failure(Exit::Io, &path, &why));
            }
        }
        write_pid(&mut file)
            .map_err(|error| failure(Exit::Io, &path, &format!("cannot be written: {error}")))?;
        Ok(FolderLock { _file: file })
    }
}

/// Holds a data folder for this process. The file stays; only the lock on it means something.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn locked(folder: &Path, file: &mut File) -> Failure {
    let mut text = String::new();
    // On Windows a locked file cannot be read either; then the message does without the number.
    let read = file.take(20).read_to_string(&mut text);
    let who = match (read, text.trim().parse::<u32>()) {
        (Ok(_), Ok(pid)) => format!("another Deskbell (process {pid})"),
        _ => String::from("another Deskbell"),
    };
    Failure::new(Exit::Locked, format!("the data folder {} is in use by {who}", folder.display()))
}

fn cannot_make(path: &Path, error: &io::Error) -> Failure {
    failure(Exit::CannotCreate, path, &format!("cannot be made: {error}"))
}

fn failure(code: Exit, path: &Path, why: &str) -> Failure {
    Failure::new(code, format!("the data folder: {} {why}", path.display()))
}

/// A folder that somebody else made keeps its permissions; its owner should know about them.
#[cfg(unix)]
fn warn_if_open_to_others(path: &Path, meta: &fs::Metadata) {
    use std::os::unix::fs::PermissionsExt;
    if meta.permissions().mode() & 0o007 != 0 {
        tracing::warn!(
            "the data folder {0} can be read by every user of this machine: chmod 700 {0}",
            path.display()
        );
    }
}

#[cfg(not(unix))]
fn warn_if_open_to_others(_path: &Path, _meta: &fs::Metadata) {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{
        Flags, load,
        tests::{Temp, around},
    };

    fn chosen(data_dir: Option<&str>, around: &Surroundings) -> Choice {
        let flags = Flags { data_dir: data_dir.map(str::to_owned), ..Flags::default() };
        choose(&load(&flags, around).unwrap(), around).unwrap()
    }

    fn set(path: PathBuf) -> Choice {
        Choice { path, reason: Reason::Set(Origin::Environment) }
    }

    #[test]
    fn the_first_place_that_applies_is_taken() {
        let temp = Temp::new();
        let mut all = around(&temp, &[("DESKBELL_DATA_DIR", "/env"), ("STATE_DIRECTORY", "/a:/b")]);
        all.system_data_dir = Some(PathBuf::from("/system"));
        fs::create_dir(temp.path().join(HERE)).unwrap();
        assert_eq!(chosen(Some("/flag"), &all).path, Path::new("/flag"));
        assert_eq!(chosen(None, &all).path, Path::new("/env"));
        all.env.remove(std::ffi::OsStr::new("DESKBELL_DATA_DIR"));
        assert_eq!(chosen(None, &all).path, Path::new("/a"));
        all.env.clear();
        assert_eq!(chosen(None, &all).path, temp.path().join(HERE));
        fs::remove_dir(temp.path().join(HERE)).unwrap();
        let last = Choice { path: PathBuf::from("/system"), reason: Reason::System };
        assert_eq!(chosen(None, &all), last);
    }

    #[test]
    fn without_any_place_it_is_a_wrong_configuration_and_not_the_current_folder() {
        let temp = Temp::new();
        let around = around(&temp, &[]);
        let loaded = load(&Flags::default(), &around).unwrap();
        let failure = choose(&loaded, &around).unwrap_err();
        assert_eq!(failure.code, Exit::Config);
        assert!(failure.message.contains("--data-dir"), "{failure}");
    }

    #[test]
    fn a_new_folder_is_private_and_an_existing_one_stays_as_it_is() {
        let temp = Temp::new();
        let path = temp.path().join("data");
        DataFolder::open(&set(path.clone())).unwrap();
        fs::write(path.join("kept"), b"x").unwrap();
        let folder = DataFolder::open(&set(path.clone())).unwrap();
        assert!(path.join("kept").is_file());
        assert_eq!(folder.database(), path.join("deskbell.db"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_says_why() {
        let temp = Temp::new();
        fs::write(temp.path().join("file"), b"x").unwrap();
        for (path, word) in [
            ("missing/data", "its parent"),
            ("file", "is not a folder"),
            ("file/data", "its parent"),
        ] {
            let failure = DataFolder::open(&set(temp.path().join(path))).unwrap_err();
            assert_eq!(failure.code, Exit::CannotCreate, "{failure}");
            assert!(failure.message.contains(word), "{failure}");
        }
        assert!(!temp.path().join("missing").exists());
        // A folder in which nobody may make anything, not even the administrator.
        #[cfg(target_os = "linux")]
        {
            let failure = DataFolder::open(&set(PathBuf::from("/proc/deskbell"))).unwrap_err();
            assert_eq!(failure.code, Exit::CannotCreate, "{failure}");
        }
    }

    #[test]
    fn the_systems_own_place_is_made_with_its_parents() {
        let temp = Temp::new();
        let path = temp.path().join("share/deskbell");
        DataFolder::open(&Choice { path: path.clone(), reason: Reason::System }).unwrap();
        assert!(path.is_dir());
    }

    #[test]
    fn a_second_server_is_told_who_holds_the_folder_until_that_one_ends() {
        let temp = Temp::new();
        let folder = DataFolder::open(&set(temp.path().join("data"))).unwrap();
        let lock = folder.lock().unwrap();
        let failure = folder.lock().unwrap_err();
        assert_eq!(failure.code, Exit::Locked);
        assert!(failure.message.contains("in use by another Deskbell"), "{failure}");
        if cfg!(unix) {
            let pid = format!("(process {})", std::process::id());
            assert!(failure.message.contains(&pid), "{failure}");
        }
        drop(lock);
        folder.lock().unwrap();
    }
}
