//! Addresses that must not be called, tried by every way that leads to a call: making a webhook,
//! testing it, delivering to it, and sending again.

use crate::{
    harness::{Receiver, Server, Session},
    hook_retries::wait_for_logs,
    hooks::{hook, say},
};
use rusqlite::Connection;
use serde_json::{Value, json};

/// This machine in every spelling; `P` is the port of a receiver that counts connections.
const HERE: [&str; 34] = [
    "http://127.0.0.1:P/",
    "http://127.1:P/",
    "http://127.0.1:P/",
    "http://2130706433:P/",
    "http://0x7f000001:P/",
    "http://0x7f.0.0.1:P/",
    "http://0177.0.0.1:P/",
    "http://017700000001:P/",
    "http://0177.0x0.1:P/",
    "http://00000177.0.0.1:P/",
    "http://127.0.0.1.:P/",
    "http://127.255.255.254:P/",
    "http://%31%32%37.0.0.1:P/",
    "http://127%2E0.0.1:P/",
    "http://127。0。0。1:P/",
    "http://①②⑦.⓪.⓪.①:P/",
    "http:127.0.0.1:P",
    "http:/127.0.0.1:P",
    "http:///127.0.0.1:P",
    "http:\\\\127.0.0.1:P\\hook",
    "ht\ntp://127.0\t.0.1:P/",
    "HTTPS://127.0.0.1:P/",
    "http://127.0.0.1:P\\@example.com/",
    "http://127.0.0.1:P#@example.com/",
    "http://0.0.0.0:P/",
    "http://0:P/",
    "http://[::1]:P/",
    "http://[::]:P/",
    "http://[::127.0.0.1]:P/",
    "http://[::ffff:127.0.0.1]:P/",
    "http://[::ffff:7f00:1]:P/",
    "http://[64:ff9b::127.0.0.1]:P/",
    "http://localhost:P/",
    " \thttp://127.0.0.1:P/\n",
];

/// What lies elsewhere and is nobody's business.
const ELSEWHERE: [&str; 36] = [
    "http://10.0.0.1/",
    "http://012.0.0.1/",
    "http://167772161/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://172.16.0.1/",
    "http://192.168.257/",
    "http://198.18.0.1/",
    "http://168.63.129.16/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::8.8.8.8]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:808:808::1]/",
    "http://[2001:db8::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[fe80::1%25eth0]/",
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
    "unix:/run/docker.sock",
    "http://user:secret@example.com/",
    "http://example.com:25/",
    "http://example.com:0/",
    "https://example.com:6667/",
    "http://example.com:65536/",
];

fn forms(receiver: &Receiver) -> Vec<String> {
    let port = format!(":{}", receiver.address.port());
    let here = HERE.iter().map(|form| form.replace(":P", &port));
    here.chain(ELSEWHERE.iter().map(|form| (*form).to_owned())).collect()
}

fn refused(told: &Value) -> bool {
    told["http_status"].is_null()
        && told["error"].as_str().is_some_and(|why| why.starts_with("address refused: "))
}

/// Tries the three ways that lead to a call of a webhook that is there.
fn try_all(admin: &Session, id: i64, form: &str) {
    let path = format!("/api/v1/webhooks/{id}");
    let tested = admin.post(&format!("{path}/test"), &json!({})).expect(200).data();
    assert!(tested["success"] == false && refused(&tested), "{form}: {tested}");
    let delivered = wait_for_logs(admin, id, 2);
    assert!(delivered.iter().all(refused), "{form}: {delivered:?}");
    let again = json!({ "since": "2020-01-01T00:00:00Z" });
    admin.post(&format!("{path}/replay"), &again).names(&["url"]);
    let failed = delivered.iter().find(|row| row["event"] == "load.step");
    let failed = failed.unwrap_or_else(|| panic!("{form}: {delivered:?}"));
    let retry = format!("/api/v1/deliveries/{}/retry", failed["delivery_id"]);
    admin.post(&retry, &json!({})).names(&["url"]);
}

#[test]
fn seventy_hostile_addresses_are_refused_by_every_way_and_nobody_is_called() {
    let receiver = Receiver::start();
    let forms = forms(&receiver);
    // In development this machine may be called, so that there can be webhooks to spoil.
    let server = Server::start();
    let admin = server.admin();
    let ids: Vec<i64> = forms
        .iter()
        .map(|_| hook(&admin, &receiver.url("/"), &json!({ "retry_count": 0 })))
        .collect();
    let (setup, _) = server.stop();
    #[allow(
        clippy::disallowed_methods,
        reason = "nobody else has it open: what is in it is spoilt"
    )]
    let db = Connection::open(setup.data_dir().join("deskbell.db")).unwrap();
    for (id, form) in ids.iter().zip(&forms) {
        db.execute("update endpoints set url = ?2 where id = ?1", (id, form)).unwrap();
    }
    drop(db);
    let server = setup.env("SERVER_ENV", "test").start();
    let admin = server.admin();
    // Each for a webhook that has another one: what does not change is judged when it is called.
    for (form, id) in forms.iter().zip(ids.iter().cycle().skip(1)) {
        let body = json!({ "name": "a", "url": form, "events": ["load.*"] });
        admin
            .patch(&format!("/api/v1/webhooks/{id}"), &json!({ "url": form, "name": "b" }))
            .refused(422, "invalid");
        // A hundred webhooks is the most there may be, and that is asked last.
        admin.post("/api/v1/webhooks", &body).names(&["url"]);
        let looked = admin.post("/api/v1/webhooks/check", &json!({ "url": form })).data();
        assert_eq!(looked["allowed"], false, "{form}");
    }
    say(&admin, "load.step");
    for (id, form) in ids.iter().zip(&forms) {
        try_all(&admin, *id, form);
    }
    assert_eq!(receiver.connections(), 0);
}
