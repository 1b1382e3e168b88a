//! The catalogue of events: a tenant's own types beside the built-in ones, and what is published
//! checked by them.

use crate::harness::{Server, Session};
use serde_json::{Value, json};

fn paid() -> Value {
    json!({
        "description": "An order was paid.",
        "example": { "order": { "id": 7, "total": 9.5 } },
        "schema": {
            "type": "object",
            "required": ["order"],
            "properties": { "order": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": { "type": "integer", "minimum": 1 },
                    "total": { "type": "number" }
                }
            } }
        }
    })
}

fn publish(admin: &Session, data: Value) -> crate::harness::Response {
    admin.post("/api/v1/events", &json!({ "type": "order.paid", "data": data }))
}

#[test]
fn a_registered_type_stands_in_the_catalogue_and_is_checked_when_published() {
    let server = Server::start();
    let admin = server.admin();
    publish(&admin, json!({ "anything": "goes" })).expect(201);
    let made = admin.post("/api/v1/event-types/order.paid", &paid()).expect(201).data();
    assert_eq!(
        (&made["type"], &made["custom"], &made["version"]),
        (&json!("order.paid"), &json!(true), &json!(1))
    );
    let listed = |session: &Session| -> Vec<Value> {
        let all = session.get("/api/v1/event-types").expect(200).data();
        all.as_array().unwrap().iter().filter(|row| row["custom"] == true).cloned().collect()
    };
    assert_eq!(listed(&admin.new_user("agent")), [made]);
    let start = admin.latest_seq();
    publish(&admin, json!({ "order": { "id": 0, "total": "x" } }))
        .names(&["data.order.id", "data.order.total"]);
    publish(&admin, json!({})).names(&["data.order"]);
    let batch = json!({ "events": [
        { "type": "order.paid", "data": { "order": { "id": 1 } } },
        { "type": "order.paid", "data": { "order": {} } },
    ] });
    admin.post("/api/v1/events/batch", &batch).names(&["events[1].data.order.id"]);
    assert_eq!(admin.latest_seq(), start, "nothing was said");
    publish(&admin, json!({ "order": { "id": 1 }, "more": true })).expect(201);
    // Another tenant's type of that name is its own affair.
    let other = admin.new_tenant("Elsewhere").admin;
    publish(&other, json!({})).expect(201);
    assert!(listed(&other).is_empty());
    other.delete("/api/v1/event-types/order.paid").refused(404, "not_found");
    // And it is still checked after a restart.
    let server = server.restart();
    let admin = server.admin();
    publish(&admin, json!({})).names(&["data.order"]);
}

#[test]
fn a_type_is_changed_from_its_version_and_deleted_without_forbidding_it() {
    let server = Server::start();
    let admin = server.admin();
    admin.post("/api/v1/event-types/order.paid", &paid()).expect(201);
    admin.post("/api/v1/event-types/order.paid", &paid()).refused(409, "type_exists");
    publish(&admin, json!({})).names(&["data.order"]);
    let path = "/api/v1/event-types/order.paid";
    let looser = json!({ "schema": {}, "version": 1 });
    let changed = admin.patch(path, &looser).expect(200).data();
    assert_eq!(
        (&changed["version"], &changed["description"]),
        (&json!(2), &json!("An order was paid."))
    );
    publish(&admin, json!({})).expect(201);
    admin.patch(path, &looser).refused(409, "version_conflict");
    let narrow = json!({ "schema": { "required": ["invoice"] } });
    admin.patch(path, &narrow).names(&["example.invoice"]);
    admin.patch(path, &json!({ "schema": paid()["schema"] })).expect(200);
    publish(&admin, json!({})).names(&["data.order"]);
    admin.delete(path).expect(200);
    publish(&admin, json!({})).expect(201);
    admin.patch(path, &json!({})).refused(404, "not_found");
    for (name, body, fields) in [
        ("order.sold", json!({}), &["description", "example"][..]),
        ("order.sold", json!({ "description": "x", "example": {}, "extra": 1 }), &["extra"]),
        ("Order", paid(), &["type"]),
    ] {
        admin.post(&format!("/api/v1/event-types/{name}"), &body).names(fields);
    }
    let mut pattern = paid();
    pattern["schema"]["properties"]["order"]["pattern"] = json!("^a");
    admin
        .post("/api/v1/event-types/order.sold", &pattern)
        .names(&["schema.properties.order.pattern"]);
    admin.post("/api/v1/event-types/ticket.paid", &paid()).refused(422, "reserved_type");
}
