//! What is done on one connection as long as it lasts: snapshot, events, orders, signs of life.

use super::{
    Pbx,
    ami::{Action, Message},
    heed,
    line::{self, Asked, Line, Lost},
    mapping::{Mapping, Told, What},
    pauses::Pauses,
    sql::{self, Dial},
    status::Board,
};
use crate::db::Db;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

/// After so long without a word it is asked for one, and after as long again it is given up,
/// milliseconds.
const PING_AFTER_MS: i64 = 30_000;
const PONG_WITHIN_MS: i64 = 15_000;

/// How long the lists of a snapshot may take, milliseconds.
const SNAPSHOT_WITHIN_MS: i64 = 30_000;

/// How often we make sure that what we take for calls is there, milliseconds. What changed without
/// a word is found then, and a call that lasts long is not taken for forgotten.
const SNAPSHOT_EVERY_MS: i64 = 600_000;

/// What happens here is looked at so often at most, however much happens: many commits are one
/// look.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Messages taken in before what they mean is stored: a burst is one transaction.
const BATCH_MAX: usize = 256;

/// A number that could not be dialled for so long is not wanted any more, milliseconds.
const DIAL_WITHIN_MS: i64 = 30_000;

/// How long the agent's telephone rings before the number is dialled, milliseconds.
const RING_AGENT_MS: &str = "30000";

/// Orders under way; of more, answers are not told from each other, and errors not noted.
const ORDERS_MAX: usize = 500;

/// One connection and what is remembered beyond it.
pub(super) struct Session<'a> {
    pub(super) db: &'a Db,
    pub(super) board: &'a Board,
    pub(super) pbx: &'a Pbx,
    pub(super) mapping: &'a mut Mapping,
    pub(super) line: Line,
    pub(super) pauses: Pauses,
    /// Orders whose answer is awaited, with the call they are about if they are about one.
    pub(super) orders: BTreeMap<String, Option<String>>,
    /// For the names of orders and snapshots.
    pub(super) number: u64,
    pub(super) heard_at: i64,
    pub(super) pinged_at: Option<i64>,
}

impl Session<'_> {
    /// Goes on until the connection is lost.
    pub(super) async fn run(&mut self) -> Lost {
        loop {
            if let Err(lost) = self.round().await {
                return lost;
            }
        }
    }

    /// From one snapshot to the next.
    async fn round(&mut self) -> Result<(), Lost> {
        let clock = self.db.clock().clone();
        self.mapping.connected();
        let asked_at = clock.now_ms();
        let mut asked = Some(self.ask().await?);
        let db = self.db;
        let mut bell = Box::pin(db.news());
        let (mut news, mut looked) = (true, Instant::now() - LOOK_EVERY);
        loop {
            let has_lists = asked.is_none();
            if has_lists && news && looked.elapsed() >= LOOK_EVERY {
                (news, looked) = (false, Instant::now());
                self.look().await?;
            }
            let due = self.sign_due().min(asked_at + lasts(&asked));
            tokio::select! {
                read = self.line.read() => {
                    read?;
                    self.take_in(&mut asked).await?;
                }
                // Listened to anew before anything is read, so that nothing falls between.
                () = &mut bell, if !news => {
                    bell.set(db.news());
                    news = true;
                }
                () = tokio::time::sleep_until(looked + LOOK_EVERY), if news && has_lists => {}
                () = clock.sleep_until(due) => {}
            }
            let now = clock.now_ms();
            if now >= asked_at + lasts(&asked) {
                return match asked {
                    Some(_) => Err(Lost::Silent("the lists of queues and channels")),
                    None => Ok(()),
                };
            }
            self.sign_of_life(now).await?;
        }
    }

    /// When a sign of life is to be asked for, or was due.
    fn sign_due(&self) -> i64 {
        let asks = self.heard_at + PING_AFTER_MS;
        self.pinged_at.map_or(asks, |at| at + PONG_WITHIN_MS)
    }

    async fn ask(&mut self) -> Result<Asked, Lost> {
        self.number += 1;
        line::ask(&mut self.line, self.number).await
    }

    /// Asks for a sign of life when there was none for a while, and gives up when none comes.
    async fn sign_of_life(&mut self, now: i64) -> Result<(), Lost> {
        match self.pinged_at {
            Some(at) if now >= at + PONG_WITHIN_MS => Err(Lost::Silent("a sign of life")),
            None if now >= self.heard_at + PING_AFTER_MS => {
                self.pinged_at = Some(now);
                self.number += 1;
                let id = format!("ping-{}", self.number);
                self.line.send(&Action::new("Ping", &id)).await
            }
            _ => Ok(()),
        }
    }

    /// All messages that are here.
    async fn take_in(&mut self, asked: &mut Option<Asked>) -> Result<(), Lost> {
        let now = self.db.clock().now_ms();
        (self.heard_at, self.pinged_at) = (now, None);
        let (mut told, mut events) = (Vec::new(), 0);
        while let Some(message) = self.line.ready()? {
            events += u64::from(message.event().is_some());
            let message = match asked {
                Some(asked) => asked.take(message)?,
                None => Some(message),
            };
            if let Some(message) = message {
                self.answer(&message, &mut told, now);
                told.extend(self.mapping.hear(&message, now));
            }
            if asked.as_ref().is_some_and(Asked::is_done)
                && let Some(asked) = asked.take()
            {
                self.store(std::mem::take(&mut told), now).await;
                self.compare(asked, now).await;
            }
            if told.len() >= BATCH_MAX {
                self.store(std::mem::take(&mut told), now).await;
            }
        }
        self.board.change(self.pbx.id, |status| status.events += events);
        self.store(told, now).await;
        Ok(())
    }

    /// The answer to an order: a refusal is noted, and ends a call that was to be dialled.
    fn answer(&mut self, message: &Message, told: &mut Vec<Told>, now: i64) {
        let Some(is_good) = message.response() else { return };
        let order = message.action_id().and_then(|id| self.orders.remove(id));
        let Some(call) = order.filter(|_| !is_good) else { return };
        self.board.failed(self.pbx.id, &format!("it refused: {}", line::told(message)), now);
        if let Some(call) = call {
            told.push(Told::Call { call, at: now, what: What::Ended { failed: true } });
        }
    }

    async fn store(&self, told: Vec<Told>, now: i64) {
        if !told.is_empty() {
            self.board.change(self.pbx.id, |status| status.last_event_at = Some(now));
            heed::store(self.db, self.pbx, told).await;
        }
    }

    /// Puts what we know and what there is together.
    async fn compare(&mut self, asked: Asked, now: i64) {
        let (tenant, source) = (self.pbx.tenant_id, self.pbx.source());
        let (pbx, since) = (self.pbx.id, now - DIAL_WITHIN_MS);
        let read = move |r: &_| {
            Ok((sql::live(r, tenant, &source)?, sql::under_way(r, (tenant, pbx), since)?))
        };
        let (live, under_way) = match self.db.read(read).await {
            Ok(found) => found,
            // The next snapshot is compared again.
            Err(e) => return tracing::warn!(error = %e, "the calls of a PBX could not be read"),
        };
        let (told, alive) = self.mapping.compare(&asked.snapshot, &live, now);
        self.store(told, now).await;
        let Some(alive) = alive else {
            self.board.failed(self.pbx.id, "its lists are too long to be compared", now);
            return;
        };
        // What is yet to be dialled, or was just now, has no channel to be listed.
        let alive = alive.union(&under_way).cloned().collect();
        match heed::compare(self.db, self.pbx, alive, now).await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(pbx = %self.pbx.id, ended, "calls had ended unheard"),
            Err(e) => tracing::warn!(error = %e, "the calls of a PBX could not be compared"),
        }
    }

    /// What happened here that the PBX should know: agents' states, numbers to dial.
    async fn look(&mut self) -> Result<(), Lost> {
        let mut orders = self.pause_orders().await;
        orders.extend(self.dial_orders().await);
        for Order { id, action, call } in orders {
            if self.orders.len() < ORDERS_MAX {
                self.orders.insert(id, call);
            }
            self.line.send(&action).await?;
        }
        Ok(())
    }

    async fn pause_orders(&mut self) -> Vec<Order> {
        if self.mapping.extensions().next().is_none() {
            return Vec::new();
        }
        let (tenant, source) = (self.pbx.tenant_id, self.pbx.source());
        let agents = match self.db.read(move |r| sql::agents(r, tenant, &source)).await {
            Ok(agents) => agents,
            Err(e) => {
                tracing::warn!(error = %e, "agents could not be read for a PBX");
                return Vec::new();
            }
        };
        let mut orders = Vec::new();
        for (extension, now) in agents {
            let Some(there) = self.mapping.pause(&extension) else { continue };
            let Some(wish) = self.pauses.look(&extension, &now, there) else { continue };
            for interface in self.mapping.interfaces(&extension) {
                self.number += 1;
                let id = format!("pause-{}", self.number);
                let action = Action::new("QueuePause", &id)
                    .with("Interface", interface)
                    .with("Paused", if wish.paused { "true" } else { "false" })
                    .with("Reason", &wish.reason);
                orders.push(Order { id, action, call: None });
            }
        }
        orders
    }

    /// A number is marked as dialled before it is: after a crash it is not dialled twice.
    async fn dial_orders(&mut self) -> Vec<Order> {
        let (pbx, tenant) = (self.pbx.id, self.pbx.tenant_id);
        let pending = self.db.read(move |r| sql::has_dials(r, pbx)).await;
        if !pending.unwrap_or(false) {
            return Vec::new();
        }
        let source = self.pbx.source();
        let dials = self.db.write(move |w| sql::take_dials(w, (tenant, pbx), &source)).await;
        let dials = dials.unwrap_or_else(|e| {
            tracing::warn!(error = %e, "what a PBX is to dial could not be read");
            Vec::new()
        });
        let now = self.db.clock().now_ms();
        let (dials, late): (Vec<_>, Vec<_>) =
            dials.into_iter().partition(|dial| now - dial.created_at < DIAL_WITHIN_MS);
        let ended = late.into_iter().map(|dial| Told::Call {
            call: dial.call,
            at: now,
            what: What::Ended { failed: true },
        });
        self.store(ended.collect(), now).await;
        dials.into_iter().map(|dial| originate(self.pbx, dial)).collect()
    }
}

/// How long a snapshot may take, or is good for, milliseconds.
fn lasts(asked: &Option<Asked>) -> i64 {
    if asked.is_some() { SNAPSHOT_WITHIN_MS } else { SNAPSHOT_EVERY_MS }
}

/// An action with the name its answer will carry, and the call it is about if it is about one.
struct Order {
    id: String,
    action: Action,
    call: Option<String>,
}

/// Calls the agent's telephone, and has the dial plan call the number when it is picked up. The
/// channel has the call's name, so that all that is said of it is known for this call's.
fn originate(pbx: &Pbx, dial: Dial) -> Order {
    let channel = pbx.dial_channel.as_deref().unwrap_or("PJSIP/{extension}");
    let context = pbx.dial_context.as_deref().unwrap_or("from-internal");
    let action = Action::new("Originate", &dial.call)
        .with("Channel", &channel.replace("{extension}", &dial.extension))
        .with("Context", context)
        .with("Exten", &dial.to_number)
        .with("Priority", "1")
        .with("CallerID", &dial.to_number)
        .with("Timeout", RING_AGENT_MS)
        .with("ChannelId", &dial.call)
        .with("Async", "true");
    Order { id: dial.call.clone(), action, call: Some(dial.call) }
}
