//! Teams, as the other rooms ask for them. On this branch there are none yet.

mod sql;

pub use sql::{members, of_user};
