//! The keys that each table of a spec may have. The schema beside this module lists the same; a test compares them.

/// The keys of one kind of table.
#[derive(Debug)]
pub(super) struct Keys {
    /// What such a table is, for messages: `a layer`.
    pub(super) what: &'static str,
    /// The keys that are understood.
    pub(super) built: &'static [&'static str],
    /// Keys of the format that this version does not do yet: refused by name, never ignored.
    pub(super) later: &'static [&'static str],
    /// Keys of another table that many would look for here, and what to write; `{above}` is the table that this one is in.
    pub(super) elsewhere: &'static [(&'static str, &'static str)],
}

/// An image is not a source of a layer; it stands in the place of one.
const IMAGE: &str = "an image belongs to {above}, in place of `source`: from = { image = \"…\" }";

pub(super) static TOP: Keys = Keys {
    what: "a spec",
    built: &["schema", "project", "base", "config", "layer", "allow", "policy", "output"],
    later: &["target"],
    elsewhere: &[],
};

pub(super) static PROJECT: Keys = Keys {
    what: "[project]",
    built: &["name", "repo", "platforms", "labels", "annotations"],
    later: &[],
    elsewhere: &[],
};

pub(super) static BASE: Keys = Keys { what: "[base]", built: &["image"], later: &[], elsewhere: &[] };

pub(super) static CONFIG: Keys = Keys {
    what: "[config]",
    built: &["user", "workdir", "cmd", "entrypoint", "env", "stop-signal", "exposed-ports", "volumes"],
    later: &[],
    elsewhere: &[],
};

pub(super) static LAYER: Keys = Keys {
    what: "a layer",
    built: &[
        "version",
        "description",
        "prefix",
        "needs",
        "owns",
        "overrides",
        "exclude",
        "path",
        "env",
        "platforms",
        "source",
        "from",
        "ancestors",
    ],
    later: &["build", "test"],
    elsewhere: &[],
};

pub(super) static FROM: Keys =
    Keys { what: "a `from`", built: &["image", "paths", "to", "index"], later: &[], elsewhere: &[] };

pub(super) static ALLOW: Keys =
    Keys { what: "[[allow]]", built: &["paths", "layers", "winner", "reason"], later: &[], elsewhere: &[] };

pub(super) static SOURCE: Keys = Keys {
    what: "a source",
    built: &["path", "url", "sha256", "arch", "strip", "include", "to", "owner", "keep"],
    later: &[],
    elsewhere: &[("from", IMAGE), ("image", IMAGE)],
};

pub(super) static POLICY: Keys = Keys {
    what: "[policy]",
    built: &[
        "prefix-overlap",
        "collision",
        "identical",
        "outside-prefix",
        "directory-attributes",
        "shadow-base",
        "shared-state",
        "base-archive",
        "environment",
        "shadow-command",
        "unknown-user",
        "missing-library",
        "glibc",
        "dangling-link",
        "missing-interpreter",
        "build-prefix",
        "case-only",
        "unused-exception",
        "max-layers",
    ],
    later: &[],
    elsewhere: &[],
};

pub(super) static OUTPUT: Keys =
    Keys { what: "[output]", built: &["compression", "level", "timestamps", "pack"], later: &[], elsewhere: &[] };

/// The word that was probably meant: at most two slips away (insert, delete, replace, swap), and with something in common.
pub(super) fn nearest<'w>(written: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let length = written.chars().count();
    words
        .into_iter()
        .map(|word| (strsim::osa_distance(written, word), word))
        .filter(|&(distance, word)| distance <= 2 && distance < length.min(word.chars().count()))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_slips_are_forgiven_and_three_are_not() {
        let near = |word| nearest(word, LAYER.built.iter().copied());
        assert_eq!(near("prefx"), Some("prefix"));
        assert_eq!(near("veriosn"), Some("version"));
        assert_eq!(near("souce"), Some("source"));
        assert_eq!(near("sorc"), Some("source"));
        assert_eq!(near("prfx1"), None);
        assert_eq!(near("xx"), None, "two letters, both wrong, are no slip of `to`");
    }
}
