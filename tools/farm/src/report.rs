//! The tables: Markdown, so that they can stand in the manual's page on farms as they are.

use crate::limits::limits;
use crate::plan::Plan;
use crate::program::Registry;
use crate::schemes::Scheme;
use std::fmt::Write as _;

const SCHEMES: [(&str, Scheme); 4] = [
    ("oci-merge", Scheme::Stacked(Registry { referrers: false })),
    ("`COPY --link`, a builder that keeps everything", Scheme::LinkedWarm),
    ("`COPY --link`, fresh machines", Scheme::LinkedFresh),
    ("one layer, fresh machines", Scheme::OneLayer),
];

/// What a farm pays, in three tables.
pub fn report(plan: &Plan) -> String {
    [jobs(plan), pulls(plan), room(plan)].join("\n")
}

fn jobs(plan: &Plan) -> String {
    let mut out = String::from(
        "| a day's jobs | jobs | requests | GB to the registry | GB from it | hours of machines | longest job, s |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for (name, scheme) in SCHEMES {
        let day = scheme.day(plan);
        let [up, down, hours] = [day.up / 1e9, day.down / 1e9, day.seconds / 3600.0];
        let (jobs, requests, longest) = (day.jobs, day.requests, day.longest);
        let _ =
            writeln!(out, "| {name} | {jobs:.0} | {requests:.0} | {up:.2} | {down:.2} | {hours:.2} | {longest:.0} |");
    }
    out
}

fn pulls(plan: &Plan) -> String {
    let mut out =
        format!("| a pull | requests | GB | seconds | GB of all {} in a day |\n|---|---|---|---|---|\n", plan.pullers);
    for (when, changed) in [("after one tool changed", 1), ("for the first time", plan.tools_per_image)] {
        for (what, scheme) in [("layers", SCHEMES[0].1), ("one layer", Scheme::OneLayer)] {
            let pull = scheme.pull(plan, changed);
            let (bytes, seconds) = (pull.down as f64 / 1e9, pull.seconds(&plan.machine));
            let all = bytes * plan.pullers as f64;
            let requests = pull.requests.total();
            let _ = writeln!(out, "| {what}, {when} | {requests} | {bytes:.3} | {seconds:.1} | {all:.0} |");
        }
    }
    out
}

fn room(plan: &Plan) -> String {
    let limits = SCHEMES.map(|(_, scheme)| limits(plan, scheme));
    let names = SCHEMES.map(|(name, _)| name).join(" | ");
    let mut out = format!("| needed of | allowed | {names} |\n|---|---|---|---|---|---|\n");
    let [first, ..] = &limits;
    let mut order: Vec<usize> = (0..first.len()).collect();
    // What the first scheme runs out of first comes first.
    let room = |place: &usize| first[*place].allows / first[*place].needs;
    order.sort_by(|a, b| room(a).total_cmp(&room(b)));
    for place in order {
        let needs = limits.each_ref().map(|limits| short(limits[place].needs)).join(" | ");
        let _ = writeln!(out, "| {} | {} | {needs} |", first[place].what, short(first[place].allows));
    }
    out
}

/// A number with as many digits as tell something.
fn short(number: f64) -> String {
    match number {
        0.0 => "0".to_owned(),
        _ if number < 1.0 => format!("{number:.2}"),
        _ if number < 10.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}
