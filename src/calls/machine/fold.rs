//! From everything that was said about a call to its course.

use super::{Course, Direction, Heard, Move, Offer, Part, Status, Step, Target};
use crate::id::UserId;

/// The course of a call about which all of `steps` was said, in whatever order it was heard; one
/// without any is an unknown call that waits since the epoch.
pub fn course(steps: &[Step]) -> Course {
    let mut sorted: Vec<&Step> = steps.iter().collect();
    sorted.sort_by(|a, b| (a.at, a.heard.rank(), &a.heard).cmp(&(b.at, b.heard.rank(), &b.heard)));
    sorted.dedup();
    let frame = Frame::of(&sorted);
    let mut tale = Tale::new(&frame);
    let begins = |step: &Step| frame.start.is_some_and(|start| std::ptr::eq(start, step));
    for step in sorted.iter().filter(|step| !begins(step)) {
        if frame.ended_at.is_none_or(|end| step.at <= end) {
            tale.goes_on(step);
        }
    }
    tale.ends(&frame);
    assemble(&frame, tale, &sorted)
}

/// What holds whatever the order of the steps.
struct Frame<'a> {
    start: Option<&'a Step>,
    started_at: i64,
    answered_at: Option<i64>,
    ended_at: Option<i64>,
    end: Option<&'a Heard>,
}

impl<'a> Frame<'a> {
    fn of(sorted: &[&'a Step]) -> Self {
        let start = sorted.iter().copied().find(|step| step.heard.introduces());
        let started_at = start.or(sorted.first().copied()).map_or(0, |step| step.at);
        let answers = |heard: &Heard| match heard {
            Heard::Answered { .. } => true,
            // Whoever passes it on had it.
            Heard::Transferred { agent, .. } => agent.is_some(),
            _ => false,
        };
        let answered = sorted.iter().find(|step| answers(&step.heard));
        // Clocks are set back; nothing ends before it begins.
        let answered_at = answered.map(|step| step.at.max(started_at));
        let ended = sorted.iter().copied().find(|step| step.heard.ends());
        let ended_at = ended.map(|step| step.at.max(answered_at.unwrap_or(started_at)));
        Self { start, started_at, answered_at, ended_at, end: ended.map(|step| &step.heard) }
    }

    fn direction(&self) -> Direction {
        match self.start.map(|step| &step.heard) {
            Some(Heard::Outgoing { .. }) => Direction::Outbound,
            _ => Direction::Inbound,
        }
    }
}

/// The part of a course that is told step by step.
struct Tale {
    started_at: i64,
    /// Who of us calls: the answer of the other side begins their part.
    caller: Option<UserId>,
    answered_at: Option<i64>,
    queue: Option<String>,
    was_queued: bool,
    /// Whether it waits in a queue again as soon as nobody has it.
    requeued: bool,
    waiting_since: Option<i64>,
    held_since: Option<i64>,
    held_ms: Option<i64>,
    parts: Vec<Part>,
    moves: Vec<Move>,
}

impl Tale {
    fn new(frame: &Frame<'_>) -> Self {
        let (queue, caller) = match frame.start.map(|step| &step.heard) {
            Some(Heard::Incoming { queue, .. }) => (queue.clone(), None),
            Some(Heard::Outgoing { agent, .. }) => (None, *agent),
            _ => (None, None),
        };
        let waits = frame.direction() == Direction::Inbound;
        Self {
            started_at: frame.started_at,
            caller,
            answered_at: frame.answered_at,
            was_queued: queue.is_some(),
            queue,
            requeued: false,
            waiting_since: waits.then_some(frame.started_at),
            held_since: None,
            held_ms: None,
            parts: Vec::new(),
            moves: Vec::new(),
        }
    }

    fn goes_on(&mut self, step: &Step) {
        let at = step.at.max(self.started_at);
        match &step.heard {
            Heard::Incoming { queue: Some(queue), .. } => self.queues(at, queue),
            Heard::Answered { agent, .. } => {
                (self.waiting_since, self.requeued) = (None, false);
                if let Some(agent) = agent.or(self.caller) {
                    self.takes(at, agent, false);
                }
            }
            Heard::Held if self.answered_at.is_some_and(|since| since <= at) => {
                self.held_since.get_or_insert(at);
            }
            Heard::Resumed => self.resumes(at),
            Heard::Transferred { to, agent } => self.moves_on(at, to, *agent),
            Heard::PartEnded { agent: Some(agent) } => self.leaves(at, *agent),
            _ => {}
        }
    }

    fn queues(&mut self, at: i64, queue: &str) {
        let again = self.answered_at.is_some_and(|since| since <= at);
        (self.queue, self.was_queued) = (Some(queue.to_owned()), true);
        self.requeued = again;
        if again && self.is_free() {
            self.waiting_since.get_or_insert(at);
        }
    }

    fn is_free(&self) -> bool {
        self.parts.iter().all(|part| part.ended_at.is_some())
    }

    fn takes(&mut self, at: i64, agent: UserId, by_transfer: bool) {
        let theirs = || self.parts.iter().filter(|part| part.agent_id == agent);
        if theirs().any(|part| part.ended_at.is_none()) {
            return;
        }
        let number = theirs().map(|part| part.number).max().unwrap_or(0) + 1;
        self.parts.push(Part {
            agent_id: agent,
            number,
            started_at: at,
            ended_at: None,
            by_transfer,
        });
    }

    fn leaves(&mut self, at: i64, agent: UserId) {
        let mut theirs = self.parts.iter_mut().filter(|part| part.agent_id == agent);
        let Some(part) = theirs.find(|part| part.ended_at.is_none()) else { return };
        part.ended_at = Some(at.max(part.started_at));
        if self.is_free() {
            self.resumes(at);
            self.waiting_since = self.requeued.then_some(at);
        }
    }

    fn resumes(&mut self, at: i64) {
        if let Some(since) = self.held_since.take() {
            self.held_ms = Some(self.held_ms.unwrap_or(0) + (at - since).max(0));
        }
    }

    fn moves_on(&mut self, at: i64, to: &Target, agent: Option<UserId>) {
        let last = self.parts.iter().rev().find(|part| part.ended_at.is_none());
        let from = agent.or(last.map(|part| part.agent_id));
        self.resumes(at);
        self.requeued = matches!(to, Target::Queue(_));
        if let Some(from) = from {
            self.leaves(at, from);
        }
        match to {
            Target::Agent(to) if self.answered_at.is_some_and(|since| since <= at) => {
                self.waiting_since = None;
                self.takes(at, *to, true);
            }
            Target::Agent(_) => {}
            Target::Queue(queue) => {
                (self.queue, self.was_queued) = (Some(queue.clone()), true);
                if self.is_free() {
                    self.waiting_since.get_or_insert(at);
                }
            }
            Target::Number(_) => self.waiting_since = None,
        }
        self.moves.push(Move { at, from_agent_id: from, to: to.clone() });
    }

    fn ends(&mut self, frame: &Frame<'_>) {
        let Some(end) = frame.ended_at else { return };
        self.resumes(end);
        self.waiting_since = None;
        for part in self.parts.iter_mut().filter(|part| part.ended_at.is_none()) {
            part.ended_at = Some(end.max(part.started_at));
        }
    }
}

fn assemble(frame: &Frame<'_>, tale: Tale, sorted: &[&Step]) -> Course {
    let direction = frame.direction();
    let offers = offers(frame, &tale, sorted);
    let rings = offers.iter().any(|offer| offer.is_open) || direction == Direction::Outbound;
    let status = match (frame.ended_at, frame.answered_at) {
        (Some(_), _) => Status::Ended,
        (None, Some(_)) if tale.held_since.is_some() => Status::OnHold,
        (None, Some(_)) => Status::Answered,
        (None, None) if rings => Status::Ringing,
        (None, None) => Status::Queued,
    };
    let (from_number, from_name, to_number, caller) = named(sorted);
    let first_rang = offers.iter().filter_map(|offer| offer.ringing_at).min();
    let rang = if direction == Direction::Outbound { Some(frame.started_at) } else { first_rang };
    let over = frame.answered_at.or(frame.ended_at).unwrap_or(i64::MAX);
    let held = tale.held_ms.unwrap_or(0);
    let talked = frame.answered_at.zip(frame.ended_at).map(|(from, to)| to - from);
    Course {
        is_known: frame.start.is_some(),
        direction,
        status,
        from_number,
        from_name,
        to_number,
        agent_id: agent(&tale, &offers, status, caller),
        started_at: frame.started_at,
        ringing_at: rang.map(|at| at.max(frame.started_at).min(over)),
        answered_at: frame.answered_at,
        ended_at: frame.ended_at,
        result: frame.end.map(|end| result(frame, &tale, end)),
        wait_ms: frame.answered_at.or(frame.ended_at).map(|to| to - frame.started_at),
        talk_ms: talked.map(|ms| (ms - held).max(0)),
        hold_ms: tale.held_ms.or(talked.map(|_| 0)),
        queue: tale.queue,
        was_queued: tale.was_queued,
        waiting_since: tale.waiting_since,
        held_since: tale.held_since,
        offers,
        parts: tale.parts,
        moves: tale.moves,
    }
}

fn offers(frame: &Frame<'_>, tale: &Tale, sorted: &[&Step]) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    let mut taken: Vec<(&str, i64)> = Vec::new();
    let mut taken_at = i64::MIN;
    for step in sorted {
        match &step.heard {
            Heard::Ringing { offer, agent } => {
                let offer = offer_of(&mut offers, offer, *agent);
                offer.ringing_at = offer.ringing_at.or(Some(step.at));
            }
            Heard::OfferMissed { offer, agent, ring_ms } => {
                let offer = offer_of(&mut offers, offer, *agent);
                offer.missed_at = offer.missed_at.or(Some(step.at));
                let rang_at = ring_ms.map(|ms| step.at - ms.max(0));
                offer.ringing_at = offer.ringing_at.or(rang_at).map(|at| at.min(step.at));
            }
            Heard::Answered { offer, .. } => {
                taken_at = step.at;
                taken.extend(offer.as_deref().map(|offer| (offer, step.at)));
            }
            // Whoever passes it on calls the others back.
            Heard::Transferred { .. } => taken_at = step.at,
            _ => {}
        }
    }
    let may_ring = frame.ended_at.is_none() && (frame.answered_at.is_none() || tale.waits());
    for offer in &mut offers {
        let later = offer.ringing_at.is_some_and(|at| at > taken_at);
        let taken = taken.iter().any(|(key, _)| *key == offer.key);
        offer.is_open = may_ring && later && !taken && offer.missed_at.is_none();
    }
    offers
}

impl Tale {
    fn waits(&self) -> bool {
        self.waiting_since.is_some()
    }
}

fn offer_of<'a>(offers: &'a mut Vec<Offer>, key: &str, agent: Option<UserId>) -> &'a mut Offer {
    let at = offers.iter().position(|offer| offer.key == key).unwrap_or_else(|| {
        let key = key.to_owned();
        let (agent_id, ringing_at, missed_at, is_open) = (None, None, None, false);
        offers.push(Offer { key, agent_id, ringing_at, missed_at, is_open });
        offers.len() - 1
    });
    #[allow(clippy::indexing_slicing, reason = "found or pushed a line above")]
    let offer = &mut offers[at];
    offer.agent_id = offer.agent_id.or(agent);
    offer
}

/// Numbers, the name and who of us calls, from the first that told each.
#[allow(clippy::type_complexity, reason = "four things that were said, each perhaps not")]
fn named(sorted: &[&Step]) -> (Option<String>, Option<String>, Option<String>, Option<UserId>) {
    let (mut from, mut name, mut to, mut agent) = (None, None, None, None);
    for step in sorted {
        match &step.heard {
            Heard::Incoming { from_number, from_name, to_number, .. } => {
                from = from.or_else(|| from_number.clone());
                name = name.or_else(|| from_name.clone());
                to = to.or_else(|| to_number.clone());
            }
            Heard::Outgoing { from_number, to_number, agent: who } => {
                from = from.or_else(|| from_number.clone());
                to = to.or_else(|| to_number.clone());
                agent = agent.or(*who);
            }
            _ => {}
        }
    }
    (from, name, to, agent)
}

fn agent(tale: &Tale, offers: &[Offer], status: Status, caller: Option<UserId>) -> Option<UserId> {
    let holds = tale.parts.iter().rev().find(|part| part.ended_at.is_none());
    let rung = offers.iter().filter(|offer| offer.is_open).max_by_key(|offer| offer.ringing_at);
    let had = tale.parts.iter().max_by_key(|part| part.ended_at);
    let offered = || {
        let unmissed = offers.iter().filter(|offer| offer.missed_at.is_none());
        unmissed.max_by_key(|offer| offer.ringing_at).and_then(|offer| offer.agent_id)
    };
    match status {
        Status::Ended => had.map(|part| part.agent_id).or_else(offered).or(caller),
        Status::Answered | Status::OnHold => {
            let holds = holds.map(|part| part.agent_id);
            let nobody_yet = if tale.parts.is_empty() { caller } else { None };
            holds.or(rung.and_then(|offer| offer.agent_id)).or(nobody_yet)
        }
        Status::Queued | Status::Ringing => rung.and_then(|offer| offer.agent_id).or(caller),
    }
}

fn result(frame: &Frame<'_>, tale: &Tale, end: &Heard) -> String {
    if let Heard::Ended { result: Some(result) } = end {
        return result.clone();
    }
    let word = match (frame.answered_at, frame.direction()) {
        (Some(_), _) => "answered",
        (None, Direction::Outbound) => "no_answer",
        (None, Direction::Inbound) if tale.was_queued => "abandoned",
        (None, Direction::Inbound) => "missed",
    };
    word.into()
}
