//! `/ws/connections`: every open connection of every door, as an administrator sees it.
//!
//! * `GET /ws/connections?page=&per_page=&user_id=`: the newest first
//! * `DELETE /ws/connections/{id}`: ends one; it may come back when its person signs in or reloads

use crate::{
    error::OrNotFound as _,
    http::{
        Answer, Caller, Core, May, PathOf, QueryOf, ok, page::Paging, permission::ManageConnections,
    },
    hub::{Close, Picture, Session},
    id::UserId,
};
use axum::extract::State;
use serde::{Deserialize, Serialize};

/// The query of `GET /ws/connections`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    page: Option<i64>,
    per_page: Option<i64>,
    /// Only this person's.
    user_id: Option<UserId>,
}

/// Whether a session is the caller's to look after: their tenant's, or anybody's for the system
/// administrator.
fn may_see(who: &Caller, session: &Session) -> bool {
    who.is_system_admin || session.who.tenant == who.tenant
}

/// `GET /ws/connections`: those of the tenant, or of all tenants for the system administrator.
///
/// # Errors
/// 403 for all but administrators; 422 for a bad query.
pub async fn list(
    State(core): State<Core>,
    who: May<ManageConnections>,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Answer<Vec<Picture>> {
    let paging = Paging::new(wanted.page, wanted.per_page)?;
    let rows = |number| usize::try_from(number).unwrap_or(usize::MAX);
    let which = |session: &Session| {
        may_see(&who, session) && wanted.user_id.is_none_or(|user| session.who.user == user)
    };
    let (shown, total) = core.hub.pictures(which, rows(paging.offset()), rows(paging.limit()));
    let total = i64::try_from(total).unwrap_or(i64::MAX);
    Ok(ok(shown).with_meta(paging.meta(total)))
}

/// The answer to an ending.
#[derive(Debug, Serialize)]
pub struct Ended {
    id: u64,
    ended: bool,
}

/// `DELETE /ws/connections/{id}`: closes it with 4013. The sign-in behind it stands.
///
/// # Errors
/// 404 when there is no such connection, or it is another tenant's.
pub async fn end(
    State(core): State<Core>,
    who: May<ManageConnections>,
    PathOf(id): PathOf<u64>,
) -> Answer<Ended> {
    let session = core.hub.session(id).filter(|session| may_see(&who, session));
    let session = session.or_not_found("connection")?;
    session.close(Close::ByAdministrator);
    let (by, whose) = (who.user, session.who.user);
    tracing::info!(connection = id, %by, user = %whose, "an administrator ended a connection");
    Ok(ok(Ended { id, ended: true }))
}
