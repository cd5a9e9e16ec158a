//! A Dockerfile as a list of instructions: continued lines joined, comments and here-documents taken out.

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instruction {
    /// The line it begins in, from 1.
    pub(super) line: usize,
    /// `FROM`, `COPY`, …, in capitals.
    pub(super) keyword: String,
    /// What follows the keyword.
    pub(super) rest: String,
    /// Whether a here-document belongs to it.
    pub(super) heredoc: bool,
}

/// Reads the instructions and the escape character.
pub(super) fn read(text: &str) -> (Vec<Instruction>, char) {
    let escape = escape(text);
    let mut instructions = Vec::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((line, first)) = lines.next() {
        if is_comment(first) || first.trim().is_empty() {
            continue;
        }
        let mut whole = String::new();
        let mut part = Some(first);
        while let Some(text) = part {
            let continued = text.trim_end().strip_suffix(escape);
            whole.push_str(continued.unwrap_or(text));
            // Comments and blank lines inside a continued instruction are no part of it.
            part = match continued {
                Some(_) => lines.by_ref().map(|(_, l)| l).find(|l| !is_comment(l) && !l.trim().is_empty()),
                None => None,
            };
        }
        let whole = whole.trim();
        let (keyword, rest) = whole.split_once(char::is_whitespace).unwrap_or((whole, ""));
        let keyword = keyword.to_ascii_uppercase();
        let documents = if matches!(keyword.as_str(), "RUN" | "COPY" | "ADD") { heredocs(rest) } else { Vec::new() };
        for (word, tabs) in &documents {
            let end = |l: &str| (if *tabs { l.trim_start_matches('\t') } else { l }) == word;
            lines.by_ref().find(|(_, l)| end(l));
        }
        instructions.push(Instruction { line, keyword, rest: rest.trim().into(), heredoc: !documents.is_empty() });
    }
    (instructions, escape)
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// The escape character: a parser directive at the very top may change it.
fn escape(text: &str) -> char {
    let directives = text.lines().map_while(|line| line.trim().strip_prefix('#')?.split_once('='));
    let escape = directives.into_iter().find(|(key, _)| key.trim().eq_ignore_ascii_case("escape"));
    escape.and_then(|(_, value)| value.trim().chars().next()).filter(|c| *c == '`').unwrap_or('\\')
}

/// The end words of the here-documents that a line opens, and whether tabs before them are taken off.
fn heredocs(rest: &str) -> Vec<(String, bool)> {
    let open = |word: &str| {
        let after = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
        let tabs = after.starts_with('-');
        let name = after.trim_start_matches('-').trim_matches(['"', '\'']);
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        (!name.is_empty() && name.chars().all(fine)).then(|| (name.to_owned(), tabs))
    };
    rest.split_whitespace().filter_map(open).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_comments_dropped() {
        let text = "# syntax=docker/dockerfile:1\n\nfrom a \\\n  # why\n\n  AS b\nRUN <<EOF\nFROM not\nEOF\nCMD x\n";
        let (read, _) = read(text);
        let short: Vec<_> = read.iter().map(|i| (i.line, i.keyword.as_str(), i.rest.as_str(), i.heredoc)).collect();
        assert_eq!(short, [(3, "FROM", "a   AS b", false), (7, "RUN", "<<EOF", true), (10, "CMD", "x", false)]);
    }

    #[test]
    fn the_escape_character_can_be_changed() {
        let (read, escape) = read("# escape=`\nRUN a `\n b\\\nRUN c\n");
        assert_eq!((escape, read.len()), ('`', 2));
        assert_eq!(read[0].rest, "a  b\\");
    }
}
