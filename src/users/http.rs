//! Handlers of accounts.
//!
//! * `GET /users`, `GET /users/{id}`: staff (`ReadUsers`)
//! * `POST /users`, `PATCH /users/{id}`, `DELETE /users/{id}`, `POST /users/{id}/reset-link`:
//!   administrators (`ManageUsers`)

use super::{Edit, Hand, New, User, sql};
use crate::{
    accounts::links::{Fresh, Kind},
    auth::Role,
    error::{Error, OrNotFound, Result},
    http::{
        Answer, Core, Json, May, PathOf, QueryOf, created, idempotency, ok,
        page::Paging,
        patch::IfMatch,
        permission::{ManageUsers, ReadUsers},
    },
    id::UserId,
};
use axum::{extract::State, http::HeaderMap, response::Response};
use serde::{Deserialize, Serialize};

/// Longest text that is searched for, bytes.
const TEXT_MAX: usize = 200;

/// What a list of accounts may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    page: Option<i64>,
    per_page: Option<i64>,
    /// Roles, with commas between them.
    role: Option<String>,
    is_active: Option<bool>,
    q: Option<String>,
}

impl Asked {
    fn filter(self) -> Result<sql::Filter> {
        let named = self.role.unwrap_or_default();
        let words = named.split(',').map(str::trim).filter(|word| !word.is_empty());
        let roles = words.map(str::parse).collect::<Result<Vec<Role>, ()>>().map_err(|()| {
            let allowed = Role::ALL.map(Role::name).join(", ");
            Error::field("role", format!("must be one or more of {allowed}"))
        })?;
        let text = self.q.map(|q| q.trim().to_owned()).filter(|q| !q.is_empty());
        if text.as_ref().is_some_and(|text| text.len() > TEXT_MAX) {
            return Err(Error::field("q", "must have at most 200 bytes"));
        }
        Ok(sql::Filter { roles, is_active: self.is_active, text })
    }
}

/// `GET /users`: the living accounts of the tenant, by name.
///
/// # Errors
/// 403 for customers, 422 for a filter that cannot be read.
pub async fn list(
    State(core): State<Core>,
    who: May<ReadUsers>,
    QueryOf(asked): QueryOf<Asked>,
) -> Answer<Vec<User>> {
    let paging = Paging::new(asked.page, asked.per_page)?;
    let (filter, tenant) = (asked.filter()?, who.tenant);
    let (users, total) = core.db.read(move |r| sql::list(r, tenant, &filter, paging)).await?;
    Ok(ok(users).with_meta(paging.meta(total)))
}

/// `GET /users/{id}`: one account, also a deleted one, because tickets still name it.
///
/// # Errors
/// 403 for customers, 404 for another tenant's.
pub async fn show(
    State(core): State<Core>,
    who: May<ReadUsers>,
    PathOf(id): PathOf<UserId>,
) -> Answer<User> {
    let tenant = who.tenant;
    core.db.read(move |r| sql::find(r, tenant, id)).await?.or_not_found("user").map(ok)
}

/// A new account, and how its owner comes in.
#[derive(Debug, Clone, Serialize)]
pub struct Made {
    #[serde(flatten)]
    user: User,
    /// Where they set their password, for seven days and once; there when none was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    invite_link: Option<String>,
}

/// `POST /users`: makes an account; answers it with 201, and without a password with a link by
/// which its owner sets one. Takes an `Idempotency-Key`; the link is not told a second time.
///
/// # Errors
/// 409 `email_taken`, 422 naming the fields that are wrong.
pub async fn create(
    State(core): State<Core>,
    who: May<ManageUsers>,
    headers: HeaderMap,
    Json(new): Json<New>,
) -> Result<Response> {
    let new = new.checked()?;
    let hash = hashed(&core, new.password.as_ref()).await?;
    let invite = if hash.is_none() { Some(Fresh::new(&core, Kind::Invite)?) } else { None };
    let hand = Hand::of(&who);
    let request = ("POST /users", new.clone());
    idempotency::once_with_secret(&core.db, &who, &headers, &request, move |w| {
        let user = super::create(w, &hand, &new, hash.as_deref())?;
        if let Some(invite) = &invite {
            invite.give(w, user.tenant_id, user.id)?;
        }
        let kept = Made { user, invite_link: None };
        let link = invite.as_ref().map(|invite| invite.link.clone());
        Ok((Made { invite_link: link, ..kept.clone() }, kept))
    })
    .await
}

/// A link by which somebody chooses another password.
#[derive(Debug, Serialize)]
pub struct ResetLink {
    /// Where they do so, once; shown once.
    reset_link: String,
    /// How long it is good, seconds.
    expires_in: i64,
}

/// `POST /users/{id}/reset-link`: makes a link by which somebody chooses another password, to be
/// handed to them; answers it with 201. An older one is good no more.
///
/// # Errors
/// 403 for an account above the caller's reach, 404 for one that is closed.
pub async fn reset_link(
    State(core): State<Core>,
    who: May<ManageUsers>,
    PathOf(id): PathOf<UserId>,
) -> Answer<ResetLink> {
    let (hand, fresh) = (Hand::of(&who), Fresh::new(&core, Kind::Reset)?);
    let (link, expires_in) = (fresh.link.clone(), Kind::Reset.ttl_ms() / 1_000);
    let job = core.db.write(move |w| {
        let user = sql::find(w, hand.tenant, id)?.filter(|user| user.is_active);
        let user = user.or_not_found("user")?;
        hand.may_touch(user.role, user.role, user.is_system_admin)?;
        fresh.give(w, hand.tenant, id)
    });
    job.await?;
    Ok(created(ResetLink { reset_link: link, expires_in }))
}

/// `PATCH /users/{id}`: changes an account. A new role or password closes its sockets, a new
/// password or `is_active: false` also ends its sign-ins.
///
/// # Errors
/// 404, 409 `version_conflict`, `email_taken` or `last_admin`, 422.
pub async fn update(
    State(core): State<Core>,
    who: May<ManageUsers>,
    if_match: IfMatch,
    PathOf(id): PathOf<UserId>,
    Json(edit): Json<Edit>,
) -> Answer<User> {
    let mut edit = edit.checked()?;
    edit.version = if_match.or(edit.version);
    let hash = hashed(&core, edit.password.as_ref()).await?;
    let (hand, held) = (Hand::of(&who), core.clone());
    let job = core.db.write(move |w| {
        let changed = super::change(w, &hand, id, &edit, hash.as_deref())?;
        changed.follow(&held, w);
        Ok(changed.user)
    });
    job.await.map(ok)
}

/// What a deletion may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removal {
    /// `1` also takes away who the person was.
    anonymise: Option<u8>,
}

/// `DELETE /users/{id}`: closes an account; with `?anonymise=1` its name, e-mail address and phone
/// give way to neutral words. Answers the account as it now is.
///
/// # Errors
/// 404, 409 `version_conflict` or `last_admin`.
pub async fn delete(
    State(core): State<Core>,
    who: May<ManageUsers>,
    if_match: IfMatch,
    PathOf(id): PathOf<UserId>,
    QueryOf(asked): QueryOf<Removal>,
) -> Answer<User> {
    let anonymise = match asked.anonymise {
        None | Some(0) => false,
        Some(1) => true,
        Some(_) => return Err(Error::field("anonymise", "must be 0 or 1")),
    };
    let (hand, held, based_on) = (Hand::of(&who), core.clone(), if_match.or(None));
    let job = core.db.write(move |w| {
        let changed = super::remove(w, &hand, id, anonymise, based_on)?;
        changed.follow(&held, w);
        Ok(changed.user)
    });
    job.await.map(ok)
}

async fn hashed(core: &Core, password: Option<&String>) -> Result<Option<String>> {
    match password {
        Some(password) => core.passwords.hash(password.clone()).await.map(Some),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        accounts::{Visit, login},
        auth::password,
        http::testing::{House, ask},
        tenants, users,
    };
    use axum::{Router, http::StatusCode, routing::get};
    use serde_json::{Value, json};

    async fn token(house: &House, tenant: crate::id::TenantId, email: &str, role: Role) -> String {
        let new: New =
            serde_json::from_value(json!({ "email": email, "name": "Somebody", "role": role }))
                .unwrap();
        let hash = password::hash("correct horse").unwrap();
        let hand = Hand::of_system(tenant);
        house.write(move |w| users::create(w, &hand, &new, Some(&hash))).await;
        let sent =
            login::Credentials::checked(Some(email.into()), Some("correct horse".into()), None);
        let visit = Visit::new([127, 0, 0, 1].into(), "");
        let signed_in = login::login(house, sent.ok().unwrap(), visit).await.ok().unwrap();
        format!("Bearer {}", signed_in.access_token)
    }

    /// Administrators write, staff read, customers do neither, and other tenants see nothing.
    #[tokio::test]
    async fn accounts_are_read_by_staff_and_written_by_administrators() {
        let house = House::new();
        let routes = Router::new()
            .route("/users", get(list).post(create))
            .route("/users/{id}", get(show).patch(update).delete(delete))
            .with_state(Core::clone(&house));
        let ours = house.write(|w| tenants::create(w, "Ours")).await.id;
        let theirs = house.write(|w| tenants::create(w, "Theirs")).await.id;
        let admin = token(&house, ours, "admin@example.com", Role::Admin).await;
        let agent = token(&house, ours, "agent@example.com", Role::Agent).await;
        let customer = token(&house, ours, "customer@example.com", Role::Customer).await;
        let stranger = token(&house, theirs, "stranger@example.com", Role::Admin).await;
        let by = |token: &'static str| [("authorization", token)];
        let [admin, agent, customer, stranger] =
            [admin, agent, customer, stranger].map(|t| by(Box::leak(t.into_boxed_str())));
        let new = json!({ "email": "mara@example.com", "name": "Mara", "role": "agent",
            "password": "long enough" });
        let (status, _, made) = ask(&routes, "POST /users", &admin, new.clone()).await;
        assert_eq!((status, &made["data"]["version"]), (StatusCode::CREATED, &json!(1)), "{made}");
        assert!(!made.to_string().contains("argon2") && !made.to_string().contains("long enough"));
        assert_eq!(ask(&routes, "POST /users", &admin, new.clone()).await.0, StatusCode::CONFLICT);
        assert_eq!(ask(&routes, "POST /users", &agent, new).await.0, StatusCode::FORBIDDEN);
        let one = format!("/users/{}", made["data"]["id"].as_str().unwrap());
        for (who, read, write) in [
            (&admin, StatusCode::OK, StatusCode::OK),
            (&agent, StatusCode::OK, StatusCode::FORBIDDEN),
            (&customer, StatusCode::FORBIDDEN, StatusCode::FORBIDDEN),
            (&stranger, StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
        ] {
            assert_eq!(ask(&routes, &format!("GET {one}"), who, Value::Null).await.0, read);
            let edit = json!({ "name": "Mara L." });
            assert_eq!(ask(&routes, &format!("PATCH {one}"), who, edit).await.0, write);
        }
        let stale = [admin[0], ("if-match", "\"1\"")];
        let (status, _, told) = ask(&routes, &format!("DELETE {one}"), &stale, Value::Null).await;
        assert_eq!(
            (status, &told["error"]["code"]),
            (StatusCode::CONFLICT, &json!("version_conflict"))
        );
        let list = "GET /users?role=agent,admin&is_active=true&q=example&per_page=2";
        let (_, _, listed) = ask(&routes, list, &agent, Value::Null).await;
        assert_eq!(
            listed["meta"],
            json!({ "page": 1, "per_page": 2, "total": 3, "total_pages": 2 })
        );
        for query in ["role=boss", "colour=red", "page=0", "is_active=perhaps"] {
            let (status, _, told) =
                ask(&routes, &format!("GET /users?{query}"), &agent, Value::Null).await;
            let field = query.split('=').next().unwrap();
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(told["error"]["fields"][field].is_string(), "{told}");
        }
        let gone = ask(&routes, &format!("DELETE {one}?anonymise=1"), &admin, Value::Null).await.2;
        assert_eq!(gone["data"]["name"], "Deleted user");
    }
}
