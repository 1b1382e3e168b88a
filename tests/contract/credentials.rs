//! Who is let in: tokens that were forged, changed or have ended, and pages and names of others.

use crate::harness::{ADMIN_EMAIL, Api, PASSWORD, Server, Session, Socket};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};

const SECRET: &str = "c6f1b0e2a97d4538b1f0e6d2a4c8973b";

/// A JWT signed with HMAC, whatever its header says.
fn signed(header: &Value, claims: &Value, key: &str) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// The same with SHA-512, as `HS512` says.
fn signed_512(claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let text = format!("{}.{}", part(&json!({ "alg": "HS512", "typ": "JWT" })), part(claims));
    let mut mac = Hmac::<sha2::Sha512>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Refused by the API as a bearer token and as a cookie, and by sockets in three ways.
#[track_caller]
fn is_refused_everywhere(api: &Api, token: &str, what: &str) {
    let told = api.with_token(token).get("/api/v1/auth/me");
    assert_eq!(told.status, 401, "{what}: {}", told.text());
    told.refused(401, "unauthorized");
    assert_eq!(told.header("www-authenticate"), Some("Bearer"), "{what}");
    let cookie = format!("deskbell={token}");
    let told = api.request("GET", "/api/v1/auth/me").header("cookie", &cookie).send();
    assert_eq!(told.status, 401, "{what} as a cookie: {}", told.text());
    let own = format!("http://{}", api.address);
    let (bearer, protocol) = (format!("Bearer {token}"), format!("bearer, {token}"));
    for headers in [
        &[("authorization", bearer.as_str())][..],
        &[("sec-websocket-protocol", protocol.as_str())],
        &[("cookie", cookie.as_str()), ("origin", own.as_str())],
    ] {
        let refusal = Socket::try_open(api, "/ws", headers).err();
        assert_eq!(refusal.map(|r| r.status), Some(401), "{what} on a socket");
    }
}

#[test]
fn no_forged_token_is_let_in() {
    let server = Server::with(|setup| setup.env("JWT_SECRET", SECRET));
    let admin = server.admin();
    let api = server.api();
    let real = admin.token().to_owned();
    let parts: Vec<&str> = real.split('.').collect();
    let (header, claims) = (decoded(parts[0]), decoded(parts[1]));
    let with = |field: &str, value: Value| {
        let mut claims = claims.clone();
        claims[field] = value;
        claims
    };
    let without = |field: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(field);
        claims
    };
    let encoded = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let hs256 = json!({ "alg": "HS256", "typ": "JWT" });
    // The forger's own tool is good: with the key and the real claims it is let in.
    let copy = signed(&hs256, &claims, SECRET);
    api.with_token(&copy).get("/api/v1/auth/me").expect(200);

    let none = encoded(&json!({ "alg": "none", "typ": "JWT" }));
    let mine = with("role", json!("admin"));
    for (what, token) in [
        ("nothing", String::new()),
        ("a word", "nonsense".into()),
        ("no algorithm, no signature", format!("{none}.{}.", parts[1])),
        ("no algorithm, the old signature", format!("{none}.{}.{}", parts[1], parts[2])),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("a part more", format!("{real}.x")),
        ("an empty part more", format!("{real}.")),
        ("a part before", format!("x.{real}")),
        ("changed claims", format!("{}.{}.{}", parts[0], encoded(&mine), parts[2])),
        ("half a signature", real[..real.len() - 8].to_owned()),
        ("another signature", format!("{}.{}.{}", parts[0], parts[1], "A".repeat(43))),
        ("padding", format!("{real}=")),
        ("another key", signed(&hs256, &claims, "another key of thirty-two bytes!")),
        ("an empty key", signed(&hs256, &claims, "")),
        ("another algorithm, well signed", signed_512(&claims)),
        ("another algorithm in the header", signed(&json!({ "alg": "HS384" }), &claims, SECRET)),
        ("an asymmetric algorithm", signed(&json!({ "alg": "RS256" }), &claims, SECRET)),
        ("no algorithm, signed", signed(&json!({ "alg": "none" }), &claims, SECRET)),
        ("no algorithm named", signed(&json!({ "typ": "JWT" }), &claims, SECRET)),
        ("ended", signed(&hs256, &with("exp", json!(1_600_000_000)), SECRET)),
        ("without an end", signed(&hs256, &without("exp"), SECRET)),
        ("without a sign-in", signed(&hs256, &without("sid"), SECRET)),
        ("of no sign-in", signed(&hs256, &with("sid", claims["sub"].clone()), SECRET)),
        ("claims that are a list", signed(&hs256, &json!([1]), SECRET)),
        ("very long", format!("{real}{}", "A".repeat(4_000))),
    ] {
        is_refused_everywhere(&api, &token, what);
    }
    assert_eq!(header["alg"], "HS256");
    api.with_token(&real).get("/api/v1/auth/me").expect(200);
}

#[test]
fn only_the_bearer_scheme_counts_and_it_wins_over_the_cookie() {
    let server = Server::start();
    let admin = server.admin();
    let api = server.api();
    let me = |headers: &[(&str, &str)]| {
        let request = api.request("GET", "/api/v1/auth/me");
        headers.iter().fold(request, |request, (k, v)| request.header(k, v)).send().status
    };
    let (token, cookie) = (admin.token(), format!("deskbell={}", admin.token()));
    assert_eq!(me(&[("authorization", &format!("bearer {token}"))]), 200);
    for bad in [format!("Basic {token}"), format!("Token {token}"), token.into(), "Bearer".into()] {
        assert_eq!(me(&[("authorization", &bad)]), 401, "{bad}");
        assert_eq!(me(&[("authorization", &bad), ("cookie", &cookie)]), 401, "{bad}");
    }
    assert_eq!(me(&[("cookie", &format!("a=b; {cookie}; c=d"))]), 200);
    assert_eq!(me(&[("cookie", &format!("deskbell2={token}"))]), 401);
    let program = admin.new_token(&["users:read"]);
    assert_eq!(me(&[("cookie", &format!("deskbell={}", program.token()))]), 401);
}

#[test]
fn a_token_says_nothing_once_its_role_its_person_or_its_tenant_has_changed() {
    let server = Server::start();
    let admin = server.admin();
    let tenant = admin.new_tenant("Acme");
    let boss = admin.new_user("admin");
    let path = format!("/api/v1/users/{}", boss.id());
    boss.get("/api/v1/webhooks").expect(200);
    admin.patch(&path, &json!({ "role": "agent" })).expect(200);
    boss.get("/api/v1/webhooks").refused(403, "forbidden");
    boss.get("/api/v1/auth/me").expect(200);
    admin.patch(&path, &json!({ "is_active": false })).expect(200);
    boss.get("/api/v1/auth/me").refused(401, "unauthorized");
    let program = tenant.admin.new_token(&["users:read"]);
    program.get("/api/v1/users").expect(200);
    let theirs = format!("/api/v1/tenants/{}", tenant.id);
    admin.patch(&theirs, &json!({ "is_active": false })).expect(200);
    tenant.admin.get("/api/v1/auth/me").refused(401, "unauthorized");
    program.get("/api/v1/users").refused(401, "unauthorized");
    let login = json!({ "email": tenant.admin.email(), "password": PASSWORD });
    admin.post("/api/v1/auth/login", &login).refused(401, "unauthorized");
    let renew = json!({ "refresh_token": tenant.admin.refresh_token });
    admin.post("/api/v1/auth/refresh", &renew).refused(401, "unauthorized");
}

#[test]
fn another_host_name_is_a_421_whatever_is_asked() {
    let server = Server::with(|setup| {
        setup.env("ALLOWED_HOSTS", "desk.lan").env("PUBLIC_URL", "https://desk.example.com")
    });
    let admin = server.admin();
    let before = admin.latest_seq();
    let ask = |method: &str, path: &str, host: &str| {
        let event = json!({ "type": "order.paid", "data": {} });
        admin.request(method, path).header("host", host).json(&event).send()
    };
    for host in ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.nip.io"]
    {
        for (method, path) in [
            ("GET", "/"),
            ("GET", "/ws"),
            ("GET", "/admin"),
            ("GET", "/livez"),
            ("GET", "/api/v1/auth/me"),
            ("POST", "/api/v1/events"),
        ] {
            ask(method, path, host).refused(421, "unknown_host");
        }
        // Whoever names two hosts wants two readers to disagree (RFC 9112 §3.2).
        let own = admin.request("POST", "/api/v1/events").header("host", "localhost");
        own.header("host", host).send().refused(400, "malformed");
    }
    assert_eq!(admin.latest_seq(), before);
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8000", "desk.lan", "10.0.0.9:80"] {
        assert_eq!(ask("GET", "/livez", host).status, 200, "{host}");
    }
    assert_eq!(ask("GET", "/livez", "desk.example.com").status, 200);
}

/// A browser that is signed in: only its cookie.
fn cookie_of(server: &Server) -> String {
    let body = json!({ "email": ADMIN_EMAIL, "password": PASSWORD });
    let told = server.api().post("/api/v1/auth/login", &body).expect(200);
    let set = told.header("set-cookie").expect("a cookie").to_owned();
    for part in ["Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=43200"] {
        assert!(set.split("; ").any(|p| p == part), "{set}");
    }
    assert!(!set.contains("Secure"), "there is no https here: {set}");
    set.split(';').next().unwrap().to_owned()
}

#[test]
fn a_cookie_writes_only_from_our_own_pages() {
    let server = Server::with(|setup| {
        setup.env("SERVER_ENV", "production").env("ALLOWED_ORIGINS", "https://app.example.com")
    });
    let (admin, cookie) = (server.admin(), cookie_of(&server));
    let own = server.url("");
    let ask = |method: &str, path: &str, from: &[(&str, &str)]| {
        let body = json!({ "type": "order.paid", "data": {} });
        let request = server.api().request(method, path).header("cookie", &cookie).json(&body);
        from.iter().fold(request, |request, (k, v)| request.header(k, v)).send()
    };
    let before = admin.world();
    for foreign in [
        &[][..],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:1")],
        &[("origin", "http://localhost:3000")],
        &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "")],
    ] {
        for (method, path) in [
            ("POST", "/api/v1/events"),
            ("POST", "/api/v1/users"),
            ("PATCH", "/api/v1/auth/me"),
            ("PUT", "/api/v1/webhooks/1"),
            ("DELETE", "/api/v1/webhooks/1"),
            ("POST", "/api/v1/ws/ticket"),
        ] {
            let told = ask(method, path, foreign);
            assert_eq!(told.status, 403, "{method} {path} {foreign:?}: {}", told.text());
            told.error();
        }
        let out = server.api().request("POST", "/api/v1/auth/logout").header("cookie", &cookie);
        let out = foreign.iter().fold(out, |request, (k, v)| request.header(k, v));
        out.send().refused(403, "forbidden");
        ask("GET", "/api/v1/auth/me", foreign).expect(200);
    }
    assert_eq!(admin.world(), before);
    for (at, from) in [
        ("origin", own.as_str()),
        ("origin", "https://app.example.com"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
    ]
    .into_iter()
    .enumerate()
    {
        ask("POST", "/api/v1/events", &[from]).expect(201);
        assert_eq!(
            admin.latest_seq(),
            before[0]["meta"]["latest_seq"].as_i64().unwrap() + 1 + at as i64
        );
    }
    // A token speaks for itself, wherever its page comes from.
    let event = json!({ "type": "order.paid", "data": {} });
    let request = admin.request("POST", "/api/v1/events").header("origin", "https://evil.example");
    request.json(&event).send().expect(201);
}

#[test]
fn a_foreign_page_signs_nobody_in_and_a_program_without_a_page_may() {
    let server = Server::with(|setup| setup.env("SERVER_ENV", "production"));
    let admin = server.admin();
    let before = admin.world();
    let login = |from: &[(&str, &str)]| {
        let body = json!({ "email": ADMIN_EMAIL, "password": PASSWORD });
        let request = admin.request("POST", "/api/v1/auth/login").json(&body);
        from.iter().fold(request, |request, (k, v)| request.header(k, v)).send()
    };
    for from in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let told = login(&[from]);
        told.refused(403, "forbidden");
        assert_eq!(told.header("set-cookie"), None);
        let renew = json!({ "refresh_token": admin.refresh_token });
        let request = admin.request("POST", "/api/v1/auth/refresh").json(&renew);
        request.header(from.0, from.1).send().refused(403, "forbidden");
    }
    assert_eq!(admin.world(), before);
    for from in [&[][..], &[("origin", &*server.url(""))], &[("sec-fetch-site", "same-origin")]] {
        login(from).expect(200);
    }
}

#[test]
fn sockets_take_a_header_a_subprotocol_a_ticket_or_the_cookie_of_our_own_page() {
    let server = Server::with(|setup| setup.env("SERVER_ENV", "production"));
    let (admin, cookie) = (server.admin(), cookie_of(&server));
    let own = server.url("");
    let bearer = format!("Bearer {}", admin.token());
    let protocol = format!("bearer, {}", admin.token());
    let ticket = || {
        let data = admin.post("/api/v1/ws/ticket", &json!({})).expect(201).data();
        assert_eq!(data["expires_in"], 30);
        format!("/ws?ticket={}", data["ticket"].as_str().unwrap())
    };
    let open = |path: &str, headers: &[(&'static str, &str)]| {
        Socket::try_open(&admin, path, headers).map_err(|refusal| refusal.status)
    };
    let socket = open("/ws", &[("sec-websocket-protocol", &protocol)]).ok().unwrap();
    assert_eq!(socket.upgrade["sec-websocket-protocol"], "bearer", "the token is not sent back");
    socket.close();
    assert!(open("/api/v1/ws", &[("authorization", &bearer)]).is_ok());
    assert!(open("/ws", &[("cookie", &cookie), ("origin", &own)]).is_ok());
    for foreign in [
        &[("cookie", cookie.as_str())][..],
        &[("cookie", &cookie), ("origin", "https://evil.example")],
        &[("authorization", &bearer), ("origin", "https://evil.example")],
    ] {
        assert_eq!(open("/ws", foreign).err(), Some(403), "{foreign:?}");
    }
    let once = ticket();
    assert!(open(&once, &[]).is_ok());
    assert_eq!(open(&once, &[]).err(), Some(401), "a ticket opens one socket");
    let late = ticket();
    server.advance_ms(30_000);
    assert_eq!(open(&late, &[]).err(), Some(401), "a ticket is good for 30 seconds");
    assert_eq!(open("/ws?ticket=guess", &[]).err(), Some(401));
}

#[test]
fn pages_elsewhere_may_call_with_a_token_if_listed_and_never_with_the_cookie() {
    let server = Server::with(|setup| {
        setup.env("SERVER_ENV", "production").env("ALLOWED_ORIGINS", "https://app.example.com")
    });
    let ask = |origin: &str| {
        let request = server.api().request("OPTIONS", "/api/v1/events").header("origin", origin);
        request.header("access-control-request-method", "POST").send()
    };
    let listed = ask("https://app.example.com");
    assert_eq!(listed.header("access-control-allow-origin"), Some("https://app.example.com"));
    assert_eq!(ask("https://evil.example").header("access-control-allow-origin"), None);
    assert_eq!(ask("http://localhost:3000").header("access-control-allow-origin"), None);
    for told in [listed, ask("https://evil.example")] {
        assert_eq!(told.header("access-control-allow-credentials"), None);
    }
}

#[test]
fn whoever_comes_without_credentials_is_answered_so_often_and_then_asked_to_wait() {
    let server = Server::start();
    let admin = server.admin();
    let statuses: Vec<u16> = (0..100).map(|_| server.api().get("/api/v1/auth/me").status).collect();
    assert!(statuses.starts_with(&[401; 20]), "{statuses:?}");
    assert!(statuses.contains(&429), "{statuses:?}");
    let told = (0..100).map(|_| server.api().get("/api/v1/auth/me")).find(|t| t.status == 429);
    let told = told.expect("a 429");
    told.refused(429, "too_many_requests");
    assert_eq!(told.header("retry-after"), Some("1"));
    assert_eq!(server.api().get("/livez").status, 200);
    Session::login(&admin, ADMIN_EMAIL, PASSWORD).get("/api/v1/auth/me").expect(200);
}
