//! The report as GitHub shows it.

use super::{Entry, FindingReport, heading};
use crate::github::{Annotation, AnnotationKind, cell, first_ten};
use crate::number::count;
use oci_merge_layer::check::{Finding, Severity};

impl FindingReport {
    /// An annotation for each cause, beside the uppermost layer that takes part; ten of a kind at most.
    pub fn annotations(&self) -> Vec<Annotation> {
        let annotation = |(entry, finding): (&Entry, &Finding)| {
            let mut owners = finding.owners().into_iter().rev();
            let place = owners.find_map(|owner| self.place(owner.name()).filter(|place| place.line > 0));
            let fixes = entry.fixes.iter().map(|fix| fix.shell().unwrap_or_else(|| fix.title.clone()));
            let fixes: Vec<String> = fixes.collect();
            let fix = if fixes.is_empty() { String::new() } else { format!("\nfix: {}", fixes.join("\n or: ")) };
            let remark = entry.remark().map(|remark| format!("\n{remark}")).unwrap_or_default();
            Annotation {
                kind: match finding.severity() {
                    Severity::Error => AnnotationKind::Error,
                    _ => AnnotationKind::Warning,
                },
                place: place.map(|place| (place.file.clone(), place.line)),
                title: finding.code().as_str().to_owned(),
                message: self.message(entry, finding) + &fix + &remark,
            }
        };
        first_ten(self.leads().map(annotation).collect())
    }

    /// The summary of a job in Markdown, of so many bytes at most.
    pub fn job_summary(&self, most: usize) -> String {
        let mut out = match self.errors() {
            0 => "### Warnings of oci-merge\n\n".to_owned(),
            _ => format!("### {}\n\n", cell(&heading::heading(self))),
        };
        out.push_str("| code | what | where | what to do |\n|---|---|---|---|\n");
        let end = |left: usize| match (left, self.errors()) {
            (0, 0) => "\n".to_owned(),
            (0, _) => format!("\n{}\n\n", cell(heading::footer(self).lines().next().unwrap_or_default())),
            (left, _) => format!("\nand {} more; the log has them.\n\n", count(left as u64)),
        };
        // The end may be longer by some digits.
        let room = most.saturating_sub(end(0).len().max(end(usize::MAX).len()));
        let all = self.leads().count();
        for (told, (entry, finding)) in self.leads().enumerate() {
            let row = self.row(entry, finding);
            if out.len() + row.len() > room {
                return if out.len() <= room { out + &end(all - told) } else { String::new() };
            }
            out.push_str(&row);
        }
        out + &end(0)
    }

    fn row(&self, entry: &Entry, finding: &Finding) -> String {
        let places = finding.owners().into_iter().filter_map(|owner| self.place(owner.name()));
        let places = places.filter(|place| place.line > 0);
        let places: Vec<String> = places.map(|place| cell(&format!("{}:{}", place.file, place.line))).collect();
        let fixes = entry.fixes.iter().map(|fix| match fix.shell() {
            Some(command) => format!("{}: <code>{}</code>", cell(&fix.title), cell(&command)),
            None => cell(&fix.title),
        });
        let fixes: Vec<String> = fixes.chain(entry.remark().as_deref().map(cell)).collect();
        let message = cell(&self.message(entry, finding));
        format!("| {} | {message} | {} | {} |\n", finding.code(), places.join("<br>"), fixes.join("<br>"))
    }

    /// Each cause that is not the repetition of another, and its first finding.
    fn leads(&self) -> impl Iterator<Item = (&Entry, &Finding)> {
        let entries = self.entries.iter().filter(|entry| entry.like.is_none());
        entries.filter_map(|entry| Some((entry, self.findings.get(*entry.members.first()?)?)))
    }
}
