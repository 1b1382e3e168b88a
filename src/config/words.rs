//! The words that some settings are made of, and the wrapper that keeps secrets out of prints.

use std::fmt;

/// A value that is never printed: `Debug` shows a placeholder and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Call it where the secret is used, never where something is written.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

macro_rules! words {
    ($(
        $(#[$doc:meta])*
        $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// The word in the configuration.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The value of a word, or why there is none.
            pub(super) fn parse(word: &str) -> Result<Self, String> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(String::from("is none of the words")),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    )*};
}

words! {
    /// What the server is used for. Production is strict about secrets.
    ServerEnv {
        /// Real people and real secrets.
        #[default]
        Production = "production",
        /// On a developer's own machine.
        Development = "development",
        /// Started by a test.
        Test = "test",
    }
    /// What a commit waits for (`PRAGMA synchronous` of the SQLite documentation).
    Synchronous {
        /// Every acknowledged write survives a power cut.
        #[default]
        Full = "full",
        /// A power cut may lose the last moments; a crash of the program alone loses nothing.
        Normal = "normal",
    }
    /// The shape of log lines.
    LogFormat {
        /// For people.
        #[default]
        Text = "text",
        /// One JSON object a line, for log collectors.
        Json = "json",
    }
    /// The least important log line that is still written.
    LogLevel {
        /// Only what needs somebody.
        Error = "error",
        /// Also what somebody should look at.
        Warn = "warn",
        /// Also what happens in the ordinary course.
        #[default]
        Info = "info",
        /// Also what helps to find a fault.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}
