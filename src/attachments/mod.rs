//! Files on tickets, comments and articles.

pub mod link;
pub mod names;
pub mod range;
pub mod sniff;
pub mod store;
#[cfg(test)]
mod tests;
pub mod upload;
