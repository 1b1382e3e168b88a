//! One connection to every PBX that is used: on a thread of their own, away from the requests.

use super::{
    LINES_MAX, Pbx, aad,
    line::{Line, Lost, Way},
    mapping::Mapping,
    pauses::Pauses,
    session::Session,
    sql,
    status::{Board, Standing, Status},
};
use crate::{
    db::Db,
    error::{Error, Result},
    id::EntityId,
    webhooks::{address::Guard, crypt::SecretBox},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;
use serde::Serialize;
use std::{collections::HashMap, num::NonZero, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, Semaphore, watch},
    task::JoinHandle,
};

/// How often the list of what is to be connected is looked at although nobody rang: tenants are
/// closed without a word.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// The first wait before a lost connection is made again, doubled each time, and the longest. Who
/// refuses the login is asked seldom: its guard may count failures and shut us out.
const AGAIN_FIRST_MS: i64 = 1_000;
const AGAIN_MAX_MS: i64 = 60_000;
const AGAIN_REFUSED_MS: i64 = 60_000;

/// A connection that lasted so long was a good one: the waits begin anew, milliseconds.
const GOOD_AFTER_MS: i64 = 60_000;

/// Tests of a connection at a time; one more is answered 503.
const TESTS_MAX: usize = 4;

/// Posts a second by one CTI program, with as many at once; one more is answered 429.
const POSTS_PER_S: u32 = 100;

/// How long a test may take in all.
const TEST_WITHIN: Duration = Duration::from_secs(20);

/// A cheap handle on all connections.
#[derive(Clone)]
pub struct Switchboard(Arc<Parts>);

struct Parts {
    db: Db,
    guard: Guard,
    secrets: SecretBox,
    board: Board,
    changed: Notify,
    /// Told when a test found one there, so that it is tried again at once.
    found: watch::Sender<Option<EntityId>>,
    stop: watch::Sender<bool>,
    tests: Semaphore,
    pace: DefaultKeyedRateLimiter<EntityId>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

/// What came of a test.
#[derive(Debug, Serialize)]
pub struct Tested {
    success: bool,
    software: Option<String>,
    error: Option<String>,
    response_time_ms: i64,
}

impl Switchboard {
    /// Begins to connect what is to be connected.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(db: &Db, guard: Guard, secrets: SecretBox) -> Result<Self> {
        let per_second = NonZero::new(POSTS_PER_S).unwrap_or(NonZero::<u32>::MIN);
        let parts = Arc::new(Parts {
            db: db.clone(),
            guard,
            secrets,
            board: Board::default(),
            changed: Notify::new(),
            found: watch::Sender::new(None),
            stop: watch::Sender::new(false),
            tests: Semaphore::new(TESTS_MAX),
            pace: RateLimiter::keyed(Quota::per_second(per_second)),
            thread: Mutex::new(None),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(4)
            .build()
            .map_err(Error::internal)?;
        let kept = parts.clone();
        let run = move || {
            runtime.block_on(kept.keep());
            // A name that is being looked up is not waited for.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("pbx".into()).spawn(run);
        *parts.thread.lock() = Some(thread.map_err(Error::internal)?);
        Ok(Self(parts))
    }

    /// The box that secrets are sealed in.
    pub fn secrets(&self) -> &SecretBox {
        &self.0.secrets
    }

    /// How one is doing.
    pub fn status(&self, id: EntityId) -> Status {
        self.0.board.of(id)
    }

    /// How all of them are doing; for those that post to us, which are noted by their door.
    pub fn board(&self) -> &Board {
        &self.0.board
    }

    /// Lets a post of a CTI program in, or not.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub fn admit(&self, id: EntityId) -> Result<()> {
        self.0.pace.check_key(&id).map_err(|_| Error::TooMany(Duration::from_secs(1)))
    }

    /// Must be called when one was made, changed or taken away.
    pub fn changed(&self) {
        self.0.changed.notify_one();
    }

    /// Connects once, beside the connection there is, and says what came of it.
    ///
    /// # Errors
    /// 503 when too many tests are under way; 409 `no_connection` for what posts to us.
    pub async fn test(&self, pbx: &Pbx) -> Result<Tested> {
        let parts = &self.0;
        let busy = |_| Error::Busy(Duration::from_secs(1));
        let _seat = parts.tests.try_acquire().map_err(busy)?;
        let (tenant, id) = (pbx.tenant_id, pbx.id);
        let sealed = parts.db.read(move |r| sql::secret(r, tenant, id)).await?;
        let Some(way) = parts.way(pbx, sealed.as_deref())? else {
            return Err(Error::conflict("no_connection", "it posts to us, and we do not connect"));
        };
        let clock = parts.db.clock();
        let started = clock.ticks_ms();
        let opening = Line::open(&way, &parts.guard, clock);
        let opened = tokio::time::timeout(TEST_WITHIN, opening).await;
        let opened = opened.unwrap_or(Err(Lost::Silent("the test")));
        let response_time_ms = clock.ticks_ms() - started;
        Ok(match opened {
            Ok(line) => {
                let software = Some(line.software.clone());
                line.close().await;
                // Why wait, when it is there?
                parts.found.send_replace(Some(id));
                Tested { success: true, software, error: None, response_time_ms }
            }
            Err(lost) => {
                let error = Some(lost.to_string());
                Tested { success: false, software: None, error, response_time_ms }
            }
        })
    }

    /// Ends all connections. Blocks until they are.
    pub fn stop(&self) {
        self.0.stop.send_replace(true);
        let thread = self.0.thread.lock().take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the telephone systems panicked");
        }
    }
}

impl Parts {
    fn way(&self, pbx: &Pbx, sealed: Option<&[u8]>) -> Result<Option<Way>> {
        let (Some(host), Some(port), Some(username), Some(sealed)) =
            (pbx.host.clone(), pbx.port, pbx.username.clone(), sealed)
        else {
            return Ok(None);
        };
        let secret = self.secrets.open(sealed, &aad(pbx.id))?;
        Ok(Some(Way { host, port, username, secret }))
    }

    /// Sees to it that there is one task for each PBX as it now is, until told to stop.
    async fn keep(self: Arc<Self>) {
        let mut lines: HashMap<EntityId, (i64, JoinHandle<()>)> = HashMap::new();
        let mut stop = self.stop.subscribe();
        loop {
            match self.db.read(sql::to_connect).await {
                Ok(wanted) => self.adjust(&mut lines, wanted).await,
                Err(e) => tracing::warn!(error = %e, "the telephone systems could not be read"),
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                () = self.changed.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        for (_, (_, task)) in lines {
            // Each ends at its next await; what it was writing is written or not, as after a crash.
            task.abort();
        }
    }

    async fn adjust(
        self: &Arc<Self>,
        lines: &mut HashMap<EntityId, (i64, JoinHandle<()>)>,
        wanted: Vec<(Pbx, Vec<u8>)>,
    ) {
        let goes_on = |id: &EntityId, version: i64| {
            wanted.iter().any(|(pbx, _)| pbx.id == *id && pbx.version == version)
        };
        let ended: Vec<EntityId> = lines
            .iter()
            .filter(|(id, (version, task))| !goes_on(id, *version) || task.is_finished())
            .map(|(id, _)| *id)
            .collect();
        for id in ended {
            let Some((_, task)) = lines.remove(&id) else { continue };
            task.abort();
            // Or two of them would speak for one PBX for a moment.
            drop(task.await);
            self.board.change(id, |status| {
                (status.state, status.connected_since) = (Standing::Idle, None);
            });
        }
        for (pbx, sealed) in wanted {
            if lines.contains_key(&pbx.id) {
                continue;
            }
            let (id, version) = (pbx.id, pbx.version);
            let now = self.db.clock().now_ms();
            if lines.len() >= LINES_MAX {
                self.board.failed(id, "this server connects to 200 telephone systems at most", now);
                continue;
            }
            match self.way(&pbx, Some(&sealed)) {
                Ok(Some(way)) => {
                    let task = tokio::spawn(self.clone().serve(pbx, way));
                    lines.insert(id, (version, task));
                }
                Ok(None) => {}
                Err(e) => {
                    tracing::error!(error = %e, pbx = %id, "the secret of a PBX does not open");
                    self.board.failed(id, "its secret cannot be opened: enter it again", now);
                }
            }
        }
    }

    /// Connects, hears, and connects again, for ever.
    async fn serve(self: Arc<Self>, pbx: Pbx, way: Way) {
        let clock = self.db.clock().clone();
        let (mut mapping, mut failures, mut was_connected) = (Mapping::default(), 0_u32, false);
        let mut found = self.found.subscribe();
        loop {
            self.board.change(pbx.id, |status| status.state = Standing::Connecting);
            let started = clock.now_ms();
            let lost = match Line::open(&way, &self.guard, &clock).await {
                Ok(line) => {
                    self.connected(&pbx, &line, std::mem::replace(&mut was_connected, true));
                    let lost = self.session(&pbx, &mut mapping, line).run().await;
                    if clock.now_ms() - started >= GOOD_AFTER_MS {
                        failures = 0;
                    }
                    lost
                }
                Err(lost) => lost,
            };
            let now = clock.now_ms();
            tracing::warn!(pbx = %pbx.id, why = %lost, "no connection to a telephone system");
            self.board.failed(pbx.id, &lost.to_string(), now);
            self.board.change(pbx.id, |status| {
                (status.state, status.connected_since) = (Standing::Waiting, None);
            });
            let wait = wait_ms(failures, matches!(lost, Lost::Login(_) | Lost::Lists(_)), random());
            failures = failures.saturating_add(1);
            found.mark_unchanged();
            let is_found = async {
                while found.changed().await.is_ok() {
                    if *found.borrow() == Some(pbx.id) {
                        return;
                    }
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = clock.sleep_ms(wait) => {}
                () = is_found => {}
            }
        }
    }

    fn connected(&self, pbx: &Pbx, line: &Line, is_again: bool) {
        let now = self.db.clock().now_ms();
        tracing::info!(pbx = %pbx.id, software = line.software, "a telephone system is connected");
        self.board.change(pbx.id, |status| {
            status.state = Standing::Connected;
            status.connected_since = Some(now);
            status.software = Some(line.software.clone());
            status.reconnects += u64::from(is_again);
        });
    }

    fn session<'a>(&'a self, pbx: &'a Pbx, mapping: &'a mut Mapping, line: Line) -> Session<'a> {
        Session {
            db: &self.db,
            board: &self.board,
            pbx,
            mapping,
            line,
            pauses: Pauses::default(),
            orders: std::collections::BTreeMap::new(),
            number: 0,
            heard_at: self.db.clock().now_ms(),
            pinged_at: None,
        }
    }
}

/// How long to wait after so many failures in a row; `dice` spreads it over a fifth either way, so
/// that many do not come back at once.
fn wait_ms(failures: u32, is_refused: bool, dice: u8) -> i64 {
    let doubled = AGAIN_FIRST_MS.saturating_mul(1 << failures.min(10)).min(AGAIN_MAX_MS);
    let wait = if is_refused { AGAIN_REFUSED_MS } else { doubled };
    wait * (80 + i64::from(dice) * 40 / 255) / 100
}

fn random() -> u8 {
    let mut byte = [0];
    // Without randomness all wait the middle of it.
    getrandom::fill(&mut byte).map_or(127, |()| byte[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_who_refuses_us_is_asked_seldom() {
        let waits: Vec<i64> = (0..9).map(|failures| wait_ms(failures, false, 0)).collect();
        assert_eq!(waits, [800, 1_600, 3_200, 6_400, 12_800, 25_600, 48_000, 48_000, 48_000]);
        assert_eq!(wait_ms(0, false, 255), 1_200);
        assert_eq!(wait_ms(u32::MAX, false, 255), 72_000);
        assert_eq!(wait_ms(0, true, 0), 48_000);
    }
}
