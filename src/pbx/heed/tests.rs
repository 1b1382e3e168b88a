//! From recorded events to what becomes of their calls: the same in whatever order they come.

use super::*;
use crate::{
    calls::{
        Status, Step,
        machine::{Course, course},
    },
    id::UserId,
    pbx::{
        ami::Message,
        mapping::Mapping,
        traces::{ABANDONED, ANSWERED, Dice, TRANSFERRED, events},
    },
};
use std::collections::BTreeMap;
use uuid::Uuid;

const TRACES: [&str; 3] = [ANSWERED, TRANSFERRED, ABANDONED];

fn agent(extension: &str) -> UserId {
    UserId(Uuid::from_u128(extension.parse().unwrap()))
}

/// What becomes of each call of which these events tell.
fn courses(events: &[Message]) -> BTreeMap<String, Course> {
    let mut mapping = Mapping::default();
    let mut steps: BTreeMap<String, Vec<Step>> = BTreeMap::new();
    for told in events.iter().flat_map(|event| mapping.hear(event, 0)) {
        if let Told::Call { call, at, what } = told {
            let heard = heard(&what, |number| Ok(Some(agent(number)))).unwrap();
            steps.entry(call).or_default().push(Step { at, heard });
        }
    }
    steps.into_iter().map(|(call, steps)| (call, course(&steps))).collect()
}

/// `result wait talk hold` in milliseconds, and who had it last.
fn summary(course: &Course) -> String {
    assert_eq!(course.status, Status::Ended);
    let ms = |ms: Option<i64>| ms.map_or("-".into(), |ms| ms.to_string());
    let who = course.agent_id.map_or("-".into(), |user| user.0.as_u128().to_string());
    let result = course.result.as_deref().unwrap_or("-");
    let Course { wait_ms, talk_ms, hold_ms, .. } = course;
    format!("{result} {} {} {} {who}", ms(*wait_ms), ms(*talk_ms), ms(*hold_ms))
}

#[test]
fn the_recorded_calls_end_with_these_times() {
    let all: Vec<String> = TRACES
        .iter()
        .flat_map(|trace| courses(&events(trace)))
        .map(|(call, course)| format!("{call} {}", summary(&course)))
        .collect();
    assert_eq!(
        all,
        [
            "1795289157.0 answered 1001 2504 0 2001",
            "1795289163.4 abandoned 3501 - - 2002",
            "1795289025.0 answered 1 3700 0 2003",
            "1795288849.0 abandoned 11510 - - -",
            "1795288858.2 abandoned 1501 - - -",
        ]
    );
}

#[test]
fn delayed_repeated_and_mixed_up_events_make_the_same_calls() {
    let mut dice = Dice(11);
    for trace in TRACES {
        let straight = events(trace);
        let expected = courses(&straight);
        for _ in 0..200 {
            let mixed = dice.mixed(&straight);
            assert_eq!(courses(&mixed), expected);
        }
    }
}
