//! Reading: bytes as they come, in pieces of any size, into whole messages, within bounds.

use std::fmt;

/// Longest line, bytes. A longer one breaks the connection: whoever sends it is no Asterisk, or has
/// lost its place.
pub const LINE_MAX: usize = 64 << 10;

/// Most lines of one message; one more breaks the connection. The longest that Asterisk 22 sends
/// (an attended transfer) has about 140.
pub const LINES_MAX: usize = 256;

/// Most bytes of one message; more break the connection.
pub const MESSAGE_MAX: usize = 256 << 10;

/// What the first line of an AMI begins with.
const BANNER: &str = "Asterisk Call Manager/";

/// Longest piece of a wrong banner that is quoted, characters.
const QUOTED_MAX: usize = 40;

/// Why a connection cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// The first line is no banner of an AMI; with how it begins.
    NoBanner(String),
    /// A line is longer than [`LINE_MAX`].
    Line,
    /// A message has more than [`LINES_MAX`] lines.
    Lines,
    /// A message is larger than [`MESSAGE_MAX`].
    Message,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBanner(line) => {
                write!(f, "what answers is no Asterisk Manager Interface: it says {line:?}")
            }
            Self::Line => write!(f, "it sent a line of more than {} KiB", LINE_MAX >> 10),
            Self::Lines => write!(f, "it sent a message of more than {LINES_MAX} lines"),
            Self::Message => write!(f, "it sent a message of more than {} KiB", MESSAGE_MAX >> 10),
        }
    }
}

impl std::error::Error for Broken {}

/// One message: keys and values in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message(Vec<(String, String)>);

impl Message {
    /// The first value of that key, whatever its case; none when it is absent.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, v)| v.as_str())
    }

    /// The same, and none when it is empty or Asterisk's `<unknown>`.
    pub fn said(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|value| !value.is_empty() && *value != "<unknown>")
    }

    /// All values of that key, such as the lines of an `Output`.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(key));
        named.map(|(_, value)| value.as_str())
    }

    /// The name of the event, when it is one.
    pub fn event(&self) -> Option<&str> {
        self.get("Event")
    }

    /// Whether it is the answer to an action, and to a good one.
    pub fn response(&self) -> Option<bool> {
        let word = self.get("Response").filter(|_| self.event().is_none())?;
        Some(!word.eq_ignore_ascii_case("Error"))
    }

    /// The action that it answers or belongs to.
    pub fn action_id(&self) -> Option<&str> {
        self.get("ActionID")
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Message {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The first line.
    Banner(String),
    /// A message.
    Message(Message),
}

/// Puts bytes together to messages. Never holds more than [`MESSAGE_MAX`] and one line beside what
/// one [`Parser::push`] brought.
#[derive(Debug, Default)]
pub struct Parser {
    bytes: Vec<u8>,
    /// Where the next line begins, and up to where it was searched for its end.
    at: usize,
    searched: usize,
    has_banner: bool,
    message: Vec<(String, String)>,
    /// Lines and bytes of the message so far, those that say nothing included.
    size: (usize, usize),
}

impl Parser {
    /// Takes what came. Read all frames that are in it before the next.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.at);
        self.searched -= self.at;
        self.at = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next frame that is whole; none until more is pushed.
    ///
    /// # Errors
    /// [`Broken`]; the connection is then of no use.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Broken> {
        while let Some(line) = self.line()? {
            if !self.has_banner {
                if !line.starts_with(BANNER) {
                    return Err(Broken::NoBanner(line.chars().take(QUOTED_MAX).collect()));
                }
                self.has_banner = true;
                return Ok(Some(Frame::Banner(line)));
            }
            if line.is_empty() {
                self.size = (0, 0);
                let message = std::mem::take(&mut self.message);
                // Lines of nothing between messages, or a message of noise only.
                if message.is_empty() {
                    continue;
                }
                return Ok(Some(Frame::Message(Message(message))));
            }
            self.take(&line)?;
        }
        Ok(None)
    }

    /// One line of a message. What is no `Key: value` says nothing to us, and counts all the same.
    fn take(&mut self, line: &str) -> Result<(), Broken> {
        self.size = (self.size.0 + 1, self.size.1 + line.len());
        if self.size.0 > LINES_MAX {
            return Err(Broken::Lines);
        }
        if self.size.1 > MESSAGE_MAX {
            return Err(Broken::Message);
        }
        if let Some((key, value)) = line.split_once(':')
            && !key.is_empty()
            && key.bytes().all(|b| b.is_ascii_graphic())
        {
            self.message.push((key.to_owned(), value.trim().to_owned()));
        }
        Ok(())
    }

    /// The next whole line without its end, which is CR LF or LF alone.
    fn line(&mut self) -> Result<Option<String>, Broken> {
        let rest = self.bytes.get(self.searched..).unwrap_or_default();
        let Some(end) = rest.iter().position(|b| *b == b'\n').map(|at| self.searched + at) else {
            self.searched = self.bytes.len();
            // Nothing that is not AMI may say so much before its first line ends.
            let max = if self.has_banner { LINE_MAX } else { 1024 };
            return if self.bytes.len() - self.at > max { Err(self.too_long()) } else { Ok(None) };
        };
        let line = self.bytes.get(self.at..end).unwrap_or_default();
        if line.len() > LINE_MAX {
            return Err(Broken::Line);
        }
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
        (self.at, self.searched) = (end + 1, end + 1);
        Ok(Some(line))
    }

    fn too_long(&self) -> Broken {
        if self.has_banner {
            return Broken::Line;
        }
        let begin = self.bytes.get(..QUOTED_MAX).unwrap_or_default();
        Broken::NoBanner(String::from_utf8_lossy(begin).into_owned())
    }

    /// Bytes and lines that wait for the rest of their message.
    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        let lines = self.message.iter().map(|(key, value)| key.len() + value.len());
        self.bytes.len() - self.at + lines.sum::<usize>()
    }
}
