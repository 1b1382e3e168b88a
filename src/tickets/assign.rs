//! To whom a team's rule gives a ticket that came to it and that nobody works on.

use super::{Hand, sql, ticket::Ticket};
use crate::{
    db::Write,
    error::Result,
    event::Actor,
    id::UserId,
    teams::{self, Assignment, Team},
};

/// Gives a ticket to a member of its team, where that team does not leave it to people; answers
/// whose hand did so. A ticket that somebody works on, or that is over, stays as it is.
///
/// # Errors
/// When the database refuses.
pub(super) fn by_rule(w: &Write<'_>, hand: &Hand, ticket: &mut Ticket) -> Result<Option<Hand>> {
    let Some(team) = ticket.team_id.filter(|_| waits(ticket)) else { return Ok(None) };
    let Some(team) = teams::find(w, ticket.tenant_id, team)? else { return Ok(None) };
    ticket.assignee_id = chosen(w, &team)?;
    let actor = Actor { name: team.name, ..Actor::system() };
    Ok(ticket.assignee_id.map(|_| Hand { user: None, actor, ..hand.clone() }))
}

fn waits(ticket: &Ticket) -> bool {
    ticket.assignee_id.is_none() && !ticket.status.is_over()
}

/// Only who can work now is chosen: active staff. Of those with equally much to do it is the first
/// in the team's order.
fn chosen(w: &Write<'_>, team: &Team) -> Result<Option<UserId>> {
    match team.assignment {
        Assignment::Manual => Ok(None),
        Assignment::RoundRobin => teams::take_turn(w, team.tenant_id, team.id),
        Assignment::LeastBusy => {
            let mut freest: Option<(i64, UserId)> = None;
            for user in teams::members(w, team.tenant_id, team.id)?.unwrap_or_default() {
                let busy = sql::open_count(w, team.tenant_id, user)?;
                if freest.is_none_or(|(least, _)| busy < least) {
                    freest = Some((busy, user));
                }
            }
            Ok(freest.map(|(_, user)| user))
        }
    }
}
