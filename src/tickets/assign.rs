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

/// Only who can work now is chosen: active staff.
fn chosen(w: &Write<'_>, team: &Team) -> Result<Option<UserId>> {
    if team.assignment == Assignment::Manual {
        return Ok(None);
    }
    let mut able = Vec::new();
    for user in teams::members(w, team.tenant_id, team.id)?.unwrap_or_default() {
        // Turns do not ask how much somebody has to do.
        let busy = match team.assignment {
            Assignment::LeastBusy => sql::open_count(w, team.tenant_id, user)?,
            _ => 0,
        };
        able.push((user, busy));
    }
    teams::choose(w, team, &able)
}
