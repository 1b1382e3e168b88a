//! Where a value comes from: flag, environment, `KEY_FILE`, `.env`; the first that has one wins.

use super::{
    env_file::{self, Entry},
    keys::Key,
    problem::ConfigError,
};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

/// The system's own `.env`, read when there is none in the current folder.
const SYSTEM_ENV_FILE: &str = "/etc/deskbell/deskbell.env";

/// The largest file that a `KEY_FILE` may name, in bytes.
const VALUE_FILE_MAX: usize = 64 * 1024;

/// The flags that every command takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// The data folder: database, attachments, secrets, backups
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data_dir: Option<String>,
    /// Read this file instead of ./.env or /etc/deskbell/deskbell.env
    #[arg(long, global = true, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// The address to listen on
    #[arg(long, global = true)]
    pub host: Option<String>,
    /// The TCP port to listen on; 0 is any free one
    #[arg(long, global = true)]
    pub port: Option<String>,
    /// text or json
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// error, warn, info, debug or trace
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
}

impl Flags {
    fn of(&self, key: &Key) -> Option<&String> {
        match key.flag? {
            "--data-dir" => self.data_dir.as_ref(),
            "--host" => self.host.as_ref(),
            "--port" => self.port.as_ref(),
            "--log-format" => self.log_format.as_ref(),
            "--log-level" => self.log_level.as_ref(),
            _ => None,
        }
    }
}

/// What surrounds the process. Loading depends on this and on the files it names, nothing else.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The environment variables.
    pub env: BTreeMap<OsString, OsString>,
    /// The current folder.
    pub here: PathBuf,
    /// The file read when neither `--env-file` nor `./.env` is there.
    pub system_env_file: Option<PathBuf>,
    /// The operating system's place for the data of this user's programs, if it has one.
    pub system_data_dir: Option<PathBuf>,
    /// When set, only these keys are taken from `.env` (a demonstration takes just the port).
    pub env_file_keys: Option<&'static [&'static str]>,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Self {
        Self {
            env: std::env::vars_os().collect(),
            here: PathBuf::from("."),
            system_env_file: cfg!(unix).then(|| PathBuf::from(SYSTEM_ENV_FILE)),
            system_data_dir: directories::ProjectDirs::from("", "", "deskbell")
                .map(|dirs| dirs.data_dir().to_owned()),
            env_file_keys: None,
        }
    }
}

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// By a flag on the command line.
    Flag(&'static str),
    /// In the environment.
    Environment,
    /// In the file that a `KEY_FILE` names.
    File(PathBuf),
    /// In an `.env` file.
    EnvFile {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// Nowhere.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Environment => f.write_str("environment"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::EnvFile { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value that was found, not yet validated.
pub(super) struct Found {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// All places where values are looked for.
pub(super) struct Sources<'a> {
    flags: &'a Flags,
    env: &'a BTreeMap<OsString, OsString>,
    /// The `.env` file that is read, if any.
    pub(super) env_file: Option<PathBuf>,
    /// Its lines, a later one for the same key after an earlier one.
    pub(super) entries: Vec<Entry>,
}

impl<'a> Sources<'a> {
    /// Finds and reads the `.env` file.
    pub(super) fn open(flags: &'a Flags, around: &'a Surroundings) -> Result<Self, ConfigError> {
        let env_file = choose_env_file(flags, around);
        let mut entries = match &env_file {
            Some(path) => env_file::read(path).map_err(|problems| ConfigError { problems })?,
            None => Vec::new(),
        };
        if let Some(keys) = around.env_file_keys {
            entries.retain(|entry| keys.contains(&entry.key.as_str()));
        }
        Ok(Self { flags, env: &around.env, env_file, entries })
    }

    /// The value that counts. An empty value is none, except that an empty flag is an error: it is
    /// almost always an unset shell variable.
    pub(super) fn find(&self, key: &Key) -> Result<Option<Found>, String> {
        if let (Some(flag), Some(text)) = (key.flag, self.flags.of(key)) {
            if text.trim().is_empty() {
                return Err(format!("{flag} is empty"));
            }
            return Ok(Some(Found { text: text.clone(), origin: Origin::Flag(flag) }));
        }
        let by_file = format!("{}_FILE", key.name);
        if let Some(text) = self.in_env(key.name)? {
            return Ok(Some(Found { text, origin: Origin::Environment }));
        }
        if let Some(path) = self.in_env(&by_file)? {
            return from_file(&by_file, Path::new(&path)).map(Some);
        }
        if let Some(entry) = self.in_env_file(key.name) {
            return Ok(Some(Found { text: entry.value.clone(), origin: self.line_of(entry) }));
        }
        match self.in_env_file(&by_file) {
            Some(entry) => from_file(&by_file, Path::new(&entry.value)).map(Some),
            None => Ok(None),
        }
    }

    fn in_env(&self, name: &str) -> Result<Option<String>, String> {
        match self.env.get(std::ffi::OsStr::new(name)) {
            None => Ok(None),
            Some(text) if text.is_empty() => Ok(None),
            Some(text) => match text.to_str() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(format!("{name} from environment: this is not UTF-8 text")),
            },
        }
    }

    fn in_env_file(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().rfind(|entry| entry.key == name).filter(|e| !e.value.is_empty())
    }

    fn line_of(&self, entry: &Entry) -> Origin {
        Origin::EnvFile { path: self.env_file.clone().unwrap_or_default(), line: entry.line }
    }
}

/// `--env-file` must exist; the others are taken where they do. A folder named `.env` is some other
/// program's (Python's virtual environments are often called so) and is left alone.
fn choose_env_file(flags: &Flags, around: &Surroundings) -> Option<PathBuf> {
    if let Some(path) = &flags.env_file {
        return Some(path.clone());
    }
    // A file that exists and may not be looked at is an error on reading, not a reason to go on.
    let usable = |path: &PathBuf| match path.metadata() {
        Ok(meta) => !meta.is_dir(),
        Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
    };
    let mut places = [Some(around.here.join(".env")), around.system_env_file.clone()];
    places.iter_mut().filter_map(Option::take).find(usable)
}

fn from_file(named_by: &str, path: &Path) -> Result<Found, String> {
    let wrong = |why: &dyn fmt::Display| format!("{named_by}: {} {why}", path.display());
    let bytes = env_file::read_at_most(path, VALUE_FILE_MAX)
        .map_err(|error| wrong(&format_args!("cannot be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong(&"is not UTF-8 text"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).trim();
    if text.is_empty() {
        return Err(wrong(&"is empty"));
    }
    Ok(Found { text: text.to_owned(), origin: Origin::File(path.to_owned()) })
}
