//! From text to formulas: LaTeX, plain text, and documents that hold them.
//!
//! The parser never stops at the first error: it reports it, stands a [`Kind::Error`](crate::formula::Kind::Error) in
//! its place and goes on. Every span is a range of bytes in the text as it was given, also for documents.

pub mod article;
mod commands;
mod derivative;
mod detect;
mod document;
mod equation;
mod expression;
mod function;
mod letters;
mod lexer;
mod limit;
mod operator;
mod parser;
mod plain;
mod primary;
mod script;
mod split;
mod token;

pub use detect::detect;

use crate::formula::{Equation, Formula};
use crate::source::{Diagnostic, Span};
use parser::{Known, Parser};

/// What was read, and what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The equations in the order of the text.
    pub equations: Vec<Equation>,
    /// Errors and warnings, in the order of their places.
    pub diagnostics: Vec<Diagnostic>,
}

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// LaTeX, with or without the marks of a display around it.
    Latex,
    /// Plain text, `t[i,k] log(y[i,k])`.
    Plain,
    /// Markdown or article text with display maths.
    Document,
}

/// The function that a letter such as σ, or a name, stands for where the text does not define it.
pub fn function_named(plain: &str) -> Option<&'static str> {
    commands::function_letter(plain).or_else(|| commands::function_name(plain))
}

/// Reads a text.
pub fn parse(text: &str, syntax: Syntax) -> Parsed {
    let (blocks, mut diagnostics) = match syntax {
        Syntax::Document => {
            let displays = document::displays(text);
            (displays.blocks, displays.diagnostics)
        }
        _ => (vec![Span::new(0, text.len())], Vec::new()),
    };
    let mut pieces = Vec::new();
    for block in blocks {
        let tokens = lexer::tokens(text, block, syntax);
        pieces.extend(split::pieces(&tokens, &mut diagnostics));
    }
    let known = equation::known(text, syntax, &pieces);
    let equations: Vec<Equation> =
        pieces.into_iter().map(|piece| equation::equation(text, syntax, &known, piece, &mut diagnostics)).collect();
    if equations.is_empty() && diagnostics.is_empty() {
        diagnostics.push(equation::empty(text));
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    Parsed { equations, diagnostics }
}

/// Reads one expression or condition.
///
/// # Errors
/// Every error found, in the order of their places.
pub fn parse_expression(text: &str, syntax: Syntax) -> Result<Formula, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let tokens = lexer::tokens(text, Span::new(0, text.len()), syntax);
    let mut pieces = split::pieces(&tokens, &mut diagnostics).into_iter();
    let Some(piece) = pieces.next() else {
        return Err(vec![equation::empty(text)]);
    };
    if let Some(further) = pieces.next() {
        diagnostics.push(Diagnostic::error("more-than-one-expression", split::place(&further)));
    }
    let known = Known::default();
    let place = split::place(&piece);
    let mut parser = Parser::new(text, syntax, &known, piece, place);
    let formula = parser.relation();
    parser.rest_of_equation();
    diagnostics.append(&mut equation::reported(parser.diagnostics));
    diagnostics.retain(Diagnostic::is_error);
    if diagnostics.is_empty() { Ok(formula) } else { Err(diagnostics) }
}

/// The program's displays in a document, for callers that show them: what is inside `$$…$$`, `\[…\]` and code fences
/// marked `latex` or `math`, and environments with their `\begin` and `\end`.
pub fn display_formulas(text: &str) -> Vec<Span> {
    document::displays(text).blocks
}
