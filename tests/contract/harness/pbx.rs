//! An Asterisk that says what it is told to over TCP, and shows what it was asked.

use super::PATIENCE;
use serde_json::Value;
use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::mpsc,
};

/// Keys and values of one message.
pub(crate) type Fields = HashMap<String, String>;

/// It waits to be connected to.
pub(crate) struct Pbx {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    connections: mpsc::Receiver<TcpStream>,
}

/// What it says there is when it is asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lists {
    /// `QueueMember`: queue, interface, reason if they are paused.
    pub(crate) members: Vec<(&'static str, &'static str, Option<&'static str>)>,
    /// `QueueEntry` and `CoreShowChannel`: queue, number, channel, call.
    pub(crate) callers: Vec<(&'static str, &'static str, &'static str, &'static str)>,
    /// `CoreShowChannel` alone: channel and call.
    pub(crate) channels: Vec<(&'static str, &'static str)>,
}

/// One connection to it.
pub(crate) struct Caller {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Pbx {
    /// At a port of its own on loopback.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, connections) = mpsc::sync_channel(16);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if sender.send(stream).is_err() {
                    return;
                }
            }
        });
        Self { address, connections }
    }

    /// The next connection, before anything was said.
    #[track_caller]
    pub(crate) fn next(&self) -> Caller {
        let stream = self.connections.recv_timeout(PATIENCE).expect("to be connected to");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        Caller { stream, reader }
    }

    /// The next connection, let in and told what there is.
    #[track_caller]
    pub(crate) fn let_in(&self, lists: &Lists) -> Caller {
        let mut caller = self.next();
        caller.greet();
        let login = caller.expect("Login");
        caller.answer(&login, &[("Response", "Success")]);
        caller.list(lists);
        caller
    }

    /// Whether nobody connects, as far as can be told now.
    pub(crate) fn is_left_alone(&self) -> bool {
        self.connections.try_recv().is_err()
    }
}

impl Caller {
    /// The first line.
    pub(crate) fn greet(&mut self) {
        self.say_raw(b"Asterisk Call Manager/11.0.0\r\n");
    }

    /// Any bytes. The other end may have hung up.
    pub(crate) fn say_raw(&mut self, bytes: &[u8]) {
        drop(self.stream.write_all(bytes));
    }

    /// One message.
    pub(crate) fn say<'a>(&mut self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let lines: String =
            fields.into_iter().map(|(key, value)| format!("{key}: {value}\r\n")).collect();
        self.say_raw(format!("{lines}\r\n").as_bytes());
    }

    /// An event.
    pub(crate) fn event(&mut self, name: &str, fields: &[(&str, &str)]) {
        self.say([("Event", name)].into_iter().chain(fields.iter().copied()));
    }

    /// Events of a recording, without the pauses between them.
    pub(crate) fn play(&mut self, events: &[Vec<(String, String)>]) {
        for event in events {
            self.say(event.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        }
    }

    /// The next action; none when the other end hung up.
    pub(crate) fn next_action(&mut self) -> Option<Fields> {
        let mut fields = Fields::new();
        loop {
            let mut line = String::new();
            match self.reader.read_line(&mut line) {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                return Some(fields);
            }
            let (key, value) = line.split_once(": ").expect("a field");
            fields.insert(key.to_owned(), value.to_owned());
        }
    }

    /// The next action, which must be this one.
    #[track_caller]
    pub(crate) fn expect(&mut self, action: &str) -> Fields {
        let next = self.next_action().unwrap_or_else(|| panic!("{action}: it hung up"));
        assert_eq!(next["Action"], action, "{next:?}");
        next
    }

    /// An answer to an action.
    pub(crate) fn answer(&mut self, action: &Fields, fields: &[(&str, &str)]) {
        let id = action["ActionID"].clone();
        self.say(fields.iter().copied().chain([("ActionID", id.as_str())]));
    }

    /// Answers what is asked after a login.
    #[track_caller]
    pub(crate) fn list(&mut self, lists: &Lists) {
        let queues = self.expect("QueueStatus");
        let id = queues["ActionID"].clone();
        self.answer(&queues, &[("Response", "Success"), ("EventList", "start")]);
        for (queue, interface, reason) in &lists.members {
            let paused = if reason.is_some() { "1" } else { "0" };
            let reason = reason.unwrap_or_default();
            self.event(
                "QueueMember",
                &[
                    ("ActionID", &id),
                    ("Queue", queue),
                    ("Location", interface),
                    ("Paused", paused),
                    ("PausedReason", reason),
                ],
            );
        }
        for (queue, number, channel, _) in &lists.callers {
            self.event(
                "QueueEntry",
                &[
                    ("ActionID", &id),
                    ("Queue", queue),
                    ("Uniqueid", channel),
                    ("CallerIDNum", number),
                    ("Wait", "3"),
                ],
            );
        }
        self.event("QueueStatusComplete", &[("ActionID", &id), ("EventList", "Complete")]);
        let channels = self.expect("CoreShowChannels");
        let id = channels["ActionID"].clone();
        self.answer(&channels, &[("Response", "Success"), ("EventList", "start")]);
        let waiting = lists.callers.iter().map(|(_, _, channel, call)| (*channel, *call, "Queue"));
        let other = lists.channels.iter().map(|(channel, call)| (*channel, *call, "Dial"));
        for (channel, call, application) in waiting.chain(other) {
            self.event(
                "CoreShowChannel",
                &[
                    ("ActionID", &id),
                    ("Uniqueid", channel),
                    ("Linkedid", call),
                    ("Application", application),
                ],
            );
        }
        self.event("CoreShowChannelsComplete", &[("ActionID", &id), ("EventList", "Complete")]);
    }

    /// Waits until the other end has hung up, passing over what it still asks.
    pub(crate) fn until_hung_up(mut self) {
        while self.next_action().is_some() {}
    }
}

/// The events of a recording, by the name of its file.
pub(crate) fn recording(name: &str) -> Vec<Vec<(String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/asterisk");
    let text = std::fs::read_to_string(folder.join(name)).expect("a recording");
    let all: Vec<(f64, serde_json::Map<String, Value>)> = serde_json::from_str(&text).unwrap();
    let pair = |(key, value): (String, Value)| (key, value.as_str().unwrap().to_owned());
    let in_order = |event: serde_json::Map<String, Value>| {
        let mut pairs: Vec<(String, String)> = event.into_iter().map(pair).collect();
        // As on the wire: what it is comes first.
        pairs.sort_by_key(|(key, _)| key != "Event");
        pairs
    };
    all.into_iter().map(|(_, event)| in_order(event)).collect()
}
