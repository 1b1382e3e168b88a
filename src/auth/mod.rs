//! Who is asking, and how we know: roles, tokens, passwords, sign-ins, throttles.

pub mod password;
mod role;
pub mod secret;
pub mod sessions;
pub mod sql;
pub mod throttle;
pub mod token;

pub use password::Passwords;
pub use role::Role;
pub use sessions::{Known, Sessions};
