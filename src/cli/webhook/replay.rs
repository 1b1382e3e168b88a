//! `deskbell webhook replay`: has many deliveries sent again, and watches how far that came.

use super::One;
use crate::{
    cli::{
        remote::Remote,
        say,
        shown::{At as _, say_json, word},
    },
    exit::{Exit, Failure},
    time::{self, Clock},
};
use serde_json::{Map, Value, json};
use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

/// How often the job is asked how far it came.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// What to send again.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    one: One,
    /// Events from this time on: 2026-01-31T12:00:00Z, or so long ago: 90m, 24h, 7d
    #[arg(long, value_name = "TIME")]
    since: String,
    /// Events up to this time; now unless said
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only these kinds, apart by commas: order.*,ticket.created
    #[arg(long, value_delimiter = ',', value_name = "PATTERNS")]
    events: Vec<String>,
    /// Only deliveries in these states, apart by commas; held,failed,expired unless said
    #[arg(long, value_delimiter = ',', value_name = "STATES")]
    states: Vec<String>,
    /// Only count them
    #[arg(long)]
    dry_run: bool,
    /// Do not wait until all are queued
    #[arg(long)]
    no_wait: bool,
}

/// Counts, or makes the job and watches it.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let remote = args.one.at.connect()?;
    let now = Clock::default().now_ms();
    let mut wish = Map::new();
    wish.insert("since".into(), moment("--since", &args.since, now)?.into());
    if let Some(until) = &args.until {
        wish.insert("until".into(), moment("--until", until, now)?.into());
    }
    for (name, list) in [("events", &args.events), ("states", &args.states)] {
        if !list.is_empty() {
            wish.insert(name.into(), json!(list));
        }
    }
    wish.insert("dry_run".into(), args.dry_run.into());
    let path = format!("/webhooks/{}/replay", args.one.id);
    let mut job = remote.post(&path, &Value::Object(wish))?.data;
    if !args.dry_run && !args.no_wait {
        job = watch(&remote, job)?;
    }
    if args.one.json {
        return say_json(&job);
    }
    say(&as_text(&job, args.dry_run))
}

/// A time as the server reads it.
fn moment(flag: &str, text: &str, now_ms: i64) -> Result<String, Failure> {
    if time::parse_rfc3339(text).is_some() {
        return Ok(text.to_owned());
    }
    let units = [("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    let ago = units.into_iter().find_map(|(unit, ms)| {
        text.strip_suffix(unit)?.parse::<u32>().ok().map(|n| i64::from(n) * ms)
    });
    ago.map(|ago| time::rfc3339(now_ms - ago)).ok_or_else(|| {
        let why = "must be a time such as 2026-01-31T12:00:00Z, or 90m, 24h, 7d for so long ago";
        Failure::new(Exit::Usage, format!("{flag} {why}"))
    })
}

/// Looks until the job has ended, and says how far it is where somebody watches.
fn watch(remote: &Remote, mut job: Value) -> Result<Value, Failure> {
    let path = format!("/replays/{}", job.at("id"));
    let watched = io::stderr().is_terminal();
    while job.at("ended_at").is_null() {
        std::thread::sleep(LOOK_EVERY);
        job = remote.get(&path)?.data;
        if watched {
            let percent = job.at("progress").as_f64().unwrap_or(0.0) * 100.0;
            let queued = job.at("queued");
            write!(io::stderr(), "\rreplay: {percent:.0} %, {queued} queued ").ok();
        }
    }
    if watched {
        writeln!(io::stderr()).ok();
    }
    Ok(job)
}

fn as_text(job: &Value, dry_run: bool) -> String {
    let gone = match job.at("data_gone").as_i64() {
        Some(gone) if gone > 0 => format!("; {gone} cannot be, their data is no longer kept"),
        _ => String::new(),
    };
    if dry_run {
        return format!("{} would be sent again{gone}\n", job.at("count"));
    }
    let (id, state) = (job.at("id"), word(job.at("state")));
    let (queued, total) = (job.at("queued"), job.at("total"));
    format!("replay {id} {state}: {queued} of {total} queued to be sent again{gone}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_absolutely_or_as_so_long_ago() {
        let now = time::parse_rfc3339("2026-01-31T12:00:00Z").unwrap();
        let read = |text| moment("--since", text, now);
        assert_eq!(read("2026-01-01T00:00:00+02:00").unwrap(), "2026-01-01T00:00:00+02:00");
        assert_eq!(read("90m").unwrap(), "2026-01-31T10:30:00.000Z");
        assert_eq!(read("7d").unwrap(), "2026-01-24T12:00:00.000Z");
        for bad in ["", "yesterday", "-1h", "h", "1.5h", "2026-01-01"] {
            assert_eq!(read(bad).unwrap_err().code, Exit::Usage, "{bad}");
        }
    }

    #[test]
    fn the_outcome_is_one_line() {
        let count = json!({ "count": 3, "data_gone": 1 });
        let text = as_text(&count, true);
        assert_eq!(text, "3 would be sent again; 1 cannot be, their data is no longer kept\n");
        let job = json!({ "id": 7, "state": "done", "queued": 3, "total": 3, "data_gone": 0 });
        assert_eq!(as_text(&job, false), "replay 7 done: 3 of 3 queued to be sent again\n");
    }
}
