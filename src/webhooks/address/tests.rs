//! Tables of what is refused and what is let through.

use super::*;

fn closed() -> Guard {
    Guard::new("").unwrap()
}

fn rule(guard: &Guard, url: &str) -> &'static str {
    guard.parse_url(url).map_or_else(|refused| refused.rule(), |_| "allowed")
}

/// URLs that must be refused as they stand, with the rule that does it.
const HOSTILE: &[(&str, &str)] = &[
    // This machine, in every spelling of IPv4.
    ("http://127.0.0.1/", "closed_range"),
    ("http://127.1/", "closed_range"),
    ("http://127.0.1/", "closed_range"),
    ("http://2130706433/", "closed_range"),
    ("http://0x7f000001/", "closed_range"),
    ("http://0x7f.0.0.1/", "closed_range"),
    ("http://0x7f.1/", "closed_range"),
    ("http://0177.0.0.1/", "closed_range"),
    ("http://017700000001/", "closed_range"),
    ("http://0177.0x0.1/", "closed_range"),
    ("http://00000177.0.0.1/", "closed_range"),
    ("http://127.0.0.1./", "closed_range"),
    ("http://127.255.255.254/", "closed_range"),
    ("http://%31%32%37.0.0.1/", "closed_range"),
    ("http://127%2E0.0.1/", "closed_range"),
    ("http://127。0。0。1/", "closed_range"),
    ("http://①②⑦.⓪.⓪.①/", "closed_range"),
    ("http://\u{ff11}\u{ff12}\u{ff17}.0.0.\u{ff11}/", "closed_range"),
    ("http:127.0.0.1", "closed_range"),
    ("http:/127.0.0.1", "closed_range"),
    ("http:///127.0.0.1", "closed_range"),
    ("http:\\\\127.0.0.1\\hook", "closed_range"),
    (" \thttp://127.0.0.1/\n", "closed_range"),
    ("ht\ntp://127.0\t.0.1/", "closed_range"),
    ("HTTPS://127.0.0.1:8443/", "closed_range"),
    ("http://127.0.0.1\\@example.com/", "closed_range"),
    ("http://127.0.0.1#@example.com/", "closed_range"),
    ("http://127.0.0.1?@example.com/", "closed_range"),
    ("http://0.0.0.0/", "never_allowed"),
    ("http://0/", "never_allowed"),
    ("http://0.1.2.3/", "closed_range"),
    // The other ranges of IPv4.
    ("http://10.0.0.1/", "closed_range"),
    ("http://012.0.0.1/", "closed_range"),
    ("http://167772161/", "closed_range"),
    ("http://100.64.0.1/", "closed_range"),
    ("http://100.127.255.255/", "closed_range"),
    ("http://100.100.100.200/", "never_allowed"),
    ("http://169.254.169.254/latest/meta-data/", "never_allowed"),
    ("http://2852039166/", "never_allowed"),
    ("http://0xa9fea9fe/", "never_allowed"),
    ("http://0251.0376.0251.0376/", "never_allowed"),
    ("http://169.254.43518/", "never_allowed"),
    ("http://172.16.0.1/", "closed_range"),
    ("http://172.31.255.255/", "closed_range"),
    ("http://192.0.0.1/", "closed_range"),
    ("http://192.0.0.192/", "never_allowed"),
    ("http://192.0.2.1/", "closed_range"),
    ("http://192.31.196.1/", "closed_range"),
    ("http://192.52.193.1/", "closed_range"),
    ("http://192.88.99.1/", "closed_range"),
    ("http://192.168.0.1/", "closed_range"),
    ("http://192.168.257/", "closed_range"),
    ("http://192.175.48.1/", "closed_range"),
    ("http://198.18.0.1/", "closed_range"),
    ("http://198.19.255.255/", "closed_range"),
    ("http://198.51.100.1/", "closed_range"),
    ("http://203.0.113.1/", "closed_range"),
    ("http://168.63.129.16/", "never_allowed"),
    ("http://224.0.0.1/", "never_allowed"),
    ("http://239.255.255.250/", "never_allowed"),
    ("http://240.0.0.1/", "closed_range"),
    ("http://255.255.255.255/", "never_allowed"),
    // IPv6: itself, IPv4 inside it, and what is not public.
    ("http://[::1]/", "closed_range"),
    ("http://[0:0:0:0:0:0:0:1]/", "closed_range"),
    ("http://[::]/", "never_allowed"),
    ("http://[::127.0.0.1]/", "closed_range"),
    ("http://[::7f00:1]/", "closed_range"),
    ("http://[::ffff:127.0.0.1]/", "closed_range"),
    ("http://[::ffff:7f00:1]/", "closed_range"),
    ("http://[0:0:0:0:0:ffff:10.0.0.1]/", "closed_range"),
    ("http://[::ffff:169.254.169.254]/", "never_allowed"),
    ("http://[::ffff:0.0.0.0]/", "never_allowed"),
    ("http://[::ffff:0:127.0.0.1]/", "closed_range"),
    ("http://[64:ff9b::127.0.0.1]/", "closed_range"),
    ("http://[64:ff9b::a9fe:a9fe]/", "never_allowed"),
    ("http://[64:ff9b::10.0.0.1]/", "closed_range"),
    ("http://[64:ff9b:1::8.8.8.8]/", "closed_range"),
    ("http://[64:ff9b:0:1::8.8.8.8]/", "closed_range"),
    ("http://[2002:7f00:1::]/", "closed_range"),
    ("http://[2002:808:808::1]/", "closed_range"),
    ("http://[2001:0:808:808::1]/", "closed_range"),
    ("http://[2001::1]/", "closed_range"),
    ("http://[2001:10::1]/", "closed_range"),
    ("http://[2001:20::1]/", "closed_range"),
    ("http://[2001:1ff:ffff::1]/", "closed_range"),
    ("http://[2001:db8::1]/", "closed_range"),
    ("http://[2620:4f:8000::1]/", "closed_range"),
    ("http://[3fff::1]/", "closed_range"),
    ("http://[3fff:fff:ffff::1]/", "closed_range"),
    ("http://[100::1]/", "closed_range"),
    ("http://[5f00::1]/", "closed_range"),
    ("http://[4000::1]/", "closed_range"),
    ("http://[1fff::1]/", "closed_range"),
    ("http://[fc00::1]/", "closed_range"),
    ("http://[fd12::1]/", "closed_range"),
    ("http://[fd00:ec2::254]/", "never_allowed"),
    ("http://[fd00:ec2::23]/", "never_allowed"),
    ("http://[fd20:ce::254]/", "never_allowed"),
    ("http://[fe80::1]/", "closed_range"),
    ("http://[fec0::1]/", "closed_range"),
    ("http://[ff02::1]/", "never_allowed"),
    ("http://[fe80::1%25eth0]/", "not_a_url"),
    ("http://[::1/", "not_a_url"),
    // What is no plain web address.
    ("ftp://example.com/", "scheme"),
    ("file:///etc/passwd", "scheme"),
    ("gopher://example.com/_x", "scheme"),
    ("javascript:alert(1)", "scheme"),
    ("ws://example.com/", "scheme"),
    ("unix:/run/docker.sock", "scheme"),
    ("data:text/plain,x", "scheme"),
    ("http://user@example.com/", "userinfo"),
    ("http://user:secret@example.com/", "userinfo"),
    ("http://:secret@example.com/", "userinfo"),
    ("http://example.com:secret@10.0.0.1/", "userinfo"),
    ("http://example.com:22/", "port"),
    ("http://example.com:25/", "port"),
    ("https://example.com:6667/", "port"),
    ("http://example.com:0/", "port"),
    ("http://example.com:10080/", "port"),
    ("http://example.com:65536/", "not_a_url"),
    ("", "not_a_url"),
    ("/api/notifications", "not_a_url"),
    ("//example.com/hook", "not_a_url"),
    ("example.com", "not_a_url"),
    ("http://", "not_a_url"),
    ("http://exa mple.com/", "not_a_url"),
    ("http://256.256.256.256/", "not_a_url"),
    ("http://1.2.3.4.5/", "not_a_url"),
    ("http://4294967296/", "not_a_url"),
    ("http://0x100000000/", "not_a_url"),
    ("http://example.com%00.evil/", "not_a_url"),
    ("http://exam\u{0}ple.com/", "not_a_url"),
];

const FRIENDLY: &[&str] = &[
    "https://example.com/hook",
    "http://example.com:8080/hook?x=1#part",
    "https://hooks.example.com./x",
    "https://münchen.example/haken",
    "https://example.com/a|b^c/[x]/\"q\"?z={}",
    "http://1.1.1.1/",
    "http://8.8.8.8:8000/",
    "http://9.255.255.255/",
    "http://11.0.0.0/",
    "http://100.63.255.255/",
    "http://100.128.0.0/",
    "http://172.15.255.255/",
    "http://172.32.0.0/",
    "http://192.0.1.1/",
    "http://198.17.255.255/",
    "http://198.20.0.0/",
    "http://223.255.255.255/",
    "http://168.63.129.17/",
    "http://[2606:4700::1111]/",
    "http://[2001:200::1]/",
    "http://[2001:4860:4860::8888]/",
    "http://[2a00:1450::1]:8443/",
    "http://[2620:4f:8001::1]/",
    "http://[3ffe::1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[64:ff9b::8.8.8.8]/",
    // Names are judged by what they resolve to.
    "http://localhost/",
    "http://127.0.0.1.nip.io/",
];

#[test]
fn hostile_urls_are_refused_by_the_rule_that_is_meant_for_them() {
    assert!(HOSTILE.len() >= 60);
    for (url, expected) in HOSTILE {
        assert_eq!(rule(&closed(), url), *expected, "{url:?}");
    }
    let odd = closed().parse_url("http://example.com\\@127.0.0.1:8080/..").unwrap();
    assert_eq!((odd.host(), odd.port(), odd.literal()), ("example.com", 80, None));
    let escaped = format!("http://example.com/{}", "ü".repeat(URL_MAX / 3));
    assert!(matches!(Guard::default().parse_url(&escaped), Err(Refused::Url(_))));
    let long = format!("http://example.com/{}", "x".repeat(URL_MAX));
    assert_eq!(rule(&closed(), &long), "not_a_url");
}

#[test]
fn ordinary_urls_pass_and_come_out_in_their_normal_form() {
    for url in FRIENDLY {
        assert_eq!(rule(&closed(), url), "allowed", "{url}");
    }
    let target = closed().parse_url("HTTP://EXAMPLE.com:80/a b?c#d").unwrap();
    assert_eq!(target.uri().to_string(), "http://example.com/a%20b?c");
    assert_eq!((target.host(), target.port()), ("example.com", 80));
    let v6 = closed().parse_url("https://[2606:4700::1111]/").unwrap();
    assert_eq!((v6.host(), v6.port()), ("2606:4700::1111", 443));
    assert_eq!(v6.literal(), Some("[2606:4700::1111]:443".parse().unwrap()));
}

#[test]
fn one_refused_address_among_good_ones_refuses_the_name() {
    let addrs = |list: &[&str]| list.iter().map(|a| a.parse().unwrap()).collect::<Vec<_>>();
    assert_eq!(closed().check_all(&addrs(&["8.8.8.8:80", "[2606:4700::1111]:80"])), Ok(()));
    for mixed in [
        ["8.8.8.8:80", "10.0.0.1:80"],
        ["127.0.0.1:80", "8.8.8.8:80"],
        ["[2606:4700::1111]:80", "[::ffff:192.168.0.1]:80"],
    ] {
        assert_eq!(closed().check_all(&addrs(&mixed)).unwrap_err().rule(), "closed_range");
    }
}

#[test]
fn the_operators_list_opens_exactly_what_it_names() {
    let text = "10.1.0.0/16, 192.168.7.5:8080,[fd12::1]:9000,fd34::/16,172.16.0.9,\
                172.20.0.0/16:8443,[fd56::/16]:9001";
    let guard = Guard::new(text).unwrap();
    for (url, expected) in [
        ("http://10.1.0.1/", "allowed"),
        ("http://10.1.255.255:9999/", "allowed"),
        ("http://10.2.0.1/", "closed_range"),
        ("http://[::ffff:10.1.0.1]/", "allowed"),
        ("http://[64:ff9b::10.1.0.1]/", "allowed"),
        ("http://192.168.7.5:8080/", "allowed"),
        ("http://192.168.7.5/", "closed_range"),
        ("http://192.168.7.6:8080/", "closed_range"),
        ("http://[fd12::1]:9000/", "allowed"),
        ("http://[fd12::1]/", "closed_range"),
        ("http://[fd12::2]:9000/", "closed_range"),
        ("http://[fd34:1::1]/", "allowed"),
        ("http://172.16.0.9/", "allowed"),
        ("http://172.16.0.10/", "closed_range"),
        ("http://172.20.3.4:8443/", "allowed"),
        ("http://172.20.3.4/", "closed_range"),
        ("http://[fd56::9]:9001/", "allowed"),
        ("http://127.0.0.1/", "closed_range"),
        ("http://10.1.0.1:22/", "port"),
    ] {
        assert_eq!(rule(&guard, url), expected, "{url}");
    }
}

#[test]
fn nothing_opens_what_is_never_allowed() {
    let everything = Guard::new("0.0.0.0/0,::/0").unwrap().with_loopback(true);
    assert_eq!(rule(&everything, "http://10.0.0.1/"), "allowed");
    assert_eq!(rule(&everything, "http://[fd12::1]/"), "allowed");
    for (url, expected) in HOSTILE.iter().filter(|(_, rule)| *rule == "never_allowed") {
        assert_eq!(rule(&everything, url), *expected, "{url}");
    }
    let named = Guard::new("169.254.169.254:80,168.63.129.16,[fd00:ec2::254]:80").unwrap();
    for url in ["http://169.254.169.254/", "http://168.63.129.16/", "http://[fd00:ec2::254]/"] {
        assert_eq!(rule(&named, url), "never_allowed", "{url}");
    }
}

#[test]
fn a_list_that_cannot_be_meant_is_refused() {
    for bad in [
        "10.0.0.0/33",
        "10.0.0",
        "localhost",
        "intranet.example:80",
        "10.0.0.1:0",
        "10.0.0.1:99999",
        "10.0.0.1:",
        "[fd12::1",
        "[fd12::1]9000",
        "[10.0.0.1]:80",
        "fd12::/200",
        "10.1.0.0/16;10.2.0.0/16",
    ] {
        let error = Guard::new(&format!("10.9.0.0/16,{bad}")).unwrap_err();
        assert_eq!(error, BadAllowNet(bad.to_owned()));
    }
    assert!(Guard::new(" , ,").unwrap().open.is_empty());
}

#[test]
fn development_opens_loopback_and_nothing_else() {
    let guard = closed().with_loopback(true);
    for url in
        ["http://127.0.0.1:8080/", "http://127.9.9.9/", "http://[::1]/", "http://2130706433/"]
    {
        assert_eq!(rule(&guard, url), "allowed", "{url}");
    }
    for (url, expected) in
        [("http://10.0.0.1/", "closed_range"), ("http://0.0.0.0:8080/", "never_allowed")]
    {
        assert_eq!(rule(&guard, url), expected, "{url}");
    }
}

#[test]
fn the_servers_own_address_is_refused_even_where_loopback_is_open() {
    let own = |addr: &str| closed().with_loopback(true).with_own([addr.parse().unwrap()]);
    let local = own("127.0.0.1:8000");
    for (url, expected) in [
        ("http://127.0.0.1:8000/", "own_address"),
        ("http://[::ffff:127.0.0.1]:8000/", "own_address"),
        ("http://127.0.0.1:8001/", "allowed"),
        ("http://127.0.0.2:8000/", "allowed"),
        ("http://[::1]:8000/", "allowed"),
    ] {
        assert_eq!(rule(&local, url), expected, "{url}");
    }
    for everywhere in ["0.0.0.0:8000", "[::]:8000"] {
        let guard = own(everywhere);
        for url in ["http://127.0.0.1:8000/", "http://127.0.0.2:8000/", "http://[::1]:8000/"] {
            assert_eq!(rule(&guard, url), "own_address", "{url}");
        }
        assert_eq!(rule(&guard, "http://127.0.0.1:8001/"), "allowed");
        assert_eq!(rule(&guard, "http://1.1.1.1:8000/"), "allowed");
    }
}

#[test]
fn whatever_lies_in_a_closed_range_is_refused_in_all_its_clothes() {
    // A fixed linear congruential sequence: the same 20,000 addresses on every run.
    let mut state: u64 = 42;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(state >> 32).unwrap()
    };
    for (net, what) in ranges::DENIED_V4 {
        for _ in 0..1000 {
            let host = next() & u32::from(net.hostmask());
            let ip = Ipv4Addr::from(u32::from(net.network()) | host);
            let [a, b, c, d] = ip.octets();
            for url in [
                format!("http://{ip}/"),
                format!("http://{}/", u32::from(ip)),
                format!("http://{:#x}/", u32::from(ip)),
                format!("http://0{a:o}.0{b:o}.{}/", u16::from_be_bytes([c, d])),
                format!("http://[::ffff:{ip}]/"),
                format!("http://[::{ip}]/"),
                format!("http://[64:ff9b::{ip}]/"),
                format!("http://[2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1]/"),
            ] {
                assert_ne!(rule(&closed(), &url), "allowed", "{url} ({what})");
            }
        }
    }
}

#[test]
fn an_ipv6_address_is_public_only_within_its_one_block() {
    for first in 0..=u16::MAX {
        let addr = SocketAddr::from((Ipv6Addr::new(first, 0xf300, 1, 1, 1, 1, 1, 1), 80));
        let public = first & 0xe000 == 0x2000 && first != 0x2002;
        assert_eq!(closed().check_addr(addr).is_ok(), public, "{addr}");
    }
}

#[test]
fn a_refusal_says_what_and_why_in_words() {
    let words = |url: &str| closed().parse_url(url).unwrap_err().to_string();
    assert_eq!(
        words("http://2130706433/"),
        "127.0.0.1 lies in 127.0.0.0/8 (this machine); WEBHOOK_ALLOW_NET can open it"
    );
    assert_eq!(
        words("http://169.254.169.254/"),
        "169.254.169.254 is never called (link-local, where clouds keep their metadata)"
    );
    assert_eq!(words("ftp://x/"), "must be http or https, not ftp");
    assert!(BAD_PORTS.is_sorted());
}
