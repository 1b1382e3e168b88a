//! Clocks against a real database, with a clock that the test moves.

use super::{Calendar, Policy, keeper::strike_all};
use crate::{
    event::{Kind, catalogue},
    tickets::{
        Visibility,
        kept::{self, Tool},
        testing::{Desk, listener},
    },
};
use serde_json::{Value, json};

const MINUTE: i64 = 60_000;

async fn keep<T: Tool + Sync>(desk: &Desk, fields: Value) -> String {
    let who = listener(&desk.admin);
    let kept = desk.house.write(move |w| kept::create::<T>(w, &who, &fields)).await;
    kept.id.to_string()
}

async fn pass(desk: &Desk, minutes: i64) -> Vec<String> {
    let seq = desk.house.db.latest_seq();
    desk.house.db.clock().advance_ms(minutes * MINUTE);
    strike_all(&desk.house.db).await.unwrap();
    desk.kinds_after(seq).await
}

async fn promise(desk: &Desk) {
    let fields = json!({ "name": "Standard", "first_response_minutes": { "normal": 10, "high": 5 },
        "resolution_minutes": { "normal": 100 } });
    keep::<Policy>(desk, fields).await;
}

/// Both clocks warn, breach and are met, each once, and staff hear of it.
#[tokio::test]
async fn clocks_say_each_thing_once() {
    let desk = Desk::open().await;
    promise(&desk).await;
    let ticket = desk.ticket(&desk.customers[0], json!({ "subject": "a" })).await;
    let due = |minutes: i64| Some(ticket.created_at + minutes * MINUTE);
    assert_eq!(ticket.staff.first_response_due_at, due(10));
    assert_eq!(ticket.staff.resolution_due_at, due(100));
    assert!(pass(&desk, 7).await.is_empty());
    assert_eq!(pass(&desk, 1).await, ["sla.warning"]);
    assert!(pass(&desk, 1).await.is_empty());
    assert_eq!(pass(&desk, 1).await, ["sla.breached"]);
    assert!(pass(&desk, 60).await.is_empty());
    let seq = desk.house.db.latest_seq();
    let late = desk.comment(&desk.agents[0], ticket.id, Visibility::Public).await.unwrap();
    assert_eq!(late.staff.first_response_due_at, None);
    assert_eq!(desk.kinds_after(seq).await, ["ticket.updated"]);
    let seq = desk.house.db.latest_seq();
    let done = json!({ "status": "resolved" });
    desk.change(&desk.agents[0], ticket.id, done).await.unwrap();
    let said = desk.house.said_after(seq).await;
    let met = said.iter().find(|event| event["kind"] == "sla.met").unwrap();
    assert_eq!(met["data"]["target"], "resolution");
    assert!(met["data"]["met_at"].is_string());
    let promised = &catalogue::entry(&Kind::SlaMet).unwrap().example;
    assert!(met["data"].as_object().unwrap().keys().eq(promised.as_object().unwrap().keys()));
    assert!(pass(&desk, 10_000).await.is_empty());
}

/// Waiting for the customer does not count, and a reopened ticket goes on where it was.
#[tokio::test]
async fn a_paused_clock_does_not_run() {
    let desk = Desk::open().await;
    promise(&desk).await;
    let ada = &desk.agents[0];
    let ticket = desk.ticket(&desk.customers[0], json!({ "subject": "a" })).await;
    desk.comment(ada, ticket.id, Visibility::Public).await.unwrap();
    assert!(pass(&desk, 50).await.is_empty());
    let paused = desk.change(ada, ticket.id, json!({ "status": "pending" })).await.unwrap();
    assert_eq!(paused.staff.resolution_due_at, None);
    assert!(pass(&desk, 5_000).await.is_empty());
    let back = desk.comment(&desk.customers[0], ticket.id, Visibility::Public).await.unwrap();
    let now = desk.house.db.clock().now_ms();
    let left = back.staff.resolution_due_at.unwrap() - now;
    assert!((49 * MINUTE..=50 * MINUTE).contains(&left), "{left}");
    assert_eq!(pass(&desk, 30).await, ["sla.warning"]);
    assert_eq!(pass(&desk, 21).await, ["sla.breached"]);
}

/// A higher priority brings another promise; the time that was used stays used. What was promised
/// to a ticket does not change because the policy does.
#[tokio::test]
async fn another_promise_counts_from_the_beginning() {
    let desk = Desk::open().await;
    promise(&desk).await;
    let ada = &desk.agents[0];
    let ticket = desk.ticket(&desk.customers[0], json!({ "subject": "a" })).await;
    assert!(pass(&desk, 3).await.is_empty());
    let high = desk.change(ada, ticket.id, json!({ "priority": "high" })).await.unwrap();
    let due = high.staff.first_response_due_at.unwrap();
    assert!((due - ticket.created_at - 5 * MINUTE).abs() < MINUTE);
    assert_eq!(high.staff.resolution_due_at, None);
    assert_eq!(pass(&desk, 3).await, ["sla.breached"]);
    // Back again: the first answer's clock said its word, the other one begins anew.
    let normal = desk.change(ada, ticket.id, json!({ "priority": "normal" })).await.unwrap();
    assert!(normal.staff.resolution_due_at.is_some());
    assert!(pass(&desk, 10).await.is_empty());
}

/// A calendar's nights do not count.
#[tokio::test]
async fn a_calendar_counts_working_time_only() {
    let desk = Desk::open().await;
    let day = json!([["00:00", "00:01"]]);
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let hours: serde_json::Map<_, _> = days.iter().map(|d| ((*d).into(), day.clone())).collect();
    let calendar = json!({ "name": "A minute a day", "timezone": "UTC", "hours": hours });
    let calendar = keep::<Calendar>(&desk, calendar).await;
    let fields = json!({ "name": "Slow", "first_response_minutes": { "normal": 2 },
        "calendar_id": calendar });
    keep::<Policy>(&desk, fields).await;
    let ticket = desk.ticket(&desk.customers[0], json!({ "subject": "a" })).await;
    let due = ticket.staff.first_response_due_at.unwrap() - ticket.created_at;
    assert!(due > 24 * 60 * MINUTE && due <= 48 * 60 * MINUTE, "{due}");
}
