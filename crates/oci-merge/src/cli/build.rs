//! `check`, `build`, `merge`.

use super::args::{Build, Check, Merge, Target};
use super::settings::expected;
use super::{Run, answer, spec_file, summary};
use oci_merge::{
    Builder, Checked, Destination, Error, FindingReport, MergeInput, Reference, Remake, Result, ResultFiles, Settings,
    Spec,
};
use oci_merge_image::{Compression, shown};
use serde_json::json;
use std::path::Path;

pub(super) fn check(run: &Run, args: &Check) -> Result<()> {
    let settings =
        Settings { trust_index: args.trust_index, deep: args.deep, ..run.settings(args.platform.as_deref())? };
    // A layer's name has letters, digits, `_` and `-`; whatever has more is a file or an image.
    let is_input = |what: &&String| what.contains(['.', '/', ':', '=', '@']) || *what == "scratch";
    let (spec, layers) = match args.what.iter().filter(is_input).count() {
        0 => (spec_file::read(run.common.file.as_deref())?, &args.what[..]),
        all if all == args.what.len() => (oci_merge::check_inputs(&args.what, Path::new(""), &settings)?, &[][..]),
        _ => return Err(Error::Usage("layers of the spec, or files and images, but not both".into())),
    };
    let spec = asked(spec, args.portable, args.pack);
    let mut checked = told(run, Builder::new(spec).settings(settings).only(layers).check())?;
    checked.report = here(run, checked.report);
    run.progress.rest();
    summary::checked(run, &checked);
    if run.common.json {
        let Checked { report, agreed, agreed_left_out, not_for_platform, relaxed, .. } = checked;
        let mut document = report.to_json();
        document["agreed"] = json!(agreed);
        if agreed_left_out > 0 {
            document["agreed_left_out"] = json!(agreed_left_out);
        }
        if !not_for_platform.is_empty() {
            document["not_for_platform"] = json!(not_for_platform);
        }
        document["relaxed"] = json!(relaxed);
        return answer::document(&document);
    }
    Ok(())
}

pub(super) fn build(run: &Run, args: &Build) -> Result<()> {
    let spec = spec_file::read(run.common.file.as_deref())?;
    write(run, spec, &args.layers, args.platform.as_deref(), &args.target)
}

pub(super) fn merge(run: &Run, args: &Merge) -> Result<()> {
    let base = args.base.parse().map_err(|e: oci_merge_image::Error| Error::Usage(e.to_string()))?;
    let inputs = args.inputs.iter().map(|input| input.parse()).collect::<Result<Vec<MergeInput>>>()?;
    let settings = run.settings(args.platform.as_deref())?;
    let spec = oci_merge::merge(base, &inputs, Path::new(""), &settings)?;
    write(run, spec, &[], args.platform.as_deref(), &args.target)
}

fn write(run: &Run, mut spec: Spec, only: &[String], platform: Option<&str>, target: &Target) -> Result<()> {
    spec = asked(spec, target.portable, target.pack);
    if let Some(repo) = &target.repo {
        if repo.rsplit('/').next().is_some_and(|last| last.contains([':', '@'])) {
            let text = format!("--repo {}: a repository, without a tag or digest; -t takes a tag", shown(repo));
            return Err(Error::Usage(text));
        }
        spec.project.repo = Some(repo.parse().map_err(|e| Error::Usage(format!("--repo: {e}")))?);
    }
    if let Some(level) = target.compression_level {
        if spec.output.compression != Compression::Gzip {
            return Err(Error::Usage("--compression-level is for gzip, and the spec says otherwise".into()));
        }
        spec.output.level = level;
    }
    let destinations = destinations(target)?;
    files(target).check()?;
    // Before any work is done: a slip in a name is not worth a build.
    for name in &target.tag {
        name.parse::<Reference>().map_err(|e| Error::Image { what: format!("-t {}", shown(name)), source: e })?;
    }
    if destinations.contains(&Destination::Registry) && target.tag.is_empty() {
        if spec.project.repo.is_none() {
            return Err(Error::Usage("push where? say -t REFERENCE, or set project.repo in the spec".into()));
        }
        if !only.is_empty() {
            let text = "only some of the layers: say with -t which tag they get, for `full` is the image of all";
            return Err(Error::Usage(text.into()));
        }
    }
    let Target { trust_index, no_layer_upload, .. } = *target;
    let expected = expected(&target.tag_race)?;
    if expected.is_some() && !destinations.contains(&Destination::Registry) {
        let text = "--expect-digest and --create-only are about tags of a registry, and nothing is pushed (--push)";
        return Err(Error::Usage(text.into()));
    }
    let remake = match &target.no_cache {
        None => Remake::Nothing,
        Some(names) if names.is_empty() => Remake::Everything,
        Some(names) => Remake::Layers(names.clone()),
    };
    let settings = Settings { trust_index, no_layer_upload, expected, remake, ..run.settings(platform)? };
    let builder = Builder::new(spec).settings(settings).only(only).names(&target.tag);
    let builder = if destinations.contains(&Destination::Registry) { builder.pushed() } else { builder };
    let built = told(run, builder.assemble())?.write(&destinations)?;
    files(target).write(&built)?;
    run.progress.rest();
    summary::built(run, &built, &destinations);
    if run.common.json {
        return answer::document(&built.to_json());
    }
    let lines: String = built.written.iter().map(|w| format!("{}\n", w.answer)).collect();
    answer::answer(&lines)
}

/// What flags change of a spec. With `--portable`, names that only their spelling tells apart stop the run.
fn asked(mut spec: Spec, portable: bool, pack: bool) -> Spec {
    spec.output.pack |= pack;
    if portable {
        spec.policy.retain(|(key, _)| key != "case-only");
        spec.policy.push(("case-only".into(), "deny".into()));
    }
    spec
}

/// The document of `--json` for a check whose answer is no; the error follows on stderr.
fn told<T>(run: &Run, outcome: Result<T>) -> Result<T> {
    match outcome {
        Err(Error::Findings(report)) => {
            let report = here(run, *report);
            if run.common.json {
                answer::document(&report.to_json())?;
            }
            Err(Error::Findings(Box::new(report)))
        }
        outcome => outcome,
    }
}

/// A report whose commands find the spec from where the program was started.
fn here(run: &Run, report: FindingReport) -> FindingReport {
    match &run.common.directory {
        Some(directory) => report.with_options(&["-C".to_owned(), directory.to_string_lossy().into_owned()]),
        None => report,
    }
}

/// `-o` in the order they were typed, then `--load`, then the registry; without any, `./image`.
fn destinations(target: &Target) -> Result<Vec<Destination>> {
    let mut destinations = target.output.iter().map(|text| text.parse()).collect::<Result<Vec<Destination>>>()?;
    for (flag, destination) in [(target.load, Destination::Engine), (target.push, Destination::Registry)] {
        if flag && !destinations.contains(&destination) {
            destinations.push(destination);
        }
    }
    if destinations.is_empty() {
        destinations.push(Destination::default());
    }
    let mut paths: Vec<_> = destinations.iter().filter_map(|one| std::path::absolute(one.path()?).ok()).collect();
    paths.sort_unstable();
    if let Some([path, _]) = paths.windows(2).find(|pair| pair.first() == pair.last()) {
        let path = shown(path.as_os_str().as_encoded_bytes());
        return Err(Error::Usage(format!("-o: two outputs to {path}, of which one would replace the other")));
    }
    Ok(destinations)
}

fn files(target: &Target) -> ResultFiles {
    ResultFiles {
        digest: target.digestfile.clone(),
        iid: target.iidfile.clone(),
        metadata: target.metadata_file.clone(),
        refs: target.image_refs.clone(),
    }
}
