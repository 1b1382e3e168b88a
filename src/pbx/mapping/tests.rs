//! The recorded traces lead to exactly these signals, whatever comes twice, late or out of order.

use super::*;
use crate::pbx::traces::{ABANDONED, ANSWERED, Dice, TRANSFERRED, events};
use std::collections::BTreeSet;

fn event(name: &str, pairs: &[(&str, &str)]) -> Message {
    [("Event", name)].into_iter().chain(pairs.iter().copied()).collect()
}

fn told(events: &[Message]) -> Vec<Told> {
    let mut mapping = Mapping::default();
    events.iter().flat_map(|event| mapping.hear(event, 0)).collect()
}

fn extension(number: &str) -> Option<String> {
    Some(number.to_owned())
}

/// `(call, at in ms after the base, what)`, as the tables below have it.
fn calls(told: &[Told]) -> Vec<(&str, i64, &What)> {
    let call = |told| match told {
        &Told::Call { ref call, at, ref what } => Some((call.as_str(), at, what)),
        Told::Member(_) => None,
    };
    told.iter().filter_map(call).collect()
}

fn incoming(number: &str, name: &str, to: &str, queue: &str) -> What {
    let some = |text: &str| Some(text.to_owned());
    What::Incoming {
        from_number: some(number),
        from_name: some(name),
        to_number: some(to),
        queue: some(queue),
    }
}

fn ringing(offer: &str, number: &str) -> What {
    What::Ringing { offer: offer.into(), extension: extension(number) }
}

fn answered(offer: &str, number: &str) -> What {
    What::Answered { offer: offer.into(), extension: extension(number) }
}

const ENDED: What = What::Ended { failed: false };

#[test]
fn a_call_answered_and_one_that_nobody_takes() {
    let missed = What::OfferMissed {
        offer: "1795289163.6".into(),
        extension: extension("2002"),
        ring_ms: Some(2000),
    };
    let expected = [
        ("1795289157.0", 1_795_289_157_527, incoming("5551234", "Alice", "1000", "support")),
        ("1795289157.0", 1_795_289_157_528, ringing("1795289157.2", "2001")),
        ("1795289157.0", 1_795_289_158_528, answered("1795289157.2", "2001")),
        ("1795289157.0", 1_795_289_161_031, What::PartEnded { extension: extension("2001") }),
        ("1795289157.0", 1_795_289_161_032, ENDED),
        ("1795289163.4", 1_795_289_163_527, incoming("5550000", "Bob", "1001", "slow")),
        ("1795289163.4", 1_795_289_163_528, ringing("1795289163.6", "2002")),
        ("1795289163.4", 1_795_289_165_530, missed),
        ("1795289163.4", 1_795_289_166_532, ringing("1795289166.8", "2002")),
        ("1795289163.4", 1_795_289_167_028, What::Abandoned),
        ("1795289163.4", 1_795_289_167_029, ENDED),
    ];
    let told = told(&events(ANSWERED));
    assert_eq!(calls(&told), expected.each_ref().map(|(call, at, what)| (*call, *at, what)));
    assert_eq!(told.len(), expected.len(), "nobody paused");
}

#[test]
fn a_call_handed_on_lives_until_its_caller_hangs_up() {
    let call = "1795289025.0";
    let handed_on = What::Transferred {
        to_number: extension("2004"),
        extension: extension("2003"),
        is_announced: false,
    };
    let expected = [
        (call, 1_795_289_025_545, incoming("5558888", "Dora", "1002", "third")),
        (call, 1_795_289_025_545, ringing("1795289025.2", "2003")),
        (call, 1_795_289_025_546, answered("1795289025.2", "2003")),
        // Without a hold before it; the call knows that it was not held.
        (call, 1_795_289_027_244, What::Resumed),
        (call, 1_795_289_027_244, handed_on),
        (call, 1_795_289_027_244, What::PartEnded { extension: extension("2003") }),
        (call, 1_795_289_029_246, ENDED),
    ];
    let told = told(&events(TRANSFERRED));
    assert_eq!(calls(&told), expected.each_ref().map(|(call, at, what)| (*call, *at, what)));
}

#[test]
fn two_callers_give_up_an_agent_has_lunch_and_what_is_in_no_queue_is_no_call() {
    let (first, second) = ("1795288849.0", "1795288858.2");
    let expected = [
        (first, 1_795_288_849_706, incoming("5551234", "Alice", "1000", "support")),
        (second, 1_795_288_859_201, incoming("5550000", "Bob", "1000", "support")),
        (second, 1_795_288_860_702, What::Abandoned),
        (second, 1_795_288_860_702, ENDED),
        (first, 1_795_288_861_216, What::Abandoned),
        (first, 1_795_288_861_216, ENDED),
    ];
    let told = told(&events(ABANDONED));
    assert_eq!(calls(&told), expected.each_ref().map(|(call, at, what)| (*call, *at, what)));
    let members: Vec<_> = told
        .iter()
        .filter_map(|told| match told {
            Told::Member(member) => Some(member.clone()),
            Told::Call { .. } => None,
        })
        .collect();
    let lunch = Member {
        extension: "2001".into(),
        is_paused: true,
        reason: Some("Lunch".into()),
        at: 1_795_288_858_199,
    };
    let back = Member { is_paused: false, reason: None, at: 1_795_288_862_700, ..lunch.clone() };
    assert_eq!(members, [lunch, back]);
}

#[test]
fn what_comes_twice_is_said_once() {
    for trace in [ANSWERED, TRANSFERRED, ABANDONED] {
        let events = events(trace);
        let once = told(&events);
        let each_twice: Vec<_> = events.iter().flat_map(|e| [e.clone(), e.clone()]).collect();
        assert_eq!(told(&each_twice), once);
        let all_again = [events.clone(), events].concat();
        assert_eq!(calls(&told(&all_again)), calls(&once));
    }
}

/// In whatever order events come, and however often: what is said is the same, with the same times.
#[test]
fn what_overtakes_something_else_is_said_all_the_same() {
    let sorted = |told: &[Told]| {
        let all = calls(told).iter().map(|said| format!("{said:?}")).collect::<BTreeSet<_>>();
        assert_eq!(all.len(), calls(told).len(), "nothing is said twice");
        all
    };
    let mut dice = Dice(3);
    for trace in [ANSWERED, TRANSFERRED, ABANDONED] {
        let straight = events(trace);
        let expected = sorted(&told(&straight));
        for _ in 0..300 {
            let events = dice.mixed(&straight);
            assert_eq!(sorted(&told(&events)), expected);
        }
    }
}

#[test]
fn without_times_of_its_own_an_event_counts_from_when_it_came() {
    let mut mapping = Mapping::default();
    let join = [("Linkedid", "1.0"), ("Uniqueid", "1.1"), ("Queue", "support")];
    let told = mapping.hear(&event("QueueCallerJoin", &join), 7_000);
    assert!(matches!(&told[..], [Told::Call { at: 7_000, .. }]), "{told:?}");
    let bad = ["", "soon", "1.x", "-5.0", "123456789012.0"];
    for (bad, arrived) in bad.into_iter().zip(8_000..) {
        let with = [&join[..], &[("Timestamp", bad)]].concat();
        let told = mapping.hear(&event("QueueCallerAbandon", &with), arrived);
        assert_eq!(calls(&told)[0].1, arrived, "{bad:?}");
    }
}

#[test]
fn a_pause_counts_when_it_holds_in_every_queue_and_ours_is_not_theirs() {
    let mut mapping = Mapping::default();
    let mut pause = |queue: &str, paused: &str, reason: &str| {
        let pairs = [
            ("Queue", queue),
            ("Interface", "PJSIP/2001"),
            ("Paused", paused),
            ("PausedReason", reason),
        ];
        let told = mapping.hear(&event("QueueMemberPause", &pairs), 5);
        told.into_iter()
            .map(|told| match told {
                Told::Member(member) => (member.is_paused, member.reason),
                Told::Call { .. } => panic!("{told:?}"),
            })
            .collect::<Vec<_>>()
    };
    // Both queues are known.
    assert!(pause("support", "0", "").is_empty() && pause("sales", "0", "").is_empty());
    assert_eq!(pause("support", "1", "Lunch"), []);
    assert_eq!(pause("sales", "1", "Lunch"), [(true, Some("Lunch".into()))]);
    assert_eq!(pause("support", "0", ""), [(false, None)]);
    assert_eq!(pause("sales", "0", ""), []);
    assert_eq!(pause("support", "1", "Deskbell: away"), []);
    assert_eq!(pause("sales", "1", "Deskbell: away"), []);
    assert_eq!(pause("sales", "0", ""), []);
}

#[test]
fn a_member_who_left_a_queue_is_judged_by_the_others() {
    let mut mapping = Mapping::default();
    let pairs = |queue, paused| {
        [("Queue", queue), ("Interface", "Local/2001@agents/n"), ("Paused", paused)]
    };
    mapping.hear(&event("QueueMemberAdded", &pairs("support", "0")), 1);
    mapping.hear(&event("QueueMemberAdded", &pairs("sales", "1")), 2);
    assert_eq!(mapping.pause("2001"), Some(Pause::None));
    let told = mapping.hear(&event("QueueMemberRemoved", &pairs("support", "0")), 3);
    assert!(matches!(&told[..], [Told::Member(Member { is_paused: true, .. })]), "{told:?}");
    mapping.hear(&event("QueueMemberRemoved", &pairs("sales", "1")), 4);
    assert_eq!(mapping.pause("2001"), None);
}

#[test]
fn extensions_are_read_from_members_and_channels() {
    for (interface, expected) in [
        ("Local/2001@agents/n", Some("2001")),
        ("PJSIP/2001", Some("2001")),
        ("SIP/2001@trunk", Some("2001")),
        ("PJSIP/anna-work", Some("anna-work")),
        ("Local/@agents", None),
        ("2001", None),
    ] {
        assert_eq!(extension_of_interface(interface).as_deref(), expected, "{interface}");
    }
    for (channel, expected) in [
        ("Local/2003@agents-00000001;1", Some("2003")),
        ("PJSIP/2003-0000001a", Some("2003")),
        ("PJSIP/anna-work-0000001a", Some("anna-work")),
        ("PJSIP/-1", None),
        ("nothing", None),
    ] {
        assert_eq!(extension_of_channel(channel).as_deref(), expected, "{channel}");
    }
}

/// Not recorded: from the manual of Asterisk 22 (`AttendedTransfer`).
#[test]
fn from_the_manual_an_attended_transfer_hands_the_caller_to_whom_the_agent_asked() {
    let mut mapping = Mapping::default();
    let caller = [("Linkedid", "1.0"), ("Uniqueid", "1.1"), ("Queue", "support")];
    mapping.hear(&event("QueueCallerJoin", &caller), 1);
    let transfer = |result| {
        [
            ("Result", result),
            ("OrigTransfererChannel", "PJSIP/2001-00000002"),
            ("OrigTransfererUniqueid", "1.2"),
            ("SecondTransfererChannel", "PJSIP/2001-00000003"),
            ("SecondTransfererUniqueid", "1.3"),
            ("TransfereeChannel", "PJSIP/trunk-00000001"),
            ("TransfereeUniqueid", "1.1"),
            // The caller's call was joined with another in between.
            ("TransfereeLinkedid", "1.9"),
            ("TransferTargetChannel", "PJSIP/2004-00000004"),
            ("TransferTargetCallerIDNum", "2004"),
            ("DestType", "Bridge"),
        ]
    };
    assert_eq!(mapping.hear(&event("AttendedTransfer", &transfer("Fail")), 2), []);
    let told = mapping.hear(&event("AttendedTransfer", &transfer("Success")), 3);
    let handed_on = What::Transferred {
        to_number: extension("2004"),
        extension: extension("2001"),
        is_announced: true,
    };
    assert_eq!(calls(&told), [("1.0", 3, &handed_on)]);
}

#[test]
fn a_customer_who_hands_an_agent_on_hands_on_no_caller() {
    let mut mapping = Mapping::default();
    let caller = [("Linkedid", "1.0"), ("Uniqueid", "1.1"), ("Queue", "support")];
    mapping.hear(&event("QueueCallerJoin", &caller), 1);
    let pairs = [
        ("Result", "Success"),
        ("TransfereeUniqueid", "1.2"),
        ("TransfereeLinkedid", "1.0"),
        ("Extension", "2004"),
    ];
    assert_eq!(mapping.hear(&event("BlindTransfer", &pairs), 2), []);
}

#[test]
fn a_call_that_we_had_dialled_is_answered_by_the_other_side_and_ends_with_our_channel() {
    let mut mapping = Mapping::default();
    let ours = [("Linkedid", "deskbell-7"), ("Uniqueid", "deskbell-7")];
    // The agent's own telephone was called first: there is no caller in that event.
    let agent = [("DestLinkedid", "deskbell-7"), ("DialStatus", "ANSWER")];
    assert_eq!(mapping.hear(&event("DialEnd", &agent), 1), []);
    let busy = [&ours[..], &[("DialStatus", "BUSY")]].concat();
    assert_eq!(mapping.hear(&event("DialEnd", &busy), 2), []);
    let picked_up = [
        &ours[..],
        &[("DialStatus", "ANSWER"), ("DestUniqueid", "9.1"), ("Channel", "PJSIP/2001-00000001")],
    ]
    .concat();
    let told = mapping.hear(&event("DialEnd", &picked_up), 3);
    assert_eq!(calls(&told), [("deskbell-7", 3, &answered("9.1", "2001"))]);
    assert_eq!(mapping.hear(&event("Hangup", &[("Uniqueid", "9.1")]), 4), []);
    let told = mapping.hear(&event("Hangup", &ours), 5);
    assert_eq!(calls(&told), [("deskbell-7", 5, &ENDED)]);
    let failed = [("ActionID", "deskbell-8"), ("Response", "Failure")];
    let told = mapping.hear(&event("OriginateResponse", &failed), 6);
    assert_eq!(calls(&told), [("deskbell-8", 6, &What::Ended { failed: true })]);
}

#[test]
fn a_snapshot_tells_who_waits_who_is_paused_and_which_calls_go_on() {
    let mut mapping = Mapping::default();
    mapping.connected();
    let mut snapshot = Snapshot::default();
    let lists = [
        event("QueueParams", &[("Queue", "support")]),
        event(
            "QueueMember",
            &[
                ("Queue", "support"),
                ("Location", "PJSIP/2001"),
                ("Paused", "1"),
                ("PausedReason", "Lunch"),
            ],
        ),
        event(
            "QueueEntry",
            &[("Queue", "support"), ("Uniqueid", "5.1"), ("CallerIDNum", "555"), ("Wait", "9")],
        ),
        event("QueueStatusComplete", &[]),
        event(
            "CoreShowChannel",
            &[
                ("Uniqueid", "5.1"),
                ("Linkedid", "5.0"),
                ("Exten", "1000"),
                ("Application", "Queue"),
            ],
        ),
        event(
            "CoreShowChannel",
            &[("Uniqueid", "3.1"), ("Linkedid", "3.0"), ("Application", "Queue")],
        ),
        event("CoreShowChannel", &[("Uniqueid", "4.2"), ("Linkedid", "4.0")]),
        event("CoreShowChannel", &[("Uniqueid", "8.1"), ("Linkedid", "8.0")]),
        event("CoreShowChannelsComplete", &[]),
    ];
    let ends = lists.map(|event| snapshot.take(event));
    assert_eq!((ends[3], ends[8]), (Listed::Queues, Listed::Channels));
    assert_eq!(snapshot.take(event("Hangup", &[])), Listed::Other);
    let live = ["2.0", "3.0", "4.0"].map(String::from).into_iter().collect();
    let (told, alive) = mapping.compare(&snapshot, &live, 100_000);
    let waits = What::Incoming {
        from_number: Some("555".into()),
        from_name: None,
        to_number: Some("1000".into()),
        queue: Some("support".into()),
    };
    assert_eq!(calls(&told), [("5.0", 91_000, &waits)]);
    assert!(told.iter().any(|told| matches!(told, Told::Member(m) if m.is_paused)), "{told:?}");
    // 2.0 is gone, 8.0 was never a call.
    let expected: BTreeSet<String> = ["3.0", "4.0", "5.0"].map(String::from).into();
    assert_eq!(alive, Some(expected));
    // The channels of calls from before we were started.
    let told = mapping.hear(&event("Hangup", &[("Uniqueid", "3.1"), ("Linkedid", "3.0")]), 1);
    assert_eq!(calls(&told), [("3.0", 1, &ENDED)]);
    let told = mapping.hear(&event("Hangup", &[("Uniqueid", "4.2"), ("Linkedid", "4.0")]), 2);
    assert_eq!(calls(&told), [("4.0", 2, &ENDED)]);
    assert_eq!(mapping.hear(&event("Hangup", &[("Uniqueid", "8.1"), ("Linkedid", "8.0")]), 3), []);
}

#[test]
fn a_call_that_begins_while_the_lists_are_read_is_not_ended_by_them() {
    let mut mapping = Mapping::default();
    let join = [("Linkedid", "1.0"), ("Uniqueid", "1.1"), ("Queue", "support")];
    mapping.hear(&event("QueueCallerJoin", &join), 1);
    let (_, alive) = mapping.compare(&Snapshot::default(), &BTreeSet::new(), 2);
    assert_eq!(alive, Some(BTreeSet::from(["1.0".to_owned()])));
    // After the next connection it is gone if it is not listed.
    mapping.connected();
    let (_, alive) = mapping.compare(&Snapshot::default(), &BTreeSet::new(), 3);
    assert_eq!(alive, Some(BTreeSet::new()));
}
