//! Presence outlives a restart: who was here is expected back, and shown as here meanwhile, so that
//! a restart is no storm of people who go and come.

use crate::{
    db::{WasHere, note_here, was_here},
    error::{Error, Result},
    event::Listener,
    http::Core,
    users,
};

/// How often it is written down who is here, if that has changed.
const WRITE_EVERY_MS: i64 = 2_000;

/// Most people who are written down, those who have been here longest; the others are told as
/// coming when they are back.
const REMEMBERED_MAX: usize = 5_000;

/// Shows those as here who were when it was last written down and may still sign in, for as long as
/// people may take to come back.
pub(super) async fn expect_back(core: &Core) {
    let read =
        core.db.read(|r| {
            let mut back = Vec::new();
            for WasHere { tenant, user, since_ms } in was_here(r)? {
                let found = users::sql::find(r, tenant, user)?;
                let found = found.filter(|user| user.is_active && user.deleted_at.is_none());
                back.extend(found.map(|found| {
                    (Listener { tenant, user, role: found.role }, found.name, since_ms)
                }));
            }
            Ok(back)
        });
    match read.await {
        Ok(back) => {
            for (who, name, since_ms) in back {
                core.hub.presence().expect(who, name, since_ms);
            }
        }
        Err(e) => tracing::warn!(error = %e, "nobody is expected back: it could not be read who"),
    }
}

/// Writes down who is here whenever that has changed, for ever.
pub(super) async fn keep(core: Core) {
    let mut written = core.hub.presence().changes();
    loop {
        core.clock().sleep_ms(WRITE_EVERY_MS).await;
        let changes = core.hub.presence().changes();
        // When the server stops all go, and are expected back.
        if changes != written && !core.hub.is_stopping() {
            match write(&core).await {
                Ok(()) => written = changes,
                Err(Error::Full | Error::Busy(_)) => {}
                Err(e) => tracing::warn!(error = %e, "who is here could not be written down"),
            }
        }
    }
}

/// Writes down who is here.
///
/// # Errors
/// When the database refuses.
pub(super) async fn write(core: &Core) -> Result<()> {
    let mut here = core.hub.presence().everybody();
    here.truncate(REMEMBERED_MAX);
    let here: Vec<WasHere> = here
        .into_iter()
        .map(|(tenant, user, since_ms)| WasHere { tenant, user, since_ms })
        .collect();
    core.db.write(move |w| note_here(w, &here)).await
}
