//! What telephone systems say, against a real database: in order, in any order, twice, and not at
//! all.

use super::*;
use crate::{
    agents,
    auth::Role,
    db::Write,
    http::testing::House,
    tenants,
    users::{self, Hand},
};
use serde_json::Value;

struct Floor {
    house: House,
    tenant: TenantId,
    ann: UserId,
    ben: UserId,
}

impl Floor {
    async fn new() -> Self {
        let house = House::new();
        let tenant = house.write(|w| tenants::create(w, "Ours")).await.id;
        let mut agents = Vec::new();
        for name in ["ann", "ben"] {
            let new = users::New::plain(&format!("{name}@example.com"), name, Role::Agent);
            let hand = Hand::of_system(tenant);
            agents.push(house.write(move |w| users::create(w, &hand, &new, None)).await.id);
        }
        let (ann, ben) = (agents[0], agents[1]);
        Self { house, tenant, ann, ben }
    }

    async fn hear(&self, call: &str, steps: &[(i64, Heard)]) -> Vec<Heeded> {
        let (tenant, call, steps) = (self.tenant, call.to_owned(), steps.to_vec());
        let job = move |w: &mut Write<'_>| {
            let signals = steps.iter().map(|(at, what)| Signal {
                source: "ami:main".into(),
                external_id: call.clone(),
                at: *at,
                what: what.clone(),
            });
            signals.map(|signal| hear(w, tenant, &signal)).collect()
        };
        self.house.write(job).await
    }

    async fn call(&self, name: &str) -> Option<Call> {
        let (tenant, name) = (self.tenant, name.to_owned());
        let found = self.house.db.read(move |r| sql::named(r, tenant, ("ami:main", &name)));
        found.await.unwrap()
    }

    async fn states(&self) -> Vec<&'static str> {
        let tenant = self.tenant;
        let board = self.house.db.read(move |r| agents::board(r, tenant)).await.unwrap();
        board.iter().map(|agent| agent.state.name()).collect()
    }

    async fn told_after(&self, seq: i64) -> Vec<String> {
        let said = self.house.said_after(seq).await;
        let kinds = said.iter().map(|e| e["kind"].as_str().unwrap().to_owned());
        kinds.filter(|kind| kind.starts_with("call.")).collect()
    }

    /// Ann misses it, takes it, passes it on to Ben.
    fn long_call(&self) -> Vec<(i64, Heard)> {
        let (ann, ben) = (Some(self.ann), self.ben);
        let start = self.house.clock().now_ms() - 60_000;
        let offer = |key: &str| String::from(key);
        [
            Heard::Incoming {
                from_number: Some("+4930987654".into()),
                from_name: Some("Alice".into()),
                to_number: None,
                queue: Some("hardware".into()),
            },
            Heard::Ringing { offer: offer("o1"), agent: ann },
            Heard::OfferMissed { offer: offer("o1"), ring_ms: Some(900), agent: ann },
            Heard::Ringing { offer: offer("o2"), agent: ann },
            Heard::Answered { offer: Some(offer("o2")), agent: ann },
            Heard::Held,
            Heard::Resumed,
            Heard::Transferred { to: Target::Agent(ben), agent: ann },
            Heard::PartEnded { agent: ann },
            Heard::Ended { result: None },
        ]
        .into_iter()
        .zip(0..)
        .map(|(heard, number)| (start + number * 1_000, heard))
        .collect()
    }
}

/// A call without what differs between two that were told the same.
fn bare(call: Call) -> Call {
    let id = EntityId(uuid::Uuid::nil());
    let (created_at, updated_at) = (0, 0);
    Call { rid: 0, id, version: 0, created_at, updated_at, external_id: None, ..call }
}

#[tokio::test]
async fn signals_make_calls_and_move_their_agents() {
    let floor = Floor::new().await;
    let steps = floor.long_call();
    let seq = floor.house.db.latest_seq();
    floor.hear("1", &steps[..5]).await;
    assert_eq!(floor.states().await, ["on_call", "offline"]);
    floor.hear("1", &steps[5..8]).await;
    assert_eq!(floor.states().await, ["wrap_up", "on_call"]);
    floor.hear("1", &steps[8..]).await;
    assert_eq!(floor.states().await, ["wrap_up", "wrap_up"]);
    let call = floor.call("1").await.unwrap();
    assert_eq!((call.wait_ms, call.talk_ms, call.hold_ms), (Some(4_000), Some(4_000), Some(1_000)));
    let told = floor.told_after(seq).await;
    let expected = [
        "call.incoming",
        "call.ringing",
        "call.offer.missed",
        "call.ringing",
        "call.answered",
        "call.held",
        "call.resumed",
        "call.transferred",
        "call.ended",
    ];
    assert_eq!(told, expected);
    // All of it again is nothing new.
    let latest = floor.house.db.latest_seq();
    let again = floor.hear("1", &steps).await;
    assert!(again.iter().all(|heeded| !heeded.is_new && heeded.call == call.id));
    assert_eq!(floor.house.db.latest_seq(), latest);
}

/// Backwards, from the middle, every second one first: the same rows in the end.
#[tokio::test]
async fn signals_in_any_order_make_the_same_row() {
    let floor = Floor::new().await;
    let steps = floor.long_call();
    floor.hear("in order", &steps).await;
    let expected = bare(floor.call("in order").await.unwrap());
    let tenant = floor.tenant;
    let parts = |call: Call| {
        let all = floor.house.db.read(move |r| sql::parts(r, call.rid));
        async move {
            let times = |part: PartShown| (part.agent_id, part.started_at, part.ended_at);
            all.await.unwrap().into_iter().map(times).collect::<Vec<_>>()
        }
    };
    let expected_parts = parts(floor.call("in order").await.unwrap()).await;
    for round in 1..steps.len() {
        let mut mixed = steps.clone();
        mixed.rotate_left(round);
        if round % 2 == 0 {
            mixed.reverse();
        }
        let (evens, odds): (Vec<_>, Vec<_>) =
            mixed.into_iter().enumerate().partition(|(at, _)| at % 3 == 0);
        let mixed: Vec<_> = odds.into_iter().chain(evens).map(|(_, step)| step).collect();
        let name = format!("round {round}");
        for step in &mixed {
            floor.hear(&name, &[step.clone(), step.clone()]).await;
        }
        let call = floor.call(&name).await.unwrap();
        assert_eq!(parts(call.clone()).await, expected_parts, "{round}");
        assert_eq!(bare(call), expected, "{round}");
        assert!(!floor.states().await.contains(&"on_call"), "{round}");
    }
    let found = floor.house.db.read(move |r| sql::living(r, tenant, "ami:main")).await.unwrap();
    assert!(found.is_empty());
}

/// What only its end or middle was heard of is nobody's call; when the beginning comes late, all of
/// it is told.
#[tokio::test]
async fn a_call_is_known_from_the_moment_its_beginning_is_heard_of() {
    let floor = Floor::new().await;
    let steps = floor.long_call();
    let seq = floor.house.db.latest_seq();
    floor.hear("1", &steps[4..5]).await;
    let call = floor.call("1").await.unwrap();
    let (tenant, id) = (floor.tenant, call.id);
    let shown = |id| floor.house.db.read(move |r| sql::find(r, tenant, id));
    assert!(shown(id).await.unwrap().is_none());
    assert_eq!((floor.states().await[0], floor.house.db.latest_seq()), ("offline", seq));
    floor.hear("1", &steps[..1]).await;
    assert_eq!(shown(id).await.unwrap().unwrap().status, Status::Answered);
    assert_eq!(floor.states().await[0], "on_call");
    assert_eq!(floor.told_after(seq).await, ["call.incoming", "call.answered"]);
    // One that stays unknown is forgotten after a day.
    floor.hear("2", &steps[9..]).await;
    floor.house.clock().advance_ms(25 * 3_600_000);
    while keeper::sweep(&floor.house.db).await.unwrap() {}
    assert!(floor.call("2").await.is_none());
    assert_eq!(floor.call("1").await.unwrap().result.as_deref(), Some("unknown"));
}

#[tokio::test]
async fn a_snapshot_ends_the_calls_whose_channel_is_gone_and_frees_their_agents() {
    let floor = Floor::new().await;
    let steps = floor.long_call();
    floor.hear("answered", &steps[..5]).await;
    floor.hear("waiting", &steps[..1]).await;
    floor.hear("alive", &steps[..1]).await;
    let (tenant, at) = (floor.tenant, floor.house.clock().now_ms());
    let seen = |source: &'static str| {
        let job = move |w: &mut Write<'_>| snapshot(w, tenant, source, &["alive".into()], at);
        floor.house.write(job)
    };
    assert_eq!(seen("ami:other").await, 0);
    let seq = floor.house.db.latest_seq();
    assert_eq!(seen("ami:main").await, 2);
    assert_eq!(seen("ami:main").await, 0);
    let result = |call: Option<Call>| call.unwrap().result;
    assert_eq!(result(floor.call("answered").await).as_deref(), Some("answered"));
    assert_eq!(result(floor.call("waiting").await).as_deref(), Some("unknown"));
    assert_eq!(result(floor.call("alive").await), None);
    assert_eq!(floor.states().await[0], "wrap_up");
    assert_eq!(floor.told_after(seq).await, ["call.ended", "call.ended"]);
    // The true end of it, heard late, says how it really was.
    floor.hear("waiting", &[(steps[3].0, Heard::Abandoned)]).await;
    assert_eq!(result(floor.call("waiting").await).as_deref(), Some("abandoned"));
}

/// Agents of nobody or of somebody else, endless text, endless steps.
#[tokio::test]
async fn signals_are_bounded_and_know_only_the_tenants_own_agents() {
    let floor = Floor::new().await;
    let steps = floor.long_call();
    let other = floor.house.write(|w| tenants::create(w, "Theirs")).await.id;
    let new = users::New::plain("eve@example.com", "Eve", Role::Agent);
    let hand = Hand::of_system(other);
    let eve = floor.house.write(move |w| users::create(w, &hand, &new, None)).await.id;
    let name = "n".repeat(5_000);
    let start = Heard::Incoming {
        from_number: Some("\u{0}1\n2".into()),
        from_name: Some(name),
        to_number: Some("  ".into()),
        queue: None,
    };
    let at = steps[0].0;
    let answered = Heard::Answered { offer: None, agent: Some(eve) };
    floor.hear("1", &[(at, start), (at + 1, answered)]).await;
    let call = floor.call("1").await.unwrap();
    assert_eq!((call.agent_id, call.status), (None, Status::Answered));
    assert_eq!(call.from_number.as_deref(), Some("12"));
    assert_eq!((call.from_name.unwrap().len(), call.to_number), (128, None));
    let flood: Vec<_> = (0..700)
        .map(|n| (at + 10 + n, if n % 2 == 0 { Heard::Held } else { Heard::Resumed }))
        .collect();
    let heeded = floor.hear("1", &flood).await;
    assert!(heeded.iter().filter(|heeded| heeded.is_new).count() < 500);
    floor.hear("1", &[(at + 5_000, Heard::Ended { result: None })]).await;
    assert_eq!(floor.call("1").await.unwrap().status, Status::Ended);
}

#[tokio::test]
async fn queues_show_who_waits_and_how_well_they_are_answered() {
    let floor = Floor::new().await;
    let steps = floor.long_call();
    let now = floor.house.clock().now_ms();
    let came = |at: i64, queue: &str| {
        let (from_number, from_name, to_number) = (Some("1".into()), None, None);
        (at, Heard::Incoming { from_number, from_name, to_number, queue: Some(queue.into()) })
    };
    let taken = |at: i64| (at, Heard::Answered { offer: None, agent: None });
    floor.hear("soon", &[came(now - 50_000, "a"), taken(now - 40_000)]).await;
    floor.hear("late", &[came(now - 50_000, "a"), taken(now - 29_000)]).await;
    floor.hear("never", &[came(now - 50_000, "a"), (now - 9_000, Heard::Abandoned)]).await;
    floor.hear("waits", &[came(now - 30_000, "a")]).await;
    floor.hear("waits too", &[came(now - 20_000, "b")]).await;
    floor.hear("old", &[came(now - 2 * 86_400_000, "a"), taken(now - 2 * 86_400_000)]).await;
    floor.hear("again", &steps[..5]).await;
    let team = serde_json::json!({ "name": "A", "queue_names": ["a", "empty"] });
    let team = serde_json::from_value(team).unwrap();
    let (tenant, actor) = (floor.tenant, crate::event::Actor::system());
    let team: crate::teams::New = team;
    let job = move |w: &mut Write<'_>| crate::teams::create(w, tenant, &actor, team.clone());
    let team = floor.house.write(job).await.id;
    let all = floor.house.db.read(move |r| queues(r, tenant, now)).await.unwrap();
    let names: Vec<_> = all.iter().map(|queue| queue.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "empty", "hardware"]);
    let a = &all[0];
    assert_eq!((a.waiting, a.longest_wait_ms), (1, Some(30_000)));
    assert_eq!((a.offered, a.answered, a.answered_in_time, a.abandoned), (4, 2, 1, 1));
    assert_eq!((a.service_level, a.talking), (Some(0.5), 3));
    assert_eq!(a.team_ids, [team]);
    assert_eq!((all[1].waiting, all[2].waiting, all[2].service_level), (1, 0, None));
    let plan = floor.house.db.read(move |r| {
        let mut plans = Vec::new();
        for sql in [queues::COUNTED, queues::LIVING] {
            let sql = format!("explain query plan {sql}");
            let mut plan = r.prepare(&sql)?;
            let mut rows = plan.raw_query();
            while let Some(row) = rows.next()? {
                plans.push(row.get::<_, String>(3)?);
            }
        }
        Ok(plans)
    });
    let plan = plan.await.unwrap();
    assert!(!plan.iter().any(|line| line.starts_with("SCAN")), "{plan:?}");
    assert!(plan[0].contains("COVERING"), "{plan:?}");
}

/// What is told has the form that the catalogue promises.
#[tokio::test]
async fn what_is_told_names_who_left_and_who_came() {
    let floor = Floor::new().await;
    let steps = floor.long_call();
    let seq = floor.house.db.latest_seq();
    floor.hear("1", &steps).await;
    let said = floor.house.said_after(seq).await;
    let of = |kind: &str| -> Vec<&Value> {
        said.iter().filter(|e| e["kind"] == kind).map(|e| &e["data"]).collect()
    };
    let (ann, ben) = (floor.ann.to_string(), floor.ben.to_string());
    assert_eq!(of("call.offer.missed")[0]["from_agent_id"], ann);
    assert!(of("call.ringing").iter().all(|data| data["agent_id"] == ann));
    let moved = of("call.transferred")[0];
    assert_eq!((&moved["from_agent_id"], &moved["to_agent_id"]), (&ann.into(), &ben.into()));
    assert!(moved["to_queue"].is_null() && moved["transferred_to"].is_null());
    assert!(of("call.incoming")[0]["customer"].is_null());
}
