//! Giving a file's bytes back.

pub mod http;
