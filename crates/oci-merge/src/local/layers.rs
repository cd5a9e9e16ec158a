//! What layers were made from: the fingerprint of a recipe and its sources leads to the layer.
//!
//! Such a record is a shortcut and never the truth. It is bound to the index of the layer by a digest; the blob may be gone
//! or damaged, and then the layer is [made again](crate::again) when somebody asks for its bytes.

use super::Local;
use crate::event::How;
use crate::layers::Making;
use crate::notes::Told;
use oci_merge_image::{Descriptor, Digest};
use oci_merge_layer::{Fingerprint, Time};
use serde::{Deserialize, Serialize};

/// The name under which a layer is kept with the fingerprint of what it was made from.
const LAYER: &str = "layer";

/// What is written of a layer.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// The digest of the fingerprint: a record under another's name is none.
    of: Digest,
    descriptor: Descriptor,
    /// The digest of the bytes of its index.
    index: Digest,
    /// Whether it is an archive, byte for byte.
    kept: bool,
    /// What was told of it.
    told: Told,
}

impl Local {
    /// The layer that was made from what has this fingerprint.
    pub(crate) fn layer(&self, of: &Fingerprint) -> Option<Making> {
        let bytes = self.layout().facts(of.digest(), LAYER)?;
        let record: Record = serde_json::from_slice(&bytes).ok()?;
        let Record { descriptor, index, kept, told, .. } = Some(record).filter(|record| record.of == *of.digest())?;
        let index = self.index_with(&descriptor.digest, &index)?;
        let how = if kept { How::Kept } else { How::Packed };
        Some(Making { descriptor, index, how, told, is_remembered: true })
    }

    /// Keeps what was made from what has this fingerprint, unless that was too young at the moment when the making began
    /// to be told from what it is after a change. Losing a record costs the making, so a full disk is not an error here.
    pub(crate) fn remember_layer(&self, of: &Fingerprint, moment: Time, layer: &Making) {
        if !of.is_settled(moment) {
            return;
        }
        let record = Record {
            of: of.digest().clone(),
            descriptor: layer.descriptor.clone(),
            index: self.remember(&layer.index),
            kept: layer.how == How::Kept,
            told: layer.told.clone(),
        };
        if let Ok(bytes) = serde_json::to_vec(&record) {
            let _ = self.layout().put_facts(of.digest(), LAYER, &bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Run, Settings};
    use oci_merge_image::MediaType;
    use oci_merge_layer::{Limits, Rules, survey};
    use std::path::Path;

    fn local(store: &Path) -> Local {
        Local::open(&Run::new(Settings { store: Some(store.to_owned()), ..Settings::default() })).unwrap()
    }

    fn making() -> Making {
        // Two blocks of zeros are an archive without entries.
        let survey = survey(&[0; 1024][..], &Rules::kept(Limits::default())).unwrap();
        let descriptor = Descriptor::new(MediaType::ImageLayer, survey.index.digest().clone(), survey.size);
        let told = Told { warnings: vec!["a warning".to_owned()], notes: vec!["a note".to_owned()] };
        Making { descriptor, index: survey.index, how: How::Kept, told, is_remembered: false }
    }

    #[test]
    fn a_record_comes_back_in_another_run_and_for_its_own_fingerprint_only() {
        let temp = tempfile::tempdir().unwrap();
        let (one, two) = [b"1", b"2"].map(|n| Fingerprint::of_digests([&Digest::of(n)])).into();
        local(temp.path()).remember_layer(&one, Time::default(), &making());
        let there = local(temp.path());
        let found = there.layer(&one).unwrap();
        let made = making();
        assert_eq!((&found.descriptor, &found.index, &found.told), (&made.descriptor, &made.index, &made.told));
        assert!(found.how == How::Kept && found.is_remembered);
        assert!(there.layer(&two).is_none());
        // The same bytes with another index are not what was made.
        let facts = temp.path().join("facts");
        let name = |of: &Fingerprint| facts.join(format!("{}.{LAYER}", of.digest().hex()));
        std::fs::copy(name(&one), name(&two)).unwrap();
        assert!(there.layer(&two).is_none(), "a record under another's name");
        there.layout().put_facts(&made.descriptor.digest, "index", b"another").unwrap();
        assert!(there.layer(&one).is_none(), "a layer without its index");
    }

    #[test]
    fn what_changed_when_it_was_read_is_not_remembered() {
        let temp = tempfile::tempdir().unwrap();
        let there = local(temp.path());
        let file = tempfile::NamedTempFile::new().unwrap();
        let of = Fingerprint::of_file(file.path(), &Digest::of(b"")).unwrap();
        there.remember_layer(&of, Time::default(), &making());
        assert!(there.layer(&of).is_none(), "it was changed after that moment");
        std::thread::sleep(std::time::Duration::from_millis(30));
        there.remember_layer(&of, there.moment().unwrap(), &making());
        assert!(there.layer(&of).is_some());
    }
}
