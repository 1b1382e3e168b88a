//! What the machine makes of what is said: calls told in order, and then in every other way.

use super::*;
use crate::id::UserId;
use uuid::Uuid;

const ANN: UserId = UserId(Uuid::from_u128(1));
const BEN: UserId = UserId(Uuid::from_u128(2));

fn at(at: i64, heard: Heard) -> Step {
    Step { at, heard }
}

fn incoming(queue: Option<&str>) -> Heard {
    Heard::Incoming {
        from_number: Some("+4930987654".into()),
        from_name: Some("Alice".into()),
        to_number: Some("+4930123000".into()),
        queue: queue.map(str::to_owned),
    }
}

fn rings(offer: &str, agent: UserId) -> Heard {
    Heard::Ringing { offer: offer.into(), agent: Some(agent) }
}

fn missed(offer: &str, agent: UserId) -> Heard {
    Heard::OfferMissed { offer: offer.into(), ring_ms: Some(4_000), agent: Some(agent) }
}

fn answered(offer: &str, agent: UserId) -> Heard {
    Heard::Answered { offer: Some(offer.into()), agent: Some(agent) }
}

fn moved(to: Target, agent: UserId) -> Heard {
    Heard::Transferred { to, agent: Some(agent) }
}

fn left(agent: UserId) -> Heard {
    Heard::PartEnded { agent: Some(agent) }
}

fn over() -> Heard {
    Heard::Ended { result: None }
}

/// Ann misses it, takes it at the second ring, holds it, passes it on to Ben.
fn long_call() -> Vec<Step> {
    vec![
        at(1_000, incoming(Some("hardware"))),
        at(2_000, rings("o1", ANN)),
        at(6_000, missed("o1", ANN)),
        at(7_000, rings("o2", ANN)),
        at(9_000, answered("o2", ANN)),
        at(20_000, Heard::Held),
        at(25_000, Heard::Resumed),
        at(30_000, moved(Target::Agent(BEN), ANN)),
        at(30_001, left(ANN)),
        at(50_000, over()),
        at(50_002, left(BEN)),
    ]
}

/// Back to a queue, where nobody takes it a second time.
fn requeued_call() -> Vec<Step> {
    vec![
        at(1_000, incoming(Some("hardware"))),
        at(2_000, rings("o1", ANN)),
        at(3_000, answered("o1", ANN)),
        at(9_000, moved(Target::Queue("sales".into()), ANN)),
        at(9_001, incoming(Some("sales"))),
        at(10_000, rings("o2", BEN)),
        at(14_000, missed("o2", BEN)),
        at(20_000, Heard::Abandoned),
        at(20_003, over()),
    ]
}

fn abandoned_call() -> Vec<Step> {
    vec![
        at(1_000, incoming(Some("hardware"))),
        at(2_000, rings("o1", ANN)),
        at(6_000, missed("o1", ANN)),
        at(8_000, rings("o2", BEN)),
        at(8_500, Heard::Abandoned),
        at(8_501, missed("o2", BEN)),
        at(8_600, over()),
    ]
}

fn outgoing_call() -> Vec<Step> {
    let (from_number, to_number) = (Some("201".into()), Some("+4930987654".into()));
    vec![
        at(1_000, Heard::Outgoing { from_number, to_number, agent: Some(ANN) }),
        at(5_000, Heard::Answered { offer: None, agent: None }),
        at(9_000, Heard::Held),
        at(11_000, over()),
    ]
}

fn stories() -> Vec<Vec<Step>> {
    vec![long_call(), requeued_call(), abandoned_call(), outgoing_call()]
}

/// The status, and what is told, step by step.
fn told(steps: &[Step]) -> Vec<(Status, Vec<News>)> {
    let mut before: Option<Course> = None;
    (1..=steps.len())
        .map(|count| {
            let after = course(&steps[..count]);
            let told = news(before.as_ref(), &after);
            before = Some(after.clone());
            (after.status, told)
        })
        .collect()
}

#[test]
fn a_call_told_in_order_tells_each_thing_once() {
    let to = |at, to| News::Transferred(Move { at, from_agent_id: Some(ANN), to });
    let expected = vec![
        (Status::Queued, vec![News::Incoming]),
        (Status::Ringing, vec![News::Ringing(Some(ANN))]),
        (Status::Queued, vec![News::OfferMissed(Some(ANN))]),
        (Status::Ringing, vec![News::Ringing(Some(ANN))]),
        (Status::Answered, vec![News::Answered(Some(ANN))]),
        (Status::OnHold, vec![News::Held]),
        (Status::Answered, vec![News::Resumed]),
        (Status::Answered, vec![to(30_000, Target::Agent(BEN))]),
        (Status::Answered, vec![]),
        (Status::Ended, vec![News::Ended]),
        (Status::Ended, vec![]),
    ];
    assert_eq!(told(&long_call()), expected);
    let expected = vec![
        (Status::Queued, vec![News::Incoming]),
        (Status::Ringing, vec![News::Ringing(Some(ANN))]),
        (Status::Answered, vec![News::Answered(Some(ANN))]),
        (Status::Answered, vec![to(9_000, Target::Queue("sales".into()))]),
        (Status::Answered, vec![]),
        (Status::Answered, vec![News::Ringing(Some(BEN))]),
        (Status::Answered, vec![News::OfferMissed(Some(BEN))]),
        (Status::Ended, vec![News::Ended]),
        (Status::Ended, vec![]),
    ];
    assert_eq!(told(&requeued_call()), expected);
    let expected = vec![
        (Status::Queued, vec![News::Incoming]),
        (Status::Ringing, vec![News::Ringing(Some(ANN))]),
        (Status::Queued, vec![News::OfferMissed(Some(ANN))]),
        (Status::Ringing, vec![News::Ringing(Some(BEN))]),
        (Status::Ended, vec![News::Abandoned, News::Ended]),
        (Status::Ended, vec![]),
        (Status::Ended, vec![]),
    ];
    assert_eq!(told(&abandoned_call()), expected);
    let expected = vec![
        (Status::Ringing, vec![News::Outgoing]),
        (Status::Answered, vec![News::Answered(Some(ANN))]),
        (Status::OnHold, vec![News::Held]),
        (Status::Ended, vec![News::Ended]),
    ];
    assert_eq!(told(&outgoing_call()), expected);
}

#[test]
fn times_add_up_and_say_who_had_it() {
    let call = course(&long_call());
    assert_eq!(
        (call.wait_ms, call.talk_ms, call.hold_ms),
        (Some(8_000), Some(36_000), Some(5_000))
    );
    assert_eq!((call.ringing_at, call.answered_at), (Some(2_000), Some(9_000)));
    assert_eq!((call.ended_at, call.agent_id), (Some(50_000), Some(BEN)));
    assert_eq!(call.result.as_deref(), Some("answered"));
    let parts: Vec<_> = call.parts.iter().map(|p| (p.agent_id, p.started_at, p.ended_at)).collect();
    assert_eq!(parts, [(ANN, 9_000, Some(30_000)), (BEN, 30_000, Some(50_000))]);

    let call = course(&requeued_call()[..7]);
    assert_eq!((call.waiting_since, call.agent_id), (Some(9_000), None));
    assert_eq!(call.queue.as_deref(), Some("sales"));
    let call = course(&requeued_call());
    assert_eq!((call.result.as_deref(), call.agent_id), (Some("answered"), Some(ANN)));

    let call = course(&abandoned_call());
    assert_eq!((call.wait_ms, call.talk_ms, call.hold_ms), (Some(7_500), None, None));
    assert_eq!(call.result.as_deref(), Some("abandoned"));

    let call = course(&outgoing_call());
    assert_eq!((call.wait_ms, call.talk_ms, call.hold_ms), (Some(4_000), Some(4_000), Some(2_000)));
}

/// A call that ends unanswered: in a queue, elsewhere, ours, and one whose end nobody heard of.
#[test]
fn how_an_unanswered_call_ended_depends_on_where_it_waited() {
    let out = Heard::Outgoing { from_number: None, to_number: Some("1".into()), agent: Some(ANN) };
    let unknown = || Heard::Ended { result: Some(UNKNOWN.into()) };
    let busy = || Heard::Ended { result: Some("busy".into()) };
    let table = [
        (incoming(Some("q")), over(), "abandoned", vec![News::Abandoned, News::Ended]),
        (incoming(None), over(), "missed", vec![News::Missed, News::Ended]),
        (incoming(None), busy(), "busy", vec![News::Missed, News::Ended]),
        (incoming(Some("q")), unknown(), "unknown", vec![News::Ended]),
        (out, over(), "no_answer", vec![News::Ended]),
    ];
    for (start, end, result, expected) in table {
        let steps = [at(0, start), at(5, end)];
        let (before, after) = (course(&steps[..1]), course(&steps));
        assert_eq!(after.result.as_deref(), Some(result));
        assert_eq!(news(Some(&before), &after), expected, "{result}");
    }
}

/// What makes no sense in this order still makes a call.
#[test]
fn odd_orders_of_time_make_sense_of_what_there_is() {
    // Answered before it rang, by its clock and in fact.
    let call = course(&[at(0, incoming(None)), at(5, answered("o", ANN)), at(7, rings("o", ANN))]);
    assert_eq!(
        (call.status, call.ringing_at, call.answered_at),
        (Status::Answered, Some(5), Some(5))
    );
    // The clock was set back: nothing ends before it begins.
    let call = course(&[at(100, incoming(None)), at(120, answered("o", ANN)), at(50, over())]);
    assert_eq!((call.status, call.ended_at, call.talk_ms), (Status::Ended, Some(120), Some(0)));
    // Back from hold without hold, hold without an answer.
    let call = course(&[at(0, incoming(None)), at(1, Heard::Held), at(2, Heard::Resumed)]);
    assert_eq!((call.status, call.hold_ms), (Status::Queued, None));
    // Only the middle was heard: that is no call yet.
    let middle = course(&[at(3, rings("o", ANN)), at(5, answered("o", ANN))]);
    assert!(!middle.is_known && news(None, &middle).is_empty());
    // Passing on what nobody answered counts as an answer by who passes it on.
    let call = course(&[at(0, incoming(None)), at(9, moved(Target::Number("1".into()), ANN))]);
    assert_eq!((call.status, call.answered_at), (Status::Answered, Some(9)));
    assert!(course(&[]).parts.is_empty());
}

/// A small generator of our own, seeded: the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    /// The steps in another order, some of them twice or three times.
    fn mixed(&mut self, steps: &[Step]) -> Vec<Step> {
        let mut mixed = steps.to_vec();
        for _ in 0..self.below(steps.len() * 2) {
            mixed.push(steps[self.below(steps.len())].clone());
        }
        for last in (1..mixed.len()).rev() {
            mixed.swap(last, self.below(last + 1));
        }
        mixed
    }

    fn any_step(&mut self) -> Step {
        let agent = [ANN, BEN][self.below(2)];
        let offer = ["o1", "o2", "o3"][self.below(3)];
        let heard = match self.below(11) {
            0 => incoming([None, Some("a"), Some("b")][self.below(3)]),
            1 => Heard::Outgoing { from_number: None, to_number: None, agent: Some(agent) },
            2 => rings(offer, agent),
            3 => missed(offer, agent),
            4 => answered(offer, agent),
            5 => Heard::Held,
            6 => Heard::Resumed,
            7 => moved(Target::Agent([ANN, BEN][self.below(2)]), agent),
            8 => moved(Target::Queue("b".into()), agent),
            9 => left(agent),
            _ => [Heard::Abandoned, over(), Heard::Answered { offer: None, agent: None }]
                [self.below(3)]
            .clone(),
        };
        at(i64::try_from(self.below(40)).unwrap() * 1_000, heard)
    }
}

fn rank(status: Status) -> u8 {
    match status {
        // An offer may be missed.
        Status::Queued | Status::Ringing => 0,
        Status::Answered | Status::OnHold => 1,
        Status::Ended => 2,
    }
}

/// Told in any order, with anything told again: the same call in the end, and it never steps back.
#[test]
fn any_order_and_any_repetition_make_the_same_call() {
    let mut dice = Dice(7);
    let mut tales = stories();
    for _ in 0..300 {
        let count = 1 + dice.below(14);
        tales.push((0..count).map(|_| dice.any_step()).collect());
    }
    for tale in tales {
        let expected = course(&tale);
        for _ in 0..20 {
            let mixed = dice.mixed(&tale);
            assert_eq!(course(&mixed), expected, "{mixed:#?}");
            let ranks: Vec<_> = told(&mixed).iter().map(|(status, _)| rank(*status)).collect();
            assert!(ranks.is_sorted(), "{ranks:?} {mixed:#?}");
        }
    }
}

/// However it is told, each thing is told at most once, and the end of a known call always is.
#[test]
fn nothing_is_told_twice() {
    let mut dice = Dice(11);
    for tale in stories() {
        for _ in 0..200 {
            let told: Vec<_> = told(&dice.mixed(&tale)).into_iter().flat_map(|(_, n)| n).collect();
            for once in [News::Incoming, News::Outgoing, News::Abandoned, News::Missed, News::Ended]
            {
                assert!(told.iter().filter(|news| **news == once).count() <= 1, "{told:?}");
            }
            assert_eq!(told.iter().filter(|news| **news == News::Ended).count(), 1, "{told:?}");
            let rang = told.iter().filter(|news| matches!(news, News::Ringing(_))).count();
            assert!(rang <= 2, "{told:?}");
        }
    }
}

/// Times are never negative and add up, whatever is said.
#[test]
fn times_of_an_answered_call_always_add_up() {
    let mut dice = Dice(23);
    for _ in 0..2_000 {
        let count = 1 + dice.below(14);
        let call = course(&(0..count).map(|_| dice.any_step()).collect::<Vec<_>>());
        for ms in [call.wait_ms, call.talk_ms, call.hold_ms].into_iter().flatten() {
            assert!(ms >= 0, "{call:#?}");
        }
        if let (Some(talk), Some(end)) = (call.talk_ms, call.ended_at) {
            let sum = call.wait_ms.unwrap() + talk + call.hold_ms.unwrap();
            assert_eq!(sum, end - call.started_at, "{call:#?}");
            assert!(call.parts.iter().all(|part| part.ended_at.is_some()), "{call:#?}");
        }
        assert!(call.parts.iter().all(|p| p.ended_at.is_none_or(|end| end >= p.started_at)));
    }
}
