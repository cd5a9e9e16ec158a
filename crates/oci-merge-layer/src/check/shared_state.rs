//! Files that describe the whole image: two copies, each of which knows one layer only, cannot be one file.

/// A path, or a directory with whatever lies in it if it ends in `/`; and what it holds.
const PLACES: [(&str, &str); 30] = [
    ("etc/alternatives/", "which of several programs is the default one"),
    ("etc/group", "every group of an image"),
    ("etc/gshadow", "every group of an image"),
    ("etc/ld.so.cache", "every library of an image"),
    ("etc/passwd", "every user of an image"),
    ("etc/pki/ca-trust/extracted/", "every certificate authority that an image trusts"),
    ("etc/pki/tls/certs/ca-bundle.crt", "every certificate authority that an image trusts"),
    ("etc/shadow", "every user of an image"),
    ("etc/shells", "every login shell of an image"),
    ("etc/ssl/ca-bundle.pem", "every certificate authority that an image trusts"),
    ("etc/ssl/cert.pem", "every certificate authority that an image trusts"),
    ("etc/ssl/certs/ca-certificates.crt", "every certificate authority that an image trusts"),
    ("etc/ssl/certs/java/cacerts", "every certificate authority that an image trusts"),
    ("etc/subgid", "the group ranges of every user of an image"),
    ("etc/subuid", "the user ranges of every user of an image"),
    ("lib/apk/db/", "every package of an image"),
    ("usr/lib/apk/db/", "every package of an image"),
    ("usr/lib/sysimage/rpm/", "every package of an image"),
    ("usr/share/info/dir", "every manual of an image"),
    ("usr/share/mime/mime.cache", "every file type of an image"),
    ("var/cache/ldconfig/aux-cache", "every library of an image"),
    ("var/lib/alternatives/", "which of several programs is the default one"),
    ("var/lib/apt/extended_states", "every package of an image"),
    ("var/lib/ca-certificates/", "every certificate authority that an image trusts"),
    ("var/lib/dpkg/alternatives/", "which of several programs is the default one"),
    ("var/lib/dpkg/available", "every package of an image"),
    ("var/lib/dpkg/diversions", "every diverted file of an image"),
    ("var/lib/dpkg/statoverride", "every overridden mode of an image"),
    ("var/lib/dpkg/status", "every package of an image"),
    ("var/lib/rpm/", "every package of an image"),
];

/// What the file at a path holds, if it is one that describes the whole image.
pub(super) fn what(path: &[u8]) -> Option<&'static str> {
    let is_at = |place: &[u8]| match place.strip_suffix(b"/") {
        Some(_) => path.starts_with(place),
        None => path == place,
    };
    PLACES.iter().find(|(place, _)| is_at(place.as_bytes())).map(|(_, holds)| *holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_stands_for_what_lies_in_it() {
        assert_eq!(what(b"etc/ld.so.cache"), Some("every library of an image"));
        assert_eq!(what(b"var/lib/rpm/rpmdb.sqlite"), Some("every package of an image"));
        for path in [&b"var/lib/rpm"[..], b"var/lib/rpmx/y", b"etc/passwd-", b"opt/etc/passwd", b"etc/group/x"] {
            assert_eq!(what(path), None, "{}", oci_merge_image::shown(path));
        }
        assert!(PLACES.is_sorted());
    }
}
