//! Socket.IO.

pub mod packet;
