//! Clients that do not read, or hardly, among those that do: what the others notice of them, what
//! they take, and how they are sent away.

use super::{
    Args, all_in_the_log,
    crowd::{Crowd, Seat, upgrade, wait_for},
    doors::{self, Door, Ear, Said},
    rounds::Rounds,
    tally::Tally,
};
use crate::cli::bench::{
    Outcome,
    client::{Api, Pen},
    failed,
    report::Section,
    server::Server,
    wrong,
};
use serde::Deserialize;
use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

/// What a client that trickles reads at a time, and the pause after it: 16 KiB a second.
const SIP: usize = 1_638;
const PAUSE: Duration = Duration::from_millis(100);

/// What is read at a time once it may be anything.
const GULP: usize = 64 << 10;

/// How often it is looked who is still there.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// After the first was sent away, the others that are as bad follow within this time. The server
/// waits three seconds for one to hear its goodbye.
const FOLLOW_WITHIN: Duration = Duration::from_secs(2);

/// How long they are waited for: a quiet machine sends them away after six seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long one may take to read what is left for it.
const READ_WITHIN: Duration = Duration::from_secs(20);

/// How a client reads badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    Stalled,
    Trickling,
}

/// What became of one.
#[derive(Debug, Default)]
struct Fate {
    heard: u64,
    last_seq: u64,
    /// The code and the `seq` of its goodbye, if it heard that.
    goodbye: Option<(u16, u64)>,
    /// The connection ended, with a goodbye or without.
    ended: bool,
}

/// Rounds without them, with them, and without them again.
pub(super) async fn measure(
    args: &Args,
    server: &Server,
    (api, pens): (&mut Api, &[Pen]),
) -> Outcome<Vec<Section>> {
    let clients = args.clients();
    let tally = Arc::new(Tally::new(1, clients));
    let seats = Seat::row(Door::Socket, clients, pens);
    let (_crowd, idle) =
        Crowd::gather((api, server), &tally, ("idle", Door::Socket, seats)).await?;
    let before = api.latest_seq().await?;
    let request = api.request("POST", "/api/v1/events", &doors::publication(None));
    let mut rounds = Rounds::new(server, tally, vec![request]);
    rounds.run(1, sleep(args.common.warm_up())).await?;
    let mut p99 = Vec::new();
    let without = alone("without", args, &mut rounds, &mut p99).await?;
    let (with, fates) = among(args, (server, api, pens), &mut rounds, &mut p99).await?;
    wait_for(api, clients as u64).await?;
    let again = alone("without_again", args, &mut rounds, &mut p99).await?;
    all_in_the_log(api, before, rounds.acknowledged).await?;
    Ok(vec![idle, without, with, again, told(&fates, &p99)])
}

/// A round for those who read, alone.
async fn alone(
    key: &str,
    args: &Args,
    rounds: &mut Rounds,
    p99: &mut Vec<Option<f64>>,
) -> Outcome<Section> {
    let mut round = rounds.round(1, sleep(args.common.measured())).await?;
    p99.push(round.latencies.percentile_ms(0.99));
    Ok(round.told(Section::new(key, format!("{} clients that read", args.clients()))))
}

/// A round with the bad ones among them, until the first of those was sent away, and what became
/// of each.
async fn among(
    args: &Args,
    (server, api, pens): (&Server, &mut Api, &[Pen]),
    rounds: &mut Rounds,
    p99: &mut Vec<Option<f64>>,
) -> Outcome<(Section, Vec<Fate>)> {
    let (clients, begun) = (args.clients() as u64, server.rss_kib());
    let (finish, finished) = watch::channel(0);
    let mut bad = invite(args, server, pens, &finished).await?;
    let all = clients + bad.len() as u64;
    wait_for(api, all).await?;
    let mut most = begun;
    let watching = watch_them((server, api), all, &mut most);
    let mut round = rounds.round(1, watching).await?;
    p99.push(round.latencies.percentile_ms(0.99));
    finish.send_replace(api.latest_seq().await?);
    let mut fates = Vec::new();
    while let Some(fate) = bad.join_next().await {
        fates.push(fate.map_err(|e| failed("a client that reads badly", &e))??);
    }
    let grown = most.zip(begun).map(|(most, begun)| most - begun);
    let title =
        format!("With {} that do not read, {} that read slowly", args.stalled, args.trickling);
    let section = round.told(Section::new("with", title));
    Ok((section.with(("rss_grown_kib", "memory of the server, more by", "KiB"), grown), fates))
}

/// Connects the bad ones.
async fn invite(
    args: &Args,
    server: &Server,
    pens: &[Pen],
    finished: &watch::Receiver<u64>,
) -> Outcome<JoinSet<Outcome<Fate>>> {
    let stalled = std::iter::repeat_n(Habit::Stalled, args.stalled.into());
    let trickling = std::iter::repeat_n(Habit::Trickling, args.trickling.into());
    let mut bad = JoinSet::new();
    for (habit, pen) in stalled.chain(trickling).zip(pens.iter().cycle()) {
        let handshake = pen.handshake(Door::Socket.path());
        let (stream, early) = upgrade(server.address, (&handshake, 101)).await?;
        let reader = Reader { stream, ear: Door::Socket.ear(), fate: Fate::default() };
        bad.spawn(reader.behave(habit, early, finished.clone()));
    }
    Ok(bad)
}

/// Until some were sent away, and those that are as bad too; notes the most memory that the server
/// takes meanwhile.
async fn watch_them((server, api): (&Server, &mut Api), all: u64, most: &mut Option<f64>) {
    let started = Instant::now();
    let mut first_went: Option<Instant> = None;
    while started.elapsed() < PATIENCE {
        sleep(LOOK_EVERY).await;
        let now = server.rss_kib();
        *most = most.zip(now).map(|(most, now)| most.max(now));
        // Who was told to go is not listed any more.
        let listed = api.get("/api/v1/ws/connections?per_page=1").await;
        let listed = listed.ok().and_then(|page| page.pointer("/meta/total")?.as_u64());
        if listed.is_some_and(|listed| listed < all) {
            let went = *first_went.get_or_insert_with(Instant::now);
            if went.elapsed() >= FOLLOW_WITHIN {
                return;
            }
        }
    }
}

/// The reason of a close.
#[derive(Deserialize)]
struct Reason {
    seq: u64,
}

/// A client that reads badly.
struct Reader {
    stream: TcpStream,
    ear: Ear,
    fate: Fate,
}

impl Reader {
    /// Reads as is its habit until it is told the last `seq`, then all that is left for it.
    async fn behave(
        mut self,
        habit: Habit,
        early: Vec<u8>,
        mut finished: watch::Receiver<u64>,
    ) -> Outcome<Fate> {
        self.take(&early)?;
        if habit == Habit::Trickling {
            while *finished.borrow() == 0 && !self.fate.ended {
                self.read(SIP).await?;
                sleep(PAUSE).await;
            }
        }
        let last = *finished
            .wait_for(|seq| *seq > 0)
            .await
            .map_err(|e| failed("a client that reads badly", &e))?;
        let rest = async {
            while !self.fate.ended && self.fate.last_seq < last {
                self.read(GULP).await?;
            }
            Outcome::Ok(())
        };
        let late = |_| wrong("a client that read badly was neither served nor sent away".into());
        timeout(READ_WITHIN, rest).await.map_err(late)??;
        Ok(self.fate)
    }

    /// Waits for something and reads at most so much.
    async fn read(&mut self, most: usize) -> Outcome<()> {
        let mut bytes = vec![0; most];
        let read = async {
            loop {
                self.stream.readable().await?;
                match self.stream.try_read(&mut bytes) {
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                    done => return done,
                }
            }
        };
        match read.await {
            // A server that gives up with something unread on its side resets the connection.
            Ok(0) | Err(_) => self.fate.ended = true,
            Ok(read) => self.take(bytes.get(..read).unwrap_or_default())?,
        }
        Ok(())
    }

    /// Each message must be the one after the last, up to the goodbye.
    fn take(&mut self, bytes: &[u8]) -> Outcome<()> {
        let Self { stream, ear, fate } = self;
        let mut trouble = None;
        let looked = ear.take(Door::Socket, bytes, |said, _| match said {
            Said::Message { seq, .. } => {
                if fate.heard > 0 && seq != fate.last_seq + 1 {
                    trouble = Some(format!("{seq} came after {}", fate.last_seq));
                }
                fate.heard += 1;
                fate.last_seq = seq;
            }
            Said::Ping(answer) => drop(stream.try_write(answer)),
            Said::Close(payload) => {
                fate.ended = true;
                let code = payload.first_chunk().map_or(0, |two| u16::from_be_bytes(*two));
                let reason = payload.get(2..).unwrap_or_default();
                let reason = serde_json::from_slice(reason);
                fate.goodbye = reason.ok().map(|Reason { seq }| (code, seq));
            }
            Said::Other(_) => {}
        });
        match (looked, trouble) {
            (Err(why), _) => Err(wrong(why.into())),
            (_, Some(why)) => Err(wrong(why)),
            _ => Ok(()),
        }
    }
}

/// What became of the bad ones, and what the others noticed.
fn told(fates: &[Fate], p99: &[Option<f64>]) -> Section {
    let count = |which: &dyn Fn(&Fate) -> bool| fates.iter().filter(|f| which(f)).count() as f64;
    let is_slow = |f: &Fate| matches!(f.goodbye, Some((4008, seq)) if seq >= f.last_seq);
    let ratio = match p99 {
        [Some(before), Some(with), Some(after)] => Some(with / f64::midpoint(*before, *after)),
        _ => None,
    };
    Section::new("bad", "Those who read badly")
        .with(("p99_ratio", "the others' 99 of 100, so many times as long", ""), ratio)
        .with(("clients", "they were", ""), fates.len() as f64)
        .with(("closed_4008", "sent away with 4008 and a seq", ""), count(&is_slow))
        .with(
            ("closed_otherwise", "hung up on without that", ""),
            count(&|f| f.ended && !is_slow(f)),
        )
        .with(("served", "served to the end", ""), count(&|f| !f.ended))
}
