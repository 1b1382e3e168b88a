//! What a change of status means for the rest of a ticket, and what it is refused for.

use super::{ticket::Ticket, words::Status};
use crate::error::{Error, Result};

/// How long after its solution a customer's comment brings a ticket back.
pub(super) const REOPENED_WITHIN_MS: i64 = 14 * 24 * 3_600_000;

/// Moves a ticket to another status, with the times and counts that hang on it. Whether it may move
/// is asked before.
pub(super) fn enter(ticket: &mut Ticket, to: Status, now: i64) {
    let from = ticket.status;
    if from == to {
        return;
    }
    ticket.status = to;
    if from.is_over() && !to.is_over() {
        ticket.reopened_count += 1;
        (ticket.resolved_at, ticket.closed_at) = (None, None);
        ticket.waiting_since = Some(now);
    }
    match to {
        Status::Resolved => {
            (ticket.resolved_at, ticket.closed_at) = (Some(now), None);
            ticket.waiting_since = None;
        }
        Status::Closed => {
            ticket.resolved_at = ticket.resolved_at.or(Some(now));
            (ticket.closed_at, ticket.waiting_since) = (Some(now), None);
        }
        Status::Pending => ticket.waiting_since = None,
        Status::Open | Status::InProgress | Status::OnHold => {}
    }
}

/// A merged ticket is closed for good.
pub(super) fn not_merged(ticket: &Ticket) -> Result<()> {
    match ticket.merged_into_id {
        None => Ok(()),
        Some(into) => Err(Error::conflict(
            "ticket_merged",
            format!("this ticket was merged into {into}: go on there"),
        )),
    }
}

/// A closed ticket moves only by being reopened, and takes no comments.
pub(super) fn not_closed(ticket: &Ticket) -> Result<()> {
    not_merged(ticket)?;
    if ticket.is_closed() {
        return Err(Error::conflict(
            "ticket_closed",
            "this ticket is closed: staff can reopen it, anybody can open a new one about it",
        ));
    }
    Ok(())
}

/// Whether a customer's word brings a ticket back: while it is pending, and for 14 days after it
/// was resolved.
pub(super) fn comes_back(ticket: &Ticket, now: i64) -> bool {
    match ticket.status {
        Status::Pending => true,
        Status::Resolved => {
            ticket.resolved_at.is_none_or(|resolved| now - resolved <= REOPENED_WITHIN_MS)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::testing::a_ticket;

    const NOW: i64 = 1_000_000;

    /// For every pair of states: the times say what the status says.
    #[test]
    fn times_follow_the_status() {
        for from in Status::ALL {
            for to in Status::ALL {
                let mut ticket = a_ticket();
                enter(&mut ticket, *from, 1);
                let reopened = ticket.reopened_count;
                enter(&mut ticket, *to, NOW);
                assert_eq!(ticket.status, *to);
                assert_eq!(ticket.resolved_at.is_some(), to.is_over(), "{from} {to}");
                assert_eq!(ticket.closed_at.is_some(), *to == Status::Closed, "{from} {to}");
                let again = i64::from(from.is_over() && !to.is_over());
                assert_eq!(ticket.reopened_count - reopened, again, "{from} {to}");
                if to.is_over() || *to == Status::Pending {
                    assert_eq!(ticket.waiting_since, None, "{from} {to}");
                }
            }
        }
    }

    /// Closing what is resolved does not move the moment of its solution.
    #[test]
    fn closing_keeps_when_it_was_resolved() {
        let mut ticket = a_ticket();
        enter(&mut ticket, Status::Resolved, 5);
        enter(&mut ticket, Status::Closed, 9);
        assert_eq!((ticket.resolved_at, ticket.closed_at), (Some(5), Some(9)));
    }

    /// Fourteen days, to the millisecond.
    #[test]
    fn a_customer_brings_back_what_was_resolved_lately() {
        let mut ticket = a_ticket();
        assert!(!comes_back(&ticket, NOW));
        enter(&mut ticket, Status::Pending, 0);
        assert!(comes_back(&ticket, i64::MAX));
        enter(&mut ticket, Status::Resolved, NOW);
        assert!(comes_back(&ticket, NOW + REOPENED_WITHIN_MS));
        assert!(!comes_back(&ticket, NOW + REOPENED_WITHIN_MS + 1));
        enter(&mut ticket, Status::Closed, NOW);
        assert!(!comes_back(&ticket, NOW));
    }
}
