//! How the program ends: the exit codes, and the failure that `main` prints.

use std::{fmt, process::ExitCode};

/// An exit code. Those above 2 have the meanings of BSD `sysexits.h`, so that service managers and
/// scripts can tell a wrong setting from a broken disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// 0: done.
    Done = 0,
    /// 1: it did not work, for a reason that has no code of its own.
    Failed = 1,
    /// 2: the command line cannot be understood.
    Usage = 2,
    /// 65: the database is damaged, or newer than this program.
    BadDatabase = 65,
    /// 73: a file or folder cannot be created.
    CannotCreate = 73,
    /// 74: reading or writing failed.
    Io = 74,
    /// 75: another Deskbell holds the data folder; trying again later may help.
    Locked = 75,
    /// 78: a setting is wrong; starting again without changing it will not help.
    Config = 78,
}

impl Exit {
    /// Every code with what it tells the person or script that started the program.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Done, "done"),
        (Self::Failed, "it did not work; the message says why"),
        (Self::Usage, "the command line cannot be understood"),
        (Self::BadDatabase, "the database is damaged, or newer than this program"),
        (Self::CannotCreate, "a file or folder cannot be created"),
        (Self::Io, "reading or writing failed"),
        (Self::Locked, "another Deskbell is using the data folder"),
        (Self::Config, "a setting is wrong"),
    ];

    /// The number that the operating system sees.
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// Why a command ends without having done its work. `main` prints it as `deskbell: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub code: Exit,
    /// What happened and what to do about it, for the person at the terminal. Never a secret.
    pub message: String,
}

impl Failure {
    /// A failure with its exit code.
    pub fn new(code: Exit, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
