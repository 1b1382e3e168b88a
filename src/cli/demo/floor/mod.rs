//! The floor of the demonstration: callers, the agents who answer them, and their breaks.
//!
//! A telephone system that is played here says what happens, as a real one does
//! ([`calls::hear`](crate::calls::hear)); the rest agents do themselves. Time is that of the
//! transaction: the same floor plays a week in one go, and then goes on live.

mod names;
mod past;
mod talk;

pub(super) use past::week;

use super::{cast::Cast, dice::Dice};
use crate::{
    agents::{self, Choice, Chooser, State},
    db::{Db, Write},
    error::{Error, Result},
    http::Caller,
    id::UserId,
};
use std::{collections::HashSet, sync::Arc};
use talk::Talk;

/// How often it is looked whether something is due, milliseconds.
const LOOK_EVERY_MS: i64 = 200;

/// A caller comes every so many milliseconds, on average, when the demonstration runs at speed 1.
const CALLS_EVERY_MS: i64 = 8_000;

/// Callers at a time; while there are so many, nobody else calls.
const TALKS_MAX: usize = 24;

/// Calls that begin while it runs, five days of them at speed 1: calls are kept for good, so
/// nobody calls after that, and the desk goes on alone.
const CALLS_MAX: usize = 50_000;

/// Agents at rest at a time.
const BREAKS_MAX: usize = 3;

/// What agents rest for.
const BREAKS: [(State, &str); 6] = [
    (State::Away, "lunch"),
    (State::Away, "coffee"),
    (State::Away, "school run"),
    (State::Busy, "writing an answer"),
    (State::Busy, "training"),
    (State::Busy, "meeting"),
];

/// How fast it all goes.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Between two callers, on average, milliseconds.
    every_ms: i64,
    /// Everything takes the so many-th part of the time.
    speed: i64,
}

/// Everybody at the telephone, and what is due when. A clone goes on in the same way.
#[derive(Debug, Clone)]
pub(super) struct Floor {
    dice: Dice,
    pace: Pace,
    talks: Vec<Talk>,
    /// Who is at rest, and until when.
    breaks: Vec<(UserId, i64)>,
    next_call_at: i64,
    next_break_at: i64,
    begun: usize,
}

/// One transaction of the floor.
struct Now<'a, 'w> {
    w: &'a mut Write<'w>,
    cast: &'a Cast,
    dice: &'a mut Dice,
    speed: i64,
}

impl Now<'_, '_> {
    /// A moment that is so many milliseconds away, at this speed.
    fn after_ms(&mut self, from: i64, to: i64) -> i64 {
        self.w.now + (self.dice.between_ms(from, to) / self.speed).max(1)
    }
}

impl Floor {
    fn new(dice: Dice, pace: Pace) -> Self {
        Self {
            dice,
            pace,
            talks: Vec::new(),
            breaks: Vec::new(),
            next_call_at: 0,
            next_break_at: 0,
            begun: 0,
        }
    }

    /// When something is due next.
    fn next_at(&self) -> i64 {
        let talks = self.talks.iter().map(|talk| talk.due_at);
        let breaks = self.breaks.iter().map(|(_, until)| *until);
        let own = [self.next_call_at, self.next_break_at];
        talks.chain(breaks).chain(own).min().unwrap_or(i64::MAX)
    }

    /// Whether there is something to do at `now`. Who waits may be answered at any time: agents are
    /// not only moved from here.
    fn is_due(&self, now: i64) -> bool {
        self.next_at() <= now || self.talks.iter().any(Talk::waits)
    }

    /// Does what is due.
    ///
    /// # Errors
    /// When the database refuses.
    fn go_on(&mut self, w: &mut Write<'_>, cast: &Cast) -> Result<()> {
        let Self { dice, pace, talks, .. } = self;
        let at = w.now;
        let mut now = Now { w, cast, dice, speed: pace.speed };
        let mut alone = Vec::new();
        for talk in talks.iter_mut().filter(|talk| talk.due_at <= at) {
            alone.extend(talk.go_on(&mut now)?);
        }
        talks.retain(|talk| !talk.is_over());
        talks.append(&mut alone);
        if self.next_call_at <= w.now {
            self.call(w, cast)?;
        }
        if self.next_break_at <= w.now || self.breaks.iter().any(|(_, until)| *until <= w.now) {
            self.rest(w, cast)?;
        }
        self.answer(w, cast)
    }

    fn wait_for_next_call(&mut self, now: i64) {
        let every = self.pace.every_ms;
        let wait = self.dice.between_ms(every / 4, every * 7 / 4) / self.pace.speed;
        self.next_call_at = now + wait.max(1);
    }

    /// Somebody calls, or is called.
    fn call(&mut self, w: &mut Write<'_>, cast: &Cast) -> Result<()> {
        self.wait_for_next_call(w.now);
        if self.talks.len() >= TALKS_MAX || self.begun >= CALLS_MAX {
            return Ok(());
        }
        self.begun += 1;
        let free = self.free(w, cast)?;
        let mut now = Now { w, cast, dice: &mut self.dice, speed: self.pace.speed };
        self.talks.extend(Talk::begin(&mut now, self.begun, &free)?);
        Ok(())
    }

    /// Who waits is offered to who is free, the first first.
    fn answer(&mut self, w: &mut Write<'_>, cast: &Cast) -> Result<()> {
        if !self.talks.iter().any(Talk::waits) {
            return Ok(());
        }
        let mut free = self.free(w, cast)?;
        let mut now = Now { w, cast, dice: &mut self.dice, speed: self.pace.speed };
        for talk in self.talks.iter_mut().filter(|talk| talk.waits()) {
            if free.is_empty() {
                break;
            }
            let agent = free.swap_remove(now.dice.roll(free.len()));
            talk.ring(&mut now, agent)?;
        }
        Ok(())
    }

    /// Who can take a call: whoever is available, and at whose telephone nothing rings.
    fn free(&self, w: &Write<'_>, cast: &Cast) -> Result<Vec<UserId>> {
        let taken: HashSet<UserId> = self.talks.iter().filter_map(Talk::agent).collect();
        let floor: HashSet<UserId> = cast.floor.iter().map(|agent| agent.user).collect();
        let all = agents::board(w, cast.tenant)?.into_iter();
        let free = all.filter(|agent| agent.state == State::Available).map(|agent| agent.user_id);
        Ok(free.filter(|user| floor.contains(user) && !taken.contains(user)).collect())
    }

    /// Who has rested long enough comes back, and perhaps somebody else rests.
    fn rest(&mut self, w: &mut Write<'_>, cast: &Cast) -> Result<()> {
        let (back, away): (Vec<_>, Vec<_>) =
            self.breaks.drain(..).partition(|(_, until)| *until <= w.now);
        self.breaks = away;
        for (user, _) in back {
            if let Some(agent) = cast.at_telephone(user) {
                choose(w, agent, State::Available, "")?;
            }
        }
        if self.next_break_at > w.now {
            return Ok(());
        }
        let Pace { every_ms, speed } = self.pace;
        self.next_break_at = w.now + (self.dice.between_ms(every_ms * 2, every_ms * 5) / speed);
        let resting = |user: UserId| self.breaks.iter().any(|(known, _)| *known == user);
        let Some(agent) = self.dice.one_of(&cast.floor) else { return Ok(()) };
        if self.breaks.len() >= BREAKS_MAX || resting(agent.user) {
            return Ok(());
        }
        let Some((state, reason)) = self.dice.one_of(&BREAKS) else { return Ok(()) };
        let length = self.dice.between_ms(every_ms * 8, every_ms * 20) / speed;
        self.breaks.push((agent.user, w.now + length));
        choose(w, agent, *state, reason)
    }

    /// Everybody begins to work, or goes home.
    fn all(&mut self, w: &mut Write<'_>, cast: &Cast, state: State) -> Result<()> {
        self.breaks.clear();
        cast.floor.iter().try_for_each(|agent| choose(w, agent, state, ""))
    }

    /// The calls that go on are given up: somebody else has closed an account, for instance.
    fn give_up(&mut self) {
        self.talks.clear();
        self.breaks.clear();
    }
}

fn choose(w: &mut Write<'_>, agent: &Caller, state: State, reason: &str) -> Result<()> {
    let choice = Choice::new(state.name(), Some(reason.to_owned()))?;
    let chooser = Chooser { by: agent.actor(), source: "agent", is_online: false };
    agents::choose(w, agent.tenant, agent.user, &choice, &chooser).map(|_| ())
}

/// Callers call and agents answer until the server stops.
pub(super) async fn live(db: Db, cast: Arc<Cast>, mut floor: Floor) {
    loop {
        db.clock().sleep_ms(LOOK_EVERY_MS).await;
        if !floor.is_due(db.clock().now_ms()) {
            continue;
        }
        let (before, cast) = (floor.clone(), cast.clone());
        let job = db.write(move |w| {
            let mut after = before.clone();
            after.go_on(w, &cast)?;
            Ok(after)
        });
        match job.await {
            Ok(after) => floor = after,
            Err(Error::Busy(_) | Error::Full) => {}
            Err(e) => {
                tracing::debug!(error = %e, "calls of the demo were given up");
                floor.give_up();
            }
        }
    }
}
