//! Handlers of sign-ins.
//!
//! * `GET /auth/sessions`, `DELETE /auth/sessions/{id}`: one's own; administrators anybody's

use super::{Session, sql};
use crate::{
    auth::Role,
    error::{Error, OrNotFound},
    http::{Answer, Core, May, PathOf, QueryOf, ok, page::Paging, permission::SignIn},
    id::{SessionId, UserId},
    users,
};
use axum::extract::State;
use serde::{Deserialize, Serialize};

/// What the list of sign-ins may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    page: Option<i64>,
    per_page: Option<i64>,
    /// Somebody else's, for administrators.
    user_id: Option<UserId>,
}

/// `GET /auth/sessions`: the sign-ins that stand, the newest first.
///
/// # Errors
/// 403 for another user's, unless one is an administrator; 404 for another tenant's user.
pub async fn list(
    State(core): State<Core>,
    who: May<SignIn>,
    QueryOf(asked): QueryOf<Asked>,
) -> Answer<Vec<Session>> {
    let paging = Paging::new(asked.page, asked.per_page)?;
    let user = asked.user_id.unwrap_or(who.user);
    if user != who.user && who.role < Role::Admin {
        return Err(Error::Forbidden("only administrators may see others' sign-ins"));
    }
    let (tenant, current, now) = (who.tenant, who.session, core.clock().now_ms());
    let read = core.db.read(move |r| {
        users::sql::find(r, tenant, user)?.or_not_found("user")?;
        sql::list(r, (tenant, user), now, paging, current)
    });
    let (sessions, total) = read.await?;
    Ok(ok(sessions).with_meta(paging.meta(total)))
}

/// The answer to the end of a sign-in.
#[derive(Debug, Serialize)]
pub struct Ended {
    id: SessionId,
    revoked: bool,
}

/// `DELETE /auth/sessions/{id}`: ends a sign-in, its tokens and its sockets.
///
/// # Errors
/// 404 when there is none that stands, or it is somebody else's and one is no administrator.
pub async fn delete(
    State(core): State<Core>,
    who: May<SignIn>,
    PathOf(id): PathOf<SessionId>,
) -> Answer<Ended> {
    let (tenant, user, may_all) = (who.tenant, who.user, who.role == Role::Admin);
    let held = core.clone();
    let job = core.db.write(move |w| {
        let owner = sql::owner(w, tenant, id)?.filter(|owner| may_all || *owner == user);
        owner.or_not_found("sign-in")?;
        let revoked = super::end(w, &held, id)?;
        Ok(Ended { id, revoked })
    });
    job.await.map(ok)
}
