//! Telephone numbers: when two ways of writing one mean the same.

/// Fewest digits by which a longer number is recognised; shorter ones are extensions.
const DIGITS_MIN: usize = 7;

/// Most digits of the country's code, and of what is dialled before a number.
const PREFIX_MAX: usize = 4;

/// The digits of a number, without what is dialled to get out of a country or a town: `+`, `00`,
/// `0`, and the `(0)` that people write between the two.
pub(super) fn digits(number: &str) -> String {
    let bare = number.replace("(0)", "");
    // What follows is for the telephone, not for finding somebody.
    let bare = bare.split([',', ';', '@', 'x', 'w', 'p']).next().unwrap_or_default();
    let digits: String = bare.chars().filter(char::is_ascii_digit).collect();
    digits.trim_start_matches('0').to_owned()
}

/// Whether two numbers, by their [`digits`], are the same one, perhaps with and without the code of
/// its country.
pub(super) fn same(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let code = long.len() - short.len();
    !short.is_empty()
        && (short == long
            || (short.len() >= DIGITS_MIN && code <= PREFIX_MAX && long.ends_with(short)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_in_all_the_ways_it_is_written() {
        let table = [
            ("+49 30 987654", "030 987654", true),
            ("+49 30 987654", "0049 30 987654", true),
            ("+49 (0)30 / 98 76-54", "4930987654", true),
            ("+1 212 555 0100", "(212) 555-0100", true),
            ("+1 212 555 0100", "1-212-555-0100", true),
            ("030 987654", "040 987654", false),
            ("+49 30 987654", "+43 30 987654", false),
            ("201", "201", true),
            ("201", "+49 30 555201", false),
            ("", "", false),
            ("anonymous", "", false),
            ("+4930987654;ext=12", "030987654", true),
        ];
        for (one, other, expected) in table {
            assert_eq!(same(&digits(one), &digits(other)), expected, "{one} {other}");
            assert_eq!(same(&digits(other), &digits(one)), expected, "{other} {one}");
        }
    }
}
