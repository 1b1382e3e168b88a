//! What an operator can say about outgoing calls, and the client's configuration that follows.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};
use ureq::{
    Agent, Proxy,
    config::Config,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

/// Longest time for connecting, the TLS handshake included.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// Longest time spent on an answer's body once its head is here: by then the outcome is known, and
/// a worker has better things to do than to watch bytes drip.
const BODY_TIME_MAX: Duration = Duration::from_secs(2);

/// Buffer a direction and connection. The client's own default of 128 KiB would cost 64 MiB with a
/// full pool. The head of an answer has to fit.
const BUFFER: usize = 16 * 1024;

/// Idle connections kept to one host: as many as one endpoint may have in flight.
const IDLE_PER_HOST: usize = 16;

/// How long an idle connection is kept.
pub(super) const IDLE_TIME_MAX: Duration = Duration::from_secs(30);

/// The pool is split by host into this many. The client searches its pool, under a lock, in time
/// that grows with the square of what lies in it.
pub(super) const POOLS: usize = 8;

/// What every call says of who makes it.
pub const USER_AGENT: &str = concat!("Deskbell/", env!("CARGO_PKG_VERSION"));

/// What an operator can say about outgoing calls.
#[derive(Clone)]
pub struct Settings {
    /// `WEBHOOK_CA_FILE`: certificates (PEM) of private authorities, trusted beside the public
    /// ones.
    pub ca_file: Option<PathBuf>,
    /// `WEBHOOK_PROXY`: an `http://` or `https://` egress proxy for all calls. It looks up the
    /// names itself, so only literal addresses are judged here and the proxy must guard the rest.
    /// The usual environment variables are not read.
    pub proxy: Option<String>,
    /// Idle connections kept, all hosts together.
    pub idle_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { ca_file: None, proxy: None, idle_max: 256 }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("ca_file", &self.ca_file)
            // A password may stand in it.
            .field("proxy", &self.proxy.as_ref().map(|_| ".."))
            .field("idle_max", &self.idle_max)
            .finish()
    }
}

/// Why [`Settings`] cannot be used; the text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadSettings(String);

impl fmt::Display for BadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadSettings {}

pub(super) fn config(settings: &Settings, proxy: Option<Proxy>, roots: RootCerts) -> Config {
    Agent::config_builder()
        // Said aloud, because the client's default reads it from the environment.
        .proxy(proxy)
        // Its default would turn a POST answered by 302 into a GET and call that a success.
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT_TIME_MAX))
        .timeout_recv_body(Some(BODY_TIME_MAX))
        .input_buffer_size(BUFFER)
        .output_buffer_size(BUFFER)
        .max_response_header_size(BUFFER - 1)
        .max_idle_connections(settings.idle_max.div_ceil(POOLS))
        .max_idle_connections_per_host(IDLE_PER_HOST)
        .max_idle_age(IDLE_TIME_MAX)
        .user_agent(USER_AGENT)
        .accept_encoding("")
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .build()
}

pub(super) fn read_proxy(text: &str) -> Result<Proxy, BadSettings> {
    let bad = || BadSettings(String::from("WEBHOOK_PROXY must be like http://proxy.example:3128"));
    if !text.starts_with("http://") && !text.starts_with("https://") {
        return Err(bad());
    }
    Proxy::new(text).map_err(|_| bad())
}

pub(super) fn read_authorities(path: &Path) -> Result<Vec<Certificate<'static>>, BadSettings> {
    let bad = |why: String| BadSettings(format!("WEBHOOK_CA_FILE {}: {why}", path.display()));
    let pem = std::fs::read(path).map_err(|why| bad(why.to_string()))?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(why) => return Err(bad(why.to_string())),
        }
    }
    if found.is_empty() {
        return Err(bad(String::from("it holds no certificate")));
    }
    Ok(found)
}
