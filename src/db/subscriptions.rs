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

/// An endpoint that wants a kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wants {
    pub(super) endpoint: i64,
    /// Else its deliveries are held.
    pub(super) is_active: bool,
    /// Whether the events of one entity are sent one after the other.
    pub(super) by_key: bool,
}

type Wanting = Arc<[Wants]>;

#[derive(Default)]
pub(super) struct Subscriptions {
    by_kind: HashMap<(TenantId, Kind), Wanting>,
    by_user: HashMap<UserId, Option<Wants>>,
}

impl Subscriptions {
    pub(super) fn forget(&mut self) {
        self.by_kind.clear();
        self.by_user.clear();
    }

    /// A user's own endpoint, if they have one.
    pub(super) fn own(&mut self, conn: &Connection, user: UserId) -> Result<Option<Wants>> {
        if let Some(known) = self.by_user.get(&user) {
            return Ok(*known);
        }
        let own = conn
            .prepare_cached(
                "select id, is_active from endpoints where user_id = ?1 and deleted_at is null",
            )?
            .query_row([user], |row| {
                Ok(Wants { endpoint: row.get(0)?, is_active: row.get(1)?, by_key: false })
            })
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
            "select id, is_active, events, ordering = 'by_key' from endpoints
             where tenant_id = ?1 and user_id is null and deleted_at is null order by id",
        )?;
        let mut wanting = Vec::new();
        let mut rows = rows.query([event.tenant])?;
        while let Some(row) = rows.next()? {
            let patterns: Vec<String> =
                serde_json::from_str(row.get_ref(2)?.as_str().map_err(Error::internal)?)
                    .map_err(Error::internal)?;
            if patterns.iter().any(|p| pattern::matches(p, event.kind.name())) {
                let (endpoint, is_active, by_key) = (row.get(0)?, row.get(1)?, row.get(3)?);
                wanting.push(Wants { endpoint, is_active, by_key });
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
