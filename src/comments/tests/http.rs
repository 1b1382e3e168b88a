//! A desk with people, a ticket, and the routes of what is said on it.

use crate::{
    accounts::{Visit, login},
    attachments::{Settings, Store, tests as attachments},
    auth::{Role, password},
    comments::http as comments,
    event::{Kind, catalogue},
    http::{
        Core,
        testing::{Answered, House, ask},
    },
    id::{EntityId, TenantId, UserId},
    tenants,
    tickets::{self, Hand},
    users,
};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::FromRef,
    http::{HeaderMap, Request},
    routing::get,
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// Whose house it is, and who is there: Ina has a ticket that Ada works on, Fred (a customer) and
/// Ben (an agent) follow it, Olaf has nothing to do with it, Sue supervises, Xaver is elsewhere.
const PEOPLE: [(&str, Role); 7] = [
    ("Ina", Role::Customer),
    ("Fred", Role::Customer),
    ("Olaf", Role::Customer),
    ("Ada", Role::Agent),
    ("Ben", Role::Agent),
    ("Sue", Role::Supervisor),
    ("Xaver", Role::Admin),
];

#[derive(Clone, FromRef)]
struct Rooms {
    core: Core,
    files: Store,
}

/// The desk; gone when the test ends.
pub(crate) struct Desk {
    pub(crate) house: House,
    pub(crate) files: Store,
    pub(crate) tenant: TenantId,
    pub(crate) ticket: EntityId,
    routes: Router,
    people: HashMap<&'static str, (UserId, String)>,
    folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let house = House::new();
        let folder = crate::test_folder();
        let place = folder.path().join("attachments");
        let settings = Settings { folder: place, key: [7; 64], refuse_below_bytes: 0 };
        let files = Store::open(settings).unwrap();
        let tenant = house.write(|w| tenants::create(w, "Ours")).await.id;
        let elsewhere = house.write(|w| tenants::create(w, "Theirs")).await.id;
        let hash = password::hash("correct horse").unwrap();
        let mut people = HashMap::new();
        for (name, role) in PEOPLE {
            let at = if name == "Xaver" { elsewhere } else { tenant };
            people.insert(name, sign_in(&house, at, (name, role), hash.clone()).await);
        }
        let id = |name: &str| people.get(name).map(|(id, _): &(UserId, String)| *id).unwrap();
        let new = json!({ "subject": "Printer", "requester_id": id("Ina"),
            "assignee_id": id("Ada"), "followers": [id("Fred"), id("Ben")] });
        let new: tickets::New = serde_json::from_value(new).unwrap();
        let hand = Hand::of_system(tenant);
        let ticket = house.write(move |w| tickets::create(w, &hand, &new)).await.id;
        let routes = routes(Rooms { core: Core::clone(&house), files: files.clone() });
        Self { house, files, tenant, ticket, routes, people, folder }
    }

    pub(crate) fn id(&self, name: &str) -> UserId {
        self.people[name].0
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asks with headers of one's own, and nobody's name when `who` is empty.
    pub(crate) async fn ask_with(
        &self,
        who: &str,
        what: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answered {
        let token = self.people.get(who).map(|(_, token)| ("authorization", token.as_str()));
        let headers: Vec<_> = token.into_iter().chain(headers.iter().copied()).collect();
        ask(&self.routes, what, &headers, body).await
    }

    pub(crate) async fn ask(&self, who: &str, what: &str, body: Value) -> (u16, Value) {
        let (status, _, answer) = self.ask_with(who, what, &[], body).await;
        (status.as_u16(), answer)
    }

    /// Comments on the ticket, and expects it to work; answers the comment.
    pub(crate) async fn comment(&self, who: &str, body: Value) -> Value {
        let (status, answer) = self.ask(who, &self.at_ticket("POST", "comments"), body).await;
        assert_eq!(status, 201, "{answer}");
        answer["data"].clone()
    }

    pub(crate) fn at_ticket(&self, method: &str, what: &str) -> String {
        format!("{method} /tickets/{}/{what}", self.ticket)
    }

    /// Asks for bytes.
    pub(crate) async fn get(
        &self,
        who: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (u16, HeaderMap, Vec<u8>) {
        let mut request = Request::get(path).header("host", "localhost");
        if let Some((_, token)) = self.people.get(who) {
            request = request.header("authorization", token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = tower::ServiceExt::oneshot(self.routes.clone(), request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 32 << 20).await.unwrap();
        (parts.status.as_u16(), parts.headers, bytes.into())
    }

    /// Sends a file as `name`, in a form.
    pub(crate) async fn send(
        &self,
        who: &str,
        path: &str,
        (name, bytes): (&str, &[u8]),
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        let head = "--XyZ\r\nContent-Disposition: form-data; name=\"file\"; filename=";
        let head = format!("{head}\"{name}\"\r\n\r\n");
        let form = [head.as_bytes(), bytes, b"\r\n--XyZ--\r\n"].concat();
        self.send_raw(who, path, ("multipart/form-data; boundary=XyZ", form), headers).await
    }

    pub(crate) async fn send_raw(
        &self,
        who: &str,
        path: &str,
        (content_type, body): (&str, Vec<u8>),
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        let mut request = Request::post(path)
            .header("host", "localhost")
            .header("authorization", &self.people[who].1)
            .header("content-type", content_type);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = tower::ServiceExt::oneshot(self.routes.clone(), request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        (parts.status.as_u16(), serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// The ticket as it is stored.
    pub(crate) async fn ticket_now(&self) -> tickets::Ticket {
        let (tenant, id) = (self.tenant, self.ticket);
        self.house.db.read(move |r| tickets::find(r, tenant, id)).await.unwrap().unwrap()
    }

    pub(crate) async fn set_status(&self, status: &'static str) {
        let edit: tickets::Edit = serde_json::from_value(json!({ "status": status })).unwrap();
        let (hand, id) = (Hand::of_system(self.tenant), self.ticket);
        self.house.write(move |w| tickets::change(w, &hand, id, &edit)).await;
    }

    /// The names of everything said after `seq`, notifications left out.
    pub(crate) async fn kinds_after(&self, seq: i64) -> Vec<String> {
        let said = self.house.said_after(seq).await;
        let kinds = said.iter().map(|event| event["kind"].as_str().unwrap().to_owned());
        kinds.filter(|kind| kind != "notification.created").collect()
    }

    /// Who was told what after `seq`: `Name: words`, sorted.
    pub(crate) async fn told_after(&self, seq: i64) -> Vec<String> {
        let mut told = Vec::new();
        for event in self.house.said_after(seq).await {
            if event["kind"] == "notification.created" {
                let data = &event["data"];
                let user: UserId = serde_json::from_value(data["user_id"].clone()).unwrap();
                let name = self.people.iter().find(|(_, (id, _))| *id == user).unwrap().0;
                told.push(format!("{name}: {}", data["message"].as_str().unwrap()));
            }
        }
        told.sort();
        told
    }

    /// What somebody hears of the log after `seq`, whole.
    pub(crate) async fn heard_after(&self, seq: i64, who: &str) -> Vec<Value> {
        let role = PEOPLE.iter().find(|(name, _)| *name == who).unwrap().1;
        let user = self.id(who);
        let listener = crate::event::Listener { tenant: self.tenant, user, role };
        let read =
            self.house.db.read(move |r| crate::db::events_after(r, &listener, &[], seq, 1_000));
        let listed = read.await.unwrap().envelopes;
        listed.iter().map(|e| json!(crate::event::Listed::from(e))).collect()
    }

    pub(crate) fn stored(&self) -> Vec<PathBuf> {
        crate::attachments::tests::files(self.folder())
    }
}

async fn sign_in(
    house: &House,
    tenant: TenantId,
    (name, role): (&str, Role),
    hash: String,
) -> (UserId, String) {
    let email = format!("{name}@example.com");
    let new = users::New::plain(&email, name, role);
    let hand = users::Hand::of_system(tenant);
    let user = house.write(move |w| users::create(w, &hand, &new, Some(&hash))).await.id;
    let sent = login::Credentials::checked(Some(email), Some("correct horse".into()), None);
    let visit = Visit::new([127, 0, 0, 1].into(), "");
    let signed_in = login::login(house, sent.ok().unwrap(), visit).await.ok().unwrap();
    (user, format!("Bearer {}", signed_in.access_token))
}

fn routes(rooms: Rooms) -> Router {
    Router::new()
        .route("/tickets/{id}/comments", get(comments::list).post(comments::create))
        .route(
            "/comments/{id}",
            get(comments::show).patch(comments::update).delete(comments::delete),
        )
        .merge(attachments::routes())
        .with_state(rooms)
}

/// Whether what was said is as the catalogue promises.
pub(crate) fn fits(kind: &Kind, data: &Value) {
    let schema = &catalogue::entry(kind).unwrap().schema;
    let (mut compiler, mut schemas) = (boon::Compiler::new(), boon::Schemas::new());
    compiler.add_resource("kind.json", schema.clone()).unwrap();
    let index = compiler.compile("kind.json", &mut schemas).unwrap();
    if let Err(e) = schemas.validate(data, index) {
        panic!("{kind}: {e}");
    }
}
