//! Who is told of what happens to a ticket, why, and in which words.

use crate::{
    error::Error,
    id::UserId,
    teams,
    tickets::{Bulk, Visibility, create, merge, remove, testing::Desk},
    users,
};
use serde_json::{Value, json};

/// What people were told after `seq`: `name: type (reason) message`, sorted.
async fn told_after(desk: &Desk, seq: i64) -> Vec<String> {
    let everybody = [&desk.admin, &desk.agents[0], &desk.agents[1]];
    let everybody = everybody.into_iter().chain(&desk.customers);
    let names: Vec<(String, String)> =
        everybody.map(|hand| (hand.user.unwrap().to_string(), hand.actor.name.clone())).collect();
    let said = desk.house.said_after(seq).await;
    let notifications = said.iter().filter(|event| event["kind"] == "notification.created");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut told: Vec<String> = notifications
        .map(|event| {
            let data = &event["data"];
            let user = text(&data["user_id"]);
            let name = &names.iter().find(|(id, _)| *id == user).unwrap().1;
            let [kind, reason, message] =
                ["type", "reason", "message"].map(|field| text(&data[field]));
            format!("{name}: {kind} ({reason}) {message}")
        })
        .collect();
    told.sort();
    told
}

/// Staff hear of what customers open, customers of what staff open for them.
#[tokio::test]
async fn a_new_ticket_is_told_to_those_it_waits_for() {
    let desk = Desk::open().await;
    let ([ada, ben], [dora, _]) = (&desk.agents, &desk.customers);
    let seq = desk.house.db.latest_seq();
    desk.ticket(dora, json!({ "subject": "Jam" })).await;
    let new = "ticket_created (team) New ticket #1 'Jam' from dora";
    let expected = ["ada", "ben", "root"].map(|name| format!("{name}: {new}"));
    assert_eq!(told_after(&desk, seq).await, expected);
    let seq = desk.house.db.latest_seq();
    let fields = json!({ "subject": "Jam", "requester_id": dora.user, "assignee_id": ben.user });
    desk.ticket(ada, fields).await;
    let expected = [
        "ben: ticket_assigned (assignee) Ticket 'Jam' was assigned to you by ada",
        "dora: ticket_created (requester) Your ticket 'Jam' was created",
    ];
    assert_eq!(told_after(&desk, seq).await, expected);
}

/// A ticket's team hears of it in place of all staff.
#[tokio::test]
async fn a_team_is_told_in_place_of_all_staff() {
    let desk = Desk::open().await;
    let (ada, dora) = (desk.agents[0].clone(), &desk.customers[0]);
    let new = json!({ "name": "Hardware", "members": [ada.user] });
    let team = desk
        .house
        .write(move |w| {
            let new = serde_json::from_value(new.clone()).unwrap();
            teams::create(w, ada.tenant, &ada.actor, new)
        })
        .await;
    let seq = desk.house.db.latest_seq();
    let ticket = desk.ticket(dora, json!({ "subject": "a", "team_id": team.id })).await;
    assert_eq!(ticket.team_id, Some(team.id));
    let told = told_after(&desk, seq).await;
    assert_eq!(told, ["ada: ticket_created (team) New ticket #1 'a' from dora"]);
    let lost = json!({ "subject": "a", "team_id": "0192c419-383b-795e-b5c9-3f984cbd87ad" });
    assert!(matches!(desk.try_ticket(dora, lost).await, Err(Error::Invalid(_))));
}

/// A change is told to everybody on the ticket once, in the words that say most to them, and never
/// to whoever made it.
#[tokio::test]
async fn a_change_is_told_once_to_everybody_but_its_maker() {
    let desk = Desk::open().await;
    let ([ada, ben], [dora, emil]) = (&desk.agents, &desk.customers);
    let fields = json!({ "subject": "Jam", "requester_id": dora.user, "assignee_id": ben.user,
        "followers": [emil.user, ben.user, ada.user] });
    let ticket = desk.ticket(ada, fields).await;
    let seq = desk.house.db.latest_seq();
    let edit = json!({ "priority": "high", "assignee_id": desk.admin.user });
    desk.change(ada, ticket.id, edit).await.unwrap();
    let expected = [
        "ben: ticket_unassigned (assignee) Ticket 'Jam' was unassigned from you by ada",
        "dora: ticket_updated (requester) Your ticket was updated",
        "emil: ticket_updated (follower) A ticket you follow was updated",
        "root: ticket_assigned (assignee) Ticket 'Jam' was assigned to you by ada",
    ];
    assert_eq!(told_after(&desk, seq).await, expected);
    let seq = desk.house.db.latest_seq();
    desk.comment(ada, ticket.id, Visibility::Public).await.unwrap();
    desk.comment(ada, ticket.id, Visibility::Internal).await.unwrap();
    assert!(told_after(&desk, seq).await.is_empty());
    let (by, id) = (ben.clone(), ticket.id);
    desk.house.write(move |w| remove(w, &by, id, None)).await;
    let gone = "Ticket 'Jam' was deleted by ben";
    let expected = [
        format!("ada: ticket_deleted (follower) {gone}"),
        format!("dora: ticket_deleted (requester) {gone}"),
        format!("emil: ticket_deleted (follower) {gone}"),
        format!("root: ticket_deleted (assignee) {gone}"),
    ];
    assert_eq!(told_after(&desk, seq).await, expected);
}

/// A merge is told to those whose ticket went.
#[tokio::test]
async fn a_merge_is_told_to_those_whose_ticket_went() {
    let desk = Desk::open().await;
    let ([ada, _], [dora, emil]) = (&desk.agents, &desk.customers);
    let one = desk.ticket(dora, json!({ "subject": "Jam" })).await;
    let two = desk.ticket(emil, json!({ "subject": "Paper" })).await;
    let seq = desk.house.db.latest_seq();
    let by = ada.clone();
    desk.house.write(move |w| merge(w, &by, (one.id, two.id), None)).await;
    let told = told_after(&desk, seq).await;
    assert_eq!(told, ["dora: ticket_merged (requester) Ticket 'Jam' was merged into #2 by ada"]);
}

/// Whoever is concerned by many changes at once gets one notification, across transactions too.
#[tokio::test]
async fn many_changes_are_told_in_one_summary() {
    let desk = Desk::open().await;
    let ([ada, ben], [dora, emil]) = (&desk.agents, &desk.customers);
    let (by, requester) = (ada.clone(), dora.user);
    let mut ids = desk
        .house
        .write(move |w| {
            let new = json!({ "subject": "a", "requester_id": requester });
            let new = serde_json::from_value(new).unwrap();
            (0..120)
                .map(|_| create(w, &by, &new).map(|ticket| ticket.id))
                .collect::<Result<Vec<_>, _>>()
        })
        .await;
    ids.push(desk.ticket(emil, json!({ "subject": "One" })).await.id);
    let seq = desk.house.db.latest_seq();
    let bulk = json!({ "ids": ids, "changes": { "priority": "high" } });
    let bulk = serde_json::from_value::<Bulk>(bulk).unwrap().checked().unwrap();
    bulk.run(&desk.house.db, ben).await.unwrap();
    let told = told_after(&desk, seq).await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("dora: ticket_updated (requester) 120 "), "{told:?}");
    assert_eq!(told[1], "emil: ticket_updated (requester) Your ticket was updated");
}

/// Somebody who is no longer there can be named nowhere and is told nothing.
#[tokio::test]
async fn the_inactive_are_left_alone() {
    let desk = Desk::open().await;
    let ([ada, ben], [dora, _]) = (&desk.agents, &desk.customers);
    let ticket = desk.ticket(dora, json!({ "subject": "a" })).await;
    desk.change(ada, ticket.id, json!({ "assignee_id": ben.user })).await.unwrap();
    let (gone, system): (UserId, _) = (ben.user.unwrap(), users::Hand::of_system(ben.tenant));
    desk.house.write(move |w| users::remove(w, &system, gone, false, None).map(|_| ())).await;
    let seq = desk.house.db.latest_seq();
    desk.change(ada, ticket.id, json!({ "priority": "high" })).await.unwrap();
    let told = told_after(&desk, seq).await;
    assert_eq!(told, ["dora: ticket_updated (requester) Your ticket was updated"]);
    let back = json!({ "assignee_id": null });
    desk.change(ada, ticket.id, back).await.unwrap();
    let again = desk.change(ada, ticket.id, json!({ "assignee_id": gone })).await;
    assert!(matches!(again, Err(Error::Invalid(_))));
}
