//! The server that is measured: its own process, its own folder, nobody else's settings.

use super::{Common, Outcome, cost, failed, report::Machine, wrong};
use crate::exit::{Exit, Failure};
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The administrator of the throw-away server, which only listens on loopback while it lives.
pub(super) const EMAIL: &str = "bench@example.com";
pub(super) const PASSWORD: &str = "only for this run";

/// What the server says when it is ready; the address follows.
const READY: &str = "Starting server on ";

/// How long the start may take; making a database and an administrator takes a second at most.
const START_WITHIN: Duration = Duration::from_secs(30);

/// How long an orderly end may take: the server gives itself ten seconds, then folds its log in.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// How much of the server's log is shown when something went wrong, bytes.
const LOG_SHOWN: usize = 2_000;

/// A running server. Dropping it ends it and removes its folder, unless that is to be kept.
pub(super) struct Server {
    child: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
    folder: Folder,
    recipe: Recipe,
}

/// How it is started, the first time and again.
struct Recipe {
    pinned: Option<String>,
    settings: Vec<(String, String)>,
    flags: Vec<String>,
}

/// Where its data lies.
enum Folder {
    Thrown(TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Thrown(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }
}

fn cannot(e: &io::Error) -> Failure {
    Failure::new(Exit::CannotCreate, format!("no folder for the server: {e}"))
}

impl Server {
    /// Starts one with these settings and flags, and waits until it is ready.
    pub(super) fn start(
        common: &Common,
        settings: &[(&str, String)],
        flags: &[&str],
    ) -> Outcome<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("deskbell-bench-");
        let folder = match &common.folder {
            Some(parent) => builder.tempdir_in(parent),
            None => builder.tempdir(),
        };
        Self::run(Folder::Thrown(folder.map_err(|e| cannot(&e))?), common, settings, flags)
    }

    /// Starts one in a folder that stays.
    pub(super) fn start_in(folder: &Path, common: &Common) -> Outcome<Self> {
        fs::create_dir_all(folder).map_err(|e| cannot(&e))?;
        let folder = folder.canonicalize().map_err(|e| cannot(&e))?;
        Self::run(Folder::Kept(folder), common, &[], &[])
    }

    fn run(
        folder: Folder,
        common: &Common,
        settings: &[(&str, String)],
        flags: &[&str],
    ) -> Outcome<Self> {
        // So that neither ./.env nor the system's own file is read.
        for name in ["none.env", "server.log"] {
            File::create(folder.path().join(name)).map_err(|e| cannot(&e))?;
        }
        let recipe = Recipe {
            pinned: common.pin_server.clone(),
            settings: settings.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        };
        let (child, heard) = recipe.launch(folder.path(), 0)?;
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { child, address, folder, recipe };
        server.wait_until_ready(heard)?;
        Ok(server)
    }

    fn wait_until_ready(&mut self, heard: Option<mpsc::Receiver<SocketAddr>>) -> Outcome<()> {
        match heard.and_then(|heard| heard.recv_timeout(START_WITHIN).ok()) {
            Some(address) => self.address = address,
            None => return Err(self.explain(wrong("the server did not start".into()))),
        }
        Ok(())
    }

    /// Sends it SIGTERM; [`Self::has_ended`] says when it has.
    pub(super) fn ask_to_stop(&self) -> Outcome<()> {
        match ask_to_stop(self.pid()) {
            true => Ok(()),
            false => Err(wrong("the server could not be asked to stop".into())),
        }
    }

    /// Whether it has ended, in order.
    pub(super) fn has_ended(&mut self) -> Outcome<bool> {
        match self.child.try_wait() {
            Ok(None) => Ok(false),
            Ok(Some(status)) if status.success() => Ok(true),
            Ok(Some(status)) => {
                Err(self.explain(wrong(format!("the server did not end in order: {status}"))))
            }
            Err(e) => Err(failed("the server could not be waited for", &e)),
        }
    }

    /// Starts the one that has ended again: on its folder, at its address.
    pub(super) fn start_again(&mut self) -> Outcome<()> {
        let (child, heard) = self.recipe.launch(self.folder.path(), self.address.port())?;
        self.child = child;
        self.wait_until_ready(heard)
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its memory, KiB.
    pub(super) fn rss_kib(&self) -> Option<f64> {
        cost::rss_kib(&self.pid().to_string())
    }

    /// Where all this happens.
    pub(super) fn machine(&self) -> Machine {
        Machine::here(self.folder.path(), self.recipe.pinned.as_deref())
    }

    /// Sizes of the database and of its write-ahead log, bytes.
    pub(super) fn database_bytes(&self) -> (Option<f64>, Option<f64>) {
        let size = |name: &str| {
            let path = self.folder.path().join("data").join(name);
            fs::metadata(path).ok().map(|meta| meta.len() as f64)
        };
        (size("deskbell.db"), size("deskbell.db-wal"))
    }

    /// A failure with what the server has to say about it.
    pub(super) fn explain(&self, failure: Failure) -> Failure {
        let log = fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default();
        let lines = log.lines().filter(|line| !line.contains("(loopback)"));
        let mut tail: Vec<&str> = lines.collect();
        let mut shown = 0;
        let fits = tail.iter().rev().take_while(|line| {
            shown += line.len();
            shown <= LOG_SHOWN
        });
        let from = tail.len() - fits.count();
        let tail = tail.split_off(from);
        if tail.is_empty() {
            return failure;
        }
        let message = format!("{failure}\nThe server said:\n{}", tail.join("\n"));
        Failure::new(failure.code, message)
    }

    /// Ends it in an orderly way.
    pub(super) fn stop(mut self) -> Outcome<()> {
        match self.end() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => {
                Err(self.explain(wrong(format!("the server did not end in order: {status}"))))
            }
            Err(e) => Err(failed("the server could not be ended", &e)),
        }
    }

    /// Asks it to stop, and kills it when it does not.
    fn end(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        if ask_to_stop(self.pid()) {
            let until = Instant::now() + STOP_WITHIN;
            while Instant::now() < until {
                if let Some(status) = self.child.try_wait()? {
                    return Ok(status);
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        self.child.kill()?;
        self.child.wait()
    }
}

impl Recipe {
    /// Starts the program on a folder and a port; says how to hear when it is ready.
    fn launch(
        &self,
        path: &Path,
        port: u16,
    ) -> Outcome<(Child, Option<mpsc::Receiver<SocketAddr>>)> {
        let log = File::options().append(true).open(path.join("server.log"));
        let mut command = program(self.pinned.as_deref())?;
        command
            .args(["serve", "--host", "127.0.0.1", "--port", &port.to_string()])
            .arg("--data-dir")
            .arg(path.join("data"))
            .arg("--env-file")
            .arg(path.join("none.env"))
            .args(&self.flags)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| (OsString::from("PATH"), path)))
            // Development: webhooks may go to loopback.
            .envs([("SERVER_ENV", "development"), ("LOG_LEVEL", "warn")])
            .envs([("DESKBELL_ADMIN_EMAIL", EMAIL), ("DESKBELL_ADMIN_PASSWORD", PASSWORD)])
            .envs(self.settings.iter().map(|(key, value)| (key, value)))
            .current_dir(path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.map_err(|e| cannot(&e))?);
        let mut child =
            command.spawn().map_err(|e| failed("the server could not be started", &e))?;
        let heard = child.stdout.take().map(listen);
        Ok((child, heard))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its folder goes right after, so it must be gone by then; nobody is left to tell.
        drop(self.end());
    }
}

/// This very program, on some CPUs only where that is asked for.
fn program(cpus: Option<&str>) -> Outcome<Command> {
    let own = std::env::current_exe().map_err(|e| failed("this program is not found", &e))?;
    let Some(cpus) = cpus else { return Ok(Command::new(own)) };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tool = std::env::split_paths(&path)
        .map(|folder| folder.join("taskset"))
        .find(|path: &PathBuf| Path::is_file(path))
        .filter(|_| cfg!(target_os = "linux"));
    let Some(tool) = tool else {
        let why = "--pin-server needs the program taskset (Linux, package util-linux)";
        return Err(Failure::new(Exit::Usage, why));
    };
    let mut command = Command::new(tool);
    command.arg("-c").arg(cpus).arg(own);
    Ok(command)
}

/// Reads what the server says until it ends; hands out the address.
fn listen(stdout: ChildStdout) -> mpsc::Receiver<SocketAddr> {
    let (tell, heard) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(address) = line.strip_prefix(READY).and_then(|text| text.parse().ok()) {
                tell.try_send(address).ok();
            }
        }
    });
    heard
}

/// SIGTERM, sent by the shell: the standard library only knows SIGKILL.
#[cfg(unix)]
fn ask_to_stop(pid: u32) -> bool {
    let status = Command::new("sh")
        .args(["-c", "kill -TERM \"$1\"", "sh", &pid.to_string()])
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

#[cfg(not(unix))]
fn ask_to_stop(_: u32) -> bool {
    false
}
