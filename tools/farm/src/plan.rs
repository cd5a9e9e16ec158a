//! How large the farm is, what changes on a day, and how fast its machines are.

/// A farm. Sizes are bytes; the layers of all tools are of one size.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Tools, each with a repository of its own.
    pub tools: u64,
    /// Platforms, each with jobs of its own.
    pub platforms: u64,
    /// Images, each with a repository of its own.
    pub images: u64,
    /// Tools in an image, those included that all images have.
    pub tools_per_image: u64,
    /// Tools that all images have.
    pub common: u64,
    /// Tools that change on a day.
    pub changed: u64,
    /// Layers of the base.
    pub base_layers: u64,
    /// A tool's layer, compressed.
    pub layer: u64,
    /// The same as a tar.
    pub tar: u64,
    /// Its path index.
    pub index: u64,
    /// Machines that each pull one image a day, for one platform.
    pub pullers: u64,
    /// Jobs that run at once.
    pub runners: u64,
    /// How fast a machine is.
    pub machine: Machine,
}

/// A machine and its way to the registry. Rates are bytes a second.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// To the registry.
    pub up: f64,
    /// From the registry.
    pub down: f64,
    /// Seconds that a request takes without its bytes.
    pub round_trip: f64,
    /// Requests at once.
    pub at_once: f64,
    /// Compressing a tar on all cores.
    pub compress: f64,
    /// Inflating and unpacking a tar.
    pub unpack: f64,
}

/// Bytes of a manifest and a config, and what each layer adds to them: from a run with three tools.
const DOCUMENTS: u64 = 1_000;
const DOCUMENTS_OF_LAYER: u64 = 420;

impl Default for Plan {
    /// 500 tools on 4 platforms in 50 images, of which 1 % change a day, as large as five real ones were on average.
    fn default() -> Plan {
        Plan {
            tools: 500,
            platforms: 4,
            images: 50,
            tools_per_image: 20,
            common: 5,
            changed: 5,
            base_layers: 1,
            layer: 125_000_000,
            tar: 312_000_000,
            index: 220_000,
            pullers: 1_000,
            runners: 20,
            machine: Machine { up: 125e6, down: 125e6, round_trip: 0.05, at_once: 4.0, compress: 136e6, unpack: 150e6 },
        }
    }
}

impl Plan {
    /// The tools of an image: those that all have, and as many of the others, one image after the other.
    pub fn tools_of(&self, image: u64) -> Vec<u64> {
        let own = self.tools_per_image - self.common;
        let others = self.tools - self.common;
        let of_image = (0..own).map(|n| self.common + (image * own + n) % others);
        (0..self.common).chain(of_image).collect()
    }

    /// The tools that change on a day: all of them in turn, and not such as follow each other.
    pub fn changed_on(&self, day: u64) -> Vec<u64> {
        let stride = (self.tools / 3 + 1..).find(|stride| greatest_common_divisor(*stride, self.tools) == 1);
        (0..self.changed).map(|n| (day * self.changed + n) * stride.unwrap_or(1) % self.tools).collect()
    }

    /// The images that hold a tool that changes on a day, each with those of its tools that do.
    pub fn touched_on(&self, day: u64) -> Vec<(u64, Vec<u64>)> {
        let changed = self.changed_on(day);
        let of_image = |image| self.tools_of(image).into_iter().filter(|tool| changed.contains(tool)).collect();
        let images = (0..self.images).map(|image| (image, of_image(image)));
        images.filter(|(_, tools): &(u64, Vec<u64>)| !tools.is_empty()).collect()
    }

    /// The days until each tool has changed once, over which a mean is one of them all.
    pub fn days(&self) -> u64 {
        self.tools.div_ceil(self.changed)
    }

    /// Bytes of the manifest and the config of an image.
    pub fn documents(&self, layers: u64) -> u64 {
        DOCUMENTS + DOCUMENTS_OF_LAYER * layers
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tool_changes_once_and_each_image_has_as_many_as_it_should() {
        let plan = Plan::default();
        let mut changed: Vec<u64> = (0..plan.days()).flat_map(|day| plan.changed_on(day)).collect();
        changed.sort_unstable();
        assert_eq!(changed, (0..500).collect::<Vec<_>>());
        for image in 0..plan.images {
            let mut tools = plan.tools_of(image);
            tools.sort_unstable();
            tools.dedup();
            assert_eq!(tools.len(), 20);
            assert_eq!(tools[..5], [0, 1, 2, 3, 4]);
        }
        // 750 places for 495 tools, and 5 tools in 50 images: 1000 changes of images in 100 days.
        let changes: usize = (0..plan.days()).flat_map(|day| plan.touched_on(day)).map(|(_, tools)| tools.len()).sum();
        assert_eq!(changes, 1000);
    }
}
