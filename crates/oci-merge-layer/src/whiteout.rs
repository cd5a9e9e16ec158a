//! What a whiteout takes away (image-spec `layer.md`, Whiteouts).

use oci_merge_image::LayerPath;

/// What a whiteout takes away from the layers below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whiteout {
    /// A path, and what lies below it.
    Path(LayerPath),
    /// What lies in a directory, which itself stays.
    Content(LayerPath),
}

impl Whiteout {
    /// Reads one as it is spelled, `dir/.wh.name`. Without a name it takes nothing away that has one; readers refuse it
    /// (design: collisions, section 7).
    pub(crate) fn of(spelled: &LayerPath) -> Option<Whiteout> {
        let name = spelled.name()?.strip_prefix(b".wh.")?;
        let directory = spelled.parent()?;
        if name == b".wh..opq" {
            return Some(Whiteout::Content(directory));
        }
        let name = LayerPath::parse(name).ok().filter(|name| !name.is_root())?;
        directory.join(&name).ok().map(Whiteout::Path)
    }

    /// As it is spelled; `None` for what is too long for a path.
    pub(crate) fn spelled(&self) -> Option<LayerPath> {
        let (directory, name) = match self {
            Whiteout::Path(path) => (path.parent()?, [b".wh.", path.name()?].concat()),
            Whiteout::Content(directory) => (directory.clone(), b".wh..wh..opq".to_vec()),
        };
        directory.join(&LayerPath::parse(&name).ok()?).ok()
    }

    /// The path, or the directory.
    pub(crate) fn path(&self) -> &LayerPath {
        match self {
            Whiteout::Path(path) | Whiteout::Content(path) => path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whiteouts_are_spelled_as_the_specification_has_it() {
        let path = |path: &str| LayerPath::parse(path.as_bytes()).unwrap();
        let cases = [
            ("a/.wh.b", Whiteout::Path(path("a/b"))),
            (".wh.b", Whiteout::Path(path("b"))),
            ("a/.wh..wh..opq", Whiteout::Content(path("a"))),
            (".wh..wh..opq", Whiteout::Content(LayerPath::root())),
        ];
        for (spelled, meant) in cases {
            assert_eq!(Whiteout::of(&path(spelled)), Some(meant.clone()), "{spelled}");
            assert_eq!(meant.spelled(), Some(path(spelled)));
        }
        assert_eq!(Whiteout::of(&path("a/wh.b")), None);
        assert_eq!(Whiteout::of(&path("a/.wh.")), None);
    }
}
