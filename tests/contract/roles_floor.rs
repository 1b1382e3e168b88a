//! The floor's part of the table of routes: agents and their states, tried by everybody.

use crate::{
    harness::Session,
    roles::{Row, STAFF, SUPERVISORS, answered, row, theirs},
};
use serde_json::{Value, json};

/// Things of the floor, by their names in the table.
pub(crate) fn things(system: &Session) -> Vec<(&'static str, String)> {
    let reason = json!({ "name": "Stocktaking", "limit_minutes": 30 });
    let reason = system.post("/api/v1/agent-state/reasons", &reason).expect(201).data();
    let reason = reason["id"].as_str().expect("an id").to_owned();
    vec![("{reason}", reason), ("{report}", String::from("calls"))]
}

fn none() -> Value {
    json!({})
}

/// The floor's rows. What ends something comes last.
pub(crate) fn table() -> Vec<Row> {
    let state = || json!({ "state": "busy" });
    vec![
        row("GET", "/agent-state", none(), STAFF),
        row("GET", "/agent-state/me", none(), STAFF),
        row("POST", "/agent-state/me", state(), STAFF),
        row("PUT", "/agent-state/{user}", state(), theirs(SUPERVISORS)),
        row("GET", "/agent-state/{user}/history", none(), theirs(STAFF)),
        row("GET", "/agent-state/{user}/history.csv", none(), theirs(STAFF)),
        row("PATCH", "/agent-state/{user}/settings", none(), theirs(SUPERVISORS)),
        row("GET", "/board", none(), STAFF),
        row("GET", "/reports/{report}", none(), SUPERVISORS),
        row("GET", "/board/settings", none(), STAFF),
        row("PATCH", "/board/settings", none(), SUPERVISORS),
        row("GET", "/agent-state/settings", none(), STAFF),
        row("PATCH", "/agent-state/settings", none(), SUPERVISORS),
        row("GET", "/agent-state/reasons", none(), STAFF),
        row("POST", "/agent-state/reasons", none(), answered(422, SUPERVISORS)),
        row("PATCH", "/agent-state/reasons/{reason}", none(), theirs(SUPERVISORS)),
        row("DELETE", "/agent-state/reasons/{reason}", none(), [401, 403, 403, 200, 404, 404, 404]),
    ]
}
