//! The configuration: read once at start, validated as a whole, typed from here on.
//!
//! A value comes from a flag, else the environment, else the file that `KEY_FILE` names, else
//! `.env`, else the default in [`keys`]. [`load`] depends on nothing but its arguments and the
//! files they name. `docs/configuration.md` tells the same to the people who run Deskbell.

mod env_file;
pub mod folder;
mod key_file;
pub mod keys;
mod notices;
mod parse;
mod problem;
mod source;
mod strength;
#[cfg(test)]
pub(crate) mod tests;
mod words;

pub use key_file::key_file;
pub(crate) use key_file::{make_private_dir, sync_dir};
pub use keys::{KEYS, Key, Use};
pub use notices::Notice;
pub use problem::ConfigError;
pub use source::{Flags, Origin, Surroundings};
pub use words::{LogFormat, LogLevel, Secret, ServerEnv, Synchronous};

use ipnet::IpNet;
use source::Sources;
use std::{net::IpAddr, num::NonZeroU32, path::PathBuf};
use strength::Strength;
use url::Url;

/// Every setting, validated. The keys are explained in [`keys`].
#[derive(Debug, Clone)]
pub struct Config {
    /// `SERVER_HOST`: an IP address without brackets, or a host name.
    pub server_host: String,
    /// `SERVER_PORT`; 0 is any free port.
    pub server_port: u16,
    /// `SERVER_ENV`.
    pub server_env: ServerEnv,
    /// `JWT_SECRET`, only when it may sign. `None`: sign with the generated key file.
    pub jwt_secret: Option<Secret>,
    /// `JWT_SECRET_PREVIOUS`, only when it may verify.
    pub jwt_secret_previous: Option<Secret>,
    /// `DESKBELL_DATA_DIR` or `--data-dir`; [`folder::choose`] knows what else there is.
    pub data_dir: Option<PathBuf>,
    /// `PUBLIC_URL`: scheme, host and perhaps a port.
    pub public_url: Option<Url>,
    /// `ALLOWED_HOSTS`: lower case, no ports, IPv6 without brackets.
    pub allowed_hosts: Vec<String>,
    /// `TRUSTED_PROXIES`.
    pub trusted_proxies: Vec<IpNet>,
    /// `ALLOWED_ORIGINS`: as browsers send them, `scheme://host[:port]`.
    pub allowed_origins: Vec<String>,
    /// `METRICS_ALLOW`.
    pub metrics_allow: Vec<IpNet>,
    /// `API_RATE`: requests a second for one user; `None` is unlimited.
    pub api_rate_per_s: Option<NonZeroU32>,
    /// `WS_MAX`: open sockets.
    pub ws_max: usize,
    /// `WS_MAX_PER_USER`: open sockets of one user.
    pub ws_max_per_user: usize,
    /// `WS_ACCEPT_PER_S`: new sockets a second.
    pub ws_accept_per_s: u32,
    /// `DB_SYNCHRONOUS`.
    pub db_synchronous: Synchronous,
    /// `WEBHOOK_WORKERS`, at most 64.
    pub webhook_workers: usize,
    /// `WEBHOOK_WORKERS_MAX`, at most 256.
    pub webhook_workers_max: usize,
    /// `WEBHOOK_ALLOW_NET` as written; the address guard reads it.
    pub webhook_allow_net: Option<String>,
    /// `PBX_ALLOW_NET` as written; the address guard reads it.
    pub pbx_allow_net: Option<String>,
    /// `WEBHOOK_CA_FILE`: a file that was there at start.
    pub webhook_ca_file: Option<PathBuf>,
    /// `WEBHOOK_PROXY`: an http or https URL that may carry a password.
    pub webhook_proxy: Option<Secret>,
    /// `WEBHOOK_RETRY_SCHEDULE` as written; the schedule reads it.
    pub webhook_retry_schedule: Option<String>,
    /// `EVENT_KEEP_DAYS`; 0 is for ever.
    pub event_keep_days: u32,
    /// `MIN_FREE_DISK_MB`, in MiB.
    pub min_free_disk_mb: u64,
    /// `LOG_FORMAT`.
    pub log_format: LogFormat,
    /// `LOG_LEVEL`.
    pub log_level: LogLevel,
    /// `DESKBELL_ADMIN_EMAIL` and `DESKBELL_ADMIN_PASSWORD`, which come together.
    pub first_admin: Option<FirstAdmin>,
}

/// The administrator to make when there is none.
#[derive(Debug, Clone)]
pub struct FirstAdmin {
    /// `DESKBELL_ADMIN_EMAIL`.
    pub email: String,
    /// `DESKBELL_ADMIN_PASSWORD`; whether it is long enough is for `auth` to say.
    pub password: Secret,
}

impl Config {
    /// Where to listen, as the start-up line says it: `0.0.0.0:8000`, `[::1]:8000`.
    pub fn listen_text(&self) -> String {
        match self.server_host.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => format!("[{address}]:{}", self.server_port),
            _ => format!("{}:{}", self.server_host, self.server_port),
        }
    }
}

/// One setting as it was found, for `config show`.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Which one.
    pub key: &'static Key,
    /// Its text as written, or the default. `None` for a secret that is set.
    pub text: Option<String>,
    /// Where it was set.
    pub origin: Origin,
}

/// A configuration with how it came about.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The same as text, with their origins, in the order of [`KEYS`].
    pub settings: Vec<Setting>,
    /// What is worth saying about it, once, after logging has begun.
    pub notices: Vec<Notice>,
    /// The `.env` file that was read, if any.
    pub env_file: Option<PathBuf>,
}

impl Loaded {
    /// Where a key was set. A key that is no setting is nowhere.
    pub fn origin(&self, name: &str) -> Origin {
        let setting = self.settings.iter().find(|setting| setting.key.name == name);
        setting.map_or(Origin::Default, |setting| setting.origin.clone())
    }
}

/// Reads and validates the whole configuration. An error lists everything that is wrong.
pub fn load(flags: &Flags, around: &Surroundings) -> Result<Loaded, ConfigError> {
    let sources = Sources::open(flags, around)?;
    let notices = notices::of_sources(&sources);
    let mut reader = Reader { sources, settings: vec![], problems: vec![], notices };
    let config = reader.config();
    let Reader { sources, settings, problems, mut notices } = reader;
    if !problems.is_empty() {
        return Err(ConfigError { problems });
    }
    notices.extend(notices::of_config(&config));
    Ok(Loaded { config, settings, notices, env_file: sources.env_file })
}

/// Takes one setting after the other and collects what is wrong.
struct Reader<'a> {
    sources: Sources<'a>,
    settings: Vec<Setting>,
    problems: Vec<String>,
    notices: Vec<Notice>,
}

impl Reader<'_> {
    /// All settings. One that is wrong has any value here: [`load`] then gives none of them out.
    fn config(&mut self) -> Config {
        use parse::{number, some};
        let server_host = self.take(&keys::SERVER_HOST, parse::host);
        let server_port = self.take(&keys::SERVER_PORT, number(0..=u16::MAX));
        let server_env = self.take(&keys::SERVER_ENV, ServerEnv::parse);
        Config {
            server_host,
            server_port,
            server_env,
            jwt_secret: self.signing_secret(&keys::JWT_SECRET, server_env),
            jwt_secret_previous: self.signing_secret(&keys::JWT_SECRET_PREVIOUS, server_env),
            data_dir: self.take(&keys::DESKBELL_DATA_DIR, some(parse::path)),
            public_url: self.take(&keys::PUBLIC_URL, some(parse::base_url)),
            allowed_hosts: self.take(&keys::ALLOWED_HOSTS, parse::list(parse::host)),
            trusted_proxies: self.take(&keys::TRUSTED_PROXIES, parse::list(parse::network)),
            allowed_origins: self.take(&keys::ALLOWED_ORIGINS, parse::list(parse::origin)),
            metrics_allow: self.take(&keys::METRICS_ALLOW, parse::list(parse::network)),
            api_rate_per_s: self.take(&keys::API_RATE, parse::rate),
            ws_max: self.take(&keys::WS_MAX, number(1..=1_000_000)),
            ws_max_per_user: self.take(&keys::WS_MAX_PER_USER, number(1..=1_000_000)),
            ws_accept_per_s: self.take(&keys::WS_ACCEPT_PER_S, number(1..=1_000_000)),
            db_synchronous: self.take(&keys::DB_SYNCHRONOUS, Synchronous::parse),
            webhook_workers: self.take(&keys::WEBHOOK_WORKERS, number(1..=64)),
            webhook_workers_max: self.take(&keys::WEBHOOK_WORKERS_MAX, number(1..=256)),
            webhook_allow_net: self.take(&keys::WEBHOOK_ALLOW_NET, some(parse::text)),
            pbx_allow_net: self.take(&keys::PBX_ALLOW_NET, some(parse::text)),
            webhook_ca_file: self.take(&keys::WEBHOOK_CA_FILE, some(parse::existing_file)),
            webhook_proxy: self.take(&keys::WEBHOOK_PROXY, some(proxy)),
            webhook_retry_schedule: self.take(&keys::WEBHOOK_RETRY_SCHEDULE, some(parse::text)),
            event_keep_days: self.take(&keys::EVENT_KEEP_DAYS, parse::keep_days),
            min_free_disk_mb: self.take(&keys::MIN_FREE_DISK_MB, number(0..=1_048_576)),
            log_format: self.take(&keys::LOG_FORMAT, LogFormat::parse),
            log_level: self.take(&keys::LOG_LEVEL, LogLevel::parse),
            first_admin: self.first_admin(),
        }
    }

    /// One setting. Nothing set and no default, or a wrong value: `T::default()`.
    fn take<T: Default>(
        &mut self,
        key: &'static Key,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        let Some((text, origin)) = self.text_of(key) else { return T::default() };
        parse(&text).unwrap_or_else(|why| {
            self.refuse(key, &origin, &text, &why);
            T::default()
        })
    }

    /// The text of a setting, noted for `config show`; a secret's text is not noted.
    fn text_of(&mut self, key: &'static Key) -> Option<(String, Origin)> {
        let found = self.sources.find(key).unwrap_or_else(|problem| {
            self.problems.push(problem);
            None
        });
        let (text, origin) = match found {
            // Spaces around a secret may belong to it, around anything else they are a slip.
            Some(found) if key.secret => (found.text, found.origin),
            Some(found) => (found.text.trim().to_owned(), found.origin),
            None => (String::new(), Origin::Default),
        };
        let (text, origin) = match text.is_empty() {
            true => (key.default.to_owned(), Origin::Default),
            false => (text, origin),
        };
        let hidden = key.secret && origin != Origin::Default;
        let shown = (!hidden).then(|| text.clone());
        self.settings.push(Setting { key, text: shown, origin: origin.clone() });
        if text.chars().any(char::is_control) {
            self.refuse(key, &origin, &text, "has a control character or line break in it");
            return None;
        }
        (!text.is_empty()).then_some((text, origin))
    }

    fn refuse(&mut self, key: &Key, origin: &Origin, text: &str, why: &str) {
        let (name, allowed) = (key.name, key.allowed);
        let value = match key.secret {
            true => String::from("the value"),
            false => problem::quoted(text),
        };
        self.problems.push(format!("{name} from {origin}: {value} {why}; allowed: {allowed}"));
    }

    /// A secret that signs or verifies tokens. One that others can know is an error in production;
    /// elsewhere it is not used, so that a sample `.env` starts and still nobody can forge a token.
    fn signing_secret(&mut self, key: &'static Key, env: ServerEnv) -> Option<Secret> {
        let (text, origin) = self.text_of(key)?;
        let why = match strength::judge(&text) {
            Strength::Good => return Some(Secret::new(text)),
            Strength::Placeholder => String::from("is a placeholder that everybody knows"),
            Strength::Short => {
                format!(
                    "has {} bytes, and fewer than {} can be guessed",
                    text.len(),
                    strength::SECRET_MIN
                )
            }
        };
        if env == ServerEnv::Production {
            self.refuse(key, &origin, &text, &why);
        } else {
            let instead = if key.name == keys::JWT_SECRET.name {
                "; tokens are signed with the key in secrets/jwt.key instead"
            } else {
                ""
            };
            self.notices.push(Notice::warn(format!(
                "{} from {origin} {why}: it is not used{instead}",
                key.name
            )));
        }
        None
    }

    fn first_admin(&mut self) -> Option<FirstAdmin> {
        let email = self.take(&keys::DESKBELL_ADMIN_EMAIL, parse::some(parse::email));
        let password = self.take(&keys::DESKBELL_ADMIN_PASSWORD, parse::some(parse::text));
        let is_set = |name: &str| {
            self.settings.iter().any(|s| s.key.name == name && s.origin != Origin::Default)
        };
        let given = (is_set("DESKBELL_ADMIN_EMAIL"), is_set("DESKBELL_ADMIN_PASSWORD"));
        if given.0 != given.1 {
            self.problems.push(String::from(
                "DESKBELL_ADMIN_EMAIL and DESKBELL_ADMIN_PASSWORD: one is set and the other is not",
            ));
        }
        Some(FirstAdmin { email: email?, password: Secret::new(password?) })
    }
}

fn proxy(text: &str) -> Result<Secret, String> {
    parse::web_url(text).map(|_| Secret::new(text))
}
