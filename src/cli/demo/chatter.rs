//! Chats of the demonstration: customers ask, and agents answer while they are there.

use super::{cast::Cast, dice::Dice, texts::Desk};
use crate::{
    chats::{self, messages},
    db::{Db, Write},
    error::{Error, OrNotFound as _, Result},
    http::Caller,
    id::EntityId,
};
use std::sync::Arc;

/// How often it is looked whether something is due, milliseconds.
const LOOK_EVERY_MS: i64 = 500;

/// A chat begins every so many milliseconds, on average, at speed 1.
const CHATS_EVERY_MS: i64 = 25_000;

/// Between two messages of a chat, shortest and longest.
const ANSWERS_MS: (i64, i64) = (4_000, 14_000);

/// Chats at a time; while there are so many, nobody begins another.
const OPEN_MAX: usize = 5;

/// Chats that begin while it runs: they are kept for good, so nobody begins one after that.
const CHATS_MAX: usize = 5_000;

const HOUR_MS: i64 = 3_600_000;

/// What is said, the customer first and then in turn.
const DIALOGUES: [&[&str]; 6] = [
    &[
        "Hi, is the small grinder back in stock?",
        "Hello! It comes in on Thursday. Shall I keep one for you?",
        "Yes please, the black one.",
        "Done. You get a mail as soon as it is here.",
        "Lovely, thank you!",
    ],
    &[
        "My order says delivered, but there is nothing here.",
        "Sorry to hear that. Let me look where it went.",
        "It was left with a neighbour, at number 14.",
        "Found it! Thanks for being so quick.",
    ],
    &[
        "Can I change the address of an order from this morning?",
        "If it has not left yet, gladly. What is the number of the order?",
        "4711",
        "You are lucky, it leaves tonight. Where should it go?",
        "To my office: 3 Mill Lane.",
        "Changed. It comes on Monday.",
    ],
    &[
        "How do I descale the machine? The light does not go off.",
        "Hold both buttons for five seconds when it is done; that resets the counter.",
        "That worked, thanks!",
    ],
    &[
        "The invoice has the wrong VAT number on it.",
        "I can have it written anew. Which one is right?",
        "It is in my account, under billing.",
        "I see it. The new invoice is on its way to you.",
    ],
    &[
        "Do you take back opened beans?",
        "If you do not like them, yes, within two weeks.",
        "Good to know. I will think about it.",
    ],
];

/// One chat, and how far it is.
#[derive(Debug, Clone)]
struct Talk {
    chat: EntityId,
    customer: usize,
    dialogue: usize,
    said: usize,
    due_at: i64,
}

/// All chats that go on. A clone goes on in the same way.
#[derive(Debug, Clone)]
pub(super) struct Chatter {
    dice: Dice,
    speed: i64,
    talks: Vec<Talk>,
    next_at: i64,
    begun: usize,
}

impl Chatter {
    /// Nobody talks yet.
    pub(super) fn new(dice: Dice, speed: i64) -> Self {
        Self { dice, speed, talks: Vec::new(), next_at: 0, begun: 0 }
    }

    /// Chats of the last hours, from their beginning to their end.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) fn past(&mut self, w: &mut Write<'_>, cast: &Cast) -> Result<()> {
        let (now, chats) = (w.now, i64::try_from(DIALOGUES.len()).unwrap_or(0));
        for ago in (1..=chats).rev() {
            w.now = now - ago * HOUR_MS;
            self.begin(w, cast)?;
            while let Some(due_at) = self.talks.first().map(|talk| talk.due_at) {
                w.now = due_at;
                self.go_on(w, cast)?;
            }
        }
        (w.now, self.next_at, self.begun) = (now, 0, 0);
        Ok(())
    }

    fn is_due(&self, now: i64) -> bool {
        self.next_at <= now || self.talks.iter().any(|talk| talk.due_at <= now)
    }

    /// Begins what is due, and says what is due.
    fn act(&mut self, w: &mut Write<'_>, cast: &Cast) -> Result<()> {
        if self.next_at <= w.now {
            let wait = self.dice.between_ms(CHATS_EVERY_MS / 3, CHATS_EVERY_MS * 5 / 3);
            self.next_at = w.now + wait / self.speed;
            if self.talks.len() < OPEN_MAX && self.begun < CHATS_MAX {
                self.begin(w, cast)?;
            }
        }
        self.go_on(w, cast)
    }

    fn begin(&mut self, w: &mut Write<'_>, cast: &Cast) -> Result<()> {
        let customer = self.dice.roll(cast.customers.len());
        let dialogue = self.begun % DIALOGUES.len();
        let (Some(who), Some(first)) = (cast.customers.get(customer), line(dialogue, 0)) else {
            return Ok(());
        };
        let new = chats::New {
            body: first.to_owned(),
            client_msg_id: None,
            customer_id: None,
            team_id: cast.team(Desk::Orders),
        };
        let chat = chats::begin(w, who, &new)?.id;
        self.begun += 1;
        let due_at = w.now + self.answer_ms();
        self.talks.push(Talk { chat, customer, dialogue, said: 1, due_at });
        Ok(())
    }

    /// The next line of every chat whose time has come, or its end.
    fn go_on(&mut self, w: &mut Write<'_>, cast: &Cast) -> Result<()> {
        for at in 0..self.talks.len() {
            let Some(talk) = self.talks.get(at).filter(|talk| talk.due_at <= w.now).cloned() else {
                continue;
            };
            let due_at = w.now + self.answer_ms();
            say(w, cast, &talk, &mut self.dice)?;
            if let Some(talk) = self.talks.get_mut(at) {
                (talk.said, talk.due_at) = (talk.said + 1, due_at);
            }
        }
        self.talks.retain(|talk| talk.said <= DIALOGUES.get(talk.dialogue).map_or(0, |d| d.len()));
        Ok(())
    }

    fn answer_ms(&mut self) -> i64 {
        (self.dice.between_ms(ANSWERS_MS.0, ANSWERS_MS.1) / self.speed).max(1)
    }
}

fn line(dialogue: usize, number: usize) -> Option<&'static str> {
    DIALOGUES.get(dialogue)?.get(number).copied()
}

/// Says the next line of a chat; after the last one its agent ends it.
fn say(w: &mut Write<'_>, cast: &Cast, talk: &Talk, dice: &mut Dice) -> Result<()> {
    let customer = cast.customers.get(talk.customer).or_not_found("customer")?;
    let text = line(talk.dialogue, talk.said);
    if let Some(text) = text.filter(|_| talk.said.is_multiple_of(2)) {
        return write(w, customer, talk.chat, text);
    }
    let chat = chats::find(w, cast.tenant, talk.chat)?.or_not_found("chat")?;
    let assigned = chat.assignee_id.and_then(|user| cast.at_telephone(user));
    let agent = assigned.or_else(|| dice.one_of(&cast.agents)).or_not_found("agent")?;
    if assigned.is_none() {
        chats::assign(w, agent, talk.chat, (Some(agent.user), None))?;
    }
    match text {
        Some(text) => write(w, agent, talk.chat, text),
        None => chats::close(w, agent, talk.chat, None).map(|_| ()),
    }
}

fn write(w: &mut Write<'_>, who: &Caller, chat: EntityId, text: &str) -> Result<()> {
    let draft = messages::Draft { body: text.to_owned(), client_msg_id: None };
    messages::write(w, who, chat, &draft).map(|_| ())
}

/// Customers and agents write to each other until the server stops.
pub(super) async fn live(db: Db, cast: Arc<Cast>, mut chatter: Chatter) {
    loop {
        db.clock().sleep_ms(LOOK_EVERY_MS).await;
        if !chatter.is_due(db.clock().now_ms()) {
            continue;
        }
        let (before, cast) = (chatter.clone(), cast.clone());
        let job = db.write(move |w| {
            let mut after = before.clone();
            after.act(w, &cast)?;
            Ok(after)
        });
        match job.await {
            Ok(after) => chatter = after,
            Err(Error::Busy(_) | Error::Full) => {}
            // Whoever looks at the demonstration has closed a chat, for instance.
            Err(e) => {
                tracing::debug!(error = %e, "chats of the demo were given up");
                chatter.talks.clear();
            }
        }
    }
}
