//! The sweep: contents that no row names any more leave the disk, some time later.

use super::{
    sql,
    store::{Digest, Store},
};
use crate::{
    db::Db,
    error::{Error, Result},
};

/// How often contents are looked at that may have lost their last row.
const LOOK_EVERY_MS: i64 = 60_000;

/// How often all contents are looked at: a crash forgets the ones above.
const WALK_EVERY_MS: i64 = 24 * 3_600_000;

/// How long after the start that happens first.
const FIRST_WALK_MS: i64 = 10 * 60_000;

/// Sweeps for as long as the server runs.
pub async fn sweep(db: Db, files: Store) {
    let clock = db.clock().clone();
    let mut walk_at = clock.now_ms() + FIRST_WALK_MS;
    loop {
        clock.sleep_ms(LOOK_EVERY_MS).await;
        look(&db, &files).await;
        if clock.now_ms() >= walk_at {
            walk_at = clock.now_ms() + WALK_EVERY_MS;
            walk(&db, &files).await;
        }
    }
}

/// Looks at what was noted since the last time.
pub(super) async fn look(db: &Db, files: &Store) {
    let loose: Vec<_> = files.take_loose().into_iter().collect();
    step(db, files, move |_| Ok(loose)).await;
}

/// Looks at everything, one folder a step: the end of the server waits for no more than that.
pub(super) async fn walk(db: &Db, files: &Store) {
    for first in 0..=u8::MAX {
        step(db, files, move |files| files.contents(first).map_err(Error::internal)).await;
    }
}

/// Looks at some contents; what cannot be judged now is looked at again.
async fn step(
    db: &Db,
    files: &Store,
    which: impl FnOnce(&Store) -> Result<Vec<Digest>> + Send + 'static,
) {
    let (db, files) = (db.clone(), files.clone());
    let done = tokio::task::spawn_blocking(move || {
        let mut outcome = Ok(());
        for digest in which(&files)? {
            let judged = files.release(&digest, || db.read_blocking(|r| sql::is_named(r, &digest)));
            if let Err(e) = judged {
                files.loosen(digest);
                outcome = Err(e);
            }
        }
        outcome
    });
    if let Ok(Err(e)) = done.await {
        tracing::warn!(error = %e, "a content without a row could not be removed yet");
    }
}
