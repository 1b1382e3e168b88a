//! Writing: one action with its fields, so that no value can begin a line of its own.

use std::fmt;

/// An action to be sent. Not `Debug` with its values: one of them is a secret.
pub struct Action {
    name: &'static str,
    text: String,
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Action({})", self.name)
    }
}

impl Action {
    /// An action by its name, with the id that its answer will carry.
    pub fn new(name: &'static str, id: &str) -> Self {
        Self { name, text: String::new() }.with("Action", name).with("ActionID", id)
    }

    /// Adds a field. Control characters in the value become spaces: a line break would let whoever
    /// chose the value give orders of their own.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.text.push_str(key);
        self.text.push_str(": ");
        self.text.extend(value.chars().map(|c| if c.is_control() { ' ' } else { c }));
        self.text.push_str("\r\n");
        self
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The bytes to send.
    pub fn bytes(&self) -> Vec<u8> {
        format!("{}\r\n", self.text).into_bytes()
    }
}
