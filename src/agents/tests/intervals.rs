//! Whatever happens in whatever order, an agent's intervals neither overlap nor leave a hole.

use super::{Floor, call, now_is, picks};
use crate::{
    agents::{State, answered, due_wrap_ups, lost, part_ended, paused, sql, unpaused, wrapped_up},
    db::Write,
    id::{TenantId, UserId},
};

/// The same random numbers for the same seed (Knuth's MMIX constants).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        i64::try_from(self.0 >> 33).unwrap() % end
    }
}

/// One random thing at a random time: mostly forward, sometimes the clock is set back, and half
/// of what is told of calls is late or early.
fn something(w: &mut Write<'_>, dice: &mut Dice, (tenant, agent): (TenantId, UserId)) {
    w.now += match dice.below(12) {
        0 => -dice.below(900_000),
        1 => 0,
        _ => dice.below(120_000),
    };
    let at = match dice.below(4) {
        0 => w.now - dice.below(600_000),
        1 => w.now + dice.below(60_000),
        _ => w.now,
    };
    let number = call(u128::try_from(dice.below(3)).unwrap());
    match dice.below(10) {
        0..3 => {
            let state = State::CHOSEN[usize::try_from(dice.below(4)).unwrap()];
            let reason = [None, Some("lunch"), Some("training")];
            let reason = reason[usize::try_from(dice.below(3)).unwrap()];
            picks(w, (tenant, agent), state, reason, dice.below(2) == 0);
        }
        3 | 4 => drop(answered(w, tenant, agent, number, at).unwrap()),
        5 | 6 => drop(part_ended(w, tenant, agent, number, at).unwrap()),
        7 => {
            for (tenant, agent, number, until) in due_wrap_ups(w, w.now).unwrap() {
                assert!(wrapped_up(w, tenant, agent, number, until).unwrap());
            }
        }
        8 => match dice.below(2) {
            0 => paused(w, tenant, agent, Some("pause"), "pbx").unwrap(),
            _ => unpaused(w, tenant, agent, "pbx").unwrap(),
        },
        _ => lost(w, tenant, agent, at).unwrap(),
    }
}

/// What must be true of an agent after anything at all.
fn is_sound(w: &Write<'_>, tenant: TenantId, agent: UserId) {
    let now = now_is(w, tenant, agent);
    assert_eq!(now.call_id.is_some(), now.state.is_made(), "{now:?}");
    assert_eq!(now.wrap_up_until.is_some(), now.state == State::WrapUp, "{now:?}");
    assert!(now.next_state.is_none_or(|next| now.state.is_made() && !next.is_made()), "{now:?}");
    let calls = sql::latest_call(w, tenant, agent).unwrap();
    assert_eq!(calls.is_some(), now.state == State::OnCall, "{now:?}");
    let until = now.wrap_up_until.unwrap_or(i64::MIN);
    assert!(until <= w.now + now.wrap_up_seconds * 1_000 || w.now < now.since, "{now:?}");
}

#[tokio::test]
async fn intervals_neither_overlap_nor_leave_a_hole_whatever_happens_and_whatever_the_clock_does() {
    let mut told_before = 0;
    for seed in 0..60 {
        let floor = Floor::new().await;
        let (began, rows) = floor
            .play(move |w, tenant, agent| {
                let mut dice = Dice(seed);
                let began = now_is(w, tenant, agent).since;
                for _ in 0..120 {
                    something(w, &mut dice, (tenant, agent));
                    is_sound(w, tenant, agent);
                }
                let now = now_is(w, tenant, agent);
                let rows = sql::spans(w, tenant, agent).unwrap();
                let (state, from, to) = rows.last().unwrap().clone();
                assert_eq!((state.as_str(), from, to), (now.state.name(), now.since, None));
                (began, rows)
            })
            .await;
        let mut sum = 0;
        for pair in rows.windows(2) {
            assert_eq!(pair[0].2, Some(pair[1].1), "seed {seed}: an overlap or a hole");
            assert!(pair[1].1 >= pair[0].1, "seed {seed}: an interval ends before it begins");
            sum += pair[1].1 - pair[0].1;
        }
        let (first, last) = (rows.first().unwrap().1, rows.last().unwrap().1);
        assert_eq!(sum, last - first, "seed {seed}");
        let told = floor.told().await;
        told_before += told.len();
        let durations = told.iter().filter_map(|data| data["previous_duration_ms"].as_i64());
        assert_eq!(durations.sum::<i64>(), last - began, "seed {seed}: events tell all the time");
    }
    assert!(told_before > 1_000, "the sequences did nothing");
}
