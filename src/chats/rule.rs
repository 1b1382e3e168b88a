//! To whom a team's rule gives a chat: only who is available, and has not their hands full.

use super::{Chat, change, settings, sql, tell};
use crate::{
    db::{Db, Write},
    error::{Error, Result},
    event::{Actor, Kind, changes::Changes},
    teams,
};

/// How often it looks whether somebody has become free for a chat that waits, milliseconds.
const LOOK_EVERY_MS: i64 = 1_000;

/// Teams looked after in one round; the others come in the next.
const ROUND: i64 = 50;

/// Gives a chat that nobody talks in to a member of its team, where that team does not leave it to
/// people; answers in whose name. Nothing is stored yet.
///
/// # Errors
/// When the database refuses.
pub(super) fn by_rule(w: &Write<'_>, chat: &mut Chat) -> Result<Option<Actor>> {
    let waits = chat.assignee_id.is_none() && !chat.is_closed();
    let Some(team) = chat.team_id.filter(|_| waits) else { return Ok(None) };
    let Some(team) = teams::find(w, chat.tenant_id, team)? else { return Ok(None) };
    let cap = settings::cap(w, chat.tenant_id)?;
    let free = sql::free_members(w, chat.tenant_id, team.id, cap)?;
    chat.assignee_id = teams::choose(w, &team, &free)?;
    Ok(chat.assignee_id.map(|_| Actor { name: team.name, ..Actor::system() }))
}

/// Gives out chats that wait for ever: whoever came back, closed a chat or joined the team is found
/// by looking, so no other room has to think of it.
pub async fn keep(db: Db) {
    loop {
        db.clock().sleep_ms(LOOK_EVERY_MS).await;
        match round(&db).await {
            Ok(()) | Err(Error::Full | Error::Busy(_)) => {}
            Err(e) => tracing::warn!(error = %e, "chats that wait could not be given out"),
        }
    }
}

async fn round(db: &Db) -> Result<()> {
    if db.read(|r| sql::waiting(r, 1)).await?.is_empty() {
        return Ok(());
    }
    db.write(|w| {
        for (tenant, id) in sql::waiting(w, ROUND)? {
            let Some(before) = sql::find(w, tenant, id)? else { continue };
            let mut after = before.clone();
            if let Some(giver) = by_rule(w, &mut after)? {
                let changes = Changes::between(&before, &after)?;
                change::bump(w, &mut after)?;
                let seq = tell::of_chat(w, &giver, Kind::ChatAssigned, &after, Some(&changes))?;
                tell::assigned(w, &giver, &after, seq)?;
            }
        }
        Ok(())
    })
    .await
}
