//! The real Socket.IO clients against the real server: `socket.io-client` 4 and 3 and
//! `python-socketio`, by polling, by WebSocket, and from one to the other.

use crate::harness::{Output, Server, Session};
use serde_json::{Value, json};
use std::{
    io::Write as _,
    path::Path,
    process::{Child, Command, Stdio},
};

/// Which client: a package of npm, or `python-socketio`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Npm(&'static str),
    Python,
}

pub(crate) const ALL: [Kind; 3] =
    [Kind::Npm("socket.io-client"), Kind::Npm("socket.io-client-3"), Kind::Python];

/// A client in a process of its own, which tells what it hears.
pub(crate) struct Client {
    kind: Kind,
    process: Child,
    /// What it tells, a line of JSON each.
    pub(crate) says: Output,
}

/// Whether the clients are there. In CI they must be.
pub(crate) fn installed() -> bool {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients");
    let there = clients.join("npm/node_modules/socket.io-client-3").is_dir()
        && clients.join("py/bin/python").is_file();
    assert!(there || std::env::var_os("CI").is_none(), "no clients, and in CI this must run");
    there
}

impl Client {
    pub(crate) fn start(kind: Kind, url: &str, options: &Value) -> Self {
        let script = match kind {
            Kind::Npm(_) => "socketio.cjs",
            Kind::Python => "socketio_client.py",
        };
        Self::start_script(kind, script, url, options)
    }

    /// Starts another script than the usual one.
    pub(crate) fn start_script(kind: Kind, script: &str, url: &str, options: &Value) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = root.join("tests/clients").join(script);
        let mut command = match kind {
            Kind::Npm(name) => {
                let mut node = Command::new("node");
                node.arg(path).arg(name);
                node
            }
            Kind::Python => {
                let mut python = Command::new(root.join("target/clients/py/bin/python"));
                python.arg(path);
                python
            }
        };
        let mut process = command
            .arg(url)
            .arg(options.to_string())
            .env("DESKBELL_CLIENTS", root.join("target/clients/npm"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the client starts");
        let says = Output::of(process.stdout.take().expect("piped"));
        Self { kind, process, says }
    }

    /// Waits for the first line that is right.
    #[track_caller]
    pub(crate) fn wait_for(&self, is_right: impl Fn(&Value) -> bool) -> Value {
        let read = |line: &str| serde_json::from_str::<Value>(line).unwrap_or_default();
        let line = self.says.wait_for(|line| is_right(&read(line)));
        read(&line.unwrap_or_else(|| panic!("the client ended: {:#?}", self.says.lines())))
    }

    #[track_caller]
    pub(crate) fn wait_is(&self, what: &str) -> Value {
        self.wait_for(|line| line["is"] == what)
    }

    /// All events so far, the name and then the arguments, in the order in which they came.
    /// `python-socketio` runs each handler on a thread of its own and keeps no order: there they
    /// are in that of their numbers.
    pub(crate) fn events(&self) -> Vec<Value> {
        let lines = self.says.lines();
        let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut events: Vec<_> =
            lines.filter(|line| line["is"] == "event").map(|line| line["args"].clone()).collect();
        if matches!(self.kind, Kind::Python) {
            events.sort_by_key(|event| event[1]["seq"].as_i64());
        }
        events
    }

    /// The states of all agents' events so far.
    fn states(&self) -> Vec<String> {
        let mut events = self.events();
        events.retain(|event| event[0] == "agent.state.changed");
        events.iter().map(|event| event[1]["data"]["state"].as_str().unwrap().to_owned()).collect()
    }

    fn do_this(&mut self, what: &Value) {
        let mut input = self.process.stdin.as_ref().expect("piped");
        writeln!(input, "{what}").expect("the client reads");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn change_state(who: &Session, state: &str) {
    who.post("/api/v1/agent-state/me", &json!({ "state": state })).expect(200);
}

fn is_state(line: &Value, state: &str) -> bool {
    line["args"][0] == "agent.state.changed" && line["args"][1]["data"]["state"] == state
}

#[test]
fn every_client_hears_events_and_is_answered_on_every_transport() {
    if !installed() {
        return println!("skipped: tests/run installs the clients");
    }
    let server = Server::start();
    let admin = server.admin();
    let room = format!("user_{}", admin.id());
    let mut clients = Vec::new();
    for kind in ALL {
        for transports in
            [json!(["polling"]), json!(["websocket"]), json!(["polling", "websocket"])]
        {
            let auth = json!({ "token": admin.token() });
            let options = json!({ "auth": auth, "transports": transports });
            clients.push((kind, transports, Client::start(kind, &server.url(""), &options)));
        }
    }
    for (kind, transports, client) in &clients {
        client.wait_is("connect");
        if let Kind::Npm(_) = kind {
            assert_eq!(client.wait_is("open")["transport"], transports[0]);
            if transports.get(1).is_some() {
                assert_eq!(client.wait_is("upgrade")["transport"], "websocket");
            }
        }
    }
    assert_eq!(admin.get("/api/v1/ws/stats").data()["total_clients"], 9);
    change_state(&admin, "available");
    for (kind, transports, client) in &mut clients {
        let told = client.wait_is("event");
        assert!(is_state(&told, "available"), "{kind:?} {transports}: {told}");
        client.do_this(&json!({ "emit": ["join", room] }));
        let answer = client.wait_is("answer");
        assert_eq!(answer["args"], json!([{ "ok": true, "room": room }]), "{kind:?} {transports}");
    }
    for (_, _, client) in &mut clients {
        client.do_this(&json!({ "emit": ["leave", { "room": "role_agent" }] }));
        let refused = json!([{ "ok": false, "error": "room_refused" }]);
        client.wait_for(|line| line["args"] == refused);
    }
}

#[test]
fn a_client_without_a_token_reads_that_it_is_unauthorized() {
    if !installed() {
        return println!("skipped: tests/run installs the clients");
    }
    let server = Server::start();
    for kind in ALL {
        for auth in [json!({}), json!({ "token": "not.a.token" })] {
            let options = json!({ "auth": auth, "reconnection": false });
            let client = Client::start(kind, &server.url(""), &options);
            assert_eq!(client.wait_is("connect_error")["message"], "unauthorized", "{kind:?}");
        }
    }
}

/// The server is killed under its clients. While they are away something happens. They come back by
/// themselves and have heard everything once: the stock client by recovery, Python's by `since`.
#[test]
fn a_killed_server_costs_its_clients_no_event() {
    if !installed() {
        return println!("skipped: tests/run installs the clients");
    }
    // A port of its own, to be found again at.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server::with(|setup| setup.env("SERVER_PORT", &free.to_string()));
    let admin = server.admin();
    let auth = json!({ "token": admin.token(), "recover": true });
    let delays = json!({ "auth": auth, "reconnectionDelay": 300, "reconnectionDelayMax": 300 });
    let mut polls = delays.clone();
    polls["transports"] = json!(["polling"]);
    let python = json!({ "auth": { "token": admin.token() }, "resume": true });
    let stock = Kind::Npm("socket.io-client");
    let url = server.url("");
    let clients = [
        Client::start(stock, &url, &delays),
        Client::start(stock, &url, &polls),
        Client::start(Kind::Python, &url, &python),
    ];
    for client in &clients {
        client.wait_is("connect");
    }
    change_state(&admin, "available");
    for client in &clients {
        client.wait_for(|line| is_state(line, "available"));
    }
    let server = server.kill9().start();
    let admin = server.admin();
    for state in ["busy", "away"] {
        change_state(&admin, state);
    }
    for client in &clients {
        client.wait_for(|line| is_state(line, "away"));
    }
    change_state(&admin, "available");
    for (at, client) in clients.iter().enumerate() {
        let four = |lines: &[String]| {
            lines.iter().filter(|l| l.contains("agent.state.changed")).count() >= 4
        };
        client.says.wait(|lines| four(lines).then_some(())).expect("the client is there");
        assert_eq!(client.states(), ["available", "busy", "away", "available"], "client {at}");
    }
    for client in &clients[..2] {
        client.wait_for(|line| line["is"] == "connect" && line["recovered"] == true);
    }
}
