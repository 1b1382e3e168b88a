//! Handlers of one's own `webhook_url`, for everybody who is signed in (`SignIn`).
//!
//! * `PUT /users/me/webhook` (seed A), `GET /users/me/webhook`
//! * `POST /users/me/webhook/test`, `POST /users/me/webhook/rotate-secret`
//! * `GET /users/me/webhook/logs`

use super::{Own, checked, rotate, say_test, set, sql};
use crate::{
    error::{Error, OrNotFound as _, Result},
    http::{Answer, Core, Lenient, May, QueryOf, ok, patch, permission::SignIn},
    webhooks::{
        engine::Engine,
        http::{LogWanted, attempt_now, reachable},
        inbox, sql as webhooks_sql,
    },
};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What seed A sends; more fields are ignored.
#[derive(Debug, Deserialize)]
pub struct Wish {
    #[serde(default, deserialize_with = "patch::nullable")]
    webhook_url: Option<Option<String>>,
}

/// A URL just set.
#[derive(Debug, Serialize)]
pub struct Made {
    webhook_url: Option<String>,
    /// The only time it is shown; none while an earlier one still holds.
    secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

/// `PUT /users/me/webhook` (seed A): sets the caller's URL; `null` or `""` clears it. Also turns
/// `notify_prefs.own_actions` on, or off.
///
/// # Errors
/// 422 for a URL that may not be called, and for any path but the receiver's inside.
pub async fn put(
    State(core): State<Core>,
    State(engine): State<Engine>,
    who: May<SignIn>,
    Lenient(wish): Lenient<Wish>,
) -> Answer<Made> {
    let asked = wish.webhook_url.ok_or_else(|| Error::field("webhook_url", "is required"))?;
    let url = checked(asked, &engine.guard)?;
    let warning = match url.as_deref().filter(|url| !inbox::is_path(url)) {
        Some(url) => reachable(&engine, "webhook_url", url).await?,
        None => None,
    };
    let (whose, webhook_url) = ((who.tenant, who.user), url.clone());
    let secret = core.db.write(move |w| set(w, &engine, whose, url.as_deref())).await?;
    Ok(ok(Made { webhook_url, secret, warning }))
}

/// `GET /users/me/webhook`: the caller's URL, and how the last attempts went.
///
/// # Errors
/// 401; 403 for programs, which have no notifications.
pub async fn show(State(core): State<Core>, who: May<SignIn>) -> Answer<Own> {
    let (tenant, user) = (who.tenant, who.user);
    Ok(ok(core.db.read(move |r| sql::shown(r, tenant, user)).await?))
}

/// `POST /users/me/webhook/test`: one attempt, now, with a body like every other one.
///
/// # Errors
/// 404 without a URL; 503 when too many tests run. An attempt that fails is an answer, no error.
pub async fn test(
    State(core): State<Core>,
    State(engine): State<Engine>,
    who: May<SignIn>,
) -> Answer<Value> {
    let (whose, actor) = ((who.tenant, who.user), who.actor());
    let id = endpoint(&core, &who).await?;
    let say = move |w: &mut crate::db::Write<'_>| say_test(w, whose, &actor);
    Ok(ok(attempt_now(&core, &engine, (who.tenant, id), say).await?))
}

/// The number of the caller's endpoint, if they have a URL.
async fn endpoint(core: &Core, who: &May<SignIn>) -> Result<i64> {
    let (tenant, user) = (who.tenant, who.user);
    let found = core.db.read(move |r| sql::find(r, tenant, user)).await?;
    found.filter(|row| row.is_set).or_not_found("webhook").map(|row| row.id)
}

/// `POST /users/me/webhook/rotate-secret`: another secret, from now on and at once.
///
/// # Errors
/// 404 without a URL.
pub async fn rotate_secret(
    State(core): State<Core>,
    State(engine): State<Engine>,
    who: May<SignIn>,
) -> Answer<Made> {
    let whose = (who.tenant, who.user);
    let job = core.db.write(move |w| {
        let secret = Some(rotate(w, &engine, whose)?);
        let webhook_url = sql::shown(w, whose.0, whose.1)?.webhook_url;
        Ok(Made { webhook_url, secret, warning: None })
    });
    job.await.map(ok)
}

/// `GET /users/me/webhook/logs`: attempts, the newest first; empty when there never was a URL.
///
/// # Errors
/// 422 for a bad query.
pub async fn logs(
    State(core): State<Core>,
    who: May<SignIn>,
    QueryOf(wanted): QueryOf<LogWanted>,
) -> Answer<Vec<webhooks_sql::Logged>> {
    let (tenant, user) = (who.tenant, who.user);
    let query = wanted.checked()?;
    let found = core.db.read(move |r| match sql::find(r, tenant, user)? {
        Some(row) => webhooks_sql::log(r, &query(row.id)),
        None => Ok(Vec::new()),
    });
    Ok(ok(found.await?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        accounts::testing::signed_in,
        auth::Role,
        event::Actor,
        http::testing::{House, ask},
        id::TenantId,
        notifications::{Notice, Reason, RelatedType, Type, notify},
        tenants,
        users::{self, User},
        webhooks::{
            address::Guard, crypt::SecretBox, engine, http::try_once, inbox::http as inside,
            post::Poster, schedule::Schedule, sign,
        },
    };
    use axum::{
        Router,
        extract::FromRef,
        http::StatusCode,
        routing::{get, post, put},
    };
    use serde_json::{json, value::to_raw_value};
    use std::sync::Arc;

    #[derive(Clone, FromRef)]
    struct Rooms {
        core: Core,
        engine: Engine,
    }

    struct Place {
        house: House,
        engine: Engine,
        routes: Router,
        tenant: TenantId,
        mara: User,
        token: &'static str,
    }

    const INSIDE: &str = "/api/notifications/webhooks/notifications";

    impl Place {
        async fn new() -> Self {
            let house = House::new();
            let guard = Arc::new(Guard::new("192.168.7.5").unwrap());
            let settings = engine::Settings {
                workers: 0,
                workers_max: 0,
                schedule: Schedule::default(),
                poster: Poster::new(guard.clone(), &Default::default()).unwrap(),
                guard,
                secrets: SecretBox::new(&[7; 32]),
                paused: true,
            };
            let engine = Engine::start(&house.db, Arc::default(), settings).unwrap();
            let routes = Router::new()
                .route("/mine", put(super::put).get(show))
                .route("/mine/test", post(test))
                .route("/mine/rotate-secret", post(rotate_secret))
                .route("/mine/logs", get(logs))
                .route("/inside", post(inside::receive).get(inside::list))
                .with_state(Rooms { core: Core::clone(&house), engine: engine.clone() });
            let tenant = house.write(|w| tenants::create(w, "Ours")).await.id;
            let (mara, token) = signed_in(&house, tenant, ("mara@example.com", Role::Agent)).await;
            Self { house, engine, routes, tenant, mara, token }
        }

        async fn ask(&self, what: &str, body: Value) -> (StatusCode, Value) {
            let by = [("authorization", self.token)];
            let (status, _, answer) = ask(&self.routes, what, &by, body).await;
            (status, answer["data"].clone())
        }

        async fn set(&self, url: Value) -> Value {
            let (status, data) = self.ask("PUT /mine", json!({ "webhook_url": url })).await;
            assert_eq!(status, StatusCode::OK);
            data
        }

        /// Tells Mara something, and lists what is owed to anybody: delivery, endpoint, state.
        async fn tell(&self, event_seq: i64, about: RelatedType) -> Vec<(i64, i64, String)> {
            let notice = Notice {
                tenant: self.tenant,
                kind: Type::TicketUpdated,
                message: "Your ticket was updated".into(),
                related_id: "t1".into(),
                related_type: about,
                actor: Actor::system(),
                recipients: vec![(self.mara.id, Reason::Assignee)],
                internal: false,
                entity: to_raw_value(&json!({ "id": "t1", "subject": "é" })).unwrap(),
                event_seq,
            };
            self.house.write(move |w| notify(w, notice.clone())).await;
            self.owed().await
        }

        async fn owed(&self) -> Vec<(i64, i64, String)> {
            let read = |r: &_| sql::owed_to_all(r);
            self.house.db.read(read).await.unwrap()
        }

        async fn prefers_own(&self) -> bool {
            let (tenant, user) = (self.tenant, self.mara.id);
            let read = self.house.db.read(move |r| users::sql::profile(r, tenant, user));
            read.await.unwrap().unwrap().notify_prefs["own_actions"]
        }
    }
    /// Setting makes a secret and turns one's own actions on; another URL keeps the secret; null or
    /// nothing clears, and setting anew makes another secret.
    #[tokio::test]
    async fn a_url_is_set_changed_and_cleared() {
        let place = Place::new().await;
        let first = place.set(json!(INSIDE)).await;
        let secret = first["secret"].as_str().unwrap();
        assert!(secret.starts_with("whsec_") && first["webhook_url"] == INSIDE);
        assert!(place.prefers_own().await);
        let moved = place.set(json!("http://192.168.7.5/hook")).await;
        assert_eq!(moved, json!({ "webhook_url": "http://192.168.7.5/hook", "secret": null }));
        let (_, shown) = place.ask("GET /mine", Value::Null).await;
        assert_eq!(shown["webhook_url"], moved["webhook_url"]);
        assert!(shown.get("secret").is_none());
        for nothing in [json!(""), json!(null)] {
            let cleared = place.set(nothing).await;
            assert_eq!(cleared, json!({ "webhook_url": null, "secret": null }));
        }
        assert!(!place.prefers_own().await);
        for what in ["POST /mine/test", "POST /mine/rotate-secret"] {
            assert_eq!(place.ask(what, Value::Null).await.0, StatusCode::NOT_FOUND);
        }
        let again = place.set(json!(format!(" {} ", INSIDE.replace("/api", "/api/v1")))).await;
        let anew = again["secret"].as_str().unwrap();
        assert_ne!(anew, secret);
        let (_, rotated) = place.ask("POST /mine/rotate-secret", Value::Null).await;
        assert!(rotated["secret"].is_string() && rotated["secret"] != again["secret"]);
        let refused = [
            json!("/api/other"),
            json!("/api/notifications/webhooks/notifications/"),
            json!("notifications"),
            json!("http://127.0.0.1/"),
            json!("http://169.254.169.254/"),
            json!("ftp://example.com"),
            json!("javascript:alert(1)"),
            json!(7),
        ];
        for url in refused {
            let body = json!({ "webhook_url": url });
            let (status, _) = place.ask("PUT /mine", body).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{url}");
        }
        assert_eq!(place.ask("PUT /mine", json!({})).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }

    /// What a user is told is owed to their own endpoint alone, in A's body, and the receiver
    /// inside stores it without ringing anything. What is told of webhooks is never posted.
    #[tokio::test]
    async fn notifications_go_to_ones_own_endpoint() {
        let place = Place::new().await;
        assert!(place.tell(1_000, RelatedType::Ticket).await.is_empty(), "nothing is set yet");
        place.set(json!(INSIDE)).await;
        assert!(place.tell(1_001, RelatedType::Webhook).await.is_empty());
        let owed = place.tell(1_002, RelatedType::Ticket).await;
        let [(delivery, endpoint, state)] = owed.as_slice() else { panic!("{owed:?}") };
        assert_eq!((*endpoint, state.as_str()), (1_000_000_001, "waiting"));
        let (engine, tenant) = (place.engine.clone(), place.tenant);
        let (delivery, endpoint) = (*delivery, *endpoint);
        let before = place.house.db.latest_seq();
        let attempt = move || try_once(&engine, tenant, endpoint, delivery).unwrap();
        let attempted = tokio::task::spawn_blocking(attempt).await.unwrap();
        assert!(attempted.is_good(), "{:?}", attempted.outcome);
        assert_eq!(attempted.outcome.body, r#"{"status":"received"}"#);
        let (_, came) = place.ask("GET /inside", Value::Null).await;
        let body = &came[0]["body"];
        assert_eq!(came[0]["signed"], true);
        let keys = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(body), ["data", "event", "notification"]);
        let six = ["created_at", "id", "message", "related_id", "related_type", "type"];
        assert_eq!(keys(&body["notification"]), six);
        assert_eq!(body["notification"]["message"], "Your ticket was updated");
        assert_eq!(body["data"], json!({ "id": "t1", "subject": "é" }));
        assert_eq!(place.house.db.latest_seq(), before, "the receiver rings nothing");
        place.set(json!(null)).await;
        let states: Vec<_> = place.owed().await.into_iter().map(|owed| owed.2).collect();
        assert_eq!(states, ["cancelled"], "clearing cancels what waits");
        assert_eq!(place.tell(1_003, RelatedType::Ticket).await.len(), 1, "and owes nothing new");
    }

    /// A test is one attempt with a body like every other one, and stands in the log.
    #[tokio::test]
    async fn a_test_rings_once() {
        let place = Place::new().await;
        place.set(json!(INSIDE)).await;
        let (status, tested) = place.ask("POST /mine/test", Value::Null).await;
        assert_eq!((status, &tested["success"]), (StatusCode::OK, &json!(true)), "{tested}");
        let (_, came) = place.ask("GET /inside", Value::Null).await;
        let notification = &came[0]["body"]["notification"];
        assert_eq!(notification["type"], "webhook_test");
        assert_eq!(came[0]["body"]["event"], "notification.created");
        assert_eq!(came[0]["body"]["data"]["email"], "mara@example.com");
        let (_, log) = place.ask("GET /mine/logs", Value::Null).await;
        let line = ["event", "state", "http_status"].map(|field| log[0][field].clone());
        assert_eq!(line, [json!("webhook.test"), json!("delivered"), json!(200)]);
    }

    /// The receiver takes what the user's secret signed, once, or what their token brings; nobody
    /// else's word counts.
    #[tokio::test]
    async fn the_receiver_knows_its_senders() {
        let place = Place::new().await;
        let set = place.set(json!(INSIDE)).await;
        let key = sign::SigningKey::new(set["secret"].as_str().unwrap()).unwrap();
        let now_s = place.house.clock().now_ms() / 1000;
        let send = async |endpoint: &str, at_s: i64, body: &Value| {
            let sent = body.to_string();
            let keys = std::slice::from_ref(&key);
            let signature = sign::standard(keys, "e1", at_s, sent.as_bytes());
            let at = at_s.to_string();
            let headers = [
                ("x-webhook-id", endpoint),
                ("webhook-id", "e1"),
                ("webhook-timestamp", &at),
                ("webhook-signature", &signature),
            ];
            let (status, _, told) =
                ask(&place.routes, "POST /inside", &headers, body.clone()).await;
            (status, told)
        };
        let body = json!({ "notification": { "id": "n1" } });
        for _ in 0..2 {
            let (status, told) = send("1000000001", now_s, &body).await;
            assert_eq!((status, told), (StatusCode::OK, json!({ "status": "received" })));
        }
        for (endpoint, at_s) in [("1000000002", now_s), ("1", now_s), ("1000000001", now_s - 301)] {
            let (status, _) = send(endpoint, at_s, &body).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{endpoint} {at_s}");
        }
        let unsigned = ask(&place.routes, "POST /inside", &[], body.clone()).await;
        assert_eq!(unsigned.0, StatusCode::UNAUTHORIZED);
        assert_eq!(place.ask("POST /inside", body).await.0, StatusCode::OK);
        let (status, _) = place.ask("POST /inside", json!([1])).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let (_, came) = place.ask("GET /inside", Value::Null).await;
        let signed: Vec<_> = came.as_array().unwrap().iter().map(|c| c["signed"].clone()).collect();
        assert_eq!(signed, [false, true]);
    }
    /// Whoever is no longer staff gets nothing more of what staff were told; whoever is deleted has
    /// no URL any more.
    #[tokio::test]
    async fn what_waits_is_withdrawn_with_the_right_to_know() {
        let place = Place::new().await;
        place.set(json!(INSIDE)).await;
        let (hand, id) = (users::Hand::of_system(place.tenant), place.mara.id);
        assert_eq!(place.tell(1_000, RelatedType::Ticket).await[0].2, "waiting");
        let demote = serde_json::from_value(json!({ "role": "customer" })).unwrap();
        let by = hand.clone();
        place.house.write(move |w| users::change(w, &by, id, &demote, None).map(|_| ())).await;
        assert_eq!(place.owed().await[0].2, "cancelled");
        place.house.write(move |w| users::remove(w, &hand, id, false, None).map(|_| ())).await;
        let tenant = place.tenant;
        let own = place.house.db.read(move |r| sql::shown(r, tenant, id)).await.unwrap();
        assert_eq!(own, Own::default());
    }
}
