//! Sign-ins that are known to stand, so that a request costs no query.
//!
//! One process owns the database, so what is remembered here is true until somebody says
//! [`Sessions::forget_session`] or [`Sessions::forget_user`] after a commit.

use super::{Role, sql};
use crate::{
    db::Db,
    error::Result,
    id::{SessionId, TenantId, UserId},
};
use parking_lot::RwLock;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

/// Sign-ins remembered; when there are more, all are asked for again.
const REMEMBERED_MAX: usize = 100_000;

/// A sign-in that stands, and whose it is.
#[derive(Debug)]
pub struct Known {
    /// The sign-in.
    pub session: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// Their tenant.
    pub tenant: TenantId,
    /// Their role now, whatever a token says.
    pub role: Role,
    /// Whether they may make tenants.
    pub is_system_admin: bool,
    /// The name people see.
    pub name: String,
    /// When it ends, milliseconds since the Unix epoch.
    pub expires_at: i64,
    /// When it was last used, milliseconds since the Unix epoch; written down now and then.
    pub seen_at: AtomicI64,
}

/// All sign-ins that were asked for.
#[derive(Debug, Default)]
pub struct Sessions {
    known: RwLock<HashMap<SessionId, Arc<Known>>>,
    /// Counts what was forgotten, so that a row read before that is not remembered after it.
    forgotten: AtomicU64,
}

impl Sessions {
    /// The sign-in, if it stands.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn get(&self, db: &Db, id: SessionId) -> Result<Option<Arc<Known>>> {
        let now = db.clock().now_ms();
        if let Some(known) = self.known.read().get(&id) {
            known.seen_at.store(now, Ordering::Relaxed);
            return Ok((known.expires_at > now).then(|| known.clone()));
        }
        let forgotten = self.forgotten.load(Ordering::Acquire);
        let Some(found) = db.read(move |r| sql::session(r, id, now)).await?.map(Arc::new) else {
            return Ok(None);
        };
        let mut known = self.known.write();
        if self.forgotten.load(Ordering::Acquire) == forgotten {
            if known.len() >= REMEMBERED_MAX {
                known.clear();
            }
            known.insert(id, found.clone());
        }
        Ok(Some(found))
    }

    /// A sign-in was ended or changed.
    pub fn forget_session(&self, id: SessionId) {
        let mut known = self.known.write();
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        known.remove(&id);
    }

    /// A user was changed: all their sign-ins are asked for again.
    pub fn forget_user(&self, user: UserId) {
        let mut known = self.known.write();
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        known.retain(|_, k| k.user != user);
    }

    /// A tenant was changed: everything is asked for again.
    pub fn forget_all(&self) {
        let mut known = self.known.write();
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        known.clear();
    }

    /// When each remembered sign-in was last used, for writing down.
    pub fn seen(&self) -> Vec<(SessionId, i64)> {
        let known = self.known.read();
        known.values().map(|k| (k.session, k.seen_at.load(Ordering::Relaxed))).collect()
    }
}
