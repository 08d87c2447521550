//! Expressions as text: LaTeX, plain text that reads back, and a form for the terminal.
//!
//! Conventions are settled once, in `print/layout.rs`; what a fraction or a sum looks like in a notation is settled in
//! `print/notation.rs`.

mod layout;
mod letters;
mod notation;

use crate::expr::{Context, Expr, Index, Symbol};
use layout::Printer;

/// A way to write expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// LaTeX, as in papers.
    Latex,
    /// The project's plain text, which reads back.
    Plain,
    /// Unicode for a terminal.
    Terminal,
}

/// An expression as text.
pub fn print(context: &Context, expr: Expr, notation: Notation) -> String {
    Printer::new(context, notation, expr).top(expr)
}

/// A condition as text, without the brackets of an indicator.
pub fn print_condition(context: &Context, expr: Expr, notation: Notation) -> String {
    Printer::new(context, notation, expr).condition(expr)
}

/// An entry of a symbol at free indices.
pub fn print_entry(context: &Context, symbol: Symbol, indices: &[Index], notation: Notation) -> String {
    let mut copy = context.clone();
    let entry = copy.entry_at(symbol, indices);
    print(&copy, entry, notation)
}
