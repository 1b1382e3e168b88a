//! Agents against a real database: what calls, people, PBXes and lost connections make of them.

mod calls;
mod intervals;

use super::{AgentState, Choice, Chooser, State, choose, sql};
use crate::{
    auth::Role,
    db::Write,
    event::Actor,
    http::testing::House,
    id::{EntityId, TenantId, UserId},
    tenants,
    users::{self, Hand},
};

/// A tenant with one agent.
pub(super) struct Floor {
    pub(super) house: House,
    pub(super) tenant: TenantId,
    pub(super) agent: UserId,
}

impl Floor {
    pub(super) async fn new() -> Self {
        let house = House::new();
        let tenant = house.write(|w| tenants::create(w, "Ours")).await.id;
        let new = users::New::plain("ann@example.com", "Ann", Role::Agent);
        let hand = Hand::of_system(tenant);
        let agent = house.write(move |w| users::create(w, &hand, &new, None)).await.id;
        Self { house, tenant, agent }
    }

    /// One thing after the other in one transaction, whose clock the test moves.
    pub(super) async fn play<T: Send + 'static>(
        &self,
        mut play: impl FnMut(&mut Write<'_>, TenantId, UserId) -> T + Send + 'static,
    ) -> T {
        let (tenant, agent) = (self.tenant, self.agent);
        self.house.write(move |w| Ok(play(w, tenant, agent))).await
    }

    /// `(kind of change, event data)` of all states told.
    pub(super) async fn told(&self) -> Vec<serde_json::Value> {
        let said = self.house.said_after(0).await.into_iter();
        said.filter(|e| e["kind"] == "agent.state.changed").map(|e| e["data"].clone()).collect()
    }
}

pub(super) fn now_is(w: &Write<'_>, tenant: TenantId, agent: UserId) -> AgentState {
    sql::one(w, tenant, agent).unwrap().unwrap().into()
}

pub(super) fn picks(
    w: &mut Write<'_>,
    (tenant, agent): (TenantId, UserId),
    state: State,
    reason: Option<&str>,
    is_online: bool,
) {
    let choice = Choice::new(state.name(), reason.map(str::to_owned)).unwrap();
    let chooser = Chooser { by: Actor::system(), source: "agent", is_online };
    choose(w, tenant, agent, &choice, &chooser).unwrap();
}

/// The same id for the same number.
pub(super) fn call(number: u128) -> EntityId {
    EntityId(uuid::Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + number))
}
