//! The telephone systems' part of the table of routes.

use crate::{
    harness::Session,
    leaks_world::{id, make},
    roles::{ADMIN, Row, answered, row, theirs},
};
use serde_json::json;

/// Things of the telephone systems, by their names in the table.
pub(crate) fn things(system: &Session) -> Vec<(&'static str, String)> {
    let pbx = json!({ "kind": "cti", "name": "Cloud" });
    vec![("{pbx}", id(&make(system, "/pbx", pbx)))]
}

/// The telephone systems' rows. What posts to us cannot be tested.
pub(crate) fn table() -> Vec<Row> {
    let none = || json!({});
    vec![
        row("GET", "/pbx", none(), ADMIN),
        row("POST", "/pbx", none(), answered(422, ADMIN)),
        row("GET", "/pbx/{pbx}", none(), theirs(ADMIN)),
        row("PATCH", "/pbx/{pbx}", none(), theirs(ADMIN)),
        row("POST", "/pbx/{pbx}/test", none(), theirs(answered(409, ADMIN))),
        row("POST", "/pbx/{pbx}/rotate-token", none(), theirs(ADMIN)),
        row("DELETE", "/pbx/{pbx}", none(), [401, 403, 403, 403, 200, 404, 404]),
    ]
}
