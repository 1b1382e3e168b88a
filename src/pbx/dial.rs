//! Click-to-dial: a call that somebody began here is handed to their telephone system.

use super::{
    mapping::DIALLED,
    sql::{self, Dial},
};
use crate::{
    db::Write,
    error::{Error, Result},
    id::{TenantId, UserId, uuid_v7},
};

/// Calls of one PBX that are to be made or under way; one more is refused.
const DIALS_MAX: i64 = 200;

/// Longest number, digits and signs.
const NUMBER_MAX: usize = 32;

/// Has a call made: the agent's telephone rings, and when it is picked up the number is dialled.
///
/// Answers who speaks of the call and what that one calls it; nothing when the tenant has no
/// telephone system that dials, and the call is only written down.
///
/// # Errors
/// 422 for a number that cannot be dialled; 409 `no_extension` for an agent without one,
/// `too_many_dials`.
pub fn dial(
    w: &mut Write<'_>,
    (tenant, agent): (TenantId, UserId),
    to_number: &str,
) -> Result<Option<(String, String)>> {
    let Some(pbx) = sql::active(w, tenant)?.into_iter().next() else { return Ok(None) };
    let Some(to_number) = dialable(to_number) else {
        return Err(Error::field("to_number", "must be a number of 2 to 32 digits, + * and #"));
    };
    let Some(extension) = sql::extension(w, tenant, agent)? else {
        let why = "your account has no extension, so there is no telephone to call from";
        return Err(Error::conflict("no_extension", why));
    };
    if sql::dialling(w, tenant, pbx.id)? >= DIALS_MAX {
        let why = "too many calls are being made at the moment";
        return Err(Error::conflict("too_many_dials", why));
    }
    let name = format!("{DIALLED}{}", uuid_v7(w.now));
    let wanted = Dial { call: name.clone(), extension, to_number, created_at: w.now };
    sql::dial(w, &pbx, &wanted)?;
    Ok(Some((pbx.source(), name)))
}

/// A number as it is dialled: without what only makes it easier to read.
fn dialable(number: &str) -> Option<String> {
    let number = number.replace("(0)", "");
    let sign = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#');
    let plain = |(at, c): (usize, char)| sign(c) || (c == '+' && at == 0);
    let kept: String =
        number.chars().filter(|c| !matches!(c, ' ' | '-' | '/' | '(' | ')' | '.')).collect();
    let fits = (2..=NUMBER_MAX).contains(&kept.len()) && kept.chars().enumerate().all(plain);
    fits.then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_dialled_without_its_ornaments_and_nothing_else_is_dialled() {
        for (written, dialled) in [
            ("+49 (0)30 987-654", Some("+4930987654")),
            ("030/98 76.54", Some("030987654")),
            ("*21#", Some("*21#")),
            ("1", None),
            ("2001&PJSIP/trunk", None),
            ("12+34", None),
            ("12,34", None),
            ("", None),
            ("anna", None),
            (&"1".repeat(33), None),
        ] {
            assert_eq!(dialable(written).as_deref(), dialled, "{written}");
        }
    }
}
