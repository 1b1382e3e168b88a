//! Tests of comments, and the desk they are tried at.

mod http;
mod rules;

pub(crate) use http::{Desk, fits};
