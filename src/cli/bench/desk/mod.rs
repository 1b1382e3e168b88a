//! `deskbell bench desk`: how many tickets a second, each with all that it brings along.
//!
//! Customers open tickets over many connections. Each is a row with its number, a row in the text
//! index, two SLA clocks, an event, and a notification with its event for three members of a team.

mod ask;
pub(super) mod lists;
mod search;
mod town;

use super::{
    Common, Outcome,
    client::Api,
    drive, load,
    report::{Report, Section},
    server::Server,
    wrong,
};
use serde_json::Value;
use town::Town;

/// Different tickets that are opened in turn.
const TICKETS: u64 = 2_000;

/// Flags of this bench.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Connections, each with one request under way
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4_000))]
    clients: u16,
}

/// Runs it.
pub(super) fn run(args: &Args) -> Outcome<()> {
    let server = Server::start(&args.common, &[], &[])?;
    drive(server, &args.common, async |server| measure(args, server).await)
}

async fn measure(args: &Args, server: &Server) -> Outcome<Report> {
    let mut report = Report::new("desk", server.machine());
    let mut api = Api::sign_in(server.address).await?;
    let town = Town::settle(&mut api, server).await?;
    let customer = Api::sign_in_as(server.address, &town::customer(1)).await?;
    let requests: Vec<Vec<u8>> = (0..TICKETS)
        .map(|n| customer.request("POST", "/api/v1/tickets", &town.plain_ticket(n).to_string()))
        .collect();
    let before = api.latest_seq().await?;
    let on = (server, &args.common);
    let (spent, mut sent) =
        load::for_a_time(on, args.clients, "POST /tickets", requests.into()).await?;
    let grown = api.latest_seq().await? - before;
    check(&mut api, grown, sent.acknowledged).await?;
    let creates = sent.latencies.len() as f64;
    let (database, log) = server.database_bytes();
    let title = format!(
        "Tickets: {} connections, {} people told of each, {} s",
        args.clients,
        Town::told(),
        args.common.seconds
    );
    report.add(
        Section::new("creates", title)
            .with(("per_s", "tickets", "/s"), creates / spent.seconds)
            .latencies(&mut sent.latencies)
            .with(("server_us", "server CPU a ticket", "µs"), spent.server_us_per(creates))
            .busy(&spent)
            .with(("server_rss_kib", "memory of the server", "KiB"), server.rss_kib())
            .with(("acknowledged", "tickets, as acknowledged", ""), sent.acknowledged as f64)
            .with(("database_bytes", "database", "bytes"), database)
            .with(("wal_bytes", "write-ahead log", "bytes"), log),
    );
    Ok(report)
}

/// Everything acknowledged is there: the tickets, their events, and the clocks of the last one.
async fn check(api: &mut Api, grown: u64, acknowledged: u64) -> Outcome<()> {
    let events = acknowledged * (1 + Town::told());
    if grown != events {
        let told = format!("{acknowledged} tickets should say {events} events, not {grown}");
        return Err(wrong(told));
    }
    let listed = api.get("/api/v1/tickets?sort=-number").await?;
    let total = listed.pointer("/meta/total").and_then(Value::as_u64);
    if total != Some(acknowledged) {
        return Err(wrong(format!(
            "{acknowledged} tickets were acknowledged, {total:?} are there"
        )));
    }
    for clock in ["first_response_due_at", "resolution_due_at"] {
        let due = listed.pointer(&format!("/data/0/{clock}")).and_then(Value::as_str);
        due.ok_or_else(|| wrong(format!("the last ticket has no {clock}")))?;
    }
    let found = api.get("/api/v1/search?q=printer&in=tickets").await?;
    let found = found.get("data").and_then(Value::as_array).map_or(0, Vec::len);
    if found == 0 {
        return Err(wrong("no ticket is found by its words".into()));
    }
    Ok(())
}
