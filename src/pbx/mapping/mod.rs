//! What Asterisk's events mean for calls and agents: pure, with what must be remembered between
//! them.
//!
//! A call is what joined a queue, or what we had dialled; its name is the `Linkedid`. The channel
//! of its caller is the `Uniqueid` of the queue's events, which may be another (a `Local` channel
//! has two halves), and whose `Hangup` is the end. Events that come twice are said once where they
//! carry the PBX's own time; events that come out of order lead to the same.

mod kept;
mod members;
mod snapshot;
#[cfg(test)]
mod tests;

pub use members::{Member, OURS, Pause};
pub use snapshot::{Listed, Snapshot};

use super::ami::Message;
use kept::Kept;
use members::Members;

/// Calls remembered of one connection, those that have ended included; the oldest are forgotten,
/// and what is left of them in the database ends by the next snapshot.
const CALLS_MAX: usize = 10_000;

/// Channels remembered that hung up without being known for a caller's, and calls of which
/// something was said before they were known; the oldest are forgotten. They matter only when one
/// event overtakes another.
const EARLY_MAX: usize = 2_000;

/// What is remembered of one of those; more is not.
const EARLY_OF_ONE_MAX: usize = 8;

/// Signals of one call remembered, to know one that comes again; the oldest are forgotten, and a
/// repetition of those is known by the calls themselves.
const SAID_MAX: usize = 64;

/// Longest text that is taken from an event, characters; the rest is cut.
const TEXT_MAX: usize = 100;

/// How the names of calls begin that we had dialled.
pub const DIALLED: &str = "deskbell-";

/// One thing that happened to a call. Agents are named by their extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Somebody waits in a queue.
    Incoming {
        /// Who calls.
        from_number: Option<String>,
        /// Their name, where the network tells it.
        from_name: Option<String>,
        /// What they dialled.
        to_number: Option<String>,
        /// Where they wait.
        queue: Option<String>,
    },
    /// It is offered to an agent.
    Ringing {
        /// Which offer, of several.
        offer: String,
        /// To whom.
        extension: Option<String>,
    },
    /// An offer was not taken.
    OfferMissed {
        /// Which offer.
        offer: String,
        /// By whom.
        extension: Option<String>,
        /// After how long.
        ring_ms: Option<i64>,
    },
    /// An agent and the other side speak.
    Answered {
        /// Which offer.
        offer: String,
        /// Who.
        extension: Option<String>,
    },
    /// One side waits with music.
    Held,
    /// They speak again.
    Resumed,
    /// The caller was handed on.
    Transferred {
        /// To this number, which may be an agent's extension.
        to_number: Option<String>,
        /// By this agent, who leaves.
        extension: Option<String>,
        /// Whether the agent spoke with whoever takes it before.
        is_announced: bool,
    },
    /// An agent's part is over.
    PartEnded {
        /// Whose.
        extension: Option<String>,
    },
    /// The caller gave up.
    Abandoned,
    /// It is over.
    Ended {
        /// Whether the agent's telephone, or the other side, could not be reached when we dialled.
        failed: bool,
    },
}

/// What an event came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Something happened to a call.
    Call {
        /// Its name at the PBX.
        call: String,
        /// When, milliseconds since the Unix epoch.
        at: i64,
        /// What.
        what: What,
    },
    /// A member of queues was paused in all of theirs, or not any more.
    Member(Member),
}

/// One thing said of a call: its name, when, and what.
type Said = (String, i64, What);

/// What is remembered of a call.
#[derive(Debug, Default)]
struct Call {
    caller: Option<String>,
    /// Its channels, where the caller's own is not known: after a restart of ours.
    channels: Vec<String>,
    said: Vec<(i64, What)>,
    has_ended: bool,
    /// Heard of since the connection was made.
    is_fresh: bool,
}

/// What is remembered of one PBX.
#[derive(Debug)]
pub struct Mapping {
    calls: Kept<Call>,
    /// Which call a caller's channel is.
    callers: Kept<String>,
    /// When channels that were nobody's hung up.
    gone: Kept<i64>,
    /// What was said of calls before they were known for one.
    early: Kept<Vec<(i64, What)>>,
    members: Members,
}

impl Default for Mapping {
    fn default() -> Self {
        Self {
            calls: Kept::new(CALLS_MAX),
            callers: Kept::new(CALLS_MAX),
            gone: Kept::new(EARLY_MAX),
            early: Kept::new(EARLY_MAX),
            members: Members::default(),
        }
    }
}

impl Mapping {
    /// A connection begins: what is heard from now on is fresh.
    pub fn connected(&mut self) {
        self.calls.values_mut().for_each(|call| call.is_fresh = false);
    }

    /// What an event means. `now` is when it arrived, and counts where it carries no time.
    pub fn hear(&mut self, event: &Message, now: i64) -> Vec<Told> {
        let at = event.get("Timestamp").and_then(timestamp_ms).unwrap_or(now);
        let told = match event.event().unwrap_or_default() {
            "QueueCallerJoin" | "AgentCalled" | "AgentRingNoAnswer" | "AgentConnect"
            | "AgentComplete" | "QueueCallerAbandon" => self.of_queue(event, at),
            "Hold" => self.of_any(event.said("Linkedid"), at, What::Held),
            "Unhold" => self.of_any(event.said("Linkedid"), at, What::Resumed),
            "BlindTransfer" => {
                let by = event.said("TransfererChannel");
                self.transferred(event, at, (by, text(event, "Extension"), false))
            }
            "AttendedTransfer" => {
                let to = event.said("TransferTargetChannel").and_then(extension_of_channel);
                let to = to.or_else(|| text(event, "TransferTargetCallerIDNum"));
                self.transferred(event, at, (event.said("OrigTransfererChannel"), to, true))
            }
            "DialEnd" => dialled(event, at),
            "OriginateResponse" => originated(event, at),
            "Hangup" => self.hung_up(event, at),
            _ => return self.members.hear(event, at).into_iter().map(Told::Member).collect(),
        };
        told.into_iter().filter_map(|said| self.say(said)).collect()
    }

    /// An event of a queue names the call and the caller's channel.
    fn of_queue(&mut self, event: &Message, at: i64) -> Vec<Said> {
        let (Some(call), Some(caller)) = (event.said("Linkedid"), event.said("Uniqueid")) else {
            return Vec::new();
        };
        let mut all = vec![(call.to_owned(), at, queued(event))];
        call.clone_into(self.callers.entry(caller));
        self.calls.entry(call).caller = Some(caller.to_owned());
        // What was here before this event, because it overtook it.
        let early = std::mem::take(self.early.entry(call));
        all.extend(early.into_iter().map(|(at, what)| (call.to_owned(), at, what)));
        if let Some(gone) = self.gone.get(caller) {
            all.push((call.to_owned(), *gone, What::Ended { failed: false }));
        }
        all
    }

    /// Something said of what may be a call, or may turn out to be one.
    fn of_any(&mut self, linked: Option<&str>, at: i64, what: What) -> Vec<Said> {
        let Some(linked) = linked else { return Vec::new() };
        if linked.starts_with(DIALLED) || self.calls.get(linked).is_some() {
            return vec![(linked.to_owned(), at, what)];
        }
        let early = self.early.entry(linked);
        if early.len() < EARLY_OF_ONE_MAX {
            early.push((at, what));
        }
        Vec::new()
    }

    /// A transfer that succeeded, if it is the caller who is handed on: `Linkedid` may have changed
    /// since, their channel has not.
    fn transferred(
        &mut self,
        event: &Message,
        at: i64,
        (by, to_number, is_announced): (Option<&str>, Option<String>, bool),
    ) -> Vec<Said> {
        let done = event.get("Result").is_none_or(|result| result == "Success");
        let Some(caller) = event.said("TransfereeUniqueid").filter(|_| done) else {
            return Vec::new();
        };
        let extension = by.and_then(extension_of_channel);
        let what = What::Transferred { to_number, extension, is_announced };
        match self.callers.get(caller) {
            Some(call) => vec![(call.clone(), at, what)],
            None => {
                let linked = event.said("TransfereeLinkedid");
                let is_other = linked.and_then(|call| self.calls.get(call)).is_some();
                if is_other { Vec::new() } else { self.of_any(linked, at, what) }
            }
        }
    }

    /// The end of a channel is the end of a call if it is the caller's, or the last of one whose
    /// caller is not known.
    fn hung_up(&mut self, event: &Message, at: i64) -> Vec<Said> {
        let Some(channel) = event.said("Uniqueid") else { return Vec::new() };
        let ended = |call: &str| vec![(call.to_owned(), at, What::Ended { failed: false })];
        if channel.starts_with(DIALLED) {
            return ended(channel);
        }
        if let Some(call) = self.callers.get(channel) {
            return ended(call);
        }
        *self.gone.entry(channel) = at;
        let Some(name) = event.said("Linkedid") else { return Vec::new() };
        if self.calls.get(name).is_none_or(|call| call.channels.is_empty()) {
            return Vec::new();
        }
        let left = &mut self.calls.entry(name).channels;
        left.retain(|other| other != channel);
        if left.is_empty() { ended(name) } else { Vec::new() }
    }

    /// Says it, unless exactly that was said before.
    fn say(&mut self, (name, at, what): Said) -> Option<Told> {
        let call = self.calls.entry(&name);
        call.is_fresh = true;
        call.has_ended |= matches!(what, What::Ended { .. });
        let said = (at, what);
        if call.said.contains(&said) {
            return None;
        }
        if call.said.len() >= SAID_MAX {
            call.said.remove(0);
        }
        call.said.push(said.clone());
        Some(Told::Call { call: name, at, what: said.1 })
    }
}

/// What an event of a queue says of its call.
fn queued(event: &Message) -> What {
    let offer = || text(event, "DestUniqueid").unwrap_or_default();
    let extension = || event.said("Interface").and_then(extension_of_interface);
    match event.event().unwrap_or_default() {
        "AgentCalled" => What::Ringing { offer: offer(), extension: extension() },
        "AgentRingNoAnswer" => What::OfferMissed {
            offer: offer(),
            extension: extension(),
            // Milliseconds here; `AgentConnect` has seconds under the same name.
            ring_ms: event.get("RingTime").and_then(|ms| ms.parse().ok()),
        },
        "AgentConnect" => What::Answered { offer: offer(), extension: extension() },
        "AgentComplete" => What::PartEnded { extension: extension() },
        "QueueCallerAbandon" => What::Abandoned,
        _ => What::Incoming {
            from_number: text(event, "CallerIDNum"),
            from_name: text(event, "CallerIDName"),
            to_number: text(event, "Exten"),
            queue: text(event, "Queue"),
        },
    }
}

/// The other side of a call that we had dialled has answered. Without a `Uniqueid` it is the
/// agent's own telephone that was called.
fn dialled(event: &Message, at: i64) -> Vec<Said> {
    let call = event.said("Linkedid").filter(|call| call.starts_with(DIALLED));
    let is_answered = event.get("DialStatus") == Some("ANSWER");
    match (call, event.said("Uniqueid"), is_answered) {
        (Some(call), Some(_), true) => {
            let extension = event.said("Channel").and_then(extension_of_channel);
            let offer = text(event, "DestUniqueid").unwrap_or_default();
            vec![(call.to_owned(), at, What::Answered { offer, extension })]
        }
        _ => Vec::new(),
    }
}

/// The agent's telephone could not be reached: the call that we wanted dialled is over.
fn originated(event: &Message, at: i64) -> Vec<Said> {
    let call = event.action_id().filter(|id| id.starts_with(DIALLED));
    match (call, event.get("Response")) {
        (Some(call), Some("Failure")) => {
            vec![(call.to_owned(), at, What::Ended { failed: true })]
        }
        _ => Vec::new(),
    }
}

/// A value in our bounds, without control characters.
fn text(event: &Message, key: &str) -> Option<String> {
    let plain = event.said(key)?.chars().filter(|c| !c.is_control()).take(TEXT_MAX);
    Some(plain.collect::<String>()).filter(|text| !text.is_empty())
}

/// `1795289025.043549`, seconds and microseconds since the Unix epoch, in milliseconds.
fn timestamp_ms(text: &str) -> Option<i64> {
    let (seconds, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if seconds.is_empty() || seconds.len() > 11 || !digits(seconds) || !digits(rest) {
        return None;
    }
    let ms: String = rest.chars().chain("000".chars()).take(3).collect();
    Some(seconds.parse::<i64>().ok()? * 1000 + ms.parse::<i64>().ok()?)
}

/// The extension of a queue's member: what stands between `/` and `@`. `Local/2001@agents/n`,
/// `PJSIP/2001`.
pub(super) fn extension_of_interface(interface: &str) -> Option<String> {
    let (_, rest) = interface.split_once('/')?;
    let name = rest.split(['@', '/']).next().filter(|name| !name.is_empty())?;
    Some(name.chars().take(TEXT_MAX).collect())
}

/// The same of a channel, which is an interface with a number behind it: `PJSIP/2001-0000001a`,
/// `Local/2001@agents-00000001;1`.
fn extension_of_channel(channel: &str) -> Option<String> {
    let (_, rest) = channel.split_once('/')?;
    let name = match rest.split_once('@') {
        Some((name, _)) => name,
        None => rest.rsplit_once('-').map_or(rest, |(name, _)| name),
    };
    (!name.is_empty()).then(|| name.chars().take(TEXT_MAX).collect())
}
