//! The people of a tenant and the tenants of a server: made, changed, closed, and never erased.

use crate::harness::{ADMIN_EMAIL, PASSWORD, Server, Session, Socket};
use serde_json::{Value, json};

fn path(user: &Value) -> String {
    format!("/api/v1/users/{}", user["id"].as_str().expect("an id"))
}

#[test]
fn an_account_is_made_once_and_everything_wrong_with_it_is_named() {
    let server = Server::start();
    let admin = server.admin();
    let new = json!({ "email": "mara@example.com", "name": "Mara", "role": "agent",
        "password": PASSWORD, "phone": "+49 30 1", "extension": "101" });
    let request = || admin.request("POST", "/api/v1/users").header("idempotency-key", "one");
    let made = request().json(&new).send().expect(201);
    let before = admin.world();
    assert_eq!(request().json(&new).send().expect(201).body, made.body, "the same request again");
    admin.post("/api/v1/users", &new).refused(409, "email_taken");
    let shout = json!({ "email": "MARA@example.com", "name": "M", "role": "customer" });
    admin.post("/api/v1/users", &shout).refused(409, "email_taken");
    let bad = json!({ "email": "nobody", "name": " ", "role": "agent", "password": "short",
        "phone": "x".repeat(100) });
    admin.post("/api/v1/users", &bad).names(&["email", "name", "password", "phone"]);
    assert_eq!(admin.world(), before);
    assert!(!made.text().contains(PASSWORD) && !made.text().contains("argon2"), "{}", made.text());
    // The same address may be somebody in another tenant.
    let other = admin.new_tenant("Elsewhere").admin;
    other.post("/api/v1/users", &new).expect(201);
}

#[test]
fn accounts_are_listed_by_page_role_state_and_words() {
    let server = Server::start();
    let admin = server.admin();
    for role in ["agent", "agent", "agent", "customer", "supervisor"] {
        admin.hire(role);
    }
    let closed = admin.hire("agent");
    admin.patch(&path(&closed), &json!({ "is_active": false })).expect(200);
    let total = |query: &str| admin.get(&format!("/api/v1/users?{query}")).meta()["total"].clone();
    assert_eq!(total(""), 7);
    assert_eq!(total("role=agent"), 4);
    assert_eq!(total("role=agent,customer&is_active=true"), 4);
    assert_eq!(total("is_active=false"), 1);
    assert_eq!(total("q=SUPERVISOR"), 1);
    assert_eq!(total("q=%25"), 0, "a percent sign is a letter like any other");
    let mut seen = Vec::new();
    for page in 1..=4 {
        let told = admin.get(&format!("/api/v1/users?page={page}&per_page=2")).expect(200);
        assert_eq!(told.meta()["total_pages"], 4);
        seen.extend(told.data().as_array().unwrap().iter().map(|user| user["id"].to_string()));
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 7, "each once");
    assert_eq!(admin.get("/api/v1/users?page=5&per_page=2").data(), json!([]));
}

#[test]
fn a_change_is_one_event_with_what_was_and_a_stale_one_is_refused() {
    let server = Server::start();
    let admin = server.admin();
    let user = admin.hire("agent");
    let mut socket = Socket::open(&admin);
    let now = admin.patch(&path(&user), &json!({ "name": "Mara" })).expect(200).data();
    assert_eq!((&now["name"], &now["version"]), (&json!("Mara"), &json!(2)));
    let frame = socket.expect_frame("user.updated");
    assert_eq!(frame["payload"], now);
    assert_eq!(frame["changes"], json!({ "name": [user["name"], "Mara"] }));
    let before = admin.latest_seq();
    admin.patch(&path(&user), &json!({ "name": "Mara" })).expect(200);
    let stale = json!({ "name": "Other", "version": 1 });
    let told = admin.patch(&path(&user), &stale);
    told.refused(409, "version_conflict");
    assert!(told.text().contains("Mara"), "the row as it is: {}", told.text());
    let old = admin.request("DELETE", &path(&user)).header("if-match", "\"1\"").send();
    old.refused(409, "version_conflict");
    assert_eq!(admin.latest_seq(), before);
    assert_eq!(admin.get(&path(&user)).data(), now);
}

#[test]
fn whoever_is_closed_is_out_at_once_and_stays_known() {
    let server = Server::start();
    let admin = server.admin();
    for how in ["is_active", "delete", "password"] {
        let agent = admin.new_user("agent");
        let mut socket = Socket::open(&agent);
        let told = match how {
            "delete" => admin.delete(&path(&agent.user)),
            "password" => admin.patch(&path(&agent.user), &json!({ "password": "a new long one" })),
            _ => admin.patch(&path(&agent.user), &json!({ "is_active": false })),
        };
        told.expect(200);
        let code = socket.expect_close().0;
        assert_eq!(code, if how == "password" { 4001 } else { 4003 }, "{how}");
        agent.get("/api/v1/auth/me").refused(401, "unauthorized");
        let renew = json!({ "refresh_token": agent.refresh_token });
        admin.post("/api/v1/auth/refresh", &renew).refused(401, "unauthorized");
        let login = json!({ "email": agent.email(), "password": PASSWORD });
        admin.post("/api/v1/auth/login", &login).refused(401, "unauthorized");
        let known = admin.get(&path(&agent.user)).expect(200).data();
        assert_eq!(known["deleted_at"].is_null(), how != "delete");
    }
}

#[test]
fn an_anonymised_person_is_nowhere_to_be_found() {
    let server = Server::start();
    let admin = server.admin();
    let user = json!({ "email": "very.private@example.com", "name": "Xanthippe Q",
        "role": "customer", "phone": "+49 30 4711", "password": PASSWORD });
    let user = admin.post("/api/v1/users", &user).expect(201).data();
    Session::login(&admin, "very.private@example.com", PASSWORD);
    admin.patch(&path(&user), &json!({ "name": "Xanthippe R" })).expect(200);
    admin.delete(&format!("{}?anonymise=2", path(&user))).names(&["anonymise"]);
    admin.delete(&format!("{}?anonymise=1", path(&user))).expect(200);
    for place in [path(&user), "/api/v1/users?per_page=200".into()] {
        let text = admin.get(&place).expect(200).text();
        for word in ["Xanthippe", "very.private", "4711"] {
            assert!(!text.contains(word), "{word} in {place}: {text}");
        }
    }
    assert_eq!(admin.get(&path(&user)).data()["id"], user["id"], "what speaks of them still can");
    let last = admin.get("/api/v1/events?limit=500&type=user.deleted").expect(200).text();
    for word in ["Xanthippe", "very.private", "4711"] {
        assert!(!last.contains(word), "{word} in the event of the deletion: {last}");
    }
    // The address is free again.
    let again = json!({ "email": "very.private@example.com", "name": "Other", "role": "agent" });
    admin.post("/api/v1/users", &again).expect(201);
}

#[test]
fn a_tenant_keeps_an_administrator_and_nobody_reaches_above_themselves() {
    let server = Server::start();
    let admin = server.admin();
    let own = path(&admin.user);
    admin.delete(&own).refused(409, "last_admin");
    admin.patch(&own, &json!({ "role": "agent" })).refused(409, "last_admin");
    admin.patch(&own, &json!({ "is_active": false })).refused(409, "last_admin");
    let other = admin.new_user("admin");
    for body in [json!({ "password": "mine from now on" }), json!({ "role": "agent" })] {
        other.patch(&own, &body).refused(403, "forbidden");
    }
    other.delete(&own).refused(403, "forbidden");
    // Another administrator is not another system administrator.
    admin.patch(&own, &json!({ "role": "agent" })).refused(409, "last_admin");
    other.delete(&path(&other.user)).expect(200);
    Session::login(&admin, ADMIN_EMAIL, PASSWORD).get("/api/v1/tenants").expect(200);
}

#[test]
fn a_suspended_tenant_is_shut_out_until_it_is_woken() {
    let server = Server::start();
    let admin = server.admin();
    let tenant = admin.new_tenant("Acme");
    let at = format!("/api/v1/tenants/{}", tenant.id);
    let taken =
        json!({ "name": "ACME", "admin_email": "x@example.com", "admin_password": PASSWORD });
    admin.post("/api/v1/tenants", &taken).refused(409, "tenant_exists");
    admin
        .post("/api/v1/tenants", &json!({ "name": "", "admin_email": "x", "admin_password": "y" }))
        .names(&["name", "admin_email", "admin_password"]);
    let mut socket = Socket::open(&tenant.admin);
    admin.patch(&at, &json!({ "is_active": false })).expect(200);
    assert_eq!(socket.expect_close().0, 4003);
    tenant.admin.get("/api/v1/auth/me").refused(401, "unauthorized");
    admin.patch(&at, &json!({ "is_active": true })).expect(200);
    Session::login(&admin, tenant.admin.email(), PASSWORD).get("/api/v1/auth/me").expect(200);
    let own = format!("/api/v1/tenants/{}", admin.tenant_id());
    admin.patch(&own, &json!({ "is_active": false })).refused(409, "own_tenant");
    let missing = "/api/v1/tenants/0192a5a0-0000-7000-8000-000000000001";
    admin.patch(missing, &json!({ "name": "x" })).refused(404, "not_found");
    admin.get("/api/v1/auth/me").expect(200);
}
