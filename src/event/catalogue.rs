//! The catalogue of built-in kinds.
