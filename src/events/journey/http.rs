//! `/events/{seq}/journey`, for administrators (`FollowEvents`).

use super::{Journey, sql};
use crate::{
    error::OrNotFound as _,
    http::{Answer, Core, May, PathOf, ok, permission::FollowEvents},
    webhooks::deliveries::journey,
};
use axum::extract::State;

/// `GET /events/{seq}/journey`: committed, handed to so many sessions, each webhook's delivery with
/// its attempts. Users' own webhooks are theirs and not told of.
///
/// # Errors
/// 404 when the tenant has no such event.
pub async fn show(
    State(core): State<Core>,
    who: May<FollowEvents>,
    PathOf(seq): PathOf<i64>,
) -> Answer<Journey> {
    let tenant = who.tenant;
    let read = core.db.read(move |r| {
        let head = sql::head(r, tenant, seq)?.or_not_found("event")?;
        Ok((head, journey::of_event(r, tenant, seq)?))
    });
    let (head, deliveries) = read.await?;
    let sessions = core.hub.rung().tally.of(seq);
    Ok(ok(Journey { head, sessions, deliveries }))
}
