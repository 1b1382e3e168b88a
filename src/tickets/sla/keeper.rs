//! The clockwork: wakes when the next clock is due and lets it say so.

use super::{people, say, sql};
use crate::{
    db::{Db, Write},
    error::{Error, Result},
};

/// Tickets looked at in one transaction.
const STEP: i64 = 100;

/// How long it sleeps at most. Clocks that were started meanwhile are not due sooner: the shortest
/// promise warns after 48 seconds, and one that goes on with little time left is this late.
const LOOK_EVERY_MS: i64 = 1_000;

/// Lets clocks say what they have to, until it is dropped.
pub async fn keep(db: Db) {
    loop {
        let wake_at = match strike_all(&db).await {
            Ok(next) => next.unwrap_or(i64::MAX),
            Err(Error::Full | Error::Busy(_)) => i64::MAX,
            Err(e) => {
                tracing::warn!(error = %e, "the clocks over tickets stand still");
                i64::MAX
            }
        };
        let look_at = db.clock().now_ms() + LOOK_EVERY_MS;
        db.clock().sleep_until(wake_at.min(look_at)).await;
    }
}

/// Everything that is due; answers when the next is.
pub(super) async fn strike_all(db: &Db) -> Result<Option<i64>> {
    loop {
        let next = db.read(sql::next_at).await?;
        if next.is_none_or(|next| next > db.clock().now_ms()) {
            return Ok(next);
        }
        if db.write(strike).await? == 0 {
            // Due by the clock but not by the transaction's, which was read before: soon.
            return Ok(next);
        }
    }
}

/// One transaction's share; answers how many tickets had something to say.
fn strike(w: &mut Write<'_>) -> Result<usize> {
    let due = sql::due(w, w.now, STEP)?;
    for ticket in &due {
        let mut clocks = sql::of_ticket(w, ticket.rid)?;
        let mut facts = Vec::new();
        for clock in &mut clocks {
            facts.extend(clock.strike(w.now).map(|fact| (clock.target, fact)));
            sql::put(w, ticket, clock)?;
        }
        let notices = say(w, ticket, &clocks, facts)?;
        people::notify(w, notices)?;
    }
    Ok(due.len())
}
