//! Tickets against a real database: what is said, who sees it, and what is refused.

mod given;
mod told;

use super::{
    Bulk, Hand, Status, Ticket, Visibility, follow, merge, remove, reopen, restore,
    rules::REOPENED_WITHIN_MS,
    sql,
    testing::{Desk, conflict, listener},
};
use crate::{
    db::events_about,
    error::Error,
    event::{Kind, catalogue},
    id::EntityId,
};
use serde_json::{Value, json};

fn keys(value: &Value) -> Vec<&String> {
    value.as_object().unwrap().keys().collect()
}

/// What events carry is what the catalogue promises, and nothing that only staff may see.
#[tokio::test]
async fn events_carry_the_ticket_as_the_catalogue_says() {
    let desk = Desk::open().await;
    let [ada, ben] = &desk.agents;
    let from = desk.house.db.latest_seq();
    let ticket = desk.ticket(&desk.customers[0], json!({ "subject": "Printer" })).await;
    let assign = json!({ "assignee_id": ada.user, "status": "in_progress", "priority": "high" });
    desk.change(ada, ticket.id, assign).await.unwrap();
    desk.change(ada, ticket.id, json!({ "assignee_id": null })).await.unwrap();
    let (by, id) = (ben.clone(), ticket.id);
    desk.house.write(move |w| remove(w, &by, id, None)).await;
    let by = ben.clone();
    desk.house.write(move |w| restore(w, &by, id, None)).await;
    let said = desk.said_after(from).await;
    let kinds: Vec<_> = said.iter().map(|e| e["kind"].as_str().unwrap()).collect();
    let expected = [
        "ticket.created",
        "ticket.updated",
        "ticket.status.changed",
        "ticket.assigned",
        "ticket.updated",
        "ticket.unassigned",
        "ticket.deleted",
        "ticket.restored",
    ];
    assert_eq!(kinds, expected);
    let promised = &catalogue::entry(&Kind::TicketCreated).unwrap().example;
    for event in &said {
        assert_eq!(keys(&event["data"]), keys(promised));
    }
    assert_eq!(said[1]["changes"]["status"], json!(["open", "in_progress"]));
    assert_eq!(said[1]["changes"]["assignee_id"], json!([null, ada.user]));
    let versions: Vec<_> = said.iter().map(|e| e["data"]["version"].as_i64().unwrap()).collect();
    assert_eq!(versions, [1, 2, 2, 2, 3, 3, 4, 5]);
    assert!(said[6]["data"]["deleted_at"].is_string() && said[7]["data"]["deleted_at"].is_null());
}

/// Saving without a change stores nothing and says nothing; an older version is refused.
#[tokio::test]
async fn a_change_that_changes_nothing_is_none() {
    let desk = Desk::open().await;
    let ada = &desk.agents[0];
    let ticket = desk.ticket(ada, json!({ "subject": "a", "tags": ["x"] })).await;
    let seq = desk.house.db.latest_seq();
    let same = json!({ "subject": "a", "add_tags": ["x"], "remove_tags": ["y"], "status": "open" });
    let after = desk.change(ada, ticket.id, same).await.unwrap();
    assert_eq!((after, desk.house.db.latest_seq()), (ticket.clone(), seq));
    desk.change(ada, ticket.id, json!({ "subject": "b", "version": 1 })).await.unwrap();
    let late = desk.change(ada, ticket.id, json!({ "subject": "c", "version": 1 })).await;
    assert_eq!(conflict(late), "version_conflict");
}

/// Numbers count within the tenant, and are not given out again after a deletion.
#[tokio::test]
async fn numbers_count_up() {
    let desk = Desk::open().await;
    let ben = &desk.agents[1];
    let first = desk.ticket(ben, json!({ "subject": "a" })).await;
    let (by, id) = (ben.clone(), first.id);
    desk.house.write(move |w| remove(w, &by, id, None)).await;
    let second = desk.ticket(ben, json!({ "subject": "b" })).await;
    assert_eq!((first.number, second.number), (1, 2));
}

/// A customer sees, changes and is told of their own tickets and those they follow, and of no
/// others; and never of what only staff may see.
#[tokio::test]
async fn customers_are_kept_to_their_own() {
    let desk = Desk::open().await;
    let [dora, emil] = &desk.customers;
    let ticket = desk.ticket(dora, json!({ "subject": "Mine" })).await;
    let sees = async |who: &Hand| {
        let (who, id) = (listener(who), ticket.id);
        let found = desk.house.db.read(move |r| sql::visible(r, &who, id)).await.unwrap();
        found.map(|ticket| ticket.shown_to(&who))
    };
    assert_eq!(sees(emil).await, None);
    let own = serde_json::to_value(sees(dora).await.unwrap()).unwrap();
    let full = serde_json::to_value(sees(&desk.agents[0]).await.unwrap()).unwrap();
    for field in ["last_activity_at", "internal_note_count", "resolution_due_at"] {
        assert!(own.get(field).is_none() && full.get(field).is_some(), "{field}");
    }
    let theirs = desk.change(emil, ticket.id, json!({ "subject": "x" })).await;
    assert!(matches!(theirs, Err(Error::NotFound("ticket"))));
    for fields in [json!({ "priority": "low" }), json!({ "status": "closed" })] {
        let refused = desk.change(dora, ticket.id, fields).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))));
    }
    for fields in [
        json!({ "subject": "a", "requester_id": emil.user }),
        json!({ "subject": "a", "assignee_id": desk.agents[0].user }),
        json!({ "subject": "a", "followers": [emil.user] }),
    ] {
        assert!(matches!(desk.try_ticket(dora, fields).await, Err(Error::Forbidden(_))));
    }
    let add = (desk.agents[0].clone(), emil.user.unwrap());
    let id = ticket.id;
    desk.house.write(move |w| follow(w, &add.0, id, (add.1, true))).await;
    assert!(sees(emil).await.is_some());
}

/// People and teams that are not the tenant's, or not of the right sort, are named.
#[tokio::test]
async fn only_people_of_the_tenant_can_be_named() {
    let desk = Desk::open().await;
    let [ada, _] = &desk.agents;
    let nobody = EntityId::new(0);
    let fields = json!({ "subject": "a", "requester_id": nobody, "assignee_id":
        desk.customers[0].user, "followers": [nobody] });
    let Err(Error::Invalid(wrong)) = desk.try_ticket(ada, fields).await else { panic!() };
    let named: Vec<_> = wrong.iter().map(|f| f.field.as_str()).collect();
    assert_eq!(named, ["requester_id", "assignee_id", "followers[0]"]);
}

/// An internal note touches nothing that a customer can see, and says nothing of the ticket.
#[tokio::test]
async fn an_internal_note_leaves_no_trace_for_customers() {
    let desk = Desk::open().await;
    let [ada, _] = &desk.agents;
    let before = desk.ticket(&desk.customers[0], json!({ "subject": "a" })).await;
    let seq = desk.house.db.latest_seq();
    desk.house.db.clock().advance_ms(60_000);
    let after = desk.comment(ada, before.id, Visibility::Internal).await.unwrap();
    assert_eq!(desk.house.db.latest_seq(), seq);
    assert_eq!(after.staff.internal_note_count, 1);
    assert!(after.staff.last_activity_at > before.staff.last_activity_at);
    assert_eq!(Ticket { staff: before.staff.clone(), ..after }, before);
}

/// The first public answer by somebody else on staff is the first response; a customer's word
/// brings back what waits for them or was resolved lately, and is refused on what is closed.
#[tokio::test]
async fn comments_move_their_ticket() {
    let desk = Desk::open().await;
    let ([ada, ben], [dora, _]) = (&desk.agents, &desk.customers);
    let own = desk.ticket(ada, json!({ "subject": "My own" })).await;
    let own = desk.comment(ada, own.id, Visibility::Public).await.unwrap();
    assert_eq!((own.first_responded_at, own.comment_count), (None, 1));
    let ticket = desk.ticket(dora, json!({ "subject": "a" })).await;
    let answered = desk.comment(ben, ticket.id, Visibility::Public).await.unwrap();
    assert!(answered.first_responded_at.is_some() && answered.waiting_since.is_none());
    desk.change(ada, ticket.id, json!({ "status": "pending" })).await.unwrap();
    let seq = desk.house.db.latest_seq();
    let back = desk.comment(dora, ticket.id, Visibility::Public).await.unwrap();
    assert_eq!((back.status, back.reopened_count), (Status::Open, 0));
    assert!(back.waiting_since.is_some());
    assert_eq!(desk.kinds_after(seq).await, ["ticket.updated", "ticket.status.changed"]);
    desk.change(ada, ticket.id, json!({ "status": "resolved" })).await.unwrap();
    desk.house.db.clock().advance_ms(REOPENED_WITHIN_MS - 60_000);
    let again = desk.comment(dora, ticket.id, Visibility::Public).await.unwrap();
    assert_eq!((again.status, again.reopened_count), (Status::Open, 1));
    desk.change(ada, ticket.id, json!({ "status": "resolved" })).await.unwrap();
    desk.house.db.clock().advance_ms(REOPENED_WITHIN_MS + 1);
    let late = desk.comment(dora, ticket.id, Visibility::Public).await.unwrap();
    assert_eq!(late.status, Status::Resolved);
    desk.change(ada, ticket.id, json!({ "status": "closed" })).await.unwrap();
    for by in [dora, ada] {
        let refused = desk.comment(by, ticket.id, Visibility::Public).await;
        assert_eq!(conflict(refused), "ticket_closed");
    }
}

/// Out of `closed` there is one way, and it is for staff.
#[tokio::test]
async fn a_closed_ticket_only_reopens() {
    let desk = Desk::open().await;
    let ([ada, _], [dora, _]) = (&desk.agents, &desk.customers);
    let ticket = desk.ticket(dora, json!({ "subject": "a" })).await;
    desk.change(ada, ticket.id, json!({ "status": "closed" })).await.unwrap();
    let moved = desk.change(ada, ticket.id, json!({ "status": "open" })).await;
    assert_eq!(conflict(moved), "ticket_closed");
    desk.change(ada, ticket.id, json!({ "tags": ["late"] })).await.unwrap();
    let theirs = desk.change(dora, ticket.id, json!({ "subject": "b" })).await;
    assert_eq!(conflict(theirs), "ticket_closed");
    let (by, id) = (dora.clone(), ticket.id);
    let refused = desk.house.db.write(move |w| reopen(w, &by, id, None)).await;
    assert_eq!(conflict(refused), "ticket_closed");
    let by = ada.clone();
    let back = desk.house.write(move |w| reopen(w, &by, id, None)).await;
    assert_eq!((back.status, back.closed_at, back.reopened_count), (Status::Open, None, 1));
}

/// A merged ticket is closed for good and says where to go on; nobody sees another customer's
/// ticket for having asked the same.
#[tokio::test]
async fn merging_closes_for_good_and_lets_no_customer_in() {
    let desk = Desk::open().await;
    let ([ada, ben], [dora, emil]) = (&desk.agents, &desk.customers);
    let theirs = desk.ticket(emil, json!({ "subject": "Same thing" })).await;
    let target = desk.ticket(dora, json!({ "subject": "Thing" })).await;
    let (by, ids, user) = (ada.clone(), (theirs.id, target.id), ben.user.unwrap());
    let merged = desk
        .house
        .write(move |w| {
            follow(w, &by, ids.0, (user, true))?;
            merge(w, &by, ids, None)
        })
        .await;
    assert_eq!((merged.status, merged.merged_into_id), (Status::Closed, Some(target.id)));
    let who = listener(ada);
    let into = desk.house.db.read(move |r| sql::visible(r, &who, ids.1)).await.unwrap().unwrap();
    assert_eq!(into.followers, [user]);
    for edit in [json!({ "status": "open" }), json!({ "subject": "x" })] {
        assert_eq!(conflict(desk.change(ada, theirs.id, edit).await), "ticket_merged");
    }
    let refused = desk.comment(emil, theirs.id, Visibility::Public).await;
    assert_eq!(conflict(refused), "ticket_merged");
    let by = ada.clone();
    let again = desk.house.db.write(move |w| merge(w, &by, ids, None)).await;
    assert_eq!(conflict(again), "ticket_merged");
    let by = ada.clone();
    let itself = desk.house.db.write(move |w| merge(w, &by, (ids.1, ids.1), None)).await;
    assert!(matches!(itself, Err(Error::Invalid(_))));
}

/// A timeline tells staff everything said of a ticket, and a customer what named them.
#[tokio::test]
async fn a_timeline_is_told_by_audience() {
    let desk = Desk::open().await;
    let ([ada, _], [dora, emil]) = (&desk.agents, &desk.customers);
    let ticket = desk.ticket(dora, json!({ "subject": "a" })).await;
    desk.ticket(dora, json!({ "subject": "Another" })).await;
    desk.change(ada, ticket.id, json!({ "priority": "high" })).await.unwrap();
    let (by, id, user) = (ada.clone(), ticket.id, emil.user.unwrap());
    desk.house.write(move |w| follow(w, &by, id, (user, true))).await;
    desk.change(ada, ticket.id, json!({ "priority": "low" })).await.unwrap();
    let told = async |who: &Hand, after: i64, limit: usize| {
        let who = listener(who);
        let page =
            desk.house.db.read(move |r| events_about(r, &who, id, after, limit)).await.unwrap();
        let seqs: Vec<_> = page.envelopes.iter().map(|e| e.seq).collect();
        (seqs, page.covered)
    };
    let (all, _) = told(ada, 0, 50).await;
    assert_eq!(all.len(), 4);
    assert_eq!(told(dora, 0, 50).await.0, all);
    assert_eq!(told(emil, 0, 50).await.0, all[2..]);
    assert_eq!(told(ada, 0, 3).await, (all[..3].to_vec(), all[2]));
    assert_eq!(told(ada, all[2], 3).await.0, all[3..]);
}

/// Many tickets change in steps; what is refused for one does not stop the others, and doing it
/// again changes nothing.
#[tokio::test]
async fn many_tickets_change_at_once() {
    let desk = Desk::open().await;
    let [ada, ben] = &desk.agents;
    let mut ids = Vec::new();
    for n in 0..205 {
        ids.push(desk.ticket(ada, json!({ "subject": format!("No. {n}") })).await.id);
    }
    desk.change(ada, ids[7], json!({ "status": "closed" })).await.unwrap();
    ids.push(EntityId::new(0));
    let read = |fields: Value| serde_json::from_value::<Bulk>(fields).unwrap().checked();
    let asked = json!({ "ids": ids, "changes": { "status": "pending", "add_tags": ["x"] } });
    for (changed, unchanged) in [(204, 0), (0, 204)] {
        let outcome = read(asked.clone()).unwrap().run(&desk.house.db, ben).await.unwrap();
        let outcome = serde_json::to_value(outcome).unwrap();
        assert_eq!(outcome["changed"].as_array().unwrap().len(), changed);
        assert_eq!(outcome["unchanged"].as_array().unwrap().len(), unchanged);
        let codes: Vec<_> =
            outcome["failed"].as_array().unwrap().iter().map(|f| f["code"].clone()).collect();
        assert_eq!(codes, ["ticket_closed", "not_found"]);
    }
    for wrong in [
        json!({ "ids": [], "delete": true }),
        json!({ "ids": [ids[0]] }),
        json!({ "ids": [ids[0]], "delete": true, "changes": { "status": "open" } }),
        json!({ "ids": [ids[0]], "changes": { "status": "open", "version": 1 } }),
        json!({ "ids": (0..501).map(EntityId::new).collect::<Vec<_>>(), "delete": true }),
    ] {
        assert!(matches!(read(wrong), Err(Error::Invalid(_))));
    }
}
