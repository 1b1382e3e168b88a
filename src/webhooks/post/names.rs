//! Looking up names for deliveries: once for everybody who waits, remembered for a while, bounded.
//!
//! The system's resolver blocks for as long as it likes. Here it runs on threads of its own, at
//! most [`LOOK_UPS_MAX`] at a time, while the workers wait no longer than their time-out; a worker
//! that finds all of them taken waits for one to come free. One name is asked for once, however
//! many wait for it. A name that is already known costs no thread.

use parking_lot::{Condvar, Mutex};
use std::{
    collections::HashMap,
    fmt, io,
    net::{IpAddr, ToSocketAddrs},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// Names being looked up at the same time. Dead name servers hold a thread for up to 30 s each.
const LOOK_UPS_MAX: usize = 32;

/// Names remembered; beyond it the one that would expire first is forgotten.
const NAMES_MAX: usize = 256;

/// How long an answer is believed.
const FOUND_FOR: Duration = Duration::from_secs(30);

/// How long a name that does not resolve is not asked for again.
const FAILED_FOR: Duration = Duration::from_secs(2);

/// Addresses kept of one name. What is cut off is never called, so it need not be checked.
const ADDRS_MAX: usize = 64;

/// Turns a name into addresses, blocking; the system's own unless a test says otherwise.
pub type LookUp = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// Asks the operating system.
pub(super) fn system(name: &str) -> io::Result<Vec<IpAddr>> {
    Ok((name, 0).to_socket_addrs()?.map(|addr| addr.ip()).collect())
}

/// Why there are no addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoName {
    /// The name does not resolve, with what the resolver said.
    Failed(Arc<str>),
    /// There was no answer before the deadline.
    Late,
}

/// What is known of one name.
enum Known {
    Asking,
    Found { addrs: Arc<[IpAddr]>, until: Instant },
    Failed { why: Arc<str>, until: Instant },
}

impl Known {
    fn until(&self) -> Option<Instant> {
        match self {
            Self::Asking => None,
            Self::Found { until, .. } | Self::Failed { until, .. } => Some(*until),
        }
    }
}

#[derive(Default)]
struct State {
    known: HashMap<Box<str>, Known>,
    asking: usize,
}

/// The names that deliveries have asked for lately.
pub(super) struct Names {
    look_up: Box<LookUp>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Names {
    pub(super) fn new(look_up: Box<LookUp>) -> Arc<Self> {
        Arc::new(Self { look_up, state: Mutex::default(), changed: Condvar::new() })
    }

    /// The addresses of `host`, from memory or after a look-up, before `deadline`.
    pub(super) fn resolve(
        self: &Arc<Self>,
        host: &str,
        deadline: Instant,
    ) -> Result<Arc<[IpAddr]>, NoName> {
        let mut state = self.state.lock();
        loop {
            let now = Instant::now();
            let unknown = match state.known.get(host) {
                Some(Known::Asking) => false,
                Some(Known::Found { addrs, until }) if now < *until => return Ok(addrs.clone()),
                Some(Known::Failed { why, until }) if now < *until => {
                    return Err(NoName::Failed(why.clone()));
                }
                Some(_) | None => true,
            };
            if now >= deadline {
                return Err(NoName::Late);
            }
            if unknown && state.asking < LOOK_UPS_MAX {
                self.ask(&mut state, host, now)?;
            }
            self.changed.wait_until(&mut state, deadline);
        }
    }

    /// Forgets `host`, because nobody answers at its addresses: it may have moved.
    pub(super) fn forget(&self, host: &str) {
        let mut state = self.state.lock();
        if state.known.get(host).is_some_and(|known| known.until().is_some()) {
            state.known.remove(host);
        }
    }

    fn ask(self: &Arc<Self>, state: &mut State, host: &str, now: Instant) -> Result<(), NoName> {
        make_room(&mut state.known, now);
        let asked = Asked { names: self.clone(), host: host.into(), answer: None };
        state.known.insert(host.into(), Known::Asking);
        state.asking += 1;
        let spawned = thread::Builder::new().name(String::from("webhook-names")).spawn(move || {
            let mut asked = asked;
            asked.answer = Some((asked.names.look_up)(&asked.host));
        });
        match spawned {
            Ok(_) => Ok(()),
            Err(why) => Err(NoName::Failed(format!("no thread to look it up: {why}").into())),
        }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names(..)")
    }
}

/// One look-up under way. Its end is noted when this is dropped, so that nobody waits for a look-up
/// that panicked.
struct Asked {
    names: Arc<Names>,
    host: Box<str>,
    answer: Option<io::Result<Vec<IpAddr>>>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        let now = Instant::now();
        let failed = |why: String| Known::Failed { why: why.into(), until: now + FAILED_FOR };
        let known = match self.answer.take() {
            Some(Ok(mut addrs)) if !addrs.is_empty() => {
                addrs.truncate(ADDRS_MAX);
                Known::Found { addrs: addrs.into(), until: now + FOUND_FOR }
            }
            Some(Ok(_)) => failed(String::from("the name has no address")),
            Some(Err(why)) => failed(why.to_string()),
            None => failed(String::from("the look-up ended without an answer")),
        };
        let mut state = self.names.state.lock();
        state.asking = state.asking.saturating_sub(1);
        state.known.insert(std::mem::take(&mut self.host), known);
        self.names.changed.notify_all();
    }
}

/// Leaves room for one more name: drops what has expired, else what would expire first.
fn make_room(known: &mut HashMap<Box<str>, Known>, now: Instant) {
    if known.len() < NAMES_MAX {
        return;
    }
    known.retain(|_, known| known.until().is_none_or(|until| now < until));
    if known.len() >= NAMES_MAX {
        let first = known
            .iter()
            .filter_map(|(host, known)| known.until().map(|until| (until, host)))
            .min()
            .map(|(_, host)| host.clone());
        if let Some(host) = first {
            known.remove(&host);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[test]
    fn a_name_is_asked_for_once_until_it_is_forgotten() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let names = Names::new(Box::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(vec![LOCAL])
        }));
        for _ in 0..3 {
            assert_eq!(names.resolve("a.test", soon()).unwrap().as_ref(), [LOCAL]);
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        names.forget("a.test");
        names.forget("never.test");
        assert!(names.resolve("a.test", soon()).is_ok());
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn many_waiting_for_one_name_share_one_look_up() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let (go, wait) = mpsc::sync_channel(1);
        let wait = Mutex::new(wait);
        let names = Names::new(Box::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            wait.lock().recv().map(|()| vec![LOCAL]).map_err(io::Error::other)
        }));
        let all_here = Barrier::new(9);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    all_here.wait();
                    assert!(names.resolve("a.test", soon()).is_ok());
                });
            }
            all_here.wait();
            go.send(()).unwrap();
        });
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_look_up_that_hangs_or_panics_keeps_nobody_past_the_deadline() {
        let (_keep, wait) = mpsc::sync_channel::<()>(1);
        let wait = Mutex::new(wait);
        let names = Names::new(Box::new(move |name| {
            assert!(name == "slow.test", "this look-up ends badly, as the test wants");
            Err(io::Error::other(format!("{:?}", wait.lock().recv())))
        }));
        let deadline = Instant::now() + Duration::from_millis(50);
        assert_eq!(names.resolve("slow.test", deadline), Err(NoName::Late));
        let Err(NoName::Failed(why)) = names.resolve("bad.test", soon()) else {
            panic!("a panic is a failure");
        };
        assert_eq!(&*why, "the look-up ended without an answer");
    }

    #[test]
    fn no_more_look_ups_run_at_once_than_the_bound() {
        let running = Arc::new(AtomicUsize::new(0));
        let count = running.clone();
        let (_keep, wait) = mpsc::sync_channel::<()>(1);
        let wait = Mutex::new(wait);
        let names = Names::new(Box::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            Err(io::Error::other(format!("{:?}", wait.lock().recv())))
        }));
        let now = Instant::now();
        for n in 0..LOOK_UPS_MAX + 8 {
            assert_eq!(names.resolve(&format!("{n}.test"), now + Duration::from_millis(1)), {
                Err(NoName::Late)
            });
            names.state.lock().known.retain(|_, known| known.until().is_none());
        }
        assert!(names.state.lock().asking <= LOOK_UPS_MAX);
        assert!(running.load(Ordering::SeqCst) <= LOOK_UPS_MAX);
    }

    #[test]
    fn a_name_without_addresses_has_failed_and_memory_stays_bounded() {
        let names = Names::new(Box::new(|_| Ok(Vec::new())));
        for n in 0..NAMES_MAX + 50 {
            let Err(NoName::Failed(why)) = names.resolve(&format!("{n}.test"), soon()) else {
                panic!("nothing was found");
            };
            assert_eq!(&*why, "the name has no address");
        }
        assert_eq!(names.state.lock().known.len(), NAMES_MAX);
    }
}
