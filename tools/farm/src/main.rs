//! `cargo run -p farm`: what a build farm pays. Each figure of the plan is a flag; `--help` lists them.

#![allow(clippy::print_stdout, reason = "the tables are the answer")]
#![allow(clippy::print_stderr, reason = "and what is wrong with the flags is not")]

use farm::plan::Plan;
use farm::report::report;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match read(&arguments) {
        Ok(plan) => {
            print!("{}", report(&plan));
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("{text}");
            ExitCode::from(2)
        }
    }
}

/// The plan with what the flags say otherwise.
fn read(arguments: &[String]) -> Result<Plan, String> {
    let mut plan = Plan::default();
    let mut percent = plan.changed as f64 * 100.0 / plan.tools as f64;
    let counts = ["tools", "platforms", "images", "tools-per-image", "common", "base-layers", "pullers", "runners"];
    let usage = || {
        let counts: Vec<String> = counts.iter().map(|name| format!("--{name} N")).collect();
        format!(
            "usage: farm {} --changed PERCENT --layer-mb N --tar-mb N --index-kb N --up-mbit N --down-mbit N \
             --round-trip-ms N --compress-mb N --unpack-mb N",
            counts.join(" ")
        )
    };
    for pair in arguments.chunks(2) {
        let [flag, value] = pair else { return Err(usage()) };
        let value: f64 = value.parse().ok().filter(|value: &f64| *value >= 0.0).ok_or_else(usage)?;
        let count = value as u64;
        match flag.as_str() {
            "--tools" => plan.tools = count,
            "--platforms" => plan.platforms = count,
            "--images" => plan.images = count,
            "--tools-per-image" => plan.tools_per_image = count,
            "--common" => plan.common = count,
            "--changed" => percent = value,
            "--base-layers" => plan.base_layers = count,
            "--pullers" => plan.pullers = count,
            "--runners" => plan.runners = count,
            "--layer-mb" => plan.layer = (value * 1e6) as u64,
            "--tar-mb" => plan.tar = (value * 1e6) as u64,
            "--index-kb" => plan.index = (value * 1e3) as u64,
            "--up-mbit" => plan.machine.up = value * 1e6 / 8.0,
            "--down-mbit" => plan.machine.down = value * 1e6 / 8.0,
            "--round-trip-ms" => plan.machine.round_trip = value / 1e3,
            "--compress-mb" => plan.machine.compress = value * 1e6,
            "--unpack-mb" => plan.machine.unpack = value * 1e6,
            _ => return Err(usage()),
        }
    }
    plan.changed = ((plan.tools as f64 * percent / 100.0).round() as u64).max(1);
    let possible =
        plan.common <= plan.tools_per_image && plan.tools_per_image < plan.tools && plan.changed < plan.tools;
    if possible { Ok(plan) } else { Err("an image has some of the tools, and some change, but not all".into()) }
}
