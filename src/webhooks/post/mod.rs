//! One POST to an endpoint: bounded in time and bytes, to a checked address, never redirected.
//!
//! This is the only module that builds an HTTP client. The head of the answer decides the outcome;
//! its body is kept for people to read and never turns a success into a failure, however long, slow
//! or broken it is. What is sent may arrive twice: deliveries are made *at least* once.

mod connect;
mod names;
mod outcome;
mod settings;
#[cfg(test)]
mod tests;

pub use names::LookUp;
pub use outcome::{Failure, Outcome, Stage};
pub use settings::{BadSettings, Settings, USER_AGENT};

use crate::webhooks::address::{Guard, Target};
use connect::Guarded;
use http::{HeaderName, HeaderValue, Method};
use names::{Names, NoName};
use parking_lot::Mutex;
use settings::{IDLE_TIME_MAX, POOLS, config, read_authorities, read_proxy};
use std::{
    collections::HashSet,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    io::Read,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use ureq::{Agent, Body, tls::RootCerts};

/// Bytes of an answer's body that are read, so that the connection can be kept; one that is longer
/// costs its connection.
const BODY_READ_MAX: usize = 64 * 1024;

/// Bytes of an answer's body that are kept.
pub const BODY_KEPT_MAX: usize = 4 * 1024;

/// Hosts remembered to have a certificate of a private authority; when full, all are forgotten,
/// which costs each one handshake.
const PRIVATE_HOSTS_MAX: usize = 256;

/// One call to make.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Where to.
    pub target: &'a Target,
    /// All headers but `host`, `content-length`, `user-agent` and `accept`, which are added.
    pub headers: &'a [(HeaderName, HeaderValue)],
    /// The very bytes that were signed.
    pub body: &'a [u8],
    /// For everything: name, connection, sending, head and body of the answer.
    pub timeout: Duration,
}

/// Makes the calls. One for the whole process; workers share its kept connections.
pub struct Poster {
    guard: Arc<Guard>,
    names: Arc<Names>,
    public: Vec<Agent>,
    /// Trusts the operator's authorities instead of the public ones; empty without a CA file.
    private: Vec<Agent>,
    private_hosts: Mutex<HashSet<Box<str>>>,
}

impl Poster {
    /// A poster that asks the system for names.
    ///
    /// # Errors
    /// When the CA file cannot be read or the proxy's address is none.
    pub fn new(guard: Arc<Guard>, settings: &Settings) -> Result<Self, BadSettings> {
        Self::with_look_up(guard, settings, Box::new(names::system))
    }

    /// A poster that asks `look_up` for names.
    ///
    /// # Errors
    /// As [`Poster::new`].
    pub fn with_look_up(
        guard: Arc<Guard>,
        settings: &Settings,
        look_up: Box<LookUp>,
    ) -> Result<Self, BadSettings> {
        let names = Names::new(look_up);
        let proxy = settings.proxy.as_deref().map(read_proxy).transpose()?;
        let agents = |roots: RootCerts| -> Vec<Agent> {
            let config = config(settings, proxy.clone(), roots);
            let agent = || {
                let resolver = Guarded {
                    guard: guard.clone(),
                    names: names.clone(),
                    proxy_host: proxy.as_ref().and_then(|p| p.uri().host()).map(Into::into),
                };
                Agent::with_parts(config.clone(), connect::connector(), resolver)
            };
            std::iter::repeat_with(agent).take(POOLS).collect()
        };
        let private = match &settings.ca_file {
            None => Vec::new(),
            Some(path) => agents(read_authorities(path)?.into()),
        };
        let public = agents(RootCerts::WebPki);
        Ok(Self { guard, names, public, private, private_hosts: Mutex::default() })
    }

    /// Makes one call and waits for its outcome, not longer than the request's time-out. Blocks.
    pub fn post(&self, request: &Request<'_>) -> Outcome {
        let began = Instant::now();
        let result = self.answer(request, began + request.timeout);
        let (result, retry_after, body) = match result {
            Ok(response) => {
                let retry_after = response.headers().get(http::header::RETRY_AFTER);
                let retry_after = retry_after.and_then(|v| v.to_str().ok()).map(String::from);
                (Ok(response.status().as_u16()), retry_after, read_body(response.into_body()))
            }
            Err(failure) => {
                if matches!(failure, Failure::Connect(_) | Failure::Timeout(Stage::Connect)) {
                    self.names.forget(request.target.host());
                }
                (Err(failure), None, String::new())
            }
        };
        let response_time_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Outcome { result, response_time_ms, retry_after, body }
    }

    /// The addresses of a target, judged, without calling it: what is asked when an endpoint is
    /// created. [`Failure::Refused`] is an error to show there, [`Failure::Dns`] only a warning.
    pub fn check(&self, target: &Target, timeout: Duration) -> Result<(), Failure> {
        let addrs = self.look_up(target, timeout)?;
        self.guard.check_all(&addrs).map_err(Failure::Refused)
    }

    /// The addresses of a target, not judged, for listing them.
    pub fn look_up(&self, target: &Target, timeout: Duration) -> Result<Vec<SocketAddr>, Failure> {
        if let Some(addr) = target.literal() {
            return Ok(vec![addr]);
        }
        match self.names.resolve(target.host(), Instant::now() + timeout) {
            Ok(ips) => Ok(ips.iter().map(|ip| SocketAddr::new(*ip, target.port())).collect()),
            Err(NoName::Failed(why)) => Err(Failure::Dns(why.to_string())),
            Err(NoName::Late) => Err(Failure::Timeout(Stage::LookUp)),
        }
    }

    /// The head of the answer, from whichever set of authorities knows the peer.
    fn answer(&self, request: &Request<'_>, deadline: Instant) -> Result<Response, Failure> {
        if let Some(addr) = request.target.literal() {
            // The resolver judges it too, but an egress proxy would keep it from being asked.
            self.guard.check_addr(addr).map_err(Failure::Refused)?;
        }
        let host = request.target.host();
        let known_private = !self.private.is_empty() && self.private_hosts.lock().contains(host);
        let (first, second) = match known_private {
            false => (&self.public, &self.private),
            true => (&self.private, &self.public),
        };
        let result = on_live_connection(pick(first, request.target)?, request, deadline);
        match result {
            // The handshake ended before anything was sent: this is no second delivery.
            Err(Failure::Tls(why) | Failure::Proxy(why))
                if !second.is_empty() && why.contains("UnknownIssuer") =>
            {
                let again = on_live_connection(pick(second, request.target)?, request, deadline)?;
                let mut hosts = self.private_hosts.lock();
                if known_private {
                    hosts.remove(host);
                } else {
                    if hosts.len() >= PRIVATE_HOSTS_MAX {
                        hosts.clear();
                    }
                    hosts.insert(host.into());
                }
                Ok(again)
            }
            result => result,
        }
    }
}

impl fmt::Debug for Poster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Poster(..)")
    }
}

type Response = http::Response<Body>;

/// The agent that keeps the connections to this host.
fn pick<'a>(agents: &'a [Agent], target: &Target) -> Result<&'a Agent, Failure> {
    let mut hasher = DefaultHasher::new();
    (target.host(), target.port()).hash(&mut hasher);
    let at = usize::try_from(hasher.finish() % (POOLS as u64)).unwrap_or(0);
    agents.get(at).ok_or_else(|| Failure::Request(String::from("there is no client")))
}

/// Sends, and sends again on a new connection when a kept one turns out to be closed: peers close
/// idle connections when they please, and that is no fault of this delivery.
fn on_live_connection(
    agent: &Agent,
    request: &Request<'_>,
    deadline: Instant,
) -> Result<Response, Failure> {
    match send(agent, request, deadline, IDLE_TIME_MAX) {
        Err(Failure::Reset) if connect::kept() => send(agent, request, deadline, Duration::ZERO),
        result => result,
    }
}

/// Sends once, on a connection that has been idle for less than `idle_max` or on a new one.
fn send(
    agent: &Agent,
    request: &Request<'_>,
    deadline: Instant,
    idle_max: Duration,
) -> Result<Response, Failure> {
    connect::begin();
    let left = deadline.saturating_duration_since(Instant::now());
    let mut call = http::Request::new(request.body);
    *call.method_mut() = Method::POST;
    *call.uri_mut() = request.target.uri().clone();
    let headers = call.headers_mut();
    headers.reserve(request.headers.len());
    for (name, value) in request.headers {
        headers.append(name.clone(), value.clone());
    }
    let call =
        agent.configure_request(call).timeout_global(Some(left)).max_idle_age(idle_max).build();
    agent.run(call).map_err(outcome::classify)
}

/// Reads what the bounds allow and keeps the beginning. An error ends the reading, nothing else; a
/// body that was not read to its end closes its connection when it is dropped.
fn read_body(mut body: Body) -> String {
    let mut reader = body.as_reader();
    let mut chunk = [0; BODY_KEPT_MAX];
    let mut kept = Vec::new();
    let mut read = 0;
    while read < BODY_READ_MAX {
        let Ok(n) = reader.read(&mut chunk) else { break };
        let Some(bytes) = chunk.get(..n).filter(|bytes| !bytes.is_empty()) else { break };
        read += n;
        let room = BODY_KEPT_MAX.saturating_sub(kept.len());
        kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
    String::from_utf8_lossy(&kept).into_owned()
}
