//! Search: what is found, by whom, and in which order.

use crate::harness::{Server, Session};
use serde_json::{Value, json};

/// A desk with an agent, two customers, and the administrator of another tenant.
struct Desk {
    ada: Session,
    dora: Session,
    emil: Session,
    stranger: Session,
    _server: Server,
}

impl Desk {
    fn open() -> Self {
        let server = Server::start();
        let admin = server.admin();
        Self {
            ada: admin.new_user("agent"),
            dora: admin.new_user("customer"),
            emil: admin.new_user("customer"),
            stranger: admin.new_tenant("Elsewhere").admin,
            _server: server,
        }
    }
}

fn ticket(who: &Session, subject: &str, description: &str) {
    let new = json!({ "subject": subject, "description": description });
    who.post("/api/v1/tickets", &new).expect(201);
}

fn comment(who: &Session, number: u32, body: Value) {
    who.post(&format!("/api/v1/tickets/{number}/comments"), &body).expect(201);
}

/// What is found: the ticket's number, and whether it is the ticket, a comment or a note.
fn finds(who: &Session, query: &str) -> Vec<String> {
    let found = who.get(&format!("/api/v1/search?{query}")).expect(200).data();
    let short = |row: &Value| {
        let note = if row["internal"] == true { " note" } else { "" };
        format!("{} {}{note}", row["ticket_number"], row["type"].as_str().unwrap())
    };
    found.as_array().unwrap().iter().map(short).collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn titles_come_before_texts_whole_words_before_beginnings_and_the_newest_first() {
    let desk = Desk::open();
    let Desk { ada, dora, .. } = &desk;
    ticket(dora, "Printer", "");
    ticket(dora, "Paper", "for the printer");
    ticket(dora, "Printers", "");
    ticket(dora, "My printer", "");
    comment(dora, 2, json!({ "body": "A printer, I said. Printers!" }));
    let best = ["4 ticket", "1 ticket", "2 comment", "2 ticket", "3 ticket"];
    for who in [ada, dora] {
        assert_eq!(finds(who, "q=printer"), best);
        assert_eq!(finds(who, "q=printer&limit=3"), best[..3]);
        assert_eq!(finds(who, "q=my+prin"), ["4 ticket"]);
        assert_eq!(finds(who, "q=p"), NOTHING, "one letter is a whole word");
    }
    // What a change took away is not found.
    ada.patch("/api/v1/tickets/4", &json!({ "subject": "Toner" })).expect(200);
    assert_eq!(finds(ada, "q=printer"), best[1..]);
    assert_eq!(finds(ada, "q=toner"), ["4 ticket"]);
}

/// However many newer comments have a word, a search for tickets finds the tickets.
#[test]
fn what_is_looked_for_is_not_crowded_out_by_what_is_not() {
    let desk = Desk::open();
    ticket(&desk.dora, "Old", "invoice");
    for _ in 0..60 {
        comment(&desk.dora, 1, json!({ "body": "invoice" }));
    }
    assert_eq!(finds(&desk.ada, "q=invoice&in=tickets&limit=1"), ["1 ticket"]);
    assert_eq!(finds(&desk.dora, "q=invoice&in=tickets,tickets&limit=50"), ["1 ticket"]);
    assert_eq!(finds(&desk.ada, "q=invoice&in=comments&limit=50").len(), 50);
    assert_eq!(finds(&desk.ada, "q=invoice&in=articles"), NOTHING);
}

#[test]
fn customers_find_what_they_see_and_no_note() {
    let desk = Desk::open();
    let Desk { ada, dora, emil, stranger, .. } = &desk;
    ticket(dora, "Café", "straße");
    ticket(emil, "Cafe", "");
    comment(ada, 1, json!({ "body": "café note", "visibility": "internal" }));
    comment(ada, 1, json!({ "body": "cafe answer" }));
    assert_eq!(finds(dora, "q=cafe"), ["1 ticket", "1 comment"]);
    assert_eq!(finds(emil, "q=caf%C3%A9"), ["2 ticket"]);
    assert_eq!(finds(stranger, "q=cafe"), NOTHING);
    let all = ["2 ticket", "1 ticket", "1 comment", "1 comment note"];
    assert_eq!(finds(ada, "q=CAF%C3%89"), all);
    assert_eq!(finds(ada, "q=stra"), ["1 ticket"]);
}

#[test]
fn numbers_and_addresses_are_looked_up_first() {
    let desk = Desk::open();
    let Desk { ada, dora, emil, stranger, .. } = &desk;
    ticket(dora, "First", "");
    ticket(emil, "Second", "see ticket 1");
    for query in ["q=1", "q=%231"] {
        assert_eq!(finds(ada, query), ["1 ticket", "2 ticket"]);
    }
    assert_eq!(finds(dora, "q=1"), ["1 ticket"]);
    assert_eq!(finds(emil, "q=1"), ["2 ticket"], "another's ticket is not looked up");
    let third = json!({ "subject": "Third", "followers": [dora.id()] });
    ada.post("/api/v1/tickets", &third).expect(201);
    assert_eq!(finds(dora, "q=3"), ["3 ticket"], "a followed one is");
    assert_eq!(finds(emil, "q=3"), NOTHING);
    assert_eq!(finds(stranger, "q=1"), NOTHING);
    assert_eq!(finds(ada, &format!("q={}", dora.email())), ["1 ticket"]);
    assert_eq!(finds(dora, &format!("q={}", emil.email())), NOTHING);
}

/// A list's `q` looks at subjects; a customer's list at their own tickets.
#[test]
fn lists_are_narrowed_by_words_for_everybody() {
    let desk = Desk::open();
    let Desk { ada, dora, emil, .. } = &desk;
    for who in [dora, emil] {
        ticket(who, "Printer jam", "");
        ticket(who, "Paper", "printer");
    }
    let listed = |who: &Session, query: &str| -> Vec<i64> {
        let path = format!("/api/v1/tickets?sort=number&{query}");
        let found = who.get(&path).expect(200).data();
        found.as_array().unwrap().iter().map(|row| row["number"].as_i64().unwrap()).collect()
    };
    assert_eq!(listed(ada, "q=prin"), [1, 3]);
    assert_eq!(listed(dora, "q=prin"), [1]);
    assert_eq!(listed(emil, "q=jam+printer"), [3]);
    assert_eq!(listed(emil, "q=1"), [0; 0]);
    assert_eq!(listed(emil, "q=4&status=open"), [4]);
}

#[test]
fn what_cannot_be_searched_for_is_named() {
    let desk = Desk::open();
    let long = format!("q={}", "x".repeat(201));
    let wrong = [("q=", "q"), (&*long, "q"), ("q=x&limit=51", "limit"), ("q=x&in=chats", "in")];
    for (query, field) in wrong {
        desk.ada.get(&format!("/api/v1/search?{query}")).names(&[field]);
    }
}
