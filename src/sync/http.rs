//! The handler of `GET /sync`, for everybody who is signed in (`SignIn`).

use super::{Part, Snapshot, sql};
use crate::http::{Answer, Core, May, QueryOf, ok, permission::SignIn};
use axum::extract::State;
use serde::Deserialize;

/// The query of `GET /sync`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    include: Option<String>,
}

/// `GET /sync`: what the caller shows, and the `seq` to go on from.
///
/// # Errors
/// 422 for a part that there is not; 403 for programs.
pub async fn sync(
    State(core): State<Core>,
    who: May<SignIn>,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Answer<Snapshot> {
    let parts = Part::read(wanted.include.as_deref())?;
    let (who, db) = (who.listener(), core.db.clone());
    core.db.read(move |r| sql::snapshot(r, &who, &parts, db.epoch())).await.map(ok)
}
