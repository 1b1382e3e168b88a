//! Webhooks: an event owed to an endpoint is delivered at least once, or ends where a person sees it.
//!
//! Words: an **endpoint** is a registered URL, a **delivery** is one event owed to one endpoint, an
//! addresses may be called, [`sign`] how a delivery is signed, [`schedule`] when it is tried again;
//! [`crypt`] keeps the secrets, and [`post`] makes the one call.

pub mod address;
pub mod crypt;
pub mod post;
pub mod schedule;
pub mod sign;
