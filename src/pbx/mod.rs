//! Telephone systems.

pub mod ami;
pub mod mapping;
