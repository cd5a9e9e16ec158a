//! A path of the image as a pattern of the spec that matches it, and nothing beside it.

use oci_merge_image::LayerPath;

/// The path as a glob for `exclude`, `owns` and `allow`, from the root: what means something in a glob stands in brackets.
///
/// A byte that is not UTF-8 cannot be written in a spec; `?` stands for it.
pub(super) fn of(path: &LayerPath) -> String {
    let mut out = String::from("/");
    for chunk in path.as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '*' | '?' | '[' | ']' | '{' | '}' | '\\' => out.extend(['[', c, ']']),
                c => out.push(c),
            }
        }
        out.extend(chunk.invalid().iter().map(|_| '?'));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use globset::GlobBuilder;
    use oci_merge_layer::check::Owns;
    use proptest::prelude::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    fn path(bytes: &[u8]) -> LayerPath {
        LayerPath::parse(bytes).unwrap()
    }

    /// As `exclude` matches.
    fn excludes(pattern: &str, path: &[u8]) -> bool {
        let glob = GlobBuilder::new(pattern.trim_start_matches('/')).literal_separator(true).build().unwrap();
        glob.compile_matcher().is_match(OsStr::from_bytes(path))
    }

    #[test]
    fn ordinary_names_stay_as_they_are() {
        assert_eq!(of(&path(b"root/.profile")), "/root/.profile");
        assert_eq!(of(&path(b"opt/a b/x,y!z#")), "/opt/a b/x,y!z#");
        assert_eq!(of(&path(b"a[1]/{x}*?\\")), "/a[[]1[]]/[{]x[}][*][?][\\]");
        assert_eq!(of(&path(b"a\xff\xfeb")), "/a??b");
    }

    proptest! {
        #[test]
        fn a_pattern_means_its_path(name in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'['), Just(b']'), Just(b'*'), Just(b'?'),
            Just(b'{'), Just(b'}'), Just(b'\\'), Just(b'!'), Just(b'^'), Just(b'-'), Just(b','), 1..=255_u8], 1..10)) {
            let name: Vec<u8> = name.into_iter().filter(|&b| b != b'/').collect();
            prop_assume!(!name.is_empty() && name != b"." && name != b"..");
            let (this, pattern) = (path(&name), of(&path(&name)));
            prop_assert!(excludes(&pattern, &name), "{pattern}");
            prop_assert!(Owns::new([&pattern]).unwrap().covers(&this), "{pattern}");
            let other: Vec<u8> = name.iter().map(|&b| if b.is_ascii() { b ^ 1 } else { b }).collect();
            if name.is_ascii() && !other.contains(&b'/') && !other.contains(&0) && other != b"." && other != b".." {
                prop_assert!(!excludes(&pattern, &other), "{pattern}");
                prop_assert!(!Owns::new([&pattern]).unwrap().covers(&path(&other)), "{pattern}");
            }
        }
    }
}
