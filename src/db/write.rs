//! What one job of the writer sees: the transaction, its clock, and a way to say what happened.

use super::{
    hops::HOPS_MAX,
    log, order,
    subscriptions::{Subscriptions, Wants},
};
use crate::{
    error::{Error, Result},
    event::{Actor, Audience, Envelope, Frames, Kind, Room},
    id::{EntityId, TenantId, UserId, uuid_v7},
};
use rusqlite::Connection;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::{ops::Deref, sync::Arc};
use uuid::Uuid;

/// What a commit made known, in `seq` order.
#[derive(Debug, Default)]
pub struct Committed {
    /// The events.
    pub envelopes: Vec<Arc<Envelope>>,
    /// Endpoints whose deliveries changed; an id may stand more than once.
    pub owed: Vec<i64>,
}

/// What the last work of a job sees: the same transaction, when all jobs of it have run. It derefs
/// to the connection for `sql.rs`.
pub struct Last<'a>(pub(super) &'a Connection);

impl Deref for Last<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.0
    }
}

type LastWork = Box<dyn FnOnce(&Last<'_>) -> Result<()> + Send>;

/// Things that happen only if the transaction commits, and last work, by the place of its job.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) committed: Committed,
    pub(super) hooks: Vec<Box<dyn FnOnce() + Send>>,
    pub(super) last: Vec<(usize, LastWork)>,
}

impl Pending {
    /// How much there is, to come back to with [`Pending::cut`] when a job fails.
    pub(super) fn mark(&self) -> [usize; 4] {
        let Committed { envelopes, owed } = &self.committed;
        [envelopes.len(), owed.len(), self.hooks.len(), self.last.len()]
    }

    pub(super) fn cut(&mut self, [envelopes, owed, hooks, last]: [usize; 4]) {
        self.committed.envelopes.truncate(envelopes);
        self.committed.owed.truncate(owed);
        self.hooks.truncate(hooks);
        self.last.truncate(last);
    }
}

/// One job's view of the open transaction. It derefs to the connection for `sql.rs`.
pub struct Write<'a> {
    /// Milliseconds since the Unix epoch, the same for the whole transaction; never another clock.
    pub now: i64,
    /// The job's place in its group.
    pub(super) job: usize,
    /// How many webhooks this has come through; see [`super::hops`].
    pub(super) hops: u8,
    pub(super) conn: &'a Connection,
    pub(super) pending: &'a mut Pending,
    pub(super) subscriptions: &'a mut Subscriptions,
}

impl Deref for Write<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.conn
    }
}

/// One thing to be said, with who hears it and where. Made by [`Say::new`], changed by the rest.
#[derive(Debug)]
pub struct Say {
    tenant: TenantId,
    kind: Kind,
    data: Box<RawValue>,
    changes: Option<Box<RawValue>>,
    actor: Actor,
    audience: Audience,
    room: Room,
    named: Vec<UserId>,
    subjects: Vec<EntityId>,
    only: Option<i64>,
    except: Option<i64>,
    no_webhook: bool,
}

impl Say {
    /// `kind` happened, and `data` is the entity as it now is (as it last was, for a deletion).
    ///
    /// # Errors
    /// Only when `data` cannot be written as JSON.
    pub fn new(tenant: TenantId, kind: Kind, data: &impl Serialize) -> Result<Self> {
        Ok(Self {
            tenant,
            audience: kind.default_audience(),
            kind,
            data: to_raw_value(data).map_err(Error::internal)?,
            changes: None,
            actor: Actor::system(),
            room: Room::Tenant,
            named: Vec::new(),
            subjects: Vec::new(),
            only: None,
            except: None,
            no_webhook: false,
        })
    }

    /// Who did it; the system unless said.
    #[must_use]
    pub fn by(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// `{field: [old, new]}`.
    ///
    /// # Errors
    /// Only when it cannot be written as JSON.
    pub fn changes(mut self, changes: &impl Serialize) -> Result<Self> {
        self.changes = Some(to_raw_value(changes).map_err(Error::internal)?);
        Ok(self)
    }

    /// Who may hear it, where the kind's default is not meant.
    #[must_use]
    pub fn audience(mut self, audience: Audience) -> Self {
        self.audience = audience;
        self
    }

    /// Where it is heard; the tenant's staff room unless said.
    #[must_use]
    pub fn room(mut self, room: Room) -> Self {
        self.room = room;
        self
    }

    /// The customers that it names.
    #[must_use]
    pub fn named(mut self, users: Vec<UserId>) -> Self {
        self.named = users;
        self
    }

    /// What it speaks of, so that it stands in that thing's timeline ([`super::events_about`]); may
    /// be said of more than one thing.
    #[must_use]
    pub fn subject(mut self, id: EntityId) -> Self {
        self.subjects.push(id);
        self
    }

    /// Owed to this endpoint and to no other, whatever it subscribed to, and never to sockets.
    /// Whoever says it makes the one attempt: the delivery begins as failed, and stays so if the
    /// process ends before the attempt does.
    #[must_use]
    pub fn only_endpoint(mut self, id: i64) -> Self {
        self.only = Some(id);
        self.room = Room::Nowhere;
        self
    }

    /// Never owed to this endpoint: it speaks of it.
    #[must_use]
    pub fn except_endpoint(mut self, id: i64) -> Self {
        self.except = Some(id);
        self
    }

    /// Owed to no endpoint at all.
    #[must_use]
    pub fn by_no_webhook(mut self) -> Self {
        self.no_webhook = true;
        self
    }
}

/// What became of something said.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Said {
    /// The event's id.
    pub id: Uuid,
    /// Its place in the log.
    pub seq: i64,
}

impl Write<'_> {
    /// Writes the event and one delivery for each endpoint that wants it; everyone hears of it
    /// once the transaction is committed.
    ///
    /// # Errors
    /// When the database refuses; the job should then fail as a whole.
    pub fn say(&mut self, say: Say) -> Result<Said> {
        let mut named = say.named;
        if let Audience::User(user) = say.audience {
            named = vec![user];
        }
        named.sort_unstable();
        named.dedup();
        let mut envelope = Envelope {
            seq: 0,
            id: uuid_v7(self.now),
            tenant: say.tenant,
            kind: say.kind,
            audience: say.audience,
            named: named.into(),
            room: say.room,
            at_ms: self.now,
            data: say.data,
            changes: say.changes,
            actor: to_raw_value(&say.actor).map_err(Error::internal)?,
            frames: Frames::default(),
        };
        envelope.seq = log::insert(self.conn, &envelope, self.hops)?;
        log::insert_subjects(self.conn, envelope.seq, &say.subjects)?;
        if !say.no_webhook {
            self.owe(&envelope, say.subjects.first().copied(), (say.only, say.except))?;
        }
        let said = Said { id: envelope.id, seq: envelope.seq };
        self.pending.committed.envelopes.push(Arc::new(envelope));
        Ok(said)
    }

    /// Runs `hook` after the commit, before anyone is answered; never if the job fails.
    pub fn after_commit(&mut self, hook: impl FnOnce() + Send + 'static) {
        self.pending.hooks.push(Box::new(hook));
    }

    /// Does `work` in this transaction when all jobs that share it have run; never if this job
    /// fails. If the work fails, so does the job.
    ///
    /// For the text index: FTS5 writes what it holds to the database at every savepoint, which
    /// made opening a ticket four times as dear. In one go at the end a group of jobs is written as
    /// one. The job itself cannot read what its last work writes.
    pub fn at_the_end(&mut self, work: impl FnOnce(&Last<'_>) -> Result<()> + Send + 'static) {
        self.pending.last.push((self.job, Box::new(work)));
    }

    /// Must be called by whoever makes or removes an endpoint, or changes its patterns or activity.
    pub fn endpoints_changed(&mut self) {
        self.subscriptions.forget();
    }

    /// Tells the delivery workers to look at this endpoint once the transaction is committed.
    pub fn owed(&mut self, endpoint: i64) {
        self.pending.committed.owed.push(endpoint);
    }

    /// A tenant's endpoints hear what staff, participants and everyone hear; what is for one user
    /// goes to that user's own endpoint only.
    fn owe(
        &mut self,
        event: &Envelope,
        subject: Option<EntityId>,
        (only, except): (Option<i64>, Option<i64>),
    ) -> Result<()> {
        if let Some(endpoint) = only {
            self.conn
                .prepare_cached(
                    "insert into deliveries (event_seq, endpoint_id, state, due_at, ended_at)
                     values (?1, ?2, 'failed', ?3, ?3)",
                )?
                .execute((event.seq, endpoint, self.now))?;
            return Ok(());
        }
        if self.hops >= HOPS_MAX {
            tracing::warn!(seq = event.seq, "an event came through {HOPS_MAX} webhooks: no more");
            return Ok(());
        }
        if let Audience::User(user) = event.audience {
            // Of what one person hears, only notifications are also posted to them.
            if event.kind == Kind::NotificationCreated
                && let Some(own) = self.subscriptions.own(self.conn, user)?
            {
                self.owe_one(event.seq, own, None)?;
            }
            return Ok(());
        }
        let wanting = self.subscriptions.wanting(self.conn, event)?;
        let in_order = wanting.iter().any(|wants| wants.by_key);
        let key = in_order.then(|| order::key(event, subject));
        for wants in wanting.iter().filter(|wants| Some(wants.endpoint) != except) {
            self.owe_one(event.seq, *wants, key.filter(|_| wants.by_key))?;
        }
        Ok(())
    }

    fn owe_one(&mut self, seq: i64, to: Wants, key: Option<i64>) -> Result<()> {
        let due = match key {
            Some(key) if to.is_active => order::due(self.conn, to.endpoint, key, self.now)?,
            _ => self.now,
        };
        let state = if to.is_active { "waiting" } else { "held" };
        self.conn
            .prepare_cached(
                "insert into deliveries (event_seq, endpoint_id, state, due_at, key)
                 values (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((seq, to.endpoint, state, due, key))?;
        self.pending.committed.owed.push(to.endpoint);
        Ok(())
    }
}
