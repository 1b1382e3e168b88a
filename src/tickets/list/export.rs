//! Tickets as lines of a CSV file (RFC 4180) that no spreadsheet mistakes for formulas.

use crate::{http::csv, id::UserId, tickets::ticket::Ticket, time};
use std::collections::BTreeMap;

/// The first line.
pub(super) const HEADER: &str = "number,id,subject,status,priority,type,channel,requester,\
requester_id,assignee,assignee_id,team_id,tags,created_at,updated_at,due_at,first_responded_at,\
resolved_at,closed_at,reopened_count,comment_count,merged_into_id,description\r\n";

/// One ticket as a line.
pub(super) fn line(to: &mut String, t: &Ticket, names: &BTreeMap<UserId, String>) {
    let name = |user: Option<UserId>| {
        user.and_then(|user| names.get(&user)).map_or("", String::as_str).to_owned()
    };
    let at = |ms: Option<i64>| ms.map(time::rfc3339).unwrap_or_default();
    let id = |id: Option<String>| id.unwrap_or_default();
    let cells = [
        t.number.to_string(),
        t.id.to_string(),
        t.subject.clone(),
        t.status.to_string(),
        t.priority.to_string(),
        t.kind.clone().unwrap_or_default(),
        t.channel.to_string(),
        name(Some(t.requester_id)),
        t.requester_id.to_string(),
        name(t.assignee_id),
        id(t.assignee_id.map(|user| user.to_string())),
        id(t.team_id.map(|team| team.to_string())),
        t.tags.join(", "),
        time::rfc3339(t.created_at),
        time::rfc3339(t.updated_at),
        at(t.due_at),
        at(t.first_responded_at),
        at(t.resolved_at),
        at(t.closed_at),
        t.reopened_count.to_string(),
        t.comment_count.to_string(),
        id(t.merged_into_id.map(|ticket| ticket.to_string())),
        t.description.clone(),
    ];
    csv::line(to, &cells);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::testing::a_ticket;

    /// Every line has as many cells as the first one.
    #[test]
    fn a_line_has_a_cell_for_every_name() {
        let mut to = String::new();
        line(&mut to, &a_ticket(), &BTreeMap::new());
        assert_eq!(to.split(',').count(), HEADER.split(',').count());
        assert!(to.ends_with("\r\n") && HEADER.ends_with("\r\n"));
    }
}
