//! Handlers of lists.
//!
//! * `GET /tickets`: everybody, what they may see (`ReadTickets`)
//! * `GET /tickets.csv`: administrators (`ExportTickets`)

use super::{Filters, Wanted, export, sql};
use crate::{
    db::Db,
    error::{Error, Result},
    http::{
        Answer, Caller, Core, May, QueryOf, csv, ok,
        page::Paging,
        permission::{ExportTickets, HaveViews, ReadTickets},
    },
    tickets::{Shown, kept},
};
use axum::{extract::State, response::Response};
use serde_json::json;

/// Tickets read at once for a file, so that no read holds up others and no file fills the memory.
const STRETCH: i64 = 500;

/// `GET /tickets`: a page of the tickets that the caller may see.
///
/// `meta.total` is exact up to 10,000 matches (1,000 of a tag with other filters), and without
/// filters or only by status; else `meta.total_at_least` is true. With `q` staff get the newest
/// 1,000 matches. A view's filters hold where the request says nothing.
///
/// # Errors
/// 403 for views where the caller has none, 422 naming the filters that cannot be read.
pub async fn list(
    State(core): State<Core>,
    who: May<ReadTickets>,
    QueryOf(filters): QueryOf<Filters>,
) -> Answer<Vec<Shown>> {
    let paging = Paging::new(filters.page, filters.per_page)?;
    let wanted = wanted(&core, &who, filters).await?;
    let who = who.listener();
    let (tickets, total) = core.db.read(move |r| sql::page(r, &wanted, paging)).await?;
    let mut meta = paging.meta(total.count);
    if let Some(meta) = meta.as_object_mut().filter(|_| total.at_least) {
        meta.insert("total_at_least".into(), json!(true));
    }
    let shown = tickets.into_iter().map(|ticket| ticket.shown_to(&who)).collect();
    Ok(ok(shown).with_meta(meta))
}

/// `GET /tickets.csv`: everything that the filters of `GET /tickets` leave, oldest first, as a
/// stream.
///
/// # Errors
/// As [`list`].
pub async fn export(
    State(core): State<Core>,
    who: May<ExportTickets>,
    QueryOf(filters): QueryOf<Filters>,
) -> Result<Response> {
    let wanted = wanted(&core, &who, filters).await?;
    let next = move |after| stretch(core.db.clone(), wanted.clone(), after);
    Ok(csv::stretches(export::HEADER, "attachment; filename=\"tickets.csv\"", next))
}

/// What is asked for, with the filters of a view under it where one is named.
async fn wanted(core: &Core, who: &Caller, filters: Filters) -> Result<Wanted> {
    let listener = who.listener();
    let Some(view) = filters.view else { return filters.wanted(&listener) };
    May::<HaveViews>::judge(who.clone())?;
    let kept = core.db.read(move |r| kept::filters_of_view(r, &listener, view)).await?;
    let kept = kept.ok_or_else(|| Error::field("view", "is no view that you see"))?;
    filters.over(kept).wanted(&listener)
}

/// The lines of the tickets after row `after`, and the last row, or none at the end.
async fn stretch(db: Db, asked: Wanted, after: i64) -> Result<(String, Option<i64>)> {
    let found = db.read(move |r| {
        let tickets = sql::stretch(r, &asked, (after, STRETCH))?;
        let people = tickets.iter().flat_map(|t| t.assignee_id.into_iter().chain([t.requester_id]));
        let names = sql::names(r, asked.who.tenant, people)?;
        Ok((tickets, names))
    });
    let (tickets, names) = found.await?;
    let mut text = String::new();
    for ticket in &tickets {
        export::line(&mut text, ticket, &names);
    }
    let whole = i64::try_from(tickets.len()).is_ok_and(|count| count == STRETCH);
    Ok((text, tickets.last().filter(|_| whole).map(|ticket| ticket.rid)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::Role,
        http::testing::{House, ask},
        tenants,
        tickets::{http as one, testing::token},
    };
    use axum::{
        Router,
        http::StatusCode,
        routing::{get, post},
    };
    use serde_json::Value;

    fn routes(house: &House) -> Router {
        Router::new()
            .route("/tickets", get(list).post(one::create))
            .route("/tickets.csv", get(export))
            .route("/tickets/bulk", post(one::bulk))
            .route("/tickets/{id}", get(one::show).patch(one::update).delete(one::delete))
            .route("/tickets/{id}/assign", post(one::assign))
            .route("/tickets/{id}/follow", post(one::follow))
            .route("/tickets/{id}/merge", post(one::merge))
            .route("/tickets/{id}/reopen", post(one::reopen))
            .route("/tickets/{id}/restore", post(one::restore))
            .route("/tickets/{id}/timeline", get(one::timeline))
            .with_state(Core::clone(house))
    }

    type Auth = [(&'static str, &'static str); 1];

    async fn signed_in<const N: usize>(house: &House, people: [(&str, Role); N]) -> [Auth; N] {
        let ours = house.write(|w| tenants::create(w, "Ours")).await.id;
        let theirs = house.write(|w| tenants::create(w, "Theirs")).await.id;
        let mut all = [[("authorization", "")]; N];
        for (auth, (name, role)) in all.iter_mut().zip(people) {
            let tenant = if name == "stranger" { theirs } else { ours };
            let email = format!("{name}@example.com");
            auth[0].1 = Box::leak(token(house, tenant, &email, role).await.into_boxed_str());
        }
        all
    }

    /// For every route of a ticket: what its customer, another one, an agent, a supervisor and
    /// another tenant's administrator are answered.
    #[tokio::test]
    async fn everybody_is_answered_by_their_role() {
        let house = House::new();
        let people = [
            ("dora", Role::Customer),
            ("emil", Role::Customer),
            ("ada", Role::Agent),
            ("ben", Role::Supervisor),
            ("stranger", Role::Admin),
        ];
        let people = signed_in(&house, people).await;
        let routes = routes(&house);
        let new = json!({ "subject": "Printer", "description": "It eats paper" });
        let (status, _, made) = ask(&routes, "POST /tickets", &people[0], new).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        let id = made["data"]["id"].as_str().unwrap();
        let table = [
            ("GET /tickets/{id}", Value::Null, [200, 404, 200, 200, 404]),
            ("GET /tickets/1", Value::Null, [200, 404, 200, 200, 404]),
            ("GET /tickets/{id}/timeline", Value::Null, [200, 404, 200, 200, 404]),
            ("PATCH /tickets/{id}", json!({ "subject": "P" }), [200, 404, 200, 200, 404]),
            ("PATCH /tickets/{id}", json!({ "priority": "low" }), [403, 404, 200, 200, 404]),
            ("PATCH /tickets/{id}", json!({ "colour": 1 }), [422, 422, 422, 422, 422]),
            ("PATCH /tickets/{id}", json!({ "status": "x" }), [422, 422, 422, 422, 422]),
            ("POST /tickets/{id}/follow", Value::Null, [200, 404, 200, 200, 404]),
            ("POST /tickets/{id}/assign", Value::Null, [403, 403, 200, 200, 404]),
            ("POST /tickets/{id}/merge", json!({ "into": 99 }), [403, 403, 404, 404, 404]),
            ("POST /tickets/{id}/reopen", Value::Null, [200, 404, 200, 200, 404]),
            ("DELETE /tickets/{id}", Value::Null, [403, 403, 403, 200, 404]),
            ("GET /tickets/{id}", Value::Null, [404, 404, 404, 404, 404]),
            ("POST /tickets/{id}/restore", Value::Null, [403, 403, 403, 200, 404]),
            ("GET /tickets.csv", Value::Null, [403, 403, 403, 403, 200]),
        ];
        for (what, body, expected) in table {
            let path = what.replace("{id}", id);
            for (who, expected) in people.iter().zip(expected) {
                let (status, _, told) = ask(&routes, &path, who, body.clone()).await;
                assert_eq!(status.as_u16(), expected, "{path} {told}");
                let private = told.to_string().contains("last_activity_at");
                assert!(!private || (who != &people[0] && who != &people[1]), "{path} {told}");
            }
        }
    }

    /// A list, a file and a key that was used before, as they go over the wire.
    #[tokio::test]
    async fn lists_and_files_are_answered_in_their_forms() {
        let house = House::new();
        let [dora, root] =
            signed_in(&house, [("dora", Role::Customer), ("root", Role::Admin)]).await;
        let routes = routes(&house);
        let keyed = [dora[0], ("idempotency-key", "once")];
        for again in [false, true] {
            let new = json!({ "subject": "=1+1", "tags": [], "custom": { "floor": 2 } });
            let (status, headers, made) = ask(&routes, "POST /tickets", &keyed, new).await;
            assert_eq!((status, &made["data"]["number"]), (StatusCode::CREATED, &json!(1)));
            assert_eq!(headers.contains_key("idempotency-replayed"), again);
        }
        let listed = ask(&routes, "GET /tickets?q=1&status=open", &root, Value::Null).await.2;
        let meta = json!({ "page": 1, "per_page": 25, "total": 1, "total_pages": 1 });
        assert_eq!(listed["meta"], meta);
        assert!(listed["data"][0]["last_activity_at"].is_string());
        let (status, headers, _) = ask(&routes, "GET /tickets.csv", &root, Value::Null).await;
        let kind = headers["content-type"].to_str().unwrap();
        assert_eq!((status, kind), (StatusCode::OK, "text/csv; charset=utf-8"));
        let wrong =
            ask(&routes, "GET /tickets?status=x&sort=y&per_page=9", &root, Value::Null).await;
        assert_eq!(wrong.0, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.2["error"]["fields"]["status"].as_str().unwrap().contains("on_hold"));
    }
}
