//! What one role says of an archive, held against what another says: an index that was read for a base decides whether
//! a blob may be used as a layer (design: collisions, section 12).

use super::mutants::mutant;
use crate::{Kind, LayerIndex, Limits, Rules, survey};

/// Whether it has what only images may have.
fn is_of_an_image(index: &LayerIndex) -> bool {
    let is_device = |kind| matches!(kind, Kind::CharDevice | Kind::BlockDevice);
    !index.whiteouts().is_empty() || index.entries().any(|entry| is_device(entry.kind))
}

#[test]
fn a_base_without_notes_is_what_the_strictest_reading_sees() {
    let (mut alike, mut noted) = (0, 0);
    for number in 0..2_000 {
        let (_, blob) = mutant(number);
        let read = |rules: fn(Limits) -> Rules| survey(&blob[..], &rules(Limits::default())).map(|survey| survey.index);
        let (base, kept, source, layer) =
            (read(Rules::base), read(Rules::kept), read(Rules::source), read(Rules::layer));
        match &base {
            Ok(index) if index.notes().is_empty() && !is_of_an_image(index) => {
                assert_eq!(Some(index), kept.as_ref().ok(), "archive {number}");
                alike += 1;
            }
            _ => {
                assert!(kept.is_err(), "archive {number}");
                noted += 1;
            }
        }
        // Files are taken of what may be a layer, and of nothing else.
        match (&source, &layer) {
            (Ok(source), Ok(layer)) => assert_eq!(source, layer, "archive {number}"),
            (Ok(source), Err(_)) => assert!(is_of_an_image(source), "archive {number}"),
            (Err(_), layer) => assert!(layer.is_err(), "archive {number}"),
        }
    }
    assert!(alike > 200 && noted > 200, "{alike} and {noted}");
}
