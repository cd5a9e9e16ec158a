//! What is wrong with a spec: all of it, each with its place.

use super::Span;
use std::fmt;

/// Everything that is wrong with one spec, in the order of the file.
///
/// Displayed, it is one line an error, `FILE:LINE:COLUMN: error[CODE]: …`; a program with a terminal can draw the
/// places from [`text`](SpecErrors::text) and the spans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecErrors {
    file: String,
    text: String,
    errors: Vec<SpecError>,
}

/// One thing that is wrong with a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError {
    /// What kind of thing, such as `OM0101`.
    pub code: &'static str,
    /// What is wrong, in a line.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What belongs beside the place: a suggestion, or what was expected there. May be empty.
    pub label: String,
    /// The header of the table that it lies in.
    pub table: Option<Span>,
    /// What helps to mend it.
    pub note: Option<String>,
}

/// A key that is not known, or is not built yet.
pub(super) const UNKNOWN_KEY: &str = "OM0101";
/// Layers that would have to lie above each other.
pub(super) const CYCLE: &str = "OM0102";
/// A layer that there is not.
pub(super) const UNKNOWN_LAYER: &str = "OM0103";
/// Not a reference.
pub(super) const REFERENCE: &str = "OM0104";
/// A key that has to be there and is not.
pub(super) const MISSING_KEY: &str = "OM0105";
/// A key that is there twice.
pub(super) const DUPLICATE_KEY: &str = "OM0106";
/// A value of another type than the key wants.
pub(super) const WRONG_TYPE: &str = "OM0107";
/// A value of the right type that cannot be meant.
pub(super) const BAD_VALUE: &str = "OM0108";
/// The text is not TOML, or not JSON.
pub(super) const SYNTAX: &str = "OM0111";

impl SpecErrors {
    pub(super) fn new(file: &str, text: &str, mut errors: Vec<SpecError>) -> SpecErrors {
        errors.sort_by_key(|e| (e.span.range.start, e.span.range.end));
        SpecErrors { file: file.into(), text: text.into(), errors }
    }

    /// The name of the file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The text that the spans point into.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The errors, in the order of the file; there is at least one.
    pub fn errors(&self) -> &[SpecError] {
        &self.errors
    }

    /// The code of the first.
    pub fn code(&self) -> &'static str {
        self.errors.first().map_or(SYNTAX, |e| e.code)
    }
}

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.errors.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            let SpecError { code, message, span, label, .. } = error;
            write!(f, "{}:{}:{}: error[{code}]: {message}", self.file, span.line, span.column)?;
            if !label.is_empty() {
                write!(f, "; {label}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for SpecErrors {}
