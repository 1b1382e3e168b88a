//! What goes out to one client, and the one lock that orders everything sent on it.
//!
//! Write now if you can, queue if you can't: whoever has something writes it straight to the wire;
//! what the wire does not take at once is left to the client's own task, which wakes when it can.

use super::{
    mailbox::{BYTES_HARD_MAX, Mailbox},
    session::{Close, CloseReason},
};
use crate::time::Clock;
use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use std::{
    io,
    sync::atomic::{AtomicI64, Ordering},
};
use tokio::sync::Notify;

/// Most bytes handed to the socket in one write.
const WRITE_MAX: usize = 64 << 10;

/// A session whose mailbox is full and that took nothing for this long is closed as slow.
const STALLED_MS: i64 = 5_000;

/// Where the bytes go, and how that ends.
pub trait Wire: Send + Sync {
    /// Writes what it can at once.
    ///
    /// # Errors
    /// `WouldBlock` when nothing fits; anything else means that the peer is gone.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// The last message.
    fn close(&self, why: Close, reason: &CloseReason) -> Bytes;

    /// At this many bytes waiting, the client is closed as slow at once.
    fn waiting_max(&self) -> usize {
        BYTES_HARD_MAX
    }
}

/// Everything on its way to one client, whatever its door.
pub struct Outbox {
    pub(super) clock: Clock,
    wire: Box<dyn Wire>,
    mail: Mutex<Mailbox>,
    wake: Notify,
    /// Told when it is closed, by either side, and when all that waited is written.
    over: Notify,
    /// When something was last heard from the peer, in ticks.
    heard_at: AtomicI64,
}

impl Outbox {
    /// An empty one on a wire.
    pub fn new(clock: &Clock, wire: Box<dyn Wire>) -> Self {
        let ticks = clock.ticks_ms();
        Self {
            clock: clock.clone(),
            mail: Mutex::new(Mailbox::new(wire.waiting_max(), ticks)),
            wire,
            wake: Notify::new(),
            over: Notify::new(),
            heard_at: AtomicI64::new(ticks),
        }
    }

    /// The clock its times are of.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Notes that the peer said something, whatever it was.
    pub fn heard(&self) {
        self.heard_at.store(self.clock.ticks_ms(), Ordering::Relaxed);
    }

    /// When the peer last said something, in ticks of the clock.
    pub fn heard_at(&self) -> i64 {
        self.heard_at.load(Ordering::Relaxed)
    }

    /// Sends one message now, or leaves it in order behind what waits.
    pub fn send(&self, bytes: Bytes) {
        let mut mail = self.mail.lock();
        if !mail.push(bytes) {
            self.close_locked(&mut mail, Close::Slow, None, &[]);
        }
        self.flush_locked(&mut mail, &mut Vec::new());
    }

    /// Called by the client's task when the wire can take more. True when all is written.
    pub fn drain(&self) -> bool {
        let mut mail = self.mail.lock();
        mail.left_to_task = !self.write_locked(&mut mail, &mut Vec::new());
        if !mail.left_to_task {
            self.over.notify_waiters();
        }
        !mail.left_to_task
    }

    /// Takes out what waits, for a wire that is asked instead of written to: whole messages, as
    /// many as make about `max_bytes`.
    pub fn take(&self, max_bytes: usize) -> Vec<Bytes> {
        let mut mail = self.mail.lock();
        let taken = mail.take(max_bytes);
        if !taken.is_empty() {
            mail.progress_at = self.clock.ticks_ms();
        }
        // Whoever puts something in next finds that the wire does not take it, and wakes us.
        mail.left_to_task = false;
        if mail.is_empty() {
            self.over.notify_waiters();
        }
        taken
    }

    /// Says goodbye: the close message goes out behind what waits, then the task ends.
    pub fn close(&self, why: Close) {
        self.close_after(why, None, &[]);
    }

    /// The same, with a last word of the session's before it.
    pub(super) fn close_after(&self, why: Close, retry_in_ms: Option<u64>, farewell: &[u8]) {
        self.close_locked(&mut self.mail.lock(), why, retry_in_ms, farewell);
    }

    /// Why the session is ended, once it is.
    pub fn closed(&self) -> Option<Close> {
        self.mail.lock().closed
    }

    /// Whether the peer is gone, so that there is nobody to say goodbye to.
    pub fn is_hung_up(&self) -> bool {
        self.mail.lock().hung_up
    }

    /// Whether something waits to be written.
    pub fn has_mail(&self) -> bool {
        !self.mail.lock().is_empty()
    }

    /// Whether the wire did not take all: the client's task writes the rest.
    pub fn is_left_to_task(&self) -> bool {
        self.mail.lock().left_to_task
    }

    /// Messages waiting.
    pub fn waiting(&self) -> usize {
        self.mail.lock().len()
    }

    /// Waits until the task has something to do: bytes that did not fit, or a close.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Waits until it is closed, by either side.
    pub async fn ended(&self) {
        self.until(|mail| mail.closed.is_some()).await;
    }

    /// Waits until nothing waits to be written, or it is closed: a client that reads slowly is fed
    /// slowly.
    pub(super) async fn drained(&self) {
        self.until(|mail| mail.is_empty() || mail.closed.is_some()).await;
    }

    async fn until(&self, is_so: impl Fn(&Mailbox) -> bool) {
        loop {
            let over = self.over.notified();
            if is_so(&self.mail.lock()) {
                return;
            }
            over.await;
        }
    }

    /// The peer is gone: nothing more is written.
    pub fn hang_up(&self) {
        self.mail.lock().gone();
        self.over.notify_waiters();
        self.wake.notify_one();
    }

    /// Closes a client that is full and takes nothing any more.
    pub(super) fn look_for_stall(&self) {
        self.close_if_stalled(&mut self.mail.lock());
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Mailbox> {
        self.mail.lock()
    }

    /// Wakes the task, to look again.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    pub(super) fn close_if_stalled(&self, mail: &mut Mailbox) {
        if mail.left_to_task
            && mail.is_full()
            && self.clock.ticks_ms() - mail.progress_at > STALLED_MS
        {
            self.close_locked(mail, Close::Slow, None, &[]);
        }
    }

    pub(super) fn close_locked(
        &self,
        mail: &mut Mailbox,
        why: Close,
        retry_in_ms: Option<u64>,
        farewell: &[u8],
    ) {
        if mail.closed.is_some() {
            return;
        }
        mail.closed = Some(why);
        let (c, reconnect, seq) = (why.word(), why.may_return(), mail.seq_at_close());
        let reason = CloseReason { c, reconnect, seq, retry_in_ms };
        let last = self.wire.close(why, &reason);
        mail.push_last(if farewell.is_empty() { last } else { [farewell, &last].concat().into() });
        self.flush_locked(mail, &mut Vec::new());
        self.over.notify_waiters();
        self.wake.notify_one();
    }

    /// Writes what waits, unless the task has that duty; what does not fit becomes its duty.
    pub(super) fn flush_locked(&self, mail: &mut Mailbox, scratch: &mut Vec<u8>) {
        if !mail.left_to_task && !self.write_locked(mail, scratch) {
            mail.left_to_task = true;
            // It begins to wait now. Whoever had nothing to take before did not take its time: a
            // stream would else be closed by the first burst after a quiet minute.
            mail.progress_at = self.clock.ticks_ms();
            self.wake.notify_one();
        }
    }

    /// True when all is written, or nobody is left to write to.
    fn write_locked(&self, mail: &mut Mailbox, scratch: &mut Vec<u8>) -> bool {
        while let Some(chunk) = mail.chunk(scratch, WRITE_MAX) {
            let len = chunk.len();
            match self.wire.try_write(chunk) {
                Ok(written) => {
                    mail.wrote(written);
                    mail.progress_at = self.clock.ticks_ms();
                    if written < len {
                        return false;
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => {
                    mail.gone();
                    self.over.notify_waiters();
                    self.wake.notify_one();
                }
            }
        }
        true
    }
}
