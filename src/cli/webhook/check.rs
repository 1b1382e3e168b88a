//! `deskbell webhook check`: where a URL leads, and which rule refuses it. Needs no server.

use crate::{
    app::{self, Mode},
    bins::Bins,
    cli::{
        say, serve,
        shown::{columns, plain, say_json},
    },
    config::{Config, Flags, Surroundings, load},
    exit::{Exit, Failure},
    webhooks::{
        address::{Guard, Refused},
        post::{self, Poster},
    },
};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

/// How long the name may take to resolve.
const LOOK_UP_WITHIN: Duration = Duration::from_secs(5);

/// What to check.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The URL of a webhook
    url: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What was found out about a URL.
#[derive(Debug)]
struct Found {
    addresses: Vec<(SocketAddr, Result<(), Refused>)>,
    /// Why it cannot be called, whatever its addresses are.
    problem: Option<(&'static str, String)>,
}

impl Found {
    fn is_good(&self) -> bool {
        self.problem.is_none() && self.addresses.iter().all(|(_, judged)| judged.is_ok())
    }
}

/// Checks it by the rules of the configuration at hand.
pub(super) fn run(args: &Args, flags: &Flags, around: &Surroundings) -> Result<(), Failure> {
    let loaded = load(flags, around)?;
    let mode = Mode { local: serve::is_local(&loaded), deliveries_paused: false };
    let guard = app::guard(&loaded.config, listens_at(&loaded.config), mode)?;
    let guard = Arc::new(guard.with_bins(loaded.config.public_url.clone(), Bins::default()));
    let poster = Poster::new(guard.clone(), &post::Settings::default())
        .map_err(|e| Failure::new(Exit::Config, e.to_string()))?;
    let found = look(&args.url, &guard, &poster);
    if args.json {
        say_json(&as_json(&args.url, &found))?;
    } else {
        say(&as_text(&found))?;
    }
    if loaded.config.webhook_proxy.is_some() && !args.json {
        say("WEBHOOK_PROXY is set: the proxy looks names up itself and must guard them.\n")?;
    }
    match found.is_good() {
        true => Ok(()),
        false => Err(Failure::new(Exit::Failed, "a webhook cannot go there")),
    }
}

/// Where the server listens, or would.
fn listens_at(config: &Config) -> SocketAddr {
    let ip = config.server_host.parse().unwrap_or(IpAddr::from([127, 0, 0, 1]));
    SocketAddr::new(ip, config.server_port)
}

fn look(url: &str, guard: &Guard, poster: &Poster) -> Found {
    let problem = |rule, why: String| Found { addresses: Vec::new(), problem: Some((rule, why)) };
    let target = match guard.parse_url(url) {
        Ok(target) if target.bin().is_some() => {
            return Found { addresses: Vec::new(), problem: None };
        }
        Ok(target) => target,
        Err(refused) => return problem(refused.rule(), refused.to_string()),
    };
    match poster.look_up(&target, LOOK_UP_WITHIN) {
        Ok(addresses) => {
            let judged = |address| (address, guard.check_addr(address));
            Found { addresses: addresses.into_iter().map(judged).collect(), problem: None }
        }
        Err(failure) => problem(failure.word(), failure.to_string()),
    }
}

fn as_json(url: &str, found: &Found) -> Value {
    let rule = |judged: &Result<(), Refused>| judged.as_ref().err().map(Refused::rule);
    let why = |judged: &Result<(), Refused>| judged.as_ref().err().map(ToString::to_string);
    let addresses: Vec<Value> = found
        .addresses
        .iter()
        .map(|(at, judged)| {
            json!({ "address": at.to_string(), "allowed": judged.is_ok(), "rule": rule(judged),
                "why": why(judged) })
        })
        .collect();
    json!({
        "url": url,
        "allowed": found.is_good(),
        "rule": found.problem.as_ref().map(|(rule, _)| rule),
        "why": found.problem.as_ref().map(|(_, why)| why),
        "addresses": addresses,
    })
}

fn as_text(found: &Found) -> String {
    if let Some((rule, why)) = &found.problem {
        return format!("refused ({rule}): {}\n", plain(why));
    }
    if found.addresses.is_empty() {
        return String::from("a bin of this server: delivered within the process\n");
    }
    let rows: Vec<Vec<String>> = found
        .addresses
        .iter()
        .map(|(at, judged)| match judged {
            Ok(()) => vec![at.to_string(), "allowed".into(), String::new()],
            Err(why) => {
                vec![at.to_string(), "refused".into(), format!("{}: {why}", why.rule())]
            }
        })
        .collect();
    let mut text = columns(&["address", "", "rule"], &rows);
    if found.addresses.iter().any(|(_, judged)| judged.is_ok()) && !found.is_good() {
        text.push_str(
            "One refused address refuses them all: which is called is the network's choice.\n",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_is_judged_and_a_bad_url_says_by_which_rule() {
        let guard = Arc::new(Guard::new("").unwrap());
        let look_up = Box::new(|name: &str| match name {
            "mixed.test" => Ok(["93.184.216.34", "10.0.0.1"].map(|a| a.parse().unwrap()).to_vec()),
            _ => Err(std::io::Error::other("no such name")),
        });
        let poster =
            Poster::with_look_up(guard.clone(), &post::Settings::default(), look_up).unwrap();
        let found = look("https://mixed.test/hook", &guard, &poster);
        let json = as_json("x", &found);
        assert_eq!((found.is_good(), &json["allowed"]), (false, &json!(false)));
        assert_eq!(json["addresses"][0]["allowed"], true);
        assert_eq!(json["addresses"][1]["rule"], "closed_range");
        assert!(as_text(&found).contains("refuses them all"), "{}", as_text(&found));
        for (url, rule) in [
            ("ftp://a.test", "scheme"),
            ("http://169.254.169.254/", "never_allowed"),
            ("http://10.0.0.1/", "closed_range"),
            ("https://lost.test/", "dns"),
        ] {
            let found = look(url, &guard, &poster);
            assert_eq!(as_json(url, &found)["rule"], rule, "{url}");
            assert!(as_text(&found).starts_with(&format!("refused ({rule})")), "{url}");
        }
        assert!(look("https://93.184.216.34/", &guard, &poster).is_good());
    }
}
