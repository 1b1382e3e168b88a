//! What is forgotten and what is not, by a clock that is moved.

use super::*;
use crate::{
    db::{Refused, Say, Write, log_bounds},
    event::Kind,
    http::testing::House,
    id::{EntityId, TenantId},
};
use sql::testing::{self, State};
use std::sync::Arc;
use uuid::Uuid;

const TENANT: TenantId = TenantId(Uuid::nil());

struct World {
    house: House,
    keeper: Keeper,
}

impl World {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Limits)) -> Self {
        let house = House::new();
        house.write(|w| testing::endpoints(w, TENANT)).await;
        let mut limits = Limits::new(60);
        change(&mut limits);
        let keeper = Keeper::new(house.db.clone(), limits);
        Self { house, keeper }
    }

    /// Says an event that endpoint 1 is owed, or nobody; answers its `seq`.
    async fn say(&self, owed: bool) -> i64 {
        let job = move |w: &mut Write<'_>| {
            let kind = Kind::Custom(Arc::from(if owed { "owed.one" } else { "free.one" }));
            let say = Say::new(TENANT, kind, &serde_json::json!({ "text": "x".repeat(100) }))?;
            w.say(say.subject(EntityId(Uuid::nil())))
        };
        self.house.write(job).await.seq
    }

    async fn end(&self, seq: i64, state: &'static str) {
        self.house.write(move |w| testing::end(w, seq, state)).await;
    }

    fn days(&self, days: i64) {
        self.house.clock().advance_ms(days * DAY_MS);
    }

    /// Two rounds: what the first announces goes in the second.
    async fn rounds(&mut self) {
        self.keeper.round().await.unwrap();
        self.keeper.round().await.unwrap();
    }

    async fn state(&self) -> State {
        self.house.db.read(testing::state).await.unwrap()
    }

    /// The events that still have their data.
    async fn with_data(&self) -> Vec<i64> {
        self.state().await.with_data
    }
}

#[tokio::test]
async fn data_goes_14_days_after_the_last_delivery_ended_and_the_row_stays() {
    let mut world = World::new().await;
    let (free, done, late) = (world.say(false).await, world.say(true).await, world.say(true).await);
    world.end(done, "delivered").await;
    world.days(10);
    world.end(late, "failed").await;
    world.rounds().await;
    assert_eq!(world.with_data().await, [free, done, late]);
    world.days(5);
    world.rounds().await;
    assert_eq!(world.with_data().await, [late], "it ended ten days after the others");
    world.days(10);
    world.rounds().await;
    assert!(world.with_data().await.is_empty());
    assert_eq!(world.state().await.events, [free, done, late], "history is not forgotten");
}

#[tokio::test]
async fn nothing_that_is_still_owed_ever_goes() {
    let mut world = World::with(|limits| {
        (limits.data_bytes, limits.attempts_bytes, limits.history_bytes) = (0, 0, 0);
    })
    .await;
    let (waiting, held, free) =
        (world.say(true).await, world.say(true).await, world.say(false).await);
    world.end(held, "held").await;
    for _ in 0..4 {
        world.days(40);
        world.rounds().await;
    }
    let state = world.state().await;
    assert_eq!((state.with_data, state.deliveries), (vec![waiting, held], vec![waiting, held]));
    assert!(!state.events.contains(&free), "what nobody is owed has gone");
    world.end(waiting, "delivered").await;
    world.end(held, "expired").await;
    world.days(40);
    world.rounds().await;
    world.rounds().await;
    let state = world.state().await;
    assert!(state.with_data.is_empty() && state.deliveries.is_empty(), "{state:?}");
}

#[tokio::test]
async fn attempts_go_after_30_days_and_deliveries_30_days_after_they_ended() {
    let mut world = World::new().await;
    let (early, open) = (world.say(true).await, world.say(true).await);
    world.house.write(move |w| testing::attempt(w, early)).await;
    world.end(early, "failed").await;
    world.days(20);
    let late = world.say(true).await;
    world.house.write(move |w| testing::attempt(w, late)).await;
    world.end(late, "delivered").await;
    world.rounds().await;
    assert_eq!(world.state().await.attempts, [early, late]);
    world.days(11);
    world.rounds().await;
    let state = world.state().await;
    assert_eq!((state.attempts, state.deliveries), (vec![late], vec![open, late]));
    world.days(20);
    world.rounds().await;
    let state = world.state().await;
    assert_eq!((state.attempts, state.deliveries), (vec![], vec![open]));
}

#[tokio::test]
async fn history_goes_after_its_days_with_its_subjects_and_for_ever_means_for_ever() {
    for (days, left) in [(60, 1), (0, 3)] {
        let mut world =
            World::with(|limits| limits.history_ms = Limits::new(days).history_ms).await;
        world.say(false).await;
        world.say(false).await;
        world.days(50);
        world.say(false).await;
        world.days(20);
        world.rounds().await;
        let state = world.state().await;
        assert_eq!((state.events.len(), state.subjects), (left, left as i64), "{days} days");
    }
}

#[tokio::test]
async fn beyond_a_bound_in_bytes_the_oldest_go_first() {
    let mut world = World::with(|limits| limits.data_bytes = 30 * 262).await;
    for _ in 0..100 {
        world.say(false).await;
    }
    world.rounds().await;
    assert_eq!(world.with_data().await, (71..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_was_away_for_longer_than_the_log_answers_is_told_to_start_over() {
    let mut world = World::new().await;
    let kept = world.say(true).await;
    for _ in 0..3 {
        world.say(false).await;
    }
    world.days(15);
    let fresh = world.say(false).await;
    world.keeper.round().await.unwrap();
    let db = &world.house.db;
    let bounds = db.read(log_bounds).await.unwrap();
    assert_eq!((bounds.oldest, bounds.latest), (fresh, fresh));
    assert_eq!(world.with_data().await.len(), 5, "announced, and there for who reads already");
    world.keeper.round().await.unwrap();
    assert_eq!(world.with_data().await, [kept, fresh]);
    let db = &world.house.db;
    for (since, expected) in
        [(0, Ok(())), (kept, Err(Refused::TooOld)), (fresh - 1, Ok(())), (fresh, Ok(()))]
    {
        assert_eq!(db.may_resume(bounds, since, None), expected, "{since}");
    }
}

#[tokio::test]
async fn more_than_one_step_is_done_in_one_round() {
    let mut world = World::new().await;
    let job = |w: &mut Write<'_>| {
        for _ in 0..2 * STEP + 1 {
            let kind = Kind::Custom(Arc::from("free.one"));
            w.say(Say::new(TENANT, kind, &serde_json::json!({}))?)?;
        }
        Ok(())
    };
    world.house.write(job).await;
    world.days(70);
    world.rounds().await;
    assert!(world.state().await.events.is_empty());
}

#[tokio::test]
async fn old_hours_are_added_up_so_that_sums_stay() {
    let mut world = World::new().await;
    for days in [0, 1, 100] {
        world.days(days);
        world.house.write(|w| testing::hour(w, (2, 1))).await;
    }
    world.rounds().await;
    let hours = world.house.db.read(testing::hours).await.unwrap();
    assert_eq!(hours.len(), 2, "{hours:?}");
    assert_eq!((hours[0], hours[1].1), ((0, 4, 2), 2));
}
