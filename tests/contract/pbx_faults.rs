//! Telephone systems that refuse us, hang, lie or are none, and addresses that are not for them.

use crate::{
    harness::{Lists, Pbx, Server, Session},
    pbx::{set_up, status},
    wire::until,
};
use serde_json::{Value, json};

/// Waits until a PBX is not connected, and answers why.
fn why(admin: &Session, pbx: &Value) -> String {
    until("it waits", || {
        let status = status(admin, pbx);
        let waits = status["state"] == "waiting";
        waits.then(|| status["last_error"].as_str().expect("a reason").to_owned())
    })
}

#[test]
fn a_refused_login_is_told_and_tried_again_only_after_a_minute() {
    let server = Server::start();
    let admin = server.admin();
    let pbx = Pbx::start();
    let made = set_up(&admin, &pbx);
    let mut caller = pbx.next();
    caller.greet();
    let login = caller.expect("Login");
    assert_eq!((&*login["Username"], &*login["Secret"]), ("deskbell", "s3cret of the pbx"));
    caller.answer(&login, &[("Response", "Error"), ("Message", "Authentication failed")]);
    assert_eq!(why(&admin, &made), "it refused the login: Authentication failed");
    server.advance_ms(30_000);
    assert_eq!(why(&admin, &made), "it refused the login: Authentication failed");
    assert!(pbx.is_left_alone());
    server.advance_ms(45_000);
    let _line = pbx.let_in(&Lists::default());
    until("it is connected", || (status(&admin, &made)["state"] == "connected").then_some(()));
}

#[test]
fn what_is_no_asterisk_is_never_sent_the_secret() {
    let server = Server::start();
    let admin = server.admin();
    let pbx = Pbx::start();
    let made = set_up(&admin, &pbx);
    for said in
        [&b"SSH-2.0-OpenSSH_9.9\r\n"[..], b"HTTP/1.1 400 Bad Request\r\n\r\n", &[b'x'; 4096]]
    {
        let mut caller = pbx.next();
        caller.say_raw(said);
        assert!(why(&admin, &made).contains("no Asterisk Manager Interface"));
        assert!(caller.next_action().is_none(), "it was sent something");
        server.advance_ms(80_000);
    }
}

#[test]
fn a_line_that_never_ends_ends_the_connection_and_the_next_one_is_good() {
    let server = Server::start();
    let admin = server.admin();
    let pbx = Pbx::start();
    let made = set_up(&admin, &pbx);
    for (said, expected) in [
        (vec![b'x'; 1 << 20], "it sent a line of more than 64 KiB"),
        (b"a: b\r\n".repeat(300), "it sent a message of more than 256 lines"),
    ] {
        let mut caller = pbx.let_in(&Lists::default());
        until("connected", || (status(&admin, &made)["state"] == "connected").then_some(()));
        caller.say_raw(&said);
        assert_eq!(why(&admin, &made), expected);
        server.advance_ms(80_000);
    }
    // Noise between messages is passed over.
    let mut caller = pbx.let_in(&Lists::default());
    caller.say_raw(b"\r\n\r\n\xff\xfe\r\n: :\r\n\r\nEvent\r\n\r\n");
    caller.event("Nonsense", &[("Uniqueid", "1")]);
    until("it is heard", || {
        let status = status(&admin, &made);
        (status["state"] == "connected" && status["events"].as_i64() >= Some(1)).then_some(())
    });
}

#[test]
fn who_says_nothing_is_asked_for_a_sign_of_life_and_then_given_up() {
    let server = Server::start();
    let admin = server.admin();
    let pbx = Pbx::start();
    let made = set_up(&admin, &pbx);
    // Not even a greeting.
    let silent = pbx.next();
    server.advance_ms(11_000);
    // It may not yet have seen that it is connected.
    let said = why(&admin, &made);
    assert!(["the greeting", "the connection"].iter().any(|w| said.ends_with(w)), "{said}");
    drop(silent);
    server.advance_ms(10_000);
    let mut caller = pbx.let_in(&Lists::default());
    caller.event("Nonsense", &[]);
    until("it is heard", || (status(&admin, &made)["events"].as_i64() >= Some(3)).then_some(()));
    server.advance_ms(31_000);
    let ping = caller.expect("Ping");
    let events = status(&admin, &made)["events"].as_i64();
    caller.answer(&ping, &[("Response", "Success"), ("Ping", "Pong")]);
    caller.event("Nonsense", &[]);
    until("the answer is heard", || {
        (status(&admin, &made)["events"].as_i64() > events).then_some(())
    });
    server.advance_ms(31_000);
    caller.expect("Ping");
    server.advance_ms(16_000);
    assert_eq!(why(&admin, &made), "no answer in time: a sign of life");
    caller.until_hung_up();
}

#[test]
fn lists_that_never_end_or_are_refused_end_the_connection() {
    let server = Server::start();
    let admin = server.admin();
    let pbx = Pbx::start();
    let made = set_up(&admin, &pbx);
    for (answer, wait, expected) in [
        (
            &[("Response", "Error"), ("Message", "Permission denied")][..],
            0,
            "it does not list its queues and channels: Permission denied",
        ),
        (&[("Response", "Success")], 31_000, "no answer in time: the lists of queues and channels"),
    ] {
        let mut caller = pbx.next();
        caller.greet();
        let login = caller.expect("Login");
        caller.answer(&login, &[("Response", "Success")]);
        let asked = caller.expect("QueueStatus");
        caller.answer(&asked, answer);
        caller.expect("CoreShowChannels");
        server.advance_ms(wait);
        assert_eq!(why(&admin, &made), expected);
        server.advance_ms(80_000);
    }
}

#[test]
fn an_address_that_is_closed_is_named_with_the_setting_that_opens_it() {
    let server = Server::start();
    let admin = server.admin();
    for (number, (host, expected)) in [
        ("10.0.0.1", "PBX_ALLOW_NET can open it"),
        ("192.168.1.9", "PBX_ALLOW_NET can open it"),
        ("169.254.169.254", "is never called"),
        ("::ffff:10.0.0.1", "PBX_ALLOW_NET can open it"),
        ("no-such-host.invalid", "the name has no address"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({ "name": format!("PBX {number}"), "host": host, "username": "a",
            "secret": "s", "is_active": false });
        let made = admin.post("/api/v1/pbx", &body).expect(201).data();
        let path = format!("/api/v1/pbx/{}", made["id"].as_str().unwrap());
        let tested = admin.post(&format!("{path}/test"), &json!({})).expect(200).data();
        assert_eq!(tested["success"], false, "{host}");
        assert!(tested["error"].as_str().unwrap().contains(expected), "{host}: {tested}");
        assert_eq!(status(&admin, &made)["state"], "idle");
        admin.delete(&path).expect(200);
    }
    // The server itself is none.
    let body = json!({ "name": "Self", "host": "127.0.0.1", "port": server.address.port(),
        "username": "a", "secret": "s", "is_active": false });
    let made = admin.post("/api/v1/pbx", &body).expect(201).data();
    let path = format!("/api/v1/pbx/{}/test", made["id"].as_str().unwrap());
    let tested = admin.post(&path, &json!({})).data();
    assert!(tested["error"].as_str().unwrap().contains("this server itself"), "{tested}");
}

#[test]
fn a_test_says_what_it_found_beside_the_connection_there_is() {
    let server = Server::start();
    let admin = server.admin();
    let pbx = Pbx::start();
    let made = set_up(&admin, &pbx);
    let _line = pbx.let_in(&Lists::default());
    let path = format!("/api/v1/pbx/{}/test", made["id"].as_str().unwrap());
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| admin.post(&path, &json!({})).expect(200).data());
        let mut caller = pbx.next();
        caller.greet();
        let login = caller.expect("Login");
        caller.answer(&login, &[("Response", "Success")]);
        caller.expect("Logoff");
        let tested = asked.join().expect("it answers");
        assert_eq!(tested["success"], true, "{tested}");
        assert_eq!(tested["software"], "Asterisk Call Manager/11.0.0");
    });
    assert!(pbx.is_left_alone());
}

#[test]
fn what_is_set_up_can_be_changed_and_its_secret_is_never_seen_again() {
    let server = Server::start();
    let admin = server.admin();
    let pbx = Pbx::start();
    let made = set_up(&admin, &pbx);
    let path = format!("/api/v1/pbx/{}", made["id"].as_str().unwrap());
    let first = pbx.let_in(&Lists::default());
    // Another address could be somebody's who wants the secret.
    admin.patch(&path, &json!({ "host": "localhost" })).names(&["secret"]);
    admin.patch(&path, &json!({ "name": "Other", "version": 7 })).refused(409, "version_conflict");
    let changed = admin.patch(&path, &json!({ "secret": "n3w", "version": 1 })).expect(200).data();
    assert_eq!(changed["version"], 2);
    first.until_hung_up();
    let mut second = pbx.next();
    second.greet();
    let login = second.expect("Login");
    assert_eq!(login["Secret"], "n3w");
    let duplicate = json!({ "name": "asterisk", "host": "h", "username": "u", "secret": "s" });
    admin.post("/api/v1/pbx", &duplicate).refused(409, "name_taken");
    admin.post("/api/v1/pbx", &json!({})).names(&["name", "host", "username", "secret"]);
    admin.patch(&path, &json!({ "is_active": false })).expect(200);
    second.until_hung_up();
    until("it is idle", || (status(&admin, &made)["state"] == "idle").then_some(()));
    admin.delete(&path).expect(200);
    admin.get(&path).refused(404, "not_found");
    assert!(admin.get("/api/v1/pbx").data().as_array().unwrap().is_empty());
    for heard in server.heard() {
        assert!(!heard.contains("s3cret of the pbx") && !heard.contains("n3w"), "{heard}");
    }
    let (_, ended) = server.stop();
    assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
}
