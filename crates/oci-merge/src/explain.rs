//! `explain`: what a code means, why it matters, what to do. One page a code, in `manual/codes`.

use std::fmt;

/// The page of one code.
///
/// Displayed, it is plain text for a terminal, without a line end after the last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    code: &'static str,
    markdown: &'static str,
}

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no code {}{}", oci_merge_image::shown(asked), meant.map(|code| format!("; did you mean {code}?")).unwrap_or_default())]
pub struct UnknownCode {
    /// What was asked for.
    pub asked: String,
    /// The code that was probably meant.
    pub meant: Option<&'static str>,
}

/// The page of a code; capitals do not matter.
///
/// ```
/// let page = oci_merge::explain("om0201").unwrap();
/// assert_eq!(page.title(), "two layers write one path, and the copies differ");
/// assert_eq!(oci_merge::explain("OM201").unwrap_err().to_string(), "there is no code OM201; did you mean OM0201?");
/// ```
///
/// # Errors
/// There is no such code.
pub fn explain(code: &str) -> Result<Explanation, UnknownCode> {
    let asked = code.trim().to_ascii_uppercase();
    explanations()
        .find(|page| page.code == asked)
        .ok_or_else(|| UnknownCode { asked: code.into(), meant: near(&asked) })
}

/// The pages of all codes, in the order of the codes.
pub fn explanations() -> impl Iterator<Item = Explanation> {
    crate::manual::CODE_PAGES.iter().map(|(code, markdown)| Explanation { code, markdown })
}

/// The code that was probably meant: `201` and `OM201` are OM0201; else one that is one slip away.
fn near(asked: &str) -> Option<&'static str> {
    let digits = asked.trim_start_matches(['O', 'M', '0']);
    let by_number = |code: &&str| !digits.is_empty() && code.trim_start_matches(['O', 'M', '0']) == digits;
    let codes = || explanations().map(|page| page.code);
    codes().find(|code| by_number(code)).or_else(|| codes().find(|code| strsim::osa_distance(asked, code) == 1))
}

impl Explanation {
    /// The code, such as `OM0201`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What it says, in a line.
    pub fn title(&self) -> &'static str {
        self.markdown.lines().next().and_then(|line| line.split_once(": ")).map_or("", |(_, title)| title)
    }

    /// The page as Markdown.
    pub fn markdown(&self) -> &'static str {
        self.markdown
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut is_verbatim = false;
        let mut lines = Vec::new();
        for line in self.markdown.lines() {
            if line.starts_with("```") {
                is_verbatim = !is_verbatim;
            } else if is_verbatim {
                lines.push(format!("    {line}").trim_end().to_owned());
            } else {
                lines.push(line.trim_start_matches('#').trim_start_matches(' ').replace(['<', '>'], ""));
            }
        }
        f.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_says_what_it_is_and_what_to_do() {
        let codes: Vec<_> = explanations().map(|page| page.code()).collect();
        assert!(codes.is_sorted(), "{codes:?}");
        for page in explanations() {
            let (code, markdown) = (page.code(), page.markdown());
            assert!(markdown.starts_with(&format!("# {code}: {}\n\n", page.title())), "{code}");
            assert!(!page.title().is_empty() && !page.title().ends_with('.'), "{code}");
            let headings: Vec<_> = markdown.lines().filter(|line| line.starts_with("## ")).collect();
            assert_eq!(headings.last(), Some(&"## What to do"), "{code}");
            let words = markdown.split("```").step_by(2).flat_map(str::lines);
            assert!(words.into_iter().all(|line| line.chars().count() <= 100), "{code}");
        }
    }

    #[test]
    fn the_terminal_gets_plain_text() {
        let page =
            Explanation { code: "OM1", markdown: "# OM1: x\n\nSee <https://y>.\n\n## A\n\n```text\n# a\n\n<b>\n```\n" };
        assert_eq!(page.to_string(), "OM1: x\n\nSee https://y.\n\nA\n\n    # a\n\n    <b>");
    }

    #[test]
    fn slips_are_understood_and_nonsense_is_not() {
        let meant = |asked: &str| explain(asked).unwrap_err().meant;
        assert_eq!(explain(" Om0205\n").unwrap().code(), "OM0205");
        assert_eq!(
            [meant("205"), meant("OM205"), meant("om00205"), meant("OM0200")],
            [Some("OM0205"), Some("OM0205"), Some("OM0205"), Some("OM0100")]
        );
        assert_eq!([meant(""), meant("OM"), meant("collision"), meant("OM9999")], [None; 4]);
        assert_eq!(explain("\u{1b}[2J").unwrap_err().to_string(), "there is no code \\x1b[2J");
    }
}
