//! Every key of the configuration on one page: its default, what it may be, and one sentence on it.
//!
//! `config show`, `config explain` and `config example` are made from this table, error messages
//! quote its `allowed`, and a test holds `docs/configuration.md` to it.

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It sets something.
    Setting,
    /// It is accepted so that an existing `.env` works unchanged, and sets nothing.
    Ignored,
    /// It has a meaning planned and none yet; setting it is answered by a warning.
    NotYet,
}

/// One key of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The name in the environment and in `.env`.
    pub name: &'static str,
    /// The value when nothing sets it, written as one would set it; empty for none.
    pub default: &'static str,
    /// What it may be, in words.
    pub allowed: &'static str,
    /// What it does, in one sentence.
    pub help: &'static str,
    /// The command-line flag that sets it, if there is one.
    pub flag: Option<&'static str>,
    /// Whether its value must never be shown.
    pub secret: bool,
    /// Whether it sets anything.
    pub usage: Use,
}

impl Key {
    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn flag(self, flag: &'static str) -> Self {
        Self { flag: Some(flag), ..self }
    }
}

const fn setting(
    name: &'static str,
    default: &'static str,
    allowed: &'static str,
    help: &'static str,
) -> Key {
    Key { name, default, allowed, help, flag: None, secret: false, usage: Use::Setting }
}

const fn ignored(name: &'static str) -> Key {
    let help = "Accepted and ignored: Deskbell keeps its data in its own SQLite file and presence \
                in the process, and needs no other server.";
    Key { usage: Use::Ignored, ..setting(name, "", "anything", help) }
}

const fn not_yet(name: &'static str) -> Key {
    Key {
        usage: Use::NotYet,
        ..setting(name, "", "", "Not supported yet; ignored with a warning.")
    }
}

macro_rules! keys {
    ($($name:ident: $key:expr;)*) => {
        $(pub(super) const $name: Key = $key;)*
        /// All keys, in the order in which they are shown.
        pub const KEYS: &[Key] = &[$($name),*];
    };
}

keys! {
    SERVER_HOST: setting("SERVER_HOST", "127.0.0.1", "an IP address or a host name, without a port",
        "The address to listen on; 0.0.0.0 is every IPv4 address of the machine.").flag("--host");
    SERVER_PORT: setting("SERVER_PORT", "8000", "a number from 0 to 65535 (0: any free port)",
        "The TCP port to listen on.").flag("--port");
    SERVER_ENV: setting("SERVER_ENV", "production", "production, development or test",
        "What the server is used for; production refuses weak secrets.");
    JWT_SECRET: setting("JWT_SECRET", "", "at least 32 bytes, no published placeholder",
        "Signs the access tokens; without it a random key is made once and kept in \
         secrets/jwt.key in the data folder.").secret();
    JWT_SECRET_PREVIOUS: setting("JWT_SECRET_PREVIOUS", "", "as JWT_SECRET",
        "The JWT_SECRET before the last change: tokens signed with it are still accepted until \
         they expire.").secret();
    DESKBELL_DATA_DIR: setting("DESKBELL_DATA_DIR", "", "the path of a folder",
        "The data folder: database, attachments, secrets, backups.").flag("--data-dir");
    PUBLIC_URL: setting("PUBLIC_URL", "", "an http or https URL of a host, without a path",
        "The address under which people reach this server, used in links and for the checks of \
         Host and Origin.");
    ALLOWED_HOSTS: setting("ALLOWED_HOSTS", "", "host names, separated by commas, without ports",
        "Further names under which requests may reach this server; localhost, IP addresses and \
         the host of PUBLIC_URL are always allowed.");
    TRUSTED_PROXIES: setting("TRUSTED_PROXIES", "",
        "IP addresses and networks such as 10.0.0.0/8, separated by commas, or none",
        "The proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.");
    ALLOWED_ORIGINS: setting("ALLOWED_ORIGINS", "",
        "origins such as https://app.example.com, separated by commas",
        "Further web origins whose pages may use the API and the sockets.");
    METRICS_ALLOW: setting("METRICS_ALLOW", "127.0.0.0/8,::1/128",
        "IP addresses and networks such as 10.0.0.0/8, separated by commas, or none",
        "Who may read /metrics without a token.");
    API_RATE: setting("API_RATE", "off", "off, or requests a second from 1 to 1000000",
        "How many API requests a second one user may make.");
    WS_MAX: setting("WS_MAX", "10000", "a number from 1 to 1000000",
        "How many sockets may be open at a time.");
    WS_MAX_PER_USER: setting("WS_MAX_PER_USER", "20", "a number from 1 to 1000000",
        "How many sockets one user may have open at a time.");
    WS_ACCEPT_PER_S: setting("WS_ACCEPT_PER_S", "1000", "a number from 1 to 1000000",
        "How many new sockets are accepted a second.");
    DB_SYNCHRONOUS: setting("DB_SYNCHRONOUS", "full", "full or normal",
        "Whether an acknowledged write survives a power cut (full), or only a crash of the \
         program (normal).");
    WEBHOOK_WORKERS: setting("WEBHOOK_WORKERS", "10", "a number from 1 to 64",
        "How many webhook deliveries are under way at a time, ordinarily.");
    WEBHOOK_WORKERS_MAX: setting("WEBHOOK_WORKERS_MAX", "64", "a number from 1 to 256",
        "How many there may be while receivers are slow to answer; never fewer than \
         WEBHOOK_WORKERS.");
    WEBHOOK_ALLOW_NET: setting("WEBHOOK_ALLOW_NET", "",
        "networks and addresses such as 10.1.0.0/16,192.168.7.5:8080, separated by commas",
        "Private networks that webhooks may reach; all others are refused.");
    PBX_ALLOW_NET: setting("PBX_ALLOW_NET", "",
        "networks and addresses such as 10.1.0.0/16,192.168.7.5:5038, separated by commas",
        "Private networks in which telephone systems may be connected to; all others are refused.");
    WEBHOOK_CA_FILE: setting("WEBHOOK_CA_FILE", "", "the path of a PEM file",
        "Certificate authorities to trust for webhooks, beside the public ones.");
    WEBHOOK_PROXY: setting("WEBHOOK_PROXY", "", "an http or https URL of a proxy",
        "A proxy that all webhooks go through; it may carry a password.").secret();
    WEBHOOK_RETRY_SCHEDULE: setting("WEBHOOK_RETRY_SCHEDULE", "",
        "waiting times such as 0s,5s,5m,30m,2h, separated by commas",
        "When a failed delivery is tried again, instead of the built-in 0, 5 s, 5 min, 30 min, \
         2 h, 5 h, 10 h, 10 h.");
    EVENT_KEEP_DAYS: setting("EVENT_KEEP_DAYS", "1095",
        "0 (for ever), or a number from 30 to 36500",
        "How many days it is remembered what happened when; the data of events goes earlier, \
         when nobody is owed it any more.");
    MIN_FREE_DISK_MB: setting("MIN_FREE_DISK_MB", "256", "a number from 0 to 1048576",
        "How many MiB of free disk space are too few, so that the server warns.");
    LOG_FORMAT: setting("LOG_FORMAT", "text", "text or json",
        "The shape of log lines.").flag("--log-format");
    LOG_LEVEL: setting("LOG_LEVEL", "info", "error, warn, info, debug or trace",
        "The least important log line that is still written.").flag("--log-level");
    DESKBELL_ADMIN_EMAIL: setting("DESKBELL_ADMIN_EMAIL", "",
        "an e-mail address, together with DESKBELL_ADMIN_PASSWORD",
        "The first administrator, made at start when there is none.");
    DESKBELL_ADMIN_PASSWORD: setting("DESKBELL_ADMIN_PASSWORD", "",
        "a password, together with DESKBELL_ADMIN_EMAIL",
        "The first administrator's password; it changes no existing one.").secret();

    DB_HOST: ignored("DB_HOST");
    DB_PORT: ignored("DB_PORT");
    DB_USER: ignored("DB_USER");
    DB_PASSWORD: ignored("DB_PASSWORD").secret();
    DB_NAME: ignored("DB_NAME");
    REDIS_HOST: ignored("REDIS_HOST");
    REDIS_PORT: ignored("REDIS_PORT");
    REDIS_PASSWORD: ignored("REDIS_PASSWORD").secret();
    REDIS_DB: ignored("REDIS_DB");

    TLS_CERT: not_yet("TLS_CERT");
    TLS_KEY: not_yet("TLS_KEY").secret();
    SMTP_URL: not_yet("SMTP_URL").secret();
    MAIL_FROM: not_yet("MAIL_FROM");
    BACKUP_SCHEDULE: not_yet("BACKUP_SCHEDULE");
    BACKUP_KEEP: not_yet("BACKUP_KEEP");
}

/// The keys of one use.
pub fn of_use(usage: Use) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.usage == usage)
}

/// The key of that name, in capitals or not.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name.eq_ignore_ascii_case(name))
}

/// Whether the exact name means something: a key, or a key with `_FILE` behind it.
pub fn is_known(name: &str) -> bool {
    let exactly = |name: &str| KEYS.iter().any(|key| key.name == name);
    exactly(name) || name.strip_suffix("_FILE").is_some_and(exactly)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_written_as_environment_variables() {
        for (at, key) in KEYS.iter().enumerate() {
            assert!(
                key.name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'),
                "{}",
                key.name
            );
            assert!(!KEYS[..at].iter().any(|other| other.name == key.name), "{} twice", key.name);
            assert!(key.help.ends_with('.'), "{}: help is a sentence", key.name);
        }
    }

    #[test]
    fn a_key_is_known_with_and_without_file_behind_it() {
        assert!(is_known("JWT_SECRET") && is_known("JWT_SECRET_FILE"));
        assert!(is_known("WEBHOOK_CA_FILE") && !is_known("WEBHOOK_CA"));
        assert!(!is_known("jwt_secret") && !is_known("PATH"));
        assert_eq!(find("server_port").map(|key| key.name), Some("SERVER_PORT"));
    }
}
