//! Publishes while clients listen: so many messages under way at a time, or so many a second.

use super::{
    crowd::STALLED,
    doors,
    tally::{OUTSTANDING_MAX, Tally},
};
use crate::cli::bench::{
    Common, Outcome,
    client::Conn,
    cost::{Spent, Window},
    failed,
    report::Section,
    server::Server,
    stats::Latencies,
    wrong,
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    task::JoinSet,
    time::{sleep, sleep_until, timeout},
};

/// Connections that share a pace.
const PACERS: u32 = 8;

/// What all rounds share.
pub(super) struct Rounds {
    address: SocketAddr,
    pid: u32,
    tally: Arc<Tally>,
    requests: Arc<[Publish]>,
    turn: Arc<AtomicUsize>,
    /// Messages that were acknowledged, in all rounds.
    pub(super) acknowledged: u64,
}

/// A request that publishes messages, and where in it the times are at which each was sent.
struct Publish {
    bytes: Vec<u8>,
    times_at: Vec<usize>,
}

impl Publish {
    fn new(bytes: Vec<u8>) -> Self {
        let mark = format!("\"{}\"", doors::digits(0));
        let windows = bytes.windows(mark.len()).enumerate();
        let marks = windows.filter(|(_, window)| *window == mark.as_bytes());
        let times_at = marks.map(|(at, _)| at + 1).collect();
        Self { bytes, times_at }
    }

    fn messages(&self) -> usize {
        self.times_at.len()
    }
}

/// What a round came to.
pub(super) struct Round {
    pub(super) messages: f64,
    pub(super) deliveries: f64,
    pub(super) spent: Spent,
    pub(super) latencies: Latencies,
}

impl Rounds {
    /// For the clients of this tally: requests that say, in turn, as many messages to each of its
    /// groups.
    pub(super) fn new(server: &Server, tally: Arc<Tally>, requests: Vec<Vec<u8>>) -> Self {
        let requests: Vec<_> = requests.into_iter().map(Publish::new).collect();
        Self {
            address: server.address,
            pid: server.pid(),
            tally,
            requests: requests.into(),
            turn: Arc::default(),
            acknowledged: 0,
        }
    }

    /// A round with so many under way; its figures under this name.
    pub(super) async fn measured(
        &mut self,
        outstanding: u16,
        (server, common): (&Server, &Common),
    ) -> Outcome<Section> {
        let round = self.round(outstanding, sleep(common.measured())).await?;
        let title = match outstanding {
            1 => format!("One message at a time, {} bytes each", self.tally.frame_bytes()),
            more => format!("{more} messages under way"),
        };
        let section = round.told(Section::new(format!("outstanding_{outstanding}"), title));
        Ok(section.with(("server_rss_kib", "memory of the server", "KiB"), server.rss_kib()))
    }

    /// A round with so many under way, until `end`.
    pub(super) async fn round(
        &mut self,
        outstanding: u16,
        end: impl Future<Output = ()>,
    ) -> Outcome<Round> {
        let (messages, deliveries, window) = self.begin();
        self.run(outstanding, end).await?;
        Ok(self.close((messages, deliveries), &window))
    }

    /// A round at so many messages a second, whatever becomes of them.
    pub(super) async fn paced(&mut self, rate: u32, time: Duration) -> Outcome<Round> {
        let (messages, deliveries, window) = self.begin();
        let (stop, acknowledged) = (Arc::default(), Arc::default());
        let mut pacers = JoinSet::new();
        let started = Instant::now();
        for number in 0..PACERS.min(rate) {
            let pace = Pace { started, time, rate, number, before: messages };
            pacers.spawn(post_at_pace(self.poster(&stop, &acknowledged), pace));
        }
        self.finish(pacers, &acknowledged).await?;
        self.tally.room.forget_permits(usize::MAX);
        Ok(self.close((messages, deliveries), &window))
    }

    fn begin(&self) -> (u64, u64, Window) {
        drop(self.tally.take_latencies());
        (self.tally.complete(), self.tally.deliveries(), Window::open(self.pid))
    }

    fn close(&self, (messages, deliveries): (u64, u64), window: &Window) -> Round {
        Round {
            spent: window.close(),
            messages: (self.tally.complete() - messages) as f64,
            deliveries: (self.tally.deliveries() - deliveries) as f64,
            latencies: self.tally.take_latencies(),
        }
    }

    fn poster(&self, stop: &Arc<AtomicBool>, acknowledged: &Arc<AtomicU64>) -> Poster {
        Poster {
            address: self.address,
            requests: self.requests.clone(),
            turn: self.turn.clone(),
            tally: self.tally.clone(),
            stop: stop.clone(),
            acknowledged: acknowledged.clone(),
        }
    }

    /// Publishes with so many messages under way, then waits until all clients have all of them.
    pub(super) async fn run(
        &mut self,
        outstanding: u16,
        end: impl Future<Output = ()>,
    ) -> Outcome<()> {
        let (stop, acknowledged) = (Arc::default(), Arc::default());
        let mut posters = JoinSet::new();
        for _ in 0..outstanding {
            posters.spawn(post(self.poster(&stop, &acknowledged)));
        }
        let largest = self.requests.iter().map(Publish::messages).max().unwrap_or(0);
        let room = usize::from(outstanding) * largest;
        self.tally.room.add_permits(room);
        tokio::select! {
            () = end => {}
            () = self.trouble() => {}
        }
        stop.store(true, Ordering::Relaxed);
        self.finish(posters, &acknowledged).await?;
        self.tally.room.forget_permits(room);
        Ok(())
    }

    /// Waits for those who publish, then for those who listen.
    async fn finish(
        &mut self,
        mut posters: JoinSet<Outcome<()>>,
        acknowledged: &AtomicU64,
    ) -> Outcome<()> {
        // A client in trouble hears nothing more, and whoever waits for that one waits for ever.
        while let Some(done) = tokio::select! {
            done = posters.join_next() => done,
            () = self.trouble() => None,
        } {
            done.map_err(|e| failed("a connection", &e))??;
        }
        self.acknowledged += acknowledged.load(Ordering::Relaxed);
        self.all_complete().await
    }

    /// Waits until something goes wrong, or nothing goes at all.
    async fn trouble(&self) {
        let mut complete = self.tally.complete();
        while self.tally.trouble().is_none() {
            let quiet = timeout(STALLED, self.tally.alarm.notified()).await.is_err();
            if quiet && self.tally.complete() == complete {
                self.tally.complain(format!("message {complete} did not reach all clients"));
            }
            complete = self.tally.complete();
        }
    }

    /// Waits until every client has every message that was acknowledged.
    async fn all_complete(&self) -> Outcome<()> {
        loop {
            if let Some(trouble) = self.tally.trouble() {
                return Err(wrong(trouble));
            }
            let complete = self.tally.complete();
            if complete == self.acknowledged {
                return Ok(());
            }
            if timeout(STALLED, self.tally.rung.notified()).await.is_err() {
                let told = self.acknowledged;
                return Err(wrong(format!("{complete} of {told} messages reached all clients")));
            }
        }
    }
}

impl Round {
    /// The figures of any round.
    pub(super) fn told(mut self, section: Section) -> Section {
        let Self { messages, deliveries, spent, .. } = self;
        section
            .with(("messages_per_s", "messages", "/s"), messages / spent.seconds)
            .with(("deliveries_per_s", "deliveries", "/s"), deliveries / spent.seconds)
            .latencies(&mut self.latencies)
            .with(("server_us", "server CPU a delivery", "µs"), spent.server_us_per(deliveries))
            .busy(&spent)
    }
}

/// One connection that publishes.
struct Poster {
    address: SocketAddr,
    requests: Arc<[Publish]>,
    turn: Arc<AtomicUsize>,
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
}

impl Poster {
    /// The next request in turn.
    fn next(&self) -> Option<&Publish> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.requests.len();
        self.requests.get(turn)
    }

    /// Sends it, its messages as sent `at`.
    async fn publish(&self, conn: &mut Conn, what: &Publish, at: Instant) -> Outcome<()> {
        let mut bytes = what.bytes.clone();
        let sent = doors::digits(at.saturating_duration_since(self.tally.started).as_micros());
        for time_at in &what.times_at {
            if let Some(place) = bytes.get_mut(*time_at..time_at + sent.len()) {
                place.copy_from_slice(sent.as_bytes());
            }
        }
        conn.expect("POST /events", &bytes, 201).await?;
        self.acknowledged.fetch_add(what.messages() as u64, Ordering::Relaxed);
        Ok(())
    }
}

/// Publishes whenever there is room for what comes next.
async fn post(poster: Poster) -> Outcome<()> {
    let mut conn = Conn::open(poster.address).await.map_err(|e| failed("no connection", &e))?;
    while let Some(what) = poster.next() {
        let messages = u32::try_from(what.messages()).unwrap_or(u32::MAX);
        let room = poster.tally.room.acquire_many(messages).await;
        let room = room.map_err(|e| failed("the driver", &e))?;
        if poster.stop.load(Ordering::Relaxed) {
            break;
        }
        room.forget();
        poster.publish(&mut conn, what, Instant::now()).await?;
    }
    Ok(())
}

/// When a connection publishes: its place among those that share a pace.
#[derive(Clone, Copy)]
struct Pace {
    started: Instant,
    time: Duration,
    rate: u32,
    number: u32,
    /// Messages that were complete before.
    before: u64,
}

/// Publishes when it is time to. A message that is late counts from when it should have been sent.
async fn post_at_pace(poster: Poster, pace: Pace) -> Outcome<()> {
    let mut conn = Conn::open(poster.address).await.map_err(|e| failed("no connection", &e))?;
    let mut place = pace.number;
    while let Some(what) = poster.next() {
        let due = Duration::from_secs(1) * place / pace.rate;
        if due >= pace.time {
            break;
        }
        let at = pace.started + due;
        sleep_until(at.into()).await;
        let sent = pace.before + poster.acknowledged.load(Ordering::Relaxed);
        if sent.saturating_sub(poster.tally.complete()) > OUTSTANDING_MAX as u64 {
            return Err(wrong(format!("{} a second are more than it can", pace.rate)));
        }
        poster.publish(&mut conn, what, at).await?;
        place += PACERS.min(pace.rate);
    }
    Ok(())
}
