//! The clockwork: ends wrap-ups whose time is over, and calls that nobody has heard of for long.

mod sql;

use super::{change, steps, tell};
use crate::{
    agents,
    db::{Db, Write},
    error::{Error, Result},
    event::Actor,
};

/// How often it looks, milliseconds.
const LOOK_EVERY_MS: i64 = 1_000;

/// Wrap-ups and calls ended in one transaction.
const STEP: i64 = 100;

/// A call of which nothing was heard for so long is over: 4 h. A PBX answers for its own calls by
/// its snapshots and may have longer ones: 24 h.
const SILENT_MS: i64 = 4 * 3_600_000;
const SILENT_AT_PBX_MS: i64 = 24 * 3_600_000;

/// Ends what is due, until it is dropped.
pub async fn keep(db: Db) {
    loop {
        match sweep(&db).await {
            // More is due than one transaction takes.
            Ok(true) => continue,
            Ok(false) | Err(Error::Full | Error::Busy(_)) => {}
            Err(e) => tracing::warn!(error = %e, "wrap-ups and lost calls do not end"),
        }
        db.clock().sleep_ms(LOOK_EVERY_MS).await;
    }
}

/// One round; true if there is more to do.
pub(super) async fn sweep(db: &Db) -> Result<bool> {
    let now = db.clock().now_ms();
    if !db.read(move |r| sql::is_anything_due(r, now, silent_since(now))).await? {
        return Ok(false);
    }
    db.write(|w| Ok(wrap_ups(w)? + silent(w)? > 0)).await
}

fn silent_since(now: i64) -> (i64, i64) {
    (now - SILENT_MS, now - SILENT_AT_PBX_MS)
}

fn wrap_ups(w: &mut Write<'_>) -> Result<usize> {
    let mut ended = 0;
    for (call, agent) in sql::due_wrap_ups(w, w.now, STEP)? {
        ended += 1;
        if steps::is_done(w, &call, agent)? {
            tell::say_wrapped(w, (&call, &call), agent, &Actor::system())?;
        }
    }
    // Somebody may wrap up what this room knows nothing of any more.
    for (tenant, user, call, at) in agents::due_wrap_ups(w, w.now)? {
        ended += usize::from(agents::wrapped_up(w, tenant, user, call, at)?);
    }
    Ok(ended)
}

fn silent(w: &mut Write<'_>) -> Result<usize> {
    let lost = sql::silent(w, silent_since(w.now), STEP)?;
    let ended = lost.len();
    for call in lost {
        match call.version {
            // Its beginning was never heard of: nobody has seen it.
            0 => sql::forget(w, call.tenant_id, call.rid)?,
            _ => change::lose(w, call)?,
        }
    }
    Ok(ended)
}
