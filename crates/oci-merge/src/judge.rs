//! The check of a run: layers against each other and the base, and what the layers say of the environment.

use crate::layers::{Ready, Refusal};
use crate::local::Local;
use crate::open::OpenBase;
use crate::report::{FindingReport, MAX_FINDINGS, Scene};
use crate::result::{Checked, Settled};
use crate::settings::Run;
use crate::spec::Spec;
use crate::{Error, Event, Result};
use oci_merge_image::{DEFAULT_PATH, join_path};
use oci_merge_layer::LayerIndex;
use oci_merge_layer::check::{
    Agreed, Agreement, BaseView, Code, Finding, Layer, Level, Policy, System, check, would_run,
};
use std::collections::BTreeMap;
use std::time::Instant;

/// Checks everything that could be read; layers that were refused are findings like any other.
pub(crate) fn judge(
    spec: &Spec,
    base: &OpenBase,
    base_indexes: &[LayerIndex],
    layers: &[Ready],
    refused: Vec<Refusal>,
    local: &Local,
    run: &Run,
) -> Result<Checked> {
    // What it took is told, and decides nothing.
    let began = Instant::now();
    let policy = policy(spec)?;
    let view = BaseView::new(&base_indexes.iter().collect::<Vec<_>>());
    let claims: Vec<Layer<'_>> = layers.iter().map(Ready::as_layer).collect();
    let report = check(&view, &claims, &policy);
    let mut findings: Vec<Finding> = refused.iter().map(|r| Finding::refused(&r.layer, &r.error)).collect();
    findings.extend(environment(layers, &policy));
    findings.extend(report.findings);
    let agreed_in_all = report.agreed.len() as u64 + report.agreed_left_out;
    findings.extend(would_run(&view, &claims, &system(spec, base, layers), &policy));
    findings.sort();
    let elapsed = began.elapsed();
    let (paths, seconds, many) = (report.paths, elapsed.as_secs_f64(), report.many);
    let agreed: Vec<Settled> =
        report.agreed.into_iter().take(MAX_FINDINGS).map(|agreed| settled(spec, agreed)).collect();
    let agreed_left_out = agreed_in_all - agreed.len() as u64;
    let scene = Scene { spec, base, base_indexes, layers, local, run, paths, seconds };
    let report = FindingReport::new(findings, &many, &scene);
    for finding in report.findings() {
        run.observer.tell(Event::Finding(Box::new(finding.clone())));
    }
    let (errors, warnings) = (report.errors(), report.warnings());
    let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    run.observer.tell(Event::CheckDone { paths, ms, errors, warnings });
    if errors > 0 {
        return Err(Error::Findings(Box::new(report)));
    }
    Ok(Checked {
        paths,
        seconds,
        errors,
        warnings,
        report,
        agreed,
        agreed_left_out,
        not_for_platform: Vec::new(),
        relaxed: spec.policy.iter().filter(|(key, level)| lets_more_pass(key, level)).cloned().collect(),
    })
}

fn settled(spec: &Spec, agreed: Agreed) -> Settled {
    let (by, reason) = match agreed.by {
        Agreement::Exception(number) => ("allow", spec.allow.get(number).map(|allow| allow.reason.clone())),
        _ => ("overrides", None),
    };
    Settled { by, reason, finding: agreed.finding }
}

fn lets_more_pass(key: &str, level: &str) -> bool {
    match (level, Code::of_key(key).map(Code::default_level)) {
        ("allow", _) => true,
        ("warn", Some(default)) => default == Level::Deny,
        _ => false,
    }
}

fn policy(spec: &Spec) -> Result<Policy> {
    let mut policy = Policy::default();
    for (key, level) in &spec.policy {
        let level = level.parse().map_err(|e| Error::usage(format!("policy.{key}: {e}")))?;
        policy.set(key, level).map_err(|e| Error::usage(format!("policy.{key}: {e}")))?;
    }
    for layer in &spec.layers {
        layer.needs.iter().for_each(|needed| policy.needs(&layer.name, &needed.layer));
        let wrong = |e| Error::usage(format!("{}: overrides: {e}", layer.name));
        policy.overrides(&layer.name, &layer.overrides).map_err(wrong)?;
    }
    for allow in &spec.allow {
        let wrong = |e| Error::usage(format!("allow{}: {e}", spec.place(&allow.span)));
        policy.except(&allow.paths, &allow.layers, &allow.winner).map_err(wrong)?;
    }
    Ok(policy)
}

/// What programs of the image will find besides its files: as the config will say it.
fn system(spec: &Spec, base: &OpenBase, layers: &[Ready]) -> System {
    let of_base = base.image.as_ref().map_or(&[][..], |open| &open.image.config.value().env);
    let in_base = |name: &str| of_base.iter().find_map(|e| e.strip_prefix(name)?.strip_prefix('='));
    let directories: Vec<String> = layers.iter().flat_map(|layer| layer.path.clone()).collect();
    let path = join_path(&directories, in_base("PATH").unwrap_or(DEFAULT_PATH));
    // The last one counts, and layers that disagree are told of it.
    let mut set = layers.iter().flat_map(|layer| &layer.env).chain(&spec.config.env);
    let library_path = set.rfind(|(name, _)| name == "LD_LIBRARY_PATH").map(|(_, value)| value.as_str());
    System {
        architecture: base.platform.architecture.clone(),
        path: path.split(':').map(str::to_owned).collect(),
        library_path: library_path.or(in_base("LD_LIBRARY_PATH")).map(str::to_owned),
        user: spec.config.user.clone(),
    }
}

/// Two layers that give one variable two values: which one counts would depend on their order.
fn environment(layers: &[Ready], policy: &Policy) -> Vec<Finding> {
    let mut values: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for layer in layers {
        for (name, value) in &layer.env {
            values.entry(name).or_default().push((&layer.name, value));
        }
    }
    values.into_iter().filter_map(|(name, said)| Finding::environment(name, &said, policy)).collect()
}
