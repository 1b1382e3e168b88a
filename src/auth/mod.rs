//! Who is asking, and how we know: roles, tokens, passwords, throttles.

mod role;

pub use role::Role;
