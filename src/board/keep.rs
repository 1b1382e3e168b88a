//! Telling the room `board` what changes.
//!
//! For each tenant with somebody in the room the keeper remembers the board it told last. After a
//! commit it reads which parts the new events touch, looks at those again, and tells what is
//! different. Nothing is read where nobody stands.
//!
//! No change is missed: a client enters the room, then reads its snapshot at `seq` S. Whatever the
//! keeper tells from then on is what changed since a board that is not newer than S, or all of it
//! where it remembers none. No change counts twice: rows are told whole.

use super::{Board, Delta, ROOM, sql};
use crate::{
    db::Db,
    error::{Error, Result},
    hub::{Hub, Sign},
    id::TenantId,
};
use std::collections::HashMap;

/// The least time between two changes, milliseconds: a wall is told at most twenty times a second,
/// and what happens in between is told as one.
const GAP_MS: i64 = 50;

/// After work that took long it rests so many times as long, so that boards of busy floors take no
/// more than a quarter of a core; at most [`REST_MAX_MS`].
const REST: i64 = 3;

/// Longest rest, milliseconds: on a busy machine work takes long because others do theirs.
const REST_MAX_MS: i64 = 300;

/// Everything is looked at after so long, milliseconds: days end without an event.
const ANEW_MS: i64 = 30_000;

/// What was told last, and when everything is to be looked at, in ticks.
struct Told {
    board: Board,
    anew_at: i64,
}

/// Tells the boards of all tenants what changes, until it is dropped.
pub async fn keep(db: Db, hub: Hub) {
    let mut rooms: HashMap<TenantId, Told> = HashMap::new();
    let clock = db.clock().clone();
    loop {
        // Before anything is read, so that what is committed meanwhile wakes it again.
        let news = db.news();
        let began = clock.ticks_ms();
        let tenants = hub.tenants_in(ROOM);
        rooms.retain(|tenant, _| tenants.contains(tenant));
        for tenant in tenants {
            match tell(&db, &hub, tenant, &mut rooms).await {
                Ok(()) | Err(Error::Busy(_)) => {}
                Err(e) => tracing::warn!(error = %e, "a wallboard could not be brought up to date"),
            }
        }
        let took = clock.ticks_ms() - began;
        clock.sleep_ms((took * REST).clamp(GAP_MS, REST_MAX_MS)).await;
        let next = rooms.values().map(|told| told.anew_at).min();
        let wait = next.map_or(ANEW_MS, |at| at - clock.ticks_ms());
        tokio::select! {
            () = news => {}
            () = clock.sleep_ms(wait) => {}
        }
    }
}

/// Brings one tenant's boards up to date.
async fn tell(
    db: &Db,
    hub: &Hub,
    tenant: TenantId,
    rooms: &mut HashMap<TenantId, Told>,
) -> Result<()> {
    let (now, ticks) = (db.clock().now_ms(), db.clock().ticks_ms());
    let Some(told) = rooms.get_mut(&tenant) else {
        let (board, _) = db.read(move |r| sql::board(r, tenant, now)).await?;
        say(hub, tenant, &board.whole());
        rooms.insert(tenant, Told { board, anew_at: ticks + ANEW_MS });
        return Ok(());
    };
    let from = (told.board.seq, told.anew_at <= ticks);
    if from.1 {
        told.anew_at = ticks + ANEW_MS;
    }
    let Some(look) = db.read(move |r| sql::look(r, tenant, from, now)).await? else {
        return Ok(());
    };
    let delta = told.board.take(look);
    if !delta.is_empty() {
        say(hub, tenant, &delta);
    }
    Ok(())
}

fn say(hub: &Hub, tenant: TenantId, delta: &Delta) {
    hub.tell(tenant, ROOM, &Sign::new("board.changed", delta));
}
