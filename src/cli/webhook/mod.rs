//! `deskbell webhook`: webhooks of a running server, and two checks that need none.

mod check;
mod replay;
mod verify;

use super::{
    remote::{Remote, ServerArgs},
    say,
    shown::{At as _, columns, cut, say_json, word},
};
use crate::{
    config::{Flags, Surroundings},
    exit::{Exit, Failure},
};
use clap::Subcommand;
use serde_json::{Value, json};

/// Widest text in a column, characters.
const COLUMN_MAX: usize = 60;

/// A webhook of a server.
#[derive(Debug, clap::Args)]
pub struct One {
    /// Its number
    id: i64,
    #[command(flatten)]
    at: ServerArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What to do with webhooks.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List them
    List {
        /// Where
        #[command(flatten)]
        at: ServerArgs,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Send one a test, now; exit code 1 when it does not arrive
    Test(One),
    /// List the tries to deliver to one, the newest first
    Logs {
        /// Which
        #[command(flatten)]
        one: One,
        /// Only these: delivered, waiting or failed
        #[arg(long)]
        state: Option<String>,
        /// Only this kind of event
        #[arg(long)]
        event: Option<String>,
        /// How many, at most 200
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Count what became of deliveries to one
    Stats(One),
    /// Set deliveries to one aside until it is resumed
    Pause(One),
    /// Deliver to one again
    Resume(One),
    /// Have what failed or was set aside sent again, and watch how far that came
    Replay(replay::Args),
    /// Check the signatures of a captured request
    Verify(verify::Args),
    /// Say where a URL leads and whether this server's rules let a webhook go there
    Check(check::Args),
}

/// Runs one of them.
pub(super) fn run(command: Command, flags: &Flags, around: &Surroundings) -> Result<(), Failure> {
    match command {
        Command::List { at, json } => list(&at.connect()?, json),
        Command::Test(one) => test(&one),
        Command::Logs { one, state, event, limit } => {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("limit", &limit.to_string());
            query.extend_pairs(state.map(|state| ("state", state)));
            query.extend_pairs(event.map(|event| ("event", event)));
            logs(&one, &query.finish())
        }
        Command::Stats(one) => stats(&one),
        Command::Pause(one) => switch(&one, false),
        Command::Resume(one) => switch(&one, true),
        Command::Replay(args) => replay::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Check(args) => check::run(&args, flags, around),
    }
}

fn rows(data: &Value, row: impl Fn(&Value) -> Vec<String>) -> Vec<Vec<String>> {
    data.as_array().into_iter().flatten().map(row).collect()
}

fn short(value: &Value) -> String {
    cut(&word(value), COLUMN_MAX)
}

fn list(remote: &Remote, json: bool) -> Result<(), Failure> {
    let data = remote.get("/webhooks")?.data;
    if json {
        return say_json(&data);
    }
    let rows = rows(&data, |hook| {
        let state = if hook.at("is_active") == &Value::Bool(true) { "active" } else { "paused" };
        let failures = word(hook.at("failure_streak"));
        let (id, last) = (word(hook.at("id")), word(hook.at("last_status")));
        let rest = [short(hook.at("name")), short(hook.at("events")), short(hook.at("url"))];
        [id, state.into(), failures, last].into_iter().chain(rest).collect()
    });
    say(&columns(&["id", "state", "failures", "last", "name", "events", "url"], &rows))
}

fn test(one: &One) -> Result<(), Failure> {
    let remote = one.at.connect()?;
    let data = remote.post(&format!("/webhooks/{}/test", one.id), &json!({}))?.data;
    let arrived = data.at("success") == &Value::Bool(true);
    if one.json {
        say_json(&data)?;
    } else {
        let ms = word(data.at("response_time_ms"));
        let what = match data.at("http_status").as_u64() {
            Some(status) => format!("answered {status} in {ms} ms"),
            None => word(data.at("error")),
        };
        let begins = if arrived { "it arrived" } else { "it did not arrive" };
        say(&format!("{begins}: {what} (delivery {})\n", word(data.at("delivery_id"))))?;
    }
    match arrived {
        true => Ok(()),
        false => Err(Failure::new(Exit::Failed, format!("the test of webhook {} failed", one.id))),
    }
}

fn logs(one: &One, query: &str) -> Result<(), Failure> {
    let remote = one.at.connect()?;
    let data = remote.get(&format!("/webhooks/{}/logs?{query}", one.id))?.data;
    if one.json {
        return say_json(&data);
    }
    let rows = rows(&data, |row| {
        let answer = match row.at("http_status") {
            Value::Null => String::from("-"),
            status => word(status),
        };
        vec![
            word(row.at("created_at")),
            word(row.at("delivery_id")),
            word(row.at("event")),
            word(row.at("attempt")),
            word(row.at("state")),
            answer,
            word(row.at("response_time_ms")),
            short(row.at("error")),
        ]
    });
    let head = ["time", "delivery", "event", "try", "state", "answer", "ms", "error"];
    say(&columns(&head, &rows))
}

fn stats(one: &One) -> Result<(), Failure> {
    let data = one.at.connect()?.get(&format!("/webhooks/{}/stats", one.id))?.data;
    if one.json {
        return say_json(&data);
    }
    let fields = data.as_object().into_iter().flatten();
    let rows: Vec<Vec<String>> = fields
        .filter(|(_, value)| !value.is_object() && !value.is_array())
        .map(|(name, value)| vec![name.replace('_', " "), word(value)])
        .collect();
    say(&columns(&["what", "now"], &rows))
}

fn switch(one: &One, is_active: bool) -> Result<(), Failure> {
    let remote = one.at.connect()?;
    let wish = json!({ "is_active": is_active });
    let data = remote.patch(&format!("/webhooks/{}", one.id), &wish)?.data;
    if one.json {
        return say_json(&data);
    }
    let state = if data.at("is_active") == &Value::Bool(true) { "active" } else { "paused" };
    say(&format!("webhook {} ({}) is {state}\n", one.id, word(data.at("name"))))
}
