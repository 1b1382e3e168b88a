//! What would become of a call to a URL: its addresses, and the rule that refuses each.

pub mod http;

use super::{
    address::{Guard, Refused},
    post::Poster,
};
use serde::Serialize;
use std::{net::IpAddr, time::Duration};

/// How long a name may take to resolve.
const WITHIN: Duration = Duration::from_secs(3);

/// What was found; every webhook to this URL is judged the same way, at each attempt.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    url: String,
    /// Whether it would be called now.
    allowed: bool,
    /// Whether it is a bin of this server, which is delivered to within the process.
    bin: bool,
    /// The rule that refuses the URL as it is written, before any name is looked up.
    rule: Option<&'static str>,
    /// The same in words.
    refused: Option<String>,
    /// Why the name has no address now: a delivery would fail and be tried again.
    unresolved: Option<String>,
    addresses: Vec<Address>,
}

/// One address behind the name.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Address {
    address: IpAddr,
    port: u16,
    /// The rule that refuses it; one that is refused refuses them all.
    rule: Option<&'static str>,
    /// The same in words.
    refused: Option<String>,
}

impl Found {
    /// Whether a webhook would be called there now.
    pub fn is_allowed(&self) -> bool {
        self.allowed
    }
}

/// Looks at a URL without calling it. Blocks for as long as a name takes to resolve.
pub fn look(guard: &Guard, poster: &Poster, url: &str) -> Found {
    let mut found = Found {
        url: url.to_owned(),
        allowed: false,
        bin: false,
        rule: None,
        refused: None,
        unresolved: None,
        addresses: Vec::new(),
    };
    let target = match guard.parse_url(url) {
        Ok(target) if target.bin().is_some() => {
            (found.allowed, found.bin) = (true, true);
            return found;
        }
        Ok(target) => target,
        Err(why) => {
            found.rule = Some(why.rule());
            let words = why.to_string();
            if let Refused::Denied { ip, .. } | Refused::Never { ip, .. } = why {
                let port = url::Url::parse(url).ok().and_then(|url| url.port_or_known_default());
                let refused = Some(words.clone());
                let port = port.unwrap_or_default();
                let rule = found.rule;
                found.addresses.push(Address { address: ip, port, rule, refused });
            }
            found.refused = Some(words);
            return found;
        }
    };
    match poster.look_up(&target, WITHIN) {
        Err(why) => found.unresolved = Some(why.to_string()),
        Ok(all) => {
            let judged = all.iter().map(|addr| {
                let refused = guard.check_addr(*addr).err();
                Address {
                    address: addr.ip(),
                    port: addr.port(),
                    rule: refused.as_ref().map(Refused::rule),
                    refused: refused.map(|why| why.to_string()),
                }
            });
            found.addresses = judged.collect();
            found.allowed = found.addresses.iter().all(|address| address.refused.is_none());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhooks::post::Settings;
    use std::sync::Arc;

    fn told(url: &str) -> (bool, Vec<(String, bool)>, bool) {
        let guard = Arc::new(Guard::new("10.1.0.0/16").unwrap());
        let names = |name: &str, _| match name {
            "mixed.example" => Ok(vec![[93, 184, 216, 34].into(), [10, 0, 0, 7].into()]),
            "good.example" => Ok(vec![[93, 184, 216, 34].into()]),
            _ => Err(std::io::Error::other("no such name")),
        };
        let poster = Poster::with_look_up(
            guard.clone(),
            &Settings::default(),
            Box::new(move |n| names(n, ())),
        )
        .unwrap();
        let found = look(&guard, &poster, url);
        let all = found.addresses.iter().map(|a| (a.address.to_string(), a.refused.is_some()));
        (found.allowed, all.collect(), found.unresolved.is_some())
    }

    #[test]
    fn every_address_comes_with_the_rule_that_refuses_it() {
        let address = |ip: &str, refused| (ip.to_owned(), refused);
        for (url, expected) in [
            ("https://good.example/", (true, vec![address("93.184.216.34", false)], false)),
            (
                "https://mixed.example/",
                (false, vec![address("93.184.216.34", false), address("10.0.0.7", true)], false),
            ),
            ("https://nowhere.example/", (false, vec![], true)),
            ("http://10.1.2.3/", (true, vec![address("10.1.2.3", false)], false)),
            ("http://0x7f.1/", (false, vec![address("127.0.0.1", true)], false)),
            ("http://169.254.169.254/", (false, vec![address("169.254.169.254", true)], false)),
            ("ftp://good.example/", (false, vec![], false)),
            ("http://good.example:25/", (false, vec![], false)),
        ] {
            assert_eq!(told(url), expected, "{url}");
        }
    }
}
