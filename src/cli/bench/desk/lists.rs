//! `deskbell bench lists`: lists and search on a desk with many tickets and comments.
//!
//! Every filter of `GET /tickets` in every order, the combinations that people use, as staff and as
//! customers; then `GET /search`. One question at a time.

use super::{
    ask::{Order, Question, ask},
    search,
    town::{self, Town},
};
use crate::cli::bench::{
    Common, Outcome,
    client::Api,
    drive, failed,
    report::{Report, Section},
    server::Server,
    wrong,
};
use serde_json::Value;
use std::{path::PathBuf, sync::Arc, time::Instant};

/// Flags of this bench.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Tickets on the desk
    #[arg(long, default_value_t = 100_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    tickets: u64,
    /// Comments on them
    #[arg(long, default_value_t = 500_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(100..=50_000_000))]
    comments: u64,
    /// How often each question is asked in each order
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    asks: u64,
    /// Keep the filled desk in this folder; one that is there already is measured as it is
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Only questions whose name has this in it
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

const ORDERS: [Order; 8] = [
    ("-updated_at", "sort=-updated_at"),
    ("updated_at", "sort=updated_at"),
    ("-created_at", "sort=-created_at"),
    ("created_at", "sort=created_at"),
    ("-number", "sort=-number"),
    ("number", "sort=number"),
    ("-priority", "sort=-priority"),
    ("priority", "sort=priority"),
];

/// Runs it.
pub(in crate::cli::bench) fn run(args: &Args) -> Outcome<()> {
    let full = args.keep.as_ref().is_some_and(|folder| folder.join("full").exists());
    let server = match &args.keep {
        Some(folder) => Server::start_in(folder, &args.common)?,
        None => Server::start(&args.common, &[], &[])?,
    };
    drive(server, &args.common, async |server| measure((args, full), server).await)
}

async fn measure((args, full): (&Args, bool), server: &Server) -> Outcome<Report> {
    let mut report = Report::new("lists", server.machine());
    let mut api = Api::sign_in(server.address).await?;
    let town = if full {
        Town::found(&mut api).await?
    } else {
        let town = Arc::new(Town::settle(&mut api, server).await?);
        report.add(fill(args, server, (&mut api, &town)).await?);
        // It takes longer than an idle connection may.
        api = Api::sign_in(server.address).await?;
        Arc::into_inner(town).ok_or_else(|| wrong("the desk is still being filled".into()))?
    };
    let times = Times::of(&mut api).await?;
    let firm = Api::sign_in_as(server.address, &town::customer(0)).await?;
    let person = Api::sign_in_as(server.address, &town::customer(1)).await?;
    let mut people = [("staff", api), ("firm", firm), ("customer", person)];
    let town = Arc::new(town);
    for (who, api) in &mut people {
        let mut all = common(&times);
        if *who == "staff" {
            all.extend(for_staff(&town, &times));
        }
        ask_all(args, server, (who, api), (&all, &ORDERS), &mut report).await?;
    }
    for (who, api) in &mut people {
        let all = search::questions(who);
        ask_all(args, server, (who, api), (&all, &[("", "limit=25")]), &mut report).await?;
    }
    let (database, _) = server.database_bytes();
    report.add(
        Section::new("server", "The server after that")
            .with(("server_rss_kib", "memory of the server", "KiB"), server.rss_kib())
            .with(("database_bytes", "database", "bytes"), database),
    );
    Ok(report)
}

/// Asks those of the questions that are wanted.
async fn ask_all(
    args: &Args,
    server: &Server,
    (who, api): (&str, &mut Api),
    (questions, orders): (&[Question], &[Order]),
    report: &mut Report,
) -> Outcome<()> {
    for question in questions.iter().filter(|question| question.is(&args.only)) {
        report.add(ask(api, server, (who, question), (orders, args.asks)).await?);
    }
    Ok(())
}

/// Fills the desk, and notes that it is full.
async fn fill(
    args: &Args,
    server: &Server,
    (api, town): (&mut Api, &Arc<Town>),
) -> Outcome<Section> {
    let started = Instant::now();
    town.fill(api, server, (args.tickets, args.comments)).await?;
    if let Some(folder) = &args.keep {
        std::fs::write(folder.join("full"), []).map_err(|e| failed("the folder", &e))?;
    }
    Ok(Section::new("filled", "The desk")
        .with(("tickets", "tickets", ""), args.tickets as f64)
        .with(("comments", "comments", ""), args.comments as f64)
        .with(("seconds", "filled within", "s"), started.elapsed().as_secs_f64()))
}

/// Moments between which tickets were opened: the half, and the last hundredth.
struct Times {
    half: String,
    late: String,
}

impl Times {
    async fn of(api: &mut Api) -> Outcome<Self> {
        let first = api.get("/api/v1/tickets?per_page=1").await?;
        let total = first.pointer("/meta/total").and_then(Value::as_u64).unwrap_or(0);
        let mut at = async |number: u64| {
            let ticket = api.get(&format!("/api/v1/tickets/{}", number.max(1))).await?;
            let at = ticket.pointer("/data/created_at").and_then(Value::as_str);
            at.map(str::to_owned).ok_or_else(|| wrong("a ticket has no time".into()))
        };
        Ok(Self { half: at(total / 2).await?, late: at(total - total / 100).await? })
    }
}

fn list(name: &'static str, query: impl Fn(u64) -> String + 'static) -> Question {
    Question::new(name, move |n| format!("/api/v1/tickets?{}", query(n)))
}

fn same(name: &'static str, query: &'static str) -> Question {
    list(name, move |_| query.into())
}

/// What everybody asks for.
fn common(times: &Times) -> Vec<Question> {
    let (half, late) = (times.half.clone(), times.late.clone());
    let half_too = half.clone();
    vec![
        same("all", ""),
        same("page 2", "page=2"),
        same("200 rows", "per_page=200"),
        same("status", "status=open"),
        same("statuses", "status=open,in_progress,pending"),
        same("priority", "priority=high"),
        same("type", "type=incident"),
        same("channel", "channel=web"),
        same("requester=me", "requester=me&status=open,pending,in_progress,closed").or_nothing(),
        same("q word", "q=printer"),
        same("q prefix", "q=pri"),
        same("q accent", "q=cafe"),
        same("status+priority", "status=open,in_progress&priority=high,urgent"),
        list("created_after", move |_| format!("created_after={half}")),
        list("created_before", move |_| format!("created_before={half_too}")),
        list("status+created_after", move |_| format!("status=resolved&created_after={late}"))
            .or_nothing(),
    ]
}

/// What only staff ask for, or all of whose tickets they search.
fn for_staff(town: &Arc<Town>, times: &Times) -> Vec<Question> {
    let of = |ids: &[String]| {
        let ids = ids.to_vec();
        move |n: u64| {
            let at = usize::try_from(n).unwrap_or(0) % ids.len().max(1);
            ids.get(at).cloned().unwrap_or_default()
        }
    };
    let (agent, agent_too, agent_more) = (of(&town.agents), of(&town.agents), of(&town.agents));
    let (team, team_too) = (of(&town.teams), of(&town.teams));
    let (customer, customer_too) = (of(&town.customers), of(&town.customers));
    let firm = town.customers.first().cloned().unwrap_or_default();
    let (half, late, late_too) = (times.half.clone(), times.late.clone(), times.late.clone());
    let tag = |n: u64| format!("tag{}", n % town::TAGS);
    vec![
        list("assignee", move |n| format!("assignee={}", agent(n))),
        same("assignee=me", "assignee=me").or_nothing(),
        same("assignee=none", "assignee=none"),
        list("team", move |n| format!("team={}", team(n))),
        same("team=none", "team=none"),
        list("requester", move |n| format!("requester={}", customer(n))),
        list("requester a firm", move |_| format!("requester={firm}")),
        list("tag", move |n| format!("tag={}", tag(n))),
        same("tag, frequent", "tag=tag0"),
        list("tags", move |n| format!("tag={},tag0,{}", tag(n), tag(n + 7))),
        same("q two words", "q=printer+invoice"),
        same("q rare", "q=baholcor").or_nothing(),
        list("q number", |n| format!("q=%23{}", 1 + n)),
        list("updated_after", move |_| format!("updated_after={late}")),
        list("updated_before", move |_| format!("updated_before={late_too}")).or_nothing(),
        same("deleted", "deleted=true").or_nothing(),
        list("assignee+status", move |n| format!("assignee={}&status=open", agent_too(n))),
        list("assignee+statuses+priority", move |n| {
            format!("assignee={}&status=open,pending&priority=urgent", agent_more(n))
        }),
        same("assignee=none+status", "assignee=none&status=open,in_progress"),
        list("team+status", move |n| format!("team={}&status=open", team_too(n))),
        list("requester+status", move |n| {
            format!("requester={}&status=resolved,closed", customer_too(n))
        }),
        list("tag+status", move |n| format!("tag={}&status=open", tag(n))),
        same("tag, frequent+status", "tag=tag0&status=open,pending"),
        same("status rare", "status=on_hold"),
        same("status rare+priority+type", "status=on_hold&priority=urgent&type=task"),
        same("type+channel+priority", "type=task&channel=call&priority=low"),
        same("q+status", "q=printer&status=open"),
        list("created half+assignee=none", move |_| format!("created_after={half}&assignee=none")),
        same("far back", "page=1000").or_nothing(),
        same("far back, status", "page=300&status=closed").or_nothing(),
        Question::vain("nothing", |_| "/api/v1/tickets?type=never".into()),
    ]
}
