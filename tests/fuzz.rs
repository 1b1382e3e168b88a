//! Every reader of what strangers send, for a moment: the targets of `fuzz/`, played with texts
//! that they know well and with what becomes of those when somebody shakes them. The same numbers
//! come in every run; `FUZZ_ROUNDS` and `FUZZ_SEED` ask for more and for others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a target that trips over something fails, which is what it is for"
)]

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::{env, thread};
use targets::{TARGETS, Target};

/// Shaken inputs of one target; all targets together take some seconds unoptimised.
const ROUNDS: u64 = 10_000;

/// Most bytes of one input.
const LEN_MAX: usize = 4 << 10;

/// Most that is done to one input.
const BLOWS_MAX: u64 = 5;

/// What readers stumble over.
const STONES: &[&str] = &[
    "\0",
    "\r\n",
    "\n",
    "\u{feff}",
    "\u{202e}",
    "é",
    "🦀",
    "\u{10ffff}",
    "\"",
    "\\",
    "'",
    ",",
    ";",
    "-",
    "--",
    "+",
    ".",
    "..",
    "/",
    "//",
    ":",
    "=",
    "%",
    "%00",
    "%ff",
    "*",
    "@",
    "#",
    "[",
    "]",
    "{",
    "}",
    "[[[[[[[[",
    "{\"a\":",
    "null",
    "true",
    "0",
    "-1",
    "1e999",
    "0x7f",
    "9007199254740993",
    "9223372036854775808",
    "18446744073709551616",
    "\x1e",
    "b",
    "4",
    "5",
    "52-",
    "_placeholder",
    "127.0.0.1",
    "::1",
    "localhost",
    " ",
    "\t",
    "\u{a0}",
    "\u{3000}",
    "ticket.",
    "whsec_",
    "v1,",
];

fn number(name: &str, unless: u64) -> u64 {
    env::var(name).ok().map_or(unless, |text| text.parse().expect("a number"))
}

/// Marsaglia's xorshift64*: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Bytes that a target knows, shaken.
    fn shaken(&mut self, target: &Target) -> Vec<u8> {
        let mut data = self.one(target.seeds).as_bytes().to_vec();
        for _ in 0..=self.roll() % BLOWS_MAX {
            self.strike(&mut data, target);
        }
        data.truncate(LEN_MAX);
        data
    }

    fn strike(&mut self, data: &mut Vec<u8>, target: &Target) {
        let (a, b) = (self.below(data.len() + 1), self.below(data.len() + 1));
        let piece = a.min(b)..a.max(b);
        match self.below(7) {
            0 if a < data.len() => data[a] ^= 1 << self.below(8),
            1 if a < data.len() => data[a] = self.roll() as u8,
            2 => drop(data.drain(piece)),
            3 => {
                let times = 1 + self.below(40);
                let again = data[piece].repeat(times);
                data.splice(a..a, again);
            }
            4 => {
                let other = self.one(target.seeds).as_bytes();
                let cut = self.below(other.len() + 1);
                data.splice(piece, other[cut..].iter().copied());
            }
            5 => {
                let stone = self.one(STONES);
                data.splice(piece, stone.bytes());
            }
            _ => {
                let stone = self.one(STONES);
                data.splice(a..a, stone.bytes());
            }
        }
        data.truncate(LEN_MAX);
    }
}

/// Tells what was being read when something broke.
struct Told<'a>(&'a Target, &'a [u8]);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{} broke on b\"{}\"", self.0.name, self.1.escape_ascii());
        }
    }
}

fn play(target: &Target, data: &[u8]) {
    let _told = Told(target, data);
    (target.run)(data);
}

#[test]
fn no_reader_is_surprised() {
    let (rounds, seed) = (number("FUZZ_ROUNDS", ROUNDS), number("FUZZ_SEED", 1));
    thread::scope(|scope| {
        for (at, target) in TARGETS.iter().enumerate() {
            let mut dice = Dice((seed << 32) + at as u64 + 1);
            thread::Builder::new()
                .name(target.name.into())
                .spawn_scoped(scope, move || {
                    play(target, b"");
                    target.seeds.iter().for_each(|seed| play(target, seed.as_bytes()));
                    (0..rounds).for_each(|_| play(target, &dice.shaken(target)));
                })
                .expect("a thread");
        }
    });
}

/// A target without a binary would never run for hours, one without seeds not even for a moment.
#[test]
fn every_target_is_a_binary_and_has_seeds() {
    let manifest = include_str!("../fuzz/Cargo.toml");
    let binaries: Vec<_> =
        manifest.lines().filter_map(|line| line.strip_prefix("name = ")).collect();
    let mut names = vec![String::from("\"deskbell-fuzz\"")];
    names.extend(TARGETS.iter().map(|target| format!("\"{}\"", target.name)));
    assert_eq!(binaries, names);
    assert!(TARGETS.iter().all(|target| !target.seeds.is_empty()));
}
