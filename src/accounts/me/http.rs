//! Handlers of one's own account, for everybody who is signed in (`SignIn`).
//!
//! * `GET /auth/me`, `PATCH /auth/me`, `POST /auth/password`

use super::OwnEdit;
use crate::{
    error::OrNotFound,
    http::{Answer, Client, Core, Json, May, ok, patch::IfMatch, permission::SignIn},
    users::{self, Profile},
};
use axum::extract::State;
use serde::{Deserialize, Serialize};

/// `GET /auth/me`: the caller's own account.
///
/// # Errors
/// 401; 403 for programs, which have no account.
pub async fn show(State(core): State<Core>, who: May<SignIn>) -> Answer<Profile> {
    let (tenant, user) = (who.tenant, who.user);
    let read = core.db.read(move |r| users::sql::profile(r, tenant, user));
    read.await?.or_not_found("user").map(ok)
}

/// `PATCH /auth/me`: changes the caller's own account.
///
/// # Errors
/// 409 `version_conflict`, 422 naming the fields that are wrong.
pub async fn update(
    State(core): State<Core>,
    who: May<SignIn>,
    if_match: IfMatch,
    Json(sent): Json<OwnEdit>,
) -> Answer<Profile> {
    let version = if_match.or(sent.version);
    super::change(&core, &who, OwnEdit { version, ..sent }).await.map(ok)
}

/// The present password and the next one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    current: String,
    new: String,
}

/// The answer to a changed password.
#[derive(Debug, Serialize)]
pub struct PasswordChanged {
    changed: bool,
}

/// `POST /auth/password`: changes the caller's password and ends their other sign-ins.
///
/// # Errors
/// 422 when the present password is wrong or the next one is none, 429.
pub async fn change_password(
    State(core): State<Core>,
    who: May<SignIn>,
    client: Client,
    Json(sent): Json<NewPassword>,
) -> Answer<PasswordChanged> {
    super::change_password(&core, &who, (sent.current, sent.new), client.address).await?;
    Ok(ok(PasswordChanged { changed: true }))
}
