//! Words of a command as a POSIX shell takes them.

use oci_merge_image::shown;

/// A command as it can be pasted into a shell: bare words as they are, others in quotes. What a terminal must not be
/// sent (control characters, bidirectional marks) stands as `$'\ooo'`, which bash, zsh, ksh and busybox understand.
pub(super) fn line<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|word| quoted(word.as_ref())).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let is_bare =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | ':' | ',' | '@' | '%' | '=');
    if !word.is_empty() && word.chars().all(is_bare) {
        return word.to_owned();
    }
    if word.chars().all(is_printable) {
        return format!("'{}'", word.replace('\'', "'\\''"));
    }
    let mut out = String::from("$'");
    for c in word.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            c if is_printable(c) => out.push(c),
            c => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| out.push_str(&format!("\\{byte:03o}"))),
        }
    }
    out.push('\'');
    out
}

/// Whether a character is shown as it is.
fn is_printable(c: char) -> bool {
    c == '\\' || shown(c.encode_utf8(&mut [0; 4])).to_string() == c.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_needs_quotes_has_them() {
        assert_eq!(line(&["oci-merge", "exclude", "a-1", "/root/.x"]), "oci-merge exclude a-1 /root/.x");
        assert_eq!(
            line(&["/a b", "it's", "*.so", "$HOME", "", "~", "größe"]),
            r"'/a b' 'it'\''s' '*.so' '$HOME' '' '~' 'größe'"
        );
        assert_eq!(line(&["a\nb", "\u{1b}[2J'\\", "x\u{202e}y"]), r"$'a\012b' $'\033[2J\'\\' $'x\342\200\256y'");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// What bash makes of the line are the words that went in.
        #[test]
        fn a_shell_takes_the_words_as_they_were(words in proptest::collection::vec("(?s)[^\0]{0,12}", 1..4)) {
            let script = format!("printf '%s\\0' {}", line(&words));
            prop_assert!(script.chars().all(|c| !c.is_control()), "{script:?}");
            let output = std::process::Command::new("bash").args(["-c", &script]).env("LC_ALL", "C.UTF-8").output().unwrap();
            let taken: Vec<String> = String::from_utf8(output.stdout).unwrap().split_terminator('\0').map(str::to_owned).collect();
            prop_assert_eq!(taken, words);
        }
    }
}
