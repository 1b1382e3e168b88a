//! Whether an address may be called: one guard for creating, testing, delivering and replaying.
//!
//! [`Guard::parse_url`] judges what is written, [`Guard::check_addr`] judges what a name resolved
//! to. The second runs inside the HTTP client's resolver, so that the address which was checked is
//! the address that is connected to; a name that changes its mind in between gains nothing.

mod ranges;
#[cfg(test)]
mod tests;

use crate::bins::{BinId, Bins};
use http::Uri;
use ipnet::IpNet;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
};
use url::{Host, Url};

/// Longest URL of an endpoint, bytes.
pub const URL_MAX: usize = 2048;

/// Ports that belong to protocols which would take our bytes for commands (WHATWG Fetch, "bad
/// port"), ascending.
const BAD_PORTS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
    993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
    6668, 6669, 6679, 6697, 10080,
];

/// Why an address may not be called. The text of it is meant for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It is no absolute URL, or longer than [`URL_MAX`]; with what is wrong.
    Url(String),
    /// Neither http nor https.
    Scheme(String),
    /// A user name or password stands in it.
    UserInfo,
    /// The port belongs to another protocol.
    Port(u16),
    /// An address in a range that is closed unless the operator lists it.
    Denied {
        /// The address that would have been called.
        ip: IpAddr,
        /// The range it lies in.
        net: IpNet,
        /// What that range is.
        what: &'static str,
    },
    /// An address that nothing opens.
    Never {
        /// The address that would have been called.
        ip: IpAddr,
        /// What it is.
        what: &'static str,
    },
    /// Where this server itself listens.
    Own(SocketAddr),
}

impl Refused {
    /// A stable word for programs.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Url(_) => "not_a_url",
            Self::Scheme(_) => "scheme",
            Self::UserInfo => "userinfo",
            Self::Port(_) => "port",
            Self::Denied { .. } => "closed_range",
            Self::Never { .. } => "never_allowed",
            Self::Own(_) => "own_address",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(why) => write!(f, "is not a web address: {why}"),
            Self::Scheme(scheme) => write!(f, "must be http or https, not {scheme}"),
            Self::UserInfo => f.write_str("must not contain a user name or password"),
            Self::Port(port) => write!(f, "port {port} belongs to another protocol"),
            Self::Denied { ip, net, what } => {
                write!(f, "{ip} lies in {net} ({what}); WEBHOOK_ALLOW_NET can open it")
            }
            Self::Never { ip, what } => write!(f, "{ip} is never called ({what})"),
            Self::Own(addr) => write!(f, "{addr} is this server itself"),
        }
    }
}

impl std::error::Error for Refused {}

/// A URL that [`Guard::parse_url`] accepted, ready to be called.
#[derive(Debug, Clone)]
pub struct Target {
    uri: Uri,
    host: Box<str>,
    literal: Option<SocketAddr>,
    port: u16,
    bin: Option<BinId>,
}

impl Target {
    /// The bin of this server that it is: it is delivered to within the process, not called.
    pub fn bin(&self) -> Option<BinId> {
        self.bin
    }

    /// The URL in its normal form, without fragment.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The host as a resolver wants it: a name, or an address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own when none is written.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, when the host is one rather than a name.
    pub fn literal(&self) -> Option<SocketAddr> {
        self.literal
    }
}

/// A part of the network that the operator opened: a range, or one port of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Opening {
    net: IpNet,
    port: Option<u16>,
}

/// Why a list of networks cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadAllowNet(String);

impl fmt::Display for BadAllowNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is neither an address nor a range; write 10.1.0.0/16, 192.168.7.5:8080 or \
             [fd12::1]:9000",
            self.0
        )
    }
}

impl std::error::Error for BadAllowNet {}

/// The rules of one server.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    open: Vec<Opening>,
    allow_loopback: bool,
    own: Vec<SocketAddr>,
    public_url: Option<Url>,
    bins: Bins,
}

impl Guard {
    /// The rules with nothing opened beyond `allow_net`, the text of `WEBHOOK_ALLOW_NET`: addresses
    /// and ranges apart by commas, each with a port if only that port is meant.
    pub fn new(allow_net: &str) -> Result<Self, BadAllowNet> {
        let entries = allow_net.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let open = entries
            .map(|entry| parse_opening(entry).ok_or_else(|| BadAllowNet(entry.to_owned())))
            .collect::<Result<_, _>>()?;
        Ok(Self { open, ..Self::default() })
    }

    /// Opens 127.0.0.0/8 and `::1`, for the demonstration and for development.
    #[must_use]
    pub fn with_loopback(mut self, allowed: bool) -> Self {
        self.allow_loopback = allowed;
        self
    }

    /// Where this server listens; these are refused whatever else is open, or an endpoint could
    /// make the server talk to itself. `0.0.0.0` and `::` stand for all addresses of the machine.
    #[must_use]
    pub fn with_own(mut self, listening: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.own.extend(listening);
        self
    }

    /// Where people reach this server, and its bins: their URLs are the only ones of its own that
    /// are accepted, because nothing is connected to for them.
    #[must_use]
    pub fn with_bins(mut self, public_url: Option<Url>, bins: Bins) -> Self {
        (self.public_url, self.bins) = (public_url, bins);
        self
    }

    /// The bins of this server.
    pub fn bins(&self) -> &Bins {
        &self.bins
    }

    /// Judges a URL as written. An address in any spelling (decimal, octal, hexadecimal, short,
    /// IPv6) is judged at once; a name is judged when it is resolved.
    pub fn parse_url(&self, text: &str) -> Result<Target, Refused> {
        if text.len() > URL_MAX {
            return Err(Refused::Url(format!("longer than {URL_MAX} bytes")));
        }
        let mut url = Url::parse(text).map_err(|why| Refused::Url(why.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::UserInfo);
        }
        url.set_fragment(None);
        // The normal form is what is shown and may be sent back; escapes make it longer.
        if url.as_str().len() > URL_MAX {
            return Err(Refused::Url(format!("longer than {URL_MAX} bytes when it is escaped")));
        }
        let port = url.port_or_known_default().unwrap_or(0);
        check_port(port)?;
        let (host, literal) = match url.host() {
            Some(Host::Domain(name)) => (name.into(), None),
            Some(Host::Ipv4(ip)) => (ip.to_string().into(), Some(SocketAddr::from((ip, port)))),
            Some(Host::Ipv6(ip)) => (ip.to_string().into(), Some(SocketAddr::from((ip, port)))),
            None => return Err(Refused::Url(String::from("it names no host"))),
        };
        let bin = self.bins.at(&url, self.is_ours(&url, literal));
        if let Some(addr) = literal.filter(|_| bin.is_none()) {
            self.check_addr(addr)?;
        }
        let uri = url.as_str().parse().map_err(|e| Refused::Url(format!("{e}")))?;
        Ok(Target { uri, host, literal, port, bin })
    }

    /// Whether this server is what answers at a URL.
    fn is_ours(&self, url: &Url, literal: Option<SocketAddr>) -> bool {
        let port = url.port_or_known_default();
        let listens = match (literal, url.host_str()) {
            (Some(addr), _) => self.is_own(addr),
            (None, Some("localhost")) => self.own.iter().any(|own| {
                let here = own.ip().is_loopback() || own.ip().is_unspecified();
                here && Some(own.port()) == port
            }),
            (None, _) => false,
        };
        let public = self.public_url.as_ref().is_some_and(|public| public.origin() == url.origin());
        (listens && url.scheme() == "http") || public
    }

    /// Judges one address that would be connected to.
    pub fn check_addr(&self, addr: SocketAddr) -> Result<(), Refused> {
        check_port(addr.port())?;
        let ip = ranges::inner(addr.ip());
        if let Some((_, what)) = ranges::never(ip) {
            return Err(Refused::Never { ip: addr.ip(), what });
        }
        if self.is_own(SocketAddr::new(ip, addr.port())) {
            return Err(Refused::Own(addr));
        }
        match ranges::denied(ip) {
            Some((net, what)) if !self.opened(ip, addr.port()) => {
                Err(Refused::Denied { ip: addr.ip(), net, what })
            }
            _ => Ok(()),
        }
    }

    /// Judges all addresses of one name: one that is refused refuses them all, because which of
    /// them gets connected is the network's choice.
    pub fn check_all(&self, addrs: &[SocketAddr]) -> Result<(), Refused> {
        addrs.iter().try_for_each(|addr| self.check_addr(*addr))
    }

    fn opened(&self, ip: IpAddr, port: u16) -> bool {
        (self.allow_loopback && ip.is_loopback())
            || self
                .open
                .iter()
                .any(|open| open.net.contains(&ip) && open.port.is_none_or(|only| only == port))
    }

    fn is_own(&self, addr: SocketAddr) -> bool {
        self.own.iter().filter(|own| own.port() == addr.port()).any(|own| {
            let listens_on = ranges::inner(own.ip());
            listens_on == addr.ip() || (own.ip().is_unspecified() && is_this_machine(addr))
        })
    }
}

/// Whether an address belongs to this machine: asked of the routing table, which answers a
/// machine's own address with that same address as the source. Connecting a datagram socket sends
/// nothing.
fn is_this_machine(addr: SocketAddr) -> bool {
    let any: IpAddr = match addr {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let source = || {
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(addr)?;
        socket.local_addr()
    };
    addr.ip().is_loopback() || source().is_ok_and(|source| source.ip() == addr.ip())
}

fn check_port(port: u16) -> Result<(), Refused> {
    if BAD_PORTS.binary_search(&port).is_ok() { Err(Refused::Port(port)) } else { Ok(()) }
}

/// `10.1.0.0/16`, `192.168.7.5`, `192.168.7.5:8080`, `fd12::/16`, `fd12::1`, `[fd12::1]:9000`; a
/// port may follow a range as well (`10.1.0.0/16:8080`, `[fd12::/16]:9000`).
fn parse_opening(text: &str) -> Option<Opening> {
    let (net, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (net, port) = rest.split_once(']')?;
            if !net.contains(':') {
                return None;
            }
            (net, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => match text.split_once(':') {
            Some((net, port)) if !port.contains(':') => (net, Some(port)),
            _ => (text, None),
        },
    };
    let port = match port {
        None => None,
        Some(text) => Some(text.parse::<u16>().ok().filter(|port| *port != 0)?),
    };
    let net = match net.parse::<IpNet>() {
        Ok(net) => net,
        Err(_) => net.parse::<IpAddr>().ok()?.into(),
    };
    // Addresses are judged by the IPv4 one inside, so a mapped range must be listed as IPv4.
    Some(Opening { net: net.trunc(), port })
}
