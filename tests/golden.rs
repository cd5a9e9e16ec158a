//! The product itself, byte by byte: `fixtures/golden` is a whole OCI layout.

use oci_merge::spec::Spec;
use oci_merge::{Builder, Destination, Settings};
use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::{Path, PathBuf};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden")
}

/// Every file below a directory, with its content.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn visit(root: &Path, directory: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(root, &path, into);
            } else {
                into.insert(path.strip_prefix(root).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    let mut into = BTreeMap::new();
    visit(directory, directory, &mut into);
    into
}

#[test]
fn the_image_is_the_same_on_any_number_of_threads() {
    let expected = files(&golden().join("image"));
    assert!(expected.len() > 5, "a layout has more files than {}", expected.len());
    for jobs in [1, 2, 16] {
        let text = std::fs::read_to_string(golden().join("oci-merge.toml")).unwrap();
        let spec = Spec::parse("oci-merge.toml", &golden(), &text).unwrap();
        let settings = Settings { epoch: Some(1_700_000_000), jobs: NonZero::new(jobs), ..Settings::default() };
        let output = tempfile::tempdir().unwrap();
        let image = output.path().join("image");
        let assembled = Builder::new(spec).settings(settings).assemble().unwrap();
        assembled.write(&[Destination::Layout(image.clone())]).unwrap();
        let found = files(&image);
        let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&found), names(&expected), "with {jobs} threads");
        assert!(found == expected, "the files differ with {jobs} threads");
    }
}
