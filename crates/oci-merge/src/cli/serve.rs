//! `serve`: a registry on this machine, until a signal ends it.

use super::args::Serve;
use super::{Run, answer, place};
use oci_merge::Result;
use oci_merge::spec::BaseSource;
use oci_merge_image::shown;
use std::path::Path;
use std::time::Duration;

/// How many images are named as examples.
const MAX_EXAMPLES: usize = 5;

pub(super) fn serve(run: &Run, args: &Serve) -> Result<()> {
    let source = source(&args.image);
    let server = oci_merge::serve(&source, Path::new(""), args.rw, args.port, &run.settings(None)?)?;
    let (address, images) = (server.address(), server.images().unwrap_or_default());
    if run.common.json {
        answer::document(&serde_json::json!({
            "schema": "oci-merge.serve/v1", "address": address.to_string(), "writable": args.rw, "images": images
        }))?;
    } else {
        answer::answer(&format!("{address}\n"))?;
    }
    let how = if args.rw { "takes pushes" } else { "read-only" };
    run.say(format!("serving {}, {how}; for trying things, not for the network", shown(&source.to_string())));
    for image in images.iter().take(MAX_EXAMPLES) {
        run.say(format!("  docker pull {address}/{}", shown(image)));
    }
    while !run.cancel.is_cancelled() {
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// What is to be served: unlike elsewhere, a bare name is a directory, also one that is not there yet.
fn source(text: &str) -> BaseSource {
    match place::image(text) {
        Ok(source @ (BaseSource::Layout { .. } | BaseSource::OciArchive(_) | BaseSource::DockerArchive(_))) => source,
        _ => BaseSource::Layout { directory: text.into(), tag: None },
    }
}
