//! The same change to many tickets, a hundred in one transaction, with one notification at the end.

use super::{Edit, Hand, change};
use crate::{
    db::{Db, Write},
    error::{Checks, Error, Result},
    id::EntityId,
    notifications::{self, Notice},
};
use serde::{Deserialize, Serialize};

/// Most tickets of one request.
const IDS_MAX: usize = 500;

/// Most tickets of one transaction: others can write in between.
const STEP: usize = 100;

/// What is to be done to which tickets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    ids: Vec<EntityId>,
    /// What to change; without a version.
    #[serde(default)]
    changes: Edit,
    /// Deletes them instead.
    #[serde(default)]
    delete: bool,
}

/// A ticket that could not be changed, and why.
#[derive(Debug, Clone, Serialize)]
pub struct Failed {
    id: EntityId,
    code: &'static str,
    message: String,
}

/// What became of it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Outcome {
    /// Tickets that changed.
    changed: Vec<EntityId>,
    /// Tickets that were so already.
    unchanged: Vec<EntityId>,
    /// Tickets that could not be changed; nothing of them was.
    failed: Vec<Failed>,
}

impl Bulk {
    /// Checks what was asked for.
    ///
    /// # Errors
    /// 422 naming what is wrong.
    pub fn checked(mut self) -> Result<Self> {
        let mut checks = Checks::new();
        let mut seen = std::collections::HashSet::new();
        self.ids.retain(|id| seen.insert(*id));
        let fits = (1..=IDS_MAX).contains(&self.ids.len());
        checks.check(fits, "ids", "must be 1 to 500 ids of tickets");
        let versioned = self.changes.version.is_some();
        checks.check(!versioned, "changes.version", "has no meaning for many tickets");
        let one = self.delete != (self.changes != Edit::default());
        checks.check(one, "changes", "must be something to change, or delete must be true");
        checks.done()?;
        self.changes = self.changes.checked()?;
        Ok(self)
    }

    /// Does it step by step. A step that cannot be stored ends it; what was done before stays done,
    /// and asking again goes on from there, because what is so already is not changed.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn run(self, db: &Db, hand: &Hand) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut notices: Vec<Notice> = Vec::new();
        let mut steps = self.ids.chunks(STEP).peekable();
        while let Some(ids) = steps.next() {
            let (ids, this, hand) = (ids.to_vec(), self.clone(), hand.clone());
            let (is_last, so_far) = (steps.peek().is_none(), std::mem::take(&mut notices));
            let (done, told) = db
                .write(move |w| {
                    let (done, mut told) = this.step(w, &hand, &ids)?;
                    told.splice(0..0, so_far.clone());
                    if is_last && !told.is_empty() {
                        notifications::notify_many(w, std::mem::take(&mut told))?;
                    }
                    Ok((done, told))
                })
                .await?;
            notices = told;
            outcome.changed.extend(done.changed);
            outcome.unchanged.extend(done.unchanged);
            outcome.failed.extend(done.failed);
        }
        Ok(outcome)
    }

    /// One transaction's share. What a ticket is refused for is found out before anything of it is
    /// stored.
    fn step(
        &self,
        w: &mut Write<'_>,
        hand: &Hand,
        ids: &[EntityId],
    ) -> Result<(Outcome, Vec<Notice>)> {
        let mut outcome = Outcome::default();
        let mut notices = Vec::new();
        for id in ids {
            let saved = if self.delete {
                change::remove_quietly(w, hand, *id, None)
            } else {
                change::change_quietly(w, hand, *id, &self.changes)
            };
            match saved {
                Ok(saved) => {
                    notices.extend(saved.notices);
                    let done = &mut outcome;
                    let list = if saved.changed { &mut done.changed } else { &mut done.unchanged };
                    list.push(*id);
                }
                Err(e) => outcome.failed.push(failed(*id, e)?),
            }
        }
        Ok((outcome, notices))
    }
}

/// What is the ticket's own matter is told; what is not ends the step.
fn failed(id: EntityId, e: Error) -> Result<Failed> {
    let code = match &e {
        Error::NotFound(_) => "not_found",
        Error::Forbidden(_) => "forbidden",
        Error::Conflict { code, .. } => code,
        Error::Invalid(_) => "invalid",
        _ => return Err(e),
    };
    let message = match &e {
        Error::Invalid(fields) => {
            let words: Vec<_> =
                fields.iter().map(|f| format!("{} {}", f.field, f.message)).collect();
            words.join("; ")
        }
        other => other.to_string(),
    };
    Ok(Failed { id, code, message })
}
