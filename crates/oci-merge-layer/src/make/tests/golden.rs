//! The bytes of one layer, for ever.

use super::*;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

/// A tree of three blocks and a bit, with a name that needs a PAX record and links of both kinds.
fn tree() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let long = format!("lib/{}", "long".repeat(30));
    for name in ["bin", "lib"] {
        fs::create_dir(at(name)).unwrap();
    }
    let mut text = Vec::new();
    let mut state = 1_u32;
    while text.len() < 3_300_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.extend_from_slice(format!("{:x} ", state >> 18).as_bytes());
    }
    fs::write(at("bin/tool"), "#!/bin/sh\nexit 0\n").unwrap();
    fs::write(at("lib/data"), text).unwrap();
    fs::write(at(&long), "").unwrap();
    fs::hard_link(at("bin/tool"), at("bin/tool2")).unwrap();
    symlink("tool", at("bin/link")).unwrap();
    for (name, mode) in [("bin", 0o755), ("lib", 0o755), ("bin/tool", 0o755), ("lib/data", 0o644), (&*long, 0o600)] {
        fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    root
}

/// The digests below were written down when these layers had been tried once by other programs: `gzip -t`, and Python's
/// gzip and tarfile, which list the nine entries above and find the same content.
#[test]
fn the_bytes_of_a_layer_never_change() {
    let root = tree();
    let layers = [
        (Compressor::None, "2eaad18db5dfa6ddd7b7a6025ab6201de67b5a0d6e5e7f8e5eb12c41c1a77c27"),
        (Compressor::Gzip(Level::FAST), "5a8f9421a1ede0ffa868e89ef5a926f76ae65740952a41b6f77681356214225d"),
        (Compressor::Gzip(Level::DEFAULT), "036c203dc16263fdca680d4d71465e3578f002bfa20bbd79a1f8ff6d685ecd6c"),
        (Compressor::Gzip("6".parse().unwrap()), "645bac0810d45f0a77ac4addaaeb4eabda8be47de0c91be8c15068653f664d8a"),
        (Compressor::Gzip("9".parse().unwrap()), "94f58acb49051d8757a118512ebb58e4bf6d7a03d50e861daf682da0af945cb7"),
    ];
    for (compressor, expected) in layers {
        for threads in [1, 2, 16] {
            let mut recipe = recipe(vec![Source::new(Input::Directory(root.path().to_owned()))]);
            (recipe.times, recipe.compressor) = (Times::Set(1_700_000_000), compressor);
            let pool = Pool::new(NonZero::new(threads).unwrap()).unwrap();
            let made = make(&recipe, &pool, &Watch::nobody(), None, || Ok(Vec::new())).unwrap();
            assert_eq!(made.descriptor.digest.to_string(), format!("sha256:{expected}"), "{compressor:?} {threads}");
            assert_eq!(made.index.diff_id().to_string(), format!("sha256:{}", layers[0].1));
        }
    }
}
