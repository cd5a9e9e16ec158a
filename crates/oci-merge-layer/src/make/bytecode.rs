//! Python's compiled files, which name the time of the source that they were made from (PEP 3147, PEP 552).

use super::report::Listed;
use crate::LayerIndex;
use oci_merge_image::LayerPath;

/// The sources that compiled files were made from, and the time that each of these should have.
#[derive(Default)]
pub(super) struct Bytecode {
    expected: Vec<(LayerPath, u32)>,
}

impl Bytecode {
    /// A file begins with these bytes.
    pub(super) fn see(&mut self, path: &LayerPath, start: &[u8]) {
        let word = |at: usize| start.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
        // Magic, flags, and the time unless a flag says that it is a digest instead.
        if let (Some(source), Some(0), Some(time)) = (source_of(path), word(4), word(8)) {
            self.expected.push((source, time));
        }
    }

    /// The sources that have another time now, later than which `limit` allows none to be.
    pub(super) fn stale(mut self, index: &LayerIndex, limit: i64) -> Listed {
        let mut stale = Listed::default();
        self.expected.sort();
        for (source, time) in &self.expected {
            let now = index.find(source).map(|entry| entry.mtime.seconds);
            // What was stale before we clamped its time is none of our business.
            if now.is_some_and(|now| now as u32 != *time && now == limit) {
                stale.add(source);
            }
        }
        stale
    }
}

/// `x/__pycache__/y.cpython-312.pyc` and `x/y.pyc` were made from `x/y.py`.
fn source_of(path: &LayerPath) -> Option<LayerPath> {
    let name = path.name()?.strip_suffix(b".pyc")?;
    let directory = path.parent()?;
    let (directory, module) = if directory.name() == Some(b"__pycache__") {
        (directory.parent()?, name.split(|&b| b == b'.').next()?)
    } else {
        (directory, name)
    };
    LayerPath::parse(&[module, b".py"].concat()).ok().and_then(|name| directory.join(&name).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiled_file_has_a_source() {
        let source = |path: &str| source_of(&LayerPath::parse(path.as_bytes()).unwrap()).map(|path| path.to_string());
        assert_eq!(source("lib/__pycache__/a.cpython-312.pyc").unwrap(), "/lib/a.py");
        assert_eq!(source("lib/__pycache__/a.cpython-312.opt-1.pyc").unwrap(), "/lib/a.py");
        assert_eq!(source("lib/a.pyc").unwrap(), "/lib/a.py");
        assert_eq!(source("a.pyc").unwrap(), "/a.py");
        assert_eq!(source("lib/a.py"), None);
    }
}
