//! The fifteen changes of which the ticketing document says that people are told: each is heard by
//! every client of it, whole, with the entity as REST answers it.
//!
//! > **Comments**: Created, updated, deleted. **Tickets**: Created, updated, deleted. **Users**:
//! > Created, updated, deleted. **Knowledge Base**: Articles created, updated, deleted.
//! > **Attachments**: Added, updated, deleted.

use crate::{
    clients,
    harness::{Api, Receiver, Response, Server, Session},
    hooks::as_input,
    socketio_clients::{ALL, Client, installed},
    wire::until,
};
use serde_json::{Value, json};

/// The receiver within the server.
const INSIDE: &str = "/api/notifications/webhooks/notifications";

/// The six fields of the document's `notification`.
const SIX: [&str; 6] = ["created_at", "id", "message", "related_id", "related_type", "type"];

/// What REST shows only to staff, and no event carries.
const FOR_STAFF: [&str; 4] =
    ["first_response_due_at", "resolution_due_at", "last_activity_at", "internal_note_count"];

/// One of the fifteen: what is to be told of it, and the entity as REST answered it.
pub(crate) struct Act {
    kind: &'static str,
    related_type: &'static str,
    /// To whom it is assigned or who administers; followers hear it in the second words.
    messages: [String; 2],
    entity: Value,
}

impl Act {
    fn new(
        kind: &'static str,
        related_type: &'static str,
        message: &str,
        answer: Response,
    ) -> Self {
        let mut entity = answer.data();
        // How somebody new comes in is for whoever made their account alone.
        for field in FOR_STAFF.into_iter().chain(["invite_link"]) {
            entity.as_object_mut().unwrap().remove(field);
        }
        Self { kind, related_type, messages: [message, message].map(String::from), entity }
    }

    /// Judges the document's body `{event, notification, data}`.
    fn judge(&self, body: &Value, follows: bool, whose: &str) {
        let about = format!("{} to {whose}: {body:#}", self.kind);
        assert_eq!(keys(body), ["data", "event", "notification"], "{about}");
        assert_eq!(body["event"], "notification.created", "{about}");
        let told = &body["notification"];
        assert_eq!(keys(told), SIX, "{about}");
        assert_eq!(told["type"], self.kind, "{about}");
        assert_eq!(told["message"], self.messages[usize::from(follows)], "{about}");
        assert_eq!(told["related_type"], self.related_type, "{about}");
        assert_eq!(told["related_id"], self.entity["id"], "{about}");
        let at = told["created_at"].as_str().expect("a time");
        assert!(at.ends_with('Z') && at.as_bytes()[10] == b'T', "{about}");
        assert_eq!(body["data"], self.entity, "{about}");
    }

    fn is_told_in(&self, body: &Value) -> bool {
        body["notification"]["type"] == self.kind
    }
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn upload(api: &Api, path: &str, filename: &str, content: &str) -> Response {
    let body = format!(
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\n\r\n\
         {content}\r\n--x--\r\n"
    );
    let request =
        api.request("POST", path).header("content-type", "multipart/form-data; boundary=x");
    request.body(body).send()
}

/// One of each: a customer and an administrator do what two other administrators are told of. The
/// first of those gets the ticket, the second follows it.
fn fifteen_acts(root: &Session, dora: &Session, first: &Session, second: &Session) -> Vec<Act> {
    let (boss, customer) =
        (root.user["name"].as_str().unwrap(), dora.user["name"].as_str().unwrap());
    let open = json!({ "subject": "Printer", "description": "é ☎ \"quoted\"", "priority": "high" });
    let made = dora.post("/api/tickets", &open).expect(201);
    let number = made.data()["number"].clone();
    let at = format!("/api/tickets/{}", made.data()["id"].as_str().unwrap());
    let message = format!("New ticket #{number} 'Printer' from {customer}");
    let mut acts = vec![Act::new("ticket_created", "ticket", &message, made)];
    root.post(&format!("{at}/assign"), &json!({ "assignee_id": first.id() })).expect(200);
    second.post(&format!("{at}/follow"), &json!({})).expect(200);
    let edit = json!({ "status": "in_progress", "tags": ["hardware"], "custom": { "floor": 3 } });
    let mut act = Act::new("ticket_updated", "ticket", "", root.patch(&at, &edit));
    act.messages = ["Your ticket was updated".into(), "A ticket you follow was updated".into()];
    acts.push(act);

    let body = json!({ "body": "It says PC LOAD LETTER" });
    let made = dora.post(&format!("{at}/comments"), &body).expect(201);
    let comment = format!("/api/comments/{}", made.data()["id"].as_str().unwrap());
    let message = format!("New comment on your ticket 'Printer' by {customer}");
    acts.push(Act::new("comment_on_ticket", "comment", &message, made));
    let edited = dora.patch(&comment, &json!({ "body": "It says nothing any more" }));
    let message = format!("Comment on ticket 'Printer' was edited by {customer}");
    acts.push(Act::new("comment_updated", "comment", &message, edited));

    let added =
        upload(dora, &format!("{at}/attachments"), "log.txt", "what it printed").expect(201);
    let file = format!("/api/attachments/{}", added.data()["id"].as_str().unwrap());
    let message = format!("New attachment 'log.txt' on your ticket 'Printer' by {customer}");
    acts.push(Act::new("attachment_added", "attachment", &message, added));
    let renamed = dora.patch(&file, &json!({ "filename": "print.txt" }));
    let message =
        format!("Attachment 'print.txt' on your ticket 'Printer' was updated by {customer}");
    acts.push(Act::new("attachment_updated", "attachment", &message, renamed));
    let message =
        format!("Attachment 'print.txt' on your ticket 'Printer' was deleted by {customer}");
    acts.push(Act::new("attachment_deleted", "attachment", &message, dora.delete(&file)));
    let message = format!("Comment on ticket 'Printer' was deleted by {customer}");
    acts.push(Act::new("comment_deleted", "comment", &message, dora.delete(&comment)));

    acts.extend(articles_and_users(root, boss));
    let message = format!("Ticket 'Printer' was deleted by {boss}");
    acts.push(Act::new("ticket_deleted", "ticket", &message, root.delete(&at)));
    acts
}

fn articles_and_users(root: &Session, boss: &str) -> Vec<Act> {
    let body = json!({ "title": "Paper", "body": "Letter is not A4.", "tags": ["printer"] });
    let made = root.post("/api/kb/articles", &body).expect(201);
    let at = format!("/api/kb/articles/{}", made.data()["id"].as_str().unwrap());
    let said = |what: &str, verb: &str| format!("{what} was {verb} by {boss}");
    let paper = "Knowledge base article 'Paper'";
    let mut acts =
        vec![Act::new("kb_article_created", "kb_article", &said(paper, "created"), made)];
    let edited = root.patch(&at, &json!({ "body": "Letter is not A4, and A4 is not Letter." }));
    acts.push(Act::new("kb_article_updated", "kb_article", &said(paper, "updated"), edited));
    let gone = root.delete(&at);
    acts.push(Act::new("kb_article_deleted", "kb_article", &said(paper, "deleted"), gone));

    let gus = json!({ "email": "gus@example.com", "name": "Gus", "role": "customer" });
    let made = root.post("/api/users", &gus).expect(201);
    let at = format!("/api/users/{}", made.data()["id"].as_str().unwrap());
    acts.push(Act::new("user_created", "user", &said("User 'Gus'", "created"), made));
    let edited = root.patch(&at, &json!({ "name": "Gustav", "phone": "+49 30 1234567" }));
    acts.push(Act::new("user_updated", "user", &said("User 'Gustav'", "updated"), edited));
    let gone = root.delete(&at);
    acts.push(Act::new("user_deleted", "user", &said("User 'Gustav'", "deleted"), gone));
    acts
}

/// The document's body out of the argument of `notification`, after a look at the rest of it:
/// `payload.data` and `notification.message` are both where its pages look.
fn body_of(argument: &Value) -> Value {
    let mut body = argument.clone();
    let object = body.as_object_mut().unwrap();
    assert!(object.remove("seq").is_some_and(|seq| seq.is_i64()), "{argument}");
    for field in SIX {
        let on_top = object.remove(field);
        assert_eq!(on_top.as_ref(), Some(&argument["notification"][field]), "{field} {argument}");
    }
    body
}

/// > **Webhooks** […] Trigger: All CRUD operations send webhooks to configured URLs.
/// > **WebSockets/Socket.IO** […] Trigger: Same events as webhooks, emitted to connected clients.
/// > Both channels now include complete entity data.
#[test]
fn all_fifteen_are_heard_whole_by_every_socket_io_client_and_by_both_kinds_of_webhook() {
    let server = Server::start();
    let root = server.admin();
    let (first, second) = (root.new_user("admin"), root.new_user("admin"));
    let dora = root.new_user("customer");
    let receiver = Receiver::start();
    let set = |who: &Session, url: &str| {
        let made = who.put("/api/users/me/webhook", &json!({ "webhook_url": url })).expect(200);
        made.data()["secret"].as_str().expect("it is shown once").to_owned()
    };
    let secret = set(&first, &receiver.url("/api/webhooks/notifications"));
    set(&second, INSIDE);
    let mut listening = Vec::new();
    for kind in if installed() { &ALL[..] } else { &[] } {
        for transports in
            [json!(["polling"]), json!(["websocket"]), json!(["polling", "websocket"])]
        {
            let options = json!({ "auth": { "token": first.token() }, "transports": transports });
            let client = Client::start(*kind, &server.url(""), &options);
            listening.push((format!("{kind:?} {transports}"), client));
        }
    }
    for (_, client) in &listening {
        client.wait_is("connect");
    }
    let acts = fifteen_acts(&root, &dora, &first, &second);
    assert_eq!(acts.len(), 15);
    for (name, client) in &listening {
        let bodies = until("all fifteen", || {
            let events = client.events();
            let told = events.iter().filter(|event| event[0] == "notification");
            let bodies: Vec<_> = told.map(|event| body_of(&event[1])).collect();
            let all = acts.iter().all(|act| bodies.iter().any(|body| act.is_told_in(body)));
            all.then_some(bodies)
        });
        judge_all(&acts, &bodies, false, name);
    }
    by_webhook(&receiver, &secret, &acts);
    inside(&second, &acts);
}

fn judge_all(acts: &[Act], bodies: &[Value], follows: bool, whose: &str) {
    for act in acts {
        let told: Vec<_> = bodies.iter().filter(|body| act.is_told_in(body)).collect();
        assert_eq!(told.len(), 1, "{} to {whose}, once: {bodies:#?}", act.kind);
        act.judge(told[0], follows, whose);
    }
}

/// The user's own webhook gets the document's body and nothing beside it, signed with their secret.
fn by_webhook(receiver: &Receiver, secret: &str, acts: &[Act]) {
    let all_there = |received: &[crate::harness::Received]| {
        acts.iter().all(|act| received.iter().any(|r| act.is_told_in(&r.json())))
    };
    let received = receiver.wait_until("all fifteen", all_there);
    let bodies: Vec<_> = received.iter().map(|delivery| delivery.json()).collect();
    judge_all(acts, &bodies, false, "the own webhook");
    let inputs: Vec<_> = received.iter().map(|delivery| as_input(delivery, secret)).collect();
    let good = vec![json!({ "plain": true, "standard": true, "svix": true }); inputs.len()];
    if installed() {
        assert_eq!(clients::python("verify.py", &json!(inputs)), json!(good));
    }
    for delivery in &received {
        assert_eq!(delivery.header("x-webhook-event"), Some("notification.created"));
        assert_eq!(delivery.path, "/api/webhooks/notifications");
    }
}

/// > For internal webhooks (same app): `"/api/notifications/webhooks/notifications"`
fn inside(follower: &Session, acts: &[Act]) {
    let came = |limit: usize| {
        let all = follower.get(&format!("{INSIDE}?limit={limit}")).data();
        all.as_array().unwrap().clone()
    };
    let bodies = until("all fifteen inside", || {
        let all = came(100);
        assert!(all.iter().all(|one| one["signed"] == true && one["webhook_id"].is_string()));
        let bodies: Vec<_> = all.iter().map(|one| one["body"].clone()).collect();
        acts.iter().all(|act| bodies.iter().any(|body| act.is_told_in(body))).then_some(bodies)
    });
    judge_all(acts, &bodies, true, "the receiver inside");
}
