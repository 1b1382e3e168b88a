//! Lists against a real database: whatever is asked for, from whichever side it is reached, the
//! answer is what looking at every ticket finds.

use super::{Filters, Total, Wanted, sql};
use crate::{
    error::Result,
    event::Listener,
    http::page::Paging,
    tickets::{
        Hand, Status, Ticket, remove,
        testing::{Desk, listener},
    },
    time,
};
use serde_json::{Value, json};

/// Sixty tickets a second apart, with every sort of value; one of them deleted, one changed later.
async fn furnished() -> Desk {
    let desk = Desk::open().await;
    let ([ada, ben], [dora, emil]) = (&desk.agents, &desk.customers);
    for n in 0..60_usize {
        let fields = json!({
            "subject": format!("{} number {n}", ["Printer", "Screen", "Mäuse"][n % 3]),
            "status": (["open", "pending", "resolved", "closed"][n % 4]),
            "priority": (["low", "normal", "high", "urgent"][n % 4]),
            "type": (n % 5 == 0).then_some("incident"),
            "channel": (["web", "email"][n % 2]),
            "requester_id": ([dora, emil][usize::from(n % 10 == 0)].user),
            "assignee_id": ([ada.user, ben.user, None][n % 3]),
            "tags": if n % 6 == 0 { vec!["vip", "x"] } else { vec!["x"] },
            "followers": if n == 11 { vec![emil.user] } else { Vec::new() },
        });
        desk.ticket(ada, fields).await;
        desk.house.db.clock().advance_ms(1_000);
    }
    let (by, id) = (ben.clone(), all(&desk, ada).await[3].id);
    desk.house.write(move |w| remove(w, &by, id, None)).await;
    desk.change(ada, all(&desk, ada).await[40].id, json!({ "subject": "Moved" })).await.unwrap();
    desk
}

async fn page(desk: &Desk, who: &Hand, asked: Value) -> Result<(Vec<Ticket>, Total)> {
    let filters: Filters = serde_json::from_value(asked).unwrap();
    let who: Listener = listener(who);
    let wanted: Wanted = filters.wanted(&who)?;
    let paging = Paging::new(filters.page, Some(filters.per_page.unwrap_or(200)))?;
    desk.house.db.read(move |r| sql::page(r, &wanted, paging)).await
}

async fn all(desk: &Desk, who: &Hand) -> Vec<Ticket> {
    page(desk, who, json!({ "sort": "number" })).await.unwrap().0
}

/// The numbers that a list finds; the total must agree.
async fn found(desk: &Desk, who: &Hand, asked: Value) -> Vec<i64> {
    let (tickets, total) = page(desk, who, asked.clone()).await.unwrap();
    assert_eq!(i64::try_from(tickets.len()), Ok(total.count), "{asked}");
    tickets.into_iter().map(|ticket| ticket.number).collect()
}

type Fits = Box<dyn Fn(&Ticket) -> bool>;

fn cases(desk: &Desk, since: i64) -> Vec<(Value, Fits)> {
    let at = |ms| json!(time::rfc3339(ms));
    let (me, emil_id) = (desk.agents[0].user, desk.customers[1].user.unwrap());
    vec![
        (json!({}), Box::new(|_| true)),
        (json!({ "status": "open" }), Box::new(|t| t.status == Status::Open)),
        (
            json!({ "status": "open,closed" }),
            Box::new(|t| matches!(t.status, Status::Open | Status::Closed)),
        ),
        (json!({ "priority": "urgent" }), Box::new(|t| t.priority.name() == "urgent")),
        (json!({ "assignee": "me" }), Box::new(move |t| t.assignee_id == me)),
        (json!({ "assignee": "none" }), Box::new(|t| t.assignee_id.is_none())),
        (json!({ "team": "none" }), Box::new(|t| t.team_id.is_none())),
        (json!({ "requester": emil_id.to_string() }), Box::new(move |t| t.requester_id == emil_id)),
        (json!({ "tag": "vip" }), Box::new(|t| t.tags.len() == 2)),
        (json!({ "tag": "vip,x" }), Box::new(|_| true)),
        (json!({ "type": "incident" }), Box::new(|t| t.kind.is_some())),
        (json!({ "channel": "email" }), Box::new(|t| t.channel.name() == "email")),
        (json!({ "q": "prin" }), Box::new(|t| t.subject.starts_with("Printer"))),
        (json!({ "q": "mause \"*" }), Box::new(|t| t.subject.starts_with("Mäuse"))),
        (json!({ "q": "#12" }), Box::new(|t| t.number == 12 || t.subject.contains(" 12"))),
        (json!({ "created_after": at(since) }), Box::new(move |t| t.created_at >= since)),
        (json!({ "created_before": at(since) }), Box::new(move |t| t.created_at < since)),
        (json!({ "updated_after": at(since) }), Box::new(move |t| t.updated_at >= since)),
        (
            json!({ "q": "screen", "assignee": "me", "tag": "x", "status": "open" }),
            Box::new(move |t| {
                t.subject.starts_with("Screen") && t.assignee_id == me && t.status == Status::Open
            }),
        ),
    ]
}

/// Every filter in every order, both ways round.
#[tokio::test]
async fn lists_find_what_is_there() {
    let desk = furnished().await;
    let ada = &desk.agents[0];
    let everything = all(&desk, ada).await;
    for (filters, fits) in cases(&desk, everything[20].created_at) {
        for sort in ["updated_at", "created_at", "number", "priority"] {
            let mut expected: Vec<&Ticket> = everything.iter().filter(|t| fits(t)).collect();
            match sort {
                "updated_at" => expected.sort_by_key(|t| t.updated_at),
                "priority" => expected.sort_by_key(|t| (t.priority, t.updated_at)),
                _ => expected.sort_by_key(|t| t.number),
            }
            let numbers: Vec<_> = expected.iter().map(|t| t.number).collect();
            let mut asked = filters.clone();
            asked["sort"] = json!(sort);
            assert_eq!(found(&desk, ada, asked.clone()).await, numbers, "{asked}");
            asked["sort"] = json!(format!("-{sort}"));
            let reversed: Vec<_> = numbers.into_iter().rev().collect();
            assert_eq!(found(&desk, ada, asked.clone()).await, reversed, "{asked}");
        }
    }
}

/// A customer's list, its total included, knows only what they are on; deleted tickets are for
/// supervisors.
#[tokio::test]
async fn lists_stay_within_what_one_may_see() {
    let desk = furnished().await;
    let (ben, emil) = (&desk.agents[1], &desk.customers[1]);
    let emil_id = emil.user.unwrap();
    let everything = all(&desk, ben).await;
    let own: Vec<_> =
        everything.iter().filter(|t| t.is_of_customer(emil_id)).map(|t| t.number).collect();
    assert_eq!(own.len(), 7);
    assert_eq!(found(&desk, emil, json!({ "sort": "number" })).await, own);
    let printers = found(&desk, emil, json!({ "sort": "number", "q": "printer" })).await;
    assert_eq!(printers, [1, 31]);
    assert_eq!(found(&desk, ben, json!({ "deleted": true })).await, [4]);
    assert!(page(&desk, emil, json!({ "deleted": true })).await.is_err());
}

/// Pages cut one list into pieces, none twice and none left out.
#[tokio::test]
async fn pages_make_up_the_list() {
    let desk = furnished().await;
    let ada = &desk.agents[0];
    for filters in [json!({}), json!({ "status": "open,closed" }), json!({ "q": "number" })] {
        let whole = found(&desk, ada, filters.clone()).await;
        let mut pieces = Vec::new();
        for number in 1..=9 {
            let mut asked = filters.clone();
            (asked["page"], asked["per_page"]) = (json!(number), json!(7));
            let (tickets, total) = page(&desk, ada, asked).await.unwrap();
            assert_eq!(
                total,
                Total { count: i64::try_from(whole.len()).unwrap(), at_least: false }
            );
            pieces.extend(tickets.iter().map(|ticket| ticket.number));
        }
        assert_eq!(pieces, whole, "{filters}");
    }
}

/// A file has every ticket that the filters leave, in stretches, oldest first.
#[tokio::test]
async fn a_file_has_everything() {
    let desk = furnished().await;
    let who = listener(&desk.admin);
    let wanted = Filters { tag: Some("vip".into()), ..Filters::default() }.wanted(&who).unwrap();
    let expected = found(&desk, &desk.admin, json!({ "tag": "vip", "sort": "number" })).await;
    let (mut numbers, mut after) = (Vec::new(), 0);
    loop {
        let wanted = wanted.clone();
        let tickets = desk.house.db.read(move |r| sql::stretch(r, &wanted, (after, 4))).await;
        let tickets = tickets.unwrap();
        let Some(last) = tickets.last() else { break };
        after = last.rid;
        numbers.extend(tickets.iter().map(|ticket| ticket.number));
    }
    assert_eq!(numbers, expected);
}
