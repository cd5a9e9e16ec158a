//! What registries and engines allow, and what the farm needs of it. The manual's page on farms has the sources.

use crate::plan::Plan;
use crate::requests::Requests;
use crate::schemes::{Job, Scheme};

/// Something of which there is only so much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// What it is, and whose.
    pub what: &'static str,
    /// How much there is.
    pub allows: f64,
    /// How much the farm needs.
    pub needs: f64,
}

/// The limits that a way to make the images meets.
pub fn limits(plan: &Plan, scheme: Scheme) -> Vec<Limit> {
    let images = image_jobs(plan, scheme);
    let requests = images.iter().map(|job| job.requests).sum::<Requests>();
    // All runners work at once, on images only: these jobs are the shortest.
    let busy = images.iter().map(|job| job.seconds(&plan.machine)).sum::<f64>() / plan.runners as f64;
    let per_second = |count: u64| count as f64 / busy;
    let layers = if scheme == Scheme::OneLayer { 1 } else { plan.tools_per_image };
    let blob = plan.layer * if scheme == Scheme::OneLayer { plan.tools_per_image } else { 1 };
    let limit = |what, allows, needs| Limit { what, allows, needs };
    vec![
        limit("manifests read in 6 hours (Docker Hub, free account)", 200.0, scheme.day(plan).manifest_gets),
        limit("manifests put a second (ECR, PutImage)", 10.0, per_second(requests.manifest_puts)),
        limit("uploads begun a second (ECR, InitiateLayerUpload)", 100.0, per_second(requests.uploads)),
        limit("layers asked for a second (ECR, BatchCheckLayerAvailability)", 1_000.0, per_second(requests.blob_heads)),
        limit("blobs read a second (ECR, GetDownloadUrlForLayer)", 3_000.0, per_second(requests.blob_gets)),
        limit("manifests of one repository in a year (ECR)", 100_000.0, manifests_in_a_year(plan, scheme)),
        limit("layers of an image (overlayfs in containerd)", 127.0, (plan.base_layers + layers) as f64),
        limit("GB of a blob (GHCR)", 10.0, blob as f64 / 1e9),
        limit("seconds for the upload of a blob (GHCR)", 600.0, blob as f64 / plan.machine.up),
        limit("kB of a manifest (distribution-spec)", 4_000.0, plan.documents(plan.base_layers + layers) as f64 / 1e3),
    ]
}

/// The jobs of a platform that make images, of all days.
fn image_jobs(plan: &Plan, scheme: Scheme) -> Vec<Job> {
    let of_day = |day| scheme.jobs(plan, day).into_iter().skip(plan.changed as usize);
    (0..plan.days()).flat_map(of_day).collect()
}

/// Of the repository that gets the most: that of a tool, or that of an image. All platforms have one.
fn manifests_in_a_year(plan: &Plan, scheme: Scheme) -> f64 {
    let years = plan.days() as f64 / 365.0;
    let of_tool = match scheme {
        Scheme::Stacked(registry) => registry.first_push(0, 1),
        _ => crate::containerd::push(1, 0, 0),
    };
    let touched: Vec<u64> = (0..plan.days()).flat_map(|day| plan.touched_on(day)).map(|(image, _)| image).collect();
    let times = |image: u64| touched.iter().filter(|it| **it == image).count() as u64;
    let of_image = (0..plan.images).map(times).max().unwrap_or_default();
    of_tool.manifest_puts.max(of_image) as f64 * plan.platforms as f64 / years
}
