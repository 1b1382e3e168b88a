//! What clients ask of the hub, in whatever frames: rooms, signs, presence, newer credentials.

use crate::{
    auth::Role,
    event::Room,
    http::{Caller, Core, Via},
    hub::{Heard, Saying, Session, TOPICS_MAX, Verdict, Word},
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use std::sync::Arc;

/// Something asked of the hub.
#[derive(Debug)]
pub enum Ask {
    /// To be let into a room, and told what was said there since.
    Join(Join),
    /// To be let out of one.
    Leave(Box<str>),
    /// To tell the others in a room.
    Say(Word, Said),
    /// To be told who comes and goes, or not any more.
    Presence(bool),
    /// To go on with a newer token.
    Refresh(String),
}

/// `room.join`.
#[derive(Debug, Deserialize)]
pub struct Join {
    /// Which room.
    pub room: Box<str>,
    /// What was said in it after this `seq` comes first.
    pub since: Option<i64>,
    /// The history that `since` belongs to.
    pub epoch: Option<String>,
}

/// `typing` and `viewing`.
#[derive(Debug, Deserialize)]
pub struct Said {
    room: Box<str>,
    active: Option<bool>,
    visibility: Option<Visibility>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Visibility {
    Public,
    Internal,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub message: &'static str,
}

impl Refusal {
    const ROOM: Self = Self::new("room_refused", "there is no such room for you to join or leave");
    const NOT_THERE: Self = Self::new("not_in_room", "join the room first");
    /// As many rooms as there may be.
    pub const TOO_MANY: Self =
        Self::new("too_many_rooms", "128 rooms are joined already: leave one");
    const STAFF: Self = Self::new("forbidden", "who is here is for staff");
    const TOKEN: Self =
        Self::new("token_refused", "the token is not valid, or is of another sign-in");
    const FAILED: Self = Self::new("internal", "that could not be looked up: try again later");
    /// Two replays at once.
    pub const BUSY: Self = Self::new("resume_running", "a replay is already under way");

    pub(super) const fn new(code: &'static str, message: &'static str) -> Self {
        Self { code, message }
    }
}

#[derive(Deserialize)]
struct RoomNamed {
    room: Box<str>,
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

impl Ask {
    /// Reads what was said under this name; `None` when it is nothing of this kind.
    ///
    /// # Errors
    /// [`Refusal`] `bad_message`, which says what it takes.
    pub fn read(name: &str, payload: &RawValue) -> Option<Result<Self, Refusal>> {
        fn read<'a, T: Deserialize<'a>>(
            payload: &'a RawValue,
            takes: &'static str,
        ) -> Result<T, Refusal> {
            serde_json::from_str(payload.get()).map_err(|_| Refusal::new("bad_message", takes))
        }
        let says =
            "it takes {\"room\", \"active\"?: true, \"visibility\"?: \"public\"|\"internal\"}";
        Some(match name {
            "room.join" | "room.leave" => match read(payload, "") {
                Err(_) => Err(Refusal::ROOM),
                Ok(RoomNamed { room }) if name == "room.leave" => Ok(Self::Leave(room)),
                Ok(_) => {
                    let takes = "room.join takes {\"room\", \"since\"?: <seq>, \"epoch\"?}";
                    read(payload, takes).map(Self::Join)
                }
            },
            "typing" => read(payload, says).map(|said| Self::Say(Word::Typing, said)),
            "viewing" => read(payload, says).map(|said| Self::Say(Word::Viewing, said)),
            "presence.subscribe" => Ok(Self::Presence(true)),
            "presence.unsubscribe" => Ok(Self::Presence(false)),
            "auth.refresh" => read(payload, "auth.refresh takes {\"token\"}")
                .map(|Token { token }| Self::Refresh(token)),
            _ => return None,
        })
    }

    /// Does what needs no waiting, and hands back what does.
    ///
    /// # Errors
    /// The ask itself, for [`Ask::wait`].
    pub fn at_once(
        self,
        core: &Core,
        session: &Arc<Session>,
    ) -> Result<Result<Value, Refusal>, Self> {
        let hub = &core.hub;
        Ok(match self {
            Self::Join(ref join) if is_own(session, &join.room) => Ok(json!({ "room": join.room })),
            Self::Join(_) | Self::Refresh(_) => return Err(self),
            Self::Leave(room) if is_own(session, &room) || hub.leave(session, &room) => {
                Ok(json!({ "room": room }))
            }
            Self::Leave(_) => Err(Refusal::ROOM),
            Self::Say(word, said) => {
                let active = said.active.unwrap_or(true);
                // Not to say so keeps it among staff.
                let is_public = said.visibility == Some(Visibility::Public);
                match hub.say_in(session, &said.room, Saying { word, active, is_public }) {
                    Heard::NotThere => Err(Refusal::NOT_THERE),
                    heard => Ok(json!({ "room": said.room, "told": heard == Heard::Told })),
                }
            }
            Self::Presence(_) if !session.who.role.is_staff() => Err(Refusal::STAFF),
            Self::Presence(true) => {
                session.ask_for_signs();
                hub.watch(session);
                Ok(json!({ "subscribed": true }))
            }
            Self::Presence(false) => {
                hub.unwatch(session);
                Ok(json!({ "subscribed": false }))
            }
        })
    }

    /// Does what takes a look at the database.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn wait(&self, core: &Core, session: &Arc<Session>) -> Result<Value, Refusal> {
        match self {
            Self::Join(Join { room, .. }) => join(core, session, room).await,
            Self::Refresh(token) => refresh(core, session, token).await,
            _ => Err(Refusal::FAILED),
        }
    }
}

async fn join(core: &Core, session: &Arc<Session>, room: &str) -> Result<Value, Refusal> {
    if is_own(session, room) {
        return Ok(json!({ "room": room }));
    }
    let Ok(Room::Topic(topic)) = room.parse() else { return Err(Refusal::ROOM) };
    let (verdict, is_in) = core.hub.join(session, &topic).await.map_err(|e| {
        tracing::error!(error = %e, "a right to join a room could not be looked up");
        Refusal::FAILED
    })?;
    match (verdict, is_in) {
        (Verdict::Allowed, true) => {}
        (Verdict::Allowed, false) => return Err(Refusal::TOO_MANY),
        _ => return Err(Refusal::ROOM),
    }
    session.ask_for_signs();
    if !session.who.role.is_staff() {
        return Ok(json!({ "room": room }));
    }
    let looking = core.hub.viewers(session.who.tenant, &topic);
    let looking: Vec<_> = looking
        .into_iter()
        .filter(|(user, _)| *user != session.who.user)
        .map(|(id, name)| json!({ "id": id, "name": name }))
        .collect();
    Ok(json!({ "room": room, "viewing": looking }))
}

/// Newer credentials must be of the same sign-in: who one is does not change on an open socket.
async fn refresh(core: &Core, session: &Session, token: &str) -> Result<Value, Refusal> {
    let caller = Caller::by_token(core, token, Via::Bearer).await.map_err(|_| Refusal::TOKEN)?;
    if session.session.is_none()
        || caller.session != session.session
        || caller.listener() != session.who
    {
        return Err(Refusal::TOKEN);
    }
    session.renew(caller.expires_at);
    let token_ttl_s = (caller.expires_at - core.clock().now_ms()) / 1000;
    Ok(json!({ "token_ttl_s": token_ttl_s }))
}

/// Whether this is one of the rooms that the server joined for the session.
pub(super) fn is_own(session: &Session, room: &str) -> bool {
    let who = session.who;
    match room.parse::<Room>() {
        Ok(Room::Everyone) => who.role >= Role::Customer,
        Ok(Room::User(user)) => user == who.user,
        Ok(Room::Tenant) => who.role.is_staff(),
        Ok(Room::Role(role)) => who.role.is_staff() && role == who.role,
        Ok(Room::Topic(_) | Room::Nowhere) | Err(()) => false,
    }
}

// The message of `Refusal::TOO_MANY` says the number.
const _: () = assert!(TOPICS_MAX == 128);
