//! Handlers of lists of calls.
//!
//! * `GET /calls`: staff (`ReadCalls`)
//! * `GET /calls.csv`: supervisors (`ExportCalls`)

use super::{Filters, Wanted, export, sql};
use crate::{
    calls::Call,
    db::Db,
    error::Result,
    http::{
        Answer, Core, May, QueryOf, csv, ok,
        page::Paging,
        permission::{ExportCalls, ReadCalls},
    },
};
use axum::{extract::State, response::Response};
use serde_json::json;

/// Calls read at once for a file.
const STRETCH: i64 = 500;

/// `GET /calls`: a page of the tenant's calls, the newest first.
///
/// `meta.total` is exact up to 10,000 matches; else `meta.total_at_least` is true.
///
/// # Errors
/// 403 for customers, 422 naming the filters that cannot be read.
pub async fn list(
    State(core): State<Core>,
    who: May<ReadCalls>,
    QueryOf(filters): QueryOf<Filters>,
) -> Answer<Vec<Call>> {
    let paging = Paging::new(filters.page, filters.per_page)?;
    let wanted = filters.wanted(&who.listener())?;
    let (calls, total, more) = core.db.read(move |r| sql::page(r, &wanted, paging)).await?;
    let mut meta = paging.meta(total);
    if let Some(meta) = meta.as_object_mut().filter(|_| more) {
        meta.insert("total_at_least".into(), json!(true));
    }
    Ok(ok(calls).with_meta(meta))
}

/// `GET /calls.csv`: everything that the filters of `GET /calls` leave, oldest first, as a stream.
///
/// # Errors
/// As [`list`].
pub async fn export(
    State(core): State<Core>,
    who: May<ExportCalls>,
    QueryOf(filters): QueryOf<Filters>,
) -> Result<Response> {
    let wanted = filters.wanted(&who.listener())?;
    let next = move |after| stretch(core.db.clone(), wanted.clone(), after);
    Ok(csv::stretches(export::HEADER, "attachment; filename=\"calls.csv\"", next))
}

/// The lines of the calls after row `after`, and the last row, or none at the end.
async fn stretch(db: Db, asked: Wanted, after: i64) -> Result<(String, Option<i64>)> {
    let found = db.read(move |r| {
        let calls = sql::stretch(r, &asked, (after, STRETCH))?;
        let people = calls.iter().flat_map(|call| [call.agent_id, call.customer_id]);
        let names = sql::names(r, asked.tenant, people.flatten())?;
        Ok((calls, names))
    });
    let (calls, names) = found.await?;
    let mut text = String::new();
    for call in &calls {
        export::line(&mut text, call, &names);
    }
    let whole = i64::try_from(calls.len()).is_ok_and(|count| count == STRETCH);
    Ok((text, calls.last().filter(|_| whole).map(|call| call.rid)))
}
