//! What a program prints, line by line, to be waited for.

use super::PATIENCE;
use std::{
    io::{BufRead as _, BufReader, Read},
    sync::{Arc, Condvar, Mutex},
    time::Instant,
};

/// The lines of one stream so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output(Arc<(Mutex<Printed>, Condvar)>);

#[derive(Debug, Default)]
struct Printed {
    lines: Vec<String>,
    closed: bool,
}

/// How a program ended, and all it printed.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code; none when a signal ended it.
    pub(crate) code: Option<i32>,
    /// All of standard output.
    pub(crate) stdout: String,
    /// All of standard error.
    pub(crate) stderr: String,
}

impl Output {
    /// Reads a stream to its end on a thread of its own.
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let output = Self::default();
        let shared = output.0.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                // A test that gave up has said why; this thread only has to end.
                let Ok(mut printed) = shared.0.lock() else { return };
                printed.lines.push(String::from_utf8_lossy(&line).into_owned());
                shared.1.notify_all();
            }
            let Ok(mut printed) = shared.0.lock() else { return };
            printed.closed = true;
            shared.1.notify_all();
        });
        output
    }

    /// The first line that is right, now or later; none when the stream ends without it.
    pub(crate) fn wait_for(&self, is_right: impl Fn(&str) -> bool) -> Option<String> {
        self.wait(|lines| lines.iter().find(|line| is_right(line)).cloned())
    }

    /// Waits until what is printed answers the question; none when the stream ends before.
    pub(crate) fn wait<T>(&self, ask: impl Fn(&[String]) -> Option<T>) -> Option<T> {
        let (printed, changed) = &*self.0;
        let until = Instant::now() + PATIENCE;
        let mut now = printed.lock().unwrap();
        loop {
            if let Some(answer) = ask(&now.lines) {
                return Some(answer);
            }
            if now.closed {
                return None;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not printed in time; printed so far: {:#?}", now.lines);
            now = changed.wait_timeout(now, left).unwrap().0;
        }
    }

    /// All lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.0.lock().unwrap().lines.clone()
    }

    /// Everything, once the stream has ended.
    pub(crate) fn to_the_end(&self) -> String {
        let (printed, changed) = &*self.0;
        let now = printed.lock().unwrap();
        let (now, late) = changed.wait_timeout_while(now, PATIENCE, |now| !now.closed).unwrap();
        assert!(!late.timed_out(), "the stream stays open; so far: {:#?}", now.lines);
        now.lines.join("\n")
    }
}
