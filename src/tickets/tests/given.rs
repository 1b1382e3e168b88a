//! What a team's rule does with what comes to it: who gets it, what is said, and who is told.

use crate::{
    id::UserId,
    teams::{self, Team},
    tickets::testing::Desk,
    users,
};
use serde_json::{Value, json};

async fn team(desk: &Desk, assignment: &str, members: &[Option<UserId>]) -> Team {
    let new = json!({ "name": assignment, "members": members, "assignment": assignment });
    let by = desk.admin.clone();
    desk.house
        .write(move |w| {
            let new = serde_json::from_value(new.clone()).unwrap();
            teams::create(w, by.tenant, &by.actor, new)
        })
        .await
}

/// Closes somebody's account, or opens it again.
async fn set_active(desk: &Desk, user: UserId, is_active: bool) {
    let hand = users::Hand::of_system(desk.admin.tenant);
    let edit = json!({ "is_active": is_active });
    desk.house
        .write(move |w| {
            let edit = serde_json::from_value::<users::Edit>(edit.clone()).unwrap();
            users::change(w, &hand, user, &edit, None)
        })
        .await;
}

#[tokio::test]
async fn a_round_robin_goes_on_after_the_last_one_and_leaves_out_who_cannot_work() {
    let desk = Desk::open().await;
    let ([ada, ben], dora) = (&desk.agents, &desk.customers[0]);
    let root = &desk.admin;
    let team = team(&desk, "round_robin", &[ada.user, ben.user, root.user]).await;
    let next = async || {
        let new = json!({ "subject": "a", "team_id": team.id });
        desk.ticket(dora, new).await.assignee_id
    };
    assert_eq!([next().await, next().await], [ada.user, ben.user]);
    set_active(&desk, ben.user.unwrap(), false).await;
    assert_eq!([next().await, next().await], [root.user, ada.user]);
    assert_eq!(next().await, root.user, "ben is away");
    set_active(&desk, ben.user.unwrap(), true).await;
    assert_eq!([next().await, next().await], [ada.user, ben.user]);
}

#[tokio::test]
async fn the_least_busy_member_gets_it_and_the_first_of_equals() {
    let desk = Desk::open().await;
    let ([ada, ben], [dora, _]) = (&desk.agents, &desk.customers);
    let team = team(&desk, "least_busy", &[ada.user, ben.user]).await;
    let new = json!({ "subject": "a", "team_id": team.id });
    let mut given = Vec::new();
    for _ in 0..3 {
        given.push(desk.ticket(dora, new.clone()).await);
    }
    let to: Vec<_> = given.iter().map(|ticket| ticket.assignee_id).collect();
    assert_eq!(to, [ada.user, ben.user, ada.user]);
    // What is over keeps nobody busy.
    for ticket in [&given[0], &given[2]] {
        desk.change(ada, ticket.id, json!({ "status": "resolved" })).await.unwrap();
    }
    assert_eq!(desk.ticket(dora, new).await.assignee_id, ada.user);
}

#[tokio::test]
async fn a_ticket_given_by_rule_is_said_and_told_as_the_teams_doing() {
    let desk = Desk::open().await;
    let ([ada, ben], [dora, _]) = (&desk.agents, &desk.customers);
    let team = team(&desk, "round_robin", &[ada.user, ben.user]).await;
    let seq = desk.house.db.latest_seq();
    desk.ticket(dora, json!({ "subject": "Jam", "team_id": team.id })).await;
    let said = desk.house.said_after(seq).await;
    let kinds: Vec<_> = said.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    let told = "notification.created";
    assert_eq!(kinds, ["ticket.created", "ticket.assigned", told, told]);
    assert_eq!(said[0]["actor"]["name"], "dora");
    let by = json!({ "id": null, "name": "round_robin", "kind": "system" });
    assert_eq!((&said[1]["actor"], &said[1]["data"]["assignee_id"]), (&by, &json!(ada.user)));
    let words =
        |event: &Value| (event["data"]["user_id"].clone(), event["data"]["message"].clone());
    let expected = [
        (json!(ben.user), json!("New ticket #1 'Jam' from dora")),
        (json!(ada.user), json!("Ticket 'Jam' was assigned to you by round_robin")),
    ];
    assert_eq!([words(&said[2]), words(&said[3])], expected);
}

#[tokio::test]
async fn a_ticket_moved_to_a_team_is_given_by_its_rule_unless_somebody_works_on_it() {
    let desk = Desk::open().await;
    let ([ada, ben], [dora, _]) = (&desk.agents, &desk.customers);
    let turns = team(&desk, "round_robin", &[ada.user]).await;
    let plain = team(&desk, "manual", &[ada.user]).await;
    let nobody = team(&desk, "least_busy", &[]).await;
    let ticket = desk.ticket(dora, json!({ "subject": "Jam", "team_id": plain.id })).await;
    assert_eq!(ticket.assignee_id, None);
    let moved = |to: &Team| json!({ "team_id": to.id });
    let after = desk.change(ben, ticket.id, moved(&nobody)).await.unwrap();
    assert_eq!(after.assignee_id, None, "nobody is there");
    let seq = desk.house.db.latest_seq();
    // Even the one who moved it is told: they did not choose themselves.
    let after = desk.change(ada, ticket.id, moved(&turns)).await.unwrap();
    assert_eq!(after.assignee_id, ada.user);
    assert_eq!(desk.kinds_after(seq).await, ["ticket.updated", "ticket.assigned"]);
    let said = desk.house.said_after(seq).await;
    let told = said.iter().find(|event| event["data"]["type"] == "ticket_assigned").unwrap();
    assert_eq!(told["data"]["user_id"], json!(ada.user));
    let back = json!({ "assignee_id": null });
    assert_eq!(desk.change(ben, ticket.id, back).await.unwrap().assignee_id, None, "taken away");
    let taken = json!({ "team_id": plain.id, "assignee_id": ben.user });
    desk.change(ben, ticket.id, taken).await.unwrap();
    let after = desk.change(ada, ticket.id, moved(&turns)).await.unwrap();
    assert_eq!(after.assignee_id, ben.user, "somebody works on it");
    let over = json!({ "subject": "a", "team_id": turns.id, "status": "resolved" });
    assert_eq!(desk.ticket(ben, over).await.assignee_id, None, "it is over");
}
