//! `deskbell bench floor`: a call centre at work, and wallboards that show it.
//!
//! Calls come at a fixed rate and are entered, offered, answered, held, passed on, ended and
//! written up by REST, each step by its own request. Wallboards stand in the room `board` and hear
//! all events. In the end the times of every call and of every agent must add up, and every wall
//! must have heard every step once.

mod calls;
mod check;
mod walls;

use super::{
    Common, Outcome,
    client::Api,
    cost::Window,
    drive, load,
    report::{Report, Section},
    server::Server,
    stats::Latencies,
    wrong,
};
use calls::{Floor, Sum};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::sleep;
use walls::Walls;

/// Flags of this bench.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Agents at the telephones
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(2..=1_000))]
    agents: u16,
    /// Calls that begin each second
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=2_000))]
    rate: u16,
    /// Wallboards
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    walls: u16,
}

/// Time between two looks at the whole board.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Connections over which the people are made.
const CLIENTS: u16 = 8;

/// Seconds that agents have after a call, unless they are done sooner.
const WRAP_UP_S: u32 = 5;

/// Runs it.
pub(super) fn run(args: &Args) -> Outcome<()> {
    let server = Server::start(&args.common, &[("WS_MAX_PER_USER", "1100".into())], &[])?;
    drive(server, &args.common, async |server| measure(args, server).await)
}

async fn measure(args: &Args, server: &Server) -> Outcome<Report> {
    let mut report = Report::new("floor", server.machine());
    let mut api = Api::sign_in(server.address).await?;
    let agents = settle(&mut api, server, args.agents).await?;
    let walls = Arc::new(Walls::default());
    for _ in 0..args.walls {
        walls.hang(&api.pen(), server.address).await?;
    }
    let looks = Arc::new(AtomicBool::new(true));
    let looking = tokio::spawn(look(Api::sign_in(server.address).await?, looks.clone()));
    let floor = Floor::new(&api, server.address, agents.clone(), walls.clone());
    let window = Window::open(server.pid());
    let count = u64::from(args.rate) * args.common.seconds;
    let mut sum = floor.work(count, args.rate).await?;
    walls.all_heard(sum.told).await?;
    let spent = window.close();
    looks.store(false, Ordering::Relaxed);
    let mut looked = looking.await.map_err(|e| super::failed("the look at the board", &e))??;
    let rss = server.rss_kib();
    // The server has long hung up on the first connection, which was silent.
    let mut api = Api::sign_in(server.address).await?;
    let checked = check::all(&mut api, &sum, &agents).await?;
    report.add(calls(args, &mut sum, &spent).with(("server_rss_kib", "memory", "KiB"), rss));
    let mut heard = walls.heard();
    let title = format!("From a step's POST to {} walls: its event", args.walls);
    report.add(
        Section::new("events", title)
            .with(("heard", "events heard", ""), heard.events.len() as f64)
            .latencies(&mut heard.events),
    );
    let title = format!("From a step's POST to {} walls: the changed board", args.walls);
    report.add(
        Section::new("board", title)
            .with(("changes", "changes told, of one wall", ""), heard.changes_of_one)
            .latencies(&mut heard.board),
    );
    let title = format!("GET /board meanwhile, {} bytes", looked.bytes);
    report.add(
        Section::new("snapshot", title)
            .with(("looks", "looks", ""), looked.latencies.len() as f64)
            .latencies(&mut looked.latencies),
    );
    report.add(
        Section::new("checked", "What adds up")
            .with(("calls", "calls whose times do", ""), checked.calls as f64)
            .with(("agents", "agents whose intervals do", ""), checked.agents as f64)
            .with(("intervals", "intervals", ""), checked.intervals as f64),
    );
    Ok(report)
}

fn calls(args: &Args, sum: &mut Sum, spent: &super::cost::Spent) -> Section {
    let calls = sum.calls as f64;
    let title = format!("{} calls a second, {} agents", args.rate, args.agents);
    Section::new("calls", title)
        .with(("calls", "calls", ""), calls)
        .with(("per_s", "calls begun", "/s"), calls / sum.began_within.as_secs_f64())
        .with(("steps", "steps", ""), sum.steps.len() as f64)
        .latencies(&mut sum.steps)
        .with(("server_us", "server CPU a call", "µs"), spent.server_us_per(calls))
        .busy(spent)
}

/// Makes the agents, and puts them at work; their ids.
async fn settle(api: &mut Api, server: &Server, count: u16) -> Outcome<Vec<String>> {
    let pen = api.pen();
    let make: load::Make = Arc::new(move |number| {
        let agent = json!({
            "email": format!("agent{number:04}@bench.example"),
            "name": format!("Agent {number:04}"), "role": "agent",
        });
        pen.request("POST", "/api/v1/users", &agent.to_string())
    });
    load::each(server.address, CLIENTS, ("POST /users", 201), (count.into(), make)).await?;
    let board = api.get("/api/v1/agent-state").await?;
    let rows = board.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
    let agents = rows.iter().filter(|row| row.get("role").is_some_and(|role| role == "agent"));
    let agents: Vec<String> =
        agents.filter_map(|row| row.get("user_id")?.as_str().map(str::to_owned)).collect();
    if agents.len() != usize::from(count) {
        return Err(wrong(format!("{count} agents were made, and {} are there", agents.len())));
    }
    let wrap_up = json!({ "wrap_up_seconds": WRAP_UP_S }).to_string();
    let request = api.request("PATCH", "/api/v1/agent-state/settings", &wrap_up);
    api.send("the time after a call", &request).await?;
    for agent in &agents {
        let path = format!("/api/v1/agent-state/{agent}");
        let request = api.request("PUT", &path, r#"{"state":"available"}"#);
        api.send("an agent's state", &request).await?;
    }
    Ok(agents)
}

/// How long whole boards took.
struct Looked {
    latencies: Latencies,
    bytes: usize,
}

/// Looks at the whole board again and again.
async fn look(mut api: Api, goes_on: Arc<AtomicBool>) -> Outcome<Looked> {
    let mut looked = Looked { latencies: Latencies::default(), bytes: 0 };
    while goes_on.load(Ordering::Relaxed) {
        let (took, board) = api.timed("/api/v1/board").await?;
        looked.latencies.add(took);
        looked.bytes = looked.bytes.max(board.to_string().len());
        sleep(LOOK_EVERY).await;
    }
    Ok(looked)
}
