//! What the machine makes of what is said.
