//! What a configuration that is good enough to start with still deserves to have said about it.

use super::{
    Config,
    keys::{self, Use},
    source::Sources,
};
use tracing::Level;

/// One thing to say in the log, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How important it is.
    pub level: Level,
    /// The sentence; never a secret in it.
    pub message: String,
}

impl Notice {
    pub(super) fn warn(message: impl Into<String>) -> Self {
        Self { level: Level::WARN, message: message.into() }
    }

    /// Writes it to the log.
    pub fn log(&self) {
        let message = &self.message;
        match self.level {
            Level::ERROR => tracing::error!("{message}"),
            Level::WARN => tracing::warn!("{message}"),
            Level::INFO => tracing::info!("{message}"),
            _ => tracing::debug!("{message}"),
        }
    }
}

/// Hosts that mean this machine; a database there is not missed.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// About what was set, whether or not it is a setting.
pub(super) fn of_sources(sources: &Sources<'_>) -> Vec<Notice> {
    let mut notices = Vec::new();
    notices.extend(of_other_servers(sources));
    for key in keys::of_use(Use::NotYet) {
        if let Ok(Some(found)) = sources.find(key) {
            notices.push(Notice::warn(format!(
                "{} from {} is not supported yet, ignored",
                key.name, found.origin
            )));
        }
    }
    notices.extend(of_entries(sources));
    notices
}

/// The settings of a database and a Redis server, explained in one line.
fn of_other_servers(sources: &Sources<'_>) -> Option<Notice> {
    let mut names = Vec::new();
    let mut elsewhere = Vec::new();
    for key in keys::of_use(Use::Ignored) {
        let Ok(Some(found)) = sources.find(key) else { continue };
        names.push(key.name);
        let host = found.text.trim().to_ascii_lowercase();
        if key.name.ends_with("_HOST") && !HERE.contains(&host.as_str()) {
            elsewhere.push(format!("{} names another machine", key.name));
        }
    }
    if names.is_empty() {
        return None;
    }
    let mut message = format!(
        "{} are read and change nothing: Deskbell keeps its data in its own SQLite file and \
         presence in the process",
        names.join(", ")
    );
    if elsewhere.is_empty() {
        return Some(Notice { level: Level::INFO, message });
    }
    message = format!("{message} ({}; nothing is stored there)", elsewhere.join(" and "));
    Some(Notice::warn(message))
}

/// Lines of `.env` that are overridden by a later one or mean nothing.
fn of_entries(sources: &Sources<'_>) -> Vec<Notice> {
    let Some(path) = &sources.env_file else { return vec![] };
    let path = path.display();
    let mut notices = Vec::new();
    for (at, entry) in sources.entries.iter().enumerate() {
        let (key, line) = (&entry.key, entry.line);
        if !keys::is_known(key) {
            let message = format!("{path}:{line}: {key} is not a key of Deskbell, ignored");
            notices.push(Notice { level: Level::DEBUG, message });
        } else if let Some(later) = sources.entries.iter().skip(at + 1).find(|e| e.key == *key) {
            notices.push(Notice::warn(format!(
                "{path}: {key} is set in line {line} and again in line {}; the last one counts",
                later.line
            )));
        }
    }
    notices
}

/// About values that are valid and may still surprise.
pub(super) fn of_config(config: &Config) -> Vec<Notice> {
    let mut notices = Vec::new();
    if config.trusted_proxies.iter().any(|net| net.prefix_len() == 0) {
        notices.push(Notice::warn(
            "TRUSTED_PROXIES holds every address: anybody can pretend to come from anywhere",
        ));
    }
    notices
}
