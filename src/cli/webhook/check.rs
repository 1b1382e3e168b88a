//! `deskbell webhook check`: where a URL leads, and which rule refuses it. Needs no server.

use crate::{
    app::{self, Mode},
    bins::Bins,
    cli::{
        say, serve,
        shown::{At as _, columns, say_json, word},
    },
    config::{Config, Flags, Surroundings, load},
    exit::{Exit, Failure},
    webhooks::{
        check,
        post::{self, Poster},
    },
};
use serde_json::Value;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// What to check.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The URL of a webhook
    url: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Checks it by the rules of the configuration at hand.
pub(super) fn run(args: &Args, flags: &Flags, around: &Surroundings) -> Result<(), Failure> {
    let loaded = load(flags, around)?;
    let mode = Mode { local: serve::is_local(&loaded), deliveries_paused: false };
    let guard = app::guard(&loaded.config, listens_at(&loaded.config), mode)?;
    let guard = Arc::new(guard.with_bins(loaded.config.public_url.clone(), Bins::default()));
    let poster = Poster::new(guard.clone(), &post::Settings::default())
        .map_err(|e| Failure::new(Exit::Config, e.to_string()))?;
    let found = check::look(&guard, &poster, &args.url);
    let shown = serde_json::to_value(&found).unwrap_or_default();
    if args.json {
        say_json(&shown)?;
    } else {
        say(&as_text(&shown))?;
        if loaded.config.webhook_proxy.is_some() {
            say("WEBHOOK_PROXY is set: the proxy looks names up itself and must guard them.\n")?;
        }
    }
    match found.is_allowed() {
        true => Ok(()),
        false => Err(Failure::new(Exit::Failed, "a webhook cannot go there")),
    }
}

/// Where the server listens, or would.
fn listens_at(config: &Config) -> SocketAddr {
    let ip = config.server_host.parse().unwrap_or(IpAddr::from([127, 0, 0, 1]));
    SocketAddr::new(ip, config.server_port)
}

fn as_text(found: &Value) -> String {
    if found.at("bin") == &Value::Bool(true) {
        return String::from("a bin of this server: delivered within the process\n");
    }
    if !found.at("unresolved").is_null() {
        return format!("{}\n", word(found.at("unresolved")));
    }
    let addresses = found.at("addresses").as_array().map(Vec::as_slice).unwrap_or_default();
    if addresses.is_empty() {
        return format!("refused ({}): it {}\n", word(found.at("rule")), word(found.at("refused")));
    }
    let row = |one: &Value| {
        let judged = if one.at("refused").is_null() { "allowed" } else { "refused" };
        let at = match word(one.at("address")) {
            v6 if v6.contains(':') => format!("[{v6}]:{}", one.at("port")),
            v4 => format!("{v4}:{}", one.at("port")),
        };
        vec![at, judged.into(), word(one.at("rule")), word(one.at("refused"))]
    };
    let rows: Vec<Vec<String>> = addresses.iter().map(row).collect();
    let mut text = columns(&["address", "", "rule", ""], &rows);
    let refused = rows.iter().filter(|row| row.iter().any(|word| word == "refused")).count();
    if (1..rows.len()).contains(&refused) {
        text.push_str("One that is refused refuses them all: the network chooses among them.\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_found_is_said_in_lines() {
        let address = |address: &str, rule: Value| {
            json!({ "address": address, "port": 443,
            "rule": rule, "refused": rule })
        };
        let mixed = json!({ "addresses": [address("93.184.216.34", Value::Null),
            address("fd00::1", json!("closed_range"))] });
        let text = as_text(&mixed);
        assert!(text.contains("93.184.216.34:443  allowed\n"), "{text}");
        assert!(text.contains("[fd00::1]:443      refused  closed_range"), "{text}");
        assert!(text.ends_with("chooses among them.\n"), "{text}");
        let scheme = json!({ "rule": "scheme", "refused": "must be http", "addresses": [] });
        assert_eq!(as_text(&scheme), "refused (scheme): it must be http\n");
        assert_eq!(as_text(&json!({ "unresolved": "name not found" })), "name not found\n");
        assert!(as_text(&json!({ "bin": true })).starts_with("a bin of this server"));
    }
}
