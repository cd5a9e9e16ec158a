//! Which end of the distribution-spec's API a path means.

use super::reply::{Code, Halt};
use oci_merge_image::{Digest, shown};

/// What a path asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Route<'a> {
    /// `/v2/`: does this server speak the API?
    Api,
    /// `/token`: the token service.
    Token,
    /// Something of a repository.
    Of(&'a str, Thing<'a>),
}

/// What of a repository.
#[derive(Debug, PartialEq)]
pub(super) enum Thing<'a> {
    Blob(Digest),
    /// Where uploads begin.
    Uploads,
    /// An upload that was begun.
    Upload(&'a str),
    Manifest(Wanted),
    Tags,
    Referrers(Digest),
}

/// A manifest by its tag or by its digest.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wanted {
    Tag(String),
    Digest(Digest),
}

impl Wanted {
    /// The tag or the digest, as it was written.
    pub(super) fn text(&self) -> String {
        match self {
            Wanted::Tag(tag) => tag.clone(),
            Wanted::Digest(digest) => digest.to_string(),
        }
    }
}

/// Reads a path without its query.
pub(super) fn route(path: &str) -> Result<Route<'_>, Halt> {
    match path {
        "/v2" | "/v2/" => return Ok(Route::Api),
        "/token" => return Ok(Route::Token),
        _ => {}
    }
    let none = || Code::Unsupported.reply(format!("there is nothing at {}", shown(path))).status(404);
    let rest = path.strip_prefix("/v2/").ok_or_else(none)?;
    let (rest, last) = rest.rsplit_once('/').ok_or_else(none)?;
    // A repository may be called a/blobs or tags: only the last words say what is meant.
    let (name, thing) = if let Some(name) = rest.strip_suffix("/blobs/uploads") {
        (name, if last.is_empty() { Thing::Uploads } else { Thing::Upload(last) })
    } else if let Some(name) = rest.strip_suffix("/blobs") {
        (name, if last == "uploads" { Thing::Uploads } else { Thing::Blob(digest(last)?) })
    } else if let Some(name) = rest.strip_suffix("/manifests") {
        (name, Thing::Manifest(wanted(last)?))
    } else if let Some(name) = rest.strip_suffix("/referrers") {
        (name, Thing::Referrers(digest(last)?))
    } else if let (Some(name), "list") = (rest.strip_suffix("/tags"), last) {
        (name, Thing::Tags)
    } else {
        return Err(none().into());
    };
    if !is_name(name) {
        return Err(Code::NameInvalid.reply(format!("{} is not the name of a repository", shown(name))).into());
    }
    Ok(Route::Of(name, thing))
}

/// A digest as a path or a query has it.
pub(super) fn digest(text: &str) -> Result<Digest, Halt> {
    text.parse().map_err(|e: oci_merge_image::Error| Code::DigestInvalid.reply(e.to_string()).into())
}

/// A tag or a digest as a path or a query has it.
pub(super) fn wanted(text: &str) -> Result<Wanted, Halt> {
    if text.contains(':') {
        return Ok(Wanted::Digest(digest(text)?));
    }
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let mut bytes = text.bytes();
    let good = bytes.next().is_some_and(word) && bytes.all(|b| word(b) || b == b'.' || b == b'-') && text.len() <= 128;
    match good {
        true => Ok(Wanted::Tag(text.to_owned())),
        false => Err(Code::ManifestUnknown.reply(format!("{} is not a tag", shown(text))).into()),
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*` (distribution-spec, Pulling manifests).
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= 255 && name.split('/').all(is_component)
}

fn is_component(component: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut separators = component.split(word).filter(|s| !s.is_empty());
    component.starts_with(word)
        && component.ends_with(word)
        && separators.all(|s| matches!(s, "." | "_" | "__") || s.bytes().all(|b| b == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_specification() {
        for good in ["a", "0", "a/b", "a.b/c_d/e__f/g---h", "blobs/uploads", "a/manifests"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "A", "a/", "/a", "a//b", "a..b", "a___b", "-a", "a-", "a._b", "a b", "ä", "..", "a/../b"] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(!is_name(&"a".repeat(256)));
    }

    #[test]
    fn the_last_words_of_a_path_say_what_is_meant() {
        let of = |path| match route(path) {
            Ok(Route::Of(name, thing)) => (name, thing),
            _ => panic!("{path}"),
        };
        assert_eq!(of("/v2/a/blobs/uploads/"), ("a", Thing::Uploads));
        assert_eq!(of("/v2/a/blobs/uploads"), ("a", Thing::Uploads));
        assert_eq!(of("/v2/a/blobs/uploads/7f"), ("a", Thing::Upload("7f")));
        assert_eq!(of("/v2/tags/tags/list"), ("tags", Thing::Tags));
        assert_eq!(of("/v2/a/manifests/manifests/v1.0"), ("a/manifests", Thing::Manifest(Wanted::Tag("v1.0".into()))));
        assert!(matches!(route("/v2/"), Ok(Route::Api)));
    }

    #[test]
    fn what_the_api_does_not_have_is_refused_with_its_status() {
        let status = |path| match route(path) {
            Err(Halt::Refused(reply)) => reply.status,
            _ => 0,
        };
        let long = format!("/v2/a/manifests/{}", "t".repeat(129));
        for (path, expected) in [
            ("/", 404),
            ("/v2/a", 404),
            ("/v2/a/blobs/sha256:00", 400),
            ("/v2/A/tags/list", 400),
            ("/v2/a/tags/other", 404),
            ("/v2/a/manifests/.hidden", 404),
            ("/v2/a/manifests/md5:00", 400),
            (&long, 404),
            ("/v2/../../etc/passwd/tags/list", 400),
        ] {
            assert_eq!(status(path), expected, "{path}");
        }
    }
}
