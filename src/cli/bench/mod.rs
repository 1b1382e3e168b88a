//! `deskbell bench`: measures the whole path on this machine, server and driver as two processes.
//!
//! Each bench starts a server in a throw-away folder, drives it over loopback as real clients
//! would, checks that nothing was lost, doubled or out of order, and prints what it cost.
//! `docs/performance.md` says how to read the numbers.

mod client;
mod cost;
mod desk;
mod fairness;
mod fanout;
mod floor;
mod frames;
mod ingest;
mod load;
pub(super) mod receiver;
mod report;
mod server;
mod stats;
mod upload;
mod webhooks;

use super::serve;
use crate::exit::{Exit, Failure};
use report::Report;
use server::Server;
use std::{path::PathBuf, time::Duration};

/// Which path to measure.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Durable creates: POST /events over many connections, as fast as they are acknowledged
    Ingest(ingest::Args),
    /// From POST to the last of many clients, by any door; storms, restarts, slow readers
    Fanout(fanout::Args),
    /// From POST to local receivers of webhooks, the durable result included
    Webhooks(webhooks::Args),
    /// Tickets a second, with numbers, clocks, text index and three people told of each
    Desk(desk::Args),
    /// Lists and search on a desk with 100,000 tickets and 500,000 comments
    Lists(desk::lists::Args),
    /// A call centre at work: 200 agents, 50 calls a second, 20 wallboards
    Floor(floor::Args),
    /// Files of 25 MiB in and out, and the memory that the server takes for them
    Upload(upload::Args),
}

/// What every bench can be told.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Common {
    /// How long each round measures
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Run the server on these CPUs only (`0`, `0-1`); needs taskset
    #[arg(long, value_name = "CPUS")]
    pin_server: Option<String>,
    /// Make the throw-away folder in this one: what a commit costs depends on the disk
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl Common {
    fn measured(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// How long to run before measuring: caches fill, files grow.
    fn warm_up(&self) -> Duration {
        (self.measured() / 5).min(Duration::from_secs(1))
    }
}

/// What a step of a bench comes to.
type Outcome<T> = Result<T, Failure>;

/// Runs one bench to its end.
pub(super) fn run(command: &Command) -> Outcome<()> {
    match command {
        Command::Ingest(args) => ingest::run(args),
        Command::Fanout(args) => fanout::run(args),
        Command::Webhooks(args) => webhooks::run(args),
        Command::Desk(args) => desk::run(args),
        Command::Lists(args) => desk::lists::run(args),
        Command::Floor(args) => floor::run(args),
        Command::Upload(args) => upload::run(args),
    }
}

/// Does `work` against a running server, ends the server whatever came of it, and prints.
///
/// One thread drives: what it takes is seen in one figure, and more would take the server's cores.
fn drive(
    mut server: Server,
    common: &Common,
    work: impl AsyncFnOnce(&mut Server) -> Outcome<Report>,
) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| failed("the driver could not be started", &e))?;
    let outcome = runtime.block_on(async {
        let mut signals = serve::Signals::new();
        tokio::select! {
            outcome = work(&mut server) => outcome,
            () = signals.next() => Err(Failure::new(Exit::Failed, "stopped before the end")),
        }
    });
    // Open connections would only delay the server's orderly end.
    drop(runtime);
    let report = outcome.map_err(|failure| server.explain(failure))?;
    server.stop()?;
    super::say(&if common.json { report.json() } else { report.table() })
}

/// Something went wrong while measuring.
fn failed(what: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, format!("{what}: {why}"))
}

/// The server did what it must not: the numbers of such a run are worth nothing.
fn wrong(what: String) -> Failure {
    Failure::new(Exit::Failed, what)
}
