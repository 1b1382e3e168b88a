//! The address ranges that a webhook may not reach, and the few that nothing opens.
//!
//! From the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and its successors), and
//! from the manuals of the clouds for their metadata addresses.

use ipnet::{Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const fn v4(a: u8, b: u8, c: u8, d: u8, len: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), len)
}

const fn v6(a: u16, b: u16, c: u16, d: u16, len: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), len)
}

/// IPv4 ranges that are not somebody's public address, each with what it is.
pub(super) const DENIED_V4: [(Ipv4Net, &str); 19] = [
    (v4(0, 0, 0, 0, 8), "this network"),
    (v4(10, 0, 0, 0, 8), "a private network"),
    (v4(100, 64, 0, 0, 10), "a provider's shared network"),
    (v4(127, 0, 0, 0, 8), "this machine"),
    (v4(169, 254, 0, 0, 16), "link-local, where clouds keep their metadata"),
    (v4(172, 16, 0, 0, 12), "a private network"),
    (v4(192, 0, 0, 0, 24), "protocol assignments"),
    (v4(192, 0, 2, 0, 24), "documentation"),
    (v4(192, 31, 196, 0, 24), "an anycast name service"),
    (v4(192, 52, 193, 0, 24), "multicast tunnels"),
    (v4(192, 88, 99, 0, 24), "6to4 relays"),
    (v4(192, 168, 0, 0, 16), "a private network"),
    (v4(192, 175, 48, 0, 24), "an anycast name service"),
    (v4(198, 18, 0, 0, 15), "benchmarks"),
    (v4(198, 51, 100, 0, 24), "documentation"),
    (v4(203, 0, 113, 0, 24), "documentation"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(240, 0, 0, 0, 4), "reserved"),
    (v4(168, 63, 129, 16, 32), "a cloud's metadata service"),
];

/// The only part of IPv6 that is handed out as public addresses (RFC 4291 §2.4).
pub(super) const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 0, 3);

/// Parts of [`GLOBAL_V6`] that are not somebody's public address.
pub(super) const DENIED_V6: [(Ipv6Net, &str); 5] = [
    (v6(0x2001, 0, 0, 0, 23), "protocol assignments, Teredo among them"),
    (v6(0x2001, 0xdb8, 0, 0, 32), "documentation"),
    (v6(0x2002, 0, 0, 0, 16), "6to4, which hides an IPv4 address"),
    (v6(0x2620, 0x4f, 0x8000, 0, 48), "an anycast name service"),
    (v6(0x3fff, 0, 0, 0, 20), "documentation"),
];

/// Names for ranges outside [`GLOBAL_V6`], so that a refusal can say which one it was.
pub(super) const NAMED_V6: [(Ipv6Net, &str); 9] = [
    (v6(0, 0, 0, 0, 96), "IPv4-compatible, loopback and unspecified"),
    (Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96), "IPv4-translated"),
    (v6(0x64, 0xff9b, 1, 0, 48), "NAT64 of a private network"),
    (v6(0x100, 0, 0, 0, 64), "discard only"),
    (v6(0x5f00, 0, 0, 0, 16), "segment routing"),
    (v6(0xfc00, 0, 0, 0, 7), "a private network"),
    (v6(0xfe80, 0, 0, 0, 10), "link-local"),
    (v6(0xfec0, 0, 0, 0, 10), "site-local"),
    (v6(0xff00, 0, 0, 0, 8), "multicast"),
];

/// Addresses that hand out a cloud machine's credentials, or that no single machine has: never
/// called, not even when an operator's list covers them.
const NEVER_V4: [(Ipv4Net, &str); 7] = [
    (v4(169, 254, 0, 0, 16), "link-local, where clouds keep their metadata"),
    (v4(100, 100, 100, 200, 32), "a cloud's metadata service"),
    (v4(168, 63, 129, 16, 32), "a cloud's metadata service"),
    (v4(192, 0, 0, 192, 32), "a cloud's metadata service"),
    (v4(0, 0, 0, 0, 32), "no address at all"),
    (v4(255, 255, 255, 255, 32), "everybody at once"),
    (v4(224, 0, 0, 0, 4), "multicast"),
];

/// The same for IPv6.
const NEVER_V6: [(Ipv6Net, &str); 5] = [
    (whole(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)), "a cloud's metadata service"),
    (whole(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)), "a cloud's metadata service"),
    (whole(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)), "a cloud's metadata service"),
    (whole(Ipv6Addr::UNSPECIFIED), "no address at all"),
    (v6(0xff00, 0, 0, 0, 8), "multicast"),
];

const fn whole(addr: Ipv6Addr) -> Ipv6Net {
    Ipv6Net::new_assert(addr, 128)
}

/// `::ffff:0:0/96`: an IPv4 address in IPv6 clothes (RFC 4291 §2.5.5.2).
const MAPPED: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96);

/// `64:ff9b::/96`: an IPv4 address behind a translator (RFC 6052).
const NAT64: Ipv6Net = v6(0x64, 0xff9b, 0, 0, 96);

/// The address that is really meant: the IPv4 one inside a mapped or NAT64 address.
pub(super) fn inner(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(v6) if MAPPED.contains(&v6) || NAT64.contains(&v6) => {
            let [.., a, b, c, d] = v6.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        ip => ip,
    }
}

/// The rule that keeps `ip` (already the inner one) from being called whatever the operator lists.
pub(super) fn never(ip: IpAddr) -> Option<(ipnet::IpNet, &'static str)> {
    match ip {
        IpAddr::V4(ip) => in_v4(&NEVER_V4, ip),
        IpAddr::V6(ip) => in_v6(&NEVER_V6, ip),
    }
}

/// The rule that keeps `ip` (already the inner one) from being called unless the operator lists it.
pub(super) fn denied(ip: IpAddr) -> Option<(ipnet::IpNet, &'static str)> {
    match ip {
        IpAddr::V4(ip) => in_v4(&DENIED_V4, ip),
        IpAddr::V6(ip) if GLOBAL_V6.contains(&ip) => in_v6(&DENIED_V6, ip),
        IpAddr::V6(ip) => in_v6(&NAMED_V6, ip)
            .or(Some((ipnet::IpNet::V6(v6(0, 0, 0, 0, 0)), "not a public address"))),
    }
}

fn in_v4(table: &[(Ipv4Net, &'static str)], ip: Ipv4Addr) -> Option<(ipnet::IpNet, &'static str)> {
    table.iter().find(|(net, _)| net.contains(&ip)).map(|(net, what)| ((*net).into(), *what))
}

fn in_v6(table: &[(Ipv6Net, &'static str)], ip: Ipv6Addr) -> Option<(ipnet::IpNet, &'static str)> {
    table.iter().find(|(net, _)| net.contains(&ip)).map(|(net, what)| ((*net).into(), *what))
}
