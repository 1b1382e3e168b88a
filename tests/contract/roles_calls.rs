//! The calls' part of the table of routes: one call, which goes through its whole life by whoever
//! may do so first; for the next it has happened already.

use crate::{
    harness::Session,
    leaks_world::{id, make},
    roles::{Row, STAFF, answered, row, theirs},
};
use serde_json::json;

/// Things of the calls, by their names in the table.
pub(crate) fn things(system: &Session) -> Vec<(&'static str, String)> {
    let call = json!({ "direction": "inbound", "from_number": "+49 30 987654" });
    let call = id(&make(system, "/calls", call));
    // The desk's own ticket is gone when it comes to this.
    let ticket = json!({ "subject": "Of a call", "description": "x" });
    vec![("{call}", call), ("{called_for}", id(&make(system, "/tickets", ticket)))]
}

/// Supervisors and above.
const SUPERVISORS: [u16; 7] = [401, 403, 403, 200, 200, 200, 200];

/// The calls' rows, in the order of a call's life.
pub(crate) fn table() -> Vec<Row> {
    let none = || json!({});
    let (agent, queue) = (|| json!({ "agent_id": "{user}" }), json!({ "to_queue": "x" }));
    vec![
        row("GET", "/calls", none(), STAFF),
        row("POST", "/calls", none(), answered(422, STAFF)),
        row("GET", "/calls.csv", none(), SUPERVISORS),
        row("GET", "/calls/{call}", none(), theirs(STAFF)),
        row("POST", "/calls/{call}/ring", agent(), [401, 403, 200, 200, 200, 200, 404]),
        row("POST", "/calls/{call}/answer", agent(), theirs(STAFF)),
        row("POST", "/calls/{call}/hold", none(), theirs(STAFF)),
        row("POST", "/calls/{call}/resume", none(), theirs(STAFF)),
        row("POST", "/calls/{call}/transfer", queue, theirs(STAFF)),
        row("POST", "/calls/{call}/end", none(), theirs(STAFF)),
        row("POST", "/calls/{call}/wrapup", none(), theirs(SUPERVISORS)),
        row(
            "POST",
            "/calls/{call}/ticket",
            json!({ "ticket_id": "{called_for}" }),
            theirs(answered(201, STAFF)),
        ),
    ]
}
