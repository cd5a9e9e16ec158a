//! Ready layers + base + the spec's edits → the two documents of an image.

use crate::layers::Ready;
use crate::local::{IndexBlob, Local};
use crate::open::OpenBase;
use crate::{Error, Result, groups};
use oci_merge_image::{Addition, Base, Edits, Stacked, stack};
use std::collections::BTreeMap;

/// Annotations of a layer's descriptor, so that `inspect` works on any machine without the spec.
pub(crate) const LAYER: &str = "dev.oci-merge.layer";
pub(crate) const VERSION: &str = "dev.oci-merge.version";
pub(crate) const PREFIX: &str = "dev.oci-merge.prefix";

/// The digest and the size of the layer's path index: whoever believes the manifest may believe the index.
pub(crate) const INDEX: &str = "dev.oci-merge.index";
pub(crate) const INDEX_SIZE: &str = "dev.oci-merge.index.size";

/// Stacks the layers, the first lowest. `epoch` is `SOURCE_DATE_EPOCH`, seconds since 1970.
pub(crate) fn assemble(
    base: &OpenBase,
    layers: &[Ready],
    edits: &Edits,
    local: &Local,
    epoch: Option<i64>,
) -> Result<Stacked> {
    let additions: Vec<Addition> = layers.iter().map(addition).collect();
    let created = rfc3339(epoch.unwrap_or_else(|| newest(base, layers)))?;
    let of_base = match &base.ground {
        Base::Scratch(_) => &[][..],
        Base::Image(image) => &image.manifest.value().layers,
    };
    let all = of_base.iter().chain(layers.iter().map(|layer| &layer.descriptor));
    let pinned = all.filter_map(|layer| Some((layer.digest.clone(), pin(&local.index_blob(&layer.digest)?))));
    let edits = Edits { of_layers: pinned.collect(), ..edits.clone() };
    stack(&base.ground, &additions, &edits, &created).map_err(|e| Error::image("the image", e))
}

/// What a layer's descriptor says of its index.
fn pin(index: &IndexBlob) -> BTreeMap<String, String> {
    let IndexBlob { descriptor, .. } = index;
    [(INDEX, descriptor.digest.to_string()), (INDEX_SIZE, descriptor.size.to_string())]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
}

fn addition(layer: &Ready) -> Addition {
    let mut descriptor = layer.descriptor.clone();
    let mut annotate = |key: &str, value: &str| descriptor.annotations.insert(key.into(), value.into());
    annotate(LAYER, &layer.name);
    annotate(PREFIX, &groups::prefix(layer));
    if let Some(version) = &layer.version {
        annotate(VERSION, version);
    }
    if !layer.joined.is_empty() {
        annotate(groups::JOINED, &groups::annotation(&layer.joined));
    }
    let members: Vec<&str> = layer.joined.iter().map(|member| member.name.as_str()).collect();
    Addition {
        name: if members.is_empty() { layer.name.clone() } else { members.join(", ") },
        descriptor,
        diff_id: layer.diff_id.clone(),
        path: layer.path.clone(),
        env: layer.env.clone(),
    }
}

/// The newest time of the base and the layers: the same on every machine, as the clock is not.
fn newest(base: &OpenBase, layers: &[Ready]) -> i64 {
    let of_base = match &base.ground {
        Base::Scratch(_) => None,
        Base::Image(image) => image.config.value().created.as_deref().and_then(seconds),
    };
    let of_layers = layers.iter().flat_map(|layer| layer.index.entries()).map(|entry| entry.mtime.seconds);
    of_layers.chain(of_base).max().unwrap_or(0)
}

fn seconds(time: &str) -> Option<i64> {
    time.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

fn rfc3339(seconds: i64) -> Result<String> {
    match jiff::Timestamp::from_second(seconds) {
        Ok(time) => Ok(time.to_string()),
        Err(_) => Err(Error::usage(format!("{seconds} seconds since 1970 is a time that no image can have"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339() {
        // The first two from `date -u -d @N +%FT%TZ`.
        assert_eq!(rfc3339(0).unwrap(), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_700_000_000).unwrap(), "2023-11-14T22:13:20Z");
        assert_eq!(seconds("2023-11-14T22:13:20.999Z"), Some(1_700_000_000));
        assert_eq!(seconds("2023-11-15T00:13:20+02:00"), Some(1_700_000_000));
        assert!(rfc3339(i64::MAX).is_err());
    }
}
