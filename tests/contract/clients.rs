//! The real clients that tests speak with. `tests/run` installs them below `target/clients`.

use serde_json::Value;
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A path from the root of the repository.
pub(crate) fn path(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The folder of npm's commands.
pub(crate) fn npm_bin() -> PathBuf {
    installed("target/clients/npm/node_modules/.bin")
}

fn installed(what: &str) -> PathBuf {
    let found = path(what);
    assert!(found.exists(), "{} is missing: run tests/run once", found.display());
    found
}

/// Runs a script of `tests/clients` in Python, with JSON in and out.
pub(crate) fn python(script: &str, input: &Value) -> Value {
    let mut command = Command::new(installed("target/clients/py/bin/python"));
    command.arg(path("tests/clients").join(script));
    spoken(command, input)
}

/// Runs a script of `tests/clients` in Node, with JSON in and out.
pub(crate) fn node(script: &str, input: &Value) -> Value {
    let mut command = Command::new("node");
    command.env("NODE_PATH", installed("target/clients/npm/node_modules"));
    command.arg(path("tests/clients").join(script));
    spoken(command, input)
}

fn spoken(mut command: Command, input: &Value) -> Value {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = command.spawn().expect("the client is installed");
    let mut stdin = running.stdin.take().expect("piped");
    stdin.write_all(input.to_string().as_bytes()).expect("it reads");
    drop(stdin);
    let output = running.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{command:?}: {output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}
