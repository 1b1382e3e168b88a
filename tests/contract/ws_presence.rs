//! Who is online, as B's endpoints report it.

use crate::{
    harness::{Server, Session, Socket},
    wire::until,
};
use serde_json::{Value, json};

fn is_online(asks: &Session, user: &str) -> bool {
    let answer = asks.get(&format!("/api/v1/ws/users/{user}/online")).expect(200).json();
    let online = answer["data"]["online"].as_bool().expect("true or false");
    assert_eq!(
        answer,
        json!({ "success": true, "data": { "online": online } }),
        "B, to the letter"
    );
    online
}

fn online(asks: &Session) -> Vec<Value> {
    asks.get("/api/v1/ws/online").data().as_array().expect("a list").clone()
}

fn connections(asks: &Session, user: &str) -> Option<i64> {
    let here = online(asks).into_iter().find(|row| row["user_id"] == user)?;
    here["connections"].as_i64()
}

#[test]
fn a_user_is_online_from_the_first_socket_until_ten_seconds_after_the_last() {
    let server = Server::start();
    let admin = server.admin();
    let agent = admin.new_user("agent");
    assert!(!is_online(&admin, agent.id()));
    assert_eq!(online(&admin), Vec::<Value>::new());
    let (first, second) = (Socket::open(&agent), Socket::open(&agent));
    until("both are counted", || (connections(&admin, agent.id()) == Some(2)).then_some(()));
    assert!(is_online(&admin, agent.id()) && is_online(&agent, agent.id()));
    let row = &online(&admin)[0];
    let fields: Vec<_> = row.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["connections", "last_seen", "name", "role", "since", "user_id"]);
    assert_eq!((&row["name"], &row["role"]), (&agent.user["name"], &json!("agent")));
    assert!(row["since"].as_str().is_some_and(|time| time.ends_with('Z')), "{row}");
    first.close();
    until("one is left", || (connections(&admin, agent.id()) == Some(1)).then_some(()));
    // Without a good-bye, as when a laptop is closed.
    drop(second);
    until("none is left", || (connections(&admin, agent.id()) == Some(0)).then_some(()));
    server.advance_ms(9_000);
    assert!(is_online(&admin, agent.id()), "a reload is silent");
    server.advance_ms(1_500);
    assert!(!is_online(&admin, agent.id()));
    assert_eq!(online(&admin), Vec::<Value>::new());
}

#[test]
fn a_reload_keeps_a_user_online_without_a_break() {
    let server = Server::start();
    let admin = server.admin();
    let socket = Socket::open(&admin);
    let here = || Some(online(&admin).first()?["since"].clone());
    let since = until("the socket is counted", here);
    socket.close();
    server.advance_ms(5_000);
    let mut back = Socket::open(&admin);
    assert!(back.all_until_now().is_empty());
    server.advance_ms(20_000);
    assert!(is_online(&admin, admin.id()));
    assert_eq!(here(), Some(since));
}

#[test]
fn the_statistics_have_exactly_the_three_fields_of_the_quick_start_and_ours_apart() {
    let server = Server::start();
    let admin = server.admin();
    let tenant = admin.new_tenant("Abroad");
    let stats = |asks: &Session| asks.get("/api/v1/ws/stats").expect(200).data();
    let fields: Vec<String> = stats(&admin).as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["clients_by_tenant", "hub", "total_clients", "total_tenants"]);
    assert_eq!(stats(&admin)["clients_by_tenant"], json!({}));
    let _sockets = (Socket::open(&admin), Socket::open(&admin), Socket::open(&tenant.admin));
    until("all are counted", || (stats(&admin)["total_clients"] == 3).then_some(()));
    let all = stats(&admin);
    assert_eq!(all["total_tenants"], 2, "the system administrator sees all tenants");
    assert_eq!(all["clients_by_tenant"][admin.tenant_id()], 2);
    assert_eq!(all["clients_by_tenant"][&tenant.id], 1);
    let own = stats(&tenant.admin);
    assert_eq!((&own["total_clients"], &own["total_tenants"]), (&json!(1), &json!(1)));
    assert_eq!(own["clients_by_tenant"], json!({ &tenant.id: 1 }), "nobody else sees another's");
}

#[test]
fn presence_is_for_staff_and_stays_within_the_tenant() {
    let server = Server::start();
    let admin = server.admin();
    let (customer, abroad) = (admin.new_user("customer"), admin.new_tenant("Abroad").admin);
    let _sockets = (Socket::open(&admin), Socket::open(&customer));
    until("both are online", || (online(&admin).len() == 2).then_some(()));
    assert!(is_online(&admin, customer.id()));
    assert!(!is_online(&abroad, admin.id()), "another tenant's user is never online here");
    assert_eq!(online(&abroad), Vec::<Value>::new());
    for path in ["online", "stats", &format!("users/{}/online", admin.id())] {
        customer.get(&format!("/api/v1/ws/{path}")).refused(403, "forbidden");
        server.api().get(&format!("/api/v1/ws/{path}")).refused(401, "unauthorized");
    }
    admin.get("/api/v1/ws/users/nobody/online").refused(404, "not_found");
}
