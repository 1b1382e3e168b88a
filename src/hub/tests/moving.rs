//! Clients that come and go, and change rooms, while events are carried: each event reaches exactly
//! those who were there at its turn.

use super::*;
use std::collections::BTreeSet;

const ABROAD: TenantId = TenantId(Uuid::from_u128(7));

const ROOMS: [&str; 6] = ["board", "queue:a", "queue:b", "queue:c", "chat:1", "chat:2"];

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    /// Below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// Somebody connected, and what must have come to them so far.
struct Client {
    connection: Connection,
    reader: Reader,
    rooms: BTreeSet<usize>,
    expected: Vec<i64>,
}

impl House {
    async fn say_in(&self, tenant: TenantId, room: Room) -> i64 {
        let job = self.db.write(move |w| {
            let kind = Kind::Custom("load.step".into());
            w.say(Say::new(tenant, kind, &"x".repeat(300))?.room(room.clone()))
        });
        job.await.unwrap().seq
    }

    async fn comes(&self, dice: &mut Dice) -> Client {
        let user = UserId(Uuid::from_u128(dice.below(5) as u128));
        let role = [Role::Agent, Role::Supervisor][dice.below(2)];
        let tenant = [TENANT, TENANT, ABROAD][dice.below(3)];
        // One in four is slow, so that rounds are still under way when the next event comes.
        let slow = Duration::from_micros(if dice.below(4) == 0 { 300 } else { 0 });
        let reader = Reader { slow, ..Reader::default() };
        let connection = self.connect(Listener { tenant, user, role }, &reader, false).await;
        Client { connection, reader, rooms: BTreeSet::new(), expected: Vec::new() }
    }
}

/// Some join, some leave, some come, some go; then something is said somewhere.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_reaches_exactly_those_who_are_there_at_its_turn() {
    let (house, mut dice) = (house(INBOX_MAX), Dice(11));
    let mut clients: Vec<Client> = Vec::new();
    for step in 0..1_000 {
        if clients.len() < 10 || (clients.len() < 40 && dice.below(4) == 0) {
            clients.push(house.comes(&mut dice).await);
        } else if dice.below(8) == 0 {
            let gone = clients.swap_remove(dice.below(clients.len()));
            drop(gone.connection);
            let heard = gone.reader.seqs();
            assert!(gone.expected.starts_with(&heard), "step {step}: {heard:?}");
        }
        for _ in 0..dice.below(6) {
            let (at, topic) = (dice.below(clients.len()), dice.below(ROOMS.len()));
            let client = &mut clients[at];
            if client.rooms.remove(&topic) {
                assert!(house.hub.leave(&client.connection, ROOMS[topic]));
            } else {
                let joined = house.hub.join(&client.connection, ROOMS[topic]).await.unwrap();
                assert_eq!(joined, (Verdict::Allowed, true));
                client.rooms.insert(topic);
            }
        }
        let tenant = [TENANT, ABROAD][dice.below(2)];
        let user = UserId(Uuid::from_u128(dice.below(5) as u128));
        let topic = dice.below(ROOMS.len());
        let room = match dice.below(5) {
            0 => Room::Tenant,
            1 => Room::User(user),
            _ => Room::Topic(ROOMS[topic].into()),
        };
        let seq = house.say_in(tenant, room.clone()).await;
        for client in &mut clients {
            let who = client.connection.who;
            let is_there = match &room {
                Room::Tenant => true,
                Room::User(user) => who.user == *user,
                _ => client.rooms.contains(&topic),
            };
            if who.tenant == tenant && is_there {
                client.expected.push(seq);
            }
        }
        // Its turn: the next to join or leave does so after it. Its round may go on meanwhile.
        until("the event is carried", || house.hub.rung_seq() >= seq).await;
    }
    for client in &clients {
        let is_through = || client.reader.seqs().len() >= client.expected.len();
        until("the last event comes", is_through).await;
        assert_eq!(client.reader.seqs(), client.expected);
    }
    assert_eq!(house.hub.counts().clients, clients.len());
    clients.clear();
    until("nobody is left", || house.hub.rung().clients.load(Ordering::Relaxed) == 0).await;
    assert_eq!((house.hub.counts().clients, house.hub.rooms()), (0, 0));
}

/// One stay in a room, by what was known around it.
struct Stay {
    /// Carried before it asked to join: nothing up to here is heard of this stay.
    before: i64,
    /// Committed when it was in: everything after is heard …
    from: i64,
    /// … up to here, which was carried before it asked to leave.
    up_to: i64,
    /// Committed when it was out: nothing after is heard.
    after: i64,
}

/// The same while nobody waits for anybody: what is said while somebody is at the door may be heard
/// or not, what is said while they are in is heard once, and in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn joining_and_leaving_while_a_round_goes_on_loses_and_doubles_nothing() {
    let house = Arc::new(house(INBOX_MAX));
    let walkers: Vec<_> = (0..16)
        .map(|n| {
            let house = house.clone();
            tokio::spawn(async move {
                let mut dice = Dice(n);
                let client = house.comes(&mut dice).await;
                let mut stays = Vec::new();
                for _ in 0..60 {
                    let before = house.hub.rung_seq();
                    house.hub.join(&client.connection, "board").await.unwrap();
                    let from = house.db.latest_seq();
                    tokio::time::sleep(Duration::from_millis(dice.below(8) as u64)).await;
                    let up_to = house.hub.rung_seq();
                    assert!(house.hub.leave(&client.connection, "board"));
                    stays.push(Stay { before, from, up_to, after: house.db.latest_seq() });
                    tokio::time::sleep(Duration::from_millis(dice.below(4) as u64)).await;
                }
                (client, stays)
            })
        })
        .collect();
    let mut said = Vec::new();
    while walkers.iter().any(|walker| !walker.is_finished()) {
        for tenant in [TENANT, ABROAD] {
            said.push((tenant, house.say_in(tenant, Room::Topic("board".into())).await));
        }
    }
    let last = said.last().expect("something was said").1;
    until("all is carried", || house.hub.rung_seq() >= last).await;
    let mut sure = 0;
    for walker in walkers {
        let (client, stays) = walker.await.unwrap();
        until("all is written", || !client.connection.has_mail()).await;
        let heard = client.reader.seqs();
        assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "{heard:?}");
        for (tenant, seq) in &said {
            let is_heard = heard.binary_search(seq).is_ok();
            let is_in = stays.iter().any(|stay| *seq > stay.from && *seq <= stay.up_to);
            let may_be = stays.iter().any(|stay| *seq > stay.before && *seq <= stay.after);
            if *tenant == client.connection.who.tenant {
                assert!(is_heard || !is_in, "{seq} was lost");
                assert!(!is_heard || may_be, "{seq} was heard from outside");
                sure += usize::from(is_in);
            } else {
                assert!(!is_heard, "{seq} is of another tenant");
            }
        }
    }
    assert!(sure > 100, "only {sure} events fell into somebody's stay");
}
