//! Forgetting a person: their name, e-mail address and phone number are taken out of all that was
//! written down, by a job in small steps that survives a crash.
//!
//! What others wrote in their own words stays as they wrote it: comments, tickets and articles of
//! other people, and the bytes of files. Their accounts' own rows are the matter of `users`.

mod sql;
#[cfg(test)]
mod tests;
mod text;

pub use text::{NOBODY, Person};

use crate::{
    articles, comments,
    db::{Db, Write},
    error::{Error, Result},
    id::{TenantId, UserId},
    tickets,
};
use sql::{ACCOUNTS, Found, Job, PLACES, Place, Text, Then};

/// How long it waits when there is nobody to forget, and between two steps, milliseconds.
const LOOK_EVERY_MS: i64 = 1_000;
const PAUSE_MS: i64 = 2;

/// Most words that somebody is looked for by: names they had, addresses, numbers.
const WORDS_MAX: usize = 100;

/// Begins to forget somebody who was known by these words, in the transaction that closes their
/// account.
///
/// # Errors
/// When the database refuses.
pub fn begin(w: &Write<'_>, tenant: TenantId, user: UserId, words: &[String]) -> Result<()> {
    sql::begin(w, tenant, user, words)
}

/// Forgets whoever is to be forgotten, until it is dropped.
pub async fn keep(db: Db) {
    loop {
        let pause = match work(&db).await {
            Ok(true) => PAUSE_MS,
            Ok(false) | Err(Error::Full | Error::Busy(_)) => LOOK_EVERY_MS,
            Err(e) => {
                tracing::warn!(error = %e, "an anonymisation stands still");
                LOOK_EVERY_MS
            }
        };
        db.clock().sleep_ms(pause).await;
    }
}

/// One step, if there is one to do.
async fn work(db: &Db) -> Result<bool> {
    if db.read(sql::next).await?.is_none() {
        return Ok(false);
    }
    db.write(|w| {
        // Deleted text would else stay in free pages of the file.
        sql::overwrite(w, true)?;
        // The text index is written last, and then what it forgets must be overwritten, too.
        w.at_the_end(|last| sql::overwrite(last, true));
        let done = step(w);
        w.at_the_end(|last| sql::overwrite(last, false));
        sql::overwrite(w, false)?;
        done
    })
    .await?;
    Ok(true)
}

/// One transaction's share: at most 500 rows are looked at.
fn step(w: &mut Write<'_>) -> Result<()> {
    let Some(mut job) = sql::next(w)? else { return Ok(()) };
    let learning = job.place == 0;
    // First of all by which words they were known, in earlier years too.
    let place = match job.place.checked_sub(1) {
        None => Some(&ACCOUNTS),
        Some(at) => PLACES.get(at),
    };
    let Some(place) = place else {
        sql::finish(w, &job)?;
        tracing::info!(user = %job.user, "an anonymisation is complete");
        return Ok(());
    };
    let rows = sql::rows(w, place, (job.tenant, job.user), job.after.as_ref())?;
    match rows.last() {
        None => (job.place, job.after) = (job.place + 1, None),
        Some(last) => job.after = Some(last.key.clone()),
    }
    if learning {
        collect(&mut job, &rows);
    } else {
        let person = Person::new(job.user.to_string(), job.words.clone());
        for row in &rows {
            clean(w, &job, (place, &person), row)?;
        }
    }
    sql::note(w, &job)
}

/// Notes the words that the log has of the person's account.
fn collect(job: &mut Job, rows: &[Found]) {
    let id = job.user.to_string();
    for row in rows.iter().filter(|row| row.is_own) {
        let [Some(data), changes] = row.texts.as_slice() else { continue };
        let mut words = Person::words_in(data, Some(&id));
        if words.is_empty() {
            continue;
        }
        if let Some(changes) = changes {
            words.extend(Person::words_in(changes, None));
        }
        for word in words {
            if job.words.len() < WORDS_MAX && !job.words.contains(&word) {
                job.words.push(word);
            }
        }
    }
}

/// Rewrites one row, if the person is in it.
fn clean(
    w: &mut Write<'_>,
    job: &Job,
    (place, person): (&Place, &Person),
    row: &Found,
) -> Result<()> {
    let named = row.texts.iter().flatten().any(|text| person.is_named_in(text));
    let mut changed = false;
    let mut texts = Vec::with_capacity(row.texts.len());
    for (text, (column, kind)) in row.texts.iter().zip(place.columns) {
        let Some(text) = text else {
            texts.push(None);
            continue;
        };
        let cleaned = match kind {
            Text::Written if row.is_own => person.out_of(text),
            Text::WrittenJson if row.is_own => person.out_of_json(text, true),
            Text::Written | Text::WrittenJson => None,
            Text::Told => person.out_of_told(text),
            Text::Answered => person.out_of(text),
            Text::Copied if row.is_own && *column == "changes" => {
                let data = row.texts.first().and_then(Option::as_deref).unwrap_or_default();
                let theirs = person.is_account_in(data);
                theirs.then(|| person.out_of_own_changes(text)).flatten()
            }
            Text::Copied => person.out_of_json(text, named),
        };
        changed |= cleaned.is_some();
        texts.push(Some(cleaned.unwrap_or_else(|| text.clone())));
    }
    if !changed {
        return Ok(());
    }
    sql::rewrite(w, place, &row.key, &texts)?;
    if place.then == Then::Nothing {
        return Ok(());
    }
    let id = sql::id_of(w, place, &row.key)?;
    match place.then {
        Then::Nothing => Ok(()),
        Then::IndexTicket => tickets::text_changed(w, job.tenant, id),
        Then::IndexComment => comments::text_changed(w, job.tenant, id),
        Then::IndexArticle => articles::text_changed(w, job.tenant, id),
    }
}
