//! The errors of a spec, drawn into its text as rustc does.

use super::terminal::Terminal;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use oci_merge::spec::{SpecError, SpecErrors};

/// How far up the header of a table may be to be shown with a place in it.
const NEAR: usize = 12;

/// Draws them all.
pub(crate) fn draw(errors: &SpecErrors, terminal: Terminal) -> String {
    let renderer = if terminal.colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let drawn: Vec<String> = errors.errors().iter().map(|error| one(errors, error, &renderer)).collect();
    drawn.join("\n\n")
}

fn one(errors: &SpecErrors, error: &SpecError, renderer: &Renderer) -> String {
    let place = AnnotationKind::Primary.span(error.span.range.clone()).label(&error.label);
    let mut snippet = Snippet::source(errors.text()).path(errors.file()).annotation(place);
    if let Some(table) = error.table.as_ref().filter(|t| t.line < error.span.line && error.span.line - t.line < NEAR) {
        snippet = snippet.annotation(AnnotationKind::Visible.span(table.range.clone()));
    }
    let mut group = Level::ERROR.primary_title(&error.message).id(error.code).element(snippet);
    if let Some(note) = &error.note {
        group = group.element(Level::NOTE.no_name().message(note));
    }
    renderer.render(&[group])
}
