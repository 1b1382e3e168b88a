//! Handlers of accounts.
//!
//! * `GET /users`, `GET /users/{id}`: staff (`ReadUsers`)
//! * `POST /users`, `PATCH /users/{id}`, `DELETE /users/{id}`: administrators (`ManageUsers`)

use super::{Edit, Hand, New, User, sql};
use crate::{
    auth::Role,
    error::{Error, OrNotFound, Result},
    http::{
        Answer, Core, Json, May, PathOf, QueryOf, idempotency, ok,
        page::Paging,
        patch::IfMatch,
        permission::{ManageUsers, ReadUsers},
    },
    id::UserId,
};
use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Deserialize;

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

/// `POST /users`: makes an account; answers it with 201. Takes an `Idempotency-Key`.
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
    let hand = Hand::of(&who);
    let request = ("POST /users", new.clone());
    idempotency::once(&core.db, &who, &headers, &request, move |w| {
        super::create(w, &hand, &new, hash.as_deref())
    })
    .await
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
