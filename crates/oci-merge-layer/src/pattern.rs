//! One glob of `include` or `exclude`, as it is written.

use globset::{Glob, GlobBuilder};
use oci_merge_image::shown;

/// A glob: with a leading `/` for paths of the image, else for paths relative to a prefix. `./` at the beginning and `/` at
/// the end say nothing.
#[derive(Debug, Clone)]
pub struct Pattern<'a> {
    is_rooted: bool,
    relative: &'a str,
    glob: Glob,
}

/// Why a text is no glob, or one that no path could match.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

impl<'a> Pattern<'a> {
    /// Reads a glob.
    ///
    /// # Errors
    /// It is none, or no path could match it: it has an empty, a `.` or a `..` component, or begins with `!`.
    pub fn parse(text: &'a str) -> Result<Pattern<'a>, PatternError> {
        let refuse = |why: String| Err(PatternError(format!("{} {why}", shown(text))));
        let (is_rooted, relative) = match text.strip_prefix('/') {
            Some(relative) => (true, relative),
            None => (false, text),
        };
        let relative = without_dots(relative).trim_end_matches('/');
        let glob = match GlobBuilder::new(relative).literal_separator(true).build() {
            Ok(glob) => glob,
            Err(why) => return refuse(format!("is not a glob: {}", why.kind())),
        };
        if relative.is_empty() || relative == "." {
            return refuse("is a glob for nothing; `**` is everything".into());
        }
        if text.starts_with('!') {
            return refuse(format!("matches nothing: `!` does not negate; the name is written ./{}", shown(text)));
        }
        match relative.split('/').find(|component| matches!(*component, "" | "." | "..")) {
            Some("") => refuse("matches nothing: no path has an empty component".into()),
            Some(component) => refuse(format!("has a '{component}' component")),
            None => Ok(Pattern { is_rooted, relative, glob }),
        }
    }

    /// Whether it is for paths of the image.
    pub fn is_rooted(&self) -> bool {
        self.is_rooted
    }

    /// What paths are held against: without a leading `/` or `./`, and without a trailing `/`.
    pub fn relative(&self) -> &'a str {
        self.relative
    }

    pub(crate) fn into_glob(self) -> Glob {
        self.glob
    }
}

/// A relative path or glob without `./` at its beginning.
pub(crate) fn without_dots(mut relative: &str) -> &str {
    while let Some(rest) = relative.strip_prefix("./") {
        relative = rest;
    }
    relative
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_path_could_match_is_refused() {
        for (text, is_rooted, relative) in [
            ("a", false, "a"),
            ("./a", false, "a"),
            ("././a/", false, "a"),
            ("./.env", false, ".env"),
            ("./!a", false, "!a"),
            ("/a/b", true, "a/b"),
            ("/./a", true, "a"),
            ("..a/...", false, "..a/..."),
            ("{,a}/b", false, "{,a}/b"),
        ] {
            let pattern = Pattern::parse(text).unwrap();
            assert_eq!((pattern.is_rooted(), pattern.relative()), (is_rooted, relative), "{text}");
        }
        for (text, why) in [
            ("", " is a glob for nothing; `**` is everything"),
            ("/", "/ is a glob for nothing; `**` is everything"),
            ("./", "./ is a glob for nothing; `**` is everything"),
            (".", ". is a glob for nothing; `**` is everything"),
            ("!a", "!a matches nothing: `!` does not negate; the name is written ./!a"),
            ("a//b", "a//b matches nothing: no path has an empty component"),
            ("//a", "//a matches nothing: no path has an empty component"),
            (".//a", ".//a matches nothing: no path has an empty component"),
            ("a/./b", "a/./b has a '.' component"),
            ("a/..", "a/.. has a '..' component"),
            ("../a", "../a has a '..' component"),
            ("./../a", "./../a has a '..' component"),
        ] {
            assert_eq!(Pattern::parse(text).unwrap_err().to_string(), why, "{text}");
        }
        assert!(Pattern::parse("a[").unwrap_err().to_string().starts_with("a[ is not a glob: "));
    }
}
