//! `deskbell demo`: the real server in a throw-away folder, with people in it and something going
//! on.

use super::serve;
use crate::{
    accounts::setup,
    agents::{self, Choice, State},
    app::{Mode, Server, say},
    auth::{Role, password},
    config::{
        Flags, ServerEnv, Surroundings,
        folder::{Choice as FolderChoice, DataFolder, Reason},
        load,
    },
    db::{Db, Write},
    error::{Error, Result},
    event::Actor,
    exit::{Exit, Failure},
    id::{TenantId, UserId},
    logging,
    time::Clock,
    users::{self, Hand},
};

/// Seed B's commands use this pair.
const EMAIL: &str = "admin@example.com";
const PASSWORD: &str = "password";

const AGENTS: [(&str, &str); 3] = [
    ("ada@example.com", "Ada Okafor"),
    ("ben@example.com", "Ben Lindqvist"),
    ("chiyo@example.com", "Chiyo Tanaka"),
];

const CUSTOMERS: [(&str, &str); 5] = [
    ("dora@customer.example", "Dora Weiss"),
    ("emil@customer.example", "Emil Haddad"),
    ("fatou@customer.example", "Fatou Diop"),
    ("gus@customer.example", "Gus Petrov"),
    ("hana@customer.example", "Hana Novak"),
];

/// What agents give as reasons, by state.
const REASONS: [(State, &[&str]); 4] = [
    (State::Available, &["", "", "back at my desk"]),
    (State::Away, &["lunch", "coffee", "school run"]),
    (State::Busy, &["writing an answer", "training", "meeting"]),
    (State::Offline, &["", "end of shift"]),
];

/// State changes in the history, and the time they are spread over.
const HISTORY: usize = 200;
const HISTORY_MS: i64 = 8 * 3_600_000;

/// Time between two changes.
const CHANGE_EVERY_MS: i64 = 2_000;

/// Serves the demonstration until it is told to stop, then forgets it.
pub(super) fn run(flags: &Flags, around: &Surroundings) -> std::result::Result<(), Failure> {
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
    let throw_away = tempfile::Builder::new().prefix("deskbell-demo-").tempdir().map_err(failed)?;
    // A folder of its own within, so that it is made with the permissions of a data folder.
    let path = throw_away.path().join("data");
    let choice = FolderChoice { path, reason: Reason::ThrowAway };
    let folder = DataFolder::open(&choice)?;
    let _lock = folder.lock()?;
    serve::runtime()?.block_on(async {
        let mode = Mode { local: true, deliveries_paused: false };
        let server = Server::start(&loaded.config, &folder, Clock::default(), mode).await?;
        let db = server.app.core.db.clone();
        let failed = |e: Error| Failure::new(Exit::Failed, format!("the demo: {e}"));
        let people = furnish(&db).await.map_err(failed)?;
        tokio::spawn(keep_moving(db, people));
        let at = serve::base_url(&server, &loaded);
        say(&format!("Demo: open {at}/admin and sign in as {EMAIL} / {PASSWORD}"));
        serve::serve(server, &loaded).await
    })
}

/// The agents of the demonstration.
#[derive(Clone)]
struct People {
    tenant: TenantId,
    agents: Vec<(UserId, &'static str)>,
}

/// People, and a history that ends now.
async fn furnish(db: &Db) -> Result<People> {
    let hash = password::hash(PASSWORD)?;
    let admin = setup::Admin::checked(EMAIL, Some("Alex Admin"), None, hash.clone())?;
    let made = setup::first_admin(db, admin).await?;
    let tenant =
        made.ok_or_else(|| Error::internal("the throw-away folder was not empty"))?.tenant_id;
    let people = db
        .write(move |w| {
            let hand = Hand::of_system(tenant);
            let mut add = |role, (email, name): (&'static str, &'static str)| {
                let new = users::New::plain(email, name, role);
                users::create(w, &hand, &new, Some(&hash)).map(|user| (user.id, name))
            };
            let agents = AGENTS.map(|who| add(Role::Agent, who));
            for who in CUSTOMERS {
                add(Role::Customer, who)?;
            }
            let agents = agents.into_iter().collect::<Result<Vec<_>>>()?;
            Ok(People { tenant, agents })
        })
        .await?;
    let cast = people.clone();
    db.write(move |w| {
        let now = w.now;
        for step in 0..HISTORY {
            let ago = HISTORY_MS * i64::try_from(HISTORY - step).unwrap_or(0) / 200;
            w.now = now - ago;
            change_one(w, &cast)?;
        }
        w.now = now;
        Ok(())
    })
    .await?;
    Ok(people)
}

/// Somebody does something every two seconds, until the server stops.
async fn keep_moving(db: Db, people: People) {
    loop {
        db.clock().sleep_ms(CHANGE_EVERY_MS).await;
        let cast = people.clone();
        if let Err(e) = db.write(move |w| change_one(w, &cast)).await {
            tracing::warn!(error = %e, "the demo stands still");
        }
    }
}

/// One agent goes into another state.
fn change_one(w: &mut Write<'_>, people: &People) -> Result<()> {
    let mut dice = getrandom::u64().map_err(|e| Error::internal(e.to_string()))?;
    let mut roll = |sides: usize| {
        let rolled = usize::try_from(dice % sides.max(1) as u64).unwrap_or(0);
        dice /= sides.max(1) as u64;
        rolled
    };
    let Some((user, name)) = people.agents.get(roll(people.agents.len())) else { return Ok(()) };
    for _ in 0..4 {
        let Some((state, reasons)) = REASONS.get(roll(REASONS.len())) else { continue };
        let reason = reasons.get(roll(reasons.len())).copied().unwrap_or_default();
        let choice = Choice::new(state.name(), Some(reason.to_owned()))?;
        let actor = Actor { id: Some(*user), name: (*name).into(), kind: "user".into() };
        let (_, said) = agents::choose(w, people.tenant, *user, &choice, (actor, "agent"))?;
        // The same state for the same reason is no change: roll again.
        if said.is_some() {
            break;
        }
    }
    Ok(())
}
