//! The parser: it never fails and never stops at the first error.

mod commands;
mod document;
mod equation;
mod expression;
mod lexer;
mod operator;
mod script;

use crate::formula::{Equation, Formula, Statement};
use crate::source::{Diagnostic, Span};
use lexer::Token;
use std::collections::HashSet;

/// What the parser read.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// The equations, in order.
    pub equations: Vec<Equation>,
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// A LaTeX formula, or several.
    Latex,
    /// The same language without backslashes, for a terminal.
    Plain,
    /// A document with display mathematics.
    Document,
}

/// Tells how a text is written, as a person would.
pub fn detect(text: &str) -> Syntax {
    let document = ["$$", "\\[", "```"].iter().any(|mark| text.contains(mark)) || text.starts_with("---\n");
    if document {
        return Syntax::Document;
    }
    let latex = text.contains('\\') || text.contains("_{") || text.contains("^{");
    let names = ["sum(", "prod(", "log(", "exp(", "sqrt(", "lse(", "mean("];
    let plain = !latex && (names.iter().any(|name| text.contains(name)) || text.contains(['[', ']']));
    if plain { Syntax::Plain } else { Syntax::Latex }
}

/// Reads a text. Spans are ranges of bytes in it.
pub fn parse(text: &str, syntax: Syntax) -> Parsed {
    let mut parsed = Parsed::default();
    let mut pieces: Vec<Vec<Token>> = Vec::new();
    for span in segments(text, syntax) {
        let tokens = lexer::tokens(text, span, syntax, &mut parsed.diagnostics);
        pieces.extend(equation::split(tokens, &mut parsed.diagnostics));
    }
    if pieces.is_empty() && !parsed.diagnostics.iter().any(Diagnostic::is_error) {
        parsed.diagnostics.push(Diagnostic::error("empty-input", Span::new(0, text.len())));
    }
    let known = equation::Known::collect(&pieces);
    for tokens in &pieces {
        if let Some(found) = equation::read(tokens, &known, &mut parsed.diagnostics) {
            parsed.equations.push(found);
        }
    }
    parsed
}

/// Reads a single expression.
///
/// # Errors
/// What is wrong with the text, or that it is no single expression.
pub fn parse_expression(text: &str, syntax: Syntax) -> Result<Formula, Vec<Diagnostic>> {
    let mut parsed = parse(text, syntax);
    if parsed.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(parsed.diagnostics);
    }
    match (parsed.equations.pop(), parsed.equations.is_empty()) {
        (Some(Equation { statement: Statement::Expression(formula), .. }), true) => Ok(formula),
        _ => Err(vec![Diagnostic::error("single-expression-expected", Span::new(0, text.len()))]),
    }
}

/// The display formulas of a document that are its program.
pub fn display_formulas(text: &str) -> Vec<Span> {
    document::display_formulas(text)
}

fn segments(text: &str, syntax: Syntax) -> Vec<Span> {
    match syntax {
        Syntax::Document => display_formulas(text),
        _ => vec![Span::new(0, text.len())],
    }
}

/// Names that the text defines: functions, and letters that then are no constants or functions.
type Names = HashSet<String>;
