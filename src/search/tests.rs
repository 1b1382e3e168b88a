//! What is found, by whom, and in which order.

use super::http::search;
use crate::{
    auth::Role,
    comments::http as comments,
    http::{
        Core,
        testing::{House, ask},
    },
    tenants,
    tickets::{http as tickets, testing::token},
};
use axum::{
    Router,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::{Value, json};

/// A desk with an agent, two customers, and a stranger of another tenant.
struct Desk {
    routes: Router,
    people: [String; 4],
    _house: House,
}

const ADA: usize = 0;
const DORA: usize = 1;
const EMIL: usize = 2;
const STRANGER: usize = 3;

impl Desk {
    async fn open() -> Self {
        let house = House::new();
        let ours = house.write(|w| tenants::create(w, "Ours")).await.id;
        let theirs = house.write(|w| tenants::create(w, "Theirs")).await.id;
        let people = [
            token(&house, ours, "ada@example.com", Role::Agent).await,
            token(&house, ours, "dora@example.com", Role::Customer).await,
            token(&house, ours, "emil@example.com", Role::Customer).await,
            token(&house, theirs, "root@example.com", Role::Admin).await,
        ];
        let routes = Router::new()
            .route("/search", get(search))
            .route("/tickets", post(tickets::create))
            .route("/tickets/{id}", get(tickets::show).patch(tickets::update))
            .route("/tickets/{id}/follow", post(tickets::follow))
            .route("/tickets/{id}/comments", post(comments::create))
            .with_state(Core::clone(&house));
        Self { routes, people, _house: house }
    }

    async fn ask(&self, who: usize, what: &str, body: Value) -> (StatusCode, Value) {
        let headers = [("authorization", self.people[who].as_str())];
        let (status, _, answer) = ask(&self.routes, what, &headers, body).await;
        (status, answer)
    }

    async fn ticket(&self, who: usize, subject: &str, description: &str) {
        let new = json!({ "subject": subject, "description": description });
        assert_eq!(self.ask(who, "POST /tickets", new).await.0, StatusCode::CREATED);
    }

    async fn comment(&self, who: usize, number: u32, body: Value) {
        let path = format!("POST /tickets/{number}/comments");
        assert_eq!(self.ask(who, &path, body).await.0, StatusCode::CREATED);
    }

    /// What is found: the ticket's number, and whether it is the ticket, a comment or a note.
    async fn finds(&self, who: usize, query: &str) -> Vec<String> {
        let (status, answer) = self.ask(who, &format!("GET /search?{query}"), Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let found = answer["data"].as_array().unwrap();
        let short = |row: &Value| {
            let note = if row["internal"] == true { " note" } else { "" };
            format!("{} {}{note}", row["ticket_number"], row["type"].as_str().unwrap())
        };
        found.iter().map(short).collect()
    }
}

#[tokio::test]
async fn titles_come_before_texts_whole_words_before_beginnings_and_the_newest_first() {
    let desk = Desk::open().await;
    desk.ticket(DORA, "Printer", "").await;
    desk.ticket(DORA, "Paper", "for the printer").await;
    desk.ticket(DORA, "Printers", "").await;
    desk.ticket(DORA, "My printer", "").await;
    desk.comment(DORA, 2, json!({ "body": "A printer, I said. Printers!" })).await;
    let best = ["4 ticket", "1 ticket", "2 comment", "2 ticket", "3 ticket"];
    for who in [ADA, DORA] {
        assert_eq!(desk.finds(who, "q=printer").await, best);
        assert_eq!(desk.finds(who, "q=printer&limit=3").await, best[..3]);
        assert_eq!(desk.finds(who, "q=my+prin").await, ["4 ticket"]);
        assert_eq!(desk.finds(who, "q=p").await, Vec::<String>::new(), "one letter is a word");
    }
    // What a change took away is not found.
    let edit = json!({ "subject": "Toner" });
    assert_eq!(desk.ask(ADA, "PATCH /tickets/4", edit).await.0, StatusCode::OK);
    assert_eq!(desk.finds(ADA, "q=printer").await, best[1..]);
    assert_eq!(desk.finds(ADA, "q=toner").await, ["4 ticket"]);
}

/// However many newer comments have a word, a search for tickets finds the tickets.
#[tokio::test]
async fn what_is_looked_for_is_not_crowded_out_by_what_is_not() {
    let desk = Desk::open().await;
    desk.ticket(DORA, "Old", "invoice").await;
    for _ in 0..60 {
        desk.comment(DORA, 1, json!({ "body": "invoice" })).await;
    }
    assert_eq!(desk.finds(ADA, "q=invoice&in=tickets&limit=1").await, ["1 ticket"]);
    assert_eq!(desk.finds(DORA, "q=invoice&in=tickets,tickets&limit=50").await, ["1 ticket"]);
    assert_eq!(desk.finds(ADA, "q=invoice&in=comments&limit=50").await.len(), 50);
    assert_eq!(desk.finds(ADA, "q=invoice&in=articles").await, Vec::<String>::new());
}

#[tokio::test]
async fn customers_find_what_they_see_and_no_note() {
    let desk = Desk::open().await;
    desk.ticket(DORA, "Café", "straße").await;
    desk.ticket(EMIL, "Cafe", "").await;
    desk.comment(ADA, 1, json!({ "body": "café note", "visibility": "internal" })).await;
    desk.comment(ADA, 1, json!({ "body": "cafe answer" })).await;
    assert_eq!(desk.finds(DORA, "q=cafe").await, ["1 ticket", "1 comment"]);
    assert_eq!(desk.finds(EMIL, "q=café").await, ["2 ticket"]);
    assert_eq!(desk.finds(STRANGER, "q=cafe").await, Vec::<String>::new());
    let all = ["2 ticket", "1 ticket", "1 comment", "1 comment note"];
    assert_eq!(desk.finds(ADA, "q=CAFÉ").await, all);
    assert_eq!(desk.finds(ADA, "q=stra").await, ["1 ticket"]);
}

#[tokio::test]
async fn numbers_and_addresses_are_looked_up_first() {
    let desk = Desk::open().await;
    desk.ticket(DORA, "First", "").await;
    desk.ticket(EMIL, "Second", "see ticket 1").await;
    for query in ["q=1", "q=%231"] {
        assert_eq!(desk.finds(ADA, query).await, ["1 ticket", "2 ticket"]);
    }
    assert_eq!(desk.finds(DORA, "q=1").await, ["1 ticket"]);
    assert_eq!(desk.finds(EMIL, "q=1").await, ["2 ticket"], "another's ticket is not looked up");
    let first = desk.ask(DORA, "GET /tickets/1", Value::Null).await.1;
    let dora = first["data"]["requester_id"].clone();
    let third = json!({ "subject": "Third", "followers": [dora] });
    assert_eq!(desk.ask(ADA, "POST /tickets", third).await.0, StatusCode::CREATED);
    assert_eq!(desk.finds(DORA, "q=3").await, ["3 ticket"], "a followed one is");
    assert_eq!(desk.finds(EMIL, "q=3").await, Vec::<String>::new());
    assert_eq!(desk.finds(STRANGER, "q=1").await, Vec::<String>::new());
    assert_eq!(desk.finds(ADA, "q=dora@example.com").await, ["1 ticket"]);
    assert_eq!(desk.finds(DORA, "q=emil@example.com").await, Vec::<String>::new());
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_named() {
    let desk = Desk::open().await;
    let long = "x".repeat(201);
    for (query, field) in [
        ("q=", "q"),
        (&*format!("q={long}"), "q"),
        ("q=x&limit=51", "limit"),
        ("q=x&in=chats", "in"),
    ] {
        let (status, answer) = desk.ask(ADA, &format!("GET /search?{query}"), Value::Null).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(answer["error"]["fields"][field].is_string(), "{answer}");
    }
}
