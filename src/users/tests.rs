//! Changing accounts against a real database: who may, what is said, and who is shown out.

use super::{After, Edit, Hand, New, User, change, create, remove, sql};
use crate::{
    accounts::setup::{self, Admin},
    auth::Role,
    error::{Error, Result},
    event::catalogue,
    http::{Core, page::Paging, testing::House},
    hub::Close,
    id::{SessionId, UserId},
};
use serde_json::{Value, json};

fn new(email: &str, role: Role) -> New {
    serde_json::from_value(json!({ "email": email, "name": "Somebody", "role": role })).unwrap()
}

fn edit(fields: Value) -> Edit {
    serde_json::from_value::<Edit>(fields).unwrap().checked().ok().unwrap()
}

async fn with_admin() -> (House, User) {
    let house = House::new();
    let admin = Admin::checked("root@example.com", None, None, "hash".into()).ok().unwrap();
    let admin = setup::first_admin(&house.db, admin).await.unwrap().unwrap();
    (house, admin)
}

async fn add(house: &House, hand: &Hand, email: &str, role: Role) -> User {
    let (hand, new) = (hand.clone(), new(email, role));
    house.write(move |w| create(w, &hand, &new, None)).await
}

async fn changed(house: &House, hand: &Hand, id: UserId, fields: Value) -> Result<User> {
    let (hand, edit, core) = (hand.clone(), edit(fields), Core::clone(house));
    let job = house.db.write(move |w| {
        let changed = change(w, &hand, id, &edit, None)?;
        changed.follow(&core, w);
        Ok(changed.user)
    });
    job.await
}

async fn removed(house: &House, hand: &Hand, id: UserId, anonymise: bool) -> Result<User> {
    let hand = hand.clone();
    house.db.write(move |w| remove(w, &hand, id, anonymise, None).map(|c| c.user)).await
}

fn conflict<T>(outcome: Result<T>) -> &'static str {
    match outcome.err() {
        Some(Error::Conflict { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

/// What events carry is what the catalogue promises, and nothing that is the owner's alone.
#[tokio::test]
async fn events_carry_the_account_as_the_catalogue_says_and_no_secret() {
    let (house, admin) = with_admin().await;
    let hand = Hand::of_system(admin.tenant_id);
    let user = add(&house, &hand, "mara@example.com", Role::Agent).await;
    changed(&house, &hand, user.id, json!({ "phone": "+49 30 1", "name": "Mara" })).await.unwrap();
    removed(&house, &hand, user.id, false).await.unwrap();
    let said = house.said_after(1).await;
    let kinds: Vec<_> = said.iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["user.created", "user.updated", "user.deleted"]);
    let example = &catalogue::entry(&crate::event::Kind::UserCreated).unwrap().example;
    let private = ["webhook_url", "notify_prefs"];
    let promised = example.as_object().unwrap().keys().filter(|k| !private.contains(&k.as_str()));
    let promised: Vec<_> = promised.collect();
    for event in &said {
        assert_eq!(event["data"].as_object().unwrap().keys().collect::<Vec<_>>(), promised);
    }
    let expected = json!({ "name": ["Somebody", "Mara"], "phone": [null, "+49 30 1"] });
    assert_eq!(said[1]["changes"], expected);
    assert_eq!(said[1]["data"]["version"], 2);
    assert_eq!(said[2]["changes"]["is_active"], json!([true, false]));
    assert!(said[2]["data"]["deleted_at"].is_string());
}

/// Saving without a change stores nothing and says nothing; an older version is refused.
#[tokio::test]
async fn a_change_that_changes_nothing_is_none() {
    let (house, admin) = with_admin().await;
    let hand = Hand::of_system(admin.tenant_id);
    let user = add(&house, &hand, "mara@example.com", Role::Agent).await;
    let before = house.db.latest_seq();
    let same = changed(&house, &hand, user.id, json!({ "name": "Somebody", "phone": null })).await;
    assert_eq!((same.unwrap().version, house.db.latest_seq()), (1, before));
    let newer = changed(&house, &hand, user.id, json!({ "name": "Mara", "version": 1 })).await;
    assert_eq!(newer.unwrap().version, 2);
    let older = changed(&house, &hand, user.id, json!({ "name": "Maria", "version": 1 })).await;
    assert_eq!(conflict(older), "version_conflict");
}

/// Nobody can be the last to leave: not by role, not by being closed, not by being deleted.
#[tokio::test]
async fn the_last_administrator_stays() {
    let (house, admin) = with_admin().await;
    let hand = Hand::of_system(admin.tenant_id);
    let tries = [json!({ "role": "agent" }), json!({ "is_active": false })];
    for fields in tries.clone() {
        assert_eq!(conflict(changed(&house, &hand, admin.id, fields).await), "last_admin");
    }
    assert_eq!(conflict(removed(&house, &hand, admin.id, true).await), "last_admin");
    // Another administrator of the tenant is not enough: somebody has to make tenants.
    add(&house, &hand, "second@example.com", Role::Admin).await;
    for fields in tries {
        assert_eq!(conflict(changed(&house, &hand, admin.id, fields).await), "last_admin");
    }
    assert_eq!(house.said_after(0).await.len(), 2);
}

/// Neither a tenant's administrator nor a token can take more than they were given.
#[tokio::test]
async fn nobody_reaches_above_themselves() {
    let (house, admin) = with_admin().await;
    let system = Hand::of_system(admin.tenant_id);
    let plain = Hand { is_system_admin: false, ..system.clone() };
    let program = Hand { is_program: true, is_system_admin: false, ..system.clone() };
    let name = || json!({ "name": "Taken" });
    let forbidden = |outcome: Result<User>| matches!(outcome, Err(Error::Forbidden(_)));
    assert!(forbidden(changed(&house, &plain, admin.id, name()).await));
    assert!(forbidden(removed(&house, &plain, admin.id, false).await));
    let second = add(&house, &plain, "second@example.com", Role::Admin).await;
    let agent = add(&house, &program, "agent@example.com", Role::Agent).await;
    assert!(forbidden(changed(&house, &program, second.id, name()).await));
    assert!(forbidden(changed(&house, &program, agent.id, json!({ "role": "admin" })).await));
    let (hand, more) = (program.clone(), new("more@example.com", Role::Admin));
    assert!(forbidden(house.db.write(move |w| create(w, &hand, &more, None)).await));
    changed(&house, &program, agent.id, name()).await.unwrap();
}

/// A new role closes sockets with 4001, a closed account with 4003; a new name closes nothing, and
/// neither touches sockets of tokens.
#[tokio::test]
async fn sockets_follow_the_account() {
    let (house, admin) = with_admin().await;
    let hand = Hand::of_system(admin.tenant_id);
    let user = add(&house, &hand, "mara@example.com", Role::Agent).await;
    let at = (user.tenant_id, user.id);
    let session = Some(SessionId::new(0));
    let (socket, program) = (house.socket(at, session).await, house.socket(at, None).await);
    changed(&house, &hand, user.id, json!({ "name": "Mara" })).await.unwrap();
    assert_eq!(socket.closed(), None);
    changed(&house, &hand, user.id, json!({ "role": "supervisor" })).await.unwrap();
    assert_eq!(socket.closed(), Some(Close::Unauthorized));
    let socket = house.socket(at, session).await;
    changed(&house, &hand, user.id, json!({ "is_active": false })).await.unwrap();
    assert_eq!((socket.closed(), program.closed()), (Some(Close::Disabled), None));
}

/// A password ends sign-ins without a word in the log.
#[tokio::test]
async fn a_password_is_never_said() {
    let (house, admin) = with_admin().await;
    let before = house.db.latest_seq();
    let hand = Hand::of_system(admin.tenant_id);
    let after = house
        .write(move |w| change(w, &hand, admin.id, &Edit::default(), Some("another hash")))
        .await;
    assert_eq!((after.after, house.db.latest_seq()), (After::Readmit(None), before));
}

/// After an anonymisation neither the row nor its event says who it was, and the address is free.
#[tokio::test]
async fn an_anonymised_account_names_nobody() {
    let (house, admin) = with_admin().await;
    let hand = Hand::of_system(admin.tenant_id);
    let user = add(&house, &hand, "mara@example.com", Role::Customer).await;
    changed(&house, &hand, user.id, json!({ "phone": "+49 30 123456" })).await.unwrap();
    let taken = house.db.write({
        let (hand, new) = (hand.clone(), new("MARA@example.com", Role::Agent));
        move |w| create(w, &hand, &new, None)
    });
    assert_eq!(conflict(taken.await), "email_taken");
    let before = house.db.latest_seq();
    let gone = removed(&house, &hand, user.id, true).await.unwrap();
    let told = serde_json::to_string(&house.said_after(before).await).unwrap();
    for word in ["mara", "Somebody", "123456"] {
        assert!(!told.contains(word) && !format!("{gone:?}").contains(word), "{word}: {told}");
    }
    assert!(told.contains("user.deleted") && gone.deleted_at.is_some() && !gone.is_active);
    add(&house, &hand, "mara@example.com", Role::Agent).await;
    let again = removed(&house, &hand, user.id, true).await.unwrap();
    assert_eq!(again.version, gone.version);
    assert!(matches!(
        changed(&house, &hand, user.id, json!({ "name": "Back" })).await,
        Err(Error::NotFound(_))
    ));
}

/// Lists show one tenant, leave out the deleted, and take their filters literally.
#[tokio::test]
async fn lists_show_what_was_asked_for() {
    let (house, admin) = with_admin().await;
    let hand = Hand::of_system(admin.tenant_id);
    for (email, role) in [
        ("a_b@example.com", Role::Agent),
        ("axb@example.com", Role::Customer),
        ("c@example.com", Role::Supervisor),
    ] {
        add(&house, &hand, email, role).await;
    }
    let gone = add(&house, &hand, "gone@example.com", Role::Agent).await;
    removed(&house, &hand, gone.id, false).await.unwrap();
    let other = house.write(|w| crate::tenants::create(w, "Other")).await;
    add(&house, &Hand::of_system(other.id), "a_b@example.com", Role::Agent).await;
    let count = |roles: &[Role], is_active, text: Option<&str>| {
        let filter = sql::Filter { roles: roles.into(), is_active, text: text.map(Into::into) };
        let (db, paging) = (house.db.clone(), Paging::new(Some(1), Some(2)).unwrap());
        async move {
            let list = db.read(move |r| sql::list(r, admin.tenant_id, &filter, paging));
            let (users, total) = list.await.unwrap();
            (users.len(), total)
        }
    };
    assert_eq!(count(&[], None, None).await, (2, 4));
    assert_eq!(count(&[Role::Agent, Role::Supervisor], None, None).await, (2, 2));
    assert_eq!(count(&[], Some(false), None).await, (0, 0));
    assert_eq!(count(&[], Some(true), Some("A_B@")).await, (1, 1));
    assert_eq!(count(&[Role::Customer], None, Some("%")).await, (0, 0));
}
