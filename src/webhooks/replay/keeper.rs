//! What moves replays on: one step of each job in turn, as long as there are any.

use super::{STEP, sql};
use crate::{
    error::{Error, Result},
    webhooks::engine::Engine,
};
use std::time::Duration;

/// How often jobs are looked at although nobody rang: one that waits for its endpoint goes on.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Moves jobs on until it is dropped; those that a restart interrupted go on where they were.
pub async fn keep(engine: Engine) {
    loop {
        let goes_on = match step_all(&engine).await {
            Ok(goes_on) => goes_on,
            Err(Error::Full | Error::Busy(_)) => false,
            Err(e) => {
                tracing::warn!(error = %e, "replays stand still");
                false
            }
        };
        if !goes_on {
            // Whichever comes first; a ring while nobody listened is remembered.
            drop(tokio::time::timeout(LOOK_EVERY, engine.replays.notified()).await);
        }
    }
}

/// One step of every job; whether any of them can go on at once.
pub(super) async fn step_all(engine: &Engine) -> Result<bool> {
    let mut goes_on = false;
    for job in engine.db.read(sql::all_running).await? {
        goes_on |= step(engine, job).await?;
    }
    Ok(goes_on)
}

async fn step(engine: &Engine, job: sql::Running) -> Result<bool> {
    let (tenant, id, endpoint) = (job.scope.tenant, job.replay.id, job.scope.endpoint);
    match engine.db.read(move |r| sql::has_room(r, endpoint)).await? {
        Some(true) => {}
        Some(false) => return Ok(false),
        None => {
            engine.db.write(move |w| sql::cancel(w, tenant, id)).await?;
            return Ok(false);
        }
    }
    let (job, rows, covered) = engine
        .db
        .read(move |r| {
            let (rows, covered) = sql::next(r, &job.scope, (job.cursor, job.last_seq), STEP)?;
            Ok((job, rows, covered))
        })
        .await?;
    engine.db.write(move |w| sql::step(w, &job, &rows, covered)).await
}
