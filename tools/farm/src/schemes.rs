//! What a day costs in each of the ways to make the images.

use crate::containerd;
use crate::plan::{Machine, Plan};
use crate::program::{self, Registry};
use crate::requests::Requests;
use std::collections::BTreeSet;

/// A way to make the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Each tool's layer is pushed once; images are stacked by the indexes, on machines that keep nothing.
    Stacked(Registry),
    /// `COPY --link --from=TOOL`, on one builder a platform that keeps everything.
    LinkedWarm,
    /// The same on machines that keep nothing. For it counts that a layer made again has the digest of the last time.
    LinkedFresh,
    /// All tools of an image in one layer, made on machines that keep nothing.
    OneLayer,
}

/// One job of one platform.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Job {
    /// What it asks of the registry.
    pub requests: Requests,
    /// Bytes that it sends.
    pub up: u64,
    /// Bytes that it reads.
    pub down: u64,
    /// Bytes of tar that it compresses.
    pub packed: u64,
    /// Bytes of tar that it inflates and unpacks.
    pub unpacked: u64,
}

impl Job {
    /// How long it takes, in seconds: one thing after the other.
    pub fn seconds(&self, machine: &Machine) -> f64 {
        let requests = self.requests.total() as f64 * machine.round_trip / machine.at_once;
        let moved = self.up as f64 / machine.up + self.down as f64 / machine.down;
        requests + moved + self.packed as f64 / machine.compress + self.unpacked as f64 / machine.unpack
    }
}

impl Scheme {
    /// The jobs of a day, of one platform: first those of the tools that changed, then those of their images.
    pub fn jobs(self, plan: &Plan, day: u64) -> Vec<Job> {
        let mut brought = BTreeSet::new();
        let tools = plan.changed_on(day).into_iter().map(|_| self.tool(plan));
        let images = plan.touched_on(day);
        let images = images.iter().map(|(_, changed)| {
            // What no image of this day has brought to the registry yet.
            let new = changed.iter().filter(|tool| brought.insert(**tool)).count() as u64;
            self.image(plan, changed.len() as u64, new)
        });
        tools.chain(images.collect::<Vec<_>>()).collect()
    }

    /// A tool that changed is packed and pushed.
    fn tool(self, plan: &Plan) -> Job {
        let (layer, documents) = (plan.layer, plan.documents(1));
        match self {
            Scheme::Stacked(registry) => Job {
                requests: registry.first_push(0, 1),
                up: layer + plan.index + 2 * documents,
                packed: plan.tar,
                ..Job::default()
            },
            _ => Job { requests: containerd::push(1, 0, 0), up: layer + documents, packed: plan.tar, ..Job::default() },
        }
    }

    /// An image is made anew: so many of its tools changed, and of these so many are in no other image yet.
    fn image(self, plan: &Plan, changed: u64, new: u64) -> Job {
        let (base, tools) = (plan.base_layers, plan.tools_per_image);
        let documents = plan.documents(base + tools);
        // The base and each tool are resolved, and their configs read.
        let resolved = containerd::pull(0) * (1 + tools);
        let read = (1 + tools) * plan.documents(1);
        match self {
            Scheme::Stacked(_) => Job {
                requests: program::stack(base, tools),
                up: documents,
                down: (base + tools) * plan.index + read,
                ..Job::default()
            },
            Scheme::LinkedWarm => Job {
                requests: resolved
                    + Requests { blob_gets: new, ..Requests::default() }
                    + containerd::push(new, changed - new, base + tools - changed),
                up: new * plan.layer + documents,
                down: new * plan.layer + read,
                packed: new * plan.tar,
                unpacked: new * plan.tar,
            },
            Scheme::LinkedFresh => Job {
                requests: resolved
                    + Requests { blob_gets: tools, ..Requests::default() }
                    + containerd::push(changed, 0, base + tools - changed),
                up: changed * plan.layer + documents,
                down: tools * plan.layer + read,
                packed: tools * plan.tar,
                unpacked: tools * plan.tar,
            },
            Scheme::OneLayer => Job {
                requests: resolved
                    + Requests { blob_gets: tools, ..Requests::default() }
                    + containerd::push(1, 0, base),
                up: tools * plan.layer + documents,
                down: tools * plan.layer + read,
                packed: tools * plan.tar,
                unpacked: tools * plan.tar,
            },
        }
    }

    /// Somebody who has an image pulls it again after some of its tools changed; all of them: who has nothing.
    pub fn pull(self, plan: &Plan, changed: u64) -> Job {
        let layers = if self == Scheme::OneLayer { 1 } else { changed };
        let tools = if self == Scheme::OneLayer { plan.tools_per_image } else { changed };
        Job {
            requests: containerd::pull(layers),
            down: tools * plan.layer + plan.documents(plan.base_layers + plan.tools_per_image),
            unpacked: tools * plan.tar,
            ..Job::default()
        }
    }

    /// What all jobs of all platforms take on a day, as a mean of all days.
    pub fn day(self, plan: &Plan) -> Day {
        let jobs: Vec<Job> = (0..plan.days()).flat_map(|day| self.jobs(plan, day)).collect();
        let a_day = plan.platforms as f64 / plan.days() as f64;
        let sum = |of: &dyn Fn(&Job) -> f64| jobs.iter().map(of).sum::<f64>() * a_day;
        let longest = jobs.iter().map(|job| job.seconds(&plan.machine)).fold(0.0, f64::max);
        Day {
            jobs: jobs.len() as f64 * a_day,
            requests: sum(&|job| job.requests.total() as f64),
            manifest_gets: sum(&|job| job.requests.manifest_gets as f64),
            up: sum(&|job| job.up as f64),
            down: sum(&|job| job.down as f64),
            seconds: sum(&|job| job.seconds(&plan.machine)),
            longest,
        }
    }
}

/// A day of the farm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Day {
    /// How many jobs run.
    pub jobs: f64,
    /// All requests of them.
    pub requests: f64,
    /// Manifests that they read.
    pub manifest_gets: f64,
    /// Bytes to the registry, all of which it keeps.
    pub up: f64,
    /// Bytes from the registry.
    pub down: f64,
    /// Seconds of machines.
    pub seconds: f64,
    /// Seconds of the longest job.
    pub longest: f64,
}
