//! The board's statements, and that what it tells adds up to what it is.

use super::{look::Touched, *};
use crate::{
    agents::{self, Choice, Chooser},
    auth::Role,
    calls::{Heard, Signal, hear},
    db::Write,
    event::Actor,
    http::testing::House,
    id::TenantId,
    tenants,
    users::{self, Hand},
};

struct Wall {
    house: House,
    tenant: TenantId,
    agents: Vec<UserId>,
}

impl Wall {
    async fn new(agents: usize) -> Self {
        let house = House::new();
        let tenant = house.write(|w| tenants::create(w, "Ours")).await.id;
        let mut all = Vec::new();
        for number in 0..agents {
            let new = users::New::plain(&format!("a{number}@example.com"), "Ann", Role::Agent);
            let hand = Hand::of_system(tenant);
            all.push(house.write(move |w| users::create(w, &hand, &new, None)).await.id);
        }
        Self { house, tenant, agents: all }
    }

    async fn board(&self) -> Board {
        let (tenant, now) = (self.tenant, self.house.clock().now_ms());
        self.house.db.read(move |r| sql::board(r, tenant, now)).await.unwrap().0
    }

    async fn look(&self, seq: i64) -> Option<look::Look> {
        let (tenant, now) = (self.tenant, self.house.clock().now_ms());
        self.house.db.read(move |r| sql::look(r, tenant, (seq, false), now)).await.unwrap()
    }

    async fn hear(&self, call: u64, what: Heard) {
        let (tenant, at) = (self.tenant, self.house.clock().now_ms());
        let external_id = call.to_string();
        let signal = Signal { source: "ami:main".into(), external_id, at, what };
        self.house.write(move |w: &mut Write<'_>| hear(w, tenant, &signal).map(drop)).await;
    }

    async fn choose(&self, agent: usize, state: &'static str) {
        let (tenant, user) = (self.tenant, self.agents[agent % self.agents.len()]);
        let choice = Choice::new(state, None).unwrap();
        let by = Chooser { by: Actor::system(), source: "agent", is_online: false };
        self.house.write(move |w| agents::choose(w, tenant, user, &choice, &by).map(drop)).await;
    }

    /// One thing of many that happen on a floor.
    async fn happen(&self, dice: u64) {
        let (call, agent) = ((dice >> 8) % 12, (dice >> 16) as usize);
        let who = Some(self.agents[agent % self.agents.len()]);
        let queue = ["hardware", "billing", "sales"][(dice >> 24) as usize % 3];
        let offer = || format!("{call}");
        match dice % 8 {
            0..3 => {
                let queue = Some(queue.to_owned());
                let from_number = Some(String::from("+49301234567"));
                let incoming =
                    Heard::Incoming { from_number, from_name: None, to_number: None, queue };
                self.hear(call, incoming).await;
            }
            3 => self.hear(call, Heard::Ringing { offer: offer(), agent: who }).await,
            4 => self.hear(call, Heard::Answered { offer: None, agent: who }).await,
            5 => self.hear(call, Heard::Ended { result: None }).await,
            6 => self.choose(agent, "available").await,
            _ => self.choose(agent, "away").await,
        }
        self.house.clock().advance_ms(i64::try_from(dice >> 40).unwrap() % 5_000);
    }
}

/// A client: applies whole rows and forgets what is gone.
fn apply(mine: &mut Board, delta: Delta) {
    mine.seq = delta.seq;
    mine.day_since = delta.day_since.unwrap_or(mine.day_since);
    mine.agents.extend(delta.agents.into_iter().map(|a| (a.user_id, a)));
    delta.agents_gone.iter().for_each(|gone| drop(mine.agents.remove(gone)));
    mine.queues.extend(delta.queues.into_iter().map(|q| (q.name.clone(), q)));
    delta.queues_gone.iter().for_each(|gone| drop(mine.queues.remove(gone)));
    if let Some(calls) = delta.calls {
        assert_eq!(calls, Counts::all(mine.queues.values()));
    }
    mine.callers = delta.callers.unwrap_or_else(|| mine.callers.clone());
    mine.tickets = delta.tickets.unwrap_or(mine.tickets);
    mine.webhooks = delta.webhooks.unwrap_or(mine.webhooks);
}

/// Whatever happens, and however much of it between two looks: what is told makes of any older
/// snapshot the board as it is.
#[tokio::test]
async fn changes_over_an_older_snapshot_are_the_board_as_it_is() {
    for seed in 1..4_u64 {
        let wall = Wall::new(5).await;
        let (mut kept, mut mine) = (wall.board().await, wall.board().await);
        let mut dice = seed;
        for round in 0..120 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed | 1);
            wall.happen(dice >> 11).await;
            if dice >> 33 & 1 == 0 {
                continue;
            }
            if round == 60 {
                // A snapshot that is newer than what was told last.
                mine = wall.board().await;
            }
            if let Some(look) = wall.look(kept.seq).await {
                let delta = kept.take(look);
                apply(&mut mine, delta.clone());
                apply(&mut mine, delta);
            }
            let fresh = wall.board().await;
            assert_eq!(kept, fresh, "seed {seed}, round {round}");
            assert_eq!(mine, fresh, "seed {seed}, round {round}");
        }
    }
}

#[test]
fn events_touch_only_what_they_are_about() {
    let touched = |kind: &str| {
        let mut touched = Touched::default();
        touched.note(kind, None);
        touched
    };
    let nothing = Touched::default();
    assert_eq!(touched("call.answered"), Touched { calls: true, ..nothing.clone() });
    assert_eq!(touched("sla.warning"), Touched { tickets: true, ..nothing.clone() });
    assert_eq!(touched("webhook.failing"), Touched { webhooks: true, ..nothing.clone() });
    assert_eq!(touched("agent.state.changed"), Touched { all_agents: true, ..nothing.clone() });
    for other in ["order.paid", "kb_article.created", "notification.created", "chat.message"] {
        assert_eq!(touched(other), nothing, "{other}");
    }
}

/// No table is read from end to end, whatever the day was like.
#[tokio::test]
async fn every_statement_of_the_board_goes_by_an_index() {
    let wall = Wall::new(1).await;
    let all = [
        sql::TOUCHED,
        sql::CALLERS,
        sql::OPEN,
        sql::UNASSIGNED,
        sql::WAITING,
        sql::AT_RISK,
        sql::HOOKS,
    ];
    let plans = wall.house.db.read(move |r| {
        let mut plans = Vec::new();
        for sql in all {
            let mut plan = r.prepare(&format!("explain query plan {sql}"))?;
            let mut rows = plan.raw_query();
            while let Some(row) = rows.next()? {
                plans.push(row.get::<_, String>(3)?);
            }
        }
        Ok(plans)
    });
    for line in plans.await.unwrap() {
        // What a subquery found is read through; it is bounded by what the index left.
        assert!(!line.starts_with("SCAN") || line.contains("(subquery"), "{line}");
    }
}
