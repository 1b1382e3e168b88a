//! What the fields of an account may be; each function answers the field as it is stored.

use super::Prefs;
use crate::auth::password::{LENGTH_MAX, LENGTH_MIN};

/// Longest e-mail address, bytes (RFC 5321 §4.5.3.1.3 with the errata's 254).
pub const EMAIL_MAX: usize = 254;

/// Longest name of a person, characters.
const NAME_MAX: usize = 200;

/// Longest phone number, extension, language or time zone, bytes.
const WORD_MAX: usize = 64;

/// Most choices about notifications.
const PREFS_MAX: usize = 64;

/// An e-mail address without the spaces around it: one `@`, something on both sides, no blanks.
///
/// # Errors
/// What is wrong with it.
pub fn email(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let blank = |c: char| c.is_whitespace() || c.is_control();
    match text.split_once('@') {
        _ if text.len() > EMAIL_MAX => Err("must have at most 254 bytes"),
        Some((local, domain))
            if !local.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && !text.contains(blank)
                && !text.contains(['<', '>', ',', ';', '"']) =>
        {
            Ok(text.to_owned())
        }
        _ => Err("must be an e-mail address, such as you@example.com"),
    }
}

/// A person's name, without the spaces around it.
///
/// # Errors
/// What is wrong with it.
pub fn name(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("must not be empty"),
        count if count > NAME_MAX => Err("must have at most 200 characters"),
        _ if text.contains(char::is_control) => Err("must be one line of plain text"),
        _ => Ok(text.to_owned()),
    }
}

/// A password that may be set through the API.
///
/// # Errors
/// What is wrong with it.
pub fn password(text: &str) -> Result<(), &'static str> {
    if text.chars().count() < LENGTH_MIN {
        Err("must have at least 8 characters")
    } else if text.len() > LENGTH_MAX {
        Err("must have at most 1024 bytes")
    } else {
        Ok(())
    }
}

/// A phone number as people write it; an empty one is none.
///
/// # Errors
/// What is wrong with it.
pub fn phone(text: &str) -> Result<Option<String>, &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " +-()./*#,;:@".contains(c);
    word(text, allowed, "must be a phone number of at most 64 characters")
}

/// The extension a PBX knows the person by; an empty one is none.
///
/// # Errors
/// What is wrong with it.
pub fn extension(text: &str) -> Result<Option<String>, &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-*#+".contains(c);
    word(text, allowed, "must be an extension such as 201, of at most 64 characters")
}

/// A language tag (BCP 47: `en`, `pt-BR`); an empty one is none.
///
/// # Errors
/// What is wrong with it.
pub fn locale(text: &str) -> Result<Option<String>, &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    word(text, allowed, "must be a language tag such as en or pt-BR")
}

/// A time zone by its name in the IANA database (`Europe/Berlin`); an empty one is none. Only the
/// form is checked: which names there are changes with every release of that database.
///
/// # Errors
/// What is wrong with it.
pub fn timezone(text: &str) -> Result<Option<String>, &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+-".contains(c);
    word(text, allowed, "must be a time zone such as Europe/Berlin")
}

/// Choices about notifications: at most 64, named in small letters and `_`.
///
/// # Errors
/// What is wrong with them.
pub fn prefs(prefs: &Prefs) -> Result<(), &'static str> {
    let good = |name: &String| {
        (1..=WORD_MAX).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    match prefs.len() <= PREFS_MAX && prefs.keys().all(good) {
        true => Ok(()),
        false => Err("must be at most 64 choices with names such as own_actions"),
    }
}

fn word(
    text: &str,
    allowed: impl Fn(char) -> bool,
    wrong: &'static str,
) -> Result<Option<String>, &'static str> {
    let text = text.trim();
    match text.len() <= WORD_MAX && text.chars().all(allowed) {
        true => Ok(Some(text.to_owned()).filter(|text| !text.is_empty())),
        false => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_address_has_two_sides_and_no_blanks() {
        assert_eq!(email("  A.b+c@example.com ").as_deref(), Ok("A.b+c@example.com"));
        assert!(email("ä@münchen.example").is_ok());
        let long = format!("{}@example.com", "a".repeat(EMAIL_MAX));
        for bad in
            ["", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\n.c", "<a@b>", "a@b,c@d", &long]
        {
            assert!(email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_one_line_that_is_not_empty() {
        assert_eq!(name("  Mara Lindqvist ").as_deref(), Ok("Mara Lindqvist"));
        assert!(name(&"ä".repeat(200)).is_ok());
        for bad in ["", "   ", "a\nb", "a\0", &"ä".repeat(201)] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    /// Eight characters, not bytes; and not so many that hashing them is an attack.
    #[test]
    fn a_password_has_eight_characters_and_no_more_than_a_kibibyte() {
        assert!(password("password").is_ok() && password(&"x".repeat(1_024)).is_ok());
        assert!(password("ääää").is_err() && password("1234567").is_err());
        assert!(password(&"x".repeat(1_025)).is_err());
    }

    #[test]
    fn choices_are_few_and_have_plain_names() {
        let named = |names: &[&str]| names.iter().map(|name| ((*name).into(), true)).collect();
        assert!(prefs(&named(&["own_actions", "by_mail_2"])).is_ok());
        assert!(prefs(&named(&["Own actions"])).is_err() && prefs(&named(&[""])).is_err());
        assert!(prefs(&(0..65).map(|n| (format!("a{n}"), true)).collect()).is_err());
    }

    #[test]
    fn short_words_are_kept_and_empty_ones_are_none() {
        assert_eq!(phone(" +49 (30) 123-456 "), Ok(Some("+49 (30) 123-456".into())));
        assert_eq!(phone("  "), Ok(None));
        assert_eq!(extension("201"), Ok(Some("201".into())));
        assert_eq!(locale("pt-BR"), Ok(Some("pt-BR".into())));
        assert_eq!(timezone("America/Port-au-Prince"), Ok(Some("America/Port-au-Prince".into())));
        assert!(phone("<script>").is_err() && extension("2 1").is_err());
        assert!(locale("en_US; drop").is_err() && timezone("Mars!").is_err());
        assert!(phone(&"1".repeat(65)).is_err());
    }
}
