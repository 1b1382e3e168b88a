//! The first start: a link that makes the first administrator once, or settings that do it.

use crate::harness::{ADMIN_EMAIL, PASSWORD, Server, Session};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _};

/// The link that was left for a person, and its token.
fn link(server: &Server) -> (String, String) {
    let path = server.setup.data_dir().join("setup-link.txt");
    let text = fs::read_to_string(&path).expect("a set-up link");
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "only its owner may read the link");
    let link = text.trim().to_owned();
    let token = link.rsplit_once("/setup#token=").expect("a fragment").1.to_owned();
    (link, token)
}

fn form(token: &str) -> Value {
    json!({ "token": token, "email": "root@example.com", "name": "Root", "password": PASSWORD,
        "tenant_name": "Acme" })
}

#[test]
fn without_an_administrator_there_is_a_link_that_works_once() {
    let server = Server::with(|setup| setup.without_admin());
    let api = server.api();
    let (link, token) = link(&server);
    assert_eq!(link, server.url(&format!("/setup#token={token}")));
    assert!(token.len() >= 22, "128 bits take 22 characters: {token}");
    let said = server.stderr().wait_for(|line| line.contains("WARN") && line.contains(&link));
    assert!(said.is_some(), "the log says it too");
    assert_eq!(api.get("/").header("location"), Some("/setup"));
    assert_eq!(api.get("/setup").status, 200);

    api.post("/api/v1/setup", &form("guess")).refused(401, "unauthorized");
    api.post("/api/v1/setup", &json!({ "token": token })).expect(422);
    let poor = json!({ "token": token, "email": "nobody", "name": " ", "password": "short",
        "tenant_name": "" });
    api.post("/api/v1/setup", &poor).names(&["email", "name", "password", "tenant_name"]);
    let foreign = api.request("POST", "/api/v1/setup").header("origin", "https://evil.example");
    foreign.json(&form(&token)).send().refused(403, "forbidden");
    api.post("/api/v1/auth/login", &json!({ "email": ADMIN_EMAIL, "password": PASSWORD }))
        .refused(401, "unauthorized");

    let made = api.post("/api/v1/setup", &form(&token)).expect(201);
    assert!(made.header("set-cookie").unwrap().starts_with("deskbell="));
    let root = Session::of(&api, &made.data());
    assert_eq!((root.email(), &root.user["role"]), ("root@example.com", &json!("admin")));
    assert_eq!(root.user["is_system_admin"], true);
    assert_eq!(root.get("/api/v1/tenants").data()[0]["name"], "Acme");

    let before = root.world();
    for again in [&token, "guess"] {
        api.post("/api/v1/setup", &form(again)).refused(404, "not_found");
    }
    assert_eq!(api.get("/setup").status, 404);
    assert_eq!(api.get("/").header("location"), Some("/admin"));
    assert_eq!(root.world(), before);
    let server = server.restart();
    server.api().post("/api/v1/setup", &form(&token)).refused(404, "not_found");
    assert!(!server.setup.data_dir().join("setup-link.txt").exists(), "the link has gone");
}

#[test]
fn a_link_ends_after_half_an_hour_and_a_restart_makes_another() {
    let server = Server::with(|setup| setup.without_admin());
    let (_, old) = link(&server);
    server.advance_ms(30 * 60_000);
    server.api().post("/api/v1/setup", &form(&old)).refused(410, "setup_link_expired");
    let server = server.restart();
    let (_, fresh) = link(&server);
    assert_ne!(fresh, old);
    server.api().post("/api/v1/setup", &form(&old)).refused(401, "unauthorized");
    server.api().post("/api/v1/setup", &form(&fresh)).expect(201);
}

#[test]
fn the_settings_make_the_first_administrator_and_never_another() {
    let server = Server::start();
    let admin = server.admin();
    assert!(!server.setup.data_dir().join("setup-link.txt").exists());
    assert_eq!(admin.user["is_system_admin"], true);
    assert_eq!(admin.get("/api/v1/tenants").data()[0]["name"], "default");
    server.api().post("/api/v1/setup", &form("guess")).refused(404, "not_found");
    let (setup, _) = server.stop();
    let server = setup
        .env("DESKBELL_ADMIN_EMAIL", "other@example.com")
        .env("DESKBELL_ADMIN_PASSWORD", "another long password")
        .start();
    let admin = server.admin();
    assert_eq!(admin.get("/api/v1/users").meta()["total"], 1);
}

#[test]
fn two_who_use_the_link_at_once_make_one_administrator() {
    let server = Server::with(|setup| setup.without_admin());
    let (_, token) = link(&server);
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..4)
            .map(|number| {
                let (api, mut form) = (server.api(), form(&token));
                form["email"] = json!(format!("root{number}@example.com"));
                scope.spawn(move || api.post("/api/v1/setup", &form).status)
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses[0], 201, "{statuses:?}");
    assert!(statuses[1..].iter().all(|status| matches!(status, 401 | 404)), "{statuses:?}");
}

#[test]
fn a_first_administrator_that_cannot_be_is_a_wrong_setting() {
    for (name, value) in [
        ("DESKBELL_ADMIN_PASSWORD", "short"),
        ("DESKBELL_ADMIN_EMAIL", "nobody"),
        ("DESKBELL_ADMIN_EMAIL", ""),
    ] {
        let ended = crate::harness::Setup::default().env(name, value).run(&["serve"]);
        assert_eq!(ended.code, Some(78), "{name}={value}: {}", ended.stderr);
        assert!(ended.stderr.contains(name), "{}", ended.stderr);
        assert!(!ended.stderr.contains(PASSWORD), "{}", ended.stderr);
    }
}
