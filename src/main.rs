//! The `deskbell` program: reads the command line, runs it, and says what went wrong.

use clap::Parser;
use deskbell::{cli, exit::Exit};
use std::{
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    let exit = match cli::run(cli::Cli::parse()) {
        Ok(()) => Exit::Done,
        Err(failure) => {
            // Nobody is left to tell when standard error is closed; the exit code still speaks.
            writeln!(io::stderr(), "deskbell: {failure}").ok();
            failure.code
        }
    };
    exit.into()
}
