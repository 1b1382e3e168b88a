//! Handlers of lists.
//!
//! * `GET /tickets`: everybody, what they may see (`ReadTickets`)
//! * `GET /tickets.csv`: administrators (`ExportTickets`)

use super::{Filters, Wanted, export, sql};
use crate::{
    db::Db,
    error::Result,
    http::{
        Answer, Core, May, QueryOf, ok,
        page::Paging,
        permission::{ExportTickets, ReadTickets},
    },
    tickets::Shown,
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use serde_json::json;

/// Tickets read at once for a file, so that no read holds up others and no file fills the memory.
const STRETCH: i64 = 500;

/// `GET /tickets`: a page of the tickets that the caller may see. `meta.total` is exact up to
/// 10,000 matches, and without filters or only by status; else `meta.total_at_least` is true.
///
/// # Errors
/// 422 naming the filters that cannot be read.
pub async fn list(
    State(core): State<Core>,
    who: May<ReadTickets>,
    QueryOf(filters): QueryOf<Filters>,
) -> Answer<Vec<Shown>> {
    let paging = Paging::new(filters.page, filters.per_page)?;
    let who = who.listener();
    let wanted = filters.wanted(&who)?;
    let (tickets, total) = core.db.read(move |r| sql::page(r, &wanted, paging)).await?;
    let mut meta = paging.meta(total.count);
    if total.at_least {
        meta["total_at_least"] = json!(true);
    }
    let shown = tickets.into_iter().map(|ticket| ticket.shown_to(&who)).collect();
    Ok(ok(shown).with_meta(meta))
}

/// `GET /tickets.csv`: everything that the filters of `GET /tickets` leave, oldest first, as a
/// stream.
///
/// # Errors
/// 422 naming the filters that cannot be read.
pub async fn export(
    State(core): State<Core>,
    who: May<ExportTickets>,
    QueryOf(filters): QueryOf<Filters>,
) -> Result<Response> {
    let wanted = filters.wanted(&who.listener())?;
    let first = (core.db.clone(), wanted, Some(0), String::from(export::HEADER));
    let lines = futures_util::stream::unfold(first, |(db, wanted, after, mut text)| async move {
        let after = match stretch(&db, &wanted, after?, &mut text).await {
            Ok(after) => after,
            // The answer has begun: breaking it off is the only way to say that it is not whole.
            Err(e) => return Some((Err(e), (db, wanted, None, String::new()))),
        };
        Some((Ok(Bytes::from(text)), (db, wanted, after, String::new())))
    });
    let mut response = Response::new(Body::from_stream(lines));
    let csv = HeaderValue::from_static("text/csv; charset=utf-8");
    let file = HeaderValue::from_static("attachment; filename=\"tickets.csv\"");
    response.headers_mut().insert(header::CONTENT_TYPE, csv);
    response.headers_mut().insert(header::CONTENT_DISPOSITION, file);
    Ok(response)
}

/// Adds the lines of the tickets after row `after`; answers the last row, or none at the end.
async fn stretch(db: &Db, wanted: &Wanted, after: i64, text: &mut String) -> Result<Option<i64>> {
    let asked = wanted.clone();
    let found = db.read(move |r| {
        let tickets = sql::stretch(r, &asked, (after, STRETCH))?;
        let people = tickets.iter().flat_map(|t| t.assignee_id.into_iter().chain([t.requester_id]));
        let names = sql::names(r, asked.who.tenant, people)?;
        Ok((tickets, names))
    });
    let (tickets, names) = found.await?;
    for ticket in &tickets {
        export::line(text, ticket, &names);
    }
    let whole = i64::try_from(tickets.len()).is_ok_and(|count| count == STRETCH);
    Ok(tickets.last().filter(|_| whole).map(|ticket| ticket.rid))
}
