//! The whole, wired: what is started in which order, and how it ends.

mod presence;
mod rights;
mod systemd;

use crate::{
    agents, attachments,
    auth::{Passwords, Sessions, sql as auth_sql, token},
    bell::{self, Owed},
    bins::Bins,
    board, calls,
    chats::{self, visitors::Gate},
    config::{Config, folder::DataFolder},
    db::{self, Db, OpenError},
    erasure,
    error::Error,
    events::types::Types,
    exit::{Exit, Failure},
    http::{Core, CoreParts, Settings, metrics::Metrics, waiting::Waiting},
    hub::{self, Hub},
    listen, pbx, retention, routes, socketio,
    tickets::sla,
    time::Clock,
    users,
    webhooks::{
        address::Guard,
        crypt::SecretBox,
        engine::{self, Engine},
        post::{self, Poster},
        replay,
        schedule::Schedule,
    },
    ws::Tickets,
};
use axum::extract::FromRef;
use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use systemd::{Notice, notify_systemd, watchdog};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

/// How long an orderly stop may take.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// How often last uses of sign-ins are written down.
const TOUCH_EVERY_MS: i64 = 60_000;

/// What handlers can ask for.
#[derive(Clone, FromRef)]
pub struct App {
    /// Database, hub, keys, settings.
    pub core: Core,
    /// Webhook deliveries.
    pub engine: Engine,
    /// Request bins.
    pub bins: Bins,
    /// Connections to telephone systems.
    pub switchboard: pbx::Switchboard,
    /// Tickets for sockets.
    pub tickets: Arc<Tickets>,
    /// The bytes of attachments.
    pub files: attachments::Store,
    /// Socket.IO clients.
    pub socketio: socketio::Door,
    /// What the tenants' own events must look like.
    pub types: Types,
    /// How fast visitors may come and talk.
    pub gate: Arc<Gate>,
}

/// How this server differs from an ordinary one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mode {
    /// Pages on localhost may call, and webhooks may go to loopback.
    pub local: bool,
    /// Webhooks are not delivered, for measuring the rest.
    pub deliveries_paused: bool,
}

/// A server that is ready to serve.
pub struct Server {
    /// What handlers can ask for.
    pub app: App,
    /// Where it listens.
    pub address: SocketAddr,
    listener: TcpListener,
    sockets_max: usize,
    retention: retention::Limits,
}

impl Server {
    /// Opens the data folder's database, starts all threads, and listens. The folder's lock is the
    /// caller's to hold.
    ///
    /// # Errors
    /// With the exit code that fits.
    pub async fn start(
        config: &Config,
        folder: &DataFolder,
        clock: Clock,
        mode: Mode,
    ) -> Result<Self, Failure> {
        let listener = TcpListener::bind((config.server_host.as_str(), config.server_port))
            .await
            .map_err(|e| {
            let at = config.listen_text();
            Failure::new(Exit::Failed, format!("{at} cannot be listened on: {e}"))
        })?;
        let address = listener.local_addr().map_err(internal)?;
        let (orders, inbox) = std::sync::mpsc::sync_channel(hub::INBOX_MAX);
        let owed = Arc::new(Owed::default());
        let db = open(config, folder, clock, bell::on_commit(orders.clone(), owed.clone()))?;
        say("Database connected successfully");
        let core = core(config, folder, &db, (orders, inbox), mode)?;
        let bins = Bins::default();
        let guard =
            guard(config, address, mode)?.with_bins(config.public_url.clone(), bins.clone());
        let engine = Engine::start(&db, owed, engine_settings(config, folder, guard, mode)?)
            .map_err(internal)?;
        say(&format!("Webhook manager started with {} workers", config.webhook_workers));
        say("Event broadcaster initialized (WebSocket + Webhooks)");
        say("Services initialized");
        presence::expect_back(&core).await;
        let socketio = socketio::Door::new(&core, config.ws_max);
        let files = files(config, folder)?;
        let types = Types::new(core.db.clone());
        let switchboard = switchboard(config, folder, &core.db, (address, mode))?;
        let (tickets, gate) = (Arc::default(), Arc::default());
        let app = App { core, engine, bins, switchboard, tickets, files, socketio, types, gate };
        say("Handlers initialized");
        let retention = retention::Limits::new(config.event_keep_days);
        Ok(Self { app, address, listener, sockets_max: config.ws_max, retention })
    }

    /// Serves until `stop` says so, then ends in order: no new connections, clients told, open
    /// requests and attempts finished or left for the next start, the WAL folded in.
    pub async fn serve(self, mut stop: watch::Receiver<bool>) {
        let Self { app, listener, sockets_max, retention, .. } = self;
        let App { core, engine, bins, switchboard, files, socketio, .. } = app.clone();
        // What runs beside the requests until the end.
        let mut keepers = JoinSet::new();
        keepers.spawn(core.hub.clone().sweep());
        keepers.spawn(core.hub.clone().keep_rights());
        keepers.spawn(core.hub.clone().tell_presence());
        keepers.spawn(presence::keep(core.clone()));
        keepers.spawn(agents::keep(core.db.clone(), core.hub.clone()));
        keepers.spawn(touch_sessions(core.clone()));
        keepers.spawn(watchdog(core.clone()));
        keepers.spawn(attachments::sweep(core.db.clone(), files));
        keepers.spawn(sla::keep(core.db.clone()));
        keepers.spawn(calls::keep(core.db.clone()));
        keepers.spawn(chats::keep(core.db.clone()));
        keepers.spawn(board::keep(core.db.clone(), core.hub.clone()));
        keepers.spawn(replay::keep(engine.clone()));
        keepers.spawn(retention::keep(core.db.clone(), retention));
        keepers.spawn(erasure::keep(core.db.clone()));
        keepers.spawn(socketio.clone().keep());
        let serving =
            tokio::spawn(listen::serve(listener, routes::all(app), sockets_max, stop.clone()));
        notify_systemd(&[Notice::Ready]);
        drop(stop.wait_for(|stop| *stop).await);
        notify_systemd(&[Notice::Stopping]);
        tracing::info!("stopping");
        bins.stop();
        let finish = async {
            // Before they are sent away: whoever was here is expected back.
            if let Err(e) = presence::write(&core).await {
                tracing::warn!(error = %e, "who is here could not be written down");
            }
            core.hub.drain().await;
            core.hub.stop();
            socketio.stop();
            drop(serving.await);
            let stopping = engine.clone();
            let stop = move || {
                switchboard.stop();
                stopping.stop(STOP_WITHIN / 2);
            };
            drop(tokio::task::spawn_blocking(stop).await);
            while !core.hub.is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(STOP_WITHIN, finish).await.is_err() {
            tracing::warn!("not everything finished in time");
        }
        keepers.abort_all();
        let db = core.db.clone();
        drop(tokio::task::spawn_blocking(move || db.close()).await);
    }
}

/// Start-up lines, word for word those of seed B. They go to standard output; logs go to standard
/// error.
pub fn say(line: &str) {
    use std::io::Write as _;
    // A closed standard output is no reason not to serve.
    drop(writeln!(std::io::stdout(), "{line}"));
}

#[track_caller]
fn internal(e: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, e.to_string())
}

/// Opens the database of a folder, for the server and for commands that work without one.
///
/// # Errors
/// 65 for a database that is damaged, newer or somebody else's; 74 for anything else.
pub fn open(
    config: &Config,
    folder: &DataFolder,
    clock: Clock,
    on_commit: db::OnCommit,
) -> Result<Db, Failure> {
    let settings = db::Settings {
        folder: folder.path().to_owned(),
        synchronous: config.db_synchronous,
        clock,
        min_free_bytes: config.min_free_disk_mb << 20,
    };
    Db::open(settings, on_commit).map_err(|e| {
        let code = match e {
            OpenError::Newer(..) | OpenError::Bad(_) => Exit::BadDatabase,
            OpenError::Other(_) => Exit::Io,
        };
        Failure::new(code, format!("{}: {e}", folder.database().display()))
    })
}

fn core(
    config: &Config,
    folder: &DataFolder,
    db: &Db,
    (orders, inbox): (
        std::sync::mpsc::SyncSender<hub::Order>,
        std::sync::mpsc::Receiver<hub::Order>,
    ),
    mode: Mode,
) -> Result<Core, Failure> {
    let secret = match &config.jwt_secret {
        Some(secret) => secret.expose().as_bytes().to_vec(),
        None => folder.key("jwt.key", 32)?,
    };
    let previous: Vec<&[u8]> =
        config.jwt_secret_previous.iter().map(|s| s.expose().as_bytes()).collect();
    let keys = token::Keys::new(&secret, &previous);
    say("Repositories initialized");
    let limits = hub::Limits { all: config.ws_max, per_user: config.ws_max_per_user };
    let hub = Hub::start(db, orders, inbox, limits, rights::rights(db)).map_err(internal)?;
    say("WebSocket Hub started (single-server mode)");
    Ok(Core::new(CoreParts {
        db: db.clone(),
        hub,
        keys,
        sessions: Sessions::default(),
        passwords: Passwords::new().map_err(internal)?,
        settings: Settings {
            hosts: config.allowed_hosts.clone(),
            public_url: config
                .public_url
                .as_ref()
                .map(|url| url.as_str().trim_end_matches('/').to_owned()),
            origins: config.allowed_origins.clone(),
            localhost_origins: mode.local,
            trusted_proxies: config.trusted_proxies.clone(),
            metrics_allow: config.metrics_allow.clone(),
        },
        metrics: Metrics::default(),
        setup_open: AtomicBool::new(false),
        anonymous: CoreParts::anonymous_limiter(),
        signed_in: config.api_rate_per_s.map(CoreParts::signed_in_limiter),
        accepts: CoreParts::accept_limiter(config.ws_accept_per_s),
        waiting: Waiting::default(),
    }))
}

/// Well before the disk is full files are refused, so that tickets can still be written.
fn files(config: &Config, folder: &DataFolder) -> Result<attachments::Store, Failure> {
    let key = folder.key("attachments.key", 64)?;
    let key = key.try_into().map_err(|_| internal("the key of links to files is not 64 bytes"))?;
    let settings = attachments::Settings {
        folder: folder.attachments(),
        key,
        refuse_below_bytes: (config.min_free_disk_mb << 20) / 4,
    };
    attachments::Store::open(settings)
        .map_err(|e| Failure::new(Exit::Io, format!("{}: {e}", folder.attachments().display())))
}

/// Checks the settings that only their rooms understand, before anything is made.
///
/// # Errors
/// 78, naming the setting.
pub fn check(config: &Config) -> Result<(), Failure> {
    allowed_by(config)?;
    pbx_guard(config)?;
    schedule(config)?;
    if let Some(first) = &config.first_admin {
        users::rules::password(first.password.expose())
            .map_err(|why| Failure::new(Exit::Config, format!("DESKBELL_ADMIN_PASSWORD: {why}")))?;
        users::rules::email(&first.email)
            .map_err(|why| Failure::new(Exit::Config, format!("DESKBELL_ADMIN_EMAIL: {why}")))?;
    }
    Ok(())
}

fn allowed_by(config: &Config) -> Result<Guard, Failure> {
    let allowed = config.webhook_allow_net.as_deref().unwrap_or_default();
    Guard::new(allowed).map_err(|e| Failure::new(Exit::Config, format!("WEBHOOK_ALLOW_NET: {e}")))
}

fn pbx_guard(config: &Config) -> Result<Guard, Failure> {
    let allowed = config.pbx_allow_net.as_deref().unwrap_or_default();
    Guard::new(allowed).map_err(|e| Failure::new(Exit::Config, format!("PBX_ALLOW_NET: {e}")))
}

/// Connects to telephone systems, where the operator lets them be.
fn switchboard(
    config: &Config,
    folder: &DataFolder,
    db: &Db,
    (address, mode): (SocketAddr, Mode),
) -> Result<pbx::Switchboard, Failure> {
    let guard = pbx_guard(config)?.with_loopback(mode.local).with_own([address]);
    pbx::Switchboard::start(db, guard, secrets(folder)?).map_err(internal)
}

fn secrets(folder: &DataFolder) -> Result<SecretBox, Failure> {
    let key = folder.key("webhooks.key", 32)?;
    let key: [u8; 32] =
        key.try_into().map_err(|_| internal("the key of webhook secrets is not 32 bytes"))?;
    Ok(SecretBox::new(&key))
}

fn schedule(config: &Config) -> Result<Schedule, Failure> {
    match &config.webhook_retry_schedule {
        None => Ok(Schedule::default()),
        Some(text) => Schedule::parse(text)
            .map_err(|e| Failure::new(Exit::Config, format!("WEBHOOK_RETRY_SCHEDULE: {e}"))),
    }
}

/// Which addresses webhooks of a server that listens at `address` may go to.
///
/// # Errors
/// 78 for a `WEBHOOK_ALLOW_NET` that cannot be read.
pub fn guard(config: &Config, address: SocketAddr, mode: Mode) -> Result<Guard, Failure> {
    let guard = allowed_by(config)?;
    if mode.local {
        tracing::warn!("webhooks may be delivered to this machine itself (loopback)");
    }
    Ok(guard.with_loopback(mode.local).with_own([address]))
}

fn engine_settings(
    config: &Config,
    folder: &DataFolder,
    guard: Guard,
    mode: Mode,
) -> Result<engine::Settings, Failure> {
    let schedule = schedule(config)?;
    let guard = Arc::new(guard);
    let settings = post::Settings {
        ca_file: config.webhook_ca_file.clone(),
        proxy: config.webhook_proxy.as_ref().map(|p| p.expose().to_owned()),
        ..post::Settings::default()
    };
    let poster = Poster::new(guard.clone(), &settings)
        .map_err(|e| Failure::new(Exit::Config, e.to_string()))?;
    Ok(engine::Settings {
        workers: config.webhook_workers,
        workers_max: config.webhook_workers_max,
        schedule,
        guard,
        poster,
        secrets: secrets(folder)?,
        paused: mode.deliveries_paused,
    })
}

/// Writes down now and then when sign-ins were last used.
async fn touch_sessions(core: Core) {
    loop {
        core.clock().sleep_ms(TOUCH_EVERY_MS).await;
        let seen = core.sessions.seen();
        for step in seen.chunks(500) {
            let step = step.to_vec();
            match core.db.write(move |w| auth_sql::touch_sessions(w, &step)).await {
                Ok(()) | Err(Error::Full | Error::Busy(_)) => {}
                Err(e) => tracing::warn!(error = %e, "last uses could not be written down"),
            }
        }
    }
}
