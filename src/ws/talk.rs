//! One open WebSocket: reads what the client says, and writes what did not fit at once.

use super::pace::Pace;
use crate::hub::{Close, Outbox};
use bytes::Bytes;
use socket2::SockRef;
use std::{
    io::{self, Read, Write},
    net::Shutdown,
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::tungstenite::{
    self, Error as WsError,
    protocol::{Message as Heard, Role, WebSocketConfig, WebSocketContext},
};

/// Room for what a client sends; grows while a larger message is read.
const READ_BUFFER: usize = 256;

/// Most bytes read of one client before the others have their turn. Without this a client that
/// sends faster than it is read keeps a thread of the server's to itself: six of them, and nobody
/// else is answered.
const TURN_BYTES: usize = 16 << 10;

/// Bytes on the wire for one message, times its largest size: one in fragments of a byte each needs
/// seven times as much. Without this, fragments that add nothing go on for ever.
const HEADS_FACTOR: usize = 8;

/// Pings, pongs and the like a second; they are counted here, messages by whoever hears them.
const CONTROL_PER_SECOND: u32 = 50;

/// How long a socket that was told to close may take to finish.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);

/// What is done with what a client says.
pub trait Hear {
    /// A text message.
    ///
    /// # Errors
    /// Why the client is sent away.
    fn text(&mut self, text: &str) -> Result<Next, Close>;

    /// A binary message.
    ///
    /// # Errors
    /// Why the client is sent away.
    fn binary(&mut self, bytes: Bytes) -> Result<Next, Close>;
}

/// What to do after a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Read the next one.
    Read,
    /// Stop, and leave the rest to another reader.
    Stop,
}

/// What one client may send.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// Bytes of one message.
    pub message_max: usize,
    /// Bytes a second: of all that is sent, also what never makes a message.
    pub per_second: u32,
}

/// A socket and what is read of it so far.
pub struct Talk {
    context: WebSocketContext,
    stream: Arc<TcpStream>,
    allowed: Allowance,
    bytes: Pace,
    controls: Pace,
    /// Bytes read since something was whole.
    unfinished: usize,
}

impl Talk {
    /// On a stream that was upgraded, of which `early` was read already. Who sends more than is
    /// allowed is sent away.
    pub fn new(stream: Arc<TcpStream>, early: Vec<u8>, allowed: Allowance) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(allowed.message_max))
            .max_frame_size(Some(allowed.message_max));
        let context = WebSocketContext::from_partially_read(early, Role::Server, Some(config));
        let (bytes, controls) = (Pace::default(), Pace::default());
        Self { context, stream, allowed, bytes, controls, unfinished: 0 }
    }

    /// Reads and writes until `out` is closed by either side, or `hear` wants to stop.
    pub async fn serve(&mut self, out: &Outbox, hear: &mut (dyn Hear + Send)) -> Next {
        // A client may have sent its first message together with the handshake.
        let (mut next, mut more) = self.read(out, hear);
        // What came before there was a stream waits for somebody to write it.
        out.drain();
        while next == Next::Read && out.closed().is_none() {
            if more {
                tokio::task::yield_now().await;
            }
            tokio::select! {
                ready = self.stream.readable() => match ready {
                    Ok(()) => (next, more) = self.read(out, hear),
                    Err(_) => out.hang_up(),
                },
                ready = self.stream.writable(), if out.is_left_to_task() => match ready {
                    Ok(()) => { out.drain(); }
                    Err(_) => out.hang_up(),
                },
                // Something did not fit, or it is over: look again.
                () = out.woken() => {}
            }
        }
        next
    }

    /// Reads what has come, and hands on what it makes; whether the turn ended before all was read.
    fn read(&mut self, out: &Outbox, hear: &mut dyn Hear) -> (Next, bool) {
        let ticks_ms = out.clock().ticks_ms();
        let mut wire = Adapter::of(&self.stream, out);
        let mut whole_at = None;
        let next = loop {
            if out.closed().is_some() {
                break Next::Read;
            }
            let read = self.context.read(&mut wire);
            whole_at = read.as_ref().ok().map(|_| wire.read).or(whole_at);
            let done = match read {
                Ok(Heard::Text(text)) => hear.text(&text),
                Ok(Heard::Binary(bytes)) => hear.binary(bytes),
                Ok(_) if self.controls.allows(ticks_ms, 1, CONTROL_PER_SECOND) => Ok(Next::Read),
                Ok(_) => Err(Close::TooFast),
                Err(WsError::Io(e)) if e.kind() == io::ErrorKind::WouldBlock => break Next::Read,
                Err(e) => {
                    // The answer to a client's close is written, and not flushed, before the error
                    // that ends the reading; without it a browser reports an abnormal end.
                    drop(wire.flush());
                    broken(out, &e);
                    break Next::Read;
                }
            };
            match done {
                Ok(Next::Read) => {}
                Ok(Next::Stop) => break Next::Stop,
                Err(why) => out.close(why),
            }
        };
        self.unfinished = whole_at.map_or(self.unfinished + wire.read, |at| wire.read - at);
        let read = u32::try_from(wire.read).unwrap_or(u32::MAX);
        if self.unfinished > HEADS_FACTOR * self.allowed.message_max {
            out.close(Close::TooBig);
        } else if !self.bytes.allows(ticks_ms, read, self.allowed.per_second) {
            out.close(Close::TooFast);
        }
        (next, wire.read >= TURN_BYTES)
    }

    /// After the end: writes the rest, then waits a moment for the client to end it too.
    pub async fn finish(&mut self, out: &Outbox) {
        let rest = async {
            while out.has_mail() && !out.drain() && self.stream.writable().await.is_ok() {}
            // RFC 6455 §7.1.7: whoever broke the protocol may never answer our close. They see at
            // once that nothing more comes, and what they still send is read, or a reset might
            // take the close away from them.
            if let Some(Close::Protocol | Close::BadText | Close::TooBig) = out.closed() {
                drop(SockRef::from(&*self.stream).shutdown(Shutdown::Write));
            }
            // A client that answers the close is done; it is for the server to end the connection.
            // One that is not understood any more is read until it ends it.
            let mut rest = [0; 512];
            while !out.is_hung_up() && self.stream.readable().await.is_ok() {
                // Or else a client that never stops sending is never left alone.
                tokio::task::yield_now().await;
                if self.answers_close(out) {
                    return;
                }
                match self.stream.try_read(&mut rest) {
                    Ok(0) => return,
                    Err(e) if e.kind() != io::ErrorKind::WouldBlock => return,
                    Ok(_) | Err(_) => {}
                }
            }
        };
        if timeout(CLOSE_WITHIN, rest).await.is_err() {
            tracing::debug!("a closed socket did not finish in time");
        }
    }
}

impl Talk {
    /// Reads on behind our close; true when the client's close is among what comes.
    fn answers_close(&mut self, out: &Outbox) -> bool {
        let mut wire = Adapter::of(&self.stream, out);
        loop {
            match self.context.read(&mut wire) {
                Ok(Heard::Close(_)) => return true,
                Ok(_) => {}
                Err(WsError::ConnectionClosed | WsError::AlreadyClosed) => return true,
                Err(_) => return false,
            }
        }
    }
}

/// The client broke the protocol, or is gone.
fn broken(out: &Outbox, e: &WsError) {
    use tungstenite::error::CapacityError;
    match e {
        WsError::Utf8(_) => out.close(Close::BadText),
        WsError::Capacity(CapacityError::MessageTooLong { .. }) => out.close(Close::TooBig),
        WsError::Protocol(_) | WsError::Capacity(_) => out.close(Close::Protocol),
        _ => out.hang_up(),
    }
}

/// What tungstenite reads from and writes to: the socket, and the mailbox, so that its pongs keep
/// their place among events.
struct Adapter<'a> {
    stream: &'a TcpStream,
    out: &'a Outbox,
    bytes: Vec<u8>,
    /// Bytes read in this turn.
    read: usize,
}

impl<'a> Adapter<'a> {
    fn of(stream: &'a TcpStream, out: &'a Outbox) -> Self {
        Self { stream, out, bytes: Vec::new(), read: 0 }
    }
}

impl Read for Adapter<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // Also between two frames that make no message: tungstenite would read them for ever.
        if self.read >= TURN_BYTES {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let read = self.stream.try_read(buf)?;
        self.read += read;
        // Only what comes is a sign of life, not that we looked.
        self.out.heard();
        Ok(read)
    }
}

impl Write for Adapter<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.bytes.is_empty() {
            self.out.send(std::mem::take(&mut self.bytes).into());
        }
        Ok(())
    }
}
