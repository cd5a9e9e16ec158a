//! Only the check, without a network and without a spec, as somebody's build tool would have it.
//!
//! `cargo run --example gate -- NAME=ARCHIVE…`: each archive is a layer for `/opt/NAME`.

use oci_merge_image::Prefix;
use oci_merge_layer::check::{BaseView, Code, Layer, Level, Owns, Policy, check};
use oci_merge_layer::{LayerIndex, Limits, Rules, survey};
use rayon::prelude::*;
use std::fs::File;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let names: Vec<(&str, &str)> = args.iter().filter_map(|arg| arg.split_once('=')).collect();
    let rules = Rules::kept(Limits::default());
    let read = |(_, file): &(&str, &str)| Ok(survey(File::open(file)?, &rules)?.index); // any `Read`: plain, gzip, zstd
    let indexes = names.par_iter().map(read).collect::<Result<Vec<LayerIndex>, oci_merge_layer::Error>>()?;
    let prefixes = names.iter().map(|(name, _)| format!("/opt/{name}").parse()).collect::<Result<Vec<Prefix>, _>>()?;
    let owns = Owns::default();
    let layers: Vec<Layer<'_>> = std::iter::zip(&names, std::iter::zip(&indexes, &prefixes))
        .map(|((name, _), (index, prefix))| Layer { name, index, prefix, owns: &owns })
        .collect();

    let mut policy = Policy::default();
    policy.set("identical", Level::Deny)?;
    let report = check(&BaseView::new(&[]), &layers, &policy);
    // A rule of one's own: everybody may bring licences.
    let licence = |path: &str| path.starts_with("/opt/licences");
    let told = report.findings.iter().filter(|f| {
        let path = f.path().map(ToString::to_string).unwrap_or_default();
        !(licence(&path) && matches!(f.code(), Code::OutsidePrefix | Code::Identical | Code::TwoWriters))
    });
    let told: Vec<_> = told.collect();
    #[allow(clippy::print_stdout)]
    for finding in &told {
        println!("{} {}", finding.code(), finding.message());
    }
    // An index is small, and a later run checks without the archives: `LayerIndex::from_bytes`.
    let bytes: usize = indexes.iter().map(|index| index.to_bytes().len()).sum();
    match told.len() {
        0 => Ok(()),
        count => Err(format!("{count} findings; the indexes take {bytes} bytes").into()),
    }
}
