//! Finding calls: filters, numbers, what was missed and not returned, and all of it as a file.

use crate::{
    harness::{Server, Session},
    leaks_world::{id, make},
};
use serde_json::{Value, json};

fn enter(who: &Session, new: Value) -> String {
    id(&make(who, "/calls", new))
}

fn inbound(who: &Session, number: &str, queue: Value) -> String {
    enter(who, json!({ "direction": "inbound", "from_number": number, "queue": queue }))
}

fn step(who: &Session, call: &str, step: &str) {
    who.post(&format!("/api/v1/calls/{call}/{step}"), &json!({})).expect(200);
}

fn found(who: &Session, query: &str) -> Vec<String> {
    let page = who.get(&format!("/api/v1/calls?{query}")).expect(200);
    let ids: Vec<_> = page.data().as_array().unwrap().iter().map(id).collect();
    assert_eq!(page.meta()["total"].as_u64().unwrap(), ids.len() as u64, "{query}");
    ids
}

#[test]
fn every_filter_of_the_list_leaves_what_it_says() {
    let server = Server::start();
    let admin = server.admin();
    let [ann, ben] = ["agent", "agent"].map(|role| admin.new_user(role));
    let waits = inbound(&ann, "+49 30 111111", json!("hardware"));
    let talks = inbound(&ann, "+49 30 222222", json!("sales"));
    step(&ann, &talks, "answer");
    let passed = inbound(&ann, "+49 30 333333", json!("hardware"));
    step(&ann, &passed, "answer");
    let to = json!({ "to_agent_id": ben.id() });
    ann.post(&format!("/api/v1/calls/{passed}/transfer"), &to).expect(200);
    step(&ben, &passed, "end");
    let missed = inbound(&ann, "+49 30 444444", json!(null));
    step(&ann, &missed, "end");
    let to = json!({ "direction": "outbound", "to_number": "+49 30 222222" });
    let ours = enter(&ben, to);
    let tied = ann.post(&format!("/api/v1/calls/{missed}/ticket"), &json!({})).expect(201).data();
    let ticket = id(&tied["ticket"]);
    inbound(&admin.new_tenant("Elsewhere").admin, "+49 30 111111", json!("hardware"));
    let table: [(String, Vec<&String>); 17] = [
        (String::new(), vec![&ours, &missed, &passed, &talks, &waits]),
        ("state=queued".into(), vec![&waits]),
        ("state=answered,ringing".into(), vec![&ours, &talks]),
        ("queue=hardware".into(), vec![&passed, &waits]),
        ("queue=hardware,sales&state=queued,answered".into(), vec![&talks, &waits]),
        ("agent=me".into(), vec![&passed, &talks]),
        (format!("agent={}", ben.id()), vec![&ours, &passed]),
        ("agent=none".into(), vec![&missed, &waits]),
        ("direction=outbound".into(), vec![&ours]),
        ("result=missed".into(), vec![&missed]),
        ("q=030222222".into(), vec![&ours, &talks]),
        ("q=3333".into(), vec![&passed]),
        ("returned=false".into(), vec![&missed]),
        (format!("ticket={ticket}"), vec![&missed]),
        (format!("customer={}", ben.id()), vec![]),
        ("from=2020-01-01&to=2020-12-31".into(), vec![]),
        ("from=2020-01-01&per_page=200".into(), vec![&ours, &missed, &passed, &talks, &waits]),
    ];
    for (query, expected) in table {
        let expected: Vec<String> = expected.into_iter().cloned().collect();
        assert_eq!(found(&ann, &query), expected, "{query}");
    }
    let page = ann.get("/api/v1/calls?page=2&per_page=2").expect(200);
    assert_eq!(page.data().as_array().unwrap().len(), 2);
    assert_eq!(page.meta()["total_pages"], 3);
}

#[test]
fn a_call_that_rings_at_several_telephones_is_found_by_each_of_their_agents_while_it_rings() {
    let server = Server::start();
    let admin = server.admin();
    let [ann, ben, cid] = ["agent", "agent", "agent"].map(|role| admin.new_user(role));
    let call = inbound(&ann, "+49 30 111111", json!("hardware"));
    for who in [&ann, &ben, &ann] {
        step(who, &call, "ring");
    }
    let only = vec![call.clone()];
    for who in [&ann, &ben] {
        assert_eq!(found(who, "agent=me"), only);
        assert_eq!(found(who, "agent=me&state=ringing"), only);
        assert_eq!(found(&cid, &format!("agent={}", who.id())), only);
    }
    assert!(found(&cid, "agent=me").is_empty());
    step(&ben, &call, "answer");
    assert!(found(&ann, "agent=me").is_empty(), "it does not ring for her any more");
    assert_eq!(found(&ben, "agent=me"), [call]);
    // Given up by its caller, it is found by whom it names.
    let given_up = inbound(&ann, "+49 30 222222", json!("hardware"));
    for who in [&ann, &cid] {
        step(who, &given_up, "ring");
    }
    step(&ann, &given_up, "end");
    let named = ann.get(&format!("/api/v1/calls/{given_up}")).expect(200).data();
    for who in [&ann, &cid] {
        assert_eq!(found(who, "agent=me").is_empty(), named["agent_id"] != who.id());
    }
}

#[test]
fn who_called_in_vain_is_listed_until_somebody_calls_back_or_they_are_answered() {
    let server = Server::start();
    let admin = server.admin();
    let in_vain = |number: &str, queue: Value| {
        let call = inbound(&admin, number, queue);
        step(&admin, &call, "end");
        server.advance_ms(1_000);
        call
    };
    let first = in_vain("+49 30 111111", json!("hardware"));
    let second = in_vain("030 222222", json!(null));
    let hidden = enter(&admin, json!({ "direction": "inbound", "external_id": "hidden" }));
    step(&admin, &hidden, "end");
    let all = [&hidden, &second, &first].map(Clone::clone);
    assert_eq!(found(&admin, "returned=false"), all);
    // Calling a third time in vain returns nothing.
    let third = in_vain("030 111111", json!("hardware"));
    assert_eq!(found(&admin, "returned=false").len(), 4);
    server.advance_ms(1_000);
    enter(&admin, json!({ "direction": "outbound", "to_number": "030 111111" }));
    let again = inbound(&admin, "+49 30 222222", json!(null));
    assert_eq!(found(&admin, "returned=false"), [hidden.clone(), second.clone()]);
    step(&admin, &again, "answer");
    assert_eq!(found(&admin, "returned=false"), [hidden]);
    assert_eq!(found(&admin, "returned=true"), [third, second, first]);
}

#[test]
fn the_file_of_calls_has_what_the_filters_leave_and_no_formula() {
    let server = Server::start();
    let admin = server.admin();
    let supervisor = admin.new_user("supervisor");
    let evil = json!({ "direction": "inbound", "from_number": "+49 30 111111",
        "from_name": "=HYPERLINK(\"http://x\")", "queue": "a,b" });
    let call = enter(&supervisor, evil);
    step(&supervisor, &call, "answer");
    step(&supervisor, &call, "end");
    let note = json!({ "note": "two\nlines" });
    supervisor.post(&format!("/api/v1/calls/{call}/wrapup"), &note).expect(200);
    inbound(&supervisor, "030 222222", json!("other"));
    let answer = supervisor.get("/api/v1/calls.csv?state=ended").expect(200);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"calls.csv\""));
    let text = answer.text();
    assert!(text.starts_with("id,source,external_id,direction,status"), "{text}");
    assert!(text.contains("\"'=HYPERLINK(\"\"http://x\"\")\""), "{text}");
    assert!(text.contains("\"'+49 30 111111\"") && text.contains("\"two\nlines\""), "{text}");
    assert!(text.contains("\"a,b\"") && !text.contains("222222"), "{text}");
    let name = supervisor.user["name"].as_str().unwrap();
    assert!(text.contains(name), "{text}");
}
