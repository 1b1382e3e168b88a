//! What lies under the HTTP client: the guarded resolver, and a connector that says how far it
//! came.
//!
//! The client reports most faults as plain I/O errors. The stages here label theirs, so that
//! "nobody listens there" and "the certificate is not trusted" stay apart; and they note whether a
//! call made a connection of its own or was given a kept one, which decides whether a reset may be
//! tried again.

use super::{
    Failure, Stage,
    names::{Names, NoName},
};
use crate::webhooks::address::Guard;
use http::Uri;
use std::{
    cell::Cell,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};
use ureq::{
    Error,
    config::Config,
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::{
            ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, RustlsConnector,
            TcpConnector, Transport,
        },
    },
};

/// Addresses of one name that are tried in turn.
const TRIED_MAX: usize = 16;

thread_local! {
    /// What the call of this thread is busy with. A call never leaves its thread, and the client
    /// offers no other way to carry a note from connector to caller.
    static STAGE: Cell<Stage> = const { Cell::new(Stage::Answer) };

    /// Whether that call was given a kept connection rather than making one.
    static KEPT: Cell<bool> = const { Cell::new(true) };
}

/// A call begins. Whoever looks up a name or makes a connection for it will say so.
pub(super) fn begin() {
    STAGE.set(Stage::Answer);
    KEPT.set(true);
}

/// What the latest call of this thread was busy with when it ended.
pub(super) fn stage() -> Stage {
    STAGE.get()
}

/// Whether the latest call of this thread used a kept connection.
pub(super) fn kept() -> bool {
    KEPT.get()
}

/// A [`Failure`] on its way through the client's error type.
#[derive(Debug)]
pub(super) struct Labelled(pub(super) Failure);

impl fmt::Display for Labelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Labelled {}

fn label(failure: Failure) -> Error {
    Error::Other(Box::new(Labelled(failure)))
}

/// Resolves and judges; the client connects to nothing that did not come from here.
pub(super) struct Guarded {
    pub(super) guard: Arc<Guard>,
    pub(super) names: Arc<Names>,
    /// The egress proxy's host: chosen by the operator, hence not judged.
    pub(super) proxy_host: Option<Box<str>>,
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guarded(..)")
    }
}

impl Guarded {
    fn addresses(&self, host: &str, timeout: NextTimeout) -> Result<Arc<[IpAddr]>, Error> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok([ip].into());
        }
        // No call is allowed to take longer than a minute; the cap keeps the sum in range.
        let deadline = Instant::now() + (*timeout.after).min(Duration::from_secs(60));
        self.names.resolve(host, deadline).map_err(|why| match why {
            NoName::Failed(why) => label(Failure::Dns(why.to_string())),
            NoName::Late => Error::Timeout(timeout.reason),
        })
    }
}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        _config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let before = STAGE.replace(Stage::LookUp);
        let host = uri.host().ok_or_else(|| Error::BadUri(String::from("it names no host")))?;
        let port =
            uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let is_proxy = self.proxy_host.as_deref() == Some(host);
        let mut tried = self.empty();
        for ip in self.addresses(host, timeout)?.iter() {
            let addr = SocketAddr::new(*ip, port);
            if !is_proxy {
                self.guard.check_addr(addr).map_err(|why| label(Failure::Refused(why)))?;
            }
            if tried.len() < TRIED_MAX {
                tried.push(addr);
            }
        }
        STAGE.set(before);
        Ok(tried)
    }
}

/// The chain that makes a connection: through the proxy if there is one, else directly, and TLS on
/// top for https.
pub(super) fn connector() -> impl Connector<()> {
    let chain =
        ().chain(Stepped { step: ConnectProxyConnector::default(), name: as_proxy_fault })
            .chain(Stepped { step: TcpConnector::default(), name: as_connect_fault })
            .chain(Stepped { step: RustlsConnector::default(), name: as_tls_fault });
    Noted(chain)
}

/// One step of the chain, whose errors get a name.
#[derive(Debug)]
struct Stepped<C> {
    step: C,
    name: fn(Error) -> Error,
}

impl<In: Transport, C: Connector<In>> Connector<In> for Stepped<C> {
    type Out = C::Out;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        self.step.connect(details, chained).map_err(self.name)
    }
}

/// The whole chain, noting that a connection is being made rather than taken from the pool.
#[derive(Debug)]
struct Noted<C>(C);

impl<C: Connector<()>> Connector<()> for Noted<C> {
    type Out = C::Out;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        KEPT.set(false);
        STAGE.set(Stage::Connect);
        // Every call has a time-out of its own, which makes its settings "request level"; for those
        // the TLS step would read all root certificates anew on each connection and resume no
        // session. The TLS settings are the agent's in all calls, so that its own copy will do.
        let details = ConnectionDetails {
            uri: details.uri,
            addrs: details.addrs.clone(),
            config: details.config,
            request_level: false,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        let made = self.0.connect(&details, chained)?;
        STAGE.set(Stage::Answer);
        Ok(made)
    }
}

fn as_connect_fault(error: Error) -> Error {
    match error {
        Error::Io(why) => label(Failure::Connect(why.to_string())),
        other => other,
    }
}

fn as_tls_fault(error: Error) -> Error {
    match error {
        Error::Io(why) if why.kind() == io::ErrorKind::UnexpectedEof => {
            label(Failure::Tls(String::from("the peer hung up during the handshake")))
        }
        Error::Io(why) => label(Failure::Tls(why.to_string())),
        Error::Rustls(why) => label(Failure::Tls(why.to_string())),
        Error::Tls(why) => label(Failure::Tls(String::from(why))),
        other => other,
    }
}

/// What goes wrong on the way through the proxy is the proxy's fault, unless it says that it could
/// not reach the endpoint (502, 503 or 504).
fn as_proxy_fault(error: Error) -> Error {
    match error {
        Error::ConnectProxyFailed(why)
            if ["502", "503", "504"].iter().any(|s| why.ends_with(s)) =>
        {
            label(Failure::Connect(format!("the {why}")))
        }
        Error::ConnectProxyFailed(why) => label(Failure::Proxy(format!("the {why}"))),
        Error::Other(why) => label(Failure::Proxy(why.to_string())),
        other => label(Failure::Proxy(other.to_string())),
    }
}
