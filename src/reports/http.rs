//! `GET /reports/{name}` and `/reports/{name}.csv`: supervisors (`ReadReports`).

use super::{Name, Query, Report, Table, Wanted, desk, floor, hooks, sql};
use crate::{
    board::settings,
    error::Result,
    http::{Caller, Core, May, PathOf, QueryOf, csv, ok, permission::ReadReports},
};
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};

/// `GET /reports/{name}`: a table, as JSON or, with `.csv` behind the name, as a file.
///
/// # Errors
/// 404 for a report that there is not, 422 naming the field, also when there would be too much.
pub async fn show(
    State(core): State<Core>,
    who: May<ReadReports>,
    PathOf(asked): PathOf<String>,
    QueryOf(query): QueryOf<Query>,
) -> Result<Response> {
    let (word, as_file) = match asked.strip_suffix(".csv") {
        Some(word) => (word, true),
        None => (asked.as_str(), false),
    };
    let name = Name::of(word)?;
    let (report, table) = made(&core, &who, name, query).await?;
    if as_file {
        return Ok(csv::file(Body::from(table.csv()), file_name(name)));
    }
    Ok(ok(Report { columns: table.columns.clone(), rows: table.objects(), ..report })
        .into_response())
}

async fn made(core: &Core, who: &Caller, name: Name, query: Query) -> Result<(Report, Table)> {
    let (tenant, now) = (who.tenant, core.clock().now_ms());
    let made = core.db.read(move |r| {
        let settings = settings::of(r, tenant)?;
        let wanted = Wanted::new(tenant, (name, query), &settings, now)?;
        let table = match name {
            Name::AgentTime => floor::agent_time(&wanted, &sql::people(r, &wanted)?)?,
            Name::Calls => floor::calls(&wanted, &sql::calls(r, &wanted)?)?,
            Name::ServiceLevel => floor::service_level(&wanted, &sql::offered(r, &wanted)?)?,
            Name::Tickets => {
                let (came, open_before) = sql::tickets(r, &wanted)?;
                desk::tickets(&wanted, &came, open_before)?
            }
            Name::Webhooks => hooks::webhooks(&wanted, &sql::webhooks(r, &wanted)?)?,
        };
        Ok((Report::of(name, &wanted, settings.timezone), table))
    });
    made.await
}

/// The name under which it is saved.
fn file_name(name: Name) -> &'static str {
    match name {
        Name::AgentTime => "attachment; filename=\"agent-time.csv\"",
        Name::Calls => "attachment; filename=\"calls-report.csv\"",
        Name::ServiceLevel => "attachment; filename=\"service-level.csv\"",
        Name::Tickets => "attachment; filename=\"tickets-report.csv\"",
        Name::Webhooks => "attachment; filename=\"webhooks.csv\"",
    }
}
