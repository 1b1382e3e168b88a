//! Tests of comments.
