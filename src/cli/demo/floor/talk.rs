//! One call of the demonstration from the first ring until it is written up.

use super::{
    Now,
    names::{NOTES, OUR_NUMBER, QUEUES, STRANGERS},
};
use crate::{
    calls::{self, Heard, Signal, Target, steps},
    cli::demo::cast,
    error::{Error, Result},
    id::{EntityId, UserId},
    tickets::Hand,
};
use serde_json::json;

/// Who speaks of these calls.
const SOURCE: &str = "demo";

/// Of a hundred calls so many go out, and so many come to nobody's queue.
const OUTGOING: usize = 14;
const DIRECT: usize = 8;

/// Of a hundred so many customers; the others are strangers.
const CUSTOMERS: usize = 60;

/// Of a hundred offers so many are missed (more where nobody stands behind it), and at so many the
/// caller hangs up; of a hundred outgoing calls so many are not answered.
const MISSED: usize = 9;
const DIRECT_MISSED: usize = 35;
const GIVEN_UP: usize = 6;
const NOT_ANSWERED: usize = 25;

/// Of a hundred talks so many are put on hold, and so many are passed on.
const HELD: usize = 22;
const PASSED_ON: usize = 12;

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Ringing,
    Talking,
    Held,
    WritingUp,
    Over,
}

/// A call, or what an agent still writes about one.
#[derive(Debug, Clone)]
pub(super) struct Talk {
    number: String,
    id: EntityId,
    stage: Stage,
    /// When it goes on, milliseconds since the Unix epoch.
    pub(super) due_at: i64,
    /// Until when the caller waits.
    patience_until: i64,
    agent: Option<UserId>,
    offers: usize,
    has_queue: bool,
    was_held: bool,
    was_passed_on: bool,
}

impl Talk {
    /// Whether somebody waits in a queue.
    pub(super) fn waits(&self) -> bool {
        self.stage == Stage::Waiting
    }

    /// Whether nothing more is to happen.
    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Who has it, or is to have it.
    pub(super) fn agent(&self) -> Option<UserId> {
        self.agent
    }

    /// The call of that number begins; none where it needs somebody and nobody of `free` is there.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) fn begin(
        now: &mut Now<'_, '_>,
        number: usize,
        free: &[UserId],
    ) -> Result<Option<Self>> {
        let chance = now.dice.roll(100);
        let agent = now.dice.one_of(free).copied();
        let mut talk = Self {
            // Its number may have been given out before: in the past, or before it was given up.
            number: format!("{number}-{}", now.w.now),
            id: EntityId::new(now.w.now),
            stage: Stage::Waiting,
            due_at: now.after_ms(25_000, 90_000),
            patience_until: 0,
            agent: None,
            offers: 0,
            has_queue: chance >= OUTGOING + DIRECT,
            was_held: false,
            was_passed_on: false,
        };
        talk.patience_until = talk.due_at;
        let (from_number, name) = other_side(now);
        if chance < OUTGOING {
            let Some(agent) = agent else { return Ok(None) };
            let heard = Heard::Outgoing {
                from_number: Some(OUR_NUMBER.into()),
                to_number: Some(from_number),
                agent: Some(agent),
            };
            talk.say(now, heard)?;
            (talk.stage, talk.agent) = (Stage::Ringing, Some(agent));
            talk.due_at = now.after_ms(5_000, 18_000);
            return Ok(Some(talk));
        }
        let queue = now.dice.one_of(&QUEUES).filter(|_| talk.has_queue);
        let heard = Heard::Incoming {
            from_number: Some(from_number),
            from_name: Some(name),
            to_number: Some(OUR_NUMBER.into()),
            queue: queue.map(|queue| (*queue).to_owned()),
        };
        talk.say(now, heard)?;
        Ok(Some(talk))
    }

    /// It rings at an agent's telephone.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) fn ring(&mut self, now: &mut Now<'_, '_>, agent: UserId) -> Result<()> {
        self.offers += 1;
        let offer = format!("{}-{}", self.number, self.offers);
        self.say(now, Heard::Ringing { offer, agent: Some(agent) })?;
        (self.stage, self.agent) = (Stage::Ringing, Some(agent));
        self.due_at = now.after_ms(2_000, 9_000);
        Ok(())
    }

    /// What is due happens. Whoever passed the call on goes their own way from here: answered is
    /// what they still write about it.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) fn go_on(&mut self, now: &mut Now<'_, '_>) -> Result<Option<Self>> {
        match self.stage {
            Stage::Waiting => {
                self.say(now, Heard::Abandoned)?;
                self.stage = Stage::Over;
            }
            Stage::Ringing if self.offers == 0 => self.other_side_answers(now)?,
            Stage::Ringing => self.agent_answers(now)?,
            Stage::Talking => return self.talk(now),
            Stage::Held => {
                self.say(now, Heard::Resumed)?;
                (self.stage, self.due_at) = (Stage::Talking, now.after_ms(8_000, 40_000));
            }
            Stage::WritingUp => self.write_up(now)?,
            Stage::Over => {}
        }
        Ok(None)
    }

    fn agent_answers(&mut self, now: &mut Now<'_, '_>) -> Result<()> {
        let offer = format!("{}-{}", self.number, self.offers);
        let chance = now.dice.roll(100);
        let missed = if self.has_queue { MISSED } else { DIRECT_MISSED };
        if (missed..missed + GIVEN_UP).contains(&chance) {
            self.stage = Stage::Over;
            return self.say(now, Heard::Abandoned);
        }
        if chance >= missed {
            self.say(now, Heard::Answered { offer: Some(offer), agent: self.agent })?;
            (self.stage, self.due_at) = (Stage::Talking, now.after_ms(15_000, 80_000));
            return Ok(());
        }
        let missed = Heard::OfferMissed { offer, ring_ms: None, agent: self.agent };
        self.say(now, missed)?;
        self.agent = None;
        if self.has_queue {
            (self.stage, self.due_at) = (Stage::Waiting, self.patience_until);
            return Ok(());
        }
        self.stage = Stage::Over;
        self.say(now, Heard::Ended { result: None })
    }

    fn other_side_answers(&mut self, now: &mut Now<'_, '_>) -> Result<()> {
        if now.dice.roll(100) < NOT_ANSWERED {
            self.stage = Stage::Over;
            return self.say(now, Heard::Ended { result: None });
        }
        (self.stage, self.due_at) = (Stage::Talking, now.after_ms(15_000, 80_000));
        self.say(now, Heard::Answered { offer: None, agent: self.agent })
    }

    fn talk(&mut self, now: &mut Now<'_, '_>) -> Result<Option<Self>> {
        let chance = now.dice.roll(100);
        if chance < HELD && !self.was_held {
            (self.stage, self.was_held) = (Stage::Held, true);
            self.due_at = now.after_ms(6_000, 30_000);
            return self.say(now, Heard::Held).map(|()| None);
        }
        let mut alone = None;
        if (HELD..HELD + PASSED_ON).contains(&chance) && !self.was_passed_on && self.has_queue {
            // To a queue, where the next one who is free takes it.
            let queue = now.dice.one_of(&QUEUES).map_or_else(String::new, |q| (*q).to_owned());
            let to = Target::Queue(queue);
            self.say(now, Heard::Transferred { to, agent: self.agent })?;
            let mut writes = self.clone();
            (writes.stage, writes.due_at) = (Stage::WritingUp, now.after_ms(4_000, 22_000));
            alone = Some(writes);
            (self.stage, self.agent, self.was_passed_on) = (Stage::Waiting, None, true);
            self.due_at = now.after_ms(25_000, 90_000);
            self.patience_until = self.due_at;
            return Ok(alone);
        }
        self.say(now, Heard::Ended { result: None })?;
        (self.stage, self.due_at) = (Stage::WritingUp, now.after_ms(4_000, 22_000));
        Ok(alone)
    }

    /// The agent notes what it was about, unless the time for that is over.
    fn write_up(&mut self, now: &mut Now<'_, '_>) -> Result<()> {
        self.stage = Stage::Over;
        let agent = self.agent.and_then(|user| now.cast.at_telephone(user));
        let (Some(agent), Some((about, note))) = (agent, now.dice.one_of(&NOTES)) else {
            return Ok(());
        };
        let wrap: steps::WrapUp =
            serde_json::from_value(json!({ "disposition": about, "note": note }))
                .map_err(Error::internal)?;
        match steps::wrap_up(now.w, &Hand::of(agent), (self.id, None), &wrap.checked()?) {
            // They have it again, or somebody has taken their role away.
            Ok(_) | Err(Error::Conflict { .. } | Error::Forbidden(_)) => Ok(()),
            Err(e) => Err(e),
        }
    }

    fn say(&mut self, now: &mut Now<'_, '_>, what: Heard) -> Result<()> {
        let signal =
            Signal { source: SOURCE.into(), external_id: self.number.clone(), at: now.w.now, what };
        self.id = calls::hear(now.w, now.cast.tenant, &signal)?.call;
        Ok(())
    }
}

/// Number and name of somebody: a customer with an account, or a stranger.
fn other_side(now: &mut Now<'_, '_>) -> (String, String) {
    if now.dice.roll(100) < CUSTOMERS {
        let at = now.dice.roll(now.cast.customers.len());
        if let Some(customer) = now.cast.customers.get(at) {
            return (cast::phone(at), customer.name.clone());
        }
    }
    let at = now.dice.roll(STRANGERS.len());
    let name = STRANGERS.get(at).copied().unwrap_or_default();
    (format!("+44 1632 960{:03}", 100 + at * 7), name.to_owned())
}
