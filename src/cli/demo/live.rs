//! What goes on while the demonstration runs: somebody does something every few seconds.

use super::{
    cast::Cast,
    dice::Dice,
    furnish::Scene,
    play::{Files, Play, Stage},
    texts::{ARTICLES, Article},
};
use crate::{
    articles,
    db::{Db, Write},
    error::{Error, Result},
    event::Listener,
    id::EntityId,
};
use serde_json::json;
use std::sync::Arc;

/// Shortest and longest time between two acts.
const ACTS_EVERY_MS: (i64, i64) = (2_000, 5_000);

/// Most tickets; after that old ones are opened again instead.
const TICKETS_MAX: usize = 300;

/// Tickets that go on at a time; when there are so many, no other is begun.
const OPEN_MAX: usize = 18;

/// Of a hundred acts so many open a ticket, and so many change an article.
const OPENINGS: usize = 24;
const ARTICLE_CHANGES: usize = 7;

/// What may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Open,
    GoOn(usize),
    ComeBack(usize),
    Article(usize),
}

/// Tickets are opened, talked about and resolved, and articles changed, until the server stops.
pub(super) async fn acts(
    db: Db,
    cast: Arc<Cast>,
    (files, mut scene): (Arc<Files>, Scene),
    (mut dice, speed): (Dice, i64),
) {
    loop {
        let wait_ms = dice.between_ms(ACTS_EVERY_MS.0, ACTS_EVERY_MS.1) / speed;
        db.clock().sleep_ms(wait_ms).await;
        let next = scene.next(&mut dice);
        let (before, cast, files) = (scene.clone(), cast.clone(), files.clone());
        let dice = dice.fork();
        let job = db.write(move |w| {
            let mut stage = Stage { cast: &cast, files: &files, dice: dice.clone() };
            let mut after = before.clone();
            after.act(w, &mut stage, next)?;
            Ok(after)
        });
        match job.await {
            Ok(after) => scene = after,
            Err(Error::Busy(_) | Error::Full) => {}
            // Whoever looks at the demonstration has closed or deleted something, for instance.
            Err(e) => {
                tracing::debug!(error = %e, ?next, "an act of the demo was passed over");
                scene.give_up(next);
            }
        }
    }
}

impl Scene {
    fn next(&self, dice: &mut Dice) -> Next {
        let of = |is_over: bool| {
            let all = self.plays.iter().enumerate();
            all.filter(|(_, play)| play.is_over == is_over).map(|(at, _)| at).collect::<Vec<_>>()
        };
        let (going, over) = (of(false), of(true));
        let chance = dice.roll(100);
        if chance < ARTICLE_CHANGES && !self.articles.is_empty() {
            return Next::Article(dice.roll(self.articles.len()));
        }
        let begins = going.len() < OPEN_MAX && chance < ARTICLE_CHANGES + OPENINGS;
        match dice.one_of(&going) {
            Some(at) if !begins => Next::GoOn(*at),
            _ if self.plays.len() < TICKETS_MAX => Next::Open,
            _ => dice.one_of(&over).map_or(Next::Article(0), |at| Next::ComeBack(*at)),
        }
    }

    fn act(&mut self, w: &mut Write<'_>, stage: &mut Stage<'_>, next: Next) -> Result<()> {
        match next {
            Next::Open => {
                self.plays.extend(Play::open(w, stage, self.plays.len())?);
                Ok(())
            }
            Next::GoOn(at) => self.plays.get_mut(at).map_or(Ok(()), |play| play.go_on(w, stage)),
            Next::ComeBack(at) => {
                self.plays.get_mut(at).map_or(Ok(()), |play| play.come_back(w, stage))
            }
            Next::Article(at) => match (self.articles.get(at), ARTICLES.get(at)) {
                (Some(id), Some(text)) => change_article(w, stage, *id, text),
                _ => Ok(()),
            },
        }
    }

    fn give_up(&mut self, next: Next) {
        if let Next::GoOn(at) | Next::ComeBack(at) = next
            && let Some(play) = self.plays.get_mut(at)
        {
            play.is_over = true;
        }
    }
}

/// A draft is published, and a published article gets a paragraph or loses it.
fn change_article(
    w: &mut Write<'_>,
    stage: &mut Stage<'_>,
    id: EntityId,
    text: &Article,
) -> Result<()> {
    let Some(editor) = stage.dice.one_of(&stage.cast.agents) else { return Ok(()) };
    let who: Listener = editor.listener();
    let Some(now) = articles::visible(w, &who, id)? else { return Ok(()) };
    let longer = format!("{}\n\n{}", text.body, text.more);
    let wish = match now.status {
        articles::Status::Draft => json!({ "status": "published" }),
        _ if now.body == text.body => json!({ "body": longer }),
        _ => json!({ "body": text.body }),
    };
    let wish = serde_json::from_value(wish).map_err(Error::internal)?;
    articles::change(w, (who.tenant, id), &editor.actor(), &wish, None).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attachments::{Settings, Store},
        cli::demo::{furnish::furnish, play::testing},
        http::testing::House,
    };

    /// A beginning, and what follows in a quarter of an hour: nothing of that is refused.
    #[tokio::test]
    async fn the_story_goes_on_from_its_history_without_a_refusal() {
        let (house, folder) = (House::new(), crate::test_folder());
        let folder = folder.path().join("attachments");
        let store = Store::open(Settings { folder, key: [7; 64], refuse_below_bytes: 0 }).unwrap();
        let cast = house.write(|w| Cast::hire(w, "hash")).await;
        let files = Files::put(&store, &cast).await.unwrap();
        let mut dice = Dice::new().unwrap();
        house
            .write(move |w| {
                let mut stage = Stage { cast: &cast, files: &files, dice: dice.fork() };
                let (mut scene, _) = furnish(w, &mut stage, 1)?;
                assert!(scene.plays.len() >= 40 && scene.articles.len() >= 10);
                for _ in 0..300 {
                    w.now += dice.between_ms(ACTS_EVERY_MS.0, ACTS_EVERY_MS.1);
                    let next = scene.next(&mut dice);
                    scene.act(w, &mut stage, next)?;
                }
                assert!(scene.plays.len() > 60, "{}", scene.plays.len());
                Ok(())
            })
            .await;
    }

    /// However long it runs: no more tickets than said, no more of them open than said.
    #[test]
    fn the_demo_grows_to_a_bound_and_goes_on_within_it() {
        let mut dice = Dice::new().unwrap();
        let mut scene = Scene { plays: Vec::new(), articles: vec![EntityId::new(0)] };
        let (mut came_back, mut published) = (0, 0);
        for _ in 0..20_000 {
            match scene.next(&mut dice) {
                Next::Open => scene.plays.push(testing::play()),
                Next::GoOn(at) => scene.plays[at].is_over = dice.roll(6) == 0,
                Next::ComeBack(at) => {
                    came_back += 1;
                    scene.plays[at].is_over = false;
                }
                Next::Article(_) => published += 1,
            }
            let open = scene.plays.iter().filter(|play| !play.is_over).count();
            assert!(scene.plays.len() <= TICKETS_MAX && open <= OPEN_MAX, "{open}");
        }
        assert_eq!(scene.plays.len(), TICKETS_MAX);
        assert!(came_back > 1_000 && published > 500, "{came_back} {published}");
    }
}
