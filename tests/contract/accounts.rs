//! Signing in and out, and what people may do about their own account.

use crate::harness::{ADMIN_EMAIL, PASSWORD, Server, Session, Socket};
use serde_json::{Value, json};

const DAY_MS: i64 = 24 * 3_600_000;

fn credentials(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}

#[test]
fn a_login_answers_what_the_seed_says_on_both_paths() {
    let server = Server::start();
    for path in ["/api/v1/auth/login", "/api/auth/login"] {
        let told = server.api().post(path, &credentials(ADMIN_EMAIL, PASSWORD)).expect(200);
        let data = told.data();
        assert_eq!((&data["token_type"], &data["expires_in"]), (&json!("Bearer"), &json!(43_200)));
        let session = Session::of(&server.api(), &data);
        let me = session.get("/api/v1/auth/me").expect(200).data();
        assert_eq!(me, data["user"]);
        for field in ["id", "tenant_id", "email", "name", "role", "webhook_url", "notify_prefs"] {
            assert!(me.get(field).is_some(), "{field} is missing: {me}");
        }
        assert_eq!((&me["email"], &me["role"]), (&json!(ADMIN_EMAIL), &json!("admin")));
        assert_eq!(session.get("/api/auth/me").data(), me);
    }
}

#[test]
fn nobody_learns_from_a_refused_login_whether_the_account_exists() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let closed = admin.hire("agent");
    let path = format!("/api/v1/users/{}", closed["id"].as_str().unwrap());
    admin.patch(&path, &json!({ "is_active": false })).expect(200);
    let login = |email: &str, password: &str| {
        let told = admin.post("/api/v1/auth/login", &credentials(email, password));
        assert_eq!(told.header("set-cookie"), None);
        told.expect(401).error()
    };
    let known = login(agent.email(), "wrong password");
    assert_eq!(login("nobody@example.com", "wrong password"), known);
    assert_eq!(login(closed["email"].as_str().unwrap(), PASSWORD), known);
    assert_eq!(login("' or 1=1 --", PASSWORD), known);
    assert_eq!(login(agent.email(), &format!("{PASSWORD} ")), known);
    let upper = agent.email().to_uppercase();
    admin.post("/api/v1/auth/login", &credentials(&upper, PASSWORD)).expect(200);
    for (body, fields) in [
        (json!({}), &["email", "password"][..]),
        (json!({ "email": ADMIN_EMAIL }), &["password"]),
        (json!({ "email": "", "password": "" }), &["email", "password"]),
        (credentials(&"a".repeat(300), "x"), &["email"]),
        (credentials(ADMIN_EMAIL, &"x".repeat(100_000)), &["password"]),
    ] {
        admin.post("/api/v1/auth/login", &body).names(fields);
    }
}

#[test]
fn five_failures_close_the_door_for_a_minute_and_a_restart_does_not_open_it() {
    let server = Server::start();
    let admin = server.admin();
    let (agent, other) = (admin.new_user("agent"), admin.new_user("agent"));
    let (wrong, right) =
        (credentials(agent.email(), "wrong"), credentials(agent.email(), PASSWORD));
    for _ in 0..5 {
        admin.post("/api/v1/auth/login", &wrong).refused(401, "unauthorized");
    }
    for body in [&wrong, &right] {
        let told = admin.post("/api/v1/auth/login", body);
        told.refused(429, "too_many_requests");
        let after: u64 = told.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&after), "{after}");
    }
    agent.get("/api/v1/auth/me").expect(200);
    admin.post("/api/v1/auth/login", &credentials(other.email(), PASSWORD)).expect(200);
    let server = server.restart();
    server.api().post("/api/v1/auth/login", &right).refused(429, "too_many_requests");
    server.advance_ms(60_000);
    server.api().post("/api/v1/auth/login", &right).expect(200);
    // A success forgives: it takes five more.
    server.api().post("/api/v1/auth/login", &wrong).refused(401, "unauthorized");
    server.api().post("/api/v1/auth/login", &right).expect(200);
}

#[test]
fn thirty_failures_close_the_door_for_an_address() {
    let server = Server::start();
    let admin = server.admin();
    for guess in 0..30 {
        let body = credentials(&format!("guess{guess}@example.com"), "wrong");
        admin.post("/api/v1/auth/login", &body).refused(401, "unauthorized");
    }
    let right = credentials(ADMIN_EMAIL, PASSWORD);
    admin.post("/api/v1/auth/login", &right).refused(429, "too_many_requests");
    server.advance_ms(60_000);
    admin.post("/api/v1/auth/login", &right).expect(200);
}

#[test]
fn an_address_in_several_tenants_asks_which_only_after_the_password_was_right() {
    let server = Server::start();
    let admin = server.admin();
    let body = json!({ "name": "Acme", "admin_email": ADMIN_EMAIL, "admin_password": PASSWORD });
    let acme = admin.post("/api/v1/tenants", &body).expect(201).data();
    let mut login = credentials(ADMIN_EMAIL, "wrong");
    admin.post("/api/v1/auth/login", &login).refused(401, "unauthorized");
    login["password"] = json!(PASSWORD);
    admin.post("/api/v1/auth/login", &login).refused(409, "tenant_required");
    let id = acme["id"].as_str().unwrap();
    for (tenant, tenant_id) in
        [("Acme", id), ("acme", id), (id, id), ("default", admin.tenant_id())]
    {
        login["tenant"] = json!(tenant);
        let data = admin.post("/api/v1/auth/login", &login).expect(200).data();
        assert_eq!(data["user"]["tenant_id"], tenant_id, "{tenant}");
    }
    login["tenant"] = json!("nowhere");
    admin.post("/api/v1/auth/login", &login).refused(401, "unauthorized");
    // Another password there says by itself which is meant.
    let there = Session::of(&admin, &{
        login["tenant"] = json!("Acme");
        admin.post("/api/v1/auth/login", &login).data()
    });
    let change = json!({ "current": PASSWORD, "new": "another long password" });
    there.post("/api/v1/auth/password", &change).expect(200);
    let plain = credentials(ADMIN_EMAIL, PASSWORD);
    let data = admin.post("/api/v1/auth/login", &plain).expect(200).data();
    assert_eq!(data["user"]["tenant_id"], admin.tenant_id());
}

#[test]
fn a_refresh_token_is_good_once_and_used_twice_it_ends_the_sign_in() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let renew =
        |token: &str| server.api().post("/api/v1/auth/refresh", &json!({ "refresh_token": token }));
    let next = Session::of(&server.api(), &renew(&agent.refresh_token).expect(200).data());
    assert_ne!(next.refresh_token, agent.refresh_token);
    assert_eq!(next.id(), agent.id());
    next.get("/api/v1/auth/me").expect(200);
    let last = Session::of(&server.api(), &renew(&next.refresh_token).expect(200).data());
    let mut socket = Socket::open(&last);
    renew(&next.refresh_token).refused(401, "unauthorized");
    assert_eq!(socket.expect_close().0, 4001);
    for ended in [&agent, &next, &last] {
        ended.get("/api/v1/auth/me").refused(401, "unauthorized");
        renew(&ended.refresh_token).refused(401, "unauthorized");
    }
    renew("dbr_guess").refused(401, "unauthorized");
    renew("").refused(401, "unauthorized");
    server.api().post("/api/v1/auth/refresh", &json!({})).refused(401, "unauthorized");
    admin.post("/api/v1/auth/refresh", &json!({})).names(&["refresh_token"]);
}

#[test]
fn a_sign_in_goes_on_for_thirty_days_after_its_last_refresh() {
    let server = Server::start();
    let agent = server.admin().new_user("agent");
    let renew =
        |token: &str| server.api().post("/api/v1/auth/refresh", &json!({ "refresh_token": token }));
    server.advance_ms(29 * DAY_MS);
    let next = Session::of(&server.api(), &renew(&agent.refresh_token).expect(200).data());
    server.advance_ms(29 * DAY_MS);
    let last = Session::of(&server.api(), &renew(&next.refresh_token).expect(200).data());
    last.get("/api/v1/auth/me").expect(200);
    server.advance_ms(30 * DAY_MS);
    renew(&last.refresh_token).refused(401, "unauthorized");
    last.get("/api/v1/auth/me").refused(401, "unauthorized");
}

#[test]
fn a_sign_out_ends_the_token_its_refresh_token_and_its_sockets() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let elsewhere = Session::login(&admin, agent.email(), PASSWORD);
    let mut socket = Socket::open(&agent);
    let mut other = Socket::open(&elsewhere);
    let out = agent.post("/api/v1/auth/logout", &json!({})).expect(200);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"), "{out:?}");
    assert_eq!(socket.expect_close().0, 4001);
    agent.get("/api/v1/auth/me").refused(401, "unauthorized");
    let renew = json!({ "refresh_token": agent.refresh_token });
    admin.post("/api/v1/auth/refresh", &renew).refused(401, "unauthorized");
    agent.post("/api/v1/auth/logout", &json!({})).expect(200);
    server.api().request("POST", "/api/v1/auth/logout").send().expect(200);
    // The same person elsewhere is not concerned, until their refresh token signs them out.
    assert!(other.all_until_now().is_empty());
    let out = json!({ "refresh_token": elsewhere.refresh_token });
    server.api().post("/api/v1/auth/logout", &out).expect(200);
    assert_eq!(other.expect_close().0, 4001);
    elsewhere.get("/api/v1/auth/me").refused(401, "unauthorized");
    let server = server.restart();
    let again = server.api().with_token(agent.token());
    again.get("/api/v1/auth/me").refused(401, "unauthorized");
}

#[test]
fn people_see_and_end_their_own_sign_ins_and_administrators_anybodys() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let body = credentials(agent.email(), PASSWORD);
    let login = server.api();
    let login =
        login.request("POST", "/api/v1/auth/login").header("user-agent", "Phone/1").json(&body);
    let phone = Session::of(&server.api(), &login.send().expect(200).data());
    let listed = agent.get("/api/v1/auth/sessions").expect(200);
    assert_eq!(listed.meta()["total"], 2);
    let listed = listed.data();
    let (of_phone, of_agent) = (&listed[0], &listed[1]);
    assert_eq!((&of_phone["agent"], &of_phone["current"]), (&json!("Phone/1"), &json!(false)));
    assert_eq!((&of_agent["address"], &of_agent["current"]), (&json!("127.0.0.1"), &json!(true)));
    let path = format!("/api/v1/auth/sessions/{}", of_phone["id"].as_str().unwrap());
    let stranger = admin.new_user("supervisor");
    stranger.delete(&path).refused(404, "not_found");
    phone.get("/api/v1/auth/me").expect(200);
    let mut socket = Socket::open(&phone);
    agent.delete(&path).expect(200);
    assert_eq!(socket.expect_close().0, 4001);
    phone.get("/api/v1/auth/me").refused(401, "unauthorized");
    agent.delete(&path).refused(404, "not_found");
    assert_eq!(agent.get("/api/v1/auth/sessions").meta()["total"], 1);

    let theirs = format!("/api/v1/auth/sessions?user_id={}", agent.id());
    stranger.get(&theirs).refused(403, "forbidden");
    let listed = admin.get(&theirs).expect(200).data();
    let path = format!("/api/v1/auth/sessions/{}", listed[0]["id"].as_str().unwrap());
    admin.delete(&path).expect(200);
    agent.get("/api/v1/auth/me").refused(401, "unauthorized");
}

#[test]
fn a_new_password_ends_all_other_sign_ins() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let elsewhere = Session::login(&admin, agent.email(), PASSWORD);
    let change = |current: &str, new: &str| {
        agent.post("/api/v1/auth/password", &json!({ "current": current, "new": new }))
    };
    change("wrong password", "a new long password").names(&["current"]);
    change(PASSWORD, "short").names(&["new"]);
    change(PASSWORD, &"x".repeat(5_000)).names(&["new"]);
    elsewhere.get("/api/v1/auth/me").expect(200);
    let (mut here, mut there) = (Socket::open(&agent), Socket::open(&elsewhere));
    change(PASSWORD, "a new long password").expect(200);
    assert_eq!(there.expect_close().0, 4001);
    assert!(here.all_until_now().is_empty(), "where it was changed the socket stays");
    elsewhere.get("/api/v1/auth/me").refused(401, "unauthorized");
    let renew = json!({ "refresh_token": elsewhere.refresh_token });
    admin.post("/api/v1/auth/refresh", &renew).refused(401, "unauthorized");
    agent.get("/api/v1/auth/me").expect(200);
    let login = |password: &str| {
        admin.post("/api/v1/auth/login", &credentials(agent.email(), password)).status
    };
    assert_eq!((login(PASSWORD), login("a new long password")), (401, 200));
    // Guessing the present password is bounded as at the door.
    let told: Vec<u16> = (0..7).map(|_| change("wrong", "another long one").status).collect();
    assert!(told.contains(&429), "{told:?}");
}

#[test]
fn people_change_what_is_theirs_and_nothing_else() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    let edit = json!({ "name": "Mara L.", "phone": "+49 30 1", "locale": "de",
        "timezone": "Europe/Berlin", "notify_prefs": { "own_actions": true } });
    let me = agent.patch("/api/v1/auth/me", &edit).expect(200).data();
    for field in ["name", "phone", "locale", "timezone", "notify_prefs"] {
        assert_eq!(me[field], edit[field], "{field}");
    }
    let before = admin.latest_seq();
    agent.patch("/api/v1/auth/me", &json!({ "name": "Mara L." })).expect(200);
    assert_eq!(admin.latest_seq(), before, "a change that changes nothing is no event");
    let me = agent.patch("/api/v1/auth/me", &json!({ "phone": null })).expect(200).data();
    assert_eq!((&me["phone"], &me["name"]), (&json!(null), &json!("Mara L.")));
    for field in ["role", "email", "is_active", "is_system_admin", "tenant_id", "webhook_url"] {
        agent.patch("/api/v1/auth/me", &json!({ field: "x" })).names(&[field]);
    }
    agent.patch("/api/v1/auth/me", &json!({ "name": " " })).names(&["name"]);
    let stale = json!({ "name": "Other", "version": 1 });
    agent.patch("/api/v1/auth/me", &stale).refused(409, "version_conflict");
    assert_eq!(agent.get("/api/v1/auth/me").data(), me);
}

#[test]
fn a_programs_token_reaches_as_far_as_its_scopes_and_no_further() {
    let server = Server::start();
    let admin = server.admin();
    let scopes = [
        ("events:read", "GET", "/api/v1/events"),
        ("events:write", "POST", "/api/v1/events"),
        ("presence:read", "GET", "/api/v1/ws/online"),
        ("agents:read", "GET", "/api/v1/agent-state"),
        ("webhooks:read", "GET", "/api/v1/webhooks"),
        ("webhooks:write", "POST", "/api/v1/webhooks"),
        ("users:read", "GET", "/api/v1/users"),
        ("users:write", "POST", "/api/v1/users"),
    ];
    for (scope, ..) in scopes {
        let program = admin.new_token(&[scope]);
        for (needed, method, path) in scopes {
            let body = json!({ "type": "order.paid", "data": {} });
            let status = program.request(method, path).json(&body).send().status;
            let expected: &[u16] = if needed == scope { &[200, 201, 422] } else { &[403] };
            assert!(expected.contains(&status), "{scope}: {method} {path} is {status}");
        }
        for (method, path) in [
            ("GET", "/api/v1/auth/me"),
            ("PATCH", "/api/v1/auth/me"),
            ("POST", "/api/v1/auth/password"),
            ("GET", "/api/v1/auth/sessions"),
            ("POST", "/api/v1/ws/ticket"),
            ("POST", "/api/v1/agent-state/me"),
            ("GET", "/api/v1/tokens"),
            ("POST", "/api/v1/tokens"),
            ("GET", "/api/v1/tenants"),
        ] {
            program.request(method, path).send().refused(403, "forbidden");
        }
    }
}

#[test]
fn a_programs_token_is_shown_once_ends_when_it_should_and_makes_no_administrator() {
    let server = Server::start();
    let admin = server.admin();
    let make = |body: Value| admin.post("/api/v1/tokens", &body);
    make(json!({ "name": "", "scopes": ["all"], "expires_at": "yesterday" })).names(&[
        "name",
        "scopes",
        "expires_at",
    ]);
    make(json!({ "name": "a", "scopes": [] })).names(&["scopes"]);
    make(json!({ "name": "a", "scopes": ["users:read"], "expires_at": "2020-01-01T00:00:00Z" }))
        .names(&["expires_at"]);
    let made = make(json!({ "name": "ci", "scopes": ["users:read", "users:write"] }));
    let made = made.expect(201).data();
    let token = made["token"].as_str().unwrap();
    let program = admin.with_token(token);
    let boss = json!({ "email": "b@example.com", "name": "B", "role": "admin" });
    program.post("/api/v1/users", &boss).refused(403, "forbidden");
    let own = format!("/api/v1/users/{}", admin.id());
    program.patch(&own, &json!({ "password": "mine from now on" })).refused(403, "forbidden");
    program.delete(&own).refused(403, "forbidden");
    let listed = admin.get("/api/v1/tokens").expect(200);
    assert!(!listed.text().contains(token) && listed.text().contains("ci"), "{}", listed.text());
    let path = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    admin.delete(&path).expect(200);
    program.get("/api/v1/users").refused(401, "unauthorized");
    admin.delete(&path).refused(404, "not_found");

    // The clock says when it is over.
    let now = admin.get("/api/v1/events?limit=500").data();
    let at = now.as_array().unwrap().last().unwrap()["created_at"].as_str().unwrap().to_owned();
    let years_end = format!("{}-12-31T23:59:59Z", &at[..4]);
    let brief = make(json!({ "name": "b", "scopes": ["users:read"], "expires_at": years_end }));
    let brief = admin.with_token(brief.expect(201).data()["token"].as_str().unwrap());
    brief.get("/api/v1/users").expect(200);
    server.advance_ms(366 * DAY_MS);
    brief.get("/api/v1/users").refused(401, "unauthorized");
}
