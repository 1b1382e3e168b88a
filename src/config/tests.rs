//! Tables over the whole configuration: precedence, wrong values, secrets, and sample files.

use super::*;
use std::{ffi::OsString, fs, path::Path};

/// A folder that is gone when the test ends.
pub(crate) struct Temp(tempfile::TempDir);

impl Temp {
    pub(crate) fn new() -> Self {
        Self(crate::test_folder())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// A process that runs in `temp` with these environment variables and no others.
pub(crate) fn around(temp: &Temp, env: &[(&str, &str)]) -> Surroundings {
    let env = env.iter().map(|(k, v)| (OsString::from(k), OsString::from(v))).collect();
    Surroundings { env, here: temp.path().to_owned(), ..Surroundings::default() }
}

fn load_env(temp: &Temp, env: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    load(&Flags::default(), &around(temp, env))
}

/// The sample of the call-centre document, word for word.
const SAMPLE: &str = "# Database
DB_HOST=localhost
DB_PORT=3306
DB_USER=callcenter
DB_PASSWORD=your-password
DB_NAME=callcenter

# JWT
JWT_SECRET=your-secret-key-change-this-in-production

# Server
SERVER_HOST=0.0.0.0
SERVER_PORT=8000
SERVER_ENV=development

# Redis (optional - enables multi-server mode)
REDIS_HOST=localhost
REDIS_PORT=6379
REDIS_PASSWORD=
REDIS_DB=0
";

const GOOD_SECRET: &str = "9f86d081884c7d659a2feaa0c55ad015";

#[test]
fn nothing_set_gives_the_documented_defaults() {
    let temp = Temp::new();
    let loaded = load_env(&temp, &[]).unwrap();
    let config = &loaded.config;
    assert_eq!(config.listen_text(), "127.0.0.1:8000");
    assert_eq!(config.server_env, ServerEnv::Production);
    assert_eq!(
        (config.ws_max, config.ws_max_per_user, config.ws_accept_per_s),
        (10_000, 20, 1_000)
    );
    assert_eq!((config.webhook_workers, config.min_free_disk_mb), (10, 256));
    assert_eq!(config.db_synchronous, Synchronous::Full);
    assert_eq!((config.log_format, config.log_level), (LogFormat::Text, LogLevel::Info));
    assert_eq!(config.metrics_allow.len(), 2);
    assert!(config.jwt_secret.is_none() && config.api_rate_per_s.is_none());
    assert!(config.first_admin.is_none() && config.data_dir.is_none());
    assert!(loaded.notices.is_empty() && loaded.env_file.is_none());
    assert!(loaded.settings.iter().all(|setting| setting.origin == Origin::Default));
}

#[test]
fn every_key_that_sets_something_is_read_and_shown_once() {
    let loaded = load_env(&Temp::new(), &[]).unwrap();
    let mut read: Vec<_> = loaded.settings.iter().map(|setting| setting.key.name).collect();
    let mut declared: Vec<_> = keys::of_use(Use::Setting).map(|key| key.name).collect();
    read.sort_unstable();
    declared.sort_unstable();
    assert_eq!(read, declared);
}

#[test]
fn flag_beats_environment_beats_key_file_beats_env_file_beats_default() {
    let temp = Temp::new();
    let file = temp.write("port", "  3333 \r\n");
    let by_file = temp.write("port2", "5555");
    let all = Flags { port: Some("1111".into()), ..Flags::default() };
    let none = Flags::default();
    let env = [("SERVER_PORT", "2222"), ("SERVER_PORT_FILE", file.as_str())];
    let full = "SERVER_PORT=4444\nSERVER_PORT_FILE=/nowhere\n";
    let pointer = format!("SERVER_PORT_FILE={by_file}\n");
    for (flags, env, dotenv, port, origin) in [
        (&all, &env[..], full, 1111, Origin::Flag("--port")),
        (&none, &env[..], full, 2222, Origin::Environment),
        (&none, &env[1..], full, 3333, Origin::File(PathBuf::from(&file))),
        (&none, &[][..], full, 4444, Origin::EnvFile { path: temp.path().join(".env"), line: 1 }),
        (&none, &[][..], pointer.as_str(), 5555, Origin::File(PathBuf::from(&by_file))),
        (
            &none,
            &[("SERVER_PORT", "")][..],
            full,
            4444,
            Origin::EnvFile { path: temp.path().join(".env"), line: 1 },
        ),
        (&none, &[][..], "SERVER_PORT=\n", 8000, Origin::Default),
        (
            &none,
            &[][..],
            "SERVER_PORT=1\nSERVER_PORT=2\n",
            2,
            Origin::EnvFile { path: temp.path().join(".env"), line: 2 },
        ),
    ] {
        temp.write(".env", dotenv);
        let loaded = load(flags, &around(&temp, env)).unwrap();
        assert_eq!((loaded.config.server_port, loaded.origin("SERVER_PORT")), (port, origin));
    }
}

#[test]
fn the_env_file_is_the_named_one_else_the_one_here_else_the_systems() {
    let temp = Temp::new();
    let named = temp.write("named", "SERVER_PORT=1");
    let mut around = around(&temp, &[]);
    around.system_env_file = Some(PathBuf::from(temp.write("system", "SERVER_PORT=3")));
    let port = |flags: &Flags| load(flags, &around).unwrap().config.server_port;
    // A Python environment is often a folder of that name.
    fs::create_dir(temp.path().join(".env")).unwrap();
    assert_eq!(port(&Flags::default()), 3);
    fs::remove_dir(temp.path().join(".env")).unwrap();
    temp.write(".env", "SERVER_PORT=2");
    assert_eq!(port(&Flags::default()), 2);
    assert_eq!(port(&Flags { env_file: Some(named.into()), ..Flags::default() }), 1);
    let missing = Flags { env_file: Some(temp.path().join("missing")), ..Flags::default() };
    let error = load(&missing, &around).unwrap_err().to_string();
    assert!(error.contains("missing cannot be read"), "{error}");
}

#[test]
fn a_demonstration_takes_only_what_it_names_from_the_env_file() {
    let temp = Temp::new();
    temp.write(".env", "JWT_SECRET=changeme\nSERVER_HOST=0.0.0.0\nSERVER_PORT=9000\n");
    let mut around = around(&temp, &[]);
    around.env_file_keys = Some(&["SERVER_PORT"]);
    let config = load(&Flags::default(), &around).unwrap().config;
    assert_eq!(config.listen_text(), "127.0.0.1:9000");
}

#[test]
fn every_wrong_value_is_refused_with_its_key_origin_and_what_is_allowed() {
    let temp = Temp::new();
    for (key, bad) in [
        ("SERVER_HOST", "localhost:8000"),
        ("SERVER_PORT", "65536"),
        ("SERVER_PORT", "http"),
        ("SERVER_ENV", "prod"),
        ("SERVER_ENV", "Production"),
        ("JWT_SECRET", "your-secret-key-change-this-in-production"),
        ("JWT_SECRET", "only-31-bytes-long-and-no-more!"),
        ("JWT_SECRET_PREVIOUS", "changeme"),
        ("DESKBELL_DATA_DIR", "~/desk"),
        ("PUBLIC_URL", "desk.example.com"),
        ("PUBLIC_URL", "https://desk.example.com/app"),
        ("PUBLIC_URL", "https://u:p@desk.example.com"),
        ("ALLOWED_HOSTS", "a.example, http://b.example"),
        ("TRUSTED_PROXIES", "10.0.0.0/40"),
        ("ALLOWED_ORIGINS", "*"),
        ("METRICS_ALLOW", "localhost"),
        ("API_RATE", "fast"),
        ("WS_MAX", "0"),
        ("WS_MAX_PER_USER", "-1"),
        ("WS_ACCEPT_PER_S", "1.5"),
        ("DB_SYNCHRONOUS", "off"),
        ("WEBHOOK_WORKERS", "0"),
        ("WEBHOOK_WORKERS", "65"),
        ("WEBHOOK_CA_FILE", "/no/such/ca.pem"),
        ("WEBHOOK_PROXY", "socks5://proxy"),
        ("MIN_FREE_DISK_MB", "1 GB"),
        ("EVENT_KEEP_DAYS", "29"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "verbose"),
        ("LOG_LEVEL", "in\u{7}fo"),
        ("DESKBELL_ADMIN_EMAIL", "admin"),
        ("DESKBELL_ADMIN_PASSWORD", "two\nlines"),
    ] {
        let mut env = vec![(key, bad)];
        // The pair comes together; here only one half is wrong.
        match key {
            "DESKBELL_ADMIN_EMAIL" => env.push(("DESKBELL_ADMIN_PASSWORD", "long enough")),
            "DESKBELL_ADMIN_PASSWORD" => env.push(("DESKBELL_ADMIN_EMAIL", "a@example.com")),
            _ => {}
        }
        let error = load_env(&temp, &env).unwrap_err();
        assert_eq!(error.problems.len(), 1, "{error}");
        let (text, key) = (&error.problems[0], keys::find(key).unwrap());
        assert!(text.starts_with(&format!("{} from environment: ", key.name)), "{text}");
        assert!(text.ends_with(&format!("allowed: {}", key.allowed)), "{text}");
        assert!(!key.secret || !text.contains(bad), "a secret is shown: {text}");
    }
}

#[test]
fn all_problems_are_reported_together_and_end_with_code_78() {
    let temp = Temp::new();
    temp.write(".env", "LOG_LEVEL=loud\n");
    let empty = temp.write("empty", " \n");
    let flags = Flags { port: Some("x".into()), host: Some(String::new()), ..Flags::default() };
    let env = [
        ("WS_MAX", "many"),
        ("API_RATE_FILE", "/no/such/file"),
        ("JWT_SECRET_FILE", empty.as_str()),
        ("DESKBELL_ADMIN_EMAIL", "admin@example.com"),
    ];
    let error = load(&flags, &around(&temp, &env)).unwrap_err();
    let text = error.to_string();
    for part in [
        "--host is empty",
        "SERVER_PORT from --port: \"x\" is not a whole number",
        "WS_MAX from environment",
        "API_RATE_FILE: /no/such/file cannot be read",
        "JWT_SECRET_FILE: ",
        ".env:1: \"loud\"",
        "one is set and the other is not",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(error.problems.len(), 7, "{text}");
    assert_eq!(crate::exit::Failure::from(error).code.number(), 78);
}

#[test]
fn garbage_in_the_env_file_is_an_error_with_file_and_line_and_without_the_content() {
    let temp = Temp::new();
    for (content, place) in [
        (&b"SERVER_PORT=1\nhunter2\n"[..], ".env:2: "),
        (b"JWT_SECRET='hunter2\n", ".env:1: "),
        (b"A=1\nJWT_SECRET=hunter2\xff", ".env:2: "),
        (b"A=hunter2\0", ".env:1: "),
        (b"hunter-2=x", ".env:1: "),
        (&[b'#'; env_file::FILE_MAX + 1], ".env cannot be read: it is larger than 64 KiB"),
    ] {
        temp.write(".env", content);
        let text = load_env(&temp, &[]).unwrap_err().to_string();
        assert!(text.contains(place), "{text}");
        assert!(!text.contains("hunter"), "{text}");
    }
}

#[test]
fn the_sample_of_the_call_centre_document_starts_unchanged_and_its_secret_never_signs() {
    let temp = Temp::new();
    temp.write(".env", SAMPLE);
    let loaded = load_env(&temp, &[]).unwrap();
    assert_eq!(loaded.config.listen_text(), "0.0.0.0:8000");
    assert_eq!(loaded.config.server_env, ServerEnv::Development);
    assert!(loaded.config.jwt_secret.is_none());
    let said: Vec<_> = loaded.notices.iter().map(|n| (n.level, n.message.as_str())).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(said[0].0, tracing::Level::INFO);
    assert!(said[0].1.starts_with("DB_HOST, DB_PORT, DB_USER, DB_PASSWORD, DB_NAME, REDIS_HOST"));
    assert_eq!(said[1].0, tracing::Level::WARN);
    assert!(said[1].1.contains("JWT_SECRET") && said[1].1.contains("secrets/jwt.key"));
}

#[test]
fn in_production_the_sample_is_refused_for_its_placeholder_only() {
    let temp = Temp::new();
    temp.write(".env", SAMPLE.replace("SERVER_ENV=development", ""));
    let error = load_env(&temp, &[]).unwrap_err();
    assert_eq!(error.problems.len(), 1, "{error}");
    assert!(error.problems[0].contains(".env:9: the value is a placeholder"), "{error}");
    let loaded = load_env(&temp, &[("JWT_SECRET", GOOD_SECRET)]).unwrap();
    assert_eq!(loaded.config.jwt_secret, Some(Secret::new(GOOD_SECRET)));
}

#[test]
fn a_short_secret_is_warned_about_outside_production_and_not_used() {
    let temp = Temp::new();
    let env = [("SERVER_ENV", "test"), ("JWT_SECRET", "k7#mQ2"), ("JWT_SECRET_PREVIOUS", "secret")];
    let loaded = load_env(&temp, &env).unwrap();
    assert!(loaded.config.jwt_secret.is_none() && loaded.config.jwt_secret_previous.is_none());
    let warned: Vec<_> = loaded.notices.iter().map(|notice| notice.message.as_str()).collect();
    assert!(warned[0].contains("6 bytes") && warned[1].contains("placeholder"), "{warned:?}");
}

#[test]
fn what_is_ignored_is_said_once_and_louder_when_it_names_another_machine() {
    let temp = Temp::new();
    for (host, level) in [
        ("localhost", tracing::Level::INFO),
        ("127.0.0.1", tracing::Level::INFO),
        ("::1", tracing::Level::INFO),
        ("db.example.com", tracing::Level::WARN),
    ] {
        let loaded = load_env(&temp, &[("DB_HOST", host), ("REDIS_DB", "0")]).unwrap();
        assert_eq!(loaded.notices.len(), 1);
        assert_eq!(loaded.notices[0].level, level, "{host}");
        assert!(loaded.notices[0].message.starts_with("DB_HOST, REDIS_DB are read"));
    }
}

#[test]
fn keys_without_meaning_doubles_and_strangers_are_noticed_at_their_level() {
    let temp = Temp::new();
    temp.write(
        ".env",
        "SMTP_URL=smtp://me:hunter2@mail\nLOG_LEVEL=warn\nEDITOR=vi\nLOG_LEVEL=info\n",
    );
    let loaded =
        load_env(&temp, &[("TLS_CERT", "/cert"), ("TRUSTED_PROXIES", "0.0.0.0/0")]).unwrap();
    let said: Vec<_> =
        loaded.notices.iter().map(|n| format!("{} {}", n.level, n.message)).collect();
    for (said, want) in said.iter().zip([
        "WARN TLS_CERT from environment is not supported yet, ignored",
        "WARN SMTP_URL from ",
        "WARN ",
        "DEBUG ",
        "WARN TRUSTED_PROXIES holds every address",
    ]) {
        assert!(said.starts_with(want) && !said.contains("hunter2"), "{said}");
    }
    assert_eq!(said.len(), 5, "{said:?}");
    assert!(said[2].contains("line 2 and again in line 4") && said[3].contains("EDITOR"));
}

#[test]
fn nothing_that_is_printed_shows_a_secret() {
    let temp = Temp::new();
    let secret = "Hunter2-9f86d081884c7d659a2feaa0c55ad015";
    let proxy = format!("http://me:{secret}@proxy:3128");
    let env = [
        ("JWT_SECRET", secret),
        ("JWT_SECRET_PREVIOUS", secret),
        ("DESKBELL_ADMIN_EMAIL", "admin@example.com"),
        ("DESKBELL_ADMIN_PASSWORD", secret),
        ("WEBHOOK_PROXY", proxy.as_str()),
        ("DB_PASSWORD", secret),
        ("REDIS_PASSWORD", secret),
    ];
    let loaded = load_env(&temp, &env).unwrap();
    assert!(!format!("{loaded:?}").contains("Hunter2"));
    assert_eq!(loaded.config.first_admin.unwrap().password.expose(), secret);
    assert_eq!(loaded.config.webhook_proxy.unwrap().expose(), proxy);
}

#[cfg(unix)]
#[test]
fn an_environment_variable_that_is_no_text_is_an_error_of_its_key() {
    use std::os::unix::ffi::OsStringExt;
    let temp = Temp::new();
    let mut around = around(&temp, &[]);
    around.env.insert("SERVER_HOST".into(), OsString::from_vec(vec![0xff]));
    let error = load(&Flags::default(), &around).unwrap_err().to_string();
    assert!(error.contains("SERVER_HOST from environment: this is not UTF-8 text"), "{error}");
}

#[test]
fn the_manual_lists_exactly_the_keys_there_are_and_every_exit_code() {
    let manual = include_str!("../../docs/configuration.md");
    let rows: Vec<_> = manual.lines().filter_map(|line| line.strip_prefix("| `")).collect();
    let listed = |name: &str| rows.iter().any(|row| row.starts_with(&format!("{name}`")));
    for key in KEYS {
        assert!(listed(key.name), "{} is not in docs/configuration.md", key.name);
    }
    for row in &rows {
        let name = row.split('`').next().unwrap();
        assert!(KEYS.iter().any(|key| key.name == name), "{name} is in the manual only");
    }
    for key in keys::of_use(Use::Setting).filter(|key| !key.default.is_empty()) {
        let row = rows.iter().find(|row| row.starts_with(&format!("{}`", key.name))).unwrap();
        assert!(row.contains(&format!("| `{}` |", key.default)), "{row}");
    }
    for (exit, meaning) in crate::exit::Exit::ALL {
        let row = format!("| {} | {meaning} |", exit.number());
        assert!(manual.contains(&row), "{row} is not in docs/configuration.md");
    }
}
