//! `deskbell bench fanout`: from POST to the last of many clients, by any door.
//!
//! Rounds with one, and then more, messages under way at a time; a message is under way until
//! every client of its group has it. Each client must hear each of its messages once, in `seq`
//! order. Beside that: many rooms or tenants, clients that read badly, a storm of clients that
//! resume, and a restart under all of them.

mod blocks;
mod crowd;
mod doors;
mod groups;
mod listener;
mod people;
mod restart;
mod returning;
mod rounds;
mod slow;
mod storm;
mod tally;

use super::{
    Common, Outcome,
    client::{Api, Pen},
    cost, drive, failed,
    report::{Report, Section},
    server::Server,
    wrong,
};
use crate::{
    events::BATCH_MAX,
    exit::{Exit, Failure},
};
use crowd::{Crowd, STALLED, Seat};
use doors::Door;
use rounds::Rounds;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tally::{OUTSTANDING_MAX, Tally};
use tokio::time::{sleep, timeout};

/// Flags of this bench.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Clients that listen
    #[arg(long, visible_alias = "sessions", default_value_t = 1_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    clients: u32,
    /// New clients that the server takes in a second; as it is set up of its own accord: 1000
    #[arg(long, value_name = "PER_S", default_value_t = 1_000_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    accept_rate: u32,
    /// People whom the clients belong to, each with as many
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    users: u16,
    /// After one message at a time, rounds with so many under way
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "8,32",
        value_parser = clap::value_parser!(u16).range(1..=OUTSTANDING_MAX as i64)
    )]
    outstanding: Vec<u16>,
    /// Instead of those, rounds with so many messages a second, whatever becomes of them
    #[arg(
        long,
        value_name = "PER_S",
        value_delimiter = ',',
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    rate: Vec<u32>,
    /// Clients speak Socket.IO on WebSocket
    #[arg(long, group = "door")]
    socketio: bool,
    /// Clients read server-sent events
    #[arg(long, group = "door")]
    sse: bool,
    /// Clients wait with GET /events; of each user ten, 500 in all
    #[arg(long, group = "door")]
    longpoll: bool,
    /// So many rooms of clients/ROOMS members, beside one room of all
    #[arg(long, conflicts_with_all = ["door", "rate"], value_name = "ROOMS")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=10_000))]
    rooms: Option<u16>,
    /// So many tenants with clients/TENANTS clients, beside one tenant of all
    #[arg(long, conflicts_with_all = ["rooms", "longpoll", "rate"], value_name = "TENANTS")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=500))]
    tenants: Option<u16>,
    /// So many further clients that do not read
    #[arg(long, default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u16).range(0..=1_000))]
    #[arg(conflicts_with_all = ["door", "rooms", "tenants", "rate"])]
    stalled: u16,
    /// So many further clients that read 16 KiB a second
    #[arg(long, default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u16).range(0..=1_000))]
    #[arg(conflicts_with_all = ["door", "rooms", "tenants", "rate"])]
    trickling: u16,
    /// All clients come at once and resume; one client resumes a thousand events
    #[arg(long, conflicts_with_all = ["door", "rooms", "tenants", "rate", "stalled", "trickling"])]
    resume_storm: bool,
    /// The server is stopped and started again under all clients
    #[arg(long, conflicts_with_all = ["door", "rooms", "tenants", "rate", "stalled", "trickling"])]
    #[arg(conflicts_with = "resume_storm")]
    restart: bool,
}

/// How many of one user may wait with `GET /events`, and how many in all.
const LONG_POLLS: (usize, usize) = (10, 500);

impl Args {
    fn door(&self) -> Door {
        match self {
            Self { socketio: true, .. } => Door::SocketIo,
            Self { sse: true, .. } => Door::Stream,
            Self { longpoll: true, .. } => Door::LongPoll,
            _ => Door::Socket,
        }
    }

    fn clients(&self) -> usize {
        let clients = usize::try_from(self.clients).unwrap_or(usize::MAX);
        if self.longpoll { clients.min(LONG_POLLS.1) } else { clients }
    }

    fn users(&self) -> usize {
        let users = usize::from(self.users);
        if self.longpoll { self.clients().div_ceil(LONG_POLLS.0) } else { users }
    }
}

/// Files that are open beside the clients' sockets, and those that come back before the old ones
/// are gone.
const OTHER_FILES: usize = 128;

/// Runs it.
pub(super) fn run(args: &Args) -> Outcome<()> {
    let bad = usize::from(args.stalled) + usize::from(args.trickling);
    let needed = args.clients().saturating_add(bad + OTHER_FILES);
    if let Err(max) = cost::allow_files(needed) {
        let why = format!(
            "{} clients need {needed} open files on each side, and {max} are allowed: \
             raise the hard limit (`ulimit -Hn {needed}`, as an administrator)",
            args.clients()
        );
        return Err(Failure::new(Exit::Failed, why));
    }
    let settings = [
        ("WS_MAX", needed.to_string()),
        ("WS_MAX_PER_USER", needed.to_string()),
        ("WS_ACCEPT_PER_S", args.accept_rate.to_string()),
    ];
    let server = Server::start(&args.common, &settings, &[])?;
    drive(server, &args.common, async |server| measure(args, server).await)
}

async fn measure(args: &Args, server: &mut Server) -> Outcome<Report> {
    let mut report = Report::new("fanout", server.machine());
    let mut api = Api::sign_in(server.address).await?;
    let pens = people::agents(&mut api, server.address, args.users()).await?;
    refresh(server, &mut api).await?;
    let sections = match args {
        Args { resume_storm: true, .. } => storm::measure(args, server, (&mut api, &pens)).await?,
        Args { restart: true, .. } => restart::measure(args, server, (&mut api, &pens)).await?,
        Args { rooms: Some(rooms), .. } => {
            groups::of_rooms(args, server, (&mut api, &pens), usize::from(*rooms)).await?
        }
        Args { tenants: Some(tenants), .. } => {
            groups::of_tenants(args, server, (&mut api, &pens), usize::from(*tenants)).await?
        }
        Args { stalled: 0, trickling: 0, .. } => plain(args, server, (&mut api, &pens)).await?,
        _ => slow::measure(args, server, (&mut api, &pens)).await?,
    };
    sections.into_iter().for_each(|section| report.add(section));
    Ok(report)
}

/// Starts the server anew: one that has just hashed passwords keeps their memory, and an idle
/// session that fits into that would seem to take none.
async fn refresh(server: &mut Server, api: &mut Api) -> Outcome<()> {
    server.ask_to_stop()?;
    let gone = async {
        while !server.has_ended()? {
            sleep(Duration::from_millis(2)).await;
        }
        Outcome::Ok(())
    };
    timeout(STALLED, gone).await.map_err(|_| wrong("the server did not stop".into()))??;
    server.start_again()?;
    *api = Api::of(api.pen()).await?;
    Ok(())
}

/// One room of all.
async fn plain(
    args: &Args,
    server: &Server,
    (api, pens): (&mut Api, &[Pen]),
) -> Outcome<Vec<Section>> {
    let (door, clients) = (args.door(), args.clients());
    let tally = Arc::new(Tally::new(1, clients));
    let seats = Seat::row(door, clients, pens);
    let (_crowd, idle) = Crowd::gather((api, server), &tally, ("idle", door, seats)).await?;
    let mut sections = vec![idle];
    let before = api.latest_seq().await?;
    let request = api.request("POST", "/api/v1/events", &doors::publication(None));
    let mut rounds = Rounds::new(server, tally, vec![request]);
    rounds.run(1, sleep(args.common.warm_up())).await?;
    for rate in &args.rate {
        let round = rounds.paced(*rate, args.common.measured()).await?;
        let title = format!("{rate} messages a second to {clients} clients");
        sections.push(round.told(Section::new(format!("rate_{rate}"), title)));
    }
    if args.rate.is_empty() {
        for outstanding in std::iter::once(1).chain(args.outstanding.iter().copied()) {
            sections.push(rounds.measured(outstanding, (server, &args.common)).await?);
        }
    }
    all_in_the_log(api, before, rounds.acknowledged).await?;
    Ok(sections)
}

/// The log grew by what was acknowledged, and by nothing else.
async fn all_in_the_log(api: &mut Api, before: u64, acknowledged: u64) -> Outcome<()> {
    match api.latest_seq().await?.checked_sub(before) {
        Some(grown) if grown == acknowledged => Ok(()),
        grown => {
            let grown = grown.unwrap_or_default();
            let what = format!("{acknowledged} events were acknowledged, {grown} are in the log");
            Err(wrong(what))
        }
    }
}

/// Publishes so many messages, as many at a time as one request takes.
async fn publish(api: &mut Api, count: u64) -> Outcome<()> {
    let one: Value =
        serde_json::from_str(&doors::publication(None)).map_err(|e| failed("the driver", &e))?;
    let mut left = usize::try_from(count).unwrap_or(0);
    while left > 0 {
        let now = left.min(BATCH_MAX);
        api.post("/api/v1/events/batch", &json!({ "events": vec![&one; now] })).await?;
        left -= now;
    }
    Ok(())
}
