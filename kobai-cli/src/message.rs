//! Errors and warnings as a person reads them: place, cause, fix.

use ariadne::{Color, Config, IndexType, Label, Report, ReportKind, Source};
use kobai::explain::{Language, diagnostic};
use kobai::source::Diagnostic;
use kobai_fit::error::DataError;
use kobai_fit::fit::FitError;
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
    let message = diagnostic(found, language);
    let head = if found.is_error() { "word.error" } else { "word.warning" };
    let Some(span) = found.span else {
        eprintln!("{}[{}]: {}", language.say(head, &[]), found.code, message.message);
        for (word, part) in [("word.cause", &message.cause), ("word.fix", &message.fix)] {
            if !part.is_empty() {
                eprintln!("  {}: {part}", language.say(word, &[]));
            }
        }
        return;
    };
    let color = std::io::stderr().is_terminal();
    let (kind, shade) =
        if found.is_error() { (ReportKind::Error, Color::Red) } else { (ReportKind::Warning, Color::Yellow) };
    let range = span.start.min(text.len())..span.end.min(text.len());
    let config = Config::default().with_color(color).with_index_type(IndexType::Byte);
    let label = Label::new((name, range.clone())).with_color(shade);
    let label = if message.cause.is_empty() { label } else { label.with_message(&message.cause) };
    let mut report = Report::build(kind, (name, range))
        .with_config(config)
        .with_code(found.code)
        .with_message(&message.message)
        .with_label(label);
    if let Some(other) = found.related {
        let range = other.start.min(text.len())..other.end.min(text.len());
        report = report.with_label(Label::new((name, range)).with_color(Color::Blue));
    }
    if !message.fix.is_empty() {
        report = report.with_help(&message.fix);
    }
    // An error that cannot be printed cannot be reported either.
    let _ = report.finish().eprint((name, Source::from(text)));
}
