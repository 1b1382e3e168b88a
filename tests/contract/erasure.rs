//! Anonymised people: nothing that was written down has their name, in no table, whatever happens
//! while they are being forgotten.

use crate::{
    harness::{PASSWORD, Play, Receiver, Server, Session},
    leaks_world::{id, make, upload},
};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use std::path::Path;

/// By which Zoe, an agent, and Yara, a customer, were known.
const ZOE: [&str; 4] = ["Quillfeather", "Oldname", "zoe.quill@example.com", "5550199"];
const YARA: [&str; 3] = ["Vexwood", "yara.vex@example.com", "5550777"];

/// What somebody else wrote of Yara in their own words.
const OTHERS: &str = "Dear Yara Vexwood, as you know";

fn hire(admin: &Session, name: &str, email: &str, role: &str) -> Session {
    let new = json!({ "name": name, "email": email, "role": role, "password": PASSWORD,
        "phone": "+49 171 5550777" });
    let request = admin.request("POST", "/api/v1/users").header("idempotency-key", email);
    request.json(&new).send().expect(201);
    Session::login(admin, email, PASSWORD)
}

/// Two people who leave their names wherever there is room for them.
fn lives(server: &Server) -> (Session, Session, Session) {
    let admin = server.admin();
    let hook = json!({ "name": "all", "url": Receiver::answering(|_| Play::Echo).url("/"),
        "events": ["*"], "retry_count": 0 });
    make(&admin, "/webhooks", hook);
    let inside = json!({ "webhook_url": "/api/notifications/webhooks/notifications" });
    admin.put("/api/v1/users/me/webhook", &inside).expect(200);
    let zoe = hire(&admin, "Zoe Oldname", "zoe.quill@example.com", "agent");
    let yara = hire(&admin, "Yara Vexwood", "yara.vex@example.com", "customer");
    let wrong = json!({ "email": "zoe.quill@example.com", "password": "wrong" });
    server.api().post("/api/v1/auth/login", &wrong).expect(401);
    let named = json!({ "name": "Zoe Quillfeather", "phone": "+49 171 5550199" });
    zoe.patch("/api/v1/auth/me", &named).expect(200);
    let ticket = json!({ "subject": "Yara Vexwood has no heat", "type": "heat",
        "description": "Call me: +49 171 5550777. Yara Vexwood",
        "custom": { "who": ["Yara Vexwood"] } });
    let ticket = id(&make(&yara, "/tickets", ticket));
    let comments = format!("/tickets/{ticket}/comments");
    let say = |who: &Session, body: Value| {
        let request = who.request("POST", &format!("/api/v1{comments}"));
        id(&request.header("idempotency-key", "say").json(&body).send().expect(201).data())
    };
    say(&yara, json!({ "body": "YARA.VEX@example.com it is. Yara Vexwood" }));
    upload(&yara, &format!("/tickets/{ticket}"), "Yara Vexwood.txt", "bytes stay").expect(201);
    let note = json!({ "body": "I, Zoe Quillfeather, know", "visibility": "internal",
        "mentions": [admin.id()] });
    let note = say(&zoe, note);
    upload(&zoe, &format!("/comments/{note}"), "of Zoe Quillfeather.txt", "x").expect(201);
    zoe.patch(&format!("/api/v1/tickets/{ticket}"), &json!({ "priority": "high" })).expect(200);
    say(&admin, json!({ "body": OTHERS }));
    // By the number as her telephone sends it, and by the name that came along.
    let call = json!({ "direction": "inbound", "from_number": "+491715550777",
        "from_name": "Vexwood Y", "queue": "heat" });
    let call = id(&make(&admin, "/calls", call));
    let call = format!("/api/v1/calls/{call}");
    assert_eq!(admin.get(&call).data()["customer"]["name"], "Yara Vexwood");
    zoe.post(&format!("{call}/answer"), &json!({})).expect(200);
    zoe.post(&format!("{call}/end"), &json!({})).expect(200);
    let wrap = json!({ "note": "Zoe Quillfeather will send somebody" });
    zoe.post(&format!("{call}/wrapup"), &wrap).expect(200);
    let missed = json!({ "direction": "inbound", "from_number": "0171 5550777" });
    let missed = id(&make(&admin, "/calls", missed));
    admin.post(&format!("/api/v1/calls/{missed}/end"), &json!({})).expect(200);
    let chat = json!({ "body": "I am Yara Vexwood, yara.vex@example.com" });
    let chat = id(&make(&yara, "/chats", chat));
    let signed = json!({ "body": "Zoe Quillfeather here" });
    make(&zoe, &format!("/chats/{chat}/messages"), signed);
    zoe.post(&format!("/api/v1/chats/{chat}/assign"), &json!({})).expect(200);
    let article = json!({ "title": "By me", "body": "Zoe Quillfeather, zoe.quill@example.com",
        "tags": ["Zoe Quillfeather"], "status": "published" });
    make(&zoe, "/kb/articles", article);
    make(&zoe, "/macros", json!({ "name": "Regards", "text": "Zoe Quillfeather" }));
    let state = json!({ "state": "busy", "reason": "Zoe Quillfeather is busy" });
    zoe.post("/api/v1/agent-state/me", &state).expect(200);
    let fired = json!({ "type": "order.paid", "data": { "name": "Zoe Quillfeather" } });
    make(&zoe, "/events", fired);
    for _ in 0..30 {
        let event = json!({ "type": "order.paid", "data": { "a": "x".repeat(200) } });
        make(&admin, "/events/batch", json!({ "events": vec![event; 100] }));
    }
    let inbox = "/api/v1/notifications/webhooks/notifications";
    while !admin.get(inbox).text().contains("Zoe Quillfeather") {}
    (admin, zoe, yara)
}

#[allow(clippy::disallowed_methods, reason = "it looks at the file from outside")]
fn open(data: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    Connection::open_with_flags(data.join("deskbell.db"), flags).unwrap()
}

/// Every text of every table that has one of the words in it, as `table.column: text`.
fn texts_with(conn: &Connection, words: &[&str]) -> Vec<String> {
    let all = |sql: &str| {
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    // Contentless tables have no text to read, and statistics are of numbers.
    for table in all("select name from sqlite_schema where type = 'table' and name not like \
        'sqlite_%' and name not like 'ticket_words%'")
    {
        for column in all(&format!("select name from pragma_table_info('{table}')")) {
            let sql =
                format!("select \"{column}\" from \"{table}\" where typeof(\"{column}\") = 'text'");
            for text in all(&sql) {
                let low = text.to_lowercase();
                if words.iter().any(|word| low.contains(&word.to_lowercase())) {
                    found.push(format!("{table}.{column}: {text}"));
                }
            }
        }
    }
    found
}

#[test]
fn who_is_anonymised_is_named_nowhere_but_in_what_others_wrote_even_after_a_crash() {
    let server = Server::start();
    let (admin, zoe, yara) = lives(&server);
    let data = server.setup.data_dir();
    assert!(texts_with(&open(&data), &ZOE).len() > 20, "there is much to forget");
    for person in [&zoe, &yara] {
        admin.delete(&format!("/api/v1/users/{}?anonymise=1", person.id())).expect(200);
    }
    let server = server.kill9().start();
    let left = || {
        let conn = open(&data);
        conn.query_row("select count(*) from erasures", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let started = std::time::Instant::now();
    while left() > 0 {
        assert!(started.elapsed() < crate::harness::PATIENCE, "nobody is forgotten");
        server.api().get("/readyz").expect(200);
    }
    let admin = server.admin();
    let found = admin.get("/api/v1/search?q=quillfeather").data();
    assert_eq!(found, json!([]), "the text index forgets too");
    assert_eq!(admin.get("/api/v1/tickets?q=vexwood").data(), json!([]));
    let log = admin.get("/api/v1/events?limit=500").text();
    assert!(log.contains("Deleted user") && log.contains("no heat"), "the rest is still there");
    let (setup, _) = server.stop();
    let files = ["deskbell.db", "deskbell.db-wal"].map(|name| setup.data_dir().join(name));
    for file in files.iter().filter(|file| file.exists()) {
        let low = String::from_utf8_lossy(&std::fs::read(file).unwrap()).to_lowercase();
        for word in ZOE {
            let there = low.contains(&word.to_lowercase());
            assert!(!there, "{word} is still among the bytes of {}", file.display());
        }
    }
    let conn = open(&setup.data_dir());
    assert_eq!(texts_with(&conn, &ZOE), Vec::<String>::new());
    let mut of_yara = texts_with(&conn, &YARA);
    of_yara.retain(|text| !text.contains(OTHERS));
    assert_eq!(of_yara, Vec::<String>::new());
    assert!(!texts_with(&conn, &[OTHERS]).is_empty());
}
