//! The code that the pages offer to receivers: it takes what Deskbell sends, and nothing else.

use crate::{
    clients,
    harness::{Receiver, Server},
    hooks::{as_input, hook, say},
};
use serde_json::{Value, json};

#[test]
fn the_code_on_the_pages_takes_every_delivery_and_refuses_what_was_tampered_with() {
    let server = Server::start();
    let admin = server.admin();
    let receiver = Receiver::start();
    for (format, secret) in [
        ("event", "test-secret-123"),
        ("message", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"),
        ("event", "gehé☎im-sehr"),
    ] {
        let before = receiver.received().len();
        let with = json!({ "secret": secret, "payload_format": format });
        let id = hook(&admin, &receiver.url("/"), &with);
        say(&admin, "load.step");
        let good = as_input(&receiver.wait_for(before + 1)[before], secret);
        admin.delete(&format!("/api/v1/webhooks/{id}")).expect(200);
        let mut inputs = vec![good.clone(); 5];
        inputs[1]["body"] = json!("{}");
        inputs[2]["secret"] = json!("another secret");
        inputs[3]["headers"]["webhook-timestamp"] = json!("1729866000");
        inputs[4]["headers"]["webhook-signature"] = json!("v1, v1,AAAA");
        let event: Value = serde_json::from_str(good["body"].as_str().unwrap()).unwrap();
        let expected = json!([event, null, null, null, null]);
        let spoken = json!({ "format": format, "inputs": inputs });
        let spoken = clients::node("snippets.mjs", &spoken);
        assert_eq!(spoken["node"], expected, "{format}");
        let python = json!({ "code": spoken["python"], "inputs": inputs });
        assert_eq!(clients::python("snippets.py", &python), expected, "{format}");
        assert_eq!(spoken["names"], json!(["Python", "Node", "Go", "Rust", "PHP", "Ruby"]));
        let kind = if format == "event" { "event" } else { "type" };
        let named = format!("event[\"{kind}\"]");
        assert!(spoken["python"].as_str().unwrap().contains(&named), "its own field names");
    }
}
