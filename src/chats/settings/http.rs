//! `GET`, `PATCH /chats/settings`, for administrators (`ManageChats`).

use super::{Edit, Settings, change, find};
use crate::http::{Answer, Core, Json, May, ok, patch::IfMatch, permission::ManageChats};
use axum::extract::State;

/// `GET /chats/settings`.
///
/// # Errors
/// When the database refuses.
pub async fn show(State(core): State<Core>, who: May<ManageChats>) -> Answer<Settings> {
    let tenant = who.tenant;
    core.db.read(move |r| find(r, tenant)).await.map(ok)
}

/// `PATCH /chats/settings`: the first change makes the widget's key.
///
/// # Errors
/// 409 `version_conflict`, 422.
pub async fn update(
    State(core): State<Core>,
    who: May<ManageChats>,
    if_match: IfMatch,
    Json(edit): Json<Edit>,
) -> Answer<Settings> {
    let mut edit = edit.checked()?;
    edit.version = if_match.or(edit.version);
    let tenant = who.tenant;
    core.db.write(move |w| change(w, tenant, &edit)).await.map(ok)
}
