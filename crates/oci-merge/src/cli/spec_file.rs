//! Finds the spec file and reads it.

use oci_merge::{Error, Result, Spec};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

const NAME: &str = "oci-merge.toml";
/// More than any spec, and little enough to hold.
const MAX_BYTES: u64 = 4 << 20;

/// The text of a spec, and where it is.
pub(crate) struct SpecFile {
    /// Its name in messages: as it was typed, or the way to it from here.
    pub(crate) shown: String,
    /// The file; `None` for stdin.
    pub(crate) path: Option<PathBuf>,
    /// Where relative paths in it start.
    pub(crate) directory: PathBuf,
    pub(crate) text: String,
}

/// Reads the spec of `-f`, else the nearest `oci-merge.toml` here or above.
pub(crate) fn read(named: Option<&Path>) -> Result<Spec> {
    let file = open(named)?;
    Ok(Spec::parse(&file.shown, &file.directory, &file.text)?)
}

/// Reads the text of the spec of `-f`, else of the nearest `oci-merge.toml` here or above.
pub(crate) fn open(named: Option<&Path>) -> Result<SpecFile> {
    let here = std::env::current_dir().map_err(|e| disk(Path::new("."), e))?;
    if named == Some(Path::new("-")) {
        let text = text(Path::new("<stdin>"), &mut io::stdin().lock())?;
        return Ok(SpecFile { shown: "<stdin>".into(), path: None, directory: here, text });
    }
    let shown = match named {
        Some(file) => file.to_owned(),
        None => search(&here)?,
    };
    let path = here.join(&shown);
    if path.is_dir() {
        return Err(Error::Usage(format!("{} is a directory and no spec; -C works in one", name(&shown))));
    }
    let mut file = File::open(&path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::Usage(format!("there is no {}", name(&shown))),
        _ => disk(&shown, e),
    })?;
    let text = text(&shown, &mut file)?;
    let directory = path.parent().unwrap_or(&here).to_owned();
    Ok(SpecFile { shown: shown.to_string_lossy().into_owned(), path: Some(path), directory, text })
}

/// The nearest spec, as a path from here.
fn search(here: &Path) -> Result<PathBuf> {
    let mut shown = PathBuf::new();
    for directory in here.ancestors() {
        if directory.join(NAME).is_file() {
            return Ok(shown.join(NAME));
        }
        shown.push("..");
    }
    Err(Error::Usage(format!("there is no {NAME} here or above; to begin with one: oci-merge init --demo")))
}

fn text(shown: &Path, from: &mut dyn Read) -> Result<String> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| disk(shown, e))?;
    let name = name(shown);
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::Usage(format!("{name} has more than 4 MiB; a spec has not")));
    }
    String::from_utf8(bytes)
        .map_err(|e| Error::Usage(format!("{name} is no text: byte {} is not UTF-8", e.utf8_error().valid_up_to())))
}

fn name(path: &Path) -> impl std::fmt::Display {
    oci_merge_image::shown(path.as_os_str().as_encoded_bytes())
}

fn disk(path: &Path, source: io::Error) -> Error {
    Error::Disk { path: path.into(), doing: "cannot be read", source }
}
