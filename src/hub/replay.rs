//! What a client missed, pulled from the log as its socket takes it, then joined to the live stream
//! without a gap and without a double.

use super::{Hub, session::Session};
use crate::{
    db::{Bounds, Db, Refused, events_after, events_audible_after, events_forgotten, log_bounds},
    error::{Error, Result},
    event::{Envelope, Room},
};
use bytes::Bytes;
use serde::Serialize;
use std::time::Duration;

/// Rows of the log read at once.
const PAGE: usize = 200;

/// A replay that is through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Resumed {
    /// Events sent.
    pub replayed: u64,
    /// Everything up to this `seq` was looked at.
    pub seq: i64,
}

/// What a client says it missed.
#[derive(Debug, Clone, Copy)]
pub struct Missed<'a> {
    /// Everything after this `seq`; 0 means from the oldest event kept.
    pub since: i64,
    /// The history that `since` belongs to.
    pub epoch: Option<&'a str>,
    /// More than this it does not want to take.
    pub max: Option<u64>,
}

/// What a replay came to; the door puts it into words.
#[derive(Debug, Clone, Copy)]
pub enum Replayed {
    /// All of it was sent.
    Whole(Resumed),
    /// None of it, or not all: the client must fetch the state anew; live events go on after
    /// `log.latest`.
    None(Refused, Bounds),
}

/// Sends `session`, held since it came, all it missed after `since`, and makes it live. `say` puts
/// the outcome into a message, which stands between the replay and the first live event.
///
/// # Errors
/// When the database refuses.
pub async fn replay(
    hub: &Hub,
    db: &Db,
    session: &Session,
    missed: Missed<'_>,
    say: impl Fn(Replayed) -> Bytes,
) -> Result<()> {
    let log = hub.in_turn(db.read(log_bounds)).await?;
    let Missed { since, epoch, max } = missed;
    let mut may = db.may_resume(log, since, epoch);
    if let (Ok(()), Some(max)) = (&may, max)
        && is_more_than(hub, db, session, since, max).await?
    {
        may = Err(Refused::TooMany);
    }
    if let Err(why) = may {
        go_live(db, session, |latest| say(Replayed::None(why, Bounds { latest, ..log }))).await;
        return Ok(());
    }
    let reaches = |event: &Envelope, topics: &[Box<str>]| session.who.is_reached_by(event, topics);
    if let Sent::Overtaken = send_all((hub, db), session, since, reaches, &say).await? {
        let log = hub.in_turn(db.read(log_bounds)).await?;
        let why = Refused::TooOld;
        go_live(db, session, |latest| say(Replayed::None(why, Bounds { latest, ..log }))).await;
    }
    Ok(())
}

/// Sends a session that has just joined a topic what was said there after `missed.since`.
///
/// Everything else that happens meanwhile comes in its place. `say` puts into words what came of
/// it. `Ok(false)` when another replay is under way.
///
/// # Errors
/// When the database refuses.
pub async fn replay_topic(
    hub: &Hub,
    db: &Db,
    session: &Session,
    (topic, missed): (&str, Missed<'_>),
    say: impl Fn(Replayed) -> Bytes,
) -> Result<bool> {
    let log = hub.in_turn(db.read(log_bounds)).await?;
    if let Err(why) = db.may_resume(log, missed.since, missed.epoch) {
        session.send(say(Replayed::None(why, log)));
        return Ok(true);
    }
    // Before that nothing is settled, and the whole log would count as news.
    while !session.is_met() && session.closed().is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Everything up to here that the session was to hear has been put in line for it already.
    let Some(settled) = session.hold_here() else { return Ok(false) };
    let is_missing = |event: &Envelope, topics: &[Box<str>]| {
        let is_there = matches!(&event.room, Room::Topic(room) if **room == *topic);
        let is_new = event.seq > settled || (is_there && event.seq > missed.since);
        is_new && session.who.is_reached_by(event, topics)
    };
    let from = missed.since.min(settled);
    if let Sent::Overtaken = send_all((hub, db), session, from, is_missing, &say).await? {
        // What is missing is the room's; what came since it was joined is there.
        let log = hub.in_turn(db.read(log_bounds)).await?;
        session.send(say(Replayed::None(Refused::TooOld, log)));
        let is_new = |event: &Envelope, topics: &[Box<str>]| {
            event.seq > settled && session.who.is_reached_by(event, topics)
        };
        send_all((hub, db), session, settled, is_new, &|_| Bytes::new()).await?;
    }
    Ok(true)
}

/// How the sending ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// The session is live, or gone.
    All,
    /// The log was forgotten faster than the client read it: there is a gap, and the session is
    /// held still.
    Overtaken,
}

/// Sends a held session what `is_wanted` picks of the log after `from`, until it meets the held
/// part.
async fn send_all(
    (hub, db): (&Hub, &Db),
    session: &Session,
    from: i64,
    is_wanted: impl Fn(&Envelope, &[Box<str>]) -> bool,
    say: &impl Fn(Replayed) -> Bytes,
) -> Result<Sent> {
    let mut done = Resumed { replayed: 0, seq: from };
    while session.closed().is_none() {
        let (who, from) = (session.who, done.seq);
        let read = db.read(move |r| {
            let page = events_audible_after(r, &who, from, PAGE)?;
            // Looked at second: what is forgotten while the page is read is not missed.
            Ok((page, events_forgotten(r)?))
        });
        let (mut page, forgotten) = hub.in_turn(read).await?;
        if from > 0 && forgotten > from {
            return Ok(Sent::Overtaken);
        }
        // Asked for after the page was read: who joined before an event was said hears it.
        let topics = session.topics();
        page.envelopes.retain(|event| is_wanted(event, &topics));
        let sent = session.send_events(&page.envelopes);
        done.replayed += sent as u64;
        if sent < page.envelopes.len() {
            // What did not fit is read again when there is room: nothing is kept for who is slow.
            done.seq = page.envelopes.iter().take(sent).last().map_or(done.seq, |last| last.seq);
            drop(page);
            session.drained().await;
            continue;
        }
        let at_the_end = page.covered == done.seq;
        done.seq = page.covered;
        drop(page);
        session.drained().await;
        if session.release(done.seq, || say(Replayed::Whole(done))) {
            break;
        }
        if at_the_end {
            // The ringer has not met this session yet, or is a moment ahead of the commit we saw.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    Ok(Sent::All)
}

/// Whether more than `max` events would be replayed.
async fn is_more_than(hub: &Hub, db: &Db, session: &Session, since: i64, max: u64) -> Result<bool> {
    let (mut found, mut from, who) = (0, since, session.who);
    loop {
        let topics = session.topics();
        let page = db.read(move |r| events_after(r, &who, &topics, from, PAGE));
        let page = hub.in_turn(page).await?;
        found += page.envelopes.len() as u64;
        if found > max || page.covered == from || session.closed().is_some() {
            return Ok(found > max);
        }
        from = page.covered;
    }
}

/// Lets a held session go on from a `seq` that it is told by the message `say` makes, with nothing
/// between that and the first live event left out.
pub async fn go_live(db: &Db, session: &Session, say: impl Fn(i64) -> Bytes) {
    while session.closed().is_none() {
        if let Some(from) = session.held_from() {
            let latest = db.latest_seq().max(from);
            if session.release(latest, || say(latest)) {
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

impl Hub {
    /// Does one step of a replay when it is its turn. A client may take its time to read, and there
    /// may be many such: none of them has a turn while it does, or they would keep all others from
    /// theirs.
    async fn in_turn<T>(&self, step: impl Future<Output = Result<T>>) -> Result<T> {
        let _turn = self.inner.replays.acquire().await.map_err(Error::internal)?;
        step.await
    }
}
