//! The report as a person reads it.

use super::lost::{Difference, Side};
use super::{Entry, FindingReport, Fix, heading};
use crate::number::count;
use oci_merge_image::shown;
use oci_merge_layer::check::{Claim, Code, Finding, Owner, Party};
use std::fmt::{self, Write as _};

/// How many paths of an entry are listed.
const PATHS: usize = 3;
/// How many of the entries that repeat one are told one by one.
const REPEATS: usize = 5;

impl fmt::Display for FindingReport {
    /// Several lines, the last without a line feed. If nothing stops the build, the warnings alone; empty if there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        if self.errors > 0 {
            parts.push(heading::heading(self));
        }
        let mut repeats = 0;
        for entry in &self.entries {
            repeats = if entry.like.is_some() { repeats + 1 } else { 0 };
            match repeats {
                0 => parts.push(self.entry(entry)),
                1..=REPEATS => parts.extend(self.repeat(entry)),
                _ => {}
            }
            if let (Some(like), true) = (entry.like, repeats == REPEATS) {
                let all = self.entries.iter().filter(|other| other.like == Some(like)).count();
                if all > REPEATS {
                    parts.push(format!("and {} more of the same two copies", count((all - REPEATS) as u64)));
                }
            }
        }
        if self.errors > 0 {
            parts.push(heading::footer(self));
        } else if self.left_out() > 0 {
            parts.push(format!("and {} more warnings", count(self.left_out() as u64)));
        }
        f.write_str(&parts.join("\n\n"))
    }
}

impl FindingReport {
    /// The first line of an entry: `error[OM0201]: both python and rust write /root/.profile`.
    fn head(&self, entry: &Entry, finding: &Finding) -> String {
        format!("{}[{}]: {}", finding.severity(), finding.code(), self.message(entry, finding))
    }

    /// What the findings of an entry say together, in one line.
    pub(super) fn message(&self, entry: &Entry, finding: &Finding) -> String {
        let mut head = finding.message();
        let more = entry.count as u64 - 1 + finding.more();
        if more > 0 {
            let under = entry.directory.as_ref().filter(|_| entry.count > 1);
            let under = under.map(|directory| format!(" under {directory}")).unwrap_or_default();
            let _ = write!(head, ", and {} more{under}", count(more));
        }
        if let Some(reason) = finding.reason().filter(|_| helps(finding)) {
            let _ = write!(head, " [{reason}]");
        }
        head
    }

    /// An entry that has the copies of the one before it.
    fn repeat(&self, entry: &Entry) -> Option<String> {
        let finding = self.findings.get(*entry.members.first()?)?;
        Some(format!("{}   (same two copies, same fixes)", self.head(entry, finding)))
    }

    fn entry(&self, entry: &Entry) -> String {
        let Some(finding) = entry.members.first().and_then(|first| self.findings.get(*first)) else {
            return String::new();
        };
        let mut out = self.head(entry, finding);
        out.push('\n');
        let places: Vec<String> = finding.owners().iter().filter_map(|owner| self.header(owner)).collect();
        if !places.is_empty() {
            let _ = writeln!(out, "  --> {}", places.join("  and  "));
        }
        self.parties(finding, &mut out);
        self.others(entry, &mut out);
        if let Some(survivor) = finding.survivor() {
            let _ = writeln!(out, "     {}", survives(finding, survivor));
        }
        if let Some(difference) = &entry.difference {
            lines(difference, &mut out);
        }
        if let Some(remark) = finding.remark() {
            let _ = writeln!(out, "     {remark}");
        }
        fixes(&entry.fixes, &mut out);
        if let Some(remark) = entry.remark() {
            let _ = writeln!(out, "     {remark}");
        }
        out.truncate(out.trim_end().len());
        out
    }

    /// `oci-merge.toml:64 [layer.python]`.
    fn header(&self, owner: &Owner) -> Option<String> {
        let place = self.place(owner.name()).filter(|place| place.line > 0)?;
        Some(format!("{}:{} [layer.{owner}]", shown(&place.file), place.line))
    }

    /// A line for each who takes part: name and version, what it has, and where if that is elsewhere.
    fn parties(&self, finding: &Finding, out: &mut String) {
        // What the message has said already.
        let is_said = |claim: &Claim| match claim {
            Claim::Archive(_) | Claim::Agreed => true,
            Claim::Prefix => finding.code() == Code::OutsidePrefix,
            _ => false,
        };
        let parties: Vec<&Party> = finding.parties().iter().filter(|party| !is_said(&party.claim)).collect();
        let name = |owner: &Owner| {
            let version = self.place(owner.name()).and_then(|place| place.version.as_ref());
            version.map_or_else(|| owner.to_string(), |version| format!("{owner} {}", shown(version)))
        };
        let names: Vec<String> = parties.iter().map(|party| name(&party.owner)).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        for (name, party) in names.iter().zip(parties) {
            let _ = write!(out, "     {name:width$}   {}", party.claim);
            if let Some(at) = &party.at {
                let _ = write!(out, " {at}");
            }
            out.push('\n');
        }
    }

    /// Some more of the paths that have the same cause.
    fn others(&self, entry: &Entry, out: &mut String) {
        let mut others = entry.members.iter().skip(1).filter_map(|member| self.findings.get(*member));
        let named: Vec<String> = others.by_ref().take(PATHS - 1).filter_map(also).collect();
        let left = entry.count.saturating_sub(1 + named.len());
        if !named.is_empty() {
            let more = if left > 0 { format!(" and {} more", count(left as u64)) } else { String::new() };
            let _ = writeln!(out, "     also {}{more}", named.join(", "));
        }
    }
}

/// Whether the reason tells more than the message does.
fn helps(finding: &Finding) -> bool {
    let is_in_the_message = finding.code() == Code::Archive;
    !is_in_the_message && !matches!(finding.code(), Code::OutsidePrefix | Code::PrefixOverlap | Code::Identical)
}

/// Another path; and where it leads, if one has it and it is a link.
fn also(finding: &Finding) -> Option<String> {
    let path = finding.path()?;
    let target = finding.parties().iter().find_map(|party| match &party.claim {
        Claim::Entry(entry) if finding.owners().len() == 1 => entry.target.as_deref(),
        _ => None,
    });
    Some(target.map_or_else(|| path.to_string(), |target| format!("{path} -> {}", shown(target))))
}

fn survives(finding: &Finding, survivor: &Owner) -> String {
    if finding.code() == Code::DirectoryAttributes {
        return format!("{survivor} is the uppermost, so it would be as {survivor} has it.");
    }
    let others: Vec<&Owner> = finding.owners().into_iter().filter(|owner| *owner != survivor).collect();
    match others[..] {
        [Owner::Base] => format!("{survivor} is above the base, so {survivor}'s copy would be the one in the image."),
        [other] => format!("{survivor} is above {other}, so {survivor}'s copy would be the one in the image."),
        _ => format!("{survivor} is the uppermost, so its copy would be the one in the image."),
    }
}

fn lines(difference: &Difference, out: &mut String) {
    let sides: &[Side] = match difference {
        Difference::None => {
            out.push_str("     The content is the same.\n");
            return;
        }
        Difference::Lines(sides) if sides.is_empty() => {
            out.push_str("     They have the same lines, in another order or with other blanks.\n");
            return;
        }
        Difference::Lines(sides) => sides,
    };
    let label = |side: &Side| {
        let the = if side.owner == Owner::Base { "the " } else { "" };
        format!("Only in {the}{}'s{}", side.owner, if side.is_lost { ", and lost:" } else { ":" })
    };
    let width = sides.iter().map(|side| label(side).chars().count()).max().unwrap_or(0);
    for side in sides {
        let mut label = label(side);
        for line in &side.lines {
            let _ = writeln!(out, "     {label:width$}   | {line}");
            label.clear();
        }
        if side.more > 0 {
            let _ = writeln!(out, "     {label:width$}   … and {} more", count(side.more as u64));
        }
    }
}

fn fixes(fixes: &[Fix], out: &mut String) {
    let shown = |fix: &Fix, width: usize| match fix.shell() {
        Some(command) => format!("{:width$}   {command}", fix.title),
        None => fix.title.clone(),
    };
    if let [only] = fixes {
        let _ = writeln!(out, "  fix: {}", shown(only, 0));
        return;
    }
    let of_command = fixes.iter().filter(|fix| !fix.command.is_empty());
    let width = of_command.map(|fix| fix.title.chars().count()).max().unwrap_or(0);
    out.push_str("  fix, any one of:\n");
    for (letter, fix) in ('a'..='z').zip(fixes) {
        let _ = writeln!(out, "     {letter}. {}", shown(fix, width));
    }
}
