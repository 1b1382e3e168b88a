//! Who may do what: one table of all routes, and every row tried by everybody.

use crate::{
    harness::{Api, Server, Session, Socket, Tenant},
    roles_calls, roles_desk, roles_floor, roles_pbx,
    wire::until,
};
use serde_json::{Value, json};

/// One route as everybody tries it.
pub(crate) struct Row {
    pub(crate) method: &'static str,
    /// With things of the first tenant by their names in braces, such as `{user}`: [`World`] has
    /// them all.
    pub(crate) path: &'static str,
    /// What is sent; the good requests of the table change nothing that another row needs.
    pub(crate) body: Value,
    /// The status for [`WHO`], in that order.
    statuses: [u16; 7],
}

/// Who tries: without a token, the four roles and the system administrator of the first tenant, and
/// an administrator of another.
const WHO: [&str; 7] =
    ["nobody", "customer", "agent", "supervisor", "admin", "system", "another tenant's admin"];

/// Anybody who is signed in.
pub(crate) const SIGNED_IN: [u16; 7] = [401, 200, 200, 200, 200, 200, 200];
/// Agents and above.
pub(crate) const STAFF: [u16; 7] = [401, 403, 200, 200, 200, 200, 200];
/// Supervisors and above.
pub(crate) const SUPERVISORS: [u16; 7] = [401, 403, 403, 200, 200, 200, 200];
/// Administrators.
pub(crate) const ADMIN: [u16; 7] = [401, 403, 403, 403, 200, 200, 200];
/// The system administrator.
const SYSTEM: [u16; 7] = [401, 403, 403, 403, 403, 200, 403];

/// The same, where a good request is answered `ok`.
pub(crate) fn answered(with: u16, mut statuses: [u16; 7]) -> [u16; 7] {
    statuses.iter_mut().filter(|status| **status == 200).for_each(|status| *status = with);
    statuses
}

/// The same, about a thing of the first tenant: for another it is not there.
pub(crate) fn theirs(mut statuses: [u16; 7]) -> [u16; 7] {
    statuses[6] = 404;
    statuses
}

pub(crate) fn row(
    method: &'static str,
    path: &'static str,
    body: Value,
    statuses: [u16; 7],
) -> Row {
    Row { method, path, body, statuses }
}

/// Every route of the API but those that are for anyone: signing in, refreshing, signing out,
/// setting up, and those that have a token of their own.
pub(crate) fn table() -> Vec<Row> {
    let mut rows = roles_desk::table();
    rows.extend(roles_floor::table());
    rows.extend(roles_calls::table());
    rows.extend(roles_pbx::table());
    rows.extend(house());
    rows.extend(endings());
    rows
}

/// All of it but the desk's and the floor's, which come first, and what ends something.
fn house() -> Vec<Row> {
    let none = || json!({});
    let event = || json!({ "type": "order.paid", "data": {} });
    vec![
        row("GET", "/auth/me", none(), SIGNED_IN),
        row("PATCH", "/auth/me", none(), SIGNED_IN),
        row("POST", "/auth/password", none(), answered(422, SIGNED_IN)),
        row("GET", "/auth/sessions", none(), SIGNED_IN),
        row("GET", "/auth/sessions?user_id={user}", none(), theirs(ADMIN)),
        row("GET", "/users", none(), STAFF),
        row("POST", "/users", none(), answered(422, ADMIN)),
        row("GET", "/users/{user}", none(), theirs(STAFF)),
        row("PATCH", "/users/{user}", none(), theirs(ADMIN)),
        row("POST", "/users/{user}/reset-link", none(), theirs(answered(201, ADMIN))),
        row("GET", "/tokens", none(), ADMIN),
        row("POST", "/tokens", none(), answered(422, ADMIN)),
        row("GET", "/tenants", none(), SYSTEM),
        row("POST", "/tenants", none(), answered(422, SYSTEM)),
        row("PATCH", "/tenants/{tenant}", none(), SYSTEM),
        row("GET", "/ws", none(), answered(400, SIGNED_IN)),
        row("POST", "/ws/ticket", none(), answered(201, SIGNED_IN)),
        row("GET", "/ws/users/{user}/online", none(), STAFF),
        row("GET", "/ws/online", none(), STAFF),
        row("GET", "/ws/stats", none(), STAFF),
        row("GET", "/ws/connections", none(), ADMIN),
        row("GET", "/events", none(), SIGNED_IN),
        row("GET", "/events/stream?since=x", none(), answered(422, SIGNED_IN)),
        row("POST", "/events", event(), answered(201, STAFF)),
        row("POST", "/events", to_user(), [401, 403, 201, 201, 201, 201, 422]),
        row("POST", "/events/batch", json!({ "events": [event()] }), answered(201, STAFF)),
        row("GET", "/events/{seq}", none(), theirs(STAFF)),
        row("GET", "/events/{seq}/journey", none(), theirs(ADMIN)),
        row("GET", "/sync", none(), SIGNED_IN),
        row("GET", "/event-types", none(), STAFF),
        row("POST", "/event-types/{type}", none(), answered(422, ADMIN)),
        row("PATCH", "/event-types/{type}", none(), theirs(ADMIN)),
        row("GET", "/webhooks", none(), ADMIN),
        row("POST", "/webhooks", none(), answered(422, ADMIN)),
        row("GET", "/webhooks/{hook}", none(), theirs(ADMIN)),
        row("PUT", "/webhooks/{hook}", none(), theirs(ADMIN)),
        row("PATCH", "/webhooks/{hook}", none(), theirs(ADMIN)),
        row("POST", "/webhooks/{hook}/test", none(), theirs(ADMIN)),
        row("GET", "/webhooks/{hook}/logs", none(), theirs(ADMIN)),
        row("GET", "/webhooks/{hook}/stats", none(), theirs(ADMIN)),
        row("GET", "/bins", none(), ADMIN),
        row("POST", "/bins", json!({ "name": 7 }), answered(422, ADMIN)),
        row("GET", "/bins/{bin}", none(), theirs(ADMIN)),
        row("PATCH", "/bins/{bin}", none(), theirs(ADMIN)),
        row("GET", "/bins/{bin}/requests", none(), theirs(ADMIN)),
        row("POST", "/webhooks/check", none(), answered(422, ADMIN)),
        row("POST", "/webhooks/{hook}/rotate-secret", none(), theirs(ADMIN)),
        row("POST", "/webhooks/{hook}/pause", none(), theirs(ADMIN)),
        row("POST", "/webhooks/{hook}/resume", none(), theirs(ADMIN)),
        row("POST", "/webhooks/{hook}/replay", counting(), theirs(ADMIN)),
        row("GET", "/replays/{replay}", none(), theirs(ADMIN)),
        row("GET", "/deliveries/{delivery}", none(), theirs(ADMIN)),
        // A test is neither tried again nor cancelled.
        row("POST", "/deliveries/{delivery}/retry", none(), theirs(answered(409, ADMIN))),
        row("POST", "/deliveries/{delivery}/cancel", none(), theirs(answered(409, ADMIN))),
    ]
}

/// What ends something comes last; the first who may does it, the next finds it gone.
fn endings() -> Vec<Row> {
    let none = || json!({});
    vec![
        row("DELETE", "/ws/connections/{connection}", none(), [401, 403, 403, 403, 200, 404, 404]),
        row("DELETE", "/auth/sessions/{session}", none(), [401, 404, 404, 404, 200, 404, 404]),
        row("DELETE", "/tokens/{token}", none(), [401, 403, 403, 403, 200, 404, 404]),
        row("DELETE", "/replays/{replay}", none(), theirs(answered(409, ADMIN))),
        row("DELETE", "/event-types/{type}", none(), [401, 403, 403, 403, 200, 404, 404]),
        row("DELETE", "/webhooks/{hook}", none(), [401, 403, 403, 403, 200, 404, 404]),
        row("DELETE", "/bins/{bin}", none(), [401, 403, 403, 403, 200, 404, 404]),
        row("DELETE", "/users/{user}", none(), theirs(ADMIN)),
    ]
}

fn counting() -> Value {
    json!({ "since": "2026-01-01T00:00:00Z", "dry_run": true })
}

fn to_user() -> Value {
    json!({ "type": "order.paid", "data": {}, "user_id": "{user}" })
}

/// The first tenant's people and things, and somebody from outside.
struct World {
    who: [Api; 7],
    ids: Vec<(&'static str, String)>,
    other: Tenant,
    system: Session,
    _socket: Socket,
}

/// A delivery of a webhook, and a replay that has ended.
fn sent(system: &Session, hook: &Value) -> (Value, Value) {
    let path = format!("/api/v1/webhooks/{hook}");
    let delivery = system.post(&format!("{path}/test"), &json!({})).data()["delivery_id"].clone();
    let since = json!({ "since": "2026-01-01T00:00:00Z" });
    let replay = system.post(&format!("{path}/replay"), &since).expect(201).data()["id"].clone();
    until("the replay has ended", || {
        let state = system.get(&format!("/api/v1/replays/{replay}")).data()["state"].clone();
        (state == "done").then_some(())
    });
    (delivery, replay)
}

impl World {
    fn new(server: &Server) -> Self {
        let system = server.admin();
        let other = system.new_tenant("Elsewhere");
        let people = ["customer", "agent", "supervisor", "admin"].map(|role| system.new_user(role));
        let victim = system.new_user("agent");
        let sessions = format!("/api/v1/auth/sessions?user_id={}", victim.id());
        let session = system.get(&sessions).data()[0]["id"].clone();
        let token = json!({ "name": "a", "scopes": ["users:read"] });
        let token = system.post("/api/v1/tokens", &token).data()["id"].clone();
        let hook = json!({ "name": "a", "url": "http://127.0.0.1:7000/", "events": ["sla.*"],
            "timeout": 1 });
        let hook = system.post("/api/v1/webhooks", &hook).expect(201).data()["id"].clone();
        let socket = Socket::open(&victim);
        let connection = until("the socket is listed", || {
            system.get("/api/v1/ws/connections").data()[0]["id"].as_u64()
        });
        let bin = system.post("/api/v1/bins", &json!({})).expect(201).data()["id"].clone();
        let (delivery, replay) = sent(&system, &hook);
        let described = json!({ "description": "Sold.", "example": {} });
        system.post("/api/v1/event-types/shop.sold", &described).expect(201);
        let event = json!({ "type": "order.paid", "data": {} });
        let seq = system.post("/api/v1/events", &event).data()["seq"].clone();
        let plain = |value: &Value| value.to_string().trim_matches('"').to_owned();
        let mut ids = vec![
            ("{user}", victim.id().to_owned()),
            ("{session}", plain(&session)),
            ("{token}", plain(&token)),
            ("{connection}", connection.to_string()),
            ("{hook}", plain(&hook)),
            ("{bin}", plain(&bin)),
            ("{delivery}", plain(&delivery)),
            ("{replay}", plain(&replay)),
            ("{type}", String::from("shop.sold")),
            ("{seq}", plain(&seq)),
            ("{tenant}", system.tenant_id().to_owned()),
        ];
        ids.extend(roles_desk::things(&system));
        ids.extend(roles_floor::things(&system));
        ids.extend(roles_calls::things(&system));
        ids.extend(roles_pbx::things(&system));
        let [customer, agent, supervisor, admin] = people.map(|session| (*session).clone());
        let stranger = (*other.admin).clone();
        let who = [server.api(), customer, agent, supervisor, admin, (*system).clone(), stranger];
        Self { who, ids, other, system, _socket: socket }
    }

    fn fill(&self, text: &str) -> String {
        self.ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
    }

    fn ask(&self, row: &Row, who: usize, prefix: &str) -> u16 {
        match self.ask_as(row, who, prefix, None) {
            // Nobody may ask so often; somebody with a forged token is as much nobody.
            429 => self.ask_as(row, who, prefix, Some("Bearer forged")),
            status => status,
        }
    }

    fn ask_as(&self, row: &Row, who: usize, prefix: &str, token: Option<&str>) -> u16 {
        let path = format!("{prefix}{}", self.fill(row.path));
        let mut request = self.who[who].request(row.method, &path);
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        if row.method == "GET" {
            return request.send().status;
        }
        request
            .header("content-type", "application/json")
            .body(self.fill(&row.body.to_string()))
            .send()
            .status
    }
}

#[test]
fn every_route_lets_in_whom_it_should_and_another_tenants_things_are_not_there() {
    let server = Server::start();
    let world = World::new(&server);
    let strangers_view = |world: &World| {
        let all = ["/api/v1/users", "/api/v1/webhooks", "/api/v1/tokens", "/api/v1/agent-state"];
        all.map(|path| world.other.admin.get(path).expect(200).json())
    };
    let mut wrong = Vec::new();
    for row in table() {
        for (at, who) in WHO.iter().enumerate() {
            let status = world.ask(&row, at, "/api/v1");
            if status != row.statuses[at] {
                let Row { method, path, .. } = row;
                wrong.push(format!("{method} {path} by {who}: {status}, not {}", row.statuses[at]));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    let view = strangers_view(&world);
    let seen = serde_json::to_string(&view).unwrap();
    for (name, id) in &world.ids {
        // Webhooks and events have small numbers, which may occur anywhere.
        assert!(id.len() < 30 || !seen.contains(id), "another tenant sees {name}: {seen}");
    }
}

#[test]
fn another_tenant_can_neither_read_nor_change_what_it_has_guessed() {
    let server = Server::start();
    let world = World::new(&server);
    let before = world.system.world();
    for row in table().iter().filter(|row| row.path.contains('{') && row.statuses[6] == 404) {
        for prefix in ["/api/v1", "/api"] {
            assert_eq!(world.ask(row, 6, prefix), 404, "{} {}", row.method, row.path);
        }
    }
    let missing = "0192a5a0-0000-7000-8000-000000000001";
    let told = |id: &str| world.other.admin.get(&format!("/api/v1/users/{id}")).error();
    assert_eq!(told(&world.fill("{user}")), told(missing), "it looks as if it were not there");
    assert_eq!(world.system.world(), before);
    let online = world.fill("/api/v1/ws/users/{user}/online");
    assert_eq!(world.other.admin.get(&online).data()["online"], false);
    let stats = world.other.admin.get("/api/v1/ws/stats").data();
    assert!(!stats.to_string().contains(world.system.tenant_id()), "{stats}");
}

/// Routes that are for anyone who can prove something else than a role.
const FOR_ANYONE: [&str; 8] = [
    "/chats/visitor",
    "/auth/login",
    "/auth/refresh",
    "/auth/logout",
    "/auth/invite/{token}",
    "/auth/reset/{token}",
    "/setup",
    "/cti/{token}",
];

#[test]
fn no_route_is_missing_from_the_table() {
    let page = include_str!("../../src/routes.rs");
    let api = page.split("fn api()").nth(1).expect("the routes of the API");
    let api: String = api.chars().filter(|c| !c.is_whitespace()).collect();
    let table = table();
    let shape = |path: &str| {
        let path = path.split('?').next().unwrap();
        let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
        parts.collect::<Vec<_>>().join("/")
    };
    let mut found = 0;
    for route in api.split(".route(\"").skip(1) {
        let (path, handlers) = route.split_once('"').unwrap();
        // What is merged after a route is none of its handlers.
        let handlers = handlers.split(".merge(").next().unwrap();
        if path == "/{*unknown}" || FOR_ANYONE.contains(&path) {
            continue;
        }
        for method in ["get", "post", "put", "patch", "delete"] {
            let named = |sign: char| handlers.contains(&format!("{sign}{method}("));
            if !(named(',') || named('.')) {
                continue;
            }
            found += 1;
            let known = |row: &&Row| {
                row.method.eq_ignore_ascii_case(method) && shape(row.path) == shape(path)
            };
            assert!(table.iter().find(known).is_some(), "{method} {path} is not in the table");
        }
    }
    assert!(found >= 40, "only {found} routes were found on the page");
}

#[test]
fn a_customer_hears_only_what_is_meant_for_them() {
    let server = Server::start();
    let admin = server.admin();
    let (customer, other) = (admin.new_user("customer"), admin.new_user("customer"));
    let start = admin.latest_seq();
    for (number, event) in [
        json!({ "audience": "staff" }),
        json!({ "audience": "everyone" }),
        json!({ "user_id": customer.id() }),
        json!({ "user_id": other.id() }),
        json!({ "room": "role:admin" }),
        json!({}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut event = event;
        event["type"] = json!("order.paid");
        event["data"] = json!({ "number": number });
        admin.post("/api/v1/events", &event).expect(201);
    }
    let heard = |session: &Session| {
        let page =
            session.get(&format!("/api/v1/events?type=order.*&after={start}")).expect(200).data();
        let events = page.as_array().unwrap().clone();
        events.iter().map(|e| e["data"]["number"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(heard(&customer), [1, 2]);
    assert_eq!(heard(&other), [1, 3]);
    // Rooms say where something is rung, the audience who may know.
    assert_eq!(heard(&admin.new_user("agent")), [0, 1, 4, 5]);
    assert_eq!(heard(&admin), [0, 1, 4, 5]);
    assert!(heard(&admin.new_tenant("Elsewhere").admin).is_empty());
}
