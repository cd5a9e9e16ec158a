//! Manifests that went by, kept for as long as they fit: what was resolved is fetched and tagged without asking again.

use oci_merge_image::Digest;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// The most that is kept, in bytes.
const MAX_KEPT: usize = 8 << 20;

/// The last manifests of a repository, verified.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<VecDeque<(Digest, Arc<[u8]>)>>);

impl Kept {
    pub(super) fn get(&self, digest: &Digest) -> Option<Arc<[u8]>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(of, _)| of == digest).map(|(_, bytes)| Arc::clone(bytes))
    }

    pub(super) fn put(&self, digest: &Digest, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(of, _)| of != digest);
        kept.push_back((digest.clone(), bytes.into()));
        while kept.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > MAX_KEPT {
            kept.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room() {
        let kept = Kept::default();
        let mebibyte = vec![0; 1 << 20];
        let digests: Vec<Digest> = (0..10).map(|n: u8| Digest::of(&[n])).collect();
        digests.iter().for_each(|digest| kept.put(digest, &mebibyte));
        let there: Vec<bool> = digests.iter().map(|digest| kept.get(digest).is_some()).collect();
        assert_eq!(there, [false, false, true, true, true, true, true, true, true, true]);
        kept.put(&digests[0], &vec![0; MAX_KEPT + 1]);
        assert!(kept.get(&digests[0]).is_none() && kept.get(&digests[9]).is_none());
    }
}
