//! A change in the middle of a text, and the two ends as they were.

use toml_edit::DocumentMut;

/// The text with what `change` did to it, and the line on which that begins, from 1. `None` if `change` could not be made,
/// or if it would not be the only one.
///
/// The document is only asked what is new: everything before and behind it is taken from the text, line ends included.
pub(super) fn edited(text: &str, change: &mut dyn FnMut(&mut DocumentMut) -> Option<()>) -> Option<(String, usize)> {
    if !text.ends_with('\n') {
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let (text, line) = edited(&format!("{text}{end}"), change)?;
        return Some((text.trim_end_matches(end).to_owned(), line));
    }
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let (mark, body) = text.split_at(mark);
    let plain = body.replace("\r\n", "\n");
    let mut document: DocumentMut = plain.parse().ok()?;
    if document.to_string() != plain {
        return None;
    }
    change(&mut document)?;
    let new = document.to_string();

    let start = common(plain.chars(), new.chars());
    let end = common(plain[start..].chars().rev(), new[start..].chars().rev());
    let (before, behind) = (&plain[..start], &plain[plain.len() - end..]);
    let middle = &new[start..new.len() - end];
    let middle = if body.contains("\r\n") { middle.replace('\n', "\r\n") } else { middle.to_owned() };
    // The ends are as long as they are in the plain text, and as many line ends longer as they have.
    let (first, rest) = split(body, before.len());
    let (_, last) = split(rest, plain.len() - behind.len() - before.len());
    let line = 1 + before.matches('\n').count() + usize::from(middle.starts_with(['\r', '\n']));
    Some((format!("{mark}{first}{middle}{last}"), line))
}

/// Splits a text behind so many bytes, a line end of two counted as one.
fn split(text: &str, bytes: usize) -> (&str, &str) {
    let mut left = bytes;
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let is_first_half = c == '\r' && rest.peek().is_some_and(|(_, next)| *next == '\n');
        if left == 0 {
            return text.split_at(at);
        }
        if !is_first_half {
            left = left.saturating_sub(c.len_utf8());
        }
    }
    (text, "")
}

/// How many bytes two texts have in common at the beginning.
fn common(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum()
}
