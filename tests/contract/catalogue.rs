//! Every event that a day at the desk says is what the catalogue says it is.

#![allow(clippy::cognitive_complexity, reason = "a day is long")]

use crate::{
    harness::{Play, Receiver, Server, Session, Setup},
    hooks::hook,
    wire::until,
};
use boon::{Compiler, Schemas};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Everything somebody may hear.
fn heard(session: &Session) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = session.get(&format!("/api/v1/events?after={after}&limit=500")).expect(200);
        let (rows, meta) = (page.data(), page.meta());
        all.extend(rows.as_array().unwrap().iter().cloned());
        if meta["next_after"] == after {
            return all;
        }
        after = meta["next_after"].as_i64().unwrap();
    }
}

/// Checks data by the schemas that receivers are given.
struct Catalogue {
    schemas: BTreeMap<String, Value>,
}

impl Catalogue {
    fn of(session: &Session) -> Self {
        let rows = session.get("/api/v1/event-types").expect(200).data();
        let pair = |row: &Value| (row["type"].as_str().unwrap().to_owned(), row["schema"].clone());
        Self { schemas: rows.as_array().unwrap().iter().map(pair).collect() }
    }

    fn check(&self, event: &Value) -> Result<(), String> {
        let kind = event["type"].as_str().unwrap();
        let Some(schema) = self.schemas.get(kind) else { return Ok(()) };
        let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
        compiler.enable_format_assertions();
        compiler.add_resource("kind.json", schema.clone()).unwrap();
        let index = compiler.compile("kind.json", &mut schemas).unwrap();
        let checked = schemas.validate(&event["data"], index).map_err(|e| e.to_string());
        checked.map_err(|why| format!("{kind}: {why} in {}", event["data"]))
    }
}

fn id(made: &Value) -> String {
    made["id"].as_str().expect("an id").to_owned()
}

fn upload(session: &Session, path: &str) -> Value {
    let body = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\
                content-type: text/plain\r\n\r\nsome text\r\n--x--\r\n";
    let request = session.request("POST", path).body(body);
    request.header("content-type", "multipart/form-data; boundary=x").send().expect(201).data()
}

fn tickets(admin: &Session, agent: &Session, customer: &Session) {
    let post = |who: &Session, path: &str, body: Value| -> Value {
        let answer = who.post(&format!("/api/v1{path}"), &body);
        assert!(answer.status < 300, "{path}: {}", answer.text());
        answer.data()
    };
    let open = || json!({ "subject": "Printer", "description": "It burns", "priority": "urgent" });
    let ticket = id(&post(customer, "/tickets", open()));
    let at = |what: &str| format!("/tickets/{ticket}{what}");
    post(agent, &at("/assign"), json!({ "assignee_id": agent.id() }));
    post(agent, &at("/unassign"), json!({}));
    agent
        .patch(&format!("/api/v1{}", at("")), &json!({ "priority": "high", "tags": ["ink"] }))
        .expect(200);
    for (body, visibility) in [("Hello", "public"), ("Between us", "internal")] {
        let comment = json!({ "body": body, "visibility": visibility });
        let comment = id(&post(agent, &at("/comments"), comment));
        let path = format!("/api/v1/comments/{comment}");
        agent.patch(&path, &json!({ "body": "Hello again" })).expect(200);
        upload(agent, &format!("{path}/attachments"));
        agent.delete(&path).expect(200);
    }
    let file = id(&upload(customer, &format!("/api/v1{}", at("/attachments"))));
    let path = format!("/api/v1/attachments/{file}");
    customer.patch(&path, &json!({ "filename": "b.txt" })).expect(200);
    customer.delete(&path).expect(200);
    agent.patch(&format!("/api/v1{}", at("")), &json!({ "status": "resolved" })).expect(200);
    let other = id(&post(agent, "/tickets", open()));
    post(agent, &format!("/tickets/{other}/merge"), json!({ "into": ticket }));
    admin.delete(&format!("/api/v1{}", at(""))).expect(200);
    post(admin, &at("/restore"), json!({}));
}

fn chats(agent: &Session, customer: &Session) {
    let new = json!({ "body": "Is anyone there?" });
    let chat = id(&customer.post("/api/v1/chats", &new).expect(201).data());
    let at = |what: &str| format!("/api/v1/chats/{chat}{what}");
    agent.post(&at("/assign"), &json!({})).expect(200);
    let said = json!({ "body": "I am", "client_msg_id": "c-1" });
    let said = id(&agent.post(&at("/messages"), &said).expect(201).data());
    upload(agent, &at(&format!("/messages/{said}/attachments")));
    agent.patch(&at(&format!("/messages/{said}")), &json!({ "body": "I was" })).expect(200);
    agent.delete(&at(&format!("/messages/{said}"))).expect(200);
    customer.post(&at("/read"), &json!({ "number": 2 })).expect(200);
    agent.post(&at("/ticket"), &json!({})).expect(201);
    agent.post(&at("/close"), &json!({})).expect(200);
    agent.post(&at("/reopen"), &json!({})).expect(200);
}

fn house(admin: &Session, agent: &Session) {
    let team = json!({ "name": "First line", "members": [agent.id()] });
    let team = id(&admin.post("/api/v1/teams", &team).expect(201).data());
    admin.patch(&format!("/api/v1/teams/{team}"), &json!({ "name": "Second line" })).expect(200);
    admin.delete(&format!("/api/v1/teams/{team}")).expect(200);
    let leaver = id(&admin.hire("agent"));
    admin.patch(&format!("/api/v1/users/{leaver}"), &json!({ "name": "Gone" })).expect(200);
    admin.delete(&format!("/api/v1/users/{leaver}")).expect(200);
    for state in ["available", "busy", "offline"] {
        agent.post("/api/v1/agent-state/me", &json!({ "state": state, "reason": "x" })).expect(200);
    }
    let article = json!({ "title": "Ink", "body": "Buy some", "visibility": "public" });
    let article = id(&agent.post("/api/v1/kb/articles", &article).expect(201).data());
    let path = format!("/api/v1/kb/articles/{article}");
    agent.patch(&path, &json!({ "title": "More ink" })).expect(200);
    upload(agent, &format!("{path}/attachments"));
    for what in ["publish", "unpublish", "publish", "archive"] {
        agent.post(&format!("{path}/{what}"), &json!({})).expect(200);
    }
    agent.delete(&path).expect(200);
}

/// A webhook that fails until it is switched off.
fn webhooks(admin: &Session) {
    let receiver = Receiver::answering(|n| match n {
        0..4 => Play::Status(500),
        4 => Play::Status(200),
        _ => Play::Status(410),
    });
    let with = json!({ "retry_count": 1, "events": ["probe.*"] });
    let id = hook(admin, &receiver.url("/"), &with);
    for received in [2, 4, 5, 6] {
        crate::hooks::say(admin, "probe.one");
        receiver.wait_for(received);
    }
    until("it is switched off", || {
        (admin.get(&format!("/api/v1/webhooks/{id}")).data()["is_active"] == false).then_some(())
    });
    admin.post(&format!("/api/v1/webhooks/{id}/test"), &json!({})).expect(200);
}

/// What the day must have had.
const WANTED: [&str; 46] = [
    "ticket.created",
    "ticket.updated",
    "ticket.deleted",
    "ticket.restored",
    "ticket.merged",
    "ticket.status.changed",
    "ticket.assigned",
    "ticket.unassigned",
    "comment.created",
    "comment.updated",
    "comment.deleted",
    "attachment.added",
    "attachment.updated",
    "attachment.deleted",
    "user.created",
    "user.updated",
    "user.deleted",
    "team.created",
    "team.updated",
    "team.deleted",
    "kb_article.created",
    "kb_article.updated",
    "kb_article.deleted",
    "kb_article.published",
    "kb_article.unpublished",
    "kb_article.archived",
    "sla.warning",
    "sla.breached",
    "sla.met",
    "notification.created",
    "notification.read",
    "webhook.test",
    "webhook.failing",
    "webhook.recovered",
    "webhook.exhausted",
    "webhook.disabled",
    "agent.state.changed",
    "chat.created",
    "chat.updated",
    "chat.message",
    "chat.message.updated",
    "chat.message.deleted",
    "chat.assigned",
    "chat.read",
    "chat.closed",
    "chat.reopened",
];

#[test]
fn every_event_of_a_long_day_is_what_its_schema_says() {
    let server = Server::with(|s: Setup| s.env("WEBHOOK_RETRY_SCHEDULE", "10ms"));
    let admin = server.admin();
    let (agent, customer) = (admin.new_user("agent"), admin.new_user("customer"));
    // Quick promises, so that they are kept, warned of and broken within the day.
    let ten = json!({ "normal": 10, "high": 10, "urgent": 10 });
    let twenty = json!({ "normal": 20, "high": 20, "urgent": 20 });
    let policy = json!({ "name": "Quick", "first_response_minutes": ten,
        "resolution_minutes": twenty });
    let made = admin.post("/api/v1/sla-policies", &policy);
    assert!(made.status == 201, "{}", made.text());
    customer.post("/api/v1/tickets", &json!({ "subject": "Slow", "description": "x" })).expect(201);
    tickets(&admin, &agent, &customer);
    house(&admin, &agent);
    chats(&agent, &customer);
    webhooks(&admin);
    for (step_ms, kind) in [(9 * 60_000, "sla.warning"), (30 * 60_000, "sla.breached")] {
        server.advance_ms(step_ms);
        until(kind, || heard(&admin).iter().any(|event| event["type"] == kind).then_some(()));
    }
    let read = agent.get("/api/v1/notifications").expect(200).data();
    if let Some(first) = read.as_array().unwrap().first() {
        let path = format!("/api/v1/notifications/{}/read", first["id"].as_str().unwrap());
        agent.post(&path, &json!({})).expect(200);
    }
    let catalogue = Catalogue::of(&admin);
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    for session in [&admin, &agent, &customer] {
        for event in heard(session) {
            seen.insert(event["type"].as_str().unwrap().to_owned());
            wrong.extend(catalogue.check(&event).err());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let said = |kind: &&str| seen.contains(*kind);
    let missing: Vec<_> = WANTED.iter().filter(|kind| !said(kind)).collect();
    assert!(missing.is_empty(), "the day had no {missing:?}");
}
