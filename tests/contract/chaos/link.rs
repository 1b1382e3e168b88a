//! What lies between a client and the server, and how it breaks: a line that carries bytes both
//! ways until it is cut.

use super::scene::Scene;
use crate::harness::PATIENCE;
use socket2::SockRef;
use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    thread,
    time::Duration,
};

/// How a connection ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    /// Both sides are told, after what was on its way.
    Close,
    /// Both sides are told rudely, and what was on its way is lost.
    Reset,
    /// As `Reset`, but only when so many bytes more have passed: half way in a frame, a head or a
    /// body.
    After(i64),
    /// The link is down: nothing passes, and the server is never told. The client has found out by
    /// itself that nothing comes any more.
    Silent,
}

/// A place to connect to in the server's stead. Its thread lives as long as the test program.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    /// Where.
    pub(crate) address: SocketAddr,
    carried: Arc<Carried>,
}

/// What a link carries now, and what it has dropped without a word.
#[derive(Debug, Default)]
struct Carried {
    pairs: Mutex<Vec<Arc<Pair>>>,
    dropped: Mutex<Vec<Arc<Pair>>>,
}

/// One connection: the two streams that make it.
#[derive(Debug)]
struct Pair {
    client: TcpStream,
    server: TcpStream,
    /// Bytes that may still pass, in both directions together.
    left: AtomicI64,
    is_silent: AtomicBool,
}

impl Link {
    /// A new one, to wherever the server is.
    pub(crate) fn to(scene: &Arc<Scene>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let link = Self { address: listener.local_addr().expect("bound"), carried: Arc::default() };
        // Whoever holds the link holds what it carries; its thread does not.
        let (carried, scene) = (Arc::downgrade(&link.carried), scene.clone());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (Some(carried), scene) = (carried.upgrade(), scene.clone()) else { return };
                thread::spawn(move || carry(&carried, &scene, client));
            }
        });
        link
    }

    /// Cuts whatever it carries; false when that is nothing.
    pub(crate) fn cut(&self, how: Cut) -> bool {
        let pairs = std::mem::take(&mut *self.carried.pairs.lock().unwrap());
        for pair in &pairs {
            match how {
                Cut::Close => pair.close(),
                Cut::Reset => pair.reset(),
                Cut::After(bytes) => pair.left.store(bytes, Ordering::Release),
                Cut::Silent => {
                    pair.is_silent.store(true, Ordering::Release);
                    // Kept, so that the server sees an open connection on which nobody reads.
                    self.carried.dropped.lock().unwrap().push(pair.clone());
                    drop(pair.client.shutdown(Shutdown::Both));
                }
            }
        }
        !pairs.is_empty()
    }
}

impl Pair {
    fn close(&self) {
        // Either may be gone already.
        drop(self.client.shutdown(Shutdown::Both));
        drop(self.server.shutdown(Shutdown::Both));
    }

    /// Both ends are reset once the last one who carries between them lets go, which is now: their
    /// reads end.
    fn reset(&self) {
        for stream in [&self.client, &self.server] {
            drop(SockRef::from(stream).set_linger(Some(Duration::ZERO)));
            drop(stream.shutdown(Shutdown::Read));
        }
    }

    /// Carries one way until either side ends it or the line is cut.
    fn pump(&self, mut from: &TcpStream, mut to: &TcpStream) {
        let mut buffer = [0; 16 << 10];
        loop {
            let read = from.read(&mut buffer).unwrap_or(0);
            if self.is_silent.load(Ordering::Acquire) {
                return;
            }
            let length = i64::try_from(read).expect("a small number");
            let left = self.left.fetch_sub(length, Ordering::AcqRel);
            let passes = usize::try_from(left.clamp(0, length)).expect("a small number");
            let is_written = to.write_all(&buffer[..passes]).is_ok();
            if passes < read {
                return self.reset();
            }
            if read == 0 || !is_written {
                break;
            }
        }
        let is_reset = SockRef::from(&self.client).linger().is_ok_and(|linger| linger.is_some());
        if !is_reset {
            self.close();
        }
    }
}

/// Carries one connection, as soon as there is a server to carry it to.
fn carry(carried: &Carried, scene: &Scene, client: TcpStream) {
    let Some(address) = scene.wait_for_server() else { return };
    let Ok(server) = TcpStream::connect(address) else { return };
    for stream in [&client, &server] {
        drop(stream.set_nodelay(true));
        drop(stream.set_write_timeout(Some(PATIENCE)));
    }
    let left = AtomicI64::new(i64::MAX / 2);
    let pair = Arc::new(Pair { client, server, left, is_silent: AtomicBool::new(false) });
    carried.pairs.lock().unwrap().push(pair.clone());
    let down = pair.clone();
    let down = thread::spawn(move || down.pump(&down.server, &down.client));
    pair.pump(&pair.client, &pair.server);
    // It says nothing that is of interest, and does not panic.
    drop(down.join());
    carried.pairs.lock().unwrap().retain(|other| !Arc::ptr_eq(other, &pair));
}
