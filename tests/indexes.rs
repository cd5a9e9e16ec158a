//! Layers that lie in a registry are checked by their indexes: who is believed, who is not, and what it saves.

mod attached; // indexes beside an image
mod believed; // who is believed, and who is not
mod moved; // what of layers moves
mod remembered; // what the local store knows afterwards

use crate::library::tool;
use oci_merge::spec::BaseSource;
use oci_merge::{Builder, Built, Destination, Event, MergeInput, Observer, Result, Settings, merge};
use oci_merge_store::server::{Options, Server};
use serde_json::Value;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A registry with a base, and a tool to put on it.
struct Place {
    server: Server,
    root: tempfile::TempDir,
    warnings: Arc<Mutex<Vec<String>>>,
}

impl Place {
    fn new(referrers: bool) -> Place {
        let server = Server::start(Options { referrers, ..Options::default() }).unwrap();
        let root = tempfile::tempdir().unwrap();
        let place = Place { server, root, warnings: Arc::default() };
        place.push(&BaseSource::Scratch, "ground", "base:1", Settings::default()).unwrap();
        place
    }

    fn name(&self, reference: &str) -> String {
        format!("{}/{reference}", self.server.address())
    }

    /// Puts a tool on a base, with a store that knows nothing yet unless the settings bring one.
    fn push(&self, base: &BaseSource, name: &str, target: &str, settings: Settings) -> Result<Built> {
        self.push_as(base, name, target, settings, Builder::pushed)
    }

    fn push_as(
        &self,
        base: &BaseSource,
        name: &str,
        target: &str,
        settings: Settings,
        how: fn(Builder) -> Builder,
    ) -> Result<Built> {
        let input: MergeInput = tool(self.root.path(), name).display().to_string().parse()?;
        let warnings = Arc::clone(&self.warnings);
        let observer = Observer::new(move |event| {
            if let Event::Warning { text } = event {
                warnings.lock().unwrap().push(text.clone());
            }
        });
        // The same times, and so the same layers, whenever the files were made.
        let settings = Settings { observer, epoch: Some(1_000_000_000), ..settings };
        let spec = merge(base.clone(), &[input], Path::new(""), &settings)?;
        let builder = how(Builder::new(spec).settings(settings).names([self.name(target)]));
        builder.assemble()?.write(&[Destination::Registry])
    }

    /// The same on the base; what was asked for since, and what was warned of.
    fn build(&self, target: &str, settings: Settings) -> (Vec<String>, Vec<String>) {
        self.build_as(target, settings, Builder::pushed)
    }

    fn build_as(&self, target: &str, settings: Settings, how: fn(Builder) -> Builder) -> (Vec<String>, Vec<String>) {
        let before = self.server.requests().len();
        let base = self.name("base:1").parse().unwrap();
        let built = self.push_as(&base, "alpha", target, settings, how).unwrap();
        assert_eq!(built.layers.len(), 1);
        let requests = self.server.requests().split_off(before);
        let asked = requests.iter().map(|r| format!("{} {}", r.method, r.target)).collect();
        (asked, std::mem::take(&mut self.warnings.lock().unwrap()))
    }

    fn manifest(&self, repository: &str, tag: &str) -> Value {
        serde_json::from_slice(&self.server.manifest(repository, tag).unwrap().bytes).unwrap()
    }

    /// The digest of the base's layer, and that of its index by the annotation.
    fn of_base(&self) -> [String; 2] {
        let layer = &self.manifest("base", "1")["layers"][0];
        [&layer["digest"], &layer["annotations"]["dev.oci-merge.index"]].map(|text| text.as_str().unwrap().to_owned())
    }
}

fn count(asked: &[String], method: &str, part: &str) -> usize {
    asked.iter().filter(|line| line.starts_with(method) && line.contains(part)).count()
}

fn trusting() -> Settings {
    Settings { trust_index: true, ..Settings::default() }
}
