//! The grammar of references (distribution/reference), taken apart by hand: the regular expression for it takes twenty
//! milliseconds to compile, as long as an unchanged build takes in all.

/// Longest repository, in bytes.
const LONGEST: usize = 255;

/// The parts of a reference; the registry is Docker Hub's where none is named.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) registry: String,
    pub(crate) repository: String,
    pub(crate) tag: Option<String>,
    pub(crate) digest: Option<String>,
}

/// Takes a reference apart, or says what is wrong with it.
pub(crate) fn parts(text: &str) -> Result<Parts, &'static str> {
    if text.is_empty() {
        return Err("repository name must have at least one component");
    }
    let malformed = "invalid reference format";
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    // A colon before the last slash belongs to a port.
    let after = rest.rfind('/').map_or(0, |slash| slash + 1);
    let colon = rest.get(after..).and_then(|last| last.find(':')).map(|at| after + at);
    let (name, tag) = match colon.and_then(|at| Some((rest.get(..at)?, rest.get(at + 1..)?))) {
        Some((name, tag)) => (name, Some(tag)),
        None => (rest, None),
    };
    if !is_name(name) || !tag.is_none_or(is_tag) || !digest.is_none_or(is_digest) {
        return Err(malformed);
    }
    let (registry, repository) = split(name);
    if repository.len() > LONGEST {
        return Err("repository name must not be more than 255 characters");
    }
    match digest.and_then(|digest| digest.split_once(':')) {
        Some(("sha256", hex)) if hex.len() != 64 => return Err("invalid checksum digest length"),
        Some(("sha512", hex)) if hex.len() != 128 => return Err("invalid checksum digest length"),
        None | Some(("sha256" | "sha512", _)) => {}
        Some(_) => return Err("unsupported digest algorithm"),
    }
    Ok(Parts { registry, repository, tag: tag.map(str::to_owned), digest: digest.map(str::to_owned) })
}

/// The registry and the repository of a name (distribution/reference `normalize.go`).
fn split(name: &str) -> (String, String) {
    let named = name.split_once('/').filter(|(host, _)| host.contains(['.', ':']) || *host == "localhost");
    let (registry, repository) = match named {
        Some(("index.docker.io", repository)) => ("docker.io", repository),
        Some(named) => named,
        None => ("docker.io", name),
    };
    let official = if registry == "docker.io" && !repository.contains('/') { "library/" } else { "" };
    (registry.to_owned(), format!("{official}{repository}"))
}

fn is_name(name: &str) -> bool {
    let mut components = name.split('/');
    let first = components.next().unwrap_or_default();
    let has_path = name.contains('/');
    (is_path_component(first) || has_path && is_domain(first)) && components.all(is_path_component)
}

fn is_domain(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    port.is_none_or(is_port) && host.split('.').all(is_part)
}

/// Lower-case letters and digits, and between them a dot, one or two underscores, or any number of dashes.
fn is_path_component(text: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_separator = |run: &[u8]| matches!(run, b"" | b"." | b"_" | b"__") || run.iter().all(|b| *b == b'-');
    let bytes = text.as_bytes();
    let has_words_around = |ends: Option<(&u8, &u8)>| ends.is_some_and(|(a, b)| is_word(*a) && is_word(*b));
    has_words_around(bytes.first().zip(bytes.last())) && bytes.split(|b| is_word(*b)).all(is_separator)
}

fn is_tag(text: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|b| is_word(b) || matches!(b, b'.' | b'-'))
}

fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else { return false };
    let is_part = |part: &str| {
        part.bytes().next().is_some_and(|b| b.is_ascii_alphabetic()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    algorithm.split(['-', '_', '+', '.']).all(is_part) && hex.len() >= 32 && hex.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_spec::distribution::Reference;

    /// What oci-spec's regular expression says.
    fn theirs(text: &str) -> Option<Parts> {
        let parsed = Reference::try_from(text).ok()?;
        let tag = parsed.tag().filter(|_| text.split('@').next().unwrap().rsplit('/').next().unwrap().contains(':'));
        let (registry, repository) = (parsed.registry().to_owned(), parsed.repository().to_owned());
        Some(Parts { registry, repository, tag: tag.map(str::to_owned), digest: parsed.digest().map(str::to_owned) })
    }

    #[test]
    fn every_short_text_is_taken_apart_as_oci_spec_does() {
        let letters = b"aA0.-_/:@";
        for length in 0..=4u32 {
            for number in 0..letters.len().pow(length) {
                let letter = |place| letters[number / letters.len().pow(place) % letters.len()];
                let text: String = (0..length).map(|place| char::from(letter(place))).collect();
                assert_eq!(parts(&text).ok(), theirs(&text), "{text}");
            }
        }
    }

    #[test]
    fn long_texts_too() {
        let hex = |length: usize| "0aF".repeat(50)[..length].to_owned();
        let names = [
            "a",
            "a.b/c",
            "index.docker.io/a",
            "docker.io/a/b",
            "localhost/a",
            "h-1.x:50/a__b",
            "H/a",
            "a___b",
            "a--b/c",
        ];
        let algorithms = ["sha256", "sha512", "sha1", "md-5", "x+y.z", "5", "", "sha256:sha256"];
        for name in names {
            for algorithm in algorithms {
                for length in [0, 31, 32, 63, 64, 65, 128] {
                    for tag in ["", ":", ":v1.0-x_", ":.a", ":é"] {
                        let text = format!("{name}{tag}@{algorithm}:{}", hex(length));
                        // Go's \w, and the specification's, is ASCII; that of Rust is not.
                        let expected = theirs(&text).filter(|_| tag != ":é");
                        assert_eq!(parts(&text).ok(), expected, "{text}");
                    }
                }
            }
        }
        for length in [127, 128, 129] {
            let text = format!("a:{}", "x".repeat(length));
            assert_eq!(parts(&text).ok(), theirs(&text), "{length}");
        }
        for length in [255, 256] {
            let text = format!("x.y/{}", "a".repeat(length));
            assert_eq!(parts(&text).ok(), theirs(&text), "{length}");
        }
    }
}
