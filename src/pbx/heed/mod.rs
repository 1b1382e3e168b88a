//! From what a PBX said to what calls and agents are: extensions become people, within the
//! transaction that stores what follows.

#[cfg(test)]
mod tests;

use super::{
    Pbx,
    mapping::{DIALLED, Member, Told, What},
    sql,
};
use crate::{
    agents,
    calls::{self, Heard, Signal, Target},
    db::{Db, Write},
    error::{Error, Result},
    id::UserId,
};
use std::{collections::BTreeSet, time::Duration};

/// How long to wait before what the database could not take is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(250);

/// Stores what was told, in one transaction where that works. While the database cannot take it,
/// it is tried again, and nothing more is read from the PBX; one thing that is refused for good
/// does not keep the others back.
pub(super) async fn store(db: &Db, pbx: &Pbx, told: Vec<Told>) {
    if told.is_empty() || tried(db, pbx, told.clone()).await {
        return;
    }
    for one in told {
        tried(db, pbx, vec![one]).await;
    }
}

/// False when it was refused for good, and then nothing of it was stored.
async fn tried(db: &Db, pbx: &Pbx, told: Vec<Told>) -> bool {
    loop {
        let (pbx, told) = (pbx.clone(), told.clone());
        let job = db.write(move |w| told.iter().try_for_each(|told| heed(w, &pbx, told)));
        match job.await {
            Ok(()) => return true,
            Err(Error::Busy(_) | Error::Full) => tokio::time::sleep(AGAIN_AFTER).await,
            Err(e) => {
                tracing::error!(error = %e, "what a telephone system said could not be stored");
                return false;
            }
        }
    }
}

/// Ends the calls of a PBX that are not there any more.
///
/// # Errors
/// When the database refuses.
pub(super) async fn compare(db: &Db, pbx: &Pbx, alive: BTreeSet<String>, at: i64) -> Result<usize> {
    let alive: Vec<String> = alive.into_iter().collect();
    let (tenant, source) = (pbx.tenant_id, pbx.source());
    db.write(move |w| calls::snapshot(w, tenant, &source, &alive, at)).await
}

fn heed(w: &mut Write<'_>, pbx: &Pbx, told: &Told) -> Result<()> {
    match told {
        Told::Member(member) => pause(w, pbx, member),
        Told::Call { call, at, what } => {
            if matches!(what, What::Ended { .. }) && call.starts_with(DIALLED) {
                sql::dialled(w, pbx.tenant_id, call)?;
            }
            let tenant = pbx.tenant_id;
            let what = heard(what, |number| agents::by_extension(w, tenant, number))?;
            let signal = Signal { source: pbx.source(), external_id: call.clone(), at: *at, what };
            calls::hear(w, pbx.tenant_id, &signal).map(|_| ())
        }
    }
}

/// A pause moves only who is available, and its end undoes only that: the agents know.
fn pause(w: &mut Write<'_>, pbx: &Pbx, member: &Member) -> Result<()> {
    let tenant = pbx.tenant_id;
    let Some(user) = agents::by_extension(w, tenant, &member.extension)? else { return Ok(()) };
    if member.is_paused {
        agents::paused(w, tenant, user, member.reason.as_deref(), &pbx.source())
    } else {
        agents::unpaused(w, tenant, user, &pbx.source())
    }
}

/// The same in the words of calls; `by_extension` knows whose an extension is.
fn heard(what: &What, by_extension: impl Fn(&str) -> Result<Option<UserId>>) -> Result<Heard> {
    let who = |number: &Option<String>| number.as_deref().map_or(Ok(None), &by_extension);
    Ok(match what {
        What::Incoming { from_number, from_name, to_number, queue } => Heard::Incoming {
            from_number: from_number.clone(),
            from_name: from_name.clone(),
            to_number: to_number.clone(),
            queue: queue.clone(),
        },
        What::Ringing { offer, extension } => {
            Heard::Ringing { offer: offer.clone(), agent: who(extension)? }
        }
        What::OfferMissed { offer, extension, ring_ms } => {
            let agent = who(extension)?;
            Heard::OfferMissed { offer: offer.clone(), ring_ms: *ring_ms, agent }
        }
        What::Answered { offer, extension } => {
            Heard::Answered { offer: Some(offer.clone()), agent: who(extension)? }
        }
        What::Held => Heard::Held,
        What::Resumed => Heard::Resumed,
        What::Transferred { to_number, extension, is_announced } => {
            // Whoever was asked before has it now; whose telephone only rings does not yet.
            let to = if *is_announced { who(to_number)? } else { None };
            let number = || Target::Number(to_number.clone().unwrap_or_default());
            let to = to.map_or_else(number, Target::Agent);
            Heard::Transferred { to, agent: who(extension)? }
        }
        What::PartEnded { extension } => Heard::PartEnded { agent: who(extension)? },
        What::Abandoned => Heard::Abandoned,
        What::Ended { failed } => Heard::Ended { result: failed.then(|| String::from("failed")) },
    })
}
