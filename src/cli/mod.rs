//! The command line: what can be asked of the program, one file a command.

mod admin;
mod bench;
mod config;
mod demo;
mod healthcheck;
mod listen;
mod remote;
mod serve;
mod shown;
mod webhook;

use crate::{
    config::{Flags, Surroundings},
    exit::{Exit, Failure},
};
use clap::{Parser, Subcommand};
use std::io::{self, Write};

/// A help desk, a call floor and the bell that rings when they change.
#[derive(Debug, Parser)]
#[command(name = "deskbell", version, about, propagate_version = true)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub flags: Flags,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve; the same as no command
    Serve(serve::Args),
    /// Try it: a throw-away server with people in it, on this machine only
    Demo(demo::Args),
    /// Make and list administrators, set passwords, end sign-ins; while the server is stopped
    #[command(subcommand)]
    Admin(admin::Command),
    /// Show, check and explain the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Ask the running server whether it is well; exit code 0 or 1
    Healthcheck(healthcheck::Args),
    /// Webhooks: list, test, logs, statistics of a running server; check a URL or a signature
    #[command(subcommand)]
    Webhook(webhook::Command),
    /// Show events of a running server as they happen, or post them to a local URL, signed
    Listen(listen::Args),
    /// Measure this machine: a throw-away server and clients that drive it
    #[command(subcommand)]
    Bench(bench::Command),
    /// Print the version
    Version {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs one command to its end.
pub fn run(cli: Cli) -> Result<(), Failure> {
    let around = Surroundings::of_process();
    match cli.command {
        Some(Command::Admin(command)) => admin::run(command, &cli.flags, &around),
        Some(Command::Config(command)) => config::run(command, &cli.flags, &around),
        Some(Command::Healthcheck(args)) => healthcheck::run(&args, &cli.flags, &around),
        Some(Command::Webhook(command)) => webhook::run(command, &cli.flags, &around),
        Some(Command::Listen(args)) => listen::run(&args),
        Some(Command::Bench(command)) => bench::run(&command),
        Some(Command::Version { json }) => say(&version(json)),
        Some(Command::Demo(args)) => demo::run(args, &cli.flags, &around),
        Some(Command::Serve(args)) => serve::run(&args, &cli.flags, &around),
        None => serve::run(&serve::Args::default(), &cli.flags, &around),
    }
}

fn version(json: bool) -> String {
    let (number, os, arch) =
        (env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    if json {
        format!("{:#}\n", serde_json::json!({ "version": number, "os": os, "arch": arch }))
    } else {
        format!("deskbell {number} ({os}, {arch})\n")
    }
}

/// Writes to standard output. A reader that has gone away (`deskbell … | head`) is no failure.
fn say(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Io, format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed_and_takes_flags_on_either_side() {
        Cli::command().debug_assert();
        for line in ["deskbell --port 1 config show", "deskbell config show --port 1"] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(cli.flags.port.as_deref(), Some("1"), "{line}");
        }
        assert!(Cli::try_parse_from(["deskbell", "dance"]).is_err());
    }

    #[test]
    fn the_version_is_that_of_the_package() {
        assert!(version(false).starts_with(concat!("deskbell ", env!("CARGO_PKG_VERSION"), " (")));
        let json: serde_json::Value = serde_json::from_str(&version(true)).unwrap();
        assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    }
}
