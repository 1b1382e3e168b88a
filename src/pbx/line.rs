//! One connection to an Asterisk: being let in, asking what there is, hearing what happens.

use super::{
    ami::{Action, Broken, Frame, Message, Parser},
    mapping::{Listed, Snapshot},
};
use crate::{
    time::Clock,
    webhooks::address::{Guard, Refused},
};
use std::{fmt, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// How long a name may take to resolve, an address to be connected to, and the greeting and the
/// answer to the login to come, milliseconds.
const RESOLVE_WITHIN_MS: i64 = 5_000;
const CONNECT_WITHIN_MS: i64 = 5_000;
const ANSWER_WITHIN_MS: i64 = 10_000;

/// How long writing an action may take, milliseconds: they are short, and a PBX that does not read
/// for so long is not there.
const WRITE_WITHIN_MS: i64 = 10_000;

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;

/// Bytes read at a time.
const READ_MAX: usize = 16 << 10;

/// Events that come while we are let in; more than that are no login.
const EARLY_MAX: usize = 1_000;

/// Longest message of a PBX that is told on, characters.
const TOLD_MAX: usize = 200;

/// Where an Asterisk is and who we are there. Not `Debug`: the secret is in it.
#[derive(Clone)]
pub(super) struct Way {
    /// Its name or address.
    pub(super) host: String,
    /// Its port.
    pub(super) port: u16,
    /// Who we are.
    pub(super) username: String,
    /// What proves it.
    pub(super) secret: String,
}

/// Why there is no connection, or none any more. The text is meant for administrators.
#[derive(Debug)]
pub(super) enum Lost {
    /// The address may not be called.
    Refused(Refused),
    /// The name has no address.
    Unknown(String),
    /// It could not be connected to, or the connection ended.
    Io(String),
    /// It did not answer in time; with what was waited for.
    Silent(&'static str),
    /// What it says is no AMI.
    Broken(Broken),
    /// It does not let us in.
    Login(String),
    /// It does not tell what there is.
    Lists(String),
    /// It ended the connection.
    Closed,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(Refused::Denied { ip, net, what }) => {
                write!(f, "{ip} lies in {net} ({what}); PBX_ALLOW_NET can open it")
            }
            Self::Refused(why) => why.fmt(f),
            Self::Unknown(why) => write!(f, "the name has no address: {why}"),
            Self::Io(why) => write!(f, "the connection failed: {why}"),
            Self::Silent(what) => write!(f, "no answer in time: {what}"),
            Self::Broken(why) => why.fmt(f),
            Self::Login(why) => write!(f, "it refused the login: {why}"),
            Self::Lists(why) => write!(f, "it does not list its queues and channels: {why}"),
            Self::Closed => f.write_str("it closed the connection"),
        }
    }
}

impl std::error::Error for Lost {}

impl From<Broken> for Lost {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<std::io::Error> for Lost {
    fn from(e: std::io::Error) -> Self {
        Self::Io(e.kind().to_string())
    }
}

/// An open connection that has let us in.
pub(super) struct Line {
    stream: TcpStream,
    parser: Parser,
    clock: Clock,
    buffer: Vec<u8>,
    /// What it calls itself.
    pub(super) software: String,
}

impl Line {
    /// Connects and logs in. The address that is judged is the one that is connected to, and the
    /// secret is sent to nothing that does not greet as an AMI.
    ///
    /// # Errors
    /// [`Lost`], saying which step failed.
    pub(super) async fn open(way: &Way, guard: &Guard, clock: &Clock) -> Result<Self, Lost> {
        let stream = connect(way, guard, clock).await?;
        // Orders are short and wanted at once; without it they only wait a little.
        drop(stream.set_nodelay(true));
        let (parser, buffer) = (Parser::default(), vec![0; READ_MAX]);
        let software = String::new();
        let mut line = Self { stream, parser, clock: clock.clone(), buffer, software };
        line.software = line.greeting().await?;
        line.log_in(way).await?;
        Ok(line)
    }

    async fn greeting(&mut self) -> Result<String, Lost> {
        let until = self.clock.now_ms() + ANSWER_WITHIN_MS;
        loop {
            match self.parser.next_frame()? {
                Some(Frame::Banner(banner)) => return Ok(banner.chars().take(TOLD_MAX).collect()),
                Some(Frame::Message(_)) => {}
                None => self.fill(until, "the greeting").await?,
            }
        }
    }

    async fn log_in(&mut self, way: &Way) -> Result<(), Lost> {
        let login = Action::new("Login", "login")
            .with("Username", &way.username)
            .with("Secret", &way.secret)
            .with("Events", "on");
        self.send(&login).await?;
        let until = self.clock.now_ms() + ANSWER_WITHIN_MS;
        for _ in 0..EARLY_MAX {
            let message = self.message(until, "the answer to the login").await?;
            match message.response().filter(|_| message.action_id() == Some("login")) {
                Some(true) => return Ok(()),
                Some(false) => return Err(Lost::Login(told(&message))),
                None => {}
            }
        }
        Err(Lost::Silent("the answer to the login"))
    }

    /// The next message, waiting for it until `until` at most.
    ///
    /// # Errors
    /// [`Lost`]; the connection is then of no use.
    pub(super) async fn message(
        &mut self,
        until: i64,
        what: &'static str,
    ) -> Result<Message, Lost> {
        loop {
            if let Some(message) = self.ready()? {
                return Ok(message);
            }
            self.fill(until, what).await?;
        }
    }

    /// The next message that is already here.
    ///
    /// # Errors
    /// [`Lost::Broken`].
    pub(super) fn ready(&mut self) -> Result<Option<Message>, Lost> {
        while let Some(frame) = self.parser.next_frame()? {
            if let Frame::Message(message) = frame {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// Reads what comes next, whole messages or not. Nothing is lost if it is dropped half way.
    ///
    /// # Errors
    /// [`Lost::Closed`], or why the connection failed.
    pub(super) async fn read(&mut self) -> Result<(), Lost> {
        let read = self.stream.read(&mut self.buffer).await?;
        if read == 0 {
            return Err(Lost::Closed);
        }
        self.parser.push(self.buffer.get(..read).unwrap_or_default());
        Ok(())
    }

    async fn fill(&mut self, until: i64, what: &'static str) -> Result<(), Lost> {
        let clock = self.clock.clone();
        tokio::select! {
            read = self.read() => read,
            () = clock.sleep_until(until) => Err(Lost::Silent(what)),
        }
    }

    /// Sends an action.
    ///
    /// # Errors
    /// [`Lost`] when it could not be sent whole.
    pub(super) async fn send(&mut self, action: &Action) -> Result<(), Lost> {
        let (clock, bytes) = (self.clock.clone(), action.bytes());
        tokio::select! {
            written = self.stream.write_all(&bytes) => Ok(written?),
            () = clock.sleep_ms(WRITE_WITHIN_MS) => Err(Lost::Silent("it does not read")),
        }
    }

    /// Takes leave, if that can be said at once.
    pub(super) async fn close(mut self) {
        let leave = Action::new("Logoff", "logoff").bytes();
        let leaving = self.stream.write_all(&leave);
        drop(tokio::time::timeout(Duration::from_millis(200), leaving).await);
    }
}

/// What a PBX says of an action that it refused.
pub(super) fn told(answer: &Message) -> String {
    let words = answer.said("Message").unwrap_or("it does not say why");
    words.chars().filter(|c| !c.is_control()).take(TOLD_MAX).collect()
}

/// Asks for the queues and the channels there are.
///
/// # Errors
/// [`Lost`].
pub(super) async fn ask(line: &mut Line, number: u64) -> Result<Asked, Lost> {
    let asked = Asked {
        queues: format!("queues-{number}"),
        channels: format!("channels-{number}"),
        has: (false, false),
        snapshot: Snapshot::default(),
    };
    line.send(&Action::new("QueueStatus", &asked.queues)).await?;
    line.send(&Action::new("CoreShowChannels", &asked.channels)).await?;
    Ok(asked)
}

/// A snapshot that is on its way.
#[derive(Debug)]
pub(super) struct Asked {
    queues: String,
    channels: String,
    has: (bool, bool),
    /// What came of it so far.
    pub(super) snapshot: Snapshot,
}

impl Asked {
    /// Takes a message if it belongs to the snapshot, else gives it back. A list that is refused
    /// (a right is missing, or there are no queues) is one that never ends: it is an error.
    ///
    /// # Errors
    /// [`Lost::Lists`] with what it says.
    pub(super) fn take(&mut self, message: Message) -> Result<Option<Message>, Lost> {
        let id = message.action_id();
        if id != Some(&self.queues) && id != Some(&self.channels) {
            return Ok(Some(message));
        }
        match message.response() {
            Some(true) => return Ok(None),
            Some(false) => return Err(Lost::Lists(told(&message))),
            None => {}
        }
        match self.snapshot.take(message) {
            Listed::Queues => self.has.0 = true,
            Listed::Channels => self.has.1 = true,
            Listed::Entry | Listed::Other => {}
        }
        Ok(None)
    }

    /// Whether both lists are here.
    pub(super) fn is_done(&self) -> bool {
        self.has == (true, true)
    }
}

async fn connect(way: &Way, guard: &Guard, clock: &Clock) -> Result<TcpStream, Lost> {
    let looked_up = tokio::select! {
        found = tokio::net::lookup_host((way.host.as_str(), way.port)) => found,
        () = clock.sleep_ms(RESOLVE_WITHIN_MS) => return Err(Lost::Silent("the name's address")),
    };
    let found = looked_up.map_err(|e| Lost::Unknown(e.to_string()))?;
    let addresses: Vec<SocketAddr> = found.take(ADDRESSES_MAX).collect();
    guard.check_all(&addresses).map_err(Lost::Refused)?;
    let mut last = Lost::Unknown(String::from("it stands for none"));
    for address in addresses {
        let connected = tokio::select! {
            connected = TcpStream::connect(address) => connected,
            () = clock.sleep_ms(CONNECT_WITHIN_MS) => {
                last = Lost::Silent("the connection");
                continue;
            }
        };
        match connected {
            Ok(stream) => return Ok(stream),
            Err(e) => last = e.into(),
        }
    }
    Err(last)
}
