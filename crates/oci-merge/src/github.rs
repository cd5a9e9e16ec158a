//! What GitHub shows of a run: annotations beside the lines of the spec, and the summary of a job.

use crate::number;
use crate::spec::SpecErrors;
use crate::{Built, JoinedLayer};
use oci_merge_image::shown;
use std::fmt;

/// How many annotations of one kind GitHub shows of a step.
pub(crate) const ANNOTATIONS: usize = 10;

/// How an annotation looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnnotationKind {
    /// Red.
    Error,
    /// Yellow.
    Warning,
    /// Grey.
    Notice,
}

/// A remark beside a line of a file.
///
/// Displayed, it is the workflow command that makes one, a line without its end.
///
/// ```
/// use oci_merge::{Annotation, AnnotationKind};
/// let annotation = Annotation {
///     kind: AnnotationKind::Error,
///     place: Some(("a,b.toml".into(), 7)),
///     title: "OM0201".into(),
///     message: "100 %\nsure".into(),
/// };
/// assert_eq!(annotation.to_string(), "::error file=a%2Cb.toml,line=7,title=OM0201::100 %25%0Asure");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// How it looks.
    pub kind: AnnotationKind,
    /// The file, from the root of the repository, and the line from 1.
    pub place: Option<(String, usize)>,
    /// A few words, such as the code.
    pub title: String,
    /// What it says.
    pub message: String,
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            AnnotationKind::Error => "error",
            AnnotationKind::Warning => "warning",
            AnnotationKind::Notice => "notice",
        };
        write!(f, "::{kind} ")?;
        if let Some((file, line)) = &self.place {
            write!(f, "file={},line={line},", property(file))?;
        }
        write!(f, "title={}::{}", property(&self.title), data(&self.message))
    }
}

impl SpecErrors {
    /// The errors as annotations, the first ten of them.
    pub fn annotations(&self) -> Vec<Annotation> {
        let annotation = |error: &crate::spec::SpecError| Annotation {
            kind: AnnotationKind::Error,
            place: Some((self.file().to_owned(), error.span.line)),
            title: error.code.to_owned(),
            message: match error.label.as_str() {
                "" => error.message.clone(),
                label => format!("{}; {label}", error.message),
            },
        };
        first_ten(self.errors().iter().map(annotation).collect())
    }
}

/// The first ten of each kind, and how many there are besides.
pub(crate) fn first_ten(all: Vec<Annotation>) -> Vec<Annotation> {
    let mut out = Vec::new();
    for (kind, what) in [(AnnotationKind::Error, "error"), (AnnotationKind::Warning, "warning")] {
        let of_kind = || all.iter().filter(|annotation| annotation.kind == kind);
        out.extend(of_kind().take(ANNOTATIONS).cloned());
        let left = of_kind().count().saturating_sub(ANNOTATIONS) as u64;
        if left > 0 {
            // Of another kind, for GitHub would not show an eleventh.
            let message = format!("and {} more; the log has them all", number::counted(left, what));
            let (kind, title) = (AnnotationKind::Notice, "oci-merge".to_owned());
            out.push(Annotation { kind, place: None, title, message });
        }
    }
    out
}

impl Built {
    /// The summary of a job that has built an image, in Markdown.
    pub fn job_summary(&self) -> String {
        let mut out = format!("### {} for {}\n\n", cell(&self.image), cell(&self.platform));
        for written in &self.written {
            out.push_str(&format!("<code>{}</code>\n\n", cell(&written.answer)));
        }
        out.push_str("| layer | version | prefix | size | what happened | sent |\n|---|---|---|--:|---|--:|\n");
        for layer in self.layers.iter().rev() {
            let (name, version, prefix) = (&layer.name, layer.version.as_deref().unwrap_or_default(), &layer.prefix);
            let (size, sent) = (number::bytes(layer.size), number::bytes(layer.bytes_sent));
            let row = [cell(name), cell(version), cell(prefix), size, layer.happened().to_owned(), sent];
            out.push_str(&format!("| {} |\n", row.join(" | ")));
            for JoinedLayer { name, version, prefix, size, .. } in layer.joined.iter().rev() {
                let row =
                    [cell(name), cell(version.as_deref().unwrap_or_default()), cell(prefix), number::bytes(*size)];
                out.push_str(&format!("| - {} | | |\n", row.join(" | ")));
            }
        }
        let (paths, warnings) = (number::counted(self.check.paths, "path"), self.check.warnings as u64);
        out.push_str(&format!("\n{paths} checked, no collisions, {}.\n\n", number::counted(warnings, "warning")));
        out
    }
}

/// Text in a cell of a table: nothing in it is Markdown or HTML, and no name can leave the cell.
pub(crate) fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in shown(text).to_string().replace("\\\\", "\\").chars() {
        match c {
            ' ' | '/' | '-' | '.' | ',' | ':' | '=' | '+' => out.push(c),
            c if c.is_ascii_alphanumeric() || !c.is_ascii() => out.push(c),
            c => out.push_str(&format!("&#{};", c as u32)),
        }
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
