//! Lines of a CSV file (RFC 4180) that no spreadsheet mistakes for formulas.

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};

/// Adds a line of these cells.
pub fn line(to: &mut String, cells: &[String]) {
    for (at, text) in cells.iter().enumerate() {
        if at > 0 {
            to.push(',');
        }
        cell(to, text);
    }
    to.push_str("\r\n");
}

/// Answers lines as a file to be saved; `disposition` names it (`attachment; filename="…"`).
pub fn file(lines: Body, disposition: &'static str) -> Response {
    let mut response = Response::new(lines);
    let csv = HeaderValue::from_static("text/csv; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, csv);
    let file = HeaderValue::from_static(disposition);
    response.headers_mut().insert(header::CONTENT_DISPOSITION, file);
    response
}

/// A cell in quotes where it needs them. A text that a spreadsheet would run as a formula gets an
/// apostrophe before it, which spreadsheets take as "this is text".
pub fn cell(to: &mut String, text: &str) {
    let runs = text.starts_with(['\t', '\r', '\n'])
        || text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let quoted = runs || text.contains(['"', ',', ';', '\r', '\n']) || text.starts_with(' ');
    if quoted {
        to.push('"');
    }
    if runs {
        to.push('\'');
    }
    for c in text.chars() {
        if c == '"' {
            to.push('"');
        }
        to.push(c);
    }
    if quoted {
        to.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut to = String::new();
        cell(&mut to, text);
        to
    }

    /// What a spreadsheet would run stands behind an apostrophe, within quotes.
    #[test]
    fn no_cell_is_a_formula() {
        for text in
            ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u{3000}=1", "＝1", "\n=1"]
        {
            assert_eq!(shown(text), format!("\"'{text}\""));
        }
        assert_eq!(shown("=\"a\""), "\"'=\"\"a\"\"\"");
    }

    #[test]
    fn cells_are_quoted_where_they_need_it() {
        assert_eq!(shown("plain"), "plain");
        assert_eq!(shown("a,b"), "\"a,b\"");
        assert_eq!(shown("say \"hi\""), "say \"\"hi\"\"".replacen("say", "\"say", 1) + "\"");
        assert_eq!(shown("two\nlines"), "\"two\nlines\"");
    }
}
