//! Changing teams against a real database: who may belong, what is said, and who has left.

use super::{Edit, New, Team, change, create, find, members, of_user, remove};
use crate::{
    auth::Role,
    error::{Error, Result},
    event::{Actor, Kind, catalogue},
    http::testing::House,
    id::{TenantId, UserId},
    tenants,
    users::{self, Hand},
};
use serde_json::{Value, json};

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
        let (new, hand) = (users::New::plain(email, email, role), Hand::of_system(self.tenant));
        self.house.write(move |w| users::create(w, &hand, &new, None)).await.id
    }

    async fn create(&self, fields: Value) -> Result<Team> {
        let (tenant, new) = (self.tenant, serde_json::from_value::<New>(fields).unwrap());
        self.house.db.write(move |w| create(w, tenant, &Actor::system(), new.clone())).await
    }

    async fn change(&self, team: &Team, fields: Value) -> Result<Team> {
        let (tenant, id) = (self.tenant, team.id);
        let edit = serde_json::from_value::<Edit>(fields).unwrap();
        self.house.db.write(move |w| change(w, tenant, &Actor::system(), (id, &edit))).await
    }

    /// Kinds and changes said of teams after `seq`.
    async fn said_after(&self, seq: i64) -> Vec<(String, Value)> {
        let said = self.house.said_after(seq).await.into_iter();
        let teams = said.filter(|e| e["kind"].as_str().unwrap().starts_with("team."));
        teams.map(|e| (e["kind"].as_str().unwrap().into(), e["changes"].clone())).collect()
    }
}

fn wrong<T>(outcome: Result<T>) -> String {
    match outcome.err() {
        Some(Error::Invalid(fields)) => {
            fields.into_iter().map(|f| f.field).collect::<Vec<_>>().join(" ")
        }
        Some(Error::Conflict { code, .. }) => code.into(),
        other => panic!("{other:?}"),
    }
}

/// A change is said once with what changed, a change of nothing not at all, and the event is what
/// the catalogue promises.
#[tokio::test]
async fn teams_are_made_changed_and_dissolved() {
    let desk = Desk::new().await;
    let mara = desk.person("mara@example.com", Role::Agent).await;
    let before = desk.house.db.latest_seq();
    let fields = json!({ "name": " Hardware ", "members": [mara, mara], "queue_names": ["a"] });
    let team = desk.create(fields).await.unwrap();
    assert_eq!((team.name.as_str(), team.members.as_slice()), ("Hardware", &[mara][..]));
    let same = json!({ "name": "Hardware", "members": [mara], "lead_id": null, "version": 1 });
    assert_eq!(desk.change(&team, same).await.unwrap(), team);
    let lead = json!({ "lead_id": mara, "assignment": "round_robin", "members": [] });
    let led = desk.change(&team, lead).await.unwrap();
    assert_eq!((led.version, led.members.len()), (2, 0));
    let stale = desk.change(&team, json!({ "name": "Other", "version": 1 })).await;
    assert_eq!(wrong(stale), "version_conflict");
    assert_eq!(wrong(desk.create(json!({ "name": "HARDWARE" })).await), "name_taken");
    let (tenant, id) = (desk.tenant, team.id);
    let gone =
        move |w: &mut crate::db::Write<'_>| remove(w, tenant, &Actor::system(), (id, Some(2)));
    assert!(desk.house.write(gone).await.deleted_at.is_some());
    desk.create(json!({ "name": "Hardware" })).await.unwrap();
    let said = desk.said_after(before).await;
    let kinds: Vec<_> = said.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["team.created", "team.updated", "team.deleted", "team.created"]);
    assert_eq!(said[1].1["assignment"], json!(["manual", "round_robin"]));
    assert_eq!(said[1].1["members"], json!([[mara], []]));
    let example = &catalogue::entry(&Kind::TeamCreated).unwrap().example;
    let data = serde_json::to_value(&team).unwrap();
    let keys = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&data), keys(example));
}

/// Only active staff of the tenant may join; who was closed since stays listed and takes no work,
/// and who is deleted leaves.
#[tokio::test]
async fn members_are_active_staff() {
    let desk = Desk::new().await;
    let [mara, tom] = [
        desk.person("mara@example.com", Role::Agent).await,
        desk.person("tom@example.com", Role::Supervisor).await,
    ];
    let customer = desk.person("customer@example.com", Role::Customer).await;
    let nobody = UserId::new(1);
    let fields = json!({ "name": "", "members": [mara, customer, nobody], "lead_id": customer,
        "queue_names": ["", "ok"] });
    let told = wrong(desk.create(fields).await);
    assert_eq!(told, "name members[1] members[2] lead_id queue_names[0]");
    let both = json!({ "name": "Hardware", "members": [tom, mara], "lead_id": mara });
    let team = desk.create(both).await.unwrap();
    let (tenant, id) = (desk.tenant, team.id);
    let working = || desk.house.db.read(move |r| members(r, tenant, id));
    assert_eq!(working().await.unwrap(), Some(vec![tom, mara]));
    let hand = Hand::of_system(tenant);
    let close = serde_json::from_value::<users::Edit>(json!({ "is_active": false })).unwrap();
    let closing = hand.clone();
    desk.house.write(move |w| users::change(w, &closing, mara, &close, None).map(|_| ())).await;
    assert_eq!(working().await.unwrap(), Some(vec![tom]));
    let renamed = json!({ "name": "Printers", "members": [mara, tom] });
    assert_eq!(desk.change(&team, renamed).await.unwrap().members, [mara, tom]);
    let before = desk.house.db.latest_seq();
    desk.house.write(move |w| users::remove(w, &hand, mara, false, None).map(|_| ())).await;
    let left = desk.house.db.read(move |r| find(r, tenant, id)).await.unwrap().unwrap();
    assert_eq!((left.members, left.lead_id), (vec![tom], None));
    assert_eq!(desk.said_after(before).await.len(), 1);
    let of_tom = desk.house.db.read(move |r| of_user(r, tenant, tom)).await.unwrap();
    assert_eq!(of_tom, [id]);
    let other = TenantId::new(1);
    let abroad = desk.house.db.read(move |r| Ok((members(r, other, id)?, find(r, other, id)?)));
    assert_eq!(abroad.await.unwrap(), (None, None));
}
