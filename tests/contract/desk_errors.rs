//! Bad input on the desk's routes: each is answered with the right status and the field that is
//! wrong, in our own words, and leaves the desk as it was.

use crate::{
    harness::{Api, Response, Server, Session},
    leaks_world::{id, make},
};
use serde_json::{Value, json};

/// What a request is answered with, and the fields that are named.
type Case = (&'static str, String, Value, u16, &'static [&'static str]);

/// Things to be spoken of, and who speaks.
struct Desk {
    admin: Session,
    customer: Session,
    /// Named in the cases with braces.
    ids: Vec<(&'static str, String)>,
}

impl Desk {
    fn new(server: &Server) -> Self {
        let admin = server.admin();
        let [customer, agent] = ["customer", "agent"].map(|role| admin.new_user(role));
        let open = |subject: &str| {
            id(&make(&customer, "/tickets", json!({ "subject": subject, "description": "x" })))
        };
        let [ticket, closed, merged] = ["open", "closed", "merged"].map(open);
        let say = |ticket: &str| {
            id(&make(&customer, &format!("/tickets/{ticket}/comments"), json!({ "body": "b" })))
        };
        let [comment, late] = [say(&ticket), say(&closed)];
        let close = json!({ "status": "closed" });
        admin.patch(&format!("/api/v1/tickets/{closed}"), &close).expect(200);
        let into = json!({ "into": ticket });
        admin.post(&format!("/api/v1/tickets/{merged}/merge"), &into).expect(200);
        let article = json!({ "title": "Taken", "body": "x", "slug": "taken" });
        let article = id(&make(&admin, "/kb/articles", article));
        let category = id(&make(&admin, "/kb/categories", json!({ "name": "Taken" })));
        let team = id(&make(&admin, "/teams", json!({ "name": "Taken" })));
        let kept = json!({ "name": "Kept", "text": "x" });
        let kept = id(&make(&admin, "/macros", kept));
        let ids = vec![
            ("{ticket}", ticket),
            ("{closed}", closed),
            ("{merged}", merged),
            ("{comment}", comment),
            ("{late}", late),
            ("{article}", article),
            ("{category}", category),
            ("{team}", team),
            ("{macro}", kept),
            ("{agent}", agent.id().to_owned()),
            ("{customer}", customer.id().to_owned()),
            ("{none}", String::from("0192a5a0-0000-7000-8000-00000000000f")),
        ];
        Self { admin, customer, ids }
    }

    fn fill(&self, text: &str) -> String {
        self.ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
    }

    /// Asks, and makes sure of the answer and that nothing has changed by it.
    fn refused(&self, who: &Api, case: &Case) {
        let (method, path, body, status, fields) = case;
        let path = format!("/api/v1{}", self.fill(path));
        let before = self.admin.latest_seq();
        let request = who.request(method, &path);
        let answer = if *method == "GET" {
            request.send()
        } else {
            request.json(&serde_json::from_str(&self.fill(&body.to_string())).unwrap()).send()
        };
        let text: String = answer.text().chars().take(2_000).collect();
        let sent: String = body.to_string().chars().take(300).collect();
        let what = format!("{method} {path} {sent}: {} {text}", answer.status);
        assert_eq!(answer.status, *status, "{what}");
        in_our_words(&answer, &what);
        let mut named: Vec<_> = answer.error()["fields"]
            .as_object()
            .map(|fields| fields.keys().cloned().collect())
            .unwrap_or_default();
        named.sort_unstable();
        assert_eq!(named, *fields, "{what}");
        assert_eq!(self.admin.latest_seq(), before, "{what}");
    }
}

/// No library speaks through an answer.
fn in_our_words(answer: &Response, what: &str) {
    let theirs = ["variant", "serde", "invalid type", ", expected", "struct ", "rusqlite", "SQL"];
    let told = answer.error().to_string();
    for word in theirs {
        assert!(!told.contains(word), "{what} speaks of {word}");
    }
}

fn of(length: usize) -> String {
    "x".repeat(length)
}

fn case(what: &'static str, body: Value, status: u16, fields: &'static [&'static str]) -> Case {
    let (method, path) = what.split_once(' ').unwrap();
    (method, path.to_owned(), body, status, fields)
}

/// What is wrong with a ticket, in a new one and in a change alike.
fn ticket_fields() -> Vec<(Value, &'static [&'static str])> {
    let deep = (0..100).fold(json!(1), |deep, _| json!([deep]));
    vec![
        (json!({ "subject": "" }), &["subject"]),
        (json!({ "subject": of(256) }), &["subject"]),
        (json!({ "subject": "a\nb" }), &["subject"]),
        (json!({ "subject": 7 }), &["subject"]),
        (json!({ "description": of((64 << 10) + 1) }), &["description"]),
        (json!({ "description": "a\u{0}" }), &["description"]),
        (json!({ "priority": "huge" }), &["priority"]),
        (json!({ "priority": 1 }), &["priority"]),
        (json!({ "status": "asleep" }), &["status"]),
        (json!({ "type": of(65) }), &["type"]),
        (json!({ "tags": "a" }), &["tags"]),
        (json!({ "tags": ["a,b", of(65)] }), &["tags[0]", "tags[1]"]),
        (json!({ "tags": vec!["a"; 51] }), &["tags"]),
        (json!({ "custom": [] }), &["custom"]),
        (json!({ "custom": { "a": of(16 << 10) } }), &["custom"]),
        (json!({ "custom": { "a": deep } }), &["custom"]),
        (json!({ "requester_id": "x" }), &["requester_id"]),
        (json!({ "requester_id": "{none}" }), &["requester_id"]),
        (json!({ "assignee_id": "{customer}" }), &["assignee_id"]),
        (json!({ "assignee_id": "{none}" }), &["assignee_id"]),
        (json!({ "team_id": "{none}" }), &["team_id"]),
        (json!({ "due_at": "tomorrow" }), &["due_at"]),
        (json!({ "colour": 1 }), &["colour"]),
        (json!({ "number": 1 }), &["number"]),
    ]
}

fn tickets() -> Vec<Case> {
    let mut cases = vec![
        case("POST /tickets", json!({}), 422, &["subject"]),
        case("POST /tickets", json!([]), 422, &["body"]),
        case("POST /tickets", json!({ "subject": "a", "channel": "fax" }), 422, &["channel"]),
        case(
            "POST /tickets",
            json!({ "subject": "a", "followers": ["{none}"] }),
            422,
            &["followers[0]"],
        ),
        case("PATCH /tickets/{ticket}", json!({ "version": 1, "subject": "b" }), 409, &[]),
        case("PATCH /tickets/{ticket}", json!({ "version": "1" }), 422, &["version"]),
        case("PATCH /tickets/{closed}", json!({ "status": "open" }), 409, &[]),
        case("PATCH /tickets/{merged}", json!({ "subject": "b" }), 409, &[]),
        case("PATCH /tickets/{none}", json!({ "subject": "b" }), 404, &[]),
        case("PATCH /tickets/0", json!({ "subject": "b" }), 404, &[]),
        case("PATCH /tickets/99999999999999999999", json!({}), 404, &[]),
        case("DELETE /tickets/{none}", json!({}), 404, &[]),
        case("POST /tickets/{none}/restore", json!({}), 404, &[]),
        case("POST /tickets/{merged}/reopen", json!({}), 409, &[]),
        case("POST /tickets/{ticket}/reopen", json!({ "why": 1 }), 422, &["why"]),
        case(
            "POST /tickets/{ticket}/assign",
            json!({ "assignee_id": "{none}" }),
            422,
            &["assignee_id"],
        ),
        case("POST /tickets/{merged}/assign", json!({}), 409, &[]),
        case("POST /tickets/{ticket}/unassign", json!({ "version": 0 }), 409, &[]),
        case("POST /tickets/{ticket}/follow", json!({ "user_id": "{none}" }), 422, &["user_id"]),
        case("POST /tickets/{merged}/follow", json!({}), 409, &[]),
        case("POST /tickets/{ticket}/merge", json!({}), 422, &["into"]),
        case("POST /tickets/{ticket}/merge", json!({ "into": "x" }), 422, &["into"]),
        case("POST /tickets/{ticket}/merge", json!({ "into": [1] }), 422, &["into"]),
        case("POST /tickets/{ticket}/merge", json!({ "into": "{ticket}" }), 422, &["into"]),
        case("POST /tickets/{ticket}/merge", json!({ "into": "{closed}" }), 409, &[]),
        case("POST /tickets/{ticket}/merge", json!({ "into": 4_000_000 }), 404, &[]),
        case("POST /tickets/{ticket}/macros/{none}", json!({}), 404, &[]),
        case("POST /tickets/bulk", json!({ "ids": [] }), 422, &["changes", "ids"]),
        case("POST /tickets/bulk", json!({ "ids": ["x"] }), 422, &["ids[0]"]),
        case(
            "POST /tickets/bulk",
            json!({ "ids": ["{ticket}"], "delete": "yes" }),
            422,
            &["delete"],
        ),
        case(
            "POST /tickets/bulk",
            json!({ "ids": ["{ticket}"], "changes": { "status": "x" } }),
            422,
            &["changes.status"],
        ),
        case("GET /tickets/{ticket}/timeline?limit=0", json!(0), 422, &["limit"]),
        case("GET /tickets/{ticket}/timeline?after=x", json!(0), 422, &["after"]),
    ];
    for (fields, named) in ticket_fields() {
        let mut new = json!({ "subject": "a" });
        new.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        cases.push(("POST", "/tickets".into(), new, 422, named));
        cases.push(("PATCH", "/tickets/{ticket}".into(), fields, 422, named));
    }
    cases
}

fn lists() -> Vec<Case> {
    let queries: [(&str, &'static [&'static str]); 26] = [
        ("/tickets?status=asleep", &["status"]),
        ("/tickets?priority=1", &["priority"]),
        ("/tickets?assignee=x", &["assignee"]),
        ("/tickets?team=me", &["team"]),
        ("/tickets?requester=none", &["requester"]),
        ("/tickets?created_after=x", &["created_after"]),
        ("/tickets?deleted=maybe", &["deleted"]),
        ("/tickets?sort=id", &["sort"]),
        ("/tickets?page=0", &["page"]),
        ("/tickets?per_page=201", &["per_page"]),
        ("/tickets?per_page=x", &["per_page"]),
        ("/tickets?view=x", &["view"]),
        ("/tickets?view={none}", &["view"]),
        ("/tickets?colour=red", &["colour"]),
        ("/tickets.csv?status=asleep", &["status"]),
        ("/kb/articles?status=x", &["status"]),
        ("/kb/articles?visibility=x", &["visibility"]),
        ("/kb/articles?category_id=x", &["category_id"]),
        ("/search?q=", &["q"]),
        ("/search", &["q"]),
        ("/search?q=a&in=people", &["in"]),
        ("/search?q=a&limit=51", &["limit"]),
        ("/notifications?unread=perhaps", &["unread"]),
        ("/notifications?page=x", &["page"]),
        ("/tickets/{ticket}/comments?limit=201", &["limit"]),
        ("/tickets/{ticket}/comments?after={none}", &["after"]),
    ];
    queries.into_iter().map(|(path, fields)| ("GET", path.into(), json!(0), 422, fields)).collect()
}

fn comments() -> Vec<Case> {
    let to = "POST /tickets/{ticket}/comments";
    vec![
        case(to, json!({}), 422, &["body"]),
        case(to, json!({ "body": " " }), 422, &["body"]),
        case(to, json!({ "body": of((64 << 10) + 1) }), 422, &["body"]),
        case(to, json!({ "body": "a\u{0}b" }), 422, &["body"]),
        case(to, json!({ "body": ["a"] }), 422, &["body"]),
        case(to, json!({ "body": "a", "visibility": "secret" }), 422, &["visibility"]),
        case(to, json!({ "body": "a", "format": "html" }), 422, &["format"]),
        case(to, json!({ "body": "a", "mentions": ["{none}"] }), 422, &["mentions[0]"]),
        case(to, json!({ "body": "a", "mentions": "all" }), 422, &["mentions"]),
        case(to, json!({ "body": "a", "author_id": "{agent}" }), 422, &["author_id"]),
        case("POST /tickets/{closed}/comments", json!({ "body": "a" }), 409, &[]),
        case("POST /tickets/{merged}/comments", json!({ "body": "a" }), 409, &[]),
        case("POST /tickets/{none}/comments", json!({ "body": "a" }), 404, &[]),
        case(
            "PATCH /comments/{comment}",
            json!({ "visibility": "internal" }),
            422,
            &["visibility"],
        ),
        case("PATCH /comments/{comment}", json!({ "body": "" }), 422, &["body"]),
        case("PATCH /comments/{comment}", json!({ "body": "b", "version": 7 }), 409, &[]),
        case("PATCH /comments/x", json!({ "body": "b" }), 404, &[]),
        case("DELETE /comments/{none}", json!({}), 404, &[]),
    ]
}

fn knowledge() -> Vec<Case> {
    let (to, at) = ("POST /kb/articles", "PATCH /kb/articles/{article}");
    vec![
        case(to, json!({}), 422, &["title"]),
        case(to, json!({ "title": of(256) }), 422, &["title"]),
        case(to, json!({ "title": "a\u{0}b" }), 422, &["title"]),
        case(to, json!({ "title": "a", "body": of((256 << 10) + 1) }), 422, &["body"]),
        case(to, json!({ "title": "a", "body": "a\u{0}b" }), 422, &["body"]),
        case(to, json!({ "title": "a", "excerpt": of(501) }), 422, &["excerpt"]),
        case(to, json!({ "title": "a", "status": "x" }), 422, &["status"]),
        case(to, json!({ "title": "a", "visibility": "x" }), 422, &["visibility"]),
        case(to, json!({ "title": "a", "slug": "A b" }), 422, &["slug"]),
        case(to, json!({ "title": "a", "slug": "taken" }), 409, &[]),
        case(to, json!({ "title": "a", "category_id": "{none}" }), 422, &["category_id"]),
        case(to, json!({ "title": "a", "tags": vec![of(51)] }), 422, &["tags"]),
        case(at, json!({ "title": "" }), 422, &["title"]),
        case(at, json!({ "title": "b", "version": 9 }), 409, &[]),
        case("PATCH /kb/articles/{none}", json!({ "title": "b" }), 404, &[]),
        case("POST /kb/articles/{article}/vote", json!({ "helpful": "yes" }), 422, &["helpful"]),
        case("POST /kb/categories", json!({ "name": "" }), 422, &["name"]),
        case("POST /kb/categories", json!({ "name": "a\u{7}" }), 422, &["name"]),
        case("POST /kb/categories", json!({ "name": "Taken" }), 409, &[]),
        case("POST /kb/categories", json!({ "name": "a", "position": -1 }), 422, &["position"]),
    ]
}

fn kept() -> Vec<Case> {
    let (policies, calendars) = ("POST /sla-policies", "POST /calendars");
    vec![
        case("POST /macros", json!({ "name": "" }), 422, &["changes", "name"]),
        case("POST /macros", json!({ "name": "a", "text": "{{x}}" }), 422, &["text"]),
        case(
            "POST /macros",
            json!({ "name": "a", "changes": { "status": "x" } }),
            422,
            &["changes.status"],
        ),
        case("PATCH /macros/{macro}", json!({ "text": "b", "version": 9 }), 409, &[]),
        case("PATCH /macros/{macro}", json!({ "version": "x" }), 422, &["version"]),
        case("POST /views", json!({ "name": "a", "shared": "us" }), 422, &["shared"]),
        case("POST /views", json!({ "name": "a", "shared": "team" }), 422, &["team_id"]),
        case("POST /views", json!({ "name": "a", "filters": { "status": "x" } }), 422, &["status"]),
        case(
            "POST /views",
            json!({ "name": "a", "filters": { "view": "{none}" } }),
            422,
            &["filters.view"],
        ),
        case(
            policies,
            json!({ "name": "a", "resolution_minutes": { "high": -1 } }),
            422,
            &["resolution_minutes.high"],
        ),
        case(
            policies,
            json!({ "name": "a", "resolution_minutes": { "huge": 1 } }),
            422,
            &["resolution_minutes"],
        ),
        case(
            calendars,
            json!({ "name": "a", "timezone": "Mars", "hours": {
            "monday": [["09:00", "17:00"]] } }),
            422,
            &["timezone"],
        ),
        case(
            calendars,
            json!({ "name": "a", "timezone": "UTC", "hours": {
            "someday": [["09:00", "17:00"]] } }),
            422,
            &["hours"],
        ),
    ]
}

fn people() -> Vec<Case> {
    vec![
        case("POST /teams", json!({ "name": " " }), 422, &["name"]),
        case("POST /teams", json!({ "name": "taken" }), 409, &[]),
        case("POST /teams", json!({ "name": "a", "assignment": "dice" }), 422, &["assignment"]),
        case(
            "POST /teams",
            json!({ "name": "a", "members": ["{customer}"] }),
            422,
            &["members[0]"],
        ),
        case("PATCH /teams/{team}", json!({ "lead_id": "{customer}" }), 422, &["lead_id"]),
        case("PATCH /teams/{team}", json!({ "name": "b", "version": 4 }), 409, &[]),
        case("PUT /users/me/webhook", json!({ "webhook_url": "ftp://a/" }), 422, &["webhook_url"]),
        case("PUT /users/me/webhook", json!({ "webhook_url": 7 }), 422, &["webhook_url"]),
        case("PUT /agent-state/{agent}", json!({ "state": "asleep" }), 422, &["state"]),
        case(
            "POST /users",
            json!({ "email": "a@b.c", "name": "a", "role": "king" }),
            422,
            &["role"],
        ),
        case(
            "PATCH /auth/me",
            json!({ "notify_prefs": { "own_actions": "yes" } }),
            422,
            &["notify_prefs.own_actions"],
        ),
        case(
            "POST /events",
            json!({ "type": "a.b", "data": {}, "room": "queue:a\"b" }),
            422,
            &["room"],
        ),
        case("POST /notifications/{none}/read", json!({}), 404, &[]),
    ]
}

#[test]
fn bad_input_is_refused_by_name_and_changes_nothing() {
    let server = Server::start();
    let desk = Desk::new(&server);
    let all = [tickets(), lists(), comments(), knowledge(), kept(), people()];
    for case in all.iter().flatten() {
        desk.refused(&desk.admin, case);
    }
    for case in [
        case("POST /tickets", json!({ "subject": "a", "tags": ["a"] }), 403, &[]),
        case("PATCH /tickets/{ticket}", json!({ "priority": "low" }), 403, &[]),
        case("PATCH /tickets/{closed}", json!({ "subject": "b" }), 409, &[]),
        case("POST /tickets/{closed}/comments", json!({ "body": "a" }), 409, &[]),
        case("PATCH /comments/{late}", json!({ "body": "a" }), 409, &[]),
        case("DELETE /comments/{late}", json!({}), 409, &[]),
        case("GET /tickets?view={none}", json!(0), 403, &[]),
    ] {
        desk.refused(&desk.customer, &case);
    }
}
