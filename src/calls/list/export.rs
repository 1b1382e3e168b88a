//! Calls as lines of a CSV file.

use crate::{calls::Call, http::csv, id::UserId, time};
use std::collections::BTreeMap;

/// The first line.
pub(super) const HEADER: &str = "id,source,external_id,direction,status,result,queue,from_number,\
from_name,to_number,agent,agent_id,customer,customer_id,ticket_id,started_at,ringing_at,\
answered_at,ended_at,wait_ms,talk_ms,hold_ms,disposition,note\r\n";

/// One call as a line.
pub(super) fn line(to: &mut String, c: &Call, names: &BTreeMap<UserId, String>) {
    let name = |user: Option<UserId>| {
        user.and_then(|user| names.get(&user)).map_or("", String::as_str).to_owned()
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let at = |ms: Option<i64>| ms.map(time::rfc3339).unwrap_or_default();
    let ms = |ms: Option<i64>| ms.map(|ms| ms.to_string()).unwrap_or_default();
    let id = |id: Option<String>| id.unwrap_or_default();
    csv::line(
        to,
        &[
            c.id.to_string(),
            c.source.clone(),
            text(&c.external_id),
            c.direction.name().into(),
            c.status.name().into(),
            text(&c.result),
            text(&c.queue),
            text(&c.from_number),
            text(&c.from_name),
            text(&c.to_number),
            name(c.agent_id),
            id(c.agent_id.map(|user| user.to_string())),
            name(c.customer_id),
            id(c.customer_id.map(|user| user.to_string())),
            id(c.ticket_id.map(|ticket| ticket.to_string())),
            time::rfc3339(c.started_at),
            at(c.ringing_at),
            at(c.answered_at),
            at(c.ended_at),
            ms(c.wait_ms),
            ms(c.talk_ms),
            ms(c.hold_ms),
            text(&c.disposition),
            text(&c.note),
        ],
    );
}
