//! What is wrong with a deck, shown at its place.

use super::document::{Place, Source};
use crate::error::{Error, InputError};
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};
use std::io::IsTerminal;

/// More than this many mistakes are counted, not shown.
const SHOWN: usize = 25;

/// How serious a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The deck cannot be used.
    Error,
    /// The deck can be used, but is probably not what was meant.
    Warning,
}

/// One mistake or oddity of a deck.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// How serious it is.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub title: String,
    /// What to write or do instead.
    pub help: Vec<String>,
    place: Option<Place>,
    label: String,
    context: Vec<(Place, String)>,
    fix: Option<Fix>,
}

/// A correction that can be shown as an edit of the line.
#[derive(Clone, Debug, PartialEq)]
struct Fix {
    words: String,
    place: Place,
    text: String,
}

impl Diagnostic {
    pub(super) fn error(title: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            title: title.into(),
            help: Vec::new(),
            place: None,
            label: String::new(),
            context: Vec::new(),
            fix: None,
        }
    }

    pub(super) fn warning(title: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(title)
        }
    }

    /// Underlines a place, with a few words beside the carets (may be empty).
    pub(super) fn at(mut self, place: Place, label: impl Into<String>) -> Self {
        self.place = Some(place);
        self.label = label.into();
        self
    }

    /// As [`Diagnostic::at`] when there is a place.
    pub(super) fn maybe_at(self, place: Option<Place>, label: impl Into<String>) -> Self {
        match place {
            Some(place) => self.at(place, label),
            None => self,
        }
    }

    /// Also shows a second place.
    pub(super) fn and_at(mut self, place: Option<Place>, label: impl Into<String>) -> Self {
        self.context.extend(place.map(|p| (p, label.into())));
        self
    }

    /// Adds a sentence of advice.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Shows the line with `place` replaced by `text`.
    pub(super) fn replace(
        mut self,
        words: impl Into<String>,
        place: Place,
        text: impl Into<String>,
    ) -> Self {
        self.fix = Some(Fix {
            words: words.into(),
            place,
            text: text.into(),
        });
        self
    }

    pub(super) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }
}

/// All that was found in one deck, with the texts needed to show it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    sources: Vec<Source>,
}

impl Diagnostics {
    /// Sorts by place and keeps the texts.
    pub(super) fn new(mut items: Vec<Diagnostic>, sources: Vec<Source>) -> Diagnostics {
        items.sort_by_key(|d| {
            d.place
                .as_ref()
                .map_or((0, usize::MAX), |p| (p.source, p.span.start))
        });
        Diagnostics { items, sources }
    }

    /// The diagnostics in the order of the text.
    pub fn items(&self) -> &[Diagnostic] {
        &self.items
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Line and column (both from 1, columns in characters) where a diagnostic of this collection points; `None` when
    /// it concerns the deck as a whole.
    pub fn position(&self, diagnostic: &Diagnostic) -> Option<(usize, usize)> {
        let place = diagnostic.place.as_ref()?;
        let before = self
            .sources
            .get(place.source)?
            .text
            .get(..place.span.start)?;
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        Some((line, column))
    }

    /// Whether a diagnostic points into an override instead of the deck.
    pub fn in_override(&self, diagnostic: &Diagnostic) -> bool {
        diagnostic.place.as_ref().is_some_and(|p| p.source > 0)
    }

    /// The text for a person, with ANSI colours or without.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut text = String::new();
        for item in self.items.iter().take(SHOWN) {
            text.push_str(&renderer.render(&self.report(item)));
            text.push_str("\n\n");
        }
        let errors = self
            .items
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .count();
        if errors > 1 {
            let path = self.sources.first().map_or("the deck", |s| s.path.as_str());
            let more = if self.items.len() > SHOWN {
                format!(", the first {SHOWN} are shown")
            } else {
                String::new()
            };
            let title = format!("{path} has {errors} mistakes{more}");
            text.push_str(
                &renderer.render(&[Group::with_title(Level::ERROR.primary_title(title))]),
            );
            text.push('\n');
        }
        text
    }

    fn report<'a>(&'a self, item: &'a Diagnostic) -> Vec<Group<'a>> {
        let level = match item.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(item.title.as_str()));
        match &item.place {
            Some(place) => {
                let same = item.context.iter().filter(|c| c.0.source == place.source);
                let snippet = self
                    .snippet(place.source)
                    .annotation(
                        AnnotationKind::Primary
                            .span(self.clamp(place))
                            .label(words(&item.label)),
                    )
                    .annotations(same.map(|c| {
                        AnnotationKind::Context
                            .span(self.clamp(&c.0))
                            .label(words(&c.1))
                    }));
                group = group.element(snippet);
                for (other, label) in item.context.iter().filter(|c| c.0.source != place.source) {
                    let annotation = AnnotationKind::Context
                        .span(self.clamp(other))
                        .label(words(label));
                    group = group.element(self.snippet(other.source).annotation(annotation));
                }
            }
            None => {
                if let Some(source) = self.sources.first() {
                    group = group.element(Origin::path(source.path.as_str()));
                }
            }
        }
        for help in &item.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let mut groups = vec![group];
        if let Some(fix) = &item.fix {
            let patch = Patch::new(self.clamp(&fix.place), fix.text.as_str());
            let snippet = self
                .snippet(fix.place.source)
                .path(None::<&str>)
                .patch(patch);
            groups.push(
                Level::HELP
                    .secondary_title(fix.words.as_str())
                    .element(snippet),
            );
        }
        groups
    }

    fn snippet<'a, T: Clone>(&'a self, source: usize) -> Snippet<'a, T> {
        match self.sources.get(source) {
            Some(s) if source == 0 => Snippet::source(s.text.as_str()).path(s.path.as_str()),
            Some(s) => Snippet::source(s.text.as_str()).line_numbering(false),
            None => Snippet::source(""),
        }
    }

    /// A span that lies in its text and on character boundaries whatever happened.
    fn clamp(&self, place: &Place) -> std::ops::Range<usize> {
        let text = self
            .sources
            .get(place.source)
            .map_or("", |s| s.text.as_str());
        let floor = |at: usize| {
            (0..=at.min(text.len()))
                .rev()
                .find(|&i| text.is_char_boundary(i))
                .unwrap_or(0)
        };
        let start = floor(place.span.start);
        start..floor(place.span.end).max(start)
    }
}

fn words(label: &str) -> Option<&str> {
    Some(label).filter(|l| !l.is_empty())
}

/// Whether messages on standard error should have colours: it is a terminal and `NO_COLOR` is not set.
pub fn colour_wanted() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

impl From<Diagnostics> for Error {
    /// The whole report as one input error, coloured when [`colour_wanted`] says so.
    fn from(all: Diagnostics) -> Error {
        let mut error = InputError {
            rendered: Some(all.render(colour_wanted())),
            ..InputError::default()
        };
        if let Some(first) = all.items.iter().find(|d| d.severity == Severity::Error) {
            let path = all.sources.first().map_or("", |s| s.path.as_str());
            error.place = match all.position(first) {
                Some((line, column)) => format!("{path}:{line}:{column}"),
                None => path.to_owned(),
            };
            error.reason = first.title.clone();
            error.advice = first.help.join("; ");
        }
        Error::Input(Box::new(error))
    }
}
