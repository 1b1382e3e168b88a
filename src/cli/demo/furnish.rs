//! What the demonstration begins with: a house with people, rules and texts, and a week behind it.

use super::{
    cast::Cast,
    dice::Dice,
    floor::{self, Floor},
    play::{Play, Stage},
    texts::{ARTICLES, CATEGORIES},
};
use crate::{
    articles,
    db::Write,
    error::{Error, Result},
    id::EntityId,
    notifications,
    tickets::{
        kept::{self, Macro, Tool, View},
        sla::{Calendar, Policy},
    },
};
use serde_json::{Value, json};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Tickets in the history that are over, and how long ago the first of them was opened.
const PAST: usize = 28;
const PAST_MS: i64 = 6 * 24 * HOUR_MS;

/// Tickets in the history that go on, and how long ago the first of them was opened.
const PRESENT: usize = 12;
const PRESENT_MS: i64 = 5 * HOUR_MS;

/// Resolved tickets are closed after this.
const CLOSED_AFTER_MS: i64 = 24 * HOUR_MS;

/// What was said before that has been read by everybody.
const UNREAD_MS: i64 = 45 * MINUTE_MS;

/// What the demonstration goes on with.
#[derive(Debug, Clone, Default)]
pub(super) struct Scene {
    pub(super) plays: Vec<Play>,
    pub(super) articles: Vec<EntityId>,
}

/// Rules, texts, and a history that ends now. The floor goes on at that speed.
///
/// # Errors
/// When the database refuses.
pub(super) fn furnish(
    w: &mut Write<'_>,
    stage: &mut Stage<'_>,
    speed: i64,
) -> Result<(Scene, Floor)> {
    let now = w.now;
    w.now = now - PAST_MS - HOUR_MS;
    keep_tools(w, stage.cast)?;
    let articles = write_articles(w, stage.cast)?;
    w.now = now;
    let floor = floor::week(w, stage.cast, stage.dice.fork(), speed)?;
    let mut plays = Vec::with_capacity(PAST + PRESENT);
    let mut read = false;
    for (at, what) in timetable(now, &mut stage.dice) {
        if at > now - UNREAD_MS && !read {
            read = true;
            everybody_has_read(w, stage.cast)?;
        }
        w.now = at;
        match what {
            Act::Open(number) => plays.extend(Play::open(w, stage, number)?),
            Act::GoOn(number) => {
                if let Some(play) = plays.get_mut(number).filter(|play| !play.is_over) {
                    play.go_on(w, stage)?;
                }
            }
            Act::Close(number) => {
                if let Some(play) = plays.get(number) {
                    play.close(w, stage.cast)?;
                }
            }
        }
    }
    w.now = now;
    Ok((Scene { plays, articles }, floor))
}

/// An act of the history: of the play of that number, in the order in which they were opened.
enum Act {
    Open(usize),
    GoOn(usize),
    Close(usize),
}

/// When each act of the history was, in order.
fn timetable(now: i64, dice: &mut Dice) -> Vec<(i64, Act)> {
    let spread = |count: usize, over_ms: i64, until_ms: i64| {
        let count = i64::try_from(count).unwrap_or(1);
        (0..count).map(move |n| now - until_ms - over_ms * (count - n) / count)
    };
    let past = spread(PAST, PAST_MS - PRESENT_MS, PRESENT_MS);
    let present = spread(PRESENT, PRESENT_MS - 8 * MINUTE_MS, 4 * MINUTE_MS);
    let mut acts = Vec::new();
    for (number, opened) in past.chain(present).enumerate() {
        acts.push((opened, Act::Open(number)));
        let mut at = opened;
        // The longest story has seven acts.
        for act in 0..7 {
            let gap = match act {
                0 => (3, 25),
                _ if number < PAST => (9, 35),
                _ => (20, 90),
            };
            at += dice.between_ms(gap.0 * MINUTE_MS, gap.1 * MINUTE_MS);
            acts.push((at, Act::GoOn(number)));
        }
        acts.push((at + CLOSED_AFTER_MS, Act::Close(number)));
    }
    acts.retain(|(at, _)| *at < now);
    acts.sort_by_key(|(at, _)| *at);
    acts
}

fn everybody_has_read(w: &Write<'_>, cast: &Cast) -> Result<()> {
    cast.staff().try_for_each(|who| notifications::forget(w, cast.tenant, who.user))
}

fn keep<T: Tool>(w: &mut Write<'_>, cast: &Cast, all: &[Value]) -> Result<Vec<EntityId>> {
    let who = cast.supervisor.listener();
    all.iter().map(|sent| kept::create::<T>(w, &who, sent).map(|kept| kept.id)).collect()
}

/// Opening hours, promises, answers that come often, and lists that are looked at often.
fn keep_tools(w: &mut Write<'_>, cast: &Cast) -> Result<()> {
    keep::<Policy>(
        w,
        cast,
        &[json!({
            "name": "What we promise",
            "first_response_minutes": { "urgent": 30, "high": 120, "normal": 480, "low": 1440 },
            "resolution_minutes": { "urgent": 240, "high": 1440, "normal": 4320, "low": 7200 },
        })],
    )?;
    let day = json!(["08:00", "18:00"]);
    keep::<Calendar>(
        w,
        cast,
        &[json!({
            "name": "Office hours", "timezone": "Europe/Berlin",
            "hours": { "monday": [day], "tuesday": [day], "wednesday": [day], "thursday": [day],
                "friday": [day] },
        })],
    )?;
    keep::<Macro>(
        w,
        cast,
        &[
            json!({ "name": "Ask for the serial number", "changes": { "status": "pending" },
                "text": "Hello {{requester.name}},\n\ncould you tell me the serial number? It \
                    stands under the base.\n\n{{agent.name}}" }),
            json!({ "name": "Send a spare part", "changes": { "add_tags": ["spare part"] },
                "text": "Hello {{requester.name}},\n\nthe part leaves today, free of charge.\n\n\
                    {{agent.name}}" }),
            json!({ "name": "Solved", "changes": { "status": "resolved" },
                "text": "I am glad it works again. If not, just answer here.\n\n{{agent.name}}" }),
            json!({ "name": "Make it urgent", "changes": { "priority": "urgent" } }),
        ],
    )?;
    keep::<View>(
        w,
        cast,
        &[
            json!({ "name": "Waiting for us", "shared": "all",
                "filters": { "status": "open,in_progress" } }),
            json!({ "name": "Nobody's yet", "shared": "all", "filters": { "assignee": "none" } }),
        ],
    )?;
    Ok(())
}

fn write_articles(w: &mut Write<'_>, cast: &Cast) -> Result<Vec<EntityId>> {
    let from_json = |what: Value| serde_json::from_value(what).map_err(Error::internal);
    let mut categories = Vec::with_capacity(CATEGORIES.len());
    for (position, name) in CATEGORIES.iter().enumerate() {
        let wish = serde_json::from_value(json!({ "name": name, "position": position }));
        let wish: articles::CategoryWish = wish.map_err(Error::internal)?;
        categories.push(articles::create_category(w, cast.tenant, &wish)?.id);
    }
    let mut written = Vec::with_capacity(ARTICLES.len());
    for (article, author) in ARTICLES.iter().zip(cast.agents.iter().cycle()) {
        let wish = from_json(json!({
            "title": article.title, "excerpt": article.excerpt, "body": article.body,
            "category_id": categories.get(article.category), "tags": article.tags,
            "status": article.status, "visibility": article.visibility,
        }))?;
        written.push(articles::create(w, cast.tenant, &author.actor(), &wish)?.id);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_is_in_order_and_over_before_now() {
        let now = 1_000 * HOUR_MS;
        let acts = timetable(now, &mut Dice::new().unwrap());
        assert!(acts.is_sorted_by_key(|(at, _)| *at));
        assert!(acts.iter().all(|(at, _)| (now - PAST_MS..now).contains(at)));
        let opened = acts.iter().filter_map(|(_, act)| match act {
            Act::Open(number) => Some(*number),
            Act::GoOn(_) | Act::Close(_) => None,
        });
        assert!(opened.eq(0..PAST + PRESENT));
    }
}
