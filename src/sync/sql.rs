//! One snapshot of the database, read part by part.

use super::{Few, NOTIFICATIONS_MAX, Part, Snapshot, TICKETS_MAX, Told};
use crate::{
    agents, db,
    error::Result,
    event::Listener,
    http::page::Paging,
    notifications,
    tickets::{self, Shown},
};
use rusqlite::Connection;

/// What `who` may read of `parts`, all as of the same commit.
pub(super) fn snapshot(
    conn: &Connection,
    who: &Listener,
    parts: &[Part],
    epoch: &str,
) -> Result<Snapshot> {
    // One read transaction; it ends with this function, whatever happens.
    let as_of = conn.unchecked_transaction()?;
    let mut snapshot = Snapshot {
        seq: db::log_bounds(&as_of)?.latest,
        epoch: epoch.to_owned(),
        tickets: None,
        notifications: None,
        agents: None,
    };
    if parts.contains(&Part::Tickets) {
        let (newest, more) = tickets::list::newest(&as_of, who, TICKETS_MAX)?;
        let items: Vec<Shown> = newest.into_iter().map(|ticket| ticket.shown_to(who)).collect();
        snapshot.tickets = Some(Few { items, more });
    }
    if parts.contains(&Part::Notifications) {
        let paging = Paging::new(None, Some(NOTIFICATIONS_MAX))?;
        let whose = (who.tenant, who.user);
        let (items, total) = notifications::list(&as_of, whose, None, paging)?;
        let unread_count = notifications::unread(&as_of, who.user)?;
        let told = Told { items, more: total > NOTIFICATIONS_MAX, unread_count };
        snapshot.notifications = Some(told);
    }
    if parts.contains(&Part::Agents) && who.role.is_staff() {
        let items = agents::board(&as_of, who.tenant)?;
        snapshot.agents = Some(Few { items, more: false });
    }
    Ok(snapshot)
}
