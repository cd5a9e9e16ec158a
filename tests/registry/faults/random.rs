//! Faults as they come: any of them, at any time, several of them.

use super::*;
use oci_merge_image::Digest;
use std::sync::atomic::{AtomicU64, Ordering};

/// What may happen to the request that brings a blob; each that may happen once only says so.
const WHOLE: [(&str, bool); 12] = [
    ("drop", false),
    ("reset", false),
    ("drop-body:700", false),
    ("reset-body:300", false),
    ("partial:900", false),
    ("status:503", false),
    ("status:429,retry-after=1", false),
    ("lost-response", false),
    ("keepalive-drop", false),
    ("close", false),
    ("lose-session", true),
    ("status:400", true),
];

/// What may happen to a piece of a blob.
const PIECE: [&str; 8] = [
    "drop",
    "reset",
    "drop-body:9000",
    "partial:5000",
    "status:500",
    "range-stuck",
    "patch-status:201",
    "lose-session",
];

/// Numbers from a seed.
struct Numbers(Vec<u8>);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        usize::from(self.0.pop().unwrap()) % end
    }
}

/// Up to three faults for each blob, never more.
fn faults(numbers: &mut Numbers, image: &Image, in_pieces: bool) -> Vec<String> {
    let mut faults = Vec::new();
    for blob in &image.blobs {
        let digest = Digest::of(blob);
        let mut left = WHOLE.to_vec();
        for _ in 0..numbers.below(4) {
            let (action, once) = left[numbers.below(left.len())];
            left.retain(|other| !once || other.0 != action);
            faults.push(format!("do={action},on=PUT,path={}", digest.hex()));
        }
    }
    if in_pieces {
        faults.push("do=chunk-max:20000,times=0".to_owned());
        faults.extend((0..3).map(|_| format!("do={},on=PATCH,nth={}", PIECE[numbers.below(8)], numbers.below(9) + 1)));
    }
    faults
}

pub(super) fn two_hundred_pushes_with_up_to_three_faults_a_blob_end_well() {
    let next = AtomicU64::new(0);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= 200 {
                return;
            }
            let in_pieces = seed.is_multiple_of(4);
            let mut layers: Vec<_> = (0..6).map(|layer| pattern(seed * 10 + layer, 2_000)).collect();
            if in_pieces {
                layers.push(pattern(seed, 70_000));
            }
            let image = Image::of(&layers);
            let plan = faults(&mut Numbers(pattern(seed, 200)), &image, in_pieces);
            let what = format!("seed {seed}: {}", plan.join(" "));
            let stage = Stage::new(&plan.iter().map(String::as_str).collect::<Vec<_>>());
            stage.push("demo", &image).unwrap_or_else(|e| panic!("{what}: {e}"));
            image.assert_pushed(&stage, "demo", &what);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
}
