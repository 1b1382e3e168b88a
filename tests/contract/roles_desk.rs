//! The desk's part of the table of routes: a staff ticket with its comment and file, a draft, and
//! what staff keep, tried by everybody.

use crate::{
    harness::Session,
    roles::{ADMIN, Row, SIGNED_IN, STAFF, SUPERVISORS, answered, row, theirs},
};
use serde_json::{Value, json};

/// Things of the desk, by their names in the table.
pub(crate) fn things(system: &Session) -> Vec<(&'static str, String)> {
    let made = |path: &str, body: Value| {
        let made = system.post(&format!("/api/v1{path}"), &body).expect(201).data();
        made["id"].as_str().expect("an id").to_owned()
    };
    let ticket = made("/tickets", json!({ "subject": "Staff only", "description": "x" }));
    let comment = made(
        &format!("/tickets/{ticket}/comments"),
        json!({ "body": "between us", "visibility": "internal" }),
    );
    let customer = system.new_user("customer");
    let chat = made("/chats", json!({ "customer_id": customer.id(), "body": "Hello" }));
    vec![
        ("{chat}", chat),
        ("{ticket}", ticket),
        ("{comment}", comment),
        ("{article}", made("/kb/articles", json!({ "title": "A draft", "body": "x" }))),
        ("{category}", made("/kb/categories", json!({ "name": "Printers" }))),
        ("{team}", made("/teams", json!({ "name": "First line" }))),
        ("{slug}", String::from("a-draft")),
        ("{none}", String::from("0192a5a0-0000-7000-8000-00000000000f")),
    ]
}

/// What is nobody's: to whom may ask, it is not there.
fn nowhere(statuses: [u16; 7]) -> [u16; 7] {
    answered(404, statuses)
}

/// A ticket that names no customer: staff see it, customers and other tenants do not.
const TICKET: [u16; 7] = [401, 404, 200, 200, 200, 200, 404];

fn none() -> Value {
    json!({})
}

fn note() -> Value {
    json!({ "body": "a note", "visibility": "internal" })
}

/// The desk's rows. What ends something comes last.
pub(crate) fn table() -> Vec<Row> {
    [tickets(), knowledge(), told(), chats(), kept(), ends()].into_iter().flatten().collect()
}

fn tickets() -> Vec<Row> {
    vec![
        row("GET", "/tickets", none(), SIGNED_IN),
        row("POST", "/tickets", none(), answered(422, SIGNED_IN)),
        row("GET", "/tickets.csv", none(), ADMIN),
        row("POST", "/tickets/bulk", none(), answered(422, SUPERVISORS)),
        row("GET", "/tickets/{ticket}", none(), TICKET),
        row("PATCH", "/tickets/{ticket}", none(), TICKET),
        row("POST", "/tickets/{ticket}/assign", none(), theirs(STAFF)),
        row("POST", "/tickets/{ticket}/unassign", none(), theirs(STAFF)),
        row("POST", "/tickets/{ticket}/follow", none(), TICKET),
        row("POST", "/tickets/{ticket}/unfollow", none(), TICKET),
        row("POST", "/tickets/{none}/merge", json!({ "into": "{ticket}" }), nowhere(STAFF)),
        row("POST", "/tickets/{none}/reopen", none(), nowhere(SIGNED_IN)),
        row("POST", "/tickets/{none}/restore", none(), nowhere(SUPERVISORS)),
        row("GET", "/tickets/{ticket}/timeline", none(), TICKET),
        row("POST", "/tickets/{ticket}/macros/{none}", none(), nowhere(STAFF)),
        row("GET", "/tickets/{ticket}/comments", none(), TICKET),
        row("POST", "/tickets/{ticket}/comments", note(), answered(201, TICKET)),
        row("GET", "/comments/{comment}", none(), TICKET),
        row("PATCH", "/comments/{comment}", none(), [401, 404, 403, 200, 200, 200, 404]),
        row("GET", "/tickets/{ticket}/attachments", none(), TICKET),
        row("POST", "/tickets/{none}/attachments", none(), nowhere(SIGNED_IN)),
        row("GET", "/comments/{comment}/attachments", none(), TICKET),
        row("POST", "/comments/{none}/attachments", none(), nowhere(SIGNED_IN)),
        row("GET", "/kb/articles/{article}/attachments", none(), TICKET),
        row("POST", "/kb/articles/{none}/attachments", none(), nowhere(SIGNED_IN)),
        row("GET", "/attachments/{none}", none(), nowhere(SIGNED_IN)),
        row("PATCH", "/attachments/{none}", json!({ "filename": "a.txt" }), nowhere(SIGNED_IN)),
        row("DELETE", "/attachments/{none}", none(), nowhere(SIGNED_IN)),
        row("GET", "/attachments/{none}/download", none(), nowhere(SIGNED_IN)),
    ]
}

fn chats() -> Vec<Row> {
    let words = || json!({ "body": "words" });
    vec![
        row("GET", "/chats", none(), SIGNED_IN),
        row("POST", "/chats", none(), answered(422, SIGNED_IN)),
        row("GET", "/chats/settings", none(), ADMIN),
        row("PATCH", "/chats/settings", none(), ADMIN),
        row("GET", "/chats/{chat}", none(), TICKET),
        row("PATCH", "/chats/{chat}", json!({ "status": "open" }), theirs(STAFF)),
        row("GET", "/chats/{chat}/messages", none(), TICKET),
        row("POST", "/chats/{chat}/messages", words(), answered(201, TICKET)),
        row("PATCH", "/chats/{none}/messages/{none}", words(), nowhere(SIGNED_IN)),
        row("DELETE", "/chats/{none}/messages/{none}", none(), nowhere(SIGNED_IN)),
        row("GET", "/chats/{none}/messages/{none}/attachments", none(), nowhere(SIGNED_IN)),
        row("POST", "/chats/{none}/messages/{none}/attachments", none(), nowhere(SIGNED_IN)),
        row("POST", "/chats/{chat}/read", json!({ "number": 1 }), TICKET),
        row("POST", "/chats/{chat}/assign", none(), theirs(STAFF)),
        row("POST", "/chats/{chat}/transfer", json!({ "assignee_id": "{user}" }), theirs(STAFF)),
        row("POST", "/chats/{none}/ticket", none(), nowhere(STAFF)),
        row("POST", "/chats/{chat}/close", none(), TICKET),
        row("POST", "/chats/{chat}/reopen", none(), theirs(STAFF)),
    ]
}

fn knowledge() -> Vec<Row> {
    vec![
        row("GET", "/kb/articles", none(), SIGNED_IN),
        row("POST", "/kb/articles", none(), answered(422, STAFF)),
        row("GET", "/kb/articles/{article}", none(), TICKET),
        row("PATCH", "/kb/articles/{article}", none(), theirs(STAFF)),
        row("POST", "/kb/articles/{none}/publish", none(), nowhere(STAFF)),
        row("POST", "/kb/articles/{none}/unpublish", none(), nowhere(STAFF)),
        row("POST", "/kb/articles/{none}/archive", none(), nowhere(STAFF)),
        row(
            "POST",
            "/kb/articles/{article}/vote",
            json!({ "helpful": true }),
            answered(201, TICKET),
        ),
        // Two tenants are there, and a stranger names none of them.
        row("GET", "/kb/public", none(), [409, 200, 200, 200, 200, 200, 200]),
        row("GET", "/kb/public/{slug}", none(), [409, 404, 200, 200, 200, 200, 404]),
        row("GET", "/kb/categories", none(), SIGNED_IN),
        row("POST", "/kb/categories", none(), answered(422, SUPERVISORS)),
        row("PATCH", "/kb/categories/{category}", none(), theirs(SUPERVISORS)),
        row("GET", "/search?q=staff", none(), SIGNED_IN),
    ]
}

fn told() -> Vec<Row> {
    vec![
        row("GET", "/notifications", none(), SIGNED_IN),
        row("GET", "/notifications/unread-count", none(), SIGNED_IN),
        row("POST", "/notifications/read-all", none(), SIGNED_IN),
        row("GET", "/notifications/webhooks/notifications", none(), SIGNED_IN),
        row("POST", "/notifications/webhooks/notifications", none(), SIGNED_IN),
        row("DELETE", "/notifications/{none}", none(), nowhere(SIGNED_IN)),
        row("POST", "/notifications/{none}/read", none(), nowhere(SIGNED_IN)),
        row("GET", "/users/me/webhook", none(), SIGNED_IN),
        row("PUT", "/users/me/webhook", json!({ "webhook_url": null }), SIGNED_IN),
        row("POST", "/users/me/webhook/test", none(), nowhere(SIGNED_IN)),
        row("POST", "/users/me/webhook/rotate-secret", none(), nowhere(SIGNED_IN)),
        row("GET", "/users/me/webhook/logs", none(), SIGNED_IN),
        row("GET", "/teams", none(), STAFF),
        row("POST", "/teams", none(), answered(422, ADMIN)),
        row("GET", "/teams/{team}", none(), theirs(STAFF)),
        row("PATCH", "/teams/{team}", none(), theirs(ADMIN)),
    ]
}

fn ends() -> Vec<Row> {
    vec![
        row("DELETE", "/teams/{team}", none(), [401, 403, 403, 403, 200, 404, 404]),
        row("DELETE", "/kb/categories/{category}", none(), [401, 403, 403, 200, 404, 404, 404]),
        row("DELETE", "/kb/articles/{article}", none(), [401, 403, 200, 404, 404, 404, 404]),
        row("DELETE", "/comments/{comment}", none(), [401, 404, 403, 200, 404, 404, 404]),
        row("DELETE", "/tickets/{ticket}", none(), theirs(SUPERVISORS)),
    ]
}

fn kept() -> Vec<Row> {
    let mut rows = Vec::new();
    for (all, one, may) in [
        ("/sla-policies", "/sla-policies/{none}", SUPERVISORS),
        ("/calendars", "/calendars/{none}", SUPERVISORS),
        ("/macros", "/macros/{none}", STAFF),
        ("/views", "/views/{none}", STAFF),
    ] {
        rows.push(row("GET", all, none(), STAFF));
        rows.push(row("POST", all, none(), answered(422, may)));
        rows.push(row("GET", one, none(), nowhere(STAFF)));
        rows.push(row("PATCH", one, none(), nowhere(may)));
        rows.push(row("DELETE", one, none(), nowhere(may)));
    }
    rows
}
