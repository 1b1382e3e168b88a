//! Lines of a CSV file (RFC 4180) that no spreadsheet mistakes for formulas.

use crate::error::Result;
use axum::{
    body::{Body, Bytes},
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

/// Answers a file of any length, read in stretches: `header`, then the lines that `next` has behind
/// a row, with the last row of them, or none at the end. It begins behind row 0.
pub fn stretches<F>(
    header: &str,
    disposition: &'static str,
    next: impl FnMut(i64) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = Result<(String, Option<i64>)>> + Send + 'static,
{
    let first = (Some(0), String::from(header), next);
    let lines = futures_util::stream::unfold(first, |(after, mut text, mut next)| async move {
        Some(match next(after?).await {
            Ok((lines, after)) => {
                text.push_str(&lines);
                (Ok(Bytes::from(text)), (after, String::new(), next))
            }
            // The answer has begun: breaking it off is the only way to say that it is not whole.
            Err(e) => (Err(e), (None, String::new(), next)),
        })
    });
    file(Body::from_stream(lines), disposition)
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
