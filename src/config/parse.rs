//! Turns the text of a setting into its value. Pure functions; an error says what the text is not.

use ipnet::IpNet;
use std::{net::IpAddr, num::NonZeroU32, ops::RangeInclusive, path::PathBuf, str::FromStr};
use url::{Host, Url};

/// The longest e-mail address, in bytes (RFC 5321, 4.5.3.1.3, without the angle brackets).
const EMAIL_MAX: usize = 254;

/// A whole number within `range`.
pub(super) fn number<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String>
where
    T: FromStr + PartialOrd,
{
    move |text| {
        // `+8` is a number to Rust and a slip of the finger here.
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(String::from("is not a whole number"));
        }
        match text.parse() {
            Ok(value) if range.contains(&value) => Ok(value),
            _ => Err(String::from("is out of range")),
        }
    }
}

/// An optional setting: whatever `parse` makes of it, as `Some`.
pub(super) fn some<T>(
    parse: impl Fn(&str) -> Result<T, String>,
) -> impl Fn(&str) -> Result<Option<T>, String> {
    move |text| parse(text).map(Some)
}

/// Days that something is kept: 0 for ever, else no fewer than 30.
pub(super) fn keep_days(text: &str) -> Result<u32, String> {
    if text == "0" { Ok(0) } else { number(30..=36_500)(text) }
}

/// The text as it is.
pub(super) fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// `off`, or a rate a second.
pub(super) fn rate(text: &str) -> Result<Option<NonZeroU32>, String> {
    if text == "off" {
        return Ok(None);
    }
    number(1..=1_000_000)(text).map(NonZeroU32::new)
}

/// A host name or IP address without a port, in lower case and without the brackets of IPv6.
pub(super) fn host(text: &str) -> Result<String, String> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Ok(address) = inner.unwrap_or(text).parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    let name = text.to_ascii_lowercase();
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    // A name that ends in a number is a mistyped IPv4 address (WHATWG URL, "ends in a number").
    let numeric =
        name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    if name.len() <= 253 && !numeric && name.split('.').all(label) {
        Ok(name)
    } else {
        Err(String::from("is not a host"))
    }
}

/// Items separated by commas or spaces; `none` is an empty list.
pub(super) fn list<T>(
    item: impl Fn(&str) -> Result<T, String>,
) -> impl Fn(&str) -> Result<Vec<T>, String> {
    move |text| {
        if text == "none" {
            return Ok(Vec::new());
        }
        text.split([',', ' ', '\t'])
            .filter(|part| !part.is_empty())
            .map(|part| item(part).map_err(|why| format!("has an item that {why}")))
            .collect()
    }
}

/// A network in CIDR notation, or a single address.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    match text.parse::<IpNet>() {
        Ok(net) => Ok(net.trunc()),
        Err(_) => text
            .parse::<IpAddr>()
            .map(IpNet::from)
            .map_err(|_| String::from("is neither an address nor a network")),
    }
}

/// A web origin, written as browsers send it: `scheme://host[:port]`, lower case, no default port.
pub(super) fn origin(text: &str) -> Result<String, String> {
    if text == "*" {
        return Err(String::from("is `*`; every origin has to be named"));
    }
    base_url(text).map(|url| url.origin().ascii_serialization())
}

/// An `http` or `https` URL of nothing but a host and perhaps a port.
pub(super) fn base_url(text: &str) -> Result<Url, String> {
    let url = web_url(text)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(String::from("has a user name or password"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(String::from("has something after the host"));
    }
    Ok(url)
}

/// An `http` or `https` URL with a host.
pub(super) fn web_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is not a URL ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(String::from("is neither http nor https"));
    }
    match url.host() {
        Some(Host::Domain("")) | None => Err(String::from("has no host")),
        Some(_) => Ok(url),
    }
}

/// A path. `~` is a shell's abbreviation that nobody expands here; taken literally it would make a
/// folder of that name.
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text == "~" || text.starts_with("~/") {
        return Err(String::from("begins with `~`, which is not expanded: write the whole path"));
    }
    Ok(PathBuf::from(text))
}

/// The path of a file that is there.
pub(super) fn existing_file(text: &str) -> Result<PathBuf, String> {
    let file = path(text)?;
    match file.metadata() {
        Ok(meta) if meta.is_dir() => Err(String::from("is a folder")),
        Ok(_) => Ok(file),
        Err(error) => Err(format!("cannot be used: {error}")),
    }
}

/// Something that can be an e-mail address; whether it is one, only a message would tell.
pub(super) fn email(text: &str) -> Result<String, String> {
    let looks_right = text.len() <= EMAIL_MAX
        && !text.contains(|c: char| c.is_whitespace())
        && text.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty() && !domain.is_empty() && !domain.contains('@')
        });
    if looks_right { Ok(text.to_owned()) } else { Err(String::from("is not an e-mail address")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_normalised_and_everything_else_is_refused() {
        for (good, want) in [
            ("0.0.0.0", "0.0.0.0"),
            ("::1", "::1"),
            ("[::1]", "::1"),
            ("LocalHost", "localhost"),
            ("desk.example.com", "desk.example.com"),
            ("my_host", "my_host"),
        ] {
            assert_eq!(host(good).as_deref(), Ok(want));
        }
        for bad in [
            "",
            "a b",
            "localhost:80",
            "http://x",
            "1.2.3",
            "256.1.1.1",
            "*.x.org",
            "a..b",
            "-a",
            "[::1]:80",
            "[x]",
            "x/y",
        ] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn networks_may_be_single_addresses() {
        let nets = list(network)("10.1.2.3/8, 192.168.0.1 ,::1").unwrap();
        let shown: Vec<_> = nets.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.0/8", "192.168.0.1/32", "::1/128"]);
        assert_eq!(list(network)("none"), Ok(vec![]));
        for bad in ["10.0.0.0/33", "localhost", "10.0.0", "*"] {
            assert!(list(network)(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        for (good, want) in [
            ("https://App.Example.com", "https://app.example.com"),
            ("https://app.example.com:443/", "https://app.example.com"),
            ("http://localhost:5173", "http://localhost:5173"),
        ] {
            assert_eq!(origin(good).as_deref(), Ok(want));
        }
        for bad in [
            "*",
            "null",
            "app.example.com",
            "ws://x",
            "https://x/y",
            "https://u:p@x",
            "https://x?y",
        ] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_are_digits_within_their_range() {
        let port = number(0..=u16::MAX);
        assert_eq!((port("0"), port("65535")), (Ok(0), Ok(65535)));
        for bad in ["65536", "-1", "+1", "8e3", "0x10", "8_000", "80.0", "99999999999999999999"] {
            assert!(port(bad).is_err(), "{bad}");
        }
        assert_eq!(rate("off"), Ok(None));
        assert_eq!(rate("20"), Ok(NonZeroU32::new(20)));
        assert!(rate("0").is_err() && rate("20/s").is_err());
    }

    #[test]
    fn addresses_of_people_and_paths_are_checked_for_slips() {
        for bad in ["", "a", "@b", "a@", "a b@c", "a@b@c"] {
            assert!(email(bad).is_err(), "{bad}");
        }
        assert_eq!(email("admin@example.com").as_deref(), Ok("admin@example.com"));
        assert!(path("~/data").is_err() && path("/data/~x").is_ok());
        assert!(existing_file("/no/such/file.pem").is_err());
    }
}
