//! What a run costs: CPU time and memory of a process, as Linux tells them. Elsewhere: nothing.

use std::{
    fs,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

/// Microseconds of one tick in `/proc/<pid>/stat`: `USER_HZ` is 100 on all that Rust runs on.
const TICK_US: u64 = 10_000;

/// CPU time of a process and all its threads so far, user and system, in microseconds.
pub(super) fn cpu_us(process: &str) -> Option<u64> {
    ticks(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?).map(|ticks| ticks * TICK_US)
}

/// Fields 14 and 15 of proc(5); the name before them may have spaces and parentheses in it.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(11);
    let (user, system): (u64, u64) = (times.next()?.parse().ok()?, times.next()?.parse().ok()?);
    Some(user + system)
}

/// Memory of a process that is in RAM, in KiB.
pub(super) fn rss_kib(process: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Lets this process, and the server that it starts, have so many files open.
///
/// # Errors
/// How many are allowed, where that is fewer: only an administrator raises the hard limit. It
/// holds for each process, so more drivers would not help a server that may not either.
#[cfg(unix)]
pub(super) fn allow_files(needed: usize) -> Result<(), u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let needed = u64::try_from(needed).unwrap_or(u64::MAX);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    match current {
        Some(current) if current < needed => {
            let raised = Rlimit { current: Some(needed), maximum };
            setrlimit(Resource::Nofile, raised).map_err(|_| maximum.unwrap_or(current))
        }
        _ => Ok(()),
    }
}

/// Elsewhere there is no such limit.
#[cfg(not(unix))]
pub(super) fn allow_files(_: usize) -> Result<(), u64> {
    Ok(())
}

/// A stretch of time with what server and driver used in it.
pub(super) struct Window {
    server: String,
    started: Instant,
    server_us: Option<u64>,
    driver_us: Option<u64>,
}

/// What a [`Window`] came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    /// How long it was.
    pub(super) seconds: f64,
    /// CPU time of the server, microseconds.
    pub(super) server_us: Option<f64>,
    /// CPU time of this process, microseconds.
    pub(super) driver_us: Option<f64>,
}

impl Window {
    /// Begins now, for the server with this process id.
    pub(super) fn open(server: u32) -> Self {
        let server = server.to_string();
        let (server_us, driver_us) = (cpu_us(&server), cpu_us("self"));
        Self { server, started: Instant::now(), server_us, driver_us }
    }

    /// Ends now.
    pub(super) fn close(&self) -> Spent {
        let since = |then: Option<u64>, now: Option<u64>| Some(now?.checked_sub(then?)? as f64);
        Spent {
            seconds: self.started.elapsed().as_secs_f64(),
            server_us: since(self.server_us, cpu_us(&self.server)),
            driver_us: since(self.driver_us, cpu_us("self")),
        }
    }
}

impl Spent {
    /// CPU time of the server for each of `units` things, microseconds.
    pub(super) fn server_us_per(&self, units: f64) -> Option<f64> {
        self.server_us.map(|us| us / units).filter(|us| us.is_finite())
    }

    /// How many cores the server kept busy.
    pub(super) fn server_cores(&self) -> Option<f64> {
        self.server_us.map(|us| us / 1e6 / self.seconds)
    }

    /// How many cores this process kept busy.
    pub(super) fn driver_cores(&self) -> Option<f64> {
        self.driver_us.map(|us| us / 1e6 / self.seconds)
    }
}

/// The kind of file system a folder is on, where the system tells.
pub(super) fn file_system(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let (_, at, kind) = (fields.next()?, fields.next()?, fields.next()?);
        folder.starts_with(at).then(|| (at.len(), kind.to_owned()))
    });
    mounts.max_by_key(|(depth, _)| *depth).map(|(_, kind)| kind)
}

/// What one synchronised write of 4 KiB takes there: the median of a few.
pub(super) fn sync_takes(folder: &Path) -> std::io::Result<Duration> {
    let path = folder.join("sync-probe");
    let mut file = fs::File::create(&path)?;
    let mut took = Vec::new();
    for _ in 0..21 {
        let started = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        took.push(started.elapsed());
    }
    fs::remove_file(path)?;
    took.sort_unstable();
    Ok(took.get(took.len() / 2).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program may call itself anything, its times are still found.
    #[test]
    fn ticks_are_read_behind_any_name() {
        let rest = "S 1 2 3 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 5000 1000 200";
        for name in ["deskbell", "a b", "x) S 9 9 (y"] {
            assert_eq!(ticks(&format!("42 ({name}) {rest}")), Some(300), "{name}");
        }
        assert_eq!(ticks("42 (deskbell"), None);
    }

    #[test]
    fn a_synchronised_write_takes_some_time_and_leaves_nothing() {
        let folder = crate::test_folder();
        assert!(sync_takes(folder.path()).unwrap() > Duration::ZERO);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
