//! Which hosts we answer to, and whose pages may call.

use super::Settings;
use crate::error::Error;
use axum::http::{HeaderMap, Uri, header};
use std::net::IpAddr;

/// The host a request names, without its port, in lower case.
fn host_of(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let named = match headers.get(header::HOST) {
        Some(value) => value.to_str().ok()?.to_owned(),
        None => uri.authority()?.to_string(),
    };
    let (host, port) = match named.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => named.split_at(named.find(':').unwrap_or(named.len())),
    };
    let is_port = |port: &str| port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    if !(port.is_empty() || port.strip_prefix(':').is_some_and(is_port)) {
        return None;
    }
    Some(host.trim_end_matches('.').to_ascii_lowercase())
}

/// A page that rebinds its own name to our address gets nowhere: we answer to IP addresses,
/// `localhost`, and the names the operator gave.
///
/// # Errors
/// [`Error::Misdirected`] for any other name, [`Error::Malformed`] for none and for several.
pub fn check_host(uri: &Uri, headers: &HeaderMap, settings: &Settings) -> Result<(), Error> {
    // RFC 9112 §3.2: a proxy before us may have believed the other one.
    if headers.get_all(header::HOST).iter().nth(1).is_some() {
        return Err(Error::Malformed("more than one Host header".into()));
    }
    let host = host_of(uri, headers).ok_or_else(|| Error::Malformed("no Host header".into()))?;
    let known = host == "localhost"
        || host.parse::<IpAddr>().is_ok()
        || settings.hosts.contains(&host)
        || settings.public_url.as_deref().is_some_and(|url| authority(url).0 == host);
    if known { Ok(()) } else { Err(Error::Misdirected) }
}

/// What a request says about the page it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// One of our pages, or one that the operator allowed.
    Own,
    /// Somebody else's page.
    Foreign,
    /// Nothing: a program, or a browser that hides it.
    Unknown,
}

/// Judges `Origin`, and `Sec-Fetch-Site` where there is none.
pub fn of(headers: &HeaderMap, settings: &Settings) -> Origin {
    if let Some(origin) = headers.get(header::ORIGIN) {
        let own = origin.to_str().is_ok_and(|origin| is_allowed(origin, headers, settings));
        return if own { Origin::Own } else { Origin::Foreign };
    }
    match headers.get("sec-fetch-site").map(|v| v.as_bytes()) {
        Some(b"same-origin" | b"none") => Origin::Own,
        Some(_) => Origin::Foreign,
        None => Origin::Unknown,
    }
}

/// The page's origin, in lower case, when the request names one that is somebody else's.
pub fn foreign(headers: &HeaderMap, settings: &Settings) -> Option<String> {
    let origin = headers.get(header::ORIGIN)?;
    (of(headers, settings) == Origin::Foreign)
        .then(|| String::from_utf8_lossy(origin.as_bytes()).to_ascii_lowercase())
}

fn is_allowed(origin: &str, headers: &HeaderMap, settings: &Settings) -> bool {
    let own_host = headers.get(header::HOST).and_then(|v| v.to_str().ok());
    let same_host = own_host.is_some_and(|host| {
        origin.split_once("://").is_some_and(|(_, o)| o.eq_ignore_ascii_case(host))
    });
    same_host || is_listed(origin, settings)
}

/// Whether pages of this origin may call from elsewhere (CORS): public URL, the operator's list,
/// and in demo and development any page on localhost.
pub fn is_listed(origin: &str, settings: &Settings) -> bool {
    let same = |known: &String| known.eq_ignore_ascii_case(origin);
    let (host, scheme) = authority(origin);
    settings.origins.iter().any(same)
        || settings.public_url.as_ref().is_some_and(same)
        || (settings.localhost_origins
            && matches!(scheme, "http" | "https")
            && matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1"))
}

/// The host and the scheme of a URL or origin.
fn authority(url: &str) -> (String, &str) {
    let Some((scheme, rest)) = url.split_once("://") else { return (String::new(), "") };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => authority.split(':').next(),
    };
    (host.unwrap_or_default().to_ascii_lowercase(), scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect()
    }

    fn settings() -> Settings {
        Settings {
            hosts: vec!["desk.lan".into()],
            public_url: Some("https://desk.example.com".into()),
            origins: vec!["https://app.example.com".into()],
            ..Settings::default()
        }
    }

    #[test]
    fn only_our_own_names_are_answered() {
        let asked = |host: &str| {
            check_host(&Uri::from_static("/"), &headers(&[("host", host)]), &settings()).is_ok()
        };
        for good in [
            "localhost",
            "localhost:8000",
            "127.0.0.1:8000",
            "[::1]:8000",
            "10.1.2.3",
            "DESK.lan",
            "desk.example.com",
            "desk.example.com.:443",
        ] {
            assert!(asked(good), "{good}");
        }
        for bad in ["localhost:evil.example", "127.0.0.1:80@evil.example", "[::1]evil.example"] {
            assert!(!asked(bad), "{bad}");
        }
        for bad in
            ["evil.example", "localhost.evil.example", "desk.lan.evil", "app.example.com", ""]
        {
            assert!(!asked(bad), "{bad}");
        }
        let none = check_host(&Uri::from_static("/"), &HeaderMap::new(), &settings());
        assert!(matches!(none, Err(Error::Malformed(_))));
        let mut two = headers(&[("host", "localhost")]);
        two.append("host", "localhost".parse().unwrap());
        let two = check_host(&Uri::from_static("/"), &two, &settings());
        assert!(matches!(two, Err(Error::Malformed(_))));
    }

    #[test]
    fn origins_are_own_listed_or_foreign() {
        let at = |pairs: &[(&'static str, &str)]| of(&headers(pairs), &settings());
        let host = ("host", "127.0.0.1:8000");
        assert_eq!(at(&[host, ("origin", "http://127.0.0.1:8000")]), Origin::Own);
        assert_eq!(at(&[host, ("origin", "https://app.example.com")]), Origin::Own);
        assert_eq!(at(&[host, ("origin", "https://evil.example")]), Origin::Foreign);
        assert_eq!(at(&[host, ("origin", "http://127.0.0.1:9000")]), Origin::Foreign);
        assert_eq!(at(&[host, ("origin", "null")]), Origin::Foreign);
        assert_eq!(at(&[host, ("sec-fetch-site", "same-origin")]), Origin::Own);
        assert_eq!(at(&[host, ("sec-fetch-site", "cross-site")]), Origin::Foreign);
        assert_eq!(at(&[host]), Origin::Unknown);
        assert!(!is_listed("http://localhost:3000", &settings()));
        let demo = Settings { localhost_origins: true, ..settings() };
        assert!(is_listed("http://localhost:3000", &demo));
        assert!(!is_listed("http://localhost.evil.example", &demo));
    }
}
