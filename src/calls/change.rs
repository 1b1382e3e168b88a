//! Taking in what is said about a call: the one way by which calls change.

use super::{
    Call, Heeded, Signal,
    machine::{self, Course, Direction, Heard, Status, Step, Target, UNKNOWN},
    sql, tell,
};
use crate::{
    agents,
    db::Write,
    error::{OrNotFound as _, Result},
    event::Actor,
    id::{EntityId, TenantId, UserId},
};
use std::collections::BTreeSet;

/// Most things kept that are said about one call. What is said beyond that is not taken in, but
/// for its end, which always is, and some repetitions of that.
const STEPS_MAX: usize = 500;
const ENDS_MAX: usize = 8;

/// Longest number, name, queue and key that is kept, characters; the rest is cut off.
const TEXT_MAX: usize = 128;

/// A call that repeats what is known of it is noted as heard of at most so often, milliseconds.
const TOUCH_EVERY_MS: i64 = 60_000;

/// Takes in what a telephone system said. In any order, late or repeated: the same signals always
/// make the same call, and what comes too late to be news says nothing.
///
/// Agents who are not the tenant's active staff are nobody. Text is cut to 128 characters.
///
/// # Errors
/// When the database refuses.
pub fn hear(w: &mut Write<'_>, tenant: TenantId, signal: &Signal) -> Result<Heeded> {
    let name = (cut(&signal.source), cut(&signal.external_id));
    let heard = cleaned(w, tenant, &signal.what)?;
    let call = match sql::named(w, tenant, (&name.0, &name.1))? {
        Some(call) => call,
        None => begin(w, tenant, (name.0, Some(name.1)))?,
    };
    let step = Step { at: signal.at, heard };
    let (call, is_new) = take_in(w, call, step, &Actor::system())?;
    Ok(Heeded { call: call.id, is_new })
}

/// Ends the calls of a telephone system whose names are not among `alive`: their end was missed.
/// Those that were answered end as such; how the others ended is unknown. Answers how many ended.
///
/// # Errors
/// When the database refuses.
pub fn snapshot(
    w: &mut Write<'_>,
    tenant: TenantId,
    source: &str,
    alive: &[String],
    at: i64,
) -> Result<usize> {
    let alive: BTreeSet<String> = alive.iter().map(|name| cut(name)).collect();
    let mut ended = 0;
    for (rid, name) in sql::living(w, tenant, &cut(source))? {
        if alive.contains(&name) {
            sql::touch(w, tenant, rid)?;
            continue;
        }
        let call = sql::named(w, tenant, (&cut(source), &name))?.or_not_found("call")?;
        ended += 1;
        end_unheard(w, call, at)?;
    }
    Ok(ended)
}

/// Ends a call whose end nobody heard of: as answered if it was, else how it ended is unknown.
fn end_unheard(w: &mut Write<'_>, call: Call, at: i64) -> Result<()> {
    let result = call.answered_at.is_none().then(|| UNKNOWN.to_owned());
    let step = Step { at, heard: Heard::Ended { result } };
    take_in(w, call, step, &Actor::system()).map(drop)
}

/// Ends a call of which nothing was heard for long; how it ended is unknown.
pub(super) fn lose(w: &mut Write<'_>, call: Call) -> Result<()> {
    let step = Step { at: w.now, heard: Heard::Ended { result: Some(UNKNOWN.into()) } };
    take_in(w, call, step, &Actor::system()).map(drop)
}

/// A call of which nothing was said yet.
pub(super) fn begin(
    w: &mut Write<'_>,
    tenant: TenantId,
    (source, external_id): (String, Option<String>),
) -> Result<Call> {
    let mut call = Call {
        rid: 0,
        id: EntityId::new(w.now),
        tenant_id: tenant,
        version: 0,
        created_at: w.now,
        updated_at: w.now,
        deleted_at: None,
        source,
        external_id,
        direction: Direction::Inbound,
        status: Status::Queued,
        from_number: None,
        from_name: None,
        to_number: None,
        queue: None,
        agent_id: None,
        customer_id: None,
        ticket_id: None,
        started_at: w.now,
        ringing_at: None,
        answered_at: None,
        waiting_since: None,
        held_since: None,
        ended_at: None,
        result: None,
        wait_ms: None,
        talk_ms: None,
        hold_ms: None,
        disposition: None,
        note: None,
    };
    call.rid = sql::insert(w, &call)?;
    Ok(call)
}

/// Adds one step to a call, works out what it makes of it, stores that and tells. Answers the call
/// and whether the step was new.
pub(super) fn take_in(
    w: &mut Write<'_>,
    call: Call,
    step: Step,
    actor: &Actor,
) -> Result<(Call, bool)> {
    let mut steps = sql::steps(w, call.rid)?;
    let has_end = steps.iter().any(|step| step.heard.ends());
    let has_room = match step.heard.ends() {
        true => !has_end || steps.len() < STEPS_MAX + ENDS_MAX,
        false => steps.len() < STEPS_MAX,
    };
    if steps.contains(&step) || !has_room {
        if w.now - call.updated_at > TOUCH_EVERY_MS {
            sql::touch(w, call.tenant_id, call.rid)?;
        }
        return Ok((call, false));
    }
    sql::add_step(w, call.rid, &step)?;
    let before = (!steps.is_empty()).then(|| machine::course(&steps));
    steps.push(step);
    let after = machine::course(&steps);
    let call = settle(w, &call, (before.as_ref(), &after), actor)?;
    Ok((call, true))
}

/// Stores what a call has become, and tells.
fn settle(
    w: &mut Write<'_>,
    call: &Call,
    (before, after): (Option<&Course>, &Course),
    actor: &Actor,
) -> Result<Call> {
    let mut next = call.with(after);
    if after.is_known && next.customer_id.is_none() {
        next.customer_id = tell::customer_of(w, &next)?;
    }
    let news = machine::news(before, after);
    if next != *call || !news.is_empty() {
        (next.version, next.updated_at) = (call.version + i64::from(after.is_known), w.now);
    }
    sql::update(w, &next, after)?;
    sql::put_parts(w, &next, &after.parts)?;
    let rings_at = after.rings_at();
    if before.map(Course::rings_at).unwrap_or_default() != rings_at {
        sql::put_offers(w, &next, &rings_at)?;
    }
    if after.is_known {
        tell::tell(w, (call, &next), &news, actor)?;
        move_agents(w, &next, (before.filter(|before| before.is_known), after))?;
    }
    Ok(next)
}

/// Whoever left the call writes up what was said; whoever has it now is on a call, and done with
/// writing up the one before.
fn move_agents(
    w: &mut Write<'_>,
    call: &Call,
    (before, after): (Option<&Course>, &Course),
) -> Result<()> {
    let had: BTreeSet<UserId> = before.into_iter().flat_map(Course::holders).collect();
    let has: BTreeSet<UserId> = after.holders().collect();
    let parts_of = |agent| after.parts.iter().filter(move |part| part.agent_id == agent);
    for agent in had.difference(&has).copied() {
        let at = parts_of(agent).filter_map(|part| part.ended_at).max().unwrap_or(w.now);
        // The telephone's clock may be ahead of ours.
        let at = at.min(w.now);
        if let Some(until) = agents::part_ended(w, call.tenant_id, agent, call.id, at)? {
            sql::wraps_until(w, call.rid, agent, until)?;
        }
    }
    for agent in has.difference(&had).copied() {
        if sql::is_staff(w, call.tenant_id, agent)? {
            let at = parts_of(agent).map(|part| part.started_at).max().unwrap_or(w.now);
            let written = agents::answered(w, call.tenant_id, agent, call.id, at.min(w.now))?;
            if let Some(written) = written {
                stop_writing(w, call.tenant_id, written, agent)?;
            }
        }
    }
    Ok(())
}

/// Tells that an agent is done with writing up a call, unless that was told.
fn stop_writing(w: &mut Write<'_>, tenant: TenantId, call: EntityId, agent: UserId) -> Result<()> {
    let Some(call) = sql::find(w, tenant, call)? else { return Ok(()) };
    if sql::wrapped(w, call.rid, agent)? {
        tell::say_wrapped(w, (&call, &call), agent, &Actor::system())?;
    }
    Ok(())
}

impl Call {
    /// The same call, its course having become this one.
    fn with(&self, course: &Course) -> Self {
        let course = course.clone();
        Self {
            direction: course.direction,
            status: course.status,
            from_number: course.from_number,
            from_name: course.from_name,
            to_number: course.to_number,
            queue: course.queue,
            agent_id: course.agent_id,
            started_at: course.started_at,
            ringing_at: course.ringing_at,
            answered_at: course.answered_at,
            waiting_since: course.waiting_since,
            held_since: course.held_since,
            ended_at: course.ended_at,
            result: course.result,
            wait_ms: course.wait_ms,
            talk_ms: course.talk_ms,
            hold_ms: course.hold_ms,
            ..self.clone()
        }
    }
}

/// One line of at most 128 characters.
pub(super) fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_MAX).collect::<String>().trim().to_owned()
}

/// What was said as it is kept: text in one short line, empty text as none, agents whom we know.
fn cleaned(w: &Write<'_>, tenant: TenantId, heard: &Heard) -> Result<Heard> {
    let line = |text: &Option<String>| text.as_deref().map(cut).filter(|text| !text.is_empty());
    let known = |agent: &Option<UserId>| -> Result<Option<UserId>> {
        let Some(user) = *agent else { return Ok(None) };
        Ok(sql::is_staff(w, tenant, user)?.then_some(user))
    };
    Ok(match heard {
        Heard::Incoming { from_number, from_name, to_number, queue } => Heard::Incoming {
            from_number: line(from_number),
            from_name: line(from_name),
            to_number: line(to_number),
            queue: line(queue),
        },
        Heard::Outgoing { from_number, to_number, agent } => Heard::Outgoing {
            from_number: line(from_number),
            to_number: line(to_number),
            agent: known(agent)?,
        },
        Heard::Ringing { offer, agent } => {
            Heard::Ringing { offer: cut(offer), agent: known(agent)? }
        }
        Heard::OfferMissed { offer, ring_ms, agent } => {
            Heard::OfferMissed { offer: cut(offer), ring_ms: *ring_ms, agent: known(agent)? }
        }
        Heard::Answered { offer, agent } => {
            Heard::Answered { offer: line(offer), agent: known(agent)? }
        }
        Heard::Transferred { to, agent } => {
            let to = match to {
                Target::Agent(user) => Target::Agent(*user),
                Target::Queue(queue) => Target::Queue(cut(queue)),
                Target::Number(number) => Target::Number(cut(number)),
            };
            Heard::Transferred { to, agent: known(agent)? }
        }
        Heard::PartEnded { agent } => Heard::PartEnded { agent: known(agent)? },
        Heard::Ended { result } => Heard::Ended { result: line(result) },
        Heard::Held | Heard::Resumed | Heard::Abandoned => heard.clone(),
    })
}
