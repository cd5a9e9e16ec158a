//! A word of an instruction: its quotes, escapes and variables, as Docker reads them.

use std::iter::Peekable;
use std::str::Chars;

/// What the variables stand for.
pub(super) type Value<'v> = dyn FnMut(&str) -> Option<String> + 'v;

/// Splits at blanks outside quotes; quotes and escapes stay for [`fill`].
pub(super) fn split(text: &str, escape: char) -> Vec<&str> {
    let (mut words, mut start, mut quote) = (Vec::new(), None, None);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            words.extend(start.take().and_then(|start: usize| text.get(start..at)));
            continue;
        }
        start.get_or_insert(at);
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            (None | Some('"'), _) if c == escape => drop(chars.next()),
            _ => {}
        }
    }
    words.extend(start.and_then(|start| text.get(start..)));
    words
}

/// Takes quotes and escapes off a word and fills in `$name`, `${name}`, `${name:-default}` and `${name:+word}`.
///
/// # Errors
/// Which variable has no value, or is written in a form that only a shell understands.
pub(super) fn fill(word: &str, escape: char, value: &mut Value<'_>) -> Result<String, String> {
    nested(word, escape, value, MAX_DEPTH)
}

/// How deep `${a:-${b:-…}}` goes.
const MAX_DEPTH: usize = 8;
/// More than the kernel takes for one variable; without a bound, forty times `ENV A=$A$A` would fill the memory.
const MAX_BYTES: usize = 128 << 10;

fn nested(word: &str, escape: char, value: &mut Value<'_>, depth: usize) -> Result<String, String> {
    let (mut out, mut double) = (String::new(), false);
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' if !double => out.extend(chars.by_ref().take_while(|c| *c != '\'')),
            '"' => double = !double,
            '$' => out.push_str(&variable(&mut chars, escape, value, depth)?),
            _ if c == escape => match chars.next() {
                // In double quotes an escape in front of anything else is a character like another.
                Some(next) if double && !matches!(next, '"' | '$') && next != escape => out.extend([c, next]),
                next => out.extend(next),
            },
            _ => out.push(c),
        }
        if out.len() > MAX_BYTES {
            return Err(format!("it is longer than {MAX_BYTES} bytes"));
        }
    }
    Ok(out)
}

/// What stands behind a `$`.
fn variable(
    chars: &mut Peekable<Chars<'_>>,
    escape: char,
    value: &mut Value<'_>,
    depth: usize,
) -> Result<String, String> {
    let no_value = |name: &str| format!("${name} has no value here");
    if chars.next_if_eq(&'{').is_none() {
        let name = name(chars);
        return if name.is_empty() { Ok("$".into()) } else { value(&name).ok_or_else(|| no_value(&name)) };
    }
    let name = name(chars);
    let (mut rest, mut open) = (String::new(), 1);
    for c in chars.by_ref() {
        open = match c {
            '{' => open + 1,
            '}' => open - 1,
            _ => open,
        };
        if open == 0 {
            break;
        }
        rest.push(c);
    }
    let strange = || format!("${{{name}{rest}}} is written as only a shell understands it");
    let Some(depth) = depth.checked_sub(1).filter(|_| !name.is_empty() && open == 0) else {
        return Err(strange());
    };
    if rest.is_empty() {
        return value(&name).ok_or_else(|| no_value(&name));
    }
    let (or_empty, modifier) = rest.strip_prefix(':').map_or((false, rest.as_str()), |modifier| (true, modifier));
    let known = value(&name);
    let is_set = known.as_ref().is_some_and(|known| !or_empty || !known.is_empty());
    match (modifier.strip_prefix('-'), modifier.strip_prefix('+')) {
        (Some(default), _) if !is_set => nested(default, escape, value, depth),
        (Some(_), _) => Ok(known.unwrap_or_default()),
        (_, Some(instead)) if is_set => nested(instead, escape, value, depth),
        (_, Some(_)) => known.map(|_| String::new()).ok_or_else(|| no_value(&name)),
        _ => Err(strange()),
    }
}

fn name(chars: &mut Peekable<Chars<'_>>) -> String {
    std::iter::from_fn(|| chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(word: &str) -> Result<String, String> {
        fill(word, '\\', &mut |name| match name {
            "V" => Some("22".into()),
            "E" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn words_end_at_blanks_outside_quotes() {
        let text = r#"A="x y" B='$z "' C=\$d\ e ''  F"#;
        assert_eq!(split(text, '\\'), [r#"A="x y""#, r#"B='$z "'"#, r"C=\$d\ e", "''", "F"]);
        assert_eq!(split("a` b", '`'), ["a` b"]);
    }

    /// The cases are those of BuildKit's `frontend/dockerfile/shell/envVarTest`, where it has them.
    #[test]
    fn quotes_escapes_and_variables_are_dockers() {
        let cases = [
            ("a:$V-${V}.${W:-4}", "a:22-22.4"),
            (r"\$V", "$V"),
            ("'$V'", "$V"),
            (r#""$V""#, "22"),
            (r#""'$V'""#, "'22'"),
            (r"he\$V", "he$V"),
            (r"he\\$V", r"he\22"),
            (r#""he\\$V""#, r"he\22"),
            (r#""he\llo""#, r"he\llo"),
            (r"he\llo", "hello"),
            (r"he\", "he"),
            ("he$", "he$"),
            ("he$/x", "he$/x"),
            ("${E:-x}", "x"),
            ("${E-x}", ""),
            ("${V:+a$V}", "a22"),
            ("${E:+x}", ""),
            ("${W:-${V}}", "22"),
            ("${W:-a{b}c}", "a{b}c"),
        ];
        for (word, expected) in cases {
            assert_eq!(filled(word).as_deref(), Ok(expected), "{word}");
        }
        assert_eq!(filled("${W}").unwrap_err(), "$W has no value here");
        assert_eq!(filled("${W:+x}").unwrap_err(), "$W has no value here");
        assert_eq!(filled("${V#x}").unwrap_err(), "${V#x} is written as only a shell understands it");
        let deep = |depth: usize| format!("{}x{}", "${W:-".repeat(depth), "}".repeat(depth));
        assert_eq!(filled(&deep(8)).as_deref(), Ok("x"));
        assert!(filled(&deep(9)).is_err() && filled(&"$V".repeat(70_000)).is_err());
        assert!(filled("${").is_err() && filled("${}").is_err() && filled("${V").is_err());
    }
}
