//! Coming back, the same at every door: with a place in the log, by whichever words a door has for
//! it, and what a client is told there.

use crate::harness::{Frame, Line, PATIENCE, Session, Socket, Stream};
use serde_json::{Value, json};

/// By which way somebody comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// `/ws?since=&epoch=`.
    Socket,
    /// `resume` on an open socket.
    OpenSocket,
    /// Socket.IO with `auth.since`.
    Since,
    /// Socket.IO with `pid` and offset.
    Recover,
    /// `GET /events/stream?since=&epoch=`.
    StreamQuery,
    /// `Last-Event-ID`.
    Stream,
    /// `GET /events?after=&epoch=`.
    List,
}

/// What somebody is told who comes back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    /// All they missed, by its numbers.
    All(Vec<i64>),
    /// To start over: why, and where the log ends and begins; GET only says why.
    StartOver(String, Option<(i64, i64)>),
    /// That this is no place at all.
    NoPlace(String),
}

/// Somebody who is back.
pub(crate) struct Back {
    /// What they were told.
    pub(crate) told: Told,
    live: Live,
}

enum Live {
    Socket(Socket),
    Line(Line),
    Stream(Stream),
    List(Session, i64),
    Nowhere,
}

/// Where somebody says they were.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The number, as it is written.
    pub(crate) since: &'a str,
    /// Of which history.
    pub(crate) epoch: &'a str,
    /// The name that a stock Socket.IO client got when it was here before.
    pub(crate) pid: &'a str,
}

impl Way {
    pub(crate) const ALL: [Self; 7] = [
        Self::Socket,
        Self::OpenSocket,
        Self::Since,
        Self::Recover,
        Self::StreamQuery,
        Self::Stream,
        Self::List,
    ];

    /// Comes back this way.
    pub(crate) fn come_back(self, who: &Session, at: Place<'_>) -> Back {
        let Place { since, epoch, pid } = at;
        let epoch_too = if epoch.is_empty() { String::new() } else { format!("&epoch={epoch}") };
        // A number where it is one, else whatever it is.
        let since_json = serde_json::from_str(since).unwrap_or_else(|_| json!(since));
        let epoch_json = if epoch.is_empty() { Value::Null } else { json!(epoch) };
        match self {
            Self::Socket => on_socket(who, &format!("/ws?since={since}{epoch_too}")),
            Self::OpenSocket => {
                let mut socket = Socket::open(who);
                assert!(socket.all_until_now().is_empty());
                let place = json!({ "since": since_json, "epoch": epoch_json });
                socket.say(&json!({ "type": "resume", "payload": place }));
                hear_socket(socket)
            }
            Self::Since => {
                let auth = json!({ "since": since_json, "epoch": epoch_json });
                on_line(who, auth, false)
            }
            Self::Recover => {
                let offset = format!("{epoch}-{since}");
                on_line(who, json!({ "recover": true, "pid": pid, "offset": offset }), true)
            }
            Self::StreamQuery => on_stream(who, &format!("?since={since}{epoch_too}"), None),
            Self::Stream => on_stream(who, "", Some(&format!("{epoch}-{since}"))),
            Self::List => by_list(who, &format!("after={since}{epoch_too}")),
        }
    }
}

impl Back {
    /// The number of the next event that comes to them.
    #[track_caller]
    pub(crate) fn next(&mut self) -> i64 {
        let seq = match &mut self.live {
            Live::Socket(socket) => socket.next()["seq"].clone(),
            Live::Line(line) => line.event()[1]["seq"].clone(),
            Live::Stream(stream) => stream.next().data["seq"].clone(),
            Live::List(who, after) => {
                let page = who.get(&format!("/api/v1/events?after={after}&wait=20&limit=1"));
                *after = page.meta()["next_after"].as_i64().expect("a number");
                page.data()[0]["seq"].clone()
            }
            Live::Nowhere => panic!("nobody is there"),
        };
        seq.as_i64().unwrap_or_else(|| panic!("no event came but {seq}"))
    }
}

fn nowhere(why: String) -> Back {
    Back { told: Told::NoPlace(why), live: Live::Nowhere }
}

fn start_over(said: &Value) -> Told {
    let number = |field: &str| said[field].as_i64().expect("a number");
    let reason = said["reason"].as_str().expect("a reason").to_owned();
    Told::StartOver(reason, Some((number("latest_seq"), number("oldest_seq"))))
}

/// How a refused request names what is wrong.
fn refusal(status: u16, body: &Value) -> String {
    let fields = body["error"]["fields"].as_object().map(|all| all.keys().cloned().collect());
    let fields: Vec<String> = fields.unwrap_or_default();
    format!("{status} {}", fields.join(","))
}

fn on_socket(who: &Session, path: &str) -> Back {
    let bearer = format!("Bearer {}", who.token());
    match Socket::try_open(who, path, &[("authorization", &bearer)]) {
        Ok(mut socket) => {
            assert_eq!(socket.next()["type"], "hello");
            hear_socket(socket)
        }
        Err(refused) => nowhere(refusal(refused.status, &refused.body)),
    }
}

fn hear_socket(mut socket: Socket) -> Back {
    let mut seqs = Vec::new();
    let told = loop {
        let said = match socket.next_within(PATIENCE) {
            Some(Frame::Said(said)) => said,
            other => panic!("{other:?} after {seqs:?}"),
        };
        match said["type"].as_str() {
            Some("resumed") => break Told::All(seqs),
            Some("resync_required") => break start_over(&said["payload"]),
            Some("error") => break Told::NoPlace(said["payload"]["code"].to_string()),
            _ => seqs.push(said["seq"].as_i64().expect("a seq")),
        }
    };
    Back { told, live: Live::Socket(socket) }
}

fn on_line(who: &Session, mut auth: Value, is_stock: bool) -> Back {
    auth["token"] = json!(who.token());
    let (mut line, answer) = Line::knock(who, &auth);
    let Some(consent) = answer.strip_prefix("40") else {
        let answer = answer.strip_prefix("44").expect("a refusal");
        let said: Value = serde_json::from_str(answer).expect("JSON");
        return nowhere(said["message"].as_str().expect("words").to_owned());
    };
    let consent: Value = serde_json::from_str(consent).expect("JSON");
    let mut seqs = Vec::new();
    // A stock client is told by its name whether it is back, and nothing of the end of the replay.
    let is_recovered = is_stock && consent["pid"] == auth["pid"];
    if is_recovered {
        line.say(r#"421["until now"]"#);
    }
    let told = loop {
        let text = line.text();
        let Some(event) = text.strip_prefix("42") else {
            assert!(is_recovered && text.starts_with("431["), "{text}");
            // It is answered while the replay runs: whoever looks at `All` of one that recovered
            // reads on with `next`.
            break Told::All(seqs);
        };
        let event: Value = serde_json::from_str(event).expect("JSON");
        match event[0].as_str() {
            Some("resumed") => break Told::All(seqs),
            Some("resync_required") => break start_over(&event[1]),
            _ => seqs.push(event[1]["seq"].as_i64().expect("a seq")),
        }
    };
    Back { told, live: Live::Line(line) }
}

fn on_stream(who: &Session, query: &str, last_id: Option<&str>) -> Back {
    let mut stream = Stream::try_open(who, query, last_id).expect("an answer");
    if !stream.head.starts_with("HTTP/1.1 200 ") {
        let request = who.request("GET", &format!("/api/v1/events/stream{query}"));
        let request = match last_id {
            Some(id) => request.header("last-event-id", id),
            None => request,
        };
        let answer = request.send();
        return nowhere(refusal(answer.status, &answer.json()));
    }
    assert_eq!(stream.next().event, "hello");
    let mut seqs = Vec::new();
    let told = loop {
        let message = stream.next();
        match &*message.event {
            "resumed" => break Told::All(seqs),
            "resync_required" => break start_over(&message.data),
            _ => seqs.push(message.data["seq"].as_i64().expect("a seq")),
        }
    };
    Back { told, live: Live::Stream(stream) }
}

fn by_list(who: &Session, query: &str) -> Back {
    let answer = who.get(&format!("/api/v1/events?{query}&limit=500"));
    match answer.status {
        200 => {
            let after = answer.meta()["next_after"].as_i64().expect("a number");
            let page = answer.data();
            let page = page.as_array().expect("events");
            assert!(page.len() < 500, "more than one page");
            let told = Told::All(page.iter().map(|e| e["seq"].as_i64().expect("a seq")).collect());
            Back { told, live: Live::List(who.clone(), after) }
        }
        410 => {
            let error = answer.error();
            assert_eq!(error["code"], "resync_required");
            let reason = error["message"].as_str().and_then(|words| words.rsplit(' ').next());
            let told = Told::StartOver(reason.expect("a reason").to_owned(), None);
            Back { told, live: Live::List(who.clone(), who.latest_seq()) }
        }
        status => nowhere(refusal(status, &answer.json())),
    }
}
