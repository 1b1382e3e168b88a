//! Which endpoints want a kind of event, remembered by the writer so that saying is cheap.
//!
//! Only the writer changes endpoints, so what it remembers is true until a job says
//! [`super::Write::endpoints_changed`] or is rolled back; then everything is forgotten.

use crate::{
    error::{Error, Result},
    event::{Envelope, Kind, pattern},
    id::{TenantId, UserId},
};
use rusqlite::{Connection, OptionalExtension as _};
use std::{collections::HashMap, sync::Arc};

/// Answers remembered of each sort; more kinds (custom ones are free) or users start over.
const REMEMBERED_MAX: usize = 10_000;

/// An endpoint's id, and whether it is active (else its deliveries are held).
type Wanting = Arc<[(i64, bool)]>;

#[derive(Default)]
pub(super) struct Subscriptions {
    by_kind: HashMap<(TenantId, Kind), Wanting>,
    by_user: HashMap<UserId, Option<(i64, bool)>>,
}

impl Subscriptions {
    pub(super) fn forget(&mut self) {
        self.by_kind.clear();
        self.by_user.clear();
    }

    /// A user's own endpoint, if they have one.
    pub(super) fn own(&mut self, conn: &Connection, user: UserId) -> Result<Option<(i64, bool)>> {
        if let Some(known) = self.by_user.get(&user) {
            return Ok(*known);
        }
        let own = conn
            .prepare_cached(
                "select id, is_active from endpoints where user_id = ?1 and deleted_at is null",
            )?
            .query_row([user], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if self.by_user.len() >= REMEMBERED_MAX {
            self.forget();
        }
        self.by_user.insert(user, own);
        Ok(own)
    }

    /// The endpoints of the event's tenant that want its kind.
    pub(super) fn wanting(&mut self, conn: &Connection, event: &Envelope) -> Result<Wanting> {
        let key = (event.tenant, event.kind.clone());
        if let Some(known) = self.by_kind.get(&key) {
            return Ok(known.clone());
        }
        let mut rows = conn.prepare_cached(
            "select id, is_active, events from endpoints
             where tenant_id = ?1 and user_id is null and deleted_at is null order by id",
        )?;
        let mut wanting = Vec::new();
        let mut rows = rows.query([event.tenant])?;
        while let Some(row) = rows.next()? {
            let patterns: Vec<String> =
                serde_json::from_str(row.get_ref(2)?.as_str().map_err(Error::internal)?)
                    .map_err(Error::internal)?;
            if patterns.iter().any(|p| pattern::matches(p, event.kind.name())) {
                wanting.push((row.get(0)?, row.get(1)?));
            }
        }
        if self.by_kind.len() >= REMEMBERED_MAX {
            self.forget();
        }
        let wanting: Wanting = wanting.into();
        self.by_kind.insert(key, wanting.clone());
        Ok(wanting)
    }
}
