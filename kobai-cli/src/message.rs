//! Errors and warnings as a person reads them: place, cause, fix.

use ariadne::{Color, Config, IndexType, Label, Report, ReportKind, Source};
use kobai::explain::{Language, diagnostic};
use kobai::source::Diagnostic;
use kobai_fit::error::DataError;
use kobai_fit::model::FitError;
use std::io::IsTerminal;

/// The input is at fault.
pub struct Failure(Kind);

enum Kind {
    Diagnostics { diagnostics: Vec<Diagnostic>, name: String, text: String, language: Language },
    Data(DataError),
    Text(String),
}

impl Failure {
    /// Something that can be said in one sentence.
    pub fn text(text: impl Into<String>) -> Failure {
        Failure(Kind::Text(text.into()))
    }

    /// Errors in a formula.
    pub fn diagnostics(diagnostics: Vec<Diagnostic>, source: &crate::source::Source) -> Failure {
        Failure(Kind::Diagnostics {
            diagnostics,
            name: source.name.clone(),
            text: source.text.clone(),
            language: source.language,
        })
    }

    /// What stopped a fit.
    pub fn of_fit(error: FitError, source: &crate::source::Source) -> Failure {
        match error {
            FitError::Data(error) => Failure(Kind::Data(error)),
            FitError::Formula(diagnostics) => Failure::diagnostics(diagnostics, source),
            FitError::Run(error) => Failure::diagnostics(vec![error.into()], source),
        }
    }

    /// Prints it to standard error.
    pub fn show(&self) {
        match &self.0 {
            Kind::Text(text) => eprintln!("error: {text}"),
            Kind::Data(error) => {
                eprintln!("error[{}]: {}", error.code, error.message());
                eprintln!("  cause: {}\n  fix: {}", error.cause(), error.fix());
            }
            Kind::Diagnostics { diagnostics, name, text, language } => {
                for diagnostic in diagnostics {
                    show(diagnostic, name, text, *language);
                }
            }
        }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Failure {
        Failure(Kind::Data(error))
    }
}

/// Prints a diagnostic to standard error, with its place in the text.
pub fn show(found: &Diagnostic, name: &str, text: &str, language: Language) {
    eprint!("{}", drawn(found, name, text, language, std::io::stderr().is_terminal()));
}

/// A diagnostic with its place in the text.
pub fn drawn(found: &Diagnostic, name: &str, text: &str, language: Language, color: bool) -> String {
    let message = diagnostic(found, language);
    let head = language.say(if found.is_error() { "word.error" } else { "word.warning" }, &[]);
    let mut out = format!("{head}[{}]: {}\n", found.code, message.message);
    let line = |word: &str, part: &str| {
        if part.is_empty() { String::new() } else { format!("  {}: {part}\n", language.say(word, &[])) }
    };
    let excerpt = found.span.and_then(|span| excerpt(text, span.start));
    let Some(span) = found.span.filter(|_| excerpt.is_none()) else {
        out.extend(excerpt.map(|excerpt| excerpt + "\n"));
        return out + &line("word.cause", &message.cause) + &line("word.fix", &message.fix);
    };
    let shade = if found.is_error() { Color::Red } else { Color::Yellow };
    let range = span.start.min(text.len())..span.end.min(text.len());
    let config = Config::default().with_color(color).with_index_type(IndexType::Byte);
    // A label without words is not drawn, and the place would go unseen.
    let words = if message.cause.is_empty() { "↑" } else { &message.cause };
    let label = Label::new((name, range.clone())).with_color(shade).with_message(words);
    let mut report = Report::build(ReportKind::Error, (name, range)).with_config(config).with_label(label);
    if let Some(other) = found.related {
        let range = other.start.min(text.len())..other.end.min(text.len());
        report = report.with_label(Label::new((name, range)).with_color(Color::Blue).with_message("↑"));
    }
    let mut drawn = Vec::new();
    // An error that cannot be drawn is still told in words.
    let _ = report.finish().write((name, Source::from(text)), &mut drawn);
    let drawn = String::from_utf8_lossy(&drawn);
    // The report's own first line has its words in English; ours is that of every other error.
    out + drawn.split_once('\n').map_or("", |(_, drawn)| drawn) + &line("word.fix", &message.fix)
}

/// A line longer than this is shown only near the place: nobody finds a mark in a screenful of text.
const LONGEST_LINE: usize = 500;

/// What stands around the place, with a caret below it, if its line is too long to be shown whole.
fn excerpt(text: &str, place: usize) -> Option<String> {
    const AROUND: usize = 30;
    let mut place = place.min(text.len());
    while !text.is_char_boundary(place) {
        place -= 1;
    }
    let (before, after) = text.split_at(place);
    let number = before.matches('\n').count() + 1;
    let before = before.rsplit('\n').next().unwrap_or_default();
    let after = after.split('\n').next().unwrap_or_default();
    if before.len() + after.len() <= LONGEST_LINE {
        return None;
    }
    let column = before.chars().count() + 1;
    let left: String = before.chars().skip((column - 1).saturating_sub(AROUND)).collect();
    let right: String = after.chars().take(AROUND).collect();
    let gap = " ".repeat(left.chars().count());
    Some(format!("  {number}:{column}\n    …{left}{right}…\n     {gap}^"))
}
