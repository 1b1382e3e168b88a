//! What calls and PBXes make of agents.

use super::{Floor, call, now_is, picks};
use crate::{
    agents::{State, answered, due_wrap_ups, left, lost, part_ended, paused, unpaused, wrapped_up},
    event::Actor,
};
use State::{Available, Away, Offline, OnCall, WrapUp};

const SECOND: i64 = 1_000;

#[tokio::test]
async fn a_call_is_followed_by_its_wrap_up_and_that_by_what_was_chosen_before_or_meanwhile() {
    let floor = Floor::new().await;
    floor
        .play(|w, tenant, agent| {
            let who = (tenant, agent);
            let state = |w: &crate::db::Write<'_>| {
                let now = now_is(w, tenant, agent);
                (now.state, now.next_state, now.call_id)
            };
            picks(w, who, Available, None, false);
            w.now += 60 * SECOND;
            let began = w.now;
            answered(w, tenant, agent, call(1), w.now - SECOND).unwrap();
            assert_eq!(state(w), (OnCall, None, Some(call(1))));
            assert_eq!(now_is(w, tenant, agent).since, began - SECOND, "when it was answered");
            answered(w, tenant, agent, call(1), w.now).unwrap();
            picks(w, who, Away, Some("lunch"), false);
            assert_eq!(state(w), (OnCall, Some(Away), Some(call(1))));
            w.now += 60 * SECOND;
            let until = part_ended(w, tenant, agent, call(1), w.now).unwrap();
            assert_eq!(until, Some(w.now + 30 * SECOND), "half a minute unless set");
            assert_eq!(state(w), (WrapUp, Some(Away), Some(call(1))));
            assert_eq!(part_ended(w, tenant, agent, call(1), w.now).unwrap(), None, "only once");
            assert!(!wrapped_up(w, tenant, agent, call(2), w.now).unwrap(), "another call's");
            assert_eq!(due_wrap_ups(w, until.unwrap() - 1).unwrap(), []);
            let due = due_wrap_ups(w, until.unwrap()).unwrap();
            assert_eq!(due, [(tenant, agent, call(1), until.unwrap())]);
            w.now += 31 * SECOND;
            assert!(wrapped_up(w, tenant, agent, call(1), until.unwrap()).unwrap());
            assert_eq!(state(w), (Away, None, None));
            let now = now_is(w, tenant, agent);
            assert_eq!((now.reason.as_deref(), now.since), (Some("lunch"), until.unwrap()));
            assert!(!wrapped_up(w, tenant, agent, call(1), w.now).unwrap(), "only once");
        })
        .await;
    floor
        .play(|w, tenant, agent| {
            // Away answers all the same, and is away again after it.
            answered(w, tenant, agent, call(3), w.now).unwrap();
            assert_eq!(now_is(w, tenant, agent).next_reason.as_deref(), Some("lunch"));
            picks(w, (tenant, agent), Available, None, false);
            part_ended(w, tenant, agent, call(3), w.now).unwrap();
            assert!(wrapped_up(w, tenant, agent, call(3), w.now).unwrap());
            let now = now_is(w, tenant, agent);
            assert_eq!((now.state, now.next_state, now.call_id), (Available, None, None));
        })
        .await;
    let states: Vec<_> = floor
        .told()
        .await
        .iter()
        .map(|data| [&data["previous_state"], &data["state"], &data["next_state"]].map(word))
        .collect();
    let expected = [
        ["offline", "available", ""],
        ["available", "on_call", ""],
        ["on_call", "on_call", "away"],
        ["on_call", "wrap_up", "away"],
        ["wrap_up", "away", ""],
        ["away", "on_call", "away"],
        ["on_call", "on_call", "available"],
        ["on_call", "wrap_up", "available"],
        ["wrap_up", "available", ""],
    ];
    assert_eq!(states, expected);
}

fn word(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_agent_with_two_calls_at_once_is_on_call_until_the_last_ends() {
    let floor = Floor::new().await;
    floor
        .play(|w, tenant, agent| {
            answered(w, tenant, agent, call(1), w.now).unwrap();
            w.now += SECOND;
            answered(w, tenant, agent, call(2), w.now).unwrap();
            assert_eq!(now_is(w, tenant, agent).call_id, Some(call(1)));
            w.now += SECOND;
            assert_eq!(part_ended(w, tenant, agent, call(1), w.now).unwrap(), None);
            let now = now_is(w, tenant, agent);
            assert_eq!((now.state, now.call_id, now.since), (OnCall, Some(call(2)), w.now));
            assert!(part_ended(w, tenant, agent, call(2), w.now).unwrap().is_some());
            assert_eq!(now_is(w, tenant, agent).state, WrapUp);
            // Another call ends a wrap-up before its time.
            answered(w, tenant, agent, call(3), w.now).unwrap();
            assert!(!wrapped_up(w, tenant, agent, call(2), w.now).unwrap());
            let now = now_is(w, tenant, agent);
            assert_eq!((now.state, now.next_state), (OnCall, Some(Offline)), "where they began");
        })
        .await;
}

#[tokio::test]
async fn a_pbx_moves_only_who_is_available_and_takes_back_only_its_own_pause() {
    let floor = Floor::new().await;
    floor
        .play(|w, tenant, agent| {
            let who = (tenant, agent);
            let pause = |w: &mut crate::db::Write<'_>| {
                paused(w, tenant, agent, Some("  Lunch\nbreak "), "pbx").unwrap();
            };
            let go_on = |w: &mut crate::db::Write<'_>| unpaused(w, tenant, agent, "pbx").unwrap();
            let is = |w: &crate::db::Write<'_>| now_is(w, tenant, agent).state;
            pause(w);
            assert_eq!(is(w), Offline, "who is not available is not moved");
            picks(w, who, Available, None, false);
            pause(w);
            let now = now_is(w, tenant, agent);
            assert_eq!((now.state, now.reason.as_deref()), (Away, Some("Lunch break")));
            assert_eq!(now.source, "pbx");
            pause(w);
            go_on(w);
            assert_eq!(is(w), Available);
            go_on(w);
            picks(w, who, Away, Some("lunch"), false);
            go_on(w);
            assert_eq!(is(w), Away, "chosen by the agent");
            picks(w, who, Available, None, false);
            pause(w);
            picks(w, who, Away, Some("Lunch break"), false);
            go_on(w);
            assert_eq!(is(w), Away, "a pause that the agent made theirs");
            picks(w, who, Available, None, false);
            answered(w, tenant, agent, call(1), w.now).unwrap();
            pause(w);
            assert_eq!(now_is(w, tenant, agent).next_state, Some(Away), "after the call");
            go_on(w);
            assert_eq!(now_is(w, tenant, agent).next_state, None);
            pause(w);
            part_ended(w, tenant, agent, call(1), w.now).unwrap();
            wrapped_up(w, tenant, agent, call(1), w.now).unwrap();
            assert_eq!(is(w), Away);
            go_on(w);
            assert_eq!(is(w), Available, "still the PBX's pause");
        })
        .await;
}

#[tokio::test]
async fn a_lost_connection_in_a_call_only_changes_what_comes_after_it() {
    let floor = Floor::new().await;
    floor
        .play(|w, tenant, agent| {
            picks(w, (tenant, agent), Available, None, true);
            answered(w, tenant, agent, call(1), w.now).unwrap();
            lost(w, tenant, agent, w.now).unwrap();
            let now = now_is(w, tenant, agent);
            assert_eq!((now.state, now.next_state), (OnCall, Some(Offline)));
            assert_eq!(now.next_reason.as_deref(), Some("connection_lost"));
            part_ended(w, tenant, agent, call(1), w.now).unwrap();
            assert_eq!(now_is(w, tenant, agent).state, WrapUp);
            wrapped_up(w, tenant, agent, call(1), w.now).unwrap();
            let now = now_is(w, tenant, agent);
            assert_eq!((now.state, now.reason.as_deref()), (Offline, Some("connection_lost")));
            assert_eq!(now.source, "connection");
        })
        .await;
}

#[tokio::test]
async fn who_is_closed_in_a_call_is_in_no_call_and_late_news_of_it_move_nobody() {
    let floor = Floor::new().await;
    floor
        .play(|w, tenant, agent| {
            answered(w, tenant, agent, call(1), w.now).unwrap();
            left(w, tenant, agent, &Actor::system()).unwrap();
            assert_eq!(now_is(w, tenant, agent).state, Offline);
            assert_eq!(part_ended(w, tenant, agent, call(1), w.now).unwrap(), None);
            assert!(!wrapped_up(w, tenant, agent, call(1), w.now).unwrap());
            assert_eq!(now_is(w, tenant, agent).state, Offline);
        })
        .await;
    assert_eq!(floor.told().await.len(), 2);
}
