//! Telling people against a real database: who is told, once, why, and what is said.

use super::{Notice, OWN_ACTIONS, Reason, RelatedType, Type, notify, notify_many, tell::KEPT};
use crate::{
    auth::Role,
    event::{Actor, Kind, catalogue},
    http::testing::House,
    id::{TenantId, UserId},
    tenants,
    users::{self, Edit, Hand, New},
};
use boon::{Compiler, Schemas};
use serde_json::{Value, json, value::to_raw_value};

struct Desk {
    house: House,
    tenant: TenantId,
}

impl Desk {
    async fn new() -> Self {
        let house = House::new();
        let tenant = house.write(|w| tenants::create(w, "Ours")).await.id;
        Self { house, tenant }
    }

    async fn person(&self, email: &str, role: Role) -> UserId {
        let (new, hand) = (New::plain(email, email, role), Hand::of_system(self.tenant));
        self.house.write(move |w| users::create(w, &hand, &new, None)).await.id
    }

    fn notice(&self, kind: Type, event_seq: i64, recipients: &[(UserId, Reason)]) -> Notice {
        Notice {
            tenant: self.tenant,
            kind,
            message: format!("message {event_seq}"),
            related_id: event_seq.to_string(),
            related_type: RelatedType::Ticket,
            actor: Actor::system(),
            recipients: recipients.to_vec(),
            internal: false,
            entity: to_raw_value(&json!({ "id": event_seq, "subject": "é" })).unwrap(),
            event_seq,
        }
    }

    async fn tell(&self, notices: Vec<Notice>) -> usize {
        self.house.write(move |w| notify_many(w, notices.clone())).await
    }

    async fn choose(&self, user: UserId, name: &'static str, on: bool) {
        let tenant = self.tenant;
        let set = move |w: &mut crate::db::Write<'_>| {
            users::sql::set_prefs(w, tenant, user, &[(name.to_owned(), on)].into())
        };
        self.house.write(set).await;
    }

    /// What was said to people after `seq`.
    async fn told_after(&self, seq: i64) -> Vec<Value> {
        let mut said = self.house.said_after(seq).await;
        said.retain(|event| event["kind"] == "notification.created");
        said.into_iter().map(|event| event["data"].clone()).collect()
    }
}

/// Each of the table's reasons not to tell somebody, and the choice that undoes one of them.
#[tokio::test]
async fn only_those_are_told_who_should_be() {
    let desk = Desk::new().await;
    let [mara, tom, gone] = [
        desk.person("mara@example.com", Role::Agent).await,
        desk.person("tom@example.com", Role::Customer).await,
        desk.person("gone@example.com", Role::Agent).await,
    ];
    let (hand, close) = (Hand::of_system(desk.tenant), json!({ "is_active": false }));
    let close: Edit = serde_json::from_value(close).unwrap();
    desk.house.write(move |w| users::change(w, &hand, gone, &close, None).map(|_| ())).await;
    let all = [(mara, Reason::Assignee), (tom, Reason::Requester), (gone, Reason::Follower)];
    let public = |seq| desk.notice(Type::CommentOnTicket, seq, &all);
    assert_eq!(desk.tell(vec![public(1_000)]).await, 2, "the inactive are left out");
    let internal = Notice { internal: true, ..public(1_001) };
    assert_eq!(desk.tell(vec![internal]).await, 1, "customers hear nothing internal");
    let by_mara = Actor { id: Some(mara), name: "Mara".into(), kind: "user".into() };
    let own = |seq| Notice { actor: by_mara.clone(), ..public(seq) };
    assert_eq!(desk.tell(vec![own(1_002)]).await, 1, "nobody hears what they did themselves");
    desk.choose(mara, OWN_ACTIONS, true).await;
    assert_eq!(desk.tell(vec![own(1_003)]).await, 2, "unless they chose to");
    desk.choose(tom, "comment_on_ticket", false).await;
    assert_eq!(desk.tell(vec![public(1_004)]).await, 1, "a type can be switched off");
    assert_eq!(desk.tell(vec![desk.notice(Type::TicketUpdated, 1_005, &all)]).await, 2);
    let stranger = Notice { tenant: TenantId(uuid::Uuid::nil()), ..public(1_006) };
    assert_eq!(desk.tell(vec![stranger]).await, 0, "another tenant's people are nobody here");
}

/// One notification a person and event: the first reason counts, and a second telling is none.
#[tokio::test]
async fn nobody_is_told_of_the_same_event_twice() {
    let desk = Desk::new().await;
    let mara = desk.person("mara@example.com", Role::Agent).await;
    let twice = [(mara, Reason::Mentioned), (mara, Reason::Assignee)];
    let before = desk.house.db.latest_seq();
    assert_eq!(desk.tell(vec![desk.notice(Type::Mention, 1_000, &twice)]).await, 1);
    let again = desk.notice(Type::CommentOnTicket, 1_000, &twice);
    assert_eq!(desk.house.write(move |w| notify(w, again.clone())).await, 0);
    let told = desk.told_after(before).await;
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["type"], &told[0]["reason"]), (&json!("mention"), &json!("mentioned")));
    assert_eq!(told[0]["why"], "You are told because you were mentioned.");
}

/// Many changes at once are one summary for whoever would hear of more than one, and the change
/// itself for whoever hears of one.
#[tokio::test]
async fn a_bulk_change_rings_once() {
    let desk = Desk::new().await;
    let mara = desk.person("mara@example.com", Role::Agent).await;
    let tom = desk.person("tom@example.com", Role::Customer).await;
    let before = desk.house.db.latest_seq();
    let notices = vec![
        desk.notice(Type::TicketAssigned, 1_000, &[(mara, Reason::Assignee)]),
        desk.notice(Type::TicketUpdated, 1_001, &[(mara, Reason::Follower), (tom, Reason::Team)]),
        desk.notice(Type::TicketUpdated, 1_002, &[(mara, Reason::Follower)]),
    ];
    assert_eq!(desk.tell(notices.clone()).await, 2);
    let told = desk.told_after(before).await;
    let words = |told: &Value| {
        ["type", "message", "related_id", "event_seq"].map(|field| told[field].clone())
    };
    let summary = "3 tickets were updated by Deskbell";
    assert_eq!(
        words(&told[0]),
        [json!("ticket_updated"), json!(summary), json!("1001"), 1_002.into()]
    );
    assert_eq!(words(&told[1])[1], "message 1001");
    assert_eq!(desk.tell(notices).await, 0, "a summary is not told twice either");
}

/// What is said is what the catalogue promises, to one person's rooms, with the entity in it.
#[tokio::test]
async fn the_event_is_as_the_catalogue_says() {
    let desk = Desk::new().await;
    let mara = desk.person("mara@example.com", Role::Agent).await;
    let before = desk.house.db.latest_seq();
    desk.tell(vec![desk.notice(Type::SlaWarning, 1_000, &[(mara, Reason::Assignee)])]).await;
    let told = desk.told_after(before).await;
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let schema = catalogue::entry(&Kind::NotificationCreated).unwrap().schema.clone();
    compiler.add_resource("kind.json", schema).unwrap();
    let index = compiler.compile("kind.json", &mut schemas).unwrap();
    schemas.validate(&told[0], index).unwrap();
    assert_eq!(told[0]["entity"], json!({ "id": 1_000, "subject": "é" }));
    let seq = desk.house.db.latest_seq();
    let tenant = desk.tenant;
    let envelope = desk.house.db.read(move |r| crate::db::event_at(r, tenant, seq)).await;
    let envelope = envelope.unwrap().unwrap();
    assert_eq!((envelope.audience.to_string(), envelope.room.to_string()), {
        let own = format!("user:{mara}");
        (own.clone(), own)
    });
}

/// The newest thousand stay, and not many more.
#[tokio::test]
async fn old_notifications_go() {
    let desk = Desk::new().await;
    let mara = desk.person("mara@example.com", Role::Agent).await;
    let kept = usize::try_from(KEPT).unwrap();
    for first in (0..1_200).step_by(100) {
        let notices: Vec<_> = (first..first + 100)
            .map(|n| desk.notice(Type::CallMissed, 10_000 + n, &[(mara, Reason::Team)]))
            .collect();
        let each = move |w: &mut crate::db::Write<'_>| {
            notices.iter().try_for_each(|notice| notify(w, notice.clone()).map(|_| ()))
        };
        desk.house.write(each).await;
    }
    let count = move |r: &_| super::sql::unread(r, mara);
    let left = usize::try_from(desk.house.db.read(count).await.unwrap()).unwrap();
    assert!((kept..kept + 64).contains(&left), "{left}");
    let whose = (desk.tenant, mara);
    let newest = desk.house.db.read(move |r| super::sql::newest_unread(r, whose)).await;
    assert_eq!(newest.unwrap().unwrap().event_seq, 11_199);
}

/// Every type and reason reads back from its own word.
#[test]
fn words_read_back() {
    for kind in Type::ALL {
        assert_eq!(Type::of(kind.name()), Some(*kind));
    }
    for reason in Reason::ALL {
        assert_eq!(Reason::of(reason.name()), Some(*reason));
    }
    assert!(Type::of("own_actions").is_none() && RelatedType::of("tickets").is_none());
}
