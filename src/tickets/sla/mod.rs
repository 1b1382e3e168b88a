//! Service levels: what is promised for a ticket, the two clocks that watch over it, and what they
//! say.
//!
//! A clock keeps the promise that it was started with; changing a policy changes no ticket
//! until its priority, team or tags change.

mod calendar;
mod clock;
mod keeper;
mod policy;
mod sql;
#[cfg(test)]
mod tests;

pub use calendar::{Calendar, Day};
pub use clock::Target;
pub use keeper::keep;
pub use policy::{Conditions, Policy};

use super::{Hand, Ticket, sql as tickets, tell as people};
use crate::{
    db::{Say, Write},
    error::{Checks, Result},
    event::Kind,
    id::{EntityId, TenantId, UserId},
    notifications::{Notice, Reason, Type, words},
    teams, time,
};
use calendar::Hours;
use clock::{Clock, Fact, Run};
use serde::Serialize;

/// Longest name of something that staff keep, characters.
const NAME_MAX: usize = 100;

/// A name without the spaces around it.
pub(super) fn name(checks: &mut Checks, text: &str) -> String {
    let text = text.trim();
    let good = (1..=NAME_MAX).contains(&text.chars().count()) && !text.contains(char::is_control);
    checks.check(good, "name", "must be 1 to 100 characters of plain text");
    text.to_owned()
}

/// Brings the clocks of a ticket into line with it, after it was stored; says what they have to say
/// and answers who is to be told.
pub(super) fn follow(
    w: &mut Write<'_>,
    before: Option<&Ticket>,
    ticket: &mut Ticket,
) -> Result<Vec<Notice>> {
    if before.is_some_and(|before| !clock::concerns(before, ticket)) {
        return Ok(Vec::new());
    }
    let mut clocks = match before {
        Some(_) => sql::of_ticket(w, ticket.rid)?,
        None => Vec::new(),
    };
    if before.is_none_or(|before| clock::chooses_anew(before, ticket)) {
        choose(w, ticket, &mut clocks)?;
    }
    if clocks.is_empty()
        && ticket.staff.first_response_due_at.is_none()
        && ticket.staff.resolution_due_at.is_none()
    {
        return Ok(Vec::new());
    }
    let mut facts = Vec::new();
    for clock in &mut clocks {
        let hours = hours(w, ticket.tenant_id, clock.calendar_id)?;
        let run = Run::wanted(clock.target, ticket);
        facts.extend(clock.bring_to(run, hours.as_ref(), w.now).map(|fact| (clock.target, fact)));
        facts.extend(clock.strike(w.now).map(|fact| (clock.target, fact)));
        sql::put(w, ticket, clock)?;
    }
    show(w, ticket, &clocks)?;
    say(w, ticket, &clocks, facts)
}

/// Finds the policy for a ticket as it is, and what it promises: clocks go on under the new promise
/// or begin; what nobody promises any more has no clock.
fn choose(w: &Write<'_>, ticket: &Ticket, clocks: &mut Vec<Clock>) -> Result<()> {
    let policy = policy::for_ticket(w, ticket)?;
    for target in Target::ALL {
        let promise = policy.as_ref().and_then(|(id, policy)| policy.promise(*id, target, ticket));
        let known = clocks.iter().position(|clock| clock.target == target);
        match (promise, known.and_then(|at| clocks.get_mut(at))) {
            (Some(promise), Some(clock)) => {
                let hours = hours(w, ticket.tenant_id, clock.calendar_id)?;
                clock.halt(hours.as_ref(), w.now);
                clock.promise(&promise);
            }
            (Some(promise), None) => clocks.push(Clock::new(target, &promise)),
            (None, Some(_)) => {
                clocks.retain(|clock| clock.target != target);
                sql::remove(w, ticket.rid, target)?;
            }
            (None, None) => {}
        }
    }
    Ok(())
}

fn hours(w: &Write<'_>, tenant: TenantId, id: Option<EntityId>) -> Result<Option<Hours>> {
    let Some(id) = id else { return Ok(None) };
    Ok(sql::calendar(w, tenant, id)?.and_then(|calendar| calendar.hours()))
}

/// Shows on the ticket, to staff, when its clocks are due.
fn show(w: &Write<'_>, ticket: &mut Ticket, clocks: &[Clock]) -> Result<()> {
    let due = |target| {
        let clock = clocks.iter().find(|clock| clock.target == target);
        clock.and_then(Clock::due_while_running)
    };
    let now = (due(Target::FirstResponse), due(Target::Resolution));
    let staff = &mut ticket.staff;
    if now != (staff.first_response_due_at, staff.resolution_due_at) {
        (staff.first_response_due_at, staff.resolution_due_at) = now;
        tickets::update_staff_fields(w, ticket)?;
    }
    Ok(())
}

/// What `sla.*` events carry.
#[derive(Debug, Serialize)]
struct Told<'a> {
    ticket_id: EntityId,
    tenant_id: TenantId,
    number: i64,
    subject: &'a str,
    priority: super::Priority,
    assignee_id: Option<UserId>,
    team_id: Option<EntityId>,
    policy_id: EntityId,
    policy_name: &'a str,
    target: Target,
    target_minutes: i64,
    #[serde(serialize_with = "time::as_rfc3339")]
    due_at: i64,
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    met_at: Option<i64>,
}

fn say(
    w: &mut Write<'_>,
    ticket: &Ticket,
    clocks: &[Clock],
    facts: Vec<(Target, Fact)>,
) -> Result<Vec<Notice>> {
    let mut notices = Vec::new();
    for (target, fact) in facts {
        let Some(clock) = clocks.iter().find(|clock| clock.target == target) else { continue };
        let told = Told {
            ticket_id: ticket.id,
            tenant_id: ticket.tenant_id,
            number: ticket.number,
            subject: &ticket.subject,
            priority: ticket.priority,
            assignee_id: ticket.assignee_id,
            team_id: ticket.team_id,
            policy_id: clock.policy_id,
            policy_name: &clock.policy_name,
            target,
            target_minutes: clock.target_minutes,
            due_at: clock.due_at,
            met_at: clock.met_at,
        };
        let kind = match fact {
            Fact::Warning => Kind::SlaWarning,
            Fact::Breached => Kind::SlaBreached,
            Fact::Met => Kind::SlaMet,
        };
        let seq = w.say(Say::new(ticket.tenant_id, kind, &told)?.subject(ticket.id))?.seq;
        notices.extend(notice(w, ticket, clock, (fact, seq))?);
    }
    Ok(notices)
}

/// The assignee is told, without one the team. Never a customer.
fn notice(
    w: &Write<'_>,
    ticket: &Ticket,
    clock: &Clock,
    (fact, seq): (Fact, i64),
) -> Result<Option<Notice>> {
    let kind = match fact {
        Fact::Warning => Type::SlaWarning,
        Fact::Breached => Type::SlaBreached,
        Fact::Met => return Ok(None),
    };
    let recipients = match (ticket.assignee_id, ticket.team_id) {
        (Some(user), _) => vec![(user, Reason::Assignee)],
        (None, Some(team)) => {
            let members = teams::members(w, ticket.tenant_id, team)?.unwrap_or_default();
            members.into_iter().map(|user| (user, Reason::Team)).collect()
        }
        (None, None) => Vec::new(),
    };
    let message = message(ticket, clock, fact, w.now);
    let hand = Hand::of_system(ticket.tenant_id);
    let notice = people::notice(&hand, ticket, (kind, message), recipients, seq)?;
    Ok(notice.map(|notice| Notice { internal: true, ..notice }))
}

fn message(ticket: &Ticket, clock: &Clock, fact: Fact, now: i64) -> String {
    let promise = match clock.target {
        Target::FirstResponse => words::Promise::FirstResponse,
        Target::Resolution => words::Promise::Resolution,
    };
    if fact == Fact::Breached {
        return words::sla_breached(promise, &ticket.subject);
    }
    // Rounded up: "in 0 min" would read as overdue.
    let minutes = ((clock.due_at - now).max(0) + 59_999) / 60_000;
    words::sla_warning(promise, &ticket.subject, minutes)
}
