//! `deskbell demo`: the real server in a throw-away folder, with people in it and something going
//! on.

mod cast;
mod chatter;
mod dice;
mod floor;
mod furnish;
mod leftovers;
mod live;
mod play;
mod receivers;
mod texts;

use super::serve;
use crate::{
    app::{Mode, Server, say},
    auth::password,
    config::{
        Flags, ServerEnv, Surroundings,
        folder::{Choice as FolderChoice, DataFolder, Reason},
        load,
    },
    error::{Error, Result},
    exit::{Exit, Failure},
    logging,
    time::Clock,
};
use cast::{Cast, EMAIL};
use chatter::Chatter;
use dice::Dice;
use play::{Files, Stage};
use std::sync::Arc;

/// Seed B's commands use this one.
const PASSWORD: &str = "password";

/// Flags of this command.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Args {
    /// How many times as fast people call, write and answer
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=50))]
    speed: u8,
    /// Makes the same people do the same things as the last time with this number
    #[arg(long)]
    seed: Option<u64>,
}

/// Serves the demonstration until it is told to stop, then forgets it.
pub(super) fn run(
    args: Args,
    flags: &Flags,
    around: &Surroundings,
) -> std::result::Result<(), Failure> {
    let around = Surroundings { env_file_keys: Some(&["SERVER_PORT"]), ..around.clone() };
    let mut loaded = load(flags, &around)?;
    let config = &mut loaded.config;
    // Whatever the surroundings say: this one is for the person at this machine.
    config.server_host = String::from("127.0.0.1");
    config.server_env = ServerEnv::Development;
    config.jwt_secret = None;
    config.public_url = None;
    logging::start(config.log_format, config.log_level);
    let failed = |e: std::io::Error| Failure::new(Exit::CannotCreate, e.to_string());
    let throw_away =
        tempfile::Builder::new().prefix(leftovers::PREFIX).tempdir().map_err(failed)?;
    // A folder of its own within, so that it is made with the permissions of a data folder.
    let path = throw_away.path().join("data");
    let choice = FolderChoice { path, reason: Reason::ThrowAway };
    let folder = DataFolder::open(&choice)?;
    let _lock = folder.lock()?;
    let own = throw_away.path().to_owned();
    std::thread::spawn(move || leftovers::remove(&own));
    serve::runtime()?.block_on(async {
        let mode = Mode { local: true, deliveries_paused: false };
        let server = Server::start(&loaded.config, &folder, Clock::default(), mode).await?;
        let failed = |e: Error| Failure::new(Exit::Failed, format!("the demo: {e}"));
        begin(&server, args).await.map_err(failed)?;
        let at = serve::base_url(&server, &loaded);
        say(&format!("Demo: open {at}/admin and sign in as {EMAIL} / {PASSWORD}"));
        serve::serve(server, &loaded).await
    })
}

/// Furnishes the folder, and lets the story go on from there.
async fn begin(server: &Server, args: Args) -> Result<()> {
    let db = &server.app.core.db;
    let hash = password::hash(PASSWORD)?;
    let cast = Arc::new(db.write(move |w| Cast::hire(w, &hash)).await?);
    let files = Files::put(&server.app.files, &cast).await?;
    let urls = receivers::open().await.map_err(Error::internal)?;
    let mut dice = args.seed.map_or_else(Dice::new, |seed| Ok(Dice::of(seed)))?;
    let speed = i64::from(args.speed);
    let (people, pinned, chance) = (cast.clone(), files.clone(), dice.fork());
    let engine = server.app.engine.clone();
    let scene = db.write(move |w| {
        let mut stage = Stage { cast: &people, files: &pinned, dice: chance.clone() };
        let mut chatter = Chatter::new(stage.dice.fork(), speed);
        chatter.past(w, &people)?;
        let scene = furnish::furnish(w, &mut stage, speed)?;
        // After the history, or all of it would be delivered at once.
        receivers::register(w, &engine, &people, &urls)?;
        Ok((scene, chatter))
    });
    let ((scene, floor), chatter) = scene.await?;
    tokio::spawn(chatter::live(db.clone(), cast.clone(), chatter));
    tokio::spawn(floor::live(db.clone(), cast.clone(), floor));
    tokio::spawn(live::acts(db.clone(), cast, (files, scene), (dice, speed)));
    Ok(())
}
