//! The pages in a real browser: headless Chromium walks through them, against the built program.
//!
//! `tests/run` installs what this needs (Chromium, playwright-core, axe-core). Where it is missing
//! the test says so and does nothing, but in CI it must run. With `DESKBELL_SHOTS=folder` it leaves
//! pictures of all pages there, light, dark and small, for people to look at.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that trips fails, which is what it is for, and says what it does"
)]

use std::{
    env, fs,
    io::{BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How long a whole walk may take. It takes half a minute on two quiet cores.
const WALK_MAX: Duration = Duration::from_secs(300);

/// What the walk prints when it wants the server killed and started again.
const RESTART: &str = "please restart the server";

/// Walks take turns: they promise things within a second, and two cores carry one of them.
static TURN: Mutex<()> = Mutex::new(());

/// The built program, serving a folder of its own; killed when this is dropped.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    /// Starts it on `port` (0 for any) and waits until it serves.
    fn start(folder: &Path, port: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_deskbell"))
            .args(["serve", "--port", port, "--data-dir"])
            .arg(folder.join("data"))
            .current_dir(folder)
            .env_clear()
            // Webhooks may go to this machine itself, where the walk has its receiver.
            .env("SERVER_ENV", "development")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("Starting server on ").map(String::from))
            .expect("it says where it serves");
        thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Killed, not asked: what it acknowledged must be there when it comes back.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The walk, a script of its own; killed when this is dropped.
struct Walk {
    process: Child,
    says: Lines<BufReader<ChildStdout>>,
    hears: ChildStdin,
}

impl Walk {
    fn begin(script: &str, tools: &Tools, address: &str, setup_link: &str) -> Self {
        let mut process = Command::new("node")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(script))
            .env("DESKBELL_URL", format!("http://{address}"))
            .env("DESKBELL_SETUP_LINK", setup_link)
            .env("DESKBELL_CLIENTS", &tools.clients)
            .env("DESKBELL_CHROMIUM", &tools.chromium)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let says = BufReader::new(process.stdout.take().expect("its output")).lines();
        let hears = process.stdin.take().expect("its input");
        Self { process, says, hears }
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// What is needed beside the program.
struct Tools {
    clients: PathBuf,
    chromium: PathBuf,
}

impl Tools {
    /// Finds them, or says what is missing.
    fn find() -> Result<Self, &'static str> {
        let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients/npm");
        if !clients.join("node_modules/playwright-core").is_dir() {
            return Err("playwright-core is not installed");
        }
        in_path(&["node"]).ok_or("node is not installed")?;
        let chromium = in_path(&["chromium", "chromium-browser", "google-chrome"]);
        Ok(Self { clients, chromium: chromium.ok_or("Chromium is not installed")? })
    }
}

fn in_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<_> = env::split_paths(&path).collect();
    names.iter().flat_map(|name| folders.iter().map(move |f| f.join(name))).find(|p| p.is_file())
}

/// Set up, sign in, hear events live, look after webhooks, survive a killed server and hostile
/// names, on every page in light and dark: no error in the console, nothing that the CSP refuses,
/// no request to another host, nothing that keeps out who uses a keyboard or a screen reader.
#[test]
fn a_person_can_work_with_the_pages() {
    walk("walk.mjs");
}

/// Two people, each with a browser of their own, work on the same tickets: what one does the other
/// sees within a second, without asking for a list; hostile words are words; a change that comes
/// too late is told, not lost; all of it by keyboard too.
#[test]
fn two_people_work_on_the_same_tickets_and_see_each_other() {
    walk("tickets.mjs");
}

/// Staff at one ticket see who else looks at it and who writes, and customers are not among them; a
/// page that is sent away for a moment stays away for as long as it is asked to.
#[test]
fn staff_see_who_else_is_at_a_ticket() {
    walk("company.mjs");
}

/// The bell rings within a second, a customer is helped and never sees a word that is not for them,
/// an article is written, read and voted on; as carefully watched as the walk of staff.
#[test]
fn a_customer_is_helped_and_the_bell_rings() {
    walk("help.mjs");
}

/// What happens on the telephone stands on the wall within a second; a wall that is cut says so;
/// thresholds are set for all; reports are read, and taken home.
#[test]
fn a_supervisor_watches_the_floor_and_reads_how_it_was() {
    walk("floor.mjs");
}

/// An administrator sees who is connected and ends a connection after asking, filters and
/// pauses the tail of events, and follows an event from its commit to every attempt of every
/// webhook.
#[test]
fn an_administrator_sees_connections_and_follows_events() {
    walk("operator.mjs");
}

/// Accounts are invited, changed by two at once, closed and let in again by links; teams are made
/// and dissolved; the pages keep themselves true.
#[test]
fn an_administrator_looks_after_people_and_teams() {
    walk("people.mjs");
}

/// Two of staff, a customer, and a visitor on a page of another site talk with each other, through
/// a crash of the server too.
#[test]
fn visitors_of_other_sites_customers_and_staff_talk_with_each_other() {
    walk("chats.mjs");
}

/// A telephone system is added, tested, mended and taken away, and one that posts gets its address.
#[test]
fn an_administrator_connects_telephones() {
    walk("telephones.mjs");
}

/// A call rings on the page of the agent to whom it is offered, without taking their focus; it is
/// answered, held, passed on and written up there, a ticket comes of it, and whoever is missed is
/// called back. Reloads and steps that come too late lose nothing.
#[test]
fn two_agents_take_calls_and_pass_them_on() {
    walk("calls.mjs");
}

/// Starts the program and a walk through its pages, and fails with it.
fn walk(script: &str) {
    let tools = match Tools::find() {
        Ok(tools) => tools,
        Err(missing) if env::var_os("CI").is_none() => {
            return println!("skipped: {missing}; tests/run installs what is needed");
        }
        Err(missing) => panic!("{missing}, and in CI this test must run"),
    };
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::start(folder.path(), "0");
    let link = fs::read_to_string(folder.path().join("data/setup-link.txt")).expect("a link");
    let port = server.address.rsplit(':').next().expect("a port").to_owned();
    let mut walk = Walk::begin(script, &tools, &server.address, link.trim());
    let until = Instant::now() + WALK_MAX;
    let watch = kill_after(&walk.process, until);
    while let Some(Ok(line)) = walk.says.next() {
        println!("{line}");
        if line == RESTART {
            drop(server);
            server = Server::start(folder.path(), &port);
            writeln!(walk.hears, "done").expect("the walk listens");
        }
    }
    let ended = walk.process.wait().expect("the walk ends");
    watch.send(()).ok();
    assert!(Instant::now() < until, "the walk took longer than {WALK_MAX:?}");
    assert!(ended.success(), "the walk failed; what it says stands above");
}

/// Ends a walk that hangs, unless it is told that the walk is over.
fn kill_after(process: &Child, until: Instant) -> std::sync::mpsc::SyncSender<()> {
    let (over, wait) = std::sync::mpsc::sync_channel(1);
    let id = process.id().to_string();
    thread::spawn(move || {
        let left = until.saturating_duration_since(Instant::now());
        if wait.recv_timeout(left) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            eprintln!("the walk hangs and is ended");
            drop(Command::new("kill").args(["-9", &id]).status());
        }
    });
    over
}
