//! Handlers of what staff keep.
//!
//! * `GET`, `POST /sla-policies`, `GET`, `PATCH`, `DELETE /sla-policies/{id}`, and the same under
//!   `/calendars`, `/macros`, `/views`: who may is part of each kind ([`Tool`])
//! * `POST /tickets/{id}/macros/{macro}`: agents (`WorkTickets`)

use super::{Applied, Kept, Tool, sql};
use crate::{
    error::{Error, OrNotFound, Result},
    http::{
        Answer, Core, Json, May, PathOf, idempotency, ok, patch::IfMatch, permission::WorkTickets,
    },
    id::EntityId,
    tickets::{self, Hand, Which},
};
use axum::{extract::State, http::HeaderMap, response::Response};
use serde_json::{Map, Value};

/// `GET` all: those that the caller sees, by name.
///
/// # Errors
/// 403.
pub async fn list<T: Tool>(State(core): State<Core>, who: May<T::Read>) -> Answer<Vec<Kept<T>>> {
    let who = who.listener();
    core.db.read(move |r| sql::list(r, &who)).await.map(ok)
}

/// `GET` one.
///
/// # Errors
/// 404 for what the caller does not see.
pub async fn show<T: Tool>(
    State(core): State<Core>,
    who: May<T::Read>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Kept<T>> {
    let who = who.listener();
    core.db.read(move |r| sql::seen(r, &who, id)).await?.or_not_found(T::WORD).map(ok)
}

/// `POST`: keeps a new one; answers it with 201. Takes an `Idempotency-Key`.
///
/// # Errors
/// 403, 409 `too_many`, 422.
pub async fn create<T: Tool>(
    State(core): State<Core>,
    who: May<T::Write>,
    headers: HeaderMap,
    Json(sent): Json<Value>,
) -> Result<Response> {
    let listener = who.listener();
    let request = (T::TABLE, sent.clone());
    idempotency::once(&core.db, &who, &headers, &request, move |w| {
        super::create::<T>(w, &listener, &sent)
    })
    .await
}

/// `PATCH` one: changes the fields that are sent.
///
/// # Errors
/// 403, 404, 409 `version_conflict`, 422.
pub async fn update<T: Tool>(
    State(core): State<Core>,
    who: May<T::Write>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
    Json(mut sent): Json<Map<String, Value>>,
) -> Answer<Kept<T>> {
    let in_body = match sent.remove("version") {
        None | Some(Value::Null) => None,
        Some(version) => {
            let number = version.as_i64();
            Some(number.ok_or_else(|| Error::field("version", "must be a whole number"))?)
        }
    };
    let (who, based_on) = (who.listener(), if_match.or(in_body));
    let job = core.db.write(move |w| super::change(w, &who, id, (&sent, based_on)));
    job.await.map(ok)
}

/// `DELETE` one; answers it as it last was.
///
/// # Errors
/// 403, 404, 409 `version_conflict`.
pub async fn delete<T: Tool>(
    State(core): State<Core>,
    who: May<T::Write>,
    if_match: IfMatch,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Kept<T>> {
    let (who, based_on) = (who.listener(), if_match.or(None));
    core.db.write(move |w| super::remove(w, &who, id, based_on)).await.map(ok)
}

/// `POST /tickets/{id}/macros/{macro}`: makes a macro's changes to a ticket, and answers the ticket
/// with the text that the macro suggests for a comment.
///
/// # Errors
/// 404, 409 `ticket_closed` or `ticket_merged`, 422 for changes that are no longer possible.
pub async fn apply(
    State(core): State<Core>,
    who: May<WorkTickets>,
    PathOf((which, id)): PathOf<(Which, EntityId)>,
) -> Answer<Applied> {
    let (hand, who) = (Hand::of(&who), who.listener());
    let job = core.db.write(move |w| {
        let ticket = tickets::id_of(w, hand.tenant, which)?;
        super::apply(w, (&hand, &who), ticket, id)
    });
    job.await.map(ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::Role,
        http::testing::{House, ask},
        tenants,
        tickets::{
            http as one,
            kept::{Macro, View},
            sla::{Calendar, Policy},
            testing::token,
        },
    };
    use axum::{
        Router,
        routing::{get, post},
    };
    use serde_json::json;

    fn kept<T: Tool>(path: &str) -> Router<Core> {
        Router::new()
            .route(path, get(list::<T>).post(create::<T>))
            .route(&format!("{path}/{{id}}"), get(show::<T>).patch(update::<T>).delete(delete::<T>))
    }

    fn routes(house: &House) -> Router {
        Router::new()
            .route("/tickets", post(one::create))
            .route("/tickets/{id}/macros/{macro}", post(apply))
            .merge(kept::<Macro>("/macros"))
            .merge(kept::<View>("/views"))
            .merge(kept::<Policy>("/sla-policies"))
            .merge(kept::<Calendar>("/calendars"))
            .with_state(Core::clone(house))
    }

    type Auth = [(&'static str, &'static str); 1];

    async fn staff(house: &House) -> [Auth; 3] {
        let tenant = house.write(|w| tenants::create(w, "Ours")).await.id;
        let mut all = [[("authorization", "")]; 3];
        let roles = [Role::Agent, Role::Agent, Role::Supervisor];
        for (at, (auth, role)) in all.iter_mut().zip(roles).enumerate() {
            let email = format!("person{at}@example.com");
            auth[0].1 = Box::leak(token(house, tenant, &email, role).await.into_boxed_str());
        }
        all
    }

    /// Everything that is kept is made, changed, found by its version and deleted alike.
    #[tokio::test]
    async fn what_is_kept_lives_and_goes_in_one_way() {
        let house = House::new();
        let [_, _, boss] = staff(&house).await;
        let routes = routes(&house);
        let hours = json!({ "monday": [["09:00", "17:00"]] });
        let cases = [
            ("/macros", json!({ "name": "a", "text": "Hello" })),
            ("/views", json!({ "name": "a", "shared": "all", "filters": { "status": "open" } })),
            ("/sla-policies", json!({ "name": "a", "resolution_minutes": { "high": 60 } })),
            ("/calendars", json!({ "name": "a", "timezone": "Europe/Berlin", "hours": hours })),
        ];
        for (path, new) in cases {
            let (status, _, made) = ask(&routes, &format!("POST {path}"), &boss, new).await;
            assert_eq!(status.as_u16(), 201, "{path} {made}");
            let at = format!("{path}/{}", made["data"]["id"].as_str().unwrap());
            let patch = format!("PATCH {at}");
            let same = ask(&routes, &patch, &boss, json!({ "name": "a" })).await.2;
            assert_eq!(same["data"]["version"], 1, "{path}");
            let renamed = json!({ "name": "b", "version": 1 });
            let after = ask(&routes, &patch, &boss, renamed.clone()).await.2;
            assert_eq!(
                (&after["data"]["name"], &after["data"]["version"]),
                (&json!("b"), &json!(2))
            );
            for (body, status) in
                [(renamed, 409), (json!({ "name": "" }), 422), (json!({ "x": 1 }), 422)]
            {
                assert_eq!(ask(&routes, &patch, &boss, body).await.0.as_u16(), status, "{path}");
            }
            let listed = ask(&routes, &format!("GET {path}"), &boss, Value::Null).await.2;
            assert_eq!(listed["data"].as_array().unwrap().len(), 1);
            let gone = ask(&routes, &format!("DELETE {at}"), &boss, Value::Null).await.2;
            assert!(gone["data"]["deleted_at"].is_string());
            let after = ask(&routes, &format!("GET {at}"), &boss, Value::Null).await;
            assert_eq!(after.0.as_u16(), 404, "{path}");
        }
    }

    /// Agents have views and macros of their own; service levels are for supervisors.
    #[tokio::test]
    async fn agents_keep_their_own() {
        let house = House::new();
        let [ada, chiyo, boss] = staff(&house).await;
        let routes = routes(&house);
        let view = json!({ "name": "Mine", "filters": { "assignee": "me" } });
        let made = ask(&routes, "POST /views", &ada, view).await.2;
        let one = format!("/views/{}", made["data"]["id"].as_str().unwrap());
        for (who, status) in [(&ada, 200), (&chiyo, 404), (&boss, 404)] {
            let path = format!("GET {one}");
            assert_eq!(ask(&routes, &path, who, Value::Null).await.0.as_u16(), status);
        }
        let made = ask(&routes, "POST /macros", &ada, json!({ "name": "m", "text": "t" })).await.2;
        let one = format!("PATCH /macros/{}", made["data"]["id"].as_str().unwrap());
        for (who, status) in [(&chiyo, 403), (&boss, 200), (&ada, 200)] {
            let edit = json!({ "text": "u" });
            assert_eq!(ask(&routes, &one, who, edit).await.0.as_u16(), status);
        }
        let policy = json!({ "name": "a", "resolution_minutes": { "high": 60 } });
        assert_eq!(ask(&routes, "POST /sla-policies", &ada, policy).await.0.as_u16(), 403);
        let lost = json!({ "name": "a", "resolution_minutes": { "high": 60 },
            "calendar_id": "0192c419-383b-795e-b5c9-3f984cbd87ad" });
        assert_eq!(ask(&routes, "POST /sla-policies", &boss, lost).await.0.as_u16(), 422);
    }

    /// A macro changes the ticket and hands back its text with the gaps filled; nothing is sent.
    #[tokio::test]
    async fn a_macro_is_applied_to_a_ticket() {
        let house = House::new();
        let [ada, ..] = staff(&house).await;
        let routes = routes(&house);
        let new = json!({ "subject": "Printer {{agent.name}}" });
        ask(&routes, "POST /tickets", &ada, new).await;
        let kept = json!({ "name": "m", "text": "About #{{ticket.number}}, {{ticket.subject}}",
            "changes": { "status": "pending", "add_tags": ["asked"] } });
        let made = ask(&routes, "POST /macros", &ada, kept).await.2;
        let path = format!("POST /tickets/1/macros/{}", made["data"]["id"].as_str().unwrap());
        let done = ask(&routes, &path, &ada, Value::Null).await.2;
        assert_eq!(done["data"]["text"], "About #1, Printer {{agent.name}}");
        assert_eq!(done["data"]["ticket"]["status"], "pending");
        assert_eq!(done["data"]["ticket"]["tags"], json!(["asked"]));
    }
}
