//! Settling: what attempts came to is stored, with what it means for their endpoints and what
//! people are told of it, all in one transaction.

pub(super) mod sql;
mod tell;

use super::{
    health::{Health, News, Seen},
    lane::Attempted,
    outcomes,
};
use crate::{db::Write, error::Result, event::Actor, webhooks::stats};
use std::collections::BTreeMap;

use tell::About;
pub(super) use tell::{What, tell};

/// How an endpoint fares after its attempts were settled.
#[derive(Debug, Clone, Copy)]
pub(in crate::webhooks) struct Fare {
    pub(super) endpoint: i64,
    pub(super) health: Health,
    /// It was switched off: the engine must read it anew.
    pub(super) is_switched_off: bool,
}

/// What a batch of attempts means for one endpoint.
#[derive(Default)]
struct Sum<'a> {
    good: u32,
    failed_for_good: u32,
    attempts: u32,
    good_ms: u64,
    last: Option<&'a Attempted>,
    last_good_at: Option<i64>,
    new_bodies: bool,
    /// Those that say something of its health, in order.
    charged: Vec<&'a Attempted>,
}

/// Stores attempts and where they leave their deliveries. A delivery that ended in the meantime
/// (its endpoint was deleted) keeps its end; the attempt is listed all the same.
pub(in crate::webhooks) fn settle(w: &mut Write<'_>, attempts: &[Attempted]) -> Result<Vec<Fare>> {
    sql::store(w, attempts)?;
    stats::store_times(w, attempts)?;
    let mut sums: BTreeMap<i64, Sum<'_>> = BTreeMap::new();
    for done in attempts {
        sums.entry(done.endpoint).or_default().add(done);
    }
    let mut fares = Vec::with_capacity(sums.len());
    for (endpoint, sum) in &sums {
        sql::count(w, *endpoint, sum)?;
        fares.extend(judge(w, *endpoint, sum)?);
    }
    Ok(fares)
}

impl<'a> Sum<'a> {
    fn add(&mut self, done: &'a Attempted) {
        self.attempts += 1;
        self.last = Some(done);
        if done.is_good() {
            self.good += 1;
            self.good_ms += done.outcome.response_time_ms;
            self.last_good_at = Some(done.at_ms);
            self.new_bodies |= !done.outcome.body.is_empty();
        } else {
            self.failed_for_good += u32::from(done.again_in.is_none());
        }
        if !done.by_hand && outcomes::is_charged(&done.outcome) {
            self.charged.push(done);
        }
    }
}

/// Tells that a person switched an endpoint off. To be called when that is stored.
pub(in crate::webhooks) fn tell_paused(
    w: &mut Write<'_>,
    endpoint: i64,
    actor: &Actor,
) -> Result<()> {
    let Some((mut about, _)) = sql::fare(w, endpoint)? else { return Ok(()) };
    about.paused_by(actor);
    tell(w, &about, What::Disabled)
}

/// What the attempts say of the endpoint: it fares better or worse, people are told, and one that
/// is gone or has failed for too long is switched off.
fn judge(w: &mut Write<'_>, endpoint: i64, sum: &Sum<'_>) -> Result<Option<Fare>> {
    let Some((mut about, mut health)) = sql::fare(w, endpoint)? else { return Ok(None) };
    let before = health;
    let mut is_switched_off = false;
    for done in &sum.charged {
        let seen = Seen {
            delivery: done.delivery,
            at_ms: done.at_ms,
            is_good: done.is_good(),
            is_gone: done.outcome.result == Ok(410),
            cool_ms: i64::try_from(done.rest.as_millis()).unwrap_or(i64::MAX),
        };
        let news = health.note(&seen, w.now);
        about.attempted(done, &health);
        let what = match news {
            Some(News::Gone | News::GivenUp) if !about.is_active => None,
            Some(news @ (News::Gone | News::GivenUp)) => {
                let reason = if news == News::Gone { "gone" } else { "failing" };
                sql::switch_off(w, endpoint, reason)?;
                about.switched_off(reason);
                is_switched_off = true;
                Some(What::Disabled)
            }
            Some(News::Failing) => Some(What::Failing),
            Some(News::Recovered) => Some(What::Recovered),
            Some(News::Warning(percent)) => Some(What::Warning(percent)),
            None => None,
        };
        if let Some(what) = what {
            tell(w, &about, what)?;
        }
        if !done.is_good() && done.again_in.is_none() && !done.is_of_webhooks {
            tell(w, &about, What::Exhausted { delivery: done.delivery, attempts: done.number })?;
        }
    }
    if health != before {
        sql::store_health(w, endpoint, &health)?;
    }
    Ok(Some(Fare { endpoint, health, is_switched_off }))
}
