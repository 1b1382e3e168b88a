//! `deskbell` and `deskbell serve`: the server, until it is told to stop.

use crate::{
    accounts::setup,
    app::{self, Mode, Server, say},
    auth::password,
    config::{
        Flags, Loaded, ServerEnv, Surroundings,
        folder::{self, DataFolder},
        load,
    },
    error::Error,
    exit::{Exit, Failure},
    logging,
    time::Clock,
    users,
};
use std::{
    io::{IsTerminal as _, Write as _},
    net::IpAddr,
    path::Path,
    sync::atomic::Ordering,
};
use tokio::sync::watch;

/// Where the set-up link is written when nobody watches the terminal.
const LINK_FILE: &str = "setup-link.txt";

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
    app::check(&loaded.config)?;
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
pub(super) fn is_local(loaded: &Loaded) -> bool {
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
    // Listened to before anybody is told that we are there, and may tell us to stop.
    let mut signals = Signals::new();
    say(&format!("Starting server on {at}"));
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        signals.next().await;
        stop.send_replace(true);
        signals.next().await;
        tracing::warn!("told to stop twice: stopping at once");
        std::process::exit(1);
    });
    server.serve(stopped).await;
    Ok(())
}

/// SIGTERM and Ctrl-C, from the moment on at which this is made.
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    interrupt: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    /// Begins to listen.
    pub(super) fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self {
            terminate: signal(SignalKind::terminate()).ok(),
            interrupt: signal(SignalKind::interrupt()).ok(),
        }
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        use tokio::signal::unix::Signal;
        /// One that cannot be listened to never comes.
        async fn one(signal: &mut Option<Signal>) {
            match signal {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            () = one(&mut self.terminate) => {}
            () = one(&mut self.interrupt) => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Nothing is listened to yet.
    pub(super) fn new() -> Self {
        Self {}
    }

    /// Waits for Ctrl-C.
    pub(super) async fn next(&mut self) {
        drop(tokio::signal::ctrl_c().await);
    }
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
async fn first_start(server: &Server, loaded: &Loaded, folder: &DataFolder) -> Result<(), Failure> {
    let db = &server.app.core.db;
    let failed = |e: Error| Failure::new(Exit::Failed, format!("the first start failed: {e}"));
    let link_file = folder.path().join(LINK_FILE);
    if !setup::is_open(db).await.map_err(failed)? {
        // The link has done its work, or somebody else made the administrator.
        drop(std::fs::remove_file(link_file));
        return Ok(());
    }
    if let Some(first) = &loaded.config.first_admin {
        let password = first.password.expose();
        users::rules::password(password)
            .map_err(|why| Failure::new(Exit::Config, format!("DESKBELL_ADMIN_PASSWORD: {why}")))?;
        let hash = password::hash(password).map_err(failed)?;
        let admin = setup::Admin::checked(&first.email, None, None, hash)
            .map_err(|e| Failure::new(Exit::Config, format!("DESKBELL_ADMIN_EMAIL: {e}")))?;
        setup::first_admin(db, admin).await.map_err(failed)?;
        tracing::info!("the first administrator was made from the settings");
        return Ok(());
    }
    server.app.core.setup_open.store(true, Ordering::Release);
    let token = setup::new_link(db).await.map_err(failed)?;
    let link = format!("{}{}", base_url(server, loaded), setup::link_path(&token));
    if std::io::stdout().is_terminal() {
        say(&format!("\nNobody can sign in yet. Set Deskbell up within 30 minutes:\n  {link}\n"));
        return Ok(());
    }
    tracing::warn!(%link, "nobody can sign in yet: set Deskbell up within 30 minutes");
    write_private(&link_file, &link)
        .map_err(|e| Failure::new(Exit::CannotCreate, format!("{}: {e}", link_file.display())))
}

/// Where a person on this machine reaches the server.
pub(super) fn base_url(server: &Server, loaded: &Loaded) -> String {
    if let Some(url) = &loaded.config.public_url {
        return url.as_str().trim_end_matches('/').to_owned();
    }
    let mut address = server.address;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::from([127, 0, 0, 1]));
    }
    format!("http://{address}")
}

/// Writes a file that only its owner can read.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(format!("{text}\n").as_bytes())
}
