//! `GET /board`: staff (`ReadBoard`).

use super::{Snapshot, sql};
use crate::http::{Answer, Core, May, ok, permission::ReadBoard};
use axum::extract::State;

/// `GET /board`: all of it, and the `seq` up to which it is true. Who enters the room `board`
/// first and then asks puts over it what the room is told with that `seq` or a later one.
///
/// # Errors
/// 403 for customers.
pub async fn show(State(core): State<Core>, who: May<ReadBoard>) -> Answer<Snapshot> {
    let (tenant, now) = (who.tenant, core.clock().now_ms());
    let epoch = core.db.epoch().to_owned();
    let found = core.db.read(move |r| sql::board(r, tenant, now)).await?;
    let (board, settings) = found;
    Ok(ok(board.shown(epoch, settings)))
}
