//! A ticket out of the air for tests of rules, and a desk with people for tests of everything.

use super::{
    Edit, Hand, New, change, comment_added, create,
    ticket::{StaffFields, Ticket},
    words::{Channel, Priority, Status, Visibility},
};
use crate::{
    accounts::{
        Visit, login,
        setup::{self, Admin},
    },
    auth::{Role, password},
    error::{Error, Result},
    event::{Actor, Listener},
    http::testing::House,
    id::{EntityId, TenantId, UserId},
    users,
};
use serde_json::{Map, Value};
use uuid::Uuid;

/// An open ticket of nobody in particular.
pub(crate) fn a_ticket() -> Ticket {
    Ticket {
        rid: 1,
        id: EntityId::new(0),
        tenant_id: TenantId(Uuid::from_u128(1)),
        version: 1,
        created_at: 0,
        updated_at: 0,
        deleted_at: None,
        number: 1,
        subject: String::from("Printer"),
        description: String::new(),
        status: Status::Open,
        priority: Priority::Normal,
        kind: None,
        channel: Channel::Web,
        requester_id: UserId(Uuid::from_u128(2)),
        assignee_id: None,
        team_id: None,
        created_by: None,
        tags: Vec::new(),
        custom: Map::new(),
        followers: Vec::new(),
        due_at: None,
        first_responded_at: None,
        resolved_at: None,
        closed_at: None,
        reopened_count: 0,
        waiting_since: Some(0),
        comment_count: 0,
        last_comment_at: None,
        merged_into_id: None,
        call_id: None,
        chat_id: None,
        staff: StaffFields::default(),
    }
}

/// A tenant with people in it: an administrator, two agents and two customers.
pub(crate) struct Desk {
    pub(crate) house: House,
    pub(crate) admin: Hand,
    pub(crate) agents: [Hand; 2],
    pub(crate) customers: [Hand; 2],
}

impl Desk {
    /// Opened a moment ago.
    pub(crate) async fn open() -> Self {
        let house = House::new();
        let admin = Admin::checked("root@example.com", None, None, "hash".into()).ok().unwrap();
        let admin = setup::first_admin(&house.db, admin).await.unwrap().unwrap();
        let tenant = admin.tenant_id;
        let somebody = async |name: &'static str, role| {
            let new = users::New::plain(&format!("{name}@example.com"), name, role);
            let system = users::Hand::of_system(tenant);
            let user = house.write(move |w| users::create(w, &system, &new, None)).await;
            hand(tenant, user.id, name, role)
        };
        let agents = [somebody("ada", Role::Agent).await, somebody("ben", Role::Supervisor).await];
        let customers =
            [somebody("dora", Role::Customer).await, somebody("emil", Role::Customer).await];
        let admin = hand(tenant, admin.id, "root", Role::Admin);
        Self { house, admin, agents, customers }
    }

    /// Opens a ticket.
    pub(crate) async fn ticket(&self, by: &Hand, fields: Value) -> Ticket {
        self.try_ticket(by, fields).await.unwrap()
    }

    /// Opens a ticket, perhaps.
    pub(crate) async fn try_ticket(&self, by: &Hand, fields: Value) -> Result<Ticket> {
        let new = serde_json::from_value::<New>(fields).unwrap().checked()?;
        let by = by.clone();
        self.house.db.write(move |w| create(w, &by, &new)).await
    }

    /// Changes a ticket, perhaps.
    pub(crate) async fn change(&self, by: &Hand, id: EntityId, fields: Value) -> Result<Ticket> {
        let edit = serde_json::from_value::<Edit>(fields).unwrap().checked()?;
        let by = by.clone();
        self.house.db.write(move |w| change(w, &by, id, &edit)).await
    }

    /// Makes a comment, perhaps.
    pub(crate) async fn comment(
        &self,
        by: &Hand,
        id: EntityId,
        visibility: Visibility,
    ) -> Result<Ticket> {
        let by = by.clone();
        self.house.db.write(move |w| comment_added(w, &by, id, visibility)).await
    }

    /// What was said after `seq`, but for notifications.
    pub(crate) async fn said_after(&self, seq: i64) -> Vec<Value> {
        let mut said = self.house.said_after(seq).await;
        said.retain(|event| event["kind"] != "notification.created");
        said
    }

    /// The kinds of that.
    pub(crate) async fn kinds_after(&self, seq: i64) -> Vec<String> {
        let said = self.said_after(seq).await;
        said.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
    }
}

fn hand(tenant: TenantId, user: UserId, name: &str, role: Role) -> Hand {
    let actor = Actor { id: Some(user), name: name.into(), kind: "user".into() };
    Hand { tenant, user: Some(user), role, actor, channel: Channel::Web }
}

/// Makes an account in a tenant and signs in: what stands in `Authorization`.
pub(crate) async fn token(house: &House, tenant: TenantId, email: &str, role: Role) -> String {
    let new = users::New::plain(email, "Somebody", role);
    let hash = password::hash("correct horse").unwrap();
    let system = users::Hand::of_system(tenant);
    house.write(move |w| users::create(w, &system, &new, Some(&hash))).await;
    let sent = login::Credentials::checked(Some(email.into()), Some("correct horse".into()), None);
    let visit = Visit::new([127, 0, 0, 1].into(), "");
    let signed_in = login::login(house, sent.ok().unwrap(), visit).await.ok().unwrap();
    format!("Bearer {}", signed_in.access_token)
}

/// The same person as one who hears.
pub(crate) fn listener(hand: &Hand) -> Listener {
    Listener { tenant: hand.tenant, user: hand.user.unwrap(), role: hand.role }
}

/// The code of a conflict.
pub(crate) fn conflict<T>(outcome: Result<T>) -> &'static str {
    match outcome.err() {
        Some(Error::Conflict { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}
