//! `deskbell listen`: events in the terminal, or posted to a local URL with signatures.
//!
//! It reads the log of a running server page by page, so nothing is missed while the line is down:
//! after a break it goes on behind the last event it showed, and where the server cannot answer
//! from there it says so.

mod forward;

use super::{
    remote::{Refusal, Remote, ServerArgs},
    say,
    shown::{At as _, cut, word},
};
use crate::{
    event::pattern,
    exit::{Exit, Failure},
};
use forward::Forward;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use std::{
    io::{self, Write as _},
    time::Duration,
};

/// How long the server may wait for something to happen before it answers, seconds.
const WAIT_S: u32 = 20;

/// The pause after an answer with nothing in it, which mostly took [`WAIT_S`] to come.
const BREATH: Duration = Duration::from_millis(50);

/// Events of one page.
const PAGE: usize = 100;

/// The first pause after a break, and the longest; it doubles.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// Characters of an event's data that a line shows.
const DATA_MAX: usize = 120;

/// What to hear, and what to do with it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    at: ServerArgs,
    /// Post each event here as a webhook would be, signed; `9000` and `localhost:9000/hook` will do
    #[arg(long, value_name = "URL")]
    forward: Option<String>,
    /// Only these kinds: `order.*`, `ticket.created`, several apart by commas; with --forward all
    /// that a webhook with `*` hears unless said
    #[arg(long, value_name = "PATTERN")]
    events: Option<String>,
    /// Begin behind this number; without it with what happens from now on, 0 is all that is kept
    #[arg(long, value_name = "SEQ")]
    since: Option<i64>,
    /// The secret that signs what is forwarded; made and printed unless said
    #[arg(long, env = "DESKBELL_WEBHOOK_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// One JSON object a line; everything else goes to standard error
    #[arg(long)]
    json: bool,
    /// End after so many events
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

/// An event as the log lists it.
#[derive(Debug, Serialize, Deserialize)]
struct Event {
    seq: i64,
    id: String,
    #[serde(rename = "type")]
    kind: String,
    created_at: String,
    audience: String,
    actor: Box<RawValue>,
    data: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Box<RawValue>>,
}

/// An event as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    event: &'a Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    forwarded: Option<Value>,
}

/// Hears until Ctrl-C, or until there were enough.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let remote = args.at.connect()?;
    let forward = args.forward.as_deref().map(|url| Forward::new(url, args.secret.as_deref()));
    let forward = forward.transpose()?;
    let mut reader = Reader::begin(&remote, args)?;
    if let Some(forward) = &forward {
        let tenant = remote.get("/auth/me").ok().map(|me| word(me.data.at("tenant_id")));
        forward.of(tenant);
        note(&format!("posting to {}, signed with {}", forward.url(), forward.secret()));
    }
    note(&format!("listening behind number {}; Ctrl-C ends it", reader.after));
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        let events = reader.next(&remote)?;
        for event in &events {
            // A webhook hears nothing that is for one person.
            if forward.is_some() && event.audience.starts_with("user:") {
                continue;
            }
            let sent = forward.as_ref().map(|forward| forward.send(event));
            show(event, sent.as_ref(), args.json)?;
            left -= 1;
            if left == 0 {
                return Ok(());
            }
        }
        if events.is_empty() {
            std::thread::sleep(BREATH);
        }
    }
    Ok(())
}

/// Where in the log we are.
struct Reader {
    after: i64,
    epoch: Option<String>,
    /// `&type=…`, or nothing.
    kinds: String,
    pause: Duration,
    is_down: bool,
}

impl Reader {
    /// Finds the place to begin at; a server that does not answer now ends the command.
    fn begin(remote: &Remote, args: &Args) -> Result<Self, Failure> {
        if args.since.is_some_and(|since| since < 0) {
            return Err(Failure::new(Exit::Usage, "--since must be 0 or more"));
        }
        for pattern in args.events.iter().flat_map(|all| all.split(',')) {
            pattern::validate(pattern.trim())
                .map_err(|why| Failure::new(Exit::Usage, format!("--events {pattern}: {why}")))?;
        }
        let all = args.forward.is_some().then(|| String::from("*"));
        let kinds = args.events.clone().or(all).map_or_else(String::new, |kinds| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("type", &kinds.replace(' ', ""));
            format!("&{}", query.finish())
        });
        let mut reader = Self { after: 0, epoch: None, kinds, pause: PAUSE, is_down: false };
        match args.since {
            Some(since) => reader.after = since,
            None => reader.go_to_the_end(remote)?,
        }
        Ok(reader)
    }

    /// The place behind the newest event.
    fn go_to_the_end(&mut self, remote: &Remote) -> Result<(), Refusal> {
        let meta = remote.get("/events?limit=1")?.meta;
        self.after = meta.at("latest_seq").as_i64().unwrap_or(0);
        self.epoch = meta.at("epoch").as_str().map(String::from);
        Ok(())
    }

    /// What came since; empty when nothing did, or when it could not be found out.
    fn next(&mut self, remote: &Remote) -> Result<Vec<Event>, Failure> {
        let epoch = self.epoch.as_ref().map_or_else(String::new, |e| format!("&epoch={e}"));
        let path =
            format!("/events?after={}&limit={PAGE}&wait={WAIT_S}{epoch}{}", self.after, self.kinds);
        match remote.get(&path).and_then(|reply| Ok((read(&reply.data)?, reply.meta))) {
            Ok((events, meta)) => {
                if self.is_down {
                    note("it answers again; nothing was missed");
                }
                (self.is_down, self.pause) = (false, PAUSE);
                self.after = meta.at("next_after").as_i64().unwrap_or(self.after);
                self.epoch = meta.at("epoch").as_str().map(String::from).or(self.epoch.take());
                Ok(events)
            }
            Err(gap) if gap.status == Some(410) => {
                let lost = self.after;
                self.epoch = None;
                self.go_to_the_end(remote)?;
                note(&format!(
                    "{gap}: what came between {lost} and {} is not known; going on from there",
                    self.after
                ));
                Ok(Vec::new())
            }
            Err(refusal) if passes(&refusal) => {
                let pause = refusal.retry_after_s.map_or(self.pause, Duration::from_secs);
                if !self.is_down {
                    note(&format!("{refusal}; trying again"));
                }
                self.is_down = true;
                std::thread::sleep(pause.min(PAUSE_MAX));
                self.pause = (self.pause * 2).min(PAUSE_MAX);
                Ok(Vec::new())
            }
            Err(refusal) => Err(refusal.into()),
        }
    }
}

fn read(data: &Value) -> Result<Vec<Event>, Refusal> {
    Vec::<Event>::deserialize(data).map_err(|e| Refusal::unreadable(&e.to_string()))
}

/// Whether waiting may help: nobody answers, or the server has too much to do.
fn passes(refusal: &Refusal) -> bool {
    refusal.status.is_none_or(|status| status == 429 || status >= 500)
}

/// One event on standard output, with what came of forwarding it.
fn show(event: &Event, sent: Option<&forward::Sent>, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let line = Line { event, forwarded: sent.map(forward::Sent::as_json) };
        let line =
            serde_json::to_string(&line).map_err(|e| Failure::new(Exit::Failed, e.to_string()))?;
        return say(&format!("{line}\n"));
    }
    let data = cut(&word(&Value::from(event.data.get())), DATA_MAX);
    let time = event.created_at.get(11..19).unwrap_or(&event.created_at);
    let sent = sent.map_or_else(String::new, |sent| format!("  -> {}", sent.as_text()));
    say(&format!("{time}  {}  {}  {data}{sent}\n", event.seq, word(&event.kind.as_str().into())))
}

/// A word about the line itself, beside the events.
fn note(text: &str) {
    // With nobody to read it there is nobody to tell.
    writeln!(io::stderr(), "listen: {text}").ok();
}
