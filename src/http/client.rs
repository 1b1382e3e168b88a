//! Where a request comes from: the peer, or what a trusted proxy says about it.

use super::Core;
use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use ipnet::IpNet;
use std::{convert::Infallible, net::IpAddr};

/// Longest name of a program that is kept of a connection, characters.
const USER_AGENT_MAX: usize = 200;

/// What the program at the other end calls itself, cut short; none where it does not say so in
/// plain text.
pub fn user_agent(headers: &HeaderMap) -> Option<Box<str>> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?.trim();
    let short = text.get(..USER_AGENT_MAX).unwrap_or(text);
    (!short.is_empty()).then(|| short.into())
}

/// The other end of the TCP connection, put there by the accept loop.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Who is really at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The address, after trusted proxies.
    pub address: IpAddr,
    /// Whether a trusted proxy was reached over https.
    pub https: bool,
    /// Whether forwarding headers came from someone who is not trusted; they were ignored.
    pub forged_forwarding: bool,
}

impl Client {
    /// Judges forwarding headers: only a trusted proxy's are read, from right to left, up to the
    /// first address that is not a trusted proxy itself.
    pub fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let peer = peer.to_canonical();
        let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
        let forwarded = ["x-forwarded-for", "x-forwarded-proto", "forwarded", "x-real-ip"];
        if !is_trusted(&peer) {
            let forged_forwarding = forwarded.iter().any(|name| headers.contains_key(*name));
            return Self { address: peer, https: false, forged_forwarding };
        }
        let text = |name| headers.get_all(name).iter().filter_map(|v| v.to_str().ok());
        let hops: Vec<&str> = text("x-forwarded-for").flat_map(|v| v.split(',')).collect();
        let mut address = peer;
        for hop in hops.iter().rev() {
            let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
            address = hop.to_canonical();
            if !is_trusted(&address) {
                break;
            }
        }
        let https = text("x-forwarded-proto").next_back().is_some_and(|v| v.trim() == "https");
        Self { address, https, forged_forwarding: false }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Client
where
    Core: FromRef<S>,
{
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let core = Core::from_ref(state);
        let peer = parts.extensions.get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |p| p.0);
        Ok(Self::of(peer, &parts.headers, &core.settings.trusted_proxies))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> Client {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|t| t.parse().unwrap()).collect();
        Client::of(peer.parse().unwrap(), &headers, &trusted)
    }

    #[test]
    fn only_trusted_proxies_are_believed_from_right_to_left() {
        let table = [
            ("9.9.9.9", &["1.1.1.1"][..], &[][..], "9.9.9.9", true),
            ("9.9.9.9", &[], &[], "9.9.9.9", false),
            ("10.0.0.1", &["1.1.1.1"], &["10.0.0.0/8"], "1.1.1.1", false),
            ("10.0.0.1", &["6.6.6.6, 1.1.1.1"], &["10.0.0.0/8"], "1.1.1.1", false),
            ("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"], &["10.0.0.0/8"], "1.1.1.1", false),
            ("10.0.0.1", &["6.6.6.6", "1.1.1.1"], &["10.0.0.0/8"], "1.1.1.1", false),
            ("10.0.0.1", &["garbage"], &["10.0.0.0/8"], "10.0.0.1", false),
            ("::ffff:10.0.0.1", &["1.1.1.1"], &["10.0.0.0/8"], "1.1.1.1", false),
        ];
        for (peer, forwarded, trusted, address, forged) in table {
            let found = client(peer, forwarded, trusted);
            let expected: IpAddr = address.parse().unwrap();
            assert_eq!(
                (found.address, found.forged_forwarding),
                (expected, forged),
                "{forwarded:?}"
            );
        }
    }
}
