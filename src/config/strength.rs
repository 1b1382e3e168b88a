//! Judges a signing secret: published placeholders and short ones must never sign anything.

/// The shortest signing secret, in bytes: as long as the output of HMAC-SHA256 (RFC 7518, 3.2).
pub(super) const SECRET_MIN: usize = 32;

/// A secret with fewer different bytes than this was typed by leaning on a key.
const DIFFERENT_MIN: usize = 6;

/// Whole secrets that stand in tutorials, in the form of [`plain`].
const WORDS: &[&str] = &[
    "secret",
    "secretkey",
    "jwtsecret",
    "mysecret",
    "mysecretkey",
    "supersecret",
    "supersecretkey",
    "topsecret",
    "keyboardcat",
    "password",
    "default",
    "example",
    "placeholder",
    "test",
    "dev",
    "development",
    "todo",
    "none",
    "null",
    "your256bitsecret",
    "shhhhh",
];

/// Parts that no random secret has and every template has, in the form of [`plain`].
const PARTS: &[&str] = &[
    "changeme",
    "changethis",
    "changeit",
    "changein",
    "replaceme",
    "replacethis",
    "replacewith",
    "yoursecret",
    "yourjwtsecret",
    "yoursupersecret",
    "insertsecret",
    "secrethere",
    "keyhere",
    "minimum32characters",
    "atleast32characters",
];

/// What a signing secret is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strength {
    /// It may sign.
    Good,
    /// Everybody knows it.
    Placeholder,
    /// It can be guessed.
    Short,
}

/// Judges a secret.
pub(super) fn judge(secret: &str) -> Strength {
    let plain = plain(secret);
    let mut bytes: Vec<u8> = secret.bytes().collect();
    bytes.sort_unstable();
    bytes.dedup();
    if WORDS.contains(&plain.as_str())
        || PARTS.iter().any(|part| plain.contains(part))
        || bytes.len() < DIFFERENT_MIN
    {
        Strength::Placeholder
    } else if secret.len() < SECRET_MIN {
        Strength::Short
    } else {
        Strength::Good
    }
}

/// Letters and digits only, in lower case: `Change_Me!` and `change-me` are the same placeholder.
fn plain(secret: &str) -> String {
    let kept = secret.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_known_in_any_spelling() {
        for secret in [
            "your-secret-key-change-this-in-production",
            "YOUR_SECRET_KEY_CHANGE_THIS_IN_PRODUCTION",
            "changeme",
            "Change-Me!",
            "secret",
            "your-super-secret-jwt-key-at-least-32-characters-long",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "",
        ] {
            assert_eq!(judge(secret), Strength::Placeholder, "{secret}");
        }
    }

    #[test]
    fn length_is_counted_in_bytes() {
        let hex = "9f86d081884c7d659a2feaa0c55ad015";
        assert_eq!(judge(hex), Strength::Good);
        assert_eq!(judge(&hex[1..]), Strength::Short);
        assert_eq!(judge("correct horse battery staple and a bell"), Strength::Good);
    }
}
