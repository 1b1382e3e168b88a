//! Clocks over tickets.

use super::Ticket;
use crate::{db::Write, error::Result, notifications::Notice};

/// Brings the clocks of a ticket into line with it.
pub(super) fn follow(_: &Write<'_>, _: Option<&Ticket>, _: &mut Ticket) -> Result<Vec<Notice>> {
    Ok(Vec::new())
}
