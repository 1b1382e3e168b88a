//! A desk full of secrets: each is one word, planted in one place, with those who may read it.

use crate::harness::{Api, Response, Server, Session, Socket};
use serde_json::{Value, json};
use std::collections::HashMap;

/// One word that stands nowhere else.
#[derive(Debug, Clone)]
pub(crate) struct Secret {
    pub(crate) word: String,
    /// Beside the staff of its tenant, who may read it.
    pub(crate) readers: &'static [&'static str],
    /// Whose staff may read it: `ours`, `theirs` or `nobody's`.
    pub(crate) staff: &'static str,
}

/// Two tenants, their people and things.
pub(crate) struct World {
    pub(crate) secrets: Vec<Secret>,
    /// Ids by the word that stands before them in a path.
    pub(crate) ids: HashMap<&'static str, Vec<String>>,
    pub(crate) admin: Session,
    pub(crate) agent: Session,
    pub(crate) dora: Session,
    pub(crate) emil: Session,
    pub(crate) their_admin: Session,
    pub(crate) their_customer: Session,
    /// Somebody without an account, in a chat of their own.
    pub(crate) visitor: Api,
    /// Dora's ticket.
    pub(crate) ticket: String,
    /// Held open, so that there is something to end.
    _open: Vec<Socket>,
}

const DORA: &[&str] = &["dora"];
const EMIL: &[&str] = &["emil"];
const BOTH: &[&str] = &["dora", "emil"];
const THEIRS: &[&str] = &["their customer"];
const VISITOR: &[&str] = &["visitor"];
const STAFF: &[&str] = &[];

/// Adds a file; answers what is known of it.
pub(crate) fn upload(who: &Api, to: &str, name: &str, bytes: &str) -> Response {
    who.request("POST", &format!("/api/v1{to}/attachments")).file(name, bytes.as_bytes()).send()
}

/// Makes something; answers it.
pub(crate) fn make(who: &Api, path: &str, body: Value) -> Value {
    who.post(&format!("/api/v1{path}"), &body).expect(201).data()
}

/// The id of what was made.
pub(crate) fn id(of: &Value) -> String {
    of["id"].to_string().trim_matches('"').to_owned()
}

/// Secrets and ids as they are planted.
#[derive(Default)]
struct Garden {
    secrets: Vec<Secret>,
    ids: HashMap<&'static str, Vec<String>>,
    staff: &'static str,
    open: Vec<Socket>,
}

impl Garden {
    fn word(&mut self, what: &str, readers: &'static [&'static str]) -> String {
        let word = format!("zz{what}{}zz", self.secrets.len());
        self.secrets.push(Secret { word: word.clone(), readers, staff: self.staff });
        word
    }

    fn note(&mut self, kind: &'static str, thing: &Value) -> String {
        let id = id(thing);
        self.ids.entry(kind).or_default().push(id.clone());
        id
    }

    fn file(&mut self, who: &Api, to: &str, readers: &'static [&'static str]) {
        let name = format!("{}.txt", self.word("filename", readers));
        let bytes = self.word("bytes", readers);
        let file = upload(who, to, &name, &bytes).expect(201).data();
        self.note("attachments", &file);
    }

    /// A customer's ticket with all that may hang on it; answers its id.
    fn ticket(
        &mut self,
        (customer, agent, admin): (&Session, &Session, &Session),
        readers: &'static [&'static str],
    ) -> String {
        let new = json!({ "subject": self.word("subject", readers),
            "description": self.word("description", readers),
            "type": self.word("type", readers), "custom": { "a": self.word("custom", readers) } });
        let ticket = make(customer, "/tickets", new);
        let (at, number) = (self.note("tickets", &ticket), ticket["number"].to_string());
        self.ids.entry("tickets").or_default().push(number);
        let comments = format!("/tickets/{at}/comments");
        let said = make(customer, &comments, json!({ "body": self.word("comment", readers) }));
        let said = self.note("comments", &said);
        make(agent, &comments, json!({ "body": self.word("answer", readers) }));
        self.file(customer, &format!("/tickets/{at}"), readers);
        self.file(customer, &format!("/comments/{said}"), readers);
        let tags = json!({ "tags": [self.word("tag", readers)], "assignee_id": agent.id() });
        agent.patch(&format!("/api/v1/tickets/{at}"), &tags).expect(200);
        let body = json!({ "body": self.word("note", STAFF), "visibility": "internal",
            "mentions": [admin.id()] });
        let note = make(agent, &comments, body);
        let note = self.note("comments", &note);
        self.file(agent, &format!("/comments/{note}"), STAFF);
        let edit = json!({ "body": self.word("editednote", STAFF) });
        agent.patch(&format!("/api/v1/comments/{note}"), &edit).expect(200);
        let gone = json!({ "body": self.word("gonenote", STAFF), "visibility": "internal" });
        let gone = id(&make(agent, &comments, gone));
        agent.delete(&format!("/api/v1/comments/{gone}")).expect(200);
        at
    }

    /// A customer's chat; what is said in it is theirs and the staff's.
    fn chat(&mut self, customer: &Session, agent: &Session, readers: &'static [&'static str]) {
        let chat = make(customer, "/chats", json!({ "body": self.word("chat", readers) }));
        let messages = format!("/chats/{}/messages", self.note("chats", &chat));
        let said = json!({ "body": self.word("chatanswer", readers) });
        let said = make(agent, &messages, said);
        let said = self.note("messages", &said);
        let gone = json!({ "body": self.word("chatedited", readers) });
        let path = format!("/api/v1{messages}/{said}");
        agent.patch(&path, &gone).expect(200);
        self.file(agent, &format!("{messages}/{said}"), readers);
    }

    /// A visitor's chat, which names them; answers their client.
    fn visit(&mut self, admin: &Session) -> Api {
        let open = json!({ "visitors": true });
        let open = admin.patch("/api/v1/chats/settings", &open).expect(200).data();
        let new = json!({ "key": open["key"], "name": self.word("visitor", VISITOR),
            "email": format!("{}@example.com", self.word("address", VISITOR)),
            "body": self.word("visit", VISITOR) });
        let begun = make(admin, "/chats/visitor", new);
        let chat = self.note("chats", &begun["chat"]);
        let answer = json!({ "body": self.word("visitanswer", VISITOR) });
        let answer = make(admin, &format!("/chats/{chat}/messages"), answer);
        self.note("messages", &answer);
        admin.with_token(begun["token"].as_str().unwrap())
    }

    fn article(
        &mut self,
        who: &Session,
        (status, visibility): (&str, &str),
        readers: &'static [&'static str],
    ) {
        let new = json!({ "title": self.word("title", readers), "body": self.word("text", readers),
            "excerpt": self.word("excerpt", readers), "tags": [self.word("label", readers)],
            "status": status, "visibility": visibility });
        let made = make(who, "/kb/articles", new);
        let at = self.note("articles", &made);
        self.ids.entry("public").or_default().push(made["slug"].as_str().unwrap().to_owned());
        self.file(who, &format!("/kb/articles/{at}"), readers);
    }

    /// Articles that were public once, or come to be: what they were while they were not stays
    /// among staff.
    fn turned_articles(&mut self, who: &Session, readers: &'static [&'static str]) {
        let (title, secret) = (self.word("turned", readers), self.word("draft", STAFF));
        let new = json!({ "title": title, "body": secret });
        let at = id(&make(who, "/kb/articles", new));
        let path = format!("/api/v1/kb/articles/{at}");
        let open = json!({ "body": self.word("open", readers), "status": "published" });
        who.patch(&path, &open).expect(200);
        let shut = json!({ "body": self.word("shut", STAFF), "visibility": "internal" });
        who.patch(&path, &shut).expect(200);
        let draft = json!({ "title": self.word("shuttitle", STAFF) });
        who.patch(&path, &draft).expect(200);
        self.ids.entry("articles").or_default().push(at);
    }

    /// What staff keep and say among themselves.
    fn tools(&mut self, admin: &Session, agent: &Session) {
        let policy = json!({ "name": self.word("policy", STAFF),
            "resolution_minutes": { "normal": 60 }, "first_response_minutes": { "normal": 30 } });
        let policy = make(admin, "/sla-policies", policy);
        self.note("sla-policies", &policy);
        let calendar = json!({ "name": self.word("calendar", STAFF), "timezone": "UTC",
            "hours": { "monday": [["09:00", "17:00"]] } });
        let calendar = make(admin, "/calendars", calendar);
        self.note("calendars", &calendar);
        let kept =
            json!({ "name": self.word("macro", STAFF), "text": self.word("macrotext", STAFF) });
        let kept = make(agent, "/macros", kept);
        self.note("macros", &kept);
        let view = json!({ "name": self.word("view", STAFF), "shared": "all",
            "filters": { "status": "open" } });
        let view = make(admin, "/views", view);
        self.note("views", &view);
        let team = make(admin, "/teams", json!({ "name": self.word("team", STAFF) }));
        self.note("teams", &team);
        let state = json!({ "state": "busy", "reason": self.word("reason", STAFF) });
        agent.post("/api/v1/agent-state/me", &state).expect(200);
        let reason = json!({ "name": self.word("reasonname", STAFF), "limit_minutes": 30 });
        let reason = make(admin, "/agent-state/reasons", reason);
        self.note("reasons", &reason);
        let reports = ["agent-time", "calls", "calls.csv", "service-level", "tickets", "webhooks"];
        self.ids.insert("reports", reports.map(String::from).into());
        let event = json!({ "type": "order.paid", "data": { "a": self.word("event", STAFF) } });
        let said = make(admin, "/events", event);
        self.ids.entry("events").or_default().push(said["seq"].to_string());
        let call = json!({ "direction": "inbound", "from_number": "+49 30 987654",
            "from_name": self.word("callname", STAFF), "queue": self.word("queue", STAFF),
            "external_id": self.word("external", STAFF) });
        let call = make(agent, "/calls", call);
        let call = format!("/api/v1/calls/{}", self.note("calls", &call));
        agent.post(&format!("{call}/answer"), &json!({})).expect(200);
        agent.post(&format!("{call}/end"), &json!({})).expect(200);
        let wrap = json!({ "disposition": self.word("disposition", STAFF),
            "note": self.word("callnote", STAFF) });
        agent.post(&format!("{call}/wrapup"), &wrap).expect(200);
        let category = json!({ "name": self.word("category", BOTH) });
        if self.staff == "ours" {
            let category = make(admin, "/kb/categories", category);
            self.note("categories", &category);
        }
    }

    fn people(&mut self, people: &[&Session]) {
        for person in people {
            self.ids.entry("users").or_default().push(person.id().to_owned());
            self.ids.entry("tenants").or_default().push(person.tenant_id().to_owned());
            for notice in person.get("/api/v1/notifications").data().as_array().unwrap() {
                self.note("notifications", notice);
            }
        }
    }

    /// What only administrators know, and what is for one person.
    fn private(&mut self, admin: &Session, emil: &Session) {
        self.staff = "nobody's";
        let hook = json!({ "name": self.word("hook", STAFF), "events": ["call.*"],
            "url": format!("http://127.0.0.1:7000/{}", self.word("path", STAFF)) });
        let hook = make(admin, "/webhooks", hook);
        self.note("webhooks", &hook);
        // Tests of a webhook are heard by all staff, with its name.
        let plain = json!({ "name": "a", "events": ["call.*"], "url": "http://127.0.0.1:7000/" });
        let plain = make(admin, "/webhooks", plain);
        let path = format!("/webhooks/{}", self.note("webhooks", &plain));
        let tested = admin.post(&format!("/api/v1{path}/test"), &json!({})).expect(200).data();
        let delivery = tested["delivery_id"].to_string();
        self.ids.entry("deliveries").or_default().push(delivery);
        let since = json!({ "since": "2020-01-01T00:00:00Z" });
        let replay = make(admin, &format!("{path}/replay"), since);
        self.note("replays", &replay);
        let pbx = json!({ "kind": "cti", "name": self.word("pbx", STAFF) });
        let pbx = make(admin, "/pbx", pbx);
        self.note("pbx", &pbx);
        let bin = make(admin, "/bins", json!({ "name": self.word("bin", STAFF) }));
        let path = format!("/bin/{}", self.note("bins", &bin));
        admin.request("POST", &path).body(self.word("binned", STAFF)).send().expect(200);
        let described = json!({ "description": "It grew.", "example": {} });
        make(admin, "/event-types/garden.grown", described);
        self.ids.entry("event-types").or_default().push("garden.grown".into());
        let token = json!({ "name": self.word("token", STAFF), "scopes": ["users:read"] });
        let token = make(admin, "/tokens", token);
        self.note("tokens", &token);
        let event = json!({ "type": "order.paid", "user_id": emil.id(),
            "data": { "a": self.word("personal", EMIL) } });
        let said = make(admin, "/events", event);
        self.ids.entry("events").or_default().push(said["seq"].to_string());
        let sessions = format!("/api/v1/auth/sessions?user_id={}", emil.id());
        let session = admin.get(&sessions).data()[0].clone();
        self.note("sessions", &session);
        self.open.push(Socket::open(emil));
        let connections = admin.get("/api/v1/ws/connections").expect(200).data();
        self.note("connections", &connections[0]);
    }
}

impl World {
    pub(crate) fn new(server: &Server) -> Self {
        let admin = server.admin();
        let their_admin = admin.new_tenant("Elsewhere").admin;
        let their_customer = their_admin.new_user("customer");
        let [agent, dora, emil] =
            ["agent", "customer", "customer"].map(|role| admin.new_user(role));
        let mut garden = Garden { staff: "ours", ..Garden::default() };
        garden.tools(&admin, &agent);
        let ticket = garden.ticket((&dora, &agent, &admin), DORA);
        garden.ticket((&emil, &agent, &admin), EMIL);
        garden.chat(&dora, &agent, DORA);
        garden.chat(&emil, &agent, EMIL);
        let visitor = garden.visit(&admin);
        for (place, readers) in [
            (("published", "public"), BOTH),
            (("published", "internal"), STAFF),
            (("draft", "public"), STAFF),
            (("archived", "public"), STAFF),
        ] {
            garden.article(&agent, place, readers);
        }
        garden.turned_articles(&agent, BOTH);
        garden.people(&[&admin, &agent, &emil]);
        garden.private(&admin, &emil);
        garden.staff = "theirs";
        garden.tools(&their_admin, &their_admin);
        garden.ticket((&their_customer, &their_admin, &their_admin), THEIRS);
        garden.chat(&their_customer, &their_admin, THEIRS);
        garden.article(&their_admin, ("published", "public"), THEIRS);
        garden.people(&[&their_admin, &their_customer]);
        let Garden { secrets, ids, open, .. } = garden;
        let _open = open;
        Self {
            secrets,
            ids,
            admin,
            agent,
            dora,
            emil,
            their_admin,
            their_customer,
            visitor,
            ticket,
            _open,
        }
    }

    /// Each secret in these bytes that `who` may not read, staff of `staff`.
    pub(crate) fn leaked(&self, bytes: &[u8], who: &str, staff: &str) -> Vec<&str> {
        let may = |secret: &Secret| secret.readers.contains(&who) || secret.staff == staff;
        let text = String::from_utf8_lossy(bytes);
        let unread = self.secrets.iter().filter(|secret| !may(secret));
        let mut leaked: Vec<_> = unread.map(|secret| secret.word.as_str()).collect();
        if staff.is_empty() {
            leaked.extend(STAFF_FIELDS);
        }
        leaked.retain(|word| text.contains(word));
        leaked
    }

    /// Each path that a pattern of the routes stands for, with all ids that fit.
    pub(crate) fn paths(&self, pattern: &str) -> Vec<String> {
        let mut paths = vec![String::from("/api/v1")];
        let mut before = "";
        for part in pattern.split('?').next().unwrap().split('/').skip(1) {
            let kind = if before == "agent-state" { "users" } else { before };
            let known = self.ids.get(kind);
            let fill = if part.starts_with('{') {
                known.unwrap_or_else(|| panic!("no ids of {before} for {pattern}")).clone()
            } else {
                vec![part.to_owned()]
            };
            paths = paths
                .iter()
                .flat_map(|path| fill.iter().map(move |id| format!("{path}/{id}")))
                .collect();
            before = part;
        }
        paths
    }
}

/// What stands on a ticket for staff only.
const STAFF_FIELDS: [&str; 4] =
    ["last_activity_at", "internal_note_count", "first_response_due_at", "resolution_due_at"];
