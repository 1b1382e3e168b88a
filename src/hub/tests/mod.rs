//! The promise of the hub under stress: every session gets every event of its rooms once, in order,
//! whoever lags.

mod moving;

use super::*;
use crate::{
    auth::Role,
    config::Synchronous,
    db::{Committed, Say, Settings, forget_events},
    event::{Dialect, Envelope, Kind, Listener, Room},
    id::UserId,
};
use bytes::Bytes;
use std::{io, time::Duration};
use uuid::Uuid;

const TENANT: TenantId = TenantId(Uuid::from_u128(1));

/// Says of each event only its `seq`, and of the end its code.
struct Plain;

impl Tongue for Plain {
    fn dialect(&self) -> Dialect {
        Dialect::Ws
    }
    fn event(&self, event: &Envelope) -> Bytes {
        // As long as a real event, so that the bounds in bytes are tested too.
        format!("{}{}\n", event.seq, " ".repeat(event.data.get().len())).into()
    }
    fn ping(&self) -> Option<Bytes> {
        Some(Bytes::from_static(b"ping\n"))
    }
}

/// A wire that takes everything, slowly where told, or nothing; it keeps what it took.
#[derive(Clone, Default)]
struct Reader {
    took: Arc<Mutex<Vec<u8>>>,
    slow: Duration,
    stalled: bool,
    /// Takes nothing for the time being.
    pauses: Arc<AtomicBool>,
}

impl Wire for Reader {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        if self.stalled || self.pauses.load(Ordering::Acquire) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        std::thread::sleep(self.slow);
        self.took.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn close(&self, why: Close, _: &CloseReason) -> Bytes {
        format!("close {}\n", why as u16).into()
    }
}

impl Reader {
    /// The lines so far, without what fills them up.
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.took.lock().clone()).unwrap();
        text.lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// The numbers of the events so far.
    fn seqs(&self) -> Vec<i64> {
        self.lines().iter().filter_map(|line| line.parse().ok()).collect()
    }
}

/// Everybody may join everything.
fn everybody() -> Rights {
    let judge = |_: Listener, _: &str| -> Ruling { Box::pin(async { Ok(Verdict::Allowed) }) };
    Rights { judge: Box::new(judge), touched: |_| None }
}

struct House {
    db: Db,
    hub: Hub,
    _folder: tempfile::TempDir,
}

/// A hub whose inbox has this much room, over a database of its own.
fn house(inbox_max: usize) -> House {
    house_where(everybody(), inbox_max)
}

/// The same with such rights to join rooms.
fn house_where(rights: Rights, inbox_max: usize) -> House {
    let folder = tempfile::tempdir().unwrap();
    let (orders, inbox) = std::sync::mpsc::sync_channel(inbox_max);
    let bell = orders.clone();
    let settings = Settings {
        folder: folder.path().to_owned(),
        synchronous: Synchronous::Normal,
        clock: Clock::default(),
        min_free_bytes: 0,
    };
    let on_commit = move |committed: Committed| {
        drop(bell.try_send(Order::Events(committed.envelopes)));
    };
    let db = Db::open(settings, Box::new(on_commit)).unwrap();
    let limits = Limits { all: 1_000, per_user: 1_000 };
    let hub = Hub::start(&db, orders, inbox, limits, rights).unwrap();
    House { db, hub, _folder: folder }
}

impl House {
    async fn say(&self, data: &str) -> i64 {
        let data = serde_json::json!({ "data": data });
        let job = self.db.write(move |w| {
            let kind = Kind::Custom("load.step".into());
            w.say(Say::new(TENANT, kind, &data)?.room(Room::Tenant))
        });
        job.await.unwrap().seq
    }

    /// Many events in one transaction, as a batch makes them; answers the last.
    async fn say_many(&self, count: usize, data: &str) -> i64 {
        self.say_many_in(Room::Tenant, count, data).await
    }

    async fn say_many_in(&self, room: Room, count: usize, data: &str) -> i64 {
        let data = serde_json::json!({ "data": data });
        let job = self.db.write(move |w| {
            let mut last = 0;
            for _ in 0..count {
                let say = Say::new(TENANT, Kind::Custom("load.step".into()), &data)?;
                last = w.say(say.room(room.clone()))?.seq;
            }
            Ok(last)
        });
        job.await.unwrap()
    }

    async fn join(&self, reader: &Reader, held: bool) -> Connection {
        let user = UserId(Uuid::from_u128(2));
        self.connect(Listener { tenant: TENANT, user, role: Role::Agent }, reader, held).await
    }

    async fn connect(&self, who: Listener, reader: &Reader, held: bool) -> Connection {
        self.hub
            .connect(Arrival {
                who,
                name: String::from("Ann"),
                session: None,
                expires_at: i64::MAX,
                address: [127, 0, 0, 1].into(),
                user_agent: None,
                tongue: Arc::new(Plain),
                out: Arc::new(Outbox::new(self.db.clock(), Box::new(reader.clone()))),
                held,
                signs: false,
            })
            .await
            .unwrap()
    }

    async fn replay(&self, session: &Session, since: i64) {
        let missed = Missed { since, epoch: None, max: None };
        let told = |outcome| match outcome {
            Replayed::Whole(_) => Bytes::from_static(b"resumed\n"),
            Replayed::None(why, log) => format!("{why} {}\n", log.latest).into(),
        };
        replay(&self.hub, &self.db, session, missed, told).await.unwrap();
    }
}

/// Waits until `is_so`, for at most ten seconds.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

/// A ringer that is behind the log carries events that a replay has sent already: they must not be
/// sent again.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_resumes_while_the_ringer_lags_hears_nothing_twice() {
    let house = house(INBOX_MAX);
    let slow = Reader { slow: Duration::from_millis(2), ..Reader::default() };
    let _holds_the_ringer_up = house.join(&slow, false).await;
    for round in 0..20 {
        let since = house.say("before").await;
        let reader = Reader::default();
        let connection = house.join(&reader, true).await;
        let mut last = since;
        for _ in 0..50 {
            last = house.say("meanwhile").await;
        }
        house.replay(&connection, since).await;
        last = house.say("after").await.max(last);
        until("the last event comes", || reader.seqs().last() == Some(&last)).await;
        assert_eq!(reader.seqs(), (since + 1..=last).collect::<Vec<_>>(), "round {round}");
    }
}

/// The same for a client that begins without a replay, and for one that asks again later.
#[tokio::test(flavor = "multi_thread")]
async fn what_hello_says_is_old_news_does_not_come_after_it() {
    let house = house(INBOX_MAX);
    let slow = Reader { slow: Duration::from_millis(2), ..Reader::default() };
    let _holds_the_ringer_up = house.join(&slow, false).await;
    for round in 0..20 {
        let reader = Reader::default();
        for _ in 0..20 {
            house.say("before").await;
        }
        let connection = house.join(&reader, true).await;
        for _ in 0..20 {
            house.say("meanwhile").await;
        }
        go_live(&house.db, &connection, |latest| format!("hello {latest}\n").into()).await;
        let last = house.say("after").await;
        until("the last event comes", || reader.seqs().last() == Some(&last)).await;
        let hello = reader.lines()[0].strip_prefix("hello ").unwrap().parse::<i64>().unwrap();
        assert_eq!(reader.seqs(), (hello + 1..=last).collect::<Vec<_>>(), "round {round}");
    }
}

/// A replay goes as fast as its reader. What is forgotten meanwhile is no part of it any more, and
/// a client must not take what comes after for all there was.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_overtaken_by_what_is_forgotten_says_that_it_has_a_gap() {
    let house = Arc::new(house(INBOX_MAX));
    let since = house.say("before").await;
    let forgotten = house.say_many(1_000, "missed").await;
    let last = house.say_many(100, "missed").await;
    let reader = Reader::default();
    reader.pauses.store(true, Ordering::Release);
    let connection = Arc::new(house.join(&reader, true).await);
    let replaying = tokio::spawn({
        let (house, connection) = (house.clone(), connection.clone());
        async move { house.replay(&connection, since).await }
    });
    until("the reader is behind", || connection.waiting() > 0).await;
    house.db.write(move |w| forget_events(w, forgotten)).await.unwrap();
    reader.pauses.store(false, Ordering::Release);
    until("it goes on", || connection.drain() && replaying.is_finished()).await;
    let lines = reader.lines();
    let told = lines.iter().position(|line| *line == format!("too_old {last}"));
    assert_eq!(told, Some(lines.len() - 1), "{:?}", lines.last());
    let sent = reader.seqs();
    assert!(sent.iter().copied().eq((since + 1..).take(sent.len())) && sent.len() < 1_000);
    let next = house.say("after").await;
    until("it is live", || reader.seqs().last() == Some(&next)).await;
}

/// The same for what was said in one room: everything else that happens comes all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_rooms_replay_that_is_overtaken_says_so_and_costs_nothing_else() {
    let anybody = |_: Listener, _: &str| -> Ruling { Box::pin(async { Ok(Verdict::Allowed) }) };
    let rights = Rights { judge: Box::new(anybody), touched: |_| None };
    let house = Arc::new(house_where(rights, INBOX_MAX));
    let witness = Reader::default();
    let there = house.join(&witness, false).await;
    house.hub.join(&there, "board").await.unwrap();
    let since = house.say("before").await;
    let forgotten = house.say_many_in(Room::Topic("board".into()), 1_000, "missed").await;
    // Or else the rest of it would be news for who joins now.
    until("it has rung", || there.drain() && witness.seqs().last() == Some(&forgotten)).await;
    let reader = Reader::default();
    let connection = Arc::new(house.join(&reader, false).await);
    house.hub.join(&connection, "board").await.unwrap();
    reader.pauses.store(true, Ordering::Release);
    let replaying = tokio::spawn({
        let (house, connection) = (house.clone(), connection.clone());
        async move {
            let missed = Missed { since, epoch: None, max: None };
            let told = |outcome| match outcome {
                Replayed::Whole(_) => Bytes::from_static(b"resumed\n"),
                Replayed::None(why, _) => format!("{why}\n").into(),
            };
            replay_topic(&house.hub, &house.db, &connection, ("board", missed), told).await
        }
    });
    until("the reader is behind", || connection.waiting() > 0).await;
    house.db.write(move |w| forget_events(w, forgotten)).await.unwrap();
    let last = house.say_many(300, "meanwhile").await;
    reader.pauses.store(false, Ordering::Release);
    until("all comes", || connection.drain() && reader.seqs().last() == Some(&last)).await;
    assert!(replaying.await.unwrap().unwrap());
    let lines = reader.lines();
    let told = lines.iter().position(|line| line == "too_old").expect("it is told");
    let numbers = |lines: &[String]| -> Vec<i64> {
        lines.iter().map(|line| line.parse().expect("a number")).collect()
    };
    let of_the_room = numbers(&lines[..told]);
    assert!(of_the_room.iter().copied().eq((since + 1..).take(of_the_room.len())));
    assert!(numbers(&lines[told + 1..]).into_iter().eq(forgotten + 1..=last));
}

/// An inbox with room for one order loses nearly everything it is told; the log makes up for it.
#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_that_overflows_loses_nothing_and_changes_no_order() {
    let house = house(1);
    let slow = Reader { slow: Duration::from_millis(2), ..Reader::default() };
    let _holds_the_ringer_up = house.join(&slow, false).await;
    let readers: Vec<Reader> = (0..8).map(|_| Reader::default()).collect();
    let mut connections = Vec::new();
    for reader in &readers {
        connections.push(house.join(reader, false).await);
    }
    let mut last = 0;
    for _ in 0..500 {
        last = house.say("x").await;
    }
    for reader in &readers {
        until("everything comes", || reader.seqs().last() == Some(&last)).await;
        assert_eq!(reader.seqs(), (1..=last).collect::<Vec<_>>());
    }
    assert!(house.hub.rung().lags.load(Ordering::Relaxed) > 0, "nothing overflowed");
}

/// One transaction may say more than a mailbox holds. Who reads is not closed for that.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_larger_than_a_mailbox_does_not_close_those_who_read() {
    let house = house(INBOX_MAX);
    let reader = Reader::default();
    let connection = house.join(&reader, false).await;
    let last = house.say_many(1_000, &"x".repeat(10_000)).await;
    until("everything comes", || reader.seqs().len() == 1_000).await;
    assert_eq!(reader.seqs().last(), Some(&last));
    assert_eq!(connection.closed(), None);
}

/// Somebody who takes nothing is closed at the hard bound, and keeps nobody from anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_closes_those_who_take_nothing() {
    let house = house(INBOX_MAX);
    let (reader, stalled) = (Reader::default(), Reader { stalled: true, ..Reader::default() });
    let _connection = house.join(&reader, false).await;
    let slow = house.join(&stalled, false).await;
    house.say_many(1_000, &"x".repeat(10_000)).await;
    until("everything comes", || reader.seqs().len() == 1_000).await;
    assert_eq!(slow.closed(), Some(Close::Slow));
    assert!(slow.waiting() <= 2, "{} messages are kept for nobody", slow.waiting());
}
