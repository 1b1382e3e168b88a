//! The built program, started in a folder of its own and ended with the test.

use super::{
    Api, Ended, Output, PATIENCE,
    people::{ADMIN_EMAIL, PASSWORD},
};
use std::{
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Instant,
};
use tempfile::TempDir;

/// How a server is to be started.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    root: Arc<TempDir>,
    env: Vec<(String, String)>,
    args: Vec<String>,
    is_demo: bool,
}

impl Default for Setup {
    /// Development on loopback at any free port, an administrator, and a folder that is not there
    /// yet. Nothing of this process's environment reaches the server.
    fn default() -> Self {
        let root = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        let setup = Self { root, env: Vec::new(), args: Vec::new(), is_demo: false };
        let data = setup.data_dir();
        setup
            .env("SERVER_ENV", "development")
            .env("SERVER_PORT", "0")
            .env("DESKBELL_ADMIN_EMAIL", ADMIN_EMAIL)
            .env("DESKBELL_ADMIN_PASSWORD", PASSWORD)
            .env("DESKBELL_DATA_DIR", data.to_str().expect("a plain path"))
    }
}

impl Setup {
    /// Sets an environment variable.
    pub(crate) fn env(self, name: &str, value: &str) -> Self {
        let mut setup = self.without(name);
        setup.env.push((name.to_owned(), value.to_owned()));
        setup
    }

    /// Takes one away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self
    }

    /// Nobody is made administrator: there is a set-up link instead.
    pub(crate) fn without_admin(self) -> Self {
        self.without("DESKBELL_ADMIN_EMAIL").without("DESKBELL_ADMIN_PASSWORD")
    }

    /// `deskbell demo` in place of the server.
    pub(crate) fn demo() -> Self {
        let setup = Self::default().without_admin().without("DESKBELL_DATA_DIR");
        Self { is_demo: true, ..setup }
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// The folder the program is started in; everything of this server is below it.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// The data folder, unless the test names another.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.root().join("data")
    }

    /// The program with exactly these arguments.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskbell"));
        command
            .args(args)
            .args(&self.args)
            .current_dir(self.root())
            .env_clear()
            .env("HOME", self.root())
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command that ends by itself, such as a server that cannot start.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        let mut running = Running::new(self.command(args).spawn().expect("the program starts"));
        drop(running.child.stdin.take());
        running.ended()
    }

    /// Begins a command that goes on until it is dropped.
    pub(crate) fn spawn(&self, args: &[&str]) -> Running {
        Running::new(self.command(args).spawn().expect("the program starts"))
    }

    /// Starts the server and waits until it listens.
    pub(crate) fn start(self) -> Server {
        let args: &[&str] = if self.is_demo { &["demo"] } else { &["serve", "--test-clock"] };
        let running = Running::new(self.command(args).spawn().expect("the program starts"));
        let prefix = "Starting server on ";
        let Some(line) = running.stdout.wait_for(|line| line.starts_with(prefix)) else {
            panic!("the server did not start: {:#?}", running.stderr.to_the_end());
        };
        let address: SocketAddr = line[prefix.len()..].parse().expect("an address");
        Server { setup: self, running, address, heard: Arc::default() }
    }
}

/// A process; it does not outlive the test.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    /// What it prints.
    pub(crate) stdout: Output,
    /// What it says beside that.
    pub(crate) stderr: Output,
}

impl Running {
    fn new(mut child: Child) -> Self {
        let stdout = Output::of(child.stdout.take().expect("piped"));
        let stderr = Output::of(child.stderr.take().expect("piped"));
        Self { child, stdout, stderr }
    }

    fn ended(&mut self) -> Ended {
        let (stdout, stderr) = (self.stdout.to_the_end(), self.stderr.to_the_end());
        let code = self.child.wait().expect("it was started").code();
        Ended { code, stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A server that listens.
#[derive(Debug)]
pub(crate) struct Server {
    /// How it was started.
    pub(crate) setup: Setup,
    running: Running,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// An ordinary one.
    pub(crate) fn start() -> Self {
        Setup::default().start()
    }

    /// One with other settings.
    pub(crate) fn with(change: impl FnOnce(Setup) -> Setup) -> Self {
        change(Setup::default()).start()
    }

    /// `deskbell demo`.
    pub(crate) fn demo() -> Self {
        Setup::demo().start()
    }

    /// A client without a token.
    pub(crate) fn api(&self) -> Api {
        Api::new(self.address, self.heard.clone())
    }

    /// `http://address` with a path behind it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The process's number.
    pub(crate) fn pid(&self) -> u32 {
        self.running.child.id()
    }

    /// Standard output.
    pub(crate) fn stdout(&self) -> &Output {
        &self.running.stdout
    }

    /// Standard error, where the log goes.
    pub(crate) fn stderr(&self) -> &Output {
        &self.running.stderr
    }

    /// All bodies that the server has answered to clients of [`Server::api`].
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// Moves the server's clock, and waits until it has been moved.
    pub(crate) fn advance_ms(&self, by_ms: i64) {
        let moved = |lines: &[String]| {
            lines.iter().filter(|line| line.starts_with("Clock advanced by ")).count()
        };
        let before = moved(&self.running.stdout.lines());
        let mut stdin = self.running.child.stdin.as_ref().expect("piped");
        writeln!(stdin, "advance {by_ms}").expect("the server reads its clock");
        let seen = self.running.stdout.wait(|lines| (moved(lines) > before).then_some(()));
        seen.expect("the server is still there");
    }

    /// Ends it as a crash or the operating system would, in the middle of whatever it does.
    pub(crate) fn kill9(mut self) -> Setup {
        self.running.child.kill().expect("it was running");
        self.running.child.wait().expect("it was started");
        self.setup.clone()
    }

    /// Asks it to stop and waits until it has; answers what it printed.
    pub(crate) fn stop(self) -> (Setup, Ended) {
        self.terminate();
        self.ended()
    }

    /// Waits until it has ended; answers what it printed.
    pub(crate) fn ended(mut self) -> (Setup, Ended) {
        let started = Instant::now();
        let ended = self.running.ended();
        assert!(started.elapsed() < PATIENCE, "the server took long to stop");
        (self.setup.clone(), ended)
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.pid());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("there is a shell");
        assert!(status.success(), "{kill}");
    }

    /// Stops it in order and starts it again on the same folder, at another port.
    pub(crate) fn restart(self) -> Self {
        let (setup, ended) = self.stop();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        setup.start()
    }
}
