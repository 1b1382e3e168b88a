//! Socket.IO, protocol 5, on an Engine.IO session: namespaces, events, answers, attachments.

use super::{
    engine::{Reception, fresh_id},
    line::{Guest, Line},
    packet::message::{Kind, Packet},
};
use crate::{
    hub::Close,
    time::Clock,
    ws::{Pace, wire},
};
use axum::http::request::Parts;
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{json, value::RawValue};
use std::{
    borrow::Cow,
    sync::{Arc, Weak},
};

/// What one client may do to a server. The defaults are generous.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// How long a session may be in no namespace, milliseconds.
    pub connect_within_ms: i64,
    /// Largest event with its attachments, bytes.
    pub event_max: usize,
    /// Messages a second, attachments included.
    pub per_second: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { connect_within_ms: 45_000, event_max: 1_000_000, per_second: u32::MAX }
    }
}

/// What a server offers in its namespaces.
pub trait Desk: Send + Sync + Sized + 'static {
    /// What is kept of the request that a session began with.
    type Origin: Send + Sync;

    /// Someone in a namespace. Dropped when they leave it.
    type Member: Send;

    /// Whether whoever asks may have a session at all.
    fn admits(&self, request: &Parts) -> bool;

    /// Whether there is room for one more session now.
    fn has_room(&self) -> bool;

    /// A session begins with this request.
    fn receive(&self, request: &Parts) -> Self::Origin;

    /// Whether there is such a namespace.
    fn has(&self, namespace: &str) -> bool;

    /// Somebody wants to come in, now or later answered by [`Knock::admit`] or [`Knock::refuse`].
    /// `auth` is what they say about themselves, a JSON object.
    fn knock(self: &Arc<Self>, knock: Knock<Self>, auth: Option<&str>);

    /// An event came.
    ///
    /// # Errors
    /// Why the session is ended.
    fn event(&self, member: &mut Self::Member, event: &Event<'_>) -> Result<(), Close>;
}

/// An event of a client's.
pub struct Event<'a> {
    line: &'a Arc<Line>,
    namespace: &'a str,
    id: Option<u64>,
    elements: Vec<&'a RawValue>,
    /// The attachments that placeholders in the arguments stand for.
    pub attachments: &'a [Bytes],
}

impl Event<'_> {
    /// Its name.
    pub fn name(&self) -> Cow<'_, str> {
        let first = self.elements.first().map_or("", |name| name.get());
        serde_json::from_str(first).map_or(Cow::Borrowed(first), Cow::Owned)
    }

    /// Its arguments, as JSON.
    pub fn arguments(&self) -> &[&RawValue] {
        self.elements.get(1..).unwrap_or_default()
    }

    /// Whether an answer is asked for.
    pub fn wants_answer(&self) -> bool {
        self.id.is_some()
    }

    /// Answers it, if that is asked for. `arguments` is a JSON array.
    pub fn answer(&self, arguments: &str, attachments: &[Bytes]) {
        let kind = if attachments.is_empty() { Kind::Ack } else { Kind::BinaryAck };
        if let Some(id) = self.id {
            let packet = Packet::new(kind, self.namespace, arguments);
            self.line.out().send(frames(Packet { id: Some(id), ..packet }, attachments));
        }
    }

    /// What answers it later, once, if that is asked for. `arguments` is a JSON array.
    pub fn answer_later(&self) -> impl FnOnce(&str) + Send + use<> {
        let (line, namespace, id) = (self.line.clone(), self.namespace.to_owned(), self.id);
        move |arguments| {
            let (line, namespace, elements) = (&line, &*namespace, Vec::new());
            Event { line, namespace, id, elements, attachments: &[] }.answer(arguments, &[]);
        }
    }

    /// Sends its client an event. `elements` is a JSON array that begins with the name.
    pub fn emit(&self, elements: &str, attachments: &[Bytes]) {
        self.line.out().send(event(self.namespace, elements, attachments));
    }
}

/// An event as one message. `elements` is a JSON array that begins with the name.
pub fn event(namespace: &str, elements: &str, attachments: &[Bytes]) -> Bytes {
    let kind = if attachments.is_empty() { Kind::Event } else { Kind::BinaryEvent };
    frames(Packet::new(kind, namespace, elements), attachments)
}

/// A packet and its attachments as one message, so that nothing comes between them.
fn frames(packet: Packet<'_>, attachments: &[Bytes]) -> Bytes {
    let packet = Packet { attachments: attachments.len(), ..packet };
    let mut text = String::from("4");
    packet.encode(&mut text);
    let text = wire::text(&text);
    if attachments.is_empty() {
        return text;
    }
    let mut all = text.to_vec();
    for bytes in attachments {
        all.extend_from_slice(&wire::binary(bytes));
    }
    all.into()
}

/// That a client has left a namespace, said by the server.
pub(super) fn leave(namespace: &str) -> Bytes {
    let packet = Packet { data: None, ..Packet::new(Kind::Disconnect, namespace, "") };
    frames(packet, &[])
}

/// Somebody at the door of a namespace.
pub struct Knock<D: Desk> {
    line: Arc<Line>,
    seats: Weak<Mutex<Seats<D::Member>>>,
    number: u64,
    namespace: Box<str>,
    /// What the client is called in the namespace; no secret, unlike the session's id.
    sid: String,
    /// What is kept of the request that the session began with.
    pub origin: Arc<D::Origin>,
}

impl<D: Desk> Knock<D> {
    /// Which namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The session.
    pub fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Lets them in; the consent is yet to be sent. False when they are gone again, and `member`
    /// with them.
    pub fn admit(&self, member: D::Member) -> bool {
        let Some(seats) = self.seats.upgrade() else { return false };
        let mut seats = seats.lock();
        let Some(seat) = seats.list.iter_mut().find(|seat| seat.number == self.number) else {
            // Before the member is dropped, which may take a moment.
            drop(seats);
            return false;
        };
        seat.member = Some(member);
        seats.alone_since = None;
        true
    }

    /// The message of consent. `words` are more of its JSON object: `"pid":"…"`.
    pub fn consent(&self, words: &str) -> Bytes {
        let comma = if words.is_empty() { "" } else { "," };
        let data = format!(r#"{{"sid":"{}"{comma}{words}}}"#, self.sid);
        frames(Packet::new(Kind::Connect, &self.namespace, data), &[])
    }

    /// Sends them away, with words for a person. They may knock again.
    pub fn refuse(&self, message: &str) {
        if let Some(seats) = self.seats.upgrade() {
            seats.lock().list.retain(|seat| seat.number != self.number);
        }
        refuse(&self.line, &self.namespace, message);
    }
}

fn refuse(line: &Line, namespace: &str, message: &str) {
    let data = json!({ "message": message }).to_string();
    line.out().send(frames(Packet::new(Kind::ConnectError, namespace, data), &[]));
}

/// A place in a namespace: taken, or asked for.
struct Seat<M> {
    number: u64,
    namespace: Box<str>,
    member: Option<M>,
}

struct Seats<M> {
    list: Vec<Seat<M>>,
    next_number: u64,
    /// Since when the session is in no namespace, in ticks.
    alone_since: Option<i64>,
}

/// An event whose attachments are still to come.
struct Unfinished {
    text: String,
    wanted: usize,
    attachments: Vec<Bytes>,
    bytes: usize,
}

/// The client at the other end of a session.
struct Visitor<D: Desk> {
    house: Arc<House<D>>,
    origin: Arc<D::Origin>,
    seats: Arc<Mutex<Seats<D::Member>>>,
    unfinished: Option<Unfinished>,
    pace: Pace,
}

/// A desk with what bounds its visitors.
struct House<D> {
    desk: Arc<D>,
    bounds: Bounds,
    clock: Clock,
}

/// Makes a desk into what an [`super::Engine`] takes its sessions to.
pub fn reception<D: Desk>(desk: Arc<D>, bounds: Bounds, clock: &Clock) -> Box<dyn Reception> {
    Box::new(Front(Arc::new(House { desk, bounds, clock: clock.clone() })))
}

struct Front<D>(Arc<House<D>>);

impl<D: Desk> Reception for Front<D> {
    fn admits(&self, request: &Parts) -> bool {
        self.0.desk.admits(request)
    }

    fn has_room(&self) -> bool {
        self.0.desk.has_room()
    }

    fn receive(&self, request: &Parts) -> Box<dyn Guest> {
        let alone_since = Some(self.0.clock.ticks_ms());
        let seats = Seats { list: Vec::new(), next_number: 1, alone_since };
        Box::new(Visitor {
            house: self.0.clone(),
            origin: Arc::new(self.0.desk.receive(request)),
            seats: Arc::new(Mutex::new(seats)),
            unfinished: None,
            pace: Pace::default(),
        })
    }
}

impl<D: Desk> Guest for Visitor<D> {
    fn text(&mut self, line: &Arc<Line>, text: &str) -> Result<(), Close> {
        self.count(text.len())?;
        if self.unfinished.is_some() {
            return Err(Close::BadMessage);
        }
        let packet = Packet::decode(text).map_err(|_| Close::BadMessage)?;
        if packet.attachments > 0 {
            self.unfinished = Some(Unfinished {
                text: text.to_owned(),
                wanted: packet.attachments,
                attachments: Vec::new(),
                bytes: text.len(),
            });
            return Ok(());
        }
        self.packet(line, &packet, &[])
    }

    fn binary(&mut self, line: &Arc<Line>, bytes: &[u8]) -> Result<(), Close> {
        let Some(mut unfinished) = self.unfinished.take() else { return Err(Close::BadMessage) };
        unfinished.bytes += bytes.len();
        self.count(unfinished.bytes)?;
        unfinished.attachments.push(Bytes::copy_from_slice(bytes));
        if unfinished.attachments.len() < unfinished.wanted {
            self.unfinished = Some(unfinished);
            return Ok(());
        }
        let packet = Packet::decode(&unfinished.text).map_err(|_| Close::BadMessage)?;
        self.packet(line, &packet, &unfinished.attachments)
    }

    fn look(&mut self, ticks_ms: i64) -> Result<(), Close> {
        let within = self.house.bounds.connect_within_ms;
        match self.seats.lock().alone_since {
            Some(since) if ticks_ms - since >= within => Err(Close::Unauthorized),
            _ => Ok(()),
        }
    }

    fn is_nobody(&self) -> bool {
        self.seats.lock().alone_since.is_some()
    }
}

impl<D: Desk> Visitor<D> {
    /// Counts a message against the bounds.
    fn count(&mut self, bytes: usize) -> Result<(), Close> {
        let House { bounds, clock, .. } = &*self.house;
        if bytes > bounds.event_max {
            return Err(Close::TooBig);
        }
        let in_time = self.pace.allows(clock.ticks_ms(), 1, bounds.per_second);
        if in_time { Ok(()) } else { Err(Close::TooFast) }
    }

    /// Takes in a whole packet. One that does not fit the state of its namespace is no mistake
    /// that a client makes, so it ends the session.
    fn packet(
        &self,
        line: &Arc<Line>,
        packet: &Packet<'_>,
        attachments: &[Bytes],
    ) -> Result<(), Close> {
        let mut seats = self.seats.lock();
        let at = seats.list.iter().position(|seat| *seat.namespace == *packet.namespace);
        let seat = at.and_then(|at| seats.list.get_mut(at));
        match (packet.kind, seat) {
            (Kind::Connect, None) => {
                drop(seats);
                self.knock(line, packet);
                Ok(())
            }
            (Kind::Disconnect, Some(_)) => {
                let left = at.map(|at| seats.list.swap_remove(at));
                if seats.list.iter().all(|seat| seat.member.is_none()) {
                    seats.alone_since.get_or_insert(self.house.clock.ticks_ms());
                }
                // Whoever leaves may take a moment.
                drop(seats);
                drop(left);
                Ok(())
            }
            (Kind::Event | Kind::BinaryEvent, Some(Seat { member: Some(member), .. })) => {
                let elements = packet.elements();
                let (namespace, id) = (&*packet.namespace, packet.id);
                let event = Event { line, namespace, id, elements, attachments };
                self.house.desk.event(member, &event)
            }
            // Nobody here asks clients for answers.
            (Kind::Ack | Kind::BinaryAck, Some(Seat { member: Some(_), .. })) => Ok(()),
            _ => Err(Close::BadMessage),
        }
    }

    fn knock(&self, line: &Arc<Line>, packet: &Packet<'_>) {
        let namespace = &*packet.namespace;
        if !self.house.desk.has(namespace) {
            return refuse(line, namespace, "Invalid namespace");
        }
        let Ok(sid) = fresh_id() else {
            return refuse(line, namespace, "the server cannot take you in at the moment");
        };
        let mut seats = self.seats.lock();
        let number = seats.next_number;
        seats.next_number += 1;
        seats.list.push(Seat { number, namespace: namespace.into(), member: None });
        drop(seats);
        let knock = Knock {
            line: line.clone(),
            seats: Arc::downgrade(&self.seats),
            number,
            namespace: namespace.into(),
            sid,
            origin: self.origin.clone(),
        };
        self.house.desk.knock(knock, packet.data.as_deref());
    }
}
