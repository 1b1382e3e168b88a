//! Places that the log cannot answer from: trimmed away, of another history, or no places at all;
//! what each door says to that, and that who starts over misses nothing.

use crate::{
    doors::{Place, Told, Way},
    harness::{Line, PASSWORD, Server, Session},
    wire::until,
};
use serde_json::{Value, json};

const DAY_MS: i64 = 24 * 3_600_000;

fn say(who: &Session) -> i64 {
    let event = json!({ "type": "news.flash", "data": {}, "room": "everyone" });
    who.post("/api/v1/events", &event).expect(201).data()["seq"].as_i64().unwrap()
}

fn log(who: &Session) -> Value {
    who.get("/api/v1/events?limit=1").expect(200).meta()
}

/// The name that a stock client gets.
fn pid(who: &Session) -> String {
    let auth = json!({ "token": who.token(), "recover": true });
    Line::come_in(who, &auth).1["pid"].as_str().expect("a pid").to_owned()
}

fn again(server: &Server, who: &Session) -> Session {
    Session::login(&server.api(), who.email(), PASSWORD)
}

/// After two weeks, at each door and for staff and customers alike: one event too early is told to
/// start over, the very edge is not, and the snapshot's number goes on without a gap.
#[test]
fn where_the_log_was_trimmed_every_door_says_so_and_a_snapshot_goes_on_without_a_gap() {
    let server = Server::start();
    let admin = server.admin();
    let customer = admin.new_user("customer");
    let names = [pid(&admin), pid(&customer)];
    let old: Vec<i64> = (0..5).map(|_| say(&admin)).collect();
    server.advance_ms(15 * DAY_MS);
    let (admin, customer) = (again(&server, &admin), again(&server, &customer));
    let kept: Vec<i64> = (0..3).map(|_| say(&admin)).collect();
    // A round that was under way when the clock moved is followed by one a minute later.
    let mut asked = 0;
    until("the log is trimmed", || {
        asked += 1;
        if asked % 300 == 0 {
            server.advance_ms(61_000);
        }
        let page = admin.get(&format!("/api/v1/events?after={}", old[0]));
        (page.status == 410).then_some(())
    });
    let epoch = log(&admin)["epoch"].as_str().unwrap().to_owned();
    // Whatever else was said in between is trimmed or kept by when it was said.
    let oldest = log(&admin)["oldest_seq"].as_i64().unwrap();
    assert!(oldest > old[4] && oldest <= kept[0], "{oldest}");
    for (who, pid) in [(&admin, &names[0]), (&customer, &names[1])] {
        for way in Way::ALL {
            let what = format!("{way:?} of {}", who.email());
            let bounds = (admin.latest_seq(), oldest);
            let at = |since: i64| {
                let since = since.to_string();
                way.come_back(who, Place { since: &since, epoch: &epoch, pid })
            };
            let mut back = at(oldest - 2);
            let bounds = (way != Way::List).then_some(bounds);
            assert_eq!(back.told, Told::StartOver("too_old".into(), bounds), "{what}");
            let next = say(&admin);
            assert_eq!(back.next(), next, "{what}: and what comes is told");
            // At the edge all is told, or still coming.
            let mut back = at(oldest - 1);
            let Told::All(mut seqs) = back.told.clone() else { panic!("{what}: {:?}", back.told) };
            while seqs.last() != Some(&next) {
                seqs.push(back.next());
            }
            assert!(kept.iter().all(|seq| seqs.contains(seq)), "{what}: {seqs:?}");
            assert!(seqs.is_sorted() && seqs[0] >= oldest, "{what}: {seqs:?}");
            // Starting over: what is said between the snapshot and the coming back is not lost.
            let snapshot = who.get("/api/v1/sync").expect(200).data();
            assert_eq!((&snapshot["seq"], &snapshot["epoch"]), (&json!(next), &json!(epoch)));
            let meanwhile = [say(&admin), say(&admin)];
            let mut back = at(next);
            let Told::All(mut seqs) = back.told.clone() else { panic!("{what}: {:?}", back.told) };
            let after = say(&admin);
            while seqs.last() != Some(&after) {
                seqs.push(back.next());
            }
            assert_eq!(seqs, [meanwhile[0], meanwhile[1], after], "{what}");
        }
    }
}

/// What each door answers to a lie, to the letter.
#[test]
fn every_lie_about_where_one_was_has_one_answer_at_each_door() {
    let server = Server::start();
    let admin = server.admin();
    let customer = admin.new_user("customer");
    say(&admin);
    let epoch = log(&admin)["epoch"].as_str().unwrap().to_owned();
    let future = (admin.latest_seq() + 100_000).to_string();
    let no_place = |way: Way, since: &str| match way {
        Way::Socket | Way::StreamQuery => Told::NoPlace("422 since".into()),
        Way::Stream => Told::NoPlace("422 Last-Event-ID".into()),
        Way::List => Told::NoPlace("422 after".into()),
        Way::OpenSocket => Told::NoPlace("\"bad_message\"".into()),
        Way::Since => Told::NoPlace("since is a seq of an event".into()),
        Way::Recover => panic!("{since} is looked at elsewhere"),
    };
    for who in [&admin, &customer] {
        let pid = pid(who);
        for way in Way::ALL {
            let bounds = |way| (way != Way::List).then(|| (admin.latest_seq(), 1));
            let unknown = |way| Told::StartOver("unknown_epoch".into(), bounds(way));
            let tell = |since: &str, epoch: &str| {
                way.come_back(who, Place { since, epoch, pid: &pid }).told
            };
            let what = |since: &str| format!("{way:?} since {since} of {}", who.email());
            for since in ["1", "0"] {
                assert_eq!(tell(since, "0123456789ab"), unknown(way), "{}", what(since));
            }
            for since in [&*future, "9223372036854775807"] {
                assert_eq!(tell(since, &epoch), unknown(way), "{}", what(since));
            }
            let negative = match way {
                // A page of the log begins at 0 or above, as every number of a page does.
                Way::List => Told::NoPlace("422 after".into()),
                way => unknown(way),
            };
            assert_eq!(tell("-1", &epoch), negative, "{}", what("-1"));
            for since in ["9223372036854775808", "x", "1.5", "", "1e3", "true", "0x10"] {
                if way == Way::Recover {
                    // An offset that cannot be read counts as none: it goes on from where it came
                    // in, which may be too early and is never too late.
                    assert_eq!(tell(since, &epoch), Told::All(vec![]), "{}", what(since));
                } else {
                    assert_eq!(tell(since, &epoch), no_place(way, since), "{}", what(since));
                }
            }
        }
    }
}
