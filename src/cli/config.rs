//! `deskbell config`: shows, checks and explains the configuration.

use super::say;
use crate::{
    config::{
        Flags, KEYS, Key, Loaded, Surroundings, Use, folder,
        keys::{find, of_use},
        load,
    },
    exit::{Exit, Failure},
};
use clap::Subcommand;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print every setting; secrets are not printed
    Show {
        /// Also print where each one is set
        #[arg(long)]
        origin: bool,
        /// As JSON, always with the origins
        #[arg(long)]
        json: bool,
    },
    /// Say whether the configuration can be used; exit code 0 or 78
    Check,
    /// Print an .env file with every key, its default and a sentence on it
    Example,
    /// Explain one key
    Explain {
        /// The name of the key, in capitals or not
        key: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// What stands for a secret that is set.
const HIDDEN: &str = "[secret]";

/// Runs one of them.
pub(super) fn run(command: Command, flags: &Flags, around: &Surroundings) -> Result<(), Failure> {
    match command {
        Command::Show { origin, json } => {
            let rows = rows(&load(flags, around)?, around);
            say(&if json { rows_as_json(&rows) } else { rows_as_text(&rows, origin) })
        }
        Command::Check => say(&check(&load(flags, around)?, around)?),
        Command::Example => say(&example()),
        Command::Explain { key, json } => say(&explain(&key, json)?),
    }
}

struct Row {
    name: &'static str,
    /// `None` for a secret that is set.
    value: Option<String>,
    origin: String,
}

/// Every setting as it is; for the data folder, the one that would be taken.
fn rows(loaded: &Loaded, around: &Surroundings) -> Vec<Row> {
    let mut rows: Vec<_> = loaded
        .settings
        .iter()
        .map(|setting| Row {
            name: setting.key.name,
            value: setting.text.clone(),
            origin: setting.origin.to_string(),
        })
        .collect();
    rows.sort_by_key(|row| KEYS.iter().position(|key| key.name == row.name));
    let data_dir = rows.iter_mut().find(|row| row.name == "DESKBELL_DATA_DIR");
    if let (Some(row), Ok(choice)) = (data_dir, folder::choose(loaded, around)) {
        row.value = Some(choice.path.display().to_string());
        row.origin = choice.reason.to_string();
    }
    rows
}

fn rows_as_text(rows: &[Row], with_origin: bool) -> String {
    let mut text = String::new();
    for row in rows {
        let line = format!("{}={}", row.name, row.value.as_deref().unwrap_or(HIDDEN));
        if with_origin {
            writeln!(text, "{line:<48} # {}", row.origin).ok();
        } else {
            writeln!(text, "{line}").ok();
        }
    }
    text
}

fn rows_as_json(rows: &[Row]) -> String {
    let all: Map<String, Value> = rows
        .iter()
        .map(|row| {
            let secret = row.value.is_none();
            let about = json!({ "value": row.value, "secret": secret, "origin": row.origin });
            (row.name.to_owned(), about)
        })
        .collect();
    format!("{:#}\n", Value::Object(all))
}

fn check(loaded: &Loaded, around: &Surroundings) -> Result<String, Failure> {
    let choice = folder::choose(loaded, around)?;
    let mut text = match &loaded.env_file {
        Some(path) => format!("read {}\n", path.display()),
        None => String::from("no .env file\n"),
    };
    writeln!(text, "data folder {} ({})", choice.path.display(), choice.reason).ok();
    for notice in &loaded.notices {
        writeln!(text, "{}: {}", notice.level.as_str().to_lowercase(), notice.message).ok();
    }
    text.push_str("the configuration can be used\n");
    Ok(text)
}

fn example() -> String {
    let mut text = String::from(
        "# Deskbell. Take away the `# ` before a key to set it; the value shown is the default.\n",
    );
    for key in of_use(Use::Setting) {
        write!(
            text,
            "\n# {}\n# Allowed: {}.\n# {}={}\n",
            key.help, key.allowed, key.name, key.default
        )
        .ok();
    }
    text
}

fn explain(name: &str, as_json: bool) -> Result<String, Failure> {
    let Some(key) = find(name.trim()) else {
        let message = format!(
            "there is no key {name:?}; `deskbell config example` lists all of them{}",
            nearest(name).map_or_else(String::new, |key| format!(". Did you mean {}?", key.name))
        );
        return Err(Failure::new(Exit::Usage, message));
    };
    Ok(if as_json { explained_as_json(key) } else { explained(key) })
}

fn explained(key: &Key) -> String {
    let mut text = format!("{}\n{}\n", key.name, key.help);
    if key.usage != Use::Setting {
        return text;
    }
    let default = if key.default.is_empty() { "nothing" } else { key.default };
    writeln!(text, "\nDefault: {default}\nAllowed: {}", key.allowed).ok();
    let flag = key.flag.map_or_else(String::new, |flag| format!("{flag}, else "));
    writeln!(
        text,
        "Set by:  {flag}{0} in the environment, else the file that {0}_FILE names, else .env",
        key.name
    )
    .ok();
    if key.secret {
        text.push_str("It is a secret: it is never shown.\n");
    }
    text
}

fn explained_as_json(key: &Key) -> String {
    let usage = match key.usage {
        Use::Setting => "setting",
        Use::Ignored => "ignored",
        Use::NotYet => "not_yet",
    };
    let about = json!({
        "key": key.name, "help": key.help, "default": key.default, "allowed": key.allowed,
        "flag": key.flag, "secret": key.secret, "use": usage,
    });
    format!("{about:#}\n")
}

/// The key that shares the longest beginning or ending with a mistyped one, three letters at least.
fn nearest(name: &str) -> Option<&'static Key> {
    let name = name.trim().to_ascii_uppercase();
    let shared = |key: &Key| {
        let head = name.bytes().zip(key.name.bytes()).take_while(|(a, b)| a == b).count();
        let tail =
            name.bytes().rev().zip(key.name.bytes().rev()).take_while(|(a, b)| a == b).count();
        head + tail
    };
    KEYS.iter().max_by_key(|key| shared(key)).filter(|key| shared(key) >= 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{Temp, around};

    #[test]
    fn what_is_shown_has_values_and_origins_and_no_secret() {
        let temp = Temp::new();
        let secret = "9f86d081884c7d659a2feaa0c55ad015";
        let around = around(
            &temp,
            &[("JWT_SECRET", secret), ("SERVER_PORT", "9000"), ("DESKBELL_DATA_DIR", "/data")],
        );
        let rows = rows(&load(&Flags::default(), &around).unwrap(), &around);
        let text = rows_as_text(&rows, true);
        let json = rows_as_json(&rows);
        assert!(!text.contains(secret) && !json.contains(secret));
        let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap();
        assert!(line("SERVER_PORT=9000").ends_with("# environment"));
        assert!(line("JWT_SECRET=[secret]").ends_with("# environment"));
        assert!(line("JWT_SECRET_PREVIOUS= ").ends_with("# default"));
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["DESKBELL_DATA_DIR"]["value"], "/data");
        assert_eq!(
            json["JWT_SECRET"],
            json!({"value": null, "secret": true, "origin": "environment"})
        );
        assert!(!rows_as_text(&rows, false).contains('#'));
    }

    #[test]
    fn the_example_is_itself_a_configuration_that_changes_nothing() {
        let temp = Temp::new();
        let keys: Vec<_> = of_use(Use::Setting).map(|key| key.name).collect();
        let live: Vec<_> = example()
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .filter(|line| keys.iter().any(|key| line.starts_with(&format!("{key}="))))
            .map(str::to_owned)
            .collect();
        assert_eq!(live.len(), keys.len());
        std::fs::write(temp.path().join(".env"), live.join("\n")).unwrap();
        let around = around(&temp, &[]);
        let loaded = load(&Flags::default(), &around).unwrap();
        assert!(loaded.notices.is_empty());
        for setting in &loaded.settings {
            assert_eq!(setting.text.as_deref(), Some(setting.key.default), "{}", setting.key.name);
        }
    }

    #[test]
    fn a_check_names_the_file_the_folder_and_what_is_worth_knowing() {
        let temp = Temp::new();
        std::fs::write(temp.path().join(".env"), "TLS_CERT=x\nDESKBELL_DATA_DIR=/data\n").unwrap();
        let around = around(&temp, &[]);
        let text = check(&load(&Flags::default(), &around).unwrap(), &around).unwrap();
        assert!(text.contains("data folder /data (") && text.contains(".env:2)"), "{text}");
        assert!(text.contains("warn: TLS_CERT from "), "{text}");
    }

    #[test]
    fn every_key_is_explained_and_a_mistyped_one_is_guessed() {
        for key in KEYS {
            assert!(explain(key.name, false).unwrap().contains(key.help));
            let json: Value = serde_json::from_str(&explain(key.name, true).unwrap()).unwrap();
            assert_eq!(json["key"], key.name);
        }
        assert!(explain("server_port", false).unwrap().contains("--port, else SERVER_PORT"));
        let failure = explain("SERVER_PROT", false).unwrap_err();
        assert_eq!(failure.code, Exit::Usage);
        assert!(failure.message.ends_with("Did you mean SERVER_PORT?"), "{failure}");
        assert!(!explain("xyz", false).unwrap_err().message.contains("mean"));
    }
}
