//! The errors of a spec, drawn into its text as rustc does.

use super::terminal::Terminal;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use oci_merge::spec::{SpecError, SpecErrors};
use oci_merge_image::shown;
use std::ops::Range;

/// How far up the header of a table may be to be shown with a place in it.
const NEAR: usize = 12;

/// Draws them all.
pub(crate) fn draw(errors: &SpecErrors, terminal: Terminal) -> String {
    let renderer = if terminal.colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let text = Escaped::new(errors.text());
    let drawn: Vec<String> = errors.errors().iter().map(|error| one(errors, error, &text, &renderer)).collect();
    drawn.join("\n\n")
}

fn one(errors: &SpecErrors, error: &SpecError, text: &Escaped, renderer: &Renderer) -> String {
    let place = AnnotationKind::Primary.span(text.range(&error.span.range)).label(&error.label);
    let mut snippet = Snippet::source(&text.text).path(errors.file()).annotation(place);
    if let Some(table) = error.table.as_ref().filter(|t| t.line < error.span.line && error.span.line - t.line < NEAR) {
        snippet = snippet.annotation(AnnotationKind::Visible.span(text.range(&table.range)));
    }
    let mut group = Level::ERROR.primary_title(&error.message).id(error.code).element(snippet);
    if let Some(note) = &error.note {
        group = group.element(Level::NOTE.no_name().message(note));
    }
    renderer.render(&[group])
}

/// A text in which nothing speaks to the terminal, and how far its places have moved.
struct Escaped {
    text: String,
    /// For each character that was escaped, in order: where it ended, and how much longer the text is from there on.
    grown: Vec<(usize, usize)>,
}

impl Escaped {
    fn new(text: &str) -> Escaped {
        let mut escaped = Escaped { text: String::with_capacity(text.len()), grown: Vec::new() };
        for (at, c) in text.char_indices() {
            // Lines, and what the drawing makes spaces of.
            if matches!(c, '\n' | '\r' | '\t' | '\\') || c == ' ' || c.is_ascii_graphic() {
                escaped.text.push(c);
                continue;
            }
            escaped.text.push_str(&shown(c.encode_utf8(&mut [0; 4])).to_string());
            let end = at + c.len_utf8();
            let more = escaped.text.len() - end;
            if escaped.grown.last().map_or(0, |(_, before)| *before) != more {
                escaped.grown.push((end, more));
            }
        }
        escaped
    }

    fn range(&self, range: &Range<usize>) -> Range<usize> {
        let moved = |at: usize| {
            let before = self.grown.partition_point(|(end, _)| *end <= at);
            at + before.checked_sub(1).and_then(|last| self.grown.get(last)).map_or(0, |(_, more)| *more)
        };
        moved(range.start)..moved(range.end)
    }
}
