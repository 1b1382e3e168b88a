//! Handlers of one's own notifications, for everybody who is signed in (`SignIn`).
//!
//! * `GET /notifications`, `GET /notifications/unread-count`
//! * `POST /notifications/{id}/read`, `POST /notifications/read-all`, `DELETE /notifications/{id}`
//!
//! A change says `notification.read` to the same person, so that their other windows follow.

use super::{Notification, sql};
use crate::{
    db::{Say, Write},
    error::{Error, OrNotFound as _, Result},
    event::{Actor, Audience, Kind, Room},
    http::{Answer, Core, May, PathOf, QueryOf, ok, page::Paging, permission::SignIn},
    id::EntityId,
    time,
};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What a list of notifications may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    page: Option<i64>,
    per_page: Option<i64>,
    /// `1` or `true`: only those not read; `0` or `false`: only those read.
    unread: Option<String>,
}

/// `GET /notifications`: what the caller was told, the newest first. `meta.unread` counts all that
/// they have not read.
///
/// # Errors
/// 422 for a filter that cannot be read.
pub async fn list(
    State(core): State<Core>,
    who: May<SignIn>,
    QueryOf(asked): QueryOf<Asked>,
) -> Answer<Vec<Notification>> {
    let paging = Paging::new(asked.page, asked.per_page)?;
    let unread = match asked.unread.as_deref() {
        None | Some("") => None,
        Some("1" | "true") => Some(true),
        Some("0" | "false") => Some(false),
        Some(_) => return Err(Error::field("unread", "must be 1 or 0")),
    };
    let whose = (who.tenant, who.user);
    let read =
        core.db.read(move |r| Ok((sql::list(r, whose, unread, paging)?, sql::unread(r, whose.1)?)));
    let ((page, total), unread) = read.await?;
    let mut meta = paging.meta(total);
    if let Some(meta) = meta.as_object_mut() {
        meta.insert(String::from("unread"), unread.into());
    }
    Ok(ok(page).with_meta(meta))
}

/// How many notifications somebody has not read.
#[derive(Debug, Serialize)]
pub struct Unread {
    unread_count: i64,
    /// The `event_seq` of the newest notification that was counted, 0 for none: whoever goes on
    /// counting by `notification.created` leaves out what is not above it.
    counted_to: i64,
}

/// `GET /notifications/unread-count`: the number on the badge.
///
/// # Errors
/// 401; 403 for programs, which are told nothing.
pub async fn unread_count(State(core): State<Core>, who: May<SignIn>) -> Answer<Unread> {
    let whose = (who.tenant, who.user);
    let (unread_count, counted_to) = core.db.read(move |r| sql::unread_up_to(r, whose)).await?;
    Ok(ok(Unread { unread_count, counted_to }))
}

/// `POST /notifications/{id}/read`: the caller has read it. One that was read stays as it is.
///
/// # Errors
/// 404 for one that is not theirs.
pub async fn read(
    State(core): State<Core>,
    who: May<SignIn>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Notification> {
    let (whose, actor) = ((who.tenant, who.user), who.actor());
    let job = core.db.write(move |w| {
        let mut found = sql::find(w, whose, id)?.or_not_found("notification")?;
        if found.read_at.is_none() {
            sql::read(w, &found)?;
            as_read(&mut found, w.now);
            say_read(w, &found, &actor, None)?;
        }
        Ok(found)
    });
    job.await.map(ok)
}

/// The answer to `read-all`.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct AllRead {
    /// How many had not been read.
    read: usize,
    unread_count: i64,
}

/// `POST /notifications/read-all`: the caller has read all there are. One event tells it: of the
/// newest of them, with `all: true`.
///
/// # Errors
/// 401; 403 for programs.
pub async fn read_all(State(core): State<Core>, who: May<SignIn>) -> Answer<AllRead> {
    let (whose, actor) = ((who.tenant, who.user), who.actor());
    let job = core.db.write(move |w| {
        let newest = sql::newest_unread(w, whose)?;
        let read = sql::read_all(w, whose)?;
        if let Some(mut newest) = newest {
            as_read(&mut newest, w.now);
            say_read(w, &newest, &actor, Some(true))?;
        }
        Ok(AllRead { read, unread_count: 0 })
    });
    job.await.map(ok)
}

/// `DELETE /notifications/{id}`: removes it; answers it as it was, with `deleted_at`.
///
/// # Errors
/// 404 for one that is not the caller's.
pub async fn delete(
    State(core): State<Core>,
    who: May<SignIn>,
    PathOf(id): PathOf<EntityId>,
) -> Answer<Notification> {
    let (whose, actor) = ((who.tenant, who.user), who.actor());
    let job = core.db.write(move |w| {
        let mut found = sql::find(w, whose, id)?.or_not_found("notification")?;
        sql::delete(w, &found)?;
        found.version += 1;
        (found.updated_at, found.deleted_at) = (w.now, Some(w.now));
        say_read(w, &found, &actor, None)?;
        Ok(found)
    });
    job.await.map(ok)
}

fn as_read(notification: &mut Notification, now: i64) {
    notification.version += 1;
    (notification.updated_at, notification.read_at) = (now, Some(now));
}

/// Tells a person's other windows that a notification was read or removed, and what the badge
/// shows now.
fn say_read(
    w: &mut Write<'_>,
    notification: &Notification,
    actor: &Actor,
    all: Option<bool>,
) -> Result<()> {
    #[derive(Serialize)]
    struct Read<'a> {
        #[serde(flatten)]
        notification: &'a Notification,
        unread_count: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        all: Option<bool>,
    }
    let user = notification.user_id;
    let read = Read { notification, unread_count: sql::unread(w, user)?, all };
    let field = if notification.deleted_at.is_some() { "deleted_at" } else { "read_at" };
    let say = Say::new(notification.tenant_id, Kind::NotificationRead, &read)?
        .by(actor.clone())
        .audience(Audience::User(user))
        .room(Room::User(user))
        .changes(&json!({ field: [null, time::rfc3339(w.now)] }))?;
    w.say(say)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        accounts::testing::signed_in,
        auth::Role,
        http::testing::{House, ask},
        notifications::{Notice, Reason, RelatedType, Type, notify},
        tenants,
    };
    use axum::{
        Router,
        http::StatusCode,
        routing::{delete as on_delete, get, post},
    };
    use serde_json::{Value, value::to_raw_value};

    fn routes(house: &House) -> Router {
        Router::new()
            .route("/notifications", get(list))
            .route("/notifications/unread-count", get(unread_count))
            .route("/notifications/read-all", post(read_all))
            .route("/notifications/{id}", on_delete(delete))
            .route("/notifications/{id}/read", post(read))
            .with_state(Core::clone(house))
    }

    /// Reading and removing follow what the badge shows, each says so once to the same person, and
    /// nobody sees or touches anybody else's.
    #[tokio::test]
    async fn notifications_are_listed_read_and_removed_by_their_own() {
        let house = House::new();
        let routes = routes(&house);
        let tenant = house.write(|w| tenants::create(w, "Ours")).await.id;
        let (mara, token) = signed_in(&house, tenant, ("mara@example.com", Role::Agent)).await;
        let (_, boss) = signed_in(&house, tenant, ("boss@example.com", Role::Admin)).await;
        for event_seq in 1_000..1_004 {
            let notice = Notice {
                tenant,
                kind: Type::TicketUpdated,
                message: format!("message {event_seq}"),
                related_id: "t".into(),
                related_type: RelatedType::Ticket,
                actor: Actor::system(),
                recipients: vec![(mara.id, Reason::Assignee)],
                internal: false,
                entity: to_raw_value(&json!({})).unwrap(),
                event_seq,
            };
            house.write(move |w| notify(w, notice.clone())).await;
        }
        let by = |token: &'static str| [("authorization", token)];
        let go = async |what: &str, token| ask(&routes, what, &by(token), Value::Null).await;
        let (_, _, listed) = go("GET /notifications?per_page=3&unread=1", token).await;
        assert_eq!((&listed["meta"]["total"], &listed["meta"]["unread"]), (&json!(4), &json!(4)));
        assert_eq!(listed["data"][0]["message"], "message 1003");
        let id = listed["data"][0]["id"].as_str().unwrap();
        let before = house.db.latest_seq();
        for what in
            [format!("POST /notifications/{id}/read"), format!("DELETE /notifications/{id}")]
        {
            assert_eq!(go(&what, boss).await.0, StatusCode::NOT_FOUND, "{what}");
        }
        for _ in 0..2 {
            let (status, _, read) = go(&format!("POST /notifications/{id}/read"), token).await;
            assert_eq!((status, &read["data"]["version"]), (StatusCode::OK, &json!(2)));
            assert!(read["data"]["read_at"].is_string());
        }
        let (_, _, unread) = go("GET /notifications/unread-count", token).await;
        assert_eq!(unread["data"], json!({ "unread_count": 3, "counted_to": 1_003 }));
        let second = listed["data"][1]["id"].as_str().unwrap();
        let (_, _, gone) = go(&format!("DELETE /notifications/{second}"), token).await;
        assert!(gone["data"]["deleted_at"].is_string());
        for _ in 0..2 {
            assert_eq!(go("POST /notifications/read-all", token).await.0, StatusCode::OK);
        }
        let (_, _, read) = go("GET /notifications?unread=0", token).await;
        assert_eq!((&read["meta"]["total"], &read["meta"]["unread"]), (&json!(3), &json!(0)));
        let said = house.said_after(before).await;
        let told = |e: &Value| {
            assert_eq!(e["kind"], "notification.read");
            (e["data"]["unread_count"].as_i64().unwrap(), e["data"]["all"] == true)
        };
        assert_eq!(said.iter().map(told).collect::<Vec<_>>(), [(3, false), (2, false), (0, true)]);
        assert!(said[0]["changes"]["read_at"][1].is_string(), "{}", said[0]["changes"]);
        let (_, _, others) = go("GET /notifications", boss).await;
        assert!(others["data"].as_array().unwrap().iter().all(|n| n["type"] != "ticket_updated"));
        let (status, _, told) = go("GET /notifications?unread=perhaps", token).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(told["error"]["fields"]["unread"].is_string());
        let nobody = ask(&routes, "GET /notifications", &[], Value::Null).await;
        assert_eq!(nobody.0, StatusCode::UNAUTHORIZED);
    }
}
