//! Who lost their connection: agents whose last socket is gone for longer than a bad network takes,
//! and those who had one before a restart and did not come back.
//!
//! Only who had a socket since they chose their state is watched; the row says when they were last
//! seen. It is written when somebody comes and for all who are here every half a minute, in one
//! write, so that a crash loses no more than that of what is known.

mod limits;
mod sql;

use super::change;
use crate::{
    db::{Db, Write},
    error::{Error, Result},
    hub::Hub,
    id::{TenantId, UserId},
};
use std::{collections::HashMap, time::Duration};

/// An agent whose last socket went is taken for gone after this long.
const GRACE_MS: i64 = 30_000;

/// After a start, agents have so long to come back.
const RETURN_MS: i64 = 60_000;

/// How often it is written down that agents are here.
const BEAT_EVERY_MS: i64 = 30_000;

/// How often it looks. By the process's own ticks, so that a step of the wall clock is no pause.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Agents looked after in one transaction; the rest follow in the next.
const STEP: usize = 500;

type Who = (TenantId, UserId);

/// Watches until it is dropped.
pub async fn keep(db: Db, hub: Hub) {
    let returning = loop {
        match db.read(sql::seen).await {
            Ok(seen) => break seen,
            Err(e) => tracing::warn!(error = %e, "who was here before the start is not known yet"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let mut watcher = Watcher::new(db.clock().ticks_ms(), returning);
    loop {
        let ticks = db.clock().ticks_ms();
        // A server that stops closes all sockets itself.
        let seen = if hub.is_stopping() { Ok(()) } else { watcher.round(&db, &hub, ticks).await };
        match seen.and(limits::tell_overdue(&db).await) {
            Ok(()) | Err(Error::Full | Error::Busy(_)) => {}
            Err(e) => tracing::warn!(error = %e, "agents' connections are not looked after"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What is known of who is here, in ticks.
struct Watcher {
    /// When each was last here, and whether they were at the last look.
    here: HashMap<Who, (i64, bool)>,
    /// Who had a socket before the start, and when they were last seen.
    returning: HashMap<Who, i64>,
    return_until: i64,
    beat_at: i64,
}

/// What one look finds to be written down.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// Who is here.
    seen: Vec<Who>,
    /// Who is gone, and since when (wall clock); nothing says now.
    lost: Vec<(Who, Option<i64>)>,
}

impl Watcher {
    fn new(ticks: i64, returning: Vec<(TenantId, UserId, i64)>) -> Self {
        Self {
            here: HashMap::new(),
            returning: returning.into_iter().map(|(t, u, seen_at)| ((t, u), seen_at)).collect(),
            return_until: ticks + RETURN_MS,
            beat_at: ticks + BEAT_EVERY_MS,
        }
    }

    async fn round(&mut self, db: &Db, hub: &Hub, ticks: i64) -> Result<()> {
        let beats = ticks >= self.beat_at;
        if beats {
            let seen = db.read(sql::seen).await?;
            let now = db.clock().now_ms();
            self.adopt(seen.into_iter().map(|(t, u, at)| ((t, u), ticks - (now - at).max(0))));
            self.beat_at = ticks + BEAT_EVERY_MS;
        }
        let found = self.look(&hub.presence().staff(), ticks, beats);
        for step in found.seen.chunks(STEP) {
            let step = step.to_vec();
            db.write(move |w| sql::mark_seen(w, &step)).await?;
        }
        for step in found.lost.chunks(STEP) {
            let lost = step.to_vec();
            db.write(move |w| write_lost(w, &lost)).await?;
            // Not before it is written: what failed is found again.
            for (who, _) in step {
                self.here.remove(who);
                self.returning.remove(who);
            }
        }
        Ok(())
    }

    /// Takes in who was seen, by the database, and is not known here: a socket that lived for less
    /// than a look while the process stood still, and a loss that could not be written down.
    fn adopt(&mut self, seen: impl Iterator<Item = (Who, i64)>) {
        for (who, last) in seen.filter(|(who, _)| !self.returning.contains_key(who)) {
            self.here.entry(who).or_insert((last, false));
        }
    }

    /// One look at the staff that is present: `(tenant, user, since when not any more)`. Now and
    /// then all who are here are seen, else only who came.
    fn look(&mut self, staff: &[(TenantId, UserId, Option<i64>)], ticks: i64, all: bool) -> Found {
        let mut found = Found::default();
        for &(tenant, user, left_at) in staff {
            let who = (tenant, user);
            self.returning.remove(&who);
            let is_here = left_at.is_none();
            let before = self.here.insert(who, (left_at.unwrap_or(ticks), is_here));
            // Who came and went between two looks has had a socket, too.
            let came = before.is_none_or(|(_, was_here)| is_here && !was_here);
            if came || (all && is_here) {
                found.seen.push(who);
            }
        }
        let gone = self.here.iter().filter(|(_, (last, _))| ticks - *last >= GRACE_MS);
        found.lost.extend(gone.map(|(who, _)| (*who, None)));
        if ticks >= self.return_until {
            found.lost.extend(self.returning.iter().map(|(who, at)| (*who, Some(*at))));
        }
        found
    }
}

fn write_lost(w: &mut Write<'_>, lost: &[(Who, Option<i64>)]) -> Result<()> {
    for ((tenant, user), at) in lost {
        change::lost(w, *tenant, *user, at.unwrap_or(w.now))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const TENANT: TenantId = TenantId(Uuid::from_u128(1));

    fn who(number: u128) -> Who {
        (TENANT, UserId(Uuid::from_u128(number)))
    }

    fn here(numbers: std::ops::Range<u128>) -> Vec<(TenantId, UserId, Option<i64>)> {
        numbers.map(|number| (TENANT, who(number).1, None)).collect()
    }

    #[test]
    fn who_is_gone_for_half_a_minute_is_lost_and_who_comes_back_before_is_not() {
        let mut watcher = Watcher::new(0, Vec::new());
        assert_eq!(watcher.look(&here(0..2), 1_000, false).seen, [who(0), who(1)], "they came");
        assert_eq!(watcher.look(&here(0..2), 2_000, false), Found::default(), "nothing new");
        let left = [(TENANT, who(0).1, Some(2_500)), (TENANT, who(1).1, Some(2_500))];
        assert_eq!(watcher.look(&left, 3_000, false), Found::default());
        // Presence forgets who is gone after ten seconds.
        assert_eq!(watcher.look(&[], 29_900, false), Found::default());
        assert_eq!(
            watcher.look(&here(0..1), 29_950, false),
            Found { seen: vec![who(0)], lost: vec![] }
        );
        assert_eq!(watcher.look(&here(0..1), 32_500, false).lost, [(who(1), None)]);
        assert_eq!(
            watcher.look(&here(0..1), 33_000, false).lost,
            [(who(1), None)],
            "until written"
        );
        watcher.here.remove(&who(1));
        assert_eq!(watcher.look(&here(0..1), 34_000, false), Found::default());
    }

    #[test]
    fn all_who_are_here_are_written_down_when_asked_for_and_else_only_who_came() {
        let mut watcher = Watcher::new(0, Vec::new());
        assert_eq!(watcher.look(&here(0..200), 0, false).seen.len(), 200);
        assert_eq!(watcher.look(&here(0..201), 500, false).seen, [who(200)]);
        assert_eq!(watcher.look(&here(0..201), 1_000, true).seen.len(), 201);
    }

    #[test]
    fn who_was_seen_by_the_database_alone_is_lost_when_their_time_is_over() {
        let mut watcher = Watcher::new(0, vec![(TENANT, who(3).1, 77)]);
        watcher.look(&here(0..1), 40_000, false);
        watcher.adopt((0..4).map(|number| (who(number), 15_000)));
        assert_eq!(watcher.look(&here(0..1), 44_999, false).lost, []);
        let mut lost = watcher.look(&here(0..1), 45_000, false).lost;
        lost.sort_unstable();
        assert_eq!(lost, [(who(1), None), (who(2), None)], "and not who may still come back");
    }

    #[test]
    fn two_hundred_who_come_back_after_a_start_are_not_lost_and_who_does_not_is() {
        let before = (0..201).map(|number| (TENANT, who(number).1, 77)).collect();
        let mut watcher = Watcher::new(5_000, before);
        for ticks in (5_000..64_500).step_by(500) {
            let back = u128::try_from((ticks - 5_000) / 100).unwrap().min(200);
            assert_eq!(watcher.look(&here(0..back), ticks, false).lost, [], "at {ticks}");
        }
        assert_eq!(watcher.look(&here(0..200), 65_000, false).lost, [(who(200), Some(77))]);
    }
}
