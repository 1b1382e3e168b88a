//! One ticket of the demonstration from act to act: it is opened, taken, talked about, resolved,
//! and perhaps opened again.

use super::{
    cast::Cast,
    dice::Dice,
    texts::{AGAIN, FILES, Line, Story, story},
};
use crate::{
    attachments::{self, Received, Store, Target},
    comments,
    db::Write,
    error::{Error, OrNotFound as _, Result},
    http::Caller,
    id::EntityId,
    tickets::{self, Edit, Hand, Status, Ticket, Visibility},
};
use bytes::Bytes;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Comments on a ticket, after which nothing is said on it any more.
const COMMENTS_MAX: i64 = 24;

/// A ticket, and how far its story is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Play {
    ticket: EntityId,
    story: usize,
    customer: usize,
    /// Acts that are over: taking it is the first, then one a line, resolving it the last.
    acts: usize,
    /// Whether no more is to be told of it.
    pub(super) is_over: bool,
}

/// The files that customers send, pinned as long as the demonstration runs.
pub(super) struct Files {
    store: Store,
    received: Vec<Received>,
}

impl Files {
    /// Puts them where attachments lie.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) async fn put(store: &Store, cast: &Cast) -> Result<Arc<Self>> {
        let mut under_way = JoinSet::new();
        // Of several people, because one may not send so many at a time.
        for ((name, text), who) in FILES.iter().zip(cast.customers.iter().cycle()) {
            let (store, place) = (store.clone(), store.admit(who.user)?);
            let body = format!(
                "--deskbell\r\ncontent-disposition: form-data; name=\"file\"; \
                 filename=\"{name}\"\r\n\r\n{text}\r\n--deskbell--\r\n"
            );
            under_way.spawn(async move {
                let whole = [Ok::<_, std::io::Error>(Bytes::from(body))];
                let mut body = futures_util::stream::iter(whole);
                let kind = "multipart/form-data; boundary=deskbell";
                attachments::upload::receive(&store, place, kind, &mut body).await
            });
        }
        let mut received = Vec::with_capacity(FILES.len());
        while let Some(file) = under_way.join_next().await {
            received.push(file.map_err(Error::internal)??);
        }
        Ok(Arc::new(Self { store: store.clone(), received }))
    }
}

/// What every act needs.
pub(super) struct Stage<'a> {
    pub(super) cast: &'a Cast,
    pub(super) files: &'a Files,
    pub(super) dice: Dice,
}

impl Play {
    /// A customer opens a ticket about the story of that number; none when nobody is there.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) fn open(
        w: &mut Write<'_>,
        stage: &mut Stage<'_>,
        number: usize,
    ) -> Result<Option<Self>> {
        let customer = stage.dice.roll(stage.cast.customers.len());
        let (Some(who), Some(told)) = (stage.cast.customers.get(customer), story(number)) else {
            return Ok(None);
        };
        let order = 4_000 + stage.dice.roll(5_000);
        let text = |text: &str| text.replace("{n}", &order.to_string());
        let new = tickets::New {
            subject: text(told.subject),
            description: text(told.description),
            priority: Some(told.priority),
            team_id: told.desk.and_then(|desk| stage.cast.team(desk)),
            ..tickets::New::default()
        };
        let ticket = tickets::create(w, &Hand::of(who), &new.checked()?)?.id;
        Ok(Some(Self { ticket, story: number, customer, acts: 0, is_over: false }))
    }

    /// The next act. One that changes nothing, because somebody else was there first, is passed
    /// over.
    ///
    /// # Errors
    /// When somebody else has closed or deleted the ticket, or the database refuses.
    pub(super) fn go_on(&mut self, w: &mut Write<'_>, stage: &mut Stage<'_>) -> Result<()> {
        let Some(told) = story(self.story) else { return self.end() };
        let ticket = tickets::find(w, stage.cast.tenant, self.ticket)?.or_not_found("ticket")?;
        let Some(agent) = stage.cast.agent(ticket.assignee_id).or_else(|| {
            let members = &stage.cast.agents;
            members.get(stage.dice.roll(members.len()))
        }) else {
            return self.end();
        };
        let act = self.acts;
        self.acts += 1;
        match (act, told.lines.get(act.saturating_sub(1))) {
            (0, _) => take(w, agent, &ticket, told),
            (_, Some(line)) => self.say(w, stage, (&ticket, agent), line),
            (_, None) => {
                self.is_over = true;
                change(w, agent, &ticket, Status::Resolved)
            }
        }
    }

    /// What was over goes on: the customer comes back with it, or, when all has been said, an
    /// agent opens it again.
    ///
    /// # Errors
    /// When somebody else has deleted the ticket, or the database refuses.
    pub(super) fn come_back(&mut self, w: &mut Write<'_>, stage: &mut Stage<'_>) -> Result<()> {
        let ticket = tickets::find(w, stage.cast.tenant, self.ticket)?.or_not_found("ticket")?;
        let supervisor = Hand::of(&stage.cast.supervisor);
        let ticket = match ticket.status {
            Status::Closed => tickets::reopen(w, &supervisor, ticket.id, None)?,
            _ => ticket,
        };
        // The last line is told again, and then it is resolved.
        let lines = story(self.story).map_or(0, |told| told.lines.len());
        self.is_over = false;
        self.acts = if ticket.comment_count < COMMENTS_MAX { lines } else { lines + 1 };
        match (stage.cast.customers.get(self.customer), stage.dice.one_of(&AGAIN)) {
            (Some(customer), Some(text)) if ticket.comment_count < COMMENTS_MAX => {
                comment(w, customer, &ticket, (text, Visibility::Public))
            }
            _ => tickets::reopen(w, &supervisor, ticket.id, None).map(|_| ()),
        }
    }

    /// Closes it for good, days after it was resolved.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) fn close(&self, w: &mut Write<'_>, cast: &Cast) -> Result<()> {
        let ticket = tickets::find(w, cast.tenant, self.ticket)?.or_not_found("ticket")?;
        change(w, &cast.supervisor, &ticket, Status::Closed)
    }

    fn end(&mut self) -> Result<()> {
        self.is_over = true;
        Ok(())
    }

    fn say(
        &self,
        w: &mut Write<'_>,
        stage: &Stage<'_>,
        (ticket, agent): (&Ticket, &Caller),
        line: &Line,
    ) -> Result<()> {
        let Some(customer) = stage.cast.customers.get(self.customer) else { return Ok(()) };
        match line {
            Line::Customer(text) => comment(w, customer, ticket, (text, Visibility::Public)),
            Line::Note(text) => comment(w, agent, ticket, (text, Visibility::Internal)),
            Line::Agent(text) => {
                comment(w, agent, ticket, (text, Visibility::Public))?;
                let told = story(self.story).and_then(|told| told.lines.get(self.acts - 1));
                let answered = matches!(told, Some(Line::Customer(_)));
                if answered { change(w, agent, ticket, Status::Pending) } else { Ok(()) }
            }
            Line::File(name) => {
                let files = &stage.files;
                let file = files.received.iter().find(|file| file.filename == **name);
                let to = Target { kind: attachments::ParentType::Ticket, id: ticket.id };
                let Some(file) = file else { return Ok(()) };
                attachments::add(w, &files.store, customer, to, file).map(|_| ())
            }
        }
    }
}

/// An agent begins to work on it.
fn take(w: &mut Write<'_>, agent: &Caller, ticket: &Ticket, told: &Story) -> Result<()> {
    let edit = Edit {
        assignee_id: ticket.assignee_id.is_none().then_some(Some(agent.user)),
        status: Some(Status::InProgress),
        add_tags: told.tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..Edit::default()
    };
    tickets::change(w, &Hand::of(agent), ticket.id, &edit.checked()?).map(|_| ())
}

fn change(w: &mut Write<'_>, who: &Caller, ticket: &Ticket, status: Status) -> Result<()> {
    let edit = Edit { status: Some(status), ..Edit::default() };
    tickets::change(w, &Hand::of(who), ticket.id, &edit).map(|_| ())
}

fn comment(
    w: &mut Write<'_>,
    who: &Caller,
    ticket: &Ticket,
    (body, visibility): (&str, Visibility),
) -> Result<()> {
    let new = comments::New {
        body: body.to_owned(),
        visibility: Some(visibility),
        format: None,
        mentions: Vec::new(),
    };
    comments::create(w, who, ticket.id, &new).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::{Arc, Cast, Files, Play, Stage, Status, story, tickets};
    use crate::{
        attachments::{Settings, Store},
        cli::demo::dice::Dice,
        http::testing::House,
    };

    /// A house with everybody who plays, and the files they hand round.
    async fn troupe() -> (House, Cast, Arc<Files>) {
        let (house, folder) = (House::new(), crate::test_folder());
        let folder = folder.path().join("attachments");
        let store = Store::open(Settings { folder, key: [7; 64], refuse_below_bytes: 0 }).unwrap();
        let cast = house.write(|w| Cast::hire(w, "hash")).await;
        let files = Files::put(&store, &cast).await.unwrap();
        (house, cast, files)
    }

    /// Every story runs from its beginning to its end, twice, and asks for nothing that is refused.
    #[tokio::test]
    async fn every_story_can_be_told_to_its_end_and_begun_again() {
        let (house, cast, files) = troupe().await;
        house
            .write(move |w| {
                let dice = Dice::new()?;
                let mut stage = Stage { cast: &cast, files: &files, dice };
                for number in 0..26 {
                    let mut play = Play::open(w, &mut stage, number)?.unwrap();
                    for _ in 0..2 {
                        while !play.is_over {
                            play.go_on(w, &mut stage)?;
                        }
                        let ticket = tickets::find(w, cast.tenant, play.ticket)?.unwrap();
                        assert_eq!(ticket.status, Status::Resolved, "{number}");
                        assert!(ticket.comment_count >= 2, "{number}");
                        play.close(w, &cast)?;
                        play.come_back(w, &mut stage)?;
                        let ticket = tickets::find(w, cast.tenant, play.ticket)?.unwrap();
                        assert!(!ticket.status.is_over() && !play.is_over, "{number}");
                    }
                    assert!(story(number).is_some());
                }
                Ok(())
            })
            .await;
    }

    /// However often it comes back: what is said on one ticket has an end.
    #[tokio::test]
    async fn a_ticket_that_comes_back_for_ever_does_not_grow_for_ever() {
        let (house, cast, files) = troupe().await;
        house
            .write(move |w| {
                let dice = Dice::new()?;
                let mut stage = Stage { cast: &cast, files: &files, dice };
                let mut play = Play::open(w, &mut stage, 0)?.unwrap();
                for _ in 0..60 {
                    while !play.is_over {
                        play.go_on(w, &mut stage)?;
                    }
                    play.come_back(w, &mut stage)?;
                }
                let ticket = tickets::find(w, cast.tenant, play.ticket)?.unwrap();
                let said = ticket.comment_count + ticket.staff.internal_note_count;
                assert!((20..80).contains(&said), "{said}");
                Ok(())
            })
            .await;
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::{EntityId, Play};

    /// One that has just begun.
    pub(in crate::cli::demo) fn play() -> Play {
        Play { ticket: EntityId::new(0), story: 0, customer: 0, acts: 0, is_over: false }
    }
}
